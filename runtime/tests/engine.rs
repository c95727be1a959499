//! From an event to the end of a run: matching, guards, timers, approvals, people's words.

mod support;

use counterplay_machine::Value;
use counterplay_machine::deployment::Mode;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{
    ForEachRun, ListSource, ManualParam, NodeKind, Repeats, Tenants, TriggerKind,
};
use counterplay_machine::state::{Outcome, Status};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::engine::{Engine, EngineError, Incoming, Notice, Refusal, Until};
use counterplay_runtime::store::{RunFilter, RunInfo, Store, StoreError, WordRefused};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::connector::Answer;
use support::project::{self, PERSON};
use support::{HOUR, START, World, alert, object, short, story};

async fn runs(engine: &Engine) -> Vec<RunInfo> {
    let mut runs = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable");
    runs.reverse();
    runs
}

#[tokio::test]
async fn an_event_runs_through_timer_query_and_approval_to_its_end() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    let mut watch = engine.watch();
    let receipt = engine.accept(alert(5, "u1")).await.expect("accepted");
    assert_eq!(
        (&*receipt.name, receipt.quiet, receipt.duplicate),
        ("test.alert", None, false)
    );
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!((rest.open_runs, rest.next_ms), (1, Some(START + 4 * HOUR)));
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!(world.clock.now_ms(), START + 4 * HOUR);
    assert_eq!(rest.approvals.len(), 1);

    let asked = engine
        .store()
        .approvals()
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(asked.open.question, "Wipe it?");
    assert_eq!(
        asked.open.about,
        [("User:u1".to_owned(), "User u1".to_owned())]
    );
    assert_eq!(asked.open.actions, ["wipe"]);
    assert_eq!(asked.open.eligible, ["ann@soc.example", "bob@soc.example"]);
    assert_eq!(asked.open.until_ms, START + 12 * HOUR);

    let refused = engine
        .vote(&asked.run, "eve@evil.example", true, None)
        .await
        .expect_err("refused");
    assert!(
        refused
            .to_string()
            .contains("eve@evil.example may not answer"),
        "{refused}"
    );
    let approval = engine
        .vote(&asked.run, "ann@soc.example", true, Some("go".into()))
        .await
        .expect("taken");
    assert_eq!(approval, asked.id);
    let rest = engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(rest.open_runs, 0);

    let run = runs(&engine).await.remove(0);
    assert_eq!(
        (run.status.as_str(), run.outcome),
        ("ended", Some(Outcome::Completed))
    );
    assert!(run.id.starts_with("r-20261122-"), "{}", run.id);
    let expected = [
        "started by test.alert",
        "stage then",
        "intends do.tell",
        "performed do.tell",
        "intends do.block",
        "performed do.block",
        "intends do.ticket",
        "performed do.ticket",
        "waits",
        "woke",
        "asks ask.fixed",
        "answered ask.fixed",
        "asks people: Wipe it?",
        "ann@soc.example approves",
        "approved",
        "intends do.wipe, approved by ann@soc.example",
        "performed do.wipe",
        "ended completed",
    ];
    assert_eq!(story(engine.store(), &run.id).await, expected);

    let mut seen = Vec::new();
    let mut questions = 0;
    while let Ok(notice) = watch.try_recv() {
        match notice {
            Notice::Entry { run: id, entry, .. } => {
                assert_eq!(*id, *run.id);
                seen.push(short(&entry.what));
            }
            Notice::Asked(info) => {
                assert_eq!(*info, asked);
                questions += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, expected);
    assert_eq!(questions, 1);
    let names: Vec<String> = world.fake.calls().into_iter().map(|c| c.name).collect();
    assert_eq!(
        names,
        [
            "ask.owner",
            "do.tell",
            "do.block",
            "do.ticket",
            "ask.fixed",
            "do.wipe"
        ]
    );
    assert_eq!(
        engine
            .store()
            .read(|tx| tx.open_calls())
            .await
            .expect("readable"),
        0
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_kept() {
    let mut program = project::respond();
    let mut twin = project::alert();
    twin.name = "test.twin".into();
    twin.known_by = vec!["twin".into(), "x".into()];
    let mut other = twin.clone();
    other.name = "test.other".into();
    program.events.insert(twin.name.clone(), twin);
    program.events.insert(other.name.clone(), other);
    let world = World::new(program);
    let engine = world.engine().await;
    let send = |tenant: &str, event: Option<&str>, payload| {
        engine.accept(Incoming {
            tenant: tenant.into(),
            event: event.map(Into::into),
            payload,
            source: None,
        })
    };

    let refusal = send("acme", None, json!({ "level": "high", "user": "u1" }))
        .await
        .expect_err("refused");
    let Refusal::Mismatch {
        event,
        mismatch,
        letter,
    } = &refusal
    else {
        panic!("{refusal:?}")
    };
    assert_eq!(&**event, "test.alert");
    assert_eq!(
        mismatch.to_string(),
        "level: expected a whole number, found the text \"high\""
    );
    let first = *letter;

    let refusal = send("acme", None, json!({ "colour": "red" }))
        .await
        .expect_err("refused");
    assert!(
        matches!(refusal, Refusal::Unrecognised { .. }),
        "{refusal:?}"
    );
    let refusal = send("acme", None, json!({ "twin": 1, "x": 2 }))
        .await
        .expect_err("refused");
    assert_eq!(
        refusal.to_string(),
        "the object may be any of `test.other` and `test.twin`; name the event"
    );
    let refusal = send("acme", Some("test.nothing"), json!({}))
        .await
        .expect_err("refused");
    assert!(
        refusal
            .to_string()
            .starts_with("there is no event `test.nothing`; the events are `test.alert`")
    );
    let refusal = send("nobody", None, json!({})).await.expect_err("refused");
    assert_eq!(
        refusal.to_string(),
        "there is no tenant `nobody`; counterplay.toml has `acme` and `birch`"
    );
    assert_eq!(refusal.letter(), None);

    let letters = engine.store().dead_letters(10).await.expect("readable");
    assert_eq!(letters.len(), 4);
    let letter = &letters[3];
    assert_eq!(
        (letter.num, letter.tenant.as_str(), letter.event),
        (first, "acme", None)
    );
    assert_eq!(letter.payload, json!({ "level": "high", "user": "u1" }));
    assert!(letter.reason.contains(": level: "), "{}", letter.reason);
    assert!(
        engine
            .store()
            .events(10)
            .await
            .expect("readable")
            .is_empty()
    );
}

#[tokio::test]
async fn conditions_repeats_and_duplicates_start_nothing() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(1, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert!(
        world.fake.calls().is_empty(),
        "a cheap condition needs no query"
    );
    engine.accept(alert(5, "off")).await.expect("accepted");
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let mut named = alert(5, "u2");
    named.source = Some("mail-17".into());
    let first = engine.accept(named.clone()).await.expect("accepted");
    let again = engine.accept(named).await.expect("accepted");
    assert_eq!((again.duplicate, again.event), (true, first.event));
    let mut elsewhere = alert(5, "u1");
    elsewhere.tenant = "birch".into();
    engine.accept(elsewhere).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");

    let runs = runs(&engine).await;
    let mut tenants: Vec<&str> = runs.iter().map(|r| r.tenant.as_str()).collect();
    tenants.sort_unstable();
    assert_eq!(tenants, ["acme", "acme", "birch"]);
    assert_eq!(runs[0].repeats, 1);
    let events = engine.store().events(10).await.expect("readable");
    let notes: Vec<Option<&str>> = events.iter().rev().map(|e| e.notes.as_deref()).collect();
    let repeat = format!("respond: repeats {}", runs[0].id);
    assert_eq!(
        notes,
        [
            Some("respond: not `alert.level >= 3`"),
            Some("respond: not `alert.owner.enabled`"),
            None,
            Some(repeat.as_str()),
            None,
            None
        ]
    );
    assert!(events.iter().all(|e| e.state == "matched"));
    assert_eq!(events[2].repeated, [runs[0].id.clone()]);
    assert_eq!(events[3].started, [runs[0].id.clone()]);

    // The window counts from the start of the first run, whether it is open or not.
    world.clock.skip_to(START + 24 * HOUR - 1);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(self::runs(&engine).await.len(), 3);
    world.clock.skip_to(START + 24 * HOUR);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(self::runs(&engine).await.len(), 4);
}

#[tokio::test]
async fn repeats_without_a_time_end_with_the_run() {
    let mut program = project::respond();
    let playbook = program.playbooks.get_mut("respond").expect("there");
    playbook.repeats = Some(Repeats {
        key: project::owner(),
        for_ms: None,
    });
    let world = World::new(program);
    let engine = world.engine().await;
    for _ in 0..3 {
        engine.accept(alert(5, "u1")).await.expect("accepted");
    }
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 2);
}

#[tokio::test]
async fn silence_rejects_and_the_goal_resolves() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(world.clock.now_ms(), START + 12 * HOUR);
    let run = runs(&engine).await.remove(0);
    assert!(
        matches!(run.outcome, Some(Outcome::Rejected { .. })),
        "{:?}",
        run.outcome
    );
    assert!(world.fake.named("do.wipe").is_empty());
    assert!(
        engine
            .store()
            .approvals()
            .await
            .expect("readable")
            .is_empty()
    );
    let late = engine
        .vote(&run.id, "ann@soc.example", true, None)
        .await
        .expect_err("too late");
    assert!(matches!(late, WordRefused::Ended { .. }), "{late}");

    world.fake.next(
        "ask.fixed",
        Answer::Outcome(CallOutcome::Done(Value::Bool(true))),
    );
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await[1].outcome, Some(Outcome::Resolved));
}

