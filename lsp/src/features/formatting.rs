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

/// The runs of lines that differ between two texts. A line ends with its line feed: a lone CR is part of a line, as it is
/// for the positions.
fn changes(before: &str, after: &str) -> Vec<(Range<usize>, String)> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let starts = starts(&old);
    similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new)
        .iter()
        .filter(|op| op.tag() != similar::DiffTag::Equal)
        .map(|op| {
            let lines = op.old_range();
            let range = starts[lines.start]..starts[lines.end];
            (range, new[op.new_range()].concat())
        })
        .collect()
}

/// Where each line starts, and at last where the text ends.
fn starts(lines: &[&str]) -> Vec<usize> {
    let ends = lines.iter().scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    });
    std::iter::once(0).chain(ends).collect()
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

    #[test]
    fn a_lone_carriage_return_ends_no_line() {
        let (before, after) = ("a(\r  b)\n c\nd\n", "a(b)\nc\nd\n");
        assert_eq!(changes(before, after), [(0..11, "a(b)\nc\n".to_owned())]);
        assert_eq!(changes("a\rb\rc", "a\nb"), [(0..5, "a\nb".to_owned())]);
    }
}
