//! The standard library, embedded: every file with its `std:/` path.

use include_dir::{Dir, include_dir};

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../stdlib");

/// The files of the standard library as path (`std:/microsoft/entra.play`) and text, sorted by path.
pub fn files() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    let mut folders = vec![&LIBRARY];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8())
                && path.ends_with(".play")
            {
                files.push((format!("std:/{}", path.replace('\\', "/")), text));
            }
        }
    }
    files.sort();
    files
}

/// The text of one file of the library.
pub fn text(path: &str) -> Option<&'static str> {
    LIBRARY
        .get_file(path.strip_prefix("std:/")?)?
        .contents_utf8()
}

/// The ids of the responses that ship, which are the names of their files.
pub fn responses() -> Vec<String> {
    files()
        .into_iter()
        .filter_map(|(path, _)| {
            Some(
                path.strip_prefix("std:/responses/")?
                    .strip_suffix(".play")?
                    .to_owned(),
            )
        })
        .collect()
}

/// The module of a file: its path without folder prefix and ending, `/` as `.`.
pub fn module_of(relative: &str) -> String {
    relative
        .strip_prefix("std:/")
        .unwrap_or(relative)
        .trim_end_matches(".play")
        .replace(['/', '\\'], ".")
}
