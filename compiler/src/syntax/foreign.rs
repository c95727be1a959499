//! Steps that begin with no word of their own: calls, slips of the finger, and habits of other languages.

use super::{
    ast::{Step, StepKind},
    codes,
    head::Rule,
    reader::Reader,
    token::Kind,
    tree::Statement,
    words,
};

impl Reader<'_, '_> {
    /// A call, or a line that begins with a word from somewhere else.
    pub(super) fn other_step(&mut self, statement: &Statement, elses: &[Statement]) -> Step {
        let span = self.head_span(statement);
        let first = statement.word(self.file(), 0);
        if self.is_line_of_words(statement) {
            if let Some(kind) = self.foreign_step(statement, first) {
                return Step {
                    kind,
                    arms: Vec::new(),
                    span,
                };
            }
            if matches!(first, "var" | "const" | "set" | "val") {
                let meant = self.reword(
                    statement,
                    &["let"],
                    codes::FOREIGN,
                    "a value gets its name with `let`",
                    "write `let`",
                );
                return self.step(&meant, &[]);
            }
            if let Some(meant) = self.misspelt(statement, words::STEPS) {
                return self.step(&meant, elses);
            }
        }
        if statement.pieces.is_empty() {
            return Step {
                kind: self.broken(statement),
                arms: Vec::new(),
                span,
            };
        }
        self.with_arms(Rule::call_line, statement, StepKind::Do)
    }

    /// Whether a line begins as keywords do: a word, and then something that continues no expression.
    pub(crate) fn is_line_of_words(&self, statement: &Statement) -> bool {
        if statement.kind(0) != Some(Kind::Word) {
            return false;
        }
        match statement.pieces.get(1) {
            None => true,
            Some(next) if next.kind == Kind::Word => {
                let word = next.text(self.file());
                !words::INFIX.contains(&word) && !matches!(word, "starts" | "ends")
            }
            Some(next) => {
                next.kind.is_text()
                    || matches!(
                        next.kind,
                        Kind::Duration | Kind::Int | Kind::Clock | Kind::ParenOpen
                    ) && self.is_foreign_word(statement)
            }
        }
    }

    /// A word that never begins a call, whatever follows it.
    pub(super) fn is_foreign_word(&self, statement: &Statement) -> bool {
        matches!(
            statement.word(self.file(), 0),
            "while" | "until" | "switch" | "repeat"
        )
    }

    /// Words that this language does not have, or not here.
    pub(super) fn foreign_step(&mut self, statement: &Statement, word: &str) -> Option<StepKind> {
        let (code, message, label, help) = match word {
            "while" | "until" | "loop" | "repeat" => (
                codes::FOREIGN,
                format!("there is no `{word}`: every playbook ends"),
                "a loop without a limit",
                "go through a list with `for each x in LIST {`, or let time pass with `wait 4h`",
            ),
            "switch" | "case" => (
                codes::FOREIGN,
                format!("there is no `{word}`"),
                "write `match`",
                "`match VALUE { high, critical { … } else { … } }`",
            ),
            "try" | "catch" | "finally" => (
                codes::FOREIGN,
                format!("there is no `{word}`"),
                "a failure is an arm of the step that can fail",
                "write `module.action(…) { failed { … } }`, or `attempt module.action(…)` to go on whatever happens",
            ),
            "fn" | "def" | "function" | "func" => (
                codes::FOREIGN,
                format!("there is no `{word}`"),
                "nothing is declared inside a block",
                "beside the playbook, write `steps name(x: Type) { … }` for steps or `define name(x: Type) -> Type = …` for a value",
            ),
            "escalate" | "when" | "resolved" | "ignore" | "on" => (
                codes::MISPLACED,
                format!("`{word}` is a line of the playbook, not a step"),
                "this stands inside another block",
                "close the block with `}` before it",
            ),
            "done" | "failed" | "approved" | "rejected" | "unanswered" | "met" | "came"
            | "timed_out"
                if statement.block.is_some() =>
            {
                (
                    codes::MISPLACED,
                    format!("`{word}` is an arm, not a step"),
                    "this is not inside a step's braces",
                    "an arm stands in the braces of the step that it belongs to: `module.action(…) { failed { … } }`",
                )
            }
            _ => return None,
        };
        self.complain(statement, code, message, label, help);
        Some(self.broken(statement))
    }
}
