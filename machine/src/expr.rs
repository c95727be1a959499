//! Compiled expressions: every name resolved, every conversion explicit.

use crate::pattern::Pattern;
use crate::types::Type;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A variable of a playbook or a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot(pub u32);

/// An expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// A constant.
    Const(Value),
    /// A variable.
    Slot(Slot),
    /// `base.field`; a missing field of JSON is null.
    Field(Box<Expr>, Arc<str>),
    /// `base?.field`: absent when the base is.
    OptionalField(Box<Expr>, Arc<str>),
    /// `now`.
    Now,
    /// `run.id`, `run.started`.
    Run(RunFact),
    /// `tenant.name` and relatives.
    Tenant(TenantFact),
    /// `tenant.has(intune)`: whether the tenant has a service.
    TenantHas(Arc<str>),
    /// A parameter that each tenant may set, with the value where it does not.
    Param(Arc<str>, Value),
    /// `team.soc`.
    Team(Arc<str>),
    /// A secret of the deployment, by name.
    NamedSecret(Arc<str>),
    /// A password made for this call.
    GeneratedPassword,
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// `a < b` and relatives.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `a + b` and relatives.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// `a in b`.
    In(Box<Expr>, Box<Expr>),
    /// `a contains b`, for texts and lists.
    Contains(Box<Expr>, Box<Expr>),
    /// `a matches r"…"`.
    Matches(Box<Expr>, Pattern),
    /// `a starts with b`.
    StartsWith(Box<Expr>, Box<Expr>),
    /// `a ends with b`.
    EndsWith(Box<Expr>, Box<Expr>),
    /// `x is present`.
    IsPresent(Box<Expr>),
    /// `a ?? b`.
    Coalesce(Box<Expr>, Box<Expr>),
    /// `(if c then a else b)`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `"…{x}…"`.
    Text(Vec<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `User(id: …)`.
    Record(Arc<str>, Vec<(Arc<str>, Expr)>),
    /// `{ key: value }`.
    Object(Vec<(Arc<str>, Expr)>),
    /// `any(d in xs where c)` and relatives.
    Comprehension {
        /// Which one.
        kind: Comprehension,
        /// The element's variable.
        slot: Slot,
        /// The list.
        source: Box<Expr>,
        /// Which elements count.
        filter: Option<Box<Expr>>,
        /// The element's value (`list`, `sum`).
        body: Option<Box<Expr>>,
    },
    /// JSON converted to a type.
    Convert(Box<Expr>, Type),
    /// A function of the language.
    Call(Function, Vec<Expr>),
    /// A variable bound within an expression (a `define` that was called).
    Let(Slot, Box<Expr>, Box<Expr>),
}

/// Facts of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunFact {
    /// `run.id`.
    Id,
    /// `run.started`.
    Started,
    /// `run.steps`: the actions so far, each with its outcome.
    Steps,
    /// `run.call`: what the call at hand is known by, the same for every repetition.
    Call,
    /// `run.sent_again`: whether the call at hand may have been sent before.
    SentAgain,
}

/// Facts of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TenantFact {
    /// `tenant.name`.
    Name,
    /// `tenant.id`.
    Id,
    /// `tenant.zone`.
    Zone,
    /// `tenant.domains`.
    Domains,
    /// `tenant.break_glass`: ids of accounts that nothing above `notify` may touch.
    BreakGlass,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArithmeticOp {
    /// `+`, also on texts, durations and times.
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

/// Comprehensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comprehension {
    /// At least one.
    Any,
    /// Every one.
    All,
    /// How many.
    Count,
    /// The first, or absent.
    First,
    /// A list.
    List,
    /// A sum.
    Sum,
}

/// Functions of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Function {
    /// `lower(t)`.
    Lower,
    /// `upper(t)`.
    Upper,
    /// `trim(t)`.
    Trim,
    /// `domain_of(address)`: what follows the last `@`, in lower case; absent without one.
    DomainOf,
    /// `join(list, separator)`.
    Join,
    /// `split(t, separator)`.
    Split,
    /// `length(list or text)`.
    Length,
    /// `to_int(text)`: the whole number that a text spells.
    ToInt,
    /// `time_of_day(time)`: what the clock in the tenant's zone shows then.
    TimeOfDay,
}

impl Expr {
    /// `base.field`.
    pub fn field(self, name: &str) -> Expr {
        Expr::Field(Box::new(self), Arc::from(name))
    }

