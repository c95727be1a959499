//! The program that runs and the one that is to replace it in, what a second person has to look at out. Pure.

use counterplay_machine::Program;
use counterplay_machine::changes::{accepted_steps, people};
use counterplay_machine::declare::Impact;
use counterplay_machine::guard::Rule;
use counterplay_machine::playbook::{NodeKind, Playbook};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a deploy waits for a second person.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Reason {
    /// `without_approval`, `lower_impact`, `looser_guard`.
    pub kind: String,
    /// The playbook, or the action whose impact is lower.
    pub about: String,
    /// One sentence.
    pub text: String,
}

/// What is less guarded in `new` than in `old`; nothing where a deploy needs no second person.
pub fn reasons(old: &Program, new: &Program) -> Vec<Reason> {
    let mut out = Vec::new();
    lower_impacts(old, new, &mut out);
    guards(old, new, &mut out);
    for playbook in new.playbooks.values() {
        let before = old.playbooks.get(&playbook.id);
        accepted(before, playbook, &mut out);
        if let Some(before) = before {
            gates(before, playbook, &mut out);
            loops(before, playbook, &mut out);
        }
    }
    out.sort();
    out.dedup();
    out
}

fn reason(kind: &str, about: &str, text: String) -> Reason {
    Reason {
        kind: kind.to_owned(),
        about: about.to_owned(),
        text,
    }
}

fn lower_impacts(old: &Program, new: &Program, out: &mut Vec<Reason>) {
    for (name, callable) in &new.callables {
        let before = old.callables.get(name).and_then(|c| c.impact);
        if let (Some(before), Some(after)) = (before, callable.impact)
            && after < before
        {
            let text = format!("the impact of `{name}` was {before} and would be {after}");
            out.push(reason("lower_impact", name, text));
        }
    }
}

/// The rules of guards that would be gone or would let more through.
fn guards(old: &Program, new: &Program, out: &mut Vec<Reason>) {
    let after: Vec<&Rule> = new.guards.iter().flat_map(|g| &g.rules).collect();
    for guard in &old.guards {
        for rule in &guard.rules {
            if after.iter().any(|other| keeps(rule, other)) {
                continue;
            }
            let text = match rule {
                Rule::Protect { ty, .. } => format!(
                    "the guard “{}” would no longer protect each {ty} that it protects",
                    guard.title
                ),
                Rule::Limit { action, .. } => format!(
                    "the guard “{}” would no longer limit `{action}` as it does",
                    guard.title
                ),
            };
            out.push(reason("looser_guard", &guard.title, text));
        }
    }
}

/// Whether a rule forbids at least what another one does.
fn keeps(before: &Rule, after: &Rule) -> bool {
    match (before, after) {
        (Rule::Protect { .. }, Rule::Protect { .. }) => before == after,
        (
            Rule::Limit {
                action,
                count,
                per_ms,
                per_tenant,
                beyond,
            },
            Rule::Limit {
                action: other_action,
                count: other_count,
                per_ms: other_per,
                per_tenant: other_tenant,
                beyond: other_beyond,
            },
        ) => {
            action == other_action
                && other_count <= count
                && other_per >= per_ms
                && (!other_tenant || *per_tenant)
                && (other_beyond.is_none() || beyond == other_beyond)
        }
        _ => false,
    }
}

fn accepted(before: Option<&Playbook>, after: &Playbook, out: &mut Vec<Reason>) {
    let known = before.map(accepted_steps).unwrap_or_default();
    for ((action, why), count) in accepted_steps(after) {
        let had = known
            .get(&(action.clone(), why.clone()))
            .copied()
            .unwrap_or(0);
        if count > had {
            let text = format!(
                "`{}` would newly perform `{action}` without approval, because \"{why}\"",
                after.id
            );
            out.push(reason("without_approval", &after.id, text));
        }
    }
}

