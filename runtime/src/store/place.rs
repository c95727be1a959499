//! A path in, the file that lies there out: whether a store's file is still the one that was opened.

use std::path::Path;

/// What a file is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64, u64);

impl Place {
    /// The file at a path; `None` where there is none.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Place> {
        use std::os::unix::fs::MetadataExt;
        let data = std::fs::metadata(path).ok()?;
        Some(Place(data.dev(), data.ino()))
    }

    /// The file at a path; `None` where there is none. Elsewhere an open file cannot be removed.
    #[cfg(not(unix))]
    pub(super) fn of(path: &Path) -> Option<Place> {
        std::fs::metadata(path).ok().map(|_| Place(0, 0))
    }
}
