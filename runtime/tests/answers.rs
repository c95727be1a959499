//! A request with a key is worked on once, whoever sends it how often.

use counterplay_runtime::store::{Answer, Begun, Store};
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    (folder, store)
}

async fn begin(store: &Store, caller: &str, key: &str, request: &str, now: i64) -> Begun {
    store
        .begin_answer(caller, key, request, now)
        .await
        .expect("a working store")
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 201,
        headers: vec![("location".into(), "/runs/1".into())],
        body: body.into(),
    }
}

#[tokio::test]
async fn the_second_time_the_first_answer_is_given() {
    let (_folder, store) = store();
    let Begun::New(ticket) = begin(&store, "ann", "k", "digest", 5).await else {
        panic!("it is new")
    };
    assert_eq!(
        begin(&store, "ann", "k", "digest", 6).await,
        Begun::InProgress
    );
    assert_eq!(begin(&store, "ann", "k", "other", 6).await, Begun::Mismatch);
    // Another caller's key is another key.
    assert!(matches!(
        begin(&store, "bob", "k", "other", 6).await,
        Begun::New(_)
    ));
    store
        .finish_answer(ticket.clone(), answer("one"))
        .await
        .expect("kept");
    let again = begin(&store, "ann", "k", "digest", 7).await;
    assert_eq!(again, Begun::Replay(answer("one")));
    assert_eq!(begin(&store, "ann", "k", "other", 7).await, Begun::Mismatch);
    // An answer that was given is neither changed nor forgotten.
    store
        .finish_answer(ticket.clone(), answer("two"))
        .await
        .expect("nothing");
    store.forget_answer(ticket).await.expect("nothing");
    let again = begin(&store, "ann", "k", "digest", 8).await;
    assert_eq!(again, Begun::Replay(answer("one")));
}

#[tokio::test]
async fn one_of_many_at_once_gets_to_work() {
    let (folder, store) = store();
    // Another process on the same file, so that the file's lock decides and not a queue of ours.
    let other = Store::attach(folder.path().join("store.db")).expect("attached");
    let tasks: Vec<_> = (0..20)
        .map(|i| {
            let store = if i % 2 == 0 {
                store.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { begin(&store, "ann", "k", "digest", 5).await })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Begun::New(_) => new += 1,
            Begun::InProgress => {}
            begun => panic!("{begun:?}"),
        }
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn what_failed_may_be_sent_again() {
    let (_folder, store) = store();
    let Begun::New(ticket) = begin(&store, "ann", "k", "digest", 5).await else {
        panic!("it is new")
    };
    store.forget_answer(ticket).await.expect("forgotten");
    assert!(matches!(
        begin(&store, "ann", "k", "digest", 6).await,
        Begun::New(_)
    ));
}

#[tokio::test]
async fn what_a_crash_left_is_taken_over_after_a_minute() {
    let (_folder, store) = store();
    let Begun::New(lost) = begin(&store, "ann", "k", "digest", 0).await else {
        panic!("it is new")
    };
    let early = begin(&store, "ann", "k", "digest", MINUTE - 1).await;
    assert_eq!(early, Begun::InProgress);
    let Begun::New(ticket) = begin(&store, "ann", "k", "digest", MINUTE).await else {
        panic!("it is lost")
    };
    let next = begin(&store, "ann", "k", "digest", MINUTE + 1).await;
    assert_eq!(next, Begun::InProgress);
    // The first one was only slow: it is too late now.
    store.forget_answer(lost.clone()).await.expect("nothing");
    store
        .finish_answer(lost, answer("lost"))
        .await
        .expect("nothing");
    store
        .finish_answer(ticket, answer("taken over"))
        .await
        .expect("kept");
    let again = begin(&store, "ann", "k", "digest", MINUTE + 2).await;
    assert_eq!(again, Begun::Replay(answer("taken over")));
}

#[tokio::test]
async fn answers_are_kept_for_a_day() {
    let (_folder, store) = store();
    let keys: BTreeSet<&str> = ["a", "b"].into();
    for key in &keys {
        let Begun::New(ticket) = begin(&store, "ann", key, "digest", 0).await else {
            panic!("it is new")
        };
        store
            .finish_answer(ticket, answer(key))
            .await
            .expect("kept");
    }
    let kept = begin(&store, "ann", "a", "digest", DAY - 1).await;
    assert_eq!(kept, Begun::Replay(answer("a")));
    assert!(matches!(
        begin(&store, "ann", "a", "digest", DAY).await,
        Begun::New(_)
    ));
    let db = rusqlite::Connection::open(store.path()).expect("a database");
    let rows: i64 = db
        .query_row("SELECT count(*) FROM answers", [], |row| row.get(0))
        .expect("readable");
    assert_eq!(rows, 1, "the other one is gone as well");
}
