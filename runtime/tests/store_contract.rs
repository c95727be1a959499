//! What every backend of the store promises, held against each of them. The numbers are those of `store/backend.rs`.

use counterplay_runtime::store::{Crash, NewAudit, Store, StoreError, StoreOptions};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The backends: threads, and whoever waits.
const BACKENDS: [bool; 2] = [false, true];

fn open(path: &Path, inline: bool, crash: Option<Crash>) -> Store {
    let options = StoreOptions {
        inline,
        crash,
        ..StoreOptions::default()
    };
    Store::open_with(path, options).expect("a store")
}

fn new(inline: bool) -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("store.db"), inline, None);
    (folder, store)
}

async fn meta(store: &Store, key: &'static str) -> Option<String> {
    store.read(move |tx| tx.meta(key)).await.expect("readable")
}

#[tokio::test]
async fn one_jobs_are_done_in_their_order() {
    for inline in BACKENDS {
        let (_folder, store) = new(inline);
        let seen = Arc::<Mutex<Vec<u32>>>::default();
        let pending: Vec<_> = (0..600_u32)
            .map(|n| {
                let seen = seen.clone();
                store.hand_over(move |tx| {
                    seen.lock().expect("no panic").push(n);
                    tx.set_meta("last", &n.to_string())
                })
            })
            .collect();
        for one in pending {
            one.done().await.expect("committed");
        }
        let seen = seen.lock().expect("no panic").clone();
        assert_eq!(seen, (0..600).collect::<Vec<_>>(), "inline: {inline}");
        assert_eq!(meta(&store, "last").await.as_deref(), Some("599"));
    }
}

#[tokio::test]
async fn two_who_is_told_of_success_finds_it_after_the_end_of_the_process() {
    for inline in BACKENDS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        drop(open(&path, inline, None));
        for crash in [Crash::After(5), Crash::Instead(5)] {
            let store = open(&path, inline, Some(crash));
            let mut told = Vec::new();
            for n in 0..10_u32 {
                let key = format!("{crash:?} {n}");
                let kept = key.clone();
                match store.write(move |tx| tx.set_meta(&kept, "1")).await {
                    Ok(()) => told.push(key),
                    Err(error) => assert_eq!(error, StoreError::Stopped),
                }
            }
            drop(store);
            let (told_of, all) = match crash {
                Crash::After(_) => (4, 5),
                _ => (5, 5),
            };
            assert_eq!(told.len(), told_of, "{crash:?}, inline: {inline}");
            let again = open(&path, inline, None);
            for n in 0..10 {
                let key = format!("{crash:?} {n}");
                let found = again.read(move |tx| tx.meta(&key)).await.expect("readable");
                assert_eq!(found.is_some(), n < all, "{crash:?} {n}, inline: {inline}");
            }
        }
    }
}

#[tokio::test]
async fn three_what_fails_leaves_nothing_and_takes_nothing_with_it() {
    for inline in BACKENDS {
        let (_folder, store) = new(inline);
        let pending: Vec<_> = (0..100)
            .map(|n| {
                store.hand_over(move |tx| {
                    tx.set_meta(&format!("n{n}"), "there")?;
                    match n % 10 {
                        3 => tx.program(77).map(|_| ()),
                        7 => panic!("on purpose"),
                        _ => Ok(()),
                    }
                })
            })
            .collect();
        for (n, one) in pending.into_iter().enumerate() {
            let result = one.done().await;
            assert_eq!(result.is_err(), matches!(n % 10, 3 | 7), "{n}: {result:?}");
        }
        for n in 0..100 {
            let key = format!("n{n}");
            let found = store.read(move |tx| tx.meta(&key)).await.expect("readable");
            assert_eq!(
                found.is_some(),
                !matches!(n % 10, 3 | 7),
                "{n}, inline: {inline}"
            );
        }
    }
}

#[tokio::test]
async fn three_a_commit_that_fails_takes_all_of_it_and_the_next_one_goes_on() {
    for inline in BACKENDS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        drop(open(&path, inline, None));
        let store = open(&path, inline, Some(Crash::Full(1)));
        store.write(|tx| tx.set_meta("a", "1")).await.expect("room");
        let error = store.write(|tx| tx.set_meta("b", "1")).await;
        assert!(matches!(error, Err(StoreError::Full(_))), "{error:?}");
        store
            .write(|tx| tx.set_meta("c", "1"))
            .await
            .expect("room again");
        let found = (
            meta(&store, "a").await,
            meta(&store, "b").await,
            meta(&store, "c").await,
        );
        let there = Some("1".to_owned());
        assert_eq!(found, (there.clone(), None, there), "inline: {inline}");
    }
}

#[tokio::test]
async fn four_a_read_sees_one_moment_of_what_is_committed() {
    for inline in BACKENDS {
        let (_folder, store) = new(inline);
        for n in 0..50 {
            let pending = store.hand_over(move |tx| {
                tx.set_meta("left", &n.to_string())?;
                tx.set_meta("right", &n.to_string())
            });
            let both =
                |tx: &counterplay_runtime::store::Tx<'_>| Ok((tx.meta("left")?, tx.meta("right")?));
            let (left, right) = store.read(both).await.expect("readable");
            assert_eq!(left, right, "inline: {inline}");
            pending.done().await.expect("committed");
            let (left, right) = store.read(both).await.expect("readable");
            assert_eq!(
                (left.as_deref(), right),
                (Some(n.to_string().as_str()), left.clone())
            );
        }
    }
}

#[tokio::test]
async fn four_a_read_changes_nothing() {
    for inline in BACKENDS {
        let (_folder, store) = new(inline);
        let refused = store.read(|tx| tx.set_meta("a", "1")).await;
        assert!(refused.is_err(), "inline: {inline}");
        assert_eq!(meta(&store, "a").await, None);
    }
}

#[tokio::test]
async fn five_what_nobody_waits_for_is_done_before_what_comes_after_it() {
    for inline in BACKENDS {
        let (_folder, store) = new(inline);
        drop(store.hand_over(|tx| tx.set_meta("a", "1")));
        let seen = store.write(|tx| tx.meta("a")).await.expect("committed");
        assert_eq!(seen.as_deref(), Some("1"), "inline: {inline}");
    }
}

#[tokio::test]
async fn each_reads_what_the_other_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    for n in 0..6_i64 {
        let store = open(&path, n % 2 == 0, None);
        let one = NewAudit {
            at_ms: n,
            tenant: "acme".into(),
            actor: "ana@msp.example".into(),
            action: "test.written".into(),
            run: None,
            object: None,
            detail: json!({ "n": n }),
        };
        store
            .write(move |tx| tx.add_audit(&one))
            .await
            .expect("written");
        let reports = store.verify_audit(None).await.expect("readable");
        let of = reports
            .iter()
            .find(|r| r.tenant == "acme")
            .expect("a chain");
        assert_eq!((of.records, of.first_broken.is_none()), (n + 1, true));
    }
}
