//! An expression and an environment in, a value or a reason out. Total: bounded by the expression's
//! size and the lists that it looks at.

use crate::deployment::{Deployment, Tenant};
use crate::expr::{
    ArithmeticOp, CompareOp, Comprehension, Expr, Function, RunFact, Slot, TenantFact,
};
use crate::json::{self, Mismatch};
use crate::types::{Type, Types};
use crate::value::{Record, SecretSource, Value, is_guid};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Facts of the tenant that a run belongs to, fixed when the run starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TenantFacts {
    /// The name in the project file.
    pub name: String,
    /// The id at Microsoft.
    pub id: String,
    /// The IANA time zone.
    pub zone: String,
    /// Verified domains.
    pub domains: Vec<String>,
    /// The services that the tenant has; every one that the project connects where it does not say.
    #[serde(default)]
    pub services: Option<Vec<String>>,
    /// Ids of the accounts that are kept for emergencies.
    #[serde(default)]
    pub break_glass: Vec<String>,
    /// Parameters that the tenant sets, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
}

impl TenantFacts {
    /// What the project file says of a tenant.
    pub fn of(name: &str, tenant: &Tenant) -> TenantFacts {
        TenantFacts {
            name: name.to_owned(),
            id: tenant.id.clone(),
            zone: tenant.zone.clone().unwrap_or_else(|| "UTC".into()),
            domains: tenant.domains.clone(),
            services: tenant.services.clone(),
            break_glass: tenant.break_glass.clone(),
            parameters: tenant.parameters.clone(),
        }
    }

    /// Whether the tenant has a service; one that lists none has them all.
    pub fn has(&self, service: &str) -> bool {
        self.services
            .as_ref()
            .is_none_or(|all| all.iter().any(|s| s == service))
    }
}

/// A run as expressions see it.
#[derive(Clone, Copy)]
pub struct RunFacts<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it started, in milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Its actions so far.
    pub steps: &'a [crate::state::StepResult],
    /// Whether the call at hand may have been sent before.
    pub sent_again: bool,
}

/// What an expression may look at.
pub struct Env<'a> {
    /// Declared types.
    pub types: &'a Types,
    /// Teams.
    pub deployment: &'a Deployment,
    /// The tenant.
    pub tenant: &'a TenantFacts,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The run, where there is one.
    pub run: Option<RunFacts<'a>>,
    /// The id of the call that a request is built for (generated passwords are bound to it).
    pub call: Option<&'a str>,
    /// Variables.
    pub slots: &'a dyn Fn(Slot) -> Option<Value>,
    /// Names of variables, for paths in messages.
    pub names: &'a dyn Fn(Slot) -> Option<Arc<str>>,
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// JSON from outside does not fit.
    Mismatch(Mismatch),
    /// Anything else, as a sentence.
    Other(String),
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::Mismatch(m) => m.fmt(f),
            EvalError::Other(text) => f.write_str(text),
        }
    }
}

fn fail<T>(text: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::Other(text.into()))
}

struct Local<'x> {
    slot: Slot,
    /// Its value; it lies in JSON where there is none.
    value: Option<Value>,
    /// The list that it is an element of, and its place in it.
    element: Option<(&'x Expr, usize)>,
}

/// What is not there.
const NULL: serde_json::Value = serde_json::Value::Null;

/// `json.b.c`, where `expr` is `a.b.c`.
fn descend<'j>(json: &'j serde_json::Value, expr: &Expr) -> &'j serde_json::Value {
    match expr {
        Expr::Field(inner, name) => descend(json, inner).get(&**name).unwrap_or(&NULL),
        _ => json,
    }
}

/// Evaluates an expression.
pub fn eval(expr: &Expr, env: &Env<'_>) -> Result<Value, EvalError> {
    Evaluator {
        env,
        locals: Vec::new(),
    }
    .eval(expr)
}

/// Evaluates a condition.
pub fn eval_bool(expr: &Expr, env: &Env<'_>) -> Result<bool, EvalError> {
    match eval(expr, env)? {
        Value::Bool(b) => Ok(b),
        Value::Json(json) if json.is_boolean() => Ok(json.as_bool().unwrap_or(false)),
        other => fail(format!(
            "a condition gave {} instead of true or false",
            other.kind()
        )),
    }
}

