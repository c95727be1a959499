//! `[lints]` of the project file: what it does to findings, and what is said of mistakes in it.

use counterplay_compiler::compile::CompiledProject;
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::workspace::{Source, Workspace};

const CONFIG: &str = "[project]\nname = \"Test\"\n\n[teams.it]\nmembers = [\"ana@example.org\"]\n\n[connections.graph]\n";

/// A playbook with two warnings, P0402 and P0221, and a wipe that nobody approves in it where `wipe` says so.
fn playbook(wipe: bool) -> String {
    let wipe = if wipe {
        "    intune.wipe(drift.device)\n"
    } else {
        ""
    };
    format!(
        "use microsoft.(intune, entra)\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n  if drift.device is present and drift.owner is present\n\n  then {{\n    entra.disable(drift.owner)\n{wipe}  }}\n}}\n"
    )
}

fn workspace(lints: &str, play: String) -> Workspace {
    Workspace::new(
        vec![Source {
            path: "playbooks/case.play".into(),
            module: "case".into(),
            text: play,
        }],
        Some(("counterplay.toml".into(), format!("{CONFIG}\n{lints}"))),
    )
}

fn codes(compiled: &CompiledProject) -> Vec<(&'static str, Severity)> {
    let found = compiled.diagnostics.iter();
    found.map(|d| (d.code, d.severity)).collect()
}

fn checked(lints: &str, wipe: bool) -> Vec<(&'static str, Severity)> {
    codes(&workspace(lints, playbook(wipe)).compile())
}

#[test]
fn warnings_are_shown_where_nothing_is_said_of_them() {
    let plain = [("P0221", Severity::Warning), ("P0402", Severity::Warning)];
    assert_eq!(checked("", false), plain);
    assert_eq!(checked("[lints]\n\"P0402\" = \"warn\"\n", false), plain);
}

#[test]
fn a_warning_is_allowed_or_made_an_error() {
    assert_eq!(
        checked("[lints]\nP0221 = \"allow\"\n\"P0402\" = \"error\"\n", false),
        [("P0402", Severity::Error)]
    );
    let both = "[lints]\nP0221 = \"allow\"\nP0402 = \"allow\"\n";
    assert_eq!(checked(both, false), []);
    // What is an error stays one, and nothing else is lost with what is allowed.
    assert_eq!(checked(both, true), [("P0401", Severity::Error)]);
}

#[test]
fn an_error_of_a_code_that_is_mostly_a_warning_stays() {
    let play = |action: &str| {
        format!(
            "use microsoft.(intune, entra)\n\nplaybook p \"P\" {{\n  when manual(device: Device, user: User)\n\n  then {{\n    approve \"Sure?\" about device, user, by team.it, valid 1h\n    wait 4h\n    {action}\n  }}\n}}\n"
        )
    };
    let late =
        |action: &str| codes(&workspace("[lints]\nP0403 = \"allow\"\n", play(action)).compile());
    assert_eq!(late("entra.disable(user)"), []);
    assert_eq!(late("intune.wipe(device)"), [("P0403", Severity::Error)]);
}

#[test]
fn an_error_keeps_the_project_from_running() {
    let strict = workspace("[lints]\nP0402 = \"error\"\n", playbook(false)).compile();
    assert!(strict.has_errors());
    let lax = workspace("", playbook(false)).compile();
    assert!(!lax.has_errors());
}

#[test]
fn mistakes_in_the_levels() {
    let mut all = String::new();
    for lints in [
        "[lints]\nP0420 = \"allow\"\n",
        "[lints]\np0402 = \"allow\"\n",
        "[lints]\nungated = \"allow\"\n",
        "[lints]\nP0402 = \"alow\"\n",
        "[lints]\nP0402 = \"deny\"\n",
        "[lints]\nP0401 = \"warn\"\n",
        "[lints]\nP0402 = 1\n",
    ] {
        let workspace = workspace(lints, String::new());
        let compiled = workspace.compile();
        assert!(compiled.has_errors(), "{lints}");
        all.push_str(&format!(
            "{lints}---\n{}\n",
            workspace.render(&compiled.diagnostics, false)
        ));
    }
    insta::assert_snapshot!(all);
}
