//! A run of a real service is played again with other versions of its playbook: what they would have decided otherwise is
//! shown, and nothing outside is asked.

use counterplay_machine::journal::What;
use counterplay_machine::step::{Settled, Settlement};
use counterplay_runtime::engine::HookDelivery;
use counterplay_runtime::simulate::Answers;
use counterplay_runtime::simulate::replay::{In, Replay, Replayed, replay};
use counterplay_runtime::store::RunDetail;
use counterplay_sandbox::{Fault, FaultKind};
use counterplay_tests::outside;
use counterplay_tests::service::Service;
use counterplay_tests::{Bench, project, project_with};
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

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;
const HOUR_MS: i64 = 3_600_000;
const JONAS: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004";

/// The latest run of a playbook.
async fn latest(bench: &Bench, playbook: &str) -> RunDetail {
    let mut runs = bench.runs().await.into_iter();
    let own = runs.find(|run| run.info.playbook == playbook);
    own.expect("a run")
}

/// A run played again with the program that it ran with.
fn again(bench: &Bench, run: &RunDetail) -> Replay {
    let replayed = Replayed {
        run: &run.run,
        journal: &run.journal,
        program: &run.program,
    };
    let id = &run.run.playbook;
    let played = replay(
        &replayed,
        &bench.program,
        id,
        &bench.deployment,
        &Answers::new(),
    );
    played.expect("it can be played")
}

/// The same, which decides as the run did, to its end.
fn same(bench: &Bench, run: &RunDetail) -> Replay {
    let played = again(bench, run);
    assert!(
        played.same && played.steps.iter().all(|step| step.within == In::Both),
        "{played:#?}\n{:#?}",
        run.journal
    );
    assert!(played.assumed.is_empty(), "{played:#?}");
    played
}

/// The same, and nothing stops it before the run's end.
fn whole(bench: &Bench, run: &RunDetail) {
    let played = same(bench, run);
    assert_eq!(played.stopped, None);
    assert!(played.steps.len() > 2, "{played:#?}");
}

