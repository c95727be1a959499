//! A call that was intended and has waited to be sent since in; whether what opened it is over, and its step looked at
//! once more, out. A pause, an end of the process or another call on the same entity can make it wait for longer than an
//! approval holds.

use super::Stepper;
use super::perform::reaches;
use crate::declare::Impact;
use crate::playbook::{NodeKind, Playbook};
use crate::state::{Run, Waiting};
use crate::value::Value;
use petgraph::graph::NodeIndex;

/// Whether an approval that opened a call is over at a time, in milliseconds since the Unix epoch.
pub fn is_over(playbook: &Playbook, run: &Run, id: &str, args: &[Value], now_ms: i64) -> bool {
    let mut threads = run.threads.values();
    let Some(thread) = threads.find(|t| matches!(&t.waiting, Waiting::Call { id: i } if i == id))
    else {
        return false;
    };
    let node = playbook
        .graph
        .node_weight(NodeIndex::new(thread.node as usize));
    let Some(NodeKind::Perform(perform)) = node.map(|n| &n.kind) else {
        return false;
    };
    if perform.accepted.is_some() || perform.impact < Impact::Disruptive {
        return false;
    }
    let opened = |grant: &&crate::state::Grant| {
        perform.gates.contains(&grant.node) && reaches(&grant.path, &thread.path)
    };
    let grants: Vec<_> = run.grants.iter().filter(opened).collect();
    let entities = Stepper::entities(perform, args);
    !entities.iter().all(|entity| {
        let mut own = grants
            .iter()
            .filter(|g| g.about.contains(entity))
            .peekable();
        own.peek().is_none() || own.any(|grant| grant.until_ms >= now_ms)
    })
}

impl Stepper<'_, '_> {
    /// The step is gone through again, as a call of its own: what has to be asked anew is asked.
    pub(super) fn unsent(&mut self, id: &str) {
        let thread = self.waiting_for(id);
        if let Some(t) = thread.and_then(|thread| self.run.threads.get_mut(&thread)) {
            t.tries += 1;
            t.waiting = Waiting::Ready;
        }
    }
}
