//! The gate rule: without the edges by which people approve, a harmful step cannot be reached.

use super::reach::{Reached, reach};
use super::takes::held;
use super::{time, told};
use crate::check::Path;
use crate::codes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lower::{Facts, Gate, Performed};
use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::duration;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Approve, Edge, NodeKind, Playbook};
use petgraph::graph::NodeIndex;

pub fn check(playbook: &mut Playbook, facts: &Facts, program: &Program) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut opened: Vec<(NodeIndex, NodeIndex)> = Vec::new();
    let mut starts = vec![playbook.start];
    starts.extend(playbook.on_failure);
    let all = reach(&playbook.graph, facts, &starts, &|_, _| true);
    for performed in &facts.performed {
        let Some(NodeKind::Perform(perform)) =
            playbook.graph.node_weight(performed.node).map(|n| &n.kind)
        else {
            continue;
        };
        if perform.impact < Impact::Disruptive
            || perform.accepted.is_some()
            || !all.nodes.contains(&performed.node)
        {
            continue;
        }
        let impact = perform.impact;
        match gated(playbook, facts, performed, &starts) {
            Ok(entities) => {
                for gates in entities {
                    for gate in &gates {
                        // Asked again on the way, it is the later answer that counts.
                        let others: Vec<NodeIndex> = gates
                            .iter()
                            .map(|g| g.node)
                            .filter(|n| *n != gate.node)
                            .collect();
                        let finding =
                            expires(playbook, facts, performed, gate, &others, impact, program);
                        diagnostics.extend(finding);
                        if !opened.contains(&(gate.node, performed.node)) {
                            opened.push((gate.node, performed.node));
                        }
                    }
                }
            }
            Err(open) => diagnostics.push(ungated(playbook, facts, performed, impact, &open)),
        }
    }
    for (gate, step) in opened {
        if let Some(NodeKind::Perform(perform)) =
            playbook.graph.node_weight_mut(step).map(|n| &mut n.kind)
        {
            perform.gates.push(gate.index() as u32);
        }
        if let Some(NodeKind::Approve(approve)) =
            playbook.graph.node_weight_mut(gate).map(|n| &mut n.kind)
        {
            approve.covers.push(step.index() as u32);
        }
    }
    diagnostics
}

/// An entity that no approval covers on some way, and that way.
struct Open {
    entity: usize,
    reached: Reached,
}

fn gated<'f>(
    playbook: &Playbook,
    facts: &'f Facts,
    performed: &Performed,
    starts: &[NodeIndex],
) -> Result<Vec<Vec<&'f Gate>>, Open> {
    let mut covering: Vec<Vec<&Gate>> = Vec::new();
    for (entity, path) in performed.acts_on.iter().enumerate() {
        let gates: Vec<&Gate> = facts
            .gates
            .iter()
            .filter(|gate| !by_default(playbook, gate.node))
            .filter(|gate| path.as_ref().is_some_and(|p| covers(facts, gate, p)))
            .collect();
        let open = |node: NodeIndex, edge: &Edge| {
            !(*edge == Edge::Approved && gates.iter().any(|g| g.node == node))
        };
        let reached = reach(&playbook.graph, facts, starts, &open);
        if reached.nodes.contains(&performed.node) {
            return Err(Open { entity, reached });
        }
        covering.push(gates);
    }
    Ok(covering)
}

/// Whether a gate names an entity: the same path, or the list that the loop's element is of.
fn covers(facts: &Facts, gate: &Gate, entity: &Path) -> bool {
    let list = if entity.1.is_empty() {
        facts.element_of.get(&entity.0)
    } else {
        None
    };
    gate.about
        .iter()
        .flatten()
        .any(|about| about == entity || Some(about) == list)
}

fn by_default(playbook: &Playbook, gate: NodeIndex) -> bool {
    approve(playbook, gate).is_some_and(|a| a.default_approve)
}

