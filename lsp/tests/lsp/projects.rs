//! Projects on a disk that changes: files that come and go, other source folders, lone files, big projects.

use crate::support::{CONFIG, Memory, about_device, world};
use counterplay_compiler::db::{self, Cancelled};
use counterplay_lsp::features::diagnostics::{diagnostics, of_project_file};
use counterplay_lsp::text::{Edit, Position};
use counterplay_lsp::world::World;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn messages(world: &World, path: &str) -> Vec<String> {
    let snapshot = world.snapshot(path).expect("it is known");
    let Some(file) = snapshot.file(path) else {
        let (_, found) = of_project_file(&snapshot).expect("it is the project file");
        return found.into_iter().map(|f| f.message).collect();
    };
    let found = diagnostics(&snapshot, file);
    found.into_iter().map(|f| f.message).collect()
}

#[test]
fn files_come_and_go() {
    let caller = "use own\nuse microsoft.intune\n\nplaybook c \"C\" {\n  when intune.noncompliant as drift\n  then { own.help(drift.device) }\n}\n";
    let disk = Arc::new(Memory(Mutex::new(
        [
            ("/p/counterplay.toml", CONFIG),
            ("/p/playbooks/c.play", caller),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect(),
    )));
    let mut world = World::new(disk.clone());
    world.add_folder(Path::new("/p"));
    let of_caller = |world: &World| messages(world, "/p/playbooks/c.play");
    assert!(of_caller(&world)[0].starts_with("there is no module `own`"));

    let own = "use microsoft.intune\n\nsteps help(device: Device) {\n  intune.sync(device)\n}\n";
    let write = |path: &str, text: Option<&str>| {
        let mut files = disk.0.lock().expect("no test panics while it holds this");
        match text {
            Some(text) => files.insert(path.into(), text.into()),
            None => files.remove(path),
        };
    };
    write("/p/playbooks/own.play", Some(own));
    world.disk_changed("/p/playbooks/own.play");
    assert!(of_caller(&world).is_empty());

    // While a document is open the editor's text counts, not the disk's.
    world.open("/p/playbooks/own.play", 1, &own.replace("help", "assist"));
    assert!(!of_caller(&world).is_empty());
    world.disk_changed("/p/playbooks/own.play");
    assert!(!of_caller(&world).is_empty());
    world.close("/p/playbooks/own.play");
    assert!(of_caller(&world).is_empty());

    write("/p/playbooks/own.play", None);
    world.disk_changed("/p/playbooks/own.play");
    assert!(of_caller(&world)[0].starts_with("there is no module `own`"));
}

#[test]
fn a_folder_goes_and_its_files_with_it() {
    let own = "use microsoft.intune\n\nsteps help(device: Device) {\n  intune.sync(device)\n}\n";
    let disk = Arc::new(Memory(Mutex::new(
        [
            ("/p/counterplay.toml", CONFIG),
            ("/p/playbooks/c.play", "use own\n"),
            ("/p/playbooks/more/own.play", own),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect(),
    )));
    let mut world = World::new(disk.clone());
    world.add_folder(Path::new("/p"));
    assert!(
        world.snapshots()[0]
            .file("/p/playbooks/more/own.play")
            .is_some()
    );
    let below = |path: &String| path.starts_with("/p/playbooks/more/");
    disk.0
        .lock()
        .expect("no test panics while it holds this")
        .retain(|path, _| !below(path));
    world.disk_changed("/p/playbooks/more");
    assert!(
        world.snapshots()[0]
            .file("/p/playbooks/more/own.play")
            .is_none()
    );
    assert!(world.snapshots()[0].file("/p/playbooks/c.play").is_some());
    // Files that are no part of a project change nothing.
    world.disk_changed("/p/playbooks/notes.txt");
    assert!(world.snapshots()[0].file("/p/playbooks/c.play").is_some());
}

#[test]
fn the_project_file_counts_while_it_is_written() {
    let source = about_device("", "    notify.teams(team.soc, \"x\")");
    let mut world = world(&[("a.play", &source)]);
    assert!(messages(&world, "/p/playbooks/a.play").is_empty());
    let config = CONFIG.replace("[teams.soc]", "[teams.sock]");
    world.open("/p/counterplay.toml", 1, &config);
    assert!(messages(&world, "/p/playbooks/a.play")[0].contains("has no team `soc`"));
    let broken = format!("{CONFIG}\n[playbooks.nobody]\nmode = \"paused\"\n");
    world.open("/p/counterplay.toml", 2, &broken);
    assert!(messages(&world, "/p/playbooks/a.play").is_empty());
    assert!(messages(&world, "/p/counterplay.toml")[0].contains("no playbook `nobody`"));
}

#[test]
fn a_file_on_its_own_is_checked_without_a_project() {
    let mut world = world(&[("a.play", "")]);
    let source = about_device("", "    intune.synk(drift.device)");
    world.open("/elsewhere/x.play", 1, &source);
    assert!(messages(&world, "/elsewhere/x.play")[0].contains("`synk`"));
    world.open("untitled:Untitled-1", 1, &source);
    assert!(messages(&world, "untitled:Untitled-1")[0].contains("`synk`"));
    let roots = world.roots.len();
    world.close("untitled:Untitled-1");
    assert_eq!(world.roots.len(), roots - 1);
}

#[test]
fn edits_of_documents_that_are_not_open_are_nobodys() {
    let mut world = world(&[("a.play", "")]);
    let edit = Edit {
        range: Some((
            Position {
                line: 0,
                character: 0,
            },
            Position {
                line: 0,
                character: 0,
            },
        )),
        text: "x".into(),
    };
    world.change("/p/playbooks/a.play", 7, &[edit]);
    assert!(messages(&world, "/p/playbooks/a.play").is_empty());
}

#[test]
fn work_that_nobody_waits_for_stops() {
    let files: Vec<(String, String)> = (0..200)
        .map(|i| {
            let source = about_device("", "    intune.sync(drift.device)");
            (
                format!("f{i}.play"),
                source.replace("playbook p", &format!("playbook p{i}")),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let world = world(&files);
    let snapshot = world.snapshot("/p/playbooks/f0.play").expect("it is there");
    let stop = snapshot.workspace.db.canceller();
    let work = std::thread::spawn(move || {
        Cancelled::catch(AssertUnwindSafe(|| {
            loop {
                for file in snapshot.files() {
                    db::file_findings(&snapshot.workspace.db, snapshot.workspace.project, file);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }))
    });
    stop.cancel();
    assert!(
        work.join()
            .expect("it is cancelled, which is no panic")
            .is_err()
    );
}

#[test]
fn the_project_file_tells_what_playbooks_need_of_it() {
    let source = about_device("", "    notify.slack(team.oncall, \"x\")");
    let world = world(&[("a.play", &source)]);
    let snapshot = world.snapshot("/p/counterplay.toml").expect("it is known");
    let (path, found) = of_project_file(&snapshot).expect("it is there");
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|f| (f.message.as_str(), f.fixes[0].edits[0].1.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "`p` calls `notify.slack`, and counterplay.toml does not set up its connection `slack`\nfix: add a section [connections.slack] to counterplay.toml",
                "\n[connections.slack]\n"
            ),
            (
                "counterplay.toml has no team `oncall`\nfix: add a section [teams.oncall] to counterplay.toml, with its members",
                "\n[teams.oncall]\nmembers = [\"name@example.org\"]\n"
            ),
        ]
    );
    for finding in &found {
        assert_eq!(finding.related[0].0.path, "/p/playbooks/a.play");
        assert_eq!(finding.fixes[0].edits[0].0.path, path);
    }
}

#[test]
fn what_one_playbook_does_and_another_takes_back_is_told_where_it_stands() {
    let contain = "use microsoft.(entra, identity)\n\nplaybook contain \"Contain\" {\n  when identity.risk_detected as risk\n  then { entra.block_sign_in(risk.user) }\n}\n";
    let release = "use microsoft.(entra, identity)\n\nplaybook release \"Release\" {\n  when identity.mfa_not_registered as missing\n  then { entra.unblock_sign_in(missing.user) }\n}\n";
    let mut world = world(&[("contain.play", contain), ("release.play", release)]);
    let of = |world: &World| messages(world, "/p/playbooks/contain.play");
    let found = of(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("`contain` does `entra.block_sign_in`"),
        "{found:?}"
    );
    assert!(messages(&world, "/p/playbooks/release.play").is_empty());
    // An edit of the other one mends it.
    let paused = release.replace("  when", "  mode: paused\n  when");
    world.open("/p/playbooks/release.play", 1, &paused);
    assert!(of(&world).is_empty());
}
