//! What is to be taken back in, a playbook of its own that does it out: asks for leave once, then for each action reads
//! how it is now, asks people where that is not as the run left it, and takes it back.

use super::AS_LEFT;
use super::plan::{Plan, Restore};
use counterplay_machine::declare::{Callable, Impact, Param, Request};
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::DAY_MS;
use counterplay_machine::expr::{CompareOp, Expr, Slot};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::{
    Approve, Edge, EndKind, Graph, Node, NodeKind, Origin, Perform, Playbook, SlotInfo, StageKind,
    Tenants,
};
use counterplay_machine::types::Type;
use counterplay_machine::{Program, Value, hash};
use petgraph::graph::NodeIndex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The id of the playbook of every run that undoes another one: a word that no playbook of a project can have.
pub const PLAYBOOK: &str = "undo";
/// The question to the engine whether an action may be taken back without asking people again.
pub const JUDGE: &str = "undo.judge";

/// For how long people are asked.
const WITHIN_MS: i64 = DAY_MS;
/// For how long an approval holds: longer than asking once more for each action may take.
const VALID_MS: i64 = 7 * DAY_MS;

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The team.
    pub team: String,
    /// How many of them have to agree.
    pub needs: u32,
    /// Whether they are asked before anything is done, and not only where something is in doubt.
    pub first: bool,
}

/// A program that undoes a run.
#[derive(Clone, Debug)]
pub struct Built {
    /// With one playbook, [`PLAYBOOK`].
    pub program: Program,
    /// The steps that take something back, each with the action's number in the store.
    pub steps: Vec<(u32, i64)>,
}

/// The team that approved something in a run last.
pub fn team_of(program: &Program, playbook: &str, journal: &[Entry]) -> Option<String> {
    let playbook = program.playbooks.get(playbook)?;
    journal.iter().rev().find_map(|entry| {
        let What::ApprovalDecided { decision } = &entry.what else {
            return None;
        };
        let node = NodeIndex::new(entry.node? as usize);
        match &playbook.graph.node_weight(node)?.kind {
            NodeKind::Approve(Approve {
                by: Expr::Team(team),
                ..
            }) if decision == "approved" => Some(team.to_string()),
            _ => None,
        }
    })
}

/// Makes the program; `of` is the program of the run that is undone.
pub fn build(of: &Program, (run, title): (&str, &str), plan: &Plan, asked: &Asked) -> Built {
    let mut weaver = Weaver::new(asked);
    let start = weaver.add(NodeKind::Start, "start");
    weaver.last = Some((start, Edge::Done));
    weaver.next(
        NodeKind::Stage {
            stage: StageKind::Then(1),
        },
        "then",
    );
    let gate = asked.first.then(|| {
        let question = format!(
            "Undo what run {run} (“{title}”) did: {}?",
            match plan.steps.len() {
                1 => "1 action".to_owned(),
                n => format!("{n} actions"),
            }
        );
        let about = plan.steps.iter().flat_map(|s| acted_on(of, s));
        let gate = weaver.gate(Expr::Const(Value::text(question)), about.collect());
        weaver.last = Some((gate, Edge::Approved));
        gate
    });
    let mut steps = Vec::new();
    for step in &plan.steps {
        let node = weaver.restore(of, step, gate);
        steps.push((node.index() as u32, step.deed));
    }
    weaver.next(
        NodeKind::End {
            outcome: EndKind::Completed,
            why: None,
        },
        "end",
    );
    let mut playbook = Playbook {
        id: Arc::from(PLAYBOOK),
        title: Arc::from(format!("Undo of “{title}”")),
        doc: Arc::from(format!("Takes back what run {run} did.")),
        mode: Mode::Active,
        tenants: Tenants::All,
        tags: Vec::new(),
        triggers: Vec::new(),
        event_slot: None,
        conditions: Vec::new(),
        repeats: None,
        checking_every_ms: None,
        slots: weaver.slots,
        graph: weaver.graph,
        start,
        on_failure: None,
        failure_slot: None,
        reads_steps: false,
        undone: Vec::new(),
        hash: String::new(),
    };
    let mut callables = of.callables.clone();
    callables.insert(Arc::from(JUDGE), judge());
    let mut program = Program {
        format: of.format,
        types: of.types.clone(),
        connections: of.connections.clone(),
        callables,
        events: BTreeMap::new(),
        parameters: of.parameters.clone(),
        guards: Vec::new(),
        playbooks: BTreeMap::new(),
    };
    // Only what it calls is kept with it.
    let used: BTreeSet<Arc<str>> = hash::used(&program, &playbook);
    program.callables.retain(|name, _| used.contains(name));
    playbook.hash = hash::of(&program, &playbook);
    program.playbooks.insert(playbook.id.clone(), playbook);
    Built { program, steps }
}

