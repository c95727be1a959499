//! Every deed leaves a record in its tenant's chain, and what was done to a chain shows.

mod support;

use counterplay_machine::Value;
use counterplay_machine::deployment::Mode;
use counterplay_machine::value::SecretSource;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::connect::MasterKey;
use counterplay_runtime::engine::{Engine, Incoming, Until};
use counterplay_runtime::store::{
    AuditFilter, AuditRecord, ChainReport, NewAudit, Salts, Store, StoreError, StoreOptions,
};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use support::connector::Answer;
use support::{HOUR, World, alert, object, project};

async fn records(store: &Store, filter: AuditFilter) -> Vec<AuditRecord> {
    let mut items = store.audit(filter).await.expect("readable").items;
    items.reverse();
    items
}

fn brief(record: &AuditRecord) -> String {
    format!("{}: {}", record.actor, record.action)
}

/// A run that asks people, and its approval's id.
async fn asked(engine: &Engine) -> (String, String) {
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Asked).await.expect("driven");
    let open = engine
        .store()
        .approvals()
        .await
        .expect("readable")
        .remove(0);
    (open.run, open.id)
}

#[tokio::test]
async fn a_run_is_recorded_from_its_start_to_its_end() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    let (run, approval) = asked(&engine).await;
    let refused = engine.vote(&run, "eve@evil.example", true, None).await;
    refused.expect_err("not asked");
    engine
        .vote(&run, "ann@soc.example", true, Some("go".into()))
        .await
        .expect("taken");
    // Taken as well, since the engine has not counted the first one; then it does not count.
    engine
        .vote(&run, "ANN@soc.example", false, None)
        .await
        .expect("taken");
    engine.run(Until::AllEnded).await.expect("driven");
    let late = engine.vote(&approval, "bob@soc.example", true, None).await;
    late.expect_err("too late");

    let of_run = AuditFilter {
        run: Some(run.clone()),
        ..AuditFilter::default()
    };
    let all = records(engine.store(), of_run).await;
    let told: Vec<String> = all.iter().map(brief).collect();
    assert_eq!(
        told,
        [
            "engine: run.started",
            "engine: action.intended",
            "engine: action.performed",
            "engine: action.intended",
            "engine: action.performed",
            "engine: action.intended",
            "engine: action.performed",
            "engine: approval.asked",
            "eve@evil.example: approval.vote_refused",
            "ann@soc.example: approval.voted",
            "engine: approval.decided",
            "engine: action.intended",
            "ANN@soc.example: approval.vote_refused",
            "engine: action.performed",
            "engine: run.ended",
            "bob@soc.example: approval.vote_refused",
        ]
    );
    assert!(all.iter().all(|r| r.tenant == "acme"));
    assert!(all.iter().enumerate().all(|(i, r)| r.seq == i as i64 + 1));
    for i in [7, 9, 10] {
        assert_eq!(all[i].object.as_deref(), Some(&*approval), "{:?}", all[i]);
    }
    assert_eq!(all[9].detail["comment"], "go");
    assert_eq!(all[11].object.as_deref(), Some("do.wipe"));
    assert_eq!(all[11].detail["impact"], "destructive");
    assert_eq!(all[11].detail["authority"], "approved by ann@soc.example");
    assert!(all[11].detail["args"].is_object() || all[11].detail["args"].is_array());
    assert!(all.iter().all(|r| r.detail.get("simulated").is_none()));

    let only = |filter: AuditFilter| records(engine.store(), filter);
    let ann = only(AuditFilter {
        actor: Some("ann@soc.example".into()),
        ..AuditFilter::default()
    });
    assert_eq!(ann.await.len(), 2);
    let approvals = only(AuditFilter {
        action: Some("approval".into()),
        ..AuditFilter::default()
    });
    assert_eq!(approvals.await.len(), 6);
    let part_of_a_word = only(AuditFilter {
        action: Some("app".into()),
        ..AuditFilter::default()
    });
    assert_eq!(part_of_a_word.await, []);
    let after = only(AuditFilter {
        from_ms: Some(support::START + 4 * HOUR),
        ..AuditFilter::default()
    });
    assert_eq!(after.await.len(), 9);
    let before = only(AuditFilter {
        to_ms: Some(support::START + 4 * HOUR),
        ..AuditFilter::default()
    });
    assert_eq!(before.await.len(), 7);
    for (tenants, expected) in [(vec!["birch"], 0), (vec![], 0), (vec!["birch", "acme"], 16)] {
        let filter = AuditFilter {
            tenants: Some(tenants.iter().map(|t| (*t).to_owned()).collect()),
            ..AuditFilter::default()
        };
        assert_eq!(only(filter).await.len(), expected, "{tenants:?}");
    }
}

