//! Text in, a syntax tree and syntax diagnostics out; always succeeds.

use std::{collections::HashMap, sync::Arc};

pub mod ast;
pub mod codes;

mod atoms;
mod closers;
mod conflict;
pub mod cursor;
mod cut;
mod cutter;
mod expected;
mod expressions;
mod foreign;
pub mod format;
mod forms;
mod guards;
mod head;
pub(crate) mod hidden;
mod items;
pub mod lexical;
mod literals;
mod mend;
mod names;
mod playbook;
mod properties;
mod questions;
mod quotes;
mod reader;
mod report;
mod steps;
mod token;
mod top;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use crate::{diagnostic::Diagnostic, span::Span};

pub use top::decode;

/// The longest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many findings one file may have.
const FINDINGS_MAX: usize = 1_000;

/// A file's items, and what was found wrong outside of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The items in file order.
    pub items: Vec<ParsedItem>,
    /// Findings outside of any item; their places count from the start of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// One item of a file; everything in it counts from its own start.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedItem {
    /// `playbook x`, `action y`: unique in the file; a second one of the same name gets `#2`.
    pub key: Arc<str>,
    /// Where its first byte stands in the file: of its first doc comment or its keyword.
    pub offset: u32,
    /// Its length in bytes.
    pub len: u32,
    /// The keyword's place.
    pub keyword: Option<Span>,
    /// The tree.
    pub item: Arc<ast::Item>,
    /// What was found wrong in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file. Never fails and never panics: what cannot be read is `Broken` or `Missing` in the tree, and
/// a finding says why.
pub fn parse(path: &Arc<str>, text: &str) -> Parsed {
    read(report::Report::new(path, text)).0
}

fn read(mut report: report::Report<'_>) -> (Parsed, Vec<(usize, usize)>) {
    let text = report.text;
    if text.len() > FILE_BYTES_MAX {
        let message = format!(
            "this file is longer than {} MiB",
            FILE_BYTES_MAX / (1024 * 1024)
        );
        let diagnostic = report
            .error(codes::FILE_TOO_LONG, message, (0, 0), "it is not read")
            .help("split it into modules: `use` brings them together");
        let nothing = Parsed {
            items: Vec::new(),
            diagnostics: vec![diagnostic],
        };
        return (nothing, Vec::new());
    }
    let mut tokens = token::tokens(text);
    if let Some(conflict) = conflict::find(text) {
        report.conflict(&conflict);
        // The first side is read, so that one finding says it.
        tokens.retain(|token| !conflict.passes(token));
    }
    mend::file(&mut report, &tokens);
    let statements = cut::cut(&mut report, &tokens);
    let found = top::items(&mut report, &statements);
    let keywords = report.keywords.take().unwrap_or_default();
    (finish(report, found), keywords)
}

/// Hands every finding to the item that it is about.
fn finish(report: report::Report<'_>, found: Vec<top::Found>) -> Parsed {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut extents = Vec::with_capacity(found.len());
    for item in &found {
        let count = seen
            .entry(item.key.clone())
            .and_modify(|count| *count += 1)
            .or_insert(1);
        let key = if *count == 1 {
            item.key.clone()
        } else {
            format!("{}#{count}", item.key)
        };
        extents.push(report::Extent {
            key: key.into(),
            offset: item.start,
            len: item.end - item.start,
        });
    }
    let mut items: Vec<ParsedItem> = found
        .into_iter()
        .zip(&extents)
        .map(|(item, extent)| ParsedItem {
            key: extent.key.clone(),
            offset: extent.offset as u32,
            len: extent.len as u32,
            keyword: item.keyword,
            item: Arc::new(item.item),
            diagnostics: Vec::new(),
        })
        .collect();
    let mut outside = Vec::new();
    let mut all = report.found;
    all.sort_by_key(|diagnostic| {
        diagnostic
            .labels
            .first()
            .map_or(0, |label| label.place.span.start)
    });
    if all.len() > FINDINGS_MAX {
        all.truncate(FINDINGS_MAX);
        if let Some(last) = all.last_mut() {
            last.help = Some(format!(
                "after {FINDINGS_MAX} findings the rest of the file is not reported"
            ));
        }
    }
    for mut diagnostic in all {
        match report::anchor(&mut diagnostic, &extents).and_then(|index| items.get_mut(index)) {
            Some(item) => item.diagnostics.push(diagnostic),
            None => outside.push(diagnostic),
        }
    }
    Parsed {
        items,
        diagnostics: outside,
    }
}
