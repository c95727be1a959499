//! A real service under load, killed with SIGKILL again and again: no accepted event is lost, no action that may not be
//! repeated is done twice, the audit trail is whole.
//!
//! 12 kills by default; `COUNTERPLAY_KILLS=200` for as many as `docs/reliability.md` tells of. The moments are drawn
//! from a seed that is printed (`COUNTERPLAY_SEED` draws the same ones again).

use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::outside;
use counterplay_tests::service::Process;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PLAYBOOK: &str = r#"/// A chat service that takes whatever comes.
connection desk {
  auth: none
  retry: for 1m, from 100ms up to 1s
  timeout: 10s
  notify: POST "/services/*/*/*"
}

event ping {
  source: push
  known_by: "pingId"
  field id: Text = raw.pingId
}

/// Do what must not be done twice.
action once(on text: Text) {
  impact: reversible
  idempotent: false
  request: desk.post("/services/T0/B0/ONCE", json: { text: text })
  expect: 200
}

/// Do what may be done twice.
action again(on text: Text) {
  impact: reversible
  idempotent: true
  request: desk.post("/services/T0/B0/AGAIN", json: { text: text })
  expect: 200
}

playbook probe "Probe" {
  when ping as p
  then {
    again("{p.id} first")
    once("{p.id}")
  }
  wait 1s
  then {
    again("{p.id} last")
  }
}
"#;

fn project(folder: &Path, sandbox: &Sandbox) {
    let base = sandbox.base_url();
    let tenant = sandbox.state().id;
    let toml = format!(
        r#"
[project]
name = "Kill"

[tenants.contoso]
id = "{tenant}"

[connections.desk]
base = "{base}/slack"
allow_private = true
"#
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    std::fs::write(folder.join("playbooks/probe.play"), PLAYBOOK).expect("a file");
}

fn serve(folder: &Path) -> Process {
    Process::start(folder, &[], &[])
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(outside::counterplay())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    let said = outside::printed(&output);
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// The next number of a small generator (SplitMix64): the same seed gives the same moments.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// What the services were asked, by text.
fn counted(sandbox: &Sandbox, target: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in &sandbox.state().chat {
        if message.target == target {
            *counts.entry(message.text.clone()).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_loses_nothing_and_repeats_nothing() {
    let kills: usize = given("COUNTERPLAY_KILLS").unwrap_or(12);
    let seed: u64 = given("COUNTERPLAY_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |d| d.as_nanos() as u64)
    });
    println!("COUNTERPLAY_SEED={seed}");
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    sandbox.update(|tenant| {
        for key in ["ONCE", "AGAIN"] {
            let place = format!("T0/B0/{key}");
            tenant.slack_webhooks.insert(place, key.to_lowercase());
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), &sandbox);
    let first = serve(folder.path());
    let made = told(
        folder.path(),
        &[
            "token", "create", "siem", "--role", "source", "--tenant", "contoso",
        ],
    );
    // It is shown once, on a line of its own.
    let token = made.lines().map(str::trim).find(|l| l.starts_with("cp"));
    let token = token
        .unwrap_or_else(|| panic!("no token: {made}"))
        .to_owned();

    let url = Arc::new(Mutex::new(first.url.clone()));
    let accepted = Arc::new(Mutex::new(BTreeSet::new()));
    let load = tokio::spawn({
        let (url, accepted) = (url.clone(), accepted.clone());
        async move {
            let http = reqwest::Client::new();
            for number in 0.. {
                let url = url.lock().expect("not poisoned").clone();
                let id = format!("ping-{number}");
                let sent = http
                    .post(format!("{url}/events/probe.ping"))
                    .bearer_auth(&token)
                    .json(&json!({ "pingId": id }))
                    .timeout(Duration::from_secs(5))
                    .send()
                    .await;
                if sent.is_ok_and(|answer| answer.status() == 202) {
                    accepted.lock().expect("not poisoned").insert(id);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });

    let mut state = seed;
    let mut service = first;
    for _ in 0..kills {
        let pause = 50 + draw(&mut state) % 700;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(service);
        service = serve(folder.path());
        url.lock().expect("not poisoned").clone_from(&service.url);
    }
    load.abort();
    let _ = load.await;
    let accepted = accepted.lock().expect("not poisoned").clone();
    assert!(accepted.len() > kills, "{} were accepted", accepted.len());

    // Every run ends, or is held because nobody knows whether the action was carried out.
    let mut runs: Vec<Value> = Vec::new();
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let listed = told(folder.path(), &["runs", "--all", "--json"]);
        runs = serde_json::from_str(&listed).expect("a list");
        let over = |run: &Value| ["ended", "held"].contains(&run["status"].as_str().unwrap_or(""));
        if runs.len() >= accepted.len() && runs.iter().all(over) {
            break;
        }
    }
    let mut status = BTreeMap::<String, usize>::new();
    for run in &runs {
        let outcome = &run["outcome"];
        let ended = outcome.as_str().or_else(|| outcome["outcome"].as_str());
        let name = ended
            .or_else(|| run["status"].as_str())
            .unwrap_or("")
            .to_owned();
        *status.entry(name).or_default() += 1;
    }
    println!(
        "{kills} kills, {} events accepted, runs: {status:?}",
        accepted.len()
    );
    let known = ["completed", "held"];
    assert!(
        status.keys().all(|s| known.contains(&s.as_str())),
        "{status:?}"
    );

    let once = counted(&sandbox, "once");
    let twice: Vec<_> = once.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "done twice: {twice:?}");
    let again = counted(&sandbox, "again");
    let lost: Vec<_> = accepted
        .iter()
        .filter(|id| !again.contains_key(&format!("{id} first")))
        .collect();
    assert!(lost.is_empty(), "accepted and never acted upon: {lost:?}");
    let ended = again.keys().filter(|text| text.ends_with("last")).count();
    assert_eq!(
        Some(&ended),
        status.get("completed"),
        "each completed run did all of it"
    );
    let completed_once = again
        .keys()
        .filter_map(|text| text.strip_suffix(" last"))
        .filter(|id| once.contains_key(*id))
        .count();
    assert_eq!(completed_once, ended);

    drop(service);
    let verified = told(folder.path(), &["audit", "verify"]);
    println!("{verified}");
}
