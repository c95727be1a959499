//! A declaration's parameters in, a line that uses it out. Entities come first and by place, everything else by name,
//! as people write it; what may be left out is left out.

use super::Kind;
use super::Text;
use crate::syntax::ast::{Expr, Param, TypeRefKind};

/// A line of a playbook that calls something.
pub fn call(kind: Kind, called: &str, params: &[Param], has_result: bool) -> String {
    let needed: Vec<&Param> = params.iter().filter(|p| p.default.is_none()).collect();
    let mut by_place = true;
    let args: Vec<String> = needed
        .iter()
        .enumerate()
        .map(|(i, param)| {
            let name = &param.name.text;
            // An argument by place stands where its parameter stands.
            let in_place = params.get(i).is_some_and(|p| p.name.text == *name);
            by_place &= in_place && (i == 0 || is_named_type(param));
            // In a playbook `team` stands for all teams of the project.
            let value = match name.as_str() {
                "team" if is_named_type(param) => "team.soc",
                "team" => "team_name",
                other => other,
            };
            if by_place {
                value.to_owned()
            } else {
                format!("{name}: {value}")
            }
        })
        .collect();
    let call = format!("{called}({})", args.join(", "));
    match kind {
        Kind::Query | Kind::Define => format!("let answer = {call}"),
        _ if has_result => format!("let result = {call}"),
        _ => call,
    }
}

/// A type of the library's or the project's own, as entities are.
fn is_named_type(param: &Param) -> bool {
    let TypeRefKind::Name(segments) = &param.ty.kind else {
        return false;
    };
    !segments.iter().any(|s| {
        matches!(
            s.text.as_str(),
            "Text" | "Int" | "Number" | "Bool" | "Duration" | "Time" | "ClockTime" | "Json"
        )
    })
}

/// A default, as written.
pub fn default(text: Text<'_>, default: Option<&Expr>) -> String {
    default.map_or(String::new(), |d| text.at(d.span))
}
