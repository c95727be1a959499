//! Findings of one file, with places counted from its start; at the end each is handed to its item.

use std::sync::Arc;

use super::codes;
use crate::{
    diagnostic::Diagnostic,
    span::{Anchor, Place, Span},
};

/// A file that is being read, and what was found wrong with it so far.
pub(crate) struct Report<'t> {
    /// The text.
    pub(crate) text: &'t str,
    anchor: Anchor,
    /// Where the last statement begins whose head could not be read: nothing more is said of it.
    pub(crate) told: Option<usize>,
    /// The findings, with absolute places.
    pub(crate) found: Vec<Diagnostic>,
    /// Where keywords stand, where somebody asked for them.
    pub(crate) keywords: Option<Vec<(usize, usize)>>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(path: &Arc<str>, text: &'t str) -> Self {
        Report {
            text,
            anchor: Anchor {
                file: path.clone(),
                item: Arc::from(""),
            },
            told: None,
            found: Vec::new(),
            keywords: None,
        }
    }

    /// A place in the file, as an absolute range.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        Place {
            anchor: self.anchor.clone(),
            span: Span::new(start, end.max(start)),
        }
    }

    /// Says that both sides of a change are in the file.
    pub(crate) fn conflict(&mut self, conflict: &super::conflict::Conflict) {
        let range = (conflict.first.start, conflict.first.end);
        let mut diagnostic = self
            .error(
                codes::CONFLICT,
                "this file has an unresolved merge conflict",
                range,
                "both sides of a change begin here",
            )
            .help("keep one side, or what belongs together of both, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`");
        if conflict.number > 1 {
            diagnostic = diagnostic.because(format!("there are {} of them", conflict.number));
        }
        self.push(diagnostic);
    }

    /// Adds a finding.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// A new error at an absolute range; finish it with [`Report::push`].
    pub(crate) fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        range: (usize, usize),
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, message, self.place(range.0, range.1), label)
    }
}

/// Where an item stands and how it is called.
pub(crate) struct Extent {
    pub(crate) key: Arc<str>,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// Makes every place of a finding relative to the item that holds it; says which item holds the first.
pub(crate) fn anchor(diagnostic: &mut Diagnostic, extents: &[Extent]) -> Option<usize> {
    let home = diagnostic
        .labels
        .first()
        .and_then(|label| holder(&label.place, extents));
    for label in &mut diagnostic.labels {
        settle(&mut label.place, extents);
    }
    for (place, _) in diagnostic.fixes.iter_mut().flat_map(|fix| &mut fix.edits) {
        settle(place, extents);
    }
    home
}

/// The last item that begins at or before the place and reaches it; extents are in file order.
fn holder(place: &Place, extents: &[Extent]) -> Option<usize> {
    let at = place.span.start as usize;
    let next = extents.partition_point(|extent| extent.offset <= at);
    let index = next.checked_sub(1)?;
    let extent = extents.get(index)?;
    (at <= extent.offset + extent.len).then_some(index)
}

fn settle(place: &mut Place, extents: &[Extent]) {
    if let Some(extent) = holder(place, extents).and_then(|index| extents.get(index)) {
        let offset = extent.offset as u32;
        place.span = Span {
            start: place.span.start - offset,
            end: place.span.end.saturating_sub(offset),
        };
        place.anchor.item = extent.key.clone();
    }
}
