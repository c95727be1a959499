//! Runs that ended long ago become a line each; the audit trail stays whole, and what still counts stays.

mod support;

use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, EngineOptions, Until};
use counterplay_runtime::store::{
    Archived, NewAudit, NewRunRow, RunFilter, Store, StoreError, TimeCause, TimeHold,
};
use serde_json::json;
use support::{HOUR, START, World, alert, project};

const ANN: &str = "ann@soc.example";
const DAY: i64 = 24 * HOUR;

/// `respond` as one action.
fn short() -> counterplay_machine::Program {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &project::owner());
    program
}

async fn settle(engine: &Engine) {
    engine.run(Until::Settled).await.expect("driven");
}

async fn ids(store: &Store, archived: bool) -> Vec<String> {
    let filter = RunFilter {
        archived,
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let runs = store.runs(filter).await.expect("readable");
    runs.into_iter().map(|r| r.id).collect()
}

async fn whole(store: &Store) {
    for chain in store.verify_audit(None).await.expect("readable") {
        assert!(chain.first_broken.is_none(), "{chain:?}");
    }
}

#[tokio::test]
async fn ten_thousand_runs_become_lines_and_their_room_is_used_again() {
    let world = World::new(short());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    settle(&engine).await;
    let store = engine.store().clone();
    let first = ids(&store, false).await.remove(0);
    let detail = store.run_detail(&first).await.expect("readable");
    let detail = detail.expect("there");
    let many = |from: usize| {
        let (run, journal) = (detail.run.clone(), detail.journal.clone());
        store.write(move |tx| {
            let program = tx.run(1)?.program;
            for n in from..from + 5_000 {
                let mut run = run.clone();
                run.id = format!("r-{n}");
                let at_ms = START + n as i64;
                let row = NewRunRow {
                    program,
                    simulated: false,
                };
                tx.add_run(row, &run, &journal, at_ms)?;
                tx.add_audit(&NewAudit {
                    at_ms,
                    tenant: "acme".into(),
                    actor: "engine".into(),
                    action: "run.ended".into(),
                    run: Some(run.id.clone()),
                    object: None,
                    detail: json!({}),
                })?;
            }
            Ok(())
        })
    };
    many(0).await.expect("written");
    many(5_000).await.expect("written");
    let size = || std::fs::metadata(world.path()).expect("there").len();
    drop(engine);
    let engine = world.engine().await;
    let store = engine.store().clone();
    let before = size();
    let now = START + 100 * DAY;
    let done = store.archive(now - 90 * DAY, ANN, now).await.expect("done");
    assert_eq!(
        done.runs, 10_000,
        "all but the latest, after which others are numbered"
    );
    assert_eq!(ids(&store, false).await, ["r-9999"]);
    let archived = ids(&store, true).await;
    assert_eq!(archived.len(), 10_000);
    assert_eq!(archived.last(), Some(&first));
    whole(&store).await;
    let free: (i64, i64) = store.read(|tx| tx.pages()).await.expect("readable");
    assert!(free.1 * 2 > free.0, "most of the file is free: {free:?}");
    // As many again fit into what became free.
    let (run, journal) = (detail.run.clone(), detail.journal.clone());
    store
        .write(move |tx| {
            let program = tx.run(10_001)?.program;
            for n in 0..5_000 {
                let mut run = run.clone();
                run.id = format!("s-{n}");
                let row = NewRunRow {
                    program,
                    simulated: false,
                };
                tx.add_run(row, &run, &journal, now)?;
            }
            Ok(())
        })
        .await
        .expect("written");
    drop(store);
    drop(engine);
    assert!(size() <= before + before / 5, "{before}: {}", size());
    let again = world.engine().await;
    assert_eq!(ids(again.store(), true).await.len(), 10_000);
    whole(again.store()).await;
}

#[tokio::test]
async fn what_is_open_or_still_counts_stays() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "waits")).await.expect("accepted");
    settle(&engine).await;
    let open = ids(engine.store(), false).await.remove(0);
    let store = engine.store().clone();
    let done = store.archive(START + DAY, ANN, START + DAY).await;
    assert_eq!(done.expect("done"), Archived::default());
    assert_eq!(ids(&store, false).await, std::slice::from_ref(&open));
    engine.cancel(&open, ANN).await.expect("cancelled");
    settle(&engine).await;
    engine.accept(alert(5, "later")).await.expect("accepted");
    settle(&engine).await;
    // Its repeats are ignored for a day.
    let early = store.archive(START + HOUR, ANN, START + HOUR).await;
    assert_eq!(early.expect("done").runs, 0);
    let done = store.archive(START + HOUR, ANN, START + 2 * DAY).await;
    assert_eq!(done.expect("done").runs, 1);
    let kept = ids(&store, true).await;
    assert_eq!(kept, [open]);
    whole(&store).await;
}

