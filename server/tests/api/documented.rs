//! The commands of docs/api.md, run against a service.

use crate::sandboxed::WEBHOOK_SECRET;
use crate::support::{LEAVER, PASSWORD, PRIYA, RISK, Service, VICTIMS, tenants};
use counterplay_server::identity::{Role, Scope};
use std::process::Stdio;
use tokio::process::Command;

const MANUAL: &str = include_str!("../../../docs/api.md");

/// The commands with the status that each says it gets.
fn commands() -> Vec<(String, String)> {
    let blocks = MANUAL.split("```sh\n").skip(1);
    let text = blocks.filter_map(|rest| rest.split("```").next());
    text.map(|block| {
        let status = block
            .split("expect ")
            .nth(1)
            .and_then(|rest| rest.get(..3))
            .expect("a status");
        (block.to_owned(), status.to_owned())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_does_what_it_says() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let all = service.token(Role::Administrator, Scope::All).await;
    let source = service.token(Role::Source, tenants(&["contoso"])).await;
    let email = "ana.ortiz@msp.example";
    service.account(email, &[Role::Approver], Scope::All).await;
    let (_, approval) = operator.contained("contoso", VICTIMS[1]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let secret = |c: &crate::support::Client| {
        let bearer = c.headers[0].1.clone();
        bearer.trim_start_matches("Bearer ").to_owned()
    };
    let known = [
        ("URL", service.url.clone()),
        ("TOKEN", secret(&all)),
        ("SOURCE_TOKEN", secret(&source)),
        ("EMAIL", email.to_owned()),
        ("PASSWORD", PASSWORD.to_owned()),
        ("COOKIES", file("cookies", "")),
        ("USER_ID", PRIYA.to_owned()),
        ("APPROVAL", approval),
        ("RISK", file("risk.json", RISK)),
        ("LEAVER", file("leaver.json", LEAVER)),
        ("HOOK_SECRET", WEBHOOK_SECRET.to_owned()),
    ];
    // The status of the last call of each block, without a word of it in the manual.
    let wrapped = "set -euo pipefail\ncurl() { command curl --write-out '%{stderr}%{http_code}\\n' \"$@\"; }\n";
    let commands = commands();
    assert!(commands.len() > 10, "the manual has lost some");
    for (block, expected) in commands {
        let ended = Command::new("bash")
            .args(["-c", &format!("{wrapped}{block}")])
            .envs(known.iter().map(|(k, v)| (*k, v.as_str())))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .await
            .expect("bash");
        let told = String::from_utf8_lossy(&ended.stderr);
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{block}\n{told}{said}");
        assert_eq!(
            told.lines().last(),
            Some(expected.as_str()),
            "{block}\n{said}"
        );
    }
}
