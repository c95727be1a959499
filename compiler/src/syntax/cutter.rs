//! One segment's tokens in, its statements and blocks out. Never fails: what is missing is supplied, what is
//! too much is skipped, and each such place is one finding.

use super::{
    codes,
    cut::Mark,
    mend,
    report::Report,
    token::{Kind, Token},
    tree::{Block, Piece, Statement},
    words,
};
use crate::diagnostic::Diagnostic;

/// How deep blocks may be nested.
pub(super) const BLOCK_DEPTH_MAX: usize = 64;
/// How deep brackets may be nested in one statement.
pub(super) const BRACKET_DEPTH_MAX: usize = 48;
/// How long the head of one statement may be.
const STATEMENT_BYTES_MAX: usize = 64 * 1024;

/// A cut segment.
pub(crate) struct Cut {
    pub(crate) statements: Vec<Statement>,
    pub(crate) found: Vec<Diagnostic>,
    pub(crate) missing_closers: usize,
}

/// A statement that is being read.
pub(super) struct Line {
    pub(super) statement: Statement,
    /// Open brackets: the kind and where they stand.
    pub(super) brackets: Vec<(Kind, usize, usize)>,
    /// Open `<` of type arguments.
    pub(super) angles: usize,
    /// The indentation of its first line.
    pub(super) indent: u32,
}

/// A block that is being read.
pub(super) struct Frame {
    pub(super) owner: Statement,
    pub(super) block: Block,
    /// The indentation of the line that opened it.
    pub(super) indent: u32,
    /// The `{` was forgotten and has been supplied.
    pub(super) supplied: bool,
}

pub(super) struct Cutter<'r, 't> {
    pub(super) report: &'r Report<'t>,
    pub(super) found: Vec<Diagnostic>,
    pub(super) root: Vec<Statement>,
    pub(super) frames: Vec<Frame>,
    pub(super) line: Option<Line>,
    pub(super) by_indent: bool,
    pub(super) missing_closers: usize,
    /// Where closers were last found missing, and which finding says so.
    pub(super) last_missing: Option<(usize, usize)>,
    /// The last token that was read.
    pub(super) last_end: usize,
}

/// Cuts one segment. With `by_indent`, a line that is indented no deeper than the line that opened a block
/// closes that block.
pub(crate) fn cut_segment(
    report: &Report<'_>,
    marks: &[Mark],
    next: Option<Token>,
    by_indent: bool,
) -> Cut {
    let mut cutter = Cutter {
        report,
        found: Vec::new(),
        root: Vec::new(),
        frames: Vec::new(),
        line: None,
        by_indent,
        missing_closers: 0,
        last_missing: None,
        last_end: marks.first().map_or(0, |mark| mark.token.start),
    };
    let mut index = 0;
    while let Some(mark) = marks.get(index) {
        cutter.before(mark, marks.get(index + 1));
        index = cutter.take(marks, index);
        if let Some(last) = marks.get(index.saturating_sub(1)) {
            cutter.last_end = last.token.end;
        }
    }
    cutter.finish_line();
    while let Some(frame) = cutter.frames.last() {
        if !frame.supplied {
            cutter.report_missing_closer(next);
        }
        cutter.close_block(cutter.last_end);
    }
    Cut {
        statements: cutter.root,
        found: cutter.found,
        missing_closers: cutter.missing_closers,
    }
}

impl Cutter<'_, '_> {
    pub(super) fn text(&self, mark: &Mark) -> &str {
        mark.token.text(self.report.text)
    }

    /// What a new line means for the statement and the blocks that are open.
    fn before(&mut self, mark: &Mark, next: Option<&Mark>) {
        if !mark.first_on_line {
            return;
        }
        if let Some(line) = &self.line {
            let ends = if line.brackets.is_empty() {
                !(self.wants_more(line) || self.continues(mark, next))
            } else {
                mark.column <= line.indent && !is_closer(mark.token.kind)
            };
            if !ends {
                return;
            }
            let indent = line.indent;
            if !self.supply_opener(mark, indent) {
                self.finish_line();
            }
        }
        while let Some(frame) = self.frames.last() {
            let closer = mark.token.kind == Kind::BraceClose;
            let ended = if closer {
                mark.column < frame.indent
            } else {
                mark.column <= frame.indent
            };
            if !ended || !(frame.supplied || self.by_indent) {
                return;
            }
            if !frame.supplied {
                self.report_missing_closer(Some(mark.token));
            }
            self.close_block(self.last_end);
        }
    }

