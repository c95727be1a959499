//! Machine values in, JSON text out, and back. Without the usual limit on nesting: what was written
//! has to be readable, and long conditions nest deeply.

use super::Fault;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value as Json;
use std::fmt::Write;

/// Writes a value as JSON.
pub(super) fn encode<T: Serialize>(what: &str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| Fault::Unreadable {
        what: what.to_owned(),
        detail: e.to_string(),
    })
}

/// Reads a value that [`encode`] wrote. Text that is JSON of another shape is of another version; text that is none was
/// damaged.
pub(super) fn decode<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Fault> {
    read(text).map_err(|error| match read::<IgnoredAny>(text) {
        Ok(_) => Fault::Unreadable {
            what: what.to_owned(),
            detail: error.to_string(),
        },
        Err(error) => Fault::Damaged(format!("{what} is not as it was written: {error}")),
    })
}

/// Whether a text is JSON of any shape.
pub(super) fn check(what: &str, text: &str) -> Result<(), Fault> {
    decode::<IgnoredAny>(what, text).map(|_| ())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

/// Names as a list; `None` for none.
pub(super) fn people(names: &[String]) -> Result<Option<String>, Fault> {
    match names.is_empty() {
        true => Ok(None),
        false => encode("names", &names).map(Some),
    }
}

/// Reads names that [`people`] wrote.
pub(super) fn read_people(text: Option<String>) -> Result<Vec<String>, Fault> {
    text.map_or(Ok(Vec::new()), |text| decode("names", &text))
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out
}

/// Bytes from hexadecimal, where it is that.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok())
        .collect()
}

/// A value as JSON without spaces, the fields of objects in the order of their names, so that equal
/// values give equal texts.
pub(super) fn canonical(value: &Json) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

/// [`canonical`], at the end of a text.
pub(super) fn write_canonical(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => {
            // Writing to a text cannot fail.
            let _ = write!(out, "{number}");
        }
        Json::String(text) => write_text(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let mut fields: Vec<(&String, &Json)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (i, (name, field)) in fields.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_canonical(field, out);
            }
            out.push('}');
        }
    }
}

/// A text as JSON, at the end of another one.
pub(super) fn write_text(text: &str, out: &mut String) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Json::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_give_equal_texts() {
        let value = json!({
            "b": [1, -2.5, null, true, false, {}],
            "a": {"quote\" and \\": "é\u{1}\n\u{7f}", "": "plain"},
        });
        let text = concat!(
            r#"{"a":{"":"plain","quote\" and \\":"é\u0001\n"#,
            "\u{7f}",
            r#""},"b":[1,-2.5,null,true,false,{}]}"#
        );
        assert_eq!(canonical(&value), text);
        assert_eq!(serde_json::from_str::<Json>(text).ok(), Some(value));
    }

    #[test]
    fn bytes_come_back_from_hexadecimal() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(hex(&all).starts_with("000102") && hex(&all).ends_with("fdfeff"));
        assert_eq!(unhex(&hex(&all)), Some(all));
    }
}
