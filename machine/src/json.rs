//! JSON in, a typed value out, or the path, what was expected and what was found.

use crate::duration;
use crate::types::{Type, Types};
use crate::value::{Record, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Why JSON does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// Where: `raw.evidence[2].userAccount.azureAdUserId`.
    pub path: String,
    /// What the place wants: `a time such as 2026-01-31T08:00:00Z`.
    pub expected: String,
    /// What stands there: `the text "2025-09-18T15:14:17+0530577Z"`, `nothing`.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.path, self.expected, self.found
        )
    }
}

/// Converts JSON to a type. Extra fields are ignored; services add them without notice.
pub fn convert(types: &Types, json: &Json, ty: &Type, path: &str) -> Result<Value, Mismatch> {
    convert_at(types, json, ty, &At::Root(path))
}

/// A place, spelled out only where something does not fit.
enum At<'a> {
    Root(&'a str),
    Item(&'a At<'a>, usize),
    Field(&'a At<'a>, &'a str),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root(path) => f.write_str(path),
            At::Item(list, index) => write!(f, "{list}[{index}]"),
            At::Field(object, name) => write!(f, "{object}.{name}"),
        }
    }
}

fn convert_at(types: &Types, json: &Json, ty: &Type, path: &At<'_>) -> Result<Value, Mismatch> {
    let mismatch = |expected: String| {
        Err(Mismatch {
            path: path.to_string(),
            expected,
            found: describe(json),
        })
    };
    match (ty, json) {
        (Type::Optional(_), Json::Null) => Ok(Value::Absent),
        (Type::Optional(inner), _) => convert_at(types, json, inner, path),
        (Type::Json | Type::Unknown, _) => Ok(Value::Json(Arc::new(json.clone()))),
        (Type::Text, Json::String(s)) => Ok(Value::text(s)),
        (Type::Bool, Json::Bool(b)) => Ok(Value::Bool(*b)),
        (Type::Int, Json::Number(n)) => match n.as_i64() {
            Some(i) => Ok(Value::Int(i)),
            None => mismatch("a whole number".into()),
        },
        (Type::Number, Json::Number(n)) => match n.as_f64() {
            Some(f) => Ok(Value::Number(f)),
            None => mismatch("a number".into()),
        },
        (Type::Time, Json::String(s)) => match duration::parse_time_ms(s) {
            Some(ms) => Ok(Value::Time(ms)),
            None => mismatch(noun(types, ty)),
        },
        (Type::Duration, Json::String(s)) => match parse_duration(s) {
            Some(ms) => Ok(Value::Duration(ms)),
            None => mismatch(noun(types, ty)),
        },
        (Type::Clock, Json::String(s)) => match parse_clock(s) {
            Some(minutes) => Ok(Value::Clock(minutes)),
            None => mismatch(noun(types, ty)),
        },
        (Type::Enum(name), Json::String(s)) => {
            match types.enums.get(name).and_then(|e| e.from_wire(name, s)) {
                Some(member) => Ok(member),
                None => mismatch(noun(types, ty)),
            }
        }
        (Type::List(inner), Json::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(i, item)| convert_at(types, item, inner, &At::Item(path, i)))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::List),
        (Type::Record(name), Json::Object(object)) => {
            let Some(record) = types.records.get(name) else {
                return mismatch(noun(types, ty));
            };
            let mut fields = BTreeMap::new();
            for (field, field_ty) in &record.fields {
                let value = object.get(&**field).unwrap_or(&Json::Null);
                let at = At::Field(path, field);
                fields.insert(field.clone(), convert_at(types, value, field_ty, &at)?);
            }
            Ok(Value::Record(Arc::new(Record {
                ty: name.clone(),
                fields,
            })))
        }
        _ => mismatch(noun(types, ty)),
    }
}

/// JSON as text in which the order of keys does not matter: for keys and comparisons of what was seen before.
pub fn canonical(json: &Json) -> String {
    fn write(json: &Json, out: &mut String) {
        match json {
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            Json::Object(object) => {
                let ordered: BTreeMap<&String, &Json> = object.iter().collect();
                out.push('{');
                for (i, (name, value)) in ordered.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    text(name, out);
                    out.push(':');
                    write(value, out);
                }
                out.push('}');
            }
            Json::String(s) => text(s, out),
            other => out.push_str(&other.to_string()),
        }
    }
    fn text(s: &str, out: &mut String) {
        // A text can always be written as JSON.
        out.push_str(&serde_json::to_string(s).unwrap_or_default());
    }
    let mut out = String::new();
    write(json, &mut out);
    out
}

/// Reads a time of the clock such as `07:00`, in minutes since midnight.
pub fn parse_clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// Reads a duration such as `4h` or `1h 30m`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut any = false;
    for part in text.split_whitespace() {
        let split = part.find(|c: char| !c.is_ascii_digit())?;
        let size = match &part[split..] {
            "ms" => 1,
            "s" => duration::SECOND_MS,
            "m" => duration::MINUTE_MS,
            "h" => duration::HOUR_MS,
            "d" => duration::DAY_MS,
            _ => return None,
        };
        total = total.checked_add(part[..split].parse::<i64>().ok()?.checked_mul(size)?)?;
        any = true;
    }
    any.then_some(total)
}

/// What a type wants, for people.
pub fn noun(types: &Types, ty: &Type) -> String {
    match ty {
        Type::Text => "a text".into(),
        Type::Int => "a whole number".into(),
        Type::Number => "a number".into(),
        Type::Bool => "true or false".into(),
        Type::Duration => "a duration such as \"4h\"".into(),
        Type::Time => "a time such as \"2026-01-31T08:00:00Z\"".into(),
        Type::Clock => "a clock time such as \"07:00\"".into(),
        Type::Enum(name) => match types.enums.get(name) {
            Some(e) => format!(
                "one of {}",
                e.members
                    .iter()
                    .map(|(_, w)| format!("\"{w}\""))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            None => format!("a {name}"),
        },
        Type::List(inner) => format!("a list, each element {}", noun(types, inner)),
        Type::Optional(inner) => noun(types, inner),
        Type::Record(name) => format!("an object with the fields of {name}"),
        Type::Secret(_) => "a secret".into(),
        other => format!("a {other}"),
    }
}

/// What JSON is, for people, cut to a readable length.
pub fn describe(json: &Json) -> String {
    match json {
        Json::Null => "nothing".into(),
        Json::Bool(b) => format!("{b}"),
        Json::Number(n) => format!("the number {n}"),
        Json::String(s) => {
            let short: String = s.chars().take(60).collect();
            let dots = if short.len() < s.len() { "…" } else { "" };
            format!("the text \"{short}{dots}\"")
        }
        Json::Array(items) => format!("a list of {}", items.len()),
        Json::Object(_) => "an object".into(),
    }
}
