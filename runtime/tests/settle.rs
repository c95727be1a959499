//! A call whose outcome is not known, settled by a person: the run goes on as if the service had said so.

mod support;

use counterplay_machine::state::Outcome;
use counterplay_machine::step::{Settled, Settlement};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::store::{RunFilter, WordRefused};
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