    /// Whether the statement cannot end here: something must follow its last token.
    fn wants_more(&self, line: &Line) -> bool {
        let pieces = &line.statement.pieces;
        let Some(last) = pieces.last() else {
            return false;
        };
        let word = last.text(self.report.text);
        match last.kind {
            Kind::Comma | Kind::Assign | Kind::Colon | Kind::Arrow => true,
            Kind::ForeignOperator => word != "!",
            Kind::Gt | Kind::Lt if last.instead.is_some() => false,
            kind if kind.is_symbolic_infix() => true,
            Kind::Word => {
                let Some(before) = pieces.len().checked_sub(2).and_then(|at| pieces.get(at)) else {
                    return false;
                };
                let before_word = before.text(self.report.text);
                if matches!(before.kind, Kind::Dot | Kind::QuestionDot | Kind::Comma) {
                    return false;
                }
                words::INFIX.contains(&word)
                    || (word == "with" && matches!(before_word, "starts" | "ends"))
            }
            _ => false,
        }
    }

    /// Whether a token at the start of a line belongs to the line above.
    fn continues(&self, mark: &Mark, next: Option<&Mark>) -> bool {
        match mark.token.kind {
            Kind::Dot | Kind::QuestionDot | Kind::Arrow => true,
            Kind::ForeignOperator => self.text(mark) != "!",
            kind if kind.is_symbolic_infix() => true,
            Kind::Word => {
                words::CONTINUING.contains(&self.text(mark))
                    && next.is_none_or(|next| next.token.kind != Kind::Colon)
            }
            _ => false,
        }
    }

    /// Reads the token at `index`; returns the index of the next one to read.
    fn take(&mut self, marks: &[Mark], index: usize) -> usize {
        let Some(mark) = marks.get(index) else {
            return index + 1;
        };
        match mark.token.kind {
            Kind::BraceOpen => return self.open_brace(marks, index),
            Kind::BraceClose => self.close_brace(mark),
            Kind::ParenClose | Kind::SquareClose => self.close_bracket(mark),
            // Reported once for the whole file, see `mend::file`.
            Kind::Semicolon => {
                if self
                    .line
                    .as_ref()
                    .is_some_and(|line| line.brackets.is_empty())
                {
                    self.finish_line();
                }
            }
            Kind::ParenOpen | Kind::SquareOpen => {
                self.push(mark);
                self.open_bracket(mark);
            }
            Kind::Lt => {
                let opens = self.line.as_ref().is_some_and(|line| {
                    line.statement.pieces.last().is_some_and(|last| {
                        last.kind == Kind::Word
                            && last.end == mark.token.start
                            && last
                                .text(self.report.text)
                                .starts_with(|first: char| first.is_ascii_uppercase())
                    })
                });
                self.push(mark);
                if let Some(line) = self.line.as_mut().filter(|_| opens) {
                    line.angles += 1;
                    if let Some(piece) = line.statement.pieces.last_mut() {
                        piece.instead = Some("<".to_owned());
                    }
                    if line.angles > BRACKET_DEPTH_MAX {
                        self.too_deep(mark);
                    }
                }
            }
            Kind::Gt => {
                self.push(mark);
                if let Some(line) = self.line.as_mut().filter(|line| line.angles > 0) {
                    line.angles -= 1;
                    if let Some(piece) = line.statement.pieces.last_mut() {
                        piece.instead = Some(">".to_owned());
                    }
                }
            }
            _ => self.push(mark),
        }
        index + 1
    }

    pub(super) fn push(&mut self, mark: &Mark) {
        let line = self.line.get_or_insert_with(|| Line {
            statement: Statement::default(),
            brackets: Vec::new(),
            angles: 0,
            indent: mark.indent,
        });
        line.statement.pieces.push(Piece {
            kind: mark.token.kind,
            start: mark.token.start,
            end: mark.token.end,
            instead: None,
            doc: mark.doc.clone(),
        });
    }

    pub(super) fn open_bracket(&mut self, mark: &Mark) {
        let Some(line) = &mut self.line else { return };
        line.brackets
            .push((mark.token.kind, mark.token.start, mark.token.end));
        if line.brackets.len() > BRACKET_DEPTH_MAX {
            self.too_deep(mark);
        }
    }

