//! A raw object in, a typed event or a precise rejection out; and which playbooks it concerns. Pure.

use crate::declare::{Event, Fires};
use crate::deployment::{Deployment, Mode};
use crate::eval::{Env, EvalError, TenantFacts, equal, eval, eval_bool};
use crate::expr::{Expr, Slot};
use crate::json::{self, Mismatch};
use crate::playbook::{ListSource, Playbook};
use crate::program::Program;
use crate::value::{Record, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Which declared event an object is an occurrence of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// This one.
    Event(Arc<str>),
    /// None that is declared.
    Unknown,
    /// Several fit equally well; the sender has to name one.
    Ambiguous(Vec<Arc<str>>),
}

/// Recognises an object by the paths that its kind has. The most specific event wins.
pub fn recognise(program: &Program, json: &Json) -> Recognised {
    let mut best: Vec<Arc<str>> = Vec::new();
    let mut most = 0;
    for event in program.events.values() {
        if event.known_by.is_empty() || !event.known_by.iter().all(|path| has(json, path)) {
            continue;
        }
        match event.known_by.len().cmp(&most) {
            std::cmp::Ordering::Greater => {
                most = event.known_by.len();
                best = vec![event.name.clone()];
            }
            std::cmp::Ordering::Equal => best.push(event.name.clone()),
            std::cmp::Ordering::Less => {}
        }
    }
    match best.len() {
        0 => Recognised::Unknown,
        1 => Recognised::Event(best.remove(0)),
        _ => Recognised::Ambiguous(best),
    }
}

fn has(json: &Json, path: &str) -> bool {
    path.split('.')
        .try_fold(json, |at, key| at.get(key))
        .is_some()
}

/// A typed event.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// The event.
    pub event: Arc<str>,
    /// The variables of its declaration: raw object and stored fields.
    pub slots: BTreeMap<Slot, Value>,
    /// The event's record with its stored fields.
    pub record: Value,
    /// Whether it is an occurrence.
    pub observation: Observation,
    /// Wire values that no enum member stands for, as `path: "value"`; they became `unknown`.
    pub unlisted: Vec<String>,
}

/// Whether an observed object is an occurrence; some answers need what was seen before.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// It is.
    Fires,
    /// It is not, and why.
    Quiet(String),
    /// It is, when the object's value was another one before, or it is seen for the first time.
    FiresIfChanged {
        /// Identifies the object.
        object: String,
        /// The value now.
        value: String,
        /// Whether that is the value that fires.
        reached: bool,
    },
    /// It is, when this key was not seen before.
    FiresOnce {
        /// The key.
        key: String,
    },
}

/// Why an object was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// No event has this name.
    NoSuchEvent(String),
    /// It does not fit the declaration.
    Mismatch(Arc<str>, Mismatch),
    /// It fits and still cannot be read.
    Unreadable(Arc<str>, String),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NoSuchEvent(name) => write!(f, "there is no event `{name}`"),
            Rejection::Mismatch(event, m) => write!(f, "not a valid {event}: {m}"),
            Rejection::Unreadable(event, reason) => write!(f, "not a valid {event}: {reason}"),
        }
    }
}

/// What reading an event may look at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The program.
    pub program: &'a Program,
    /// Teams.
    pub deployment: &'a Deployment,
    /// The tenant that the event belongs to.
    pub tenant: &'a TenantFacts,
    /// The time.
    pub now_ms: i64,
}

impl Scene<'_> {
    /// Evaluates an expression over variables.
    pub fn eval(
        &self,
        expr: &Expr,
        slots: &BTreeMap<Slot, Value>,
        names: &dyn Fn(Slot) -> Option<Arc<str>>,
    ) -> Result<Value, EvalError> {
        let look = |slot: Slot| slots.get(&slot).cloned();
        eval(expr, &self.env(&look, names))
    }

    fn env<'e>(
        &'e self,
        slots: &'e dyn Fn(Slot) -> Option<Value>,
        names: &'e dyn Fn(Slot) -> Option<Arc<str>>,
    ) -> Env<'e> {
        Env {
            types: &self.program.types,
            deployment: self.deployment,
            tenant: self.tenant,
            now_ms: self.now_ms,
            run: None,
            call: None,
            slots,
            names,
        }
    }
}

fn event_names(event: &Event) -> impl Fn(Slot) -> Option<Arc<str>> + '_ {
    move |slot| {
        if slot == event.raw {
            return Some(Arc::from("raw"));
        }
        event
            .fields
            .iter()
            .map(|f| (f.slot, &f.name))
            .chain(event.fetched.iter().map(|f| (f.slot, &f.name)))
            .find(|(s, _)| *s == slot)
            .map(|(_, n)| n.clone())
    }
}

