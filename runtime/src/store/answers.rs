//! A caller's key and a request's digest in; the answer that was given to it before, or leave to work
//! on it, out. So a request that is sent twice is worked on once.

use super::{Fault, Store, StoreError, Tx, codec};
use counterplay_machine::duration::{DAY_MS, MINUTE_MS};
use rusqlite::{OptionalExtension, params};

/// How long an answer is kept.
const KEPT_MS: i64 = DAY_MS;

/// After so long a request that has no answer is taken to be lost with its process.
const LOST_MS: i64 = MINUTE_MS;

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Leave to work on a request. It is void once another one was given in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    caller: String,
    key: String,
    at_ms: i64,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new, or the one that worked on it is gone: work on it, then call [`Store::finish_answer`]
    /// or [`Store::forget_answer`].
    New(Ticket),
    /// It was answered before.
    Replay(Answer),
    /// It is being worked on.
    InProgress,
    /// The key was used for another request.
    Mismatch,
}

impl Store {
    /// Takes up a request that a caller gave a key. `request` is a digest of all that matters in it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn begin_answer(
        &self,
        caller: &str,
        key: &str,
        request: &str,
        now_ms: i64,
    ) -> Result<Begun, StoreError> {
        let (caller, key, request) = (caller.to_owned(), key.to_owned(), request.to_owned());
        self.write(move |tx| tx.begin_answer(&caller, &key, &request, now_ms))
            .await
    }

    /// Keeps the answer to a request. Nothing is done when the ticket is void.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn finish_answer(&self, ticket: Ticket, answer: Answer) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.conn
                .prepare_cached(
                    "UPDATE answers SET status = ?4, headers = ?5, body = ?6 \
                     WHERE caller = ?1 AND key = ?2 AND at_ms = ?3 AND status IS NULL",
                )?
                .execute(params![
                    ticket.caller,
                    ticket.key,
                    ticket.at_ms,
                    answer.status,
                    codec::encode("an answer", &answer.headers)?,
                    answer.body
                ])?;
            Ok(())
        })
        .await
    }

    /// Forgets a request that could not be answered, so that it may be sent again. Nothing is done
    /// when the ticket is void.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_answer(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.conn
                .prepare_cached(
                    "DELETE FROM answers WHERE caller = ?1 AND key = ?2 AND at_ms = ?3 AND status IS NULL",
                )?
                .execute(params![ticket.caller, ticket.key, ticket.at_ms])?;
            Ok(())
        })
        .await
    }
}

/// A kept row: request, status, headers, body, when it was taken up.
type Kept = (String, Option<u16>, Option<String>, Option<String>, i64);

impl Tx<'_> {
    fn begin_answer(
        &self,
        caller: &str,
        key: &str,
        request: &str,
        now_ms: i64,
    ) -> Result<Begun, Fault> {
        self.conn
            .prepare_cached("DELETE FROM answers WHERE at_ms <= ?1")?
            .execute([now_ms - KEPT_MS])?;
        let kept: Option<Kept> = self
            .conn
            .prepare_cached(
                "SELECT request, status, headers, body, at_ms FROM answers WHERE caller = ?1 AND key = ?2",
            )?
            .query_row([caller, key], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })
            .optional()?;
        match kept {
            None => {}
            Some((before, ..)) if before != request => return Ok(Begun::Mismatch),
            Some((_, Some(status), headers, body, _)) => {
                return Ok(Begun::Replay(Answer {
                    status,
                    headers: codec::decode("an answer", headers.as_deref().unwrap_or("[]"))?,
                    body: body.unwrap_or_default(),
                }));
            }
            Some((_, None, _, _, at_ms)) if now_ms - at_ms < LOST_MS => {
                return Ok(Begun::InProgress);
            }
            Some(_) => {}
        }
        self.conn
            .prepare_cached(
                "INSERT INTO answers (caller, key, request, at_ms) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
            )?
            .execute(params![caller, key, request, now_ms])?;
        Ok(Begun::New(Ticket {
            caller: caller.to_owned(),
            key: key.to_owned(),
            at_ms: now_ms,
        }))
    }
}
