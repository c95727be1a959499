//! The statements of questions and of waits for events in, steps out.

use super::{
    ast::{Answer, Ask, Expr, Step, StepKind},
    codes,
    head::Rule,
    reader::{Reader, parts},
    steps::{duration_of, first_expr},
    tree::Statement,
};
use crate::span::Span;

impl Reader<'_, '_> {
    /// `ask "…" to user, within 1h { "Yes" { … } unanswered { … } }`.
    pub(super) fn ask_step(&mut self, statement: &Statement) -> Step {
        let span = self.head_span(statement);
        let head = self
            .read(Rule::ask_line, statement, |builder, pair| {
                let (mut exprs, mut within) = (Vec::new(), None);
                for part in parts(pair) {
                    match part.as_rule() {
                        Rule::expr => exprs.push(builder.expr(part)),
                        Rule::within => within = duration_of(builder, part),
                        _ => {}
                    }
                }
                let mut exprs = exprs.into_iter();
                exprs
                    .next()
                    .zip(exprs.next())
                    .map(|(question, to)| (question, to, within))
            })
            .flatten();
        let (mut answers, mut unanswered) = (Vec::new(), None);
        for line in self
            .block(Rule::ask_line, statement)
            .iter()
            .flat_map(|block| &block.statements)
        {
            if line.word(self.file(), 0) == "unanswered" && line.pieces.len() == 1 {
                let body = self.body(Rule::answer_line, line);
                if unanswered.replace(body).is_some() {
                    self.complain(
                        line,
                        codes::TWICE,
                        "there are two arms `unanswered`",
                        "the second one",
                        "keep one of them",
                    );
                }
                continue;
            }
            if !line
                .pieces
                .first()
                .is_some_and(|piece| piece.kind.is_text())
            {
                self.complain(
                    line,
                    codes::NOT_AN_ARM,
                    "only answers stand in the braces of a question",
                    "not an answer",
                    "an answer is a text with its own block: `\"This was me\" { … }`; what follows silence is `unanswered { … }`",
                );
                if let Some(block) = &line.block {
                    self.steps(block);
                }
                continue;
            }
            let read = self.read(Rule::answer_line, line, |builder, pair| {
                let (mut texts, mut silence): (Vec<Expr>, Option<Span>) = (Vec::new(), None);
                for part in parts(pair) {
                    match part.as_rule() {
                        Rule::text => texts.push(builder.text_expr(&part)),
                        Rule::silence => silence = Some(builder.span(&part)),
                        _ => {}
                    }
                }
                (texts, silence)
            });
            let body = self.body(Rule::answer_line, line);
            if let Some((texts, silence)) = read {
                answers.push(Answer {
                    texts,
                    unanswered: silence,
                    body,
                    span: self.head_span(line),
                });
            }
        }
        let kind = match head {
            Some((question, to, within)) => StepKind::Ask(Ask {
                question,
                to,
                within,
                answers,
                unanswered,
            }),
            None => StepKind::Broken(None),
        };
        Step {
            kind,
            arms: Vec::new(),
            span,
        }
    }

    /// `wait for EVENT as e where COND, at most 2h { came { … } timed_out { … } }`.
    pub(super) fn wait_for(&mut self, statement: &Statement) -> Step {
        let span = self.head_span(statement);
        let read = self
            .read(Rule::wait_for_line, statement, |builder, pair| {
                let (mut event, mut alias, mut condition, mut at_most) = (None, None, None, None);
                for part in parts(pair) {
                    match part.as_rule() {
                        Rule::event_path => event = builder.path(part),
                        Rule::name => alias = Some(builder.name(&part)),
                        Rule::expr => condition = Some(builder.expr(part)),
                        Rule::at_most => at_most = duration_of(builder, part),
                        _ => {}
                    }
                }
                Some(StepKind::WaitFor {
                    event: event?,
                    alias: alias?,
                    condition,
                    at_most: at_most?,
                })
            })
            .flatten();
        let arms = self.arms(statement, &["came", "timed_out"]);
        Step {
            kind: read.unwrap_or(StepKind::Broken(None)),
            arms,
            span,
        }
    }

    /// `undo module.action(…)` and `emit module.event(…)`, with the arms of what they do.
    pub(super) fn undo_or_emit(&mut self, statement: &Statement, undo: bool) -> Step {
        if undo {
            return self.with_arms(Rule::undo_line, statement, StepKind::Undo);
        }
        let span = self.head_span(statement);
        let expr = self.line(Rule::emit_line, statement, first_expr).flatten();
        Step {
            kind: expr.map_or(StepKind::Broken(None), StepKind::Emit),
            arms: Vec::new(),
            span,
        }
    }
}
