//! What a representation is made of in, its entity tag out; `If-Match` in, whether it still holds out.
//!
//! Source: RFC 9110, sections 8.8.3 and 13.1.1; RFC 6585, section 3 (428).

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The tag of a representation that is made of these parts.
    pub fn of(parts: &[&[u8]]) -> Etag {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let hex: String = hasher.finalize()[..16]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        Etag(format!("\"{hex}\""))
    }

    /// As the header has it.
    pub fn value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// As the header has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The request's `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(Vec<String>);

impl IfMatch {
    /// Whether the representation is still the one that the caller has seen.
    ///
    /// # Errors
    /// 428 where the header is missing, 412 where the representation has changed.
    pub fn check(&self, now: &Etag) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "Say which version you have seen",
                "send the `ETag` of your last GET as `If-Match`, so that nobody's change is overwritten unseen",
            ));
        }
        // Strong comparison: a weak tag never matches.
        if self.0.iter().any(|tag| tag == "*" || *tag == now.0) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "changed-meanwhile",
            "Changed meanwhile",
            "someone has changed it since you read it; read it again, and apply your change to that",
        )
        .with("etag", now.as_str()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Problem> {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        let tags = values
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect();
        Ok(IfMatch(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::{Etag, IfMatch};

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Etag::of(&[b"ab", b"c"]), Etag::of(&[b"a", b"bc"]));
    }

    #[test]
    fn only_what_was_seen_matches() {
        let (now, other) = (Etag::of(&[b"1"]), Etag::of(&[b"2"]));
        let given = |tags: &[&str]| IfMatch(tags.iter().map(|t| (*t).to_owned()).collect());
        assert!(given(&[other.as_str(), now.as_str()]).check(&now).is_ok());
        assert!(given(&["*"]).check(&now).is_ok());
        let weak = format!("W/{}", now.as_str());
        assert_eq!(given(&[&weak]).check(&now).map_err(|p| p.status), Err(412));
        assert_eq!(
            given(&[other.as_str()]).check(&now).map_err(|p| p.status),
            Err(412)
        );
        assert_eq!(given(&[]).check(&now).map_err(|p| p.status), Err(428));
    }
}
