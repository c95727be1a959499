//! Open runs that this version cannot carry on: which, why and what they did, out; a person's word that one is over, or
//! begins anew on the present version, in. No engine works on a store that has such runs.

use super::counters::Counted;
use super::runs_read::RunInfo;
use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::program::FORMAT;
use counterplay_machine::state::{Outcome, Run};
use rusqlite::{OptionalExtension, params};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// An open run that this version cannot carry on.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadableRun {
    /// Its line in the list.
    pub info: RunInfo,
    /// Why.
    pub why: String,
}

/// An action that a run intended, as far as its journal can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The action.
    pub action: String,
    /// Its arguments, secrets replaced.
    pub args: Json,
    /// What became of it.
    pub became: Became,
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was performed.
    Performed,
    /// It failed.
    Failed,
    /// It was never sent.
    NotSent,
    /// It may have been performed: nobody knows.
    Unknown,
}

impl Became {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Became::Performed => "done",
            Became::Failed => "failed",
            Became::NotSent => "not sent",
            Became::Unknown => "may have been done",
        }
    }
}

/// What a person says of an unreadable run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The run.
    pub run: String,
    /// Who, by e-mail address.
    pub by: String,
    /// Why.
    pub because: String,
    /// Whether it begins anew on the present version.
    pub anew: bool,
}

/// What became of an unreadable run.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// What it had done.
    pub acts: Vec<Act>,
    /// What its new run will begin with, where it begins anew: the number of an event.
    pub event: Option<i64>,
}

