//! Wishes to undo runs in, what became of them out.

use super::{Fault, NewAudit, Store, StoreError, StoredRun, Tx, Word, codec};
use crate::undo::{Built, Known, PLAYBOOK, Plan, asked, build, plan, team_of, ungrantable};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::journal::Entry;
use counterplay_machine::state::Outcome;
use rusqlite::{OptionalExtension, params};
use serde_json::json;
use std::collections::BTreeMap;

/// A wish to undo a run, and the run that it became.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoing {
    /// Its number: later ones have greater ones.
    pub num: i64,
    /// Who wanted it, by e-mail address or name.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The run that undoes it, by id, once there is one.
    pub run: Option<String>,
    /// How that run ended, once it has.
    pub outcome: Option<Outcome>,
    /// Why there is none, where the engine refused it.
    pub refused: Option<String>,
}

impl Undoing {
    /// Whether it has neither become a run that ended nor been refused.
    pub fn is_open(&self) -> bool {
        self.refused.is_none() && self.outcome.is_none()
    }
}

impl Tx<'_> {
    /// Keeps a wish to undo a run and returns its number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_undoing(&self, run: i64, by: &str, now_ms: i64) -> Result<i64, Fault> {
        self.conn
            .prepare_cached("INSERT INTO undos (run, by, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![run, by, now_ms])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// The wish has become a run.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn undoing_began(&self, num: i64, by_run: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE undos SET undo_run = ?2 WHERE num = ?1")?
            .execute([num, by_run])?;
        Ok(())
    }

    /// The wish was refused.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn refuse_undoing(&self, num: i64, why: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE undos SET refused = ?2 WHERE num = ?1")?
            .execute(params![num, why])?;
        Ok(())
    }

    /// The wishes to undo a run, in order.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn undoings(&self, run: i64) -> Result<Vec<Undoing>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT u.num, u.by, u.at_ms, r.id, r.outcome, u.refused FROM undos u \
             LEFT JOIN runs r ON r.num = u.undo_run WHERE u.run = ?1 ORDER BY u.num",
        )?;
        let mut rows = ask.query([run])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let outcome: Option<String> = row.get(4)?;
            out.push(Undoing {
                num: row.get(0)?,
                by: row.get(1)?,
                at_ms: row.get(2)?,
                run: row.get(3)?,
                outcome: outcome
                    .map(|o| codec::decode("an outcome", &o))
                    .transpose()?,
                refused: row.get(5)?,
            });
        }
        Ok(out)
    }

    /// The run that a run undoes, by id.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn undoes(&self, undo_run: i64) -> Result<Option<String>, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT r.id FROM undos u JOIN runs r ON r.num = u.run WHERE u.undo_run = ?1",
            )?
            .query_row([undo_run], |row| row.get(0))
            .optional()?)
    }
}

/// Why a run is not undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndoRefused {
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(String),
    /// It is still open.
    #[error("run {0} is still open; let it end, or cancel it first")]
    Open(String),
    /// Nothing was really done.
    #[error("run {0} was simulated: there is nothing to undo")]
    Simulated(String),
    /// It is an undoing itself.
    #[error(
        "run {0} undoes another one and is not undone itself; start the response again where it is needed"
    )]
    IsUndo(String),
    /// It is being undone.
    #[error("run {run} is being undone already{}", by.as_ref().map_or_else(String::new, |by| format!(", by run {by}")))]
    UnderWay {
        /// The run.
        run: String,
        /// The run that undoes it, once there is one.
        by: Option<String>,
    },
    /// Nothing is left to undo.
    #[error("nothing is left to undo in run {run}{}", by.as_ref().map_or_else(String::new, |by| format!(": run {by} has undone it")))]
    Nothing {
        /// The run.
        run: String,
        /// The run that has undone it, where one has.
        by: Option<String>,
    },
    /// Nobody can be asked for leave.
    #[error("run {run} is not undone: {why}")]
    NoLeave {
        /// The run.
        run: String,
        /// Why, and the way out.
        why: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Leaves the wish to undo a run for the engine, and returns its number. Teams are those of `deployment`, where the
    /// caller knows it.
    ///
    /// # Errors
    /// When the run cannot be undone, with the reason.
    pub async fn submit_undo(
        &self,
        run: &str,
        by: &str,
        team: Option<String>,
        deployment: Option<&Deployment>,
        now_ms: i64,
    ) -> Result<i64, UndoRefused> {
        let (run, by) = (run.to_owned(), by.to_owned());
        let deployment = deployment.cloned().unwrap_or_default();
        self.write(move |tx| {
            let plan = match tx.undo_plan(&run, &deployment, now_ms)? {
                Ok(plan) => plan,
                Err(refused) => return tx.undo_refused(&run, &by, refused, now_ms).map(Err),
            };
            let Some(num) = tx.run_num(&run)? else {
                return Ok(Err(UndoRefused::NoRun(run)));
            };
            let undoings = tx.undoings(num)?;
            let last = undoings.last();
            let refused = match last {
                Some(last) if last.is_open() => Some(UndoRefused::UnderWay {
                    run: run.clone(),
                    by: last.run.clone(),
                }),
                _ if plan.steps.is_empty() => Some(UndoRefused::Nothing {
                    run: run.clone(),
                    by: last.and_then(|l| l.run.clone()),
                }),
                // Whoever does not know the teams leaves it to the engine.
                _ if deployment.teams.is_empty() => None,
                _ => {
                    let stored = tx.run(num)?;
                    let program = tx.program(stored.program)?;
                    let wish = (by.as_str(), team.clone());
                    let built = tx.built_undoing(&stored, &program, &deployment, wish, now_ms)?;
                    let run = run.clone();
                    built.err().map(|why| UndoRefused::NoLeave { run, why })
                }
            };
            if let Some(refused) = refused {
                return tx.undo_refused(&run, &by, refused, now_ms).map(Err);
            }
            let undoing = tx.add_undoing(num, &by, now_ms)?;
            tx.add_audit(&NewAudit {
                at_ms: now_ms,
                tenant: tx.run(num)?.run.tenant.name,
                actor: by.clone(),
                action: "run.undo_asked".into(),
                run: Some(run.clone()),
                object: None,
                detail: json!({ "team": team, "actions": plan.steps.len() }),
            })?;
            let word = Word::Undo { by, team, undoing };
            tx.add_word(num, &word, now_ms)?;
            Ok(Ok(undoing))
        })
        .await?
    }

    /// What undoing a run would do.
    ///
    /// # Errors
    /// When there is no such run or it is one that is never undone.
    pub async fn undo_plan(
        &self,
        run: &str,
        deployment: &Deployment,
        now_ms: i64,
    ) -> Result<Plan, UndoRefused> {
        let (run, deployment) = (run.to_owned(), deployment.clone());
        self.read(move |tx| tx.undo_plan(&run, &deployment, now_ms))
            .await?
    }

    /// The wishes to undo a run, in order; and the run that it undoes itself, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn undoings_of(
        &self,
        run: &str,
    ) -> Result<(Vec<Undoing>, Option<String>), StoreError> {
        let run = run.to_owned();
        self.read(move |tx| match tx.run_num(&run)? {
            Some(num) => Ok((tx.undoings(num)?, tx.undoes(num)?)),
            None => Ok((Vec::new(), None)),
        })
        .await
    }
}

