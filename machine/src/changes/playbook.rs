//! A playbook as it runs and as it is to run in, what is different for people out, a sentence each. Pure.

use super::look::{Difference, accepted_steps, difference, lines};
use super::words;
use crate::duration::format_ms;
use crate::hash;
use crate::permissions;
use crate::playbook::{Approve, Ask, Node, NodeKind, Playbook, StageKind};
use crate::program::Program;
use std::collections::{BTreeMap, BTreeSet};

/// What is said where only values or the order of steps differ.
const ELSE: &str = "gives its steps other values, or goes through them in another order";

/// Says what is different.
pub(super) fn changed(
    (old_program, old): (&Program, &Playbook),
    (new_program, new): (&Program, &Playbook),
    out: &mut Vec<String>,
) {
    let mut facts = Vec::new();
    head(old, new, &mut facts);
    actions(old, new, &mut facts);
    gates(old, new, &mut facts);
    questions(old, new, &mut facts);
    times(old, new, &mut facts);
    ways(old, new, &mut facts);
    if facts.is_empty() && old.hash != new.hash && !same(old, new) {
        facts.push(ELSE.to_owned());
    }
    words_for_people(old, new, &mut facts);
    needs((old_program, old), (new_program, new), &mut facts);
    let id = &new.id;
    out.extend(facts.into_iter().map(|fact| format!("`{id}` {fact}")));
}

/// Whether it does the same itself: what it calls may be declared otherwise.
fn same(old: &Playbook, new: &Playbook) -> bool {
    let content = |playbook: &Playbook| serde_json::to_value(hash::bare(playbook)).ok();
    content(old) == content(new)
}

/// What starts it, for whom, in which mode, and what counts as a repeat.
fn head(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    if old.mode != new.mode {
        let (is, was) = (words::mode(new.mode), words::mode(old.mode));
        out.push(format!("has the mode {is} in its source, it was {was}"));
    }
    if old.tenants != new.tenants {
        let (is, was) = (words::tenants(&new.tenants), words::tenants(&old.tenants));
        out.push(format!("is for {is}, it was for {was}"));
    }
    let triggers = |playbook: &Playbook| playbook.triggers.iter().map(words::trigger).collect();
    told(triggers(old), triggers(new), "starts", out);
    let conditions = |playbook: &Playbook| -> Vec<String> {
        let all = playbook.conditions.iter();
        all.map(|c| format!("`{}`", c.text)).collect()
    };
    told(conditions(old), conditions(new), "starts only if", out);
    let repeats = |playbook: &Playbook| playbook.repeats.as_ref().map(|r| r.for_ms);
    match (repeats(old), repeats(new)) {
        (None, Some(_)) => out.push("now ignores repeats".into()),
        (Some(_), None) => out.push("no longer ignores repeats".into()),
        (Some(was), Some(is)) if was != is => {
            let long = |ms: Option<i64>| {
                ms.map_or("as long as a run is open".into(), |ms| {
                    format!("for {}", format_ms(ms))
                })
            };
            out.push(format!(
                "ignores repeats {}, it was {}",
                long(is),
                long(was)
            ));
        }
        _ => {}
    }
}

/// One of a kind instead of another one, or what is there newly and no longer.
fn told(before: Vec<String>, after: Vec<String>, verb: &str, out: &mut Vec<String>) {
    let Difference { gone, added } = difference(before.into_iter(), after.into_iter());
    if gone.len() == added.len() {
        let pairs = gone.iter().zip(&added);
        out.extend(pairs.map(|(was, is)| format!("{verb} {is} instead of {was}")));
        return;
    }
    out.extend(added.iter().map(|is| format!("now {verb} {is}")));
    out.extend(gone.iter().map(|was| format!("no longer {verb} {was}")));
}

