//! Tenants in, one of them a hundred times as loud as the others: whose turn it is, and who is refused.

mod support;

use counterplay_runtime::engine::{RETRY_AFTER_S, Refusal, Until};
use counterplay_runtime::store::Store;
use support::{World, alert, project};

const LOUD: usize = 200;
const QUIET: usize = 3;

fn of(tenant: &str, user: &str) -> counterplay_runtime::engine::Incoming {
    let mut event = alert(5, user);
    event.tenant = tenant.into();
    event
}

#[tokio::test]
async fn a_quiet_tenant_does_not_wait_behind_a_loud_one() {
    let world = World::new(project::respond());
    let store = Store::open(world.path()).expect("a store");
    let mut options = world.options(store);
    options.calls_max = 4;
    let engine = counterplay_runtime::engine::Engine::open(options)
        .await
        .expect("an engine");
    for n in 0..LOUD {
        let event = of("acme", &format!("u{n}"));
        engine.accept(event).await.expect("accepted");
    }
    for n in 0..QUIET {
        let event = of("birch", &format!("quiet{n}"));
        engine.accept(event).await.expect("accepted");
    }
    engine.run(Until::Asked).await.expect("driven");

    // The first action of each run; later ones wait for times and people.
    let first: Vec<String> = world
        .fake
        .named("do.block")
        .into_iter()
        .map(|c| c.tenant)
        .collect();
    assert_eq!(first.len(), LOUD + QUIET);
    let last_quiet = first.iter().rposition(|t| t == "birch").expect("there");
    let loud_before = last_quiet + 1 - QUIET;
    // Its turn comes with every other one, give or take what was under way before it came.
    assert!(
        loud_before < LOUD / 4,
        "{loud_before} of the loud tenant came before the last of {QUIET} of the quiet one"
    );
}

#[tokio::test]
async fn more_than_there_is_room_for_is_refused_for_that_tenant_alone() {
    let world = World::new(project::respond());
    let store = Store::open(world.path()).expect("a store");
    let mut options = world.options(store);
    options.backlog_max = 5;
    let engine = counterplay_runtime::engine::Engine::open(options)
        .await
        .expect("an engine");
    for n in 0..5 {
        let event = of("acme", &format!("u{n}"));
        engine.accept(event).await.expect("accepted");
    }
    let refused = engine.accept(of("acme", "one too many")).await;
    let refused = refused.expect_err("no room");
    assert!(matches!(refused, Refusal::Busy { .. }), "{refused}");
    assert!(refused.is_passing());
    assert!(
        refused
            .to_string()
            .contains(&format!("again in {RETRY_AFTER_S} seconds")),
        "{refused}"
    );
    engine.accept(of("birch", "u1")).await.expect("accepted");

    engine.run(Until::Asked).await.expect("driven");
    engine
        .accept(of("acme", "there is room again"))
        .await
        .expect("accepted");
    let runs = engine.store().runs(Default::default()).await;
    assert_eq!(runs.expect("readable").len(), 6, "nothing was lost");
}
