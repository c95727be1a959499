//! The body of a delivery to a webhook in; the record that a playbook reads, the entities that are still
//! to be found, or a precise rejection out. Pure.

use crate::ingest;
use crate::json::{self, Mismatch};
use crate::playbook::Webhook;
use crate::types::{Type, Types};
use crate::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

/// How paths of mismatches begin: `body.user`.
pub const ROOT: &str = "body";

/// A body that fits a playbook's type.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    ty: Arc<str>,
    fields: Vec<(Arc<str>, Value)>,
    /// The entities that the body names by their ids, in the order of the fields.
    pub sought: Vec<Sought>,
    /// Wire values that no enum member stands for, as paths; they were read as `unknown`.
    pub unlisted: Vec<String>,
}

/// An entity that is known by its id only.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    /// The field.
    pub field: Arc<str>,
    /// The query that finds it.
    pub query: Arc<str>,
    /// Its id.
    pub id: Arc<str>,
    /// The field's type.
    pub ty: Type,
}

impl Body {
    /// Fills in an entity that was found.
    pub fn found(&mut self, field: &str, value: Value) {
        for (name, at) in &mut self.fields {
            if **name == *field {
                *at = value;
                return;
            }
        }
    }

    /// The record. Entities that were not filled in are absent.
    pub fn record(self) -> Value {
        Value::record(&self.ty, self.fields)
    }
}

/// Reads a body for a playbook that listens to a webhook. Extra fields are ignored; fields that hold
/// an entity are given as its id.
///
/// # Errors
/// Where the body does not fit: path, expected and found.
pub fn read(types: &Types, hook: &Webhook, body: &Json) -> Result<Body, Mismatch> {
    let wrong = |expected: &str| Mismatch {
        path: ROOT.into(),
        expected: expected.into(),
        found: json::describe(body),
    };
    let Json::Object(object) = body else {
        return Err(wrong("an object"));
    };
    let Type::Record(ty) = &hook.ty else {
        return Err(wrong("a type that is a record"));
    };
    let Some(record) = types.records.get(ty) else {
        return Err(wrong(&format!("the type {ty}, which is not declared")));
    };
    let mut read = Body {
        ty: ty.clone(),
        fields: Vec::new(),
        sought: Vec::new(),
        unlisted: Vec::new(),
    };
    for (name, field) in &record.fields {
        let given = object.get(&**name).unwrap_or(&Json::Null);
        let path = format!("{ROOT}.{name}");
        let value = match hook.lookups.get(name) {
            None => json::convert(types, given, field, &path)?,
            Some(query) => {
                if let Some(id) = id(given, field, path)? {
                    read.sought.push(Sought {
                        field: name.clone(),
                        query: query.clone(),
                        id,
                        ty: field.clone(),
                    });
                }
                Value::Absent
            }
        };
        ingest::note_unlisted(&format!("{ROOT}.{name}"), &value, &mut read.unlisted);
        read.fields.push((name.clone(), value));
    }
    Ok(read)
}

/// The id that stands for an entity; nothing where the field may be absent and is.
fn id(given: &Json, ty: &Type, path: String) -> Result<Option<Arc<str>>, Mismatch> {
    match given {
        Json::Null if ty.is_optional() => Ok(None),
        Json::String(id) if !id.trim().is_empty() => Ok(Some(Arc::from(id.as_str()))),
        other => Err(Mismatch {
            path,
            expected: format!("the id of a {}, as a text", short(ty.present())),
            found: json::describe(other),
        }),
    }
}

/// A type's name without its module, as senders know it.
fn short(ty: &Type) -> String {
    let full = ty.to_string();
    full.rsplit('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Slot;
    use crate::types::{EnumType, RecordType};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn types() -> Types {
        let arc = |t: &str| Arc::<str>::from(t);
        let user = Type::Record(arc("prelude.User"));
        let leaver = RecordType {
            fields: vec![
                (arc("user"), user.clone()),
                (arc("manager"), Type::Optional(Box::new(user))),
                (arc("kind"), Type::Enum(arc("hr.Kind"))),
                (arc("reason"), Type::Optional(Box::new(Type::Text))),
                (arc("last_day"), Type::Time),
            ],
        };
        let kind = EnumType {
            ordered: false,
            members: vec![
                (arc("unknown"), arc("unknown")),
                (arc("resigned"), arc("Resigned")),
            ],
        };
        Types {
            records: BTreeMap::from([(arc("hr.Leaver"), leaver)]),
            enums: BTreeMap::from([(arc("hr.Kind"), kind)]),
        }
    }

    fn hook() -> Webhook {
        Webhook {
            name: "offboarding".into(),
            ty: Type::Record("hr.Leaver".into()),
            slot: Slot(0),
            lookups: BTreeMap::from([
                ("user".into(), "entra.user".into()),
                ("manager".into(), "entra.user".into()),
            ]),
        }
    }

    fn refused(body: Json) -> String {
        read(&types(), &hook(), &body)
            .expect_err("does not fit")
            .to_string()
    }

    #[test]
    fn entities_are_given_by_their_ids_and_found_later() {
        let body = json!({"user": "u-17", "kind": "Resigned", "last_day": "2026-11-30T17:00:00Z", "more": 1});
        let mut read = read(&types(), &hook(), &body).expect("fits");
        assert_eq!(read.sought.len(), 1);
        assert_eq!(&*read.sought[0].id, "u-17");
        assert_eq!(&*read.sought[0].query, "entra.user");
        read.found("user", Value::text("Ana"));
        let Value::Record(record) = read.record() else {
            panic!("a record");
        };
        assert_eq!(record.fields["user"], Value::text("Ana"));
        assert_eq!(record.fields["manager"], Value::Absent);
        assert!(!record.fields.contains_key("more"));
    }

    #[test]
    fn a_body_that_does_not_fit_is_told_where() {
        let whole =
            json!({"user": {"id": "u-17"}, "kind": "Resigned", "last_day": "2026-11-30T17:00:00Z"});
        assert_eq!(
            refused(whole),
            "body.user: expected the id of a User, as a text, found an object"
        );
        let blank = json!({"user": " ", "kind": "Resigned", "last_day": "2026-11-30T17:00:00Z"});
        assert!(refused(blank).starts_with("body.user: expected the id of a User"));
        let late = json!({"user": "u-17", "kind": "Resigned", "last_day": "Friday"});
        assert!(refused(late).starts_with("body.last_day: expected a time"));
        assert!(refused(json!([1])).starts_with("body: expected an object"));
    }

    #[test]
    fn unlisted_wire_values_are_noted() {
        let body = json!({"user": "u-17", "kind": "Retired", "last_day": "2026-11-30T17:00:00Z"});
        let read = read(&types(), &hook(), &body).expect("fits");
        assert_eq!(read.unlisted, ["body.kind"]);
    }
}
