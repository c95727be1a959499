//! The dead-letter list: what could not be read or matched, whole, with the reason, and what became
//! of it since.

use super::list::{Conditions, Page};
use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use rusqlite::{Row, params};
use serde_json::{Value as Json, json};

/// An object to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewLetter<'a> {
    /// The tenant's name.
    pub tenant: &'a str,
    /// The event or playbook, where it is known.
    pub name: Option<&'a str>,
    /// The arrival, where it was accepted before.
    pub event: Option<i64>,
    /// The playbook that could not be judged, where only that failed.
    pub playbook: Option<&'a str>,
    /// The object as it came.
    pub payload: &'a Json,
    /// Why it could not be used.
    pub reason: &'a str,
    /// Who stands behind it, as of an arrival.
    pub behind: &'a [String],
}

/// An object that could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Its number.
    pub num: i64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The tenant's name.
    pub tenant: String,
    /// The event or playbook, where it is known.
    pub name: Option<String>,
    /// The arrival, where it was accepted before.
    pub event: Option<i64>,
    /// The playbook that could not be judged, where only that failed.
    pub playbook: Option<String>,
    /// The object as it came.
    pub payload: Json,
    /// Why.
    pub reason: String,
    /// Who stands behind it, as of an arrival.
    pub behind: Vec<String>,
    /// When it was accepted after all, by whom, as which arrival.
    pub replayed: Option<(i64, String, i64)>,
    /// When it was dismissed, by whom and why.
    pub dismissed: Option<(i64, String, String)>,
}

/// Which dead letters to list; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    /// Of these tenants: those that the caller may see. Of all when absent.
    pub tenants: Option<Vec<String>>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Only those that were neither accepted after all nor dismissed.
    pub open: bool,
    /// Those before this number: [`Page::next`] of the page before.
    pub before: Option<i64>,
    /// At most so many, 100 when absent.
    pub limit: Option<u32>,
}

/// Why nothing is done with a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterRefused {
    /// There is none with this number.
    #[error("there is no dead letter {0}")]
    NoLetter(i64),
    /// Something was done with it before.
    #[error("dead letter {letter} was {how} before")]
    Settled {
        /// Its number.
        letter: i64,
        /// `accepted by …` or `dismissed by …`.
        how: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const SELECT: &str = "SELECT num, at_ms, tenant, name, event, playbook, payload, reason, replayed_ms, replayed_by, \
     replayed_event, dismissed_ms, dismissed_by, dismissed_why, behind FROM dead_letters";

impl Store {
    /// Dead letters, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let filter = LetterFilter {
            limit: Some(limit),
            ..LetterFilter::default()
        };
        Ok(self.letter_page(filter).await?.items)
    }

    /// A page of dead letters, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn letter_page(&self, filter: LetterFilter) -> Result<Page<DeadLetter>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions
                .tenants("tenant", filter.tenants.as_deref())
                .with("tenant = ?", filter.tenant)
                .plain("replayed_ms IS NULL AND dismissed_ms IS NULL", filter.open);
            tx.page(
                SELECT,
                "num",
                conditions,
                (filter.before, filter.limit),
                read,
            )
        })
        .await
    }

    /// A dead letter by number; `None` when there is none in these tenants (in any where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn letter(
        &self,
        num: i64,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<DeadLetter>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions
                .with("num = ?", Some(num))
                .tenants("tenant", tenants.as_deref());
            tx.one(SELECT, &conditions, read)
        })
        .await
    }

    /// Takes a dead letter from those that wait for somebody: nothing will be done with it.
    ///
    /// # Errors
    /// When there is none with this number or something was done with it before.
    pub async fn dismiss_letter(
        &self,
        num: i64,
        by: &str,
        why: &str,
        now_ms: i64,
    ) -> Result<(), LetterRefused> {
        let (by, why) = (by.to_owned(), why.to_owned());
        self.write(move |tx| {
            let letter = match tx.open_letter(num)? {
                Ok(letter) => letter,
                Err(refused) => return Ok(Err(refused)),
            };
            tx.conn
                .prepare_cached(
                    "UPDATE dead_letters SET dismissed_ms = ?2, dismissed_by = ?3, dismissed_why = ?4 WHERE num = ?1",
                )?
                .execute(params![num, now_ms, by, why])?;
            tx.audit_letter(&letter, "letter.dismissed", &by, json!({ "why": why }), now_ms)?;
            Ok(Ok(()))
        })
        .await?
    }
}

