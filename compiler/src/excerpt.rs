//! All findings in, what a person is shown of each file out: the first twenty, and how many there are more.
//!
//! Beyond a screenful nobody reads on. Programs are given all of them.

use crate::diagnostic::{Diagnostic, Severity};
use std::sync::Arc;

/// How many findings of one file a person is shown.
pub const SHOWN_MAX: usize = 20;

/// What is shown of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The file; empty for findings without a place.
    pub file: Arc<str>,
    /// The findings: all of them in their order, or the first ones, errors before warnings.
    pub shown: Vec<Diagnostic>,
    /// Errors that are left out.
    pub errors: usize,
    /// Warnings that are left out.
    pub warnings: usize,
}

impl Excerpt {
    /// `… and 14 more in playbooks/lost.play: 9 errors, 5 warnings`; nothing where nothing was left out.
    pub fn rest(&self) -> Option<String> {
        let count = |number: usize, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{number} {what}s")),
        };
        let parts = [count(self.errors, "error"), count(self.warnings, "warning")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| {
            let number = self.errors + self.warnings;
            format!("… and {number} more in {}: {}", self.file, parts.join(", "))
        })
    }
}

/// What is shown of each file, in the order in which the files are first found.
pub fn excerpts(findings: &[Diagnostic]) -> Vec<Excerpt> {
    let mut files: Vec<Excerpt> = Vec::new();
    let mut known: std::collections::HashMap<Arc<str>, usize> = std::collections::HashMap::new();
    for finding in findings {
        let first = finding.labels.first();
        let file = first.map_or_else(|| Arc::from(""), |label| label.place.anchor.file.clone());
        let at = *known.entry(file.clone()).or_insert_with(|| {
            files.push(Excerpt {
                file,
                ..Excerpt::default()
            });
            files.len() - 1
        });
        if let Some(excerpt) = files.get_mut(at) {
            excerpt.shown.push(finding.clone());
        }
    }
    for excerpt in &mut files {
        if excerpt.shown.len() > SHOWN_MAX {
            excerpt.shown.sort_by_key(|finding| finding.severity);
            let left = excerpt.shown.split_off(SHOWN_MAX);
            let errors = left.iter().filter(|d| d.severity == Severity::Error);
            excerpt.errors = errors.count();
            excerpt.warnings = left.len() - excerpt.errors;
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Anchor, Place, Span};

    fn found(file: &str, at: u32, severity: Severity) -> Diagnostic {
        let place = Place {
            anchor: Anchor {
                file: Arc::from(file),
                item: Arc::from(""),
            },
            span: Span {
                start: at,
                end: at + 1,
            },
        };
        Diagnostic {
            severity,
            ..Diagnostic::error("P0201", format!("{at}"), place, "here")
        }
    }

    fn many(file: &str, number: u32, severity: impl Fn(u32) -> Severity) -> Vec<Diagnostic> {
        (0..number)
            .map(|at| found(file, at, severity(at)))
            .collect()
    }

    #[test]
    fn twenty_are_all_shown_in_their_order() {
        let mixed = many("a.play", 20, |at| match at % 2 {
            0 => Severity::Warning,
            _ => Severity::Error,
        });
        let shown = excerpts(&mixed);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].shown, mixed);
        assert_eq!(shown[0].rest(), None);
    }

    #[test]
    fn errors_come_before_warnings_when_some_are_left_out() {
        let mixed = many("a.play", 30, |at| match at < 15 {
            true => Severity::Warning,
            false => Severity::Error,
        });
        let shown = &excerpts(&mixed)[0];
        let told: Vec<&str> = shown.shown.iter().map(|d| d.message.as_str()).collect();
        let wanted: Vec<String> = (15..30).chain(0..5).map(|at| at.to_string()).collect();
        assert_eq!(told, wanted);
        assert_eq!(
            shown.rest().as_deref(),
            Some("… and 10 more in a.play: 10 warnings")
        );
    }

    #[test]
    fn each_file_is_cut_for_itself() {
        let mut all = many("a.play", 21, |_| Severity::Error);
        all.extend(many("b.play", 3, |_| Severity::Warning));
        all.push(found("a.play", 99, Severity::Warning));
        let shown = excerpts(&all);
        assert_eq!(
            shown[0].rest().as_deref(),
            Some("… and 2 more in a.play: 1 error, 1 warning")
        );
        assert_eq!((shown[1].shown.len(), shown[1].rest()), (3, None));
        assert_eq!(excerpts(&[]), []);
    }
}
