//! The program that runs and the one that takes its place in, what changes for people out, a sentence each. Pure.
//!
//! Only what both programs say is told: who made the change and why stands beside it, in their own words.

mod look;
mod playbook;
mod words;

pub use look::accepted_steps;
pub use words::people;

use crate::declare::Callable;
use crate::guard::{Guard, Rule};
use crate::playbook::{NodeKind, Playbook};
use crate::program::Program;
use look::{Difference, difference};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many sentences are told; a line says how many there are more.
const SENTENCES_MAX: usize = 200;

/// What is said where two programs do the same.
const NOTHING: &str = "no run does anything else than before";

/// What changes from one program to another one.
pub fn changes(old: &Program, new: &Program) -> Vec<String> {
    let mut out = Vec::new();
    for (id, playbook) in &new.playbooks {
        match old.playbooks.get(id) {
            None => out.push(format!("new: {}", about(playbook))),
            Some(before) => playbook::changed((old, before), (new, playbook), &mut out),
        }
    }
    for playbook in old.playbooks.values() {
        if !new.playbooks.contains_key(&playbook.id) {
            out.push(format!("gone: {}", named(playbook)));
        }
    }
    guards(old, new, &mut out);
    declared(old, new, &mut out);
    if out.is_empty() {
        out.push(NOTHING.to_owned());
    }
    cut(out)
}

/// What is there, for a program that takes no other one's place.
pub fn contents(program: &Program) -> Vec<String> {
    let mut out: Vec<String> = program.playbooks.values().map(about).collect();
    for guard in &program.guards {
        let rules: Vec<String> = guard.rules.iter().map(words::rule).collect();
        out.push(format!("the guard “{}” {}", guard.title, rules.join("; ")));
    }
    if out.is_empty() {
        out.push("there is no playbook".to_owned());
    }
    cut(out)
}

fn cut(mut sentences: Vec<String>) -> Vec<String> {
    let more = sentences.len().saturating_sub(SENTENCES_MAX);
    if more > 0 {
        sentences.truncate(SENTENCES_MAX);
        sentences.push(format!("and {more} more"));
    }
    sentences
}

fn named(playbook: &Playbook) -> String {
    format!("`{}` (“{}”)", playbook.id, playbook.title)
}

/// A playbook in a sentence: what starts it, what it does, whom it asks.
fn about(playbook: &Playbook) -> String {
    let mut parts = vec![match playbook.triggers.as_slice() {
        [] => "nothing starts it".to_owned(),
        several => words::listed(several.iter().map(words::trigger), "or"),
    }];
    let mut actions: BTreeMap<&str, crate::declare::Impact> = BTreeMap::new();
    let mut asks = 0;
    for node in playbook.graph.node_weights() {
        match &node.kind {
            NodeKind::Perform(perform) => {
                actions.insert(&perform.action, perform.impact);
            }
            NodeKind::Approve(_) => asks += 1,
            _ => {}
        }
    }
    parts.push(match actions.is_empty() {
        true => "performs nothing".to_owned(),
        false => {
            let each = actions
                .iter()
                .map(|(name, impact)| format!("`{name}` ({impact})"));
            format!("performs {}", words::listed(each, "and"))
        }
    });
    if asks > 0 {
        parts.push(format!("asks for {}", words::count(asks, "approval")));
    }
    if let Some(mode) = words::mode_of(playbook.mode) {
        parts.push(mode.to_owned());
    }
    format!("{}: {}", named(playbook), parts.join("; "))
}

/// Guards by their title: new ones, those that are gone, and the lines that differ.
fn guards(old: &Program, new: &Program, out: &mut Vec<String>) {
    let titled = |program: &Program| -> BTreeMap<Arc<str>, Vec<Rule>> {
        let mut all: BTreeMap<Arc<str>, Vec<Rule>> = BTreeMap::new();
        for Guard { title, rules } in &program.guards {
            all.entry(title.clone())
                .or_default()
                .extend(rules.iter().cloned());
        }
        all
    };
    let (before, after) = (titled(old), titled(new));
    let titles: BTreeSet<&Arc<str>> = before.keys().chain(after.keys()).collect();
    for title in titles {
        let told = |rules: &[Rule]| words::listed(rules.iter().map(words::rule), "and");
        match (before.get(title), after.get(title)) {
            (None, Some(rules)) => out.push(format!("new: the guard “{title}” {}", told(rules))),
            (Some(rules), None) => {
                out.push(format!("gone: the guard “{title}” that {}", told(rules)))
            }
            (Some(was), Some(is)) => {
                let without = |all: &[Rule], others: &[Rule]| -> Vec<Rule> {
                    let kept = all.iter().filter(|rule| !others.contains(rule));
                    kept.cloned().collect()
                };
                let (gone, added) = (without(was, is), without(is, was));
                if !added.is_empty() {
                    out.push(format!("the guard “{title}” now {}", told(&added)));
                }
                if !gone.is_empty() {
                    out.push(format!("the guard “{title}” no longer {}", told(&gone)));
                }
            }
            (None, None) => {}
        }
    }
}

/// Actions, queries, events, connections and parameters that both have and declare otherwise. New ones and those that
/// are gone are told with the playbooks that use them.
fn declared(old: &Program, new: &Program, out: &mut Vec<String>) {
    for (name, now) in &new.callables {
        let Some(before) = old.callables.get(name) else {
            continue;
        };
        if let (Some(was), Some(is)) = (before.impact, now.impact)
            && was != is
        {
            out.push(format!("the impact of `{name}` is {is}, it was {was}"));
        }
        let bare = |callable: &Callable| Callable {
            doc: Arc::from(""),
            impact: None,
            ..callable.clone()
        };
        if bare(before) != bare(now) {
            out.push(format!("`{name}` is declared otherwise"));
        }
    }
    let events = new.events.iter().filter(|(name, now)| {
        let before = old.events.get(*name);
        before.is_some_and(|before| before != *now)
    });
    out.extend(events.map(|(name, _)| format!("the event `{name}` is declared otherwise")));
    let connections = new.connections.iter().filter(|(name, now)| {
        let before = old.connections.get(*name);
        before.is_some_and(|before| before != *now)
    });
    out.extend(
        connections.map(|(name, _)| format!("the connection `{name}` is declared otherwise")),
    );
    for (name, now) in &new.parameters {
        match old.parameters.get(name) {
            None => out.push(format!(
                "new: the parameter `{name}`, by default {}",
                now.default.plain()
            )),
            Some(before) if before.default != now.default => out.push(format!(
                "the parameter `{name}` is {} where a tenant sets none, it was {}",
                now.default.plain(),
                before.default.plain()
            )),
            Some(_) => {}
        }
    }
    let Difference { gone, .. } = difference(
        old.parameters.keys().map(ToString::to_string),
        new.parameters.keys().map(ToString::to_string),
    );
    out.extend(
        gone.into_iter()
            .map(|name| format!("gone: the parameter `{name}`")),
    );
}