/// An element of a list.
fn nth(list: &serde_json::Value, index: usize) -> &serde_json::Value {
    list.get(index).unwrap_or(&NULL)
}

struct Evaluator<'a, 'e, 'x> {
    env: &'a Env<'e>,
    locals: Vec<Local<'x>>,
}

impl<'x> Evaluator<'_, '_, 'x> {
    fn eval(&mut self, expr: &'x Expr) -> Result<Value, EvalError> {
        Ok(match expr {
            Expr::Const(value) => value.clone(),
            Expr::Slot(slot) => self.slot(*slot)?,
            Expr::Field(..) => self.field(expr)?,
            Expr::OptionalField(base, name) => {
                let base = self.eval(base)?;
                if base.is_present() {
                    base.get(name).unwrap_or(Value::Absent)
                } else {
                    Value::Absent
                }
            }
            Expr::Now => Value::Time(self.env.now_ms),
            Expr::Run(fact) => match (self.env.run, fact) {
                (Some(run), RunFact::Id) => Value::text(run.id),
                (Some(run), RunFact::Started) => Value::Time(run.started_ms),
                (Some(run), RunFact::Steps) => {
                    Value::List(run.steps.iter().map(|s| s.value()).collect())
                }
                (Some(run), RunFact::SentAgain) => Value::Bool(run.sent_again),
                (_, RunFact::Call) => match self.env.call {
                    Some(call) => Value::text(call),
                    None => return fail("there is no call here"),
                },
                (None, _) => return fail("there is no run here"),
            },
            Expr::Tenant(fact) => {
                let t = self.env.tenant;
                match fact {
                    TenantFact::Name => Value::text(&t.name),
                    TenantFact::Id => Value::text(&t.id),
                    TenantFact::Zone => Value::text(&t.zone),
                    TenantFact::Domains => Value::List(t.domains.iter().map(Value::text).collect()),
                    TenantFact::BreakGlass => {
                        Value::List(t.break_glass.iter().map(Value::text).collect())
                    }
                }
            }
            Expr::TenantHas(service) => Value::Bool(self.env.tenant.has(service)),
            Expr::Param(name, default) => match self.env.tenant.parameters.get(&**name) {
                Some(value) => value.clone(),
                None => default.clone(),
            },
            Expr::Team(name) => self.team(name)?,
            Expr::NamedSecret(name) => Value::Secret(SecretSource::Named(name.clone())),
            Expr::GeneratedPassword => match self.env.call {
                Some(call) => Value::Secret(SecretSource::Generated(Arc::from(call))),
                None => return fail("a password can only be made for a call"),
            },
            Expr::Not(a) => Value::Bool(!self.bool(a)?),
            Expr::Negate(a) => match self.eval(a)? {
                Value::Int(i) => Value::Int(i.checked_neg().ok_or_else(overflow)?),
                Value::Number(n) => Value::Number(-n),
                Value::Duration(d) => Value::Duration(d.checked_neg().ok_or_else(overflow)?),
                other => return fail(format!("cannot negate {}", other.kind())),
            },
            Expr::And(a, b) => Value::Bool(self.bool(a)? && self.bool(b)?),
            Expr::Or(a, b) => Value::Bool(self.bool(a)? || self.bool(b)?),
            Expr::Compare(op, a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                Value::Bool(compare(*op, &a, &b)?)
            }
            Expr::Arithmetic(op, a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                arithmetic(*op, a, b)?
            }
            Expr::In(a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                match b {
                    Value::List(items) => Value::Bool(items.iter().any(|item| equal(item, &a))),
                    other => return fail(format!("`in` needs a list, not {}", other.kind())),
                }
            }
            Expr::Contains(a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                match (&a, &b) {
                    (Value::List(items), _) => {
                        Value::Bool(items.iter().any(|item| equal(item, &b)))
                    }
                    (Value::Text(a), Value::Text(b)) => Value::Bool(a.contains(&**b)),
                    _ => {
                        return fail(format!(
                            "`contains` needs a text or a list, not {}",
                            a.kind()
                        ));
                    }
                }
            }
            Expr::Matches(a, pattern) => match pattern.is_in(&self.text(a)?) {
                Ok(found) => Value::Bool(found),
                Err(why) => return fail(why),
            },
            Expr::StartsWith(a, b) => Value::Bool(self.text(a)?.starts_with(&*self.text(b)?)),
            Expr::EndsWith(a, b) => Value::Bool(self.text(a)?.ends_with(&*self.text(b)?)),
            Expr::IsPresent(a) => Value::Bool(match self.in_json(a, |json| !json.is_null())? {
                Some(is_present) => is_present,
                None => self.eval(a)?.is_present(),
            }),
            Expr::Coalesce(a, b) => {
                let a = self.eval(a)?;
                if a.is_present() { a } else { self.eval(b)? }
            }
            Expr::If(c, a, b) => {
                if self.bool(c)? {
                    self.eval(a)?
                } else {
                    self.eval(b)?
                }
            }
            Expr::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match self.eval(part)? {
                        Value::Secret(_) => return fail("a secret cannot become text"),
                        Value::Json(json) if json.is_string() => {
                            text.push_str(json.as_str().unwrap_or(""))
                        }
                        value => text.push_str(&value.plain()),
                    }
                }
                Value::text(text)
            }
            Expr::List(items) => Value::List(
                items
                    .iter()
                    .map(|i| self.eval(i))
                    .collect::<Result<_, _>>()?,
            ),
            Expr::Record(ty, fields) => {
                let mut values = BTreeMap::new();
                for (name, value) in fields {
                    values.insert(name.clone(), self.eval(value)?);
                }
                // Fields that were left out are optional ones.
                if let Some(record) = self.env.types.records.get(ty)
                    && record.fields.len() > values.len()
                {
                    for (name, _) in &record.fields {
                        if !values.contains_key(name) {
                            values.insert(name.clone(), Value::Absent);
                        }
                    }
                }
                Value::Record(Arc::new(Record {
                    ty: ty.clone(),
                    fields: values,
                }))
            }
            Expr::Object(fields) => {
                let mut values = std::collections::BTreeMap::new();
                for (name, value) in fields {
                    values.insert(name.clone(), self.eval(value)?);
                }
                Value::Object(values)
            }
            Expr::Comprehension {
                kind,
                slot,
                source,
                filter,
                body,
            } => self.comprehension(*kind, *slot, source, filter.as_deref(), body.as_deref())?,
            Expr::Convert(inner, ty) => {
                let types = self.env.types;
                let read = |json: &serde_json::Value| {
                    json::convert(types, json, ty, "").map_err(EvalError::Mismatch)
                };
                let converted = match self.in_json(inner, read)? {
                    Some(converted) => converted,
                    None => convert(types, self.eval(inner)?, ty),
                };
                converted.map_err(|e| under(e, || self.path(inner)))?
            }
            Expr::Call(function, args) => {
                let args = args
                    .iter()
                    .map(|a| self.eval(a))
                    .collect::<Result<Vec<_>, _>>()?;
                call(*function, args, &self.env.tenant.zone)?
            }
            Expr::Let(slot, value, body) => {
                let value = self.eval(value)?;
                self.locals.push(Local {
                    slot: *slot,
                    value: Some(value),
                    element: None,
                });
                let result = self.eval(body);
                self.locals.pop();
                result?
            }
        })
    }

    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        if let Some(at) = self.local(slot, self.locals.len()) {
            let local = &self.locals[at];
            return match (&local.value, local.element) {
                (Some(value), _) => Ok(value.clone()),
                (None, Some((list, index))) => {
                    let copied =
                        self.in_json_below(list, at, &mut |list| nth(list, index).clone())?;
                    Ok(Value::Json(Arc::new(copied.unwrap_or(NULL))))
                }
                (None, None) => Ok(Value::Absent),
            };
        }
        self.free(slot)
    }

    /// A variable that is not bound inside of the expression.
    fn free(&self, slot: Slot) -> Result<Value, EvalError> {
        match (self.env.slots)(slot) {
            Some(value) => Ok(value),
            None => fail(format!(
                "`{}` has no value here",
                (self.env.names)(slot).as_deref().unwrap_or("a name")
            )),
        }
    }

    /// Where a variable is bound, among the first `below` of those that are.
    fn local(&self, slot: Slot, below: usize) -> Option<usize> {
        self.locals[..below].iter().rposition(|l| l.slot == slot)
    }

    /// What JSON holds at `a.b.c`, looked at where it lies; `None` where `a` is no JSON.
    fn in_json<R>(
        &self,
        expr: &Expr,
        mut look: impl FnMut(&serde_json::Value) -> R,
    ) -> Result<Option<R>, EvalError> {
        self.in_json_below(expr, self.locals.len(), &mut look)
    }

    /// [`Evaluator::in_json`], where only the first `below` variables are bound.
    fn in_json_below<R>(
        &self,
        expr: &Expr,
        below: usize,
        look: &mut dyn FnMut(&serde_json::Value) -> R,
    ) -> Result<Option<R>, EvalError> {
        let mut base = expr;
        while let Expr::Field(inner, _) = base {
            base = inner;
        }
        let Expr::Slot(slot) = base else {
            return Ok(None);
        };
        let Some(at) = self.local(*slot, below) else {
            return Ok(match self.free(*slot)? {
                Value::Json(json) => Some(look(descend(&json, expr))),
                _ => None,
            });
        };
        match (&self.locals[at].value, self.locals[at].element) {
            (Some(Value::Json(json)), _) => Ok(Some(look(descend(json, expr)))),
            (None, Some((list, index))) => {
                self.in_json_below(list, at, &mut |list| look(descend(nth(list, index), expr)))
            }
            _ => Ok(None),
        }
    }

    /// `a.b.c`, without copying what is not wanted.
    fn field(&mut self, expr: &'x Expr) -> Result<Value, EvalError> {
        if let Some(copied) = self.in_json(expr, serde_json::Value::clone)? {
            return Ok(Value::Json(Arc::new(copied)));
        }
        let mut names = Vec::new();
        let mut base = expr;
        while let Expr::Field(inner, name) = base {
            names.push(name);
            base = inner;
        }
        let mut value = self.eval(base)?;
        while let Some(name) = names.pop() {
            if let Value::Json(json) = &value {
                let mut at = json.get(&**name).unwrap_or(&NULL);
                while let Some(name) = names.pop() {
                    at = at.get(&**name).unwrap_or(&NULL);
                }
                return Ok(Value::Json(Arc::new(at.clone())));
            }
            value = match value.get(name) {
                Some(Value::Secret(SecretSource::Named(secret))) if secret.is_empty() => {
                    return fail(format!(
                        "{} has no `{name}` in counterplay.toml",
                        value.label()
                    ));
                }
                Some(inner) => inner,
                None => return fail(format!("there is no `{name}` in {}", value.kind())),
            };
        }
        Ok(value)
    }

    fn bool(&mut self, expr: &'x Expr) -> Result<bool, EvalError> {
        match self.eval(expr)? {
            Value::Bool(b) => Ok(b),
            other => fail(format!("expected true or false, found {}", other.kind())),
        }
    }

    fn text(&mut self, expr: &'x Expr) -> Result<Arc<str>, EvalError> {
        match self.eval(expr)? {
            Value::Text(text) => Ok(text),
            other => fail(format!("expected a Text, found {}", other.kind())),
        }
    }

    fn team(&self, name: &str) -> Result<Value, EvalError> {
        let Some(team) = self.env.deployment.teams.get(name) else {
            return fail(format!("there is no team `{name}` in counterplay.toml"));
        };
        let secret = |s: &Option<String>| {
            Value::Secret(SecretSource::Named(Arc::from(s.as_deref().unwrap_or(""))))
        };
        Ok(Value::record(
            "Team",
            [
                ("name", Value::text(name)),
                (
                    "email",
                    team.email.as_ref().map_or(Value::Absent, Value::text),
                ),
                (
                    "members",
                    Value::List(team.members.iter().map(Value::text).collect()),
                ),
                ("teams_webhook", secret(&team.teams_webhook)),
                ("slack_webhook", secret(&team.slack_webhook)),
            ],
        ))
    }

    fn comprehension(
        &mut self,
        kind: Comprehension,
        slot: Slot,
        source: &'x Expr,
        filter: Option<&'x Expr>,
        body: Option<&'x Expr>,
    ) -> Result<Value, EvalError> {
        let length = |json: &serde_json::Value| match json {
            serde_json::Value::Array(items) => Ok(items.len()),
            serde_json::Value::Null => Ok(0),
            other => Err(json::describe(other)),
        };
        // A list in JSON is looked at where it lies: `None` for each of its elements.
        let items: Vec<Option<Value>> = match self.in_json(source, length)? {
            Some(Ok(length)) => vec![None; length],
            Some(Err(found)) => return Err(self.no_list(source, found)),
            None => match self.eval(source)? {
                Value::List(items) => items.into_iter().map(Some).collect(),
                Value::Json(json) => match &*json {
                    serde_json::Value::Array(items) => {
                        let items = items.iter();
                        items
                            .map(|i| Some(Value::Json(Arc::new(i.clone()))))
                            .collect()
                    }
                    serde_json::Value::Null => Vec::new(),
                    other => return Err(self.no_list(source, json::describe(other))),
                },
                Value::Absent => Vec::new(),
                other => return fail(format!("expected a List, found {}", other.kind())),
            },
        };
        let mut out = Vec::new();
        let mut all = true;
        for (index, item) in items.into_iter().enumerate() {
            self.locals.push(Local {
                slot,
                value: item,
                element: Some((source, index)),
            });
            let kept = match filter {
                Some(filter) => self.bool(filter),
                None => Ok(true),
            };
            let is_kept = matches!(kept, Ok(true));
            let value = match (body, kind) {
                (Some(body), _) if is_kept => self.eval(body),
                (None, Comprehension::First | Comprehension::List | Comprehension::Sum)
                    if is_kept =>
                {
                    self.slot(slot)
                }
                _ => Ok(Value::Absent),
            };
            self.locals.pop();
            if kept? {
                out.push(value?);
                if matches!(kind, Comprehension::Any | Comprehension::First) {
                    break;
                }
            } else {
                all = false;
                if kind == Comprehension::All {
                    break;
                }
            }
        }
        Ok(match kind {
            Comprehension::Any => Value::Bool(!out.is_empty()),
            Comprehension::All => Value::Bool(all),
            Comprehension::Count => Value::Int(out.len() as i64),
            Comprehension::First => out.into_iter().next().unwrap_or(Value::Absent),
            Comprehension::List => Value::List(out),
            Comprehension::Sum => {
                let mut items = out.into_iter();
                match items.next() {
                    None => Value::Int(0),
                    Some(mut total) => {
                        for item in items {
                            total = arithmetic(ArithmeticOp::Add, total, item)?;
                        }
                        total
                    }
                }
            }
        })
    }

    fn no_list(&self, source: &Expr, found: String) -> EvalError {
        EvalError::Mismatch(Mismatch {
            path: self.path(source),
            expected: "a list".into(),
            found,
        })
    }

    /// The path of an expression in the author's words, for messages about JSON from outside.
    fn path(&self, expr: &Expr) -> String {
        match expr {
            Expr::Slot(slot) => match self.locals.iter().rev().find(|l| l.slot == *slot) {
                Some(Local {
                    element: Some((list, index)),
                    ..
                }) => format!("{}[{index}]", self.path(list)),
                _ => (self.env.names)(*slot).map_or_else(|| "value".into(), |n| n.to_string()),
            },
            Expr::Field(base, name) | Expr::OptionalField(base, name) => {
                format!("{}.{name}", self.path(base))
            }
            Expr::Convert(inner, _) => self.path(inner),
            Expr::Coalesce(a, b) => format!("{} or {}", self.path(a), self.path(b)),
            Expr::Comprehension { source, .. } => self.path(source),
            _ => "value".into(),
        }
    }
}

