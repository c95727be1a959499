//! `counterplay fix`: a project in, its files with every fix applied that needs no looking at out.

use crate::args::FixArgs;
use crate::error::{CANNOT, FOUND, OK, Outcome};
use crate::out::{self, QUIET, paint};
use crate::project::{self, Project};
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use counterplay_compiler::locate::locate;
use counterplay_compiler::syntax::codes::{FILE_TOO_LONG, NOT_TEXT};
use counterplay_compiler::workspace::{Source, Workspace};
use similar::TextDiff;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How often fixes are looked for again: one may make room for another.
const ROUNDS_MAX: usize = 20;

/// A replacement in a file.
struct Edit {
    start: usize,
    end: usize,
    with: String,
}

/// Applies the safe fixes.
///
/// # Errors
/// When the project or a file cannot be read or written.
pub fn fix(args: &FixArgs) -> Outcome {
    let path = args.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let unreadable = |e| project::unreadable(&path, &e);
    let is_file = std::fs::metadata(&path).map_err(unreadable)?.is_file();
    let project = match project::find_root(&path) {
        // A file outside of the source folders is read with its project, as `check` does.
        Some(root) if is_file => project::load(&root, std::slice::from_ref(&path))?,
        Some(root) => project::load(&root, &[])?,
        None => project::load_loose(std::slice::from_ref(&path))?,
    };
    let only = is_file.then(|| project::shown(&path));
    // The only handle of it: an edit would wait for others.
    let Project {
        mut workspace,
        files,
        findings,
        ..
    } = project;
    let unread = unread(&findings, only.as_deref());
    let before = workspace.sources();
    let mut applied = 0;
    for _ in 0..ROUNDS_MAX {
        let n = round(&files, &mut workspace, only.as_deref());
        applied += n;
        if n == 0 {
            break;
        }
    }
    let after = workspace.sources();
    for (old, new) in before.iter().zip(&after) {
        if old.text == new.text {
            continue;
        }
        if args.dry_run {
            let diff = TextDiff::from_lines(old.text.as_str(), new.text.as_str());
            let diff = diff.unified_diff().header(&old.path, &new.path).to_string();
            out::text(out::harmless(&diff))?;
        } else {
            crate::fmt::replace(Path::new(&new.path), &new.text)?;
            out::line(format!("fixed {}", new.path))?;
        }
    }
    out::line(match (applied, args.dry_run) {
        (0, _) if only.is_some() && !unread.is_empty() => "nothing was looked at".to_owned(),
        (0, _) => "nothing to fix that needs no looking at".to_owned(),
        (n, true) => format!("{} would be applied", fixes(n)),
        (n, false) => format!("{} applied", fixes(n)),
    })?;
    let left = workspace.compile().diagnostics;
    let by_hand = left.iter().filter(|d| !d.fixes.is_empty()).count();
    if by_hand > 0 {
        let findings = out::count(by_hand, "finding");
        out::line(paint(
            QUIET,
            format!(
                "{findings} left with a fix to look at: `counterplay check` shows it, the editor applies it"
            ),
        ))?;
    }
    for told in &unread {
        out::complain(told);
    }
    Ok(if !unread.is_empty() {
        CANNOT
    } else if args.dry_run && applied > 0 {
        FOUND
    } else {
        OK
    })
}

/// The files that were asked for and could not be read, each with why.
fn unread(findings: &[Diagnostic], only: Option<&str>) -> Vec<String> {
    findings
        .iter()
        .filter(|f| matches!(f.code, NOT_TEXT | FILE_TOO_LONG))
        .filter_map(|f| {
            let file = &*f.labels.first()?.place.anchor.file;
            let asked = only.is_none_or(|only| only == file);
            asked.then(|| format!("{file} is left alone: {}", f.message))
        })
        .collect()
}

fn fixes(n: usize) -> String {
    match n {
        1 => "1 fix".to_owned(),
        n => format!("{n} fixes"),
    }
}

/// Applies what can be applied at once, and says how many fixes that were. What would leave more errors than there
/// were is taken back.
fn round(files: &[String], workspace: &mut Workspace, only: Option<&str>) -> usize {
    let findings = workspace.compile().diagnostics;
    let errors = number(&findings);
    let (edits, count) = chosen(files, workspace, &findings, only);
    let mut old = Vec::new();
    for source in workspace.sources() {
        let Some(mut edits) = edits
            .get(&source.path)
            .map(|all| all.iter().collect::<Vec<_>>())
        else {
            continue;
        };
        edits.sort_by_key(|e| std::cmp::Reverse(e.start));
        let mut text = source.text.clone();
        for edit in edits {
            text.replace_range(edit.start..edit.end, &edit.with);
        }
        workspace.set_text(Source {
            text,
            path: source.path.clone(),
            module: source.module.clone(),
        });
        old.push(source);
    }
    if number(&workspace.compile().diagnostics) > errors {
        for source in old {
            workspace.set_text(source);
        }
        return 0;
    }
    count
}

fn number(findings: &[Diagnostic]) -> usize {
    findings
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count()
}

/// The edits of the safe fixes in the project's own files, by file, none over another; and how many fixes they are.
fn chosen(
    files: &[String],
    workspace: &Workspace,
    findings: &[Diagnostic],
    only: Option<&str>,
) -> (BTreeMap<String, Vec<Edit>>, usize) {
    let mut out: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
    let mut count = 0;
    let safe = findings
        .iter()
        .filter_map(|f| f.fixes.iter().find(|fix| fix.safe));
    for fix in safe {
        let edits: Vec<(String, Edit)> = fix
            .edits
            .iter()
            .map(|(place, with)| {
                let at = locate(workspace, place, &|_| None);
                let (start, end, with) = (at.start, at.end, with.clone());
                (at.path, Edit { start, end, with })
            })
            .collect();
        let fits = edits.iter().all(|(file, edit)| {
            let free = |other: &Edit| edit.end < other.start || other.end < edit.start;
            file.ends_with(".play")
                && files.contains(file)
                && only.is_none_or(|only| only == file)
                && out.get(file).is_none_or(|all| all.iter().all(free))
        });
        if fits {
            count += 1;
            for (file, edit) in edits {
                out.entry(file).or_default().push(edit);
            }
        }
    }
    (out, count)
}
