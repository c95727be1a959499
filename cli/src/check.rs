//! `counterplay check`: paths in, findings and a summary out.

use crate::args::{CheckArgs, CheckFormat};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out;
use crate::project::{self, Project};
use crate::report;
use crate::sarif::Document;
use crate::{asynchronously, secrets};
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use counterplay_compiler::project::FILE_NAME;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Checks files, folders and projects.
///
/// # Errors
/// When something cannot be read or written.
pub fn check(args: &CheckArgs) -> Outcome {
    let told = matches!(args.format, CheckFormat::Human | CheckFormat::Short);
    if args.secrets && !told {
        return Err(Failure::cannot_start(
            "--secrets is for people: leave --format out, or write --format short",
        ));
    }
    let mut with_secrets = Vec::new();
    let (mut errors, mut warnings, mut files) = (0, 0, 0);
    let (mut texts, mut more) = (Vec::new(), None);
    // One document for everything that was checked.
    let mut document = (args.format == CheckFormat::Sarif).then(Document::default);
    for (root, paths) in grouped(&args.paths)? {
        let (project, wanted) = match &root {
            Some(root) => of_project(root, &paths)?,
            None => (project::load_loose(&paths)?, None),
        };
        let findings: Vec<Diagnostic> = project
            .findings
            .iter()
            .filter(|d| is_wanted(d, wanted.as_deref()))
            .cloned()
            .collect();
        errors += report::number(&findings, Severity::Error);
        warnings += report::number(&findings, Severity::Warning);
        files += wanted.as_ref().map_or(project.files.len(), Vec::len);
        more = more.or_else(|| report::more(&findings));
        if let Some(root) = root.filter(|_| args.secrets) {
            let file = project.compiled.file.as_ref();
            let knows = file.is_some_and(|file| file.knows_secrets);
            let asked = knows.then(|| (root, project.deployment(), project.program()));
            with_secrets.push(asked);
        }
        match &mut document {
            Some(document) => document.add(&project, &findings),
            None => {
                let color = out::is_colored();
                texts.push(report::findings(&project, &findings, args.format, color));
            }
        }
    }
    texts.extend(document.map(Document::text));
    let denied = args.deny_warnings && warnings > 0;
    let verdict = if errors > 0 || denied { FOUND } else { OK };
    let told = texts.into_iter().try_for_each(out::text).and_then(|()| {
        if !matches!(args.format, CheckFormat::Human | CheckFormat::Short) {
            return Ok(());
        }
        out::line(report::summary(errors, warnings, files))?;
        match more.filter(|_| args.format == CheckFormat::Human) {
            Some(more) => out::line(more),
            None => Ok(()),
        }
    });
    match told {
        // Whoever reads only the first lines (`| head`) still gets the verdict.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(verdict),
        Err(error) => Err(error.into()),
        Ok(()) => look_up(&with_secrets, verdict),
    }
}

/// A project whose secrets are looked up, with its folder; nothing where it is not known where they come from.
type Asked = Option<(PathBuf, Deployment, Arc<Program>)>;

/// Looks up the secrets of projects.
fn look_up(projects: &[Asked], verdict: u8) -> Outcome {
    projects.iter().try_fold(verdict, |verdict, asked| {
        let found = match asked {
            Some((root, deployment, program)) => {
                asynchronously(secrets::check(deployment, program, root))?
            }
            None => {
                out::line(format!(
                    "no secret was looked up: {FILE_NAME} has a mistake where it says where they come from"
                ))?;
                FOUND
            }
        };
        Ok(verdict.max(found))
    })
}

/// Which paths belong to which project.
fn grouped(paths: &[PathBuf]) -> Result<BTreeMap<Option<PathBuf>, Vec<PathBuf>>, Failure> {
    let mut groups: BTreeMap<Option<PathBuf>, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        let found = std::fs::metadata(path).map_err(|e| project::unreadable(path, &e))?;
        let is_config = path.file_name().is_some_and(|n| n == FILE_NAME);
        if found.is_file() && !is_config && path.extension().is_none_or(|e| e != "play") {
            return Err(Failure::cannot_start(format!(
                "{} is neither a .play file nor a folder",
                project::shown(path)
            )));
        }
        groups
            .entry(project::find_root(path))
            .or_default()
            .push(path.clone());
    }
    Ok(groups)
}

/// Loads a project and says which of its files were asked for; all of them when its folder or file was named.
fn of_project(root: &Path, paths: &[PathBuf]) -> Result<(Project, Option<Vec<String>>), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let whole = paths.iter().any(|path| {
        let path = absolute(path);
        path == root || path == root.join(FILE_NAME) || root.starts_with(&path)
    });
    if whole {
        return Ok((project::load(root, &[])?, None));
    }
    let extra: Vec<PathBuf> = paths.iter().filter(|p| p.is_file()).cloned().collect();
    let project = project::load(root, &extra)?;
    let asked = |file: &&String| {
        let file = absolute(Path::new(file));
        paths.iter().any(|path| file.starts_with(absolute(path)))
    };
    let wanted: Vec<String> = project.files.iter().filter(asked).cloned().collect();
    if wanted.is_empty() {
        return Err(Failure::cannot_start(format!(
            "none of these paths is part of the project in {}: its source folders are elsewhere",
            project::shown(root)
        )));
    }
    Ok((project, Some(wanted)))
}

/// Whether a finding is about one of the files that were asked for.
fn is_wanted(finding: &Diagnostic, wanted: Option<&[String]>) -> bool {
    let Some(wanted) = wanted else { return true };
    match finding.labels.first() {
        Some(label) => wanted.iter().any(|file| **file == *label.place.anchor.file),
        None => true,
    }
}
