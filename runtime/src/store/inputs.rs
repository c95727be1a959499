//! Words of people to runs, left by any process and taken up by the engine.

use super::{Fault, Tx, codec};
use counterplay_machine::step::Settlement;
use rusqlite::params;
use serde::{Deserialize, Serialize};

/// What a person says to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Word {
    /// An answer to an approval.
    Vote {
        /// The approval.
        approval: String,
        /// Who, by e-mail address.
        by: String,
        /// Whether in favour.
        approve: bool,
        /// What they say.
        comment: Option<String>,
        /// What they answer to a question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
        /// Whether they answer by the link in a mail of theirs and have not logged in.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_link: bool,
    },
    /// Try the step that holds the run again.
    Resume {
        /// Who.
        by: String,
    },
    /// What became of a held call.
    Settle {
        /// What a person says of it.
        settlement: Settlement,
    },
    /// End the run.
    Cancel {
        /// Who.
        by: String,
    },
    /// Take back what the run did, in a run of its own.
    Undo {
        /// Who.
        by: String,
        /// The team that is asked, where the person names one.
        team: Option<String>,
        /// The wish, by number.
        undoing: i64,
    },
}

/// A word that waits to be taken up.
#[derive(Clone, Debug)]
pub struct InputRow {
    /// Its number.
    pub num: i64,
    /// The run, by number.
    pub run: i64,
    /// The word.
    pub word: Word,
}

impl Tx<'_> {
    /// Leaves a word for a run.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_word(&self, run: i64, word: &Word, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("INSERT INTO inputs (run, word, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![run, codec::encode("a word", word)?, now_ms])?;
        Ok(())
    }

    /// The words that wait, in order.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn words(&self, limit: usize) -> Result<Vec<InputRow>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT num, run, word FROM inputs ORDER BY num LIMIT ?1")?;
        let mut rows = ask.query([limit as i64])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(InputRow {
                num: row.get(0)?,
                run: row.get(1)?,
                word: codec::decode("a word", &row.get::<_, String>(2)?)?,
            });
        }
        Ok(out)
    }

    /// Removes a word: what came of it is part of this transaction. False where it is not there.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_word(&self, num: i64) -> Result<bool, Fault> {
        let gone = self
            .conn
            .prepare_cached("DELETE FROM inputs WHERE num = ?1")?
            .execute([num])?;
        Ok(gone > 0)
    }
}
