//! Values at run time: typed, serialisable, and printable for people.

use crate::duration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a text has the form of Microsoft's ids: `7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003`, in whatever letters. Services
/// write the same id in small letters or in capitals (RFC 9562, section 4: either is to be read).
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A value of the language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// The empty case of `T?`.
    Absent,
    /// `Bool`.
    Bool(bool),
    /// `Int`.
    Int(i64),
    /// `Number`.
    Number(f64),
    /// `Text`.
    Text(Arc<str>),
    /// `Duration`, in milliseconds.
    Duration(i64),
    /// `Time`, in milliseconds since the Unix epoch.
    Time(i64),
    /// `ClockTime`, in minutes since midnight.
    Clock(u16),
    /// A member of an enum.
    Member(Arc<Member>),
    /// A record.
    Record(Arc<Record>),
    /// A JSON object written in source; its values are typed.
    Object(BTreeMap<Arc<str>, Value>),
    /// `List<T>`.
    List(Vec<Value>),
    /// `Json` from outside, not yet converted.
    Json(Arc<serde_json::Value>),
    /// `Secret<T>`: where the secret comes from, never the secret itself.
    Secret(SecretSource),
}

/// A member of an enum.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The enum's qualified name.
    pub ty: Arc<str>,
    /// The member's name.
    pub name: Arc<str>,
    /// Its place in the declaration, from 0; the order where the enum is ordered.
    pub rank: u32,
    /// Its value on the wire.
    pub wire: Arc<str>,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.ty == other.ty && self.name == other.name
    }
}

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The type's qualified name.
    pub ty: Arc<str>,
    /// The fields.
    pub fields: BTreeMap<Arc<str>, Value>,
}

/// Where a secret comes from. The value is looked up at the call and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretSource {
    /// A secret of the deployment, by name.
    Named(Arc<str>),
    /// A password made for one call. It is derived from the deployment's master key and the call's
    /// id, so that a repeated call sends the same one and no copy of it is stored anywhere.
    Generated(Arc<str>),
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Value {
        Value::Text(Arc::from(text.as_ref()))
    }

    /// A record of a type.
    pub fn record<K: AsRef<str>>(ty: &str, fields: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Record(Arc::new(Record {
            ty: Arc::from(ty),
            fields: fields
                .into_iter()
                .map(|(name, value)| (Arc::from(name.as_ref()), value))
                .collect(),
        }))
    }

    /// Whether the value is there.
    pub fn is_present(&self) -> bool {
        match self {
            Value::Absent => false,
            Value::Json(json) => !json.is_null(),
            _ => true,
        }
    }

    /// A field of a record, an object or JSON.
    pub fn get(&self, field: &str) -> Option<Value> {
        match self {
            Value::Record(record) => record.fields.get(field).cloned(),
            Value::Object(fields) => fields.get(field).cloned(),
            Value::Json(json) => json.get(field).map(|v| Value::Json(Arc::new(v.clone()))),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Json(json) => json.as_str(),
            _ => None,
        }
    }

    /// What identifies an entity across events: its type and id. Other values identify themselves.
    pub fn entity_key(&self) -> String {
        match self {
            Value::Record(record) => match record.fields.get("id") {
                Some(id) => format!("{}:{}", record.ty, id.plain()),
                None => self.plain(),
            },
            other => other.plain(),
        }
    }

    /// SHA-256 of the value, in hexadecimal; of a secret where it comes from counts, never the secret itself.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        // Serialising plain data to memory cannot fail; an empty part would be equal to no other value.
        hasher.update(serde_json::to_vec(self).unwrap_or_default());
        let digest = hasher.finalize();
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// How an entity is called among people: its name, else its e-mail address, else its id.
    pub fn label(&self) -> String {
        match self {
            Value::Record(record) => ["name", "title", "number", "email", "id"]
                .iter()
                .find_map(|f| record.fields.get(*f).filter(|v| v.is_present()))
                .map_or_else(|| record.ty.to_string(), Value::plain),
            Value::List(items) => items
                .iter()
                .map(Value::label)
                .collect::<Vec<_>>()
                .join(", "),
            other => other.plain(),
        }
    }

    /// The value as a person reads it; never a secret.
    pub fn plain(&self) -> String {
        match self {
            Value::Absent => "absent".into(),
            Value::Bool(b) => b.to_string(),
            Value::Int(i) => i.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Text(text) => text.to_string(),
            Value::Duration(ms) => duration::format_ms(*ms),
            Value::Time(ms) => duration::format_time_ms(*ms),
            Value::Clock(minutes) => format!("{:02}:{:02}", minutes / 60, minutes % 60),
            Value::Member(member) => member.name.to_string(),
            Value::Record(_) => self.label(),
            Value::Object(_) | Value::Json(_) => crate::json::canonical(&self.redacted_json()),
            Value::List(items) => items
                .iter()
                .map(Value::plain)
                .collect::<Vec<_>>()
                .join(", "),
            Value::Secret(_) => "[secret]".into(),
        }
    }

    /// The value as JSON for journals, timelines and APIs; secrets are replaced.
    pub fn redacted_json(&self) -> serde_json::Value {
        self.to_json(&|_| serde_json::Value::String("[secret]".into()))
    }

    /// The value as JSON; `secret` says what stands for a secret.
    pub fn to_json(
        &self,
        secret: &dyn Fn(&SecretSource) -> serde_json::Value,
    ) -> serde_json::Value {
        use serde_json::Value as J;
        match self {
            Value::Absent => J::Null,
            Value::Bool(b) => J::Bool(*b),
            Value::Int(i) => J::from(*i),
            Value::Number(n) => J::from(*n),
            Value::Text(text) => J::String(text.to_string()),
            Value::Duration(_) | Value::Time(_) | Value::Clock(_) => J::String(self.plain()),
            Value::Member(member) => J::String(member.wire.to_string()),
            Value::Record(record) => J::Object(
                record
                    .fields
                    .iter()
                    .map(|(k, v)| (k.to_string(), v.to_json(secret)))
                    .collect(),
            ),
            Value::Object(fields) => J::Object(
                fields
                    .iter()
                    .map(|(k, v)| (k.to_string(), v.to_json(secret)))
                    .collect(),
            ),
            Value::List(items) => J::Array(items.iter().map(|v| v.to_json(secret)).collect()),
            Value::Json(json) => (**json).clone(),
            Value::Secret(source) => secret(source),
        }
    }

    /// Whether a secret lies in it, other than a team's own.
    pub fn exposes_secret(&self) -> bool {
        match self {
            Value::Secret(_) => true,
            Value::Record(record) => {
                &*record.ty != "Team" && record.fields.values().any(Value::exposes_secret)
            }
            Value::Object(fields) => fields.values().any(Value::exposes_secret),
            Value::List(items) => items.iter().any(Value::exposes_secret),
            _ => false,
        }
    }

    /// A short name of the kind of value, for messages about a mismatch.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Absent => "nothing",
            Value::Bool(_) => "a Bool",
            Value::Int(_) => "an Int",
            Value::Number(_) => "a Number",
            Value::Text(_) => "a Text",
            Value::Duration(_) => "a Duration",
            Value::Time(_) => "a Time",
            Value::Clock(_) => "a clock time",
            Value::Member(_) => "an enum member",
            Value::Record(_) => "a record",
            Value::Object(_) | Value::Json(_) => "Json",
            Value::List(_) => "a List",
            Value::Secret(_) => "a Secret",
        }
    }
}
