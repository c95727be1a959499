//! A person is forgotten: what finished runs kept about them is gone from the file's bytes, the chains stay whole.

mod support;

use counterplay_runtime::engine::{Engine, Until};
use counterplay_runtime::store::{AuditFilter, Erasure, NewAudit, RunFilter, Store, StoreError};
use rusqlite::Connection;
use serde_json::json;
use sha2::Digest;
use std::path::Path;
use support::{World, alert, project};

/// All bytes that the store has on the disk.
fn bytes(store: &Path) -> Vec<u8> {
    ["", "-wal", "-shm"]
        .iter()
        .flat_map(|end| {
            let mut name = store.as_os_str().to_owned();
            name.push(end);
            std::fs::read(name).unwrap_or_default()
        })
        .collect()
}

fn holds(store: &Path, what: &str) -> bool {
    let what = what.to_lowercase();
    let all = bytes(store).to_ascii_lowercase();
    all.windows(what.len()).any(|w| w == what.as_bytes())
}

fn whom(names: &[&str]) -> Erasure {
    Erasure {
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        tenants: None,
    }
}

/// A run about one user and one about another, until both have asked people.
async fn asked(engine: &Engine, users: [&str; 2]) {
    for user in users {
        engine.accept(alert(5, user)).await.expect("accepted");
    }
    engine.run(Until::Asked).await.expect("driven");
}

/// Both to their ends.
async fn ended(engine: &Engine) {
    asked(engine, ["gone-user", "other-user"]).await;
    for open in engine.store().approvals().await.expect("readable") {
        let comment = Some(format!("I know {:?}, let us do it", open.open.about));
        engine
            .vote(&open.run, "ann@soc.example", true, comment)
            .await
            .expect("taken");
    }
    engine.run(Until::AllEnded).await.expect("driven");
}

async fn whole(store: &Store) -> i64 {
    let reports = store.verify_audit(None).await.expect("readable");
    for report in &reports {
        assert_eq!(report.first_broken, None, "{}", report.tenant);
    }
    reports.iter().map(|r| r.erased).sum()
}

#[tokio::test]
async fn a_person_is_gone_from_the_file_and_the_chain_is_whole() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    ended(&engine).await;
    let store = engine.store();
    let path = world.path();
    assert!(holds(&path, "gone-user"));
    let found = store
        .find_person(whom(&["Gone-User"]))
        .await
        .expect("found");
    assert!(found.open_runs.is_empty() && found.waiting == 0);
    assert_eq!(found.runs.len(), 1, "{found:?}");
    assert!(found.records() > 3, "{found:?}");
    for table in ["events", "journal", "runs"] {
        assert!(found.rows.contains_key(table), "{found:?}");
    }
    // Looking changes nothing.
    assert_eq!(whole(store).await, 0);
    let records = found.records();
    let run = found.runs.first().cloned().expect("a run");
    let done = store
        .erase(found, "dpo@msp.example", support::START)
        .await
        .expect("erased");
    assert_eq!((done.records, done.scrubbed), (records, true));

    assert!(!holds(&path, "gone-user"), "in the file's bytes");
    assert!(holds(&path, "other-user"), "others stay");
    assert_eq!(whole(store).await, records as i64);
    // The run can be looked at still, and says what it did.
    let detail = store
        .run_detail(&run)
        .await
        .expect("readable")
        .expect("there");
    assert!(detail.journal.len() > 10 && detail.run.outcome.is_some());
    assert!(!format!("{detail:?}").to_lowercase().contains("gone-user"));
    let last = store.audit(AuditFilter::default()).await.expect("readable");
    let last = &last.items[0];
    assert_eq!(
        (&*last.action, &*last.actor),
        ("audit.erased", "dpo@msp.example")
    );
    assert!(!last.text.as_deref().unwrap_or_default().contains("gone"));
    assert!(
        last.detail["records"].is_array() && last.detail["rows"].as_i64() > Some(2),
        "{last:?}"
    );
    let again = store
        .find_person(whom(&["gone-user"]))
        .await
        .expect("found");
    assert!(again.is_empty(), "{again:?}");
    // The engine goes on, and after a restart too.
    asked(&engine, ["third-user", "fourth-user"]).await;
    drop(engine);
    let store = Store::open(&path).expect("opened");
    assert_eq!(whole(&store).await, records as i64);
}