/// Why a run is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaveRefused {
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(String),
    /// It has ended.
    #[error("run {0} has ended")]
    Ended(String),
    /// It can be carried on.
    #[error(
        "run {0} can be read by this version and goes on with it; end it with `counterplay cancel`"
    )]
    Readable(String),
    /// What started it is gone.
    #[error(
        "what started run {0} is not kept any longer, so that it cannot begin anew; cancel it, and start the playbook by hand where that is needed"
    )]
    NoCause(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The open runs that this version cannot carry on. Looks at every open run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unreadable_runs(&self) -> Result<Vec<UnreadableRun>, StoreError> {
        self.read(|tx| tx.unreadable_runs()).await
    }

    /// Why this version cannot carry an open run on; `None` where it can, and where there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unreadable(&self, run: &str) -> Result<Option<String>, StoreError> {
        let run = run.to_owned();
        self.read(move |tx| match tx.run_num(&run)? {
            Some(num) => tx.why_unreadable(num),
            None => Ok(None),
        })
        .await
    }

    /// The actions that a run intended, in order, as far as its journal can be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn acts(&self, run: &str) -> Result<Vec<Act>, StoreError> {
        let run = run.to_owned();
        self.read(move |tx| match tx.run_num(&run)? {
            Some(num) => tx.acts(num),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Ends a run that this version cannot carry on, and begins it anew where that is wanted. Whoever calls this holds
    /// the engine's lock ([`Store::lock_engine`]): an engine that can read the run may be at work.
    ///
    /// # Errors
    /// Why not; nothing is changed then.
    pub async fn leave(&self, leave: Leave, now_ms: i64) -> Result<Left, LeaveRefused> {
        self.write(move |tx| tx.leave(&leave, now_ms)).await?
    }
}

impl Tx<'_> {
    fn unreadable_runs(&self) -> Result<Vec<UnreadableRun>, Fault> {
        let mut ask = self.conn.prepare(
            "SELECT num, id, program, state FROM runs WHERE ended_ms IS NULL ORDER BY num",
        )?;
        let mut programs = BTreeMap::new();
        let mut rows = ask.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, program): (String, i64) = (row.get(1)?, row.get(2)?);
            let why = match programs.get(&program) {
                Some(why) => why,
                None => {
                    let why = self.why_program(program)?;
                    programs.entry(program).or_insert(why)
                }
            };
            let why = match why {
                Some(why) => Some(why.clone()),
                None => why_state(&id, &row.get::<_, String>(3)?)?,
            };
            if let Some(why) = why
                && let Some(info) = self.run_info(&id, None)?
            {
                out.push(UnreadableRun { info, why });
            }
        }
        Ok(out)
    }

    fn why_unreadable(&self, num: i64) -> Result<Option<String>, Fault> {
        let row: Option<(String, i64, String)> = self
            .conn
            .prepare_cached(
                "SELECT id, program, state FROM runs WHERE num = ?1 AND ended_ms IS NULL",
            )?
            .query_row([num], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, program, state)) = row else {
            return Ok(None);
        };
        match self.why_program(program)? {
            Some(why) => Ok(Some(why)),
            None => why_state(&id, &state),
        }
    }

    fn why_program(&self, num: i64) -> Result<Option<String>, Fault> {
        let format: i64 = self
            .conn
            .prepare_cached("SELECT format FROM programs WHERE num = ?1")?
            .query_row([num], |row| row.get(0))?;
        if format != i64::from(FORMAT) {
            return Ok(Some(format!(
                "its program has format {format} and this version reads format {FORMAT}"
            )));
        }
        match self.program(num) {
            Ok(_) => Ok(None),
            Err(Fault::Unreadable { detail, .. }) => Ok(Some(detail)),
            Err(other) => Err(other),
        }
    }

    fn acts(&self, run: i64) -> Result<Vec<Act>, Fault> {
        // Entries of a later version may be of kinds that are not known here; what acts looks the same.
        let mut ask = self
            .conn
            .prepare_cached("SELECT entry FROM journal WHERE run = ?1 ORDER BY seq")?;
        let mut rows = ask.query([run])?;
        let mut acts: Vec<(Json, Act)> = Vec::new();
        while let Some(row) = rows.next()? {
            let Ok(entry) = codec::decode::<Json>("a journal entry", &row.get::<_, String>(0)?)
            else {
                continue;
            };
            let place = json!([entry["node"], entry["path"]]);
            let what = &entry["what"];
            let action = what["action"].as_str().unwrap_or_default().to_owned();
            let became = match what["kind"].as_str() {
                Some("intended") => {
                    let args = what["args"].clone();
                    let became = match self.waits(run, &entry["node"])? {
                        true => Became::NotSent,
                        false => Became::Unknown,
                    };
                    acts.push((
                        place,
                        Act {
                            action,
                            args,
                            became,
                        },
                    ));
                    continue;
                }
                Some("performed") => Became::Performed,
                Some("action_failed") => Became::Failed,
                _ => continue,
            };
            let mut open = acts.iter_mut().rev();
            if let Some((_, act)) = open.find(|(at, act)| *at == place && act.action == action) {
                act.became = became;
            }
        }
        Ok(acts.into_iter().map(|(_, act)| act).collect())
    }

    /// Whether a call of this step waits to be sent for the first time.
    fn waits(&self, run: i64, node: &Json) -> Result<bool, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE run = ?1 AND node = ?2 AND first_sent_ms IS NULL)",
            )?
            .query_row(params![run, node.as_i64()], |row| row.get(0))?)
    }

    fn leave(&self, leave: &Leave, now_ms: i64) -> Result<Result<Left, LeaveRefused>, Fault> {
        let Some(info) = self.run_info(&leave.run, None)? else {
            return Ok(Err(LeaveRefused::NoRun(leave.run.clone())));
        };
        if info.ended_ms.is_some() {
            return Ok(Err(LeaveRefused::Ended(info.id)));
        }
        let Some(why) = self.why_unreadable(info.num)? else {
            return Ok(Err(LeaveRefused::Readable(info.id)));
        };
        let acts = self.acts(info.num)?;
        let event = match leave.anew {
            false => None,
            true => match self.begin_again(&info, now_ms)? {
                Some(event) => Some(event),
                None => return Ok(Err(LeaveRefused::NoCause(info.id))),
            },
        };
        self.end_unread(&info, &leave.by, now_ms)?;
        let told = acts
            .iter()
            .map(|act| json!({ "action": act.action, "became": act.became.name() }));
        self.add_audit(&NewAudit {
            at_ms: now_ms,
            tenant: info.tenant,
            actor: leave.by.clone(),
            action: "run.cancelled".into(),
            run: Some(info.id),
            object: None,
            detail: json!({
                "playbook": info.playbook,
                "because": leave.because,
                "unreadable": why,
                "acts": told.collect::<Vec<_>>(),
                "begins_anew_with_event": event,
            }),
        })?;
        Ok(Ok(Left { acts, event }))
    }

    /// Lets what started a run arrive once more, for its playbook alone; `None` where that is gone.
    fn begin_again(&self, info: &RunInfo, now_ms: i64) -> Result<Option<i64>, Fault> {
        let cause: Option<i64> = self
            .conn
            .prepare_cached(
                "SELECT event FROM event_runs WHERE run = ?1 AND started = 1 ORDER BY at_ms, event LIMIT 1",
            )?
            .query_row([info.num], |row| row.get(0))
            .optional()?;
        let Some(event) = cause else {
            return Ok(None);
        };
        let Some(again) = self.add_again(event, Some(&info.playbook), now_ms)? else {
            return Ok(None);
        };
        // The new run is no repeat of the one that it takes the place of.
        self.conn
            .prepare_cached("DELETE FROM repeats WHERE run = ?1")?
            .execute([info.num])?;
        self.conn
            .prepare_cached("UPDATE events SET notes = ?2 WHERE num = ?1")?
            .execute(params![
                again,
                format!("{}: begins anew, in place of {}", info.playbook, info.id)
            ])?;
        Ok(Some(again))
    }

    fn end_unread(&self, info: &RunInfo, by: &str, now_ms: i64) -> Result<(), Fault> {
        let outcome = Outcome::Cancelled { by: by.to_owned() };
        let entry = Entry {
            at_ms: now_ms,
            node: None,
            path: String::new(),
            what: What::Ended {
                outcome: outcome.clone(),
            },
        };
        let outcome_json = codec::encode("an outcome", &outcome)?;
        // What can be read of the state says the same.
        self.conn.execute(
            "UPDATE runs SET status = 'ended', updated_ms = ?2, ended_ms = ?2, outcome = ?3, entries = entries + 1, \
             state = iif(json_valid(state), json_set(state, '$.outcome', json(?3)), state) WHERE num = ?1",
            params![info.num, now_ms, outcome_json],
        )?;
        self.conn.execute(
            "INSERT INTO journal (run, seq, entry) SELECT num, entries, ?2 FROM runs WHERE num = ?1",
            params![info.num, codec::encode("a journal entry", &entry)?],
        )?;
        self.void_run(info.num)?;
        // Nobody could take up what becomes of its calls, nor what people said to it.
        for sql in [
            "DELETE FROM outbox WHERE run = ?1",
            "DELETE FROM inputs WHERE run = ?1",
        ] {
            self.conn.execute(sql, [info.num])?;
        }
        self.count(
            &info.tenant,
            &info.playbook,
            info.simulated,
            Counted::Ended(&outcome),
            now_ms,
        )
    }
}

fn why_state(id: &str, state: &str) -> Result<Option<String>, Fault> {
    match codec::decode::<Run>(&format!("run {id}"), state) {
        Ok(_) => Ok(None),
        Err(error @ Fault::Unreadable { .. }) => Ok(Some(error.to_string())),
        Err(other) => Err(other),
    }
}
