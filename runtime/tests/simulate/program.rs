//! Programs built by hand, as the compiler would make them.

use counterplay_machine::declare::{
    Callable, Event, EventField, Fires, Impact, Param, PathPart, Request, Source,
};
use counterplay_machine::deployment::{Deployment, Mode, Team};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::expr::{CompareOp, Expr, Slot};
use counterplay_machine::playbook::{
    Approve, Condition, Edge, EndKind, ForEachRun, Graph, ListSource, ManualParam, Node, NodeKind,
    Origin, Perform, Playbook, Repeats, StageKind, Tenants, Trigger, TriggerKind,
};
use counterplay_machine::types::{RecordType, Type, Types};
use counterplay_machine::{Program, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;

const DEVICE: Slot = Slot(0);
const COMPLIANT: Slot = Slot(1);
const APPROVAL: Slot = Slot(2);
const DRIFT: Slot = Slot(3);

fn arc(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn device_type() -> Type {
    Type::Record(arc("intune.Device"))
}

pub fn device(id: &str, name: &str) -> Value {
    Value::record(
        "intune.Device",
        [
            ("id", Value::text(id)),
            ("name", Value::text(name)),
            ("owner_email", Value::Absent),
        ],
    )
}

pub fn tenant() -> TenantFacts {
    TenantFacts {
        name: "contoso".into(),
        id: "contoso.example".into(),
        zone: "UTC".into(),
        domains: vec![],
        ..Default::default()
    }
}

pub fn deployment() -> Deployment {
    let leads = Team {
        members: ["ana", "bo", "cy"]
            .map(|n| format!("{n}@contoso.example"))
            .into(),
        ..Team::default()
    };
    Deployment {
        teams: BTreeMap::from([("leads".to_owned(), leads)]),
        ..Deployment::default()
    }
}

fn callable(name: &str, impact: Option<Impact>, returns_ty: Type) -> Callable {
    let (param, ty) = match name {
        "intune.device" => ("id", Type::Text),
        _ => ("device", device_type()),
    };
    Callable {
        name: arc(name),
        impact,
        idempotent: true,
        params: vec![Param {
            name: arc(param),
            ty,
            slot: Slot(0),
            acted_on: impact.is_some(),
        }],
        permissions: vec![],
        request: Request::Http {
            connection: arc("graph"),
            method: arc("POST"),
            path: vec![PathPart::Literal(arc("/x"))],
            address: None,
            query: vec![],
            headers: vec![],
            json: None,
            paged: false,
        },
        expect: vec![],
        on_status: vec![],
        body: Slot(9),
        returns: None,
        returns_ty,
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: arc(""),
    }
}

pub fn program(playbook: Playbook) -> Program {
    let fields = vec![
        (arc("id"), Type::Text),
        (arc("name"), Type::Text),
        (arc("owner_email"), Type::Optional(Box::new(Type::Text))),
    ];
    let callables = [
        callable("intune.sync", Some(Impact::Reversible), Type::Nothing),
        callable("intune.wipe", Some(Impact::Destructive), Type::Nothing),
        callable("intune.is_compliant", None, Type::Bool),
        callable(
            "intune.device",
            None,
            Type::Optional(Box::new(device_type())),
        ),
    ];
    let raw = Slot(100);
    let noncompliant = Event {
        name: arc("intune.noncompliant"),
        source: Source::Push,
        known_by: vec![arc("devices")],
        fires: Fires::Always,
        raw,
        fields: vec![EventField {
            name: arc("devices"),
            ty: Type::List(Box::new(device_type())),
            slot: Slot(101),
            value: Expr::Convert(
                Box::new(Expr::Slot(raw).field("devices")),
                Type::List(Box::new(device_type())),
            ),
        }],
        fetched: vec![],
        permissions: Vec::new(),
        doc: arc(""),
    };
    Program {
        types: Types {
            records: BTreeMap::from([(arc("intune.Device"), RecordType { fields })]),
            enums: BTreeMap::new(),
        },
        callables: callables.into_iter().map(|c| (c.name.clone(), c)).collect(),
        events: BTreeMap::from([(noncompliant.name.clone(), noncompliant)]),
        playbooks: BTreeMap::from([(playbook.id.clone(), playbook)]),
        ..Program::default()
    }
}

fn node(kind: NodeKind, label: &str) -> Node {
    Node {
        kind,
        label: arc(label),
        origin: Origin::default(),
    }
}

fn perform(action: &str, impact: Impact, gates: Vec<u32>) -> NodeKind {
    NodeKind::Perform(Perform {
        action: arc(action),
        args: vec![Expr::Slot(DEVICE)],
        slot: None,
        impact,
        acts_on: vec![0],
        attempt: false,
        failure_slot: None,
        accepted: None,
        gates,
        skip_if_failed: vec![],
        undoes: Vec::new(),
        undoes_to: Vec::new(),
    })
}

fn playbook(id: &str, title: &str, trigger: Trigger, graph: Graph) -> Playbook {
    let slot = |name: &str, ty| counterplay_machine::playbook::SlotInfo {
        name: arc(name),
        ty,
    };
    Playbook {
        id: arc(id),
        title: arc(title),
        doc: arc(""),
        mode: Mode::Active,
        tenants: Tenants::All,
        tags: vec![],
        triggers: vec![trigger],
        event_slot: None,
        conditions: vec![],
        repeats: None,
        checking_every_ms: None,
        slots: vec![
            slot("device", device_type()),
            slot("compliant", Type::Bool),
            slot("approval", Type::Json),
            slot("drift", Type::Event(vec![arc("intune.noncompliant")])),
        ],
        start: 0.into(),
        graph,
        on_failure: None,
        failure_slot: None,
        reads_steps: false,
        undone: Vec::new(),
        hash: "by hand".into(),
    }
}

/// Sync; unless the device is compliant, wait 60 days, ask two leads, wipe.
pub fn lost_device() -> Playbook {
    let mut graph = Graph::new();
    let mut add = |kind, label: &str| graph.add_node(node(kind, label));
    let start = add(NodeKind::Start, "");
    let then = add(
        NodeKind::Stage {
            stage: StageKind::Then(1),
        },
        "then {",
    );
    let sync = add(
        perform("intune.sync", Impact::Reversible, vec![]),
        "intune.sync(device)",
    );
    let ask = add(
        NodeKind::Query {
            query: arc("intune.is_compliant"),
            args: vec![Expr::Slot(DEVICE)],
            slot: COMPLIANT,
            hold_on_failure: true,
            failure_slot: None,
        },
        "resolved when intune.is_compliant(device)",
    );
    let branch = add(
        NodeKind::Branch {
            condition: Expr::Slot(COMPLIANT),
        },
        "resolved when intune.is_compliant(device)",
    );
    let wait_stage = add(
        NodeKind::Stage {
            stage: StageKind::Wait,
        },
        "wait 60d",
    );
    let wait = add(
        NodeKind::Wait {
            duration: Expr::Const(Value::Duration(60 * 86_400_000)),
        },
        "wait 60d",
    );
    let then_2 = add(
        NodeKind::Stage {
            stage: StageKind::Then(2),
        },
        "then {",
    );
    let wipe_index = 9;
    let gate = add(
        NodeKind::Approve(Approve {
            question: Expr::Text(vec![
                Expr::Const(Value::text("Wipe ")),
                Expr::Slot(DEVICE).field("name"),
                Expr::Const(Value::text("?")),
            ]),
            about: vec![Expr::Slot(DEVICE)],
            by: Expr::Team(arc("leads")),
            needs: 2,
            within_ms: 4 * 3_600_000,
            valid_ms: 24 * 3_600_000,
            default_approve: false,
            slot: APPROVAL,
            covers: vec![wipe_index],
        }),
        "approve \"Wipe {device.name}?\" about device, by team.leads, needs 2",
    );
    let wipe = add(
        perform(
            "intune.wipe",
            Impact::Destructive,
            vec![gate.index() as u32],
        ),
        "intune.wipe(device)",
    );
    let completed = add(
        NodeKind::End {
            outcome: EndKind::Completed,
            why: None,
        },
        "",
    );
    let resolved = add(
        NodeKind::End {
            outcome: EndKind::Resolved,
            why: None,
        },
        "",
    );
    assert_eq!(wipe.index() as u32, wipe_index);
    for (from, to, edge) in [
        (start, then, Edge::Done),
        (then, sync, Edge::Done),
        (sync, ask, Edge::Done),
        (ask, branch, Edge::Done),
        (branch, resolved, Edge::True),
        (branch, wait_stage, Edge::False),
        (wait_stage, wait, Edge::Done),
        (wait, then_2, Edge::Done),
        (then_2, gate, Edge::Done),
        (gate, wipe, Edge::Approved),
        (wipe, completed, Edge::Done),
    ] {
        graph.add_edge(from, to, edge);
    }
    let param = ManualParam {
        name: arc("device"),
        ty: device_type(),
        slot: DEVICE,
        lookup: Some(arc("intune.device")),
    };
    let trigger = Trigger {
        kind: TriggerKind::Manual(vec![param]),
        for_each: None,
    };
    playbook("lost_device", "Lost Device", trigger, graph)
}

/// One run per device of the event that is not to be skipped: sync.
pub fn per_device() -> Playbook {
    let mut graph = Graph::new();
    let start = graph.add_node(node(NodeKind::Start, ""));
    let then = graph.add_node(node(
        NodeKind::Stage {
            stage: StageKind::Then(1),
        },
        "then {",
    ));
    let sync = graph.add_node(node(
        perform("intune.sync", Impact::Reversible, vec![]),
        "intune.sync(device)",
    ));
    let end = graph.add_node(node(
        NodeKind::End {
            outcome: EndKind::Completed,
            why: None,
        },
        "",
    ));
    graph.add_edge(start, then, Edge::Done);
    graph.add_edge(then, sync, Edge::Done);
    graph.add_edge(sync, end, Edge::Done);
    let trigger = Trigger {
        kind: TriggerKind::Event(arc("intune.noncompliant")),
        for_each: Some(ForEachRun {
            slot: DEVICE,
            list: ListSource::Expr(Expr::Slot(DRIFT).field("devices")),
        }),
    };
    let skip = Expr::Compare(
        CompareOp::Ne,
        Box::new(Expr::Slot(DEVICE).field("name")),
        Box::new(Expr::Const(Value::text("skip me"))),
    );
    Playbook {
        event_slot: Some(DRIFT),
        conditions: vec![Condition {
            expr: skip,
            needs_fetched: false,
            text: arc("device.name != \"skip me\""),
        }],
        repeats: Some(Repeats {
            key: Expr::Slot(DEVICE),
            for_ms: None,
        }),
        ..playbook("per_device", "Per Device", trigger, graph)
    }
}

/// Looks once a second for 60 days whether the device is compliant.
pub fn impatient() -> Playbook {
    let mut graph = Graph::new();
    let start = graph.add_node(node(NodeKind::Start, ""));
    let look = NodeKind::WaitUntil {
        at_most_ms: 60 * 86_400_000,
        every_ms: 1_000,
    };
    let wait = graph.add_node(node(look, "wait until intune.is_compliant(device)"));
    let ask = NodeKind::Query {
        query: arc("intune.is_compliant"),
        args: vec![Expr::Slot(DEVICE)],
        slot: COMPLIANT,
        hold_on_failure: false,
        failure_slot: None,
    };
    let ask = graph.add_node(node(ask, "intune.is_compliant(device)"));
    let branch = graph.add_node(node(
        NodeKind::Branch {
            condition: Expr::Slot(COMPLIANT),
        },
        "intune.is_compliant(device)",
    ));
    let end = graph.add_node(node(
        NodeKind::End {
            outcome: EndKind::Completed,
            why: None,
        },
        "",
    ));
    graph.add_edge(start, wait, Edge::Done);
    graph.add_edge(wait, ask, Edge::Tick);
    graph.add_edge(ask, branch, Edge::Done);
    graph.add_edge(branch, end, Edge::True);
    graph.add_edge(branch, wait, Edge::False);
    graph.add_edge(wait, end, Edge::Done);
    let param = ManualParam {
        name: arc("device"),
        ty: device_type(),
        slot: DEVICE,
        lookup: Some(arc("intune.device")),
    };
    let trigger = Trigger {
        kind: TriggerKind::Manual(vec![param]),
        for_each: None,
    };
    playbook("impatient", "Impatient", trigger, graph)
}