#[tokio::test]
async fn a_text_that_is_taken_away_without_an_erasure_breaks_the_chain() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    ended(&engine).await;
    let store = engine.store();
    let found = store
        .find_person(whom(&["gone-user"]))
        .await
        .expect("found");
    store
        .erase(found, "dpo@msp.example", support::START)
        .await
        .expect("erased");
    let db = Connection::open(world.path()).expect("a database");
    db.execute(
        "DELETE FROM audit_payloads WHERE num = (SELECT max(num) FROM audit WHERE action = 'approval.voted')",
        [],
    )
    .expect("taken");
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    let broken = report.first_broken.expect("it shows");
    assert_eq!(
        broken.why,
        "its text is missing, and no erasure is recorded"
    );
    // And an erased record can be neither moved nor taken out.
    db.execute("DELETE FROM audit WHERE tenant = 'acme' AND seq = 2", [])
        .expect("taken");
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    assert_eq!(report.first_broken.expect("it shows").seq, 2);
}

#[tokio::test]
async fn open_runs_are_named_and_not_touched() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    asked(&engine, ["gone-user", "other-user"]).await;
    engine
        .accept(alert(5, "gone-user"))
        .await
        .expect("accepted");
    let store = engine.store();
    let found = store
        .find_person(whom(&["gone-user"]))
        .await
        .expect("found");
    let open = store
        .runs(RunFilter {
            open: true,
            ..RunFilter::default()
        })
        .await
        .expect("readable");
    let open: Vec<String> = open.into_iter().map(|r| r.id).collect();
    assert_eq!(open.len(), 2);
    assert_eq!(found.open_runs.len(), 1);
    let open = open.into_iter().find(|id| found.open_runs.contains(id));
    let open = open.expect("it is open");
    assert_eq!(found.waiting, 1);
    assert!(found.records_of_open_runs > 0);
    store
        .erase(found, "dpo@msp.example", support::START)
        .await
        .expect("erased");
    let detail = store.run_detail(&open).await.expect("readable");
    assert!(format!("{detail:?}").contains("gone-user"), "it is needed");
    engine
        .cancel(&open, "ann@soc.example")
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");
}