#[tokio::test]
async fn failures_holds_and_cancelling_are_recorded_with_their_people() {
    let world = World::new(project::respond());
    let unknown = CallOutcome::Unknown {
        reason: "the line went dead".into(),
    };
    world.fake.next("do.ticket", Answer::Outcome(unknown));
    let failed = CallOutcome::Failed {
        reason: "no".into(),
    };
    world.fake.next("do.ticket", Answer::Outcome(failed));
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let store = engine.store();
    let run = store
        .runs(Default::default())
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(run.status, "held");
    engine
        .resume(&run.id, "ann@soc.example")
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");

    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let other = store
        .runs(Default::default())
        .await
        .expect("readable")
        .remove(0);
    engine
        .resume(&other.id, "ann@soc.example")
        .await
        .expect_err("not held");
    engine
        .cancel(&other.id, "bob@soc.example")
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    engine
        .cancel(&other.id, "bob@soc.example")
        .await
        .expect_err("ended");
    engine
        .cancel("r-1", "bob@soc.example")
        .await
        .expect_err("no run");

    let told: Vec<String> = records(store, AuditFilter::default())
        .await
        .iter()
        .filter(|r| !["action.intended", "action.performed"].contains(&&*r.action))
        .map(|r| format!("{:?} {}", r.tenant, brief(r)))
        .collect();
    assert_eq!(
        told,
        [
            "\"acme\" engine: run.started",
            "\"acme\" engine: run.held",
            "\"acme\" ann@soc.example: run.resumed",
            "\"acme\" engine: action.failed",
            "\"acme\" engine: run.ended",
            "\"acme\" engine: run.started",
            "\"acme\" ann@soc.example: run.resume_refused",
            "\"acme\" bob@soc.example: run.cancelled",
            "\"acme\" bob@soc.example: run.cancel_refused",
            "\"\" bob@soc.example: run.cancel_refused",
        ]
    );
}

#[tokio::test]
async fn simulated_runs_are_marked() {
    let mut program = project::respond();
    program
        .playbooks
        .values_mut()
        .for_each(|p| p.mode = Mode::Simulate);
    let world = World::new(program);
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let all = records(engine.store(), AuditFilter::default()).await;
    assert!(all.len() >= 7, "{all:?}");
    assert!(all.iter().all(|r| r.detail["simulated"] == true));
}

#[tokio::test]
async fn whoever_starts_a_playbook_by_hand_is_named() {
    let mut program = project::declarations();
    let mut by_hand = project::playbook(
        "by hand",
        project::short_graph("do.block", &project::text("x")),
    );
    by_hand.triggers = vec![project::trigger(
        counterplay_machine::playbook::TriggerKind::Manual(Vec::new()),
    )];
    program.playbooks.insert(by_hand.id.clone(), by_hand);
    let world = World::new(program);
    let engine = world.engine().await;
    let by = Some("ann@soc.example".to_owned());
    engine
        .start_manual("by hand", "acme", object(json!({})), by)
        .await
        .expect("started");
    engine.run(Until::AllEnded).await.expect("driven");
    let all = records(engine.store(), AuditFilter::default()).await;
    assert_eq!(brief(&all[0]), "ann@soc.example: run.started");
}

/// A store with a chain of nine records for `acme` and three for the installation.
async fn chained() -> (tempfile::TempDir, Store, Connection) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path).expect("made");
    for i in 0..12 {
        let new = NewAudit {
            at_ms: i,
            tenant: if i % 4 == 3 { "" } else { "acme" }.into(),
            actor: format!("person {i}"),
            action: "login.succeeded".into(),
            run: None,
            object: None,
            detail: json!({ "b": 1, "a": [true, null, { "z": 0.5, "y": "ü" }] }),
        };
        store
            .write(move |tx| tx.add_audit(&new))
            .await
            .expect("added");
    }
    let db = Connection::open(&path).expect("a database");
    (folder, store, db)
}

async fn broken(store: &Store) -> Option<(i64, String)> {
    let reports = store.verify_audit(None).await.expect("readable");
    let (of_all, acme) = (&reports[0], &reports[1]);
    assert_eq!((&*of_all.tenant, of_all.records), ("", 3));
    assert_eq!(of_all.first_broken, None, "the other chain is whole");
    assert_eq!(acme.tenant, "acme");
    acme.first_broken.clone().map(|b| (b.seq, b.why))
}

#[tokio::test]
async fn a_whole_chain_verifies_and_only_where_it_is_asked_for() {
    let (_folder, store, _db) = chained().await;
    assert_eq!(broken(&store).await, None);
    let some = store
        .verify_audit(Some(vec!["acme".into(), "nobody".into()]))
        .await
        .expect("readable");
    assert_eq!(some.len(), 1);
    let ChainReport { records, head, .. } = &some[0];
    let last = records_of(&store).await.pop().expect("a record");
    assert_eq!((*records, head), (9, &last.link));
}