    /// `{`: a JSON object inside brackets, a block elsewhere.
    fn open_brace(&mut self, marks: &[Mark], index: usize) -> usize {
        let Some(mark) = marks.get(index) else {
            return index + 1;
        };
        if self
            .line
            .as_ref()
            .is_some_and(|line| !line.brackets.is_empty())
        {
            if self.object_may_stand_here() {
                self.push(mark);
                self.open_bracket(mark);
                return index + 1;
            }
            self.close_open_brackets(
                0,
                (mark.token.start, mark.token.end),
                "the block begins here",
            );
        }
        let (owner, indent) = match self.line.take() {
            Some(line) => {
                let indent = line.indent;
                (self.finished(line), indent)
            }
            None => (self.headless(mark), mark.indent),
        };
        let block = Block {
            start: mark.token.start,
            end: mark.token.end,
            statements: Vec::new(),
        };
        if self.frames.len() >= BLOCK_DEPTH_MAX {
            return self.skip_block(marks, index, owner, block);
        }
        self.frames.push(Frame {
            owner,
            block,
            indent,
            supplied: false,
        });
        index + 1
    }

    /// Inside brackets, an object stands after `(`, `[`, `,`, `:` or an operator; after anything else a closing
    /// bracket was forgotten and the brace opens a block.
    fn object_may_stand_here(&self) -> bool {
        let Some(line) = &self.line else { return false };
        let last = line.statement.pieces.last();
        last.is_some_and(|last| matches!(last.kind, Kind::ParenOpen | Kind::SquareOpen))
            || self.wants_more(line)
    }

    fn close_brace(&mut self, mark: &Mark) {
        let range = (mark.token.start, mark.token.end);
        if let Some(line) = &self.line {
            if let Some(open) = line
                .brackets
                .iter()
                .rposition(|(kind, ..)| *kind == Kind::BraceOpen)
            {
                self.close_open_brackets(open + 1, range, "the object ends here");
                self.push(mark);
                if let Some(line) = &mut self.line {
                    line.brackets.pop();
                }
                return;
            }
            if !line.brackets.is_empty() {
                self.close_open_brackets(0, range, "the block ends here");
            }
        }
        self.finish_line();
        let too_deep = |frame: &Frame| mark.first_on_line && mark.column > frame.indent;
        let stray = self.by_indent && self.frames.last().is_some_and(too_deep);
        if self.frames.is_empty() || stray {
            self.stray(mark);
        } else {
            self.close_block(mark.token.end);
        }
    }

    /// Ends the statement that is being read, if any.
    fn finish_line(&mut self) {
        let end = self.last_end;
        self.close_open_brackets(0, (end, end), "the statement ends here");
        if let Some(line) = self.line.take() {
            let statement = self.finished(line);
            self.add(statement);
        }
    }

    pub(super) fn finished(&mut self, line: Line) -> Statement {
        let mut statement = line.statement;
        let (start, end) = statement.range();
        if end - start > STATEMENT_BYTES_MAX {
            self.found.push(
                self.report
                    .error(
                        codes::STATEMENT_TOO_LONG,
                        format!(
                            "this statement is longer than {} KiB",
                            STATEMENT_BYTES_MAX / 1024
                        ),
                        (start, start + 1),
                        "it begins here",
                    )
                    .help("split it with `let`"),
            );
            statement.pieces.truncate(2);
            statement.reported = true;
            return statement;
        }
        if too_nested(&statement, self.report.text) {
            // Reading it would go as deep as it is nested; the finding is there already.
            statement.pieces.truncate(2);
            statement.reported = true;
            return statement;
        }
        mend::mend(self.report, &mut statement, &mut self.found);
        statement
    }

    pub(super) fn add(&mut self, statement: Statement) {
        match self.frames.last_mut() {
            Some(frame) => frame.block.statements.push(statement),
            None => self.root.push(statement),
        }
    }

    pub(super) fn close_block(&mut self, end: usize) {
        self.finish_line();
        if let Some(mut frame) = self.frames.pop() {
            frame.block.end = end.max(frame.block.start);
            frame.owner.block = Some(frame.block);
            self.add(frame.owner);
        }
    }
}

pub(super) fn is_closer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ParenClose | Kind::SquareClose | Kind::BraceClose
    )
}

/// Whether brackets in a head lie deeper in each other than is read.
fn too_nested(statement: &Statement, text: &str) -> bool {
    let mut depth = 0_usize;
    statement.pieces.iter().any(|piece| {
        match piece.text(text) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > BRACKET_DEPTH_MAX
    })
}
