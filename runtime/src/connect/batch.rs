//! Reads of one tenant in, the one request that asks for all of them out; then its answer in, an answer for each out.
//! Pure.
//!
//! Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching". A batch has at most 20 requests; each
//! has a status of its own, also 429 with a `Retry-After` of its own; the order is not kept.

use super::tries::retry_after_ms;
use serde_json::{Map, Value as Json, json};

/// How many requests a batch may hold.
pub(super) const REQUESTS_MAX: usize = 20;

/// A read that is to go with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// The address below the connection's base, with its query: `/users/x?$select=id`.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

/// What the service answered to one of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub status: u16,
    pub retry_after_ms: Option<i64>,
    pub body: Json,
}

/// The body that asks for all of these; each is known by its place.
pub(super) fn body(reads: &[&Read]) -> Json {
    let requests: Vec<Json> = reads
        .iter()
        .enumerate()
        .map(|(place, read)| {
            let mut request = json!({"id": place.to_string(), "method": "GET", "url": read.url});
            if !read.headers.is_empty() {
                let headers = read.headers.iter();
                let headers: Map<String, Json> = headers
                    .map(|(name, value)| (name.clone(), value.as_str().into()))
                    .collect();
                request["headers"] = headers.into();
            }
            request
        })
        .collect();
    json!({ "requests": requests })
}

/// The answers, by the places of their requests; nothing for one that was left out.
pub(super) fn parts(answer: &mut Json, count: usize, now_ms: i64) -> Vec<Option<Part>> {
    let mut parts: Vec<Option<Part>> = (0..count).map(|_| None).collect();
    let responses = answer.get_mut("responses").and_then(Json::as_array_mut);
    for response in responses.into_iter().flatten() {
        let place = response["id"]
            .as_str()
            .and_then(|id| id.parse::<usize>().ok());
        let status = response["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let (Some(place), Some(status)) = (place, status) else {
            continue;
        };
        let asked = response["headers"].as_object().and_then(|headers| {
            let named = |(name, _): &(&String, &Json)| name.eq_ignore_ascii_case("retry-after");
            let (_, value) = headers.iter().find(named)?;
            // As a text by the documents; a number is what people write.
            match value {
                Json::String(text) => retry_after_ms(text, now_ms),
                Json::Number(seconds) => seconds.as_i64()?.checked_mul(1_000),
                _ => None,
            }
        });
        let body = response.get_mut("body").map(Json::take).unwrap_or_default();
        if let Some(part) = parts.get_mut(place) {
            *part = Some(Part {
                status,
                retry_after_ms: asked,
                body,
            });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Read {
        Read {
            url: url.to_owned(),
            headers: Vec::new(),
        }
    }

    #[test]
    fn reads_become_one_request() {
        let second = Read {
            headers: vec![("ConsistencyLevel".into(), "eventual".into())],
            ..read("/users?$count=true")
        };
        assert_eq!(
            body(&[&read("/users/a"), &second]),
            json!({"requests": [
                {"id": "0", "method": "GET", "url": "/users/a"},
                {"id": "1", "method": "GET", "url": "/users?$count=true",
                 "headers": {"ConsistencyLevel": "eventual"}},
            ]})
        );
    }

    #[test]
    fn each_answer_finds_its_request_whatever_the_order() {
        let mut answer = json!({"responses": [
            {"id": "2", "status": 429, "headers": {"retry-after": "7"},
             "body": {"error": {"code": "TooManyRequests"}}},
            {"id": "0", "status": 200, "body": {"id": "a"}},
            {"id": "9", "status": 200, "body": {"id": "nobody asked"}},
            {"id": "x", "status": 200},
            {"id": "3", "status": 204, "headers": {"Retry-After": 5}},
        ]});
        let part = |status, retry_after_ms, body| {
            Some(Part {
                status,
                retry_after_ms,
                body,
            })
        };
        assert_eq!(
            parts(&mut answer, 4, 0),
            [
                part(200, None, json!({"id": "a"})),
                None,
                part(
                    429,
                    Some(7_000),
                    json!({"error": {"code": "TooManyRequests"}})
                ),
                part(204, Some(5_000), Json::Null),
            ]
        );
        assert_eq!(parts(&mut json!("nonsense"), 1, 0), [None]);
    }
}
