//! A new version acts for the canary's tenants first: what is called is counted, tenant by tenant.

mod support;

use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::{Canary, Deployment, Mode};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{ManualParam, TriggerKind};
use counterplay_machine::types::Type;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Incoming, Until};
use counterplay_runtime::store::{AuditFilter, PromoteRefused, RunFilter, Store, StoreOptions};
use serde_json::json;
use std::sync::Arc;
use support::connector::Answer;
use support::project::{self, owner};
use support::{HOUR, START, World, deployment, user};

const ANN: &str = "ann@soc.example";

/// The declarations with every action reversible, as the steps of these playbooks say.
fn reversible(mut program: Program) -> Program {
    let callables = program.callables.values_mut();
    for callable in callables.filter(|c| c.impact.is_some()) {
        callable.impact = Some(Impact::Reversible);
    }
    program
}

/// `respond` as one action; what it does is its version.
fn version(action: &str) -> Program {
    let mut program = reversible(project::respond());
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph(action, &owner());
    respond.repeats = None;
    respond.hash = format!("hash of {action}");
    program
}

/// `acme` is in `ring0`, `birch` is not.
fn with_canary() -> Deployment {
    let mut deployment = deployment();
    let acme = deployment.tenants.get_mut("acme").expect("there");
    acme.groups.push("ring0".into());
    deployment.canary = Canary {
        group: Some("ring0".into()),
        ..Canary::default()
    };
    deployment
}

fn world(program: Program) -> World {
    let mut world = World::new(program);
    world.deployment = with_canary();
    world
}

async fn deploy(world: &World, engine: &Engine, program: Program) {
    let (program, connector) = (Arc::new(program), world.fake.clone());
    engine
        .deploy(program, with_canary(), connector)
        .await
        .expect("deployed");
}

/// Sends an alert to both tenants and says what was done for whom since the last time.
async fn both(world: &World, engine: &Engine, who: &str) -> Vec<String> {
    let before = world.fake.calls().len();
    for tenant in ["acme", "birch"] {
        let payload = json!({ "level": 5, "user": who });
        let incoming = Incoming {
            tenant: tenant.into(),
            event: None,
            payload,
            source: None,
        };
        engine.accept(incoming).await.expect("accepted");
    }
    engine.run(Until::Settled).await.expect("driven");
    done(world, before)
}

fn done(world: &World, before: usize) -> Vec<String> {
    let calls = world.fake.calls().into_iter().skip(before);
    let mut done: Vec<String> = calls
        .filter(|call| call.name.starts_with("do."))
        .map(|call| format!("{} {}", call.tenant, call.name))
        .collect();
    done.sort();
    done
}

/// The tenants of all runs since the beginning, with whether they were simulated, in their order.
async fn runs(engine: &Engine) -> Vec<(String, bool)> {
    let runs = engine.store().runs(RunFilter::default()).await;
    let mut runs: Vec<(String, bool)> = runs
        .expect("readable")
        .into_iter()
        .map(|r| (r.tenant, r.simulated))
        .collect();
    runs.sort();
    runs
}

#[tokio::test]
async fn a_version_acts_for_the_canary_until_it_is_promoted() {
    let world = world(version("do.block"));
    let engine = world.engine().await;
    assert_eq!(both(&world, &engine, "u1").await, ["acme do.block"]);
    assert_eq!(
        runs(&engine).await,
        [("acme".into(), false), ("birch".into(), true)],
        "elsewhere the run is there, and simulated"
    );
    let version = engine.version("respond").expect("it has a canary");
    assert_eq!((version.promoted, version.before), (None, None));
    let promoted = engine.promote("respond", "hash of do.block", ANN).await;
    let promotion = promoted.expect("promoted").promoted.expect("it is");
    assert_eq!(promotion.by.as_deref(), Some(ANN));
    let done = both(&world, &engine, "u2").await;
    assert_eq!(done, ["acme do.block", "birch do.block"]);

    // Across a restart, and a deploy of the same content.
    drop(engine);
    let engine = world.engine().await;
    deploy(&world, &engine, self::version("do.block")).await;
    assert_eq!(both(&world, &engine, "u3").await.len(), 2);
    let again = engine.promote("respond", "hash of do.block", ANN).await;
    assert_eq!(
        again.expect_err("it is already").to_string(),
        "version hash of do.b of `respond` acts everywhere already: ann@soc.example has promoted it"
    );
    let filter = AuditFilter {
        action: Some("playbook.promoted".into()),
        ..AuditFilter::default()
    };
    let records = engine.store().audit(filter).await.expect("readable");
    let said: Vec<_> = records
        .items
        .iter()
        .map(|r| (r.actor.as_str(), r.object.as_deref(), &r.detail["version"]))
        .collect();
    assert_eq!(said, [(ANN, Some("respond"), &json!("hash of do.block"))]);
}

