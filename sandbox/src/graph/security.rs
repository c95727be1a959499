//! In: reads and updates of alerts. Out: "alert" of the namespace microsoft.graph.security.
//!
//! Pages: "List alerts_v2", "Get alert", "Update alert", "Create comment for alert".

use axum::http::Method;
use serde_json::{Value, json};

use super::{not_found, only};
use crate::call::{Answer, Call, Problem};
use crate::ids;
use crate::odata::{self, Shape};
use crate::world::World;

const SHAPE: Shape = Shape {
    context: "security/alerts_v2",
    kind: "microsoft.graph.security.alert",
    default: &[],
    also: &[
        "actorDisplayName",
        "threatDisplayName",
        "threatFamilyName",
        "resolvedDateTime",
    ],
};

pub(super) fn alerts(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match path {
        [] => {
            only(call, &Method::GET)?;
            let all = world.tenant.alerts.values().cloned();
            odata::page(all.collect(), call, &SHAPE)
        }
        [id] => {
            let alerts = &mut world.tenant.alerts;
            let alert = alerts.get_mut(*id).ok_or_else(|| not_found(id))?;
            match call.method {
                Method::GET => {}
                Method::PATCH => update(alert, call)?,
                _ => return Err(Problem::method_not_allowed()),
            }
            odata::entity(alert.clone(), 200, call, &SHAPE)
        }
        [id, "comments"] => {
            only(call, &Method::POST)?;
            let alerts = &mut world.tenant.alerts;
            let alert = alerts.get_mut(*id).ok_or_else(|| not_found(id))?;
            comment(alert, call, id)
        }
        _ => Err(Problem::no_such_path(call)),
    }
}

fn update(alert: &mut Value, call: &Call) -> Result<(), Problem> {
    const STATUS: [&str; 3] = ["new", "inProgress", "resolved"];
    let sent = call.object_or_empty()?;
    for (name, value) in &sent {
        let fits = match (name.as_str(), value) {
            ("status", Value::String(status)) => STATUS.contains(&status.as_str()),
            ("assignedTo", value) => value.is_string() || value.is_null(),
            ("classification" | "determination", value) => value.is_string(),
            _ => false,
        };
        if !fits {
            return Err(Problem::bad_request(format!(
                "Property '{name}' cannot be updated or its value is not valid."
            )));
        }
    }
    if let Some(alert) = alert.as_object_mut() {
        alert.extend(sent);
        alert.insert("lastUpdateDateTime".into(), odata::time(ids::now()));
    }
    Ok(())
}

fn comment(alert: &mut Value, call: &Call, id: &str) -> Answer {
    let sent = call.object_or_empty()?;
    let text = sent.get("comment").and_then(Value::as_str);
    let text = text.ok_or_else(|| Problem::bad_request("The body needs a comment."))?;
    let comment = json!({
        "@odata.type": "#microsoft.graph.security.alertComment",
        "comment": text,
        "createdByDisplayName": "Counterplay",
        "createdDateTime": odata::time(ids::now()),
    });
    let mut comments = match alert.get("comments") {
        Some(Value::Array(list)) => list.clone(),
        _ => Vec::new(),
    };
    comments.push(comment);
    if let Some(alert) = alert.as_object_mut() {
        alert.insert("comments".into(), comments.clone().into());
    }
    odata::list(
        comments,
        call,
        &format!("security/alerts_v2('{id}')/comments"),
    )
}
