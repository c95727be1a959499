//! Power is lost, again and again, at the layer of files: what a real service under load asked of its disk is written down
//! with `strace`; at many moments the disk is put together as it would be found afterwards, with what was synced, and
//! with more by chance; and on each of them everything that somebody outside had seen before has to be there.
//!
//! 60 moments by default; `COUNTERPLAY_POWER_LOSSES=2000` for as many as `docs/reliability.md` tells of. The moments are
//! drawn from a seed that is printed (`COUNTERPLAY_SEED` draws the same ones again, of another recording).

use counterplay_machine::journal::What;
use counterplay_runtime::store::{EventFilter, Store};
use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::disk::{self, Disk, Files, Left};
use counterplay_tests::outside;
use counterplay_tests::probe::{self, Load, counted, given, told};
use counterplay_tests::service::Process;
use counterplay_tests::sim::chance::Chance;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// The memory that processes share is made anew, and locks go with their process.
const IGNORED: [&str; 2] = ["-shm", ".lock"];

/// Where a project's store lies.
const PLACE: &str = ".counterplay";

/// What somebody outside saw, each with the time.
struct Seen {
    /// Events that were answered with `202`.
    accepted: BTreeMap<String, u64>,
    /// Calls that arrived at the service: the hook, the text, when.
    arrived: Vec<(String, String, u64)>,
}

impl Seen {
    fn until(&self, moment: u64) -> Seen {
        Seen {
            accepted: self
                .accepted
                .iter()
                .filter(|(_, at)| **at <= moment)
                .map(|(id, at)| (id.clone(), *at))
                .collect(),
            arrived: self
                .arrived
                .iter()
                .filter(|(.., at)| *at <= moment)
                .cloned()
                .collect(),
        }
    }
}

/// Starts the service so that what it asks of its disk is written to a file.
fn watched(folder: &Path, trace: &Path) -> Process {
    let mut command = disk::written_down(trace);
    command.arg(outside::counterplay());
    Process::of(command, folder, &[], &[])
}

/// What was written down, after the process has ended.
async fn finished(trace: &Path) -> String {
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let text = std::fs::read_to_string(trace).unwrap_or_default();
        let last = text.lines().next_back().unwrap_or_default();
        if text.ends_with('\n') && last.contains("+++ ") {
            return text;
        }
    }
    panic!("strace does not end")
}

/// A service that was started, loaded, killed, started again and loaded until it was killed once more.
async fn recorded(folder: &Path, sandbox: &Sandbox) -> (Disk, Seen) {
    let traces = tempfile::tempdir().expect("a folder");
    probe::project(folder, sandbox);
    let first = Process::start(folder, &[], &[]);
    let token = probe::token(folder);
    drop(first);
    let place = folder.join(PLACE);
    let mut disk = Disk::of(&place, disk::files(&place, &IGNORED));
    let trace = |life: usize| traces.path().join(format!("{life}.txt"));
    let service = watched(folder, &trace(0));
    let load = Load::start(&service, token, Duration::from_millis(20));
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    drop(service);
    disk.add(&finished(&trace(0)).await, &IGNORED);
    let service = watched(folder, &trace(1));
    load.turn_to(&service);
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    drop(service);
    disk.add(&finished(&trace(1)).await, &IGNORED);
    let accepted = load.stop().await;
    let arrived = sandbox.requests().into_iter().map(|request| {
        let hook = request
            .path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let text = request.body["text"].as_str().unwrap_or_default().to_owned();
        let at = u64::try_from(request.time.as_microsecond()).unwrap_or(0);
        (hook, text, at)
    });
    let arrived = arrived.collect();
    (disk, Seen { accepted, arrived })
}

/// Puts files into a folder that has the project.
fn restored(folder: &Path, files: &Files) {
    let folder = folder.join(PLACE);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(folder.join(name), mode).expect("set");
        }
    }
}

