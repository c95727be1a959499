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
    pub(super) fn new(text: &'t str, tokens: &'t [Token], findings: &'t [Finding]) -> Self {
        Printer {
            text,
            tokens,
            findings,
            pos: 0,
            out: String::with_capacity(text.len()),
            opened: 0,
        }
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

    /// What is left of the file: comments. The result ends with one line break.
    pub(super) fn finish(mut self) -> String {
        self.trivia(self.text.len(), 0, true);
        let end = self.out.trim_end_matches('\n').len();
        self.out.truncate(end);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
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
        let mut tokens = self.tokens_from(self.pos).iter();
        while let Some(token) = tokens.next().filter(|token| token.start < until) {
            match token.kind {
                Kind::Newline => newlines += 1,
                Kind::Space => {}
                kind => {
                    self.blank_line(newlines);
                    self.out.push_str(&" ".repeat(indent));
                    let mut end = token.end;
                    if !kind.is_trivia() {
                        // What nobody can read stays as it stands, up to the end of its line.
                        let rest = tokens.clone().take_while(|t| {
                            t.start < until && !matches!(t.kind, Kind::Newline | Kind::Comment)
                        });
                        for token in rest {
                            if token.kind != Kind::Space {
                                end = token.end;
                            }
                            tokens.next();
                        }
                    }
                    let written = self.text.get(token.start..end).unwrap_or("");
                    self.out.push_str(if kind.is_trivia() {
                        written.trim_end()
                    } else {
                        written
                    });
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
        self.out.push('\n');
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
        // What has to fit behind the head: the block when it stands on the same line, or its brace.
        let room = match (&statement.block, &inline) {
            (None, _) => 0,
            (Some(_), None) => 2,
            (Some(_), Some(block)) => block.chars().count() + 1,
        };
        let members = matches!(parent, "enum" | "type");
        let lines = match Head::new(self.text, self.tokens, statement) {
            _ if self.is_broken(statement) => self.text.get(start..end).unwrap_or("").to_owned(),
            Some(mut head) => {
                let lines = head.lines(indent, members, room);
                let last = lines.rsplit('\n').next().unwrap_or("").chars().count();
                let at = if lines.contains('\n') { 0 } else { indent };
                if inline.is_some() && at + last + room > WIDTH {
                    // The block does not fit behind the head: it is opened, and the head has more room.
                    let mut head = match Head::new(self.text, self.tokens, statement) {
                        Some(head) => head,
                        None => return false,
                    };
                    let lines = head.lines(indent, members, 2);
                    return self.opened_up(statement, indent, &first, lines);
                }
                lines
            }
            None => self.text.get(start..end).unwrap_or("").to_owned(),
        };
        match (&statement.block, inline) {
            (Some(block), Some(inside)) => {
                self.out.push_str(&lines);
                self.out.push(' ');
                self.out.push_str(&inside);
                self.pos = block.end;
                true
            }
            _ => self.opened_up(statement, indent, &first, lines),
        }
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
