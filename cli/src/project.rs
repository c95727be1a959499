//! A path in, a compiled project out: the project file, its sources and what is wrong with them.

use crate::built_in;
use crate::error::Failure;
use crate::gather::Gathered;
use crate::progress::Progress;
use counterplay_compiler::compile::CompiledProject;
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use counterplay_compiler::project::FILE_NAME;
use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_compiler::{db, library};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A project, read and compiled.
pub struct Project {
    /// The folder of the project file, where there is one on disk.
    pub root: Option<PathBuf>,
    /// The sources.
    pub workspace: Workspace,
    /// What they compile to; the findings are in [`Project::findings`].
    pub compiled: CompiledProject,
    /// Everything that was found wrong, unreadable files included.
    pub findings: Vec<Diagnostic>,
    /// The project's own files as messages name them, the project file first.
    pub files: Vec<String>,
    /// Files that are no text, by name: findings point into them.
    pub unread: BTreeMap<String, Vec<u8>>,
}

impl Project {
    /// The file that holds a playbook, as messages name it: of the project, else of what ships.
    pub fn file_of(&self, playbook: &str) -> Option<String> {
        let workspace = &self.workspace;
        let sources = workspace.project.files(&workspace.db).iter();
        let holding = sources.filter(|source| {
            let playbooks = db::playbooks(&workspace.db, workspace.project, **source);
            playbooks.iter().any(|p| &*p.id == playbook)
        });
        let paths = holding.map(|source| source.path(&workspace.db).to_string());
        paths.min_by_key(|path| path.starts_with("std:/"))
    }

    /// People, tenants and connections; those of the built-in project where there is no project file.
    pub fn deployment(&self) -> Deployment {
        match &self.compiled.file {
            Some(file) => file.deployment.clone(),
            None => built_in_deployment(),
        }
    }

    /// The tenants that the project file names; none where there is no project file.
    pub fn tenants(&self) -> impl Iterator<Item = String> {
        let file = self.compiled.file.iter();
        file.flat_map(|file| file.deployment.tenants.keys().cloned())
    }

    /// The texts of its files, by their path from its folder with `/`.
    pub fn texts(&self, root: &Path) -> BTreeMap<String, String> {
        let sources = self.workspace.sources().into_iter();
        let texts = sources.map(|source| {
            let absolute = std::path::absolute(&source.path).unwrap_or_default();
            let path = absolute.strip_prefix(root).unwrap_or(&absolute);
            (path.to_string_lossy().replace('\\', "/"), source.text)
        });
        texts.collect()
    }

    /// Whether it may run.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|d| d.severity == Severity::Error)
    }

    /// The program, to be shared.
    pub fn program(&self) -> Arc<Program> {
        Arc::new(self.compiled.program.clone())
    }
}

/// The nearest folder with a project file: this one or one above it.
pub fn find_root(from: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(from).ok()?;
    absolute
        .ancestors()
        .find(|folder| folder.join(FILE_NAME).is_file())
        .map(Path::to_owned)
}

/// The project that a command works on: the folder that was named, else the nearest one.
///
/// # Errors
/// When the named folder is not there or has no project file.
pub fn root_for(named: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    match named {
        None => Ok(find_root(Path::new("."))),
        Some(path) => {
            present(path)?;
            let folder = match path.file_name() {
                Some(name) if name == FILE_NAME => path.parent().unwrap_or(Path::new(".")),
                _ => path,
            };
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            if folder.join(FILE_NAME).is_file() {
                let absolute = std::path::absolute(folder).map_err(|e| unreadable(folder, &e))?;
                Ok(Some(absolute))
            } else {
                Err(Failure::cannot_start(format!(
                    "there is no {FILE_NAME} in {}",
                    shown(folder)
                )))
            }
        }
    }
}

/// Loads the project of a folder. `extra` are files that are checked with it although they lie outside of its
/// source folders.
///
/// # Errors
/// When the project file or a source folder cannot be read at all.
pub fn load(root: &Path, extra: &[PathBuf]) -> Result<Project, Failure> {
    let _progress = Progress::begin(format!("checking {}", shown(root)));
    let gathered = Gathered::project(root, shown, extra)?;
    Ok(compile(Some(root), gathered))
}

