//! A run of the engine is played again with other programs.

mod support;

use counterplay_machine::Program;
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::NodeKind;
use counterplay_machine::types::Type;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::simulate::Answers;
use counterplay_runtime::simulate::replay::{In, Replay, Replayed, replay};
use counterplay_runtime::store::{RunDetail, RunFilter};
use support::project;
use support::{HOUR, START, World, alert, deployment};

async fn detail(engine: &Engine) -> RunDetail {
    let runs = engine.store().runs(RunFilter::default()).await;
    let id = runs.expect("readable").remove(0).id;
    let detail = engine.store().run_detail(&id).await;
    detail.expect("readable").expect("the run")
}

fn play(run: &RunDetail, program: &Program, answers: &Answers) -> Replay {
    let replayed = Replayed {
        run: &run.run,
        journal: &run.journal,
        program: &run.program,
    };
    let played = replay(&replayed, program, "respond", &deployment(), answers);
    played.expect("it can be played")
}

/// `respond`, whose question is answered by yes or no.
fn response() -> Program {
    let mut program = project::respond();
    let fixed = program.callables.get_mut("ask.fixed").expect("there");
    fixed.returns_ty = Type::Bool;
    program
}

/// `respond` with another wait before it looks whether the account is fixed.
fn waiting(hours: i64) -> Program {
    let mut program = response();
    let respond = program.playbooks.get_mut("respond").expect("there");
    for node in respond.graph.node_weights_mut() {
        if let NodeKind::Wait { duration } = &mut node.kind {
            *duration = Expr::Const(Value::Duration(hours * HOUR));
        }
    }
    program
}

#[tokio::test]
async fn an_event_with_fetched_fields_timers_and_silence() {
    let world = World::new(response());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");

    // It waits: so far both are the same, and later than now nothing is known.
    let open = detail(&engine).await;
    let played = play(&open, &response(), &Answers::new());
    assert!(played.same, "{played:#?}");
    let stopped = played.stopped.expect("it is open");
    assert_eq!(stopped, "the run is open and has come no further");

    // Nobody answers the approval; the timer of the wait comes late.
    world.clock.skip_to(START + 4 * HOUR + 700);
    engine.run(Until::Settled).await.expect("driven");
    world.clock.skip_to(START + 13 * HOUR);
    engine.run(Until::AllEnded).await.expect("driven");
    let run = detail(&engine).await;
    let calls = world.fake.calls();
    let played = play(&run, &response(), &Answers::new());
    assert!(played.same && played.stopped.is_none(), "{played:#?}");
    assert!(played.steps.iter().all(|step| step.within == In::Both));

    let longer = play(&run, &waiting(8), &Answers::new());
    assert_eq!(
        longer.first_difference.as_deref(),
        Some("at +0s the run waits 4h, and the other version waits 8h")
    );

    let mut strict = response();
    let respond = strict.playbooks.get_mut("respond").expect("there");
    let not = Expr::Not(Box::new(respond.conditions[1].expr.clone()));
    respond.conditions[1] = project::condition(not, true, "not alert.owner.enabled");
    let none = play(&run, &strict, &Answers::new());
    assert_eq!(
        none.first_difference.as_deref(),
        Some(
            "the run started, and the other version would not: `not alert.owner.enabled` does not hold"
        )
    );

    let mut gone = response();
    let respond = gone.playbooks.get_mut("respond").expect("there");
    respond.graph = project::short_graph("do.block", &project::owner());
    let short = play(&run, &gone, &Answers::new());
    assert!(!short.same && short.stopped.is_none());
    let kept = short.steps.iter().filter(|s| s.within == In::Both).count();
    let others = short.steps.iter().filter(|s| s.within == In::Run).count();
    assert!(kept >= 1 && others > 3, "{short:#?}");
    assert_eq!(world.fake.calls(), calls, "nothing was asked");
}
