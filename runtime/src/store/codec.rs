//! Machine values in, JSON text out, and back. Without the usual limit on nesting: what was written
//! has to be readable, and long conditions nest deeply.

use super::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::fmt::Write;

/// Writes a value as JSON.
pub(super) fn encode<T: Serialize>(what: &str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| Fault::Unreadable {
        what: what.to_owned(),
        detail: e.to_string(),
    })
}

/// Reads a value that [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|e| Fault::Unreadable {
            what: what.to_owned(),
            detail: e.to_string(),
        })
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a text cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
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

fn write_canonical(value: &Json, out: &mut String) {
    match value {
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
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            out.push('{');
            for (i, name) in names.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Json::String(name.clone()).to_string());
                out.push(':');
                if let Some(field) = fields.get(name) {
                    write_canonical(field, out);
                }
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}
