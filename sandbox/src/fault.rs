//! In: a description of trouble. Out: whether it strikes this request.

use serde::{Deserialize, Serialize};

/// Trouble that strikes the next requests that it matches.
///
/// As JSON (`POST /sandbox/faults`): `{"method":"POST","path_contains":"/wipe","times":2,"kind":"throttle","retry_after_s":2}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The HTTP method that it strikes; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Text that path and query, as sent or decoded, must contain; empty strikes every path.
    #[serde(default)]
    pub path_contains: String,
    /// How many requests it strikes before it is over.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

/// What happens to a request that a [`Fault`] strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// 429 with `Retry-After`, or without (as Identity Protection does); nothing is performed.
    Throttle {
        /// Seconds to wait.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// This status with an error body in the service's shape; nothing is performed.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
    /// The connection closes without an answer, before anything is performed.
    DropConnection,
    /// The request is performed, then the connection closes without an answer.
    DropAfter,
    /// 200 with a body that is not JSON, as from a proxy in between; nothing is performed.
    Garbage,
    /// The request is performed and answered this much later.
    Slow {
        /// Milliseconds of delay.
        ms: u64,
    },
}

impl Fault {
    /// A fault that strikes one request whose path contains this text, whatever its method.
    pub fn new(path_contains: impl Into<String>, kind: FaultKind) -> Fault {
        Fault {
            method: None,
            path_contains: path_contains.into(),
            times: 1,
            kind,
        }
    }

    /// The same fault, for one method only.
    pub fn on(mut self, method: impl Into<String>) -> Fault {
        self.method = Some(method.into());
        self
    }

    /// The same fault, striking this often.
    pub fn times(mut self, times: u32) -> Fault {
        self.times = times;
        self
    }

    /// Whether it strikes a request with this method and target.
    pub(crate) fn strikes(&self, method: &str, target: &str) -> bool {
        let decoded = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        self.times > 0
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && (target.contains(&self.path_contains) || decoded.contains(&self.path_contains))
    }
}
