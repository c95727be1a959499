//! A change at a service reaches a run without a list being read again: the sandbox tells the running service of it.

use counterplay_tests::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;

const LOCK: &str = r#"use microsoft.entra

playbook lock_out "Lock out" {
  when manual(user: User)
  then {
    entra.block_sign_in(user)
  }
}
"#;

const NOTICE: &str = r#"use microsoft.entra
use ticket

playbook notice "Notice" {
  when entra.sign_in_blocked as blocked
  then {
    ticket.create(title: "Blocked: {blocked.user.name}", priority: low)
  }
}
"#;

/// Somebody of the sandbox whose account is not mastered elsewhere.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

struct Api {
    http: Client,
    base: String,
    token: String,
}

impl Api {
    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.token).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).json(&body);
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{path}: {status} {body:#}");
        body
    }

    /// Asks again until it is so.
    async fn until(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..300 {
            last = self.get(path).await;
            if is_so(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what}: {last:#}")
    }
}

fn source(health: &Value) -> &Value {
    let sources = health["sources"].as_array().into_iter().flatten();
    let mut found = sources.filter(|s| s["event"] == "entra.sign_in_blocked");
    found.next().unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_account_is_told_of_at_once() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let api = Api {
        http: Client::new(),
        base: format!("{}/api/automation", service.url),
        token: service.token("administrator").await,
    };
    for source in [LOCK, NOTICE] {
        api.post("/playbooks", json!({ "source": source })).await;
    }
    let ready = |health: &Value| {
        let source = source(health);
        !source["polled_at"].is_null() && !source["subscription"]["until"].is_null()
    };
    let health = api.until("/health", "the service subscribes", ready).await;
    let read_at = source(&health)["polled_at"].clone();
    api.post(
        "/playbooks/lock_out/run",
        json!({ "tenant": "contoso", "values": { "user": USER } }),
    )
    .await;
    let noticed = |runs: &Value| {
        let runs = runs["runs"].as_array().into_iter().flatten();
        runs.into_iter()
            .any(|r| r["playbook"] == "notice" && r["outcome"] == "completed")
    };
    api.until("/runs?playbook=notice", "a run is started", noticed)
        .await;
    let health = api.get("/health").await;
    assert_eq!(source(&health)["polled_at"], read_at, "no list was read");

    // Whoever else knows the address tells nothing.
    let forged = json!({ "value": [{
        "subscriptionId": "made up", "clientState": "made up", "changeType": "updated",
        "resourceData": { "id": USER },
    }] });
    let address = format!("{}/changes/contoso/entra.sign_in_blocked", service.url);
    let answer = api.http.post(&address).json(&forged).send().await;
    assert_eq!(answer.expect("an answer").status(), 202);
    let checked = api
        .http
        .post(format!("{address}?validationToken=a%20b%3Cc%3E"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        checked.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(checked.headers()["x-content-type-options"], "nosniff");
    assert_eq!(checked.text().await.expect("text"), "a b<c>");
    let nothing = api.http.post(&address).json(&json!({})).send().await;
    assert_eq!(nothing.expect("an answer").status(), 422);
}
