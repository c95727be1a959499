//! Files of a project in, the database with everything loaded out; its changes, and rendering of its findings.

use crate::compile::{self, CompiledProject};
use crate::db::{self, Database, Project, SourceFile};
use crate::diagnostic::Diagnostic;
use crate::library;
use crate::render::{self, SourceLookup};
use crate::span::Anchor;
use salsa::Setter;
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

/// A project in memory, with the standard library. A clone is a handle to the same data, see [`Database`].
#[derive(Clone)]
pub struct Workspace {
    /// The database.
    pub db: Database,
    /// The project.
    pub project: Project,
}

impl Workspace {
    /// Loads a project. `config` is the project file's path and text.
    pub fn new(sources: Vec<Source>, config: Option<(String, String)>) -> Workspace {
        Workspace::in_database(Database::default(), sources, config)
    }

    /// Loads a project into a database of the caller's.
    pub fn in_database(
        db: Database,
        sources: Vec<Source>,
        config: Option<(String, String)>,
    ) -> Workspace {
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

    /// Gives a file another text, or adds the file. Waits until no clone is at work, and tells those to stop.
    pub fn set_text(&mut self, source: Source) {
        match self.file(&source.path) {
            Some(file) => {
                // A write that changes nothing would still make every query look again.
                if **file.text(&self.db) != *source.text {
                    file.set_text(&mut self.db).to(Arc::from(source.text));
                }
            }
            None => {
                let file = SourceFile::new(
                    &self.db,
                    Arc::from(source.path),
                    Arc::from(source.module),
                    Arc::from(source.text),
                );
                let mut files = self.project.files(&self.db).clone();
                files.push(file);
                self.project.set_files(&mut self.db).to(files);
            }
        }
    }

    /// Takes a file out of the project.
    pub fn remove(&mut self, path: &str) {
        let mut files = self.project.files(&self.db).clone();
        let before = files.len();
        files.retain(|file| **file.path(&self.db) != *path);
        if files.len() < before {
            self.project.set_files(&mut self.db).to(files);
        }
    }

    /// Gives the project another project file.
    pub fn set_config(&mut self, config: Option<(String, String)>) {
        let config = config.map(|(path, text)| (Arc::from(path), Arc::from(text)));
        if *self.project.config(&self.db) != config {
            self.project.set_config(&mut self.db).to(config);
        }
    }

    /// Checks and compiles everything.
    pub fn compile(&self) -> CompiledProject {
        compile::compile(&self.db, self.project)
    }

    /// Renders findings for a terminal.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        render::render(diagnostics, self, color)
    }

    /// The project's own files, the library's left out.
    pub fn sources(&self) -> Vec<Source> {
        let files = self.project.files(&self.db).iter();
        files
            .map(|file| Source {
                path: file.path(&self.db).to_string(),
                module: file.module(&self.db).to_string(),
                text: file.text(&self.db).to_string(),
            })
            .filter(|source| !source.path.starts_with("std:/"))
            .collect()
    }

    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<SourceFile> {
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
