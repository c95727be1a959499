//! The secrets of a call and a text in, the text without them out, whatever common form they stand in.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value as Json;
use std::fmt;

/// What stands for a secret.
pub(super) const MARK: &str = "[secret]";
/// Shorter texts are not looked for: they would blank out ordinary words.
const LENGTH_MIN: usize = 4;
/// Parts of a secret address that are looked for alone.
const PART_LENGTH_MIN: usize = 8;
/// RFC 3986's unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The secrets that a call has used so far, in every form that is looked for, longest first.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    forms: Vec<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

impl Redactor {
    /// Looks for this secret from now on: as it is, JSON- and percent-encoded, as hexadecimal and in Base64,
    /// alone or as part of a longer encoded text. Of an address, also its path and its longer parts.
    pub fn add(&mut self, secret: &str) {
        if secret.len() < LENGTH_MIN {
            return;
        }
        let mut forms = vec![
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, UNRESERVED).to_string(),
            utf8_percent_encode(secret, UNRESERVED)
                .to_string()
                .replace("%20", "+"),
            Json::from(secret).to_string().trim_matches('"').to_owned(),
            secret.bytes().map(|b| format!("{b:02x}")).collect(),
            secret.bytes().map(|b| format!("{b:02X}")).collect(),
        ];
        // Some write the digits of percent-encoding in small letters.
        let small: Vec<String> = forms[1..4].iter().map(|form| small_digits(form)).collect();
        forms.extend(small);
        for engine in [&STANDARD, &URL_SAFE] {
            forms.push(engine.encode(secret));
            forms.extend(inside(engine, secret));
        }
        if let Ok(url) = Url::parse(secret)
            && url.has_host()
        {
            let path = url.path();
            let segments = path.split('/').map(str::to_owned);
            let values = url.query_pairs().map(|(_, value)| value.into_owned());
            let parts = segments
                .chain(values)
                .chain([path.to_owned()])
                .chain(url.query().map(str::to_owned));
            forms.extend(parts.filter(|part| part.len() >= PART_LENGTH_MIN));
        }
        self.forms
            .extend(forms.into_iter().filter(|form| form.len() >= LENGTH_MIN));
        self.forms
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.forms.dedup();
    }

    /// The text with every secret replaced.
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for form in &self.forms {
            if out.contains(form.as_str()) {
                out = out.replace(form.as_str(), MARK);
            }
        }
        out
    }

    /// Replaces secrets in every text of a JSON value. Short ones stay: they may be ordinary words.
    pub fn json(&self, json: &mut Json) {
        match json {
            Json::String(text) => {
                for form in self
                    .forms
                    .iter()
                    .filter(|form| form.len() >= PART_LENGTH_MIN)
                {
                    if text.contains(form.as_str()) {
                        *text = text.replace(form.as_str(), MARK);
                    }
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(fields) => fields.values_mut().for_each(|value| self.json(value)),
            _ => {}
        }
    }
}

/// A percent-encoded text with its digits in small letters.
fn small_digits(text: &str) -> String {
    let mut left = 0_u8;
    text.chars()
        .map(|c| {
            left = if c == '%' { 3 } else { left };
            let digit = left > 0;
            left = left.saturating_sub(1);
            if digit { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

/// The characters that stand for a secret inside of a longer Base64 text, for each of the three places
/// where it can begin: those that its neighbours do not influence.
fn inside(engine: &impl Engine, secret: &str) -> Vec<String> {
    (0..3)
        .filter_map(|offset| {
            let mut bytes = vec![0_u8; offset];
            bytes.extend_from_slice(secret.as_bytes());
            let encoded = engine.encode(&bytes);
            let start = (offset * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            encoded
                .get(start..end)
                .filter(|part| part.len() >= PART_LENGTH_MIN)
                .map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr~t/Value+with space";

    #[test]
    fn every_common_form_is_replaced() {
        let mut redactor = Redactor::default();
        redactor.add(SECRET);
        let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
        for form in [
            SECRET.to_owned(),
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
            "s3cr~t%2FValue%2Bwith+space".to_owned(),
            "s3cr~t%2fValue%2bwith%20space".to_owned(),
            STANDARD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            hex.to_uppercase(),
            hex,
        ] {
            assert_eq!(
                redactor.text(&format!("bad value {form}!")),
                "bad value [secret]!",
                "{form}"
            );
        }
    }

    #[test]
    fn base64_of_a_pair_hides_the_secret_at_any_offset() {
        let mut redactor = Redactor::default();
        redactor.add("correct-horse-battery");
        for user in ["a", "ab", "abc"] {
            let encoded = STANDARD.encode(format!("{user}:correct-horse-battery!"));
            let shown = redactor.text(&encoded);
            assert!(shown.contains(MARK), "{shown}");
            assert!(shown.len() < 18, "{shown}");
        }
    }

    #[test]
    fn an_address_is_hidden_in_parts() {
        let mut redactor = Redactor::default();
        redactor.add("https://prod-1.westus.logic.azure.com/workflows/0123456789abcdef/run?sig=AbCdEf%2F123456&v=1");
        let shown = redactor.text("no flow 0123456789abcdef; signature AbCdEf/123456 is wrong; prod-1.westus.logic.azure.com");
        assert_eq!(
            shown,
            "no flow [secret]; signature [secret] is wrong; prod-1.westus.logic.azure.com"
        );
    }

    #[test]
    fn values_are_cleaned_and_nothing_is_shown_when_debugging() {
        let mut redactor = Redactor::default();
        redactor.add(SECRET);
        let mut json = serde_json::json!({"echo": [SECRET, "fine"], "n": 1});
        redactor.json(&mut json);
        assert_eq!(json, serde_json::json!({"echo": [MARK, "fine"], "n": 1}));
        assert!(!format!("{redactor:?}").contains("s3cr"));
    }
}
