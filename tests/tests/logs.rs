//! The log of a real service as JSON lines: whatever is told of a run says which run, step, tenant and playbook it is about.

use counterplay_tests::contained::{PLAYBOOK, lead};
use counterplay_tests::outside;
use counterplay_tests::service::Service;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_about_a_run_says_which_run_step_and_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [(
        "COUNTERPLAY_LOG".into(),
        "warn,counterplay_runtime=debug".into(),
    )];
    let arguments = ["--sandbox", "--log-format", "json"];
    let mut service = Service::with(folder, &arguments, &variables);
    let run = lead(&service).await;
    let (code, said) = service.stopped().await;
    assert_eq!(code, Some(0), "{said}");
    let mut spans = BTreeSet::new();
    let mut steps = BTreeSet::new();
    let mut texts = BTreeSet::new();
    for line in said.lines() {
        let told: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        for key in ["timestamp", "level", "target", "fields"] {
            assert!(!told[key].is_null(), "{key}: {line}");
        }
        let about: Vec<&Value> = told["spans"].as_array().into_iter().flatten().collect();
        for span in &about {
            if span["run"].is_null() {
                continue;
            }
            for key in ["run", "step", "tenant", "playbook"] {
                let value = span[key].as_str().unwrap_or_default();
                assert!(!value.is_empty(), "{key}: {line}");
            }
        }
        let ours = about.iter().find(|span| span["run"] == run.as_str());
        if line.contains(&run) {
            let span = ours.unwrap_or_else(|| panic!("it is told under no span: {line}"));
            assert_eq!(span["playbook"], PLAYBOOK, "{line}");
            assert_eq!(span["tenant"], "contoso", "{line}");
            steps.insert(span["step"].to_string());
            texts.insert(told["fields"]["message"].as_str().unwrap_or("").to_owned());
        }
        // Steps and calls are told of nowhere else.
        let target = told["target"].as_str().unwrap_or_default();
        if target.starts_with("counterplay_runtime::engine::transition")
            || target.starts_with("counterplay_runtime::connect")
        {
            let known = |span: &&&Value| !span["run"].is_null() || !span["tenant"].is_null();
            assert!(about.iter().any(|span| known(&span)), "{line}");
        }
        spans.extend(
            about
                .iter()
                .map(|span| span["name"].as_str().unwrap_or("").to_owned()),
        );
    }
    for name in ["approval", "attempt", "call", "matched", "transition"] {
        assert!(spans.contains(name), "{name}: {spans:?}\n{said}");
    }
    for text in [
        "a run has begun",
        "answered",
        "trying again",
        "done",
        "the run has ended",
    ] {
        assert!(texts.contains(text), "{text}: {texts:?}\n{said}");
    }
    assert!(steps.len() > 6, "{steps:?}");
    assert!(said.contains("stopping; calls under way are waited for"));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_text_a_line_names_them_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("COUNTERPLAY_LOG".into(), "counterplay_runtime=info".into())];
    let service = Service::with(folder, &["--sandbox"], &variables);
    let run = lead(&service).await;
    let said = service.said();
    let line = said
        .lines()
        .find(|l| l.contains("a run has begun") && l.contains(&run));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    for part in [
        "INFO",
        "step=\"begin\"",
        "tenant=\"contoso\"",
        "playbook=\"contain_account\"",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn levels_that_are_not_understood_are_refused() {
    for (asked, why) in [
        ("counterplay_runtime=loud", "error parsing level filter"),
        // It would be taken for the name of a part, and silence all others.
        ("inof", "`inof` is no level; did you mean `info`?"),
        ("warn,rusqlite", "for all of a part write `rusqlite=trace`"),
    ] {
        let output = Command::new(outside::counterplay())
            .args(["check", "."])
            .env("COUNTERPLAY_LOG", asked)
            .output()
            .expect("it starts");
        let said = outside::printed(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("COUNTERPLAY_LOG is not understood"), "{said}");
        assert!(said.contains(why), "{why}: {said}");
    }
}
