//! Values: visible names, fields, members, facts, queries and functions.

use super::{Find, Kind, Suggestion};
use crate::features::{describe, hover};
use counterplay_compiler::check::probe::Captured;
use counterplay_compiler::syntax::ast::Item;
use counterplay_machine::types::Type;
use std::sync::Arc;

impl Find<'_> {
    /// What may stand where a value is expected.
    pub(super) fn values(&mut self, captured: &Captured, expected: Option<&Type>) {
        let wanted = expected.map(Type::present);
        if let Some(Type::Enum(name)) = wanted {
            self.members(name, 0);
        }
        if wanted == Some(&Type::Bool) {
            for word in ["true", "false"] {
                self.items.push(Suggestion::new(word, Kind::Keyword, 3));
            }
        }
        if matches!(wanted, Some(Type::Record(name)) if matches!(&**name, "Recipient" | "Team")) {
            self.teams("team.");
        }
        for (name, ty) in &captured.locals {
            let fits = wanted.is_some_and(|wanted| may_be(ty, wanted));
            self.items.push(
                Suggestion::new(name, Kind::Variable, if fits { 0 } else { 2 })
                    .detail(ty.to_string()),
            );
            // What is wanted may be a field of what is there.
            for (field, field_ty, _) in self.fields_of(ty) {
                if wanted.is_some_and(|w| may_be(field_ty.present(), w) && *w != Type::Text) {
                    self.items.push(
                        Suggestion::new(format!("{name}.{field}"), Kind::Variable, 1)
                            .detail(field_ty.to_string()),
                    );
                }
            }
        }
        let before = self.items.len();
        if captured.queries {
            self.calls_of(|item| matches!(item, Item::Query(_) | Item::Define(_)), 3);
        } else {
            self.calls_of(|item| matches!(item, Item::Define(_)), 3);
        }
        if let Some(wanted) = wanted.filter(|ty| **ty != Type::Unknown) {
            let calls = self.items.split_off(before);
            let fitting = calls.into_iter().filter(|item| self.gives(item, wanted));
            self.items.extend(fitting.collect::<Vec<_>>());
        }
        if self.context.first() == "let" && self.context.before.len() == 3 {
            self.calls_of(|item| matches!(item, Item::Action(_) | Item::Steps(_)), 3);
        }
        self.parameters(wanted);
        for (word, detail) in [
            ("team", "a team of the project"),
            ("tenant", "the tenant that the run is for"),
            ("run", "this run"),
            ("now", "the time at which this is looked at"),
        ] {
            self.items
                .push(Suggestion::new(word, Kind::Keyword, 6).detail(detail));
        }
        for name in [
            "lower",
            "upper",
            "trim",
            "domain_of",
            "join",
            "split",
            "length",
            "to_int",
            "time_of_day",
        ] {
            self.items.push(
                Suggestion::new(name, Kind::Function, 7)
                    .doc(hover::function(name).unwrap_or(""))
                    .insert(format!("{name}(${{1}})")),
            );
        }
        for (word, form) in [
            ("any", "any(${1:x} in ${2:list} where ${3:condition})"),
            ("all", "all(${1:x} in ${2:list} where ${3:condition})"),
            ("count", "count(${1:x} in ${2:list} where ${3:condition})"),
            ("first", "first(${1:x} in ${2:list} where ${3:condition})"),
            ("list", "list(${1:x.name} for ${1:x} in ${2:list})"),
        ] {
            self.items
                .push(Suggestion::new(word, Kind::Keyword, 8).insert(form));
        }
        self.items
            .push(Suggestion::new("not", Kind::Keyword, 8).insert("not ${1}"));
    }

    /// Parameters of the module that is written, and of those that it imports.
    fn parameters(&mut self, wanted: Option<&Type>) {
        let index = self.snapshot.index();
        let environment = counterplay_compiler::db::environment(
            &self.snapshot.workspace.db,
            self.snapshot.workspace.project,
        );
        for (name, def) in &index.params {
            let Some(parameter) = environment.parameters.get(name.as_str()) else {
                continue;
            };
            if !wanted.is_none_or(|w| may_be(&parameter.ty, w)) {
                continue;
            }
            let label = match self.seen_as(&def.module).as_deref() {
                // A module that is not imported would have to be first.
                None => continue,
                Some("") => name.clone(),
                Some(short) => format!("{short}.{name}"),
            };
            self.items.push(
                Suggestion::new(label, Kind::Variable, 2)
                    .detail(parameter.ty.to_string())
                    .doc(&*parameter.doc),
            );
        }
    }

    /// Whether a call gives a value of a type.
    fn gives(&self, item: &Suggestion, wanted: &Type) -> bool {
        let Some((module, name)) = &item.declared else {
            return false;
        };
        let index = self.snapshot.index();
        let Some(def) = index.get(module, name) else {
            return false;
        };
        let environment = counterplay_compiler::db::environment(
            &self.snapshot.workspace.db,
            self.snapshot.workspace.project,
        );
        let qualified = describe::full_name(def);
        match (&*def.item, environment.callables.get(&*qualified)) {
            (Item::Query(_), Some(query)) => may_be(query.returns_ty.present(), wanted),
            (Item::Define(decl), _) => {
                let written = describe::source(def, decl.returns.span);
                let wanted = wanted.to_string();
                let short = wanted.rsplit('.').next().unwrap_or(&wanted);
                written.trim_end_matches('?') == short
            }
            _ => false,
        }
    }

    /// The fields of a type: name, type and documentation.
    pub(super) fn fields_of(&self, ty: &Type) -> Vec<(String, Type, String)> {
        let index = self.snapshot.index();
        let environment = counterplay_compiler::db::environment(
            &self.snapshot.workspace.db,
            self.snapshot.workspace.project,
        );
        let doc = |owner: &str, name: &str| {
            index
                .declared(owner)
                .and_then(|def| describe::field_doc(def, name))
                .unwrap_or_default()
                .to_owned()
        };
        let of = |owner: &Arc<str>| -> Vec<(String, Type, String)> {
            let record = environment.types.records.get(owner);
            record.map_or(Vec::new(), |record| {
                let fields = record.fields.iter();
                fields
                    .map(|(name, ty)| (name.to_string(), ty.clone(), doc(owner, name)))
                    .collect()
            })
        };
        match ty.present() {
            Type::Record(owner) => of(owner),
            Type::Event(events) => {
                let mut events = events.iter();
                let mut fields = events.next().map_or(Vec::new(), of);
                for event in events {
                    let others = of(event);
                    fields.retain(|(n, t, _)| others.iter().any(|(o, u, _)| o == n && u == t));
                }
                fields
            }
            _ => Vec::new(),
        }
    }

    /// The fields of a value.
    pub(super) fn fields(&mut self, ty: &Type) {
        for (name, field_ty, doc) in self.fields_of(ty) {
            self.items.push(
                Suggestion::new(name, Kind::Field, 0)
                    .detail(field_ty.to_string())
                    .doc(doc),
            );
        }
    }

    /// The members of an enum, in their order.
    pub(super) fn members(&mut self, name: &str, rank: u8) {
        let Some(def) = self.snapshot.index().declared(name) else {
            return;
        };
        if let Item::Enum(decl) = &*def.item {
            for member in &decl.members {
                self.items.push(
                    Suggestion::new(&member.name.text, Kind::Member, rank)
                        .detail(name.to_owned())
                        .doc(describe::page(self.snapshot, def)),
                );
            }
        }
    }

    /// What is always known of the tenant or the run.
    pub(super) fn facts(&mut self, root: &'static str) {
        let names: &[(&str, &str)] = if root == "tenant" {
            &[
                ("name", "Text"),
                ("id", "Text"),
                ("zone", "Text"),
                ("domains", "List<Text>"),
                ("break_glass", "List<Text>"),
            ]
        } else {
            &[
                ("id", "Text"),
                ("started", "Time"),
                ("steps", "List<StepResult>"),
                ("call", "Text"),
                ("sent_again", "Bool"),
            ]
        };
        for (name, ty) in names {
            self.items.push(
                Suggestion::new(*name, Kind::Field, 0)
                    .detail(*ty)
                    .doc(hover::fact(root, name)),
            );
        }
        if root == "tenant" {
            let has = Suggestion::new("has", Kind::Function, 0)
                .detail("Bool")
                .doc(hover::fact("tenant", "has"));
            self.items.push(if self.context.called {
                has
            } else {
                has.insert("has(${1})")
            });
        }
    }
}

/// Whether a value of a type may stand where another is wanted: a person where a team or anybody is.
fn may_be(ty: &Type, wanted: &Type) -> bool {
    let of = |ty: &Type, names: &[&str]| matches!(ty, Type::Record(n) if names.contains(&&**n));
    ty == wanted || (of(wanted, &["Team", "Recipient"]) && of(ty, &["User", "Team"]))
}
