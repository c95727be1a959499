//! A call of which nobody knows whether it was carried out: whoever looked at the service says so.

use crate::support::{Client, PRIYA, Service};
use counterplay_sandbox::{Fault, FaultKind};
use counterplay_server::identity::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

const RUN: &str = "/api/automation/playbooks/contain_account/run";

/// A run that is held at its first step: the service desk's answer is lost, and it does not say what it has.
async fn held(service: &Service, operator: &Client, lost: FaultKind) -> (String, Value) {
    let refused = FaultKind::Status {
        status: 403,
        code: "Forbidden".into(),
        message: "Not now.".into(),
    };
    let desk = &service.sandbox;
    desk.inject(Fault::new("/tickets", lost).on("POST"));
    desk.inject(Fault::new("/tickets", refused).on("GET").times(1_000));
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let started = operator.post(RUN, body).await;
    let run = started.ok(202).json["runs"][0].as_str().expect("a run");
    let path = format!("/api/automation/runs/{run}");
    let seen = operator.until(&path, |r| r["status"] == "held").await;
    (run.to_owned(), seen)
}

fn lines(run: &Value) -> Vec<String> {
    let timeline = run["timeline"].as_array().expect("lines");
    let text = |line: &Value| line["text"].as_str().unwrap_or_default().to_owned();
    timeline.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_carried_out_is_not_made_again() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, seen) = held(&service, &operator, FaultKind::DropAfter).await;
    let (path, settle) = (
        format!("/api/automation/runs/{run}"),
        format!("/api/automation/runs/{run}/settle"),
    );
    assert_eq!(seen["waits_for"][0]["kind"], "person");
    let step = seen["waits_for"][0]["step"].as_str().expect("a step");

    let viewer = service.token(Role::Viewer, Scope::All).await;
    let done = json!({"step": step, "outcome": "done"});
    viewer
        .post(&settle, done.clone())
        .await
        .problem(403, "forbidden");
    // The steps that follow write on the ticket: whoever says that there is one says which.
    operator
        .post(&settle, done)
        .await
        .problem(409, "conflict")
        .detail("later steps need the result of `ticket.create`: say what it gave (JSON, a Ticket with id, number)");
    let wrong = json!({"outcome": "done", "result": {"id": 2001}});
    operator
        .post(&settle, wrong)
        .await
        .problem(409, "conflict")
        .detail("result.id");
    let other = json!({"step": "999", "outcome": "not_done"});
    operator
        .post(&settle, other)
        .await
        .problem(409, "conflict")
        .detail("the step 999 is not held");
    let unknown = json!({"outcome": "perhaps"});
    operator
        .post(&settle, unknown)
        .await
        .problem(422, "unprocessable");

    let ticket = json!({"id": "2001", "number": "2001"});
    let told = json!({"step": step, "outcome": "done", "result": ticket, "comment": "it is there"});
    let taken = operator.post(&settle, told).await;
    assert_eq!(taken.ok(202).json["step"], step);
    let seen = operator
        .until(&path, |r| r["status"] == "awaiting approval")
        .await;
    let told = lines(&seen);
    assert!(
        told.iter()
            .any(|l| l.starts_with("ticket.create was carried out, says")
                && l.ends_with("\"it is there\"")),
        "{told:#?}"
    );
    assert_eq!(service.sandbox.state().tickets.len(), 1);
    let again = json!({"outcome": "not_done"});
    operator
        .post(&settle, again)
        .await
        .problem(409, "conflict")
        .detail("no call of this run waits to be settled");

    let auditor = service.token(Role::Administrator, Scope::All).await;
    let audit = auditor
        .get(&format!("/api/automation/audit?run={run}"))
        .await;
    let records = audit.json["records"].as_array().expect("records");
    let settled = |r: &&Value| r["action"] == "run.settled";
    let record = records.iter().find(settled).expect("a record");
    assert_eq!(record["detail"]["settled"], "done");
    assert_eq!(record["detail"]["comment"], "it is there");
    let refused = |r: &&Value| r["action"] == "run.settle_refused";
    assert_eq!(records.iter().filter(refused).count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_not_carried_out_is_sent_again() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, _) = held(&service, &operator, FaultKind::DropConnection).await;
    assert_eq!(service.sandbox.state().tickets.len(), 0);
    let path = format!("/api/automation/runs/{run}");
    let told = json!({"step": "create", "outcome": "not_done"});
    operator.post(&format!("{path}/settle"), told).await.ok(202);
    operator
        .until(&path, |r| r["status"] == "awaiting approval")
        .await;
    assert_eq!(service.sandbox.state().tickets.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_run_has_a_button_for_each_answer() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, seen) = held(&service, &operator, FaultKind::DropConnection).await;
    let step = seen["waits_for"][0]["step"].as_str().expect("a step");
    let email = "ada@msp.example";
    service.account(email, &[Role::Operator], Scope::All).await;
    let ada = service.log_in(email).await;
    let page = ada.get(&format!("/runs/{run}")).await;
    for word in [
        "It was carried out",
        "It was not: send it again",
        "It was not: the step fails",
        "What it gave, as JSON",
    ] {
        assert!(page.text.contains(word), "{word}: {}", page.text);
    }
    let word = ada.headers.iter().find(|(n, _)| n == "x-csrf-token");
    let word = word.map(|(_, v)| v.clone()).expect("the session's word");
    let fields = format!("csrf={word}&step={step}&outcome=given_up&result=&comment=looked");
    ada.without("x-csrf-token")
        .with("content-type", "application/x-www-form-urlencoded")
        .raw(
            Method::POST,
            &format!("/runs/{run}/settle"),
            fields.into_bytes(),
        )
        .await;
    let path = format!("/api/automation/runs/{run}");
    let ended = operator.until(&path, |r| r["status"] == "ended").await;
    assert_eq!(ended["outcome"], "failed");
    let told = lines(&ended);
    let fits = |l: &String| {
        l.contains("was not carried out, says") && l.contains(email) && l.contains("\"looked\"")
    };
    assert!(told.iter().any(fits), "{told:#?}");
    assert_eq!(service.sandbox.state().tickets.len(), 0);
}
