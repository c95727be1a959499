//! In: Identity Protection calls. Out: risk detections and risky users; confirm and dismiss.
//!
//! Pages: "List riskDetections", "List riskyUsers", "riskyUser: confirmCompromised", "riskyUser: dismiss".
//! The limit of one request per second is not kept by itself: inject a throttle fault without `Retry-After`.

use axum::http::Method;
use serde_json::Value;

use super::{find, not_found, only};
use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::odata::{self, Shape};
use crate::tenant::RiskyUser;
use crate::world::World;

/// How many users one call may name.
const USERS_MAX: usize = 60;

const DETECTIONS: Shape = Shape {
    context: "identityProtection/riskDetections",
    kind: "microsoft.graph.riskDetection",
    default: &[],
    also: &["additionalInfo", "location"],
};

const USERS: Shape = Shape {
    context: "identityProtection/riskyUsers",
    kind: "microsoft.graph.riskyUser",
    default: &[],
    also: &[],
};

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match path {
        ["riskDetections"] => {
            only(call, &Method::GET)?;
            let all = world.tenant.risk_detections.values().cloned();
            odata::page(all.collect(), call, &DETECTIONS)
        }
        ["riskDetections", id] => {
            only(call, &Method::GET)?;
            let found = world.tenant.risk_detections.get(*id).cloned();
            odata::entity(found.ok_or_else(|| not_found(id))?, 200, call, &DETECTIONS)
        }
        ["riskyUsers"] => {
            only(call, &Method::GET)?;
            let all = world.tenant.risky_users.values().map(wire);
            odata::page(all.collect(), call, &USERS)
        }
        ["riskyUsers", "confirmCompromised"] => judge(
            world,
            call,
            "high",
            "confirmedCompromised",
            "adminConfirmedUserCompromised",
        ),
        ["riskyUsers", "dismiss"] => judge(
            world,
            call,
            "none",
            "dismissed",
            "adminDismissedAllRiskForUser",
        ),
        ["riskyUsers", id] => {
            only(call, &Method::GET)?;
            let found = world.tenant.risky_users.get(*id).map(wire);
            odata::entity(found.ok_or_else(|| not_found(id))?, 200, call, &USERS)
        }
        _ => Err(Problem::no_such_path(call)),
    }
}

fn wire(user: &RiskyUser) -> Value {
    serde_json::to_value(user).unwrap_or_default()
}

fn judge(world: &mut World, call: &Call, level: &str, state: &str, detail: &str) -> Answer {
    only(call, &Method::POST)?;
    let body = call.json()?;
    let sent = body.get("userIds").and_then(Value::as_array);
    let ids: Option<Vec<&str>> = sent.and_then(|list| list.iter().map(Value::as_str).collect());
    let ids = ids
        .filter(|list| (1..=USERS_MAX).contains(&list.len()))
        .ok_or_else(|| {
            Problem::bad_request(format!("userIds must be a list of 1 to {USERS_MAX} ids."))
        })?;
    let mut judged = Vec::new();
    for id in ids {
        let user = find(&world.tenant, id)?;
        judged.push(RiskyUser {
            id: user.id.clone(),
            is_deleted: false,
            is_processing: false,
            risk_level: level.to_owned(),
            risk_state: state.to_owned(),
            risk_detail: detail.to_owned(),
            risk_last_updated_date_time: ids::now(),
            user_display_name: user.display_name.clone(),
            user_principal_name: user.user_principal_name.clone(),
        });
    }
    for user in judged {
        world.tenant.risky_users.insert(user.id.clone(), user);
    }
    Ok(Reply::empty(204))
}
