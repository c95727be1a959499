//! A person's word in, an immediate answer and a row for the engine out. Works from any process.

use super::{Fault, NewAudit, Store, StoreError, StoredRun, Tx, Word};
use counterplay_machine::state::{Status, Waiting};
use counterplay_machine::step::{Settlement, Vote, check_settlement, check_vote};
use serde_json::json;

/// Why a word was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordRefused {
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(String),
    /// The run has ended.
    #[error("run {run} has ended ({outcome})")]
    Ended {
        /// The run.
        run: String,
        /// How.
        outcome: String,
    },
    /// Nothing is asked.
    #[error("nothing waits for an answer in run {0}")]
    NothingAsked(String),
    /// More than one thing is asked.
    #[error("run {run} asks several questions; name one of {}", approvals.join(", "))]
    Several {
        /// The run.
        run: String,
        /// The approvals' ids.
        approvals: Vec<String>,
    },
    /// The answer would not count.
    #[error("{0}")]
    Vote(String),
    /// The run is not held.
    #[error("run {0} is not held; there is nothing to resume")]
    NotHeld(String),
    /// What is said of a held call does not settle it.
    #[error("{0}")]
    Settle(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody says of an approval or a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether in favour.
    pub approve: bool,
    /// What they say of it.
    pub comment: Option<String>,
    /// The answer, where it is a question and no approval.
    pub answer: Option<String>,
    /// Whether they answer by the link in a mail of theirs and have not logged in.
    pub by_link: bool,
}

type Answer<T> = Result<Result<T, WordRefused>, Fault>;

impl Store {
    /// Leaves an answer for the engine and returns the approval that it is for. `target` is an
    /// approval's id, or a run's where that asks one question. `now_ms` is the caller's time in
    /// milliseconds since the Unix epoch; a store whose engine runs on a virtual clock ignores it.
    ///
    /// # Errors
    /// When the answer would not count, with the reason. The stepper has the last word: an approval
    /// may be decided before the engine takes this one up.
    pub async fn submit_vote(
        &self,
        target: &str,
        by: &str,
        approve: bool,
        comment: Option<String>,
        now_ms: i64,
    ) -> Result<String, WordRefused> {
        let said = Said {
            approve,
            comment,
            answer: None,
            by_link: false,
        };
        self.submit(target, by, said, now_ms).await
    }

    /// Leaves an answer to a question for the engine, as [`Store::submit_vote`] does for an approval.
    ///
    /// # Errors
    /// When the answer would not count, with the reason.
    pub async fn submit_answer(
        &self,
        target: &str,
        by: &str,
        answer: String,
        comment: Option<String>,
        now_ms: i64,
    ) -> Result<String, WordRefused> {
        let said = Said {
            approve: true,
            comment,
            answer: Some(answer),
            by_link: false,
        };
        self.submit(target, by, said, now_ms).await
    }

    /// Leaves what somebody says of an approval or a question for the engine.
    ///
    /// # Errors
    /// When it would not count, with the reason.
    pub async fn submit(
        &self,
        target: &str,
        by: &str,
        said: Said,
        now_ms: i64,
    ) -> Result<String, WordRefused> {
        let (target, by) = (target.to_owned(), by.to_owned());
        self.write(move |tx| {
            let left = tx.leave_vote(&target, by.clone(), said, now_ms)?;
            tx.kept_if_refused("approval.vote_refused", &target, &by, left, now_ms)
        })
        .await?
    }

    /// Tells a held run to try its step again.
    ///
    /// # Errors
    /// When there is no such run or it is not held.
    pub async fn submit_resume(&self, run: &str, by: &str, now_ms: i64) -> Result<(), WordRefused> {
        let (run, by) = (run.to_owned(), by.to_owned());
        self.write(move |tx| {
            let left = match tx.open_run(&run)? {
                Ok(stored) if stored.run.status() == Status::Held => {
                    let word = Word::Resume { by: by.clone() };
                    Ok(tx.add_word(stored.num, &word, now_ms)?)
                }
                Ok(_) => Err(WordRefused::NotHeld(run.clone())),
                Err(refused) => Err(refused),
            };
            tx.kept_if_refused("run.resume_refused", &run, &by, left, now_ms)
        })
        .await?
    }

    /// Says what became of a held call, and returns its step's place.
    ///
    /// # Errors
    /// When there is no such run or call, or what is said does not suffice, with the reason. The stepper has the last
    /// word: someone else may settle it before the engine takes this up.
    pub async fn submit_settle(
        &self,
        run: &str,
        settlement: Settlement,
        now_ms: i64,
    ) -> Result<String, WordRefused> {
        let run = run.to_owned();
        self.write(move |tx| {
            let by = settlement.by.clone();
            let left = tx.leave_settlement(&run, settlement, now_ms)?;
            tx.kept_if_refused("run.settle_refused", &run, &by, left, now_ms)
        })
        .await?
    }

