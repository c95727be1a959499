//! What a person calls a playbook in, the project and the playbook's id out.

use crate::args::CheckFormat;
use crate::error::{CANNOT, Failure};
use crate::out;
use crate::project::{self, Project};
use crate::report;
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::{db, library, near};
use counterplay_machine::playbook::Playbook;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A playbook in its project.
pub struct Chosen {
    /// The project; it has no errors.
    pub project: Project,
    /// The playbook's id.
    pub id: Arc<str>,
}

impl Chosen {
    /// The compiled playbook.
    ///
    /// # Errors
    /// Never for a value that [`choose`] made.
    pub fn playbook(&self) -> Result<&Playbook, Failure> {
        find(&self.project, &self.id)
    }
}

/// Finds a playbook: an id, a `.play` file, or `FILE.play:ID`.
///
/// # Errors
/// When there is none, or the project has errors, which are shown.
pub fn choose(name: &str, named_project: Option<&Path>) -> Result<Chosen, Failure> {
    if let Some((file, id)) = as_file(name) {
        return in_file(&file, id, named_project);
    }
    let project = match project::root_for(named_project)? {
        Some(root) => project::load(&root, &[])?,
        None => project::built_in(),
    };
    let project = without_errors(project)?;
    let id = find(&project, name)?.id.clone();
    Ok(Chosen { project, id })
}

/// The project if it may run; otherwise its findings are shown.
///
/// # Errors
/// When it has errors.
pub fn without_errors(project: Project) -> Result<Project, Failure> {
    if !project.has_errors() {
        return Ok(project);
    }
    let color = out::is_error_colored();
    out::note(report::findings(&project, &project.findings, CheckFormat::Human, color).trim_end());
    let errors = report::number(&project.findings, Severity::Error);
    out::note("");
    Err(Failure {
        code: CANNOT,
        message: Some(format!(
            "nothing was done, because of {}",
            out::count(errors, "error")
        )),
    })
}

fn as_file(name: &str) -> Option<(PathBuf, Option<&str>)> {
    if name.ends_with(".play") {
        return Some((PathBuf::from(name), None));
    }
    let at = name.rfind(".play:")?;
    let (file, id) = name.split_at(at + ".play".len());
    Some((PathBuf::from(file), Some(id.trim_start_matches(':'))))
}

fn in_file(file: &Path, id: Option<&str>, named_project: Option<&Path>) -> Result<Chosen, Failure> {
    std::fs::metadata(file).map_err(|e| project::unreadable(file, &e))?;
    let extra = [file.to_owned()];
    let root = match named_project {
        Some(_) => project::root_for(named_project)?,
        None => project::find_root(file),
    };
    let project = match root {
        Some(root) => project::load(&root, &extra)?,
        None => project::load_loose(&extra)?,
    };
    let project = without_errors(project)?;
    let ids = ids_of(&project, file);
    let id = match (id, ids.as_slice()) {
        (Some(id), _) => ids
            .iter()
            .find(|known| ***known == *id)
            .cloned()
            .ok_or_else(|| unknown(id, &ids.iter().map(|i| &**i).collect::<Vec<_>>(), None))?,
        (None, [one]) => one.clone(),
        (None, []) => {
            return Err(Failure::cannot_start(format!(
                "{} holds no playbook",
                project::shown(file)
            )));
        }
        (None, several) => {
            let path = project::shown(file);
            let menu = near::menu(several.iter().map(|id| &**id));
            return Err(Failure::cannot_start(format!(
                "{path} holds {} playbooks, {menu}; name one: {path}:{}",
                several.len(),
                several[0]
            )));
        }
    };
    Ok(Chosen { project, id })
}

/// The playbooks of one file.
fn ids_of(project: &Project, file: &Path) -> Vec<Arc<str>> {
    let workspace = &project.workspace;
    let identity = std::fs::canonicalize(file).ok();
    let sources = workspace.project.files(&workspace.db);
    let source = sources.iter().find(|source| {
        let path: &str = source.path(&workspace.db);
        !path.starts_with("std:/") && std::fs::canonicalize(path).ok() == identity
    });
    match source {
        Some(source) => db::playbooks(&workspace.db, workspace.project, *source)
            .into_iter()
            .map(|playbook| playbook.id)
            .collect(),
        None => Vec::new(),
    }
}

/// A playbook of the project by its id.
///
/// # Errors
/// When there is none, with what may have been meant.
pub fn find<'p>(project: &'p Project, id: &str) -> Result<&'p Playbook, Failure> {
    let playbooks = &project.compiled.program.playbooks;
    playbooks.get(id).ok_or_else(|| {
        let known: Vec<&str> = playbooks.keys().map(|k| &**k).collect();
        unknown(id, &known, project.root.as_deref())
    })
}

fn unknown(id: &str, known: &[&str], root: Option<&Path>) -> Failure {
    if root.is_some() && library::responses().iter().any(|r| r == id) {
        return Failure::cannot_start(format!(
            "the response `{id}` ships with Counterplay and this project does not use it; add \"{id}\" to `responses` in counterplay.toml"
        ));
    }
    let what = match near::best(id, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "the project has none".into(),
        None => format!("there are {}", near::menu(known.iter().copied())),
    };
    Failure::cannot_start(format!("there is no playbook `{id}`; {what}"))
}
