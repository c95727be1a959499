//! A name in, every place that mentions what it stands for out.

use crate::snapshot::{Location, Snapshot};
use crate::target;
use counterplay_compiler::db::SourceFile;
use std::ops::Range;

/// Every mention of what the name at a byte stands for, in the whole project.
pub fn references(
    snapshot: &Snapshot,
    file: SourceFile,
    offset: usize,
    with_declaration: bool,
) -> Option<Vec<Location>> {
    let found = target::at(snapshot, file, offset)?;
    let all = target::mentions(snapshot, &found.target);
    Some(
        all.into_iter()
            .filter(|(_, defines)| with_declaration || !defines)
            .map(|(at, _)| at)
            .collect(),
    )
}

/// A mention in the file at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// Where.
    pub range: Range<usize>,
    /// Whether the name gets its meaning there.
    pub defines: bool,
}

/// Every mention in one file of what the name at a byte stands for.
pub fn highlight(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Vec<Highlight>> {
    let found = target::at(snapshot, file, offset)?;
    let mut out = Vec::new();
    for item in snapshot.items(file) {
        for mention in &item.compiled.mentions {
            if target::target(snapshot, file, &item, &mention.meaning) == found.target {
                out.push(Highlight {
                    range: item.range(mention.span),
                    defines: mention.defines,
                });
            }
        }
    }
    out.sort_by_key(|h| (h.range.start, h.range.end, !h.defines));
    out.dedup_by(|b, a| a.range == b.range);
    Some(out)
}
