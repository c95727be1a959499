//! What a store answers when its file is missing, foreign, damaged, newer or in use.

mod support;

use counterplay_runtime::engine::{Engine, EngineError, Until};
use counterplay_runtime::store::{
    BackupError, Leave, LeaveRefused, RunFilter, Store, StoreError, StoreOptions,
};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::{START, World, alert, project};

fn refused(path: &Path) -> (StoreError, String) {
    match Store::open_with(path, impatient()) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => (error.clone(), error.to_string()),
    }
}

fn impatient() -> StoreOptions {
    StoreOptions {
        patience: Duration::from_millis(50),
        crash: None,
        ..StoreOptions::default()
    }
}

#[test]
fn a_missing_folder_and_a_folder_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (error, text) = refused(&folder.path().join("none/store.db"));
    assert!(matches!(error, StoreError::NoFolder(_)), "{text}");
    assert!(
        text.contains("there is no folder") && text.contains("none"),
        "{text}"
    );
    let (error, text) = refused(folder.path());
    assert!(matches!(error, StoreError::IsFolder(_)), "{text}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let notes = "Dear diary, this is certainly not a database.\n".repeat(100);
    fs::write(&path, &notes).expect("written");
    let (error, text) = refused(&path);
    assert!(matches!(error, StoreError::NotADatabase(_)), "{text}");
    assert!(text.contains("notes.txt is not a database"), "{text}");
    assert_eq!(fs::read_to_string(&path).expect("readable"), notes);
}

#[test]
fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).expect("a database");
    other
        .execute_batch("CREATE TABLE cats (name TEXT)")
        .expect("a table");
    other.close().expect("closed");
    let before = fs::read(&path).expect("readable");
    let (error, text) = refused(&path);
    assert!(matches!(error, StoreError::OtherProgram(_)), "{text}");
    assert!(text.contains("database of another program"), "{text}");
    assert_eq!(fs::read(&path).expect("readable"), before);
}

#[test]
fn a_newer_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path).expect("made"));
    let db = Connection::open(&path).expect("a database");
    db.pragma_update(None, "user_version", 999).expect("set");
    db.close().expect("closed");
    let (error, text) = refused(&path);
    assert!(
        matches!(error, StoreError::Newer { found: 999, .. }),
        "{text}"
    );
    assert!(text.contains("version 999"), "{text}");
    assert!(matches!(
        Store::attach(&path),
        Err(StoreError::Newer { .. })
    ));
}

#[test]
fn a_locked_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path).expect("made"));
    let other = Connection::open(&path).expect("a database");
    other
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO meta VALUES ('x', 'y');",
        )
        .expect("locked");
    let (error, text) = refused(&path);
    assert!(matches!(error, StoreError::Locked(_)), "{text}");
    assert!(text.contains("locked by another program"), "{text}");
}

#[tokio::test]
async fn a_lock_that_passes_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path).expect("made");
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let write = tokio::spawn(async move { store.write(|tx| tx.set_meta("a", "b")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!write.is_finished());
    other.execute_batch("COMMIT").expect("unlocked");
    write.await.expect("no panic").expect("written");
}

#[test]
fn a_damaged_page_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path).expect("made"));
    let mut bytes = fs::read(&path).expect("readable");
    // The header of each page but the first.
    for page in 1..bytes.len() / 4096 {
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
    }
    fs::write(&path, &bytes).expect("written");
    let (error, text) = refused(&path);
    assert!(matches!(error, StoreError::Corrupt { .. }), "{text}");
    assert!(
        text.contains("is damaged") && text.contains("put a backup in its place"),
        "{text}"
    );
    assert_eq!(fs::read(&path).expect("readable"), bytes);
}

