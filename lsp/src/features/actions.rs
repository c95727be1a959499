//! A range in, the changes that mend what is wrong there out.

use super::diagnostics::{self, Finding, Fix};
use crate::snapshot::Snapshot;
use std::ops::Range;

/// A change that an editor offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub title: String,
    /// Whether it is the one that is most likely meant.
    pub preferred: bool,
    /// The finding that it mends.
    pub finding: Finding,
    /// What is replaced by what.
    pub fix: Fix,
}

/// The fixes of every finding that touches a range.
pub fn actions(snapshot: &Snapshot, path: &str, range: &Range<usize>) -> Vec<Action> {
    let mut out = Vec::new();
    for finding in diagnostics::of_path(snapshot, path).unwrap_or_default() {
        let touches = finding.range.start <= range.end && range.start <= finding.range.end;
        if !touches {
            continue;
        }
        let alone = finding.fixes.len() == 1;
        for fix in &finding.fixes {
            out.push(Action {
                title: sentence(&fix.title),
                preferred: fix.safe || alone,
                finding: finding.clone(),
                fix: fix.clone(),
            });
        }
    }
    out
}

/// Every safe fix of a file at once; of those that touch one another only the first.
pub fn fix_all(snapshot: &Snapshot, path: &str) -> Option<Fix> {
    let mut edits = Vec::new();
    for finding in diagnostics::of_path(snapshot, path)? {
        let Some(fix) = finding.fixes.into_iter().find(|fix| fix.safe) else {
            continue;
        };
        let free = fix.edits.iter().all(|(at, _)| {
            edits
                .iter()
                .all(|(other, _): &(crate::snapshot::Location, String)| {
                    at.path != other.path
                        || at.range.end < other.range.start
                        || other.range.end < at.range.start
                })
        });
        if free {
            edits.extend(fix.edits);
        }
    }
    (!edits.is_empty()).then(|| Fix {
        title: "Apply all safe fixes of this file".into(),
        safe: true,
        edits,
    })
}

/// The first letter as a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
