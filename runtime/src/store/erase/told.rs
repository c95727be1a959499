//! A person's names in; the erasures that the chains record of them out. And a record of an erasure that goes itself in;
//! what later records have to say of it out.
//!
//! Such a record names the person by HMAC-SHA256 under the master key, of the tenant, a line feed and the name in lower
//! case. So nobody can tell who it was but whoever has the key and the name.

use super::super::{Fault, Store, StoreError, Tx, codec};
use super::Erasure;
use super::names::Names;
use serde_json::{Value as Json, json};

/// What the key that names are digested with is derived for.
const PURPOSE: &str = "erased person";

/// An erasure of a person, as a chain records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The name that was asked for, in lower case.
    pub name: String,
    /// The tenant; `""` for what concerns the whole installation.
    pub tenant: String,
    /// The number of the record that says so.
    pub seq: i64,
    /// When it was erased, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who erased; `None` where that was erased since.
    pub by: Option<String>,
}

impl Store {
    /// The erasures of a person under these names, in the order of names, tenants and time.
    ///
    /// # Errors
    /// When a name is too short for one, or the store or its master key cannot be read.
    pub async fn erasures_of(&self, whom: Erasure) -> Result<Vec<Recorded>, StoreError> {
        let names = Names::of(&whom)?;
        self.read(move |tx| {
            let mut out = Vec::new();
            let chains = tx.audit_chains(whom.tenants.as_deref())?;
            for name in names.given() {
                for tenant in &chains {
                    tx.recorded(name, tenant, &mut out)?;
                }
            }
            Ok(out)
        })
        .await
    }
}

impl Tx<'_> {
    fn recorded(&self, name: &str, tenant: &str, out: &mut Vec<Recorded>) -> Result<(), Fault> {
        let wanted = Json::from(self.digest_of(tenant, name)?);
        let names = |told: &Json| {
            told["person"]
                .as_array()
                .is_some_and(|p| p.contains(&wanted))
        };
        for (seq, text) in self.erasures(tenant)? {
            let record: Json = codec::decode("an audit record", &text)?;
            let detail = &record["detail"];
            let mut add = |at_ms: &Json, by: Option<&str>| {
                out.push(Recorded {
                    name: name.to_owned(),
                    tenant: tenant.to_owned(),
                    seq,
                    at_ms: at_ms.as_i64().unwrap_or_default(),
                    by: by.map(str::to_owned),
                });
            };
            for earlier in detail["earlier"].as_array().into_iter().flatten() {
                if names(earlier) {
                    add(&earlier["at_ms"], None);
                }
            }
            if names(detail) {
                add(&record["at_ms"], record["actor"].as_str());
            }
        }
        Ok(())
    }

    /// Who it was, for those who know the name and have the key.
    pub(super) fn digest_of(&self, tenant: &str, name: &str) -> Result<String, Fault> {
        let about = format!("{tenant}\n{name}");
        Ok(codec::hex(&self.derived(PURPOSE, about.as_bytes())?))
    }
}

/// What is kept of a record of an erasure that goes itself: when, and who was erased. Not who erased.
pub(super) fn kept_of(text: &str) -> Vec<Json> {
    let mut record: Json = codec::decode("an audit record", text).unwrap_or(Json::Null);
    let own = json!({ "at_ms": record["at_ms"], "person": record["detail"]["person"] });
    let mut kept = match record.pointer_mut("/detail/earlier").map(Json::take) {
        Some(Json::Array(earlier)) => earlier,
        _ => Vec::new(),
    };
    kept.push(own);
    kept
}
