//! Modes that people set while the engine runs.

mod support;

use counterplay_machine::deployment::Mode;
use counterplay_machine::playbook::TriggerKind;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, ModeOrigin, PlaybookMode, Refusal, Until};
use counterplay_runtime::store::{RunFilter, RunInfo};
use std::sync::Arc;
use support::project::{self, owner};
use support::{HOUR, START, World, alert, deployment};

async fn runs(engine: &Engine) -> Vec<RunInfo> {
    let mut runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    runs.reverse();
    runs
}

async fn send(engine: &Engine, user: &str) {
    engine.accept(alert(5, user)).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
}

/// `respond` as one action.
fn short() -> counterplay_machine::Program {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &owner());
    program
}

fn mode(engine: &Engine, playbook: &str) -> PlaybookMode {
    let all = engine.modes();
    let found = all.into_iter().find(|m| &*m.playbook == playbook);
    found.expect("the playbook")
}

#[tokio::test]
async fn a_mode_counts_from_the_next_start_on() {
    let world = World::new(short());
    let engine = world.engine().await;
    assert_eq!(mode(&engine, "respond").origin, ModeOrigin::Source);
    send(&engine, "u1").await;
    let set = |mode| engine.set_mode("respond", mode, "ann@soc.example");
    set(Some(Mode::Simulate)).await.expect("set");
    send(&engine, "u2").await;
    set(Some(Mode::Paused)).await.expect("set");
    send(&engine, "u3").await;
    let refusal = engine
        .start_manual("respond", "acme", serde_json::Map::new(), None)
        .await
        .expect_err("refused");
    assert_eq!(refusal.to_string(), "`respond` is paused");
    set(None).await.expect("set");
    send(&engine, "u4").await;
    let simulated: Vec<bool> = runs(&engine).await.iter().map(|r| r.simulated).collect();
    assert_eq!(simulated, [false, true, false]);
    let blocked: Vec<Vec<String>> = world
        .fake
        .named("do.block")
        .into_iter()
        .map(|c| c.args)
        .collect();
    assert_eq!(
        blocked,
        [[support::user("u1").plain()], [support::user("u4").plain()]]
    );
}

#[tokio::test]
async fn a_mode_survives_deploys_and_restarts_and_can_be_taken_back() {
    let mut world = World::new(short());
    world
        .deployment
        .modes
        .insert("respond".into(), Mode::Simulate);
    let engine = world.engine().await;
    assert_eq!(
        mode(&engine, "respond"),
        PlaybookMode {
            playbook: "respond".into(),
            mode: Mode::Simulate,
            origin: ModeOrigin::Project,
            otherwise: Mode::Simulate,
            exists: true,
        }
    );
    engine
        .set_mode("respond", Some(Mode::Paused), "ann@soc.example")
        .await
        .expect("set");
    let paused = PlaybookMode {
        playbook: "respond".into(),
        mode: Mode::Paused,
        origin: ModeOrigin::Set {
            by: "ann@soc.example".into(),
            at_ms: START,
        },
        otherwise: Mode::Simulate,
        exists: true,
    };
    assert_eq!(mode(&engine, "respond"), paused);
    assert_eq!(engine.deployment().modes["respond"], Mode::Simulate);

    engine
        .deploy(
            Arc::new(project::respond()),
            deployment(),
            world.fake.clone(),
        )
        .await
        .expect("deployed");
    let after = mode(&engine, "respond");
    assert_eq!((after.mode, after.otherwise), (Mode::Paused, Mode::Active));
    send(&engine, "u1").await;
    assert!(runs(&engine).await.is_empty());
    drop(engine);

    let engine = world.engine().await;
    assert_eq!(mode(&engine, "respond"), paused);
    send(&engine, "u2").await;
    assert!(runs(&engine).await.is_empty());

    // The playbook goes, and what was set stays.
    engine
        .deploy(
            Arc::new(project::declarations()),
            deployment(),
            world.fake.clone(),
        )
        .await
        .expect("deployed");
    let gone = mode(&engine, "respond");
    assert_eq!((gone.exists, gone.mode), (false, Mode::Paused));
    let refusal = engine
        .set_mode("respond", Some(Mode::Active), "ann@soc.example")
        .await
        .expect_err("refused");
    assert!(matches!(refusal, Refusal::UnknownPlaybook { .. }));
    engine
        .set_mode("respond", None, "ann@soc.example")
        .await
        .expect("taken back");
    assert!(engine.modes().is_empty());
    let refusal = engine
        .set_mode("respond", None, "ann@soc.example")
        .await
        .expect_err("refused");
    assert!(matches!(refusal, Refusal::UnknownPlaybook { .. }));
}

#[tokio::test]
async fn a_paused_schedule_does_not_fire_and_does_not_catch_up() {
    let mut program = project::declarations();
    let who = counterplay_machine::expr::Expr::Const(support::user("u1"));
    let mut sweep = project::playbook("sweep", project::short_graph("do.block", &who));
    sweep.triggers = vec![project::trigger(TriggerKind::Every(HOUR))];
    program.playbooks.insert(sweep.id.clone(), sweep);
    let mut world = World::new(program);
    world.schedules = true;
    world.deployment.tenants.remove("birch");
    let engine = world.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    engine
        .set_mode("sweep", Some(Mode::Paused), "ann@soc.example")
        .await
        .expect("set");
    world.clock.skip_to(START + 5 * HOUR + 1);
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!((rest.next_ms, runs(&engine).await.len()), (None, 0));
    engine
        .set_mode("sweep", None, "ann@soc.example")
        .await
        .expect("set");
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        (rest.next_ms, runs(&engine).await.len()),
        (Some(START + 6 * HOUR), 0)
    );
    world.clock.skip_to(START + 6 * HOUR);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
}
