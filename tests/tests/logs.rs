//! The log of a real service as JSON lines: whatever is told of a run says which run, step, tenant and playbook it is about.

use counterplay_tests::outside;
use counterplay_tests::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const PLAYBOOK: &str = "contain_account";

/// Starts the tour's playbook, with a service that is busy at first, and answers its question; the run's id.
async fn lead(service: &Service) -> String {
    let http = Client::new();
    let token = service.token("administrator").await;
    let api = format!("{}/api/automation", service.url);
    let fault = json!({"method": "PATCH", "path_contains": "/users/", "kind": "throttle", "retry_after_s": 1});
    let faults = format!("{}/sandbox/faults", service.outside());
    let taken = http.post(faults).json(&fault).send().await;
    assert_eq!(taken.expect("an answer").status(), 201);
    let runs = async || {
        let url = format!("{api}/runs?playbook={PLAYBOOK}");
        let runs = http.get(url).bearer_auth(&token).send().await;
        let runs: Value = runs.expect("an answer").json().await.expect("JSON");
        runs["runs"].as_array().expect("a list").clone()
    };
    // The made-up tenant has a past.
    let before = runs().await;
    let values = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "said so"}});
    let url = format!("{api}/playbooks/{PLAYBOOK}/run");
    let started = http.post(url).bearer_auth(&token).json(&values).send();
    assert_eq!(started.await.expect("an answer").status(), 202);
    let wait = async |status: &str| {
        for _ in 0..400 {
            let known = |run: &&Value| before.iter().any(|old| old["id"] == run["id"]);
            let all = runs().await;
            if let Some(run) = all
                .iter()
                .find(|run| !known(run) && run["status"] == status)
            {
                return run["id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no run is {status}: {}", service.said())
    };
    let run = wait("awaiting approval").await;
    let output = Command::new(outside::counterplay())
        .args(["approve", &run, "--as", "ana.ortiz@msp.example"])
        .args(["--store", ".counterplay/sandbox.db"])
        .current_dir(service.folder.path())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", outside::printed(&output));
    assert_eq!(wait("ended").await, run);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_about_a_run_says_which_run_step_and_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [(
        "COUNTERPLAY_LOG".into(),
        "warn,counterplay_runtime=debug".into(),
    )];
    let arguments = ["--sandbox", "--log-format", "json"];
    let mut service = Service::with(folder, &arguments, &variables);
    let run = lead(&service).await;
    let (code, said) = service.stopped().await;
    assert_eq!(code, Some(0), "{said}");
    let mut spans = BTreeSet::new();
    let mut steps = BTreeSet::new();
    let mut texts = BTreeSet::new();
    for line in said.lines() {
        let told: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        for key in ["timestamp", "level", "target", "fields"] {
            assert!(!told[key].is_null(), "{key}: {line}");
        }
        let about: Vec<&Value> = told["spans"].as_array().into_iter().flatten().collect();
        for span in &about {
            if span["run"].is_null() {
                continue;
            }
            for key in ["run", "step", "tenant", "playbook"] {
                let value = span[key].as_str().unwrap_or_default();
                assert!(!value.is_empty(), "{key}: {line}");
            }
        }
        let ours = about.iter().find(|span| span["run"] == run.as_str());
        if line.contains(&run) {
            let span = ours.unwrap_or_else(|| panic!("it is told under no span: {line}"));
            assert_eq!(span["playbook"], PLAYBOOK, "{line}");
            assert_eq!(span["tenant"], "contoso", "{line}");
            steps.insert(span["step"].to_string());
            texts.insert(told["fields"]["message"].as_str().unwrap_or("").to_owned());
        }
        // Steps and calls are told of nowhere else.
        let target = told["target"].as_str().unwrap_or_default();
        if target.starts_with("counterplay_runtime::engine::transition")
            || target.starts_with("counterplay_runtime::connect")
        {
            let known = |span: &&&Value| !span["run"].is_null() || !span["tenant"].is_null();
            assert!(about.iter().any(|span| known(&span)), "{line}");
        }
        spans.extend(
            about
                .iter()
                .map(|span| span["name"].as_str().unwrap_or("").to_owned()),
        );
    }
    for name in ["approval", "attempt", "call", "matched", "transition"] {
        assert!(spans.contains(name), "{name}: {spans:?}\n{said}");
    }
    for text in [
        "a run has begun",
        "answered",
        "trying again",
        "done",
        "the run has ended",
    ] {
        assert!(texts.contains(text), "{text}: {texts:?}\n{said}");
    }
    assert!(steps.len() > 6, "{steps:?}");
    assert!(said.contains("stopping; calls under way are waited for"));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_text_a_line_names_them_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("COUNTERPLAY_LOG".into(), "counterplay_runtime=info".into())];
    let service = Service::with(folder, &["--sandbox"], &variables);
    let run = lead(&service).await;
    let said = service.said();
    let line = said
        .lines()
        .find(|l| l.contains("a run has begun") && l.contains(&run));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    for part in [
        "INFO",
        "step=\"begin\"",
        "tenant=\"contoso\"",
        "playbook=\"contain_account\"",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn levels_that_are_not_understood_are_refused() {
    let output = Command::new(outside::counterplay())
        .args(["check", "."])
        .env("COUNTERPLAY_LOG", "counterplay_runtime=loud")
        .output()
        .expect("it starts");
    let said = outside::printed(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("COUNTERPLAY_LOG is not understood"), "{said}");
}