/// JSON anywhere in a value, converted to what its place wants; the rest stays as it is. The path of a
/// mismatch begins at the value.
fn convert(types: &Types, value: Value, ty: &Type) -> Result<Value, EvalError> {
    match (value, ty) {
        (Value::Json(json), _) => json::convert(types, &json, ty, "").map_err(EvalError::Mismatch),
        (Value::Absent, _) => json::convert(types, &NULL, ty, "").map_err(EvalError::Mismatch),
        (value, Type::Optional(inner)) => convert(types, value, inner),
        // What stands in for something that the service did not say is written as the service would have.
        (Value::Text(text), Type::Enum(_)) => {
            let said = serde_json::Value::String(text.to_string());
            json::convert(types, &said, ty, "").map_err(EvalError::Mismatch)
        }
        (Value::List(items), Type::List(inner)) => items
            .into_iter()
            .enumerate()
            .map(|(i, item)| convert(types, item, inner).map_err(|e| under(e, || format!("[{i}]"))))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::List),
        (value, ty) if fits(&value, ty) => Ok(value),
        (value, ty) => Err(EvalError::Mismatch(Mismatch {
            path: String::new(),
            expected: json::noun(types, ty),
            found: value.kind().into(),
        })),
    }
}

/// A mismatch with the path of what it lies in before its own. Where that is, is worked out only here.
fn under(error: EvalError, path: impl FnOnce() -> String) -> EvalError {
    match error {
        EvalError::Mismatch(m) => EvalError::Mismatch(Mismatch {
            path: format!("{}{}", path(), m.path),
            ..m
        }),
        other => other,
    }
}

