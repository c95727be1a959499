//! A file's text in, the same program in the one canonical style out; see [`format()`].

pub use crate::syntax::format::{WIDTH, format};
