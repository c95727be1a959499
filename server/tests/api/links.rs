//! Personal links: read from mails that a real mail server took, opened and answered over HTTP.

use crate::support::{Answer, Client, Given, PRIYA, Service};
use counterplay_sandbox::Mail;
use counterplay_server::identity::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SMALL: &str = r#"
use microsoft.entra
use notify

/// Ask before anybody is written to.
playbook tell_lead "Tell the Lead" {
  when manual(user: User, reason: Text)
  then {
    approve "Write to the leads about {user.name}?" about user, by team.soc, needs 2, within 4h
    notify.email(team.leads, subject: "Look at {user.name}", body: "{reason}")
  }
}

/// A no does more than a yes.
playbook strict "Strict" {
  when manual(user: User, reason: Text)
  then {
    approve "Is {user.name} well?" about user, by team.soc, within 4h {
      approved { notify.email(team.leads, subject: "Fine", body: "{reason}") }
      rejected { entra.reset_password(user) }
    }
  }
}

/// Ask the person.
playbook was_it_you "Was It You" {
  when manual(user: User, reason: Text)
  then {
    ask "{reason}. Was this you?" to user, within 1h {
      "This was me" { end run "it was them" }
      "Not me" { entra.block_sign_in(user) }
    }
  }
}
"#;

async fn service() -> Service {
    let more = vec![("playbooks/small.play", SMALL)];
    Service::with(Given {
        more,
        ..Given::default()
    })
    .await
}

/// Starts a playbook and gives its run.
async fn start(service: &Service, playbook: &str) -> String {
    let operator = service.token(Role::Operator, Scope::All).await;
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "a call"}});
    let path = format!("/api/automation/playbooks/{playbook}/run");
    let answer = operator.post(&path, body).await;
    answer.ok(202);
    answer.json["runs"][0].as_str().expect("a run").to_owned()
}