/// Actions and queries by name, and what acts without approval.
fn actions(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    let performed = |playbook: &Playbook| {
        let mut all: BTreeMap<String, (usize, crate::declare::Impact)> = BTreeMap::new();
        for node in playbook.graph.node_weights() {
            if let NodeKind::Perform(perform) = &node.kind {
                let entry = all.entry(perform.action.to_string());
                entry.or_insert((0, perform.impact)).0 += 1;
            }
        }
        all
    };
    let (before, after) = (performed(old), performed(new));
    for (name, (count, impact)) in &after {
        match before.get(name) {
            None => out.push(format!("now performs `{name}` ({impact})")),
            Some((was, _)) if was != count => {
                let steps = words::count(*count, "step");
                out.push(format!("performs `{name}` in {steps}, it was {was}"));
            }
            Some(_) => {
                let of = |playbook: &Playbook| {
                    lines(
                        playbook,
                        |kind| matches!(kind, NodeKind::Perform(p) if *p.action == **name),
                    )
                };
                let quoted =
                    |lines: Vec<String>| lines.into_iter().map(|l| format!("`{l}`")).collect();
                told(quoted(of(old)), quoted(of(new)), "has the step", out);
            }
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    out.extend(gone.map(|name| format!("no longer performs `{name}`")));
    let accepted = |playbook: &Playbook| -> Vec<String> {
        let all = accepted_steps(playbook).into_iter();
        all.flat_map(|((action, why), count)| {
            let text = format!("`{action}` without approval, because “{why}”");
            std::iter::repeat_n(text, count)
        })
        .collect()
    };
    told(accepted(old), accepted(new), "performs", out);
    let asked = |playbook: &Playbook| -> BTreeSet<String> {
        let nodes = playbook.graph.node_weights();
        let queries = nodes.filter_map(|node| match &node.kind {
            NodeKind::Query { query, .. } => Some(format!("`{query}`")),
            _ => None,
        });
        queries.collect()
    };
    let (before, after) = (asked(old), asked(new));
    told(
        before.into_iter().collect(),
        after.into_iter().collect(),
        "looks at",
        out,
    );
}

/// What stands in the first quotes of a step's line, which is what people read.
fn question(node: &Node) -> String {
    let mut text = String::new();
    let mut chars = node.label.chars().skip_while(|c| *c != '"').skip(1);
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => text.extend(chars.next()),
            other => text.push(other),
        }
    }
    match text.is_empty() {
        true => node.label.to_string(),
        false => text,
    }
}

/// Steps of a kind by their question. Where one question stands several times, they are told apart by their order.
fn by_question<'p, T>(
    playbook: &'p Playbook,
    of: impl Fn(&'p NodeKind) -> Option<&'p T>,
) -> BTreeMap<(String, usize), &'p T> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let nodes = playbook.graph.node_weights();
    nodes
        .filter_map(|node| {
            let found = of(&node.kind)?;
            let question = question(node);
            let number = seen.entry(question.clone()).or_default();
            *number += 1;
            Some(((question, *number), found))
        })
        .collect()
}

/// Approvals: new ones, those that are gone, and who has to agree within which time.
fn gates(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    fn gate(kind: &NodeKind) -> Option<&Approve> {
        match kind {
            NodeKind::Approve(approve) => Some(approve),
            _ => None,
        }
    }
    let (before, after) = (by_question(old, gate), by_question(new, gate));
    for (key, is) in &after {
        let name = format!("approval “{}”", key.0);
        let Some(was) = before.get(key) else {
            let (who, people) = (words::who(&is.by), words::people(is.needs));
            out.push(format!("now asks for the {name} of {who} ({people})"));
            continue;
        };
        let mut parts = Vec::new();
        let (by, by_before) = (words::who(&is.by), words::who(&was.by));
        if by != by_before {
            parts.push(format!("is {by}'s, it was {by_before}'s"));
        }
        if is.needs != was.needs {
            let (now, then) = (words::people(is.needs), words::people(was.needs));
            parts.push(format!("needs {now}, it was {then}"));
        }
        if is.within_ms != was.within_ms {
            let (now, then) = (format_ms(is.within_ms), format_ms(was.within_ms));
            parts.push(format!("waits {now}, it was {then}"));
        }
        if is.valid_ms != was.valid_ms {
            let (now, then) = (format_ms(is.valid_ms), format_ms(was.valid_ms));
            parts.push(format!("holds for {now}, it was {then}"));
        }
        match (was.default_approve, is.default_approve) {
            (false, true) => parts.push("takes silence for consent".into()),
            (true, false) => parts.push("no longer takes silence for consent".into()),
            _ => {}
        }
        out.extend(
            parts
                .into_iter()
                .map(|part| format!("has the {name}, which {part}")),
        );
    }
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    out.extend(gone.map(|(name, _)| format!("no longer asks for the approval “{name}”")));
}

