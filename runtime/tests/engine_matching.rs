//! Many playbooks that wait for one event: which start, and what is said of the others.

mod support;

use counterplay_machine::deployment::Mode;
use counterplay_machine::expr::{CompareOp, Expr};
use counterplay_machine::playbook::Tenants;
use counterplay_machine::{Program, Value};
use counterplay_runtime::Payload;
use counterplay_runtime::engine::{Incoming, Until};
use counterplay_runtime::store::RunFilter;
use std::sync::Arc;
use support::project::{self, owner};
use support::{World, alert};

/// `r00` to `r39`, of which each waits for a level of its own: 60 for the first, 99 for the last; and `low`.
fn program() -> Program {
    let mut program = project::respond();
    let mut template = program.playbooks.remove("respond").expect("there");
    template.graph = project::short_graph("do.block", &owner());
    for number in 0..40_u8 {
        let mut one = template.clone();
        one.id = Arc::from(format!("r{number:02}"));
        one.conditions[0].expr = Expr::Compare(
            CompareOp::Ge,
            Box::new(Expr::Slot(project::EVENT).field("level")),
            Box::new(Expr::Const(Value::Int(60 + i64::from(number)))),
        );
        one.conditions[0].text = format!("alert.level >= {}", 60 + number).into();
        program.playbooks.insert(one.id.clone(), one);
    }
    template.id = Arc::from("low");
    program.playbooks.insert(template.id.clone(), template);
    program
}

async fn started(world: &World, incoming: Incoming<Payload>) -> (Vec<String>, String) {
    let engine = world.engine().await;
    let before = engine.store().runs(RunFilter::default()).await;
    let before = before.expect("readable").len();
    let receipt = engine.accept(incoming).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let runs = engine.store().runs(RunFilter::default()).await;
    let runs = runs.expect("readable");
    let new = runs.len() - before;
    let mut started: Vec<String> = runs[..new].iter().map(|r| r.playbook.to_string()).collect();
    started.sort_unstable();
    let events = engine.store().events(10).await.expect("readable");
    let event = events.iter().find(|e| e.num == receipt.event);
    let notes = event.and_then(|e| e.notes.clone()).unwrap_or_default();
    (started, notes)
}

fn text(json: &str) -> Incoming<Payload> {
    let alert = alert(0, "u1");
    Incoming {
        tenant: alert.tenant,
        event: alert.event,
        payload: Payload::read(json.as_bytes()).expect("JSON"),
        source: None,
    }
}

#[tokio::test]
async fn those_that_match_start_and_of_the_others_twenty_are_named() {
    let world = World::new(program());
    let (runs, notes) = started(
        &world,
        text(r#"{ "level": 62, "user": "u1", "more": [{}] }"#),
    )
    .await;
    assert_eq!(runs, ["low", "r00", "r01", "r02"]);
    let lines: Vec<&str> = notes.lines().collect();
    assert_eq!(lines.len(), 21, "{notes}");
    assert_eq!(lines[0], "r03: not `alert.level >= 63`");
    assert_eq!(lines[19], "r22: not `alert.level >= 82`");
    assert_eq!(
        lines[20],
        "and 17 more that wait for it, whose conditions do not hold"
    );
}

/// What declarations do not look at is kept as it came; of a name that stands twice the last one counts.
#[tokio::test]
async fn an_object_is_stored_as_it_came_and_read_as_json_is() {
    let world = World::new(program());
    let sent = "{\"user\":\"u1\", \"level\": 1,\n \"odd\": \"\\u00e9\", \"level\": 5}";
    let (runs, _) = started(&world, text(sent)).await;
    assert_eq!(runs, ["low"]);
    let engine = world.engine().await;
    let events = engine.store().events(10).await.expect("readable");
    assert_eq!(events[0].payload["odd"], "é");
    assert_eq!(events[0].payload["level"], 5);
}

#[tokio::test]
async fn whoever_is_paused_or_not_of_the_tenant_waits_for_nothing() {
    let mut program = program();
    for (id, playbook) in &mut program.playbooks {
        match &**id {
            "low" => {}
            "r01" => playbook.mode = Mode::Paused,
            "r02" => playbook.tenants = Tenants::Group("gold".into()),
            _ => playbook.tenants = Tenants::Listed(vec!["birch".into()]),
        }
    }
    let world = World::new(program);
    let (runs, notes) = started(&world, text(r#"{"level": 99, "user": "u1"}"#)).await;
    assert_eq!((runs.join(" "), notes.as_str()), ("low r02".into(), ""));
    let mut elsewhere = text(r#"{"level": 60, "user": "u1"}"#);
    elsewhere.tenant = "birch".into();
    let (runs, notes) = started(&world, elsewhere).await;
    assert_eq!(runs.join(" "), "low r00");
    assert_eq!(notes.lines().count(), 21, "{notes}");
    assert!(notes.starts_with("r03: not"), "{notes}");
    assert!(notes.ends_with("and 17 more that wait for it, whose conditions do not hold"));
}
