//! `NAME=VALUE` as written on a command line in, JSON that fits a playbook's form out.

use crate::error::Failure;
use counterplay_machine::playbook::{ManualParam, Playbook, TriggerKind};
use counterplay_machine::types::Type;
use serde_json::{Map, Value as Json};

/// The form of a playbook that is started by hand.
pub fn form(playbook: &Playbook) -> Option<&[ManualParam]> {
    playbook.triggers.iter().find_map(|t| match &t.kind {
        TriggerKind::Manual(params) => Some(params.as_slice()),
        _ => None,
    })
}

/// Reads the values. A text stays as it is written; everything else is JSON, or a text where it is none.
///
/// # Errors
/// When one has no `=`, or is given twice.
pub fn read(playbook: Option<&Playbook>, given: &[String]) -> Result<Map<String, Json>, Failure> {
    let params = playbook.and_then(form).unwrap_or(&[]);
    let mut out = Map::new();
    for text in given {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::cannot_start(format!(
                "\"{text}\" is not a value; one is written as NAME=VALUE, for instance reason=\"left on a train\""
            )));
        };
        let name = name.trim();
        let is_text = params
            .iter()
            .find(|p| *p.name == *name)
            .is_some_and(|p| p.lookup.is_some() || matches!(p.ty.present(), Type::Text));
        let json = match serde_json::from_str(value) {
            Ok(json) if !is_text => json,
            _ => Json::from(value),
        };
        if out.insert(name.to_owned(), json).is_some() {
            return Err(Failure::cannot_start(format!(
                "the value `{name}` is given twice"
            )));
        }
    }
    Ok(out)
}
