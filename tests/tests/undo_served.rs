//! A run is undone from the command line while the service works on its store, and the API and the run's page tell of it.

use counterplay_tests::outside;
use counterplay_tests::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

const PROBE: &str = r#"use microsoft.entra

playbook probe "Probe" {
  when manual(user: User)
  then {
    entra.block_sign_in(user)
    entra.revoke_sessions(user)
  }
}
"#;

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

struct Api<'a> {
    service: &'a Service,
    token: String,
}

impl Api<'_> {
    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/automation{path}", self.service.url);
        let request = Client::new().get(url).bearer_auth(&self.token);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: Value) -> u16 {
        let url = format!("{}/api/automation{path}", self.service.url);
        let request = Client::new().post(url).bearer_auth(&self.token).json(&body);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// A run of a playbook once it is in a status.
    async fn run(&self, playbook: &str, status: &str) -> Value {
        for _ in 0..200 {
            let runs = self.get(&format!("/runs?playbook={playbook}")).await;
            if let Some(run) = runs["runs"].get(0)
                && run["status"] == status
            {
                return run.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "no run of {playbook} is {status}: {}",
            self.get("/runs").await
        );
    }
}

async fn enabled(service: &Service) -> bool {
    let url = format!("{}/sandbox/state", service.outside());
    let state: Value = reqwest::get(url)
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    state["users"][PRIYA]["accountEnabled"]
        .as_bool()
        .unwrap_or_else(|| panic!("{}", state["users"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_command_line() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let api = Api {
        service: &service,
        token: service.token("administrator").await,
    };
    assert_eq!(
        api.post("/playbooks", json!({ "source": PROBE })).await,
        201
    );
    assert!(enabled(&service).await);
    let values = json!({ "tenant": "contoso", "values": { "user": PRIYA } });
    assert_eq!(api.post("/playbooks/probe/run", values).await, 202);
    let run = api.run("probe", "ended").await;
    let run = run["id"].as_str().expect("an id").to_owned();
    assert!(!enabled(&service).await);

    let (code, said) = told(&service, &["undo", &run, "--plan"]);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!("the_plan_on_a_terminal", said.replace(&run, "RUN"));
    let (code, said) = told(&service, &["undo", &run]);
    assert_eq!(code, Some(2), "nobody said so: {said}");
    // A team that is not there is refused at once, whoever asks.
    let nobody = ["--as", "ana.ortiz@msp.example", "--team", "nope"];
    let (code, said) = told(&service, &[&["undo", &run][..], &nobody].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("there is no team `nope`; the teams are "),
        "{said}"
    );
    let path = format!("/runs/{run}/undo");
    assert_eq!(api.post(&path, json!({ "team": "nope" })).await, 409);
    let who = ["--as", "ana.ortiz@msp.example", "--team", "leads"];
    let (code, said) = told(&service, &[&["undo", &run][..], &who].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("begun: run "), "{said}");
    let undo = api.run("undo", "awaiting approval").await;
    let undo = undo["id"].as_str().expect("an id").to_owned();
    let (code, said) = told(&service, &[&["undo", &run][..], &who].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("is being undone already, by run {undo}")),
        "{said}"
    );

    let (code, said) = told(
        &service,
        &["approve", &undo, "--as", "ana.ortiz@msp.example"],
    );
    assert_eq!(code, Some(1), "who asks for it does not approve it: {said}");
    let (code, said) = told(
        &service,
        &["approve", &undo, "--as", "dana.kim@msp.example"],
    );
    assert_eq!(code, Some(0), "{said}");
    let ended = api.run("undo", "ended").await;
    assert_eq!(ended["outcome"], "completed");
    assert!(enabled(&service).await);

    let (_, said) = told(&service, &["show", &run]);
    assert!(said.contains(&format!("undone by {undo}")), "{said}");
    let (_, said) = told(&service, &["show", &undo]);
    assert!(said.contains(&format!("undoes {run}")), "{said}");
    let view = api.get(&format!("/runs/{run}")).await;
    assert_eq!(view["undone_by"], json!([undo]));
    assert_eq!(
        api.get(&format!("/runs/{undo}")).await["undoes"],
        json!(run)
    );
    let plan = api.get(&format!("/runs/{run}/undo")).await;
    assert_eq!(plan["steps"], json!([]));
    assert_eq!(plan["undone_by"], json!([undo]));
    assert_eq!(
        plan["cannot"][0]["action"],
        "entra.revoke_sessions(Priya Raman)"
    );
    assert_eq!(api.post(&format!("/runs/{run}/undo"), json!({})).await, 409);
    assert_eq!(api.post("/runs/r-none/undo", json!({})).await, 404);
    let records = api.get(&format!("/audit?run={run}")).await.to_string();
    assert!(records.contains("run.undo_asked"), "{records}");
    assert!(records.contains("run.undo_refused"), "{records}");
    let records = api.get(&format!("/audit?run={undo}")).await.to_string();
    assert!(records.contains("entra.unblock_sign_in"), "{records}");
}
