//! Runs of a version from the future: the service does not start while any is open; each can be listed, cancelled, or
//! begun anew, from the command line.

use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Until};
use counterplay_runtime::store::{AuditFilter, Store, master_key_path};
use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::outside;
use counterplay_tests::probe::{self, counted, told};
use counterplay_tests::service::Process;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const ANA: &str = "ana.ortiz@msp.example";

fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(outside::counterplay())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    (output.status.code(), outside::printed(&output))
}

/// Lets a Counterplay of a later format start three runs that wait: their first actions are done.
async fn from_the_future(folder: &Path, sandbox: &Sandbox) {
    probe::project(folder, sandbox);
    let path = folder.join("playbooks/probe.play");
    let source = std::fs::read_to_string(&path).expect("readable");
    let source = source.replace("wait 1s", "wait 4h");
    let source = source.replace(
        "  when ping as p\n",
        "  when ping as p\n  ignore repeats of p.id for 1d\n",
    );
    std::fs::write(&path, &source).expect("written");
    let project =
        counterplay_cli::project::load(folder, &[]).unwrap_or_else(|f| panic!("{:?}", f.message));
    let mut program = (*project.program()).clone();
    program.format += 1;
    let deployment = project.deployment();
    std::fs::create_dir_all(folder.join(".counterplay")).expect("a folder");
    let path = folder.join(".counterplay/store.db");
    let store = Store::open(&path).expect("a store");
    let key = MasterKey::load(master_key_path(&path)).expect("a key");
    let clock = Arc::new(SystemClock);
    let connectors = Connectors::new(
        deployment.clone(),
        Arc::new(MemorySecrets::default()),
        key,
        clock.clone(),
    );
    let connector = Arc::new(connectors.expect("connectors"));
    let options = EngineOptions::new(Arc::new(program), deployment, store, connector, clock);
    let engine = Engine::open(options).await.expect("an engine");
    for id in ["one", "two", "three"] {
        let incoming = Incoming {
            tenant: "contoso".into(),
            event: None,
            payload: json!({ "pingId": id }),
            source: None,
        };
        engine
            .accept(incoming)
            .await
            .unwrap_or_else(|refusal| panic!("{refusal}"));
    }
    engine
        .run(Until::Settled)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
}

