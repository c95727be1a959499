//! Files of a project in, the database with everything loaded out; and rendering of its findings.

use crate::compile::{self, CompiledProject};
use crate::db::{self, Database, Project, SourceFile};
use crate::diagnostic::Diagnostic;
use crate::library;
use crate::render::{self, SourceLookup};
use crate::span::Anchor;
use std::sync::Arc;

/// A file of a project.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path for messages.
    pub path: String,
    /// The module.
    pub module: String,
    /// The text.
    pub text: String,
}

/// A project in memory, with the standard library.
pub struct Workspace {
    /// The database.
    pub db: Database,
    /// The project.
    pub project: Project,
}

impl Workspace {
    /// Loads a project. `config` is the project file's path and text.
    pub fn new(sources: Vec<Source>, config: Option<(String, String)>) -> Workspace {
        let db = Database::default();
        let mut files: Vec<SourceFile> = library::files()
            .into_iter()
            .map(|(path, text)| {
                let module = library::module_of(&path);
                SourceFile::new(&db, Arc::from(path), Arc::from(module), Arc::from(text))
            })
            .collect();
        files.extend(sources.into_iter().map(|s| {
            SourceFile::new(
                &db,
                Arc::from(s.path),
                Arc::from(s.module),
                Arc::from(s.text),
            )
        }));
        let config = config.map(|(path, text)| (Arc::from(path), Arc::from(text)));
        let project = Project::new(&db, files, config, library::responses());
        Workspace { db, project }
    }

    /// Checks and compiles everything.
    pub fn compile(&self) -> CompiledProject {
        compile::compile(&self.db, self.project)
    }

    /// Renders findings for a terminal.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        render::render(diagnostics, self, color)
    }

    fn file(&self, path: &str) -> Option<SourceFile> {
        self.project
            .files(&self.db)
            .iter()
            .copied()
            .find(|f| **f.path(&self.db) == *path)
    }
}

impl SourceLookup for Workspace {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        match self.file(file) {
            Some(file) => Some(file.text(&self.db).clone()),
            None => self
                .project
                .config(&self.db)
                .as_ref()
                .filter(|(path, _)| **path == *file)
                .map(|(_, text)| text.clone()),
        }
    }

    fn offset(&self, anchor: &Anchor) -> Option<u32> {
        if anchor.item.is_empty() {
            return Some(0);
        }
        let file = self.file(&anchor.file)?;
        db::parse(&self.db, file)
            .items
            .iter()
            .find(|i| i.key == anchor.item)
            .map(|i| i.offset)
    }
}
