//! A real process, killed with SIGKILL in the middle of the demo's scenario and started again: the run goes on
//! and nothing is done twice.

use counterplay_sandbox::{Options, Sandbox, Tenant};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const EVENT: &str = include_str!("../../examples/shipped-responses/events/risk-detection.json");
const PLAYBOOK: &str = include_str!("../../stdlib/responses/compromised_user.play");
const PRIYA: &str = "priya.raman@contoso.example";

/// The shipped response with its escalation after seconds instead of hours, on connections to a sandbox.
fn project(folder: &Path, sandbox: &Sandbox) {
    let base = sandbox.base_url();
    let playbook = PLAYBOOK
        .replace("escalate after 4h", "escalate after 4s")
        .replace("playbook compromised_user", "playbook contained_user");
    assert!(playbook.contains("after 4s"));
    let toml = format!(
        r#"
[project]
name = "Crash"

[teams.soc]
members = ["ana@msp.example"]
email = "soc@msp.example"
teams_webhook = "teams-soc"

[teams.soc_leads]
members = ["dana@msp.example"]
email = "soc-leads@msp.example"

[tenants.contoso]
id = "{tenant}"
domains = ["contoso.example"]

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

[connections.teams]
allow_private = true

[connections.mail]
base = "smtp://{smtp}"
from = "counterplay@msp.example"
tls = "none"
allow_private = true
"#,
        tenant = sandbox.state().id,
        smtp = sandbox.smtp_addr(),
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    std::fs::write(folder.join("playbooks/contained_user.play"), playbook).expect("a file");
    std::fs::write(folder.join("event.json"), EVENT).expect("a file");
}

fn start(folder: &Path, sandbox: &Sandbox, events: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_counterplay"))
        .arg("run")
        .args(events)
        .args(["--project", "."])
        .current_dir(folder)
        .env("COUNTERPLAY_SECRET_SANDBOX", "sandbox-secret")
        .env(
            "COUNTERPLAY_SECRET_TEAMS_SOC",
            format!("{}/teams/soc/sandbox-teams-key", sandbox.base_url()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

fn kill(mut child: Child) {
    // On Unix this is SIGKILL: nothing of the process runs any more.
    child.kill().expect("the process can be killed");
    child.wait().expect("the process is gone");
}

fn finish(child: Child) -> String {
    let output = child.wait_with_output().expect("the process ends");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}: {words}", output.status);
    words
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What must not happen twice.
fn done_once(tenant: &Tenant) {
    assert_eq!(
        tenant.user(PRIYA).expect("Priya").password_changes,
        1,
        "one new password"
    );
    assert_eq!(tenant.tickets.len(), 1, "one ticket");
    assert_eq!(tenant.chat.len(), 1, "one message to the SOC");
    assert_eq!(tenant.mails.len(), 1, "one mail to the leads");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_the_wait_the_run_goes_on_and_repeats_nothing() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), &sandbox);

    let first = start(folder.path(), &sandbox, &["event.json"]);
    until("the SOC to be told", || sandbox.state().chat.len() == 1).await;
    // The last action before the wait has been answered; give its transition a moment to be committed.
    tokio::time::sleep(Duration::from_millis(500)).await;
    kill(first);
    let before = sandbox.state();
    assert!(before.mails.is_empty(), "the wait was not over");
    assert_eq!(before.tickets.len(), 1);

    let second = tokio::task::spawn_blocking({
        let child = start(folder.path(), &sandbox, &[]);
        move || finish(child)
    });
    second.await.expect("the second process");
    done_once(&sandbox.state());
    let user = sandbox.state().user(PRIYA).expect("Priya").clone();
    assert!(!user.account_enabled, "still contained");
}

/// Killed after each number of calls in turn. What may have been carried out and must not be done twice is looked for,
/// or holds the run for a person; messages are sent again when their answer was lost. There is never a second ticket
/// and never a second password.
#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_call_nothing_is_done_twice() {
    for calls in [1, 3, 5, 7, 9, 11, 13] {
        let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        project(folder.path(), &sandbox);
        let first = start(folder.path(), &sandbox, &["event.json"]);
        until("the calls", || sandbox.requests().len() >= calls).await;
        kill(first);
        let second = start(folder.path(), &sandbox, &[]);
        let ended = |state: &Tenant| state.mails.len() == 1;
        let held = || {
            Command::new(env!("CARGO_BIN_EXE_counterplay"))
                .args(["runs", "--project", ".", "--json"])
                .current_dir(folder.path())
                .output()
                .is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains("held"))
        };
        until("the run to end or to be held", || {
            ended(&sandbox.state()) || held()
        })
        .await;
        kill(second);
        let state = sandbox.state();
        let user = state.user(PRIYA).expect("Priya");
        assert!(
            user.password_changes <= 1,
            "after {calls} calls: {} new passwords",
            user.password_changes
        );
        assert!(
            state.tickets.len() <= 1,
            "after {calls} calls: {} tickets",
            state.tickets.len()
        );
        if ended(&state) {
            // Messages may be sent again after a crash, and say so; nothing else is.
            assert_eq!(user.password_changes, 1);
            assert_eq!(state.tickets.len(), 1);
        }
    }
}