impl Tx<'_> {
    /// Keeps an object that could not be used and returns its number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_letter(&self, new: &NewLetter<'_>, now_ms: i64) -> Result<i64, Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO dead_letters (at_ms, tenant, name, event, playbook, payload, reason, behind) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                now_ms,
                new.tenant,
                new.name,
                new.event,
                new.playbook,
                codec::encode("a dead letter", new.payload)?,
                new.reason,
                codec::people(new.behind)?
            ])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// A dead letter that waits for somebody, or why it does not.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn open_letter(&self, num: i64) -> Result<Result<DeadLetter, LetterRefused>, Fault> {
        let mut conditions = Conditions::default();
        conditions.with("num = ?", Some(num));
        let Some(letter) = self.one(SELECT, &conditions, read)? else {
            return Ok(Err(LetterRefused::NoLetter(num)));
        };
        let how = match (&letter.replayed, &letter.dismissed) {
            (Some((_, by, event)), _) => format!("accepted as event {event} by {by}"),
            (None, Some((_, by, _))) => format!("dismissed by {by}"),
            (None, None) => return Ok(Ok(letter)),
        };
        Ok(Err(LetterRefused::Settled { letter: num, how }))
    }

    /// Notes that a dead letter was accepted after all: as which arrival is part of this transaction.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn letter_replayed(
        &self,
        letter: &DeadLetter,
        event: i64,
        name: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE dead_letters SET replayed_ms = ?2, replayed_by = ?3, replayed_event = ?4 WHERE num = ?1",
            )?
            .execute(params![letter.num, now_ms, by, event])?;
        let detail = json!({ "event": event, "name": name });
        self.audit_letter(letter, "letter.replayed", by, detail, now_ms)
    }

    /// Notes that a dead letter was tried again in vain.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn letter_refused(
        &self,
        letter: &DeadLetter,
        reason: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE dead_letters SET reason = ?2 WHERE num = ?1")?
            .execute(params![letter.num, reason])?;
        let detail = json!({ "reason": reason });
        self.audit_letter(letter, "letter.refused", by, detail, now_ms)
    }

    fn audit_letter(
        &self,
        letter: &DeadLetter,
        action: &str,
        by: &str,
        detail: Json,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.add_audit(&NewAudit {
            at_ms: now_ms,
            tenant: letter.tenant.clone(),
            actor: by.to_owned(),
            action: action.to_owned(),
            run: None,
            object: Some(format!("dead letter {}", letter.num)),
            detail,
        })
        .map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<DeadLetter, Fault> {
    let when_who = |i: usize| -> Result<(Option<i64>, Option<String>), Fault> {
        Ok((row.get(i)?, row.get(i + 1)?))
    };
    let replayed = match (when_who(8)?, row.get(10)?) {
        ((Some(at), Some(by)), Some(event)) => Some((at, by, event)),
        _ => None,
    };
    let dismissed = match (when_who(11)?, row.get(13)?) {
        ((Some(at), Some(by)), Some(why)) => Some((at, by, why)),
        _ => None,
    };
    Ok(DeadLetter {
        num: row.get(0)?,
        at_ms: row.get(1)?,
        tenant: row.get(2)?,
        name: row.get(3)?,
        event: row.get(4)?,
        playbook: row.get(5)?,
        payload: codec::decode("a dead letter", &row.get::<_, String>(6)?)?,
        reason: row.get(7)?,
        behind: codec::read_people(row.get(14)?)?,
        replayed,
        dismissed,
    })
}
