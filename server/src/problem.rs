//! Something that went wrong in, a problem document (RFC 9457) out.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the type URIs begin with; each leads to a heading of `docs/api.md`.
const TYPE: &str = "/docs/problems#";

/// A kind of problem, for the page that the type URIs lead to.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The end of the type URI.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it means and what to do.
    pub about: &'static str,
}

/// Every kind of problem that is answered with, in the order of their statuses.
pub const KINDS: [Kind; 15] = [
    Kind {
        name: "bad-request",
        status: 400,
        about: "The request cannot be read: the body is not JSON, or a header or a value of the query is none that is known. Mend the request.",
    },
    Kind {
        name: "unauthorized",
        status: 401,
        about: "There is no credential, or it does not hold any longer: it has expired, was revoked, or its session has ended. For webhooks: the signature is wrong or too old.",
    },
    Kind {
        name: "forbidden",
        status: 403,
        about: "The credential is known and does not allow this. The detail names the role that does.",
    },
    Kind {
        name: "not-found",
        status: 404,
        about: "There is no such thing, or it belongs to a tenant that is not the caller's.",
    },
    Kind {
        name: "method",
        status: 405,
        about: "The address does not take this method; the header Allow has those that it takes.",
    },
    Kind {
        name: "timeout",
        status: 408,
        about: "The request was not finished in time. Look what became of it, or send it again with the same Idempotency-Key.",
    },
    Kind {
        name: "conflict",
        status: 409,
        about: "Not possible in the present state: the approval is over, the playbook is paused, another deploy came first. Read the state again.",
    },
    Kind {
        name: "changed-meanwhile",
        status: 412,
        about: "Somebody changed it after it was read. Read it again, look at the difference, and send the new ETag as If-Match.",
    },
    Kind {
        name: "too-large",
        status: 413,
        about: "The body has more than 6 MiB.",
    },
    Kind {
        name: "media-type",
        status: 415,
        about: "The body is of a type that is not read here. Send JSON with Content-Type: application/json.",
    },
    Kind {
        name: "unprocessable",
        status: 422,
        about: "The body was read and its content does not fit. The member path says where; diagnostics has the findings about a source that does not check; dead_letter is the number under which an event was kept.",
    },
    Kind {
        name: "precondition-required",
        status: 428,
        about: "A change needs If-Match with the ETag of the last read, so that nobody's change is overwritten unseen.",
    },
    Kind {
        name: "too-many",
        status: 429,
        about: "Too many attempts to log in, or too many events of a tenant that wait. Nothing was taken; wait for as many seconds as Retry-After says.",
    },
    Kind {
        name: "internal",
        status: 500,
        about: "A fault of Counterplay. The log of the service has the cause.",
    },
    Kind {
        name: "unavailable",
        status: 503,
        about: "Not possible now; the same request may succeed after as many seconds as Retry-After says.",
    },
];

/// A problem document, media type `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// Identifies the kind; the kinds are listed in `docs/api.md`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and what to do.
    pub detail: String,
    /// Further members, such as `diagnostics`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Box<Map<String, Value>>,
    /// Seconds to wait, sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem of a kind, such as `not-found`.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("{TYPE}{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            more: Box::default(),
            retry_after_s: None,
        }
    }

    /// With a further member.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.more.insert(name.to_owned(), value);
        self
    }

    /// 400: the request itself cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be read",
            detail,
        )
    }

    /// 401: no credential, or one that is not (any longer) known.
    pub fn unauthorized(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Credentials missing or wrong",
            detail,
        )
    }

    /// 403: known, and not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 404: not there, or of a tenant that the caller may not know of.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 409: not possible in the present state.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", "Not possible now", detail)
    }

    /// 422: read, and its content does not fit.
    pub fn unprocessable(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unprocessable",
            "The content does not fit",
            detail,
        )
    }

    /// 500: our fault.
    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "A fault of Counterplay",
            "something failed that should not; the log has the cause",
        )
    }

    /// 429: too much was asked; the same request may succeed after as many seconds.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Problem {
        let mut problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many",
            "Too much at once",
            detail,
        );
        problem.retry_after_s = Some(retry_after_s);
        problem
    }

    /// 503: the service cannot do it now; the same request may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not possible now",
            detail,
        );
        problem.retry_after_s = Some(5);
        problem
    }
}

impl From<counterplay_runtime::store::StoreError> for Problem {
    fn from(error: counterplay_runtime::store::StoreError) -> Problem {
        use counterplay_runtime::store::StoreError;
        tracing::error!(%error, "the store refuses");
        Problem::unavailable(match error {
            StoreError::Full(_) => {
                "the disk of the service is full; nothing of this was taken".into()
            }
            StoreError::Locked(_) => {
                "another program holds the store of the service; nothing of this was taken".into()
            }
            other => other.to_string(),
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
