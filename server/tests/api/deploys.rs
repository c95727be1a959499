//! Deploys that loosen something wait for a second person.

use crate::support::{CONTAIN, Client, LOST, Service};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};

const LOST_PATH: &str = "/api/automation/playbooks/lost_device";

async fn looser(author: &Client) -> Value {
    let etag = author.get(LOST_PATH).await.header("etag").to_owned();
    let source = LOST.replace("needs 2, ", "");
    let waits = author
        .with("if-match", &etag)
        .put(LOST_PATH, json!({"source": source}))
        .await;
    assert_eq!(waits.ok(202).json["state"], "waiting");
    assert!(
        !waits.json["reasons"]
            .as_array()
            .expect("reasons")
            .is_empty()
    );
    assert_eq!(author.get(LOST_PATH).await.json["source"], LOST);
    waits.json["revision"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_author_does_not_decide_and_another_does() {
    let service = Service::start().await;
    let author = service
        .person("ada@msp.example", &[Role::Author], Scope::All)
        .await;
    let second = service
        .person("ben@msp.example", &[Role::Author], Scope::All)
        .await;
    let viewer = service
        .person("vic@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let token = service.token(Role::Author, Scope::All).await;
    let revision = looser(&author).await;
    let path = format!("/api/automation/revisions/{revision}");
    author
        .post(&path, json!({"approve": true}))
        .await
        .problem(403, "forbidden");
    token
        .post(&path, json!({"approve": true}))
        .await
        .problem(403, "forbidden");
    viewer
        .post(&path, json!({"approve": true}))
        .await
        .problem(403, "forbidden");
    assert_eq!(author.get(LOST_PATH).await.json["source"], LOST);
    let done = second.post(&path, json!({"approve": true})).await;
    assert_eq!(done.ok(200).json["state"], "live");
    assert_ne!(author.get(LOST_PATH).await.json["source"], LOST);
    second
        .post(&path, json!({"approve": false}))
        .await
        .problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authors_own_token_is_the_author() {
    let service = Service::start().await;
    let author = service
        .person(
            "ada@msp.example",
            &[Role::Author, Role::Administrator],
            Scope::All,
        )
        .await;
    let made = author
        .post(
            "/api/automation/tokens",
            json!({"name": "ci", "role": "author"}),
        )
        .await;
    let secret = made.ok(201).json["secret"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let revision = looser(&service.bearer(&secret)).await;
    author
        .post(
            &format!("/api/automation/revisions/{revision}"),
            json!({"approve": true}),
        )
        .await
        .problem(403, "forbidden")
        .detail("your own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_overtaken_does_not_run() {
    let service = Service::start().await;
    let author = service
        .person("ada@msp.example", &[Role::Author], Scope::All)
        .await;
    let second = service
        .person("ben@msp.example", &[Role::Author], Scope::All)
        .await;
    let revision = looser(&author).await;
    let path = "/api/automation/playbooks/contain_account";
    let etag = author.get(path).await.header("etag").to_owned();
    author
        .with("if-match", &etag)
        .put(path, json!({"source": CONTAIN.replace("SOC", "SecOps")}))
        .await
        .ok(200);
    second
        .post(
            &format!("/api/automation/revisions/{revision}"),
            json!({"approve": true}),
        )
        .await
        .problem(409, "conflict");
    assert_eq!(author.get(LOST_PATH).await.json["source"], LOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_without_approval_waits() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let source = LOST.replace("lost_device", "lost_again");
    let made = author
        .post("/api/automation/playbooks", json!({"source": source}))
        .await;
    assert_eq!(made.ok(202).json["reasons"][0]["kind"], "without_approval");
    author
        .get("/api/automation/playbooks/lost_again")
        .await
        .problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_claims_less_waits() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let source = |impact: &str| {
        format!(
            "use microsoft.graph\n\n/// Write the department.\naction set_department(user: User) {{\n  impact: {impact}\n  idempotent: true\n  permission: \"User.ReadWrite.All\"\n  request: graph.patch(\"/users/{{user.id}}\", json: {{ department: \"Lost\" }})\n  expect: 204\n}}\n\nplaybook tagging \"Tagging\" {{\n  when manual(user: User)\n\n  then {{\n    approve \"Write it?\" about user, by team.soc, within 4h\n    set_department(user)\n  }}\n}}\n"
        )
    };
    let first = json!({"source": source("destructive")});
    let made = author.post("/api/automation/playbooks", first).await;
    made.ok(201);
    let path = "/api/automation/playbooks/tagging";
    let etag = author.get(path).await.header("etag").to_owned();
    let waits = author
        .with("if-match", &etag)
        .put(path, json!({"source": source("disruptive")}))
        .await;
    assert_eq!(waits.ok(202).json["reasons"][0]["kind"], "lower_impact");
    let text = waits.json["reasons"][0]["text"].as_str().expect("a text");
    assert!(text.contains("destructive") && text.contains("disruptive"));
    let live = author.get(path).await;
    assert_eq!(live.json["source"], source("destructive"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_nobody_can_give_is_not_deployed() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let etag = author.get(LOST_PATH).await.header("etag").to_owned();
    let source = LOST.replace("needs 2, ", "needs 4, ");
    let refused = author
        .with("if-match", &etag)
        .put(LOST_PATH, json!({"source": source}))
        .await;
    refused.problem(422, "unprocessable");
    let found = refused.json["diagnostics"].to_string();
    assert!(
        found.contains("this needs 4 people, and team.leads has 3"),
        "{found}"
    );
    assert_eq!(author.get(LOST_PATH).await.json["source"], LOST);
}
