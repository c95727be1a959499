//! An expression over an event in; its type out, where it certainly has a value.
//!
//! Only what cannot fail may be judged before its turn: whoever looks at conditions in another order than they
//! are written in must not hide a failure, nor raise one that nobody would have seen.

use crate::expr::{ArithmeticOp, CompareOp, Comprehension, Expr, Function, Slot, TenantFact};
use crate::program::Program;
use crate::types::Type;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The variable of the event's record in expressions of the index.
pub(super) const EVENT: Slot = Slot(0);

/// What is known where a condition is judged.
pub(super) struct Scope<'p> {
    program: &'p Program,
    event: &'p Arc<str>,
    /// The event's stored fields.
    fields: &'p BTreeMap<Arc<str>, Type>,
    locals: Vec<(Slot, Type)>,
    /// What was found to be present by the conditions before.
    present: Vec<Expr>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(
        program: &'p Program,
        event: &'p Arc<str>,
        fields: &'p BTreeMap<Arc<str>, Type>,
    ) -> Scope<'p> {
        Scope {
            program,
            event,
            fields,
            locals: Vec::new(),
            present: Vec::new(),
        }
    }

    /// Takes in what holds from here on because a condition held.
    pub(super) fn learn(&mut self, condition: &Expr) {
        match condition {
            Expr::And(a, b) => {
                self.learn(a);
                self.learn(b);
            }
            Expr::IsPresent(what) => self.present.push(Expr::clone(what)),
            _ => {}
        }
    }

    /// The type of an expression that certainly has a value.
    pub(super) fn sure(&mut self, expr: &Expr) -> Option<Type> {
        let ty = self.look(expr)?;
        match ty {
            Type::Optional(inner) if self.present.contains(expr) => Some(*inner),
            ty => Some(ty),
        }
    }

    fn is(&mut self, expr: &Expr, ty: &Type) -> Option<()> {
        (self.sure(expr)? == *ty).then_some(())
    }

    fn look(&mut self, expr: &Expr) -> Option<Type> {
        Some(match expr {
            Expr::Const(value) => of(value),
            Expr::Slot(slot) => match self.locals.iter().rev().find(|(s, _)| s == slot) {
                Some((_, ty)) => ty.clone(),
                None if *slot == EVENT => Type::Event(vec![self.event.clone()]),
                None => return None,
            },
            Expr::Field(base, name) => {
                let base = self.sure(base)?;
                self.field(&base, name)?
            }
            Expr::OptionalField(base, name) => {
                let base = self.sure(base)?;
                let field = self.field(base.present(), name);
                optional(field.unwrap_or(Type::Unknown))
            }
            Expr::Now => Type::Time,
            Expr::Tenant(TenantFact::Name | TenantFact::Id | TenantFact::Zone) => Type::Text,
            Expr::Tenant(TenantFact::Domains | TenantFact::BreakGlass) => {
                Type::List(Box::new(Type::Text))
            }
            Expr::TenantHas(_) => Type::Bool,
            Expr::Param(name, default) => match self.program.parameters.get(name) {
                Some(parameter) => parameter.ty.clone(),
                None => of(default),
            },
            Expr::Run(_)
            | Expr::Team(_)
            | Expr::NamedSecret(_)
            | Expr::GeneratedPassword
            | Expr::Negate(_)
            | Expr::Object(_) => return None,
            Expr::Not(a) => {
                self.is(a, &Type::Bool)?;
                Type::Bool
            }
            Expr::And(a, b) => {
                self.is(a, &Type::Bool)?;
                let before = self.present.len();
                self.learn(a);
                let second = self.is(b, &Type::Bool);
                self.present.truncate(before);
                second?;
                Type::Bool
            }
            Expr::Or(a, b) => {
                self.is(a, &Type::Bool)?;
                self.is(b, &Type::Bool)?;
                Type::Bool
            }
            Expr::Compare(CompareOp::Eq | CompareOp::Ne, a, b) => {
                self.sure(a)?;
                self.sure(b)?;
                Type::Bool
            }
            Expr::Compare(_, a, b) => {
                let (a, b) = (self.sure(a)?, self.sure(b)?);
                match (&a, &b) {
                    (Type::Int | Type::Number, Type::Int | Type::Number) => Type::Bool,
                    (Type::Text | Type::Duration | Type::Time | Type::Clock | Type::Enum(_), _)
                        if a == b =>
                    {
                        Type::Bool
                    }
                    _ => return None,
                }
            }
            Expr::Arithmetic(ArithmeticOp::Add, a, b) => {
                self.is(a, &Type::Text)?;
                self.is(b, &Type::Text)?;
                Type::Text
            }
            Expr::Arithmetic(..) => return None,
            Expr::In(a, b) => {
                self.sure(a)?;
                matches!(self.sure(b)?, Type::List(_)).then_some(Type::Bool)?
            }
            Expr::Contains(a, b) => match (self.sure(a)?, self.sure(b)?) {
                (Type::List(_), _) | (Type::Text, Type::Text) => Type::Bool,
                _ => return None,
            },
            Expr::Matches(a, pattern) => {
                self.is(a, &Type::Text)?;
                pattern.is_in("").ok()?;
                Type::Bool
            }
            Expr::StartsWith(a, b) | Expr::EndsWith(a, b) => {
                self.is(a, &Type::Text)?;
                self.is(b, &Type::Text)?;
                Type::Bool
            }
            Expr::IsPresent(a) => {
                self.sure(a)?;
                Type::Bool
            }
            Expr::Coalesce(a, b) => {
                let (a, b) = (self.sure(a)?, self.sure(b)?);
                join(a.present().clone(), b)
            }
            Expr::If(c, a, b) => {
                self.is(c, &Type::Bool)?;
                let (a, b) = (self.sure(a)?, self.sure(b)?);
                join(a, b)
            }
            Expr::Text(parts) => {
                for part in parts {
                    if !is_plain(self.sure(part)?.present()) {
                        return None;
                    }
                }
                Type::Text
            }
            Expr::List(items) => {
                let mut element = None;
                for item in items {
                    let ty = self.sure(item)?;
                    element = Some(match element {
                        None => ty,
                        Some(before) => join(before, ty),
                    });
                }
                Type::List(Box::new(element.unwrap_or(Type::Unknown)))
            }
            Expr::Record(name, fields) => {
                for (_, value) in fields {
                    self.sure(value)?;
                }
                // What its fields hold is as sure as the checker; nothing here relies on it.
                Type::Record(name.clone())
            }
            Expr::Comprehension {
                kind,
                slot,
                source,
                filter,
                body,
            } => {
                let Type::List(element) = self.sure(source)?.present().clone() else {
                    return None;
                };
                self.locals.push((*slot, Type::clone(&element)));
                let result =
                    self.comprehension(*kind, *element, filter.as_deref(), body.as_deref());
                self.locals.pop();
                result?
            }
            Expr::Convert(inner, ty) => {
                let from = self.sure(inner)?;
                let stays = from == *ty || *ty == optional(from.clone());
                (stays && is_plain(from.present())).then(|| ty.clone())?
            }
            Expr::Call(function, args) => self.call(*function, args)?,
            Expr::Let(slot, value, body) => {
                let ty = self.sure(value)?;
                self.locals.push((*slot, ty));
                let result = self.sure(body);
                self.locals.pop();
                result?
            }
        })
    }

    fn field(&self, base: &Type, name: &str) -> Option<Type> {
        let ty = match base {
            Type::Event(_) => self.fields.get(name)?,
            Type::Record(record) => {
                let record = self.program.types.records.get(record)?;
                let field = record.fields.iter().find(|(n, _)| &**n == name);
                &field?.1
            }
            _ => return None,
        };
        (!ty.is_secret()).then(|| ty.clone())
    }

    fn comprehension(
        &mut self,
        kind: Comprehension,
        element: Type,
        filter: Option<&Expr>,
        body: Option<&Expr>,
    ) -> Option<Type> {
        if let Some(filter) = filter {
            self.is(filter, &Type::Bool)?;
        }
        let element = match body {
            Some(body) => self.sure(body)?,
            None => element,
        };
        Some(match kind {
            Comprehension::Any | Comprehension::All => Type::Bool,
            Comprehension::Count => Type::Int,
            Comprehension::First => optional(element),
            Comprehension::List => Type::List(Box::new(element)),
            // Sums may become too large.
            Comprehension::Sum => return None,
        })
    }

    fn call(&mut self, function: Function, args: &[Expr]) -> Option<Type> {
        let mut types = Vec::new();
        for arg in args {
            types.push(self.sure(arg)?);
        }
        Some(match (function, &types[..]) {
            (Function::Lower | Function::Upper | Function::Trim, [Type::Text]) => Type::Text,
            (Function::DomainOf, [Type::Text]) => optional(Type::Text),
            (Function::Length, [Type::Text | Type::List(_)]) => Type::Int,
            (Function::Join, [Type::List(_), Type::Text]) => Type::Text,
            (Function::Split, [Type::Text, Type::Text]) if matches!(args.get(1), Some(Expr::Const(Value::Text(by))) if !by.is_empty()) => {
                Type::List(Box::new(Type::Text))
            }
            _ => return None,
        })
    }
}

fn optional(ty: Type) -> Type {
    if ty.is_optional() {
        ty
    } else {
        Type::Optional(Box::new(ty))
    }
}

/// The type of a value that is the one or the other.
fn join(a: Type, b: Type) -> Type {
    if a == b { a } else { Type::Unknown }
}

/// Types whose values are scalars and never a secret.
fn is_plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Text
            | Type::Int
            | Type::Number
            | Type::Bool
            | Type::Duration
            | Type::Time
            | Type::Clock
            | Type::Enum(_)
    )
}

fn of(value: &Value) -> Type {
    match value {
        Value::Absent => optional(Type::Unknown),
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Number(_) => Type::Number,
        Value::Text(_) => Type::Text,
        Value::Duration(_) => Type::Duration,
        Value::Time(_) => Type::Time,
        Value::Clock(_) => Type::Clock,
        Value::Member(member) => Type::Enum(member.ty.clone()),
        Value::List(items) => {
            let element = items.iter().map(of).reduce(join);
            Type::List(Box::new(element.unwrap_or(Type::Unknown)))
        }
        Value::Record(_) | Value::Object(_) | Value::Json(_) | Value::Secret(_) => Type::Unknown,
    }
}
