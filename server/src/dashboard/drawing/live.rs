//! A playbook, a run's journal and its state in; how far each step of the drawing has got out.

use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use counterplay_machine::state::{Outcome, Run};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, BTreeSet};

/// How far a step has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It is done.
    Done,
    /// The run stands here.
    Current,
    /// It failed.
    Failed,
    /// It was passed over.
    Skipped,
    /// It may still come.
    Ahead,
    /// The run went another way.
    NotTaken,
}

impl NodeState {
    /// The class of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            NodeState::Done => "is-done",
            NodeState::Current => "is-current",
            NodeState::Failed => "is-failed",
            NodeState::Skipped => "is-skipped",
            NodeState::Ahead => "is-ahead",
            NodeState::NotTaken => "not-taken",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            NodeState::Done => "done",
            NodeState::Current => "the run is here",
            NodeState::Failed => "failed",
            NodeState::Skipped => "skipped",
            NodeState::Ahead => "not yet",
            NodeState::NotTaken => "not taken",
        }
    }
}

/// The state of a drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// By step.
    pub nodes: BTreeMap<u32, NodeState>,
    /// The connections that the run went along.
    pub taken: BTreeSet<(u32, u32)>,
}

/// Follows a run through its playbook. `run` is its present state; without one the journal is taken as complete.
pub fn live(playbook: &Playbook, journal: &[Entry], run: Option<&Run>) -> Live {
    let seen = Seen::of(journal);
    let current: BTreeSet<u32> = match run {
        Some(run) if run.outcome.is_none() => run.threads.values().map(|t| t.node).collect(),
        _ => BTreeSet::new(),
    };
    let mut live = Live::default();
    let mut walk = vec![playbook.start];
    if seen.failing {
        walk.extend(playbook.on_failure);
    }
    let mut reached = BTreeSet::new();
    while let Some(at) = walk.pop() {
        if !reached.insert(at) {
            continue;
        }
        let index = at.index() as u32;
        for edge in playbook.graph.edges_directed(at, Direction::Outgoing) {
            if seen.took(playbook, at, edge.weight(), edge.target(), &current) {
                live.taken.insert((index, edge.target().index() as u32));
                walk.push(edge.target());
            }
        }
    }
    let ahead = ahead(playbook, &current, run.is_some_and(|r| r.outcome.is_none()));
    for at in playbook.graph.node_indices() {
        let index = at.index() as u32;
        let state = if current.contains(&index) {
            NodeState::Current
        } else if seen.failed.contains(&index) {
            NodeState::Failed
        } else if seen.skipped.contains(&index) {
            NodeState::Skipped
        } else if reached.contains(&at) {
            NodeState::Done
        } else if ahead.contains(&at) {
            NodeState::Ahead
        } else {
            NodeState::NotTaken
        };
        live.nodes.insert(index, state);
    }
    // A cancelled or failed run stops somewhere; what it reached last was not done.
    if let Some(Outcome::Failed(_)) = run.and_then(|r| r.outcome.as_ref())
        && let Some(last) = seen.failing_at
    {
        live.nodes.insert(last, NodeState::Failed);
    }
    live
}

/// The steps that an open run may still come to.
fn ahead(playbook: &Playbook, current: &BTreeSet<u32>, open: bool) -> BTreeSet<NodeIndex> {
    let mut out = BTreeSet::new();
    if !open {
        return out;
    }
    let mut walk: Vec<NodeIndex> = current
        .iter()
        .map(|n| NodeIndex::new(*n as usize))
        .collect();
    while let Some(at) = walk.pop() {
        if playbook.graph.node_weight(at).is_some() && out.insert(at) {
            walk.extend(playbook.graph.neighbors(at));
        }
    }
    out
}

/// What the journal says of steps.
#[derive(Default)]
struct Seen {
    any: BTreeSet<u32>,
    ways: BTreeMap<u32, BTreeSet<String>>,
    done: BTreeSet<u32>,
    failed: BTreeSet<u32>,
    skipped: BTreeSet<u32>,
    handled: BTreeSet<u32>,
    decisions: BTreeMap<u32, BTreeSet<String>>,
    forked: BTreeSet<u32>,
    failing: bool,
    failing_at: Option<u32>,
}

