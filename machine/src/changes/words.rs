//! Parts of a program in, the words that people are told of them out.

use crate::deployment::Mode;
use crate::duration::format_ms;
use crate::expr::Expr;
use crate::guard::Rule;
use crate::playbook::{Tenants, Trigger};
use crate::schedule;

/// So many of something.
pub(super) fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// So many people, as approvals count them.
pub fn people(count: u32) -> String {
    match count {
        0 => "nobody".into(),
        1 => "one person".into(),
        n => format!("{n} people"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(all: impl Iterator<Item = String>, last: &str) -> String {
    let mut all: Vec<String> = all.collect();
    match all.pop() {
        None => String::new(),
        Some(one) if all.is_empty() => one,
        Some(end) => format!("{} {last} {end}", all.join(", ")),
    }
}

pub(super) fn trigger(trigger: &Trigger) -> String {
    let text = schedule::describe(&trigger.kind);
    match trigger.for_each {
        Some(_) => format!("{text}, for each of a list"),
        None => text,
    }
}

pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "`active`",
        Mode::Simulate => "`simulate`",
        Mode::Paused => "`paused`",
    }
}

/// What a mode other than the usual one means for a playbook.
pub(super) fn mode_of(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Active => None,
        Mode::Simulate => Some("its source has it only simulated"),
        Mode::Paused => Some("its source has it paused"),
    }
}

pub(super) fn tenants(tenants: &Tenants) -> String {
    let names =
        |names: &[std::sync::Arc<str>]| listed(names.iter().map(|name| format!("`{name}`")), "and");
    match tenants {
        Tenants::All => "every tenant".into(),
        Tenants::Except(not) => format!("every tenant but {}", names(not)),
        Tenants::Group(group) => format!("the tenants of group `{group}`"),
        Tenants::Listed(these) => names(these),
    }
}

/// Who is asked, where that is known before a run.
pub(super) fn who(expr: &Expr) -> String {
    match expr {
        Expr::Team(name) => format!("team.{name}"),
        Expr::Const(value) => value.plain(),
        _ => "a person who is known in the run".into(),
    }
}

/// A line of a guard, as what follows `the guard`.
pub(super) fn rule(rule: &Rule) -> String {
    match rule {
        Rule::Protect { ty, .. } => format!("protects each `{ty}` that it describes"),
        Rule::Limit {
            action,
            count,
            per_ms,
            per_tenant,
            beyond,
        } => {
            let each = if *per_tenant { " in each tenant" } else { "" };
            let beyond = beyond.as_ref().map_or_else(String::new, |beyond| {
                let within = format_ms(beyond.within_ms);
                format!(", beyond that {} decides within {within}", who(&beyond.by))
            });
            let per = format_ms(*per_ms);
            format!("limits `{action}` to {count} per {per}{each}{beyond}")
        }
    }
}
