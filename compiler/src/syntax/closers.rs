//! What is missing or too much between brackets and braces: supplied or skipped, and reported once.

use super::{
    codes,
    cut::Mark,
    cutter::{BLOCK_DEPTH_MAX, BRACKET_DEPTH_MAX, Cutter, Frame, is_closer},
    token::{Kind, Token},
    tree::{Block, Piece, Statement},
    words,
};
use crate::diagnostic::Label;

impl Cutter<'_, '_> {
    pub(super) fn close_bracket(&mut self, mark: &Mark) {
        let wanted = if mark.token.kind == Kind::ParenClose {
            Kind::ParenOpen
        } else {
            Kind::SquareOpen
        };
        let open = self
            .line
            .as_ref()
            .and_then(|line| line.brackets.iter().rposition(|(kind, ..)| *kind == wanted));
        let Some(open) = open else {
            self.stray(mark);
            return;
        };
        self.close_open_brackets(
            open + 1,
            (mark.token.start, mark.token.end),
            "another bracket is closed here",
        );
        self.push(mark);
        if let Some(line) = &mut self.line {
            line.brackets.pop();
        }
    }

    pub(super) fn stray(&mut self, mark: &Mark) {
        let closer = self.text(mark).to_owned();
        let place = self.report.place(mark.token.start, mark.token.end);
        let end = mark.token.end;
        if let Some(last) = self
            .found
            .last_mut()
            .filter(|last| last.code == codes::STRAY_CLOSER)
            && let Some(label) = last.labels.first_mut()
            && label.place.span.end as usize == mark.token.start
        {
            // `))))` is one mistake.
            label.place.span.end = end as u32;
            for (place, _) in last.fixes.iter_mut().flat_map(|fix| &mut fix.edits) {
                place.span.end = end as u32;
            }
            return;
        }
        if let Some(line) = &mut self.line {
            // What follows from it stays silent.
            line.statement.reported = true;
        }
        self.found.push(
            self.report
                .error(
                    codes::STRAY_CLOSER,
                    format!("`{closer}` closes nothing"),
                    (mark.token.start, mark.token.end),
                    "its opening bracket is missing, or it is one too many",
                )
                .fix(format!("remove `{closer}`"), false, place, ""),
        );
    }

    /// Supplies closers for the brackets from `keep` on, with one finding for the innermost.
    pub(super) fn close_open_brackets(&mut self, keep: usize, at: (usize, usize), because: &str) {
        let Some(line) = &mut self.line else { return };
        let Some(&(kind, start, end)) = line.brackets.get(keep..).and_then(<[_]>::last) else {
            return;
        };
        let supplied_at = line.statement.pieces.last().map_or(end, |last| last.end);
        let mut closers = String::new();
        for (kind, ..) in line.brackets.drain(keep..).rev() {
            let (kind, closer) = match kind {
                Kind::ParenOpen => (Kind::ParenClose, ")"),
                Kind::SquareOpen => (Kind::SquareClose, "]"),
                _ => (Kind::BraceClose, "}"),
            };
            closers.push_str(closer);
            line.statement.pieces.push(Piece {
                kind,
                start: supplied_at,
                end: supplied_at,
                instead: Some(closer.to_owned()),
                doc: None,
            });
        }
        // A text that was left open has swallowed the closer: that is reported already.
        let swallowed = line
            .statement
            .pieces
            .iter()
            .any(|piece| matches!(piece.kind, Kind::OpenText | Kind::OpenBlock));
        if line.statement.reported || swallowed {
            return;
        }
        line.statement.reported = true;
        let opener = match kind {
            Kind::ParenOpen => "(",
            Kind::SquareOpen => "[",
            _ => "{",
        };
        let diagnostic = self
            .report
            .error(
                codes::UNCLOSED,
                format!("`{opener}` is never closed"),
                (start, end),
                "opened here",
            )
            .also(self.report.place(at.0, at.1), because)
            .fix(
                format!("insert `{closers}`"),
                false,
                self.report.place(supplied_at, supplied_at),
                closers.clone(),
            );
        self.found.push(diagnostic);
    }

    /// A line that needs a block has none and what follows is indented deeper: its `{` was forgotten.
    pub(super) fn supply_opener(&mut self, mark: &Mark, indent: u32) -> bool {
        if mark.indent <= indent || is_closer(mark.token.kind) || mark.token.kind == Kind::BraceOpen
        {
            return false;
        }
        let Some(line) = &self.line else { return false };
        let text = self.report.text;
        let (first, second) = (line.statement.word(text, 0), line.statement.word(text, 1));
        let in_playbook = self
            .frames
            .last()
            .is_some_and(|frame| frame.owner.word(text, 0) == "playbook");
        // Where braces do not match, deeper lines after a call are its arms.
        let ends_in_call = line
            .statement
            .pieces
            .last()
            .is_some_and(|last| last.kind == Kind::ParenClose);
        let arms =
            self.by_indent && ends_in_call && !in_playbook && takes_block(&line.statement, text);
        let in_question = self
            .frames
            .last()
            .is_some_and(|frame| frame.owner.word(text, 0) == "ask");
        let answers = line.statement.kind(0).is_some_and(Kind::is_text) || first == "unanswered";
        let wants = match first {
            _ if in_question => answers,
            "if" => !in_playbook,
            "on" => second == "failure",
            "in" => second == "parallel",
            "attempt" => second == "each",
            // Their parameters come first.
            "action" | "query" | "steps" => line
                .statement
                .pieces
                .iter()
                .any(|piece| piece.kind == Kind::ParenClose),
            word => arms || words::WITH_BLOCK.contains(&word) || self.by_indent && is_arm(word),
        };
        if !wants || !line.brackets.is_empty() || self.frames.len() >= BLOCK_DEPTH_MAX {
            return false;
        }
        let Some(line) = self.line.take() else {
            return false;
        };
        let owner = self.finished(line);
        let (start, end) = owner.range();
        self.found.push(
            self.report
                .error(
                    codes::MISSING_BLOCK,
                    "`{` is missing at the end of this line",
                    (start, end),
                    "the lines below belong to it",
                )
                .fix("insert `{`", false, self.report.place(end, end), " {"),
        );
        self.frames.push(Frame {
            owner,
            block: Block {
                start: end,
                end,
                statements: Vec::new(),
            },
            indent,
            supplied: true,
        });
        true
    }

