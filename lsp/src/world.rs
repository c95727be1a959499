//! An editor's documents and the disk's changes in, projects that are up to date out.

use crate::disk::{Disk, Loaded};
use crate::snapshot::{Snapshot, is_library};
use crate::text::{self, Edit, Encoding};
use counterplay_compiler::db::Database;
use counterplay_compiler::library;
use counterplay_compiler::project::FILE_NAME;
use counterplay_compiler::workspace::{Source, Workspace};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// The editor's number for this text.
    pub version: i32,
    /// The text.
    pub text: Arc<str>,
}

/// A project, or a file that belongs to none.
pub struct Root {
    /// The project's folder; nothing for a file on its own.
    pub folder: Option<PathBuf>,
    /// The folders that hold its sources.
    folders: Vec<PathBuf>,
    /// What could not be read: its path, and why.
    pub unread: Vec<(String, String)>,
    /// What the compiler knows.
    pub workspace: Workspace,
}

/// All that the server knows.
pub struct World {
    disk: Arc<dyn Disk>,
    /// How the editor counts characters.
    pub encoding: Encoding,
    /// Projects and lone files, in the order in which they were met.
    pub roots: Vec<Root>,
    /// Open documents by path.
    pub open: BTreeMap<String, Document>,
    /// The project in which the library is looked at: the one that was worked on last.
    last: usize,
    make: fn() -> Database,
}

impl World {
    /// A world without projects.
    pub fn new(disk: Arc<dyn Disk>) -> World {
        World::in_databases(disk, Database::default)
    }

    /// A world whose projects live in databases of the caller's.
    pub fn in_databases(disk: Arc<dyn Disk>, make: fn() -> Database) -> World {
        World {
            disk,
            encoding: Encoding::default(),
            roots: Vec::new(),
            open: BTreeMap::new(),
            last: 0,
            make,
        }
    }

    /// Loads the projects at and below a folder.
    pub fn add_folder(&mut self, folder: &Path) {
        for root in self.disk.roots_below(folder) {
            self.project(&root);
        }
    }

    /// The project of a folder, loaded if it is not yet.
    fn project(&mut self, folder: &Path) -> usize {
        if let Some(known) = self
            .roots
            .iter()
            .position(|r| r.folder.as_deref() == Some(folder))
        {
            return known;
        }
        let loaded = self.load(folder);
        let folders = loaded.folders.clone();
        let unread = loaded.unread.clone();
        let (sources, config) = self.with_open_texts(loaded);
        let root = Root {
            folder: Some(folder.to_owned()),
            folders,
            unread,
            workspace: Workspace::in_database((self.make)(), sources, config),
        };
        // What was on its own until now belongs to the project.
        let alone = |other: &Root| {
            let own = other.own_paths();
            other.folder.is_none() && own.iter().all(|path| root.holds(path))
        };
        self.roots.retain(|other| !alone(other));
        self.roots.push(root);
        let index = self.roots.len() - 1;
        let open: Vec<(String, Arc<str>)> = self
            .open
            .iter()
            .filter(|(path, _)| self.roots[index].holds(path))
            .map(|(path, document)| (path.clone(), document.text.clone()))
            .collect();
        for (path, text) in open {
            self.put(index, &path, &text);
        }
        self.last = index;
        index
    }

    /// Reads a project from the disk, by the project file that the editor has.
    fn load(&self, folder: &Path) -> Loaded {
        let config = folder.join(FILE_NAME).display().to_string();
        let open = self.open.get(&config).map(|document| &*document.text);
        self.disk.load(folder, open)
    }

    /// A folder is no longer looked at: its projects go, but for those that a document is open of.
    pub fn remove_folder(&mut self, folder: &Path) {
        let open = &self.open;
        self.roots.retain(|root| {
            let below = root.folder.as_ref().is_some_and(|f| f.starts_with(folder));
            !below || open.keys().any(|path| root.holds(path))
        });
        self.last = 0;
    }

    /// What was loaded, with the editor's texts instead of the disk's where a document is open.
    fn with_open_texts(&self, loaded: Loaded) -> (Vec<Source>, Option<(String, String)>) {
        let text = |path: &str, text: String| match self.open.get(path) {
            Some(document) => document.text.to_string(),
            None => text,
        };
        let sources = loaded.sources.into_iter().map(|source| Source {
            text: text(&source.path, source.text),
            ..source
        });
        let config = loaded.config.map(|(path, on_disk)| {
            let text = text(&path, on_disk);
            (path, text)
        });
        (sources.collect(), config)
    }

