//! What people pause: its calls wait, those of others go on, and a restart changes nothing.

mod support;

use counterplay_machine::Program;
use counterplay_runtime::brake::Scope;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Incoming, Until};
use counterplay_runtime::store::{AuditFilter, RunFilter};
use support::project::{self, owner};
use support::{HOUR, START, World, alert};

const ANN: &str = "ann@soc.example";

/// `respond` as one action.
fn short() -> Program {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &owner());
    program
}

async fn send(engine: &Engine, tenant: &str, user: &str) {
    let incoming = Incoming {
        tenant: tenant.into(),
        ..alert(5, user)
    };
    engine.accept(incoming).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
}

async fn pause(engine: &Engine, scope: Scope) {
    let paused = engine.store().pause(scope, ANN, Some("a drill"), START);
    paused.await.expect("paused");
    engine.run(Until::Settled).await.expect("driven");
}

async fn unpause(engine: &Engine, scope: Scope) -> bool {
    let was = engine.store().unpause(scope, ANN, START).await;
    engine.run(Until::Settled).await.expect("driven");
    was.expect("let go on")
}

#[tokio::test]
async fn a_tenant_waits_and_the_others_go_on() {
    let world = World::new(short());
    let engine = world.engine().await;
    let acme = || Scope::Tenant("acme".into());
    pause(&engine, acme()).await;
    let pauses = engine.store().pauses().await.expect("readable");
    assert!(pauses[0].heard, "{pauses:?}");
    assert_eq!(pauses[0].why.as_deref(), Some("a drill"));
    send(&engine, "acme", "u1").await;
    send(&engine, "birch", "u2").await;
    let tenants = |world: &World| -> Vec<String> {
        let calls = world.fake.named("do.block").into_iter();
        calls.map(|c| c.tenant).collect()
    };
    assert_eq!(tenants(&world), ["birch"]);
    assert!(
        world.fake.calls().iter().all(|c| c.tenant == "birch"),
        "no question either"
    );
    // Another process goes on as this one did.
    drop(engine);
    let engine = world.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(tenants(&world), ["birch"]);
    assert!(unpause(&engine, acme()).await);
    assert_eq!(tenants(&world), ["birch", "acme"]);
    assert!(!unpause(&engine, acme()).await, "it was not paused");
    let audit = engine.store().audit(AuditFilter::default()).await;
    let audit = audit.expect("readable").items;
    let of: Vec<&str> = audit
        .iter()
        .map(|r| &*r.action)
        .filter(|a| a.starts_with("tenant."))
        .collect();
    assert_eq!(of.len(), 2, "{of:?}");
}

#[tokio::test]
async fn a_playbook_waits_at_its_next_call() {
    let world = World::new(short());
    let engine = world.engine().await;
    pause(&engine, Scope::Playbook("respond".into())).await;
    send(&engine, "acme", "u1").await;
    assert!(world.fake.named("do.block").is_empty());
    let runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    assert_eq!(runs.len(), 1, "it has started");
    unpause(&engine, Scope::Playbook("respond".into())).await;
    assert_eq!(world.fake.named("do.block").len(), 1);
}

#[tokio::test]
async fn everything_waits() {
    let world = World::new(short());
    let engine = world.engine().await;
    pause(&engine, Scope::All).await;
    send(&engine, "acme", "u1").await;
    send(&engine, "birch", "u2").await;
    assert!(world.fake.calls().is_empty());
    unpause(&engine, Scope::All).await;
    assert_eq!(world.fake.named("do.block").len(), 2);
}

#[tokio::test]
async fn what_waited_for_longer_than_its_approval_holds_is_asked_anew() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let asked = engine.run(Until::Asked).await.expect("driven").approvals;
    pause(&engine, Scope::All).await;
    let vote = engine.vote(&asked[0], ANN, true, None).await;
    vote.expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    let intended = engine.store().read(|tx| tx.open_calls()).await;
    assert_eq!(intended.expect("readable"), 1, "the wipe is intended");
    // The approval holds for an hour.
    world.clock.skip_to(world.clock.now_ms() + 2 * HOUR);
    unpause(&engine, Scope::All).await;
    assert!(world.fake.named("do.wipe").is_empty(), "it is over");
    let asked = engine.store().approvals().await.expect("readable");
    assert_eq!(
        asked[0].open.question,
        "Wipe it? (approved before; that has expired)"
    );
    let vote = engine.vote(&asked[0].id, ANN, true, None).await;
    vote.expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(world.fake.named("do.wipe").len(), 1);
}
