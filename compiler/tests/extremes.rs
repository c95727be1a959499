//! What is said of files that cannot be read at all, or not to the end: as a reader sees it, without the file.

use counterplay_compiler::diagnostic::Diagnostic;
use counterplay_compiler::syntax;
use counterplay_compiler::workspace::{Source, Workspace};
use std::sync::Arc;

fn workspace(text: String) -> Workspace {
    let source = Source {
        path: "playbooks/case.play".into(),
        module: "case".into(),
        text,
    };
    Workspace::new(vec![source], None)
}

fn shown(text: String) -> String {
    let workspace = workspace(text);
    let found = workspace.compile().diagnostics;
    // Long lines are cut by the terminal and not here.
    let lines = workspace.render(&found, false);
    let short = |line: &str| match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    };
    lines.lines().map(short).collect::<Vec<_>>().join("\n")
}

fn staged(lines: &str) -> String {
    format!(
        "use microsoft.intune\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n  then {{\n{lines}\n  }}\n}}\n"
    )
}

#[test]
fn a_file_that_is_no_text() {
    let path: Arc<str> = Arc::from("playbooks/case.play");
    let found: Box<Diagnostic> =
        syntax::decode(&path, b"playbook p \"P\" {\n  when \xE4\n}\n").expect_err("Latin-1");
    let rendered = workspace(String::new()).render(&[*found], false);
    insta::assert_snapshot!("a_file_that_is_no_text", rendered);
}

#[test]
fn a_file_that_is_too_long() {
    insta::assert_snapshot!(
        "a_file_that_is_too_long",
        shown("// long\n".repeat(600_000))
    );
}

#[test]
fn a_statement_that_is_too_long() {
    let texts = "\"x\", ".repeat(20_000);
    let line = format!("    let x = [{texts}]");
    insta::assert_snapshot!("a_statement_that_is_too_long", shown(staged(&line)));
}

#[test]
fn nested_too_deeply() {
    let line = format!("    let x = {}1{}", "(".repeat(200), ")".repeat(200));
    insta::assert_snapshot!("nested_too_deeply", shown(staged(&line)));
    let blocks = format!("{}{}", "if true {\n".repeat(200), "}\n".repeat(200));
    insta::assert_snapshot!("blocks_nested_too_deeply", shown(staged(&blocks)));
}