#[tokio::test]
async fn what_is_damaged_is_found_beside_the_work_where_the_check_takes_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path).expect("made"));
    let options = || StoreOptions {
        check_within: Duration::ZERO,
        ..impatient()
    };
    let store = Store::open_with(&path, options()).expect("sound");
    store
        .write(|tx| tx.set_meta("a", "b"))
        .await
        .expect("written");
    drop(store);

    // A page in the middle, which nothing looks at but the check.
    let conn = Connection::open(&path).expect("a database");
    let page: u32 = conn
        .query_row(
            "SELECT rootpage FROM sqlite_master WHERE name = 'dead_letters'",
            [],
            |row| row.get(0),
        )
        .expect("a table");
    conn.close().expect("closed");
    let mut bytes = fs::read(&path).expect("readable");
    let page = (page as usize - 1) * 4096;
    bytes[page..page + 64].fill(0xa5);
    fs::write(&path, &bytes).expect("written");
    let store = Store::open_with(&path, options()).expect("not looked at yet");
    let mut told = None;
    for _ in 0..1_000 {
        match store.read(|tx| tx.meta("a")).await {
            Ok(value) => assert_eq!(value.as_deref(), Some("b")),
            Err(error) => {
                told = Some(error);
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = told.expect("found");
    assert!(matches!(told, StoreError::Corrupt { .. }), "{told}");
    let written = store.write(|tx| tx.set_meta("a", "c")).await;
    assert!(matches!(written, Err(StoreError::Corrupt { .. })));
}

#[cfg(unix)]
#[test]
fn a_store_is_private_and_a_read_only_one_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    drop(Store::open(&path).expect("made"));
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
    // The superuser may write whatever the mode says.
    if fs::OpenOptions::new().write(true).open(&path).is_err() {
        let (error, text) = refused(&path);
        assert!(matches!(error, StoreError::ReadOnly(_)), "{text}");
    }
}

#[tokio::test]
async fn attaching_needs_a_store_and_leaves_the_engine_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    assert!(matches!(Store::attach(&path), Err(StoreError::Missing(_))));
    assert!(!path.exists());
    let store = Store::open(&path).expect("made");
    let lock = store.lock_engine().expect("free");
    let second = Store::attach(&path).expect("readers are welcome");
    let error = second.lock_engine().expect_err("taken").to_string();
    assert!(
        error.contains(&format!(
            "another engine (process {}) is running",
            std::process::id()
        )),
        "{error}"
    );
    assert!(second.approvals().await.expect("readable").is_empty());
    drop(lock);
    second.lock_engine().expect("free again");
}

#[tokio::test]
async fn a_transaction_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    let failed = store
        .write(|tx| {
            tx.set_meta("a", "b")?;
            tx.program(77).map(|_| ())
        })
        .await;
    assert!(matches!(failed, Err(StoreError::NotFound(_))), "{failed:?}");
    let panicked = store
        .write::<(), _>(|tx| {
            tx.set_meta("a", "b")?;
            panic!("on purpose")
        })
        .await;
    let text = panicked.expect_err("it panicked").to_string();
    assert!(
        text.contains("on purpose") && text.contains("nothing was changed"),
        "{text}"
    );
    assert_eq!(store.read(|tx| tx.meta("a")).await.expect("readable"), None);
}

#[tokio::test]
async fn what_waits_together_shares_a_commit_and_one_that_fails_takes_nothing_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    let before = store.commits();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let first = store.hand_over(move |tx| {
        wait.recv().expect("told to go on");
        tx.set_meta("first", "1")
    });
    let mut others = Vec::new();
    for n in 0..100 {
        others.push(store.hand_over(move |tx| {
            tx.set_meta("last", &n.to_string())?;
            tx.set_meta(&format!("n{n}"), "there")?;
            match n % 10 {
                3 => tx.program(77).map(|_| ()),
                7 => panic!("on purpose"),
                _ => Ok(()),
            }
        }));
    }
    go.send(()).expect("it waits");
    first.done().await.expect("committed");
    for (n, other) in others.into_iter().enumerate() {
        let result = other.done().await;
        assert_eq!(result.is_err(), matches!(n % 10, 3 | 7), "{n}: {result:?}");
    }
    assert!(store.commits() - before <= 2, "what waits goes together");
    let (last, there) = store
        .read(|tx| {
            let there = (0..100).filter(|n| matches!(tx.meta(&format!("n{n}")), Ok(Some(_))));
            Ok((tx.meta("last")?, there.count()))
        })
        .await
        .expect("readable");
    assert_eq!((last.as_deref(), there), (Some("99"), 80));
}

