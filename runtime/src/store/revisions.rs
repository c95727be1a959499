//! Files that were deployed in; the revisions of the project out, of which one at most is live.
//!
//! A revision says which one it was made from. It goes live only while that one still is: whoever
//! deploys from an old state is told, and overwrites nobody's work.

use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;
use std::collections::BTreeMap;

/// Files to be deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    /// The live revision that they were made from; `None` where there was none.
    pub base: Option<i64>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who: an e-mail address or `token:NAME`.
    pub by: String,
    /// What was changed, in a line of whoever changed it.
    pub summary: String,
    /// What changes for people, as the two programs say it: a sentence each.
    pub changes: Vec<String>,
    /// All files: text by path.
    pub files: BTreeMap<String, String>,
    /// Why a second person has to agree, a sentence each; without any it goes live at once.
    pub reasons: Vec<String>,
}

/// What a revision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionState {
    /// New runs start with it.
    Live,
    /// It was live.
    Superseded,
    /// It waits for a second person.
    Waiting,
    /// It was turned down.
    Refused,
}

impl RevisionState {
    /// The name in the store and for people.
    pub fn name(self) -> &'static str {
        match self {
            RevisionState::Live => "live",
            RevisionState::Superseded => "superseded",
            RevisionState::Waiting => "waiting",
            RevisionState::Refused => "refused",
        }
    }

    fn read(text: &str) -> Result<RevisionState, Fault> {
        [
            RevisionState::Live,
            RevisionState::Superseded,
            RevisionState::Waiting,
            RevisionState::Refused,
        ]
        .into_iter()
        .find(|s| s.name() == text)
        .ok_or_else(|| Fault::Unreadable {
            what: "a revision".into(),
            detail: format!("its state is {text:?}"),
        })
    }
}

/// A revision without its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionInfo {
    /// Its number.
    pub num: i64,
    /// The live revision that it was made from.
    pub base: Option<i64>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// What was changed, in a line of whoever changed it.
    pub summary: String,
    /// What changes for people, a sentence each; nothing where an earlier Counterplay has taken it.
    pub changes: Vec<String>,
    /// What it is.
    pub state: RevisionState,
    /// Why a second person had to agree.
    pub reasons: Vec<String>,
    /// Who decided and when, where a second person did.
    pub decided: Option<(String, i64)>,
}

/// A revision with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What it is.
    pub info: RevisionInfo,
    /// All files: text by path.
    pub files: BTreeMap<String, String>,
}

/// Why a revision is not taken or decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionRefused {
    /// Another one went live meanwhile.
    #[error("{}; take it up and deploy again", stale(*.live))]
    Stale {
        /// The live one.
        live: Option<i64>,
    },
    /// There is none with this number.
    #[error("there is no revision {0}")]
    NoRevision(i64),
    /// It does not wait for anybody.
    #[error("revision {num} is {} and waits for nobody", state.name())]
    NotWaiting {
        /// Its number.
        num: i64,
        /// What it is.
        state: RevisionState,
    },
    /// Its author agrees to it.
    #[error("{0} made this revision; a second person has to agree to it")]
    OwnRevision(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn stale(live: Option<i64>) -> String {
    match live {
        Some(live) => format!("somebody deployed revision {live} meanwhile"),
        None => "the revision that this was made from was never live".into(),
    }
}

type Answer<T> = Result<Result<T, RevisionRefused>, Fault>;

const COLUMNS: &str =
    "num, base, at_ms, by, summary, state, reasons, decided_by, decided_ms, changes";

impl Store {
    /// Adds a revision: live at once, or waiting where there are reasons for it.
    ///
    /// # Errors
    /// [`RevisionRefused::Stale`] when it was not made from the live one.
    pub async fn add_revision(&self, new: NewRevision) -> Result<RevisionInfo, RevisionRefused> {
        self.write(move |tx| tx.add_revision(&new)).await?
    }

    /// Lets a waiting revision go live, or turns it down.
    ///
    /// # Errors
    /// When it does not wait, its author agrees to it, or another one went live meanwhile.
    pub async fn decide_revision(
        &self,
        num: i64,
        by: &str,
        agree: bool,
        now_ms: i64,
    ) -> Result<RevisionInfo, RevisionRefused> {
        let by = by.to_owned();
        self.write(move |tx| tx.decide_revision(num, &by, agree, now_ms))
            .await?
    }

    /// The live revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn live_revision(&self) -> Result<Option<Revision>, StoreError> {
        self.read(|tx| match tx.live_revision()? {
            Some(num) => tx.revision(num),
            None => Ok(None),
        })
        .await
    }

    /// A revision with its files.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn revision(&self, num: i64) -> Result<Option<Revision>, StoreError> {
        self.read(move |tx| tx.revision(num)).await
    }

    /// Revisions, the latest first, those before a number where one is given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn revisions(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RevisionInfo>, StoreError> {
        self.read(move |tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM revisions WHERE ?1 IS NULL OR num < ?1 ORDER BY num DESC LIMIT ?2"
            );
            let mut ask = tx.conn.prepare_cached(&sql)?;
            let mut rows = ask.query(params![before, limit])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(info(row)?);
            }
            Ok(out)
        })
        .await
    }
}

