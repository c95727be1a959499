//! Change notifications in, objects to be read out. The tenant is in the address, and proved by what only the
//! service was told.
//!
//! Sources: Microsoft Graph, "Receive change notifications through webhooks" (validation, `202` before any
//! work), "Reduce missing change notifications" (lifecycle notifications).

use crate::app::App;
use crate::http::{Path, Query, Refused, read_json, whole};
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use counterplay_runtime::engine::{ChangeTold, Told};
use serde::Deserialize;

/// What the service asks when a subscription is set up.
#[derive(Debug, Deserialize)]
pub struct Validation {
    /// To be given back, which shows that the address is ours.
    #[serde(rename = "validationToken")]
    token: Option<String>,
}

/// A delivery: several notifications, not all of them for the same subscription.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Notifications {
    /// The notifications.
    value: Vec<Notification>,
}

/// That an object has changed, or that a subscription needs something.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The subscription that it is for.
    #[serde(default)]
    subscription_id: String,
    /// What the service was told when the subscription was set up.
    client_state: Option<String>,
    /// The tenant's id.
    tenant_id: Option<String>,
    /// `reauthorizationRequired`, `subscriptionRemoved` or `missed`; no object has changed then.
    lifecycle_event: Option<String>,
    /// The object that has changed.
    resource_data: Option<ResourceData>,
}

/// An object that has changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ResourceData {
    /// Its id.
    id: Option<String>,
}

/// Tell of changes
///
/// For services that a playbook's `subscription` asks. With `validationToken`, the token is given back. Notifications
/// that do not carry what the service was told when the subscription was set up are not heeded.
#[utoipa::path(post, path = "/changes/{tenant}/{event}", tag = "triggers",
    operation_id = "tellOfChanges", security(()),
    params(("tenant" = String, Path, description = "The tenant's name"),
        ("event" = String, Path, description = "The event's name"),
        ("validationToken" = Option<String>, Query, description = "To be given back")),
    request_body(content((Notifications = "application/json"))),
    responses((status = 200, description = "The token", body = String, content_type = "text/plain"),
        (status = 202, description = "What is ours is kept"), Refused))]
pub async fn told(
    State(app): State<App>,
    Path((tenant, event)): Path<(String, String)>,
    Query(validation): Query<Validation>,
    body: Body,
) -> Result<Response, Problem> {
    if let Some(token) = validation.token {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((StatusCode::OK, plain, token).into_response());
    }
    let notifications: Notifications = read_json(&whole(body).await?)?;
    let told = notifications.value.into_iter().map(read).collect();
    let taken = app.engine.accept_changes(&tenant, &event, told).await?;
    if taken.refused > 0 {
        tracing::warn!(%tenant, %event, refused = taken.refused, "notifications that are not ours");
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn read(notification: Notification) -> ChangeTold {
    let object = notification
        .resource_data
        .and_then(|data| data.id)
        .filter(|id| !id.is_empty());
    ChangeTold {
        subscription: notification.subscription_id,
        client_state: notification.client_state.unwrap_or_default(),
        tenant_id: notification.tenant_id,
        what: match (notification.lifecycle_event.as_deref(), object) {
            (None, Some(object)) => Told::Changed(object),
            (Some("reauthorizationRequired"), _) => Told::Renew,
            (Some("subscriptionRemoved"), _) => Told::Removed,
            _ => Told::Missed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told_is_told_apart() {
        let read = |value| read(serde_json::from_value(value).expect("a notification")).what;
        let change = json!({ "subscriptionId": "s", "changeType": "updated", "resourceData": { "id": "u-1" } });
        assert_eq!(read(change), Told::Changed("u-1".into()));
        for (name, told) in [
            ("reauthorizationRequired", Told::Renew),
            ("subscriptionRemoved", Told::Removed),
            ("missed", Told::Missed),
            ("something new", Told::Missed),
        ] {
            assert_eq!(read(json!({ "lifecycleEvent": name })), told, "{name}");
        }
        assert_eq!(read(json!({ "resourceData": {} })), Told::Missed);
    }
}
