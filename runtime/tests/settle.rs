//! A call whose outcome is not known, settled by a person: the run goes on as if the service had said so.

mod support;

use counterplay_machine::guard::{Guard, Rule};
use counterplay_machine::state::Outcome;
use counterplay_machine::step::{Settled, Settlement};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::store::{RunFilter, WordRefused};
use std::sync::Arc;
use support::connector::Answer;
use support::{START, World, alert, project, story};

const DAY_MS: i64 = 86_400_000;

/// A run that is held at its ticket, and its id.
async fn held(world: &World) -> (Engine, String) {
    let engine = world.engine().await;
    let reason = "no answer".to_owned();
    world.fake.next(
        "do.ticket",
        Answer::Outcome(CallOutcome::Unknown { reason }),
    );
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, world.clock.now_ms()), (1, START));
    let mut runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    let id = runs.remove(0).id;
    (engine, id)
}

fn says(settled: Settled) -> Settlement {
    Settlement {
        step: Some("ticket".into()),
        by: "ann@soc.example".into(),
        settled,
        result: None,
        comment: None,
    }
}

async fn outcome(engine: &Engine, run: &str) -> Option<Outcome> {
    let info = engine.store().run_info(run, None).await.expect("readable");
    info.expect("the run").outcome
}

#[tokio::test]
async fn done_goes_on_behind_the_call_and_sends_nothing() {
    let world = World::new(project::respond());
    let (engine, run) = held(&world).await;
    let place = engine.settle(&run, says(Settled::Done)).await;
    assert!(place.is_ok(), "{place:?}");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, rest.approvals.len()), (0, 1));
    assert_eq!(world.fake.named("do.ticket").len(), 1);
    let story = story(engine.store(), &run).await;
    let at = |text: &str| story.iter().position(|s| s.contains(text));
    assert!(at("Settled") < at("performed do.ticket"), "{story:#?}");
    // Nothing fires later for a hold that is over: a week on, the approval has expired and nothing else.
    engine.run(Until::Settled).await.expect("driven");
    world.clock.skip_to(START + 8 * DAY_MS);
    engine.run(Until::AllEnded).await.expect("driven");
    assert!(matches!(
        outcome(&engine, &run).await,
        Some(Outcome::Rejected { .. })
    ));
}

#[tokio::test]
async fn not_done_sends_the_call_again_as_a_call_of_its_own() {
    let world = World::new(project::respond());
    let (engine, run) = held(&world).await;
    engine
        .settle(&run, says(Settled::NotDone))
        .await
        .expect("taken");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, rest.approvals.len()), (0, 1));
    let calls = world.fake.named("do.ticket");
    assert_eq!(calls.len(), 2);
    assert_ne!(
        calls[0].id, calls[1].id,
        "what deduplicates takes it for another"
    );
    assert!(!calls[1].repeated, "nobody has to doubt it");
}

#[tokio::test]
async fn given_up_fails_the_step() {
    let world = World::new(project::respond());
    let (engine, run) = held(&world).await;
    engine
        .settle(&run, says(Settled::GivenUp))
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    match outcome(&engine, &run).await {
        Some(Outcome::Failed(failure)) => assert_eq!(
            failure.reason,
            "ann@soc.example says that it was not carried out"
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.fake.named("do.ticket").len(), 1);
}

#[tokio::test]
async fn what_is_said_by_two_people_counts_once() {
    let world = World::new(project::respond());
    let (engine, run) = held(&world).await;
    // Both are taken before the engine looks: the first one counts.
    engine
        .settle(&run, says(Settled::Done))
        .await
        .expect("taken");
    let mut second = says(Settled::NotDone);
    second.by = "bob@soc.example".into();
    engine.settle(&run, second).await.expect("taken");
    engine.run(Until::Asked).await.expect("driven");
    assert_eq!(world.fake.named("do.ticket").len(), 1);
    let story = story(engine.store(), &run).await;
    let refused = story.iter().find(|s| s.contains("SettleRefused"));
    assert!(
        refused.is_some_and(|s| s.contains("bob@soc.example")),
        "{story:#?}"
    );
    let third = engine.settle(&run, says(Settled::Done)).await;
    assert!(matches!(third, Err(WordRefused::Settle(_))), "{third:?}");
    let none = engine.settle("r-none", says(Settled::Done)).await;
    assert!(matches!(none, Err(WordRefused::NoRun(_))), "{none:?}");
}

#[tokio::test]
async fn what_nobody_settles_fails_after_a_week_and_not_before() {
    let world = World::new(project::respond());
    let (engine, run) = held(&world).await;
    world.clock.skip_to(START + 7 * DAY_MS - 1_000);
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!(rest.held_runs, 1);
    drop(engine);
    // The week goes on while no engine works.
    world.clock.skip_to(START + 7 * DAY_MS);
    let engine = world.engine().await;
    engine.run(Until::AllEnded).await.expect("driven");
    match outcome(&engine, &run).await {
        Some(Outcome::Failed(failure)) => assert_eq!(
            failure.reason,
            "held for 7d and nobody settled it: no answer"
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.fake.named("do.ticket").len(), 1);
}

/// A run whose wipe was approved and sent, and that is held since; its gate's approval lasts a day.
async fn wiping(world: &World) -> (Engine, String) {
    let engine = world.engine().await;
    let reason = "no answer".to_owned();
    world
        .fake
        .next("do.wipe", Answer::Outcome(CallOutcome::Unknown { reason }));
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let rest = engine.run(Until::Asked).await.expect("driven");
    engine
        .vote(&rest.approvals[0], "ann@soc.example", true, None)
        .await
        .expect("taken");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, rest.approvals.len()), (1, 0));
    let filter = RunFilter::default();
    let id = engine.store().runs(filter).await.expect("readable")[0]
        .id
        .clone();
    (engine, id)
}

