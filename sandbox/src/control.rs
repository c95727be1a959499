//! In: what a person or a test asks of the sandbox itself. Out: state, log, faults.

use axum::http::Method;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Problem, Reply};
use crate::fault::Fault;
use crate::tenant::Tenant;
use crate::world::World;

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    match (&call.path()[..], &call.method) {
        ([], &Method::GET) => Ok(Reply::text(200, index(world))),
        (["state"], &Method::GET) => Ok(Reply::json(200, shown(&world.tenant)?)),
        (["state"], &Method::PATCH) => patch(world, call),
        (["requests"], &Method::GET) => Ok(Reply::json(200, shown(&world.requests())?)),
        (["faults"], &Method::GET) => Ok(Reply::json(200, shown(&world.faults)?)),
        (["faults"], &Method::POST) => add_faults(world, call),
        (["faults"], &Method::DELETE) => {
            world.faults.clear();
            Ok(Reply::empty(204))
        }
        (["reset"], &Method::POST) => {
            world.reset();
            Ok(Reply::empty(204))
        }
        ([] | ["state" | "requests" | "faults" | "reset"], _) => Err(Problem::method_not_allowed()),
        _ => Err(Problem::no_such_path(call)),
    }
}

fn shown(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value)
        .map_err(|error| Problem::new(500, "InternalError", error.to_string()))
}

/// Takes one fault or a list.
fn add_faults(world: &mut World, call: &Call) -> Answer {
    let body = call.json()?;
    let list = match body {
        Value::Array(_) => serde_json::from_value::<Vec<Fault>>(body),
        one => serde_json::from_value::<Fault>(one).map(|fault| vec![fault]),
    };
    let faults =
        list.map_err(|error| Problem::bad_request(format!("This is not a fault: {error}.")))?;
    world.faults.extend(faults);
    Ok(Reply::json(201, json!({"faults": shown(&world.faults)?})))
}

/// Changes the state by a JSON merge patch (RFC 7396).
fn patch(world: &mut World, call: &Call) -> Answer {
    let mut state = shown(&world.tenant)?;
    merge(&mut state, call.json()?);
    let tenant: Tenant = serde_json::from_value(state)
        .map_err(|error| Problem::bad_request(format!("This is no tenant any more: {error}.")))?;
    world.tenant = tenant;
    Ok(Reply::json(200, shown(&world.tenant)?))
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    if let Some(target) = target.as_object_mut() {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(&name);
            } else {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

fn index(world: &World) -> String {
    let tenant = &world.tenant;
    format!(
        "Counterplay sandbox: {name}, tenant {id}

  /login/{id}/oauth2/v2.0/token                   Microsoft identity platform
  /graph/v1.0                                     Microsoft Graph
  /exchange/adminapi/beta/{id}/InvokeCommand      Exchange Online cmdlets
  /halo/auth/token, /halo/api                     HaloPSA
  /teams/{{team}}/{{key}}                             Teams Workflows webhook
  /slack/services/{{a}}/{{b}}/{{c}}                     Slack incoming webhook
  /pagerduty/v2/enqueue                           PagerDuty events
  /hooks/{{name}}                                   signed webhooks

  GET    /sandbox/state       everything that it holds (PATCH: JSON merge patch)
  GET    /sandbox/requests    every call that arrived
  POST   /sandbox/faults      add trouble: {{\"path_contains\":\"/wipe\",\"times\":1,\"kind\":\"throttle\",\"retry_after_s\":2}}
  POST   /sandbox/reset       back to the start

Holds {users} users, {devices} devices, {tickets} tickets, {mails} mails, {chat} chat messages.
",
        name = tenant.display_name,
        id = tenant.id,
        users = tenant.users.len(),
        devices = tenant.devices.len(),
        tickets = tenant.tickets.len(),
        mails = tenant.mails.len(),
        chat = tenant.chat.len(),
    )
}