fn approve(playbook: &Playbook, gate: NodeIndex) -> Option<&Approve> {
    match playbook.graph.node_weight(gate).map(|n| &n.kind) {
        Some(NodeKind::Approve(approve)) => Some(approve),
        _ => None,
    }
}

fn ungated(
    playbook: &Playbook,
    facts: &Facts,
    performed: &Performed,
    impact: Impact,
    open: &Open,
) -> Diagnostic {
    let label = playbook
        .graph
        .node_weight(performed.node)
        .map_or("this step", |n| &n.label);
    let entity = performed
        .entities
        .get(open.entity)
        .map_or("what it acts on", String::as_str);
    let way = open.reached.way(performed.node);
    let (code, severity) = if impact == Impact::Destructive {
        (codes::UNGATED_DESTRUCTIVE, Severity::Error)
    } else {
        (codes::UNGATED_DISRUPTIVE, Severity::Warning)
    };
    let mut diagnostic = Diagnostic {
        severity,
        ..Diagnostic::error(
            code,
            format!(
                "`{}` is {impact} and can be reached without anybody's approval",
                short(label)
            ),
            performed.place.clone(),
            format!("reached by: {}", told(&playbook.graph, &way)),
        )
    };
    if let Some(inside) = &performed.inside {
        diagnostic = diagnostic.also(inside.clone(), "inside of the steps that are called");
    }
    diagnostic = diagnostic.also(performed.declared.clone(), format!("declared as {impact}"));
    // A gate that is there and does not help deserves a word.
    let on_the_way = facts.gates.iter().find(|g| way.contains(&g.node));
    if let Some(gate) = on_the_way {
        let text = if by_default(playbook, gate.node) {
            "this approval is granted by silence, which never opens such a step".to_owned()
        } else if performed
            .acts_on
            .get(open.entity)
            .and_then(Option::as_ref)
            .is_some_and(|p| covers(facts, gate, p))
        {
            "this way does not need the approval to be given".to_owned()
        } else {
            format!("this approval is not about `{entity}`")
        };
        diagnostic = diagnostic.also(gate.place.clone(), text);
    } else if let Some(gate) = facts.gates.first() {
        diagnostic = diagnostic.also(
            gate.place.clone(),
            "the way that reaches it does not pass this approval",
        );
    }
    let why = if impact == Impact::Destructive {
        "what it destroys cannot be brought back; a wrong event, a wrong name or a loop would do it at night with nobody watching"
    } else {
        "it disturbs somebody's work and cannot simply be taken back"
    };
    let asked = on_the_way.filter(|g| {
        let named = performed.acts_on.get(open.entity).and_then(Option::as_ref);
        !by_default(playbook, g.node) && !named.is_some_and(|p| covers(facts, g, p))
    });
    if let Some(gate) = asked {
        let behind = way.iter().skip_while(|node| **node != gate.node);
        let unknown_there = performed
            .acts_on
            .get(open.entity)
            .and_then(Option::as_ref)
            .is_some_and(|path| {
                behind
                    .filter_map(|n| playbook.graph.node_weight(*n))
                    .any(|n| matches!(&n.kind, NodeKind::ForEach { slot, .. } if *slot == path.0))
            });
        let help = if unknown_there {
            format!(
                "`{entity}` is not known yet where this approval stands: let it be about the list, bound with `let` before it, and go through that list; or ask inside of the loop"
            )
        } else {
            format!("let the approval name it: `about {entity}`")
        };
        return diagnostic
            .because("an approval opens what it names, and nothing else")
            .help(help);
    }
    if let (Some((place, line)), true) = (&performed.ask, facts.gates.is_empty()) {
        let title = format!("put `{}` before it", line.trim_end());
        return diagnostic
            .because(why)
            .fix(title, false, place.clone(), line.clone())
            .help("a no, or no answer in that time, ends the run there; change the team, the time and how many have to agree (`needs 2`) as it fits. Or accept it on the record: `without approval because \"…\" { … }`");
    }
    diagnostic.because(why).help(format!(
        "put `approve \"…?\" about {entity}, by team.…, within 4h` before it, or accept it on the record: `without approval because \"…\" {{ … }}`"
    ))
}