    /// Which root a path belongs to, where one is known.
    fn find(&self, path: &str) -> Option<usize> {
        if is_library(path) {
            return (self.last < self.roots.len()).then_some(self.last);
        }
        self.roots.iter().position(|root| {
            root.config_path() == Some(path) || root.workspace.file(path).is_some()
        })
    }

    /// Where a path belongs; what it belongs to is loaded.
    fn root_for(&mut self, path: &str) -> usize {
        if let Some(known) = self.find(path) {
            return known;
        }
        if is_library(path) {
            self.roots.push(Root::alone(Vec::new(), (self.make)()));
            return self.roots.len() - 1;
        }
        if let Some(folder) = self.disk.root_of(Path::new(path)) {
            let root = self.project(&folder);
            if self.roots[root].holds(path) {
                return root;
            }
        }
        self.roots.push(Root::alone(Vec::new(), (self.make)()));
        self.roots.len() - 1
    }

    /// A document was opened.
    pub fn open(&mut self, path: &str, version: i32, text: &str) {
        let text: Arc<str> = Arc::from(text);
        self.open.insert(
            path.to_owned(),
            Document {
                version,
                text: text.clone(),
            },
        );
        let root = self.root_for(path);
        self.last = root;
        self.put(root, path, &text);
    }

    /// A document was edited. Edits of a document that is not open are nobody's.
    pub fn change(&mut self, path: &str, version: i32, edits: &[Edit]) {
        let Some(document) = self.open.get_mut(path) else {
            return;
        };
        let text: Arc<str> = Arc::from(text::apply(&document.text, edits, self.encoding));
        *document = Document {
            version,
            text: text.clone(),
        };
        let root = self.root_for(path);
        self.last = root;
        self.put(root, path, &text);
    }

    /// A document was closed: the disk's text counts again.
    pub fn close(&mut self, path: &str) {
        self.open.remove(path);
        self.disk_changed(path);
    }

    /// Whether a change of a path on the disk may change what is found in projects. Editors also report the files of
    /// builds and of version control.
    pub fn concerns(&self, path: &str) -> bool {
        is_of_projects(path) || self.find(path).is_some() || !self.roots_around(path).is_empty()
    }

    /// The projects with sources in a folder or around it; none for what is plainly a file.
    fn roots_around(&self, path: &str) -> Vec<usize> {
        let path = Path::new(path);
        if path.extension().is_some() {
            return Vec::new();
        }
        let concerns = |folder: &PathBuf| folder.starts_with(path) || path.starts_with(folder);
        let roots = self.roots.iter().enumerate();
        roots
            .filter(|(_, root)| root.folders.iter().any(concerns))
            .map(|(index, _)| index)
            .collect()
    }

    /// A file was made, changed or removed on the disk. Where a document is open the editor's text counts.
    pub fn disk_changed(&mut self, path: &str) {
        if is_library(path) || self.open.contains_key(path) {
            return;
        }
        if !is_of_projects(path) && self.find(path).is_none() {
            return self.folder_changed(path);
        }
        for root in &mut self.roots {
            root.unread.retain(|(unread, _)| unread != path);
        }
        match self.disk.read(Path::new(path)) {
            Ok(Some(text)) => {
                let known = self.find(path);
                let project = self.disk.root_of(Path::new(path));
                if let Some(root) = known {
                    self.put(root, path, &text);
                } else if let Some(folder) = project {
                    let root = self.project(&folder);
                    if self.roots[root].holds(path) {
                        self.put(root, path, &text);
                    }
                }
            }
            Ok(None) => self.removed(path),
            Err(why) => {
                let project = self.disk.root_of(Path::new(path));
                let root = match (self.find(path), project) {
                    (Some(root), _) => Some(root),
                    (None, Some(folder)) => Some(self.project(&folder)),
                    (None, None) => None,
                };
                if let Some(root) = root.filter(|root| self.roots[*root].holds(path)) {
                    let unread = &mut self.roots[root].unread;
                    unread.retain(|(known, _)| known != path);
                    unread.push((path.to_owned(), why));
                }
            }
        }
    }

    /// A folder came, went or was renamed: editors then report it alone, without what lies in it.
    fn folder_changed(&mut self, path: &str) {
        for root in self.roots_around(path) {
            let config = self.roots[root].config_path().map(str::to_owned);
            self.reload(root);
            if let Some(config) = config.filter(|config| Path::new(config).starts_with(path)) {
                self.disk_changed(&config);
            }
        }
    }

