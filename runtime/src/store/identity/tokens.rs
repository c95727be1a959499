//! API tokens: the digest of what a program holds in, what the token is good for out.

use super::{decode_tenants, encode_tenants};
use crate::store::{Fault, Store, StoreError, Tx};
use rusqlite::{OptionalExtension, Row, params};
use std::collections::BTreeMap;

/// How a token is named among those who act.
const ACTOR: &str = "token:";

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The token's number; never used again.
    pub num: i64,
    /// What people call it.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// The names of the tenants; `None` is every tenant.
    pub tenants: Option<Vec<String>>,
    /// Who made it.
    pub created_by: String,
    /// When, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// When it was last noted as used, in milliseconds since the Unix epoch.
    pub used_ms: Option<i64>,
    /// When it was revoked, in milliseconds since the Unix epoch.
    pub revoked_ms: Option<i64>,
}

/// A token that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// The digest of the secret.
    pub digest: String,
    /// The role's name.
    pub role: String,
    /// The names of the tenants; `None` is every tenant.
    pub tenants: Option<Vec<String>>,
    /// Who makes it.
    pub created_by: String,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

const COLUMNS: &str =
    "num, name, role, tenants, created_by, created_ms, expires_ms, used_ms, revoked_ms";

fn raw(row: &Row<'_>) -> rusqlite::Result<(TokenRow, Option<String>)> {
    let token = TokenRow {
        num: row.get(0)?,
        name: row.get(1)?,
        role: row.get(2)?,
        tenants: None,
        created_by: row.get(4)?,
        created_ms: row.get(5)?,
        expires_ms: row.get(6)?,
        used_ms: row.get(7)?,
        revoked_ms: row.get(8)?,
    };
    Ok((token, row.get(3)?))
}

fn read((token, tenants): (TokenRow, Option<String>)) -> Result<TokenRow, Fault> {
    Ok(TokenRow {
        tenants: decode_tenants(tenants)?,
        ..token
    })
}

impl Tx<'_> {
    /// Adds a token and returns its number; `None` when one that is still good has the name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_token(&self, token: &NewToken, now_ms: i64) -> Result<Option<i64>, Fault> {
        let taken: bool = self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM tokens WHERE name = ?1 COLLATE NOCASE \
                 AND revoked_ms IS NULL AND expires_ms > ?2)",
            )?
            .query_row(params![token.name, now_ms], |row| row.get(0))?;
        if taken {
            return Ok(None);
        }
        self.conn
            .prepare_cached(
                "INSERT INTO tokens (name, digest, role, tenants, created_by, created_ms, expires_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                token.name,
                token.digest,
                token.role,
                encode_tenants(token.tenants.as_deref())?,
                token.created_by,
                now_ms,
                token.expires_ms
            ])?;
        Ok(Some(self.conn.last_insert_rowid()))
    }

    /// The token with a digest, whether it is still good or not.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn token_by_digest(&self, digest: &str) -> Result<Option<TokenRow>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM tokens WHERE digest = ?1");
        let found = self
            .conn
            .prepare_cached(&sql)?
            .query_row([digest], raw)
            .optional()?;
        found.map(read).transpose()
    }

    /// A token by number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn token(&self, num: i64) -> Result<Option<TokenRow>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM tokens WHERE num = ?1");
        let found = self
            .conn
            .prepare_cached(&sql)?
            .query_row([num], raw)
            .optional()?;
        found.map(read).transpose()
    }

    /// Every token that was ever made, the latest first.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn tokens(&self) -> Result<Vec<TokenRow>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY num DESC");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let rows = ask.query_map([], raw)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(read).collect()
    }

    /// Somebody, and where that is a token also who made it, and so on back to a person or the command line.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn behind(&self, actor: &str) -> Result<Vec<String>, Fault> {
        let mut chain = vec![actor.to_owned()];
        // A name may be used again once its token has ended: what made a token is an older one.
        let mut before = i64::MAX;
        while let Some(name) = chain.last().and_then(|who| who.strip_prefix(ACTOR)) {
            let made: Option<(i64, String)> = self
                .conn
                .prepare_cached(
                    "SELECT num, created_by FROM tokens WHERE name = ?1 COLLATE NOCASE AND num < ?2 \
                     ORDER BY num DESC LIMIT 1",
                )?
                .query_row(params![name, before], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((num, by)) = made else { break };
            before = num;
            chain.push(by);
        }
        Ok(chain)
    }

    /// The tokens that somebody made, or a token of theirs did, as the trail has them (`token:NAME`). Those that
    /// have ended too.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn tokens_of(&self, person: &str) -> Result<Vec<String>, Fault> {
        let mut theirs: BTreeMap<String, bool> = BTreeMap::new();
        let mut out = Vec::new();
        for token in self.tokens()?.into_iter().rev() {
            let maker = token.created_by.strip_prefix(ACTOR);
            let own = token.created_by.eq_ignore_ascii_case(person)
                || maker.is_some_and(|m| theirs.get(&m.to_ascii_lowercase()) == Some(&true));
            theirs.insert(token.name.to_ascii_lowercase(), own);
            if own {
                out.push(format!("{ACTOR}{}", token.name));
            }
        }
        Ok(out)
    }

    /// Notes that a token is in use.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_token(&self, num: i64, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE tokens SET used_ms = max(coalesce(used_ms, ?2), ?2) WHERE num = ?1",
            )?
            .execute(params![num, now_ms])?;
        Ok(())
    }

    /// Makes a token worthless from now on. One that is revoked already stays so.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn revoke_token(&self, num: i64, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE tokens SET revoked_ms = coalesce(revoked_ms, ?2) WHERE num = ?1",
            )?
            .execute(params![num, now_ms])?;
        Ok(())
    }
}

impl Store {
    /// [`Tx::tokens`] of what is committed.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read(|tx| tx.tokens()).await
    }

    /// [`Tx::tokens_of`] of what is committed.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn tokens_of(&self, person: &str) -> Result<Vec<String>, StoreError> {
        let person = person.to_owned();
        self.read(move |tx| tx.tokens_of(&person)).await
    }
}
