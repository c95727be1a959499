//! A place in the order of all journals in; what was recorded after it, restricted to tenants, out:
//! for streams that go on where they broke off.

use super::list::Conditions;
use super::{Fault, Store, StoreError, Tx, codec};
use counterplay_machine::journal::Entry;
use rusqlite::params_from_iter;

/// An entry of any run's journal.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEntry {
    /// Its number: entries that are committed later have greater ones.
    pub num: i64,
    /// The run's id.
    pub run: String,
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether the run's actions are recorded and not performed.
    pub simulated: bool,
    /// The entry.
    pub entry: Entry,
}

/// A part of what was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// The entries, in the order of their commits.
    pub entries: Vec<FeedEntry>,
    /// The number to go on after: nothing of these tenants up to it is left out.
    pub next: i64,
}

impl Store {
    /// What was recorded after this number, at most `limit` entries of runs of these tenants (of all
    /// where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn journal_since(
        &self,
        num: i64,
        limit: u32,
        tenants: Option<Vec<String>>,
    ) -> Result<Feed, StoreError> {
        self.read(move |tx| tx.feed(num, limit, tenants.as_deref()))
            .await
    }

    /// The number of the latest entry, 0 when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn journal_head(&self) -> Result<i64, StoreError> {
        self.read(|tx| tx.journal_head()).await
    }
}

impl Tx<'_> {
    fn journal_head(&self) -> Result<i64, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT coalesce(max(num), 0) FROM journal")?
            .query_row([], |row| row.get(0))?)
    }

    fn feed(&self, num: i64, limit: u32, tenants: Option<&[String]>) -> Result<Feed, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .with("j.num > ?", Some(num))
            .tenants("r.tenant", tenants);
        let sql = format!(
            "SELECT j.num, r.id, r.tenant, r.playbook, r.simulated, j.entry FROM journal j \
             CROSS JOIN runs r ON r.num = j.run{} ORDER BY j.num LIMIT {limit}",
            conditions.clause()
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        let mut entries: Vec<FeedEntry> = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(FeedEntry {
                num: row.get(0)?,
                run: row.get(1)?,
                tenant: row.get(2)?,
                playbook: row.get(3)?,
                simulated: row.get(4)?,
                entry: codec::decode("a journal entry", &row.get::<_, String>(5)?)?,
            });
        }
        let next = match entries.last() {
            Some(last) if entries.len() == limit as usize => last.num,
            _ if limit == 0 => num,
            // Everything up to the end of this view was looked at.
            _ => self.journal_head()?.max(num),
        };
        Ok(Feed { entries, next })
    }
}
