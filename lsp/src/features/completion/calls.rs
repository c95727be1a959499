//! What can be called: actions, queries, steps and definitions, with their arguments to fill in.

use super::imports::import_edit;
use super::{Find, Kind, Suggestion, escape};
use crate::features::describe;
use counterplay_compiler::check::probe::Captured;
use counterplay_compiler::index::{Def, Index};
use counterplay_compiler::syntax::ast::{Item, Param, TypeRefKind};
use counterplay_machine::types::Type;
use std::sync::Arc;

impl Find<'_> {
    /// A declaration as something to write; `prefix` is the module and its dot where that has to be written.
    pub(super) fn call(&self, def: &Def, prefix: &str, rank: u8) -> Suggestion {
        let kind = match &*def.item {
            Item::Action(_) => Kind::Action,
            Item::Query(_) => Kind::Query,
            Item::Event(_) => Kind::Event,
            Item::Type(_) | Item::Enum(_) => Kind::Type,
            _ => Kind::Function,
        };
        let name = format!("{prefix}{}", def.name.text);
        let mut detail = describe::summary(describe::doc(def));
        let impact = match &*def.item {
            Item::Steps(_) => describe::worst_impact(self.snapshot, def),
            _ => describe::impact(def),
        };
        if let Some(impact) = impact {
            detail = format!("{impact}: {detail}");
        }
        let mut item = Suggestion::new(&name, kind, rank).detail(detail).of(def);
        if !self.context.called && !matches!(&*def.item, Item::Enum(_) | Item::Event(_)) {
            let arguments = match &*def.item {
                Item::Type(decl) => {
                    let required: Vec<String> = decl
                        .fields
                        .iter()
                        .filter(|f| !matches!(f.ty.kind, TypeRefKind::Optional(_)))
                        .enumerate()
                        .map(|(i, f)| format!("{}: ${{{}}}", f.name.text, i + 1))
                        .collect();
                    required.join(", ")
                }
                _ => self.arguments_of(def),
            };
            item = item.insert(format!("{}({arguments})", escape(&name)));
        }
        item
    }

    /// The required arguments of a call as places to fill in: the first as it stands, the others by name.
    fn arguments_of(&self, def: &Def) -> String {
        let required = describe::params(def)
            .iter()
            .enumerate()
            .filter(|(_, p)| p.default.is_none());
        let places: Vec<String> = required
            .enumerate()
            .map(|(n, (i, param))| {
                let value = self.place(def, param, n + 1);
                if i == 0 {
                    value
                } else {
                    format!("{}: {value}", param.name.text)
                }
            })
            .collect();
        places.join(", ")
    }

    /// A place to fill in for a parameter, with what is most likely meant.
    fn place(&self, def: &Def, param: &Param, n: usize) -> String {
        let name = &param.name.text;
        let (ty, optional) = match &param.ty.kind {
            TypeRefKind::Optional(inner) => (&inner.kind, true),
            kind => (kind, false),
        };
        let shown = match ty {
            TypeRefKind::Name(path) => path.last().map_or("", |n| n.text.as_str()),
            TypeRefKind::Apply(name, _) => name.text.as_str(),
            _ => "",
        };
        match shown {
            "Text" => return format!("\"${{{n}:{name}}}\""),
            "Duration" => return format!("${{{n}:1h}}"),
            "Bool" => return format!("${{{n}|true,false|}}"),
            "List" => return format!("[${{{n}:{name}}}]"),
            "Recipient" | "Team" => {
                let team = self.team_names().into_iter().next();
                let team = team.map_or(name.clone(), |team| format!("team.{team}"));
                return format!("${{{n}:{team}}}");
            }
            _ => {}
        }
        let index = self.snapshot.index();
        if let Some(of) = index.type_named(&def.module, shown) {
            if let Item::Enum(decl) = &*of.item {
                let members: Vec<&str> = decl
                    .members
                    .iter()
                    .map(|m| m.name.text.as_str())
                    .filter(|m| *m != "unknown")
                    .collect();
                return format!("${{{n}|{}|}}", members.join(","));
            }
            let wanted = Type::Record(Index::qualified(&of.module, &of.name.text));
            let found = self
                .captured
                .and_then(|c| self.value_of(c, &wanted, optional));
            if let Some(path) = found {
                return format!("${{{n}:{path}}}");
            }
        }
        format!("${{{n}:{name}}}")
    }

    /// A visible value of a type: a name, or a field of one.
    pub(super) fn value_of(
        &self,
        captured: &Captured,
        ty: &Type,
        optional: bool,
    ) -> Option<String> {
        let fits = |found: &Type| found == ty || (optional && found.present() == ty);
        let own = captured.locals.iter().rev().find(|(_, t)| fits(t));
        if let Some((name, _)) = own {
            return Some(name.clone());
        }
        captured.locals.iter().rev().find_map(|(name, t)| {
            let fields = self.fields_of(t);
            let known = |field: &str| {
                let mut present = captured.present.iter();
                present.any(|(n, f)| n == name && matches!(f.as_slice(), [one] if **one == *field))
            };
            let field = fields
                .into_iter()
                .find(|(f, t, _)| fits(t) || (t.present() == ty && known(f)))?;
            Some(format!("{name}.{}", field.0))
        })
    }

    /// Everything that can be a step by being called.
    pub(super) fn step_calls(&mut self) {
        self.calls_of(|item| matches!(item, Item::Action(_) | Item::Steps(_)), 2);
    }

    /// Calls of all modules that a predicate takes; those of modules that are not there yet bring them in.
    pub(super) fn calls_of(&mut self, wanted: fn(&Item) -> bool, rank: u8) {
        for module in self.all_modules() {
            let seen = self.seen_as(&module);
            let edit = match &seen {
                Some(_) => None,
                None => import_edit(self.snapshot, self.file, &module),
            };
            let prefix = match seen.as_deref() {
                Some("") => String::new(),
                Some(short) => format!("{short}."),
                None => format!("{}.", module.rsplit('.').next().unwrap_or(&module)),
            };
            let index = self.snapshot.index();
            let Some(of) = index.modules.get(&module) else {
                continue;
            };
            let defs: Vec<&Def> = of.names.values().filter(|d| wanted(&d.item)).collect();
            for def in defs {
                let mut item = self.call(def, &prefix, rank + u8::from(seen.is_none()));
                item.also.clone_from(&edit);
                self.items.push(item);
            }
        }
    }

    /// The names of the arguments that a call still takes, required ones first.
    pub(super) fn arguments(&mut self, captured: &Captured) {
        let Some((def, left)) = &captured.call else {
            return;
        };
        // After `name: ` a value is being written, not another name.
        if self.context.last() == ":" {
            return;
        }
        for param in left {
            let name = &param.decl.name.text;
            let required = param.decl.default.is_none();
            let value = self.place(def, &param.decl, 1);
            self.items.push(
                Suggestion::new(
                    format!("{name}: "),
                    Kind::Field,
                    if required { 1 } else { 2 },
                )
                .detail(self.wants(def, &param.decl))
                .insert(format!("{name}: {value}")),
            );
        }
    }

    /// What an argument takes, in words: whether it is needed, its type, an enum's members.
    fn wants(&self, def: &Def, param: &Param) -> String {
        let needed = if param.default.is_none() {
            "required"
        } else {
            "optional"
        };
        let written = describe::source(def, param.ty.span);
        let shown = written.trim_end_matches('?');
        let members = self
            .snapshot
            .index()
            .type_named(&def.module, shown)
            .and_then(|of| match &*of.item {
                Item::Enum(decl) => {
                    let words = decl.members.iter().map(|m| m.name.text.as_str());
                    Some(
                        words
                            .filter(|w| *w != "unknown")
                            .collect::<Vec<_>>()
                            .join(", "),
                    )
                }
                _ => None,
            });
        match members {
            Some(members) => format!("{needed}: {members}"),
            None => format!("{needed}: {shown}"),
        }
    }

    /// The fields that a record that is being made still needs.
    pub(super) fn record_fields(&mut self, owner: &Arc<str>, fields: &[(Arc<str>, Type)]) {
        for (name, ty) in fields {
            let required = !ty.is_optional();
            self.items.push(
                Suggestion::new(format!("{name}: "), Kind::Field, u8::from(!required))
                    .detail(format!("{ty}, a field of {owner}"))
                    .insert(format!("{name}: ${{1}}")),
            );
        }
    }
}