#[tokio::test]
async fn whoever_acted_can_be_erased_too_and_erasures_of_erasers_account_for_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path).expect("made");
    for i in 0..9 {
        let new = NewAudit {
            at_ms: i,
            tenant: ["acme", "birch", ""][i as usize % 3].into(),
            actor: if i < 3 { "Eve@soc.example" } else { "engine" }.into(),
            action: "login.succeeded".into(),
            run: None,
            object: Some(format!("person-{i}")),
            detail: json!({ "told": if i == 8 { "eve@soc.example (Eve Poe)" } else { "-" } }),
        };
        store
            .write(move |tx| tx.add_audit(&new))
            .await
            .expect("added");
    }
    let short = store.find_person(whom(&["ev"])).await.expect_err("short");
    assert!(matches!(short, StoreError::NotFound(_)), "{short}");
    let only_birch = Erasure {
        tenants: Some(vec!["birch".into()]),
        ..whom(&["eve@soc.example"])
    };
    let found = store.find_person(only_birch).await.expect("found");
    assert_eq!(found.records(), 1);
    let found = store
        .find_person(whom(&["eve@soc.example"]))
        .await
        .expect("found");
    assert_eq!(found.records(), 4);
    store
        .erase(found, "dpo@msp.example", 20)
        .await
        .expect("erased");
    assert!(!holds(&path, "eve@soc.example"));
    assert_eq!(whole(&store).await, 4);
    let told = async |name: &str, tenants: Option<&str>| {
        let whom = Erasure {
            tenants: tenants.map(|t| vec![t.to_owned()]),
            ..whom(&[name])
        };
        let told = store.erasures_of(whom).await.expect("readable");
        told.into_iter()
            .map(|r| (r.tenant, r.seq, r.at_ms, r.by))
            .collect::<Vec<_>>()
    };
    let dpo = || Some("dpo@msp.example".to_owned());
    assert_eq!(
        told("EVE@soc.example ", None).await,
        ["", "acme", "birch"].map(|tenant| (tenant.to_owned(), 4, 20, dpo()))
    );
    assert_eq!(told("eve@soc.example", Some("acme")).await.len(), 1);
    assert!(told("eva@soc.example", None).await.is_empty());
    // The one who erased is erased, with their records of erasures.
    let found = store
        .find_person(whom(&["dpo@msp.example"]))
        .await
        .expect("found");
    assert_eq!(found.records(), 3);
    store
        .erase(found, "other@msp.example", 30)
        .await
        .expect("erased");
    assert!(!holds(&path, "dpo@msp.example"));
    assert_eq!(whole(&store).await, 7);
    // That the first one was erased is known still, and when; by whom is not.
    assert_eq!(
        told("eve@soc.example", None).await,
        ["", "acme", "birch"].map(|tenant| (tenant.to_owned(), 5, 20, None))
    );
    let by = Some("other@msp.example".to_owned());
    assert_eq!(
        told("dpo@msp.example", Some("acme")).await,
        [("acme".to_owned(), 5, 30, by)]
    );
}

/// The first record that is not whole, and why.
async fn first_broken(store: &Store) -> Option<(i64, String)> {
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    report.first_broken.map(|broken| (broken.seq, broken.why))
}

