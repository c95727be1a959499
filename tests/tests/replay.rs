//! A run of a real service is played again with other versions of its playbook: what they would have decided otherwise is
//! shown, and nothing outside is asked.

use counterplay_tests::outside;
use counterplay_tests::service::Service;
use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(outside::counterplay())
        .args(arguments)
        .args(["--store", ".counterplay/sandbox.db"])
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .expect("it starts");
    (output.status.code(), outside::printed(&output))
}

/// What is the same whenever it is told: the run's id and times are not.
fn steady(said: &str, run: &str) -> String {
    let mut parts = said.split('+');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        match part[digits..].strip_prefix('s').filter(|_| digits > 0) {
            Some(rest) => out.push_str(&format!("+T {}", rest.trim_start_matches(' '))),
            None => out.push_str(&format!("+{part}")),
        }
    }
    without_numbers(
        &without_numbers(&out.replace(run, "RUN"), "Ticket "),
        "case: ",
    )
}

/// A text in which what stands behind a word is no number: how many tickets there were before is not what matters.
fn without_numbers(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(word);
        out.push_str(if rest.len() < part.len() { "N" } else { "" });
        out.push_str(rest);
    }
    out
}

struct World {
    service: Service,
    token: String,
    source: String,
}

impl World {
    /// The tour's project, served with its sandbox.
    async fn start() -> World {
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
        let file = folder.path().join("playbooks/contain_account.play");
        let source = std::fs::read_to_string(file).expect("a file");
        let service = Service::of(folder, &["--sandbox"]);
        let token = service.token("administrator").await;
        World {
            service,
            token,
            source,
        }
    }

    fn folder(&self) -> &Path {
        self.service.folder.path()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/automation{path}", self.service.url);
        let answer = Client::new().get(url).bearer_auth(&self.token).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// The run once it is in a status.
    async fn run(&self, status: &str) -> String {
        for _ in 0..200 {
            let runs = self.get("/runs?playbook=contain_account").await;
            let run = &runs["runs"][0];
            if run["status"] == status {
                return run["id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no run is {status}: {}", self.get("/runs").await);
    }

    async fn begin(&self) {
        let url = format!(
            "{}/api/automation/playbooks/contain_account/run",
            self.service.url
        );
        let values =
            json!({ "tenant": "contoso", "values": { "user": PRIYA, "reason": "clicked" } });
        let begun = Client::new().post(url).bearer_auth(&self.token);
        let begun = begun.json(&values).send().await.expect("an answer");
        assert_eq!(begun.status(), 202);
    }

    /// The run, played with a version in which something was replaced; codes and words.
    fn with(&self, run: &str, replaced: &[(&str, &str)], more: &[&str]) -> (Option<i32>, String) {
        let mut source = self.source.clone();
        for (from, to) in replaced {
            assert!(source.contains(from), "{from}");
            source = source.replace(from, to);
        }
        std::fs::write(self.folder().join("draft.play"), source).expect("written");
        let arguments = [&["replay", run, "--with", "draft.play"][..], more].concat();
        let (code, said) = told(self.folder(), &arguments);
        (code, steady(&said, run))
    }

    async fn outside(&self) -> Value {
        let url = format!("{}/sandbox/state", self.service.outside());
        let state = reqwest::get(url).await.expect("an answer");
        state.json().await.expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_versions_are_held_against_what_happened() {
    let world = World::start().await;
    world.begin().await;
    let run = world.run("awaiting approval").await;

    // While it is open: as far as it has come.
    let (code, said) = world.with(&run, &[], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("has come no further"), "{said}");

    let who = ["--as", "ana.ortiz@msp.example", "--comment", "called her"];
    let (code, said) = told(world.folder(), &[&["approve", &run][..], &who].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.run("ended").await, run);
    let before = world.outside().await;
    let journal = world.get(&format!("/runs/{run}")).await;

    let arguments = ["replay", &run, "--with", "playbooks/contain_account.play"];
    let (code, said) = told(world.folder(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!("the_version_of_the_run", steady(&said, &run));

    // Another reading of the same: titles and comments decide nothing.
    let words = [("\"Contain an Account\"", "\"Contain somebody's account\"")];
    let (code, said) = world.with(&run, &words, &[]);
    assert_eq!(code, Some(0), "{said}");

    // Something else is done.
    let changed = [
        ("    entra.revoke_sessions(user)\n", ""),
        ("require_mfa: true", "require_mfa: false"),
    ];
    let (code, said) = world.with(&run, &changed, &[]);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!("something_else_is_done", said);

    // It would not have started.
    let head = [(
        "  ignore repeats",
        "  if user.kind == guest\n  ignore repeats",
    )];
    let (code, said) = world.with(&run, &head, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("`user.kind == guest` does not hold"),
        "{said}"
    );

    // People would have been asked something that they were not.
    let question = [(
        "Replace the password of",
        "Shall we replace the password of",
    )];
    let (code, said) = world.with(&run, &question, &[]);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!("people_are_asked_something_else", said);

    // It wants to know what nobody asked; with an answer it goes on.
    let asks = [(
        "    entra.revoke_sessions(user)\n",
        "    if entra.is_enabled(user) {\n      entra.revoke_sessions(user)\n    }\n",
    )];
    let (code, said) = world.with(&run, &asks, &[]);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!("it_asks_what_nobody_asked", said);
    let answer = ["--answer", "entra.is_enabled=false"];
    let (code, said) = world.with(&run, &asks, &answer);
    assert_eq!(code, Some(1), "{said}");
    insta::assert_snapshot!("it_asks_and_is_answered", said);

    // For other programs.
    let (code, said) = world.with(&run, &changed, &["--json"]);
    assert_eq!(code, Some(1), "{said}");
    let object: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(object["same"], false);
    assert_ne!(object["version"], object["version_of_run"]);
    let first = object["steps"].as_array().expect("steps").iter();
    let first = first.clone().find(|step| step["in"] != "both");
    let text = first.expect("a difference")["text"].as_str();
    assert!(
        text.is_some_and(|t| t.contains("entra.revoke_sessions")),
        "{said}"
    );

    // A mistake in the other version is shown, and nothing is played.
    let (code, said) = world.with(&run, &[("entra.block_sign_in", "entra.block_signin")], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("block_signin"), "{said}");

    // Nothing was asked or changed, outside or in the store.
    assert_eq!(world.outside().await, before);
    assert_eq!(world.get(&format!("/runs/{run}")).await, journal);
}
