//! Stored audit chains in; for each whether it is whole, and where it first is not, out.

use super::audit::{digest, first_link, link};
use super::audit_seal::Opened;
use super::erase::{ERASED, Left, Mark, Taken};
use super::list::Conditions;
use super::{Fault, Store, StoreError, Tx, codec};
use rusqlite::{OptionalExtension, params, params_from_iter};
use serde_json::Value as Json;
use std::sync::Arc;

/// How many records are looked at in one go; others may read in between.
const BATCH: usize = 1_000;

/// What the verification of a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// The tenant; `""` for what concerns the whole installation.
    pub tenant: String,
    /// How many records were found to be whole, from the first on.
    pub records: i64,
    /// How many of them have no text any more, because an erasure that the chain records took it.
    pub erased: i64,
    /// How many of those were erased by a version that kept no digest of what is left of them: nobody can tell whether
    /// their time, action and run are as they were.
    pub erased_unsealed: i64,
    /// The link of the last of them, in hexadecimal.
    pub head: String,
    /// The first place that is not whole.
    pub first_broken: Option<Broken>,
}

impl ChainReport {
    /// What is known of a chain before its first record is looked at.
    pub(super) fn empty(tenant: &str) -> ChainReport {
        ChainReport {
            head: codec::hex(&first_link(tenant)),
            tenant: tenant.to_owned(),
            records: 0,
            erased: 0,
            erased_unsealed: 0,
            first_broken: None,
        }
    }
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The record's number in the chain.
    pub seq: i64,
    /// What is wrong with it.
    pub why: String,
}

struct Row {
    seq: i64,
    at_ms: i64,
    actor: String,
    action: String,
    run: Option<String>,
    digest: String,
    link: String,
    sealed: Option<Vec<u8>>,
}

impl Store {
    /// The tenants that have records, `""` for what concerns the whole installation.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit_tenants(&self) -> Result<Vec<String>, StoreError> {
        self.read(|tx| tx.audit_chains(None)).await
    }

    /// Computes the chains of some tenants (of all where `None`) again, from the first record to the
    /// last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verify_audit(
        &self,
        tenants: Option<Vec<String>>,
    ) -> Result<Vec<ChainReport>, StoreError> {
        let chains = self
            .read(move |tx| tx.audit_chains(tenants.as_deref()))
            .await?;
        let mut reports = Vec::new();
        for tenant in chains {
            let mut report = ChainReport::empty(&tenant);
            let of = report.tenant.clone();
            let taken = self.read(move |tx| tx.erased_records(&of)).await?;
            let taken = Arc::new(taken);
            loop {
                let taken = taken.clone();
                let (next, more) = self.read(move |tx| tx.verify_part(report, &taken)).await?;
                report = next;
                if !more {
                    break;
                }
            }
            // What the store itself keeps of signed ends, too: they cannot be made without the master key.
            let held = self.read(move |tx| {
                let own = tx.own_checkpoints(&report.tenant)?;
                tx.hold_against(vec![report], own)
            });
            reports.extend(held.await?);
        }
        Ok(reports)
    }
}

