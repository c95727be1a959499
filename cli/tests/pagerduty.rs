//! Paging whoever is on call, by a real process over HTTP: killed between the call and its commit, it sends the same event
//! again, and there is one incident.

use counterplay_sandbox::{Fault, FaultKind, Options, PagerStatus, Sandbox};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PAGE: &str = r#"pagerduty.trigger(summary: "Look at {what}", severity: critical, details: "It is on fire.")"#;

/// A project with these steps.
fn project(folder: &Path, sandbox: &Sandbox, steps: &str) {
    let toml = format!(
        "[project]\nname = \"Pages\"\n\n[teams.soc]\nmembers = [\"ana@msp.example\"]\n\n[tenants.contoso]\nid = \"{}\"\n\n\
         [connections.pagerduty]\nbase = \"{}/pagerduty\"\nallow_private = true\n",
        sandbox.state().id,
        sandbox.base_url(),
    );
    let playbook = format!(
        "use pagerduty\n\nplaybook page \"Page\" {{\n  when manual(what: Text)\n  then {{\n    {steps}\n  }}\n}}\n"
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    std::fs::write(folder.join("playbooks/page.play"), playbook).expect("a file");
}

fn run(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_counterplay"))
        .arg("run")
        .args(arguments)
        .args(["--project", "."])
        .current_dir(folder)
        .env(
            "COUNTERPLAY_SECRET_PAGERDUTY_ROUTING_KEY",
            "sandbox-pagerduty-routing-key-01",
        )
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

const START: [&str; 5] = ["--start", "page", "--with", "what=the door", "--as"];

async fn finished(child: Child) -> (bool, String) {
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = ended.await.expect("a thread").expect("the process ends");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_opened_acknowledged_and_resolved() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let steps = format!(
        "let incident = {PAGE}\n    pagerduty.acknowledge(incident)\n    pagerduty.resolve(incident)"
    );
    project(folder.path(), &sandbox, &steps);
    // It is asked to come later.
    sandbox.inject(Fault::new(
        "/pagerduty",
        FaultKind::Throttle {
            retry_after_s: Some(1),
        },
    ));
    let arguments = [&START[..], &["ana@msp.example"]].concat();
    let (success, said) = finished(run(folder.path(), &arguments)).await;
    assert!(success, "{said}");
    let incidents = sandbox.state().pager.incidents;
    assert_eq!(incidents.len(), 1, "{said}");
    let incident = &incidents[0];
    assert_eq!(incident.status, PagerStatus::Resolved);
    assert_eq!(
        (&*incident.summary, &*incident.source, &*incident.severity),
        ("Look at the door", "contoso", "critical")
    );
    assert!(
        incident.dedup_key.starts_with("r-"),
        "{}",
        incident.dedup_key
    );
    assert!(!said.contains("routing-key-01"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_commit_there_is_one_incident() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), &sandbox, PAGE);
    sandbox.inject(Fault::new("/pagerduty", FaultKind::DropAfter));
    let arguments = [&START[..], &["ana@msp.example"]].concat();
    let mut first = run(folder.path(), &arguments);
    let begun = Instant::now();
    while sandbox.state().pager.incidents.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody is paged");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // On Unix this is SIGKILL. The event was taken, and its answer is lost.
    first.kill().expect("the process can be killed");
    first.wait().expect("the process is gone");
    let before = sandbox.state().pager.incidents;
    assert_eq!((before.len(), before[0].triggers), (1, 1));

    let (success, said) = finished(run(folder.path(), &[])).await;
    assert!(success, "{said}");
    let incidents = sandbox.state().pager.incidents;
    assert_eq!(incidents.len(), 1, "{said}");
    assert_eq!(
        incidents[0].triggers, 2,
        "the same event was sent again: {said}"
    );
    assert_eq!(incidents[0].dedup_key, before[0].dedup_key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_fails_the_step() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path(), &sandbox, PAGE);
    sandbox.update(|tenant| {
        "another-pagerduty-routing-key-02".clone_into(&mut tenant.pager.routing_key)
    });
    let arguments = [&START[..], &["ana@msp.example"]].concat();
    let (success, said) = finished(run(folder.path(), &arguments)).await;
    assert!(!success, "{said}");
    assert!(said.contains("Event object is invalid"), "{said}");
}