/// A daily sweep: one run per stale user that is enabled.
fn sweep() -> counterplay_machine::Program {
    let mut program = project::declarations();
    let mut sweep = project::playbook(
        "sweep",
        project::short_graph("do.block", &Expr::Slot(PERSON)),
    );
    let mut trigger = project::trigger(TriggerKind::At {
        weekday: None,
        minutes: 9 * 60,
    });
    trigger.for_each = Some(ForEachRun {
        slot: PERSON,
        list: ListSource::Query("ask.stale".into(), vec![]),
    });
    sweep.triggers = vec![trigger];
    sweep.conditions = vec![project::condition(
        Expr::Slot(PERSON).field("enabled"),
        false,
        "person.enabled",
    )];
    sweep.repeats = Some(Repeats {
        key: Expr::Slot(PERSON),
        for_ms: Some(HOUR),
    });
    sweep.tenants = Tenants::Group("gold".into());
    program.playbooks.insert(sweep.id.clone(), sweep);
    program
}

#[tokio::test]
async fn for_each_starts_a_run_per_element() {
    let world = World::new(sweep());
    let engine = world.engine().await;
    let refused = engine
        .tick_now("sweep", "birch", None)
        .await
        .expect_err("not for them");
    assert_eq!(refused.to_string(), "`sweep` is not for tenant `birch`");
    engine.tick_now("sweep", "acme", None).await.expect("fired");
    engine.run(Until::AllEnded).await.expect("driven");
    let blocked: Vec<_> = world
        .fake
        .actions()
        .into_iter()
        .map(|(_, args)| args)
        .collect();
    assert_eq!(
        blocked,
        [["User u1"], ["User u2"]],
        "one is disabled, one is a repeat"
    );
    let runs = runs(&engine).await;
    assert_eq!(runs.iter().map(|r| r.repeats).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(
        story(engine.store(), &runs[0].id).await[0],
        "started by every day at 09:00"
    );
}

#[tokio::test]
async fn schedules_fire_once_and_are_caught_up_once() {
    let mut world = World::new(sweep());
    world.schedules = true;
    let nine = START + HOUR;
    let engine = world.engine().await;
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(rest.next_ms, Some(nine));
    // Nothing is open: time does not run on for the sake of schedules.
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(world.clock.now_ms(), START);
    world.clock.skip_to(nine);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(world.fake.named("ask.stale").len(), 1);
    drop(engine);
    let engine = world.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        world.fake.named("ask.stale").len(),
        1,
        "not again after a restart"
    );
    drop(engine);
    world.clock.skip_to(nine + 72 * HOUR + 1);
    let engine = world.engine().await;
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        world.fake.named("ask.stale").len(),
        2,
        "three were missed, one is caught up"
    );
    assert_eq!(rest.next_ms, Some(nine + 96 * HOUR));
}

