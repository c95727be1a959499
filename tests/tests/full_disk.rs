//! A real service on a disk that is full, on one that does not take what is written, and on a file with a damaged page: it
//! refuses clearly, loses nothing, and goes on when it can.
//!
//! A disk that is really full has to be mounted, which many containers refuse even to root. There that one test says that
//! it is skipped, with `CI=true`, too; what it shows is then shown by the next one, in which `strace` lets the system
//! answer "no space left" for a while. That one is skipped only where strace is missing, and never with `CI=true`.

use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::outside;
use counterplay_tests::probe::{self, Load, counted, told};
use counterplay_tests::service::Process;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A small disk of its own; it is gone when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many MiB, where this user may do that.
    fn mount(place: &Path, mib: usize) -> Option<SmallDisk> {
        std::fs::create_dir_all(place).expect("a folder");
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={mib}m,mode=700"),
                "tmpfs",
            ])
            .arg(place)
            .output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        mounted.then(|| SmallDisk(place.to_owned()))
    }

    /// Takes all the room that is left; the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

async fn answer(service: &Process, token: &str, id: &str) -> Option<(u16, Value)> {
    let sent = reqwest::Client::new()
        .post(format!("{}/events/probe.ping", service.url))
        .bearer_auth(token)
        .json(&json!({ "pingId": id }))
        .timeout(Duration::from_secs(5))
        .send()
        .await
        .ok()?;
    let status = sent.status().as_u16();
    if status == 503 {
        assert!(sent.headers().contains_key("retry-after"));
        let kind = sent.headers()["content-type"].to_str().expect("text");
        assert_eq!(kind, "application/problem+json");
    }
    Some((status, sent.json().await.ok()?))
}

async fn health(service: &Process, token: &str) -> Value {
    let asked = reqwest::Client::new()
        .get(format!("{}/api/automation/health", service.url))
        .bearer_auth(token)
        .send();
    asked.await.expect("an answer").json().await.expect("JSON")
}

