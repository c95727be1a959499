//! What a person is called in; where a text names them, and the text without it, out. Pure.

use super::super::StoreError;
use super::Erasure;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for what was erased.
pub(in super::super) const ERASED: &str = "[erased]";

/// Shorter names are refused: they would be found in ordinary words.
const LENGTH_MIN: usize = 3;
/// RFC 3986's unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A person's names: addresses, ids, what people call them.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// As given, in lower case.
    given: Vec<String>,
    /// As given and as they stand in an address, longest first.
    forms: Vec<Vec<char>>,
    /// For each form, parts that are in every text that has it.
    parts: Vec<Vec<String>>,
}

impl Names {
    /// What somebody is called.
    pub fn of(whom: &Erasure) -> Result<Names, StoreError> {
        Names::new(&whom.names).map_err(|short| {
            StoreError::NotFound(format!(
                "\"{short}\" is too short to be looked for: it would be found in ordinary words"
            ))
        })
    }

    /// These names; the first one that is too short to be looked for is the error.
    pub fn new(given: &[String]) -> Result<Names, String> {
        let given: Vec<String> = given.iter().map(|n| n.trim().to_lowercase()).collect();
        if let Some(short) = given.iter().find(|n| n.chars().count() < LENGTH_MIN) {
            return Err(short.clone());
        }
        let mut forms: Vec<String> = given
            .iter()
            .flat_map(|name| {
                let encoded = utf8_percent_encode(name, UNRESERVED).to_string();
                [name.clone(), encoded.replace("%20", "+"), encoded]
            })
            .map(|form| form.to_lowercase())
            .collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Ok(Names {
            given,
            parts: forms.iter().map(|form| parts(form)).collect(),
            forms: forms.iter().map(|form| form.chars().collect()).collect(),
        })
    }

    /// The names, in lower case.
    pub fn given(&self) -> &[String] {
        &self.given
    }

    /// Whether a text, which may be written as JSON, may hold a name. Quick, and never wrong when it says no.
    pub fn maybe(&self, raw: &str) -> bool {
        let raw = raw.to_lowercase();
        self.parts
            .iter()
            .any(|parts| parts.iter().all(|part| raw.contains(part.as_str())))
    }

    /// Whether a text is one of the names.
    pub fn is(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.given.contains(&text)
    }

    /// The text without the names; `None` where it holds none.
    pub fn clean(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let (mut kept, mut at) = (0, 0);
        while let Some(first) = text[at..].chars().next() {
            match self.named_at(text, at) {
                Some(end) => {
                    out.push_str(&text[kept..at]);
                    out.push_str(ERASED);
                    (kept, at) = (end, end);
                }
                None => at += first.len_utf8(),
            }
        }
        if kept == 0 {
            return None;
        }
        out.push_str(&text[kept..]);
        Some(out)
    }

    /// Where the name ends that begins here.
    fn named_at(&self, text: &str, at: usize) -> Option<usize> {
        let rest = &text[at..];
        let long = self.forms.iter().find_map(|form| {
            let length = matches(rest, form)?;
            ends(&rest[length..]).then_some(length)
        })?;
        begins(&text[..at]).then_some(at + long)
    }
}

/// The parts of a form that stand in a text as they are, however the text is written.
fn parts(form: &str) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let parts = form.split(|c| !plain(c)).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The length of the form at the beginning of a text, whatever its case.
fn matches(text: &str, form: &[char]) -> Option<usize> {
    let mut chars = text.chars();
    let mut length = 0;
    for wanted in form {
        let found = chars.next()?;
        if found != *wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        length += found.len_utf8();
    }
    Some(length)
}

/// Whether a name may begin after this: `dana@…` is not named in `jordana@…`.
fn begins(before: &str) -> bool {
    let escaped = before.len().checked_sub(3).and_then(|i| before.get(i..));
    if escaped
        .is_some_and(|e| e.starts_with('%') && e.bytes().skip(1).all(|b| b.is_ascii_hexdigit()))
    {
        return true;
    }
    !before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'))
}

/// Whether a name may end before this: `u1` is not named in `u12`, nor `a@b.example` in `a@b.example.org`.
fn ends(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('.') => !chars.next().is_some_and(char::is_alphanumeric),
        Some(c) => !(c.is_alphanumeric() || matches!(c, '_' | '-' | '@')),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Names {
        let given: Vec<String> = given.iter().map(|n| (*n).to_owned()).collect();
        Names::new(&given).expect("long enough")
    }

    #[test]
    fn a_person_is_found_in_every_common_form_and_nobody_else_is() {
        let names = names(&["Dana.Kim@acme.example", "u-17", "Dana Kim"]);
        for (text, cleaned) in [
            ("locked dana.kim@ACME.example.", "locked [erased]."),
            (
                "<dana.kim@acme.example>, Dana Kim's",
                "<[erased]>, [erased]'s",
            ),
            ("/users/dana.kim%40acme.example/x", "/users/[erased]/x"),
            ("eq%20%27Dana.Kim@acme.example%27", "eq%20%27[erased]%27"),
            ("q=Dana+Kim&r=dana%20kim", "q=[erased]&r=[erased]"),
            ("user:u-17", "user:[erased]"),
            ("U-17", "[erased]"),
        ] {
            assert!(names.maybe(text), "{text}");
            assert_eq!(names.clean(text).as_deref(), Some(cleaned), "{text}");
        }
        for other in [
            "jordana.kim@acme.example",
            "x.dana.kim@acme.example",
            "dana.kim@acme.example.org",
            "u-171",
            "mu-17",
            "u-17-b",
            "Dana Kimber",
            "",
        ] {
            assert_eq!(names.clean(other), None, "{other}");
        }
    }

    #[test]
    fn other_alphabets_and_quotes_are_no_hindrance() {
        let names = names(&["Jürgen \"JJ\" Öztürk"]);
        let json = serde_json::json!("von JÜRGEN \"jj\" öztürk").to_string();
        assert!(names.maybe(&json));
        assert_eq!(
            names.clean("von JÜRGEN \"jj\" öztürk").as_deref(),
            Some("von [erased]")
        );
        assert_eq!(Names::new(&["ab".into()]).expect_err("short"), "ab");
    }
}
