//! The clock is set, the process comes back late: nothing fires by a wrong time, and late work looks before it acts.

mod support;

use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::state::Outcome;
use counterplay_machine::{Program, Value};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, EngineOptions, Until};
use counterplay_runtime::store::{AuditFilter, RunFilter, RunInfo, Store, TimeCause};
use std::sync::Arc;
use support::connector::Answer;
use support::hand::Hand;
use support::{HOUR, START, World, alert, project, story};

const ANN: &str = "ann@soc.example";
const MINUTE: i64 = HOUR / 60;
const DAY: i64 = 24 * HOUR;

async fn settle(engine: &Engine) {
    engine.run(Until::Settled).await.expect("driven");
}

/// Starts a run, which waits for four hours then.
async fn wait(engine: &Engine, user: &str) {
    engine.accept(alert(5, user)).await.expect("accepted");
    settle(engine).await;
}

async fn runs(engine: &Engine) -> Vec<RunInfo> {
    let all = engine.store().runs(RunFilter::default()).await;
    all.expect("readable")
}

async fn woken(engine: &Engine) -> usize {
    let mut count = 0;
    for run in runs(engine).await {
        let story = story(engine.store(), &run.id).await;
        count += usize::from(story.contains(&"woke".to_owned()));
    }
    count
}

async fn held(engine: &Engine) -> Option<String> {
    let hold = engine.store().time_hold().await.expect("readable");
    hold.map(|h| h.to_string())
}

async fn confirm(engine: &Engine, now: i64) -> bool {
    let hold = engine.store().confirm_time(ANN, now).await;
    let was = hold.expect("written").is_some();
    settle(engine).await;
    was
}

async fn audited(engine: &Engine) -> Vec<(String, String)> {
    let audit = engine.store().audit(AuditFilter::default()).await;
    let mut out: Vec<(String, String)> = audit
        .expect("readable")
        .items
        .into_iter()
        .filter(|r| r.action.starts_with("clock."))
        .map(|r| (r.action, r.actor))
        .collect();
    out.sort();
    out
}

#[tokio::test]
async fn a_clock_that_is_set_sixty_days_on_and_back_fires_nothing() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "u1").await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    let said = "the clock went forward by 60d at once";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
    assert_eq!(woken(&engine).await, 0);
    let overdue = engine.store().overdue(world.clock.now_ms()).await;
    assert_eq!(overdue.expect("readable").timers, 1);
    // What does not wait for a time goes on.
    wait(&engine, "u2").await;
    assert_eq!(world.fake.named("do.ticket").len(), 2);
    // It is a row: another process waits, too.
    drop(engine);
    let engine = world.engine().await;
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 0);
    world.clock.jump(-60 * DAY);
    settle(&engine).await;
    let said = "the clock was set, and set back again";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
    assert!(confirm(&engine, world.clock.now_ms()).await);
    assert_eq!(held(&engine).await, None);
    assert_eq!(woken(&engine).await, 0, "four hours are not over");
    world.clock.skip_to(START + 4 * HOUR);
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 2, "both began then");
    assert!(!confirm(&engine, world.clock.now_ms()).await);
    let of = |action: &str, by: &str| (action.to_owned(), by.to_owned());
    assert_eq!(
        audited(&engine).await,
        [of("clock.confirmed", ANN), of("clock.held", "engine")]
    );
}

#[tokio::test]
async fn a_person_who_says_that_the_clock_is_right_lets_timers_go_on() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "u1").await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 0);
    assert!(confirm(&engine, world.clock.now_ms()).await);
    assert_eq!(woken(&engine).await, 1);
}

#[tokio::test]
async fn ten_minutes_are_no_jump() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "u1").await;
    world.clock.jump(10 * MINUTE);
    settle(&engine).await;
    assert_eq!(held(&engine).await, None);
    world.clock.jump(-10 * MINUTE);
    settle(&engine).await;
    assert_eq!(held(&engine).await, None);
    world.clock.jump(-10 * MINUTE - 1);
    settle(&engine).await;
    let said = "the clock went back by 10m at once";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
}

#[tokio::test]
async fn a_jump_is_no_matter_where_nothing_waits_for_a_time() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    settle(&engine).await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    assert_eq!(held(&engine).await, None);
}

/// Engines one after the other on a clock that passes for a real one.
struct Real {
    world: World,
    clock: Arc<Hand>,
}

impl Real {
    fn new(program: Program) -> Real {
        Real {
            world: World::new(program),
            clock: Arc::new(Hand::at(START)),
        }
    }

    async fn engine(&self) -> Engine {
        let store = Store::open(self.world.path()).expect("the store opens");
        let options = EngineOptions {
            clock: self.clock.clone(),
            ..self.world.options(store)
        };
        Engine::open(options).await.expect("the engine opens")
    }
}

