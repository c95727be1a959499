//! Whoever stands behind a run does not approve in it, however they started it: a token of theirs, a token that
//! their token made, an event that they sent, a schedule that they fired, another run, an undoing.

use crate::support::{Client, Given, PRIYA, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};

const ANA: &str = "ana.ortiz@msp.example";
const BO: &str = "bo.larsen@msp.example";
const APPROVALS: &str = "/api/automation/approvals";

const GATED: &str = r#"
use ticket

event said {
  source: push
  known_by: "said"
  field what: Text = raw.said
}

event passed_on {
  source: emit
  field what: Text = raw.what
}

playbook by_event "By an event" {
  when said as it
  then {
    approve "Do it?" by team.soc, within 1h
    ticket.create(title: it.what, priority: low)
  }
}

playbook by_schedule "By a schedule" {
  when every day at 06:00
  then {
    approve "Do it?" by team.soc, within 1h
    ticket.create(title: "It is six", priority: low)
  }
}

playbook passes_on "Passes it on" {
  when manual(what: Text)
  then { emit passed_on(what: what) }
}

playbook by_run "By another run" {
  when passed_on as it
  then {
    approve "Do it?" by team.soc, within 1h
    ticket.create(title: it.what, priority: low)
  }
}
"#;

/// Ana and Bo, of the team that is asked; Ana also makes tokens and starts playbooks.
async fn two(service: &Service) -> (Client, Client) {
    let of = || tenants(&["contoso"]);
    let all = &[Role::Administrator, Role::Approver, Role::Operator];
    let ana = service.person(ANA, all, of()).await;
    (ana, service.person(BO, &[Role::Approver], of()).await)
}

/// A program with a token that somebody makes.
async fn token(service: &Service, by: &Client, name: &str, role: &str) -> Client {
    let new = json!({"name": name, "role": role, "tenants": ["contoso"]});
    let made = by.post("/api/automation/tokens", new).await;
    service.bearer(made.ok(201).json["secret"].as_str().expect("a secret"))
}

/// The only open approval is none of Ana's: she is told so and her yes does not count. Bo's does.
async fn bo_alone_answers(ana: &Client, bo: &Client) -> Value {
    let open = bo
        .until(&format!("{APPROVALS}?state=open"), |list| {
            list["approvals"].as_array().is_some_and(|a| a.len() == 1)
        })
        .await;
    let id = open["approvals"][0]["id"].as_str().expect("an id");
    let path = format!("{APPROVALS}/{id}");
    let yes = json!({"decision": "approve", "comment": "looked at it"});
    let seen = ana.get(&path).await.ok(200).json.clone();
    assert_eq!(seen["may_answer"], false, "{seen}");
    assert!(!seen["eligible"].to_string().contains(ANA), "{seen}");
    assert!(seen["excluded"].to_string().contains(ANA), "{seen}");
    ana.post(&path, yes.clone())
        .await
        .problem(409, "conflict")
        .detail("a token of theirs");
    let said = bo.post(&path, yes).await;
    assert_eq!(said.ok(200).json["state"], "approved", "{}", said.text);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starters_own_token_is_the_starter() {
    let service = Service::start().await;
    let (ana, bo) = two(&service).await;
    let mine = token(&service, &ana, "mine", "operator").await;
    mine.contained("contoso", PRIYA).await;
    let seen = bo_alone_answers(&ana, &bo).await;
    assert!(
        seen["excluded"].to_string().contains("token:mine"),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_token_made_is_its_maker_too() {
    let service = Service::start().await;
    let (ana, bo) = two(&service).await;
    let first = token(&service, &ana, "first", "administrator").await;
    let second = token(&service, &first, "second", "operator").await;
    // Another one under the name of what is over says nothing of the token that was made before.
    let tokens = ana.get("/api/automation/tokens").await;
    let first = tokens.json["tokens"].as_array().expect("tokens");
    let first = first.iter().find(|t| t["name"] == "first").expect("it");
    let first = format!("/api/automation/tokens/{}", first["token"]);
    ana.send(reqwest::Method::DELETE, &first, None).await;
    let cleo = &[Role::Administrator];
    let cleo = service
        .person("cleo@msp.example", cleo, tenants(&["contoso"]))
        .await;
    token(&service, &cleo, "first", "viewer").await;
    second.contained("contoso", PRIYA).await;
    bo_alone_answers(&ana, &bo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undoing_by_a_token_is_its_makers() {
    let service = Service::start().await;
    let (ana, bo) = two(&service).await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, approval) = operator.contained("contoso", PRIYA).await;
    // A no leaves the account blocked, which can be taken back.
    let no = json!({"decision": "reject", "comment": "called them"});
    bo.post(&format!("{APPROVALS}/{approval}"), no)
        .await
        .ok(200);
    let run = format!("/api/automation/runs/{run}");
    bo.until(&run, |r| r["status"] == "ended").await;
    let mine = token(&service, &ana, "mine", "operator").await;
    let asked = mine
        .post(&format!("{run}/undo"), json!({"team": "soc"}))
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    bo_alone_answers(&ana, &bo).await;
}

async fn gated() -> Service {
    Service::with(Given {
        more: vec![("playbooks/gated.play", GATED)],
        ..Given::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_somebody_sends_is_theirs() {
    let service = gated().await;
    let (ana, bo) = two(&service).await;
    ana.post("/events", json!({"said": "by a person"}))
        .await
        .ok(202);
    bo_alone_answers(&ana, &bo).await;
    let mine = token(&service, &ana, "mine", "operator").await;
    mine.post("/events", json!({"said": "by a token"}))
        .await
        .ok(202);
    bo_alone_answers(&ana, &bo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_system_reports_is_nobodys() {
    let service = gated().await;
    let (ana, _) = two(&service).await;
    let system = token(&service, &ana, "siem", "source").await;
    system
        .post("/events", json!({"said": "by a system"}))
        .await
        .ok(202);
    let open = ana
        .until(APPROVALS, |list| {
            list["approvals"].as_array().is_some_and(|a| a.len() == 1)
        })
        .await;
    assert_eq!(open["approvals"][0]["may_answer"], true, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_tried_again_is_still_its_senders() {
    let service = Service::start().await;
    let (ana, bo) = two(&service).await;
    let early = ana.post("/events", json!({"said": "too early"})).await;
    assert!((400..500).contains(&early.status), "{}", early.text);
    let author = service.token(Role::Author, Scope::All).await;
    let deployed = author
        .post("/api/automation/playbooks", json!({"source": GATED}))
        .await;
    assert_eq!(deployed.ok(201).json["state"], "live", "{}", deployed.text);
    let letters = ana.get("/api/automation/dead-letters").await;
    let letter = &letters.ok(200).json["letters"][0]["letter"];
    let path = format!("/api/automation/dead-letters/{letter}/replay");
    ana.post(&path, json!({})).await.ok(202);
    bo_alone_answers(&ana, &bo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fired_by_hand_is_whose_hand_it_was() {
    let service = gated().await;
    let (ana, bo) = two(&service).await;
    ana.post("/api/automation/playbooks/by_schedule/run", json!({}))
        .await
        .ok(202);
    bo_alone_answers(&ana, &bo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_raises_is_whose_run_it_is() {
    let service = gated().await;
    let (ana, bo) = two(&service).await;
    let mine = token(&service, &ana, "mine", "operator").await;
    let values = json!({"values": {"what": "it"}});
    mine.post("/api/automation/playbooks/passes_on/run", values)
        .await
        .ok(202);
    bo_alone_answers(&ana, &bo).await;
}
