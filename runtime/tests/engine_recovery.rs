//! The process ends at every commit of a response; the next one goes on and repeats no action.

mod support;

use counterplay_machine::state::Outcome;
use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::store::{Crash, RunFilter, StoreError, StoreOptions};
use std::time::Duration;
use support::connector::Answer;
use support::{START, World, alert, project, story};

/// What a process does: accept the alert unless an earlier one has, answer, drive to the end.
async fn live(engine: &Engine) -> Result<(), String> {
    if engine
        .store()
        .events(1)
        .await
        .map_err(|e| e.to_string())?
        .is_empty()
    {
        engine
            .accept(alert(5, "u1"))
            .await
            .map_err(|e| e.to_string())?;
    }
    let rest = engine.run(Until::Asked).await.map_err(|e| e.to_string())?;
    for approval in rest.approvals {
        engine
            .vote(&approval, "ann@soc.example", true, None)
            .await
            .map_err(|e| e.to_string())?;
    }
    let rest = engine.run(Until::Asked).await.map_err(|e| e.to_string())?;
    if rest.open_runs == 0 {
        Ok(())
    } else {
        Err(format!("{rest:?}"))
    }
}

/// A process that ends at a commit. `None` when it reached its end before.
async fn crash(world: &World, crash: Crash) -> Option<()> {
    let options = StoreOptions {
        patience: Duration::from_secs(1),
        crash: Some(crash),
        ..StoreOptions::default()
    };
    let store = counterplay_runtime::store::Store::open_with(world.path(), options)
        .expect("the store opens");
    let engine = match Engine::open(world.options(store)).await {
        Ok(engine) => engine,
        Err(error) => {
            assert_eq!(error.to_string(), StoreError::Stopped.to_string());
            return Some(());
        }
    };
    match live(&engine).await {
        Ok(()) => None,
        Err(error) => {
            // The end of the store shows as itself; nothing else may go wrong, but for a run that
            // an earlier end left held.
            let held = error.contains("held_runs: 1");
            assert!(held || error == StoreError::Stopped.to_string(), "{error}");
            Some(())
        }
    }
}

/// Brings what a crash left to its end, as a careful person would: a held run is resumed only when
/// the service shows that the action was not performed.
async fn finish(world: &World) -> (Vec<String>, bool) {
    let engine = world.engine().await;
    let mut cancelled = false;
    for _ in 0..6 {
        if live(&engine).await.is_ok() {
            break;
        }
        let held = RunFilter {
            status: Some(counterplay_machine::state::Status::Held),
            ..RunFilter::default()
        };
        for run in engine.store().runs(held).await.expect("readable") {
            let story = story(engine.store(), &run.id).await;
            let asked = story.iter().rev().find_map(|s| s.strip_prefix("intends "));
            let action = asked
                .expect("an intent")
                .split(',')
                .next()
                .expect("a name")
                .to_owned();
            if world.fake.named(&action).is_empty() {
                engine
                    .resume(&run.id, "ann@soc.example")
                    .await
                    .expect("resumed");
            } else {
                engine
                    .cancel(&run.id, "ann@soc.example")
                    .await
                    .expect("cancelled");
                cancelled = true;
            }
        }
    }
    let mut runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    assert_eq!(runs.len(), 1, "the event was neither lost nor taken twice");
    let run = runs.remove(0);
    let expected = if cancelled {
        Outcome::Cancelled {
            by: "ann@soc.example".into(),
        }
    } else {
        Outcome::Completed
    };
    assert_eq!(run.outcome, Some(expected));
    let open = engine
        .store()
        .read(|tx| Ok((tx.open_calls()?, tx.next_timer_ms()?, tx.words(9)?.len())));
    assert_eq!(
        open.await.expect("readable"),
        (0, None, 0),
        "nothing is left over"
    );
    (story(engine.store(), &run.id).await, cancelled)
}

