//! A time of a schedule fires once, whoever works on the store; what asks the same at the same time is asked once.

mod support;

use counterplay_machine::Program;
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::state::Outcome;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::store::{RunFilter, Store};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use support::connector::Answer;
use support::{HOUR, START, World, alert, project, story};

fn hourly() -> Program {
    let mut program = project::declarations();
    let mut tick = project::playbook(
        "tick",
        project::short_graph("do.block", &project::text("u1")),
    );
    tick.triggers = vec![project::trigger(TriggerKind::Every(HOUR))];
    program.playbooks.insert(tick.id.clone(), tick);
    program
}

async fn settle(engine: &Engine) {
    engine.run(Until::Settled).await.expect("driven");
}

#[tokio::test]
async fn a_second_engine_does_not_start() {
    let world = World::new(hourly());
    let _engine = world.engine().await;
    let store = Store::open(world.path()).expect("opens");
    let second = Engine::open(world.options(store)).await;
    let error = second.err().expect("refused").to_string();
    assert!(error.contains("another engine"), "{error}");
}

#[tokio::test]
async fn two_engines_that_lost_their_lock_fire_a_time_once() {
    let mut world = World::new(hourly());
    world.schedules = true;
    world.deployment.tenants.remove("birch");
    let one = world.engine().await;
    settle(&one).await;
    // Somebody removes the file of the lock while an engine works.
    let lock = world.folder.path().join("store.db.lock");
    std::fs::remove_file(lock).expect("removed");
    let two = world.engine().await;
    settle(&two).await;
    for hour in 1..=3 {
        world.clock.skip_to(START + hour * HOUR);
        // Both have it in their memory as due.
        settle(&one).await;
        settle(&two).await;
        assert_eq!(world.fake.named("do.block").len(), hour as usize);
    }
}

#[test]
fn many_who_take_the_same_time_get_it_once() {
    let world = World::new(hourly());
    let path = world.path();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let first = Store::open(&path).expect("opens");
    runtime
        .block_on(first.write(|tx| tx.set_tick("acme", "tick", 0, "every 1h", START)))
        .expect("written");
    let taken = Arc::new(AtomicUsize::new(0));
    let together = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (path, taken, together) = (path.clone(), taken.clone(), together.clone());
            std::thread::spawn(move || {
                let store = Store::attach(path).expect("opens");
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                for hour in 1..=25 {
                    let due = START + hour * HOUR;
                    together.wait();
                    let claim = store
                        .write(move |tx| tx.claim_tick(("acme", "tick", 0), "every 1h", due, due));
                    if runtime.block_on(claim).expect("written") {
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    let taken = taken.load(Ordering::SeqCst);
    assert_eq!(taken, 25);
    let last = runtime
        .block_on(first.read(|tx| tx.last_tick("acme", "tick", 0, "every 1h")))
        .expect("readable");
    assert_eq!(last, Some(START + 25 * HOUR));
    let late =
        first.write(|tx| tx.claim_tick(("acme", "tick", 0), "every 1h", START + HOUR, START));
    assert!(!runtime.block_on(late).expect("written"), "long over");
}

/// `respond` about one person for everybody, so that all runs ask the same.
fn about_one() -> Program {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::respond_graph(&project::text("u1"));
    respond.repeats = None;
    program
}

#[tokio::test]
async fn runs_that_look_at_the_same_goal_at_the_same_time_ask_once() {
    let world = World::new(about_one());
    let engine = world.engine().await;
    for user in ["u1", "u2", "u3"] {
        engine.accept(alert(5, user)).await.expect("accepted");
        settle(&engine).await;
    }
    assert_eq!(
        world.fake.named("do.block").len(),
        3,
        "actions are never shared"
    );
    world.clock.skip_to(START + 4 * HOUR);
    let fixed = CallOutcome::Done(counterplay_machine::Value::Bool(true));
    world.fake.next("ask.fixed", Answer::Outcome(fixed));
    settle(&engine).await;
    assert_eq!(world.fake.named("ask.fixed").len(), 1);
    let runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run.outcome, Some(Outcome::Resolved));
        let story = story(engine.store(), &run.id).await;
        assert!(
            story.contains(&"answered ask.fixed".to_owned()),
            "{story:?}"
        );
    }
}

#[tokio::test]
async fn a_shared_question_that_breaks_off_is_told_to_each() {
    let world = World::new(about_one());
    let engine = world.engine().await;
    for user in ["u1", "u2"] {
        engine.accept(alert(5, user)).await.expect("accepted");
        settle(&engine).await;
    }
    world.clock.skip_to(START + 4 * HOUR);
    world.fake.next("ask.fixed", Answer::Panic);
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(rest.held_runs, 2);
}

#[tokio::test]
async fn tenants_ask_for_themselves() {
    let world = World::new(about_one());
    let engine = world.engine().await;
    for tenant in ["acme", "birch"] {
        let incoming = counterplay_runtime::engine::Incoming {
            tenant: tenant.into(),
            ..alert(5, "u1")
        };
        engine.accept(incoming).await.expect("accepted");
        settle(&engine).await;
    }
    world.clock.skip_to(START + 4 * HOUR);
    settle(&engine).await;
    assert_eq!(world.fake.named("ask.fixed").len(), 2);
}

#[tokio::test]
async fn a_time_that_summer_time_skips_fires_at_the_next_minute_and_one_that_comes_twice_once() {
    // London goes from 01:00 to 02:00 on 29 March 2026, and from 02:00 back to 01:00 on 25 October.
    for (cron, day, fires) in [
        ("30 1 * * *", "2026-03-29", ["01:00", "01:00"]),
        ("30 1 * * *", "2026-10-25", ["00:30", "00:30"]),
        ("0 * * * *", "2026-03-29", ["00:00", "01:00"]),
        ("0 * * * *", "2026-10-25", ["00:00", "01:00"]),
    ] {
        let mut program = hourly();
        let tick = program.playbooks.get_mut("tick").expect("there");
        tick.triggers = vec![project::trigger(TriggerKind::Cron {
            cron: cron.into(),
            zone: None,
        })];
        let mut world = World::new(program);
        world.schedules = true;
        world.deployment.tenants.remove("birch");
        let at = |time: &str| {
            let text = format!("{day}T{time}:00Z");
            counterplay_machine::duration::parse_time_ms(&text).expect("a time")
        };
        let begin = at("00:00") - 1;
        world.clock = Arc::new(counterplay_runtime::clock::VirtualClock::at(begin));
        let engine = world.engine().await;
        settle(&engine).await;
        for minute in 0..=90 {
            world.clock.skip_to(at("00:00") + minute * HOUR / 60);
            settle(&engine).await;
        }
        let runs = engine.store().runs(RunFilter::default()).await;
        let mut times: Vec<i64> = runs
            .expect("readable")
            .iter()
            .map(|r| r.started_ms)
            .collect();
        times.sort_unstable();
        let mut expected = fires.map(at).to_vec();
        expected.dedup();
        assert_eq!(times, expected, "{cron} on {day}");
    }
}