/// A mismatch with the path that its sender knows: `raw` is what declarations call the object.
fn as_sent(mismatch: Mismatch) -> Mismatch {
    let path = match mismatch.path.strip_prefix("raw.") {
        Some(path) => path.to_owned(),
        None => mismatch.path,
    };
    Mismatch { path, ..mismatch }
}

/// Reads an object as an event.
pub fn read(scene: Scene<'_>, event: &str, json: &Json) -> Result<Typed, Rejection> {
    read_shared(scene, event, &Arc::new(json.clone()))
}

/// [`read`], of an object that need not be copied.
pub fn read_shared(scene: Scene<'_>, event: &str, json: &Arc<Json>) -> Result<Typed, Rejection> {
    let Some(event) = scene.program.events.get(event) else {
        return Err(Rejection::NoSuchEvent(event.to_owned()));
    };
    if !json.is_object() {
        return Err(Rejection::Mismatch(
            event.name.clone(),
            Mismatch {
                path: "the object".into(),
                expected: "an object".into(),
                found: json::describe(json),
            },
        ));
    }
    let reject = |error: EvalError| match error {
        EvalError::Mismatch(m) => Rejection::Mismatch(event.name.clone(), as_sent(m)),
        EvalError::Other(reason) => Rejection::Unreadable(event.name.clone(), reason),
    };
    let names = event_names(event);
    let mut slots = BTreeMap::from([(event.raw, Value::Json(json.clone()))]);
    let mut fields = BTreeMap::new();
    let mut unlisted = Vec::new();
    for field in &event.fields {
        let value = scene.eval(&field.value, &slots, &names).map_err(reject)?;
        note_unlisted(&field.name, &value, &mut unlisted);
        slots.insert(field.slot, value.clone());
        fields.insert(field.name.clone(), value);
    }
    let observation = observe(scene, event, &slots, json).map_err(reject)?;
    Ok(Typed {
        event: event.name.clone(),
        record: Value::Record(Arc::new(Record {
            ty: event.name.clone(),
            fields,
        })),
        slots,
        observation,
        unlisted,
    })
}

pub(crate) fn note_unlisted(path: &str, value: &Value, out: &mut Vec<String>) {
    if !has_unlisted(value) {
        return;
    }
    match value {
        Value::Member(m) if &*m.name == "unknown" => out.push(path.to_owned()),
        Value::Record(record) => {
            for (name, value) in &record.fields {
                note_unlisted(&format!("{path}.{name}"), value, out);
            }
        }
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                note_unlisted(&format!("{path}[{i}]"), item, out);
            }
        }
        _ => {}
    }
}

fn has_unlisted(value: &Value) -> bool {
    match value {
        Value::Member(m) => &*m.name == "unknown",
        Value::Record(record) => record.fields.values().any(has_unlisted),
        Value::List(items) => items.iter().any(has_unlisted),
        _ => false,
    }
}

fn observe(
    scene: Scene<'_>,
    event: &Event,
    slots: &BTreeMap<Slot, Value>,
    raw: &Json,
) -> Result<Observation, EvalError> {
    let names = event_names(event);
    let look = |slot: Slot| slots.get(&slot).cloned();
    let env = scene.env(&look, &names);
    Ok(match &event.fires {
        Fires::Always => Observation::Fires,
        Fires::When(condition) => {
            if eval_bool(condition, &env)? {
                Observation::Fires
            } else {
                Observation::Quiet("its `fires` condition does not hold".into())
            }
        }
        Fires::ChangesTo { subject, target } => {
            let (value, target) = (eval(subject, &env)?, eval(target, &env)?);
            let reached = equal(&value, &target);
            match raw.get("id").and_then(Json::as_str) {
                Some(object) => Observation::FiresIfChanged {
                    object: object.to_owned(),
                    value: json::canonical(&value.redacted_json()),
                    reached,
                },
                None => {
                    return Err(EvalError::Mismatch(Mismatch {
                        path: "id".into(),
                        expected: "a text that identifies the object".into(),
                        found: json::describe(&raw["id"]),
                    }));
                }
            }
        }
        Fires::OncePer(keys) => {
            let keys = keys
                .iter()
                .map(|k| eval(k, &env))
                .collect::<Result<Vec<_>, _>>()?;
            let keys: Vec<Json> = keys.iter().map(Value::redacted_json).collect();
            Observation::FiresOnce {
                key: json::canonical(&Json::Array(keys)),
            }
        }
    })
}

/// The queries that fill the fetched fields, in order, each with its arguments; `None` where an
/// argument is absent and the field is therefore absent too.
pub struct Fetch {
    /// The field.
    pub field: Arc<str>,
    /// Its variable.
    pub slot: Slot,
    /// The query.
    pub query: Arc<str>,
    /// Its arguments.
    pub args: Option<Vec<Value>>,
}