#[tokio::test]
async fn a_crash_at_any_commit_repeats_no_action() {
    let whole = World::new(project::respond());
    let engine = whole.engine().await;
    live(&engine).await.expect("lives");
    let commits = engine.store().commits();
    drop(engine);
    let (whole_story, _) = finish(&whole).await;
    let whole_actions = whole.fake.actions();
    assert!(commits > 10, "{commits}");

    let mut held = 0;
    for commit in 0..=commits {
        for kind in [Crash::After(commit), Crash::Instead(commit)] {
            let world = World::new(project::respond());
            let crashed = crash(&world, kind).await;
            assert_eq!(
                crashed.is_some(),
                kind != Crash::After(0) && kind != Crash::Instead(commits),
                "{kind:?}"
            );
            let (story, cancelled) = finish(&world).await;
            for action in ["do.ticket", "do.wipe"] {
                assert!(
                    world.fake.named(action).len() <= 1,
                    "{kind:?}: {action} twice"
                );
            }
            let calls = world.fake.calls();
            for (i, call) in calls
                .iter()
                .enumerate()
                .filter(|(_, c)| !c.id.starts_with("e-"))
            {
                let again = calls[..i].iter().any(|c| c.id == call.id);
                assert!(
                    !again || call.repeated,
                    "{kind:?}: {call:?} says nothing of the first time"
                );
            }
            let actions = world.fake.actions();
            if cancelled {
                held += 1;
                assert_eq!(actions, whole_actions[..actions.len()], "{kind:?}");
            } else {
                assert_eq!(actions, whole_actions, "{kind:?}");
                let mut told: Vec<_> = story
                    .iter()
                    .filter(|s| !s.starts_with("held") && *s != "resumed")
                    .collect();
                // A resumed step states its intent again.
                told.dedup();
                assert_eq!(told, whole_story.iter().collect::<Vec<_>>(), "{kind:?}");
            }
        }
    }
    // Exactly the two actions that must not be repeated can be lost between call and commit.
    assert_eq!(held, 2);
}

#[tokio::test]
async fn a_chain_of_crashes_comes_to_the_same_end() {
    // Opening, recovering and answering a call take a commit each: with fewer nothing moves on.
    for step in 4..7 {
        let world = World::new(project::respond());
        let mut crashes = 0;
        while crash(&world, Crash::After(step)).await.is_some() {
            crashes += 1;
            assert!(crashes < 100, "no progress");
            let engine = world.engine().await;
            let held = RunFilter {
                status: Some(counterplay_machine::state::Status::Held),
                ..RunFilter::default()
            };
            for run in engine.store().runs(held).await.expect("readable") {
                engine
                    .resume(&run.id, "ann@soc.example")
                    .await
                    .expect("resumed");
            }
        }
        finish(&world).await;
        assert!(crashes > 1, "step {step}: {crashes}");
        assert_eq!(world.fake.actions().len(), 4);
    }
}

#[tokio::test]
async fn calls_that_were_sent_and_never_answered_are_settled_by_what_they_are() {
    for (name, calls_after, held) in [
        ("do.block", 2, false),
        ("do.tell", 2, false),
        ("ask.fixed", 2, false),
        ("do.ticket", 1, true),
    ] {
        let world = World::new(project::respond());
        world.fake.next(name, Answer::Silence);
        let engine = world.engine().await;
        engine.accept(alert(5, "u1")).await.expect("accepted");
        let drive =
            tokio::time::timeout(Duration::from_millis(300), engine.run(Until::Asked)).await;
        assert!(drive.is_err(), "{name} does not answer");
        drop(engine);

        let engine = world.engine().await;
        let rest = engine.run(Until::Asked).await.expect("driven");
        let calls = world.fake.named(name);
        assert_eq!(calls.len(), calls_after, "{name}");
        assert_eq!(rest.held_runs, i64::from(held), "{name}");
        if held {
            let run = engine
                .store()
                .runs(RunFilter::default())
                .await
                .expect("readable")
                .remove(0);
            let last = story(engine.store(), &run.id).await.pop().expect("entries");
            assert_eq!(
                last,
                "held: `do.ticket` was sent at 2026-11-22T08:00:00Z and the engine ended before an answer came; \
                 whether it was performed is not known"
            );
            assert_eq!(run.started_ms, START);
            engine
                .resume(&run.id, "ann@soc.example")
                .await
                .expect("resumed");
            engine.run(Until::Asked).await.expect("driven");
            let calls = world.fake.named(name);
            assert_eq!(calls.len(), 2);
            assert_ne!(
                calls[0].id, calls[1].id,
                "a person's repetition is a call of its own"
            );
        } else {
            assert_eq!(calls[0].id, calls[1].id);
            assert_eq!((calls[0].repeated, calls[1].repeated), (false, true));
        }
    }
}

#[tokio::test]
async fn an_action_that_was_sent_days_ago_is_not_repeated() {
    use counterplay_runtime::clock::Clock;
    let world = World::new(project::respond());
    world.fake.next("do.block", Answer::Silence);
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let drive = tokio::time::timeout(Duration::from_millis(300), engine.run(Until::Asked)).await;
    assert!(drive.is_err());
    drop(engine);
    world.clock.skip_to(START + 25 * support::HOUR);
    let engine = world.engine().await;
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, world.fake.named("do.block").len()), (1, 1));
}
