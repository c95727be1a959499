//! An address that is no file in, its text out: the standard library and the pages about findings.

use counterplay_compiler::{explain, library};

/// Where the page about a code is read.
pub fn page_path(code: &str) -> String {
    format!("std:/errors/{code}.md")
}

/// The text of an address `std:/…`.
pub fn text(path: &str) -> Option<&'static str> {
    let page = path
        .strip_prefix("std:/errors/")
        .and_then(|name| name.strip_suffix(".md"));
    match page {
        Some(code) => explain::page(code),
        None => library::text(path),
    }
}

/// What is said of an address without a text.
pub fn missing(path: &str) -> String {
    match path.strip_prefix("std:/errors/") {
        Some(name) => format!(
            "there is no finding {}; `counterplay explain` lists all",
            name.strip_suffix(".md").unwrap_or(name)
        ),
        None => format!("there is no `{path}` in the standard library"),
    }
}
