//! A request's body in, a typed value or a problem that says where it does not fit out.

use crate::problem::Problem;
use axum::body::{Body as AxumBody, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

/// The largest body that is read; the largest `.play` file has 4 MiB.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// How much of a body that is too large is listened to before it is answered.
const PATIENT_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// A JSON body.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = whole(body).await?;
        json_type(&parts.headers)?;
        read_json(&bytes).map(Body)
    }
}

/// Reads a body to its end, up to [`BODY_BYTES_MAX`]. Some of what is too much is read, too, and thrown away: who is
/// cut off while they send may lose the answer that says why.
pub(crate) async fn whole(mut body: AxumBody) -> Result<Bytes, Problem> {
    let mut kept = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::bad_request("the body broke off before its end; send the request again")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= BODY_BYTES_MAX {
            kept.extend_from_slice(&data);
        } else if seen <= PATIENT_BYTES_MAX {
            kept = Vec::new();
        } else {
            break;
        }
    }
    if seen > BODY_BYTES_MAX {
        return Err(too_large());
    }
    Ok(kept.into())
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "The body is too large",
        format!("a body may have {} MiB", BODY_BYTES_MAX / (1024 * 1024)),
    )
}

/// Whether the body says that it is JSON.
fn json_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    let json = kind.eq_ignore_ascii_case("application/json")
        || (kind.starts_with("application/") && kind.ends_with("+json"));
    if json {
        return Ok(());
    }
    let detail = match given.is_empty() {
        true => "send the header `Content-Type: application/json`".to_owned(),
        false => format!("the body is `{kind}`; send JSON with `Content-Type: application/json`"),
    };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        "Not a type that is read here",
        detail,
    ))
}

/// Reads the fields of a form (`application/x-www-form-urlencoded`).
///
/// # Errors
/// 400 where they do not fit.
pub(crate) fn read_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let deserializer = serde_html_form::Deserializer::from_bytes(bytes);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        Problem::bad_request(format!(
            "the form cannot be read: `{path}`: {}",
            error.into_inner()
        ))
    })
}

/// Reads JSON: 400 where it is none, 422 with the path where it does not fit.
///
/// # Errors
/// The problem to answer with.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    let value = read.map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return Problem::bad_request(format!("the body is not JSON: {inner}"));
        }
        let text = inner.to_string();
        // The position is of no use beside the path.
        let text = text.split(" at line ").next().unwrap_or(&text);
        match path.as_str() {
            "." => Problem::unprocessable(text),
            path => Problem::unprocessable(format!("at `{path}`: {text}")).with("path", path),
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    Ok(value)
}
