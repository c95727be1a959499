//! Actions that can be taken back: what was there before the call and after it in, what a later undoing needs out.

use super::{Fault, Tx, codec};
use counterplay_machine::Value;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a reading of a state gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// This.
    Is(Value),
    /// It could not be read, and why.
    Failed(String),
}

impl Reading {
    /// The state, where it could be read.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Reading::Is(value) => Some(value),
            Reading::Failed(_) => None,
        }
    }
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeedState {
    /// What is there before it is being read; it has not been sent.
    Reading,
    /// It was sent, and no answer tells whether it was carried out.
    Unknown,
    /// It was carried out.
    Done,
    /// It failed.
    Failed,
}

impl DeedState {
    fn number(self) -> i64 {
        match self {
            DeedState::Unknown => 0,
            DeedState::Done => 1,
            DeedState::Failed => 2,
            DeedState::Reading => 3,
        }
    }
}

/// An action that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewDeed<'a> {
    /// The run, by number.
    pub run: i64,
    /// The effect's id.
    pub id: &'a str,
    /// The step.
    pub node: u32,
    /// The action.
    pub action: &'a str,
    /// Its arguments.
    pub args: &'a [Value],
    /// What it changes: the same for every action that changes the same.
    pub subject: &'a str,
    /// What was there before, where that is known already.
    pub before: Option<&'a Reading>,
    /// [`DeedState::Reading`] where it is to be read, [`DeedState::Unknown`] where it is sent at once.
    pub state: DeedState,
}

/// An action that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// Its number: later ones have greater ones.
    pub num: i64,
    /// The run, by number.
    pub run: i64,
    /// The effect's id.
    pub id: String,
    /// The step.
    pub node: u32,
    /// The action.
    pub action: Arc<str>,
    /// Its arguments.
    pub args: Vec<Value>,
    /// What it changes.
    pub subject: String,
    /// When it was sent, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was there before.
    pub before: Option<Reading>,
    /// What was there after.
    pub after: Option<Reading>,
    /// What became of it.
    pub state: DeedState,
    /// The run that took it back, by number.
    pub undone_by: Option<i64>,
}

const COLUMNS: &str =
    "num, run, id, node, action, args, subject, at_ms, before, after, state, undone_by";

impl Tx<'_> {
    /// Keeps an action before it is sent.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_deed(&self, new: &NewDeed<'_>, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO deeds (run, id, node, action, args, subject, at_ms, before, state) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                new.run,
                new.id,
                new.node,
                new.action,
                codec::encode("an action's arguments", &new.args)?,
                new.subject,
                now_ms,
                reading(new.before)?,
                new.state.number(),
            ])?;
        Ok(())
    }

    /// Keeps what was there before an action, which may be sent now.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn deed_read(&self, num: i64, before: &Reading) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE deeds SET before = ?2, state = 0 WHERE num = ?1")?
            .execute(params![num, reading(Some(before))?])?;
        Ok(())
    }

    /// The kept action of a call.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn deed_of(&self, run: i64, id: &str) -> Result<Option<Deed>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM deeds WHERE run = ?1 AND id = ?2");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params![run, id])?;
        rows.next()?.map(deed).transpose()
    }

    /// A kept action, by number.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn deed(&self, num: i64) -> Result<Option<Deed>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM deeds WHERE num = ?1");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query([num])?;
        rows.next()?.map(deed).transpose()
    }

    /// The kept actions of a run, in order.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn deeds(&self, run: i64) -> Result<Vec<Deed>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM deeds WHERE run = ?1 ORDER BY num");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query([run])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(deed(row)?);
        }
        Ok(out)
    }

    /// Keeps what became of an action, and what was there after it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_deed(
        &self,
        num: i64,
        state: DeedState,
        after: Option<&Reading>,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE deeds SET state = ?2, after = ?3, ended_num = (SELECT max(num) FROM deeds) WHERE num = ?1")?
            .execute(params![num, state.number(), reading(after)?])?;
        Ok(())
    }

    /// An action was taken back by a run.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn mark_undone(&self, num: i64, by: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE deeds SET undone_by = ?2 WHERE num = ?1")?
            .execute([num, by])?;
        Ok(())
    }

    /// The other runs that did something to the same and have not taken it back, by id. What had ended before the
    /// action's state was read is part of that state, and stays as it is when that is restored.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn others_doing(&self, of: &Deed) -> Result<Vec<String>, Fault> {
        let is_known = matches!(of.before, Some(Reading::Is(_)));
        let mut ask = self.conn.prepare_cached(
            "SELECT DISTINCT r.id FROM deeds d JOIN runs r ON r.num = d.run \
             WHERE d.subject = ?1 AND d.run <> ?2 AND d.state < 2 AND d.undone_by IS NULL \
             AND NOT (?3 AND d.num < ?4 AND d.ended_num IS NOT NULL AND d.ended_num < ?4) ORDER BY d.num",
        )?;
        let given = params![of.subject, of.run, is_known, of.num];
        let rows = ask.query_map(given, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The step of an undoing run that takes an action back.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_undo_step(&self, run: i64, node: u32, deed: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("INSERT INTO undo_steps (run, node, deed) VALUES (?1, ?2, ?3)")?
            .execute(params![run, node, deed])?;
        Ok(())
    }

    /// The action that a step of an undoing run takes back, by number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn taken_back_by(&self, run: i64, node: u32) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT deed FROM undo_steps WHERE run = ?1 AND node = ?2")?
            .query_row(params![run, node], |row| row.get(0))
            .optional()?)
    }

    /// A call that was only about to be sent is to be sent for the first time.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn not_yet_sent(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE outbox SET sent = 0, attempts = 0, first_sent_ms = NULL WHERE num = ?1",
            )?
            .execute([num])?;
        Ok(())
    }
}

fn reading(reading: Option<&Reading>) -> Result<Option<String>, Fault> {
    reading.map(|r| codec::encode("a state", r)).transpose()
}

fn deed(row: &Row<'_>) -> Result<Deed, Fault> {
    let state = |text: Option<String>| text.map(|t| codec::decode("a state", &t)).transpose();
    Ok(Deed {
        num: row.get(0)?,
        run: row.get(1)?,
        id: row.get(2)?,
        node: row.get(3)?,
        action: Arc::from(row.get::<_, String>(4)?),
        args: codec::decode("an action's arguments", &row.get::<_, String>(5)?)?,
        subject: row.get(6)?,
        at_ms: row.get(7)?,
        before: state(row.get(8)?)?,
        after: state(row.get(9)?)?,
        state: match row.get::<_, i64>(10)? {
            1 => DeedState::Done,
            2 => DeedState::Failed,
            3 => DeedState::Reading,
            _ => DeedState::Unknown,
        },
        undone_by: row.get(11)?,
    })
}
