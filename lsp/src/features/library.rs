//! An address that is no file in, its text out: the standard library and the pages about findings.

use counterplay_compiler::{explain, library};

/// Where the page about a code is read.
pub fn page_path(code: &str) -> String {
    format!("std:/errors/{code}.md")
}

/// The text of an address `std:/…`.
///
/// # Errors
/// A sentence that says that there is none.
pub fn text(path: &str) -> Result<&'static str, String> {
    let page = path
        .strip_prefix("std:/errors/")
        .and_then(|name| name.strip_suffix(".md"));
    match page {
        Some(code) => explain::page(code).ok_or_else(|| explain::unknown(code)),
        None => library::text(path)
            .ok_or_else(|| format!("there is no `{path}` in the standard library")),
    }
}
