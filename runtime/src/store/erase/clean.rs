//! A column's text and a person's names in; the text without the person out, readable as what it was. Pure.
//!
//! A record that names the person is emptied: all its texts go, since it is about them. Elsewhere only the
//! name goes.

use super::super::{Fault, codec};
use super::names::{ERASED, Names};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// Under which names records keep what a person is called.
const IDENTITIES: [&str; 11] = [
    "id",
    "userDisplayName",
    "user_id",
    "userId",
    "upn",
    "userPrincipalName",
    "mail",
    "email",
    "name",
    "displayName",
    "display_name",
];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A run's state.
    State,
    /// An entry of a journal.
    Entry,
    /// What came from outside, whole.
    Payload,
    /// A text, or JSON of a fixed shape.
    Text,
}

/// Cleans a column. What the person is called besides goes into `also`. `None` where nobody is named.
pub(super) fn column(
    holds: Holds,
    text: &str,
    names: &Names,
    also: &mut BTreeSet<String>,
) -> Result<Option<String>, Fault> {
    if !names.maybe(text) {
        return Ok(None);
    }
    let Ok(mut json) = codec::decode::<Json>("a row", text) else {
        return Ok(names.clean(text));
    };
    let mut cleaner = Cleaner {
        names,
        also,
        changed: false,
    };
    match holds {
        Holds::State => cleaner.state(&mut json),
        Holds::Entry => cleaner.entry(&mut json),
        Holds::Payload => cleaner.records(&mut json),
        Holds::Text => cleaner.names(&mut json),
    }
    if !cleaner.changed {
        return Ok(None);
    }
    if holds == Holds::Payload {
        json = Json::from(ERASED);
    }
    codec::encode("a row", &json).map(Some)
}

struct Cleaner<'a> {
    names: &'a Names,
    also: &'a mut BTreeSet<String>,
    changed: bool,
}

