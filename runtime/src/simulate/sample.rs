//! A type in, a value that it could have out: what a simulation assumes when nobody gave an answer.

use counterplay_machine::Value;
use counterplay_machine::duration::HOUR_MS;
use counterplay_machine::types::{EnumType, Type, Types};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records inside records end here; types may contain themselves.
const DEPTH_MAX: u32 = 6;

/// The answer that is assumed for a query: no, nothing, an empty list, else a sample.
pub(super) fn assumed(types: &Types, ty: &Type, now_ms: i64) -> Value {
    match ty {
        Type::Bool => Value::Bool(false),
        Type::List(_) => Value::List(Vec::new()),
        other => sample(types, other, now_ms),
    }
}

/// A list with one sample element, for a trigger that goes over a list: an empty one would show nothing.
pub(super) fn one_element(types: &Types, ty: &Type, now_ms: i64) -> Value {
    match ty.present() {
        Type::List(inner) => Value::List(vec![sample(types, inner, now_ms)]),
        other => assumed(types, other, now_ms),
    }
}

/// A value of a type, with readable placeholders.
pub(crate) fn sample(types: &Types, ty: &Type, now_ms: i64) -> Value {
    Sampler { types, now_ms }.value(ty, "value", "Value", 0)
}

struct Sampler<'a> {
    types: &'a Types,
    now_ms: i64,
}

impl Sampler<'_> {
    /// `field` and `owner` say what the value stands for: `name` of a `User`.
    fn value(&self, ty: &Type, field: &str, owner: &str, depth: u32) -> Value {
        match ty {
            Type::Text => Value::text(text(field, owner)),
            Type::Int => Value::Int(1),
            Type::Number => Value::Number(1.0),
            Type::Bool => Value::Bool(false),
            Type::Duration => Value::Duration(HOUR_MS),
            Type::Time => Value::Time(self.now_ms),
            Type::Clock => Value::Clock(9 * 60),
            Type::Json => Value::Json(Arc::new(json!({}))),
            Type::List(_) | Type::Event(_) if depth > 0 => Value::List(Vec::new()),
            Type::List(inner) => Value::List(vec![self.value(inner, field, owner, depth + 1)]),
            Type::Enum(name) => self
                .types
                .enums
                .get(name)
                .and_then(|e| member(e, name))
                .unwrap_or(Value::Absent),
            Type::Record(name) if depth < DEPTH_MAX => self.record(name, depth),
            // A message to a sample person has somewhere to go.
            Type::Optional(inner) if **inner == Type::Text && field == "email" => {
                Value::text(text(field, owner))
            }
            Type::Optional(_)
            | Type::Secret(_)
            | Type::Record(_)
            | Type::Event(_)
            | Type::Nothing
            | Type::Unknown => Value::Absent,
        }
    }

    fn record(&self, name: &Arc<str>, depth: u32) -> Value {
        let short = name.rsplit('.').next().unwrap_or(name);
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        if let Some(record) = self.types.records.get(name) {
            for (field, ty) in &record.fields {
                fields.insert(field.clone(), self.value(ty, field, short, depth + 1));
            }
        }
        Value::record(name, fields)
    }
}

fn text(field: &str, owner: &str) -> String {
    let lower = owner.to_lowercase();
    match field {
        "id" => format!("{lower}-1"),
        "name" | "title" | "display_name" => format!("Sample {owner}"),
        "email" | "mail" | "principal" | "upn" | "address" => format!("sample.{lower}@example.org"),
        "number" => "1".into(),
        _ => format!("sample {}", field.replace('_', " ")),
    }
}

/// A member that says something: the first that is not `unknown`.
fn member(of: &EnumType, name: &Arc<str>) -> Option<Value> {
    let (first, _) = of
        .members
        .iter()
        .find(|(n, _)| &**n != "unknown")
        .or(of.members.first())?;
    of.member(name, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::types::RecordType;

    #[test]
    fn samples_are_readable_and_end() {
        let mut types = Types::default();
        let user: Arc<str> = Arc::from("entra.User");
        let field = |name: &str, ty| (Arc::from(name), ty);
        types.records.insert(
            user.clone(),
            RecordType {
                fields: vec![
                    field("id", Type::Text),
                    field("name", Type::Text),
                    field("email", Type::Optional(Box::new(Type::Text))),
                    field("manager", Type::Record(user.clone())),
                ],
            },
        );
        let value = sample(&types, &Type::Record(user.clone()), 0);
        assert_eq!(value.get("id"), Some(Value::text("user-1")));
        assert_eq!(value.label(), "Sample User");
        assert_eq!(
            value.get("email"),
            Some(Value::text("sample.user@example.org"))
        );
        assert_eq!(
            assumed(&types, &Type::List(Box::new(Type::Record(user))), 0),
            Value::List(vec![])
        );
        assert_eq!(assumed(&types, &Type::Bool, 0), Value::Bool(false));
    }
}
