//! A folder in, the texts of its project out, and what could not be read.

use crate::error::Failure;
use crate::project::{shown, unreadable};
use counterplay_compiler::diagnostic::Diagnostic;
use counterplay_compiler::library;
use counterplay_compiler::project::FILE_NAME;
use counterplay_compiler::span::{Anchor, Place, Span};
use counterplay_compiler::syntax::{FILE_BYTES_MAX, decode};
use counterplay_compiler::workspace::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders inside folders end here; links may go in circles.
const DEPTH_MAX: usize = 32;

/// What is read of a project before it is compiled.
pub struct Gathered {
    /// How a path is called in messages.
    name_of: fn(&Path) -> String,
    /// The sources.
    pub sources: Vec<Source>,
    /// The project file: its name and text.
    pub config: Option<(String, String)>,
    /// The folders that hold the sources; one that was not named may be missing.
    pub folders: Vec<PathBuf>,
    /// What cannot be read.
    pub findings: Vec<Diagnostic>,
    /// The files by their names, the project file first.
    pub files: Vec<String>,
    /// Files that are no text, by name: findings point into them.
    pub unread: BTreeMap<String, Vec<u8>>,
    seen: BTreeSet<PathBuf>,
}

impl Gathered {
    /// Nothing yet.
    pub fn named(name_of: fn(&Path) -> String) -> Gathered {
        Gathered {
            name_of,
            sources: Vec::new(),
            config: None,
            folders: Vec::new(),
            findings: Vec::new(),
            files: Vec::new(),
            unread: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// A project's folder. `extra` are files that are read with it although they lie outside of its source folders.
    ///
    /// # Errors
    /// When the project file or a source folder cannot be read at all.
    pub fn project(
        root: &Path,
        name_of: fn(&Path) -> String,
        extra: &[PathBuf],
    ) -> Result<Gathered, Failure> {
        Gathered::project_with(root, name_of, extra, None)
    }

    /// The same, with a text for the project file that may differ from the disk's.
    ///
    /// # Errors
    /// When the project file or a source folder cannot be read at all.
    pub fn project_with(
        root: &Path,
        name_of: fn(&Path) -> String,
        extra: &[PathBuf],
        config: Option<&str>,
    ) -> Result<Gathered, Failure> {
        let path = root.join(FILE_NAME);
        let name = name_of(&path);
        let bytes = match config {
            Some(text) => text.as_bytes().to_vec(),
            None => read(&path)?,
        };
        let mut gathered = Gathered::named(name_of);
        gathered.files.push(name.clone());
        let text = match decode(&Arc::from(name.as_str()), &bytes) {
            Ok(text) => text.to_owned(),
            Err(finding) => {
                gathered.findings.push(*finding);
                gathered.unread.insert(name, bytes);
                return Ok(gathered);
            }
        };
        let named: Arc<str> = Arc::from(name.as_str());
        let (file, _) = counterplay_compiler::project::read(&named, &text, &library::responses());
        for folder in &file.sources {
            let at = root.join(folder);
            if at.is_dir() {
                gathered.folder(&at, &at, 0)?;
            } else if text.contains("sources") {
                return Err(Failure::cannot_start(format!(
                    "{} names the source folder \"{folder}\", and there is no folder {}; make it, or change `sources`",
                    shown(&path),
                    shown(&at)
                )));
            }
            gathered.folders.push(at);
        }
        for file in extra {
            gathered.file(file, file.parent().unwrap_or(root))?;
        }
        gathered.config = Some((name, text));
        Ok(gathered)
    }

    /// Every `.play` file of a folder and the folders in it, in the order of their names.
    ///
    /// # Errors
    /// When a folder or a file cannot be read.
    pub fn folder(&mut self, folder: &Path, base: &Path, depth: usize) -> Result<(), Failure> {
        if depth > DEPTH_MAX {
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(|e| unreadable(folder, &e))?;
        let mut paths = entries
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| unreadable(folder, &e))?;
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            if path.is_dir() {
                self.folder(&path, base, depth + 1)?;
            } else if path.extension().is_some_and(|e| e == "play") {
                self.file(&path, base)?;
            }
        }
        Ok(())
    }

    /// One file; `base` is the folder that its module's name counts from.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(&mut self, path: &Path, base: &Path) -> Result<(), Failure> {
        let identity = fs::canonicalize(path).map_err(|e| unreadable(path, &e))?;
        if !self.seen.insert(identity) {
            return Ok(());
        }
        let name = (self.name_of)(path);
        let bytes = read(path)?;
        let named: Arc<str> = Arc::from(name.as_str());
        self.files.push(name.clone());
        if bytes.len() > FILE_BYTES_MAX {
            self.findings.push(too_long(&named));
            return Ok(());
        }
        match decode(&named, &bytes) {
            Ok(text) => {
                let relative = path.strip_prefix(base).unwrap_or(path);
                self.sources.push(Source {
                    path: name,
                    module: library::module_of(&relative.to_string_lossy()),
                    text: text.to_owned(),
                });
            }
            Err(finding) => {
                self.findings.push(*finding);
                self.unread.insert(name, bytes);
            }
        }
        Ok(())
    }
}

fn too_long(path: &Arc<str>) -> Diagnostic {
    let anchor = Anchor {
        file: path.clone(),
        item: Arc::from(""),
    };
    let place = Place {
        anchor,
        span: Span::new(0, 0),
    };
    let message = format!(
        "this file is longer than {} MiB",
        FILE_BYTES_MAX / (1024 * 1024)
    );
    Diagnostic::error(
        counterplay_compiler::syntax::codes::FILE_TOO_LONG,
        message,
        place,
        "it is not read",
    )
    .help("split it into modules: `use` brings them together")
}

/// A file's bytes, one more than the most that is read at the most.
///
/// # Errors
/// When it is a folder or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path.is_dir() {
        return Err(Failure::cannot_start(format!(
            "{} is a folder and not a file",
            shown(path)
        )));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| unreadable(path, &e))?;
    Ok(bytes)
}
