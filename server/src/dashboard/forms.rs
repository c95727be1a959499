//! The types of a trigger in, the fields of a form out; and the form's texts back to JSON values.

use counterplay_machine::playbook::ManualParam;
use counterplay_machine::types::{Type, Types};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What the names of the fields begin with, so that they do not meet `csrf`.
pub const PREFIX: &str = "value.";

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The parameter's name; the form sends [`PREFIX`] and this.
    pub name: String,
    /// The name in words.
    pub label: String,
    /// The type as it is written.
    pub ty: String,
    /// What may be entered.
    pub hint: String,
    /// What takes it.
    pub control: Control,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What stands in it.
    pub value: String,
    /// Why the last value did not fit.
    pub error: Option<String>,
}

/// What takes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A line of text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// One of these: value and words.
    Select(Vec<(String, String)>),
    /// A length of time such as `4h`.
    Duration,
    /// A time in UTC.
    Time,
    /// A time of day.
    Clock,
    /// The id of an entity.
    Entity,
    /// JSON over several lines: records and lists.
    Json,
}

/// The fields of a manual trigger.
pub fn fields(params: &[ManualParam], types: &Types) -> Vec<Field> {
    params
        .iter()
        .map(|param| field(&param.name, &param.ty, param.lookup.as_deref(), types))
        .collect()
}

/// A field for a value of a type; `lookup` is the query that finds an entity by its id.
pub fn field(name: &str, ty: &Type, lookup: Option<&str>, types: &Types) -> Field {
    let (control, hint) = control(ty.present(), lookup, types);
    Field {
        name: name.to_owned(),
        label: words(name),
        ty: ty.to_string(),
        hint,
        control,
        optional: ty.is_optional(),
        value: String::new(),
        error: None,
    }
}

fn control(ty: &Type, lookup: Option<&str>, types: &Types) -> (Control, String) {
    let hint = |text: &str| text.to_owned();
    match ty {
        Type::Text => (Control::Text, String::new()),
        Type::Secret(_) => (Control::Text, hint("A secret: it is shown in no record.")),
        Type::Int => (Control::Int, hint("A whole number.")),
        Type::Number => (Control::Number, hint("A number, such as 2.5.")),
        Type::Bool => (Control::Bool, String::new()),
        Type::Duration => (
            Control::Duration,
            hint("A duration, such as 30m, 4h or 2d."),
        ),
        Type::Time => (Control::Time, hint("A time in UTC.")),
        Type::Clock => (Control::Clock, hint("A time of day.")),
        Type::Enum(name) => match types.enums.get(name) {
            Some(listed) => {
                let options = listed
                    .members
                    .iter()
                    .map(|(name, _)| (name.to_string(), words(name)))
                    .collect();
                let said = if listed.ordered {
                    "From the lowest to the highest."
                } else {
                    ""
                };
                (Control::Select(options), hint(said))
            }
            None => (Control::Text, String::new()),
        },
        Type::Record(name) => {
            let short = name.rsplit('.').next().unwrap_or(name);
            match lookup {
                Some(query) => (
                    Control::Entity,
                    format!(
                        "The id of the {short}. It is looked up with {query} when the run starts."
                    ),
                ),
                None => {
                    let fields: Vec<&str> = types
                        .records
                        .get(name)
                        .map(|r| r.fields.iter().map(|(n, _)| &**n).collect())
                        .unwrap_or_default();
                    (
                        Control::Json,
                        format!("JSON with the fields of {short}: {}.", fields.join(", ")),
                    )
                }
            }
        }
        other => (Control::Json, format!("JSON for {other}.")),
    }
}

/// A name of the source in words: `requested_by` is `Requested by`.
pub fn words(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut chars = spaced.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => spaced,
    }
}

