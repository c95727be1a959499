//! Tests of the front end.

mod any_text;
mod mistakes;
mod one_grammar;
mod programs;
mod trees;
mod whole_file;

use std::sync::Arc;

use super::{Parsed, parse};
use crate::{
    diagnostic::Diagnostic,
    render::{SourceLookup, render},
    span::Anchor,
};

/// One file under test.
struct File<'p> {
    text: &'p str,
    parsed: &'p Parsed,
}

impl SourceLookup for File<'_> {
    fn text(&self, _: &str) -> Option<Arc<str>> {
        Some(Arc::from(self.text))
    }

    fn offset(&self, anchor: &Anchor) -> Option<u32> {
        self.parsed
            .items
            .iter()
            .find(|item| item.key == anchor.item)
            .map(|item| item.offset)
    }
}

fn read(text: &str) -> Parsed {
    parse(&Arc::from("test.play"), text)
}

/// Every finding, those outside of items first.
fn findings(parsed: &Parsed) -> Vec<Diagnostic> {
    parsed
        .diagnostics
        .iter()
        .chain(parsed.items.iter().flat_map(|item| &item.diagnostics))
        .cloned()
        .collect()
}

/// What an author sees.
fn seen(text: &str) -> String {
    let parsed = read(text);
    render(
        &findings(&parsed),
        &File {
            text,
            parsed: &parsed,
        },
        false,
    )
}

#[track_caller]
fn clean(text: &str) -> Parsed {
    let parsed = read(text);
    let shown = seen(text);
    assert!(shown.is_empty(), "{shown}");
    parsed
}
