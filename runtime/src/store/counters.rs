//! What happened in; counted by the hour, in the transaction that it happens in.

use super::{Fault, Tx};
use counterplay_machine::declare::Impact;
use counterplay_machine::duration::HOUR_MS;
use counterplay_machine::state::Outcome;
use rusqlite::params;

/// Something that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted<'a> {
    /// A run started.
    Started,
    /// A run ended.
    Ended(&'a Outcome),
    /// An action of this impact was performed.
    Performed(Impact),
    /// An action of this impact failed, or nobody knows.
    Failed(Impact),
}

impl Counted<'_> {
    fn name(self) -> String {
        match self {
            Counted::Started => "started".into(),
            Counted::Ended(outcome) => format!("ended.{}", outcome.name().replace(' ', "_")),
            Counted::Performed(impact) => format!("performed.{impact}"),
            Counted::Failed(impact) => format!("failed.{impact}"),
        }
    }
}

impl Tx<'_> {
    /// Counts one more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub(crate) fn count(
        &self,
        tenant: &str,
        playbook: &str,
        simulated: bool,
        what: Counted<'_>,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO counters (hour_ms, tenant, playbook, simulated, what, n) VALUES (?1, ?2, ?3, ?4, ?5, 1) \
                 ON CONFLICT DO UPDATE SET n = n + 1",
            )?
            .execute(params![
                now_ms - now_ms.rem_euclid(HOUR_MS),
                tenant,
                playbook,
                simulated,
                what.name()
            ])?;
        Ok(())
    }
}
