//! A whole project in, its program and the findings that are shown of each file out.

use crate::db::{self, Db, Project};
use crate::diagnostic::{Diagnostic, Severity};
use crate::parameters;
use crate::project::ProjectFile;
use crate::verify::acts::opposed;
use counterplay_machine::testcase::TestCase;
use counterplay_machine::{Program, hash};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many findings of one file are shown.
pub const SHOWN_MAX: usize = 20;

/// The first findings of a file, and how many there are more: beyond a screenful nobody reads on.
fn shortened(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut shown: Vec<Diagnostic> = diagnostics.iter().take(SHOWN_MAX).cloned().collect();
    let hidden = &diagnostics[shown.len()..];
    if let Some(place) = hidden
        .first()
        .and_then(|d| d.labels.first())
        .map(|l| l.place.clone())
    {
        let mut more = Diagnostic::error(
            crate::codes::MORE,
            format!("there are {} more findings in this file", hidden.len()),
            place,
            "the next one is here",
        )
        .help("mend those above first; some of these may go with them");
        if !hidden.iter().any(|d| d.severity == Severity::Error) {
            more.severity = Severity::Warning;
        }
        shown.push(more);
    }
    shown
}

/// A whole project, compiled.
#[derive(Clone, Debug, Default)]
pub struct CompiledProject {
    /// The program; complete only where `diagnostics` holds no error.
    pub program: Program,
    /// The tests of the project's own files.
    pub tests: Vec<TestCase>,
    /// The project file, with the tenants' parameters converted.
    pub file: Option<ProjectFile>,
    /// Findings of every file.
    pub diagnostics: Vec<Diagnostic>,
}

impl CompiledProject {
    /// Whether it may run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }
}

/// Compiles a project. Shipped responses are part of it only where the project file names them, or
/// where there is no project file.
pub fn compile(db: &dyn Db, project: Project) -> CompiledProject {
    let mut diagnostics = db::config(db, project).1.clone();
    let mut file = db::config(db, project).0.clone();
    let mut tests = Vec::new();
    let mut program = db::environment(db, project).clone();
    let mut acts = BTreeMap::new();
    for source in project.files(db) {
        // A response that the project does not run is left alone.
        if !db::is_part(db, project, *source) {
            continue;
        }
        diagnostics.extend(shortened(db::file_findings(db, project, *source)));
        tests.extend(db::tests(db, project, *source));
        for playbook in db::playbooks(db, project, *source) {
            program.playbooks.insert(playbook.id.clone(), playbook);
        }
        acts.extend(db::acts(db, project, *source));
    }
    let hashes: Vec<(Arc<str>, String)> = program
        .playbooks
        .iter()
        .map(|(id, playbook)| (id.clone(), hash::of(&program, playbook)))
        .collect();
    for (id, hash) in hashes {
        if let Some(playbook) = program.playbooks.get_mut(&id) {
            playbook.hash = hash;
        }
    }
    diagnostics.extend(db::project_findings(db, project).iter().cloned());
    if let Some(file) = &mut file {
        parameters::convert(file, &program);
    }
    let deployment = file.as_ref().map(|f| &f.deployment);
    diagnostics.extend(opposed(&program, deployment, &acts));
    CompiledProject {
        program,
        tests,
        file,
        diagnostics,
    }
}