/// Everything that was accepted is acted upon, nothing is done twice, and the audit trail is whole.
async fn kept(folder: &Path, sandbox: &Sandbox, accepted: &BTreeMap<String, u64>) {
    let outcomes = probe::settled(folder, accepted.len()).await;
    println!("{} accepted, runs: {outcomes:?}", accepted.len());
    let known = ["completed", "held"];
    assert!(
        outcomes.keys().all(|o| known.contains(&o.as_str())),
        "{outcomes:?}"
    );
    let once = counted(sandbox, "once");
    assert!(once.values().all(|n| *n == 1), "{once:?}");
    let again = counted(sandbox, "again");
    let lost = accepted
        .keys()
        .find(|id| !again.contains_key(&format!("{id} first")));
    assert_eq!(lost, None, "accepted and never acted upon");
    told(folder, &["audit", "verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_it_refuses_and_goes_on_by_itself_when_there_is_room() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join(".counterplay"), 16) else {
        println!(
            "skipped: this system does not let this user mount a disk; the next test needs none"
        );
        return;
    };
    probe::project(folder.path(), &sandbox);
    let service = Process::start(folder.path(), &[], &[]);
    let token = probe::token(folder.path());
    let watch = probe::watcher(folder.path());
    let health = async || health(&service, &watch).await;
    let load = Load::start(&service, token.clone(), Duration::from_millis(10));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(health().await["store"], Value::Null);

    let filler = disk.fill();
    // The log of the store has some room of its own, which is used again.
    let mut refused = 0;
    for number in 0..2_000 {
        match answer(&service, &token, &format!("full-{number}")).await {
            Some((503, problem)) => {
                let detail = problem["detail"].as_str().unwrap_or_default();
                assert!(
                    detail.contains("the disk of the service is full"),
                    "{problem}"
                );
                refused += 1;
            }
            Some((status, problem)) => assert_eq!(status, 202, "{problem}"),
            None => panic!("no answer: {}", service.said()),
        }
        if refused >= 20 && health().await["store"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = health().await;
    assert_eq!(told["status"], "attention");
    let why = told["store"].as_str().unwrap_or_default();
    assert!(why.contains("no space left"), "{told} {refused}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(
        service.said().contains("it is tried again"),
        "{}",
        service.said()
    );

    std::fs::remove_file(filler).expect("room");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let accepted = load.stop().await;
    let taken = answer(&service, &token, "after").await.expect("an answer");
    assert_eq!(taken.0, 202, "{}", taken.1);
    kept(folder.path(), &sandbox, &accepted).await;
    for _ in 0..100 {
        if health().await["store"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(health().await["store"], Value::Null);
    drop(service);
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_system_finds_no_room_for_a_while_it_refuses_and_goes_on_by_itself() {
    if !outside::is_there("strace", "--version") {
        return outside::skipped("strace");
    }
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    probe::project(folder.path(), &sandbox);
    drop(Process::start(folder.path(), &[], &[]));
    let (token, watch) = (probe::token(folder.path()), probe::watcher(folder.path()));
    // Of what the store's writer writes to its log, these writes find no room.
    let log = folder.path().join(".counterplay/store.db-wal");
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-q", "--seccomp-bpf", "-e", "trace=pwrite64"]);
    command.args(["-e", "inject=pwrite64:error=ENOSPC:when=400..480", "-P"]);
    command.arg(log).args(["-o", "/dev/null", "--"]);
    command.arg(outside::counterplay());
    let service = Process::of(command, folder.path(), &[], &[]);
    let (mut accepted, mut refused, mut told, mut after_that) = (BTreeMap::new(), 0, false, 0);
    for number in 0_u64..3_000 {
        let id = format!("ping-{number}");
        match answer(&service, &token, &id).await {
            Some((202, _)) => {
                accepted.insert(id, number);
                after_that += u64::from(refused > 0);
                if after_that >= 50 && health(&service, &watch).await["store"].is_null() {
                    break;
                }
            }
            Some((503, problem)) => {
                let detail = problem["detail"].as_str().unwrap_or_default();
                let why = "the disk of the service is full";
                assert!(detail.contains(why), "{problem}");
                refused += 1;
                let health = health(&service, &watch).await;
                let why = health["store"].as_str().unwrap_or_default();
                told |= health["status"] == "attention" && why.contains("no space left");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other:?}: {}", service.said()),
        }
    }
    assert!(refused > 0, "there was room for everything");
    assert!(after_that >= 50, "it does not go on: {after_that}");
    // Whether the engine wanted to write at that time, too, is by chance: where it did it says so.
    let said = service.said();
    assert!(!told || said.contains("it is tried again"), "{said}");
    let last = accepted.len() as u64;
    let after = answer(&service, &token, "after").await.expect("an answer");
    assert_eq!(after.0, 202, "{}", after.1);
    accepted.insert("after".into(), last);
    kept(folder.path(), &sandbox, &accepted).await;
    drop(service);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_ends_it_and_the_next_one_goes_on() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    probe::project(folder.path(), &sandbox);
    drop(Process::start(folder.path(), &[], &[]));
    let token = probe::token(folder.path());
    // No file of it grows beyond 2 MiB: writing fails from then on, for every user.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""]);
    command.arg(outside::counterplay());
    let mut service = Process::of(command, folder.path(), &[], &[]);
    let load = Load::start(&service, token, Duration::from_millis(5));
    let (code, said) = service.ended().await;
    let accepted = load.stop().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the engine has stopped: the disk under the store"),
        "{said}"
    );
    assert!(
        said.contains("nothing that was accepted before is lost"),
        "{said}"
    );
    assert!(!accepted.is_empty());

    let service = Process::start(folder.path(), &[], &[]);
    kept(folder.path(), &sandbox, &accepted).await;
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_told_before_anything_is_done() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    probe::project(folder.path(), &sandbox);
    drop(Process::start(folder.path(), &[], &[]));
    // Ends in order, so that everything is in one file.
    told(folder.path(), &["runs"]);
    let path = folder.path().join(".counterplay/store.db");
    let mut bytes = std::fs::read(&path).expect("readable");
    for page in bytes.chunks_mut(4096).skip(1) {
        page[..64].fill(0xa5);
    }
    std::fs::write(&path, &bytes).expect("written");
    for arguments in [vec!["serve", "--listen", "127.0.0.1:0"], vec!["runs"]] {
        let output = Command::new(outside::counterplay())
            .args(&arguments)
            .current_dir(folder.path())
            .output()
            .expect("it starts");
        let said = outside::printed(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("is damaged"), "{arguments:?}: {said}");
        assert!(
            said.contains("put a backup in its place"),
            "{arguments:?}: {said}"
        );
        assert_eq!(std::fs::read(&path).expect("readable"), bytes);
    }
}