/// The next fetched field that is not yet among `slots`.
pub fn next_fetch(
    scene: Scene<'_>,
    event: &str,
    slots: &BTreeMap<Slot, Value>,
) -> Result<Option<Fetch>, EvalError> {
    let Some(event) = scene.program.events.get(event) else {
        return Ok(None);
    };
    let Some(field) = event.fetched.iter().find(|f| !slots.contains_key(&f.slot)) else {
        return Ok(None);
    };
    let names = event_names(event);
    let params = scene
        .program
        .callables
        .get(&field.query)
        .map(|c| c.params.as_slice());
    let mut args = Some(Vec::new());
    for (i, arg) in field.args.iter().enumerate() {
        let value = scene.eval(arg, slots, &names)?;
        let optional = params
            .and_then(|p| p.get(i))
            .is_some_and(|p| p.ty.is_optional());
        if !value.is_present() && !optional {
            args = None;
        } else if let Some(args) = &mut args {
            args.push(value);
        }
    }
    Ok(Some(Fetch {
        field: field.name.clone(),
        slot: field.slot,
        query: field.query.clone(),
        args,
    }))
}

/// The event's record with its fetched fields added.
pub fn complete(program: &Program, typed: &Typed, slots: &BTreeMap<Slot, Value>) -> Value {
    let Some(event) = program.events.get(&typed.event) else {
        return typed.record.clone();
    };
    let mut fields: Vec<(Arc<str>, Value)> = Vec::new();
    if let Value::Record(record) = &typed.record {
        fields.extend(record.fields.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    for field in &event.fetched {
        fields.push((
            field.name.clone(),
            slots.get(&field.slot).cloned().unwrap_or(Value::Absent),
        ));
    }
    Value::record(&typed.event, fields)
}

/// A playbook's mode: the deployment's word overrides the source.
pub fn mode(deployment: &Deployment, playbook: &Playbook) -> Mode {
    deployment
        .modes
        .get(&*playbook.id)
        .copied()
        .unwrap_or(playbook.mode)
}

/// What the head's conditions say.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// A run starts, unless the key repeats.
    Yes {
        /// The value of `ignore repeats of`.
        repeat_key: Option<String>,
    },
    /// No run starts: this condition does not hold.
    No {
        /// The condition as written.
        condition: Arc<str>,
    },
}

/// Judges the conditions of one kind: those over stored fields (`fetched` false) or all of them.
pub fn judge(
    scene: Scene<'_>,
    playbook: &Playbook,
    slots: &BTreeMap<Slot, Value>,
    fetched: bool,
) -> Result<Judgement, EvalError> {
    let names = |slot: Slot| playbook.slots.get(slot.0 as usize).map(|s| s.name.clone());
    let look = |slot: Slot| slots.get(&slot).cloned();
    let env = scene.env(&look, &names);
    for condition in &playbook.conditions {
        if condition.needs_fetched && !fetched {
            continue;
        }
        if !eval_bool(&condition.expr, &env)? {
            return Ok(Judgement::No {
                condition: condition.text.clone(),
            });
        }
    }
    let repeat_key = match &playbook.repeats {
        Some(repeats) if fetched => Some(eval(&repeats.key, &env)?.entity_key()),
        _ => None,
    };
    Ok(Judgement::Yes { repeat_key })
}

/// The variables of each run that a trigger starts: one set, or one per element of `for each`.
/// `asked` is the answer when the list comes from a query.
pub fn expand(
    scene: Scene<'_>,
    playbook: &Playbook,
    trigger: usize,
    slots: BTreeMap<Slot, Value>,
    asked: Option<Value>,
) -> Result<Vec<BTreeMap<Slot, Value>>, EvalError> {
    let Some(each) = playbook
        .triggers
        .get(trigger)
        .and_then(|t| t.for_each.as_ref())
    else {
        return Ok(vec![slots]);
    };
    let list = match (&each.list, asked) {
        (_, Some(answer)) => answer,
        (ListSource::Expr(expr), None) => {
            let names = |slot: Slot| playbook.slots.get(slot.0 as usize).map(|s| s.name.clone());
            scene.eval(expr, &slots, &names)?
        }
        (ListSource::Query(query, _), None) => {
            return Err(EvalError::Other(format!("`{query}` was not asked")));
        }
    };
    match list {
        Value::List(items) => Ok(items
            .into_iter()
            .map(|item| {
                let mut slots = slots.clone();
                slots.insert(each.slot, item);
                slots
            })
            .collect()),
        Value::Absent => Ok(Vec::new()),
        other => Err(EvalError::Other(format!(
            "`for each` needs a list, not {}",
            other.kind()
        ))),
    }
}