#[tokio::test]
async fn what_an_erasure_leaves_of_a_record_cannot_be_changed_unseen() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    ended(&engine).await;
    let store = engine.store();
    let found = store.find_person(whom(&["gone-user"])).await;
    store
        .erase(found.expect("found"), "dpo@msp.example", support::START)
        .await
        .expect("erased");
    assert_eq!(first_broken(store).await, None);
    let db = Connection::open(world.path()).expect("a database");
    let erased: (i64, i64) = db
        .query_row(
            "SELECT num, seq FROM audit WHERE action = 'action.intended' \
             AND NOT EXISTS (SELECT 1 FROM audit_payloads p WHERE p.num = audit.num)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("an erased record");
    for change in [
        "action = 'action.failed'",
        "at_ms = at_ms - 2592000000",
        "run = 'r-20200101-zzzzzz'",
        "run = NULL",
        "actor = 'mallory@msp.example'",
    ] {
        let transaction = format!(
            "CREATE TEMP TABLE was AS SELECT action, at_ms, run, actor FROM audit WHERE num = {num}; \
             UPDATE audit SET {change} WHERE num = {num}",
            num = erased.0
        );
        db.execute_batch(&transaction).expect("changed");
        let why = "what its erasure left of it was changed".to_owned();
        assert_eq!(
            first_broken(store).await,
            Some((erased.1, why)),
            "after {change}"
        );
        let back = format!(
            "UPDATE audit SET (action, at_ms, run, actor) = (SELECT * FROM was) WHERE num = {}; DROP TABLE was",
            erased.0
        );
        db.execute_batch(&back).expect("undone");
        assert_eq!(first_broken(store).await, None, "{change} is undone");
    }
    // The links are no secret: who changes a digest may compute all that follow. The seal holds the digest, too.
    let mut chain: Vec<(i64, String, String)> = db
        .prepare("SELECT num, digest, link FROM audit WHERE tenant = 'acme' ORDER BY seq")
        .and_then(|mut ask| {
            ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .expect("readable");
    let at = usize::try_from(erased.1 - 1).expect("a place");
    chain[at].1 = "00".repeat(32);
    for i in at..chain.len() {
        let mut hasher = sha2::Sha256::new();
        for part in [&chain[i - 1].2, &chain[i].1] {
            hasher.update(unhex(part));
        }
        let link = hasher.finalize();
        chain[i].2 = link.iter().map(|byte| format!("{byte:02x}")).collect();
        db.execute(
            "UPDATE audit SET digest = ?2, link = ?3 WHERE num = ?1",
            rusqlite::params![chain[i].0, chain[i].1, chain[i].2],
        )
        .expect("changed");
    }
    let last = &chain.last().expect("records").2;
    db.execute(
        "UPDATE audit_heads SET link = ?1 WHERE tenant = 'acme'",
        [last],
    )
    .expect("changed");
    let (seq, _) = first_broken(store).await.expect("it shows");
    assert_eq!(seq, erased.1);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal"))
        .collect()
}

#[tokio::test]
async fn an_erasure_makes_nothing_whole_that_was_not() {
    let changed = "what its erasure left of it was changed";
    let unread = "its text could not be read any more when it was erased";
    for (change, why) in [
        ("UPDATE audit SET at_ms = 77 WHERE seq = 2", changed),
        (
            "UPDATE audit_payloads SET sealed = zeroblob(80) WHERE num = 2",
            unread,
        ),
        ("DELETE FROM audit_payloads WHERE num = 2", unread),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open(&path).expect("made");
        for i in 0..3 {
            add(
                &store,
                i,
                "login.succeeded",
                json!({ "of": "eve@soc.example" }),
            )
            .await;
        }
        let db = Connection::open(&path).expect("a database");
        db.execute(change, []).expect("changed");
        assert_eq!(first_broken(&store).await.map(|b| b.0), Some(2), "{change}");
        db.execute(
            "UPDATE audit SET actor = 'eve@soc.example' WHERE seq = 2",
            [],
        )
        .expect("changed");
        let found = store.find_person(whom(&["eve@soc.example"])).await;
        let found = found.expect("found");
        assert_eq!(found.records(), 3);
        store
            .erase(found, "dpo@msp.example", 20)
            .await
            .expect("erased");
        assert_eq!(
            first_broken(&store).await,
            Some((2, why.to_owned())),
            "{change}"
        );
    }
}

/// Adds a record of the installation.
async fn add(store: &Store, at_ms: i64, action: &str, detail: serde_json::Value) {
    let new = NewAudit {
        at_ms,
        tenant: String::new(),
        actor: "engine".into(),
        action: action.into(),
        run: None,
        object: None,
        detail,
    };
    store
        .write(move |tx| tx.add_audit(&new))
        .await
        .expect("added");
}

#[tokio::test]
async fn what_was_erased_before_seals_were_kept_verifies_and_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path).expect("made");
    for i in 0..3 {
        add(&store, i, "login.succeeded", json!({})).await;
    }
    // As it was recorded before.
    let detail = json!({ "person": ["00"], "records": [[1, 2]], "rows": 0 });
    add(&store, 3, "audit.erased", detail).await;
    let db = Connection::open(&path).expect("a database");
    db.execute_batch(
        "DELETE FROM audit_payloads WHERE num < 3; UPDATE audit SET actor = '[erased]' WHERE num < 3",
    )
    .expect("erased");
    let told = |report: counterplay_runtime::store::ChainReport| {
        assert_eq!(report.first_broken, None);
        (report.erased, report.erased_unsealed)
    };
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    assert_eq!(told(report), (2, 2));
    // Where the record of that erasure is erased itself, what it accounted for stays accounted for.
    let found = store.find_person(whom(&["engine"])).await.expect("found");
    assert_eq!(found.records(), 2);
    store
        .erase(found, "dpo@msp.example", 20)
        .await
        .expect("erased");
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    assert_eq!(told(report), (4, 2));
    // Its actor is known to be gone, whatever erased it.
    db.execute("UPDATE audit SET actor = 'mallory' WHERE seq = 1", [])
        .expect("changed");
    assert_eq!(first_broken(&store).await.expect("it shows").0, 1);
}
