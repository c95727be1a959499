//! Compiled programs by the hash of their serialised form: runs keep the one they started with.

use super::{Fault, Tx, codec};
use counterplay_machine::Program;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A program that open runs were started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenProgram {
    /// Its number in the store.
    pub num: i64,
    /// Its format.
    pub format: i64,
    /// How many runs are open.
    pub runs: i64,
    /// The first of them.
    pub first: String,
}

impl Tx<'_> {
    /// Stores a program unless it is there, and returns its number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn keep_program(&self, program: &Program, now_ms: i64) -> Result<i64, Fault> {
        let json = codec::encode("a program", program)?;
        let hash = codec::hex(&Sha256::digest(json.as_bytes()));
        self.conn.execute(
            "INSERT OR IGNORE INTO programs (hash, format, json, stored_ms) VALUES (?1, ?2, ?3, ?4)",
            params![hash, program.format, json, now_ms],
        )?;
        let (num, same): (i64, bool) = self.conn.query_row(
            "SELECT num, json = ?2 FROM programs WHERE hash = ?1",
            [hash, json],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match same {
            true => Ok(num),
            false => Err(damaged(num)),
        }
    }

    /// A stored program.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn program(&self, num: i64) -> Result<Arc<Program>, Fault> {
        let sql = "SELECT hash, json FROM programs WHERE num = ?1";
        let found = self.conn.query_row(sql, [num], |row| whole(num, row));
        let json = found
            .optional()?
            .ok_or_else(|| Fault::NotFound(format!("the store has no program {num}")))??;
        codec::decode("a program", &json).map(Arc::new)
    }

    /// The programs that open runs were started with.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_programs(&self) -> Result<Vec<OpenProgram>, Fault> {
        // One index is read, however many runs are open.
        let mut ask = self.conn.prepare(
            "SELECT p.num, p.format, r.runs, (SELECT id FROM runs WHERE num = r.first) FROM \
             (SELECT program, count(*) AS runs, min(num) AS first FROM runs WHERE ended_ms IS NULL GROUP BY program) r \
             JOIN programs p ON p.num = r.program ORDER BY p.num",
        )?;
        let rows = ask.query_map([], |row| {
            Ok(OpenProgram {
                num: row.get(0)?,
                format: row.get(1)?,
                runs: row.get(2)?,
                first: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a fact of the store.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<(), Fault> {
        self.conn.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            [key, value],
        )?;
        Ok(())
    }

    /// A fact that was kept.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn meta(&self, key: &str) -> Result<Option<String>, Fault> {
        Ok(self
            .conn
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?)
    }
}

/// The text of a program, from a row of its hash and that: nothing else lies under its hash.
pub(super) fn whole(num: i64, row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<String, Fault>> {
    let hash: String = row.get(0)?;
    let text = row.get_ref(1)?.as_bytes()?;
    let same = codec::hex(&Sha256::digest(text)) == hash;
    Ok(match std::str::from_utf8(text) {
        Ok(text) if same => Ok(text.to_owned()),
        _ => Err(damaged(num)),
    })
}

fn damaged(num: i64) -> Fault {
    Fault::Damaged(format!(
        "program {num} is not as it was written: it has another hash"
    ))
}
