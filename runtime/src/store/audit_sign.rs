//! Chains in; their ends signed and kept out; and chains held against ends that were signed before.

use super::audit_verify::{Broken, ChainReport};
use super::checkpoint::{Checkpoint, PublicKey, Signatory};
use super::{Fault, Store, StoreError, Tx};
use counterplay_machine::duration::format_time_ms;
use rusqlite::{OptionalExtension, Row, params};
use std::collections::BTreeMap;

const SELECT: &str = "SELECT tenant, seq, link, at_ms, signature, num FROM audit_checkpoints";

impl Store {
    /// The key that this store's checkpoints are verified with.
    ///
    /// # Errors
    /// When the master key cannot be read.
    pub async fn audit_key(&self) -> Result<PublicKey, StoreError> {
        self.read(|tx| Ok(tx.signatory()?.public_key())).await
    }

    /// Signs the ends of all chains that have grown since they were signed last, and keeps that.
    ///
    /// # Errors
    /// When the store cannot be written or its master key not be read.
    pub async fn sign_audit(&self, now_ms: i64) -> Result<Vec<Checkpoint>, StoreError> {
        self.write(move |tx| tx.sign_heads(now_ms)).await
    }

    /// How many records no signature covers.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unsigned_records(&self) -> Result<i64, StoreError> {
        self.read(|tx| {
            let sql = "SELECT coalesce(sum(h.seq - coalesce( \
                 (SELECT max(seq) FROM audit_checkpoints c WHERE c.tenant = h.tenant), 0)), 0) FROM audit_heads h";
            Ok(tx.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        })
        .await
    }

    /// The checkpoints after this number (0 for all), with the number of the last of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn checkpoints(&self, after: i64) -> Result<(Vec<Checkpoint>, i64), StoreError> {
        self.read(move |tx| {
            let sql = format!("{SELECT} WHERE num > ?1 ORDER BY num");
            let mut ask = tx.conn.prepare_cached(&sql)?;
            let rows = ask.query_map([after], |row| Ok((read(row)?, row.get(5)?)))?;
            let rows: Vec<(Checkpoint, i64)> = rows.collect::<Result<_, _>>()?;
            let last = rows.last().map_or(after, |(_, num)| *num);
            Ok((rows.into_iter().map(|(c, _)| c).collect(), last))
        })
        .await
    }

    /// Holds chains that were verified against signed ends of them. Each report names the first record that is not what
    /// was signed, where that lies before what it names already; chains that are gone altogether get a report. The
    /// signatures have to be verified before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn hold_against(
        &self,
        reports: Vec<ChainReport>,
        signed: Vec<Checkpoint>,
    ) -> Result<Vec<ChainReport>, StoreError> {
        self.read(move |tx| tx.hold_against(reports, signed)).await
    }
}

impl Tx<'_> {
    fn signatory(&self) -> Result<Signatory, Fault> {
        Ok(Signatory::of(self.master()?))
    }

    fn sign_heads(&self, now_ms: i64) -> Result<Vec<Checkpoint>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT tenant, seq, link FROM audit_heads h WHERE seq > coalesce( \
             (SELECT max(seq) FROM audit_checkpoints c WHERE c.tenant = h.tenant), 0)",
        )?;
        let heads = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let heads: Vec<(String, i64, String)> = heads.collect::<Result<_, _>>()?;
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        let signatory = self.signatory()?;
        let mut out = Vec::new();
        for (tenant, seq, link) in heads {
            let signed = signatory.sign(&tenant, seq, &link, now_ms);
            self.conn
                .prepare_cached(
                    "INSERT INTO audit_checkpoints (tenant, seq, link, at_ms, signature) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    signed.tenant,
                    signed.seq,
                    signed.link,
                    signed.at_ms,
                    signed.signature
                ])?;
            out.push(signed);
        }
        Ok(out)
    }

    /// The checkpoints of a tenant that the store itself keeps.
    pub(super) fn own_checkpoints(&self, tenant: &str) -> Result<Vec<Checkpoint>, Fault> {
        let sql = format!("{SELECT} WHERE tenant = ?1 ORDER BY seq");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let rows = ask.query_map([tenant], read)?;
        let all: Vec<Checkpoint> = rows.collect::<Result<_, _>>()?;
        if all.is_empty() {
            return Ok(all);
        }
        let key = self.signatory()?.public_key();
        // Without its signature a row proves nothing.
        Ok(all.into_iter().filter(|c| c.is_signed_by(&key)).collect())
    }

    pub(super) fn hold_against(
        &self,
        reports: Vec<ChainReport>,
        signed: Vec<Checkpoint>,
    ) -> Result<Vec<ChainReport>, Fault> {
        let mut chains: BTreeMap<String, ChainReport> =
            reports.into_iter().map(|r| (r.tenant.clone(), r)).collect();
        let mut by_tenant: BTreeMap<String, Vec<Checkpoint>> = BTreeMap::new();
        for checkpoint in signed {
            let of = by_tenant.entry(checkpoint.tenant.clone()).or_default();
            of.push(checkpoint);
        }
        for (tenant, mut signed) in by_tenant {
            signed.sort_by_key(|c| c.seq);
            let broken = self.first_other(&tenant, &signed)?;
            let report = chains
                .entry(tenant)
                .or_insert_with_key(|tenant| ChainReport::empty(tenant));
            if let Some(broken) = broken
                && report
                    .first_broken
                    .as_ref()
                    .is_none_or(|b| broken.seq < b.seq)
            {
                report.records = broken.seq - 1;
                report.first_broken = Some(broken);
            }
        }
        Ok(chains.into_values().collect())
    }

    /// The first record that is not what was signed.
    fn first_other(&self, tenant: &str, signed: &[Checkpoint]) -> Result<Option<Broken>, Fault> {
        let mut good = 0;
        for checkpoint in signed {
            let found: Option<String> = self
                .conn
                .prepare_cached("SELECT link FROM audit WHERE tenant = ?1 AND seq = ?2")?
                .query_row(params![tenant, checkpoint.seq], |row| row.get(0))
                .optional()?;
            let when = format_time_ms(checkpoint.at_ms / 1_000 * 1_000);
            match found {
                Some(link) if link == checkpoint.link => good = checkpoint.seq,
                Some(_) => {
                    let seq = good + 1;
                    let why = match seq == checkpoint.seq {
                        true => format!("it is not the one that was signed at {when}"),
                        false => format!(
                            "it, or one up to record {}, is not the one that was signed at {when}",
                            checkpoint.seq
                        ),
                    };
                    return Ok(Some(Broken { seq, why }));
                }
                None => {
                    let last: Option<i64> = self
                        .conn
                        .prepare_cached(
                            "SELECT max(seq) FROM audit WHERE tenant = ?1 AND seq < ?2",
                        )?
                        .query_row(params![tenant, checkpoint.seq], |row| row.get(0))?;
                    return Ok(Some(Broken {
                        seq: last.unwrap_or(0).max(good) + 1,
                        why: format!(
                            "it is missing; at {when} the chain was signed up to record {}",
                            checkpoint.seq
                        ),
                    }));
                }
            }
        }
        Ok(None)
    }
}

fn read(row: &Row<'_>) -> Result<Checkpoint, rusqlite::Error> {
    Ok(Checkpoint {
        tenant: row.get(0)?,
        seq: row.get(1)?,
        link: row.get(2)?,
        at_ms: row.get(3)?,
        signature: row.get(4)?,
    })
}
