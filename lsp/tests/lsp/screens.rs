//! Ten screens as an author sees them. Each snapshot is read by somebody who does not know the compiler.

use crate::support::{about_device, at};
use counterplay_compiler::diagnostic::Severity;
use counterplay_lsp::features::{actions, completion, diagnostics, hover, signature};
use std::fmt::Write;

/// The lines around a place, with the cursor.
fn around(text: &str, offset: usize) -> String {
    let marked = format!("{}▮{}", &text[..offset], &text[offset..]);
    let line = text[..offset].matches('\n').count();
    let lines: Vec<&str> = marked.lines().collect();
    lines[line.saturating_sub(2)..(line + 2).min(lines.len())].join("\n")
}

fn hovered(source: &str) -> String {
    let here = at(&[("case.play", source)]);
    let found = hover::hover(&here.snapshot, here.file, here.offset).expect("something to show");
    format!(
        "{}\n\n── hover ──\n{}",
        around(&here.text, here.offset),
        found.text
    )
}

fn completed(source: &str, shown: usize) -> String {
    let here = at(&[("case.play", source)]);
    let found = completion::completion(&here.snapshot, here.file, here.offset);
    let mut out = format!("{}\n\n── completion ──\n", around(&here.text, here.offset));
    for item in found.items.iter().take(shown) {
        let _ = writeln!(
            out,
            "{:<24} {:<9} {}",
            item.label,
            format!("{:?}", item.kind),
            item.detail
        );
    }
    if let Some((module, name)) = found.items.first().and_then(|item| item.declared.clone()) {
        let page = completion::resolve(&here.snapshot, &module, &name).expect("it is declared");
        let _ = writeln!(out, "\n── about the first ──\n{page}");
    }
    out
}

fn found(source: &str) -> String {
    let here = at(&[("case.play", source)]);
    let mut out = format!("{}\n", around(&here.text, here.offset));
    for finding in diagnostics::diagnostics(&here.snapshot, here.file) {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(
            out,
            "\n── {word} {} on `{}` ──\n{}",
            finding.code,
            &here.text[finding.range.clone()],
            finding.message
        );
        for (place, text) in &finding.related {
            let _ = writeln!(out, "  at {}: {text}", place.path);
        }
    }
    let whole = 0..here.text.len();
    for action in actions::actions(&here.snapshot, here.snapshot.path(here.file), &whole) {
        let star = if action.preferred { "★" } else { "·" };
        let _ = writeln!(out, "{star} {}", action.title);
    }
    out
}

#[test]
fn ten_screens() {
    let then = |line: &str| about_device("  if drift.owner is present", line);
    let approved = "    approve \"Wipe {drift.device.name}?\" about drift.device, by team.leads, needs 2 {\n      approved { intune.wi|pe(drift.device) }\n    }";
    insta::assert_snapshot!("screen_01_hover_destructive", hovered(&then(approved)));
    insta::assert_snapshot!(
        "screen_hover_webhook",
        hovered(
            "type Leaver {\n  user: User\n}\n\nplaybook p \"P\" {\n  when webhook \"off|boarding\" as request: Leaver\n  then { end run }\n}\n"
        )
    );
    insta::assert_snapshot!(
        "screen_02_hover_reversible",
        hovered(&then("    entra.block_sign|_in(drift.owner)"))
    );
    insta::assert_snapshot!(
        "screen_03_hover_event",
        hovered(&about_device("  if dri|ft.owner is present", ""))
    );
    insta::assert_snapshot!(
        "screen_04_hover_keyword",
        hovered(
            "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  esca|late after 4h { intune.sync(drift.device) }\n}\n"
        )
    );
    insta::assert_snapshot!(
        "screen_05_complete_action",
        completed(&then("    entra.|"), 12)
    );
    insta::assert_snapshot!(
        "screen_06_complete_argument",
        completed(&then("    ticket.create(title: \"x\", |)"), 8)
    );
    insta::assert_snapshot!(
        "screen_07_complete_trigger",
        completed("playbook p \"P\" {\n  when |\n}\n", 12)
    );
    insta::assert_snapshot!(
        "screen_08_wipe_without_approval",
        found(&then("    intune.wipe(drift.device)|"))
    );
    insta::assert_snapshot!(
        "screen_09_may_be_absent",
        found(&about_device("", "    entra.block_sign_in(drift.owner)|"))
    );
    insta::assert_snapshot!(
        "screen_10_misspelt",
        found(&then(
            "    notify.emial(drift.owner, subject: \"x\", body: \"y\")|\n    ticket.create(title: \"x\", priority: \"high\")"
        ))
    );
}

#[test]
fn the_argument_at_hand_is_known() {
    let then = |line: &str| about_device("", line);
    for (source, active) in [
        ("    ticket.create(|)", Some(0)),
        ("    ticket.create(title: \"x\", |", Some(1)),
        ("    ticket.create(priority: hi|gh, title: \"x\")", Some(1)),
        ("    ticket.create(title: lower(\"a\"), team: |)", Some(2)),
        ("    intune.wipe(drift.device, true|)", Some(1)),
        (
            "    notify.email(drift.owner, subject: join([\"a\", |], \"\"), body: \"x\")",
            None,
        ),
    ] {
        let here = at(&[("case.play", &then(source))]);
        let found = signature::signature(&here.snapshot, here.file, here.offset);
        assert_eq!(found.and_then(|s| s.active), active, "{source}");
    }
}
