//! A whole project in, its program and all findings out.

use crate::db::{self, Db, Project};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lints;
use crate::parameters;
use crate::project::ProjectFile;
use counterplay_machine::testcase::TestCase;
use counterplay_machine::{Program, hash};
use std::sync::Arc;

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
    for source in project.files(db) {
        // A response that the project does not run is left alone.
        if !db::is_part(db, project, *source) {
            continue;
        }
        diagnostics.extend(db::file_findings(db, project, *source).iter().cloned());
        tests.extend(db::tests(db, project, *source));
        for playbook in db::playbooks(db, project, *source) {
            program.playbooks.insert(playbook.id.clone(), playbook);
        }
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
    diagnostics.extend(db::oppositions(db, project).iter().cloned());
    // Each file's have their levels already; applied twice is applied once.
    if let Some(file) = &file {
        lints::apply(&file.lints, &mut diagnostics);
    }
    CompiledProject {
        program,
        tests,
        file,
        diagnostics,
    }
}
