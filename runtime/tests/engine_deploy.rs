//! Another project while runs go on: who works with which.

mod support;

use counterplay_machine::deployment::Mode;
use counterplay_machine::playbook::TriggerKind;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Notice, Until};
use counterplay_runtime::store::{Crash, RunFilter, RunInfo, StoreOptions, Tx};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use support::connector::Fake;
use support::project::{self, owner};
use support::{HOUR, START, World, alert, deployment, story};

async fn runs(engine: &Engine) -> Vec<RunInfo> {
    let mut runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    runs.reverse();
    runs
}

/// `respond` as one action.
fn short() -> counterplay_machine::Program {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &owner());
    program
}

#[tokio::test]
async fn a_waiting_run_keeps_its_program_and_a_new_one_gets_the_new() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    // Accepted before and matched after.
    engine.accept(alert(5, "u2")).await.expect("accepted");

    let (next, other) = (Arc::new(short()), Arc::new(Fake::default()));
    let mut changed = deployment();
    changed.project = "changed".into();
    engine
        .deploy(next.clone(), changed.clone(), other.clone())
        .await
        .expect("deployed");
    assert!(Arc::ptr_eq(&engine.program(), &next));
    assert_eq!(*engine.deployment(), changed);
    engine.run(Until::Settled).await.expect("driven");
    let before = world.fake.calls().len();
    engine.run(Until::AllEnded).await.expect("driven");

    let runs = runs(&engine).await;
    assert_eq!(runs.len(), 2);
    let old = story(engine.store(), &runs[0].id).await;
    assert!(old.contains(&"asks ask.fixed".to_owned()), "{old:?}");
    assert!(old.contains(&"asks people: Wipe it?".to_owned()), "{old:?}");
    assert_eq!(
        story(engine.store(), &runs[1].id).await,
        [
            "started by test.alert",
            "intends do.block",
            "performed do.block",
            "ended completed"
        ]
    );
    // The new connector makes the calls of the old run as well.
    assert_eq!(world.fake.calls().len(), before);
    assert_eq!(other.named("ask.fixed").len(), 1);
}

#[tokio::test]
async fn a_restart_carries_on_runs_of_every_program() {
    let mut world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let mut longer = project::respond();
    let respond = longer.playbooks.get_mut("respond").expect("there");
    respond.title = "Respond, second edition".into();
    let longer = Arc::new(longer);
    engine
        .deploy(longer.clone(), deployment(), world.fake.clone())
        .await
        .expect("deployed");
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    drop(engine);

    world.program = Arc::new(short());
    let engine = world.engine().await;
    engine.run(Until::AllEnded).await.expect("driven");
    for run in runs(&engine).await {
        let story = story(engine.store(), &run.id).await;
        assert!(story.contains(&"woke".to_owned()), "{story:?}");
    }
}

/// Calls like the fake, and pauses `respond` while the first question is under way.
struct Pauses {
    fake: Fake,
    engine: OnceLock<Engine>,
    done: AtomicBool,
}

impl Connector for Pauses {
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        Box::pin(async move {
            if !self.done.swap(true, Ordering::SeqCst) {
                let engine = self.engine.get().expect("an engine").clone();
                engine
                    .set_mode("respond", Some(Mode::Paused), "ann@soc.example")
                    .await
                    .expect("paused");
            }
            self.fake.call(request).await
        })
    }
}

#[tokio::test]
async fn what_changes_while_an_arrival_is_matched_counts() {
    let world = World::new(project::respond());
    let connector = Arc::new(Pauses {
        fake: Fake::default(),
        engine: OnceLock::new(),
        done: AtomicBool::new(false),
    });
    let engine = world.engine().await;
    engine
        .deploy(world.program.clone(), deployment(), connector.clone())
        .await
        .expect("deployed");
    assert!(connector.engine.set(engine.clone()).is_ok());
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(connector.fake.named("ask.owner").len(), 1);
    assert!(runs(&engine).await.is_empty());
    let event = engine.store().events(1).await.expect("readable").remove(0);
    assert_eq!(
        (event.state, event.notes.as_deref()),
        ("matched", Some("no playbook waits for it in this tenant"))
    );
    // The cycle of handles ends here.
    engine
        .deploy(world.program.clone(), deployment(), world.fake.clone())
        .await
        .expect("deployed");
}

/// A playbook that fires daily at this minute of the day.
fn daily(minutes: u16) -> counterplay_machine::Program {
    let mut program = project::declarations();
    let who = counterplay_machine::expr::Expr::Const(support::user("u1"));
    let mut sweep = project::playbook("sweep", project::short_graph("do.block", &who));
    sweep.triggers = vec![project::trigger(TriggerKind::At {
        weekday: None,
        minutes,
    })];
    sweep.tenants = counterplay_machine::playbook::Tenants::All;
    program.playbooks.insert(sweep.id.clone(), sweep);
    program
}

#[tokio::test]
async fn the_running_engine_notices_a_new_schedule() {
    let mut world = World::new(project::declarations());
    world.schedules = true;
    let engine = world.engine().await;
    let mut watch = engine.watch();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driven = {
        let engine = engine.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            engine.run(Until::stopped(stopped)).await
        })
    };
    engine
        .deploy(Arc::new(daily(9 * 60)), deployment(), world.fake.clone())
        .await
        .expect("deployed");
    let fired = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Ok(Notice::Matched { name, started, .. }) = watch.recv().await {
                break (name, started.len());
            }
        }
    })
    .await
    .expect("the schedule fires");
    assert_eq!(fired, ("sweep".to_owned(), 1));
    let _ = stop.send(());
    driven.await.expect("no panic").expect("driven");
    let first = runs(&engine).await.remove(0);
    assert_eq!(first.started_ms, START + HOUR);
}