/// Loads the project of a folder with one file in the place of another, which is named as messages name it.
///
/// # Errors
/// When something cannot be read at all.
pub fn load_instead(root: &Path, of: Option<&str>, file: &Path) -> Result<Project, Failure> {
    let mut gathered = Gathered::project(root, shown, &[])?;
    let module = gathered
        .sources
        .iter()
        .find(|source| Some(&*source.path) == of)
        .map(|source| source.module.clone());
    gathered.sources.retain(|source| Some(&*source.path) != of);
    gathered.file(file, file.parent().unwrap_or(root))?;
    // Others may use what stands in it by the name of its module.
    if let (Some(module), Some(last)) = (module, gathered.sources.last_mut()) {
        last.module = module;
    }
    Ok(compile(Some(root), gathered))
}

/// Loads files and folders that belong to no project.
///
/// # Errors
/// When something cannot be read, or there is nothing to read.
pub fn load_loose(paths: &[PathBuf]) -> Result<Project, Failure> {
    let _progress = Progress::begin("checking");
    let mut gathered = Gathered::named(shown);
    for path in paths {
        if path.is_dir() {
            let before = gathered.files.len();
            gathered.folder(path, path, 0)?;
            if gathered.files.len() == before {
                return Err(Failure::cannot_start(format!(
                    "there is no .play file in {}",
                    shown(path)
                )));
            }
        } else {
            gathered.file(path, path.parent().unwrap_or(Path::new("")))?;
        }
    }
    Ok(compile(None, gathered))
}

/// The project of a path, or files without one; where none is named the project around this folder, else the one that
/// comes with the binary.
///
/// # Errors
/// When something cannot be read.
pub fn at(path: Option<&Path>) -> Result<Project, Failure> {
    match path {
        None => match root_for(None)? {
            Some(root) => load(&root, &[]),
            None => Ok(built_in()),
        },
        Some(path) => {
            present(path)?;
            match find_root(path) {
                Some(root) => load(&root, &[]),
                None => load_loose(&[path.to_owned()]),
            }
        }
    }
}

/// The project that comes with the binary: the five shipped responses.
pub fn built_in() -> Project {
    let config = (
        built_in::CONFIG_PATH.to_owned(),
        built_in::CONFIG.to_owned(),
    );
    let mut gathered = Gathered::named(shown);
    gathered.config = Some(config);
    compile(None, gathered)
}

/// The project that `serve --sandbox` opens where there is none: the shipped responses and two started by hand.
pub fn tour() -> Project {
    let mut gathered = Gathered::named(shown);
    gathered.config = Some((
        "built-in:/tour/counterplay.toml".to_owned(),
        built_in::TOUR_CONFIG.to_owned(),
    ));
    gathered.sources = built_in::tour_files()
        .into_iter()
        .map(|(path, text)| Source {
            module: library::module_of(path.trim_start_matches("playbooks/")),
            path,
            text,
        })
        .collect();
    compile(None, gathered)
}

/// The deployment of the built-in project.
pub fn built_in_deployment() -> Deployment {
    let path: Arc<str> = Arc::from(built_in::CONFIG_PATH);
    let (file, _) =
        counterplay_compiler::project::read(&path, built_in::CONFIG, &library::responses());
    file.deployment
}

fn compile(root: Option<&Path>, gathered: Gathered) -> Project {
    let workspace = Workspace::new(gathered.sources, gathered.config);
    let compiled = workspace.compile();
    let mut findings = gathered.findings;
    findings.extend(compiled.diagnostics.iter().cloned());
    Project {
        root: root.map(Path::to_owned),
        workspace,
        compiled,
        findings,
        files: gathered.files,
        unread: gathered.unread,
    }
}

/// A path that was named has to be there: what lies above a misspelt one is not what was meant.
///
/// # Errors
/// When there is nothing there, or it cannot be looked at.
pub fn present(path: &Path) -> Result<(), Failure> {
    std::fs::metadata(path)
        .map(drop)
        .map_err(|e| unreadable(path, &e))
}

/// A sentence for a path that cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let path = shown(path);
    Failure::cannot_start(match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file or folder {path}"),
        io::ErrorKind::PermissionDenied => {
            format!("{path} cannot be read: this user has no permission to")
        }
        _ => format!("{path} cannot be read: {error}"),
    })
}

/// A path as messages name it: relative to the current folder where it lies below it.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let short = absolute.strip_prefix(&here).unwrap_or(path);
    if short.as_os_str().is_empty() {
        ".".into()
    } else {
        short.display().to_string()
    }
}
