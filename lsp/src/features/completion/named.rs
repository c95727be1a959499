//! A line that names something without calling it as a value in, what it may name out: what is undone, emitted,
//! waited for, limited, given and expected, and the playbook that a test is of.

use super::imports::import_edit;
use super::{BlockKind, Find, Kind, Suggestion, escape};
use counterplay_compiler::index::Def;
use counterplay_compiler::lower::ask::is_emitted;
use counterplay_compiler::syntax::ast::{ExprKind, Item, PropertyValue};

/// What is written of the thing that is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its name.
    Name,
    /// Its name and its arguments.
    Call,
    /// An event and the name that its occurrence has: `noncompliant as later`.
    Alias,
}

impl Find<'_> {
    /// Suggestions for a line that names something; says whether this is such a line.
    pub(super) fn named(&mut self) -> bool {
        let context = self.context;
        let words: Vec<&str> = context.line().iter().map(String::as_str).collect();
        let behind_dot = context.last() == ".";
        match (context.block, words.as_slice()) {
            (BlockKind::Steps, ["undo"]) => self.declared(can_be_undone, Form::Call),
            (BlockKind::Steps, ["emit"]) => self.declared(is_emitted, Form::Call),
            (BlockKind::Steps, ["wait", "for"]) => self.declared(is_event, Form::Alias),
            (BlockKind::Guard, ["limit"]) => self.declared(is_action, Form::Name),
            (BlockKind::Test, ["given"]) => {
                if !behind_dot {
                    self.lines_after("given ");
                }
                self.declared(|def| is_event(def) || answers(def), Form::Name);
            }
            (BlockKind::Test, ["expect"]) => {
                if !behind_dot {
                    self.lines_after("expect ");
                }
                self.declared(is_action, Form::Name);
            }
            (BlockKind::Test, ["expect", "never"]) => self.declared(is_action, Form::Name),
            (BlockKind::Test, ["given", "manual" | "schedule"]) if !behind_dot => self.playbooks(),
            (BlockKind::Items, ["test", _, "of"]) if !behind_dot => self.playbooks(),
            _ => return false,
        }
        true
    }

    /// The playbooks of the file, which are those that its tests are likely of, and then all others.
    fn playbooks(&mut self) {
        let own: Vec<String> = self
            .snapshot
            .items(self.file)
            .filter_map(|item| match &*item.parsed.item {
                Item::Playbook(playbook) => Some(playbook.id.text.clone()),
                _ => None,
            })
            .collect();
        for name in self.snapshot.index().playbooks.keys() {
            let rank = u8::from(!own.contains(name));
            self.items
                .push(Suggestion::new(name, Kind::Function, rank).detail("a playbook"));
        }
    }

    /// What modules declare and a predicate takes: of the one before the dot, or of all.
    fn declared(&mut self, wanted: fn(&Def) -> bool, form: Form) {
        let context = self.context;
        let short = match context.before.as_slice() {
            [.., module, dot] if dot == "." => Some(module.as_str()),
            _ => None,
        };
        for module in self.all_modules() {
            let last = module.rsplit('.').next().unwrap_or(&module);
            let seen = self.seen_as(&module);
            if short.is_some_and(|short| seen.as_deref() != Some(short) && last != short) {
                continue;
            }
            let prefix = match (short, seen.as_deref()) {
                (Some(_), _) | (None, Some("")) => String::new(),
                (None, Some(short)) => format!("{short}."),
                (None, None) => format!("{last}."),
            };
            let edit = match &seen {
                Some(_) => None,
                None => import_edit(self.snapshot, self.file, &module),
            };
            let Some(of) = self.snapshot.index().modules.get(&module) else {
                continue;
            };
            for def in of.names.values().filter(|def| wanted(def)) {
                let mut item = self.call(def, &prefix, 2 + u8::from(seen.is_none()));
                match form {
                    Form::Name => item.insert = escape(&item.label),
                    Form::Call if is_event(def) && !context.called => {
                        item.insert = format!("{}({})", escape(&item.label), fields(def));
                    }
                    Form::Alias => {
                        item.insert = format!("{} as ${{1:later}}", escape(&item.label));
                    }
                    Form::Call => {}
                }
                item.also.clone_from(&edit);
                self.items.push(item);
            }
        }
    }
}

/// The fields of an event that playbooks emit, as places to fill in.
fn fields(def: &Def) -> String {
    let Item::Event(decl) = &*def.item else {
        return String::new();
    };
    let names = decl.properties.iter().filter_map(|p| match &p.value {
        PropertyValue::Field { name, .. } if p.key.text == "field" => Some(&name.text),
        _ => None,
    });
    let places: Vec<String> = names
        .enumerate()
        .map(|(i, name)| format!("{name}: ${{{}:{name}}}", i + 1))
        .collect();
    places.join(", ")
}

fn is_event(def: &Def) -> bool {
    matches!(&*def.item, Item::Event(_))
}

fn is_action(def: &Def) -> bool {
    matches!(&*def.item, Item::Action(_))
}

/// Whether a test can say what it answers.
fn answers(def: &Def) -> bool {
    matches!(&*def.item, Item::Query(_) | Item::Action(_))
}

fn can_be_undone(def: &Def) -> bool {
    let Item::Action(decl) = &*def.item else {
        return false;
    };
    decl.properties.iter().any(|p| {
        p.key.text == "undo"
            && matches!(&p.value, PropertyValue::Exprs(written)
                if written.iter().any(|e| matches!(e.kind, ExprKind::Call { .. })))
    })
}
