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
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

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
        let last: Option<(i64, String)> = self
            .conn
            .prepare_cached("SELECT seq, link FROM audit_heads WHERE tenant = ?1")?
            .query_row([&new.tenant], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (seq, before) = match last {
            Some((seq, link)) => (seq + 1, codec::unhex(&link).unwrap_or_default()),
            None => (1, first_link(&new.tenant).to_vec()),
        };
        let (actor, object) = (short(&new.actor), new.object.as_deref().map(short));
        let record = codec::canonical(&json!({
            "layout": LAYOUT,
            "tenant": new.tenant,
            "seq": seq,
            "at_ms": new.at_ms,
            "actor": actor,
            "action": new.action,
            "run": new.run,
            "object": object,
            "detail": new.detail,
        }));
        let salt = self.salts.draw()?;
        let digest = digest(&salt, &record);
        let link = codec::hex(&link(&before, &digest));
        self.conn
            .prepare_cached(
                "INSERT INTO audit (tenant, seq, at_ms, actor, action, run, salt, digest, link) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8)",
            )?
            .execute(params![
                new.tenant,
                seq,
                new.at_ms,
                actor,
                new.action,
                new.run,
                codec::hex(&digest),
                link,
            ])?;
        let num = self.conn.last_insert_rowid();
        self.keep_payload(num, (&new.tenant, seq), &salt, &record)?;
        self.conn
            .prepare_cached(
                "INSERT INTO audit_heads (tenant, seq, link) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET seq = excluded.seq, link = excluded.link",
            )?
            .execute(params![new.tenant, seq, link])?;
        Ok(seq)
    }
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

fn short(name: &str) -> String {
    match name.char_indices().nth(NAME_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