fn runs(folder: &Path, which: &str) -> Vec<Value> {
    let listed = told(folder, &["runs", which, "--json"]);
    serde_json::from_str(&listed).expect("a list")
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_the_future_are_listed_cancelled_and_begun_anew() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    from_the_future(root, &sandbox).await;
    assert_eq!(counted(&sandbox, "once").len(), 3);

    let (code, said) = refused(root, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("has format 2 and this one reads format 1"),
        "{said}"
    );
    assert!(
        said.contains("counterplay runs --unreadable")
            && said.contains("and 2 others were started by another Counterplay"),
        "{said}"
    );

    let unreadable = runs(root, "--unreadable");
    assert_eq!(unreadable.len(), 3);
    let why = unreadable[0]["unreadable"].as_str().unwrap_or_default();
    assert!(why.contains("format 2"), "{why}");
    let table = told(root, &["runs", "--unreadable"]);
    assert!(
        table.contains("WHY") && table.contains("counterplay move"),
        "{table}"
    );
    assert!(told(root, &["runs", "--open"]).contains("probe"));
    let ids: Vec<&str> = unreadable
        .iter()
        .filter_map(|run| run["id"].as_str())
        .collect();

    // Which event started which: events that come together start their runs in any order.
    let store = Store::attach(root.join(".counterplay/store.db")).expect("a store");
    let events = store.events(100).await.expect("readable");
    drop(store);
    let pings: Vec<String> = ids
        .iter()
        .map(|id| {
            let event = events
                .iter()
                .find(|e| e.started.iter().any(|run| run == id));
            let event = event.expect("what started it");
            event.payload["pingId"].as_str().expect("a text").to_owned()
        })
        .collect();

    // Without a reason, by nobody, or with what was done unseen, nothing happens.
    let (code, said) = refused(root, &["cancel", ids[0], "--as", ANA]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--because"), "{said}");
    let (code, said) = refused(root, &["move", ids[1], "--because", "back", "--as", ANA]);
    assert_eq!(code, Some(1), "{said}");
    let first = format!("{} first", pings[1]);
    for part in ["done", "once", "again", &first, "Nothing was changed"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(runs(root, "--unreadable").len(), 3);

    let said = told(
        root,
        &[
            "cancel",
            ids[0],
            "--because",
            "back to the present",
            "--as",
            ANA,
        ],
    );
    assert!(
        said.contains("has ended: cancelled") && said.contains("once"),
        "{said}"
    );
    let (code, said) = refused(root, &["cancel", ids[0], "--because", "again", "--as", ANA]);
    assert_eq!(code, Some(1), "{said}");
    // One is left: the service still does not start.
    let said = told(
        root,
        &[
            "move",
            ids[1],
            "--because",
            "back",
            "--confirm",
            "--as",
            ANA,
        ],
    );
    assert!(said.contains("arrives once more"), "{said}");
    let (code, _) = refused(root, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2));
    told(
        root,
        &[
            "move",
            ids[2],
            "--because",
            "back",
            "--confirm",
            "--as",
            ANA,
        ],
    );
    assert!(runs(root, "--unreadable").is_empty());

    let service = Process::start(root, &[], &[]);
    for _ in 0..100 {
        if runs(root, "--open").len() == 2 && counted(&sandbox, "once").values().sum::<usize>() == 5
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let open = runs(root, "--open");
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(
        open.iter()
            .all(|run| !ids.contains(&run["id"].as_str().unwrap_or_default()))
    );
    let once = counted(&sandbox, "once");
    let times = |id: &str| once.get(id).copied().unwrap_or(0);
    assert_eq!(
        (times(&pings[0]), times(&pings[1]), times(&pings[2])),
        (1, 2, 2),
        "{once:?}"
    );
    let all = runs(root, "--all");
    let ended = all
        .iter()
        .filter(|run| run["outcome"]["outcome"] == "cancelled");
    assert_eq!(ended.count(), 3, "{all:?}");
    // A run that this version started is cancelled by the service, and the reason is kept, too.
    let readable = open[0]["id"].as_str().expect("an id");
    let (code, said) = refused(root, &["move", readable, "--because", "no", "--as", ANA]);
    assert_eq!(code, Some(2), "a service works on the store: {said}");
    told(
        root,
        &["cancel", readable, "--because", "enough", "--as", ANA],
    );
    drop(service);
    let (code, said) = refused(
        root,
        &[
            "move",
            open[1]["id"].as_str().expect("an id"),
            "--because",
            "no",
            "--as",
            ANA,
        ],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("can be read by this version"), "{said}");

    told(root, &["audit", "verify"]);
    let store = Store::attach(root.join(".counterplay/store.db")).expect("a store");
    let filter = AuditFilter {
        limit: Some(1_000),
        ..AuditFilter::default()
    };
    let records = store.audit(filter).await.expect("readable").items;
    let of = |id: &str, action: &str| {
        let found = records
            .iter()
            .find(|r| r.run.as_deref() == Some(id) && r.action == action);
        let found = found.unwrap_or_else(|| panic!("no {action} of {id}"));
        assert_eq!(found.actor, ANA);
        found.detail.clone()
    };
    let cancelled = of(ids[0], "run.cancelled");
    assert_eq!(cancelled["because"], "back to the present");
    assert_eq!(
        cancelled["acts"].as_array().map(Vec::len),
        Some(2),
        "{cancelled}"
    );
    assert_eq!(cancelled["begins_anew_with_event"], Value::Null);
    let moved = of(ids[1], "run.cancelled");
    let event = moved["begins_anew_with_event"].as_i64().expect("an event");
    let events = store.events(100).await.expect("readable");
    let again = events.iter().find(|e| e.num == event).expect("the event");
    assert_eq!(again.started.len(), 1);
    assert!(
        again.notes.as_deref().unwrap_or_default().contains(ids[1]),
        "{again:?}"
    );
    assert_eq!(of(readable, "run.cancel_asked")["because"], "enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_playbook_is_gone_is_not_moved() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    from_the_future(root, &sandbox).await;
    let path = root.join("playbooks/probe.play");
    let source = std::fs::read_to_string(&path).expect("readable");
    std::fs::write(&path, source.replace("playbook probe ", "playbook other ")).expect("written");
    let id = runs(root, "--unreadable")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let (code, said) = refused(
        root,
        &["move", &id, "--because", "back", "--confirm", "--as", ANA],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no playbook `probe`"), "{said}");
    assert_eq!(runs(root, "--unreadable").len(), 3);
}
