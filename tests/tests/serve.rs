//! `counterplay serve` as its operator meets it: what it refuses to start with, and that it says what the command line says.

use counterplay_tests::outside;
use counterplay_tests::service::Service;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_port_that_is_taken_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(outside::counterplay())
        .args(["serve", "--sandbox", "--listen", &address])
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let said = outside::printed(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains(&address) && said.contains("already in use"),
        "{said}"
    );
    assert!(said.contains("--listen"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_refuses_is_what_check_finds() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let http = reqwest::Client::new();
    let token = service.token("author").await;
    let one = format!("{}/api/automation/playbooks/contain_account", service.url);
    let read = http
        .get(&one)
        .bearer_auth(&token)
        .send()
        .await
        .expect("an answer");
    let etag = read.headers()["etag"].clone();
    let read: Value = read.json().await.expect("JSON");
    let source = read["source"].as_str().expect("a source");
    let broken = source
        .replace("entra.block_sign_in(user)", "entra.block_signin(user)")
        .replace("entra.revoke_sessions(user)", "entra.revoke_sessions()");
    assert_ne!(source, broken);
    let refused = http
        .put(&one)
        .bearer_auth(&token)
        .header("if-match", etag)
        .json(&json!({"source": broken}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 422);
    let refused: Value = refused.json().await.expect("JSON");
    // The same project in a folder, with the same mistakes.
    let folder = tempfile::tempdir().expect("a folder");
    let tour = counterplay_tests::root().join("examples/tour");
    std::fs::create_dir(folder.path().join("playbooks")).expect("a folder");
    for name in [
        "counterplay.toml",
        "playbooks/contain_account.play",
        "playbooks/lost_device.play",
    ] {
        std::fs::copy(tour.join(name), folder.path().join(name)).expect(name);
    }
    std::fs::write(
        folder.path().join("playbooks/contain_account.play"),
        &broken,
    )
    .expect("written");
    let checked = Command::new(outside::counterplay())
        .args(["check", ".", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let lines = String::from_utf8(checked.stdout).expect("text");
    let found: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON on each line"))
        .collect();
    assert!(found.len() >= 2, "{lines}");
    assert_eq!(refused["diagnostics"], Value::from(found));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_removed_stops_the_service() {
    let mut service = Service::start(&["--sandbox"]);
    std::fs::remove_dir_all(service.folder.path().join(".counterplay")).expect("removed");
    let alive = reqwest::get(format!("{}/healthz", service.url)).await;
    // It may have stopped already.
    assert!(alive.is_err() || alive.is_ok_and(|a| a.status() == 503));
    let (code, said) = service.ended().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("sandbox.db was removed or replaced"),
        "{said}"
    );
}
