//! Dead letters: tried again, refused again, dismissed; each once.

mod support;

use counterplay_machine::Program;
use counterplay_machine::deployment::Mode;
use counterplay_machine::playbook::TriggerKind;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::engine::{Engine, Incoming, Refusal, Until};
use counterplay_runtime::store::{
    AuditFilter, DeadLetter, LetterFilter, LetterRefused, RunFilter, Store,
};
use serde_json::json;
use std::sync::Arc;
use support::connector::Answer;
use support::{HOUR, World, alert, object, project};

async fn letter(store: &Store, num: i64) -> DeadLetter {
    let letter = store.letter(num, None).await.expect("readable");
    letter.expect("the letter")
}

async fn open(store: &Store) -> Vec<i64> {
    let filter = LetterFilter {
        open: true,
        ..LetterFilter::default()
    };
    let page = store.letter_page(filter).await.expect("readable");
    page.items.iter().map(|l| l.num).collect()
}

async fn audited(store: &Store) -> Vec<String> {
    let filter = AuditFilter {
        action: Some("letter".into()),
        ..AuditFilter::default()
    };
    let mut told: Vec<String> = store
        .audit(filter)
        .await
        .expect("readable")
        .items
        .into_iter()
        .map(|r| format!("{} {} {}", r.actor, r.action, r.object.unwrap_or_default()))
        .collect();
    told.reverse();
    told
}

async fn runs(engine: &Engine) -> usize {
    let all = engine.store().runs(RunFilter::default()).await;
    all.expect("readable").len()
}

/// Nothing knows the object yet.
fn without_the_event() -> Program {
    let mut program = project::respond();
    program.events.clear();
    program
}

#[tokio::test]
async fn what_nobody_knew_is_accepted_once_it_is_declared() {
    let mut world = World::new(without_the_event());
    let engine = world.engine().await;
    let refusal = engine.accept(alert(5, "u1")).await.expect_err("unknown");
    let num = refusal.letter().expect("kept");

    let again = engine
        .replay_letter(num, "ann@soc.example")
        .await
        .expect_err("still unknown");
    assert!(matches!(again, Refusal::Unrecognised { letter, .. } if letter == num));
    assert_eq!(open(engine.store()).await, [num], "no second letter");
    drop(engine);

    world.program = Arc::new(project::respond());
    let engine = world.engine().await;
    let receipt = engine
        .replay_letter(num, "ann@soc.example")
        .await
        .expect("accepted");
    assert_eq!(&*receipt.name, "test.alert");
    let store = engine.store();
    assert_eq!(open(store).await, Vec::<i64>::new());
    let kept = letter(store, num).await;
    let (_, by, event) = kept.replayed.expect("marked");
    assert_eq!((&*by, event), ("ann@soc.example", receipt.event));
    let twice = engine
        .replay_letter(num, "bob@soc.example")
        .await
        .expect_err("done");
    assert_eq!(
        twice.to_string(),
        format!("dead letter {num} was accepted as event {event} by ann@soc.example before")
    );
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await, 1);
    let object = format!("dead letter {num}");
    assert_eq!(
        audited(store).await,
        [
            format!("ann@soc.example letter.refused {object}"),
            format!("ann@soc.example letter.replayed {object}"),
        ]
    );
}

#[tokio::test]
async fn a_new_reason_takes_the_place_of_the_old_one() {
    let mut world = World::new(without_the_event());
    let engine = world.engine().await;
    let bad = Incoming {
        payload: json!({ "level": "high", "user": "u1" }),
        ..alert(5, "u1")
    };
    let refusal = engine.accept(bad).await.expect_err("unknown");
    let num = refusal.letter().expect("kept");
    let before = letter(engine.store(), num).await;
    assert_eq!(before.reason, "no declared event has its fields");
    drop(engine);
    world.program = Arc::new(project::respond());
    let engine = world.engine().await;
    engine
        .replay_letter(num, "ann@soc.example")
        .await
        .expect_err("of the wrong type");
    let after = letter(engine.store(), num).await;
    assert!(
        after.reason.contains("expected a whole number"),
        "{}",
        after.reason
    );
    assert_eq!((after.at_ms, after.replayed), (before.at_ms, None));
}

#[tokio::test]
async fn of_two_who_try_at_once_one_does() {
    let mut world = World::new(without_the_event());
    let engine = world.engine().await;
    let refusal = engine.accept(alert(5, "u1")).await.expect_err("unknown");
    let num = refusal.letter().expect("kept");
    drop(engine);
    world.program = Arc::new(project::respond());
    let engine = world.engine().await;
    let (a, b, c) = tokio::join!(
        engine.replay_letter(num, "ann@soc.example"),
        engine.replay_letter(num, "bob@soc.example"),
        engine.dismiss_letter(num, "eve@soc.example", "why not"),
    );
    let done = [a.is_ok(), b.is_ok(), c.is_ok()];
    assert_eq!(done.iter().filter(|d| **d).count(), 1, "{done:?}");
    let events = engine.store().events(10).await.expect("readable");
    assert_eq!(events.len(), usize::from(!done[2]));
}