impl Seen {
    fn of(journal: &[Entry]) -> Seen {
        let mut seen = Seen::default();
        for entry in journal {
            if matches!(entry.what, What::Failing { .. }) {
                seen.failing = true;
                seen.failing_at = entry.node;
            }
            let Some(node) = entry.node else { continue };
            seen.any.insert(node);
            match &entry.what {
                What::Chose { way, .. } => {
                    seen.ways.entry(node).or_default().insert(way.clone());
                }
                What::Answered { .. } | What::Performed { .. } => {
                    seen.done.insert(node);
                    seen.failed.remove(&node);
                }
                What::QueryFailed { .. } | What::Failing { .. } => {
                    seen.failed.insert(node);
                }
                What::ActionFailed { handled, .. } => {
                    seen.failed.insert(node);
                    if *handled {
                        seen.handled.insert(node);
                    }
                }
                What::StepFailed { .. } => {
                    seen.failed.insert(node);
                    seen.handled.insert(node);
                }
                What::Skipped { .. } => {
                    seen.skipped.insert(node);
                }
                What::ApprovalDecided { decision } => {
                    seen.decisions
                        .entry(node)
                        .or_default()
                        .insert(decision.clone());
                }
                What::Forked { count, .. } if *count > 0 => {
                    seen.forked.insert(node);
                }
                _ => {}
            }
        }
        seen
    }

    /// Whether a step, or one that records nothing itself and leads to one, has left a trace.
    fn trace(&self, playbook: &Playbook, node: NodeIndex, current: &BTreeSet<u32>) -> bool {
        let mut walk = vec![node];
        let mut met = BTreeSet::new();
        while let Some(at) = walk.pop() {
            let index = at.index() as u32;
            if self.any.contains(&index) || current.contains(&index) {
                return true;
            }
            let silent = playbook.graph.node_weight(at).is_some_and(|n| {
                matches!(
                    n.kind,
                    NodeKind::Start | NodeKind::Bind { .. } | NodeKind::Fork | NodeKind::JoinEnd
                )
            });
            if silent && met.insert(at) {
                walk.extend(playbook.graph.neighbors(at));
            }
        }
        false
    }

    fn took(
        &self,
        playbook: &Playbook,
        at: NodeIndex,
        edge: &Edge,
        to: NodeIndex,
        current: &BTreeSet<u32>,
    ) -> bool {
        let index = at.index() as u32;
        let Some(node) = playbook.graph.node_weight(at) else {
            return false;
        };
        let way = |name: &str| self.ways.get(&index).is_some_and(|w| w.contains(name));
        let decided = |name: &str| self.decisions.get(&index).is_some_and(|d| d.contains(name));
        let stands = current.contains(&index);
        match (&node.kind, edge) {
            (NodeKind::Branch { .. }, Edge::True) => {
                way("yes") || (!self.any.contains(&index) && self.trace(playbook, to, current))
            }
            (NodeKind::Branch { .. }, Edge::False) => {
                way("no") || (!self.any.contains(&index) && self.trace(playbook, to, current))
            }
            (NodeKind::Match { .. }, _) => self.trace(playbook, to, current),
            (NodeKind::Perform(_), Edge::Failed) => self.handled.contains(&index),
            (NodeKind::Query { .. }, Edge::Failed) => {
                self.failed.contains(&index) && self.trace(playbook, to, current)
            }
            (
                NodeKind::Bind { .. }
                | NodeKind::Branch { .. }
                | NodeKind::ForEach { .. }
                | NodeKind::Wait { .. }
                | NodeKind::WaitTime { .. }
                | NodeKind::Emit { .. }
                | NodeKind::Ask(_),
                Edge::Failed,
            ) => self.handled.contains(&index) || self.skipped.contains(&index),
            (NodeKind::Perform(perform), Edge::Done) => {
                self.done.contains(&index)
                    || self.skipped.contains(&index)
                    || (perform.attempt && self.failed.contains(&index))
            }
            (NodeKind::Query { .. }, Edge::Done) => self.done.contains(&index),
            (NodeKind::Approve(_), Edge::Approved) => decided("approved"),
            (NodeKind::Approve(_), Edge::Rejected) => decided("rejected"),
            (NodeKind::Approve(_), Edge::Unanswered) => decided("unanswered"),
            (NodeKind::Ask(ask), Edge::Case(arm)) => ask
                .answers
                .get(*arm as usize)
                .is_some_and(|all| all.iter().any(|a| decided(&format!("\"{a}\"")))),
            (NodeKind::Ask(_), Edge::Unanswered) => decided("unanswered"),
            (NodeKind::WaitEvent(_), _) => self.trace(playbook, to, current),
            (NodeKind::ForEach { .. }, Edge::Body) => self.forked.contains(&index),
            (NodeKind::Fork | NodeKind::ForEach { .. }, Edge::Done) => {
                !stands && self.trace(playbook, to, current)
            }
            (NodeKind::Fork, Edge::Branch(_)) => true,
            (NodeKind::End { .. }, _) => false,
            (_, Edge::Tick) | (NodeKind::WaitUntil { .. }, _) => self.trace(playbook, to, current),
            _ => !stands && !self.failed.contains(&index),
        }
    }
}
