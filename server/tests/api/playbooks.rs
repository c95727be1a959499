//! Playbooks over HTTP: listed, read, created, replaced, switched.

use crate::support::{CONTAIN, Given, LOST, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use counterplay_server::project::Origin;
use reqwest::Method;
use serde_json::{Value, json};

const ONE: &str = "/api/automation/playbooks/contain_account";
const ALL: &str = "/api/automation/playbooks";

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_reads() {
    let service = Service::start().await;
    let viewer = service.token(Role::Viewer, tenants(&["contoso"])).await;
    let list = viewer.get(ALL).await;
    let ids: Vec<&str> = list.ok(200).json["playbooks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["id"].as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "compromised_user",
            "contain_account",
            "lost_device",
            "offboarding"
        ]
    );
    assert_eq!(list.json["playbooks"][1]["tenants"], json!(["contoso"]));
    assert_eq!(list.json["origin"], "store");
    let one = viewer.get(ONE).await;
    assert_eq!(one.ok(200).json["source"], CONTAIN);
    assert_eq!(one.json["editable"], true);
    assert!(
        one.header("etag").starts_with('"'),
        "{}",
        one.header("etag")
    );
    viewer
        .get("/api/automation/playbooks/nothing")
        .await
        .problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_and_replaces() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let source = CONTAIN.replace("contain_account", "contain_again");
    let made = author.post(ALL, json!({"source": source})).await;
    assert_eq!(made.ok(201).json["state"], "live");
    assert_eq!(
        made.header("location"),
        "/api/automation/playbooks/contain_again"
    );
    let read = author.get(made.header("location")).await;
    assert_eq!(read.header("etag"), made.header("etag"));
    author
        .post(ALL, json!({"source": source}))
        .await
        .problem(409, "conflict");
    let other = source.replace("Account in other hands", "Somebody else's hands");
    let path = made.header("location").to_owned();
    author
        .put(&path, json!({"source": other}))
        .await
        .problem(428, "precondition-required");
    let seen = author.with("if-match", made.header("etag"));
    let changed = seen
        .put(&path, json!({"source": other, "summary": "words"}))
        .await;
    assert_ne!(changed.ok(200).header("etag"), made.header("etag"));
    seen.put(&path, json!({"source": source}))
        .await
        .problem(412, "changed-meanwhile");
    let revisions = author.get("/api/automation/revisions?limit=1").await;
    assert_eq!(revisions.json["revisions"][0]["summary"], "words");
    assert!(revisions.json["next"].is_string());
    let first = revisions.json["revisions"][0]["revision"].clone();
    let view = author
        .get(&format!("/api/automation/revisions/{first}"))
        .await;
    assert!(view.text.contains("Somebody else's hands"), "{}", view.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_exactly_one_wins() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let etag = author.get(ONE).await.header("etag").to_owned();
    let seen = author.with("if-match", &etag);
    let change = |word: &str| json!({"source": CONTAIN.replace("SOC", word)});
    let (a, b) = tokio::join!(seen.put(ONE, change("One")), seen.put(ONE, change("Two")));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.text, b.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_check_answers_with_the_findings() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let broken = CONTAIN.replace("entra.block_sign_in(user)", "entra.block_signin(user)");
    let etag = author.get(ONE).await.header("etag").to_owned();
    let refused = author
        .with("if-match", &etag)
        .put(ONE, json!({"source": broken}))
        .await;
    refused.problem(422, "unprocessable");
    // The same compiler on the same files, as `counterplay check --format json` writes it.
    let mut files = crate::support::files();
    files.insert("playbooks/contain_account.play".into(), broken);
    let config = counterplay_server::project::ConfigFile {
        name: "counterplay.toml".into(),
        text: crate::support::CONFIG.into(),
    };
    let compiled = counterplay_server::project::compile::compile(&config, &files);
    assert!(compiled.errors > 0);
    assert_eq!(refused.json["diagnostics"], Value::from(compiled.findings));
    assert_eq!(author.get(ONE).await.header("etag"), etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_read_only() {
    let service = Service::with(Given {
        origin: Origin::Folder,
        ..Given::default()
    })
    .await;
    let author = service.token(Role::Author, Scope::All).await;
    author
        .post(
            ALL,
            json!({"source": CONTAIN.replace("contain_account", "x")}),
        )
        .await
        .problem(409, "conflict")
        .detail("--accept-deploys");
    let one = author.get(ONE).await;
    assert_eq!(one.json["editable"], false);
    author
        .with("if-match", one.header("etag"))
        .put(ONE, json!({"source": CONTAIN}))
        .await
        .problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn shipped_playbooks_are_switched_and_not_edited() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let path = "/api/automation/playbooks/compromised_user";
    let etag = author.get(path).await.header("etag").to_owned();
    author
        .with("if-match", &etag)
        .put(path, json!({"source": LOST}))
        .await
        .problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_survives_deploys_and_a_restart() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let path = format!("{ONE}/mode");
    operator
        .put(&path, json!({"mode": "paused"}))
        .await
        .problem(428, "precondition-required");
    let before = operator.get(ONE).await.header("etag").to_owned();
    let set = operator.with("if-match", &before);
    let paused = set.put(&path, json!({"mode": "paused"})).await;
    assert_eq!(paused.ok(200).json["mode"], "paused");
    assert_eq!(paused.json["mode_from"], "set");
    set.put(&path, json!({"mode": "active"}))
        .await
        .problem(412, "changed-meanwhile");
    operator
        .post(
            &format!("{ONE}/run"),
            json!({"tenant": "contoso", "values": {"user": crate::support::PRIYA, "reason": "x"}}),
        )
        .await
        .problem(409, "conflict");
    author
        .with("if-match", paused.header("etag"))
        .put(ONE, json!({"source": CONTAIN.replace("SOC", "SecOps")}))
        .await
        .ok(200);
    assert_eq!(operator.get(ONE).await.json["mode"], "paused");
    let (_, folder) = service.stop().await;
    let service = Service::with(Given {
        folder,
        ..Given::default()
    })
    .await;
    let mut operator = operator;
    operator.base = service.url.clone();
    let now = operator.get(ONE).await;
    assert_eq!(now.json["mode"], "paused");
    assert!(now.text.contains("SecOps"));
    let cleared = operator
        .with("if-match", now.header("etag"))
        .send(Method::DELETE, &path, None)
        .await;
    assert_eq!(cleared.ok(200).json["mode"], "active");
}
