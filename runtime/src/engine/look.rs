//! What waits in the store, all of it seen at one moment: one look for each round of the loop.

use super::drive::Driver;
use super::late::{DueTimers, Next, Round};
use super::{Engine, EngineError, matching, messages};
use crate::store::{Arrival, ChangeRow, InputRow, Message, Pause};
use std::time::{Duration, Instant};

/// How many words and timers are taken up in one round.
const BATCH: usize = 64;
/// How often what waits is counted (in real time).
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// What people have paused.
    pub(super) pauses: Vec<Pause>,
    /// The latest promotion of a version.
    pub(super) promotion: i64,
    /// What people have said.
    pub(super) words: Vec<InputRow>,
    /// Timers that fire.
    pub(super) timers: DueTimers,
    /// Arrivals to be matched, and whether runs wait for such an event.
    pub(super) arrivals: Vec<(Arrival, bool)>,
    /// Objects to be read anew.
    pub(super) changes: Vec<ChangeRow>,
    /// Messages to be sent.
    pub(super) messages: Vec<Message>,
    /// Whether calls wait to be sent.
    pub(super) calls: bool,
    /// How many arrivals of each tenant wait to be matched; counted once a second.
    pub(super) backlog: Option<Vec<(String, usize)>>,
    /// The next timer or attempt, in milliseconds since the Unix epoch.
    pub(super) next_ms: Option<i64>,
}

impl Engine {
    /// Looks once.
    pub(super) async fn look(&self, driver: &mut Driver) -> Result<Look, EngineError> {
        let now = self.inner.clock.now_ms();
        let (round, next) = (Round::of(driver), Next::of(driver));
        let matches = driver.room_to_match();
        let turn = driver.turn.clone();
        let heeds_changes = driver.heeds_changes();
        let counts = driver
            .counted
            .is_none_or(|since| since.elapsed() >= COUNT_EVERY);
        if counts {
            driver.counted = Some(Instant::now());
        }
        let tells = self.kit().link_base.is_some();
        // What is being read counts as due; its end is waited for.
        let polling = self.inner.polling && driver.looking().next().is_none();
        let look = self
            .inner
            .store
            .read(move |tx| {
                let mut times = vec![next.timer(tx)?, tx.next_arrival_ms()?];
                if polling {
                    times.push(tx.next_change_ms()?);
                }
                Ok(Look {
                    pauses: tx.pauses()?,
                    promotion: tx.last_promotion()?,
                    words: tx.words(BATCH)?,
                    timers: round.timers(tx, BATCH)?,
                    arrivals: match matches {
                        0 => Vec::new(),
                        // Those under way are due as well.
                        _ => tx.due_arrivals(now, 2 * matching::AT_ONCE, &turn)?,
                    },
                    changes: match heeds_changes {
                        true => tx.due_changes(now, super::changes::AT_ONCE)?,
                        false => Vec::new(),
                    },
                    messages: match tells {
                        // There are never more of them under way than `AT_ONCE`.
                        true => tx.due_messages(now, 2 * messages::AT_ONCE)?,
                        false => Vec::new(),
                    },
                    calls: tx.has_unsent_calls()?,
                    backlog: counts.then(|| tx.backlog()).transpose()?,
                    next_ms: times.into_iter().flatten().min(),
                })
            })
            .await?;
        driver.time.drain.take(look.timers.late);
        Ok(look)
    }
}
