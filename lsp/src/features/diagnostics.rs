//! A file in, its findings with places of the file out.

use crate::snapshot::{Location, Snapshot};
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use std::ops::Range;

/// How many findings of one file an editor is told; beyond that nobody reads on.
pub const FINDINGS_MAX: usize = 200;

/// A finding as an editor shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Where it is underlined.
    pub range: Range<usize>,
    /// The stable code.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, why it matters and what to do.
    pub message: String,
    /// Other places that matter, with what is to be said of them.
    pub related: Vec<(Location, String)>,
    /// Whether the place does nothing and may be shown faded.
    pub unnecessary: bool,
    /// Changes that mend it.
    pub fixes: Vec<Fix>,
}

/// A change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// What it does.
    pub title: String,
    /// Whether it may be made without looking.
    pub safe: bool,
    /// What is replaced by what.
    pub edits: Vec<(Location, String)>,
}

/// The findings of a file, in the order of the text.
pub fn diagnostics(snapshot: &Snapshot, file: SourceFile) -> Vec<Finding> {
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    let found = db::file_findings(database, project, file).iter();
    let found = found.chain(db::oppositions(database, project));
    located(snapshot, snapshot.path(file), found)
}

/// The findings of a path, be it a playbook's file or the project file.
pub fn of_path(snapshot: &Snapshot, path: &str) -> Option<Vec<Finding>> {
    match snapshot.file(path) {
        Some(file) => Some(diagnostics(snapshot, file)),
        None => {
            let (config, found) = of_project_file(snapshot)?;
            (config == path).then_some(found)
        }
    }
}

/// The findings of the project file: what is wrong in it, and what playbooks need of it.
pub fn of_project_file(snapshot: &Snapshot) -> Option<(String, Vec<Finding>)> {
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    let (path, text) = project.config(database).as_ref()?;
    let read = db::config(database, project).1.iter();
    let found = read.chain(db::project_findings(database, project));
    let mut found = located(snapshot, path, found);
    found.extend(needed(snapshot, path, text));
    Some((path.to_string(), found))
}

/// What playbooks miss in the project file: a finding elsewhere whose fix is made here, told here as well, once
/// for each fix.
fn needed(snapshot: &Snapshot, path: &str, text: &str) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    let first_line = 0..text.find('\n').unwrap_or(text.len());
    for file in snapshot.files() {
        if crate::snapshot::is_library(snapshot.path(file)) {
            continue;
        }
        for finding in diagnostics(snapshot, file) {
            let of_here = |fix: &&Fix| {
                !fix.edits.is_empty() && fix.edits.iter().all(|(at, _)| at.path == path)
            };
            let Some(fix) = finding.fixes.iter().find(of_here) else {
                continue;
            };
            let at = Location {
                path: snapshot.path(file).to_string(),
                range: finding.range.clone(),
            };
            let sentence = finding.message.lines().next().unwrap_or("").to_owned();
            if let Some(known) = out.iter_mut().find(|known| known.fixes[0] == *fix) {
                known.related.push((at, sentence));
                continue;
            }
            out.push(Finding {
                range: first_line.clone(),
                severity: Severity::Warning,
                message: format!("{sentence}\nfix: {}", fix.title),
                related: vec![(at, "needed here".into())],
                unnecessary: false,
                fixes: vec![fix.clone()],
                code: finding.code,
            });
        }
    }
    out
}

fn located<'d>(
    snapshot: &Snapshot,
    path: &str,
    found: impl Iterator<Item = &'d Diagnostic>,
) -> Vec<Finding> {
    let mut out: Vec<Finding> = found
        .filter_map(|diagnostic| finding(snapshot, diagnostic))
        .filter(|(at, _)| at.path == *path)
        .map(|(_, finding)| finding)
        .collect();
    out.sort_by_key(|finding| finding.range.start);
    out.truncate(FINDINGS_MAX);
    out
}

fn finding(snapshot: &Snapshot, diagnostic: &Diagnostic) -> Option<(Location, Finding)> {
    let (first, others) = diagnostic.labels.split_first()?;
    let at = snapshot.locate(&first.place)?;
    let mut message = diagnostic.message.clone();
    if !first.text.is_empty() {
        message.push_str(&format!("\n{}", first.text));
    }
    if let Some(why) = &diagnostic.why {
        message.push_str(&format!("\nwhy: {why}"));
    }
    for fix in diagnostic.fixes.iter().take(3) {
        message.push_str(&format!("\nfix: {}", fix.title));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let located = |place| snapshot.locate(place);
    let related = others
        .iter()
        .filter_map(|label| Some((located(&label.place)?, label.text.clone())));
    let fixes = diagnostic.fixes.iter().filter_map(|fix| {
        let edits = fix.edits.iter();
        let edits = edits.map(|(place, text)| Some((located(place)?, text.clone())));
        Some(Fix {
            title: fix.title.clone(),
            safe: fix.safe,
            edits: edits.collect::<Option<Vec<_>>>()?,
        })
    });
    let finding = Finding {
        range: at.range.clone(),
        code: diagnostic.code,
        severity: diagnostic.severity,
        message,
        related: related.collect(),
        unnecessary: matches!(
            diagnostic.code,
            counterplay_compiler::codes::UNREACHABLE | counterplay_compiler::codes::NO_EFFECT
        ),
        fixes: fixes.collect(),
    };
    Some((at, finding))
}