#[tokio::test]
async fn a_day_without_a_commit_waits_for_a_person() {
    let real = Real::new(project::respond());
    let engine = real.engine().await;
    wait(&engine, "u1").await;
    drop(engine);
    real.clock.pass(DAY + MINUTE);
    let engine = real.engine().await;
    settle(&engine).await;
    let hold = engine.store().time_hold().await.expect("readable");
    let hold = hold.expect("it is asked about");
    assert_eq!(hold.cause, TimeCause::Silent { last_ms: START });
    assert_eq!(woken(&engine).await, 0);
    drop(engine);
    real.clock.pass(MINUTE);
    let engine = real.engine().await;
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 0, "nobody has said anything");
    assert!(confirm(&engine, real.clock.now_ms()).await);
    assert_eq!(woken(&engine).await, 1);
}

#[tokio::test]
async fn a_night_without_a_commit_does_not() {
    let real = Real::new(project::respond());
    let engine = real.engine().await;
    wait(&engine, "u1").await;
    drop(engine);
    real.clock.pass(DAY - MINUTE);
    let engine = real.engine().await;
    settle(&engine).await;
    assert_eq!(held(&engine).await, None);
    assert_eq!(woken(&engine).await, 1);
}

#[tokio::test]
async fn a_week_without_a_commit_is_no_matter_where_nothing_waits_for_a_time() {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &project::owner());
    let real = Real::new(program);
    let engine = real.engine().await;
    wait(&engine, "u1").await;
    drop(engine);
    real.clock.pass(7 * DAY);
    let engine = real.engine().await;
    wait(&engine, "u2").await;
    assert_eq!(held(&engine).await, None);
    assert_eq!(real.world.fake.named("do.block").len(), 2);
}

#[tokio::test]
async fn an_engine_that_only_waits_is_not_silent() {
    let mut program = project::respond();
    let wait_ms = 60 * DAY;
    let respond = program.playbooks.get_mut("respond").expect("there");
    let node = respond.graph.node_weight_mut(5.into()).expect("the wait");
    node.kind = counterplay_machine::playbook::NodeKind::Wait {
        duration: counterplay_machine::expr::Expr::Const(Value::Duration(wait_ms)),
    };
    let real = Real::new(program);
    let engine = real.engine().await;
    wait(&engine, "u1").await;
    for _ in 0..72 {
        real.clock.pass(HOUR);
        settle(&engine).await;
    }
    drop(engine);
    real.clock.pass(HOUR);
    let engine = real.engine().await;
    settle(&engine).await;
    assert_eq!(held(&engine).await, None);
    // A machine that slept: the clock went on, and no time passed for the process.
    real.clock.set(8 * HOUR);
    settle(&engine).await;
    let said = "the clock went forward by 8h at once";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
}

#[tokio::test]
async fn a_start_before_the_last_commit_waits_for_a_person() {
    let real = Real::new(project::respond());
    let engine = real.engine().await;
    wait(&engine, "u1").await;
    drop(engine);
    real.clock.set(-DAY);
    let engine = real.engine().await;
    settle(&engine).await;
    let said =
        "the clock shows 2026-11-21T08:00:00Z, and something was done at 2026-11-22T08:00:00Z";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
}

fn scheduled(every: i64) -> Program {
    let mut program = project::respond();
    let mut tick = project::playbook(
        "tick",
        project::short_graph("do.block", &project::text("u1")),
    );
    tick.triggers = vec![project::trigger(TriggerKind::Every(every))];
    tick.tenants = counterplay_machine::playbook::Tenants::All;
    program.playbooks.insert(tick.id.clone(), tick);
    program
}

#[tokio::test]
async fn schedules_wait_as_well_and_do_not_fall_silent_when_the_clock_is_set_back() {
    let mut real = Real::new(scheduled(HOUR));
    real.world.schedules = true;
    let ticks = |world: &World| world.fake.named("do.block").len();
    let engine = real.engine().await;
    settle(&engine).await;
    real.clock.pass(HOUR);
    settle(&engine).await;
    assert_eq!(ticks(&real.world), 2, "one for each tenant");
    real.clock.set(60 * DAY);
    settle(&engine).await;
    assert_eq!(ticks(&real.world), 2);
    // Somebody believes the clock, and it is set right only then.
    assert!(confirm(&engine, real.clock.now_ms()).await);
    assert_eq!(ticks(&real.world), 4);
    real.clock.set(-60 * DAY);
    real.clock.pass(HOUR);
    settle(&engine).await;
    assert_eq!(ticks(&real.world), 4);
    assert!(confirm(&engine, real.clock.now_ms()).await);
    real.clock.pass(HOUR);
    settle(&engine).await;
    assert_eq!(ticks(&real.world), 6, "not in 60 days only");
}

