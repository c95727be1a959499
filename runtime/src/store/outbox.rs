//! Calls that runs have asked for: stored with the intent, marked before they are sent, gone with
//! their result.

use super::pauses::run_goes;
use super::{Fault, Tx, codec, fair};
use counterplay_machine::Value;
use rusqlite::{Row, ToSql, params};
use std::sync::Arc;

/// The kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An action.
    Perform,
    /// A query.
    Query,
}

/// A call to be stored.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The effect's id.
    pub id: String,
    /// The kind.
    pub kind: CallKind,
    /// The step.
    pub node: u32,
    /// The action or query.
    pub callable: Arc<str>,
    /// Its arguments.
    pub args: Vec<Value>,
    /// What it acts on, with its tenant: while it is under way no other call acts on any of it.
    pub entities: Vec<String>,
}

/// A stored call.
#[derive(Clone, Debug)]
pub struct StoredCall {
    /// Its number; calls are sent in this order.
    pub num: i64,
    /// The run, by number.
    pub run: i64,
    /// The call.
    pub call: NewCall,
    /// When it was intended, in milliseconds since the Unix epoch.
    pub intended_ms: i64,
    /// How often it was sent.
    pub attempts: i64,
    /// When it was first sent, in milliseconds since the Unix epoch.
    pub first_sent_ms: Option<i64>,
}

const COLUMNS: &str =
    "num, run, id, kind, node, callable, args, attempts, first_sent_ms, created_ms, entities";

impl Tx<'_> {
    /// Stores a call that is to be sent.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_call(
        &self,
        run: i64,
        tenant: &str,
        call: &NewCall,
        now_ms: i64,
    ) -> Result<(), Fault> {
        let kind = match call.kind {
            CallKind::Perform => "perform",
            CallKind::Query => "query",
        };
        self.conn
            .prepare_cached(
                "INSERT INTO outbox (run, id, kind, node, callable, args, created_ms, tenant, entities) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                run,
                call.id,
                kind,
                call.node,
                &*call.callable,
                codec::encode("a call", &call.args)?,
                now_ms,
                tenant,
                match call.entities.is_empty() {
                    true => None,
                    false => Some(codec::encode("entities", &call.entities)?),
                }
            ])?;
        Ok(())
    }

    /// The calls that are still to be sent, with their tenants, but those of some actions and queries, which have to wait in
    /// that tenant, and those of runs that are paused. Tenants take turns, the one behind `last` first; each one's calls come
    /// in order.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn unsent_calls(
        &self,
        limit: usize,
        but: impl Fn(&str) -> Vec<Arc<str>>,
        last: &str,
    ) -> Result<Vec<(Arc<str>, StoredCall)>, Fault> {
        let tenants = fair::turns(fair::waiting(self.conn, "outbox", "sent = 0")?, last);
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE sent = 0 AND tenant = ?3 \
             AND callable NOT IN (SELECT value FROM json_each(?2)) AND {} ORDER BY num LIMIT ?1",
            run_goes("outbox.run")
        );
        let share = fair::share(limit, tenants.len());
        let mut out = Vec::new();
        for tenant in tenants {
            let room = share.min(limit - out.len());
            if room == 0 {
                break;
            }
            let but = codec::encode("names", &but(&tenant))?;
            let calls = self.calls(&sql, params![room as i64, but, tenant])?;
            let tenant: Arc<str> = Arc::from(tenant);
            out.extend(calls.into_iter().map(|call| (tenant.clone(), call)));
        }
        Ok(out)
    }

    /// The calls that were sent and whose result is not committed.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn sent_calls(&self) -> Result<Vec<StoredCall>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE sent = 1 ORDER BY num");
        self.calls(&sql, params![])
    }

    fn calls(&self, sql: &str, given: &[&dyn ToSql]) -> Result<Vec<StoredCall>, Fault> {
        let mut ask = self.conn.prepare_cached(sql)?;
        let mut rows = ask.query(given)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(read(row)?);
        }
        Ok(out)
    }

    /// Marks a call as sent, before it is; false where it is not to be sent any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn mark_sent(&self, num: i64, now_ms: i64) -> Result<bool, Fault> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE outbox SET sent = 1, attempts = attempts + 1, \
                 first_sent_ms = coalesce(first_sent_ms, ?2) WHERE num = ?1 AND sent = 0",
            )?
            .execute(params![num, now_ms])?;
        Ok(changed > 0)
    }

    /// Whether calls wait to be sent.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn has_unsent_calls(&self) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE sent = 0)";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// A call that is to be sent waits until another one has ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn park_call(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE outbox SET sent = 2 WHERE num = ?1 AND sent = 0")?
            .execute([num])?;
        Ok(())
    }

    /// A call that waited is to be sent; false where it does not wait any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn unpark_call(&self, num: i64) -> Result<bool, Fault> {
        let changed = self
            .conn
            .prepare_cached("UPDATE outbox SET sent = 0 WHERE num = ?1 AND sent = 2")?
            .execute([num])?;
        Ok(changed > 0)
    }

    /// Whether calls wait until others have ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn has_parked_calls(&self) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE sent = 2)";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// Every call that waited is to be sent: what they waited for is not known any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn unpark_calls(&self) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE outbox SET sent = 0 WHERE sent = 2")?
            .execute([])?;
        Ok(())
    }

    /// A call that was sent is to be sent again.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn send_again(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE outbox SET sent = 0 WHERE num = ?1")?
            .execute([num])?;
        Ok(())
    }

    /// Removes a call: its result is part of this transaction.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_call(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM outbox WHERE num = ?1")?
            .execute([num])?;
        Ok(())
    }

    /// How many calls are to be sent or under way.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_calls(&self) -> Result<i64, Fault> {
        let sql = "SELECT count(*) FROM outbox";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }
}

fn read(row: &Row<'_>) -> Result<StoredCall, Fault> {
    let kind = match row.get::<_, String>(3)?.as_str() {
        "perform" => CallKind::Perform,
        _ => CallKind::Query,
    };
    Ok(StoredCall {
        num: row.get(0)?,
        run: row.get(1)?,
        call: NewCall {
            id: row.get(2)?,
            kind,
            node: row.get(4)?,
            callable: Arc::from(row.get::<_, String>(5)?),
            args: codec::decode("a call", &row.get::<_, String>(6)?)?,
            entities: match row.get::<_, Option<String>>(10)? {
                None => Vec::new(),
                Some(entities) => codec::decode("entities", &entities)?,
            },
        },
        attempts: row.get(7)?,
        first_sent_ms: row.get(8)?,
        intended_ms: row.get(9)?,
    })
}
