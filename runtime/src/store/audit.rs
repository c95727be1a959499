//! What someone did in; a record at the end of its tenant's chain out, in the same transaction as
//! the deed.
//!
//! A record's digest is SHA-256 over its salt and its canonical JSON, each preceded by its length in
//! bytes (64 bits, big-endian); its link is SHA-256 over the link before and the digest, both as
//! bytes. The first link follows one that is made of the tenant's name. So nothing can be changed,
//! taken out or moved without every later link. The text and the salt lie beside the chain, sealed with
//! the tenant's key (`audit_seal`), and may be dropped (`erase`) while the chain stays whole, since
//! without its salt a text cannot be guessed from the digest.

use super::{Fault, Tx, codec};
use rusqlite::{OptionalExtension, params};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;

/// The version of the records' layout.
const LAYOUT: u32 = 1;

/// The longest name of an actor or object that is kept, in characters: some come from outside.
const NAME_MAX: usize = 320;

/// Something to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The tenant; `""` for what concerns the whole installation.
    pub tenant: String,
    /// Who: an e-mail address, `token:NAME`, `engine`, `schedule`.
    pub actor: String,
    /// What, as a dotted name such as `approval.voted`.
    pub action: String,
    /// The run's id, where it belongs to one.
    pub run: Option<String>,
    /// What it was done to: a playbook's, action's, approval's name.
    pub object: Option<String>,
    /// The rest, without secrets.
    pub detail: Json,
}

impl Tx<'_> {
    /// Appends a record to its tenant's chain and returns its number in that.
    ///
    /// # Errors
    /// When SQLite refuses or there are no random numbers.
    pub fn add_audit(&self, new: &NewAudit) -> Result<i64, Fault> {
        self.add_audits(std::slice::from_ref(new))
    }

    /// Appends records to the chains of their tenants, in order, and returns the last one's number in its chain.
    ///
    /// # Errors
    /// When SQLite refuses or there are no random numbers.
    pub fn add_audits(&self, new: &[NewAudit]) -> Result<i64, Fault> {
        let mut last = 0;
        for same in new.chunk_by(|a, b| a.tenant == b.tenant) {
            last = self.lengthen(&same[0].tenant, same)?;
        }
        Ok(last)
    }

    /// Appends records of one tenant to its chain.
    fn lengthen(&self, tenant: &str, new: &[NewAudit]) -> Result<i64, Fault> {
        let last: Option<(i64, String)> = self
            .conn
            .prepare_cached("SELECT seq, link FROM audit_heads WHERE tenant = ?1")?
            .query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (mut seq, mut before) = match last {
            Some((seq, link)) => (seq, codec::unhex(&link).unwrap_or_default()),
            None => (0, first_link(tenant).to_vec()),
        };
        let key = self.sealing_key(tenant)?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO audit (tenant, seq, at_ms, actor, action, run, salt, digest, link) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8)",
        )?;
        for new in new {
            seq += 1;
            let actor = short(&new.actor);
            let record = text(new, seq, &actor);
            let salt = self.salts.draw()?;
            let digest = digest(&salt, &record);
            before = link(&before, &digest).to_vec();
            insert.execute(params![
                tenant,
                seq,
                new.at_ms,
                actor,
                new.action,
                new.run,
                codec::hex(&digest),
                codec::hex(&before),
            ])?;
            let num = self.conn.last_insert_rowid();
            self.keep_payload(num, (tenant, seq), &key, (&salt, &record))?;
        }
        self.conn
            .prepare_cached(
                "INSERT INTO audit_heads (tenant, seq, link) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET seq = excluded.seq, link = excluded.link",
            )?
            .execute(params![tenant, seq, codec::hex(&before)])?;
        Ok(seq)
    }
}

/// A record's text: canonical JSON.
fn text(new: &NewAudit, seq: i64, actor: &str) -> String {
    let mut out = String::with_capacity(256);
    let maybe = |name: &str, value: Option<&str>, out: &mut String| {
        out.push_str(name);
        match value {
            Some(value) => codec::write_text(value, out),
            None => out.push_str("null"),
        }
    };
    maybe("{\"action\":", Some(&new.action), &mut out);
    maybe(",\"actor\":", Some(actor), &mut out);
    // Writing to a text cannot fail.
    let _ = write!(out, ",\"at_ms\":{},\"detail\":", new.at_ms);
    codec::write_canonical(&new.detail, &mut out);
    let _ = write!(out, ",\"layout\":{LAYOUT}");
    let object = new.object.as_deref().map(short);
    maybe(",\"object\":", object.as_deref(), &mut out);
    maybe(",\"run\":", new.run.as_deref(), &mut out);
    let _ = write!(out, ",\"seq\":{seq}");
    maybe(",\"tenant\":", Some(&new.tenant), &mut out);
    out.push('}');
    out
}

/// What the first record of a chain is linked to.
pub(super) fn first_link(tenant: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in ["counterplay audit chain", tenant] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// A record's digest.
pub(super) fn digest(salt: &[u8], record: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [salt, record.as_bytes()] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The link of a record with this digest.
pub(super) fn link(before: &[u8], digest: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(digest);
    hasher.finalize().into()
}

fn short(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_records_text_is_canonical() {
        let mut new = NewAudit {
            at_ms: -5,
            tenant: "acme \"x\"".into(),
            actor: "ana".into(),
            action: "run.held".into(),
            run: Some("r-1".into()),
            object: Some("é".repeat(NAME_MAX + 1)),
            detail: json!({"b": 1, "a": [{"d": null, "c": "\n"}]}),
        };
        for _ in 0..2 {
            let object = new.object.as_deref().map(short);
            let whole = json!({
                "layout": LAYOUT, "tenant": new.tenant, "seq": 7, "at_ms": new.at_ms, "actor": "ana", "action": new.action,
                "run": new.run, "object": object, "detail": new.detail,
            });
            assert_eq!(text(&new, 7, "ana"), codec::canonical(&whole));
            (new.run, new.object) = (None, None);
        }
    }
}
