//! In: up to 20 requests in one. Out: one answer for each ("Combine multiple HTTP requests using JSON
//! batching"). The batch fails only if it is malformed.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{dispatch, only};
use crate::call::{Answer, Body, Call, Problem, Reply};
use crate::fault::FaultKind;
use crate::http::throttled;
use crate::service::Service;
use crate::world::World;

/// How many requests a batch may hold.
const REQUESTS_MAX: usize = 20;

/// One request of a batch.
struct Item {
    id: String,
    depends_on: Vec<String>,
    call: Call,
}

pub(super) fn answer(world: &mut World, call: &Call) -> Answer {
    only(call, &Method::POST)?;
    let body = call.json()?;
    let sent = body.get("requests").and_then(Value::as_array);
    let sent = sent.ok_or_else(|| Problem::bad_request("The batch needs a list of requests."))?;
    if sent.is_empty() || sent.len() > REQUESTS_MAX {
        return Err(Problem::bad_request(format!(
            "Number of batch request steps must be between 1 and {REQUESTS_MAX}."
        )));
    }
    let mut waiting = Vec::new();
    for request in sent {
        let item = item(call, request)?;
        let known = |id: &&String| sent.iter().any(|other| other["id"] == json!(id));
        if waiting.iter().any(|other: &Item| other.id == item.id) {
            return Err(Problem::bad_request(format!("Duplicate id '{}'.", item.id)));
        }
        if let Some(id) = item.depends_on.iter().find(|id| !known(id)) {
            return Err(Problem::bad_request(format!(
                "dependsOn names '{id}', which is no request."
            )));
        }
        waiting.push(item);
    }

    let batch = world.next();
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut responses = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|item| {
            let mut needs = item.depends_on.iter();
            needs.all(|id| statuses.contains_key(id))
        });
        let Some(ready) = ready else {
            return Err(Problem::bad_request("The dependencies go in a circle."));
        };
        let item = waiting.remove(ready);
        let failed = |id: &String| statuses.get(id).is_none_or(|status| *status >= 400);
        let number = world.record_part(Service::Graph, &item.call, batch);
        let reply = if item.depends_on.iter().any(failed) {
            let problem = Problem::new(
                424,
                "FailedDependency",
                "A request that this one depends on failed.",
            );
            write(world, &item.call, Err(problem))
        } else {
            perform(world, &item.call)
        };
        world.answered(number, reply.status);
        statuses.insert(item.id.clone(), reply.status);
        responses.push(response(&item.id, reply));
    }
    Ok(Reply::json(200, json!({"responses": responses})))
}

fn item(outer: &Call, request: &Value) -> Result<Item, Problem> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (Some(id), Some(method), Some(url)) = (text("id"), text("method"), text("url")) else {
        return Err(Problem::bad_request(
            "Each request needs id, method and url.",
        ));
    };
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Problem::bad_request(format!("'{method}' is no method.")))?;
    let body = match request.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(body) => body.to_string().into_bytes(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in request
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    let depends_on = request.get("dependsOn").and_then(Value::as_array);
    let depends_on = depends_on.into_iter().flatten().filter_map(Value::as_str);
    let target = format!("/graph/v1.0/{}", url.trim_start_matches('/'));
    Ok(Item {
        id: id.to_owned(),
        depends_on: depends_on.map(str::to_owned).collect(),
        call: Call::new(method, outer.origin.clone(), target, 2, headers, body),
    })
}

/// Performs one request. Of the faults, those that answer strike it too.
fn perform(world: &mut World, call: &Call) -> Reply {
    match world.take_fault(call.method.as_str(), &call.target) {
        Some(FaultKind::Throttle { retry_after_s }) => {
            let reply = write(world, call, Err(throttled()));
            match retry_after_s {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }
        }
        Some(FaultKind::Status {
            status,
            code,
            message,
        }) => write(world, call, Err(Problem::new(status, code, message))),
        _ => {
            let answer = dispatch(world, call, &call.path());
            write(world, call, answer)
        }
    }
}

fn write(world: &mut World, call: &Call, answer: Answer) -> Reply {
    match answer {
        Ok(reply) => reply,
        Err(problem) => {
            let trace = world.trace(call);
            Service::Graph.error(&problem, &trace)
        }
    }
}

fn response(id: &str, reply: Reply) -> Value {
    let mut headers = Map::new();
    let body = match reply.body {
        Body::Empty => None,
        Body::Json(value) => {
            headers.insert("Content-Type".into(), "application/json".into());
            Some(value)
        }
        Body::Text(text) => Some(text.into()),
    };
    for (name, value) in reply.headers {
        let name = if name == "retry-after" {
            "Retry-After"
        } else {
            name
        };
        headers.insert(name.into(), value.into());
    }
    let mut response = json!({"id": id, "status": reply.status, "headers": headers});
    if let (Some(body), Some(members)) = (body, response.as_object_mut()) {
        members.insert("body".into(), body);
    }
    response
}
