//! Statements in, lines with their comments and blank lines out.

use super::super::{
    token::{Kind, Token},
    tree::{Block, Statement},
};
use super::head::Head;
use super::{Finding, INDENT, WIDTH};

/// Prints statements one after the other.
pub(super) struct Printer<'t> {
    text: &'t str,
    tokens: &'t [Token],
    findings: &'t [Finding],
    /// Up to where the file has been printed.
    pos: usize,
    out: String,
    /// How much had been printed when the last block was opened.
    opened: usize,
}

/// A state to come back to.
pub(super) struct Mark {
    pos: usize,
    len: usize,
}

impl<'t> Printer<'t> {
    pub(super) fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        Printer {
            text,
            tokens,
            findings: &[],
            pos: 0,
            out: String::with_capacity(text.len()),
            opened: 0,
        }
    }

    /// Says what is wrong with the item that comes next.
    pub(super) fn look_at(&mut self, findings: &'t [Finding]) {
        self.findings = findings;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            pos: self.pos,
            len: self.out.len(),
        }
    }

    pub(super) fn since(&self, mark: &Mark) -> &str {
        &self.out[mark.len..]
    }

    pub(super) fn rewind(&mut self, mark: Mark) {
        self.pos = mark.pos;
        self.out.truncate(mark.len);
        self.opened = 0;
    }

    /// What is left of the file: comments. Each line has been ended.
    pub(super) fn finish(mut self) -> String {
        self.trivia(self.text.len(), 0, true);
        self.out
    }

    fn tokens_from(&self, pos: usize) -> &'t [Token] {
        let first = self.tokens.partition_point(|token| token.start < pos);
        &self.tokens[first..]
    }

    /// Comments and blank lines up to a place. Runs of blank lines become one; at the beginning of a block, and
    /// before its end, there are none.
    pub(super) fn trivia(&mut self, until: usize, indent: usize, closing: bool) {
        // The line before has been ended already.
        let mut newlines = usize::from(self.out.is_empty() || self.out.ends_with('\n'));
        for token in self.tokens_from(self.pos) {
            if token.start >= until {
                break;
            }
            match token.kind {
                Kind::Newline => newlines += 1,
                Kind::Space => {}
                _ => {
                    self.blank_line(newlines);
                    self.out.push_str(&" ".repeat(indent));
                    self.out.push_str(token.text(self.text).trim_end());
                    self.out.push('\n');
                    newlines = 0;
                }
            }
        }
        if !closing {
            self.blank_line(newlines);
        }
        self.pos = self.pos.max(until);
    }

    fn blank_line(&mut self, newlines: usize) {
        // Neither at the beginning of the file nor of a block.
        let first = self.out.len() == self.opened;
        if newlines >= 2 && !first && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Ends a line: a comment that stands on it comes along, and so does its line break.
    fn end_line(&mut self) {
        for token in self.tokens_from(self.pos) {
            match token.kind {
                Kind::Space => {}
                Kind::Newline => {
                    self.pos = token.end;
                    break;
                }
                Kind::Comment | Kind::Doc | Kind::HashComment => {
                    self.out.push_str("  ");
                    self.out.push_str(token.text(self.text).trim_end());
                    self.pos = token.end;
                }
                _ => break,
            }
        }
        // A text that was left open may have taken the line's end with it, or a return, which ends no line here.
        let end = self.out.trim_end_matches('\r').len();
        self.out.truncate(end);
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// A part of the file as it stands.
    pub(super) fn verbatim(&mut self, start: usize, end: usize) {
        self.out.push_str(self.text.get(start..end).unwrap_or(""));
        self.pos = end;
        self.end_line();
    }

    /// An item; whether it could be printed.
    pub(super) fn statement(&mut self, statement: &Statement, indent: usize) -> bool {
        if !self.print(statement, indent, "") {
            return false;
        }
        self.end_line();
        true
    }

    /// A statement without its last line's end.
    fn print(&mut self, statement: &Statement, indent: usize, parent: &str) -> bool {
        let (start, end) = statement.range();
        if statement.pieces.is_empty() {
            return false;
        }
        let first = statement.word(self.text, 0).to_owned();
        let inline = statement.block.as_ref().and_then(|b| self.inline(b));
        let members = matches!(parent, "enum" | "type");
        // The brace that opens the block has to fit behind the head.
        let room = if statement.block.is_some() { 2 } else { 0 };
        let head = match self.is_broken(statement) {
            true => None,
            false => Head::new(self.text, self.tokens, statement),
        };
        let lines = match head {
            Some(mut head) => head.lines(indent, members, room),
            None => self.text.get(start..end).unwrap_or("").to_owned(),
        };
        if let (Some(block), Some(inside)) = (&statement.block, inline) {
            let last = lines.rsplit('\n').next().unwrap_or("").chars().count();
            let at = if lines.contains('\n') { 0 } else { indent };
            if at + last + 1 + inside.chars().count() <= WIDTH {
                self.out.push_str(&lines);
                self.out.push(' ');
                self.out.push_str(&inside);
                self.pos = block.end;
                return true;
            }
        }
        self.opened_up(statement, indent, &first, lines)
    }

    /// A statement's head, and its block over several lines.
    fn opened_up(
        &mut self,
        statement: &Statement,
        indent: usize,
        first: &str,
        lines: String,
    ) -> bool {
        self.out.push_str(&lines);
        self.pos = statement.range().1;
        let Some(block) = &statement.block else {
            return true;
        };
        if !self.is_closed(block) || self.has_comment(self.pos, block.start) {
            return false;
        }
        self.out.push_str(" {");
        self.pos = block.start + 1;
        let empty =
            block.statements.is_empty() && !self.has_comment(block.start + 1, block.end - 1);
        if empty {
            self.out.push_str(" }");
            self.pos = block.end;
            return true;
        }
        self.end_line();
        self.opened = self.out.len();
        if !self.inside(block, indent + INDENT, first) {
            return false;
        }
        self.trivia(block.end - 1, indent + INDENT, true);
        self.out.push_str(&" ".repeat(indent));
        self.out.push('}');
        self.pos = block.end;
        true
    }

    /// The statements of a block, a line each at least.
    fn inside(&mut self, block: &Block, indent: usize, parent: &str) -> bool {
        let mut before: Option<&Statement> = None;
        for statement in &block.statements {
            let start = statement.range().0;
            let joined = parent != "match"
                && statement.word(self.text, 0) == "else"
                && before.is_some_and(|b| {
                    b.block.is_some() && matches!(b.word(self.text, 0), "if" | "else")
                })
                && before.is_some_and(|b| !self.has_comment(b.end(), start));
            if joined {
                // `} else {` stands on the line of the brace.
                let end = self.out.trim_end().len();
                self.out.truncate(end);
                self.out.push(' ');
                self.pos = start;
            } else {
                self.trivia(start, indent, false);
                self.out.push_str(&" ".repeat(indent));
            }
            if !self.print(statement, indent, parent) {
                return false;
            }
            // A comment behind the brace stays there, before an `else` it ends the line.
            self.end_line();
            before = Some(statement);
        }
        true
    }

    /// A block on one line, where the author wrote it so and it holds one line at most.
    fn inline(&self, block: &Block) -> Option<String> {
        let source = self.text.get(block.start..block.end)?;
        if source.contains('\n')
            || !self.is_closed(block)
            || self.has_comment(block.start, block.end)
        {
            return None;
        }
        match block.statements.as_slice() {
            [] => Some("{ }".to_owned()),
            [only] if !only.pieces.is_empty() && !self.is_broken(only) => {
                let head = Head::new(self.text, self.tokens, only)?.lines(0, false, 0);
                if head.contains('\n') {
                    return None;
                }
                // A block in a block is opened up.
                only.block.is_none().then(|| format!("{{ {head} }}"))
            }
            _ => None,
        }
    }

    /// Whether a line cannot be read, or holds what the grammar does not know.
    fn is_broken(&self, statement: &Statement) -> bool {
        let (start, end) = statement.range();
        let found = self
            .findings
            .iter()
            .any(|(_, (from, to))| *from <= end && start <= *to && (*from < end || from == to));
        let foreign = statement.pieces.iter().any(|piece| {
            let angle = matches!(piece.kind, Kind::Lt | Kind::Gt);
            (piece.instead.is_some() && !angle)
                || matches!(
                    piece.kind,
                    Kind::ForeignWord
                        | Kind::ForeignOperator
                        | Kind::BadNumber
                        | Kind::OpenText
                        | Kind::OpenBlock
                        | Kind::SingleQuoted
                        | Kind::SmartQuoted
                )
        });
        found || foreign || statement.reported || statement.mended
    }

    fn is_closed(&self, block: &Block) -> bool {
        block.end > block.start + 1 && self.text.as_bytes().get(block.end - 1) == Some(&b'}')
    }

    fn has_comment(&self, from: usize, to: usize) -> bool {
        self.tokens_from(from)
            .iter()
            .take_while(|token| token.start < to)
            .any(|token| {
                token.kind.is_trivia() && !matches!(token.kind, Kind::Space | Kind::Newline)
            })
    }
}
