//! A machine in, everything that a run waits for out, with its limit and what happens then.

use super::Step;
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, Node, NodeKind, Playbook};
use petgraph::graph::NodeIndex;
use serde::Serialize;

/// Something that a run waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// The step.
    pub step: Step,
    /// What is waited for.
    pub kind: Kind,
    /// The longest that it lasts, in milliseconds; absent where a value says it when the run comes there.
    pub within_ms: Option<i64>,
    /// What happens when the time is up.
    pub then: String,
    /// How many people have to approve; absent for everything but approvals.
    pub needs: Option<u32>,
    /// Whether it has a limit and every outcome leads somewhere.
    pub decided: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// People approve.
    Approval,
    /// A person answers.
    Question,
    /// A condition.
    Condition,
    /// An event.
    Event,
    /// Time passes.
    Time,
}

/// The waits of a machine, in its order.
pub fn waits(playbook: &Playbook) -> Vec<Wait> {
    let of = |node: NodeIndex| wait(playbook, node, playbook.graph.node_weight(node)?);
    playbook.graph.node_indices().filter_map(of).collect()
}

fn wait(playbook: &Playbook, at: NodeIndex, node: &Node) -> Option<Wait> {
    let has = |edge: &Edge| playbook.follow(at, edge).is_some();
    let mut wait = Wait {
        step: Step::of(node),
        kind: Kind::Time,
        within_ms: None,
        then: "goes on".into(),
        needs: None,
        decided: has(&Edge::Done),
    };
    match &node.kind {
        NodeKind::Approve(approve) => {
            wait.kind = Kind::Approval;
            wait.within_ms = Some(approve.within_ms);
            wait.needs = Some(approve.needs);
            // An answer without an edge ends the run: that is what the machine means by it.
            wait.decided = true;
            wait.then = match (approve.default_approve, has(&Edge::Unanswered)) {
                (true, _) => "silence approves, and opens no disruptive or destructive step",
                (false, true) => "goes on at `unanswered`",
                (false, false) => "ends the run as rejected",
            }
            .into();
        }
        NodeKind::Ask(ask) => {
            wait.kind = Kind::Question;
            wait.within_ms = Some(ask.within_ms);
            wait.then = "goes on at `unanswered`".into();
            wait.decided = has(&Edge::Unanswered)
                && (0..ask.answers.len() as u32).all(|i| has(&Edge::Case(i)));
        }
        NodeKind::WaitUntil { at_most_ms, .. } => {
            wait.kind = Kind::Condition;
            wait.within_ms = Some(*at_most_ms);
            wait.then = "goes on as timed out".into();
            wait.decided &= has(&Edge::Tick);
        }
        NodeKind::WaitEvent(event) => {
            wait.kind = Kind::Event;
            wait.within_ms = Some(event.at_most_ms);
            wait.then = "goes on as timed out".into();
            wait.decided &= has(&Edge::Came);
        }
        NodeKind::Wait { duration } => {
            wait.within_ms = match duration {
                Expr::Const(Value::Duration(ms)) | Expr::Param(_, Value::Duration(ms)) => Some(*ms),
                _ => None,
            };
        }
        NodeKind::WaitSinceStart { after_ms, .. } => wait.within_ms = Some(*after_ms),
        NodeKind::WaitClock { .. } => {
            wait.within_ms = Some(
                counterplay_machine::duration::DAY_MS + counterplay_machine::duration::HOUR_MS,
            );
        }
        NodeKind::WaitTime { .. } => {
            wait.within_ms = Some(400 * counterplay_machine::duration::DAY_MS);
        }
        _ => return None,
    }
    Some(wait)
}
