//! A file of a MiB, in several shapes: it is checked, without a panic, with no more work and no more findings than
//! its size allows.

use counterplay_compiler::{
    db::{self, Database},
    format::format,
    workspace::{Source, Workspace},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const MIB: usize = 1024 * 1024;
/// How many findings one file has at most: what can be wrong twice in a line of this length.
const FINDINGS_MAX: usize = MIB / 8;

/// A text of about a MiB.
fn filled(before: &str, part: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    let mut number = 0;
    while text.len() + after.len() < MIB {
        text.push_str(&part(number));
        number += 1;
    }
    text.push_str(after);
    text
}

/// Checks a file; how many findings it has and how many items were checked.
#[track_caller]
fn check(text: &str) -> (usize, usize) {
    assert!(text.len() > MIB * 9 / 10);
    let checked = Arc::new(AtomicUsize::new(0));
    let count = checked.clone();
    let db = Database::watched(move |query| {
        if query.starts_with("check_item") {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let source = Source {
        path: "big.play".into(),
        module: "big".into(),
        text: text.to_owned(),
    };
    let workspace = Workspace::in_database(db, vec![source], None);
    let compiled = workspace.compile();
    let file = workspace.file("big.play").expect("it was put there");
    let found = db::file_findings(&workspace.db, workspace.project, file).len();
    assert!(found <= FINDINGS_MAX, "{found}");
    workspace.render(&compiled.diagnostics, false);
    (found, checked.load(Ordering::Relaxed))
}

fn stage(lines: &str) -> String {
    format!(
        "use microsoft.intune\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n  then {{\n{lines}\n  }}\n}}\n"
    )
}

#[test]
fn one_huge_line() {
    let line = filled("    end run \"", |_| "x".repeat(1024), "\"");
    assert_eq!(check(&stage(&line)).0, 1);
    let words = filled("    let x = a", |_| " + a".into(), "");
    assert!(check(&stage(&words)).0 <= 3);
    assert!(check(&"x ".repeat(MIB / 2)).0 <= 2);
}

#[test]
fn deep_nesting() {
    let half = MIB / 2;
    assert!(check(&stage(&"if a {\n".repeat(MIB / 7))).0 >= 1);
    assert!(check(&"{".repeat(MIB)).0 >= 1);
    assert!(check(&"}".repeat(MIB)).0 >= 1);
    let brackets = format!("    f({}{})", "(".repeat(half), ")".repeat(half));
    assert!(check(&stage(&brackets)).0 >= 1);
    assert!(check(&stage(&format!("    let x = {}a", "not ".repeat(MIB / 4)))).0 >= 1);
    assert!(check(&stage(&format!("    let x = a{}", ".b".repeat(half)))).0 >= 1);
}

#[test]
fn many_items() {
    let text = filled("", |i| format!("type T{i} {{ id: Text, at: Time? }}\n"), "");
    let items = text.matches("type ").count();
    let (found, checked) = check(&text);
    assert_eq!(found, 0);
    assert!(checked >= items, "{checked} of {items}");
    // Each is looked at once, whatever the others hold.
    let library = check(&" ".repeat(MIB)).1;
    assert_eq!(checked, items + library);
    let playbooks = filled(
        "use microsoft.intune\n",
        |i| {
            format!(
                "playbook p{i} \"P\" {{\n  when intune.noncompliant as drift\n  then {{ intune.sync(drift.device) }}\n}}\n"
            )
        },
        "",
    );
    check(&playbooks);
}

#[test]
fn many_findings() {
    // Of syntax, of names, of strange characters.
    assert!(check(&filled("", |i| format!("type T{i} {{ a b }}\n"), "")).0 >= 500);
    assert!(
        check(&stage(&filled(
            "",
            |_| "    intune.snyc(drift.devise)\n".into(),
            ""
        )))
        .0 >= 500
    );
    assert!(check(&"ö§$ ".repeat(MIB / 6)).0 >= 1);
    assert!(check(&filled("", |_| "';#/*&&`\n".into(), "")).0 >= 1);
}

#[test]
fn long_lists_and_many_texts() {
    let list = filled("    let x = [", |i| format!("{i}, "), "1]");
    assert_eq!(check(&stage(&list)).0, 1, "the statement is too long");
    let members = filled(
        "enum E {\n",
        |i| format!("  member_{i} = \"Member {i}\",\n"),
        "}\n",
    );
    check(&members);
    let texts = filled(
        "",
        |i| format!("    end run \"{{drift.device.name}} {i} \\\" {{drift.reason}}\"\n"),
        "",
    );
    check(&stage(&texts));
    let open = filled("", |_| "\"\"\"\n\"\n{\"\n".into(), "");
    check(&stage(&open));
}

#[test]
fn formatting_a_mib() {
    for text in [
        filled("", |i| format!("type  T{i} {{ id:Text }}\n"), ""),
        stage(&filled("", |_| "if a {\n".into(), "")),
        "{ ".repeat(MIB / 2),
        stage(&filled("    let x = [", |i| format!("{i}, "), "1]")),
    ] {
        let once = format(&text);
        assert_eq!(format(&once), once);
    }
}