    /// The innermost open block is never closed; `next` is what proves it.
    pub(super) fn report_missing_closer(&mut self, next: Option<Token>) {
        self.missing_closers += 1;
        let Some(frame) = self.frames.last() else {
            return;
        };
        let open = frame.block.start;
        let indent = " ".repeat(frame.indent.min(80) as usize);
        let at = self.last_end;
        let place = self.report.place(open, open + 1);
        if let Some((_, finding)) = self
            .last_missing
            .filter(|(missing_at, _)| *missing_at == at)
            && let Some(diagnostic) = self.found.get_mut(finding)
        {
            diagnostic.labels.push(Label {
                place,
                text: "nor has this one".to_owned(),
            });
            if let Some((_, text)) = diagnostic
                .fixes
                .first_mut()
                .and_then(|fix| fix.edits.first_mut())
            {
                text.push_str(&format!("\n{indent}}}"));
            }
            return;
        }
        self.last_missing = Some((at, self.found.len()));
        let mut diagnostic = self.report.error(
            codes::UNCLOSED,
            "`{` is never closed",
            (open, open + 1),
            "this block has no `}`",
        );
        diagnostic = match next {
            Some(next) => {
                let word = next.text(self.report.text);
                diagnostic.also(
                    self.report.place(next.start, next.end),
                    format!(
                        "a `}}` was expected before this `{}`",
                        word.chars().take(24).collect::<String>()
                    ),
                )
            }
            None => diagnostic.also(self.report.place(at, at), "the file ends here"),
        };
        self.found.push(diagnostic.fix(
            "insert `}`",
            false,
            self.report.place(at, at),
            format!("\n{indent}}}"),
        ));
    }

    pub(super) fn too_deep(&mut self, mark: &Mark) {
        let Some(line) = self.line.as_mut().filter(|line| !line.statement.reported) else {
            return;
        };
        line.statement.reported = true;
        self.found.push(
            self.report
                .error(
                    codes::TOO_DEEP,
                    format!("brackets are nested more than {BRACKET_DEPTH_MAX} deep"),
                    (mark.token.start, mark.token.end),
                    "this bracket is one too many",
                )
                .help("give a part of it a name with `let`"),
        );
    }

    /// Reads past a block that is nested too deeply.
    pub(super) fn skip_block(
        &mut self,
        marks: &[Mark],
        index: usize,
        mut owner: Statement,
        mut block: Block,
    ) -> usize {
        self.found.push(
            self.report
                .error(
                    codes::TOO_DEEP,
                    format!("blocks are nested more than {BLOCK_DEPTH_MAX} deep"),
                    (block.start, block.end),
                    "this block is one too many; what it holds is not read",
                )
                .help("move the inner steps into a `steps` item and call it"),
        );
        let mut depth = 0_usize;
        let mut at = index;
        while let Some(mark) = marks.get(at) {
            match mark.token.kind {
                Kind::BraceOpen => depth += 1,
                Kind::BraceClose => depth -= 1,
                _ => {}
            }
            at += 1;
            block.end = mark.token.end;
            if depth == 0 {
                break;
            }
        }
        owner.reported = true;
        owner.block = Some(block);
        self.add(owner);
        at
    }

    /// A `{` at the start of a line: the block of the line above, when that line still needs one.
    pub(super) fn headless(&mut self, mark: &Mark) -> Statement {
        let range = (mark.token.start, mark.token.end);
        let at = self.last_end;
        let siblings = self
            .frames
            .last_mut()
            .map_or(&mut self.root, |frame| &mut frame.block.statements);
        let text = self.report.text;
        if siblings
            .last()
            .is_some_and(|above| above.block.is_none() && takes_block(above, text))
            && let Some(above) = siblings.pop()
        {
            let place = self.report.place(at, mark.token.end);
            self.found.push(
                self.report
                    .error(
                        codes::MISSING_BLOCK,
                        "`{` stands on a line of its own",
                        range,
                        "this brace belongs at the end of the line above",
                    )
                    .because(
                        "a new line ends a statement, so the line above seems to have no block",
                    )
                    .fix("move `{` up", true, place, " {"),
            );
            return above;
        }
        self.found.push(
            self.report
                .error(
                    codes::UNEXPECTED_BLOCK,
                    "a block needs a line that says what it is for",
                    range,
                    "this block has no line before it",
                )
                .help("write for example `then {` or `if CONDITION {` before it"),
        );
        Statement {
            reported: true,
            ..Statement::default()
        }
    }
}

/// Whether a statement may have a block at all.
fn takes_block(statement: &Statement, text: &str) -> bool {
    let none = [
        "when", "ignore", "resolved", "wait", "use", "define", "end", "return",
    ];
    statement.kind(1) != Some(Kind::Colon) && !none.contains(&statement.word(text, 0))
}

/// Whether a word is an arm or a case, which always has a block.
fn is_arm(word: &str) -> bool {
    matches!(
        word,
        "done"
            | "failed"
            | "approved"
            | "rejected"
            | "unanswered"
            | "met"
            | "timed_out"
            | "present"
            | "absent"
    )
}
