//! A machine in, escalation levels that never come, or that come too late for sure, out.

use super::known::{Known, holds, known};
use super::reach::reach;
use super::soonest::soonest;
use super::{told, told_with};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use crate::span::Place;
use counterplay_machine::duration;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook, StageKind};
use petgraph::graph::NodeIndex;

pub fn check(playbook: &Playbook, facts: &Facts) -> Vec<Diagnostic> {
    let levels = levels(playbook);
    if levels.is_empty() {
        return Vec::new();
    }
    let (mut found, silent) = never(playbook, facts, &levels);
    found.extend(passed(playbook, facts, &levels, &silent));
    found
}

/// A level: its number, when it is due, and the node where it begins.
struct Level {
    number: u32,
    due_ms: i64,
    node: NodeIndex,
}

fn levels(playbook: &Playbook) -> Vec<Level> {
    let level = |node: NodeIndex| match playbook.graph.node_weight(node).map(|n| &n.kind) {
        Some(NodeKind::Stage {
            stage:
                StageKind::Escalate {
                    level,
                    after_ms,
                    param,
                },
        }) => Some(Level {
            number: *level,
            // Each tenant may say something else.
            due_ms: match param {
                Some(_) => i64::MAX,
                None => *after_ms,
            },
            node,
        }),
        _ => None,
    };
    playbook.graph.node_indices().filter_map(level).collect()
}

/// Levels that no run comes to, because a decision before them always goes the other way. One decision that silences
/// several of them is one mistake.
fn never(playbook: &Playbook, facts: &Facts, levels: &[Level]) -> (Vec<Diagnostic>, Vec<u32>) {
    let graph = &playbook.graph;
    let known = known(playbook);
    let starts = [playbook.start];
    let all = reach(graph, facts, &starts, &|_, _| true);
    let open = reach(graph, facts, &starts, &|node, edge| {
        !known.closed(node, edge)
    });
    let mut found: Vec<(Place, Diagnostic)> = Vec::new();
    let mut silent = Vec::new();
    for level in levels {
        // What no way leads to at all was said where it was lowered.
        if open.nodes.contains(&level.node) || !all.nodes.contains(&level.node) {
            continue;
        }
        silent.push(level.number);
        let Some((decision, way)) = decides(playbook, facts, &known, &open.nodes, level.node)
        else {
            continue;
        };
        let (Some(place), Some(at)) = (
            facts.places.get(&decision),
            facts.places.get(&level.node).cloned(),
        ) else {
            continue;
        };
        if let Some((_, diagnostic)) = found.iter_mut().find(|(there, _)| there == place) {
            let also = format!("level {} never comes either", level.number);
            *diagnostic = diagnostic.clone().also(at, also);
            continue;
        }
        let edge = if way { Edge::True } else { Edge::False };
        let path = told_with(graph, &open.way(decision), &[], Some(&edge));
        let answer = if way { "yes" } else { "no" };
        let always = match playbook.graph.node_weight(decision).map(|n| &n.kind) {
            Some(NodeKind::Branch { condition }) if holds(condition, &[]).is_none() => {
                format!("always {answer}: it was decided before")
            }
            _ => format!("always {answer}"),
        };
        found.push((
            place.clone(),
            Diagnostic::warning(
                codes::LEVEL_NEVER,
                format!("escalation level {} can never come", level.number),
                at,
                format!("every run goes past it: {path}"),
            )
            .also(place.clone(), always)
            .because("whoever reads the playbook believes that somebody is told when nothing helps, and nobody ever is")
            .help("let the condition ask something that can go either way, or take the level out"),
        ));
    }
    (found.into_iter().map(|(_, d)| d).collect(), silent)
}

/// The last decision that keeps runs from a level, and how it always goes.
fn decides(
    playbook: &Playbook,
    facts: &Facts,
    known: &Known,
    open: &super::Nodes,
    level: NodeIndex,
) -> Option<(NodeIndex, bool)> {
    let leads = |(node, way): &(NodeIndex, bool)| {
        let other = if *way { Edge::False } else { Edge::True };
        open.contains(node)
            && playbook.follow(*node, &other).is_some_and(|next| {
                reach(&playbook.graph, facts, &[next], &|_, _| true)
                    .nodes
                    .contains(&level)
            })
    };
    known
        .certain
        .iter()
        .map(|(node, way)| (*node, *way))
        .rfind(leads)
}

/// Levels whose time is over before any run can come to them: they come at once, and nobody has had time to act.
fn passed(playbook: &Playbook, facts: &Facts, levels: &[Level], silent: &[u32]) -> Vec<Diagnostic> {
    let soonest = soonest(playbook, facts);
    let late = levels.iter().filter_map(|level| {
        if silent.contains(&level.number) {
            return None;
        }
        let place = facts.places.get(&level.node)?;
        // The level's timer stands where the level stands.
        let timer = playbook.graph.node_indices().find(|node| {
            let kind = playbook.graph.node_weight(*node).map(|n| &n.kind);
            matches!(kind, Some(NodeKind::WaitSinceStart { .. }))
                && facts.places.get(node) == Some(place)
        })?;
        let at = soonest.at(timer)?;
        if at <= level.due_ms {
            return None;
        }
        let way = soonest.way(timer);
        let mut diagnostic = Diagnostic::warning(
            codes::LEVEL_PASSED,
            format!(
                "escalation level {} is due {} after the start of the run, and no run comes to it before {}",
                level.number,
                duration::format_ms(level.due_ms),
                duration::format_ms(at)
            ),
            place.clone(),
            format!("comes at once after what stands before it: {}", told(&playbook.graph, &way)),
        );
        for node in &way {
            let waits = matches!(
                playbook.graph.node_weight(*node).map(|n| &n.kind),
                Some(NodeKind::Wait { .. } | NodeKind::WaitSinceStart { .. })
            );
            if let Some(before) = facts.places.get(node).filter(|p| waits && *p != place) {
                diagnostic = diagnostic.also(before.clone(), "takes its time first");
            }
        }
        Some(
            diagnostic
                .because("`escalate after` counts from the start of the run, as people say it; nobody has time to act between what stands before the level and the level")
                .help("give the level a later time, or write `wait` and `then { … }` for a time that counts from the stage before"),
        )
    });
    late.collect()
}
