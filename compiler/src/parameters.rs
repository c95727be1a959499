//! What tenants set in `counterplay.toml` in, typed values and what is wrong with them out.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::near;
use crate::project::ProjectFile;
use counterplay_machine::types::{Type, Types};
use counterplay_machine::{Program, Value, json};
use serde_json::Value as Json;

/// The findings of parameters and services.
pub fn check(file: &ProjectFile, program: &Program, index: &Index) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (tenant, name, key, place) in &file.parameters {
        let Some(parameter) = program.parameters.get(name.as_str()) else {
            let known = || program.parameters.keys().map(|k| &**k);
            let mut diagnostic = Diagnostic::error(
                codes::PARAMETER,
                format!("this project has no parameter `{name}`"),
                key.clone(),
                "sets nothing",
            );
            diagnostic = match near::best(name, known()) {
                Some(near) => diagnostic.fix(format!("write `{near}`"), false, key.clone(), near),
                None if program.parameters.is_empty() => diagnostic.help(format!(
                    "declare it beside the playbooks: `param {name}: TYPE = DEFAULT`"
                )),
                None => diagnostic.help(format!("it has {}", near::menu(known()))),
            };
            found.push(diagnostic);
            continue;
        };
        let Some(Value::Json(written)) = file
            .deployment
            .tenants
            .get(tenant)
            .and_then(|t| t.parameters.get(name))
        else {
            continue;
        };
        if let Err(reason) = typed(&program.types, written, &parameter.ty) {
            let mut diagnostic = Diagnostic::error(
                codes::PARAMETER,
                format!(
                    "`{name}` is {}, and this is not one",
                    crate::check::convert::article(&parameter.ty)
                ),
                place.clone(),
                reason,
            );
            if let Some(def) = index.params.get(name) {
                diagnostic = diagnostic.also(def.place(), "declared here");
            }
            found.push(diagnostic);
        }
    }
    let known = index.services();
    for (service, place) in &file.services {
        if known.contains(service.as_str()) {
            continue;
        }
        let names = || known.iter().copied();
        let mut diagnostic = Diagnostic::error(
            codes::NOT_IN_PROJECT,
            format!("there is no service `{service}`"),
            place.clone(),
            "neither a module with actions nor a connection",
        );
        diagnostic = match near::best(service, names()) {
            Some(near) => diagnostic.fix(
                format!("write \"{near}\""),
                false,
                place.clone(),
                format!("\"{near}\""),
            ),
            None => diagnostic.help(format!("there are {}", near::menu(names()))),
        };
        found.push(diagnostic);
    }
    found
}

/// Gives the tenants' parameters their types; what does not fit is left out, and [`check`] tells of it.
pub fn convert(file: &mut ProjectFile, program: &Program) {
    for tenant in file.deployment.tenants.values_mut() {
        let written = std::mem::take(&mut tenant.parameters);
        tenant.parameters = written
            .into_iter()
            .filter_map(|(name, value)| {
                let parameter = program.parameters.get(name.as_str())?;
                let Value::Json(written) = &value else {
                    return Some((name, value));
                };
                Some((name, typed(&program.types, written, &parameter.ty).ok()?))
            })
            .collect();
    }
}

/// A value of TOML as a type of the language: durations and clock times are written as texts.
fn typed(types: &Types, written: &Json, ty: &Type) -> Result<Value, String> {
    match (ty, written) {
        (Type::Duration, Json::String(text)) => match json::parse_duration(text) {
            Some(ms) if ms > 0 => Ok(Value::Duration(ms)),
            _ => Err("a duration is written as \"48h\" or \"1d 12h\"".into()),
        },
        (Type::Duration, _) => Err("a duration is a text such as \"48h\"".into()),
        (Type::List(inner), Json::Array(items)) => {
            let all = items.iter().map(|item| typed(types, item, inner));
            all.collect::<Result<Vec<_>, _>>().map(Value::List)
        }
        (Type::Enum(name), Json::String(word)) => types
            .enums
            .get(name)
            .and_then(|e| e.member(name, word))
            .ok_or_else(|| {
                let members = types.enums.get(name).map_or(Vec::new(), |e| {
                    e.members.iter().map(|(m, _)| &**m).collect()
                });
                format!("the members are {}", near::menu(members))
            }),
        _ => json::convert(types, written, ty, "the value").map_err(|m| m.to_string()),
    }
}
