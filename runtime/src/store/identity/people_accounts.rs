//! People who may log in: rows in, rows out.

use super::{decode_tenants, encode_tenants};
use crate::store::{Fault, Store, StoreError, Tx, codec};
use rusqlite::{OptionalExtension, Row, params};

/// A person who may log in.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The person's number; never used again.
    pub num: i64,
    /// The e-mail address; compared without regard to case.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// The password's hash with its parameters and salt (PHC string format).
    pub password: String,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// The names of the tenants; `None` is every tenant.
    pub tenants: Option<Vec<String>>,
    /// May not log in.
    pub disabled: bool,
    /// Since when, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The latest change, in milliseconds since the Unix epoch.
    pub changed_ms: i64,
}

impl std::fmt::Debug for PersonRow {
    /// Without the hash: it has no business in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonRow")
            .field("num", &self.num)
            .field("email", &self.email)
            .field("name", &self.name)
            .field("roles", &self.roles)
            .field("tenants", &self.tenants)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// A person who is to be added.
#[derive(Clone)]
pub struct NewPerson {
    /// The e-mail address.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// The password's hash.
    pub password: String,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// The names of the tenants; `None` is every tenant.
    pub tenants: Option<Vec<String>>,
}

/// What is to be another than it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonChange {
    /// The name for people.
    pub name: Option<String>,
    /// The names of the roles.
    pub roles: Option<Vec<String>>,
    /// The names of the tenants; `Some(None)` is every tenant.
    pub tenants: Option<Option<Vec<String>>>,
    /// Whether the person may not log in.
    pub disabled: Option<bool>,
}

const COLUMNS: &str =
    "num, email, name, password, roles, tenants, disabled, created_ms, changed_ms";

struct Raw {
    row: PersonRow,
    roles: String,
    tenants: Option<String>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        row: PersonRow {
            num: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            password: row.get(3)?,
            roles: Vec::new(),
            tenants: None,
            disabled: row.get(6)?,
            created_ms: row.get(7)?,
            changed_ms: row.get(8)?,
        },
        roles: row.get(4)?,
        tenants: row.get(5)?,
    })
}

fn read(raw: Raw) -> Result<PersonRow, Fault> {
    Ok(PersonRow {
        roles: codec::decode("a list of roles", &raw.roles)?,
        tenants: decode_tenants(raw.tenants)?,
        ..raw.row
    })
}

impl Tx<'_> {
    /// Adds a person and returns the person's number; `None` when the e-mail address is taken.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_person(&self, person: &NewPerson, now_ms: i64) -> Result<Option<i64>, Fault> {
        let added = self
            .conn
            .prepare_cached(
                "INSERT INTO people (email, name, password, roles, tenants, created_ms, changed_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                person.email,
                person.name,
                person.password,
                codec::encode("a list of roles", &person.roles)?,
                encode_tenants(person.tenants.as_deref())?,
                now_ms
            ])?;
        Ok((added == 1).then(|| self.conn.last_insert_rowid()))
    }

    /// Changes a person. The sessions of one who may no longer log in end.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn change_person(&self, num: i64, change: &PersonChange, now_ms: i64) -> Result<(), Fault> {
        if let Some(name) = &change.name {
            self.set_person("UPDATE people SET name = ?2 WHERE num = ?1", num, name)?;
        }
        if let Some(roles) = &change.roles {
            let roles = codec::encode("a list of roles", roles)?;
            self.set_person("UPDATE people SET roles = ?2 WHERE num = ?1", num, &roles)?;
        }
        if let Some(tenants) = &change.tenants {
            let tenants = encode_tenants(tenants.as_deref())?;
            self.conn
                .prepare_cached("UPDATE people SET tenants = ?2 WHERE num = ?1")?
                .execute(params![num, tenants])?;
        }
        if let Some(disabled) = change.disabled {
            self.conn
                .prepare_cached("UPDATE people SET disabled = ?2 WHERE num = ?1")?
                .execute(params![num, disabled])?;
            if disabled {
                self.end_sessions(num, None)?;
            }
        }
        self.person_changed(num, now_ms)
    }

    /// Gives a person another password and ends the person's sessions, but for the one with the digest
    /// `keep`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_password(
        &self,
        num: i64,
        hash: &str,
        keep: Option<&str>,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.set_person("UPDATE people SET password = ?2 WHERE num = ?1", num, hash)?;
        self.end_sessions(num, keep)?;
        self.person_changed(num, now_ms)
    }

    /// The person with an e-mail address, in whatever case it is written.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn person_by_email(&self, email: &str) -> Result<Option<PersonRow>, Fault> {
        // The column compares without regard to case (COLLATE NOCASE).
        let sql = format!("SELECT {COLUMNS} FROM people WHERE email = ?1");
        let found = self
            .conn
            .prepare_cached(&sql)?
            .query_row([email], raw)
            .optional()?;
        found.map(read).transpose()
    }

    /// A person by number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn person(&self, num: i64) -> Result<Option<PersonRow>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM people WHERE num = ?1");
        let found = self
            .conn
            .prepare_cached(&sql)?
            .query_row([num], raw)
            .optional()?;
        found.map(read).transpose()
    }

    /// Everyone who may log in or once might, by e-mail address.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn people(&self) -> Result<Vec<PersonRow>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM people ORDER BY email");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let rows = ask.query_map([], raw)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(read).collect()
    }

    fn set_person(&self, sql: &str, num: i64, value: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached(sql)?
            .execute(params![num, value])?;
        Ok(())
    }

    fn person_changed(&self, num: i64, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE people SET changed_ms = ?2 WHERE num = ?1")?
            .execute(params![num, now_ms])?;
        Ok(())
    }
}

impl Store {
    /// [`Tx::person_by_email`] of what is committed.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn person_by_email(&self, email: &str) -> Result<Option<PersonRow>, StoreError> {
        let email = email.to_owned();
        self.read(move |tx| tx.person_by_email(&email)).await
    }

    /// [`Tx::people`] of what is committed.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        self.read(|tx| tx.people()).await
    }
}