#[tokio::test]
async fn a_failing_query_holds_the_event_and_then_gives_up() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    let down = || {
        Answer::Outcome(CallOutcome::Failed {
            reason: "503".into(),
        })
    };
    world.fake.next("ask.owner", down());
    world.fake.next("ask.owner", down());
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let rest = engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        (rest.open_arrivals, rest.next_ms),
        (1, Some(START + 30_000))
    );
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(world.fake.named("ask.owner").len(), 3);
    let run = runs(&engine).await.remove(0);
    assert_eq!(run.started_ms, START + 90_000);

    for _ in 0..14 {
        world.fake.next("ask.owner", down());
    }
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
    let letter = engine
        .store()
        .dead_letters(10)
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(
        letter.reason,
        "respond: given up after 14 attempts: `ask.owner`: 503"
    );
    assert_eq!(letter.payload, json!({ "level": 5, "user": "u2" }));
    assert_eq!(
        engine.store().events(1).await.expect("readable")[0].state,
        "dead"
    );
}

#[tokio::test]
async fn one_playbook_that_cannot_be_judged_does_not_stop_another() {
    let mut program = project::declarations();
    for (id, query) in [("first", false), ("second", true)] {
        let mut playbook =
            project::playbook(id, project::short_graph("do.block", &project::owner()));
        let mut trigger = project::trigger(TriggerKind::Event("test.alert".into()));
        if query {
            trigger.for_each = Some(ForEachRun {
                slot: PERSON,
                list: ListSource::Query("ask.stale".into(), vec![]),
            });
        }
        playbook.triggers = vec![trigger];
        program.playbooks.insert(playbook.id.clone(), playbook);
    }
    let world = World::new(program);
    let engine = world.engine().await;
    world.fake.next(
        "ask.stale",
        Answer::Outcome(CallOutcome::Failed {
            reason: "503".into(),
        }),
    );
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
    engine.run(Until::AllEnded).await.expect("driven");
    let started: Vec<String> = runs(&engine)
        .await
        .into_iter()
        .map(|r| r.playbook)
        .collect();
    assert_eq!(started, ["first", "second", "second", "second", "second"]);
}

