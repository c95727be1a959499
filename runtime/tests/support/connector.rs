//! A connector that answers from a script and notes every call.

use super::user;
use counterplay_machine::Value;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

/// A call as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub args: Vec<String>,
    pub tenant: String,
    pub repeated: bool,
}

/// What the connector does with the next call of a name.
#[derive(Clone, Debug)]
pub enum Answer {
    Outcome(CallOutcome),
    /// Never answers.
    Silence,
    /// Breaks off.
    Panic,
}

#[derive(Default)]
pub struct Fake {
    calls: Mutex<Vec<Call>>,
    script: Mutex<BTreeMap<String, VecDeque<Answer>>>,
}

impl Fake {
    /// The next call of this name gets this answer; later ones the usual.
    pub fn next(&self, name: &str, answer: Answer) {
        let mut script = self.script.lock().expect("no panic");
        script.entry(name.to_owned()).or_default().push_back(answer);
    }

    /// All answers are the usual from now on.
    pub fn forget(&self) {
        self.script.lock().expect("no panic").clear();
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no panic").clone()
    }

    pub fn named(&self, name: &str) -> Vec<Call> {
        self.calls()
            .into_iter()
            .filter(|c| c.name == name)
            .collect()
    }

    /// The actions in the order of their first calls: name and arguments.
    pub fn actions(&self) -> Vec<(String, Vec<String>)> {
        let mut seen = Vec::new();
        let mut out = Vec::new();
        for call in self
            .calls()
            .into_iter()
            .filter(|c| c.name.starts_with("do."))
        {
            if !seen.contains(&call.id) {
                seen.push(call.id);
                out.push((call.name, call.args));
            }
        }
        out
    }
}

fn usual(name: &str, args: &[Value]) -> CallOutcome {
    CallOutcome::Done(match name {
        "ask.owner" => user(&args[0].plain()),
        "ask.fixed" => Value::Bool(false),
        "ask.stale" => Value::List(["u1", "u2", "off", "u1"].map(user).into()),
        "ask.user" if args[0].plain() == "nobody" => Value::Absent,
        "ask.user" => user(&args[0].plain()),
        _ => Value::Absent,
    })
}

impl Connector for Fake {
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        let name = request.callable.to_string();
        self.calls.lock().expect("no panic").push(Call {
            id: request.id,
            name: name.clone(),
            args: request.args.iter().map(Value::plain).collect(),
            tenant: request.tenant.name,
            repeated: request.repeated,
        });
        let answer = self
            .script
            .lock()
            .expect("no panic")
            .get_mut(&name)
            .and_then(VecDeque::pop_front);
        Box::pin(async move {
            match answer {
                None => usual(&name, &request.args),
                Some(Answer::Outcome(outcome)) => outcome,
                Some(Answer::Silence) => std::future::pending().await,
                Some(Answer::Panic) => panic!("the script says so"),
            }
        })
    }
}
