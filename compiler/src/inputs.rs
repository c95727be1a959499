//! The inputs of the queries, and the items that files are cut into, as salsa keeps them.
#![allow(missing_docs)] // salsa makes the accessors, and none of them can carry a comment

use crate::diagnostic::Diagnostic;
use crate::syntax::ast::Item;
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

/// An item of a file. What is tracked counts from the item's start, so that an edit above it changes nothing.
#[salsa::tracked]
pub struct FileItem<'db> {
    /// Its file.
    pub file: SourceFile,
    /// Its key, see [`crate::syntax::ParsedItem::key`].
    pub key: Arc<str>,
    /// The tree.
    #[tracked]
    pub item: Arc<Item>,
    /// The text.
    #[tracked]
    pub text: Arc<str>,
    /// What the parser found wrong in it.
    #[tracked]
    pub syntax: Vec<Diagnostic>,
}