#[tokio::test]
async fn nothing_goes_by_a_clock_that_is_in_doubt() {
    let world = World::new(short());
    let engine = world.engine().await;
    for user in ["u1", "u2"] {
        engine.accept(alert(5, user)).await.expect("accepted");
        settle(&engine).await;
    }
    let store = engine.store().clone();
    let now = START + 60 * DAY;
    let before = now - 30 * DAY;
    // Timers wait for a person.
    let hold = TimeHold {
        since_ms: now,
        cause: TimeCause::Jumped { by_ms: 60 * DAY },
        jumps: Vec::new(),
    };
    store
        .write(move |tx| tx.hold_time(&hold))
        .await
        .expect("held");
    let doubt = "the clock went forward by 60d at once".to_owned();
    let refused = Err(StoreError::ClockInDoubt(doubt));
    assert_eq!(store.archive(before, ANN, now).await, refused);
    assert_eq!(ids(&store, false).await.len(), 2);
    assert!(
        store
            .confirm_time(ANN, START)
            .await
            .expect("written")
            .is_some()
    );
    // Nobody has watched the clock since.
    for (seen, now) in [(START, now), (START + 90 * DAY, now)] {
        store
            .write(move |tx| tx.see_time(seen))
            .await
            .expect("seen");
        let refused = store.archive(before, ANN, now).await;
        assert!(
            matches!(refused, Err(StoreError::ClockInDoubt(_))),
            "{refused:?}"
        );
        assert_eq!(ids(&store, false).await.len(), 2);
    }
    let word = store.confirm_time(ANN, now).await.expect("written");
    assert!(word.is_some_and(|word| !word.waited));
    let done = store.archive(before, ANN, now).await.expect("done");
    assert_eq!(done.runs, 1, "all but the latest");
}

#[tokio::test]
async fn a_jump_that_makes_runs_old_enough_is_asked_about() {
    let world = World::new(short());
    let keeping = || EngineOptions {
        keep_ended_ms: Some(30 * DAY),
        ..world.options(Store::open(world.path()).expect("the store opens"))
    };
    let engine = Engine::open(keeping()).await.expect("the engine opens");
    for user in ["u1", "u2"] {
        engine.accept(alert(5, user)).await.expect("accepted");
        settle(&engine).await;
    }
    world.clock.jump(20 * DAY);
    settle(&engine).await;
    let held = engine.store().time_hold().await.expect("readable");
    assert_eq!(
        held, None,
        "nothing waits for a time, and nothing is old enough"
    );
    world.clock.jump(40 * DAY);
    settle(&engine).await;
    assert!(
        engine
            .store()
            .time_hold()
            .await
            .expect("readable")
            .is_some()
    );
    assert_eq!(ids(engine.store(), false).await.len(), 2);
    let now = world.clock.now_ms();
    engine
        .store()
        .confirm_time(ANN, now)
        .await
        .expect("written");
    settle(&engine).await;
    assert_eq!(ids(engine.store(), false).await.len(), 1);
}

#[tokio::test]
async fn an_engine_archives_by_itself() {
    let world = World::new(short());
    let store = Store::open(world.path()).expect("opens");
    let engine = Engine::open(EngineOptions {
        keep_ended_ms: Some(90 * DAY),
        ..world.options(store)
    })
    .await
    .expect("opens");
    for user in ["u1", "u2", "u3"] {
        engine.accept(alert(5, user)).await.expect("accepted");
        settle(&engine).await;
    }
    world.clock.skip_to(START + 89 * DAY);
    settle(&engine).await;
    assert_eq!(ids(engine.store(), true).await.len(), 0);
    world.clock.skip_to(START + 91 * DAY);
    settle(&engine).await;
    let events = engine.store().events(10).await.expect("readable");
    assert_eq!(ids(engine.store(), true).await.len(), 2);
    assert_eq!(events.len(), 1, "what nothing refers to is gone");
    whole(engine.store()).await;
    // It goes on: numbers and ids are new ones.
    engine.accept(alert(5, "u4")).await.expect("accepted");
    settle(&engine).await;
    assert_eq!(ids(engine.store(), false).await.len(), 2);
}
