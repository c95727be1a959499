//! A machine in, everything that a run waits for out, with its limit and what happens then.

use super::Step;
use counterplay_machine::Value;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{
    Approve, Edge, Node, NodeKind, Playbook, Trigger, TriggerKind,
};
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
    /// Why too few may be left to approve; absent where enough are left, whoever of them starts the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_few: Option<String>,
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
pub fn waits(playbook: &Playbook, deployment: &Deployment) -> Vec<Wait> {
    let of = |node: NodeIndex| {
        let weight = playbook.graph.node_weight(node)?;
        let wait = wait(playbook, node, weight)?;
        let too_few = match &weight.kind {
            NodeKind::Approve(approve) => too_few(playbook, deployment, approve),
            _ => None,
        };
        Some(Wait { too_few, ..wait })
    };
    playbook.graph.node_indices().filter_map(of).collect()
}

/// Whether a team is too small to approve when one of them has started the run, and may not. Who a single person is,
/// and whom an approval is about, is known only when the run comes there.
fn too_few(playbook: &Playbook, deployment: &Deployment, approve: &Approve) -> Option<String> {
    let by_hand = |trigger: &Trigger| matches!(trigger.kind, TriggerKind::Manual(_));
    let Expr::Team(name) = &approve.by else {
        return None;
    };
    let people = deployment.teams.get(&**name)?.people();
    if !playbook.triggers.iter().any(by_hand) || people > approve.needs as usize {
        return None;
    }
    let members = match people {
        1 => "1 member".to_owned(),
        people => format!("{people} members"),
    };
    let have = match approve.needs {
        1 => "1 has to approve".to_owned(),
        needs => format!("{needs} have to approve"),
    };
    Some(format!(
        "team.{name} has {members} and {have}; whoever starts the run may not: when that is one of them, the step fails"
    ))
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
        too_few: None,
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
            wait.then = "goes on as unanswered".into();
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
            wait.within_ms = Some(counterplay_machine::step::WAIT_MAX_MS);
        }
        _ => return None,
    }
    Some(wait)
}