#[tokio::test]
async fn the_promoted_version_goes_on_acting_elsewhere() {
    let world = world(version("do.block"));
    let engine = world.engine().await;
    engine.promote("respond", "hash", ANN).await.expect("done");
    deploy(&world, &engine, version("do.ticket")).await;
    assert!(engine.former_acts("respond"));
    let done = both(&world, &engine, "u1").await;
    assert_eq!(done, ["acme do.ticket", "birch do.block"]);
    assert_eq!(
        runs(&engine).await,
        [
            ("acme".into(), false),
            ("birch".into(), false),
            ("birch".into(), true)
        ],
        "elsewhere the new version is simulated beside it"
    );
    // Across a restart with the new version.
    drop(engine);
    let world = World {
        program: Arc::new(version("do.ticket")),
        ..world
    };
    let engine = world.engine().await;
    let done = both(&world, &engine, "u2").await;
    assert_eq!(done, ["acme do.ticket", "birch do.block"]);

    // Whoever looked at another version promotes nothing.
    let other = engine.promote("respond", "hash of do.block", ANN).await;
    let other = other.expect_err("another one is deployed");
    assert!(matches!(other, PromoteRefused::OtherVersion { .. }));
    let none = engine.promote("respond", "", ANN).await;
    let none = none.expect_err("it names no version").to_string();
    assert!(
        none.ends_with("is deployed now, and an empty text names none; look at it first"),
        "{none}"
    );
    let promoted = engine.promote("respond", "hash of do.ticket", ANN).await;
    promoted.expect("done");
    let done = both(&world, &engine, "u3").await;
    assert_eq!(done, ["acme do.ticket", "birch do.ticket"]);

    // Back to what acted before: at once and everywhere. What comes next is held against that.
    deploy(&world, &engine, version("do.block")).await;
    assert_eq!(both(&world, &engine, "u4").await.len(), 2);
    deploy(&world, &engine, version("do.tell")).await;
    let done = both(&world, &engine, "u5").await;
    assert_eq!(done, ["acme do.tell", "birch do.block"]);
}

#[tokio::test]
async fn what_is_simulated_beside_counts_its_repeats_for_itself() {
    let repeated = |action: &str| {
        let mut program = version(action);
        let respond = program.playbooks.get_mut("respond").expect("there");
        respond.repeats = project::respond().playbooks["respond"].repeats.clone();
        program
    };
    let world = world(repeated("do.block"));
    let engine = world.engine().await;
    engine.promote("respond", "hash", ANN).await.expect("done");
    deploy(&world, &engine, repeated("do.ticket")).await;
    let done = both(&world, &engine, "u1").await;
    assert_eq!(done, ["acme do.ticket", "birch do.block"]);
    // A second alert about the same person repeats both.
    assert!(both(&world, &engine, "u1").await.is_empty());
    assert_eq!(
        runs(&engine).await,
        [
            ("acme".into(), false),
            ("birch".into(), false),
            ("birch".into(), true)
        ]
    );
}

#[tokio::test]
async fn what_acted_before_there_was_a_canary_needs_nobody_to_promote_it() {
    let world = World::new(version("do.block"));
    let engine = world.engine().await;
    assert_eq!(both(&world, &engine, "u1").await.len(), 2);
    assert!(engine.versions().is_empty());
    // The canary comes with a change.
    deploy(&world, &engine, version("do.ticket")).await;
    let done = both(&world, &engine, "u2").await;
    assert_eq!(done, ["acme do.ticket", "birch do.block"]);
    let before = engine.version("respond").and_then(|v| v.before);
    assert_eq!(before.expect("the one that acted").by, None);
    // A playbook that is new has nothing that acted.
    let mut program = version("do.ticket");
    let mut other = project::playbook("other", project::short_graph("do.tell", &owner()));
    other.triggers = program.playbooks["respond"].triggers.clone();
    program.playbooks.insert(other.id.clone(), other);
    deploy(&world, &engine, program).await;
    let done = both(&world, &engine, "u3").await;
    assert_eq!(done, ["acme do.tell", "acme do.ticket", "birch do.block"]);
}

#[tokio::test]
async fn a_promotion_by_another_process_is_heard_of() {
    let world = world(version("do.block"));
    let engine = world.engine().await;
    assert_eq!(both(&world, &engine, "u1").await.len(), 1);
    let other = Store::open_with(world.path(), StoreOptions::default()).expect("opens");
    let waiting = other.versions().await.expect("readable").expect("deployed");
    assert_eq!(waiting.len(), 1);
    let unknown = other.promote("respnd", None, ANN, START).await;
    assert_eq!(
        unknown.expect_err("no such playbook").to_string(),
        "there is no playbook `respnd` in what is deployed"
    );
    let promoted = other.promote("respond", None, ANN, START).await;
    promoted.expect("promoted");
    assert_eq!(both(&world, &engine, "u2").await.len(), 2);
}