#[tokio::test]
async fn late_timers_fire_ten_a_second() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    for user in 0..35 {
        wait(&engine, &format!("u{user}")).await;
    }
    drop(engine);
    world.clock.skip_to(START + 8 * HOUR);
    let engine = world.engine().await;
    let mut counts = Vec::new();
    while counts.last() != Some(&35) {
        let rest = engine.run(Until::Settled).await.expect("driven");
        counts.push(woken(&engine).await);
        if counts.last() != Some(&35) {
            let next = world.clock.now_ms() + 1_000;
            assert_eq!(rest.next_ms, Some(next), "{counts:?}");
            world.clock.skip_to(next);
        }
    }
    assert_eq!(counts, [10, 20, 30, 35]);
}

#[tokio::test]
async fn a_timer_in_time_fires_beside_late_ones() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    for user in 0..15 {
        wait(&engine, &format!("u{user}")).await;
    }
    world.clock.skip_to(START + 2 * HOUR);
    wait(&engine, "last").await;
    drop(engine);
    // Two hours late, and ten minutes.
    world.clock.skip_to(START + 6 * HOUR + 10 * MINUTE);
    let engine = world.engine().await;
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 11);
}

#[tokio::test]
async fn a_late_timer_looks_whether_the_goal_is_reached() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "u1").await;
    drop(engine);
    world.clock.skip_to(START + 20 * HOUR);
    let fixed = CallOutcome::Done(Value::Bool(true));
    world.fake.next("ask.fixed", Answer::Outcome(fixed));
    let engine = world.engine().await;
    settle(&engine).await;
    let run = runs(&engine).await.remove(0);
    assert_eq!(run.outcome, Some(Outcome::Resolved));
    let story = story(engine.store(), &run.id).await;
    assert!(
        !story.iter().any(|s| s.starts_with("asks people")),
        "{story:?}"
    );
}

#[tokio::test]
async fn approvals_that_are_over_come_before_late_timers_and_late_answers() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "first").await;
    world.clock.skip_to(START + 4 * HOUR);
    settle(&engine).await;
    // It asks until 12 h; eleven others wait until 8 h and longer than that.
    for user in 0..11 {
        wait(&engine, &format!("u{user}")).await;
    }
    let rest = engine.run(Until::Settled).await.expect("driven");
    let approval = rest.approvals.first().expect("one asks").clone();
    drop(engine);
    world.clock.skip_to(START + 13 * HOUR);
    let engine = world.engine().await;
    // Somebody answers before the engine has got round to it.
    let answered = engine.vote(&approval, ANN, true, None).await;
    settle(&engine).await;
    let first = runs(&engine).await.pop().expect("the first");
    let told = story(engine.store(), &first.id).await;
    assert!(
        matches!(first.outcome, Some(Outcome::Rejected { .. })),
        "{answered:?}: {told:?}"
    );
    assert!(world.fake.named("do.wipe").is_empty());
    assert_eq!(woken(&engine).await, 1 + 9, "the tenth was the approval");
}

/// The run of a person, of two.
async fn run_of(engine: &Engine, user: &str) -> RunInfo {
    for info in runs(engine).await {
        let detail = engine.store().run_detail(&info.id).await.expect("readable");
        if format!("{:?}", detail.expect("there").run.threads).contains(user) {
            return info;
        }
    }
    panic!("nobody acts on {user}");
}

async fn told(engine: &Engine, user: &str) -> Vec<String> {
    let run = run_of(engine, user).await;
    story(engine.store(), &run.id).await
}

#[tokio::test]
async fn what_began_by_a_wrong_clock_is_moved_when_the_right_one_is_confirmed() {
    for (there, shown) in [(60 * DAY, "back"), (-60 * DAY, "forward")] {
        let world = World::new(project::respond());
        let engine = world.engine().await;
        wait(&engine, "before").await;
        world.clock.jump(there);
        settle(&engine).await;
        wait(&engine, "u2").await;
        world.clock.skip_to(world.clock.now_ms() + HOUR);
        world.clock.jump(-there);
        settle(&engine).await;
        let word = engine.store().confirm_time(ANN, world.clock.now_ms()).await;
        let word = word.expect("written").expect("it was held");
        let moved = run_of(&engine, "u2").await;
        assert_eq!(word.moved, std::slice::from_ref(&moved.id), "{shown}");
        assert_eq!(word.left, [""; 0]);
        let note = format!("moved by {}", -there);
        let story = told(&engine, "u2").await;
        assert_eq!(story.last(), Some(&note), "{story:?}");
        let detail = engine
            .store()
            .run_detail(&moved.id)
            .await
            .expect("readable");
        assert_eq!(detail.expect("there").run.started_ms, START);
        // It has waited for an hour.
        world.clock.skip_to(START + 4 * HOUR - 1);
        settle(&engine).await;
        assert_eq!(woken(&engine).await, 0, "{shown}");
        world.clock.skip_to(START + 4 * HOUR);
        settle(&engine).await;
        assert_eq!(woken(&engine).await, 2, "{shown}");
        let audit = engine.store().audit(AuditFilter::default()).await;
        let audit = audit.expect("readable").items;
        let record = audit.iter().find(|r| r.action == "run.time_moved");
        let record = record.expect("it is on record");
        assert_eq!(
            (record.actor.as_str(), record.run.as_deref()),
            (ANN, Some(moved.id.as_str()))
        );
        assert_eq!(record.detail["times"][0]["by_ms"], -there);
    }
}

