//! A file's text in, where version control left both sides of a change in it out.

use super::token::Token;
use std::ops::Range;

/// What is left of a merge that nobody finished.
pub(super) struct Conflict {
    /// The first line of the first one.
    pub(super) first: Range<usize>,
    /// How many there are.
    pub(super) number: usize,
    /// What is passed over: the marks, and the second side of each.
    passed: Vec<Range<usize>>,
}

impl Conflict {
    /// Whether a token is passed over.
    pub(super) fn passes(&self, token: &Token) -> bool {
        let after = self
            .passed
            .partition_point(|range| range.end <= token.start);
        let range = self.passed.get(after);
        range.is_some_and(|range| range.start <= token.start)
    }
}

/// Finds lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`, in this order.
pub(super) fn find(text: &str) -> Option<Conflict> {
    if !text.contains("<<<<<<<") {
        return None;
    }
    let marks = |line: &str, mark: &str| {
        let rest = line.strip_prefix(mark);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r']))
    };
    let (mut first, mut number, mut passed) = (None, 0, Vec::new());
    let (mut opened, mut parted): (Option<Range<usize>>, Option<Range<usize>>) = (None, None);
    let mut at = 0;
    for line in text.split('\n') {
        let range = at..at + line.len();
        at += line.len() + 1;
        if marks(line, "<<<<<<<") {
            (opened, parted) = (Some(range), None);
        } else if opened.is_some()
            && parted.is_none()
            && (marks(line, "|||||||") || marks(line, "======="))
        {
            parted = Some(range);
        } else if marks(line, ">>>>>>>")
            && let (Some(open), Some(part)) = (opened.take(), parted.take())
        {
            first.get_or_insert(open.clone());
            number += 1;
            passed.extend([open, part.start..range.end]);
        }
    }
    first.map(|first| Conflict {
        first,
        number,
        passed,
    })
}
