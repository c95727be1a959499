//! Types as written in, types as meant out; and what a type is made of.

use super::Checker;
use super::mention::Meaning;
use super::probe::{Spot, is_marked};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index, PRELUDE};
use crate::near;
use crate::syntax::ast::{Item, TypeRef, TypeRefKind};
use counterplay_machine::types::{EnumType, RecordType, Type};
use std::sync::Arc;

pub(crate) const BUILT_IN: &[(&str, Type)] = &[
    ("Text", Type::Text),
    ("Int", Type::Int),
    ("Number", Type::Number),
    ("Bool", Type::Bool),
    ("Duration", Type::Duration),
    ("Time", Type::Time),
    ("ClockTime", Type::Clock),
    ("Json", Type::Json),
];

/// The type of everything that a message can be sent to: a person, a team or an address.
pub const RECIPIENT: &str = "Recipient";

/// Whether the language has a type of this name.
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(n, _)| *n == name) || matches!(name, RECIPIENT | "List" | "Secret")
}

impl Checker<'_> {
    /// The type that a written type means.
    pub fn type_of(&mut self, written: &TypeRef) -> Type {
        match &written.kind {
            TypeRefKind::Optional(inner) => match self.type_of(inner) {
                already @ Type::Optional(_) => already,
                inner => Type::Optional(Box::new(inner)),
            },
            TypeRefKind::Apply(name, inner) => {
                let inner = Box::new(self.type_of(inner));
                let meaning = Meaning::BuiltInType(Arc::from(name.text.as_str()));
                self.mention(name.span, meaning, false, None);
                match name.text.as_str() {
                    "List" => Type::List(inner),
                    "Secret" => Type::Secret(inner),
                    other => {
                        let place = self.at(name.span);
                        self.report(Diagnostic::error(
                            codes::UNKNOWN_TYPE,
                            format!("`{other}` does not take a type in angle brackets"),
                            place,
                            "only `List<…>` and `Secret<…>` do",
                        ));
                        Type::Unknown
                    }
                }
            }
            TypeRefKind::Name(path) => match path.as_slice() {
                [name] => {
                    if self.probing && is_marked(&name.text) {
                        self.capture(Spot::TypeName(None));
                    }
                    let built_in = Meaning::BuiltInType(Arc::from(name.text.as_str()));
                    if let Some((_, ty)) = BUILT_IN.iter().find(|(n, _)| *n == name.text) {
                        self.mention(name.span, built_in, false, None);
                        return ty.clone();
                    }
                    if name.text == RECIPIENT {
                        self.mention(name.span, built_in, false, None);
                        return Type::Record(Arc::from(RECIPIENT));
                    }
                    let index = self.index;
                    match index.type_named(&self.module, &name.text) {
                        Some(def) => {
                            self.mention_def(name.span, def);
                            declared(def)
                        }
                        None => self.unknown_type(&name.text, name.span),
                    }
                }
                [module, name] => {
                    if self.probing && is_marked(&name.text) {
                        self.capture(Spot::TypeName(Some(module.text.clone())));
                    }
                    let full = self
                        .index
                        .modules
                        .get(&*self.module)
                        .and_then(|m| m.uses.get(&module.text))
                        .cloned();
                    let index = self.index;
                    match full.and_then(|full| index.get(&full, &name.text)) {
                        Some(def) if matches!(&*def.item, Item::Type(_) | Item::Enum(_)) => {
                            let meaning = Meaning::Module(def.module.clone());
                            self.mention(module.span, meaning, false, None);
                            self.mention_def(name.span, def);
                            declared(def)
                        }
                        _ => self.unknown_type(
                            &format!("{}.{}", module.text, name.text),
                            module.span.to(name.span),
                        ),
                    }
                }
                _ => self.unknown_type("this path", written.span),
            },
            TypeRefKind::Broken => Type::Unknown,
        }
    }

    fn unknown_type(&mut self, name: &str, span: crate::span::Span) -> Type {
        let place = self.at(span);
        let names = BUILT_IN.iter().map(|(n, _)| *n).chain(
            [&*self.module, PRELUDE]
                .into_iter()
                .filter_map(|m| self.index.modules.get(m))
                .flat_map(|m| m.names.iter())
                .filter(|(_, d)| matches!(&*d.item, Item::Type(_) | Item::Enum(_)))
                .map(|(n, _)| n.as_str()),
        );
        let near = near::best(name, names);
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_TYPE,
            format!("there is no type `{name}`"),
            place.clone(),
            "not declared",
        );
        if let Some(near) = near {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        }
        self.report(diagnostic);
        Type::Unknown
    }

    /// A declared record, with the types of its fields.
    pub fn record(&mut self, name: &str) -> Option<RecordType> {
        let def = find(self.index, name)?.clone();
        let Item::Type(decl) = &*def.item else {
            return None;
        };
        let fields = self.elsewhere(&def, true, |c| {
            decl.fields
                .iter()
                .map(|f| (Arc::from(f.name.text.as_str()), c.type_of(&f.ty)))
                .collect()
        });
        Some(RecordType { fields })
    }

    /// A declared enum.
    pub fn enumeration(&self, name: &str) -> Option<EnumType> {
        match &*find(self.index, name)?.item {
            Item::Enum(decl) => Some(EnumType {
                ordered: decl.ordered,
                members: decl
                    .members
                    .iter()
                    .map(|m| {
                        (
                            Arc::from(m.name.text.as_str()),
                            Arc::from(m.wire.as_deref().unwrap_or(&m.name.text)),
                        )
                    })
                    .collect(),
            }),
            _ => None,
        }
    }

    /// Whether a type is an entity: a record with an `id`.
    pub fn is_entity(&mut self, ty: &Type) -> bool {
        match ty.present() {
            Type::Record(name) => self.record(name).is_some_and(|r| r.is_entity()),
            Type::List(inner) => self.is_entity(inner),
            _ => false,
        }
    }

    /// Whether a secret is anywhere inside.
    pub fn holds_secret(&mut self, ty: &Type) -> bool {
        self.holds_secret_in(ty, &mut Vec::new())
    }

    fn holds_secret_in(&mut self, ty: &Type, seen: &mut Vec<Arc<str>>) -> bool {
        match ty {
            Type::Record(name) if !seen.contains(name) => {
                seen.push(name.clone());
                match self.record(name) {
                    Some(record) => record
                        .fields
                        .iter()
                        .any(|(_, t)| self.holds_secret_in(t, seen)),
                    None => false,
                }
            }
            Type::List(inner) | Type::Optional(inner) => self.holds_secret_in(inner, seen),
            other => other.is_secret(),
        }
    }

    /// The types through which a value of a type would have to hold another value of the same type, and so on; none
    /// where it would not. Of a circle of types, only the first by name is told.
    pub fn holds_itself(&mut self, name: &Arc<str>) -> Option<Vec<Arc<str>>> {
        let held = self.held(name);
        if !held.contains(name) {
            return None;
        }
        let mut through = held;
        through.retain(|other| other != name && self.held(other).contains(name));
        through.iter().all(|other| name < other).then_some(through)
    }

    /// Every record that a value of a record has to hold.
    fn held(&mut self, name: &Arc<str>) -> Vec<Arc<str>> {
        let mut todo = vec![name.clone()];
        let mut seen: Vec<Arc<str>> = Vec::new();
        while let Some(next) = todo.pop() {
            let Some(record) = self.record(&next) else {
                continue;
            };
            for (_, ty) in record.fields {
                if let Type::Record(inner) = ty
                    && !seen.contains(&inner)
                {
                    seen.push(inner.clone());
                    todo.push(inner);
                }
            }
        }
        seen
    }
}

/// The type that a declaration declares.
pub fn declared(def: &Def) -> Type {
    let name = Index::qualified(&def.module, &def.name.text);
    match &*def.item {
        Item::Enum(_) => Type::Enum(name),
        _ => Type::Record(name),
    }
}

/// The type or enum behind a qualified name.
pub fn find<'i>(index: &'i Index, qualified: &str) -> Option<&'i Def> {
    index
        .declared(qualified)
        .filter(|d| matches!(&*d.item, Item::Type(_) | Item::Enum(_)))
}