    fn removed(&mut self, path: &str) {
        let Some(root) = self.find(path) else {
            return;
        };
        if self.roots[root].folder.is_none() {
            self.roots.remove(root);
            self.last = 0;
        } else if self.roots[root].config_path() == Some(path) {
            self.roots[root].workspace.set_config(None);
        } else {
            self.roots[root].workspace.remove(path);
        }
    }

    /// Gives a file of a root another text.
    fn put(&mut self, root: usize, path: &str, text: &str) {
        if is_library(path) {
            return;
        }
        let Some(at) = self.roots.get_mut(root) else {
            return;
        };
        if Path::new(path).file_name().is_some_and(|n| n == FILE_NAME) {
            let before = at.sources();
            at.workspace
                .set_config(Some((path.to_owned(), text.to_owned())));
            if at.sources() != before {
                self.reload(root);
            }
            return;
        }
        let module = at.module_of(path);
        at.workspace.set_text(Source {
            path: path.to_owned(),
            module,
            text: text.to_owned(),
        });
    }

    /// The project file names other source folders: what lies there is part of the project now.
    fn reload(&mut self, root: usize) {
        let Some(folder) = self.roots[root].folder.clone() else {
            return;
        };
        let loaded = self.load(&folder);
        let folders = loaded.folders.clone();
        let unread = loaded.unread.clone();
        let (sources, _) = self.with_open_texts(loaded);
        let at = &mut self.roots[root];
        at.folders = folders;
        at.unread = unread;
        for path in at.own_paths() {
            // What was not saved yet is on no disk.
            let unsaved = self.open.contains_key(&path) && at.holds(&path);
            if !unsaved && !sources.iter().any(|s| s.path == path) {
                at.workspace.remove(&path);
            }
        }
        for source in sources {
            at.workspace.set_text(source);
        }
    }

    /// The project of a path at this moment.
    pub fn snapshot(&self, path: &str) -> Option<Snapshot> {
        let root = self.find(path)?;
        Some(Snapshot {
            workspace: self.roots.get(root)?.workspace.clone(),
        })
    }

    /// Every project at this moment.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let of = |root: &Root| Snapshot {
            workspace: root.workspace.clone(),
        };
        self.roots.iter().map(of).collect()
    }

    /// Why a file could not be read.
    pub fn unread(&self, path: &str) -> Vec<String> {
        let all = self.roots.iter().flat_map(|root| &root.unread);
        all.filter(|(of, _)| of == path)
            .map(|(_, why)| why.clone())
            .collect()
    }

    /// The editor's number for the text of a path, where it is open.
    pub fn version(&self, path: &str) -> Option<i32> {
        self.open.get(path).map(|document| document.version)
    }
}

impl Root {
    fn alone(sources: Vec<Source>, database: Database) -> Root {
        Root {
            folder: None,
            folders: Vec::new(),
            unread: Vec::new(),
            workspace: Workspace::in_database(database, sources, None),
        }
    }

    /// The path of the project file.
    pub fn config_path(&self) -> Option<&str> {
        let config = self.workspace.project.config(&self.workspace.db);
        config.as_ref().map(|(path, _)| &**path)
    }

    /// The source folders that the project file names.
    fn sources(&self) -> Option<Vec<String>> {
        let config = counterplay_compiler::db::config(&self.workspace.db, self.workspace.project);
        config.0.as_ref().map(|file| file.sources.clone())
    }

    /// Whether a path belongs to the project: its project file, or a file in one of its source folders.
    fn holds(&self, path: &str) -> bool {
        let path = Path::new(path);
        self.config_path() == path.to_str()
            || self.folder.as_deref().map(|f| f.join(FILE_NAME)).as_deref() == Some(path)
            || self.folders.iter().any(|folder| path.starts_with(folder))
    }

    fn module_of(&self, path: &str) -> String {
        let full = Path::new(path);
        let base = self.folders.iter().find(|folder| full.starts_with(folder));
        let relative = match base {
            Some(base) => full.strip_prefix(base).unwrap_or(full),
            None => full.file_name().map_or(full, Path::new),
        };
        library::module_of(&relative.to_string_lossy())
    }

    /// The paths of the project's own files.
    pub fn own_paths(&self) -> Vec<String> {
        let database = &self.workspace.db;
        let files = self.workspace.project.files(database).iter();
        let paths = files.map(|file| file.path(database).to_string());
        paths.filter(|path| !is_library(path)).collect()
    }
}

/// Whether a file may be part of a project: a playbook or a project file.
fn is_of_projects(path: &str) -> bool {
    let path = Path::new(path);
    path.extension().is_some_and(|e| e == "play")
        || path.file_name().is_some_and(|name| name == FILE_NAME)
}
