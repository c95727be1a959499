//! A real service, two tenants, and a service outside that counts what arrives: a new version acts for the canary's
//! tenant, and elsewhere nothing of it arrives until a person has promoted it.

use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::outside;
use counterplay_tests::service::Process;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PLAYBOOK: &str = r#"connection desk {
  auth: none
  timeout: 10s
  notify: POST "/services/*/*/*"
}

event ping {
  source: push
  known_by: "pingId"
  field id: Text = raw.pingId
}

action say(on text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/services/T0/B0/SAID", json: { text: text })
  expect: 200
}

playbook probe "Probe" {
  when ping as p
  then { say("{tenant.name} VERSION {p.id}") }
}
"#;

fn project(folder: &Path, sandbox: &Sandbox, version: &str) {
    let base = sandbox.base_url();
    let tenant = sandbox.state().id;
    let toml = format!(
        r#"
[project]
name = "Canary"
canary = "ring0"

[tenants.contoso]
id = "{tenant}"
groups = ["ring0"]

[tenants.fabrikam]
id = "{tenant}"

[connections.desk]
base = "{base}/slack"
allow_private = true
"#
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    let source = PLAYBOOK.replace("VERSION", version);
    std::fs::write(folder.join("playbooks/probe.play"), source).expect("a file");
}

fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(outside::counterplay())
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    (output.status.code(), outside::printed(&output))
}

fn token(folder: &Path, role: &str, tenant: Option<&str>) -> String {
    let name = format!("{role}-{}", tenant.unwrap_or("all"));
    let reach = tenant.map_or(vec!["--all-tenants"], |name| vec!["--tenant", name]);
    let (_, made) = told(
        folder,
        &[&["token", "create", &name, "--role", role][..], &reach].concat(),
    );
    let token = made.lines().map(str::trim).find(|l| l.starts_with("cp"));
    token
        .unwrap_or_else(|| panic!("no token: {made}"))
        .to_owned()
}

/// An author who has logged in: what goes with each request of theirs.
async fn logged_in(service: &Process, folder: &Path) -> Vec<(&'static str, String)> {
    let (email, password) = ("ada@msp.example", "paper lantern seven");
    let mut made = Command::new(outside::counterplay())
        .args(["user", "add", email, "--role", "author", "--all-tenants"])
        .arg("--password-stdin")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut to = made.stdin.take().expect("an input");
    to.write_all(password.as_bytes()).expect("written");
    drop(to);
    assert!(made.wait().expect("it ends").success());
    let login = Client::new()
        .post(format!("{}/api/automation/session", service.url))
        .json(&json!({ "email": email, "password": password }))
        .send()
        .await
        .expect("an answer");
    let cookie = login.headers()["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let session: Value = login.json().await.expect("JSON");
    let csrf = session["csrf"].as_str().expect("a value").to_owned();
    vec![
        ("cookie", cookie),
        ("x-csrf-token", csrf),
        ("origin", service.url.clone()),
    ]
}

/// Where the service is, and who delivers what.
struct World<'s> {
    sandbox: &'s Sandbox,
    tokens: BTreeMap<&'static str, String>,
    sent: usize,
}

impl World<'_> {
    /// Sends an event to each tenant, waits until `runs` more have ended, and says what was told outside.
    async fn both(&mut self, service: &Process, folder: &Path, runs: usize) -> Vec<String> {
        let before = self.sandbox.state().chat.len();
        let ended = ended(folder).len();
        self.sent += 1;
        for token in self.tokens.values() {
            let sent = Client::new()
                .post(format!("{}/events/probe.ping", service.url))
                .bearer_auth(token)
                .json(&json!({ "pingId": format!("{}", self.sent) }))
                .send()
                .await
                .expect("an answer");
            assert_eq!(sent.status(), 202);
        }
        for _ in 0..200 {
            if self::ended(folder).len() >= ended + runs {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self::ended(folder).len(), ended + runs);
        let state = self.sandbox.state();
        let mut said: Vec<String> = state
            .chat
            .iter()
            .skip(before)
            .map(|m| m.text.clone())
            .collect();
        said.sort();
        said
    }
}

