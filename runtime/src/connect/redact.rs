//! The secrets of a call and a text in, the text without them out, whatever common form they stand in.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
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
    /// Those that are numbers: what stays of them where JSON holds them as one.
    numbers: Vec<f64>,
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
        if secret.len() >= PART_LENGTH_MIN {
            // A number has no zeros before it.
            let digits = secret.trim_start_matches('0');
            if digits.len() >= PART_LENGTH_MIN && digits.bytes().all(|b| b.is_ascii_digit()) {
                forms.push(digits.to_owned());
            }
            let number = secret.parse().ok().filter(|n: &f64| n.is_finite());
            self.numbers.extend(number.filter(|n| *n != 0.0));
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

    /// Replaces secrets in every text, key and number of a JSON value. Short ones stay: they may be ordinary words.
    ///
    /// Keys that are alike without their secrets are numbered, so that what stands under each of them is still there.
    pub fn json(&self, json: &mut Json) {
        match json {
            Json::String(text) => {
                if let Some(clean) = self.clean(text) {
                    *text = clean;
                }
            }
            Json::Number(number) => {
                let is_secret = |n: f64| self.numbers.iter().any(|secret| *secret == n.abs());
                if number.as_f64().is_some_and(is_secret)
                    || self.clean(&number.to_string()).is_some()
                {
                    *json = Json::from(MARK);
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(fields) => {
                fields.values_mut().for_each(|value| self.json(value));
                if fields.keys().any(|key| self.clean(key).is_some()) {
                    self.keys(fields);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    /// Replaces secrets in the keys of an object.
    fn keys(&self, fields: &mut Map<String, Json>) {
        let all: Vec<(String, Option<String>, Json)> = std::mem::take(fields)
            .into_iter()
            .map(|(key, value)| (self.clean(&key), key, value))
            .map(|(clean, key, value)| (key, clean, value))
            .collect();
        // What holds no secret keeps its name, wherever it stands.
        let mut taken: HashMap<String, usize> = all
            .iter()
            .filter(|(_, clean, _)| clean.is_none())
            .map(|(key, ..)| (key.clone(), 1))
            .collect();
        for (key, clean, value) in all {
            let name = match clean {
                None => key,
                Some(clean) => free(clean, &mut taken),
            };
            fields.insert(name, value);
        }
    }

    /// A text of JSON without secrets, where it holds one.
    fn clean(&self, text: &str) -> Option<String> {
        let mut out: Option<String> = None;
        for form in &self.forms {
            // They are in the order of their length.
            if form.len() < PART_LENGTH_MIN {
                break;
            }
            let now = out.as_deref().unwrap_or(text);
            if now.contains(form.as_str()) {
                out = Some(now.replace(form.as_str(), MARK));
            }
        }
        out
    }
}

/// A name that is not taken yet: the wanted one, or with a number behind it. It is taken then.
fn free(wanted: String, taken: &mut HashMap<String, usize>) -> String {
    let mut name = wanted.clone();
    while taken.contains_key(&name) {
        let count = taken.entry(wanted.clone()).or_insert(1);
        *count += 1;
        name = format!("{wanted} {count}");
    }
    taken.insert(name.clone(), 1);
    name
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
    fn keys_are_cleaned_and_what_stands_under_each_stays() {
        let mut redactor = Redactor::default();
        redactor.add(SECRET);
        let encoded = STANDARD.encode(SECRET);
        let mut json = serde_json::json!({
            "scopes": {SECRET: "granted", "fine": 1, encoded: {SECRET: 2}, "[secret] 2": 3, "[secret]": 4},
        });
        redactor.json(&mut json);
        assert_eq!(
            json,
            serde_json::json!({
                "scopes": {"[secret] 3": "granted", "fine": 1, "[secret] 4": {MARK: 2}, "[secret] 2": 3, "[secret]": 4},
            })
        );
    }

    #[test]
    fn many_keys_that_become_alike_are_numbered_at_once() {
        let mut redactor = Redactor::default();
        redactor.add("longer-than-eight");
        let forms = ["longer-than-eight", "6c6f6e6765722d7468616e2d6569676874"];
        let key =
            |n: u32| -> String { (0..16).map(|bit| forms[(n >> bit) as usize & 1]).collect() };
        let mut json: Json = (0..65_536).map(|n| (key(n), Json::from(n))).collect();
        redactor.json(&mut json);
        let fields = json.as_object().expect("an object");
        assert_eq!(fields.len(), 65_536);
        assert!(fields.values().enumerate().all(|(n, value)| *value == n));
    }

    #[test]
    fn a_secret_of_digits_is_found_as_a_number() {
        for (secret, said) in [
            ("8271904456", "8271904456"),
            ("8271904456", "-8271904456"),
            ("8271904456", "8271904456.5"),
            ("8271904456", "98271904456001"),
            ("0082719044", "82719044"),
            ("0082719044", "82719044.0"),
            // Longer than what a number of JSON holds exactly: it is read as the nearest one.
            (
                "827190445612345678901234567890",
                "827190445612345678901234567890",
            ),
            ("827190445612345678901234567890", "8.2719044561234568e29"),
            ("71234567e8", "7123456700000000"),
        ] {
            let mut redactor = Redactor::default();
            redactor.add(secret);
            let mut json: Json =
                serde_json::from_str(&format!("[{said}, 4711, 0, 0.5]")).expect("JSON");
            redactor.json(&mut json);
            assert_eq!(
                json,
                serde_json::json!([MARK, 4711, 0, 0.5]),
                "{secret}: {said}"
            );
        }
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
