//! A folder in, a project in it whose runs can be counted outside out; and the load that is put on its service.

use crate::outside;
use crate::service::Process;
use counterplay_sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Two kinds of actions, and a wait between them.
const PLAYBOOK: &str = r#"/// A chat service that takes whatever comes.
connection desk {
  auth: none
  retry: for 1h, from 100ms up to 1s
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

/// Writes the project into a folder, its service being this sandbox, which is told of its two hooks.
pub fn project(folder: &Path, sandbox: &Sandbox) {
    sandbox.update(|tenant| {
        for key in ["ONCE", "AGAIN"] {
            let place = format!("T0/B0/{key}");
            tenant.slack_webhooks.insert(place, key.to_lowercase());
        }
    });
    let base = sandbox.base_url();
    let tenant = sandbox.state().id;
    let toml = format!(
        r#"
[project]
name = "Probe"

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

/// What a command prints in a folder; it has to succeed.
pub fn told(folder: &Path, arguments: &[&str]) -> String {
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

/// A token that may hand events in.
pub fn token(folder: &Path) -> String {
    made(folder, "token create siem --role source --tenant contoso")
}

/// A token that may look.
pub fn watcher(folder: &Path) -> String {
    made(folder, "token create watch --role viewer --all-tenants")
}

fn made(folder: &Path, command: &str) -> String {
    let made = told(folder, &command.split(' ').collect::<Vec<_>>());
    // It is shown once, on a line of its own.
    let token = made.lines().map(str::trim).find(|l| l.starts_with("cp"));
    token
        .unwrap_or_else(|| panic!("no token: {made}"))
        .to_owned()
}

/// The value of a variable of the environment, where it is set.
pub fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seed that `COUNTERPLAY_SEED` gives, or one of this moment; it is printed.
pub fn seed() -> u64 {
    let seed = given("COUNTERPLAY_SEED").unwrap_or_else(now_us);
    println!("COUNTERPLAY_SEED={seed}");
    seed
}

/// The time, in microseconds since the Unix epoch.
pub fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}

/// Events that are sent to a service one after the other, also while it is away.
pub struct Load {
    url: Arc<Mutex<String>>,
    accepted: Arc<Mutex<BTreeMap<String, u64>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    /// Begins to send to a service, with a token.
    pub fn start(service: &Process, token: String, pause: Duration) -> Load {
        let url = Arc::new(Mutex::new(service.url.clone()));
        let accepted = Arc::new(Mutex::new(BTreeMap::new()));
        let (to, taken) = (url.clone(), accepted.clone());
        let task = tokio::spawn(async move {
            let http = reqwest::Client::new();
            for number in 0.. {
                let url = to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let id = format!("ping-{number}");
                let sent = http
                    .post(format!("{url}/events/probe.ping"))
                    .bearer_auth(&token)
                    .json(&json!({ "pingId": id }))
                    .timeout(Duration::from_secs(5))
                    .send()
                    .await;
                if sent.is_ok_and(|answer| answer.status() == 202) {
                    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    taken.insert(id, now_us());
                }
                tokio::time::sleep(pause).await;
            }
        });
        Load {
            url,
            accepted,
            task,
        }
    }

    /// Goes on with a service that was started in place of the one before.
    pub fn turn_to(&self, service: &Process) {
        let mut url = self.url.lock().unwrap_or_else(PoisonError::into_inner);
        url.clone_from(&service.url);
    }

    /// Sends no more. What was accepted, each with the time at which its sender heard of it.
    pub async fn stop(self) -> BTreeMap<String, u64> {
        self.task.abort();
        let _ = self.task.await;
        let accepted = self.accepted.lock();
        accepted.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Waits until there are so many runs and each of them has ended or is held: how many there are of each outcome.
pub async fn settled(folder: &Path, least: usize) -> BTreeMap<String, usize> {
    let mut runs: Vec<Value> = Vec::new();
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let listed = told(folder, &["runs", "--all", "--json"]);
        runs = serde_json::from_str(&listed).expect("a list");
        let over = |run: &Value| ["ended", "held"].contains(&run["status"].as_str().unwrap_or(""));
        if runs.len() >= least && runs.iter().all(over) {
            break;
        }
    }
    let mut outcomes = BTreeMap::<String, usize>::new();
    for run in &runs {
        let outcome = &run["outcome"];
        let ended = outcome.as_str().or_else(|| outcome["outcome"].as_str());
        let name = ended.or_else(|| run["status"].as_str()).unwrap_or("");
        *outcomes.entry(name.to_owned()).or_default() += 1;
    }
    outcomes
}

/// How often the service outside was asked for each text, at one of its hooks.
pub fn counted(sandbox: &Sandbox, target: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in &sandbox.state().chat {
        if message.target == target {
            *counts.entry(message.text.clone()).or_default() += 1;
        }
    }
    counts
}