/// The entities that taking something back acts on.
fn acted_on(program: &Program, step: &Restore) -> Vec<Expr> {
    let Some(callable) = program.callables.get(&step.undo) else {
        return Vec::new();
    };
    let args = callable.params.iter().zip(&step.args);
    args.filter(|(param, _)| param.acted_on)
        .map(|(_, value)| Expr::Const(value.clone()))
        .collect()
}

/// The declaration of [`JUDGE`]: the engine answers it from what it has kept.
fn judge() -> Callable {
    let param = |name: &str, ty: Type, slot: u32| Param {
        name: Arc::from(name),
        ty,
        slot: Slot(slot),
        acted_on: false,
    };
    Callable {
        name: Arc::from(JUDGE),
        impact: None,
        idempotent: true,
        params: vec![
            param("action", Type::Text, 0),
            param("number", Type::Int, 1),
            param("now", Type::Unknown, 2),
        ],
        permissions: Vec::new(),
        request: Request::Mail {
            connection: Arc::from(""),
            to: Expr::Const(Value::Absent),
            subject: Expr::Const(Value::Absent),
            body: Expr::Const(Value::Absent),
        },
        expect: Vec::new(),
        on_status: Vec::new(),
        body: Slot(3),
        returns: None,
        returns_ty: Type::Text,
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: Arc::from("Whether it is still as the run left it, and no other run needs it."),
    }
}

/// A graph while it is made.
struct Weaver<'a> {
    graph: Graph,
    slots: Vec<SlotInfo>,
    asked: &'a Asked,
    /// Where what comes next is joined to.
    last: Option<(NodeIndex, Edge)>,
    /// More of such places.
    also: Vec<(NodeIndex, Edge)>,
}

