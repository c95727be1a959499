//! A deploy: what it changes, why it waits, and the decision of a second person.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;
use similar::{ChangeTag, TextDiff};

/// `/deploys/{num}`; posts `decision` (`approve`, `refuse`) to itself.
#[derive(Clone, Debug, Template)]
#[template(path = "deploy.html")]
pub struct DeployPage {
    /// Around it.
    pub chrome: Chrome,
    /// The line in the list.
    pub row: super::deploys::DeployRow,
    /// Why it waits.
    pub reasons: Vec<String>,
    /// The files that change.
    pub files: Vec<FileDiff>,
    /// Whether the viewer may decide.
    pub may_decide: bool,
    /// Whether the viewer may refuse it, which its own author may, too.
    pub may_refuse: bool,
    /// Why not, where they may not.
    pub why_not: Option<String>,
    /// When it was decided.
    pub decided_ms: Option<i64>,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The path.
    pub path: String,
    /// `added`, `removed`, `changed`.
    pub what: &'static str,
    /// The lines that differ, with a few around them.
    pub lines: Vec<DiffLine>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// `+`, `-`, a space, or `…` between parts.
    pub sign: char,
    /// Its number before.
    pub before: Option<usize>,
    /// Its number after.
    pub after: Option<usize>,
    /// The text.
    pub text: String,
}

impl DiffLine {
    /// The class of the style sheet.
    pub fn class(&self) -> &'static str {
        match self.sign {
            '+' => "added",
            '-' => "removed",
            '…' => "gap",
            _ => "same",
        }
    }
}

/// What changes between two versions of a file; `None` is no file. Nothing where both are the same.
pub fn difference(path: &str, before: Option<&str>, after: Option<&str>) -> Option<FileDiff> {
    if before == after {
        return None;
    }
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(3).iter().enumerate() {
        if index > 0 {
            lines.push(DiffLine {
                sign: '…',
                before: None,
                after: None,
                text: String::new(),
            });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            lines.push(DiffLine {
                sign: match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                },
                before: change.old_index().map(|i| i + 1),
                after: change.new_index().map(|i| i + 1),
                text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
            });
        }
    }
    Some(FileDiff {
        path: path.to_owned(),
        what: match (before, after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        },
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_signs_and_numbers() {
        let diff =
            difference("a.play", Some("one\ntwo\n"), Some("one\nthree\n")).expect("a difference");
        let said: Vec<(char, Option<usize>, Option<usize>, &str)> = diff
            .lines
            .iter()
            .map(|l| (l.sign, l.before, l.after, l.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (' ', Some(1), Some(1), "one"),
                ('-', Some(2), None, "two"),
                ('+', None, Some(2), "three")
            ]
        );
        assert!(difference("a", Some("x"), Some("x")).is_none());
        assert_eq!(
            difference("a", None, Some("x")).map(|d| d.what),
            Some("added")
        );
    }
}
