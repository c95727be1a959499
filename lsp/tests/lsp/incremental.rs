//! An edit in one playbook asks again about that playbook only; memory stays bounded over many edits.

use crate::support::{about_device, world_in};
use counterplay_compiler::db::Database;
use counterplay_lsp::features::diagnostics::diagnostics;
use counterplay_lsp::world::World;
use std::sync::Mutex;

static EXECUTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn watched() -> Database {
    Database::watched(|query| {
        if let Ok(mut executed) = EXECUTED.lock() {
            executed.push(query.split('(').next().unwrap_or(query).to_owned());
        }
    })
}

/// Asks for everything an editor shows.
fn look(world: &World) -> usize {
    let snapshot = world.snapshot("/p/playbooks/a.play").expect("it is there");
    let files: Vec<_> = snapshot.files().collect();
    files
        .into_iter()
        .map(|f| diagnostics(&snapshot, f).len())
        .sum()
}

/// How often a query was worked out anew since the last time.
fn executed(query: &str) -> usize {
    let executed = EXECUTED.lock().expect("nobody panics while holding it");
    executed.iter().filter(|name| *name == query).count()
}

fn forget() {
    EXECUTED
        .lock()
        .expect("nobody panics while holding it")
        .clear();
}

#[test]
fn an_edit_in_one_playbook_checks_that_playbook_only() {
    let two = format!(
        "{}\nplaybook other \"Other\" {{\n  when intune.noncompliant as drift\n  then {{ intune.sync(drift.device) }}\n}}\n",
        about_device("", "    intune.sync(drift.device)").replace("playbook p", "playbook first")
    );
    let one =
        about_device("", "    intune.sync(drift.device)").replace("playbook p", "playbook third");
    let mut world = world_in(&[("a.play", &two), ("b.play", &one)], watched);
    world.open("/p/playbooks/a.play", 1, &two);
    assert_eq!(look(&world), 0);
    assert!(executed("check_item") > 100, "the library was checked, too");

    // Inside of one of two playbooks in a file.
    forget();
    let edited = two.replacen("intune.sync(drift.device)", "intune.sync(drift.devise)", 1);
    world.open("/p/playbooks/a.play", 2, &edited);
    assert_eq!(look(&world), 1);
    assert_eq!(executed("check_item"), 1, "the playbook that was edited");
    assert_eq!(executed("parse"), 1, "its file");
    assert_eq!(executed("names"), 0, "nothing that others see has changed");
    assert_eq!(executed("environment"), 0);

    // A line above everything moves the playbooks and changes none.
    forget();
    world.open("/p/playbooks/a.play", 3, &format!("// note\n{two}"));
    assert_eq!(look(&world), 0);
    assert_eq!(executed("check_item"), 1, "the one that was mended");
    forget();
    world.open(
        "/p/playbooks/a.play",
        4,
        &format!("// note\n// more\n{two}"),
    );
    assert_eq!(look(&world), 0);
    assert_eq!(executed("check_item"), 0);

    // The same text again is no change at all.
    forget();
    world.open(
        "/p/playbooks/a.play",
        5,
        &format!("// note\n// more\n{two}"),
    );
    assert_eq!(look(&world), 0);
    assert_eq!(executed("parse"), 0);
}
