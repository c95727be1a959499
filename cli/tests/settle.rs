//! `counterplay settle`: a person says what became of a call whose answer was lost. Real processes, a service over HTTP.

use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox};
use std::path::Path;
use std::process::{Command, Output};

const PRIYA: &str = "priya.raman@contoso.example";
const PLAYBOOK: &str = r#"use microsoft.(entra)
use ticket

playbook new_password "Replace a Password" {
  when manual(user: User)

  then {
    without approval because "the test says so" {
      entra.reset_password(user, require_mfa: true)
    }
    ticket.create(title: "New password: {user.name}", priority: high)
  }
}
"#;

fn project(folder: &Path, sandbox: &Sandbox) {
    let base = sandbox.base_url();
    let toml = format!(
        r#"
[project]
name = "Settle"

[teams.soc]
members = ["ana@msp.example"]

[tenants.contoso]
id = "{tenant}"

[connections.graph]
base = "{base}/graph/v1.0"
token_url = "{base}/login/{{tenant.id}}/oauth2/v2.0/token"
client_id = "counterplay-sandbox"
secret = "sandbox"
allow_private = true

[connections.halopsa]
base = "{base}/halo"
token_url = "{base}/halo/auth/token"
client_id = "counterplay-sandbox"
secret = "sandbox"
allow_private = true
"#,
        tenant = sandbox.state().id,
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    std::fs::write(folder.join("playbooks/new_password.play"), PLAYBOOK).expect("a file");
}

async fn counterplay(folder: &Path, args: &[&str]) -> Output {
    tokio::process::Command::from({
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterplay"));
        command
            .args(args)
            .args(["--project", "."])
            .current_dir(folder)
            .env("COUNTERPLAY_SECRET_SANDBOX", "sandbox-secret");
        command
    })
    .output()
    .await
    .expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A run that is held at its new password, and its id.
async fn held(folder: &Path, sandbox: &Sandbox, lost: FaultKind) -> String {
    project(folder, sandbox);
    sandbox.inject(Fault::new("/users/", lost).on("PATCH"));
    let user = format!("user={PRIYA}");
    let start = ["run", "--once", "--start", "new_password", "--with", &user];
    let run = counterplay(folder, &[&start[..], &["--as", "ana@msp.example"]].concat()).await;
    let runs = counterplay(folder, &["runs", "--json"]).await;
    let runs: serde_json::Value = serde_json::from_str(&out(&runs)).expect("JSON");
    assert_eq!(
        runs[0]["status"],
        "held",
        "{runs} {}{}",
        out(&run),
        err(&run)
    );
    runs[0]["id"].as_str().expect("an id").to_owned()
}

fn changes(sandbox: &Sandbox) -> u32 {
    let state = sandbox.state();
    state.user(PRIYA).expect("Priya").password_changes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_carried_out_is_not_sent_again() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let run = held(folder, &sandbox, FaultKind::DropAfter).await;
    let shown = out(&counterplay(folder, &["show", &run]).await);
    assert!(shown.contains("held for a person at step "), "{shown}");
    let (_, rest) = shown
        .split_once(&format!("settle {run} "))
        .expect("the command");
    let step = rest.split(' ').next().expect("a step");
    let ana = ["--as", "ana@msp.example"];
    let settle = |args: &[&'static str]| -> Vec<String> {
        let all = [&["settle", &run, step], args, &ana[..]].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let said = |args: Vec<String>| async move {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        counterplay(folder, &args).await
    };

    let nothing = said(settle(&[])).await;
    assert_eq!(nothing.status.code(), Some(2), "{}", err(&nothing));
    let result = said(settle(&["--done", "--result", "INC-17"])).await;
    assert_eq!(result.status.code(), Some(2));
    let told = "--result INC-17 is not JSON; a text stands in quotes of its own";
    assert!(err(&result).contains(told), "{}", err(&result));
    let result = said(settle(&["--done", "--result", "7"])).await;
    assert_eq!(result.status.code(), Some(1));
    assert!(
        err(&result).contains("`entra.reset_password` gives no result"),
        "{}",
        err(&result)
    );
    let other = counterplay(
        folder,
        &["settle", &run, "wipe", "--done", "--as", "ana@msp.example"],
    )
    .await;
    assert_eq!(other.status.code(), Some(1));
    assert!(
        err(&other).contains("the step wipe is not held; held are "),
        "{}",
        err(&other)
    );

    let kept = said(settle(&["--done", "--comment", "changed at 02:13"])).await;
    assert_eq!(kept.status.code(), Some(0), "{}", err(&kept));
    assert!(out(&kept).contains("was carried out"), "{}", out(&kept));
    let rest = counterplay(folder, &["run", "--once"]).await;
    assert_eq!(rest.status.code(), Some(0), "{}{}", out(&rest), err(&rest));
    let shown = out(&counterplay(folder, &["show", &run]).await);
    let line = "entra.reset_password was carried out, says ana@msp.example: \"changed at 02:13\"";
    assert!(
        shown.contains(line) && shown.contains("ended: completed"),
        "{shown}"
    );
    assert_eq!((changes(&sandbox), sandbox.state().tickets.len()), (1, 1));
    let late = said(settle(&["--not-done"])).await;
    assert_eq!(late.status.code(), Some(1));
    assert!(err(&late).contains("has ended"), "{}", err(&late));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_carried_out_is_sent_again_or_given_up() {
    for (flag, passwords, outcome) in [
        ("--not-done", 1, "ended: completed"),
        ("--give-up", 0, "says that it was not carried out"),
    ] {
        let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let run = held(folder, &sandbox, FaultKind::DropConnection).await;
        let settle = ["settle", &run, flag, "--as", "ana@msp.example"];
        let kept = counterplay(folder, &settle).await;
        assert_eq!(kept.status.code(), Some(0), "{}", err(&kept));
        counterplay(folder, &["run", "--once"]).await;
        let shown = out(&counterplay(folder, &["show", &run]).await);
        assert!(shown.contains(outcome), "{shown}");
        assert_eq!(changes(&sandbox), passwords, "{flag}");
    }
}
