//! What an editor can ask, one file each: plain functions over a snapshot, with places as bytes.

pub mod actions;
pub mod completion;
pub mod definition;
pub mod describe;
pub mod diagnostics;
pub mod folding;
pub mod formatting;
pub mod hints;
pub mod hover;
pub mod keywords;
pub mod library;
pub mod machine;
pub mod references;
pub mod rename;
pub mod signature;
pub mod symbols;
pub mod tokens;
