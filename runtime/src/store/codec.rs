//! Machine values in, JSON text out, and back. Without the usual limit on nesting: what was written
//! has to be readable, and long conditions nest deeply.

use super::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