/// Whether a typed value may stand where a type is wanted.
fn fits(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Secret(_), Type::Secret(_)) => true,
        (Value::Secret(_), _) => false,
        (_, Type::Unknown) => true,
        (value, Type::Json) => !value.exposes_secret(),
        (Value::Text(_), Type::Text)
        | (Value::Int(_), Type::Int | Type::Number)
        | (Value::Number(_), Type::Number)
        | (Value::Bool(_), Type::Bool)
        | (Value::Duration(_), Type::Duration)
        | (Value::Time(_), Type::Time)
        | (Value::Clock(_), Type::Clock) => true,
        (Value::Member(member), Type::Enum(name)) => member.ty == *name,
        (Value::Record(record), Type::Record(name)) => record.ty == *name,
        (Value::Record(record), Type::Event(names)) => names.contains(&record.ty),
        _ => false,
    }
}

fn overflow() -> EvalError {
    EvalError::Other("the number is too large".into())
}

/// Whether two values are equal; whole and fractional numbers compare by value.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Number(b)) | (Value::Number(b), Value::Int(a)) => *a as f64 == *b,
        (Value::Json(a), Value::Int(b)) | (Value::Int(b), Value::Json(a)) => {
            a.as_i64() == Some(*b) || a.as_f64() == Some(*b as f64)
        }
        (Value::Json(a), Value::Number(b)) | (Value::Number(b), Value::Json(a)) => {
            a.as_f64() == Some(*b)
        }
        (Value::Json(a), Value::Text(b)) | (Value::Text(b), Value::Json(a)) => {
            a.as_str().is_some_and(|a| same(a, b))
        }
        (Value::Text(a), Value::Text(b)) => same(a, b),
        (Value::Json(a), b) | (b, Value::Json(a)) if !matches!(b, Value::Json(_)) => {
            **a == b.to_json(&|_| serde_json::Value::Null)
        }
        _ => a == b,
    }
}