/// How well an action is guarded in a playbook: its weakest step counts.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Guarding {
    /// How many people have to approve; 0 where nobody is asked.
    people: u32,
    /// For how long an approval holds, in milliseconds.
    valid_ms: i64,
}

fn guarding(playbook: &Playbook) -> BTreeMap<Arc<str>, Guarding> {
    let mut out: BTreeMap<Arc<str>, Guarding> = BTreeMap::new();
    for node in playbook.graph.node_weights() {
        let NodeKind::Perform(perform) = &node.kind else {
            continue;
        };
        if perform.impact < Impact::Disruptive {
            continue;
        }
        let gates = perform.gates.iter().filter_map(|gate| {
            let at = petgraph::graph::NodeIndex::new(*gate as usize);
            match &playbook.graph.node_weight(at)?.kind {
                NodeKind::Approve(approve) => Some(Guarding {
                    people: approve.needs,
                    valid_ms: approve.valid_ms,
                }),
                _ => None,
            }
        });
        let step = gates
            .reduce(|a, b| Guarding {
                people: a.people.min(b.people),
                valid_ms: a.valid_ms.max(b.valid_ms),
            })
            .unwrap_or(Guarding {
                people: 0,
                valid_ms: 0,
            });
        out.entry(perform.action.clone())
            .and_modify(|g| {
                g.people = g.people.min(step.people);
                g.valid_ms = g.valid_ms.max(step.valid_ms);
            })
            .or_insert(step);
    }
    out
}

fn gates(before: &Playbook, after: &Playbook, out: &mut Vec<Reason>) {
    let known = guarding(before);
    for (action, now) in guarding(after) {
        let Some(was) = known.get(&action) else {
            continue;
        };
        let id = &after.id;
        if now.people < was.people {
            let text = format!(
                "`{action}` in `{id}` needed the approval of {} and would need {}",
                people(was.people),
                people(now.people)
            );
            out.push(reason("looser_guard", id, text));
        } else if now.valid_ms > was.valid_ms && was.people > 0 {
            let text = format!(
                "an approval of `{action}` in `{id}` held for {} and would hold for {}",
                counterplay_machine::duration::format_ms(was.valid_ms),
                counterplay_machine::duration::format_ms(now.valid_ms)
            );
            out.push(reason("looser_guard", id, text));
        }
    }
    let (was, now) = (default_approvals(before), default_approvals(after));
    if now > was {
        let text = format!(
            "in `{}` silence would newly count as consent (`default approve`)",
            after.id
        );
        out.push(reason("looser_guard", &after.id, text));
    }
}

fn default_approvals(playbook: &Playbook) -> usize {
    let gates = playbook.graph.node_weights();
    gates
        .filter(|n| matches!(&n.kind, NodeKind::Approve(a) if a.default_approve))
        .count()
}

fn loops(before: &Playbook, after: &Playbook, out: &mut Vec<Reason>) {
    let most = |playbook: &Playbook| {
        let limits = playbook.graph.node_weights();
        limits
            .filter_map(|n| match &n.kind {
                NodeKind::ForEach { limit, .. } => Some(*limit),
                _ => None,
            })
            .max()
    };
    if let (Some(was), Some(now)) = (most(before), most(after))
        && now > was
    {
        let text = format!(
            "a loop of `{}` refused more than {was} and would refuse more than {now}",
            after.id
        );
        out.push(reason("looser_guard", &after.id, text));
    }
}

#[cfg(test)]
mod tests {
    use super::reasons;
    use crate::project::compile::{ConfigFile, Files, compile};
    use counterplay_machine::Program;
    use std::sync::Arc;

    const CONFIG: &str = "[project]\nname = \"T\"\nsources = [\"playbooks\"]\n[teams.soc]\nmembers = [\"a@x.example\", \"b@x.example\", \"c@x.example\"]\n[tenants.t]\nid = \"t.example\"\n[connections.graph]\nclient_id = \"c\"\nsecret = \"s\"\n";

