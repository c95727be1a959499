//! Programs built by hand, as the compiler would make them.
//!
//! `respond` answers an alert: tell, block (idempotent), open a ticket (not idempotent), wait four
//! hours, ask whether it is fixed, ask people, wipe (destructive, covered by the approval).

use counterplay_machine::declare::{
    Callable, Event, EventField, FetchedField, Fires, Impact, Param, Request, Source,
};
use counterplay_machine::deployment::Mode;
use counterplay_machine::expr::{CompareOp, Expr, Slot};
use counterplay_machine::playbook::{
    Approve, Condition, Edge, EndKind, Graph, Node, NodeKind, Origin, Perform, Playbook, Repeats,
    SlotInfo, StageKind, Tenants, Trigger, TriggerKind,
};
use counterplay_machine::program::FORMAT;
use counterplay_machine::types::{RecordType, Type};
use counterplay_machine::{Program, Value};
use std::sync::Arc;

pub const EVENT: Slot = Slot(0);
pub const FIXED: Slot = Slot(1);
pub const APPROVAL: Slot = Slot(2);
pub const PERSON: Slot = Slot(3);

pub fn user_type() -> Type {
    Type::Record(Arc::from("User"))
}

/// Declarations and no playbook.
pub fn declarations() -> Program {
    let mut program = Program {
        format: FORMAT,
        ..Program::default()
    };
    program.types.records.insert(
        Arc::from("User"),
        RecordType {
            fields: vec![
                (Arc::from("id"), Type::Text),
                (Arc::from("name"), Type::Text),
                (Arc::from("enabled"), Type::Bool),
            ],
        },
    );
    for (name, impact, idempotent) in [
        ("do.tell", Some(Impact::Notify), false),
        ("do.block", Some(Impact::Reversible), true),
        ("do.ticket", Some(Impact::Reversible), false),
        ("do.wipe", Some(Impact::Destructive), false),
        ("ask.owner", None, true),
        ("ask.fixed", None, true),
        ("ask.stale", None, true),
        ("ask.user", None, true),
    ] {
        program
            .callables
            .insert(Arc::from(name), callable(name, impact, idempotent));
    }
    program.events.insert(Arc::from("test.alert"), alert());
    program
}

fn callable(name: &str, impact: Option<Impact>, idempotent: bool) -> Callable {
    Callable {
        name: Arc::from(name),
        impact,
        idempotent,
        params: vec![Param {
            name: Arc::from("who"),
            ty: user_type(),
            slot: Slot(0),
            acted_on: impact.is_some(),
        }],
        permissions: Vec::new(),
        request: Request::Mail {
            connection: Arc::from(if name == "do.ticket" { "desk" } else { "mail" }),
            to: text(""),
            subject: text(""),
            body: text(""),
        },
        expect: Vec::new(),
        on_status: Vec::new(),
        body: Slot(9),
        returns: None,
        returns_ty: if name == "do.ticket" {
            Type::Text
        } else {
            Type::Nothing
        },
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: Arc::from(""),
    }
}

pub fn alert() -> Event {
    let raw = |name: &str, ty: Type| Expr::Convert(Box::new(Expr::Slot(Slot(0)).field(name)), ty);
    let field = |name: &str, ty: Type, slot: u32| EventField {
        name: Arc::from(name),
        value: raw(name, ty.clone()),
        ty,
        slot: Slot(slot),
    };
    Event {
        name: Arc::from("test.alert"),
        source: Source::Push,
        known_by: vec![Arc::from("level"), Arc::from("user")],
        fires: Fires::Always,
        raw: Slot(0),
        fields: vec![field("level", Type::Int, 1), field("user", Type::Text, 2)],
        fetched: vec![FetchedField {
            name: Arc::from("owner"),
            ty: user_type(),
            slot: Slot(3),
            query: Arc::from("ask.owner"),
            args: vec![Expr::Slot(Slot(2))],
        }],
        permissions: Vec::new(),
        doc: Arc::from(""),
    }
}

pub fn text(text: &str) -> Expr {
    Expr::Const(Value::text(text))
}

pub fn owner() -> Expr {
    Expr::Slot(EVENT).field("owner")
}

pub fn condition(expr: Expr, needs_fetched: bool, text: &str) -> Condition {
    Condition {
        expr,
        needs_fetched,
        text: Arc::from(text),
    }
}

pub fn trigger(kind: TriggerKind) -> Trigger {
    Trigger {
        kind,
        for_each: None,
    }
}

fn node(kind: NodeKind, label: &str) -> Node {
    Node {
        kind,
        label: Arc::from(label),
        origin: Origin::default(),
    }
}

fn perform(action: &str, who: Expr, impact: Impact, gates: Vec<u32>) -> NodeKind {
    NodeKind::Perform(Perform {
        action: Arc::from(action),
        args: vec![who],
        slot: None,
        impact,
        acts_on: vec![0],
        attempt: false,
        failure_slot: None,
        accepted: None,
        gates,
        skip_if_failed: Vec::new(),
        undoes: Vec::new(),
        undoes_to: Vec::new(),
    })
}