fn expires(
    playbook: &Playbook,
    facts: &Facts,
    performed: &Performed,
    gate: &Gate,
    others: &[NodeIndex],
    impact: Impact,
    program: &Program,
) -> Option<Diagnostic> {
    let valid_ms = approve(playbook, gate.node)?.valid_ms;
    let (longest, way) =
        time::longest(playbook, facts, gate.node, performed.node, others, program)?;
    if longest <= valid_ms {
        return None;
    }
    let label = playbook
        .graph
        .node_weight(performed.node)
        .map_or("this step", |n| &n.label);
    let after = if longest >= time::UNBOUNDED_MS {
        "an unknown time".to_owned()
    } else {
        duration::format_ms(longest)
    };
    let severity = if impact == Impact::Destructive {
        Severity::Error
    } else {
        Severity::Warning
    };
    let longer = enough(longest).map_or_else(String::new, |valid| {
        format!(", or let the approval hold longer: `valid {valid}`")
    });
    // A loop that says nothing of its length may take a hundred elements.
    let open_loop = |node: &&NodeIndex| {
        let kind = playbook.graph.node_weight(**node).map(|n| &n.kind);
        matches!(kind, Some(NodeKind::ForEach { list, .. }) if !matches!(list, Expr::List(_)))
            && !facts.limited.contains(*node)
    };
    let sooner = match way
        .iter()
        .find(open_loop)
        .and_then(|n| playbook.graph.node_weight(*n))
    {
        Some(node) => format!(
            "; or let `{}` take fewer elements than a hundred: `, refuse more than 20`",
            node.label
        ),
        None => String::new(),
    };
    let because = match guards_on(playbook, &way, program).as_slice() {
        [] => String::new(),
        held => format!("{}; ", held.join(", ")),
    };
    Some(
        Diagnostic {
            severity,
            ..Diagnostic::error(
                codes::APPROVAL_EXPIRES,
                format!(
                    "the approval holds for {}, and `{}` may come {after} after it",
                    duration::format_ms(valid_ms),
                    short(label)
                ),
                performed.place.clone(),
                format!(
                    "up to {after} after the approval: {}",
                    told(&playbook.graph, &way)
                ),
            )
        }
        .also(gate.place.clone(), format!("holds for {}", duration::format_ms(valid_ms)))
        .because(format!("{because}what was right when somebody approved it may be wrong by then; the step would be refused"))
        .help(format!("ask again before this step{longer}{sooner}")),
    )
}

/// What guards may hold up on a way, in words; each once.
fn guards_on(playbook: &Playbook, way: &[NodeIndex], program: &Program) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for node in way {
        let Some(NodeKind::Perform(perform)) = playbook.graph.node_weight(*node).map(|n| &n.kind)
        else {
            continue;
        };
        for (guard, within_ms) in held(program, &perform.action, perform.impact) {
            let said = format!(
                "the guard “{guard}” may hold `{}` up for {}",
                perform.action,
                duration::format_ms(within_ms)
            );
            if !out.contains(&said) {
                out.push(said);
            }
        }
    }
    out
}

/// A duration that is long enough, in whole days or hours; nothing for an unknown time.
fn enough(ms: i64) -> Option<String> {
    if ms >= time::UNBOUNDED_MS {
        return None;
    }
    let up = |unit: i64| ms / unit + i64::from(ms % unit > 0);
    Some(if ms > 2 * duration::DAY_MS {
        format!("{}d", up(duration::DAY_MS))
    } else {
        format!("{}h", up(duration::HOUR_MS))
    })
}

/// A step's head, short enough for a sentence.
fn short(label: &str) -> &str {
    label.split_once('(').map_or(label, |(name, _)| name)
}