impl Tx<'_> {
    pub(super) fn audit_chains(&self, tenants: Option<&[String]>) -> Result<Vec<String>, Fault> {
        let mut conditions = Conditions::default();
        conditions.tenants("tenant", tenants);
        // A chain whose head was taken away has its records still, and the other way round.
        let sql = format!(
            "SELECT DISTINCT tenant FROM (SELECT tenant FROM audit_heads UNION SELECT tenant FROM audit){} \
             ORDER BY tenant",
            conditions.clause()
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let rows = ask.query_map(params_from_iter(conditions.values()), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Goes on from where a report stands; whether there is more.
    fn verify_part(
        &self,
        mut report: ChainReport,
        taken: &Taken,
    ) -> Result<(ChainReport, bool), Fault> {
        let rows = self.audit_rows(&report.tenant, report.records)?;
        let more = rows.len() == BATCH;
        for row in rows {
            let opened = match &row.sealed {
                Some(sealed) => self.open_payload((&report.tenant, row.seq), sealed)?,
                None => None,
            };
            match check(&report, &row, opened, taken) {
                Ok(()) => {
                    report.records = row.seq;
                    report.erased += i64::from(row.sealed.is_none());
                    let unsealed = row.sealed.is_none() && taken.mark(row.seq) == Some(Mark::None);
                    report.erased_unsealed += i64::from(unsealed);
                    report.head = row.link;
                }
                Err(broken) => {
                    report.first_broken = Some(broken);
                    return Ok((report, false));
                }
            }
        }
        if !more {
            report.first_broken = self.check_end(&report)?;
        }
        Ok((report, more))
    }

    fn audit_rows(&self, tenant: &str, after: i64) -> Result<Vec<Row>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT seq, at_ms, actor, action, run, digest, link, \
             (SELECT sealed FROM audit_payloads WHERE audit_payloads.num = audit.num) FROM audit WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let rows = ask.query_map(params![tenant, after, BATCH as i64], |row| {
            Ok(Row {
                seq: row.get(0)?,
                at_ms: row.get(1)?,
                actor: row.get(2)?,
                action: row.get(3)?,
                run: row.get(4)?,
                digest: row.get(5)?,
                link: row.get(6)?,
                sealed: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether the chain ends where it was last added to. Numbers below 1 are nobody's.
    fn check_end(&self, report: &ChainReport) -> Result<Option<Broken>, Fault> {
        let strange: Option<i64> = self
            .conn
            .prepare_cached("SELECT min(seq) FROM audit WHERE tenant = ?1 AND seq < 1")?
            .query_row([&report.tenant], |row| row.get(0))?;
        if let Some(seq) = strange {
            let why = "no record has this number".to_owned();
            return Ok(Some(Broken { seq, why }));
        }
        let head: Option<(i64, String)> = self
            .conn
            .prepare_cached("SELECT seq, link FROM audit_heads WHERE tenant = ?1")?
            .query_row([&report.tenant], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (seq, why) = match head {
            Some((seq, link)) if seq == report.records && link == report.head => return Ok(None),
            Some((seq, _)) if seq > report.records => (
                report.records + 1,
                format!("it is missing; the chain was cut short, its last record had number {seq}"),
            ),
            Some((seq, _)) => (
                report.records,
                format!("the note of the chain's end does not fit: it names record {seq}"),
            ),
            None => (
                report.records,
                "the note of the chain's end is missing".to_owned(),
            ),
        };
        Ok(Some(Broken { seq, why }))
    }
}

/// Whether a record is whole and follows those before it.
fn check(
    report: &ChainReport,
    row: &Row,
    opened: Option<Opened>,
    taken: &Taken,
) -> Result<(), Broken> {
    let expected = report.records + 1;
    if row.seq != expected {
        return Err(Broken {
            seq: expected,
            why: format!("it is missing; record {} comes next", row.seq),
        });
    }
    let broken = |why: &str| Broken {
        seq: row.seq,
        why: why.to_owned(),
    };
    let follows = || {
        let (before, digest) = (codec::unhex(&report.head), codec::unhex(&row.digest));
        let (before, digest) = (before.unwrap_or_default(), digest.unwrap_or_default());
        match codec::hex(&link(&before, &digest)) == row.link {
            true => Ok(()),
            false => Err(broken("it does not follow the record before it")),
        }
    };
    let opened = match (opened, &row.sealed) {
        (Some(opened), _) => opened,
        (None, Some(_)) => {
            follows()?;
            return Err(broken("its text was changed"));
        }
        (None, None) => {
            let Some(mark) = taken.mark(row.seq) else {
                return Err(broken("its text is missing, and no erasure is recorded"));
            };
            follows()?;
            return match left_of(&report.tenant, row, mark) {
                None => Ok(()),
                Some(why) => Err(broken(why)),
            };
        }
    };
    if codec::hex(&digest(&opened.salt, &opened.text)) != row.digest {
        return Err(broken("its text, salt or digest was changed"));
    }
    follows()?;
    let record: Json = codec::decode("an audit record", &opened.text)
        .map_err(|_| broken("its text cannot be read"))?;
    let same = record["tenant"] == *report.tenant
        && record["seq"] == row.seq
        && record["at_ms"] == row.at_ms
        && record["actor"] == *row.actor
        && record["action"] == *row.action
        && record["run"].as_str() == row.run.as_deref();
    if same {
        Ok(())
    } else {
        Err(broken("what it is listed under is not what it says"))
    }
}

/// What is wrong with what is left of an erased record.
fn left_of(tenant: &str, row: &Row, mark: Mark<'_>) -> Option<&'static str> {
    let left = Left {
        tenant,
        seq: row.seq,
        at_ms: row.at_ms,
        action: &row.action,
        run: row.run.as_deref(),
        digest: &row.digest,
    };
    let same = match mark {
        Mark::Unread => return Some("its text could not be read any more when it was erased"),
        Mark::Seal(seal) => left.seal() == seal,
        Mark::None => true,
    };
    let same = same && row.actor == ERASED;
    (!same).then_some("what its erasure left of it was changed")
}