impl Tx<'_> {
    /// The number of the live revision.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn live_revision(&self) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT num FROM revisions WHERE state = 'live'")?
            .query_row([], |row| row.get(0))
            .optional()?)
    }

    /// A revision with its files.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn revision(&self, num: i64) -> Result<Option<Revision>, Fault> {
        let sql = format!("SELECT {COLUMNS}, files FROM revisions WHERE num = ?1");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query([num])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(Revision {
            info: info(row)?,
            files: codec::decode("a revision", &row.get::<_, String>(10)?)?,
        }))
    }

    /// Adds a revision as part of this transaction, see [`Store::add_revision`].
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_revision(&self, new: &NewRevision) -> Answer<RevisionInfo> {
        let live = self.live_revision()?;
        if live != new.base {
            return Ok(Err(RevisionRefused::Stale { live }));
        }
        let state = if new.reasons.is_empty() {
            self.supersede()?;
            RevisionState::Live
        } else {
            RevisionState::Waiting
        };
        self.conn
            .prepare_cached(
                "INSERT INTO revisions (base, at_ms, by, summary, files, state, reasons, changes) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                new.base,
                new.at_ms,
                new.by,
                new.summary,
                codec::encode("a revision", &new.files)?,
                state.name(),
                codec::encode("a revision", &new.reasons)?,
                codec::encode("a revision", &new.changes)?,
            ])?;
        let info = RevisionInfo {
            num: self.conn.last_insert_rowid(),
            base: new.base,
            at_ms: new.at_ms,
            by: new.by.clone(),
            summary: new.summary.clone(),
            changes: new.changes.clone(),
            state,
            reasons: new.reasons.clone(),
            decided: None,
        };
        let action = match state {
            RevisionState::Live => "project.deployed",
            _ => "project.proposed",
        };
        self.audit_revision(&info, action, &new.by, new.at_ms)?;
        Ok(Ok(info))
    }

    /// Decides on a revision as part of this transaction, see [`Store::decide_revision`].
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn decide_revision(
        &self,
        num: i64,
        by: &str,
        agree: bool,
        now_ms: i64,
    ) -> Answer<RevisionInfo> {
        let Some(Revision { mut info, .. }) = self.revision(num)? else {
            return Ok(Err(RevisionRefused::NoRevision(num)));
        };
        if info.state != RevisionState::Waiting {
            let state = info.state;
            return Ok(Err(RevisionRefused::NotWaiting { num, state }));
        }
        if agree {
            // Whoever made it may still take it back.
            if info.by.eq_ignore_ascii_case(by) {
                return Ok(Err(RevisionRefused::OwnRevision(by.to_owned())));
            }
            let live = self.live_revision()?;
            if live != info.base {
                return Ok(Err(RevisionRefused::Stale { live }));
            }
            self.supersede()?;
        }
        info.state = if agree {
            RevisionState::Live
        } else {
            RevisionState::Refused
        };
        self.conn
            .prepare_cached(
                "UPDATE revisions SET state = ?2, decided_by = ?3, decided_ms = ?4 WHERE num = ?1",
            )?
            .execute(params![num, info.state.name(), by, now_ms])?;
        info.decided = Some((by.to_owned(), now_ms));
        let action = if agree {
            "project.deployed"
        } else {
            "project.refused"
        };
        self.audit_revision(&info, action, by, now_ms)?;
        Ok(Ok(info))
    }

    fn supersede(&self) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE revisions SET state = 'superseded' WHERE state = 'live'")?
            .execute([])?;
        Ok(())
    }

    fn audit_revision(
        &self,
        info: &RevisionInfo,
        action: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.add_audit(&NewAudit {
            at_ms: now_ms,
            tenant: String::new(),
            actor: by.to_owned(),
            action: action.to_owned(),
            run: None,
            object: Some(format!("revision {}", info.num)),
            detail: json!({
                "author": info.by,
                "base": info.base,
                "summary": info.summary,
                "changes": info.changes,
                "reasons": info.reasons,
            }),
        })
        .map(|_| ())
    }
}

fn info(row: &Row<'_>) -> Result<RevisionInfo, Fault> {
    let decided_by: Option<String> = row.get(7)?;
    Ok(RevisionInfo {
        num: row.get(0)?,
        base: row.get(1)?,
        at_ms: row.get(2)?,
        by: row.get(3)?,
        summary: row.get(4)?,
        changes: codec::decode("a revision", &row.get::<_, String>(9)?)?,
        state: RevisionState::read(&row.get::<_, String>(5)?)?,
        reasons: codec::decode("a revision", &row.get::<_, String>(6)?)?,
        decided: decided_by.zip(row.get(8)?),
    })
}
