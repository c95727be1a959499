//! What the server needs of the file system, as a trait: the binary implements it with what `check` uses.

use counterplay_compiler::workspace::Source;
use std::path::{Path, PathBuf};

/// The file system.
pub trait Disk: Send + Sync + 'static {
    /// The folder of the project that a file belongs to: the nearest one above it with a project file.
    fn root_of(&self, file: &Path) -> Option<PathBuf>;

    /// The folders at or below this one that hold a project file.
    fn roots_below(&self, folder: &Path) -> Vec<PathBuf>;

    /// Reads a project. `config` is the project file's text where an editor has another one than the disk.
    fn load(&self, root: &Path, config: Option<&str>) -> Loaded;

    /// A file's text; nothing where there is no such file.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    fn read(&self, path: &Path) -> Result<Option<String>, String>;
}

/// A project as it lies on the disk.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Its `.play` files, each path absolute.
    pub sources: Vec<Source>,
    /// The project file's absolute path and text.
    pub config: Option<(String, String)>,
    /// The folders that hold its sources, or would hold them.
    pub folders: Vec<PathBuf>,
    /// What could not be read: its path, and why in one sentence.
    pub unread: Vec<(String, String)>,
}
