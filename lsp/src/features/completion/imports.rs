//! Modules: what they offer, and the line that brings one in.

use super::{Find, Kind, Suggestion};
use crate::features::describe;
use crate::snapshot::Snapshot;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::index::{Def, PRELUDE};
use counterplay_compiler::syntax::ast::Item;
use std::ops::Range;
use std::sync::Arc;

/// The change that brings a module into a file.
pub fn import_edit(
    snapshot: &Snapshot,
    file: SourceFile,
    module: &str,
) -> Option<(Range<usize>, String)> {
    let own = file.module(&snapshot.workspace.db);
    let (place, text) = snapshot.index().import(own, module)?;
    Some((snapshot.locate(&place)?.range, text))
}

impl Find<'_> {
    /// Whether the file sees a module, under which name.
    pub(super) fn seen_as(&self, module: &str) -> Option<String> {
        let own = self.file.module(&self.snapshot.workspace.db);
        if **own == *module {
            return Some(String::new());
        }
        let uses = &self.snapshot.index().modules.get(own)?.uses;
        let found = uses.iter().find(|(_, full)| ***full == *module);
        found.map(|(short, _)| short.clone())
    }

    /// The modules of the project and the library that have something to offer.
    pub(super) fn all_modules(&self) -> Vec<Arc<str>> {
        let own = self.file.module(&self.snapshot.workspace.db);
        self.snapshot
            .index()
            .modules
            .iter()
            .filter(|(name, module)| {
                ***name != *PRELUDE && (*name == own || !module.names.is_empty())
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// What stands on a `use` line.
    pub(super) fn modules(&mut self) {
        let mut prefix: Vec<&str> = Vec::new();
        let mut rest = self.context.before.iter().rev().peekable();
        // Inside of a group: back to its bracket.
        if self.context.before.iter().any(|w| w == "(") {
            while rest.next_if(|word| *word != "(").is_some() {}
            rest.next();
        }
        while let (Some("."), Some(word)) = (rest.next().map(String::as_str), rest.next()) {
            prefix.push(word);
        }
        prefix.reverse();
        let prefix = prefix.join(".");
        let own = self.file.module(&self.snapshot.workspace.db).clone();
        for module in self.all_modules() {
            if module == own {
                continue;
            }
            let shown = if prefix.is_empty() {
                &*module
            } else {
                match module
                    .strip_prefix(&prefix)
                    .and_then(|rest| rest.strip_prefix('.'))
                {
                    Some(rest) => rest,
                    None => continue,
                }
            };
            let library = counterplay_compiler::library::files()
                .iter()
                .any(|(path, _)| counterplay_compiler::library::module_of(path) == *module);
            let offers = self
                .snapshot
                .index()
                .modules
                .get(&module)
                .map_or(0, |m| m.names.len());
            self.items.push(
                Suggestion::new(shown, Kind::Module, if library { 1 } else { 0 }).detail(format!(
                    "{offers} names, {}",
                    if library {
                        "standard library"
                    } else {
                        "this project"
                    }
                )),
            );
        }
    }

    /// What a module offers where the cursor stands.
    pub(super) fn of_module(&mut self, module: &str, import: bool) {
        let index = self.snapshot.index();
        let Some(of) = index.modules.get(module) else {
            return;
        };
        let wanted = self.wanted();
        let defs: Vec<&Def> = of.names.values().filter(|d| wanted(&d.item)).collect();
        let edit = import
            .then(|| import_edit(self.snapshot, self.file, module))
            .flatten();
        for def in defs {
            let mut item = self.call(def, "", 0);
            item.also.clone_from(&edit);
            self.items.push(item);
        }
    }

    /// What modules of a short name offer that the file does not bring in yet.
    pub(super) fn not_imported(&mut self, short: &str) {
        for module in self.all_modules() {
            if module.rsplit('.').next() == Some(short) {
                self.of_module(&module, true);
            }
        }
    }

    /// Which declarations make sense where the cursor stands.
    fn wanted(&self) -> fn(&Item) -> bool {
        let line = self.context.line();
        let first = line.first().map_or("", String::as_str);
        let only = |words: &[&str]| {
            line.len() == words.len() && line.iter().zip(words).all(|(a, b)| a == b)
        };
        if line.is_empty() || only(&["attempt"]) {
            return |item| matches!(item, Item::Action(_) | Item::Steps(_));
        }
        if first == "when" && line.len() == 1 {
            return |item| matches!(item, Item::Event(_));
        }
        if first == "let" && line.len() == 3 {
            return |item| {
                matches!(
                    item,
                    Item::Action(_)
                        | Item::Steps(_)
                        | Item::Query(_)
                        | Item::Define(_)
                        | Item::Type(_)
                )
            };
        }
        |item| {
            matches!(
                item,
                Item::Query(_) | Item::Define(_) | Item::Type(_) | Item::Enum(_)
            )
        }
    }

    /// Events, of one module or of all.
    pub(super) fn events(&mut self, short: Option<&str>) {
        for module in self.all_modules() {
            let seen = self.seen_as(&module);
            if let Some(short) = short {
                let own = module.rsplit('.').next() == Some(short);
                if seen.as_deref() != Some(short) && !own {
                    continue;
                }
            }
            let index = self.snapshot.index();
            let Some(of) = index.modules.get(&module) else {
                continue;
            };
            let events = of
                .names
                .values()
                .filter(|d| matches!(&*d.item, Item::Event(_)));
            for def in events {
                let prefix = match (&short, seen.as_deref()) {
                    (Some(_), _) | (None, Some("")) => String::new(),
                    (None, _) => format!("{}.", module.rsplit('.').next().unwrap_or(&module)),
                };
                let name = format!("{prefix}{}", def.name.text);
                let alias = def.name.text.split('_').next().unwrap_or("event");
                let has_alias = self.context.called;
                let mut item = Suggestion::new(&name, Kind::Event, u8::from(seen.is_none()))
                    .detail(describe::summary(describe::doc(def)))
                    .of(def);
                if !has_alias {
                    item = item.insert(format!("{name} as ${{1:{alias}}}"));
                }
                if seen.is_none() {
                    item.also = import_edit(self.snapshot, self.file, &module);
                }
                self.items.push(item);
            }
        }
        if short.is_none() {
            self.triggers();
        }
    }

    /// Types, of one module or all that are visible.
    pub(super) fn types(&mut self, short: Option<&str>) {
        let index = self.snapshot.index();
        let own = self.file.module(&self.snapshot.workspace.db);
        let is_type = |d: &&Def| matches!(&*d.item, Item::Type(_) | Item::Enum(_));
        if short.is_none() {
            for (name, doc) in [
                ("Text", "characters"),
                ("Int", "a whole number"),
                ("Number", "a number with a fraction"),
                ("Bool", "true or false"),
                ("Duration", "a length of time"),
                ("Time", "a moment"),
                ("ClockTime", "a time of day"),
                ("Json", "a service's answer as it came"),
                ("Recipient", "whom a message can be sent to"),
            ] {
                self.items
                    .push(Suggestion::new(name, Kind::Type, 1).detail(doc));
            }
            for name in ["List", "Secret"] {
                self.items.push(
                    Suggestion::new(format!("{name}<…>"), Kind::Type, 1)
                        .insert(format!("{name}<${{1:Text}}>")),
                );
            }
        }
        for (module, of) in &index.modules {
            let visible = match short {
                Some(short) => self.seen_as(module).as_deref() == Some(short),
                None => *module == *own || **module == *PRELUDE,
            };
            if !visible {
                continue;
            }
            for def in of.names.values().filter(is_type) {
                self.items.push(
                    Suggestion::new(&def.name.text, Kind::Type, 0)
                        .detail(describe::summary(describe::doc(def)))
                        .of(def),
                );
            }
        }
    }
}
