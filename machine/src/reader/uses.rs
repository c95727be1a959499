//! An event's declaration in; the places of the raw object that it looks at out.

use super::sift::Wanted;
use crate::declare::{Event, Fires};
use crate::expr::{Comprehension, Expr, Slot};
use crate::program::Program;
use crate::types::{Type, Types};
use std::sync::Arc;

/// A step from a place of the object to one inside of it.
#[derive(Clone, Debug)]
enum Step {
    Field(Arc<str>),
    Each,
}

/// What becomes of a value.
#[derive(Clone, Copy)]
enum Need<'t> {
    /// Whether it is there.
    Presence,
    /// It is converted to a type.
    As(&'t Type),
    /// Anything.
    Whole,
}

/// Adds what a declaration looks at.
pub(super) fn of_event(program: &Program, event: &Event, wanted: &mut Wanted) {
    let mut uses = Uses {
        types: &program.types,
        bound: vec![(event.raw, Vec::new())],
        wanted,
    };
    for field in &event.fields {
        uses.look(&field.value, Need::Whole);
    }
    for field in &event.fetched {
        for arg in &field.args {
            uses.look(arg, Need::Whole);
        }
    }
    match &event.fires {
        Fires::Always => {}
        Fires::When(condition) => uses.look(condition, Need::Whole),
        Fires::ChangesTo { subject, target } => {
            uses.look(subject, Need::Whole);
            uses.look(target, Need::Whole);
            // What tells one object from another.
            uses.wanted.field("id");
        }
        Fires::OncePer(keys) => {
            for key in keys {
                uses.look(key, Need::Whole);
            }
        }
    }
}

struct Uses<'a> {
    types: &'a Types,
    /// Variables that stand for a place of the object.
    bound: Vec<(Slot, Vec<Step>)>,
    wanted: &'a mut Wanted,
}

impl Uses<'_> {
    /// The place that an expression is, where it is one.
    fn place(&self, expr: &Expr) -> Option<Vec<Step>> {
        match expr {
            Expr::Slot(slot) => {
                let bound = self.bound.iter().rev().find(|(s, _)| s == slot);
                bound.map(|(_, steps)| steps.clone())
            }
            Expr::Field(base, name) | Expr::OptionalField(base, name) => {
                let mut steps = self.place(base)?;
                steps.push(Step::Field(name.clone()));
                Some(steps)
            }
            _ => None,
        }
    }

    fn at(&mut self, steps: &[Step]) -> &mut Wanted {
        let mut at = &mut *self.wanted;
        for step in steps {
            at = match step {
                Step::Field(name) => at.field(name),
                Step::Each => at.each(),
            };
        }
        at
    }

    fn look(&mut self, expr: &Expr, need: Need<'_>) {
        if let Some(steps) = self.place(expr) {
            let types = self.types;
            let at = self.at(&steps);
            match need {
                Need::Presence => {}
                Need::As(ty) => convert(types, ty, at, 0),
                Need::Whole => at.keep_whole(),
            }
            return;
        }
        match expr {
            Expr::Convert(inner, ty) => self.look(inner, Need::As(ty)),
            Expr::IsPresent(inner) => self.look(inner, Need::Presence),
            Expr::Coalesce(a, b) => {
                self.look(a, need);
                self.look(b, need);
            }
            Expr::If(condition, a, b) => {
                self.look(condition, Need::Whole);
                self.look(a, need);
                self.look(b, need);
            }
            Expr::Let(slot, value, body) => {
                match self.place(value) {
                    Some(steps) => self.bind(*slot, steps),
                    None => self.look(value, Need::Whole),
                }
                self.look(body, need);
            }
            Expr::Comprehension {
                kind,
                slot,
                source,
                filter,
                body,
            } => {
                match self.place(source) {
                    Some(mut steps) => {
                        steps.push(Step::Each);
                        self.bind(*slot, steps);
                        if body.is_none()
                            && matches!(kind, Comprehension::First | Comprehension::List)
                        {
                            self.look(&Expr::Slot(*slot), Need::Whole);
                        }
                    }
                    None => self.look(source, Need::Whole),
                }
                if let Some(filter) = filter {
                    self.look(filter, Need::Whole);
                }
                if let Some(body) = body {
                    self.look(body, Need::Whole);
                }
            }
            other => {
                for part in other.parts() {
                    self.look(part, Need::Whole);
                }
            }
        }
    }

    fn bind(&mut self, slot: Slot, steps: Vec<Step>) {
        // That there are elements, and how many, is kept in any case.
        self.at(&steps);
        self.bound.push((slot, steps));
    }
}

/// How deep records are followed into each other.
const DEPTH_MAX: usize = 16;

/// What converting to a type looks at.
fn convert(types: &Types, ty: &Type, at: &mut Wanted, depth: usize) {
    match ty {
        Type::Optional(inner) => convert(types, inner, at, depth),
        Type::List(inner) if depth < DEPTH_MAX => convert(types, inner, at.each(), depth + 1),
        Type::Record(name) if depth < DEPTH_MAX => {
            if let Some(record) = types.records.get(name) {
                for (field, ty) in &record.fields {
                    convert(types, ty, at.field(field), depth + 1);
                }
            }
        }
        // What is no text or number is only named where it does not fit.
        Type::Text
        | Type::Int
        | Type::Number
        | Type::Bool
        | Type::Duration
        | Type::Time
        | Type::Clock
        | Type::Enum(_) => {}
        _ => at.keep_whole(),
    }
}
