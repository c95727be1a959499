//! Everything stops at once: after the answer no call is sent, whatever waits, and all of it goes on later.

use counterplay_tests::outside;
use counterplay_tests::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const PROBE: &str = r#"use ticket

playbook probe "Probe" {
  when manual(reason: Text)
  then {
    ticket.create(title: "Probe {reason}", priority: low)
  }
}
"#;

/// The service desk takes ten calls a second.
const RUNS: usize = 40;

async fn tickets(service: &Service) -> usize {
    let url = format!("{}/sandbox/requests", service.outside());
    let answer = reqwest::get(url).await.expect("an answer");
    let requests: Value = answer.json().await.expect("JSON");
    let requests = requests.as_array().expect("a list");
    let opened = requests.iter().filter(|r| {
        r["method"] == "POST"
            && r["path"]
                .as_str()
                .is_some_and(|p| p.to_ascii_lowercase().ends_with("/api/tickets"))
    });
    opened.count()
}

fn told(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(outside::counterplay())
        .args(arguments)
        .args(["--store", ".counterplay/sandbox.db"])
        .env("NO_COLOR", "1")
        .current_dir(service.folder.path())
        .output()
        .expect("it starts");
    (output.status.code(), outside::printed(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_the_answer_and_nothing_is_lost() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let http = Client::new();
    let token = service.token("administrator").await;
    let api = format!("{}/api/automation", service.url);
    let post = |path: String, body: Value| {
        let request = http
            .post(format!("{api}{path}"))
            .bearer_auth(&token)
            .json(&body);
        async move {
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
        }
    };
    post("/playbooks".into(), json!({ "source": PROBE })).await;
    // It stands in no file and has never run.
    for command in ["pause", "unpause"] {
        let one = [
            command,
            "--playbook",
            "probe",
            "--as",
            "ana.ortiz@msp.example",
        ];
        let (code, said) = told(&service, &one);
        assert_eq!(code, Some(0), "{said}");
    }
    let before = tickets(&service).await;
    for number in 0..RUNS {
        let values = json!({ "tenant": "contoso", "values": { "reason": number.to_string() } });
        post("/playbooks/probe/run".into(), values).await;
    }
    let who = ["--as", "ana.ortiz@msp.example"];
    let pause = [&["pause", "--all", "--because", "a test"][..], &who].concat();
    let (code, said) = told(&service, &pause);
    let sent = tickets(&service).await - before;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("paused: everything"), "{said}");
    assert!(sent < RUNS, "{sent} of {RUNS} were sent before the pause");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(tickets(&service).await - before, sent, "nothing is sent");

    let unpause = [&["unpause", "--tenant", "contoso"][..], &who].concat();
    let (code, said) = told(&service, &unpause);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("still paused: everything"), "{said}");
    let unpause = [&["unpause", "--all"][..], &who].concat();
    let (code, said) = told(&service, &unpause);
    assert_eq!(code, Some(0), "{said}");
    for _ in 0..200 {
        if tickets(&service).await - before == RUNS {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} of {RUNS} were sent", tickets(&service).await - before);
}

#[test]
fn what_does_not_exist_cannot_be_paused() {
    let service = Service::start(&["--sandbox"]);
    let (code, said) = told(
        &service,
        &[
            "pause",
            "--playbook",
            "contain_acount",
            "--as",
            "ana.ortiz@msp.example",
        ],
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no playbook `contain_acount`"),
        "{said}"
    );
    let (code, said) = told(&service, &["pause", "--as", "ana.ortiz@msp.example"]);
    assert_eq!(code, Some(2), "{said}");
}
