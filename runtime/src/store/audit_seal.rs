//! An audit record's text and salt in, its sealed row beside the chain out, and back; and the records of
//! earlier versions, which lie open, sealed.

use super::keys::Keyring;
use super::recent::Recent;
use super::salts::Salt;
use super::sealed::Key;
use super::{Fault, Salts, Tx, codec};
use rusqlite::{Connection, TransactionBehavior, params};

/// How many records are sealed in one transaction.
const BATCH: usize = 1_000;

/// A record as it was digested.
pub(super) struct Opened {
    /// Its salt.
    pub salt: Salt,
    /// Its text.
    pub text: String,
}

impl Tx<'_> {
    /// Keeps a record's text and salt, sealed with its tenant's key.
    pub(super) fn keep_payload(
        &self,
        num: i64,
        (tenant, seq): (&str, i64),
        key: &Key,
        (salt, text): (&Salt, &str),
    ) -> Result<(), Fault> {
        let mut whole = salt.to_vec();
        whole.extend(text.as_bytes());
        let sealed = self.seal_with(key, &place(tenant, seq), &whole)?;
        self.conn
            .prepare_cached("INSERT INTO audit_payloads (num, sealed) VALUES (?1, ?2)")?
            .execute(params![num, sealed])?;
        Ok(())
    }

    /// Opens a record's payload; `None` where it was changed.
    pub(super) fn open_payload(
        &self,
        (tenant, seq): (&str, i64),
        sealed: &[u8],
    ) -> Result<Option<Opened>, Fault> {
        let whole = self.unseal(tenant, &place(tenant, seq), sealed)?;
        Ok(whole.and_then(|whole| {
            let (salt, text) = whole.split_first_chunk()?;
            Some(Opened {
                salt: *salt,
                text: String::from_utf8(text.to_vec()).ok()?,
            })
        }))
    }
}

/// The place in the chains, in bytes.
fn place(tenant: &str, seq: i64) -> Vec<u8> {
    let mut out = (tenant.len() as u64).to_be_bytes().to_vec();
    out.extend(tenant.as_bytes());
    out.extend(seq.to_be_bytes());
    out
}

/// Whether records of an earlier version lie open.
pub(super) fn is_open(conn: &Connection) -> Result<bool, rusqlite::Error> {
    conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM audit WHERE record IS NOT NULL)",
        [],
        |row| row.get(0),
    )
}

/// Seals the records of an earlier version.
pub(super) fn close(conn: &mut Connection, keys: &Keyring) -> Result<(), Fault> {
    let (salts, recent) = (Salts::default(), Recent::default());
    loop {
        let sql = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tx = Tx {
            conn: &sql,
            salts: &salts,
            keys,
            recent: &recent,
        };
        let done = tx.close_some()?;
        sql.commit()?;
        if done < BATCH {
            return Ok(());
        }
    }
}

impl Tx<'_> {
    fn close_some(&self) -> Result<usize, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT num, tenant, seq, salt, record FROM audit WHERE record IS NOT NULL ORDER BY num LIMIT ?1",
        )?;
        let rows = ask.query_map([BATCH as i64], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?;
        let rows: Vec<(i64, String, i64, String, String)> = rows.collect::<Result<_, _>>()?;
        for (num, tenant, seq, salt, text) in &rows {
            // A salt that somebody changed is kept as something that no digest fits.
            let salt = codec::unhex(salt).and_then(|s| Salt::try_from(s).ok());
            let payload = (&salt.unwrap_or_default(), text.as_str());
            self.keep_payload(*num, (tenant, *seq), &self.sealing_key(tenant)?, payload)?;
            self.conn
                .prepare_cached("UPDATE audit SET salt = '', record = NULL WHERE num = ?1")?
                .execute([num])?;
        }
        Ok(rows.len())
    }
}
