//! Requests in, typed parts or problem documents out: what every route shares.

mod auth;
mod body;
mod cookie;
mod etag;
mod finish;
mod guard;
mod idempotency;
mod parts;
mod refused;

pub use auth::{Auth, Visitor, authenticate};
pub use body::{BODY_BYTES_MAX, Body, read_json};
pub(crate) use body::{read_form, whole};
pub use cookie::add_cookie;
pub use etag::{Etag, IfMatch};
pub use finish::finish;
pub use guard::{security_headers, whole_problems};
pub use idempotency::{IdempotencyKey, remember};
pub use parts::{Path, Query};
pub use refused::Refused;
