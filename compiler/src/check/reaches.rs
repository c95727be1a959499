//! An action's parameters and its request in, what the call would reach without anybody seeing it out.
//!
//! Approvals, guards and leases go by what an action acts on: its entities, and what is marked `on`. So everything
//! that may choose what a call reaches has to be one of these, or a field of one.

use super::declare::{property, word};
use super::{Checker, Path};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::near;
use crate::span::Span;
use crate::syntax::ast::{Declaration, PropertyValue};
use counterplay_machine::declare::{Impact, Param, PathPart, Request};
use counterplay_machine::expr::Expr;
use counterplay_machine::types::Type;
use std::sync::Arc;

const WHY: &str =
    "approvals and guards go by what an action acts on; the call must not reach anything else";

/// A value that a call takes, as far as it comes from a variable.
struct Taken {
    path: Path,
    /// Whether it is only looked through: a list for its elements, a value under another name.
    through: bool,
}

impl Checker<'_> {
    /// Reports what a call reaches that its action does not act on.
    pub(super) fn reaches_what_it_acts_on(
        &mut self,
        decl: &Declaration,
        params: &[Param],
        request: Option<&Request>,
        impact: Option<Impact>,
    ) {
        let details = self.details(decl, params);
        if impact < Some(Impact::Reversible) {
            return;
        }
        let mut told: Vec<usize> = Vec::new();
        for (i, param) in params.iter().enumerate() {
            let inside = self.inside(&param.ty);
            if let Some(entity) = inside.filter(|_| !self.is_entity(&param.ty)) {
                self.hidden_inside(decl, i, &entity);
                told.push(i);
            } else if !param.acted_on && !details.contains(&i) && self.holds_json(&param.ty) {
                self.may_hold_anything(decl, i);
                told.push(i);
            }
        }
        let Some(Request::Http {
            path,
            query,
            headers,
            json,
            ..
        }) = request
        else {
            return;
        };
        let at = property(decl, "request").map_or(decl.name.span, |p| p.span);
        let address = path.iter().filter_map(|part| match part {
            PathPart::Value(value) => Some((value, true)),
            PathPart::Literal(_) => None,
        });
        let others = query.iter().chain(headers).map(|(_, value)| value);
        let values: Vec<(&Expr, bool)> = address
            .chain(others.chain(json).map(|value| (value, false)))
            .collect();
        for (value, in_address) in values {
            let mut taken = Vec::new();
            take(value, false, &mut taken);
            for taken in taken {
                let (slot, fields) = &taken.path;
                let param = params.iter().position(|p| p.slot == *slot);
                // What is no parameter is an element of one, or another name for it.
                if param.map_or(!told.is_empty(), |i| told.contains(&i)) {
                    continue;
                }
                let Some(root) = self.slots.get(slot.0 as usize).map(|s| s.ty.clone()) else {
                    continue;
                };
                let (end, met) = self.along(&root, fields);
                let met = met.or_else(|| {
                    let whole = fields.is_empty() && !taken.through;
                    whole.then(|| self.inside(&root)).flatten()
                });
                if let Some(entity) = met {
                    self.reached_inside(decl, at, param, &entity);
                    told.extend(param);
                    continue;
                }
                let Some(i) = param.filter(|i| !params[*i].acted_on) else {
                    continue;
                };
                let secret = matches!(end.present(), Type::Secret(_));
                let harmless =
                    says_only_how(&end) || (!in_address && (secret || details.contains(&i)));
                if !harmless && (in_address || impact >= Some(Impact::Disruptive)) {
                    self.chosen_unseen(decl, at, i, in_address);
                    told.push(i);
                }
            }
        }
    }

    /// The parameters that say how something is done and not on what: those that a line `details:` names.
    fn details(&mut self, decl: &Declaration, params: &[Param]) -> Vec<usize> {
        let Some(PropertyValue::Exprs(exprs)) = property(decl, "details").map(|p| &p.value) else {
            return Vec::new();
        };
        let mut details = Vec::new();
        for expr in exprs {
            let names = || params.iter().map(|p| &*p.name);
            let Some(i) = word(expr).and_then(|name| names().position(|n| n == name)) else {
                let place = self.at(expr.span);
                let mut diagnostic = Diagnostic::error(
                    codes::BAD_PROPERTY,
                    "`details` names parameters of this action",
                    place.clone(),
                    format!("it has {}", near::menu(names())),
                );
                if let Some(near) = word(expr).and_then(|name| near::best(name, names())) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.report(diagnostic);
                continue;
            };
            if params[i].acted_on {
                self.bad(
                    expr.span,
                    format!("`{}` is what this action acts on", params[i].name),
                    "no detail of how it does so",
                );
            }
            details.push(i);
        }
        details
    }

    /// An entity that lies inside of a value of a type, where one does.
    fn inside(&mut self, ty: &Type) -> Option<Arc<str>> {
        self.inside_of(ty, &mut Vec::new())
    }

    fn inside_of(&mut self, ty: &Type, seen: &mut Vec<Arc<str>>) -> Option<Arc<str>> {
        match ty {
            Type::List(inner) | Type::Optional(inner) => self.inside_of(inner, seen),
            Type::Record(name) if !seen.contains(name) => {
                seen.push(name.clone());
                let fields = self.record(name)?.fields;
                fields.iter().find_map(|(_, field)| {
                    self.entity(field).or_else(|| self.inside_of(field, seen))
                })
            }
            _ => None,
        }
    }

    /// The entity that a value is, or its elements are.
    fn entity(&mut self, ty: &Type) -> Option<Arc<str>> {
        match ty {
            Type::Record(name) => self.is_entity(ty).then(|| name.clone()),
            Type::List(inner) | Type::Optional(inner) => self.entity(inner),
            _ => None,
        }
    }

    fn holds_json(&mut self, ty: &Type) -> bool {
        self.holds_json_in(ty, &mut Vec::new())
    }

    fn holds_json_in(&mut self, ty: &Type, seen: &mut Vec<Arc<str>>) -> bool {
        match ty {
            Type::Json => true,
            Type::List(inner) | Type::Optional(inner) => self.holds_json_in(inner, seen),
            Type::Record(name) if !seen.contains(name) => {
                seen.push(name.clone());
                let fields = self.record(name).map_or(Vec::new(), |r| r.fields);
                fields.iter().any(|(_, t)| self.holds_json_in(t, seen))
            }
            _ => false,
        }
    }

    /// The type at the end of a path of fields, and the first entity on the way that is not its root.
    fn along(&mut self, root: &Type, fields: &[Arc<str>]) -> (Type, Option<Arc<str>>) {
        let mut ty = root.clone();
        for field in fields {
            let Type::Record(name) = ty.present() else {
                return (Type::Json, None);
            };
            let record = self.record(&name.clone());
            let found = record.and_then(|r| r.fields.into_iter().find(|(n, _)| n == field));
            let Some((_, next)) = found else {
                return (Type::Unknown, None);
            };
            if let Some(entity) = self.entity(&next) {
                return (next, Some(entity));
            }
            ty = next;
        }
        let inside = if fields.is_empty() {
            None
        } else {
            self.inside(&ty)
        };
        (ty, inside)
    }

    fn hidden_inside(&mut self, decl: &Declaration, i: usize, entity: &str) {
        let Some(param) = decl.params.get(i) else {
            return;
        };
        let place = self.at(param.name.span);
        let diagnostic = Diagnostic::error(
            codes::ACTS_ON_NOTHING,
            format!(
                "`{}` holds {} inside, which approvals and guards do not see",
                param.name.text,
                a(entity)
            ),
            place,
            "no entity itself",
        )
        .because(WHY)
        .help(format!(
            "take it as a parameter of its own: `{}: {entity}`",
            named_after(entity)
        ));
        self.report(diagnostic);
    }

    fn may_hold_anything(&mut self, decl: &Declaration, i: usize) {
        let Some(param) = decl.params.get(i) else {
            return;
        };
        let place = self.at(param.name.span);
        let name = &param.name.text;
        let diagnostic = Diagnostic::error(
            codes::ACTS_ON_NOTHING,
            format!("`{name}` is Json, or holds some, and may name anything"),
            place,
            "approvals and guards do not look inside",
        )
        .because(WHY)
        .help(format!(
            "take an entity such as `device: Device`; where it says only how, and not on what, name it in a line `details: {name}`"
        ));
        self.report(diagnostic);
    }

    fn reached_inside(&mut self, decl: &Declaration, at: Span, param: Option<usize>, entity: &str) {
        let place = self.at(at);
        let holder = param.and_then(|i| decl.params.get(i));
        let message = match holder {
            Some(p) => format!(
                "this call reaches {} inside of `{}`",
                a(entity),
                p.name.text
            ),
            None => format!("this call reaches {} inside of something else", a(entity)),
        };
        let mut diagnostic = Diagnostic::error(
            codes::ACTS_ON_NOTHING,
            message,
            place,
            format!("the action does not act on that {entity}"),
        );
        if let Some(p) = holder {
            diagnostic = diagnostic.also(self.at(p.name.span), "it acts on this");
        }
        let diagnostic = diagnostic.because(WHY).help(format!(
            "take it as a parameter of its own: `{}: {entity}`",
            named_after(entity)
        ));
        self.report(diagnostic);
    }

    fn chosen_unseen(&mut self, decl: &Declaration, at: Span, i: usize, in_address: bool) {
        let Some(param) = decl.params.get(i) else {
            return;
        };
        let name = &param.name.text;
        let ty = self.source(param.ty.span);
        let (place, sent) = (self.at(param.name.span), self.at(at));
        let diagnostic = Diagnostic::error(
            codes::ACTS_ON_NOTHING,
            if in_address {
                format!("`{name}` is part of the address, and this action does not act on it")
            } else {
                format!("`{name}` may choose what this call reaches, and this action does not act on it")
            },
            place,
            "neither an entity nor marked `on`",
        )
        .also(sent, "used here")
        .because(WHY)
        .help(if in_address {
            format!("take the entity itself as a parameter, such as `device: Device`, and use its `id`; or mark this one: `on {name}: {ty}`")
        } else {
            format!("take an entity such as `device: Device`, or mark this one: `on {name}: {ty}`; where it says only how, and not on what, as a message does, name it in a line `details: {name}`")
        });
        self.report(diagnostic);
    }
}

/// Whether values of a type name nothing that could be acted on.
fn says_only_how(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Enum(_) | Type::Duration | Type::Time | Type::Clock | Type::Unknown => {
            true
        }
        Type::Optional(inner) | Type::List(inner) => says_only_how(inner),
        _ => false,
    }
}

/// The values that an expression takes from variables.
fn take(expr: &Expr, through: bool, out: &mut Vec<Taken>) {
    if let Some(path) = expr.path() {
        out.push(Taken { path, through });
        return;
    }
    // What is only looked through is named by what comes of it.
    let named = match expr {
        Expr::Comprehension { source, .. } => Some(source),
        Expr::Let(_, value, _) => Some(value),
        _ => None,
    };
    for part in expr.parts() {
        let through = named.is_some_and(|named| std::ptr::eq(&**named, part));
        take(part, through, out);
    }
}

fn a(entity: &str) -> String {
    super::convert::article(&Type::Record(Arc::from(entity)))
}

/// What a parameter of a type might be called.
fn named_after(entity: &str) -> String {
    entity.rsplit('.').next().unwrap_or(entity).to_lowercase()
}
