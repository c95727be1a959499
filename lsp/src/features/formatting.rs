//! A file in, the changes that put it into the canonical style out: the same as `counterplay fmt`.

use crate::snapshot::Snapshot;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::format::format;
use std::ops::Range;

/// What is replaced by what: only the lines that change, so that the cursor and the folds of the others stay.
pub fn formatting(snapshot: &Snapshot, file: SourceFile) -> Vec<(Range<usize>, String)> {
    let text = snapshot.text(file);
    let formatted = format(text);
    changes(text, &formatted)
}

/// The runs of lines that differ between two texts.
fn changes(before: &str, after: &str) -> Vec<(Range<usize>, String)> {
    let diff = similar::TextDiff::from_lines(before, after);
    let starts = |text: &str| -> Vec<usize> {
        let lines = text.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        });
        std::iter::once(0).chain(lines).collect()
    };
    let (old, new) = (starts(before), starts(after));
    let bytes = |starts: &[usize], lines: Range<usize>| starts[lines.start]..starts[lines.end];
    diff.ops()
        .iter()
        .filter(|op| op.tag() != similar::DiffTag::Equal)
        .map(|op| {
            let range = bytes(&old, op.old_range());
            (range, after[bytes(&new, op.new_range())].to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn only_lines_that_differ_are_replaced() {
        let (before, after) = ("a\n b\nc\n d", "a\nb\nc\nd\n");
        let edits = changes(before, after);
        assert_eq!(edits, [(2..5, "b\n".to_owned()), (7..9, "d\n".to_owned())]);
        assert!(changes(after, after).is_empty());
    }
}