fn by_hand() -> counterplay_machine::Program {
    let mut program = project::declarations();
    let mut playbook = project::playbook("offboard", project::respond_graph(&Expr::Slot(PERSON)));
    playbook.triggers = vec![project::trigger(TriggerKind::Manual(vec![ManualParam {
        name: "person".into(),
        ty: project::user_type(),
        slot: PERSON,
        lookup: Some("ask.user".into()),
    }]))];
    program.playbooks.insert(playbook.id.clone(), playbook);
    program
}

#[tokio::test]
async fn a_person_starts_a_run_and_may_not_approve_in_it() {
    let world = World::new(by_hand());
    let engine = world.engine().await;
    let start = |values, by: Option<&str>| {
        engine.start_manual("offboard", "acme", object(values), by.map(Into::into))
    };
    let refused = start(json!({ "human": "u1" }), None)
        .await
        .expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "cannot start `offboard`: it has no `human`; it takes person"
    );
    let refused = start(json!({}), None).await.expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "cannot start `offboard`: person: expected a text, found nothing"
    );
    let refused = engine
        .start_manual("off", "acme", object(json!({})), None)
        .await
        .expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "there is no playbook `off`; the playbooks are `offboard`"
    );

    start(json!({ "person": "nobody" }), None)
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    let letter = engine
        .store()
        .dead_letters(1)
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(letter.reason, "there is no User `nobody` (`person`)");

    start(json!({ "person": "u1" }), Some("ann@soc.example"))
        .await
        .expect("taken");
    engine.run(Until::Asked).await.expect("driven");
    let run = runs(&engine).await.remove(0).id;
    assert_eq!(
        story(engine.store(), &run).await[0],
        "started by ann@soc.example"
    );
    let refused = engine
        .vote(&run, "ann@soc.example", true, None)
        .await
        .expect_err("refused");
    assert!(
        refused
            .to_string()
            .contains("they or a token of theirs started this run"),
        "{refused}"
    );
    engine
        .vote(&run, "bob@soc.example", false, None)
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    assert!(matches!(
        runs(&engine).await[0].outcome,
        Some(Outcome::Rejected { .. })
    ));
}

#[tokio::test]
async fn a_real_clock_is_waited_for() {
    let mut program = project::respond();
    let playbook = program.playbooks.get_mut("respond").expect("there");
    for node in playbook.graph.node_weights_mut() {
        if let NodeKind::Wait { duration } = &mut node.kind {
            *duration = Expr::Const(Value::Duration(250));
        }
    }
    let world = World::new(program);
    let mut options = world.options(Store::open(world.path()).expect("opened"));
    options.clock = Arc::new(SystemClock);
    let engine = Engine::open(options).await.expect("opened");
    let driving = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::stopped(std::future::pending())).await }
    });
    world.fake.next(
        "ask.fixed",
        Answer::Outcome(CallOutcome::Done(Value::Bool(true))),
    );
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let began = std::time::Instant::now();
    while runs(&engine)
        .await
        .first()
        .is_none_or(|r| r.ended_ms.is_none())
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the timer never fired"
        );
    }
    assert!(began.elapsed() >= Duration::from_millis(250));
    engine.stop();
    assert_eq!(
        driving.await.expect("no panic").expect("stopped").open_runs,
        0
    );
    assert_eq!(runs(&engine).await[0].outcome, Some(Outcome::Resolved));
}

