//! Deliveries with a signature in, committed arrivals out. The tenant is the webhook's.

use super::events::Accepted;
use crate::app::App;
use crate::http::{Path, Refused, read_json, whole};
use crate::problem::Problem;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use counterplay_runtime::connect::{
    SIGNATURE_HEADER, SecretValue, TIMESTAMP_HEADER, verify_delivery,
};
use counterplay_runtime::engine::HookDelivery;

/// Deliver to a webhook
///
/// Signed with the webhook's secret: `X-Counterplay-Timestamp` holds the seconds since the Unix epoch,
/// `X-Counterplay-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 over the time stamp, a dot and the body. A time
/// stamp more than five minutes off is refused; the same delivery is accepted once.
#[utoipa::path(post, path = "/hooks/{name}", tag = "triggers",
    operation_id = "deliverHook", security(()),
    params(("name" = String, Path, description = "The webhook's name in counterplay.toml"),
        ("X-Counterplay-Timestamp" = String, Header, description = "Seconds since the Unix epoch"),
        ("X-Counterplay-Signature" = String, Header, description = "`sha256=` and the signature in hexadecimal")),
    request_body(content((serde_json::Value = "application/json"))),
    responses((status = 202, description = "Kept; runs start from it", body = Accepted), Refused))]
pub async fn deliver(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let deployment = app.engine.deployment();
    let hook = deployment
        .webhooks
        .get(&name)
        .ok_or_else(|| Problem::not_found(format!("there is no webhook `{name}`")))?;
    let bytes = whole(body).await?;
    let look_up = || async {
        app.secrets.get(&hook.secret).await.map_err(|error| {
            tracing::error!(hook = name, %error, "the secret of a webhook cannot be read");
            Problem::unavailable("the webhook's secret cannot be read now; the log has the cause")
        })
    };
    let secret = look_up().await?;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let verify = |secret: &SecretValue| {
        verify_delivery(
            secret.expose().as_bytes(),
            header(TIMESTAMP_HEADER),
            header(SIGNATURE_HEADER),
            &bytes,
            app.clock.now_ms(),
        )
        .map_err(|error| Problem::unauthorized(error.to_string()))
    };
    let verified = match verify(&secret) {
        Ok(verified) => verified,
        Err(refusal) => {
            // The secret may have been replaced where it is kept.
            app.secrets.refused(&hook.secret, &secret);
            let now = look_up().await?;
            if now == secret {
                return Err(refusal);
            }
            verify(&now)?
        }
    };
    let payload = read_json(&bytes)?;
    let delivery = HookDelivery {
        hook: name,
        payload,
        signature: Some(verified.signature),
        source: None,
    };
    let receipt = app.engine.accept_hook(delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(receipt.into())))
}