/// Whether texts are equal. Ids of Microsoft's form are, however their letters are written.
fn same(a: &str, b: &str) -> bool {
    a == b || (a.eq_ignore_ascii_case(b) && is_guid(a))
}

fn compare(op: CompareOp, a: &Value, b: &Value) -> Result<bool, EvalError> {
    match op {
        CompareOp::Eq => return Ok(equal(a, b)),
        CompareOp::Ne => return Ok(!equal(a, b)),
        _ => {}
    }
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) | (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Clock(a), Value::Clock(b)) => a.cmp(b),
        (Value::Member(a), Value::Member(b)) if a.ty == b.ty => a.rank.cmp(&b.rank),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            _ => return fail(format!("cannot order {} and {}", a.kind(), b.kind())),
        },
    };
    Ok(match op {
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::Le => order != Ordering::Greater,
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Ge => order != Ordering::Less,
        CompareOp::Eq | CompareOp::Ne => order == Ordering::Equal,
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

fn arithmetic(op: ArithmeticOp, a: Value, b: Value) -> Result<Value, EvalError> {
    use ArithmeticOp::{Add, Div, Mul, Sub};
    let checked = |v: Option<i64>| v.ok_or_else(overflow);
    Ok(match (op, &a, &b) {
        (Add, Value::Text(a), Value::Text(b)) => Value::text(format!("{a}{b}")),
        (Add, Value::List(a), Value::List(b)) => Value::List(a.iter().chain(b).cloned().collect()),
        (Add, Value::Int(a), Value::Int(b)) => Value::Int(checked(a.checked_add(*b))?),
        (Sub, Value::Int(a), Value::Int(b)) => Value::Int(checked(a.checked_sub(*b))?),
        (Mul, Value::Int(a), Value::Int(b)) => Value::Int(checked(a.checked_mul(*b))?),
        (Div, Value::Int(_) | Value::Duration(_), Value::Int(0)) => {
            return fail("division by zero");
        }
        (Div, Value::Int(a), Value::Int(b)) => Value::Int(checked(a.checked_div(*b))?),
        (Add, Value::Duration(a), Value::Duration(b)) => {
            Value::Duration(checked(a.checked_add(*b))?)
        }
        (Sub, Value::Duration(a), Value::Duration(b)) => {
            Value::Duration(checked(a.checked_sub(*b))?)
        }
        (Mul, Value::Duration(a), Value::Int(b)) | (Mul, Value::Int(b), Value::Duration(a)) => {
            Value::Duration(checked(a.checked_mul(*b))?)
        }
        (Div, Value::Duration(a), Value::Int(b)) => Value::Duration(checked(a.checked_div(*b))?),
        (Add, Value::Time(a), Value::Duration(b)) => Value::Time(checked(a.checked_add(*b))?),
        (Sub, Value::Time(a), Value::Duration(b)) => Value::Time(checked(a.checked_sub(*b))?),
        (Sub, Value::Time(a), Value::Time(b)) => Value::Duration(checked(a.checked_sub(*b))?),
        _ => match (number(&a), number(&b)) {
            (Some(x), Some(y)) => {
                let result = match op {
                    Add => x + y,
                    Sub => x - y,
                    Mul => x * y,
                    Div => x / y,
                };
                if result.is_finite() {
                    Value::Number(result)
                } else {
                    return fail("division by zero");
                }
            }
            _ => {
                return fail(format!(
                    "cannot calculate with {} and {}",
                    a.kind(),
                    b.kind()
                ));
            }
        },
    })
}

fn call(function: Function, args: Vec<Value>, zone: &str) -> Result<Value, EvalError> {
    let text = |i: usize| -> Result<&str, EvalError> {
        match args.get(i) {
            Some(Value::Text(t)) => Ok(t),
            Some(other) => fail(format!("expected a Text, found {}", other.kind())),
            None => fail("an argument is missing"),
        }
    };
    Ok(match function {
        Function::Lower => Value::text(text(0)?.to_lowercase()),
        Function::Upper => Value::text(text(0)?.to_uppercase()),
        Function::Trim => Value::text(text(0)?.trim()),
        Function::DomainOf => match text(0)?.rsplit_once('@') {
            Some((_, domain)) if !domain.is_empty() => Value::text(domain.to_lowercase()),
            _ => Value::Absent,
        },
        Function::Join => match args.first() {
            Some(Value::List(items)) => Value::text(
                items
                    .iter()
                    .map(Value::plain)
                    .collect::<Vec<_>>()
                    .join(text(1)?),
            ),
            _ => return fail("`join` needs a list"),
        },
        Function::Split => {
            let separator = text(1)?;
            if separator.is_empty() {
                return fail("`split` needs a separator");
            }
            Value::List(text(0)?.split(separator).map(Value::text).collect())
        }
        Function::ToInt => match text(0)?.trim().parse::<i64>() {
            Ok(number) => Value::Int(number),
            Err(_) => return fail(format!("\"{}\" is not a whole number", text(0)?)),
        },
        Function::TimeOfDay => match args.first() {
            Some(Value::Time(ms)) => match crate::schedule::minutes_of_day(zone, *ms) {
                Some(minutes) => Value::Clock(minutes),
                None => return fail("this time is beyond what a clock shows"),
            },
            _ => return fail("`time_of_day` needs a time"),
        },
        Function::Length => match args.first() {
            Some(Value::List(items)) => Value::Int(items.len() as i64),
            Some(Value::Text(t)) => Value::Int(t.chars().count() as i64),
            _ => return fail("`length` needs a text or a list"),
        },
    })
}
