//! Messages that tell people where an approval waits: stored with the approval, marked before an
//! attempt, kept with what became of them.

use super::pauses::run_goes;
use super::{Fault, Store, StoreError, Tx};
use rusqlite::{Row, params};
use std::fmt;

/// A way to reach people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A mail to a person or to a team's shared mailbox.
    Mail,
    /// A card in a team's channel in Microsoft Teams.
    Teams,
    /// A post in a team's channel in Slack.
    Slack,
    /// A second mail to a person who has not answered yet.
    Reminder,
}

impl Channel {
    /// The name in the store and in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Mail => "mail",
            Channel::Teams => "teams",
            Channel::Slack => "slack",
            Channel::Reminder => "reminder",
        }
    }

    fn read(name: &str) -> Result<Channel, Fault> {
        match name {
            "mail" => Ok(Channel::Mail),
            "teams" => Ok(Channel::Teams),
            "slack" => Ok(Channel::Slack),
            "reminder" => Ok(Channel::Reminder),
            other => Err(Fault::Unreadable {
                what: "a message".into(),
                detail: format!("there is no channel `{other}`"),
            }),
        }
    }
}

impl fmt::Display for Channel {
    /// The name for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Channel::Mail => "mail",
            Channel::Teams => "Teams",
            Channel::Slack => "Slack",
            Channel::Reminder => "reminder",
        })
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It is to be sent, for the first time or again.
    Waiting,
    /// It was sent.
    Sent,
    /// It was not sent and will not be.
    GivenUp,
}

impl MessageState {
    /// The name for people and APIs.
    pub fn name(self) -> &'static str {
        match self {
            MessageState::Waiting => "waiting",
            MessageState::Sent => "sent",
            MessageState::GivenUp => "given up",
        }
    }
}

/// A message about an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub num: i64,
    /// The run, by number.
    pub run_num: i64,
    /// The run's id.
    pub run: String,
    /// The tenant's name.
    pub tenant: String,
    /// The approval's id.
    pub approval: String,
    /// The way.
    pub channel: Channel,
    /// An e-mail address, or a team's name where it goes to a team's channel.
    pub recipient: String,
    /// When the approval was asked, in milliseconds since the Unix epoch.
    pub asked_ms: i64,
    /// What became of it.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: i64,
    /// Whether an attempt was begun whose end is not known: it is under way, or the process ended
    /// in between.
    pub begun: bool,
    /// When it is tried next, where it waits.
    pub next_ms: i64,
    /// When it was sent or given up.
    pub ended_ms: Option<i64>,
    /// Why the last attempt failed, or why there will be none.
    pub error: Option<String>,
}

impl Message {
    /// Whether it is a reminder whose time has not come.
    pub fn is_to_come(&self) -> bool {
        self.channel == Channel::Reminder
            && self.state == MessageState::Waiting
            && self.attempts == 0
    }
}

const SELECT: &str = "SELECT m.num, m.run, r.id, r.tenant, m.approval, m.channel, m.recipient, m.asked_ms, m.state, \
     m.attempts, m.begun, m.next_ms, m.ended_ms, m.error FROM messages m JOIN runs r ON r.num = m.run";

impl Store {
    /// What was sent, or is to be sent, about an approval, in the order in which it was stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn messages(&self, approval: &str) -> Result<Vec<Message>, StoreError> {
        let approval = approval.to_owned();
        self.read(move |tx| tx.messages(&approval)).await
    }
}

impl Tx<'_> {
    /// Stores a message that is to be sent from a time on; one that goes the same way to the same
    /// recipient is stored already where two teams or addresses coincide.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_message(
        &self,
        run: i64,
        approval: &str,
        channel: Channel,
        recipient: &str,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO messages (run, approval, channel, recipient, asked_ms, next_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run, approval, channel.name(), recipient, now_ms])?;
        Ok(())
    }

    /// Removes a message that nobody wants any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn drop_message(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM messages WHERE num = ?1")?
            .execute([num])?;
        Ok(())
    }

    /// Removes an approval's reminders that are not on their way.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn drop_reminders(&self, approval: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "DELETE FROM messages WHERE approval = ?1 AND channel = ?2 AND state = 0 AND begun = 0",
            )?
            .execute([approval, Channel::Reminder.name()])?;
        Ok(())
    }

    /// What was sent, or is to be sent, about an approval.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn messages(&self, approval: &str) -> Result<Vec<Message>, Fault> {
        let sql = format!("{SELECT} WHERE m.approval = ?1 ORDER BY m.num");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query([approval])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(read(row)?);
        }
        Ok(out)
    }

    /// Messages whose time has come, those that have waited longest first; those under way are
    /// among them.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn due_messages(&self, now_ms: i64, limit: usize) -> Result<Vec<Message>, Fault> {
        let sql = format!(
            "{SELECT} WHERE m.state = 0 AND m.next_ms <= ?1 AND {} ORDER BY m.next_ms, m.num LIMIT ?2",
            run_goes("m.run")
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params![now_ms, limit as i64])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(read(row)?);
        }
        Ok(out)
    }

    /// Marks an attempt, before it is made.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin_message(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE messages SET begun = 1, attempts = attempts + 1 WHERE num = ?1",
            )?
            .execute([num])?;
        Ok(())
    }

    /// Stores what became of a message: its state, its next attempt, its end and the error.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_message(&self, message: &Message) -> Result<(), Fault> {
        let state = match message.state {
            MessageState::Waiting => 0,
            MessageState::Sent => 1,
            MessageState::GivenUp => 2,
        };
        self.conn
            .prepare_cached(
                "UPDATE messages SET state = ?2, begun = 0, next_ms = ?3, ended_ms = ?4, error = ?5 WHERE num = ?1",
            )?
            .execute(params![
                message.num,
                state,
                message.next_ms,
                message.ended_ms,
                message.error
            ])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<Message, Fault> {
    Ok(Message {
        num: row.get(0)?,
        run_num: row.get(1)?,
        run: row.get(2)?,
        tenant: row.get(3)?,
        approval: row.get(4)?,
        channel: Channel::read(&row.get::<_, String>(5)?)?,
        recipient: row.get(6)?,
        asked_ms: row.get(7)?,
        state: match row.get::<_, i64>(8)? {
            0 => MessageState::Waiting,
            1 => MessageState::Sent,
            _ => MessageState::GivenUp,
        },
        attempts: row.get(9)?,
        begun: row.get(10)?,
        next_ms: row.get(11)?,
        ended_ms: row.get(12)?,
        error: row.get(13)?,
    })
}
