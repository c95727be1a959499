//! A real service, and a service outside that notes when calls arrive: its limit holds across a deploy, with calls that
//! still wait for their turn.

use counterplay_tests::outside;
use counterplay_tests::service::Process;
use counterplay_tests::target::Target;
use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PLAYBOOK: &str = r#"connection desk {
  auth: none
  rate: 1 per 2s
  notify: POST "/said"
}

event ping {
  source: push
  known_by: "pingId"
  field id: Text = raw.pingId
}

action say(on text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/said", json: { text: text })
}

playbook probe "Probe" {
  when ping as p
  then { say("VERSION {p.id}") }
}
"#;

/// How many events are sent before the deploy, and after it.
const EVENTS: usize = 3;

fn project(folder: &Path, base: &str) {
    let toml = format!(
        "[project]\nname = \"Limits\"\n\n[tenants.contoso]\nid = \"c\"\n\n[connections.desk]\nbase = \"{base}\"\nallow_private = true\n"
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    let source = PLAYBOOK.replace("VERSION", "one");
    std::fs::write(folder.join("playbooks/probe.play"), source).expect("a file");
}

fn token(folder: &Path, role: &str, reach: &[&str]) -> String {
    let output = Command::new(outside::counterplay())
        .args(["token", "create", role, "--role", role])
        .args(reach)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    let made = outside::printed(&output);
    let token = made.lines().map(str::trim).find(|l| l.starts_with("cp"));
    token
        .unwrap_or_else(|| panic!("no token: {made}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_lets_no_more_calls_through() {
    let mut target = Target::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    project(folder, &target.base);
    let service = Process::start(folder, &["--accept-deploys"], &[]);
    let source = token(folder, "source", &["--tenant", "contoso"]);
    let author = token(folder, "author", &["--all-tenants"]);
    let http = Client::new();
    let send = |number: usize| {
        let request = http
            .post(format!("{}/events/probe.ping", service.url))
            .bearer_auth(&source)
            .json(&json!({ "pingId": number.to_string() }));
        async move {
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            assert_eq!(status, 202, "{}", answer.text().await.unwrap_or_default());
        }
    };
    for number in 0..EVENTS {
        send(number).await;
    }
    let mut arrived: Vec<(Instant, String)> = Vec::new();
    arrived.push(target.arrivals.recv().await.expect("a call"));

    // The others wait for their turn.
    let one = format!("{}/api/automation/playbooks/probe", service.url);
    let read = http.get(&one).bearer_auth(&author).send().await;
    let etag = read.expect("an answer").headers()["etag"].clone();
    let deployed = http
        .put(&one)
        .bearer_auth(&author)
        .header("if-match", etag)
        .json(&json!({ "source": PLAYBOOK.replace("VERSION", "two") }))
        .send()
        .await
        .expect("an answer");
    assert!(
        deployed.status().is_success(),
        "{}",
        deployed.json::<Value>().await.unwrap_or_default()
    );
    for number in EVENTS..2 * EVENTS {
        send(number).await;
    }
    while arrived.len() < 2 * EVENTS {
        let next = tokio::time::timeout(Duration::from_secs(30), target.arrivals.recv()).await;
        arrived.push(next.expect("it arrives").expect("a call"));
    }
    let said = |version: &str| arrived.iter().filter(|(_, b)| b.contains(version)).count();
    assert_eq!((said("one"), said("two")), (EVENTS, EVENTS), "{arrived:?}");
    for pair in arrived.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        // Two seconds, but for what a busy machine adds to the one before.
        assert!(gap > Duration::from_millis(1_400), "{gap:?}: {arrived:?}");
    }
}