/// The mail that somebody got.
async fn mail(service: &Service, to: &str) -> Mail {
    for _ in 0..500 {
        let mails = service.sandbox.state().mails;
        if let Some(mail) = mails.into_iter().find(|m| m.to.iter().any(|t| t == to)) {
            return mail;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no mail to {to}");
}

/// The path of the link in a mail.
fn link(service: &Service, mail: &Mail) -> String {
    let url = mail
        .text
        .lines()
        .find_map(|line| line.trim().strip_prefix(&service.url));
    url.unwrap_or_else(|| panic!("no link: {}", mail.text))
        .to_owned()
}

async fn send(client: &Client, path: &str, fields: &str) -> Answer {
    client
        .with("content-type", "application/x-www-form-urlencoded")
        .raw(Method::POST, path, fields.as_bytes().to_vec())
        .await
}

/// The reasons of refusals that the audit trail holds.
async fn refusals(service: &Service) -> Vec<(String, String)> {
    let operator = service.token(Role::Operator, Scope::All).await;
    let list = operator.get("/api/automation/audit?limit=200").await;
    let records = list.ok(200).json["records"].as_array().cloned();
    let records = records.expect("records");
    let refused = records.iter().filter(|r| {
        ["approval.link_refused", "approval.vote_refused"]
            .contains(&r["action"].as_str().unwrap_or_default())
    });
    refused
        .map(|r| {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            (text(&r["actor"]), text(&r["detail"]["reason"]))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesser_approval_is_given_by_the_button_of_a_personal_mail() {
    let service = service().await;
    let run = start(&service, "tell_lead").await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let ana = mail(&service, "ana.ortiz@msp.example").await;
    assert!(ana.text.contains("It is yours alone"), "{}", ana.text);
    let (ana, bo) = (
        link(&service, &ana),
        link(&service, &mail(&service, "bo.larsen@msp.example").await),
    );
    assert!(ana.starts_with("/answer/") && ana != bo);
    // What goes to many shows the way and no more.
    let shared = mail(&service, "soc@msp.example").await;
    assert!(link(&service, &shared).starts_with("/approvals/"));
    let nobody = service.stranger();

    // Scanners look, however often and in whatever way; nothing is decided by it.
    for _ in 0..3 {
        let page = nobody.get(&ana).await;
        assert!(page.ok(200).text.contains("Write to the leads"));
        assert!(page.text.contains("value=\"approve\""), "{}", page.text);
        nobody.raw(Method::HEAD, &ana, Vec::new()).await.ok(200);
    }
    nobody.raw(Method::OPTIONS, &ana, Vec::new()).await.ok(405);
    let id = operator.get("/api/automation/approvals").await.json["approvals"][0]["id"]
        .as_str()
        .expect("an approval")
        .to_owned();
    let path = format!("/api/automation/approvals/{id}");
    let seen = operator.get(&path).await;
    assert_eq!(seen.ok(200).json["answers"], json!([]));

    // A no needs a reason; an answer that is none is none.
    let no = send(&nobody, &ana, "decision=reject&comment=").await;
    assert!(no.ok(422).text.contains("why you reject it"));
    send(&nobody, &ana, "decision=perhaps").await.ok(400);
    send(&nobody, &ana, "").await.ok(400);

    let yes = send(&nobody, &ana, "decision=approve&comment=go+on").await;
    assert!(
        yes.ok(200).text.contains("You have approved"),
        "{}",
        yes.text
    );
    // Once.
    let twice = send(&nobody, &ana, "decision=approve").await;
    assert!(
        twice.ok(409).text.contains("already answered"),
        "{}",
        twice.text
    );
    let seen = operator.get(&path).await;
    assert_eq!(seen.json["state"], "open");
    assert_eq!(seen.json["answers"].as_array().map(Vec::len), Some(1));
    send(&nobody, &bo, "decision=approve").await.ok(200);
    let ended = operator
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["status"] == "ended"
        })
        .await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    let lead = mail(&service, "soc-leads@msp.example").await;
    assert_eq!(lead.subject, "Look at Priya Raman");

    // How they answered is written down.
    let timeline = ended["timeline"].to_string();
    assert!(
        timeline.contains("ana.ortiz@msp.example (by personal link)"),
        "{timeline}"
    );
    let over = operator.get(&path).await;
    assert_eq!(over.json["answers"][0]["by_link"], true, "{}", over.text);
    let audit = operator
        .get(&format!("/api/automation/audit?run={run}&limit=100"))
        .await;
    let voted = audit.json["records"].as_array().expect("records").iter();
    let voted: Vec<&Value> = voted
        .filter(|r| r["action"] == "approval.voted")
        .map(|r| &r["detail"]["by"])
        .collect();
    assert_eq!(voted, [&json!("personal link"), &json!("personal link")]);

    // When all is over the link shows that, and takes nothing.
    let page = nobody.get(&ana).await;
    assert!(page.ok(200).text.contains("You have approved"));
    assert!(!page.text.contains("<form method=\"post\" class=\"stack\""));
    send(&nobody, &ana, "decision=reject&comment=no")
        .await
        .ok(409);
    let refused = refusals(&service).await;
    assert!(
        refused.len() >= 2
            && refused
                .iter()
                .all(|(who, _)| who == "ana.ortiz@msp.example"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_somebody_who_has_no_account() {
    let service = service().await;
    let run = start(&service, "was_it_you").await;
    let asked = mail(&service, "priya.raman@contoso.example").await;
    let path = link(&service, &asked);
    let nobody = service.stranger();
    let page = nobody.get(&path).await;
    assert!(page.ok(200).text.contains("Not me"), "{}", page.text);
    // A yes or no is no answer to a question, nor is anything else.
    send(&nobody, &path, "decision=approve").await.ok(409);
    send(&nobody, &path, "answer=Perhaps").await.ok(409);
    let said = send(&nobody, &path, "answer=Not+me").await;
    assert!(said.ok(200).text.contains("You have answered “Not me”"));
    let operator = service.token(Role::Operator, Scope::All).await;
    let ended = operator
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["status"] == "ended"
        })
        .await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_harm_needs_a_login() {
    let service = service().await;
    start(&service, "contain_account").await;
    let ana = mail(&service, "ana.ortiz@msp.example").await;
    let path = link(&service, &ana);
    assert!(path.starts_with("/approvals/"), "{}", ana.text);
    assert!(ana.text.contains("you will be asked to log in"));
    let page = service.stranger().get(&path).await;
    assert!(page.text.contains("Log in"), "{}", page.text);
    assert!(!page.text.contains("value=\"approve\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_does_harm_needs_a_login() {
    let service = service().await;
    let run = start(&service, "strict").await;
    let ana = mail(&service, "ana.ortiz@msp.example").await;
    let path = link(&service, &ana);
    assert!(path.starts_with("/approvals/"), "{}", ana.text);
    let no = send(&service.stranger(), &path, "decision=reject&comment=no").await;
    assert!(no.text.contains("Log in"), "{}", no.text);
    let operator = service.token(Role::Operator, Scope::All).await;
    let run = operator.get(&format!("/api/automation/runs/{run}")).await;
    assert_eq!(run.json["status"], "awaiting approval", "{}", run.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_expired_and_borrowed_links_are_refused_and_written_down() {
    let service = service().await;
    start(&service, "tell_lead").await;
    let ana = link(&service, &mail(&service, "ana.ortiz@msp.example").await);
    let bo = link(&service, &mail(&service, "bo.larsen@msp.example").await);
    let nobody = service.stranger();
    let yes = "decision=approve";

    let (content, signature) = ana.rsplit_once('.').expect("two parts");
    let (_, another) = bo.rsplit_once('.').expect("two parts");
    for forged in [
        format!("{content}.{another}"),
        format!("{content}.{}", signature.to_uppercase()),
        content.to_owned(),
        format!("{content}."),
        "/answer/nonsense".to_owned(),
    ] {
        nobody.get(&forged).await.ok(403);
        send(&nobody, &forged, yes).await.ok(403);
    }
    let forged = refusals(&service).await;
    assert_eq!(forged.len(), 10, "{forged:?}");
    assert!(forged.iter().all(|(who, _)| who == "personal link"));

    // Whoever is logged in as somebody else answers as themselves or not at all.
    let other = service
        .person("bo.larsen@msp.example", &[Role::Approver], Scope::All)
        .await;
    send(&other, &ana, yes).await.ok(403);
    let borrowed = refusals(&service).await;
    let (who, why) = &borrowed[0];
    assert_eq!(who, "ana.ortiz@msp.example");
    assert!(why.contains("bo.larsen@msp.example"), "{why}");

    // Who has an account needs the right, also by mail.
    service
        .account("ana.ortiz@msp.example", &[Role::Viewer], Scope::All)
        .await;
    send(&nobody, &ana, yes).await.ok(403);

    service.clock.by_days(1);
    nobody.get(&bo).await.ok(410);
    let before = refusals(&service).await.len();
    send(&nobody, &bo, yes).await.ok(410);
    let refused = refusals(&service).await;
    assert_eq!(
        refused.len(),
        before + 1,
        "only who answers is written down"
    );
    assert!(
        refused
            .iter()
            .any(|(who, why)| who == "bo.larsen@msp.example" && why.contains("expired"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_do_not_fill_the_audit_trail() {
    let folder = Given::default();
    let limits = counterplay_server::identity::LoginLimits::default();
    let service = Service::with(Given { limits, ..folder }).await;
    let nobody = service.stranger();
    let mut refused = 0;
    for n in 0..60 {
        let answer = nobody.get(&format!("/answer/guess-{n}")).await;
        if answer.status == 429 {
            assert!(!answer.header("retry-after").is_empty());
            refused += 1;
        }
    }
    assert!(refused >= 25, "{refused}");
    assert!(refusals(&service).await.len() <= 35);
}
