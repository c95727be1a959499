//! What queries and actions answer in a simulation: given beforehand, as JSON, typed values or failures.

use counterplay_machine::json::{self, Mismatch};
use counterplay_machine::types::Type;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// JSON, converted to the declared return type.
    Json(Json),
    /// A value as it is.
    Value(Value),
    /// The call fails, for this reason.
    Fails(String),
}

/// Given answers by the qualified name of a query or action. Several answers are used one after the other;
/// the last one stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    in_turn: BTreeMap<String, Vec<Answer>>,
    /// Answers that hold from a time on, in milliseconds from the start of the run.
    from: BTreeMap<String, Vec<(i64, Answer)>>,
}

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is not written as `name=value`.
    #[error(
        "\"{0}\" is not an answer; one is written as name=value, for instance intune.is_compliant=false"
    )]
    Form(String),
    /// The program has no such query or action.
    #[error("there is no query or action `{name}`{}", suggestion(.near))]
    NoSuchCallable {
        /// What was written.
        name: String,
        /// The nearest name that exists.
        near: Option<String>,
    },
    /// The value does not fit the declared type.
    #[error("the answer for `{name}` does not fit: {mismatch}")]
    Mismatch {
        /// The query or action.
        name: String,
        /// Where and how.
        mismatch: Mismatch,
    },
}

fn suggestion(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl Answers {
    /// No answers.
    pub fn new() -> Answers {
        Answers::default()
    }

    /// Adds an answer, to be used after those that were added before.
    pub fn add(&mut self, name: impl Into<String>, answer: Answer) {
        self.in_turn.entry(name.into()).or_default().push(answer);
    }

    /// Adds an answer that holds from a time on, in milliseconds from the start of the run.
    pub fn from(&mut self, name: impl Into<String>, after_ms: i64, answer: Answer) {
        let all = self.from.entry(name.into()).or_default();
        all.push((after_ms, answer));
        all.sort_by_key(|(after, _)| *after);
    }

    /// Adds an answer written as `name=value`. The value is JSON; a text may stand without quotes, and
    /// `fails: REASON` makes the call fail. For a call whose result is no list, a JSON list is a sequence.
    ///
    /// # Errors
    /// When the form, the name or the value's type is wrong.
    pub fn parse(&mut self, program: &Program, text: &str) -> Result<(), AnswerError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| AnswerError::Form(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let ty = return_type(program, name)?;
        if let Some(reason) = value.strip_prefix("fails") {
            let reason = reason.trim_start_matches(':').trim();
            let reason = if reason.is_empty() {
                "it was told to fail"
            } else {
                reason
            };
            self.add(name, Answer::Fails(reason.to_owned()));
            return Ok(());
        }
        let json = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
        let answers = match json {
            Json::Array(items) if !matches!(ty.present(), Type::List(_) | Type::Json) => items,
            one => vec![one],
        };
        for answer in answers {
            typed(program, name, &answer)?;
            self.add(name, Answer::Json(answer));
        }
        Ok(())
    }

    /// Whether every answer has a name and a type that the program knows.
    ///
    /// # Errors
    /// The first that has not.
    pub fn check(&self, program: &Program) -> Result<(), AnswerError> {
        for (name, answers) in &self.in_turn {
            return_type(program, name)?;
            for answer in answers {
                if let Answer::Json(json) = answer {
                    typed(program, name, json)?;
                }
            }
        }
        Ok(())
    }

    /// The answer for the call that comes next after `before` earlier ones of the same name, `elapsed_ms` after the
    /// start of the run: a result, or the reason of a failure. `None` when nothing is given.
    pub(super) fn next(
        &self,
        program: &Program,
        name: &str,
        before: usize,
        elapsed_ms: i64,
    ) -> Option<Result<Value, String>> {
        let now = self.from.get(name).and_then(|all| {
            let due = all.iter().rev().find(|(after, _)| *after <= elapsed_ms);
            due.map(|(_, answer)| answer)
        });
        let in_turn = || {
            let answers = self.in_turn.get(name)?;
            answers.get(before).or_else(|| answers.last())
        };
        let answer = now.or_else(in_turn)?;
        Some(match answer {
            Answer::Value(value) => Ok(value.clone()),
            Answer::Fails(reason) => Err(reason.clone()),
            Answer::Json(json) => typed(program, name, json).map_err(|error| error.to_string()),
        })
    }
}

fn return_type<'p>(program: &'p Program, name: &str) -> Result<&'p Type, AnswerError> {
    program
        .callables
        .get(name)
        .map(|callable| &callable.returns_ty)
        .ok_or_else(|| {
            let last = |full: &str| full.rsplit('.').next().unwrap_or_default().to_owned();
            let near = program
                .callables
                .keys()
                .find(|full| last(full) == last(name))
                .map(|full: &Arc<str>| full.to_string());
            AnswerError::NoSuchCallable {
                name: name.to_owned(),
                near,
            }
        })
}

fn typed(program: &Program, name: &str, json: &Json) -> Result<Value, AnswerError> {
    let ty = return_type(program, name)?;
    if *ty == Type::Nothing {
        return Ok(Value::Absent);
    }
    json::convert(&program.types, json, ty, "answer").map_err(|mismatch| AnswerError::Mismatch {
        name: name.to_owned(),
        mismatch,
    })
}
