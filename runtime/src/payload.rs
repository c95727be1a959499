//! JSON from outside, as the text that it came as. It is looked into where that is needed, and as far as that is needed.

use counterplay_machine::reader::Wanted;
use serde_json::Value as Json;
use std::sync::Arc;

/// A text that is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(Arc<str>);

impl Payload {
    /// Takes a text; `None` where it is no JSON, or nests deeper than is read from outside.
    pub fn read(bytes: &[u8]) -> Option<Payload> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Wanted::default().read(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(Payload(Arc::from(text)))
    }

    /// A text that was stored: it was read before.
    pub(crate) fn stored(text: String) -> Payload {
        Payload(Arc::from(text))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is wanted of it.
    pub(crate) fn sift(&self, wanted: &Wanted) -> Result<Json, String> {
        let mut deserializer = serde_json::Deserializer::from_str(&self.0);
        // What was taken has to be readable.
        deserializer.disable_recursion_limit();
        let read = wanted.read(&mut deserializer);
        read.and_then(|json| deserializer.end().map(|()| json))
            .map_err(|error| format!("the stored object cannot be read: {error}"))
    }

    /// All of it.
    pub(crate) fn json(&self) -> Result<Json, String> {
        self.sift(&Wanted::whole())
    }
}

impl From<&Json> for Payload {
    fn from(json: &Json) -> Payload {
        Payload(Arc::from(json.to_string()))
    }
}

impl From<Json> for Payload {
    fn from(json: Json) -> Payload {
        Payload::from(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;
    use serde_json::json;

    #[test]
    fn only_json_is_taken() {
        let taken = Payload::read(br#" {"a": [1, "\u00e9"], "a": 2} "#).expect("JSON");
        assert_eq!(taken.json(), Ok(json!({"a": 2})));
        let deep = "[".repeat(200) + &"]".repeat(200);
        let broken: [&[u8]; 9] = [
            b"",
            b"{",
            b"{} {}",
            b"{\"a\": 1e400}",
            b"{\"a\": \"\\ud800\"}",
            b"{\"a\": \"\xff\"}",
            b"{\"a\": 01}",
            b"{\"a\": \"\n\"}",
            deep.as_bytes(),
        ];
        for bytes in broken {
            assert_eq!(Payload::read(bytes), None, "{}", bytes.escape_ascii());
            let plain = serde_json::from_slice::<serde_json::Value>(bytes);
            assert!(plain.is_err(), "{}", bytes.escape_ascii());
        }
    }
}
