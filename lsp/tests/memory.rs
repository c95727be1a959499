//! Ten thousand edits: what the server keeps stays bounded. Alone in its process, whose memory is measured.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_lsp::features::diagnostics::diagnostics;
use counterplay_lsp::snapshot::Snapshot;

/// How many edits are made.
const EDITS: usize = 10_000;
/// After how many of them nothing more should be needed.
const WARM: usize = 2_000;

/// The resident memory of this process in KiB, as Linux tells it.
fn resident_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn source(i: usize) -> Source {
    Source {
        path: "/p/a.play".into(),
        module: "a".into(),
        text: format!(
            "use microsoft.intune\nuse notify\n\n// {i}\nplaybook p{} \"P\" {{\n  when intune.noncompliant as drift\n  then {{\n    intune.sync(drift.device)\n    notify.email(\"a{i}@example.org\", subject: \"{i}\", body: \"x\")\n  }}\n}}\n",
            i % 7
        ),
    }
}

#[test]
fn memory_stays_bounded() {
    if resident_kib().is_none() {
        println!("skipped: this system does not tell how much memory a process has");
        return;
    }
    let mut workspace = Workspace::new(vec![source(0)], None);
    let mut warm = 0;
    for i in 1..=EDITS {
        workspace.set_text(source(i));
        let snapshot = Snapshot {
            workspace: workspace.clone(),
        };
        let file = snapshot.file("/p/a.play").expect("it is there");
        assert!(diagnostics(&snapshot, file).is_empty());
        if i == WARM {
            warm = resident_kib().unwrap_or(0);
        }
    }
    let end = resident_kib().unwrap_or(0);
    // A leak of one syntax tree an edit would be tens of MiB.
    assert!(
        end < warm + 16 * 1024,
        "{warm} KiB after {WARM} edits, {end} KiB after {EDITS}"
    );
    println!("{warm} KiB after {WARM} edits, {end} KiB after {EDITS}");
}
