//! The inputs of the queries: source files and projects, as salsa keeps them.
#![allow(missing_docs)] // salsa makes the accessors, and none of them can carry a comment

use std::sync::Arc;

/// A source file.
#[salsa::input]
pub struct SourceFile {
    /// The path as given, or `std:/…`.
    pub path: Arc<str>,
    /// The module, `microsoft.entra`.
    pub module: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

/// A project: all of its files, the standard library's included.
#[salsa::input]
pub struct Project {
    /// The files.
    pub files: Vec<SourceFile>,
    /// The project file: its path and text.
    pub config: Option<(Arc<str>, Arc<str>)>,
    /// The ids of the responses that ship.
    pub shipped: Vec<String>,
}