#[tokio::test]
async fn a_demo_waits_for_people_and_goes_on_after_their_answer() {
    let world = World::new(project::respond());
    let store = Store::open(world.path()).expect("opened");
    let mut options = world.options(store);
    options.answer_wait = Some(Duration::MAX);
    let engine = Engine::open(options).await.expect("opened");
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let driving = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::AllEnded).await }
    });
    let other = Store::attach(world.path()).expect("attached");
    let asked = loop {
        match other.approvals().await.expect("readable").pop() {
            Some(asked) => break asked,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.clock.now_ms(), START + 4 * HOUR);
    other
        .submit_vote(&asked.run, "bob@soc.example", true, None, 0)
        .await
        .expect("taken");
    let rest = tokio::time::timeout(Duration::from_secs(5), driving).await;
    assert_eq!(
        rest.expect("in time")
            .expect("no panic")
            .expect("driven")
            .open_runs,
        0
    );
    assert_eq!(world.fake.named("do.wipe").len(), 1);
}

#[tokio::test]
async fn simulated_playbooks_ask_and_do_not_act() {
    let mut world = World::new(project::respond());
    world
        .deployment
        .modes
        .insert("respond".into(), Mode::Simulate);
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    let names: Vec<String> = world.fake.calls().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["ask.owner", "ask.fixed"]);
    let run = runs(&engine).await.remove(0);
    assert!(run.simulated);
    assert!(
        story(engine.store(), &run.id)
            .await
            .contains(&"performed do.ticket".to_owned())
    );
    drop(engine);

    world
        .deployment
        .modes
        .insert("respond".into(), Mode::Paused);
    let engine = world.engine().await;
    engine.accept(alert(5, "u9")).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
}

#[tokio::test]
async fn a_run_can_be_cancelled_and_a_late_result_is_noted() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    world.fake.next("do.ticket", Answer::Silence);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let driving = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::stopped(std::future::pending())).await }
    });
    while world.fake.named("do.ticket").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let run = runs(&engine).await.remove(0).id;
    assert!(matches!(
        engine.resume(&run, "ann").await,
        Err(WordRefused::NotHeld(_))
    ));
    assert!(matches!(
        engine.cancel("r-none", "ann").await,
        Err(WordRefused::NoRun(_))
    ));
    engine.cancel(&run, "ann@soc.example").await.expect("taken");
    while runs(&engine).await[0].ended_ms.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    driving.abort();
    let _ = driving.await;
    drop(engine);
    // The call never answered; the next start says so in the journal.
    let engine = world.engine().await;
    engine.run(Until::AllEnded).await.expect("driven");
    let story = story(engine.store(), &run).await;
    let last = story.last().expect("entries");
    assert!(
        last.starts_with("do.ticket failed: whether it was performed is not known"),
        "{last}"
    );
    assert_eq!(story[story.len() - 2], "ended cancelled");
    assert_eq!(world.fake.named("do.ticket").len(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_holds_the_run_for_a_person() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    world.fake.next(
        "do.ticket",
        Answer::Outcome(CallOutcome::Unknown {
            reason: "no answer".into(),
        }),
    );
    world.fake.next("do.ticket", Answer::Panic);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, world.clock.now_ms()), (1, START));
    let filter = RunFilter {
        status: Some(Status::Held),
        ..RunFilter::default()
    };
    let held = engine.store().runs(filter).await.expect("readable");
    assert_eq!(held.len(), 1);
    engine
        .resume(&held[0].id, "ann@soc.example")
        .await
        .expect("taken");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!(
        rest.held_runs, 1,
        "a connector that breaks off tells nothing either"
    );
    engine
        .resume(&held[0].id, "ann@soc.example")
        .await
        .expect("taken");
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!((rest.held_runs, rest.approvals.len()), (0, 1));
    assert_eq!(world.fake.named("do.ticket").len(), 3);
}