fn end(outcome: EndKind) -> NodeKind {
    NodeKind::End { outcome, why: None }
}

/// A playbook without triggers or conditions.
pub fn playbook(id: &str, graph: Graph) -> Playbook {
    Playbook {
        id: Arc::from(id),
        title: Arc::from(id),
        doc: Arc::from(""),
        mode: Mode::Active,
        tenants: Tenants::All,
        tags: Vec::new(),
        triggers: Vec::new(),
        event_slot: Some(EVENT),
        conditions: Vec::new(),
        repeats: None,
        checking_every_ms: None,
        slots: ["alert", "fixed", "approval", "person"]
            .map(|name| SlotInfo {
                name: Arc::from(name),
                ty: Type::Unknown,
            })
            .into(),
        start: 0.into(),
        graph,
        on_failure: None,
        failure_slot: None,
        reads_steps: false,
        undone: Vec::new(),
        hash: format!("hash of {id}"),
    }
}

/// The whole response, about whoever `who` is.
pub fn respond_graph(who: &Expr) -> Graph {
    let mut graph = Graph::new();
    let steps = [
        node(NodeKind::Start, "start"),
        node(
            NodeKind::Stage {
                stage: StageKind::Then(1),
            },
            "then",
        ),
        node(
            perform("do.tell", who.clone(), Impact::Notify, vec![]),
            "tell",
        ),
        node(
            perform("do.block", who.clone(), Impact::Reversible, vec![]),
            "block",
        ),
        node(
            perform("do.ticket", who.clone(), Impact::Reversible, vec![]),
            "ticket",
        ),
        node(
            NodeKind::Wait {
                duration: Expr::Const(Value::Duration(4 * super::HOUR)),
            },
            "wait 4h",
        ),
        node(
            NodeKind::Query {
                query: Arc::from("ask.fixed"),
                args: vec![who.clone()],
                slot: FIXED,
                hold_on_failure: true,
                failure_slot: None,
            },
            "resolved when",
        ),
        node(
            NodeKind::Branch {
                condition: Expr::Slot(FIXED),
            },
            "fixed",
        ),
        node(
            NodeKind::Approve(Approve {
                question: text("Wipe it?"),
                about: vec![who.clone()],
                by: Expr::Team(Arc::from("soc")),
                needs: 1,
                within_ms: 8 * super::HOUR,
                valid_ms: super::HOUR,
                default_approve: false,
                slot: APPROVAL,
                covers: vec![9],
            }),
            "approve",
        ),
        node(
            perform("do.wipe", who.clone(), Impact::Destructive, vec![8]),
            "wipe",
        ),
        node(end(EndKind::Completed), "end"),
        node(end(EndKind::Resolved), "resolved"),
    ];
    for step in steps {
        graph.add_node(step);
    }
    for (from, to, edge) in [
        (0, 1, Edge::Done),
        (1, 2, Edge::Done),
        (2, 3, Edge::Done),
        (3, 4, Edge::Done),
        (4, 5, Edge::Done),
        (5, 6, Edge::Done),
        (6, 7, Edge::Done),
        (7, 11, Edge::True),
        (7, 8, Edge::False),
        (8, 9, Edge::Approved),
        (9, 10, Edge::Done),
    ] {
        graph.add_edge(from.into(), to.into(), edge);
    }
    graph
}

/// One action and the end.
pub fn short_graph(action: &str, who: &Expr) -> Graph {
    let mut graph = Graph::new();
    graph.add_node(node(NodeKind::Start, "start"));
    graph.add_node(node(
        perform(action, who.clone(), Impact::Reversible, vec![]),
        action,
    ));
    graph.add_node(node(end(EndKind::Completed), "end"));
    graph.add_edge(0.into(), 1.into(), Edge::Done);
    graph.add_edge(1.into(), 2.into(), Edge::Done);
    graph
}

/// `respond`, started by alerts of level 3 and more whose owner is enabled; repeats are ignored for a day.
pub fn respond() -> Program {
    let mut program = declarations();
    let mut respond = playbook("respond", respond_graph(&owner()));
    respond.triggers = vec![trigger(TriggerKind::Event(Arc::from("test.alert")))];
    respond.conditions = vec![
        condition(
            Expr::Compare(
                CompareOp::Ge,
                Box::new(Expr::Slot(EVENT).field("level")),
                Box::new(Expr::Const(Value::Int(3))),
            ),
            false,
            "alert.level >= 3",
        ),
        condition(owner().field("enabled"), true, "alert.owner.enabled"),
    ];
    respond.repeats = Some(Repeats {
        key: owner(),
        for_ms: Some(24 * super::HOUR),
    });
    program.playbooks.insert(respond.id.clone(), respond);
    program
}
