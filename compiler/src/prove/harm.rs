//! A machine in, its disruptive and destructive steps and what holds each back out.

use super::Step;
use super::shape::joins;
use crate::lower::Facts;
use crate::verify::{reach, told};
use counterplay_machine::declare::Impact;
use counterplay_machine::playbook::{NodeKind, Playbook};
use petgraph::graph::NodeIndex;
use serde::Serialize;
use std::sync::Arc;

/// A step that does harm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Harm {
    /// The step.
    pub step: Step,
    /// The action.
    pub action: Arc<str>,
    /// How much harm.
    pub impact: Impact,
    /// What holds it back.
    pub held: Held,
    /// A way to it, as a reader follows it.
    pub way: String,
}

/// What holds a step back.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// On every way people approve it first, at one of these gates.
    Approved(Vec<Step>),
    /// Nobody is asked; why is on the record.
    Accepted(Arc<str>),
    /// Nobody is asked, and nothing says why.
    Open,
}

/// The steps that do harm, in the order of the machine.
pub fn harm(playbook: &Playbook) -> Vec<Harm> {
    let facts = Facts {
        joins: joins(playbook),
        ..Facts::default()
    };
    let mut starts = vec![playbook.start];
    starts.extend(playbook.on_failure);
    let all = reach(&playbook.graph, &facts, &starts, &|_, _| true);
    let of = |node: &NodeIndex| {
        let weight = playbook.graph.node_weight(*node)?;
        let NodeKind::Perform(perform) = &weight.kind else {
            return None;
        };
        if perform.impact < Impact::Disruptive {
            return None;
        }
        let held = match &perform.accepted {
            Some(because) => Held::Accepted(because.clone()),
            None if perform.gates.is_empty() => Held::Open,
            None => Held::Approved(
                perform
                    .gates
                    .iter()
                    .filter_map(|gate| Step::at(playbook, NodeIndex::new(*gate as usize)))
                    .collect(),
            ),
        };
        Some(Harm {
            step: Step::of(weight),
            action: perform.action.clone(),
            impact: perform.impact,
            held,
            way: told(&playbook.graph, &all.way(*node)),
        })
    };
    all.nodes.iter().filter_map(of).collect()
}
