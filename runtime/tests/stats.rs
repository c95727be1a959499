//! Counts for people: what happened by the hour, what is open, how a playbook does.

mod support;

use counterplay_machine::deployment::Mode;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, Incoming, Until};
use counterplay_runtime::store::{Hour, OpenCounts, StatsFilter, Store, Tally};
use std::collections::BTreeMap;
use support::connector::Answer;
use support::{HOUR, START, World, alert, project};

fn span() -> StatsFilter {
    StatsFilter {
        from_ms: START,
        to_ms: START + 24 * HOUR,
        ..StatsFilter::default()
    }
}

fn only(tenant: &str) -> Option<Vec<String>> {
    Some(vec![tenant.to_owned()])
}

fn counts(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect()
}

/// In `acme` one run completes after four hours and one fails at once; in `birch` one waits.
async fn some_hours() -> (World, Engine) {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let failed = CallOutcome::Failed {
        reason: "no".into(),
    };
    world.fake.next("do.block", Answer::Outcome(failed));
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    engine.run(Until::Asked).await.expect("driven");
    let asked = engine
        .store()
        .approvals()
        .await
        .expect("readable")
        .remove(0);
    engine
        .vote(&asked.id, "ann@soc.example", true, None)
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    let elsewhere = Incoming {
        tenant: "birch".into(),
        ..alert(5, "u1")
    };
    engine.accept(elsewhere).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    (world, engine)
}

#[tokio::test]
async fn what_happens_is_counted_by_the_hour_and_tenant() {
    let (_world, engine) = some_hours().await;
    let store = engine.store();
    let acme = StatsFilter {
        tenants: only("acme"),
        ..span()
    };
    let hours = store.hours(acme.clone()).await.expect("readable");
    assert_eq!(
        hours,
        [
            Hour {
                hour_ms: START,
                tally: Tally {
                    started: 2,
                    ended: counts(&[("failed", 1)]),
                    performed: counts(&[("notify", 2), ("reversible", 2)]),
                    failed: counts(&[("reversible", 1)]),
                },
            },
            Hour {
                hour_ms: START + 4 * HOUR,
                tally: Tally {
                    started: 0,
                    ended: counts(&[("completed", 1)]),
                    performed: counts(&[("destructive", 1)]),
                    failed: counts(&[]),
                },
            },
        ]
    );
    let mut sum = Tally::default();
    hours.iter().for_each(|h| sum.add(&h.tally));
    let tally = store.tally(acme.clone()).await.expect("readable");
    assert_eq!(tally, sum);
    assert_eq!(tally.success_rate(), Some(0.5));
    assert_eq!(Tally::default().success_rate(), None);

    let all = store.tally(span()).await.expect("readable");
    assert_eq!(all.started, 3);
    let none = StatsFilter {
        tenants: Some(Vec::new()),
        ..span()
    };
    assert_eq!(store.hours(none).await.expect("readable"), []);
    let first_hours = StatsFilter {
        // The hour that a time lies in counts whole.
        from_ms: START + 1,
        to_ms: START + 4 * HOUR,
        ..acme
    };
    let some = store.hours(first_hours).await.expect("readable");
    assert_eq!(some.len(), 1);
}

#[tokio::test]
async fn open_runs_are_counted_by_what_they_do() {
    let (world, engine) = some_hours().await;
    let unknown = CallOutcome::Unknown {
        reason: "gone".into(),
    };
    world.fake.next("do.ticket", Answer::Outcome(unknown));
    engine.accept(alert(5, "u7")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let store = engine.store();
    let open = |tenants| async move { store.open_counts(tenants).await.expect("readable") };
    let waiting = OpenCounts {
        waiting: 1,
        ..OpenCounts::default()
    };
    assert_eq!(open(only("birch")).await, waiting);
    let held = OpenCounts {
        held: 1,
        ..OpenCounts::default()
    };
    assert_eq!(open(only("acme")).await, held);
    assert_eq!(open(None).await, OpenCounts { held: 1, ..waiting });
    assert_eq!(open(Some(Vec::new())).await, OpenCounts::default());
}

#[tokio::test]
async fn playbooks_are_summed_up_with_their_last_run() {
    let (_world, engine) = some_hours().await;
    let store = engine.store();
    let all = store.playbook_stats(span()).await.expect("readable");
    assert_eq!(all.len(), 1);
    assert_eq!((&*all[0].playbook, all[0].tally.started), ("respond", 3));
    let last = all[0].last.as_ref().expect("ran");
    assert_eq!(last.tenant, "birch");
    let acme = StatsFilter {
        tenants: only("acme"),
        ..span()
    };
    let acme = store.playbook_stats(acme).await.expect("readable");
    let last = acme[0].last.as_ref().expect("ran");
    assert_eq!((acme[0].tally.started, &*last.tenant), (2, "acme"));
    // Long after, there is still a latest run.
    let later = StatsFilter {
        from_ms: START + 1_000 * HOUR,
        to_ms: START + 2_000 * HOUR,
        playbook: Some("respond".into()),
        ..StatsFilter::default()
    };
    let later = store.playbook_stats(later).await.expect("readable");
    assert_eq!(
        (&later[0].tally, later[0].last.is_some()),
        (&Tally::default(), true)
    );
    for nothing in [
        StatsFilter {
            tenants: only("nobody"),
            ..span()
        },
        StatsFilter {
            playbook: Some("other".into()),
            ..span()
        },
    ] {
        assert_eq!(store.playbook_stats(nothing).await.expect("readable"), []);
    }
}

#[tokio::test]
async fn simulated_runs_are_counted_apart() {
    let mut program = project::respond();
    program
        .playbooks
        .values_mut()
        .for_each(|p| p.mode = Mode::Simulate);
    let world = World::new(program);
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let store: &Store = engine.store();
    assert_eq!(world.clock.now_ms(), START);
    for (simulated, started) in [(Some(true), 1), (Some(false), 0), (None, 1)] {
        let filter = StatsFilter {
            simulated,
            ..span()
        };
        assert_eq!(
            store.tally(filter).await.expect("readable").started,
            started
        );
    }
}

#[tokio::test]
async fn every_playbook_that_ran_is_found_once() {
    let mut program = project::respond();
    for id in ["a", "s", "zz"] {
        let mut twin = program.playbooks["respond"].clone();
        twin.id = id.into();
        program.playbooks.insert(twin.id.clone(), twin);
    }
    let world = World::new(program);
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let all = engine
        .store()
        .playbook_stats(span())
        .await
        .expect("readable");
    let told: Vec<(&str, i64)> = all
        .iter()
        .map(|p| (p.playbook.as_str(), p.tally.started))
        .collect();
    assert_eq!(told, [("a", 1), ("respond", 1), ("s", 1), ("zz", 1)]);
}
