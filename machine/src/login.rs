//! A playbook and an open approval in, whether a person has to log in to answer it out.

use crate::declare::Impact;
use crate::playbook::{Edge, NodeKind, Playbook, TriggerKind};
use crate::program::Program;
use crate::state::OpenApproval;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::BTreeSet;

/// Whether who answers has to log in: a yes or a no would lead to a disruptive or destructive action before anybody
/// is asked again, in this playbook or in one that is told of it. Silence is nobody's answer and does not count. A
/// question (`ask`) never needs it: whoever is asked may have no account, and it opens no gate.
pub fn needs_login(program: &Program, playbook: &Playbook, open: &OpenApproval) -> bool {
    if !open.answers.is_empty() {
        return false;
    }
    let graph = &playbook.graph;
    let start = NodeIndex::new(open.node as usize);
    let mut ways = Ways {
        program,
        seen: BTreeSet::new(),
        todo: Vec::new(),
    };
    match graph.node_weight(start).map(|n| &n.kind) {
        Some(NodeKind::Approve(approve)) => {
            let covered = approve.covers.iter();
            ways.lead(playbook, covered.map(|n| NodeIndex::new(*n as usize)));
            let said = [Edge::Approved, Edge::Rejected];
            ways.lead(
                playbook,
                said.iter().filter_map(|e| playbook.follow(start, e)),
            );
        }
        // A guard asks before an action: a yes performs it, a no fails it.
        Some(NodeKind::Perform(perform)) => {
            if perform.impact >= Impact::Disruptive {
                return true;
            }
            ways.lead(playbook, graph.neighbors(start));
        }
        _ => return true,
    }
    // What a step behind the answer may end in: a failure, and the end of the branches or elements around it.
    ways.lead(playbook, playbook.on_failure);
    for around in graph.node_indices() {
        if encloses(playbook, around, start) {
            ways.lead(playbook, graph.neighbors(around));
        }
    }
    ways.reach_harm()
}

/// Whether a node lies in the branches or in the body of another one, which goes on when they have ended.
fn encloses(playbook: &Playbook, around: NodeIndex, node: NodeIndex) -> bool {
    let inner = playbook
        .graph
        .edges_directed(around, Direction::Outgoing)
        .filter(|way| matches!(way.weight(), Edge::Branch(_) | Edge::Body));
    let mut todo: Vec<NodeIndex> = inner.map(|way| way.target()).collect();
    let mut seen = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if at == node {
            return true;
        }
        if seen.insert(at) {
            todo.extend(playbook.graph.neighbors(at));
        }
    }
    false
}

/// The nodes that an answer leads to.
struct Ways<'p> {
    program: &'p Program,
    seen: BTreeSet<(&'p str, NodeIndex)>,
    todo: Vec<(&'p Playbook, NodeIndex)>,
}

impl<'p> Ways<'p> {
    fn lead(&mut self, playbook: &'p Playbook, to: impl IntoIterator<Item = NodeIndex>) {
        self.todo.extend(to.into_iter().map(|at| (playbook, at)));
    }

    fn reach_harm(mut self) -> bool {
        while let Some((playbook, at)) = self.todo.pop() {
            if !self.seen.insert((&*playbook.id, at)) {
                continue;
            }
            let kind = playbook.graph.node_weight(at).map(|n| &n.kind);
            match kind {
                Some(NodeKind::Perform(p)) if p.impact >= Impact::Disruptive => return true,
                Some(NodeKind::Emit { event, .. }) => self.tell(event),
                _ => {}
            }
            // What lies behind another approval's yes is another person's word.
            let asks = matches!(kind, Some(NodeKind::Approve(a)) if !a.default_approve);
            let ways = playbook.graph.edges_directed(at, Direction::Outgoing);
            let open = ways.filter(|way| !(asks && *way.weight() == Edge::Approved));
            self.lead(playbook, open.map(|way| way.target()));
        }
        false
    }

    /// An event is raised: it starts playbooks, and lets others go on that wait for it.
    fn tell(&mut self, event: &str) {
        for playbook in self.program.playbooks.values() {
            let is = |kind: &TriggerKind| matches!(kind, TriggerKind::Event(e) if **e == *event);
            if playbook.triggers.iter().any(|t| is(&t.kind)) {
                self.lead(playbook, [playbook.start]);
                self.lead(playbook, playbook.on_failure);
            }
            for at in playbook.graph.node_indices() {
                let kind = playbook.graph.node_weight(at).map(|n| &n.kind);
                if matches!(kind, Some(NodeKind::WaitEvent(w)) if *w.event == *event) {
                    self.lead(playbook, playbook.follow(at, &Edge::Came));
                }
            }
        }
    }
}
