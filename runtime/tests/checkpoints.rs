//! Signed ends of chains that lie elsewhere: a chain that was cut, or written anew with every right key, is found out.

use counterplay_runtime::clock::VirtualClock;
use counterplay_runtime::connect::MasterKey;
use counterplay_runtime::notary::Notary;
use counterplay_runtime::store::{Checkpoint, NewAudit, Salts, Store, StoreOptions};
use rusqlite::Connection;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A store with this key, whose salts are always the same, so that equal deeds give equal chains.
fn store(folder: &Path, key: u8) -> Store {
    let drawn = AtomicU8::new(0);
    let options = StoreOptions {
        key: Some(MasterKey::from_bytes([key; 32])),
        salts: Salts::of(move || Ok([drawn.fetch_add(1, Ordering::Relaxed); 16])),
        ..StoreOptions::default()
    };
    Store::open_with(folder.join("store.db"), options).expect("opened")
}

async fn add(store: &Store, from: i64, to: i64, what: &str) {
    for i in from..=to {
        let new = NewAudit {
            at_ms: i,
            tenant: "acme".into(),
            actor: "engine".into(),
            action: "action.performed".into(),
            run: None,
            object: Some(what.into()),
            detail: json!({ "n": i }),
        };
        store
            .write(move |tx| tx.add_audit(&new))
            .await
            .expect("added");
    }
}

/// Ten records, signed after the fifth and the tenth; the signed ends as they were taken elsewhere.
async fn signed(folder: &Path) -> (Store, Vec<Checkpoint>) {
    let store = store(folder, 1);
    add(&store, 1, 5, "wipe").await;
    let mut elsewhere = store.sign_audit(1_000).await.expect("signed");
    add(&store, 6, 10, "wipe").await;
    elsewhere.extend(store.sign_audit(2_000).await.expect("signed"));
    assert_eq!(store.sign_audit(3_000).await.expect("signed"), []);
    assert_eq!(store.unsigned_records().await.expect("counted"), 0);
    assert_eq!(elsewhere.iter().map(|c| c.seq).collect::<Vec<_>>(), [5, 10]);
    (store, elsewhere)
}

async fn first_broken(store: &Store, elsewhere: &[Checkpoint]) -> Option<(i64, String)> {
    let key = store.audit_key().await.expect("a key");
    assert!(elsewhere.iter().all(|c| c.is_signed_by(&key)));
    let reports = store.verify_audit(None).await.expect("readable");
    let held = store.hold_against(reports, elsewhere.to_vec()).await;
    let report = held.expect("readable").remove(0);
    report.first_broken.map(|b| (b.seq, b.why))
}

fn db(folder: &Path) -> Connection {
    Connection::open(folder.join("store.db")).expect("a database")
}

#[tokio::test]
async fn a_bit_and_a_cut_are_named_by_their_first_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, elsewhere) = signed(folder.path()).await;
    assert_eq!(first_broken(&store, &elsewhere).await, None);
    let db = db(folder.path());
    // Somebody cuts the newest records off and mends the note of the chain's end.
    db.execute_batch(
        "DELETE FROM audit WHERE seq > 7; DELETE FROM audit_payloads WHERE num > 7; \
         UPDATE audit_heads SET seq = 7, link = (SELECT link FROM audit WHERE seq = 7)",
    )
    .expect("cut");
    // What the store keeps of its signed ends shows it already,
    let own = first_broken(&store, &[]).await.expect("found out");
    assert_eq!(own.0, 8);
    assert_eq!(
        own.1,
        "it is missing; at 1970-01-01T00:00:02Z the chain was signed up to record 10"
    );
    // and where those were taken away, what lies elsewhere does.
    db.execute("DELETE FROM audit_checkpoints", [])
        .expect("taken");
    assert_eq!(first_broken(&store, &[]).await, None);
    assert_eq!(first_broken(&store, &elsewhere).await, Some(own));
    // A changed bit comes before.
    db.execute(
        "UPDATE audit SET digest = 'ff' || substr(digest, 3) WHERE seq = 3",
        [],
    )
    .expect("changed");
    let bit = first_broken(&store, &elsewhere).await.expect("found out");
    assert_eq!(bit.0, 3);
}

#[tokio::test]
async fn a_chain_that_was_written_anew_with_the_right_key_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, elsewhere) = signed(folder.path()).await;
    drop(first);
    // With the same key and salts the first seven records are the same; the rest is another story.
    let other = tempfile::tempdir().expect("a folder");
    let forged = store(other.path(), 1);
    add(&forged, 1, 5, "wipe").await;
    forged.sign_audit(1_000).await.expect("signed");
    add(&forged, 6, 12, "nothing").await;
    forged.sign_audit(2_000).await.expect("signed, even");
    assert_eq!(
        first_broken(&forged, &[]).await,
        None,
        "it is whole in itself"
    );
    let (seq, why) = first_broken(&forged, &elsewhere).await.expect("found out");
    assert_eq!(seq, 6);
    assert_eq!(
        why,
        "it, or one up to record 10, is not the one that was signed at 1970-01-01T00:00:02Z"
    );
    // Another one from its beginning.
    let all = tempfile::tempdir().expect("a folder");
    let forged = store(all.path(), 1);
    add(&forged, 1, 20, "nothing").await;
    assert_eq!(
        first_broken(&forged, &elsewhere)
            .await
            .expect("found out")
            .0,
        1
    );
    // And none at all.
    let none = tempfile::tempdir().expect("a folder");
    let empty = store(none.path(), 1);
    assert_eq!(
        first_broken(&empty, &elsewhere).await.expect("found out").0,
        1
    );
    // Another key signs nothing that this one is asked about.
    let stranger = store(tempfile::tempdir().expect("a folder").path(), 2);
    let key = stranger.audit_key().await.expect("a key");
    assert!(!elsewhere.iter().any(|c| c.is_signed_by(&key)));
}

#[tokio::test]
async fn the_file_elsewhere_gets_everything_in_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path(), 1);
    add(&store, 1, 3, "wipe").await;
    let place = folder.path().join("mount");
    let file = place.join("checkpoints.jsonl");
    let clock = Arc::new(VirtualClock::at(9_000));
    let notary = Notary::new(store.clone(), clock.clone(), Some(file.clone()));
    let error = notary.sign().await.expect_err("the folder is not there");
    assert!(
        error.to_string().contains("kept in the store until"),
        "{error}"
    );
    add(&store, 4, 6, "wipe").await;
    std::fs::create_dir(&place).expect("it comes back");
    notary.sign().await.expect("signed");
    let lines = || {
        let text = std::fs::read_to_string(&file).expect("readable");
        let read = text
            .lines()
            .map(|l| Checkpoint::read(l).expect("a checkpoint"));
        read.map(|c| c.seq).collect::<Vec<_>>()
    };
    assert_eq!(lines(), [3, 6]);
    notary.sign().await.expect("nothing new");
    assert_eq!(lines(), [3, 6], "nothing twice");
    std::fs::remove_file(&file).expect("taken away");
    notary.sign().await.expect("signed");
    assert_eq!(lines(), [3, 6]);
    // At work: what is there when it is told to stop is signed before it ends.
    add(&store, 7, 7, "wipe").await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let at_work = tokio::spawn(notary.work(async move {
        let _ = stopped.await;
    }));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    add(&store, 8, 8, "wipe").await;
    drop(stop);
    at_work.await.expect("it ended");
    assert_eq!(lines().last(), Some(&8));
}