/// What is missing or broken in a store.
async fn wrong(folder: &Path, seen: &Seen) -> Vec<String> {
    // Opening it checks every page.
    let store = match Store::open(folder.join(PLACE).join("store.db")) {
        Ok(store) => store,
        Err(error) => return vec![error.to_string()],
    };
    let mut wrong = Vec::new();
    for chain in store.verify_audit(None).await.expect("readable") {
        wrong.extend(chain.first_broken.map(|broken| format!("{broken:?}")));
    }
    let filter = EventFilter {
        limit: Some(100_000),
        ..EventFilter::default()
    };
    let mut events = BTreeSet::new();
    for event in store.event_page(filter).await.expect("readable").items {
        events.insert(
            event.payload["pingId"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    let lost = seen.accepted.keys().filter(|id| !events.contains(*id));
    wrong.extend(lost.map(|id| format!("{id} was accepted, and is not there")));
    let intended = store
        .read(|tx| {
            let mut intended = BTreeSet::new();
            for num in 1.. {
                let entries = tx.journal(num)?;
                if entries.is_empty() {
                    break;
                }
                for entry in entries {
                    if let What::Intended { action, args, .. } = entry.what {
                        let hook = action.rsplit('.').next().unwrap_or_default().to_owned();
                        intended
                            .insert((hook, args["text"].as_str().unwrap_or_default().to_owned()));
                    }
                }
            }
            Ok(intended)
        })
        .await
        .expect("readable");
    for (hook, text, _) in &seen.arrived {
        if !intended.contains(&(hook.clone(), text.clone())) {
            wrong.push(format!(
                "{hook} {text:?} had arrived, and nobody intended it"
            ));
        }
    }
    wrong
}

/// What is wrong when the service goes on with what it finds.
async fn wrong_afterwards(files: &Files, seen: &Seen) -> Vec<String> {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    restored(folder.path(), files);
    probe::project(folder.path(), &sandbox);
    let service = Process::start(folder.path(), &[], &[]);
    let ends = probe::settled(folder.path(), seen.accepted.len()).await;
    drop(service);
    told(folder.path(), &["audit", "verify"]);
    let mut wrong = Vec::new();
    if ends.keys().any(|end| end != "completed" && end != "held") {
        wrong.push(format!("runs ended otherwise: {ends:?}"));
    }
    let mut once = counted(&sandbox, "once");
    let mut again = counted(&sandbox, "again");
    for (hook, text, _) in &seen.arrived {
        let counts = if hook == "once" {
            &mut once
        } else {
            &mut again
        };
        *counts.entry(text.clone()).or_default() += 1;
    }
    let twice = once.iter().filter(|(_, n)| **n > 1);
    wrong.extend(twice.map(|(text, n)| format!("{text} was done {n} times")));
    let lost = seen
        .accepted
        .keys()
        .filter(|id| !again.contains_key(&format!("{id} first")));
    wrong.extend(lost.map(|id| format!("{id} was never acted upon")));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_loss_of_power_everything_that_was_seen_outside_is_there() {
    if !outside::is_there("strace", "--version") {
        return outside::skipped("strace");
    }
    let losses: usize = given("COUNTERPLAY_POWER_LOSSES").unwrap_or(60);
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("a folder");
    let (mut disk, seen) = recorded(&place, &sandbox).await;
    let moments = disk.moments();
    assert!(
        moments.len() > 100 && seen.accepted.len() > 10,
        "{} moments, {} events",
        moments.len(),
        seen.accepted.len()
    );
    let outside: Vec<u64> = seen
        .accepted
        .values()
        .copied()
        .chain(seen.arrived.iter().map(|(.., at)| *at))
        .collect();

    let mut draw = Chance::seeded(probe::seed());
    let mut went_on = 0;
    for number in 0..losses {
        // Right after somebody has seen something, and anywhere.
        let from = if number % 2 == 0 { &outside } else { &moments };
        let moment = from[draw.below(from.len())];
        let left = match number % 3 {
            0 => Left::Nothing,
            _ => Left::Some(&mut draw),
        };
        let files = disk.at(moment, left);
        let seen = seen.until(moment);
        let again = tempfile::tempdir().expect("a folder");
        restored(again.path(), &files);
        let wrong = wrong(again.path(), &seen).await;
        assert!(
            wrong.is_empty(),
            "power lost at {moment} (number {number}): {wrong:#?}"
        );
        if number % 20 == 19 {
            let wrong = wrong_afterwards(&files, &seen).await;
            assert!(
                wrong.is_empty(),
                "power lost at {moment} (number {number}): {wrong:#?}"
            );
            went_on += 1;
        }
    }
    println!(
        "{losses} losses of power among {} moments of the disk; {} events accepted, {} calls arrived; the service went on {went_on} times",
        moments.len(),
        seen.accepted.len(),
        seen.arrived.len(),
    );

    // The test would notice: a service that never syncs loses what it has accepted.
    disk.without_syncs();
    let last = moments.last().copied().unwrap_or(0);
    let again = tempfile::tempdir().expect("a folder");
    restored(again.path(), &disk.at(last, Left::Nothing));
    let wrong = wrong(again.path(), &seen).await;
    assert!(
        wrong.iter().any(|w| w.contains("was accepted")),
        "{wrong:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn power_lost_at_the_very_first_start_leaves_a_folder_that_the_next_one_works_with() {
    if !outside::is_there("strace", "--version") {
        return outside::skipped("strace");
    }
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("a folder");
    probe::project(&place, &sandbox);
    let traces = tempfile::tempdir().expect("a folder");
    let trace = traces.path().join("first.txt");
    let service = watched(&place, &trace);
    drop(service);
    let mut disk = Disk::of(&place.join(PLACE), Files::new());
    disk.add(&finished(&trace).await, &IGNORED);
    let moments = disk.moments();
    assert!(moments.len() > 20, "{} moments", moments.len());
    let mut draw = Chance::seeded(probe::seed());
    for number in 0..given("COUNTERPLAY_POWER_LOSSES").unwrap_or(60) {
        let moment = moments[draw.below(moments.len())];
        let left = match number % 2 {
            0 => Left::Nothing,
            _ => Left::Some(&mut draw),
        };
        let again = tempfile::tempdir().expect("a folder");
        let files = disk.at(moment, left);
        restored(again.path(), &files);
        let nothing = Seen {
            accepted: BTreeMap::new(),
            arrived: Vec::new(),
        };
        let wrong = wrong(again.path(), &nothing).await;
        let names: Vec<_> = files.keys().collect();
        assert!(
            wrong.is_empty(),
            "power lost at {moment} (number {number}), left were {names:?}: {wrong:#?}"
        );
    }
}