    /// Whether it is something that is known only at a run: a variable, the time, or what differs by run and tenant.
    /// What is inside of it is not looked at.
    pub fn is_known_late(&self) -> bool {
        matches!(
            self,
            Expr::Slot(_)
                | Expr::Now
                | Expr::Run(_)
                | Expr::Tenant(_)
                | Expr::TenantHas(_)
                | Expr::Param(..)
                | Expr::Team(_)
                | Expr::NamedSecret(_)
                | Expr::GeneratedPassword
        )
    }

    /// Calls `f` on this expression and every one inside it.
    pub fn walk(&self, f: &mut dyn FnMut(&Expr)) {
        f(self);
        for part in self.parts() {
            part.walk(f);
        }
    }

    /// The expressions directly inside of this one, in the order in which they are written.
    pub fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Const(_)
            | Expr::Slot(_)
            | Expr::Now
            | Expr::Run(_)
            | Expr::Tenant(_)
            | Expr::TenantHas(_)
            | Expr::Param(..)
            | Expr::Team(_)
            | Expr::NamedSecret(_)
            | Expr::GeneratedPassword => Vec::new(),
            Expr::Field(a, _)
            | Expr::OptionalField(a, _)
            | Expr::Not(a)
            | Expr::Negate(a)
            | Expr::IsPresent(a)
            | Expr::Matches(a, _)
            | Expr::Convert(a, _) => vec![a],
            Expr::And(a, b)
            | Expr::Or(a, b)
            | Expr::Compare(_, a, b)
            | Expr::Arithmetic(_, a, b)
            | Expr::In(a, b)
            | Expr::Contains(a, b)
            | Expr::StartsWith(a, b)
            | Expr::EndsWith(a, b)
            | Expr::Coalesce(a, b)
            | Expr::Let(_, a, b) => vec![a, b],
            Expr::If(a, b, c) => vec![a, b, c],
            Expr::Text(items) | Expr::List(items) | Expr::Call(_, items) => items.iter().collect(),
            Expr::Record(_, fields) | Expr::Object(fields) => {
                fields.iter().map(|(_, value)| value).collect()
            }
            Expr::Comprehension {
                source,
                filter,
                body,
                ..
            } => {
                let mut parts: Vec<&Expr> = vec![source];
                parts.extend(filter.as_deref());
                parts.extend(body.as_deref());
                parts
            }
        }
    }

    /// [`Expr::parts`], to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Expr::Const(_)
            | Expr::Slot(_)
            | Expr::Now
            | Expr::Run(_)
            | Expr::Tenant(_)
            | Expr::TenantHas(_)
            | Expr::Param(..)
            | Expr::Team(_)
            | Expr::NamedSecret(_)
            | Expr::GeneratedPassword => Vec::new(),
            Expr::Field(a, _)
            | Expr::OptionalField(a, _)
            | Expr::Not(a)
            | Expr::Negate(a)
            | Expr::IsPresent(a)
            | Expr::Matches(a, _)
            | Expr::Convert(a, _) => vec![a],
            Expr::And(a, b)
            | Expr::Or(a, b)
            | Expr::Compare(_, a, b)
            | Expr::Arithmetic(_, a, b)
            | Expr::In(a, b)
            | Expr::Contains(a, b)
            | Expr::StartsWith(a, b)
            | Expr::EndsWith(a, b)
            | Expr::Coalesce(a, b)
            | Expr::Let(_, a, b) => vec![a, b],
            Expr::If(a, b, c) => vec![a, b, c],
            Expr::Text(items) | Expr::List(items) | Expr::Call(_, items) => {
                items.iter_mut().collect()
            }
            Expr::Record(_, fields) | Expr::Object(fields) => {
                fields.iter_mut().map(|(_, value)| value).collect()
            }
            Expr::Comprehension {
                source,
                filter,
                body,
                ..
            } => {
                let mut parts: Vec<&mut Expr> = vec![source];
                parts.extend(filter.as_deref_mut());
                parts.extend(body.as_deref_mut());
                parts
            }
        }
    }

    /// The path of fields from a variable, as `risk.user`: the variable and the fields.
    pub fn path(&self) -> Option<(Slot, Vec<Arc<str>>)> {
        match self {
            Expr::Slot(slot) => Some((*slot, Vec::new())),
            Expr::Field(base, name) | Expr::OptionalField(base, name) => {
                let (slot, mut fields) = base.path()?;
                fields.push(name.clone());
                Some((slot, fields))
            }
            Expr::Convert(inner, _) => inner.path(),
            _ => None,
        }
    }
}