/// Questions to people that open no gate.
fn questions(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    fn ask(kind: &NodeKind) -> Option<&Ask> {
        match kind {
            NodeKind::Ask(ask) => Some(ask),
            _ => None,
        }
    }
    let (before, after) = (by_question(old, ask), by_question(new, ask));
    for (key, is) in &after {
        let name = &key.0;
        match before.get(key) {
            None => out.push(format!("now asks {} “{name}”", words::who(&is.to))),
            Some(was) if was.within_ms != is.within_ms => {
                let (now, then) = (format_ms(is.within_ms), format_ms(was.within_ms));
                out.push(format!(
                    "waits {now} for an answer to “{name}”, it was {then}"
                ));
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    out.extend(gone.map(|(name, _)| format!("no longer asks “{name}”")));
}

/// Escalations, waits, and how often a goal is looked at.
fn times(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    let levels = |playbook: &Playbook| -> BTreeMap<u32, String> {
        let nodes = playbook.graph.node_weights();
        let found = nodes.filter_map(|node| match &node.kind {
            NodeKind::Stage {
                stage:
                    StageKind::Escalate {
                        level,
                        after_ms,
                        param,
                    },
            } => {
                let says = param
                    .as_ref()
                    .map_or_else(String::new, |p| format!(" (the parameter `{p}` says it)"));
                Some((*level, format!("{}{says}", format_ms(*after_ms))))
            }
            _ => None,
        });
        found.collect()
    };
    let (before, after) = (levels(old), levels(new));
    for (level, is) in &after {
        match before.get(level) {
            None => out.push(format!("now escalates to level {level} after {is}")),
            Some(was) if was != is => {
                out.push(format!(
                    "escalates to level {level} after {is}, it was {was}"
                ));
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|level| !after.contains_key(*level));
    out.extend(gone.map(|level| format!("no longer escalates to level {level}")));
    let waits = |playbook: &Playbook| -> Vec<String> {
        let found = lines(playbook, |kind| {
            matches!(
                kind,
                NodeKind::Wait { .. }
                    | NodeKind::WaitClock { .. }
                    | NodeKind::WaitTime { .. }
                    | NodeKind::WaitUntil { .. }
                    | NodeKind::WaitEvent(_)
            )
        });
        found.into_iter().map(|line| format!("`{line}`")).collect()
    };
    told(waits(old), waits(new), "has the wait", out);
    if old.checking_every_ms != new.checking_every_ms {
        let often = |ms: Option<i64>| {
            ms.map_or("not at all".into(), |ms| format!("every {}", format_ms(ms)))
        };
        let (is, was) = (often(new.checking_every_ms), often(old.checking_every_ms));
        out.push(format!("looks whether it is resolved {is}, it was {was}"));
    }
}

/// Decisions, loops, events that it raises, ends, and what is done where it fails.
fn ways(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    let quoted = |playbook: &Playbook, of: fn(&NodeKind) -> bool| -> Vec<String> {
        let found = lines(playbook, of);
        found.into_iter().map(|line| format!("`{line}`")).collect()
    };
    let mut compare = |verb: &str, of: fn(&NodeKind) -> bool| {
        told(quoted(old, of), quoted(new, of), verb, out);
    };
    compare("decides by", |kind| {
        matches!(kind, NodeKind::Branch { .. } | NodeKind::Match { .. })
    });
    compare("has the loop", |kind| {
        matches!(kind, NodeKind::ForEach { .. })
    });
    compare("has the value", |kind| {
        matches!(kind, NodeKind::Bind { .. })
    });
    compare("raises", |kind| matches!(kind, NodeKind::Emit { .. }));
    match (old.on_failure, new.on_failure) {
        (None, Some(_)) => out.push("now does something where it fails (`on failure`)".into()),
        (Some(_), None) => out.push("no longer does anything where it fails (`on failure`)".into()),
        _ => {}
    }
    let limits = |playbook: &Playbook| -> Vec<u32> {
        let nodes = playbook.graph.node_weights();
        let found = nodes.filter_map(|node| match &node.kind {
            NodeKind::ForEach { limit, .. } => Some(*limit),
            _ => None,
        });
        found.collect()
    };
    let (before, after) = (limits(old), limits(new));
    if before.len() == after.len() {
        let pairs = before.iter().zip(&after).filter(|(was, is)| was != is);
        out.extend(
            pairs.map(|(was, is)| format!("has a loop that refuses more than {is}, it was {was}")),
        );
    }
}

/// Title, description and tags.
fn words_for_people(old: &Playbook, new: &Playbook, out: &mut Vec<String>) {
    if old.title != new.title {
        out.push(format!("is called “{}”, it was “{}”", new.title, old.title));
    }
    if old.doc != new.doc {
        out.push("is described otherwise".into());
    }
    let tags = |playbook: &Playbook| playbook.tags.iter().map(|tag| format!("`{tag}`")).collect();
    told(tags(old), tags(new), "has the tag", out);
}

/// Permissions at services.
fn needs(
    (old_program, old): (&Program, &Playbook),
    (new_program, new): (&Program, &Playbook),
    out: &mut Vec<String>,
) {
    let of = |program: &Program, playbook: &Playbook| -> BTreeSet<String> {
        let all = permissions::of(program, playbook);
        let each = all.iter().flat_map(|(connection, needed)| {
            let names = needed.keys();
            names.map(move |name| format!("the permission `{name}` at `{connection}`"))
        });
        each.collect()
    };
    let (before, after) = (of(old_program, old), of(new_program, new));
    out.extend(
        after
            .difference(&before)
            .map(|what| format!("now needs {what}")),
    );
    out.extend(
        before
            .difference(&after)
            .map(|what| format!("no longer needs {what}")),
    );
}
