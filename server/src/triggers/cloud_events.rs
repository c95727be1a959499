//! Headers and a body in; the object in it, what it is called and who it is from out: plain JSON or CloudEvents.
//!
//! Source: CloudEvents 1.0.2, HTTP protocol binding, sections 3.1 (binary) and 3.2 (structured).

use crate::http::read_json;
use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use cloudevents::{AttributesReader, Data, Event};
use counterplay_runtime::Payload;
use serde_json::Value;

/// An object as it was delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The object.
    pub payload: Payload,
    /// The CloudEvent's type.
    pub kind: Option<String>,
    /// What the sender calls it: source and id of a CloudEvent, which together are unique.
    pub source: Option<String>,
}

/// Reads a delivery.
///
/// # Errors
/// 400 where it cannot be read, 415 where it is no JSON.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let binary = headers.contains_key("ce-specversion");
    if binary || kind == "application/cloudevents+json" {
        return cloud_event(headers, body, binary);
    }
    match kind.as_str() {
        "application/json" => Ok(Delivery {
            payload: payload(body)?,
            kind: None,
            source: None,
        }),
        "application/cloudevents-batch+json" => Err(unsupported(
            "CloudEvents are taken one at a time, not as a batch",
        )),
        _ => Err(unsupported(
            "send JSON as `application/json`, or a CloudEvent as `application/cloudevents+json` or with `ce-` headers",
        )),
    }
}

/// The body as it came, where it is JSON; why not is worked out only where it is none.
fn payload(body: &[u8]) -> Result<Payload, Problem> {
    match Payload::read(body) {
        Some(payload) => Ok(payload),
        None => read_json::<Value>(body).map(Payload::from),
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        "Not a type that is read here",
        detail,
    )
}

fn cloud_event(headers: &HeaderMap, body: &[u8], binary: bool) -> Result<Delivery, Problem> {
    let event: Event = if binary {
        cloudevents::binding::http::to_event(headers, body.to_vec()).map_err(|error| {
            Problem::bad_request(format!(
                "the `ce-` headers are not those of a CloudEvent 1.0: {error}"
            ))
        })?
    } else if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_request(
            "not a CloudEvent 1.0: one is a JSON object with `specversion`, `id`, `source` and `type`",
        ));
    } else {
        read_json(body).map_err(|problem| {
            Problem::bad_request(format!("not a CloudEvent 1.0: {}", problem.detail))
        })?
    };
    let data_type = event.datacontenttype().unwrap_or("application/json");
    let data_kind = data_type.split(';').next().unwrap_or_default().trim();
    if !(data_kind.eq_ignore_ascii_case("application/json") || data_kind.ends_with("+json")) {
        return Err(unsupported(&format!(
            "the data of the CloudEvent is `{data_kind}`; JSON is read"
        )));
    }
    let payload = match event.data() {
        Some(Data::Json(value)) => value.into(),
        Some(Data::String(text)) => payload(text.as_bytes())?,
        Some(Data::Binary(bytes)) => payload(bytes)?,
        None => {
            return Err(Problem::unprocessable(
                "the CloudEvent has no data; an event is read from it",
            ));
        }
    };
    Ok(Delivery {
        payload,
        kind: Some(event.ty().to_owned()),
        source: Some(format!("{} {}", event.source(), event.id())),
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use axum::http::{HeaderMap, HeaderValue};
    use serde_json::json;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        given
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).expect("a header value");
                (axum::http::HeaderName::from_static(name), value)
            })
            .collect()
    }

    #[test]
    fn the_three_forms_give_the_same_object() {
        let plain = read(
            &headers(&[("content-type", "application/json; charset=utf-8")]),
            br#"{"a":1}"#,
        )
        .expect("plain");
        let structured = read(
            &headers(&[("content-type", "application/cloudevents+json")]),
            br#"{"specversion":"1.0","id":"7","source":"/siem","type":"defender.alert","data":{"a":1}}"#,
        )
        .expect("structured");
        let binary = read(
            &headers(&[
                ("content-type", "application/json"),
                ("ce-specversion", "1.0"),
                ("ce-id", "7"),
                ("ce-source", "/siem"),
                ("ce-type", "defender.alert"),
            ]),
            br#"{"a":1}"#,
        )
        .expect("binary");
        for delivery in [&plain, &structured, &binary] {
            assert_eq!(delivery.payload, json!({"a": 1}).into());
        }
        assert_eq!(structured, binary);
        assert_eq!(binary.source.as_deref(), Some("/siem 7"));
        assert_eq!(plain.source, None);
    }

    #[test]
    fn what_is_no_event_is_said() {
        let kind = |headers: &HeaderMap, body: &[u8]| read(headers, body).map_err(|p| p.status);
        let json = headers(&[("content-type", "application/json")]);
        assert_eq!(kind(&json, b"{"), Err(400));
        assert_eq!(kind(&headers(&[]), b"{}"), Err(415));
        let cloud = headers(&[("content-type", "application/cloudevents+json")]);
        assert_eq!(kind(&cloud, b"{}"), Err(400));
        let bare = br#"{"specversion":"1.0","id":"7","source":"/s","type":"t"}"#;
        assert_eq!(kind(&cloud, bare), Err(422));
        let broken = headers(&[
            ("content-type", "application/json"),
            ("ce-specversion", "9"),
        ]);
        assert_eq!(kind(&broken, b"{}"), Err(400));
    }
}