#[tokio::test]
async fn a_dismissed_letter_stays_that() {
    let world = World::new(without_the_event());
    let engine = world.engine().await;
    let refusal = engine.accept(alert(5, "u1")).await.expect_err("unknown");
    let num = refusal.letter().expect("kept");
    engine
        .dismiss_letter(num, "ann@soc.example", "a test")
        .await
        .expect("dismissed");
    let store = engine.store();
    let (_, by, why) = letter(store, num).await.dismissed.expect("marked");
    assert_eq!((&*by, &*why), ("ann@soc.example", "a test"));
    assert_eq!(open(store).await, Vec::<i64>::new());
    let again = engine.dismiss_letter(num, "ann@soc.example", "again").await;
    assert!(matches!(again, Err(LetterRefused::Settled { .. })));
    let tried = engine.replay_letter(num, "ann@soc.example").await;
    assert!(matches!(
        tried,
        Err(Refusal::Letter(LetterRefused::Settled { .. }))
    ));
    let none = engine.replay_letter(99, "ann@soc.example").await;
    assert_eq!(none, Err(Refusal::Letter(LetterRefused::NoLetter(99))));
    assert_eq!(audited(store).await.len(), 1);
}

/// `respond` and a twin of it that listens without asking anything.
fn twins() -> Program {
    let mut program = project::respond();
    let mut twin = program.playbooks["respond"].clone();
    twin.id = "twin".into();
    twin.repeats = None;
    twin.conditions.clear();
    program.playbooks.insert(twin.id.clone(), twin);
    program
}

#[tokio::test]
async fn what_could_not_be_matched_is_matched_again_for_the_playbook_that_failed() {
    let world = World::new(twins());
    let engine = world.engine().await;
    // The owner cannot be had for a whole day: all attempts are in vain.
    for _ in 0..40 {
        let down = CallOutcome::Failed {
            reason: "down".into(),
        };
        world.fake.next("ask.owner", Answer::Outcome(down));
    }
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let mut letters = Vec::new();
    for _ in 0..40 {
        counterplay_runtime::clock::Clock::skip_to(
            &*world.clock,
            counterplay_runtime::clock::Clock::now_ms(&*world.clock) + HOUR,
        );
        engine.run(Until::Settled).await.expect("driven");
        letters = open(engine.store()).await;
        if !letters.is_empty() {
            break;
        }
    }
    let mut of: Vec<(i64, Option<String>)> = Vec::new();
    for num in &letters {
        of.push((*num, letter(engine.store(), *num).await.playbook));
    }
    let (num, _) = of
        .iter()
        .find(|(_, p)| p.as_deref() == Some("respond"))
        .expect("a letter of `respond`");
    let before = runs(&engine).await;
    world.fake.forget();
    let receipt = engine
        .replay_letter(*num, "ann@soc.example")
        .await
        .expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let event = engine.store().event(receipt.event, None).await;
    let event = event.expect("readable").expect("stored again");
    assert_eq!(event.started.len(), 1, "{event:?}");
    assert_eq!(runs(&engine).await, before + 1);
    let run = engine.store().run_info(&event.started[0], None).await;
    assert_eq!(run.expect("readable").expect("there").playbook, "respond");
}

#[tokio::test]
async fn a_start_by_hand_that_failed_is_tried_again_with_its_values() {
    let mut program = project::declarations();
    let mut wipe = project::playbook(
        "by hand",
        project::short_graph(
            "do.block",
            &counterplay_machine::expr::Expr::Slot(project::PERSON),
        ),
    );
    wipe.mode = Mode::Active;
    wipe.triggers = vec![project::trigger(TriggerKind::Manual(vec![
        counterplay_machine::playbook::ManualParam {
            name: "person".into(),
            ty: project::user_type(),
            slot: project::PERSON,
            lookup: Some("ask.user".into()),
        },
    ]))];
    program.playbooks.insert(wipe.id.clone(), wipe);
    let world = World::new(program);
    let engine = world.engine().await;
    let down = CallOutcome::Failed {
        reason: "down".into(),
    };
    world.fake.next("ask.user", Answer::Outcome(down));
    engine
        .start_manual(
            "by hand",
            "acme",
            object(json!({ "person": "u7" })),
            Some("ann@soc.example".into()),
        )
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    let letters = open(engine.store()).await;
    assert_eq!((letters.len(), runs(&engine).await), (1, 0));
    engine
        .replay_letter(letters[0], "bob@soc.example")
        .await
        .expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await, 1);
    assert_eq!(world.fake.named("do.block").len(), 1);
}
