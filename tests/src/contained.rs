//! In: a service with the made-up tenant. Out: a run of the tour's playbook that was throttled, asked, was answered and ended.

use crate::outside;
use crate::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// The playbook.
pub const PLAYBOOK: &str = "contain_account";
const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

/// Starts the tour's playbook, with a service that is busy at first, and answers its question; the run's id.
pub async fn lead(service: &Service) -> String {
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