fn of_acme() -> AuditFilter {
    AuditFilter {
        tenants: Some(vec!["acme".into()]),
        ..AuditFilter::default()
    }
}

async fn records_of(store: &Store) -> Vec<AuditRecord> {
    records(store, of_acme()).await
}

#[tokio::test]
async fn what_was_done_to_a_chain_is_named_at_its_first_place() {
    let cases = [
        (
            // One bit of the sealed text.
            "UPDATE audit_payloads SET sealed = CAST(substr(sealed, 1, 40) \
             || CASE substr(sealed, 41, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(sealed, 42) AS BLOB) \
             WHERE num = (SELECT num FROM audit WHERE tenant = 'acme' AND seq = 4)",
            4,
            "its text was changed",
        ),
        (
            // The text of another record of the same tenant.
            "UPDATE audit_payloads SET sealed = (SELECT sealed FROM audit_payloads WHERE num = \
             (SELECT num FROM audit WHERE tenant = 'acme' AND seq = 1)) \
             WHERE num = (SELECT num FROM audit WHERE tenant = 'acme' AND seq = 4)",
            4,
            "its text was changed",
        ),
        (
            "UPDATE audit SET actor = 'nobody' WHERE tenant = 'acme' AND seq = 5",
            5,
            "what it is listed under is not what it says",
        ),
        (
            "UPDATE audit SET digest = CASE WHEN digest LIKE '00%' THEN '01' ELSE '00' END || substr(digest, 3) \
             WHERE tenant = 'acme' AND seq = 2",
            2,
            "its text, salt or digest was changed",
        ),
        (
            "DELETE FROM audit_payloads WHERE num = (SELECT num FROM audit WHERE tenant = 'acme' AND seq = 3)",
            3,
            "its text is missing, and no erasure is recorded",
        ),
        (
            "UPDATE audit SET link = (SELECT link FROM audit WHERE tenant = 'acme' AND seq = 1) \
             WHERE tenant = 'acme' AND seq = 6",
            6,
            "it does not follow the record before it",
        ),
        (
            "DELETE FROM audit WHERE tenant = 'acme' AND seq = 4",
            4,
            "it is missing; record 5 comes next",
        ),
        (
            "DELETE FROM audit WHERE tenant = 'acme' AND seq = 4; \
             UPDATE audit SET seq = seq - 1 WHERE tenant = 'acme' AND seq > 4",
            4,
            "it does not follow the record before it",
        ),
        (
            "UPDATE audit SET seq = 100 WHERE tenant = 'acme' AND seq = 7; \
             UPDATE audit SET seq = 7 WHERE tenant = 'acme' AND seq = 8; \
             UPDATE audit SET seq = 8 WHERE tenant = 'acme' AND seq = 100",
            7,
            "it does not follow the record before it",
        ),
        (
            "DELETE FROM audit WHERE tenant = 'acme' AND seq > 7",
            8,
            "it is missing; the chain was cut short, its last record had number 9",
        ),
        (
            "DELETE FROM audit WHERE tenant = 'acme'",
            1,
            "it is missing; the chain was cut short, its last record had number 9",
        ),
        (
            "DELETE FROM audit_heads WHERE tenant = 'acme'",
            9,
            "the note of the chain's end is missing",
        ),
    ];
    for (sql, seq, why) in cases {
        let (_folder, store, db) = chained().await;
        db.execute_batch(sql).expect("done");
        assert!(db.changes() > 0, "{sql}");
        assert_eq!(broken(&store).await, Some((seq, why.to_owned())), "{sql}");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hexadecimal"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The digest as the documentation describes it, computed by other hands.
fn digest(salt: &str, record: &str) -> String {
    let salt = bytes(salt);
    let mut all = (salt.len() as u64).to_be_bytes().to_vec();
    all.extend(&salt);
    all.extend((record.len() as u64).to_be_bytes());
    all.extend(record.as_bytes());
    hex(&Sha256::digest(all))
}

#[tokio::test]
async fn an_export_can_be_verified_elsewhere() {
    let (_folder, store, _db) = chained().await;
    let mut lines = Vec::new();
    let mut after = 0;
    loop {
        let part = store
            .export_audit(of_acme(), after, 4)
            .await
            .expect("readable");
        lines.extend(part.lines);
        match part.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(lines.len(), 9);
    let mut start = Vec::new();
    for part in ["counterplay audit chain", "acme"] {
        start.extend((part.len() as u64).to_be_bytes());
        start.extend(part.as_bytes());
    }
    let mut before = Sha256::digest(start).to_vec();
    for (i, line) in lines.iter().enumerate() {
        let json: Json = serde_json::from_str(line).expect("JSON");
        assert_eq!(json["record"]["seq"], i + 1);
        let from = line.find("\"record\":").expect("a record") + "\"record\":".len();
        let to = line.find(",\"salt\":").expect("a salt");
        let salt = json["salt"].as_str().expect("a salt");
        assert_eq!(json["digest"], digest(salt, &line[from..to]));
        before.extend(bytes(json["digest"].as_str().expect("a digest")));
        before = Sha256::digest(&before).to_vec();
        assert_eq!(json["link"], hex(&before));
    }
}

#[tokio::test]
async fn records_lie_sealed_and_only_with_their_key() {
    let (folder, store, _db) = chained().await;
    let found = |what: &str| {
        let names = ["store.db", "store.db-wal"];
        let files = names.map(|name| std::fs::read(folder.path().join(name)).unwrap_or_default());
        let all = files.concat();
        all.windows(what.len()).any(|w| w == what.as_bytes())
    };
    assert!(found("login.succeeded"), "what is searched by lies open");
    assert!(
        !found("\"layout\"") && !found("\"detail\""),
        "the texts do not"
    );
    drop(store);
    let path = folder.path().join("store.db");
    let key = folder.path().join("master.key");
    let away = folder.path().join("away");
    std::fs::rename(&key, &away).expect("moved");
    let error = Store::open(&path).err().expect("no key, no start");
    assert!(matches!(error, StoreError::NoKey { .. }), "{error}");
    assert!(
        error.to_string().contains("master.key, which is not there"),
        "{error}"
    );
    assert!(
        !key.exists(),
        "no other key is made for a store that has one"
    );
    let attached = Store::attach(&path).expect("runs can be looked at");
    assert_eq!(
        attached.runs(Default::default()).await.expect("readable"),
        []
    );
    let error = attached
        .audit(AuditFilter::default())
        .await
        .expect_err("no key");
    assert!(matches!(error, StoreError::NoKey { .. }), "{error}");
    drop(attached);

    let other = StoreOptions {
        key: Some(MasterKey::from_bytes([5; 32])),
        ..StoreOptions::default()
    };
    let error = Store::open_with(&path, other).err().expect("refused");
    assert!(matches!(error, StoreError::OtherKey { .. }), "{error}");
    MasterKey::load_or_create(&key).expect("another one");
    let error = Store::open(&path).err().expect("refused");
    assert!(
        error.to_string().contains("is not the one that the store"),
        "{error}"
    );
    std::fs::rename(&away, &key).expect("moved back");
    let store = Store::open(&path).expect("opened");
    assert_eq!(broken(&store).await, None);
}

#[tokio::test]
async fn long_chains_are_verified_to_their_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    store
        .write(|tx| {
            for i in 0..2_500 {
                tx.add_audit(&NewAudit {
                    at_ms: i,
                    tenant: "acme".into(),
                    actor: "engine".into(),
                    action: "run.started".into(),
                    run: None,
                    object: None,
                    detail: json!({}),
                })?;
            }
            Ok(())
        })
        .await
        .expect("added");
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    assert_eq!((report.records, report.first_broken), (2_500, None));
    let db = Connection::open(store.path()).expect("a database");
    db.execute("UPDATE audit SET digest = 'x' WHERE seq = 2400", [])
        .expect("changed");
    let report = store.verify_audit(None).await.expect("readable").remove(0);
    assert_eq!(report.first_broken.expect("broken").seq, 2_400);
}

#[tokio::test]
async fn without_random_numbers_nothing_is_done_unrecorded() {
    let world = World::new(project::respond());
    let options = StoreOptions {
        salts: Salts::of(|| Err("none today".into())),
        ..StoreOptions::default()
    };
    let engine = world.engine_with(options).await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    let error = engine.run(Until::Settled).await.expect_err("no salt");
    assert!(
        matches!(
            error,
            counterplay_runtime::engine::EngineError::Store(StoreError::NoRandomness(_))
        ),
        "{error}"
    );
    assert_eq!(
        engine
            .store()
            .runs(Default::default())
            .await
            .expect("readable"),
        []
    );
    assert_eq!(world.fake.named("do.tell"), []);
}

#[tokio::test]
async fn secrets_stand_in_no_record() {
    // The journal replaces them; this holds the two together.
    let world = World::new(project::respond());
    let value = Value::Secret(SecretSource::Named("PLANTED".into()));
    world
        .fake
        .next("do.ticket", Answer::Outcome(CallOutcome::Done(value)));
    let engine = world.engine().await;
    let incoming: Incoming = alert(5, "u1");
    engine.accept(incoming).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let all = records(engine.store(), AuditFilter::default()).await;
    assert!(all.iter().any(|r| r.object.as_deref() == Some("do.ticket")));
    assert!(!format!("{all:?}").contains("PLANTED"));
}