fn ended(folder: &Path) -> Vec<Value> {
    let (_, listed) = told(folder, &["runs", "--all", "--json"]);
    let mut runs: Vec<Value> = serde_json::from_str(&listed).unwrap_or_default();
    runs.retain(|run| run["status"] == "ended");
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_new_version_arrives_outside_of_the_canary() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    sandbox.update(|tenant| {
        let place = "T0/B0/SAID".to_owned();
        tenant.slack_webhooks.insert(place, "said".into());
    });
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    project(folder, &sandbox, "one");
    let service = Process::start(folder, &[], &[]);
    let mut world = World {
        sandbox: &sandbox,
        tokens: ["contoso", "fabrikam"]
            .map(|name| (name, token(folder, "source", Some(name))))
            .into(),
        sent: 0,
    };
    let said = world.both(&service, folder, 2).await;
    assert_eq!(said, ["contoso one 1"]);
    let (code, list) = told(folder, &["promote"]);
    assert_eq!(code, Some(0));
    let hash = list
        .split_whitespace()
        .find(|word| word.len() == 12 && word.chars().all(|c| c.is_ascii_hexdigit()));
    let list = list.replace(hash.expect("a version"), "{version}   ");
    let list: Vec<&str> = list.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(list.join("\n"), @r"
    PLAYBOOK  VERSION       CANARY
    probe     {version}     ring0   not promoted; elsewhere only simulated
    ");
    let (code, said) = told(folder, &["promote", "probe"]);
    assert_eq!(code, Some(2), "nobody said so: {said}");
    let (code, said) = told(folder, &["promote", "prob", "--as", "ana@msp.example"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("there is no playbook `prob`"), "{said}");
    let (code, said) = told(folder, &["promote", "probe", "--as", "ana@msp.example"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("acts for every tenant"), "{said}");
    let said = world.both(&service, folder, 2).await;
    assert_eq!(said, ["contoso one 2", "fabrikam one 2"]);
    let (code, said) = told(folder, &["promote", "probe", "--as", "ana@msp.example"]);
    assert_eq!(code, Some(1), "{said}");

    // Another version is deployed, with the next start of the service.
    drop(service);
    project(folder, &sandbox, "two");
    let service = Process::start(folder, &[], &[]);
    let said = world.both(&service, folder, 3).await;
    assert_eq!(said, ["contoso two 3", "fabrikam one 3"]);
    let simulated = ended(folder)
        .into_iter()
        .filter(|run| run["simulated"] == true);
    let simulated: Vec<Value> = simulated.map(|run| run["tenant"].clone()).collect();
    assert_eq!(simulated, ["fabrikam", "fabrikam"]);
    let (_, list) = told(folder, &["promote"]);
    assert!(list.contains("not promoted; elsewhere "), "{list}");

    // Over the API: by whoever deploys, and what they have looked at.
    let path = format!("{}/api/automation/playbooks/probe", service.url);
    let (viewer, author) = (token(folder, "viewer", None), token(folder, "author", None));
    let http = Client::new();
    let seen = http.get(&path).bearer_auth(&viewer).send().await;
    let seen: Value = seen.expect("an answer").json().await.expect("JSON");
    assert_eq!(seen["canary"]["group"], "ring0");
    assert_eq!(seen["canary"]["promoted"], false);
    assert!(seen["canary"]["elsewhere"].is_string(), "{seen}");
    let asked = || http.post(format!("{path}/promotion"));
    let promote = async |by: RequestBuilder, version: &Value| {
        let asked = by.json(&json!({ "version": version })).send().await;
        asked.expect("an answer").status().as_u16()
    };
    let version = &seen["version"];
    assert_eq!(promote(asked().bearer_auth(&viewer), version).await, 403);
    // What a program has deployed waits for a person.
    assert_eq!(promote(asked().bearer_auth(&author), version).await, 403);
    let logged_in = logged_in(&service, folder).await;
    let person = || {
        let with =
            |asked: RequestBuilder, (name, value): &(&str, String)| asked.header(*name, value);
        logged_in.iter().fold(asked(), with)
    };
    let elsewhere = &seen["canary"]["elsewhere"];
    assert_eq!(promote(person(), elsewhere).await, 409);
    assert_eq!(promote(person(), &json!("")).await, 409);
    assert_eq!(promote(person(), version).await, 200);
    assert_eq!(promote(person(), version).await, 409);
    let said = world.both(&service, folder, 2).await;
    assert_eq!(said, ["contoso two 4", "fabrikam two 4"]);

    let (_, trail) = told(folder, &["audit", "export"]);
    let records: Vec<Value> = trail
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|line| line["record"].clone())
        .filter(|record| record["action"] == "playbook.promoted")
        .collect();
    let by: Vec<&str> = records.iter().filter_map(|r| r["actor"].as_str()).collect();
    assert_eq!(by, ["ana@msp.example", "ada@msp.example"]);
    assert_eq!(records[1]["detail"]["version"], seen["version"]);
}
