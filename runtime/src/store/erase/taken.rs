//! The records of erasures in; which records of a chain they took, and what must be left of each, out.
//!
//! A text that is gone can vouch for nothing. So the record of the erasure, which is in the chain, keeps a digest over
//! what stays of each record that it takes: what the record said of time, action, run and place, and its digest.

use super::super::{Fault, Tx, audit, codec};
use super::names::ERASED;
use super::{ACTION, Ranges};
use rusqlite::params;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What stays of a record whose text is gone. Its actor is `[erased]`.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Left<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The number in the chain.
    pub seq: i64,
    /// When.
    pub at_ms: i64,
    /// What.
    pub action: &'a str,
    /// The run.
    pub run: Option<&'a str>,
    /// The record's digest, in hexadecimal.
    pub digest: &'a str,
}

impl Left<'_> {
    /// SHA-256 over it as canonical JSON, in hexadecimal.
    pub fn seal(&self) -> String {
        let text = codec::canonical(&json!({
            "action": self.action,
            "actor": ERASED,
            "at_ms": self.at_ms,
            "digest": self.digest,
            "run": self.run,
            "seq": self.seq,
            "tenant": self.tenant,
        }));
        codec::hex(&Sha256::digest(text))
    }
}

/// What is left of a record, by what its text says, whatever it is listed under: who changed that and has the record
/// erased then gains nothing.
pub(super) fn seal_of(tenant: &str, seq: i64, salt: &[u8], text: &str) -> Option<String> {
    let record: Json = codec::decode("an audit record", text).ok()?;
    let left = Left {
        tenant,
        seq,
        at_ms: record["at_ms"].as_i64()?,
        action: record["action"].as_str()?,
        run: record["run"].as_str(),
        digest: &codec::hex(&audit::digest(salt, text)),
    };
    Some(left.seal())
}

/// What the verification has to hold an erased record against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark<'a> {
    /// What is left of it has this seal.
    Seal(&'a str),
    /// Its text could not be read any more when it was erased.
    Unread,
    /// It was erased by a version that kept no seals.
    None,
}

/// What erasures took of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Taken {
    records: Ranges,
    /// What is left of each, `None` where its text could not be read.
    left: BTreeMap<i64, Option<String>>,
}

impl Taken {
    /// What is known of a record; `None` where no erasure took it.
    pub fn mark(&self, seq: i64) -> Option<Mark<'_>> {
        self.records
            .contain(seq)
            .then(|| match self.left.get(&seq) {
                Some(Some(seal)) => Mark::Seal(seal),
                Some(None) => Mark::Unread,
                None => Mark::None,
            })
    }

    /// Takes one record.
    pub(super) fn take(&mut self, seq: i64, seal: Option<String>) {
        self.records.add(&Ranges(vec![(seq, seq)]));
        self.left.insert(seq, seal);
    }

    /// Takes what another erasure took; what is known already stays.
    pub(super) fn add(&mut self, more: Taken) {
        self.records.add(&more.records);
        for (seq, seal) in more.left {
            self.left.entry(seq).or_insert(seal);
        }
    }

    /// What the record of an erasure says.
    pub(super) fn of_record(text: &str) -> Taken {
        let json: Json = codec::decode("an audit record", text).unwrap_or(Json::Null);
        let pairs = |name: &str| json["detail"][name].as_array().cloned().unwrap_or_default();
        let seal = |pair: &Json| Some((pair[0].as_i64()?, pair[1].as_str().map(str::to_owned)));
        let range = |pair: &Json| Some((pair[0].as_i64()?, pair[1].as_i64()?));
        Taken {
            records: Ranges(pairs("records").iter().filter_map(range).collect()),
            left: pairs("left").iter().filter_map(seal).collect(),
        }
    }

    /// As `records` and `left` of a record.
    pub(super) fn json(&self) -> (Json, Json) {
        let records = self.records.0.iter().map(|(from, to)| json!([from, to]));
        let left = self.left.iter().map(|(seq, seal)| json!([seq, seal]));
        (Json::from_iter(records), Json::from_iter(left))
    }
}

impl Tx<'_> {
    /// What erasures took of a tenant's chain.
    pub(in super::super) fn erased_records(&self, tenant: &str) -> Result<Taken, Fault> {
        let mut out = Taken::default();
        for (_, text) in self.erasures(tenant)? {
            out.add(Taken::of_record(&text));
        }
        Ok(out)
    }

    /// The records of erasures in a tenant's chain that can be read, with their numbers, the oldest first.
    pub(super) fn erasures(&self, tenant: &str) -> Result<Vec<(i64, String)>, Fault> {
        let mut ask = self.conn.prepare_cached(&format!(
            "SELECT seq, (SELECT sealed FROM audit_payloads WHERE audit_payloads.num = audit.num) \
             FROM audit WHERE tenant = ?1 AND action = '{ACTION}' ORDER BY seq"
        ))?;
        let mut rows = ask.query(params![tenant])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let (seq, sealed): (i64, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
            if let Some(sealed) = sealed
                && let Some(opened) = self.open_payload((tenant, seq), &sealed)?
            {
                out.push((seq, opened.text));
            }
        }
        Ok(out)
    }
}