#[tokio::test]
async fn deep_programs_can_be_read_back() {
    use counterplay_machine::expr::Expr;
    use counterplay_machine::{Program, Value};
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    let mut expr = Expr::Const(Value::Number(0.1 + 0.2));
    for _ in 0..1_000 {
        expr = Expr::Not(Box::new(expr));
    }
    let mut program = Program::default();
    let mut playbook =
        support::project::playbook("deep", support::project::short_graph("do.block", &expr));
    playbook.hash = "deep".into();
    program.playbooks.insert("deep".into(), playbook);
    let sent = program.clone();
    let num = store
        .write(move |tx| tx.keep_program(&sent, 0))
        .await
        .expect("kept");
    let back = store.read(move |tx| tx.program(num)).await.expect("read");
    let node = |p: &Program| p.playbooks["deep"].graph.node_weights().nth(1).cloned();
    assert_eq!(node(&back), node(&program));
}

/// Overwrites 512 bytes of each page that is full of a text, as those are that a long text overflows into: how many.
fn damage(path: &Path, text: &str) -> usize {
    let text = text.as_bytes();
    let mut bytes = fs::read(path).expect("readable");
    let mut pages = 0;
    for page in bytes.chunks_mut(4096) {
        let middle = &mut page[1_792..2_304];
        if text.windows(512).any(|part| part == &*middle) {
            middle.fill(0);
            pages += 1;
        }
    }
    fs::write(path, bytes).expect("written");
    pages
}

/// A store in which a run waits, whose row in a table was damaged where SQLite does not look.
async fn damaged(sql: &str) -> World {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    // A name that is longer than a page.
    let user: String = (0..4_000).map(|n| format!("u{n}")).collect();
    engine.accept(alert(5, &user)).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    drop(engine);
    let conn = Connection::open(world.path()).expect("a database");
    let text: String = conn.query_row(sql, [], |row| row.get(0)).expect("there");
    // So that everything is in one file.
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("copied");
    conn.close().expect("closed");
    assert!(damage(&world.path(), &text) > 0, "{} bytes", text.len());
    world
}

/// That it is damaged is said, and no way out that would do harm.
fn says_so(error: StoreError, what: &str) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    for part in [what, "is damaged", "put a backup in its place"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("counterplay move"), "{text}");
}

#[tokio::test]
async fn what_was_damaged_within_a_page_is_said_to_be_damaged() {
    for (sql, what) in [
        (
            "SELECT json FROM programs",
            "program 1 is not as it was written",
        ),
        ("SELECT state FROM runs", "store.db is damaged"),
    ] {
        let world = damaged(sql).await;
        let store = Store::open(world.path()).expect("every page is one");
        let conn = Connection::open(world.path()).expect("a database");
        let run: String = conn
            .query_row("SELECT id FROM runs", [], |row| row.get(0))
            .expect("a run");
        conn.close().expect("closed");
        if sql.contains("runs") {
            let listed = store.runs(RunFilter::default()).await.map(|_| ());
            says_so(listed.expect_err(what), "JSON");
        }
        says_so(store.unreadable_runs().await.expect_err(what), what);
        says_so(
            store.run_detail(&run).await.map(|_| ()).expect_err(what),
            what,
        );
        let leave = Leave {
            run,
            by: "ann@soc.example".into(),
            because: "it does not start".into(),
            anew: true,
        };
        match store.leave(leave, START).await {
            Err(LeaveRefused::Store(error)) => says_so(error, what),
            other => panic!("{other:?}"),
        }
        let copy = world.folder.path().join("copy.db");
        match store.back_up(&copy).await {
            Err(BackupError::Store(error)) => says_so(error, what),
            other => panic!("{other:?}"),
        }
        assert!(!copy.exists());
        drop(store);
        if sql.contains("programs") {
            let store = Store::open(world.path()).expect("every page is one");
            match Engine::open(world.options(store)).await.map(|_| ()) {
                Err(EngineError::Store(error)) => says_so(error, what),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_program_that_is_deployed_again_is_not_taken_for_the_damaged_one() {
    let world = damaged("SELECT json FROM programs").await;
    let store = Store::open(world.path()).expect("every page is one");
    let kept = store
        .write(|tx| tx.keep_program(&project::respond(), START))
        .await;
    says_so(
        kept.expect_err("it is damaged"),
        "program 1 is not as it was written",
    );
}
