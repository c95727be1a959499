//! Approvals over HTTP: who counts, how many, and when it is too late.

use crate::support::{Client, PRIYA, Service, VICTIMS, tenants};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};

const YES: fn() -> Value = || json!({"decision": "approve", "comment": "I called them."});

async fn people(service: &Service) -> (Client, Client, Client) {
    let both = &[Role::Approver, Role::Operator];
    (
        service
            .person("oscar.operator@msp.example", both, Scope::All)
            .await,
        service
            .person("ana.ortiz@msp.example", &[Role::Approver], Scope::All)
            .await,
        service
            .person("bo.larsen@msp.example", &[Role::Approver], Scope::All)
            .await,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_starter_tokens_and_strangers_do_not_count() {
    let service = Service::start().await;
    let (oscar, ana, bo) = people(&service).await;
    let outsider = service
        .person("zoe@msp.example", &[Role::Approver], Scope::All)
        .await;
    let elsewhere = service
        .person(
            "eli.novak@msp.example",
            &[Role::Approver],
            tenants(&["fabrikam"]),
        )
        .await;
    let (run, approval) = oscar.contained("contoso", PRIYA).await;
    let path = format!("/api/automation/approvals/{approval}");
    let seen = ana.get(&path).await;
    assert_eq!(seen.ok(200).json["may_answer"], true);
    assert_eq!(oscar.get(&path).await.json["may_answer"], false);
    oscar.post(&path, YES()).await.problem(409, "conflict");
    outsider.post(&path, YES()).await.problem(409, "conflict");
    elsewhere.post(&path, YES()).await.problem(404, "not-found");
    elsewhere.get(&path).await.problem(404, "not-found");
    service
        .token(Role::Operator, Scope::All)
        .await
        .post(&path, YES())
        .await
        .problem(403, "forbidden");
    ana.post(&path, json!({"decision": "reject"}))
        .await
        .problem(422, "unprocessable")
        .detail("comment");
    ana.post(&path, json!({"decision": "reject", "comment": "  "}))
        .await
        .problem(422, "unprocessable");
    ana.post(&path, json!({"decision": "maybe"}))
        .await
        .problem(422, "unprocessable")
        .detail("decision");
    let done = ana.post(&path, YES()).await;
    assert_eq!(done.ok(200).json["state"], "approved", "{}", done.text);
    assert_eq!(done.json["answers"][0]["by"], "ana.ortiz@msp.example");
    assert_eq!(done.json["answers"][0]["comment"], "I called them.");
    bo.post(&path, YES()).await.problem(409, "conflict");
    let run = ana
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["status"] == "ended"
        })
        .await;
    assert_eq!(run["outcome"], "completed", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_at_once_exactly_the_needed_one_counts() {
    let service = Service::start().await;
    let (oscar, ana, bo) = people(&service).await;
    for victim in VICTIMS {
        let (_, approval) = oscar.contained("contoso", victim).await;
        let path = format!("/api/automation/approvals/{approval}");
        let no = json!({"decision": "reject", "comment": "it was them"});
        let (a, b) = tokio::join!(ana.post(&path, YES()), bo.post(&path, no));
        assert!([200, 409].contains(&a.status), "{}", a.text);
        assert!([200, 409].contains(&b.status), "{}", b.text);
        let over = ana.until(&path, |a| a["state"] != "open").await;
        let answers = over["answers"].as_array().expect("answers");
        assert_eq!(answers.len(), 1, "{over}");
        let by = answers[0]["by"].as_str().expect("somebody");
        let state = over["state"].as_str().expect("a state");
        assert_eq!(by.starts_with("ana"), state == "approved", "{over}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_has_distinct_people() {
    let service = Service::start().await;
    let operator = service
        .person("olga@msp.example", &[Role::Operator], Scope::All)
        .await;
    let dana = service
        .person("dana.kim@msp.example", &[Role::Approver], Scope::All)
        .await;
    let eli = service
        .person("eli.novak@msp.example", &[Role::Approver], Scope::All)
        .await;
    let values = json!({"tenant": "contoso", "values": {"device": "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004", "reason": "left on a train"}});
    let started = operator
        .post("/api/automation/playbooks/lost_device/run", values)
        .await;
    started.ok(202);
    let list = operator
        .until("/api/automation/approvals", |l| {
            l["approvals"].as_array().is_some_and(|a| !a.is_empty())
        })
        .await;
    let approval = &list["approvals"][0];
    assert_eq!(approval["needs"], 2);
    let path = format!(
        "/api/automation/approvals/{}",
        approval["id"].as_str().expect("an id")
    );
    let first = dana.post(&path, YES()).await;
    assert_eq!(first.ok(200).json["state"], "open");
    dana.post(&path, YES()).await.problem(409, "conflict");
    assert_eq!(
        dana.get(&path).await.json["answers"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let second = eli.post(&path, YES()).await;
    assert_eq!(second.ok(200).json["state"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_answers_at_once_are_a_quorum_of_two() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let mut leads = Vec::new();
    for name in ["dana.kim", "eli.novak"] {
        let email = format!("{name}@msp.example");
        leads.push(service.person(&email, &[Role::Approver], Scope::All).await);
    }
    // The same device is not wiped twice at a time, so each round waits for the one before.
    for round in 0..3 {
        let values = json!({"tenant": "contoso", "values": {"device": "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004", "reason": format!("{round}")}});
        let started = operator
            .post("/api/automation/playbooks/lost_device/run", values)
            .await;
        let run = started.ok(202).json["runs"][0].as_str().expect("a run");
        let run = format!("/api/automation/runs/{run}");
        let asks = operator
            .until(&run, |r| r["status"] == "awaiting approval")
            .await;
        let approval = asks["waits_for"][0]["approval"].as_str().expect("an id");
        let path = format!("/api/automation/approvals/{approval}");
        let (a, b) = tokio::join!(leads[0].post(&path, YES()), leads[1].post(&path, YES()));
        a.ok(200);
        b.ok(200);
        let over = operator.until(&path, |a| a["state"] != "open").await;
        assert_eq!(over["state"], "approved");
        assert_eq!(over["answers"].as_array().map(Vec::len), Some(2), "{over}");
        operator.post(&format!("{run}/cancel"), json!({})).await;
        operator.until(&run, |r| r["status"] == "ended").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_it_was_sent_to_is_told() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (_, approval) = operator.contained("contoso", PRIYA).await;
    let path = format!("/api/automation/approvals/{approval}");
    let all_sent = |a: &Value| {
        let messages = a["messages"].as_array().map_or(&[][..], Vec::as_slice);
        !messages.is_empty() && messages.iter().all(|m| m["state"] == "sent")
    };
    let seen = operator.until(&path, all_sent).await;
    let mut to: Vec<String> = seen["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| format!("{} {}", m["channel"], m["recipient"]).replace('"', ""))
        .collect();
    to.sort();
    assert!(
        to.contains(&"mail ana.ortiz@msp.example".to_owned()),
        "{to:?}"
    );
    assert!(to.contains(&"teams soc".to_owned()), "{to:?}");
    let page = service
        .person("vic@msp.example", &[Role::Viewer], Scope::All)
        .await
        .get(&format!("/approvals/{approval}"))
        .await;
    let told = format!("{} messages sent with a link to this page", to.len());
    assert!(page.ok(200).text.contains(&told), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_it_is_about_does_not_decide() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (_, approval) = operator.contained("contoso", PRIYA).await;
    let path = format!("/api/automation/approvals/{approval}");
    let excluded = operator.get(&path).await;
    assert!(
        excluded.text.contains("priya.raman@contoso.example"),
        "{}",
        excluded.text
    );
    let priya = service
        .person("priya.raman@contoso.example", &[Role::Approver], Scope::All)
        .await;
    priya.post(&path, YES()).await.problem(409, "conflict");
    let unknown = priya.get("/api/automation/approvals/nothing:1").await;
    unknown.problem(404, "not-found");
    priya
        .post("/api/automation/approvals/nothing:1", YES())
        .await
        .problem(404, "not-found");
}

const PROMPT: &str = r#"use microsoft.entra

playbook prompt "Prompt the user" {
  when manual(user: User)

  then {
    ask "Was this you, {user.name}?" to "priya.raman@contoso.example", within 1h {
      "This was me"      { end run "benign" }
      "Not me", "Unsure" { entra.revoke_sessions(user) }
    }
  }
}
"#;

/// A question is answered by whoever is asked, with what was offered, and by nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_no_approval() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let made = author
        .post("/api/automation/playbooks", json!({"source": PROMPT}))
        .await;
    made.ok(201);
    let (oscar, ana, _) = people(&service).await;
    let priya = service
        .person(
            "priya.raman@contoso.example",
            &[Role::Viewer],
            tenants(&["contoso"]),
        )
        .await;
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA}});
    let started = oscar
        .post("/api/automation/playbooks/prompt/run", body)
        .await;
    started.ok(202);
    let run = started.json["runs"][0].as_str().expect("a run").to_owned();
    let seen = oscar
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["status"] == "awaiting approval"
        })
        .await;
    let id = seen["waits_for"][0]["approval"]
        .as_str()
        .expect("a question");
    let path = format!("/api/automation/approvals/{id}");
    let asked = priya.get(&path).await;
    assert_eq!(
        asked.ok(200).json["choices"],
        json!(["This was me", "Not me", "Unsure"])
    );
    assert_eq!(asked.json["may_answer"], true);
    assert_eq!(ana.get(&path).await.json["may_answer"], false);
    let not_me = || json!({"answer": "Not me"});
    ana.post(&path, not_me()).await.problem(409, "conflict");
    priya.post(&path, YES()).await.problem(403, "forbidden");
    priya
        .post(&path, json!({"answer": "Perhaps"}))
        .await
        .problem(409, "conflict")
        .detail("none of the answers");
    priya
        .post(&path, json!({"comment": "hm"}))
        .await
        .problem(422, "unprocessable")
        .detail("answer");
    let page = priya.get(&format!("/approvals/{id}")).await;
    assert!(page.text.contains("It approves nothing."), "{}", page.text);
    let done = priya.post(&path, not_me()).await;
    assert_eq!(done.ok(200).json["state"], "answered", "{}", done.text);
    assert_eq!(done.json["answers"][0]["answer"], "Not me");
    priya.post(&path, not_me()).await.problem(409, "conflict");
    let ended = oscar
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["status"] == "ended"
        })
        .await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    let page = priya.get(&format!("/approvals/{id}")).await;
    assert!(page.text.contains("answered “Not me”"), "{}", page.text);
}