#[tokio::test]
async fn a_mode_is_meant_for_whichever_version_acts() {
    let world = world(version("do.block"));
    let engine = world.engine().await;
    engine.promote("respond", "hash", ANN).await.expect("done");
    deploy(&world, &engine, version("do.ticket")).await;
    for mode in [Mode::Paused, Mode::Simulate] {
        let set = engine.set_mode("respond", Some(mode), ANN).await;
        set.expect("set");
        let none: [&str; 0] = [];
        assert_eq!(both(&world, &engine, "u1").await, none);
    }
    engine.set_mode("respond", None, ANN).await.expect("set");
    assert_eq!(both(&world, &engine, "u1").await.len(), 2);
}

#[tokio::test]
async fn a_query_that_fails_starts_neither_version_twice() {
    let world = world(version("do.block"));
    let engine = world.engine().await;
    engine.promote("respond", "hash", ANN).await.expect("done");
    deploy(&world, &engine, version("do.ticket")).await;
    // The first to ask is the version that acts; the other one gets its answer.
    let reason = "503".to_owned();
    let down = Answer::Outcome(CallOutcome::Failed { reason });
    world.fake.next("ask.owner", down);
    let before = world.fake.calls().len();
    let incoming = Incoming {
        tenant: "birch".into(),
        event: None,
        payload: json!({ "level": 5, "user": "u1" }),
        source: None,
    };
    engine.accept(incoming).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let none: [&str; 0] = [];
    assert_eq!(done(&world, before), none);
    assert_eq!(runs(&engine).await, [("birch".into(), true)]);
    world.clock.skip_to(START + 30_000);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(done(&world, before), ["birch do.block"]);
    assert_eq!(runs(&engine).await.len(), 2, "the new version not again");
}

/// `sweep` at an interval, doing one thing to a person.
fn sweep(action: &str, every_ms: i64) -> Program {
    let mut program = reversible(project::declarations());
    let who = Expr::Const(user("u1"));
    let mut sweep = project::playbook("sweep", project::short_graph(action, &who));
    sweep.triggers = vec![project::trigger(TriggerKind::Every(every_ms))];
    sweep.hash = format!("hash of {action} {every_ms}");
    program.playbooks.insert(sweep.id.clone(), sweep);
    program
}

#[tokio::test]
async fn each_version_has_its_own_schedule() {
    let mut world = world(sweep("do.block", 3 * HOUR));
    world.schedules = true;
    let engine = world.engine().await;
    engine.promote("sweep", "hash", ANN).await.expect("done");
    engine.run(Until::Settled).await.expect("driven");
    world.clock.skip_to(START + HOUR);
    deploy(&world, &engine, sweep("do.ticket", 5 * HOUR)).await;
    engine.run(Until::Settled).await.expect("driven");
    // The interval of what acts goes on where it was: three hours after the start, not after the deploy.
    world.clock.skip_to(START + 3 * HOUR);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(done(&world, 0), ["birch do.block"]);
    world.clock.skip_to(START + 6 * HOUR);
    engine.run(Until::Settled).await.expect("driven");
    let six_hours = ["acme do.ticket", "birch do.block", "birch do.block"];
    assert_eq!(done(&world, 0), six_hours);
    assert_eq!(runs(&engine).await.len(), 4, "one is only simulated");
    // Fired by hand, each version does what it does.
    let before = world.fake.calls().len();
    engine
        .tick_now("sweep", "birch", None)
        .await
        .expect("fired");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(done(&world, before), ["birch do.block"]);
    // Promoted: the old schedule is gone.
    engine.promote("sweep", "hash", ANN).await.expect("done");
    let before = world.fake.calls().len();
    world.clock.skip_to(START + 11 * HOUR);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(done(&world, before), ["acme do.ticket", "birch do.ticket"]);
}

#[tokio::test]
async fn a_start_by_hand_has_to_fit_the_version_that_acts() {
    let by_hand = |action: &str, params: &[&str]| {
        let mut program = sweep(action, HOUR);
        let sweep = program.playbooks.get_mut("sweep").expect("there");
        let params = params.iter().map(|name| ManualParam {
            name: Arc::from(*name),
            ty: Type::Text,
            slot: project::PERSON,
            lookup: None,
        });
        sweep.triggers = vec![project::trigger(TriggerKind::Manual(params.collect()))];
        program
    };
    let world = world(by_hand("do.block", &["reason"]));
    let engine = world.engine().await;
    engine.promote("sweep", "hash", ANN).await.expect("done");
    deploy(&world, &engine, by_hand("do.ticket", &["why"])).await;
    let values = json!({ "why": "lost" }).as_object().cloned();
    let values = values.expect("an object");
    let start = |tenant| engine.start_manual("sweep", tenant, values.clone(), None);
    let refused = start("birch").await.expect_err("the old one asks for more");
    insta::assert_snapshot!(refused, @"cannot start `sweep`: in its promoted version, which acts for birch, it has no `why`; it takes reason");
    start("acme").await.expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    deploy(&world, &engine, by_hand("do.tell", &["reason"])).await;
    let values = json!({ "reason": "lost" }).as_object().cloned();
    let values = values.expect("an object");
    let start = engine.start_manual("sweep", "birch", values, None);
    start.await.expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(done(&world, 0), ["acme do.ticket", "birch do.block"]);
}
