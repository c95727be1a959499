//! The tests of a project in, those that are called as another is out; and a test as a file's name.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::{Anchor, Place, Span};
use counterplay_machine::playbook::Origin;
use counterplay_machine::testcase::TestCase;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A test's title as a file's name, after its playbook.
pub fn slug(case: &TestCase) -> String {
    let mut slug = format!("{}-", case.playbook);
    for c in case.title.chars() {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let short: String = slug.chars().take(100).collect();
    short.trim_matches('-').to_owned()
}

/// Tests whose timelines would be kept in one file.
pub fn check(tests: &[TestCase]) -> Vec<Diagnostic> {
    let mut first: HashMap<(&Path, String), &TestCase> = HashMap::new();
    let mut found = Vec::new();
    for case in tests.iter().filter(|case| !case.title.is_empty()) {
        let folder = Path::new(&*case.origin.file)
            .parent()
            .unwrap_or(Path::new(""));
        let Some(other) = first.insert((folder, slug(case)), case) else {
            continue;
        };
        let message = match other.title == case.title {
            true => format!("two tests of `{}` have this title", case.playbook),
            false => format!(
                "the titles of two tests of `{}` differ too little",
                case.playbook
            ),
        };
        found.push(
            Diagnostic::error(codes::DUPLICATE, message, place(&case.origin), "the second")
                .also(place(&other.origin), "the first")
                .because("their timelines would be kept in one file"),
        );
    }
    found
}

fn place(origin: &Origin) -> Place {
    Place {
        anchor: Anchor {
            file: origin.file.clone(),
            item: Arc::from(""),
        },
        span: Span {
            start: origin.start,
            end: origin.end,
        },
    }
}