    fn program(body: &str) -> Arc<Program> {
        let text = format!(
            "use microsoft.(intune, entra)\n\nplaybook lost \"Lost\" {{\n  when manual(device: Device)\n  then {{\n{body}\n  }}\n}}\n"
        );
        let config = ConfigFile {
            name: "counterplay.toml".into(),
            text: CONFIG.into(),
        };
        let files = Files::from([("playbooks/lost.play".to_owned(), text)]);
        let compiled = compile(&config, &files);
        assert_eq!(compiled.errors, 0, "{:#?}", compiled.findings);
        compiled.program
    }

    const TWO: &str =
        "    approve \"Wipe?\" about device, by team.soc, needs 2\n    intune.wipe(device)";
    const ONE: &str = "    approve \"Wipe?\" about device, by team.soc\n    intune.wipe(device)";
    const NONE: &str =
        "    without approval because \"it is ours\" {\n      intune.wipe(device)\n    }";

    #[test]
    fn the_same_and_the_stricter_need_no_second_person() {
        assert_eq!(reasons(&program(TWO), &program(TWO)), []);
        assert_eq!(reasons(&program(ONE), &program(TWO)), []);
        assert_eq!(reasons(&program(NONE), &program(TWO)), []);
    }

    #[test]
    fn fewer_people_and_nobody_are_named() {
        let fewer = reasons(&program(TWO), &program(ONE));
        assert_eq!(fewer.len(), 1);
        assert_eq!(
            fewer[0].text,
            "`intune.wipe` in `lost` needed the approval of 2 people and would need one person"
        );
        let none = reasons(&program(TWO), &program(NONE));
        let kinds: Vec<&str> = none.iter().map(|r| r.kind.as_str()).collect();
        assert_eq!(kinds, ["looser_guard", "without_approval"], "{none:?}");
    }

    #[test]
    fn a_new_playbook_that_acts_without_approval_is_looked_at() {
        let kinds: Vec<String> = reasons(&Program::default(), &program(NONE))
            .into_iter()
            .map(|r| r.kind)
            .collect();
        assert_eq!(kinds, ["without_approval"]);
    }

    #[test]
    fn a_guard_that_lets_more_through_is_looked_at() {
        let with = |lines: &str| {
            let text = format!(
                "use microsoft.(intune, entra)\n\nplaybook lost \"Lost\" {{\n  when manual(device: Device)\n  then {{\n{TWO}\n  }}\n}}\n\nguard \"g\" {{\n{lines}\n}}\n"
            );
            let config = ConfigFile {
                name: "counterplay.toml".into(),
                text: CONFIG.into(),
            };
            let files = Files::from([("playbooks/lost.play".to_owned(), text)]);
            let compiled = compile(&config, &files);
            assert_eq!(compiled.errors, 0, "{:#?}", compiled.findings);
            compiled.program
        };
        let five = with("  limit entra.disable to 5 per 1h");
        let four = with("  limit entra.disable to 4 per 2h");
        let boss = with("  protect u: User where u.id == \"boss\"");
        assert_eq!(reasons(&five, &five), []);
        assert_eq!(reasons(&five, &four), [], "stricter");
        assert_eq!(reasons(&four, &five)[0].kind, "looser_guard");
        assert_eq!(reasons(&boss, &boss), []);
        assert_eq!(reasons(&boss, &five)[0].kind, "looser_guard");
        assert_eq!(reasons(&program(TWO), &boss), [], "a new guard");
    }

    #[test]
    fn a_lower_impact_is_looked_at() {
        let before = program(TWO);
        let mut after = (*before).clone();
        let wipe = after.callables.get_mut("intune.wipe");
        let wipe = wipe.expect("intune.wipe is declared");
        wipe.impact = Some(counterplay_machine::declare::Impact::Notify);
        let found = reasons(&before, &after);
        assert_eq!(found[0].kind, "lower_impact");
    }
}
