//! A type in, a plausible value out: what a simulated action answers.

use counterplay_machine::Value;
use counterplay_machine::types::{Type, Types};

/// Deep enough for every declared result; a record that contains itself ends here.
const DEPTH_MAX: u32 = 8;

/// A value of a type.
pub(super) fn sample(types: &Types, ty: &Type, now_ms: i64) -> Value {
    of(types, ty, now_ms, 0)
}

fn of(types: &Types, ty: &Type, now_ms: i64, depth: u32) -> Value {
    match ty {
        Type::Text => Value::text("sample"),
        Type::Int => Value::Int(1),
        Type::Number => Value::Number(1.0),
        Type::Bool => Value::Bool(true),
        Type::Duration => Value::Duration(0),
        Type::Time => Value::Time(now_ms),
        Type::Clock => Value::Clock(0),
        Type::Json => Value::Json(serde_json::Value::Null.into()),
        Type::List(_) => Value::List(Vec::new()),
        Type::Enum(name) => types
            .enums
            .get(name)
            .and_then(|e| e.member(name, e.members.first().map_or("", |(n, _)| n)))
            .unwrap_or(Value::Absent),
        Type::Record(name) if depth < DEPTH_MAX => match types.records.get(name) {
            Some(record) => Value::record(
                name,
                record
                    .fields
                    .iter()
                    .map(|(n, t)| (n.clone(), of(types, t, now_ms, depth + 1))),
            ),
            None => Value::Absent,
        },
        _ => Value::Absent,
    }
}
