//! Modes that people set while the engine runs: they stay across restarts and deploys.

use super::{Fault, Tx};
use counterplay_machine::deployment::Mode;
use rusqlite::params;

/// A mode that somebody has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMode {
    /// The playbook's id; the playbook may be gone.
    pub playbook: String,
    /// The mode.
    pub mode: Mode,
    /// Who has set it.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "active",
        Mode::Simulate => "simulate",
        Mode::Paused => "paused",
    }
}

fn read(text: &str) -> Result<Mode, Fault> {
    [Mode::Active, Mode::Simulate, Mode::Paused]
        .into_iter()
        .find(|mode| name(*mode) == text)
        .ok_or_else(|| Fault::Unreadable {
            what: "a mode".into(),
            detail: format!("it is {text:?}"),
        })
}

impl Tx<'_> {
    /// Sets a playbook's mode in place of one that was set before.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_mode(&self, playbook: &str, mode: Mode, by: &str, now_ms: i64) -> Result<(), Fault> {
        self.conn.execute(
            "INSERT INTO modes (playbook, mode, by, at_ms) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET mode = excluded.mode, by = excluded.by, at_ms = excluded.at_ms",
            params![playbook, name(mode), by, now_ms],
        )?;
        Ok(())
    }

    /// Takes back the mode that was set for a playbook, where there is one.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn clear_mode(&self, playbook: &str) -> Result<(), Fault> {
        self.conn
            .execute("DELETE FROM modes WHERE playbook = ?1", [playbook])?;
        Ok(())
    }

    /// Every mode that was set, by playbook.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn modes(&self) -> Result<Vec<StoredMode>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT playbook, mode, by, at_ms FROM modes ORDER BY playbook")?;
        let mut rows = ask.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(StoredMode {
                playbook: row.get(0)?,
                mode: read(&row.get::<_, String>(1)?)?,
                by: row.get(2)?,
                at_ms: row.get(3)?,
            });
        }
        Ok(out)
    }
}
