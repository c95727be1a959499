//! Places in source text: byte ranges relative to an item, and anchors that say which item.
//!
//! Spans are relative to the item that holds them, so that an edit in one item leaves the data of
//! every other item unchanged and no query over those has to run again.

use std::sync::Arc;

/// A range of bytes, relative to the start of the enclosing item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest range that holds both.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// Which item of which file a span is relative to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Anchor {
    /// The file's path as given, or `std:/…` for the standard library.
    pub file: Arc<str>,
    /// The item's key within the file, see [`crate::syntax::ParsedItem::key`]; empty for the file itself.
    pub item: Arc<str>,
}

/// A place: a span and the item that it is relative to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The item.
    pub anchor: Anchor,
    /// The range inside it.
    pub span: Span,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}