    /// Ends a run. A call that is under way is not stopped by it.
    ///
    /// # Errors
    /// When there is no such run or it has ended.
    pub async fn submit_cancel(&self, run: &str, by: &str, now_ms: i64) -> Result<(), WordRefused> {
        let (run, by) = (run.to_owned(), by.to_owned());
        self.write(move |tx| {
            let left = match tx.open_run(&run)? {
                Ok(stored) => {
                    let word = Word::Cancel { by: by.clone() };
                    Ok(tx.add_word(stored.num, &word, now_ms)?)
                }
                Err(refused) => Err(refused),
            };
            tx.kept_if_refused("run.cancel_refused", &run, &by, left, now_ms)
        })
        .await?
    }
}

impl Tx<'_> {
    /// A word that was refused at once is recorded like one that the stepper refuses: in the chain of
    /// the run's tenant, or of the installation where there is no such run.
    fn kept_if_refused<T>(
        &self,
        action: &str,
        target: &str,
        by: &str,
        left: Result<T, WordRefused>,
        now_ms: i64,
    ) -> Answer<T> {
        if let Err(refused) = &left {
            let id = target.split_once(':').map_or(target, |(run, _)| run);
            let run = self.run_info(id, None)?;
            self.add_audit(&NewAudit {
                at_ms: now_ms,
                tenant: run.as_ref().map(|r| r.tenant.clone()).unwrap_or_default(),
                actor: by.to_owned(),
                action: action.to_owned(),
                run: run.map(|r| r.id),
                object: Some(target.to_owned()),
                detail: json!({ "reason": reason(refused) }),
            })?;
        }
        Ok(left)
    }

    fn open_run(&self, id: &str) -> Answer<StoredRun> {
        let Some(num) = self.run_num(id)? else {
            return Ok(Err(WordRefused::NoRun(id.to_owned())));
        };
        let stored = self.run(num)?;
        Ok(match &stored.run.outcome {
            Some(outcome) => Err(WordRefused::Ended {
                run: id.to_owned(),
                outcome: outcome.to_string(),
            }),
            None => Ok(stored),
        })
    }

    fn leave_settlement(
        &self,
        id: &str,
        mut settlement: Settlement,
        now_ms: i64,
    ) -> Answer<String> {
        let stored = match self.open_run(id)? {
            Ok(stored) => stored,
            Err(refused) => return Ok(Err(refused)),
        };
        let program = self.program(stored.program)?;
        let Some(playbook) = program.playbooks.get(&stored.run.playbook) else {
            return Ok(Err(WordRefused::NoRun(id.to_owned())));
        };
        let held = match check_settlement(&program, playbook, &stored.run, &settlement) {
            Ok((held, _)) => held,
            Err(reason) => return Ok(Err(WordRefused::Settle(reason))),
        };
        // What is meant now is what is meant when the engine takes it up.
        settlement.step = Some(held.place.clone());
        self.add_word(stored.num, &Word::Settle { settlement }, now_ms)?;
        Ok(Ok(held.place))
    }

    fn leave_vote(&self, target: &str, by: String, said: Said, now_ms: i64) -> Answer<String> {
        let id = target.split_once(':').map_or(target, |(run, _)| run);
        let stored = match self.open_run(id)? {
            Ok(stored) => stored,
            Err(refused) => return Ok(Err(refused)),
        };
        let approval = match self.approval_of(&stored, target) {
            Ok(approval) => approval,
            Err(refused) => return Ok(Err(refused)),
        };
        let Said {
            approve,
            comment,
            answer,
            by_link,
        } = said;
        let vote = Vote {
            approval: approval.clone(),
            by: by.clone(),
            approve,
            comment: comment.clone(),
            answer: answer.clone(),
            by_link,
        };
        // On a virtual clock the run's own time is the only one that means anything.
        let now = match self.meta("clock")?.as_deref() {
            Some("virtual") => stored.run.started_ms,
            _ => now_ms,
        };
        if let Err(reason) = check_vote(&stored.run, &vote, now) {
            return Ok(Err(WordRefused::Vote(reason)));
        }
        let word = Word::Vote {
            approval: approval.clone(),
            by,
            approve,
            comment,
            answer,
            by_link,
        };
        self.add_word(stored.num, &word, now_ms)?;
        Ok(Ok(approval))
    }

    fn approval_of(&self, stored: &StoredRun, target: &str) -> Result<String, WordRefused> {
        if target.contains(':') {
            return Ok(target.to_owned());
        }
        let asked: Vec<String> = stored
            .run
            .threads
            .values()
            .filter_map(|t| match &t.waiting {
                Waiting::Approval { id } => Some(id.clone()),
                _ => None,
            })
            .collect();
        match asked.as_slice() {
            [] => Err(WordRefused::NothingAsked(target.to_owned())),
            [one] => Ok(one.clone()),
            _ => Err(WordRefused::Several {
                run: target.to_owned(),
                approvals: asked,
            }),
        }
    }
}

/// Why a word was refused, without what its sender made up.
fn reason(refused: &WordRefused) -> String {
    match refused {
        WordRefused::NoRun(_) => "there is no such run".into(),
        other => other.to_string(),
    }
}
