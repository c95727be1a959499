//! Several files in one deploy, what is told of each deploy, and starts that change what runs.

use crate::support::{CONTAIN, Client, Given, LOST, Service};
use counterplay_server::identity::{Role, Scope};
use counterplay_server::project::Origin;
use reqwest::Method;
use serde_json::{Value, json};

const DEPLOYS: &str = "/api/automation/deploys";
const GUARDS: &str = "playbooks/guards.play";
const FIVE: &str =
    "use microsoft.intune\n\nguard \"Few wipes\" {\n  limit intune.wipe to 5 per 1h\n}\n";

async fn tag(client: &Client) -> String {
    let read = client.get(DEPLOYS).await;
    read.ok(200).header("etag").to_owned()
}

async fn send(client: &Client, files: Value) -> crate::support::Answer {
    let tag = tag(client).await;
    let wish = json!({ "files": files, "summary": "in my words" });
    client.with("if-match", &tag).post(DEPLOYS, wish).await
}

fn told(answer: &Value) -> Vec<&str> {
    let changes = answer["changes"].as_array().expect("a list");
    changes.iter().filter_map(Value::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_and_playbooks_change_together() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let viewer = service.token(Role::Viewer, Scope::All).await;
    let read = viewer.get(DEPLOYS).await;
    assert_eq!(read.ok(200).json["revision"], 1);
    assert_eq!(read.json["origin"], "store");
    assert_eq!(read.json["files"]["playbooks/lost_device.play"], LOST);

    let quicker = LOST.replace("within 4h", "within 2h");
    let made = send(
        &author,
        json!({ GUARDS: FIVE, "playbooks/lost_device.play": quicker, "playbooks/contain_account.play": CONTAIN }),
    )
    .await;
    assert_eq!(made.ok(201).json["revision"], 2);
    assert_eq!(made.json["state"], "live");
    assert_eq!(made.json["playbooks"], json!(["lost_device"]));
    assert_eq!(made.header("etag"), tag(&viewer).await);
    let name = "Wipe {device.name}? Everything on it is lost. Reported: {reason}";
    assert_eq!(
        told(&made.json),
        [
            &format!("`lost_device` has the approval “{name}”, which waits 2h, it was 4h"),
            "new: the guard “Few wipes” limits `intune.wipe` to 5 per 1h",
        ]
    );
    let now = viewer.get("/api/automation/playbooks/lost_device").await;
    assert_eq!(now.json["source"], quicker.as_str());
    assert_eq!(now.json["revision"], 2);

    // Who only looks does not deploy, and nothing is overwritten unseen.
    let more = json!({ "files": { GUARDS: null } });
    let old = read.header("etag").to_owned();
    viewer
        .with("if-match", &old)
        .post(DEPLOYS, more.clone())
        .await
        .problem(403, "forbidden");
    author
        .post(DEPLOYS, more.clone())
        .await
        .problem(428, "precondition-required");
    author
        .with("if-match", &old)
        .post(DEPLOYS, more)
        .await
        .problem(412, "changed-meanwhile");

    // Without the guard more gets through: a second person looks at it.
    let looser = send(&author, json!({ GUARDS: null })).await;
    assert_eq!(looser.ok(202).json["state"], "waiting");
    assert_eq!(looser.json["reasons"][0]["kind"], "looser_guard");
    assert_eq!(
        told(&looser.json),
        ["gone: the guard “Few wipes” that limits `intune.wipe` to 5 per 1h"]
    );
    assert_eq!(viewer.get(DEPLOYS).await.json["files"][GUARDS], FIVE);
    let second = service
        .person("ben@msp.example", &[Role::Author], Scope::All)
        .await;
    let path = format!("/api/automation/revisions/{}", looser.json["revision"]);
    let decided = second.post(&path, json!({ "approve": true })).await;
    assert_eq!(decided.ok(200).json["state"], "live");
    assert_eq!(told(&decided.json), told(&looser.json));
    assert_eq!(decided.json["summary"], "in my words");
    assert!(viewer.get(DEPLOYS).await.json["files"][GUARDS].is_null());

    // A file that is gone takes its playbook with it.
    let gone = send(&author, json!({ "playbooks/contain_account.play": null })).await;
    assert_eq!(
        told(&gone.ok(201).json),
        ["gone: `contain_account` (“Contain an Account”)"]
    );
    viewer
        .get("/api/automation/playbooks/contain_account")
        .await
        .problem(404, "not-found");
    let record = author
        .get("/api/automation/audit?action=project.deployed&limit=1")
        .await;
    let detail = &record.ok(200).json["records"][0]["detail"];
    assert_eq!(detail["summary"], "in my words");
    assert_eq!(detail["changes"], gone.json["changes"]);
    // On the page of deploys, too.
    let page = second.get("/deploys").await;
    assert!(
        page.ok(200)
            .text
            .contains("gone: <code>contain_account</code>"),
        "{}",
        page.text
    );
    let page = second
        .get(&format!("/deploys/{}", gone.json["revision"]))
        .await;
    assert!(page.ok(200).text.contains("What changes"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_fit_change_nothing() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    let before = tag(&author).await;
    for (files, part) in [
        (json!({}), "none of these files differs"),
        (
            json!({ "playbooks/lost_device.play": LOST }),
            "none of these files differs",
        ),
        (
            json!({ "playbooks/nothing.play": null }),
            "no file playbooks/nothing.play",
        ),
        (
            json!({ "elsewhere/guards.play": FIVE }),
            "none of the project's source folders",
        ),
        (json!({ "playbooks/../x.play": FIVE }), "letters, digits"),
        (
            json!({ "counterplay.toml": "[project]" }),
            "letters, digits",
        ),
    ] {
        let refused = send(&author, files).await;
        refused.problem(422, "unprocessable").detail(part);
    }
    // Each is right by itself, and both together are not.
    let refused = send(
        &author,
        json!({ GUARDS: FIVE, "playbooks/lost_device.play": LOST.replace("ticket.create", "ticket.crate") }),
    )
    .await;
    refused
        .problem(422, "unprocessable")
        .detail("the source has");
    let path = &refused.json["diagnostics"][0]["places"][0]["path"];
    assert_eq!(path, "playbooks/lost_device.play");
    assert_eq!(tag(&author).await, before);

    let folder = Service::with(Given {
        origin: Origin::Folder,
        ..Given::default()
    })
    .await;
    let author = folder.token(Role::Author, Scope::All).await;
    let read = author.get(DEPLOYS).await;
    assert_eq!(read.ok(200).json["origin"], "folder");
    let refused = send(&author, json!({ GUARDS: FIVE })).await;
    refused.problem(409, "conflict").detail("--accept-deploys");
}

/// What the trail says of deploys, the first first: who, which revision, what changes.
async fn deployed(service: &Service) -> Vec<(String, Value, Vec<String>)> {
    let viewer = service.token(Role::Operator, Scope::All).await;
    let path = "/api/automation/audit?action=project.deployed";
    let answer = viewer.send(Method::GET, path, None).await;
    let records = answer.ok(200).json["records"].as_array().cloned();
    let record = |r: Value| {
        let changes = told(&r["detail"]).into_iter().map(str::to_owned).collect();
        let actor = r["actor"].as_str().unwrap_or_default().to_owned();
        (actor, r["object"].clone(), changes)
    };
    records
        .expect("a list")
        .into_iter()
        .rev()
        .map(record)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_folder_says_what_it_changes() {
    let given = |folder, more| Given {
        origin: Origin::Folder,
        folder,
        more,
        ..Given::default()
    };
    let service = Service::with(given(Given::default().folder, Vec::new())).await;
    let first = deployed(&service).await;
    let [(by, object, changes)] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert_eq!((by.as_str(), object), ("the service's start", &Value::Null));
    assert!(
        changes
            .iter()
            .any(|c| c.starts_with("`lost_device` (“Lost or Stolen Device”): by hand")),
        "{changes:#?}"
    );
    let (_, folder) = service.stop().await;
    let service = Service::with(given(folder, Vec::new())).await;
    assert_eq!(deployed(&service).await, first, "the same again");
    let (_, folder) = service.stop().await;
    let service = Service::with(given(folder, vec![(GUARDS, FIVE)])).await;
    let then = deployed(&service).await;
    assert_eq!(then.len(), 2, "{then:?}");
    assert_eq!(
        then[1].2,
        ["new: the guard “Few wipes” limits `intune.wipe` to 5 per 1h"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_revision_says_what_is_there() {
    let service = Service::start().await;
    let records = deployed(&service).await;
    let [(by, object, changes)] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(
        (by.as_str(), object),
        ("the service's start", &json!("revision 1"))
    );
    let viewer = service.token(Role::Viewer, Scope::All).await;
    let list = viewer.get("/api/automation/revisions").await;
    assert_eq!(list.ok(200).json["revisions"][0]["changes"], json!(changes));
}
