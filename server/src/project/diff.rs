//! Two sets of files in, a unified diff out.

use super::compile::Files;
use similar::TextDiff;
use std::collections::BTreeSet;

/// What changes from one set of files to another, as a unified diff.
pub fn unified(before: &Files, after: &Files) -> String {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut out = String::new();
    for path in paths {
        let (old, new) = (before.get(path), after.get(path));
        if old == new {
            continue;
        }
        let name = |side: &str, text: Option<&String>| match text {
            Some(_) => format!("{side}/{path}"),
            None => "/dev/null".to_owned(),
        };
        let (old_text, new_text) = (
            old.map_or("", String::as_str),
            new.map_or("", String::as_str),
        );
        let diff = TextDiff::from_lines(old_text, new_text);
        let text = diff
            .unified_diff()
            .context_radius(3)
            .header(&name("a", old), &name("b", new))
            .to_string();
        out.push_str(&text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unified;
    use crate::project::Files;

    #[test]
    fn only_what_changes_is_shown() {
        let before = Files::from([
            ("a.play".into(), "one\ntwo\n".into()),
            ("same".into(), "x\n".into()),
        ]);
        let after = Files::from([
            ("a.play".into(), "one\nthree\n".into()),
            ("b.play".into(), "new\n".into()),
            ("same".into(), "x\n".into()),
        ]);
        let diff = unified(&before, &after);
        assert!(diff.contains("-two\n+three\n"), "{diff}");
        assert!(diff.contains("--- /dev/null\n+++ b/b.play\n"), "{diff}");
        assert!(!diff.contains("same"), "{diff}");
    }
}