#[tokio::test]
async fn a_schedule_that_is_written_anew_does_not_catch_up() {
    let mut world = World::new(daily(9 * 60));
    world.schedules = true;
    let engine = world.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    world.clock.skip_to(START + HOUR);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 2);
    // At noon, ten o'clock is in the past and was never missed.
    world.clock.skip_to(START + 4 * HOUR);
    engine
        .deploy(Arc::new(daily(10 * 60)), deployment(), world.fake.clone())
        .await
        .expect("deployed");
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 2);
    assert_eq!(rest.next_ms, Some(START + 26 * HOUR));
    assert_eq!(world.clock.now_ms(), START + 4 * HOUR);
}

#[tokio::test]
async fn a_schedule_fires_by_the_clock_on_the_tenants_wall() {
    // London ends summer time on 25 October 2026: 01:30 comes twice that day.
    let mut world = World::new(daily(90));
    world.schedules = true;
    world.deployment.tenants.remove("birch");
    let start = counterplay_machine::duration::parse_time_ms("2026-10-24T12:00:00Z").expect("ok");
    world.clock = Arc::new(counterplay_runtime::clock::VirtualClock::at(start));
    let engine = world.engine().await;
    for hours in [0, 13, 14, 25, 38] {
        world.clock.skip_to(start + hours * HOUR);
        engine.run(Until::Settled).await.expect("driven");
    }
    // 00:30Z is 01:30 in summer time; 01:30Z the day after is 01:30 in winter time.
    let times: Vec<i64> = runs(&engine).await.iter().map(|r| r.started_ms).collect();
    assert_eq!(times, [start + 13 * HOUR, start + 38 * HOUR]);
    assert_eq!(
        world
            .fake
            .calls()
            .iter()
            .map(|c| c.args.clone())
            .collect::<Vec<_>>(),
        vec![vec![support::user("u1").plain()]; 2]
    );
}

/// Goes on with something as far as it gets, and then drops it.
async fn broken_off<F: Future>(work: F) {
    let mut work = Box::pin(work);
    std::future::poll_fn(|context| {
        let _ = work.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn what_is_written_with_a_deploy_is_there_with_it_or_not_at_all() {
    let mut seen = Vec::new();
    for full in 0..3 {
        let world = World::new(project::respond());
        let options = StoreOptions {
            crash: Some(Crash::Full(1 + full)),
            ..StoreOptions::default()
        };
        let engine = world.engine_with(options).await;
        let write = |tx: &Tx<'_>| tx.set_meta("note", "deployed").map(Ok::<_, Infallible>);
        let next = Arc::new(short());
        let done = engine
            .deploy_with(next.clone(), deployment(), world.fake.clone(), write)
            .await
            .is_ok();
        let note = engine.store().read(|tx| tx.meta("note")).await;
        assert_eq!(note.expect("readable").is_some(), done);
        assert_eq!(Arc::ptr_eq(&engine.program(), &next), done);
        seen.push(done);
        if !done {
            let then = engine.deploy(next.clone(), deployment(), world.fake.clone());
            then.await.expect("deployed");
            assert!(Arc::ptr_eq(&engine.program(), &next));
        }
    }
    assert_eq!(seen, [false, true, true], "one commit");
}

#[tokio::test]
async fn a_number_that_was_lost_with_its_commit_is_not_another_programs() {
    let world = World::new(daily(8 * 60));
    let options = StoreOptions {
        crash: Some(Crash::Full(1)),
        ..StoreOptions::default()
    };
    let engine = world.engine_with(options).await;
    let fake = || world.fake.clone();
    let lost = engine.deploy(Arc::new(project::respond()), deployment(), fake());
    lost.await.expect_err("the disk is full");
    let next = engine.deploy(Arc::new(short()), deployment(), fake());
    next.await.expect("deployed");
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    let run = runs(&engine).await.remove(0).id;
    let story = story(engine.store(), &run).await;
    assert!(
        story.contains(&"performed do.block".to_owned()),
        "{story:?}"
    );
    assert!(!story.contains(&"waits".to_owned()), "{story:?}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_in_place_all_the_same() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    broken_off(engine.set_mode("respond", Some(Mode::Paused), "ann@soc.example")).await;
    let next = Arc::new(short());
    broken_off(engine.deploy(next.clone(), deployment(), world.fake.clone())).await;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if Arc::ptr_eq(&engine.program(), &next) {
            break;
        }
    }
    assert!(Arc::ptr_eq(&engine.program(), &next));
    let stored = engine.store().read(|tx| tx.modes()).await;
    assert_eq!(stored.expect("readable").len(), 1);
    assert_eq!(engine.mode("respond").expect("there").mode, Mode::Paused);
}

#[tokio::test]
async fn a_mode_counts_although_whoever_set_it_is_gone() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    broken_off(engine.set_mode("respond", Some(Mode::Paused), "ann@soc.example")).await;
    let mut modes = Vec::new();
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        modes = engine
            .store()
            .read(|tx| tx.modes())
            .await
            .expect("readable");
        if !modes.is_empty() && engine.mode("respond").expect("there").mode == Mode::Paused {
            return;
        }
    }
    panic!("the store says {modes:?}");
}
