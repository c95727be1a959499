//! Open runs whose program or state cannot be read, whatever is in their rows: found, and ended without reading them.

mod support;

use counterplay_runtime::engine::Until;
use counterplay_runtime::store::{Became, Leave, LeaveRefused, RunFilter, Store};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use support::{START, World, alert, project};

const ANN: &str = "ann@soc.example";

fn leave(run: &str, anew: bool) -> Leave {
    Leave {
        run: run.to_owned(),
        by: ANN.into(),
        because: "the version before is back".into(),
        anew,
    }
}

#[tokio::test]
async fn whatever_is_in_the_rows_a_run_is_found_and_ended() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    for user in ["u1", "u2", "u3"] {
        engine.accept(alert(5, user)).await.expect("accepted");
    }
    engine.run(Until::Settled).await.expect("driven");
    let open = RunFilter {
        open: true,
        ..RunFilter::default()
    };
    let mut runs: Vec<String> = Vec::new();
    for run in engine.store().runs(open).await.expect("readable") {
        runs.push(run.id);
    }
    runs.sort();
    assert_eq!(runs.len(), 3, "they wait");
    assert!(
        engine
            .store()
            .unreadable_runs()
            .await
            .expect("readable")
            .is_empty()
    );
    let readable = engine.store().leave(leave(&runs[0], false), START).await;
    assert_eq!(readable, Err(LeaveRefused::Readable(runs[0].clone())));
    drop(engine);

    let db = Connection::open(world.path()).expect("a database");
    db.execute_batch(&format!(
        "INSERT INTO programs (num, hash, format, json, stored_ms) VALUES (77, '{}', 1, '{{\"strange\": 1}}', 0);
         UPDATE runs SET program = 77 WHERE id = '{}';
         UPDATE runs SET state = '{{\"strange\": 1}}' WHERE id = '{}';
         UPDATE runs SET state = json_set(state, '$.status', 'dreaming', '$.tenant', 7) WHERE id = '{}';
         DELETE FROM event_runs WHERE run = (SELECT num FROM runs WHERE id = '{}');
         INSERT INTO journal (run, seq, entry) SELECT num, entries + 1, '{{\"what\": {{\"kind\": \"dreamt\"}}}}' FROM runs;
         UPDATE runs SET entries = entries + 1;",
        hash("{\"strange\": 1}"),
        runs[0],
        runs[1],
        runs[2],
        runs[2]
    ))
    .expect("changed");
    db.close().expect("closed");

    let store = Store::attach(world.path()).expect("a store");
    let found = store.unreadable_runs().await.expect("readable");
    let mut ids: Vec<String> = found.into_iter().map(|run| run.info.id).collect();
    ids.sort();
    assert_eq!(ids, runs);
    let acts = store.acts(&runs[0]).await.expect("readable");
    assert!(
        !acts.is_empty() && acts.iter().all(|act| act.became == Became::Performed),
        "{acts:?}"
    );

    let gone = store.leave(leave(&runs[2], true), START).await;
    assert_eq!(gone, Err(LeaveRefused::NoCause(runs[2].clone())));
    for (run, anew) in [(&runs[0], true), (&runs[1], false), (&runs[2], false)] {
        let left = store.leave(leave(run, anew), START).await.expect("left");
        assert_eq!(left.event.is_some(), anew);
        let again = store.leave(leave(run, anew), START).await;
        assert_eq!(again, Err(LeaveRefused::Ended(run.clone())));
    }
    let nobody = store.leave(leave("r-none", false), START).await;
    assert_eq!(nobody, Err(LeaveRefused::NoRun("r-none".into())));
    assert!(store.unreadable_runs().await.expect("readable").is_empty());
    for chain in store.verify_audit(None).await.expect("readable") {
        assert!(chain.first_broken.is_none(), "{chain:?}");
    }
    drop(store);

    // The engine works on the store again, and one run has begun anew.
    let engine = world.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let open = RunFilter {
        open: true,
        ..RunFilter::default()
    };
    let begun = engine.store().runs(open).await.expect("readable");
    assert_eq!(begun.len(), 1);
    assert!(!runs.contains(&begun[0].id));
}

/// What a program's text lies under.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
