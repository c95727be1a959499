//! `counterplay lsp`: an editor on standard input and output, served until it leaves.

use crate::args::LspArgs;
use crate::error::{Failure, OK, Outcome};
use crate::gather::Gathered;
use crate::project::{find_root, unreadable};
use counterplay_compiler::library;
use counterplay_compiler::project::{self, FILE_NAME};
use counterplay_lsp::disk::{Disk, Loaded};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep below a folder that is open projects are looked for.
const DEPTH_MAX: usize = 4;

/// Folders that hold no playbooks of anybody.
const PASSED_OVER: &[&str] = &["node_modules", "target"];

/// Serves an editor.
///
/// # Errors
/// When the system gives no threads.
pub fn lsp(_: &LspArgs) -> Outcome {
    crate::asynchronously(async {
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        if counterplay_lsp::server::serve(Arc::new(Files), input, output).await {
            Ok(OK)
        } else {
            Err(Failure::said(1))
        }
    })
}

/// The file system, read the way `check` reads it.
struct Files;

/// A path as the server knows it: absolute.
fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

impl Disk for Files {
    fn root_of(&self, file: &Path) -> Option<PathBuf> {
        find_root(file.parent()?)
    }

    fn roots_below(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = find_root(folder).into_iter().collect();
        below(folder, 0, &mut found);
        found.dedup();
        found
    }

    fn load(&self, root: &Path, config: Option<&str>) -> Loaded {
        match Gathered::project_with(root, absolute, &[], config) {
            Ok(gathered) => Loaded {
                sources: gathered.sources,
                config: gathered.config,
                folders: gathered.folders,
                unread: gathered
                    .findings
                    .into_iter()
                    .filter_map(|finding| {
                        let file = finding.labels.first()?.place.anchor.file.to_string();
                        Some((file, finding.message))
                    })
                    .collect(),
            },
            Err(failure) => unloadable(root, config, failure),
        }
    }

    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        match std::fs::read(path) {
            Ok(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| "this file is no UTF-8 text; save it as UTF-8".into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(path, &error)
                .message
                .unwrap_or_else(|| "this file cannot be read".into())),
        }
    }
}

/// A project that cannot be read whole: its project file can be mended in the editor, and files that come into its
/// source folders belong to it all the same.
fn unloadable(root: &Path, config: Option<&str>, failure: Failure) -> Loaded {
    let path = root.join(FILE_NAME);
    let name = absolute(&path);
    let text = config
        .map(str::to_owned)
        .or_else(|| std::fs::read_to_string(&path).ok());
    let folders = text.as_ref().map(|text| {
        let (file, _) = project::read(&Arc::from(name.as_str()), text, &library::responses());
        file.sources
            .iter()
            .map(|folder| root.join(folder))
            .collect()
    });
    let why = failure
        .message
        .unwrap_or_else(|| "this project cannot be read".into());
    Loaded {
        sources: Vec::new(),
        config: text.map(|text| (name.clone(), text)),
        folders: folders.unwrap_or_default(),
        unread: vec![(name, why)],
    }
}

fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join(FILE_NAME).is_file() && !found.iter().any(|known| known == folder) {
        found.push(folder.to_owned());
    }
    if depth == DEPTH_MAX {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && !PASSED_OVER.contains(&&*name)
        })
        .collect();
    folders.sort();
    for inner in folders {
        below(&inner, depth + 1, found);
    }
}