#[tokio::test]
async fn an_approval_that_a_wrong_clock_asked_for_ends_in_its_time() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "u1").await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    // Somebody believes the clock, which is set right when people have been asked.
    assert!(confirm(&engine, world.clock.now_ms()).await);
    let run = run_of(&engine, "u1").await;
    let asked = world.clock.now_ms();
    let until = |engine: &Engine| {
        let (store, run) = (engine.store().clone(), run.id.clone());
        async move {
            let detail = store.run_detail(&run).await.expect("readable");
            let run = detail.expect("there").run;
            run.approvals.values().next().map(|open| open.until_ms)
        }
    };
    let ends = until(&engine).await.expect("it asks");
    world.clock.jump(-60 * DAY);
    settle(&engine).await;
    assert!(confirm(&engine, world.clock.now_ms()).await);
    assert_eq!(until(&engine).await, Some(ends - 60 * DAY));
    // It was moved once.
    world.clock.jump(-HOUR);
    settle(&engine).await;
    assert!(confirm(&engine, world.clock.now_ms()).await);
    let again = until(&engine).await.expect("it asks");
    assert!(
        (ends - 60 * DAY - HOUR..=ends - 60 * DAY).contains(&again),
        "{again}"
    );
    world.clock.skip_to(again);
    settle(&engine).await;
    let run = run_of(&engine, "u1").await;
    assert!(
        matches!(run.outcome, Some(Outcome::Rejected { .. })),
        "asked at {asked}: {:?}",
        run.outcome
    );
}

#[tokio::test]
async fn a_clock_that_is_set_right_while_no_process_works_is_no_matter() {
    let real = Real::new(project::respond());
    let engine = real.engine().await;
    wait(&engine, "before").await;
    real.clock.set(60 * DAY);
    settle(&engine).await;
    wait(&engine, "u2").await;
    drop(engine);
    real.clock.set(-60 * DAY);
    let engine = real.engine().await;
    settle(&engine).await;
    let said = "the clock was set, and set back again";
    assert_eq!(held(&engine).await.as_deref(), Some(said));
    assert!(confirm(&engine, real.clock.now_ms()).await);
    real.clock.pass(4 * HOUR);
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 2);
}

#[tokio::test]
async fn a_run_that_cannot_be_read_is_named_when_the_clock_is_confirmed() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    wait(&engine, "before").await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    wait(&engine, "u2").await;
    let run = run_of(&engine, "u2").await.id;
    let db = rusqlite::Connection::open(world.path()).expect("a database");
    db.execute("UPDATE runs SET state = '{}' WHERE id = ?1", [&run])
        .expect("written");
    world.clock.jump(-60 * DAY);
    let word = engine.store().confirm_time(ANN, world.clock.now_ms()).await;
    let word = word.expect("written").expect("it was held");
    assert_eq!((word.moved.len(), word.left), (0, vec![run]));
}

#[tokio::test]
async fn looks_in_between_are_not_silent_until_a_wrong_time() {
    let mut program = project::respond();
    let respond = program.playbooks.get_mut("respond").expect("there");
    respond.checking_every_ms = Some(HOUR);
    let world = World::new(program);
    let engine = world.engine().await;
    wait(&engine, "before").await;
    world.clock.jump(60 * DAY);
    settle(&engine).await;
    wait(&engine, "u2").await;
    world.clock.jump(-60 * DAY);
    settle(&engine).await;
    assert!(confirm(&engine, world.clock.now_ms()).await);
    let db = rusqlite::Connection::open(world.path()).expect("a database");
    let last = "SELECT max(at_ms) FROM timers";
    let last: i64 = db.query_row(last, [], |row| row.get(0)).expect("they wait");
    assert_eq!(last, START + HOUR, "each looks every hour");
    for hour in 1..4 {
        world.clock.skip_to(START + hour * HOUR);
        settle(&engine).await;
    }
    assert_eq!(woken(&engine).await, 0);
    world.clock.skip_to(START + 4 * HOUR);
    settle(&engine).await;
    assert_eq!(woken(&engine).await, 2);
}