impl<'a> Weaver<'a> {
    fn new(asked: &'a Asked) -> Weaver<'a> {
        Weaver {
            graph: Graph::new(),
            slots: Vec::new(),
            asked,
            last: None,
            also: Vec::new(),
        }
    }

    fn slot(&mut self, name: &str, ty: Type) -> Slot {
        let slot = Slot(self.slots.len() as u32);
        self.slots.push(SlotInfo {
            name: Arc::from(name),
            ty,
        });
        slot
    }

    fn add(&mut self, kind: NodeKind, label: &str) -> NodeIndex {
        self.graph.add_node(Node {
            kind,
            label: Arc::from(label),
            origin: Origin::default(),
        })
    }

    /// Adds a node behind everything that is open.
    fn next(&mut self, kind: NodeKind, label: &str) -> NodeIndex {
        let node = self.add(kind, label);
        for (from, edge) in self.also.drain(..).chain(self.last.take()) {
            self.graph.add_edge(from, node, edge);
        }
        self.last = Some((node, Edge::Done));
        node
    }

    /// Adds a question to the team; what it opens is told later.
    fn gate(&mut self, question: Expr, about: Vec<Expr>) -> NodeIndex {
        let slot = self.slot("approval", Type::Unknown);
        let mut distinct = Vec::new();
        for one in about {
            if !distinct.contains(&one) {
                distinct.push(one);
            }
        }
        let approve = Approve {
            question,
            about: distinct,
            by: Expr::Team(Arc::from(self.asked.team.as_str())),
            needs: self.asked.needs,
            within_ms: WITHIN_MS,
            valid_ms: VALID_MS,
            default_approve: false,
            slot,
            covers: Vec::new(),
        };
        self.next(NodeKind::Approve(approve), "may it be undone?")
    }

    fn covers(&mut self, gate: NodeIndex, step: NodeIndex) {
        if let Some(Node {
            kind: NodeKind::Approve(approve),
            ..
        }) = self.graph.node_weight_mut(gate)
        {
            approve.covers.push(step.index() as u32);
        }
    }

    /// Adds what takes one action back.
    fn restore(&mut self, of: &Program, step: &Restore, gate: Option<NodeIndex>) -> NodeIndex {
        let call = &step.call;
        let doubt = self.slot("doubt", Type::Text);
        let mut ask = vec![
            Expr::Const(Value::text(call)),
            Expr::Const(Value::Int(step.deed)),
        ];
        let mut unread = None;
        if let Some((query, args)) = &step.state {
            let ty = of
                .callables
                .get(query)
                .map_or(Type::Unknown, |c| c.returns_ty.clone());
            let now = self.slot("now", ty);
            let read = self.next(
                NodeKind::Query {
                    query: query.clone(),
                    args: args.iter().cloned().map(Expr::Const).collect(),
                    slot: now,
                    hold_on_failure: false,
                    failure_slot: None,
                },
                &format!("how is it now, after {call}?"),
            );
            ask.push(Expr::Slot(now));
            unread = Some(read);
        }
        self.next(
            NodeKind::Query {
                query: Arc::from(JUDGE),
                args: ask,
                slot: doubt,
                hold_on_failure: true,
                failure_slot: None,
            },
            &format!("may {call} be taken back?"),
        );
        let clear = self.next(
            NodeKind::Branch {
                condition: Expr::Compare(
                    CompareOp::Eq,
                    Box::new(Expr::Slot(doubt)),
                    Box::new(Expr::Const(Value::text(AS_LEFT))),
                ),
            },
            &format!("it is {AS_LEFT}"),
        );
        // How it is could not be read: that is a doubt, too.
        self.last = None;
        if let Some(read) = unread {
            self.last = Some((read, Edge::Failed));
            self.next(
                NodeKind::Bind {
                    slot: doubt,
                    value: Expr::Const(Value::text("how it is now could not be read")),
                },
                "it is not known",
            );
        }
        self.also.push((clear, Edge::False));
        let question = Expr::Text(vec![
            Expr::Const(Value::text(format!(
                "Take back {call} with {} all the same? In doubt because ",
                step.undo_call
            ))),
            Expr::Slot(doubt),
        ]);
        let again = self.gate(question, acted_on(of, step));
        // Whether the answer is no or none comes: it stays as it is, and what is left goes on.
        let rejected = self.left_alone(again, Edge::Rejected, "it stays as it is");
        let unanswered = self.left_alone(again, Edge::Unanswered, "nobody has answered");
        self.last = Some((again, Edge::Approved));
        self.also.push((clear, Edge::True));
        let acts_on = of.callables.get(&step.undo).map_or_else(Vec::new, |c| {
            let params = c.params.iter().enumerate();
            params
                .filter(|(_, p)| p.acted_on)
                .map(|(i, _)| i as u32)
                .collect()
        });
        let gates: Vec<u32> = gate
            .iter()
            .chain([&again])
            .map(|g| g.index() as u32)
            .collect();
        let done = self.next(
            NodeKind::Perform(Perform {
                action: step.undo.clone(),
                args: step.args.iter().cloned().map(Expr::Const).collect(),
                slot: None,
                impact: step.impact,
                acts_on,
                attempt: true,
                failure_slot: None,
                accepted: None,
                gates: match step.impact {
                    Impact::Notify | Impact::Reversible => Vec::new(),
                    // Nobody is asked for leave: that is what the project says.
                    Impact::Disruptive if gate.is_none() => Vec::new(),
                    _ => gates,
                },
                skip_if_failed: Vec::new(),
                undoes: Vec::new(),
                undoes_to: Vec::new(),
            }),
            &step.undo_call,
        );
        self.covers(again, done);
        if let Some(gate) = gate {
            self.covers(gate, done);
        }
        self.also
            .extend([(done, Edge::Failed), rejected, unanswered]);
        done
    }

    /// A way out of a question that does nothing.
    fn left_alone(&mut self, gate: NodeIndex, edge: Edge, why: &str) -> (NodeIndex, Edge) {
        let slot = self.slot("left", Type::Bool);
        let node = self.add(
            NodeKind::Bind {
                slot,
                value: Expr::Const(Value::Bool(true)),
            },
            why,
        );
        self.graph.add_edge(gate, node, edge);
        (node, Edge::Done)
    }
}
