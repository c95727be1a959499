//! In: wishes to be told of changes. Out: "subscription resource type", once the address has given back a token.
//!
//! Pages: "Create subscription", "List subscriptions", "Update subscription", "Delete subscription". Users can be
//! subscribed to; other resources are refused.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::only;
use crate::call::{Answer, Call, Problem, Reply};
use crate::odata;
use crate::world::World;

/// The longest life of a subscription to users: 41,760 minutes ("Maximum length of subscription per resource type").
const LIFE_MAX: SignedDuration = SignedDuration::from_mins(41_760);
/// The longest `clientState`, in characters.
const STATE_MAX: usize = 128;

/// A subscription that was set up.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub id: String,
    pub changes: Vec<String>,
    pub notification_url: String,
    pub lifecycle_url: Option<String>,
    pub resource: String,
    pub client_state: Option<String>,
    pub expires: Timestamp,
}

/// The address that has to give back a token before this call is answered.
pub(crate) fn address(call: &Call) -> Option<String> {
    if call.method != Method::POST || call.path()[..] != ["v1.0", "subscriptions"] {
        return None;
    }
    let body = call.object_or_empty().ok()?;
    Some(body.get("notificationUrl")?.as_str()?.to_owned())
}

/// The refusal where the address did not give it back.
pub(crate) fn not_validated(reason: &str) -> Problem {
    Problem::new(
        400,
        "ValidationError",
        format!("Subscription validation request failed. {reason}"),
    )
}

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match path {
        [] if call.method == Method::POST => create(world, call),
        [] => {
            only(call, &Method::GET)?;
            let all = world.subscriptions.iter().map(wire).collect();
            odata::list(all, call, "subscriptions")
        }
        [id] => one(world, call, id),
        _ => Err(Problem::no_such_path(call)),
    }
}

fn one(world: &mut World, call: &Call, id: &str) -> Answer {
    let at = world.subscriptions.iter().position(|s| s.id == id);
    let at =
        at.ok_or_else(|| Problem::new(404, "ResourceNotFound", "The object was not found."))?;
    match call.method {
        Method::DELETE => {
            world.subscriptions.remove(at);
            Ok(Reply::empty(204))
        }
        Method::GET => Ok(Reply::json(200, wire(&world.subscriptions[at]))),
        Method::PATCH => {
            let expires = expires(&call.object_or_empty()?)?;
            world.subscriptions[at].expires = expires;
            Ok(Reply::json(200, wire(&world.subscriptions[at])))
        }
        _ => Err(Problem::method_not_allowed()),
    }
}

fn create(world: &mut World, call: &Call) -> Answer {
    let body = call.object_or_empty()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let wanted = |name: &str| {
        text(name).ok_or_else(|| Problem::bad_request(format!("'{name}' is a required property.")))
    };
    let changes: Vec<String> = wanted("changeType")?
        .split(',')
        .map(str::to_owned)
        .collect();
    if changes
        .iter()
        .any(|c| !["created", "updated", "deleted"].contains(&c.as_str()))
    {
        return Err(Problem::bad_request("Invalid 'changeType' specified."));
    }
    let resource = wanted("resource")?;
    if resource.trim_matches('/') != "users" {
        let message = format!("Resource '{resource}' is not supported.");
        return Err(Problem::bad_request(message));
    }
    let client_state = text("clientState");
    if client_state
        .as_ref()
        .is_some_and(|s| s.chars().count() > STATE_MAX)
    {
        return Err(Problem::bad_request("'clientState' is too long."));
    }
    let made = Subscription {
        id: world.guid("subscription"),
        changes,
        notification_url: wanted("notificationUrl")?,
        lifecycle_url: text("lifecycleNotificationUrl"),
        resource,
        client_state,
        expires: expires(&body)?,
    };
    let shown = wire(&made);
    world.subscriptions.push(made);
    Ok(Reply::json(201, shown))
}

fn expires(body: &Map<String, Value>) -> Result<Timestamp, Problem> {
    let given = body.get("expirationDateTime").and_then(Value::as_str);
    let given: Option<Timestamp> = given.and_then(|text| text.parse().ok());
    let now = crate::ids::instant();
    let latest = now.checked_add(LIFE_MAX).unwrap_or(Timestamp::MAX);
    match given {
        Some(given) if given > now && given <= latest => Ok(given),
        _ => Err(Problem::bad_request(
            "Subscription expiration can only be 41760 minutes in the future.",
        )),
    }
}

/// A subscription as it is shown: `clientState` never is.
fn wire(subscription: &Subscription) -> Value {
    json!({
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": "5f1b3b52-6f0c-4a0e-9a53-0c5e6b6b6f10",
        "changeType": subscription.changes.join(","),
        "clientState": null,
        "notificationUrl": subscription.notification_url,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": odata::time(subscription.expires),
        "latestSupportedTlsVersion": "v1_2",
    })
}