#[tokio::test]
async fn a_run_that_waited_for_an_event() {
    let text = r#"use microsoft.(entra, identity)

playbook watch "Watch" {
  when manual(user: User)

  then {
    wait for identity.risk_detected as later where later.user.id == user.id, at most 4h {
      came      { entra.revoke_sessions(later.user) }
      timed_out { entra.block_sign_in(user) }
    }
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    let path =
        counterplay_tests::root().join("examples/shipped-responses/events/risk-detection.json");
    let event: Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let who = event["userId"].as_str().expect("an id").to_owned();
    bench.start("watch", json!({ "user": who })).await;
    bench.settle().await;
    bench.wait_until(NOW_MS + HOUR_MS).await;
    bench.accept(event).await;
    bench.settle().await;
    let run = latest(&bench, "watch").await;
    assert!(
        run.journal
            .iter()
            .any(|e| matches!(e.what, What::Came { .. })),
        "{:#?}",
        run.journal
    );
    whole(&bench, &run);

    // Another one for which none comes.
    bench.start("watch", json!({ "user": JONAS })).await;
    bench.settle().await;
    bench.wait_until(NOW_MS + 6 * HOUR_MS).await;
    let run = latest(&bench, "watch").await;
    assert!(run.run.outcome.is_some());
    whole(&bench, &run);
}

#[tokio::test]
async fn a_run_that_a_webhook_started() {
    let text = r#"use microsoft.entra

type Leaver {
  user: User
  last_day: Time
}

playbook leaving "Leaving" {
  when webhook "offboarding" as request: Leaver

  then {
    wait until request.last_day
    if entra.is_enabled(request.user) {
      entra.block_sign_in(request.user)
    }
  }
}
"#;
    let hook = "[webhooks.offboarding]\nsecret = \"hook\"\ntenant = \"contoso\"\n";
    let bench = Bench::of(project_with(text, hook), NOW_MS).await;
    let delivery = HookDelivery {
        hook: "offboarding".into(),
        payload: json!({ "user": PRIYA, "last_day": "2026-11-20T17:00:00Z" }),
        signature: None,
        source: None,
    };
    let taken = bench.engine.accept_hook(delivery).await;
    taken.unwrap_or_else(|refusal| panic!("{refusal}"));
    bench.settle().await;
    same(&bench, &latest(&bench, "leaving").await);
    bench.wait_until(NOW_MS + 10 * HOUR_MS).await;
    let run = latest(&bench, "leaving").await;
    assert!(run.run.outcome.is_some());
    whole(&bench, &run);
}

#[tokio::test]
async fn a_run_that_did_something_for_each_of_a_list() {
    let text = r#"use microsoft.exchange

playbook quiet "Quiet" {
  when manual(user: User)

  then {
    for each rule in exchange.rules(user), 2 at a time, refuse more than 20 {
      if exchange.is_rule_on(user, rule) ?? false {
        exchange.disable_rule(user, rule)
      }
      wait 10m
      exchange.enable_rule(user, rule)
    }
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    bench.start("quiet", json!({ "user": PRIYA })).await;
    bench.finish().await;
    let run = latest(&bench, "quiet").await;
    assert!(run.run.outcome.is_some(), "{:#?}", run.journal);
    let forked = |e: &counterplay_machine::journal::Entry| matches!(e.what, What::Forked { count, elements: true } if count > 1);
    assert!(run.journal.iter().any(forked), "{:#?}", run.journal);
    whole(&bench, &run);
}

const RESET: &str = r#"use microsoft.entra

playbook reset "Reset" {
  when manual(user: User)

  then {
    without approval because "this is a test" { entra.reset_password(user) }
    entra.revoke_sessions(user)
  }
}
"#;

#[tokio::test]
async fn a_run_that_was_held_and_settled() {
    let bench = Bench::of(project(RESET), NOW_MS).await;
    for settled in [Settled::Done, Settled::NotDone, Settled::GivenUp] {
        let lost = Fault::new("/users/", FaultKind::DropAfter).on("PATCH");
        bench.sandbox.inject(lost);
        bench.start("reset", json!({ "user": PRIYA })).await;
        bench.settle().await;
        let held = latest(&bench, "reset").await;
        assert_eq!(held.run.status().name(), "held", "{:#?}", held.journal);
        same(&bench, &held);
        let says = Settlement {
            step: None,
            by: "ana@example.org".into(),
            settled,
            result: None,
            comment: None,
        };
        let place = bench.engine.settle(&held.run.id, says).await;
        place.unwrap_or_else(|refused| panic!("{refused}"));
        bench.settle().await;
        let run = latest(&bench, "reset").await;
        assert!(run.run.outcome.is_some(), "{:#?}", run.journal);
        whole(&bench, &run);
    }
}

#[tokio::test]
async fn a_run_of_which_a_guard_asked_or_that_it_blocked() {
    let text = r#"use microsoft.entra

guard "few blocks" {
  limit entra.block_sign_in to 1 per 1h, beyond that approve by team.soc within 1h
}

guard "no more than two" {
  limit entra.block_sign_in to 2 per 1d
}

playbook block "Block" {
  when manual(user: User)

  then {
    entra.block_sign_in(user) {
      done   { entra.revoke_sessions(user) }
      failed { end run "{failure.reason}" }
    }
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    for (user, approve) in [
        (PRIYA, None),
        (JONAS, Some(false)),
        (JONAS, Some(true)),
        (PRIYA, None),
    ] {
        bench.start("block", json!({ "user": user })).await;
        bench.settle().await;
        same(&bench, &latest(&bench, "block").await);
        let asked = bench.engine.store().approvals().await.expect("approvals");
        assert_eq!(asked.len(), usize::from(approve.is_some()));
        if let Some(approve) = approve {
            let vote = bench
                .engine
                .vote(&asked[0].id, "ana@example.org", approve, None);
            vote.await.expect("it counts");
            bench.settle().await;
        }
        let run = latest(&bench, "block").await;
        assert!(run.run.outcome.is_some(), "{:#?}", run.journal);
        whole(&bench, &run);
    }
    let last = latest(&bench, "block").await.run.outcome;
    let last = last.expect("it has ended").to_string();
    assert!(last.contains("no more than two"), "{last}");
}

#[tokio::test]
async fn a_run_that_a_person_cancelled() {
    let text = r#"use microsoft.entra

playbook slow "Slow" {
  when manual(user: User)

  then {
    entra.block_sign_in(user)
    wait 2h
    approve "Disable {user.name}?" about user, by team.leads, within 4h
    entra.disable(user)
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    // While it waits, and while it asks.
    for hours in [1, 6] {
        bench.start("slow", json!({ "user": PRIYA })).await;
        bench.settle().await;
        bench.wait_until(NOW_MS + hours * HOUR_MS).await;
        let run = latest(&bench, "slow").await;
        let cancelled = bench.engine.cancel(&run.run.id, "ana@example.org").await;
        cancelled.unwrap_or_else(|refused| panic!("{refused}"));
        bench.settle().await;
        let run = latest(&bench, "slow").await;
        assert!(run.run.outcome.is_some());
        let played = same(&bench, &run);
        let stopped = played.stopped.expect("it was cancelled");
        assert_eq!(stopped, "ana@example.org ended the run then");
    }
    // A version that does something else before that is another one.
    let (other, _) = project(&text.replace(
        "    wait 2h\n",
        "    entra.revoke_sessions(user)\n    wait 2h\n",
    ));
    let run = latest(&bench, "slow").await;
    let replayed = Replayed {
        run: &run.run,
        journal: &run.journal,
        program: &run.program,
    };
    let played = replay(
        &replayed,
        &other,
        "slow",
        &bench.deployment,
        &Answers::new(),
    );
    assert!(!played.expect("it can be played").same);
}
