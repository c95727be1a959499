//! In: events for PagerDuty. Out: incidents, one for all events of a key as long as it is open.
//!
//! Source: PagerDuty "Events API v2", pages "Send an alert event" and "Overview" (answers, de-duplication).

use axum::http::Method;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::tenant::{PagerIncident, PagerStatus};
use crate::world::World;

/// How long a routing key is.
const ROUTING_KEY_LENGTH: usize = 32;
/// How long the key of an event may be.
const DEDUP_KEY_MAX: usize = 255;
/// How long a summary may be.
const SUMMARY_MAX: usize = 1024;

/// `POST /pagerduty/v2/enqueue`
pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    if call.path()[..] != ["v2", "enqueue"] {
        return Err(Problem::no_such_path(call));
    }
    if call.method != Method::POST {
        return Err(Problem::method_not_allowed());
    }
    let body = call.json().map_err(|_| invalid("Invalid JSON"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = text("routing_key");
    if key.len() != ROUTING_KEY_LENGTH {
        return Err(invalid(format!(
            "Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)"
        )));
    }
    if key != world.tenant.pager.routing_key {
        return Err(invalid("Invalid routing key"));
    }
    let given = text("dedup_key");
    if given.len() > DEDUP_KEY_MAX {
        return Err(invalid("'dedup_key' is too long"));
    }
    let status = match text("event_action") {
        "trigger" => PagerStatus::Triggered,
        "acknowledge" => PagerStatus::Acknowledged,
        "resolve" => PagerStatus::Resolved,
        _ => {
            return Err(invalid(
                "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
            ));
        }
    };
    if status != PagerStatus::Triggered && given.is_empty() {
        return Err(invalid("'dedup_key' is missing or blank"));
    }
    let payload = match status {
        PagerStatus::Triggered => Some(payload(&body)?),
        _ => None,
    };
    let key = match given {
        "" => world.guid("event"),
        given => given.to_owned(),
    };
    let incidents = &mut world.tenant.pager.incidents;
    let open = incidents
        .iter_mut()
        .find(|incident| incident.dedup_key == key && incident.status != PagerStatus::Resolved);
    match (payload, open) {
        (Some(_), Some(incident)) => incident.triggers += 1,
        (Some((summary, source, severity)), None) => incidents.push(PagerIncident {
            dedup_key: key.clone(),
            status,
            summary,
            source,
            severity,
            triggers: 1,
            opened: ids::now(),
        }),
        (None, Some(incident)) => incident.status = status,
        // What is about no open incident is taken and changes nothing.
        (None, None) => {}
    }
    Ok(Reply::json(
        202,
        json!({"status": "success", "message": "Event processed", "dedup_key": key}),
    ))
}

/// The three members that every alert has: summary, source and severity.
fn payload(body: &Value) -> Result<(String, String, String), Problem> {
    let payload = body.get("payload");
    let text = |name: &str| {
        let value = payload.and_then(|payload| payload.get(name)?.as_str());
        value
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| invalid(format!("'payload.{name}' is missing or blank")))
    };
    let (summary, source, severity) = (text("summary")?, text("source")?, text("severity")?);
    if summary.chars().count() > SUMMARY_MAX {
        return Err(invalid("'payload.summary' is too long"));
    }
    if !["critical", "error", "warning", "info"].contains(&severity.as_str()) {
        return Err(invalid(
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        ));
    }
    Ok((summary, source, severity))
}

fn invalid(error: impl Into<String>) -> Problem {
    Problem::new(400, "invalid event", error)
}