impl Cleaner<'_> {
    /// Only the names go.
    fn names(&mut self, json: &mut Json) {
        match json {
            Json::String(text) => {
                if let Some(clean) = self.names.clean(text) {
                    *text = clean;
                    self.changed = true;
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.names(item)),
            Json::Object(fields) => {
                self.keys(fields);
                fields.values_mut().for_each(|value| self.names(value));
            }
            _ => {}
        }
    }

    fn keys(&mut self, fields: &mut Map<String, Json>) {
        if !fields.keys().any(|key| self.names.clean(key).is_some()) {
            return;
        }
        self.changed = true;
        *fields = std::mem::take(fields)
            .into_iter()
            .map(|(key, value)| (self.names.clean(&key).unwrap_or(key), value))
            .collect();
    }

    /// JSON from outside: records that name the person are emptied.
    fn records(&mut self, json: &mut Json) {
        match json {
            Json::Object(fields) => {
                self.keys(fields);
                let texts = fields.iter().map(|(k, v)| (k.as_str(), v.as_str()));
                if self.about(texts) {
                    fields.values_mut().for_each(empty);
                    self.changed = true;
                } else {
                    fields.values_mut().for_each(|value| self.records(value));
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.records(item)),
            text => self.names(text),
        }
    }

    /// A run's state, where the language's values stand under their kind.
    fn state(&mut self, json: &mut Json) {
        match json {
            Json::Object(fields) => {
                let alone = fields.len() == 1;
                if let (true, Some(outside)) = (alone, fields.get_mut("Json")) {
                    return self.records(outside);
                }
                let of_record = |f: &Json| f.get("ty").is_some() && f["fields"].is_object();
                let record = fields.get("Record").is_some_and(of_record);
                let object = fields.get("Object").is_some_and(Json::is_object);
                let path = match (alone, record, object) {
                    (true, true, _) => Some("/Record/fields"),
                    (true, _, true) => Some("/Object"),
                    _ => None,
                };
                self.keys(fields);
                if let Some(Json::Object(inner)) = path.and_then(|p| json.pointer_mut(p)) {
                    let texts = inner
                        .iter()
                        .map(|(k, v)| (k.as_str(), v.get("Text").and_then(Json::as_str)));
                    if self.about(texts) {
                        inner.values_mut().for_each(empty_value);
                        self.changed = true;
                        return;
                    }
                }
                if let Json::Object(fields) = json {
                    fields.values_mut().for_each(|value| self.state(value));
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.state(item)),
            text => self.names(text),
        }
    }

    /// A journal's entry, where JSON from outside stands in three fields.
    fn entry(&mut self, json: &mut Json) {
        for field in ["args", "value", "fields"] {
            if let Some(outside) = json.pointer_mut(&format!("/what/{field}")) {
                self.records(outside);
            }
        }
        self.names(json);
    }

    /// Whether one of these texts is a name; what the person is called besides is noted then.
    fn about<'t>(&mut self, texts: impl Iterator<Item = (&'t str, Option<&'t str>)>) -> bool {
        let texts: Vec<(&str, &str)> = texts.filter_map(|(k, v)| Some((k, v?))).collect();
        if !texts.iter().any(|(_, text)| self.names.is(text)) {
            return false;
        }
        // Where a record names its user apart, its own id is another thing's.
        let apart = texts
            .iter()
            .any(|(key, _)| matches!(*key, "userId" | "user_id"));
        for (key, text) in texts {
            if IDENTITIES.contains(&key)
                && !(apart && key == "id")
                && !self.names.is(text)
                && text != ERASED
                && text.chars().count() > 2
            {
                self.also.insert(text.to_owned());
            }
        }
        true
    }
}

/// Empties every text.
fn empty(json: &mut Json) {
    match json {
        Json::String(text) => ERASED.clone_into(text),
        Json::Array(items) => items.iter_mut().for_each(empty),
        Json::Object(fields) => fields.values_mut().for_each(empty),
        _ => {}
    }
}

/// Empties every text of a value of the language, and leaves its kinds, types and members.
fn empty_value(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            for (kind, inner) in fields.iter_mut() {
                match kind.as_str() {
                    "Text" | "Json" => empty(inner),
                    "Member" | "Secret" => {}
                    "ty" if inner.is_string() => {}
                    _ => empty_value(inner),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(empty_value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::Value;
    use counterplay_machine::journal::{Entry, What};
    use serde_json::json;
    use std::sync::Arc;

    fn clean(holds: Holds, text: &str) -> (Option<String>, Vec<String>) {
        let names = Names::new(&["dana@acme.example".into()]).expect("long enough");
        let mut also = BTreeSet::new();
        let out = column(holds, text, &names, &mut also).expect("cleaned");
        (out, also.into_iter().collect())
    }

    #[test]
    fn a_value_about_the_person_is_emptied_and_stays_a_value() {
        let person = Value::record(
            "User",
            [
                ("id", Value::text("u-17")),
                ("email", Value::text("Dana@acme.example")),
                ("phone", Value::text("+49 170 1234567")),
                ("tries", Value::Int(3)),
                ("raw", Value::Json(Arc::new(json!({ "city": "Ulm" })))),
            ],
        );
        let other = Value::record("User", [("email", Value::text("bob@acme.example"))]);
        let told = Value::text("dana@acme.example was locked by bob@acme.example");
        let all = Value::List(vec![person, other.clone(), told]);
        let text = serde_json::to_string(&all).expect("JSON");
        let (out, also) = clean(Holds::State, &text);
        assert_eq!(also, ["u-17"]);
        let back: Value = serde_json::from_str(&out.expect("changed")).expect("a value");
        let gone = || Value::text(ERASED);
        let emptied = Value::record(
            "User",
            [
                ("id", gone()),
                ("email", gone()),
                ("phone", gone()),
                ("tries", Value::Int(3)),
                ("raw", Value::Json(Arc::new(json!({ "city": ERASED })))),
            ],
        );
        let left = Value::text("[erased] was locked by bob@acme.example");
        assert_eq!(back, Value::List(vec![emptied, other, left]));
    }

    #[test]
    fn an_entry_stays_an_entry() {
        for what in [
            What::Voted {
                by: "dana@acme.example".into(),
                approve: true,
                comment: Some("I, dana@acme.example, agree".into()),
                answer: None,
                instead_of: Some("dana@acme.example".into()),
                by_link: false,
            },
            What::Performed {
                action: "lock".into(),
                value: json!({ "mail": "dana@acme.example", "phone": "0170" }),
                accepted: None,
            },
        ] {
            let entry = Entry {
                at_ms: 1,
                node: None,
                path: String::new(),
                what,
            };
            let text = serde_json::to_string(&entry).expect("JSON");
            let out = clean(Holds::Entry, &text).0.expect("changed");
            assert!(!out.contains("dana") && !out.contains("0170"), "{out}");
            let back: Entry = serde_json::from_str(&out).expect("an entry");
            assert_eq!(
                std::mem::discriminant(&back.what),
                std::mem::discriminant(&entry.what)
            );
        }
    }

    #[test]
    fn payloads_go_whole_and_others_stay_as_they_are() {
        let (out, _) = clean(Holds::Payload, r#"{"a":{"b":"dana@acme.example"},"c":"d"}"#);
        assert_eq!(out.as_deref(), Some("\"[erased]\""));
        assert_eq!(
            clean(Holds::Payload, r#"{"a":"jordana@acme.example"}"#).0,
            None
        );
        let (out, _) = clean(Holds::Text, "why: dana@acme.example is away");
        assert_eq!(out.as_deref(), Some("why: [erased] is away"));
        let (out, _) = clean(Holds::Text, r#"{"dana@acme.example":["x"]}"#);
        assert_eq!(out.as_deref(), Some(r#"{"[erased]":["x"]}"#));
    }
}