#[tokio::test]
async fn a_stop_waits_for_calls_up_to_its_limit() {
    let world = World::new(project::respond());
    let store = Store::open(world.path()).expect("opened");
    let mut options = world.options(store);
    options.stop_within = Duration::from_millis(50);
    let engine = Engine::open(options).await.expect("opened");
    world.fake.next("do.ticket", Answer::Silence);
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let fake = world.fake.clone();
    let signal = async move {
        while fake.named("do.ticket").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let rest = engine.run(Until::stopped(signal)).await.expect("stopped");
    assert_eq!((rest.abandoned_calls, rest.open_runs), (1, 1));
    let rest = engine.run(Until::Asked).await.expect("driven");
    assert_eq!(
        rest.held_runs, 1,
        "what was abandoned is settled as after a crash"
    );
}

#[tokio::test]
async fn only_one_engine_runs_on_a_store() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    let store = Store::open(world.path()).expect("opened");
    let refused = Engine::open(world.options(store))
        .await
        .err()
        .expect("refused");
    assert!(
        matches!(refused, EngineError::Store(StoreError::InUse { .. })),
        "{refused}"
    );
    drop(engine);
    world.engine().await;
}

#[tokio::test]
async fn a_run_keeps_its_program_and_an_unknown_format_is_refused() {
    let mut world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let run = runs(&engine).await.remove(0).id;
    drop(engine);

    // The playbook is gone from the project; its run goes on.
    world.program = Arc::new(project::declarations());
    let engine = world.engine().await;
    engine.run(Until::Asked).await.expect("driven");
    assert_eq!(
        engine.store().approvals().await.expect("readable")[0].run,
        run
    );
    drop(engine);

    let db = rusqlite::Connection::open(world.path()).expect("a database");
    db.execute("UPDATE programs SET format = 99 WHERE num = 1", [])
        .expect("changed");
    drop(db);
    let store = Store::open(world.path()).expect("opened");
    let refused = Engine::open(world.options(store))
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(
        refused.contains(&format!("run {run} was started by another"))
            && refused.contains("format 99"),
        "{refused}"
    );
}

#[tokio::test]
async fn observed_values_fire_when_they_change() {
    use counterplay_machine::declare::Fires;
    let mut program = project::respond();
    let event = program.events.get_mut("test.alert").expect("there");
    event.fires = Fires::ChangesTo {
        subject: Expr::Slot(Slot(1)),
        target: Expr::Const(Value::Int(5)),
    };
    let mut once = project::alert();
    once.name = "test.once".into();
    once.fires = Fires::OncePer(vec![Expr::Slot(Slot(2))]);
    program.events.insert(once.name.clone(), once);
    let world = World::new(program);
    let engine = world.engine().await;
    let mut fired = Vec::new();
    for level in [5, 5, 4, 5] {
        let mut incoming = alert(level, "u1");
        incoming.event = Some("test.alert".into());
        incoming.payload["id"] = "o1".into();
        fired.push(
            engine
                .accept(incoming)
                .await
                .expect("accepted")
                .quiet
                .is_none(),
        );
    }
    assert_eq!(fired, [true, false, false, true]);
    let mut fired = Vec::new();
    for user in ["u1", "u2", "u1"] {
        let mut incoming = alert(1, user);
        incoming.event = Some("test.once".into());
        fired.push(
            engine
                .accept(incoming)
                .await
                .expect("accepted")
                .quiet
                .is_none(),
        );
    }
    assert_eq!(fired, [true, true, false]);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        runs(&engine).await.len(),
        1,
        "the second change repeats the first run"
    );
}

#[tokio::test]
async fn a_service_that_does_not_answer_holds_up_no_other() {
    let world = World::new(project::respond());
    let mut options = world.options(Store::open(world.path()).expect("opened"));
    options.clock = Arc::new(SystemClock);
    options.calls_max = 8;
    let engine = Engine::open(options).await.expect("opened");
    let silent = |count| (0..count).for_each(|_| world.fake.next("do.ticket", Answer::Silence));
    silent(20);
    let driving = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::stopped(std::future::pending())).await }
    });
    for user in 0..20 {
        engine
            .accept(alert(5, &format!("u{user}")))
            .await
            .expect("accepted");
    }
    // Every account is blocked, although the service desk has answered nobody.
    let began = std::time::Instant::now();
    while world.fake.named("do.block").len() < 20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{} of 20 are blocked",
            world.fake.named("do.block").len()
        );
    }
    let tickets = world.fake.named("do.ticket").len();
    assert!(
        (1..=6).contains(&tickets),
        "{tickets} are under way at once"
    );
    driving.abort();
}
