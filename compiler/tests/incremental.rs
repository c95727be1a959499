//! An edit in one playbook of many asks again about that playbook only, and a check that became stale stops.

use counterplay_compiler::{
    db::{Cancelled, Database},
    workspace::{Source, Workspace},
};
use std::sync::{Arc, Mutex, mpsc};

/// How many files the project has.
const FILES: usize = 60;
/// How many playbooks stand in each.
const PLAYBOOKS: usize = 3;

fn playbook(file: usize, number: usize, step: &str) -> String {
    format!(
        "/// Variant {number}.\nplaybook p{file}_{number} \"P {file}.{number}\" {{\n  when intune.noncompliant as drift\n  then {{\n    {step}\n    notify.email(team.soc, subject: \"{number}\", body: \"{{drift.device.name}}\")\n  }}\n}}\n\n"
    )
}

/// A file whose second playbook has this step.
fn source(file: usize, step: &str) -> Source {
    let mut text = "use microsoft.intune\nuse notify\n\n".to_owned();
    for number in 0..PLAYBOOKS {
        let own = if number == 1 { step } else { "wait 4h" };
        text.push_str(&playbook(file, number, own));
    }
    Source {
        path: format!("playbooks/f{file}.play"),
        module: format!("f{file}"),
        text,
    }
}

type Executed = Arc<Mutex<Vec<String>>>;

/// A project whose queries are written down as they are worked out.
fn watched() -> (Workspace, Executed) {
    let executed = Executed::default();
    let log = executed.clone();
    let db = Database::watched(move |query| {
        let name = query.split('(').next().unwrap_or(query).to_owned();
        log.lock()
            .expect("nobody panics while holding it")
            .push(name);
    });
    let sources = (0..FILES).map(|file| source(file, "intune.sync(drift.device)"));
    (
        Workspace::in_database(db, sources.collect(), None),
        executed,
    )
}

/// How often a query was worked out since the last time.
fn taken(executed: &Executed, of: &[&str]) -> Vec<usize> {
    let mut log = executed.lock().expect("nobody panics while holding it");
    let counts = of
        .iter()
        .map(|query| log.iter().filter(|name| name == query).count());
    let counts = counts.collect();
    log.clear();
    counts
}

const COUNTED: &[&str] = &[
    "parse",
    "check_item",
    "exports",
    "names",
    "environment",
    "file_findings",
];

#[test]
fn an_edit_in_one_playbook_of_many() {
    let (mut workspace, executed) = watched();
    let errors = |workspace: &Workspace| workspace.compile().diagnostics.len();
    let clean = errors(&workspace);
    let first = taken(&executed, COUNTED);
    assert!(
        first[1] > FILES * PLAYBOOKS,
        "{first:?}: everything is checked once"
    );

    assert_eq!(errors(&workspace), clean);
    assert_eq!(taken(&executed, COUNTED), [0; 6], "nothing has changed");

    // One file is read again and says the same to others; one of its three playbooks is checked again.
    for file in [0, FILES / 2, FILES - 1] {
        workspace.set_text(source(file, "intune.snyc(drift.device)"));
        assert_eq!(errors(&workspace), clean + 1);
        assert_eq!(taken(&executed, COUNTED), [1, 1, 1, 0, 0, 1]);
        workspace.set_text(source(file, "intune.sync(drift.device)"));
        assert_eq!(errors(&workspace), clean);
        assert_eq!(taken(&executed, COUNTED), [1, 1, 1, 0, 0, 1]);
    }

    // A comment above moves the playbooks and changes none.
    let mut moved = source(7, "intune.sync(drift.device)");
    moved.text.insert_str(0, "// Ours.\n");
    workspace.set_text(moved);
    assert_eq!(errors(&workspace), clean);
    assert_eq!(taken(&executed, COUNTED)[1], 0);
}

#[test]
fn what_others_see_is_asked_again_by_those_who_see_it() {
    let (mut workspace, executed) = watched();
    workspace.compile();
    taken(&executed, COUNTED);
    let mut more = source(3, "intune.sync(drift.device)");
    more.text.push_str("define twice(n: Int) -> Int = n * 2\n");
    workspace.set_text(more);
    workspace.compile();
    let counts = taken(&executed, COUNTED);
    assert_eq!((counts[0], counts[2], counts[3]), (1, 1, 1), "{counts:?}");
}

#[test]
fn a_check_stops_when_it_is_told_to() {
    let (workspace, executed) = watched();
    let other = workspace.clone();
    let stop = other.db.canceller();
    stop.cancel();
    let stopped = Cancelled::catch(std::panic::AssertUnwindSafe(|| other.compile()));
    assert!(stopped.is_err());
    assert_eq!(taken(&executed, &["environment"]), [0]);
    // The data is as good as before.
    drop(other);
    assert!(!workspace.compile().program.playbooks.is_empty());
}

#[test]
fn an_edit_stops_a_check_that_is_under_way() {
    let (began, begun) = mpsc::channel();
    let began = Mutex::new(began);
    let db = Database::watched(move |query| {
        if query.starts_with("check_item") {
            let _ = began
                .lock()
                .expect("nobody panics while holding it")
                .send(());
        }
    });
    let sources = (0..400).map(|file| source(file, "intune.sync(drift.device)"));
    let mut workspace = Workspace::in_database(db, sources.collect(), None);
    let other = workspace.clone();
    let check = std::thread::spawn(move || {
        let checked = Cancelled::catch(std::panic::AssertUnwindSafe(|| other.compile()));
        checked.is_err()
    });
    begun.recv().expect("it begins");
    // Waits until the check has stopped; it does not wait for hundreds of playbooks.
    workspace.set_text(source(0, "intune.snyc(drift.device)"));
    assert!(check.join().expect("it is stopped, which is no panic"));
    let found = workspace.compile().diagnostics;
    let told = found
        .iter()
        .filter(|found| found.message.contains("`snyc`"));
    assert_eq!(told.count(), 1);
}
