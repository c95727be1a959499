//! A playbook's head in; what it wants of which values out: its conditions, taken apart.

use super::region::{Kind, Region};
use super::sure::{EVENT, Scope};
use crate::expr::{Expr, Slot};
use crate::playbook::{Playbook, Tenants};
use crate::types::Type;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A value that conditions look at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    /// The name of the event's tenant.
    Tenant,
    /// Whether the tenant is in a group.
    Group(Arc<str>),
    /// A field of the event's record, or of a record in it.
    Field(Vec<Arc<str>>),
    /// Anything else over the event's record, which is [`EVENT`].
    Expr(Expr),
}

impl Subject {
    fn of(expr: &Expr) -> Subject {
        let mut names = Vec::new();
        let mut at = expr;
        while let Expr::Field(base, name) = at {
            names.push(name.clone());
            at = base;
        }
        names.reverse();
        if *at == Expr::Slot(EVENT) && !names.is_empty() {
            Subject::Field(names)
        } else {
            Subject::Expr(expr.clone())
        }
    }

    /// The same text for the same subject.
    pub(super) fn name(&self) -> String {
        match self {
            Subject::Tenant => "tenant".into(),
            Subject::Group(group) => format!("group {group}"),
            Subject::Field(names) => format!("field {}", names.join(".")),
            // Every expression can be written as JSON.
            Subject::Expr(expr) => serde_json::to_string(expr).unwrap_or_default(),
        }
    }
}

/// What a playbook's head wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// What it wants of which value. Where one is not met, no run starts.
    pub(super) all: Vec<(Subject, Region)>,
    /// Whether that is all: where every wish is met, the conditions over stored fields hold.
    pub(super) complete: bool,
}

impl Wishes {
    fn add(&mut self, subject: Subject, region: Region) {
        for (of, before) in &mut self.all {
            if *of == subject
                && let Some(both) = before.and(&region)
            {
                *before = both;
                return;
            }
        }
        self.all.push((subject, region));
    }
}

/// Which tenants it is for.
pub(super) fn tenants(playbook: &Playbook) -> Option<(Subject, Region)> {
    let named = |names: &[Arc<str>]| {
        let values: Vec<Value> = names.iter().map(Value::text).collect();
        Region::one_of(values.iter())
    };
    match &playbook.tenants {
        Tenants::All => None,
        Tenants::Except(names) => Some((Subject::Tenant, named(names)?.not())),
        Tenants::Listed(names) if names.is_empty() => Some((Subject::Tenant, Region::never())),
        Tenants::Listed(names) => Some((Subject::Tenant, named(names)?)),
        Tenants::Group(group) => Some((Subject::Group(group.clone()), Region::is_true())),
    }
}

/// Takes the conditions apart, in the order in which they are judged: up to the first that might fail.
pub(super) fn conditions(playbook: &Playbook, scope: &mut Scope<'_>) -> Wishes {
    let mut wishes = Wishes {
        complete: true,
        ..Wishes::default()
    };
    for condition in playbook.conditions.iter().filter(|c| !c.needs_fetched) {
        let mut parts = Vec::new();
        split(&condition.expr, &mut parts);
        for part in parts {
            let mut part = part.clone();
            rename(&mut part, playbook.event_slot, &mut HashMap::new());
            let Some((subject, region)) = wish(&part, scope) else {
                wishes.complete = false;
                return wishes;
            };
            wishes.add(subject, region);
            scope.learn(&part);
        }
    }
    wishes
}

fn split<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match expr {
        Expr::And(a, b) => {
            split(a, out);
            split(b, out);
        }
        other => out.push(other),
    }
}

/// Gives the event's variable its number here, and those that are bound inside the numbers after it, so that
/// the same condition of two playbooks is the same.
fn rename(expr: &mut Expr, event: Option<Slot>, known: &mut HashMap<Slot, Slot>) {
    let mut number = |slot: &mut Slot| {
        if Some(*slot) == event {
            *slot = EVENT;
        } else {
            let next = Slot(EVENT.0 + 1 + known.len() as u32);
            *slot = *known.entry(*slot).or_insert(next);
        }
    };
    match expr {
        Expr::Slot(slot) | Expr::Comprehension { slot, .. } | Expr::Let(slot, ..) => number(slot),
        _ => {}
    }
    for part in expr.parts_mut() {
        rename(part, event, known);
    }
}

/// What a condition wants of which value; `None` where judging it might fail.
fn wish(expr: &Expr, scope: &mut Scope<'_>) -> Option<(Subject, Region)> {
    if let Some((of, region)) = shape(expr)
        && let Some(ty) = scope.sure(of)
        && suits(&ty, &region)
    {
        return Some((Subject::of(of), region));
    }
    let of_truth = match expr {
        Expr::Not(inner) => (&**inner, Region::is_true().not()),
        other => (other, Region::is_true()),
    };
    (scope.sure(of_truth.0)? == Type::Bool).then(|| (Subject::of(of_truth.0), of_truth.1))
}

/// A condition as a set of values of one expression.
fn shape(expr: &Expr) -> Option<(&Expr, Region)> {
    match expr {
        Expr::Compare(op, of, by) => match (&**of, &**by) {
            (Expr::Const(_), Expr::Const(_)) => None,
            (of, Expr::Const(value)) => Some((of, Region::compare(*op, value)?)),
            (Expr::Const(value), of) => Some((of, Region::compare(turned(*op), value)?)),
            _ => None,
        },
        Expr::In(of, list) => {
            let region = match &**list {
                Expr::Const(Value::List(items)) => Region::one_of(items.iter())?,
                Expr::List(items) => {
                    let constants = items.iter().map(|item| match item {
                        Expr::Const(value) => Some(value),
                        _ => None,
                    });
                    let constants: Option<Vec<&Value>> = constants.collect();
                    Region::one_of(constants?.into_iter())?
                }
                _ => return None,
            };
            Some((of, region))
        }
        Expr::IsPresent(of) => Some((of, Region::present())),
        Expr::Not(inner) => {
            let (of, region) = shape(inner)?;
            Some((of, region.not()))
        }
        Expr::And(a, b) | Expr::Or(a, b) => {
            let ((of, first), (too, second)) = (shape(a)?, shape(b)?);
            if of != too {
                return None;
            }
            let both = matches!(expr, Expr::And(..));
            let region = if both {
                first.and(&second)
            } else {
                first.or(&second)
            };
            Some((of, region?))
        }
        _ => None,
    }
}

/// `3 < x` is `x > 3`.
fn turned(op: crate::expr::CompareOp) -> crate::expr::CompareOp {
    use crate::expr::CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    match op {
        Eq => Eq,
        Ne => Ne,
        Lt => Gt,
        Le => Ge,
        Gt => Lt,
        Ge => Le,
    }
}

/// Whether the values of a type can be looked up in a region, and none of them makes the condition fail.
fn suits(ty: &Type, region: &Region) -> bool {
    use super::region::Truth;
    if ty.is_optional() && region.absent == Truth::Fails {
        return false;
    }
    match (&region.kind, ty.present()) {
        (None, _)
        | (Some(Kind::Bool), Type::Bool)
        | (Some(Kind::Int), Type::Int)
        | (Some(Kind::Duration), Type::Duration)
        | (Some(Kind::Time), Type::Time)
        | (Some(Kind::Clock), Type::Clock)
        | (Some(Kind::Text), Type::Text) => true,
        (Some(Kind::Member(of)), Type::Enum(name)) => of == name,
        _ => false,
    }
}