impl Tx<'_> {
    fn undo_plan(
        &self,
        id: &str,
        deployment: &Deployment,
        now_ms: i64,
    ) -> Result<Result<Plan, UndoRefused>, Fault> {
        let Some(num) = self.run_num(id)? else {
            return Ok(Err(UndoRefused::NoRun(id.to_owned())));
        };
        let stored = self.run(num)?;
        let run = &stored.run;
        if stored.simulated {
            return Ok(Err(UndoRefused::Simulated(id.to_owned())));
        }
        if &*run.playbook == PLAYBOOK {
            return Ok(Err(UndoRefused::IsUndo(id.to_owned())));
        }
        if run.outcome.is_none() {
            return Ok(Err(UndoRefused::Open(id.to_owned())));
        }
        let program = self.program(stored.program)?;
        Ok(Ok(self.plan_of(&stored, &program, deployment, now_ms)?.0))
    }

    /// What undoing a run would do, and its journal, from which that was read.
    pub(crate) fn plan_of(
        &self,
        stored: &StoredRun,
        program: &Program,
        deployment: &Deployment,
        now_ms: i64,
    ) -> Result<(Plan, Vec<Entry>), Fault> {
        let (deeds, journal) = (self.deeds(stored.num)?, self.journal(stored.num)?);
        let mut others = BTreeMap::new();
        for deed in &deeds {
            others.insert(deed.num, self.others_doing(deed)?);
        }
        let plan = plan(&Known {
            program,
            deployment,
            run: &stored.run,
            journal: &journal,
            deeds: &deeds,
            others: &others,
            now_ms,
        });
        Ok((plan, journal))
    }

    /// The program that undoes a run, or why there is none.
    pub(crate) fn built_undoing(
        &self,
        stored: &StoredRun,
        program: &Program,
        deployment: &Deployment,
        (by, team): (&str, Option<String>),
        now_ms: i64,
    ) -> Result<Result<Built, String>, Fault> {
        let run = &stored.run;
        let (plan, journal) = self.plan_of(stored, program, deployment, now_ms)?;
        if plan.steps.is_empty() {
            return Ok(Err("nothing is left that could be undone".into()));
        }
        let approved = team_of(program, &run.playbook, &journal);
        let asked = match asked(deployment, team, approved) {
            Ok(asked) => asked,
            Err(why) => return Ok(Err(why)),
        };
        let title = program
            .playbooks
            .get(&run.playbook)
            .map_or_else(|| run.playbook.to_string(), |p| p.title.to_string());
        let built = build(program, (&run.id, &title), &plan, &asked);
        let behind = self.behind(by)?;
        Ok(
            match ungrantable(&built, deployment, (run, by, behind), now_ms) {
                Some(why) => Err(why),
                None => Ok(built),
            },
        )
    }

    fn undo_refused(
        &self,
        run: &str,
        by: &str,
        refused: UndoRefused,
        now_ms: i64,
    ) -> Result<UndoRefused, Fault> {
        let info = self.run_info(run, None)?;
        self.add_audit(&NewAudit {
            at_ms: now_ms,
            tenant: info.as_ref().map_or_else(String::new, |i| i.tenant.clone()),
            actor: by.to_owned(),
            action: "run.undo_refused".into(),
            run: Some(run.to_owned()),
            object: None,
            detail: json!({ "reason": refused.to_string() }),
        })?;
        Ok(refused)
    }
}