/// Reads what a form sent, by parameter name. Fields get their texts, and a word where one does not fit.
///
/// # Errors
/// The fields with their errors, to show the form again.
pub fn read(
    mut fields: Vec<Field>,
    sent: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Json>, Vec<Field>> {
    let mut values = BTreeMap::new();
    for field in &mut fields {
        let text = sent
            .get(&format!("{PREFIX}{}", field.name))
            .map(|t| t.trim())
            .unwrap_or_default();
        field.value = text.to_owned();
        if text.is_empty() && field.control != Control::Bool {
            if !field.optional {
                field.error = Some("a value is needed".to_owned());
            }
            continue;
        }
        match value(&field.control, text) {
            Ok(value) => {
                values.insert(field.name.clone(), value);
            }
            Err(why) => field.error = Some(why),
        }
    }
    if fields.iter().any(|f| f.error.is_some()) {
        Err(fields)
    } else {
        Ok(values)
    }
}

fn value(control: &Control, text: &str) -> Result<Json, String> {
    Ok(match control {
        Control::Text | Control::Duration | Control::Clock | Control::Entity => json!(text),
        Control::Int => json!(text.parse::<i64>().map_err(|_| "this is no whole number")?),
        Control::Number => json!(
            text.parse::<f64>()
                .ok()
                .filter(|n| n.is_finite())
                .ok_or("this is no number")?
        ),
        Control::Bool => json!(matches!(text, "on" | "true" | "yes")),
        Control::Select(options) => {
            if !options.iter().any(|(value, _)| value == text) {
                return Err("this is not one of the choices".to_owned());
            }
            json!(text)
        }
        // Browsers send the time without seconds and zone.
        Control::Time => match text.len() {
            16 => json!(format!("{text}:00Z")),
            19 => json!(format!("{text}Z")),
            _ => json!(text),
        },
        Control::Json => serde_json::from_str(text).map_err(|e| format!("this is no JSON: {e}"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::types::{EnumType, RecordType};
    use std::sync::Arc;

    fn types() -> Types {
        let mut types = Types::default();
        let member = |name: &str| (Arc::from(name), Arc::from(name));
        types.enums.insert(
            Arc::from("Risk"),
            EnumType {
                ordered: true,
                members: vec![member("low"), member("very_high")],
            },
        );
        types.records.insert(
            Arc::from("entra.User"),
            RecordType {
                fields: vec![
                    (Arc::from("id"), Type::Text),
                    (Arc::from("name"), Type::Text),
                ],
            },
        );
        types
    }

    #[test]
    fn each_type_has_its_control() {
        let types = types();
        let control = |ty: Type| field("x", &ty, None, &types).control;
        assert_eq!(control(Type::Text), Control::Text);
        assert_eq!(control(Type::Int), Control::Int);
        assert_eq!(control(Type::Bool), Control::Bool);
        assert_eq!(control(Type::Duration), Control::Duration);
        assert_eq!(
            control(Type::Enum(Arc::from("Risk"))),
            Control::Select(vec![
                ("low".into(), "Low".into()),
                ("very_high".into(), "Very high".into())
            ])
        );
        assert_eq!(control(Type::List(Box::new(Type::Text))), Control::Json);
        let user = field(
            "asked_by",
            &Type::Optional(Box::new(Type::Record(Arc::from("entra.User")))),
            Some("entra.user"),
            &types,
        );
        assert_eq!((user.control, user.optional), (Control::Entity, true));
        assert_eq!(user.label, "Asked by");
        assert_eq!(
            user.hint,
            "The id of the User. It is looked up with entra.user when the run starts."
        );
    }

    #[test]
    fn texts_become_values_or_words() {
        let types = types();
        let fields = || {
            vec![
                field("count", &Type::Int, None, &types),
                field("risk", &Type::Enum(Arc::from("Risk")), None, &types),
                field("note", &Type::Optional(Box::new(Type::Text)), None, &types),
                field("sure", &Type::Bool, None, &types),
            ]
        };
        let sent = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(k, v)| (format!("{PREFIX}{k}"), (*v).to_owned()))
                .collect()
        };
        let good = read(
            fields(),
            &sent(&[("count", " 3 "), ("risk", "low"), ("note", "")]),
        )
        .expect("values");
        assert_eq!(
            json!(good),
            json!({"count": 3, "risk": "low", "sure": false})
        );
        let bad =
            read(fields(), &sent(&[("count", "three"), ("risk", "urgent")])).expect_err("errors");
        let errors: Vec<Option<&str>> = bad.iter().map(|f| f.error.as_deref()).collect();
        assert_eq!(
            errors,
            [
                Some("this is no whole number"),
                Some("this is not one of the choices"),
                None,
                None
            ]
        );
        assert_eq!(bad[0].value, "three");
    }
}
