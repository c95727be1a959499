//! Rows of people, their sessions and API tokens in, the same out. Secrets come as digests only.
//!
//! Who may do what is decided by the caller; roles are names here.

mod people_accounts;
mod sessions;
mod tokens;

pub use people_accounts::{NewPerson, PersonChange, PersonRow};
pub use sessions::{NewSession, SessionRow};
pub use tokens::{NewToken, TokenRow};

use super::{Fault, codec};

/// A list of tenants as it is stored: JSON, or nothing for every tenant.
fn encode_tenants(tenants: Option<&[String]>) -> Result<Option<String>, Fault> {
    tenants
        .map(|names| codec::encode("a list of tenants", &names))
        .transpose()
}

fn decode_tenants(text: Option<String>) -> Result<Option<Vec<String>>, Fault> {
    text.map(|t| codec::decode("a list of tenants", &t))
        .transpose()
}