fn wipe(settled: Settled) -> Settlement {
    Settlement {
        step: Some("do.wipe".into()),
        ..says(settled)
    }
}

#[tokio::test]
async fn an_approval_that_expired_meanwhile_is_asked_for_anew() {
    for approve in [true, false] {
        let world = World::new(project::respond());
        let (engine, run) = wiping(&world).await;
        world.clock.skip_to(world.clock.now_ms() + 3 * DAY_MS);
        engine
            .settle(&run, wipe(Settled::NotDone))
            .await
            .expect("taken");
        let rest = engine.run(Until::Asked).await.expect("driven");
        assert_eq!((rest.held_runs, rest.approvals.len()), (0, 1));
        assert_eq!(
            world.fake.named("do.wipe").len(),
            1,
            "nothing before people say so"
        );
        engine
            .vote(&rest.approvals[0], "bob@soc.example", approve, None)
            .await
            .expect("taken");
        engine.run(Until::AllEnded).await.expect("driven");
        let ended = outcome(&engine, &run).await.expect("an end");
        if approve {
            assert_eq!(ended, Outcome::Completed);
            assert_eq!(world.fake.named("do.wipe").len(), 2);
            let story = story(engine.store(), &run).await;
            let intent = "intends do.wipe, approved by bob@soc.example".to_owned();
            assert!(story.contains(&intent), "{story:#?}");
        } else {
            let Outcome::Rejected { question } = ended else {
                panic!("{ended:?}");
            };
            assert!(
                question.ends_with("(approved before; that has expired)"),
                "{question}"
            );
            assert_eq!(world.fake.named("do.wipe").len(), 1);
        }
    }
}

#[tokio::test]
async fn an_approval_that_still_holds_is_not_asked_for_again() {
    let world = World::new(project::respond());
    let (engine, run) = wiping(&world).await;
    engine
        .settle(&run, wipe(Settled::NotDone))
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(outcome(&engine, &run).await, Some(Outcome::Completed));
    assert_eq!(world.fake.named("do.wipe").len(), 2);
}

#[tokio::test]
async fn an_unknown_outcome_counts_against_the_budget() {
    let mut program = project::respond();
    program.guards.push(Guard {
        title: Arc::from("one ticket an hour"),
        rules: vec![Rule::Limit {
            action: Arc::from("do.ticket"),
            count: 1,
            per_ms: DAY_MS / 24,
            per_tenant: true,
            beyond: None,
        }],
    });
    let world = World::new(program);
    let (engine, first) = held(&world).await;
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Asked).await.expect("driven");
    let filter = RunFilter::default();
    let runs = engine.store().runs(filter).await.expect("readable");
    let second = runs.iter().find(|r| r.id != first).expect("another run");
    match &second.outcome {
        Some(Outcome::Failed(failure)) => {
            assert!(failure.reason.contains("blocked_by_guard"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.fake.named("do.ticket").len(), 1);
}
