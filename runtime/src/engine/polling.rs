//! Declared sources in, arrivals for what is new in them out: read at their intervals, for each tenant
//! in which a playbook waits for the event.
//!
//! The first reading only records a baseline. A source that can filter by time is read from its cursor
//! on, less an overlap for what the service lists late; others are read whole. What was seen before is
//! known by what the event's `fires` rule notes, so that an object that is pushed and polled counts once.
//! The cursor moves in the transaction that stores the objects. A source that nobody waits for any more
//! is forgotten, and read from a new baseline when somebody does again.

use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::seen::{Seen, look, take};
use super::sources::wanted;
use super::{Engine, EngineError, Notice};
use crate::brake::Gate;
use crate::call::{ListFailure, ListRequest};
use crate::room::Room;
use crate::store::{PollRow, PollSource};
use counterplay_machine::declare::{Event, Source};
use counterplay_machine::duration::{DAY_MS, MINUTE_MS, format_time_ms};
use counterplay_machine::eval::TenantFacts;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How far a reading goes back behind what was seen: services list some objects minutes late.
const OVERLAP_MS: i64 = 30 * MINUTE_MS;
/// How far the baseline of a source that can filter by time goes back.
const BASELINE_MS: i64 = DAY_MS;
/// How many sources are read at once, those left out that wait; of one tenant half of it.
const POLLS_MAX: usize = 8;
/// First readings are spread over this time, so that tenants do not ask at the same moment.
const SPREAD_MS: i64 = MINUTE_MS;
/// For how long the connector waits out trouble before a reading has failed.
const PATIENCE_MS: i64 = 5 * MINUTE_MS;
/// The longest pause after failures, unless the interval is longer.
const PAUSE_MAX_MS: i64 = 30 * MINUTE_MS;
/// How many objects are stored in one transaction.
const CHUNK: usize = 500;

/// Which source of which tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PollKey {
    pub(super) tenant: String,
    pub(super) event: Arc<str>,
}

/// A source that is polled.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    key: PollKey,
    every_ms: i64,
    next_ms: i64,
    cursor_ms: Option<i64>,
    /// Whether it was read before.
    known: bool,
    failures: i64,
}

/// What reading a source gave.
pub(super) struct Polled {
    key: PollKey,
    at_ms: i64,
    result: Result<Read, ListFailure>,
}

struct Read {
    kit: Arc<Kit>,
    seen: Arc<Vec<Seen>>,
    cursor_ms: Option<i64>,
}

impl Polled {
    pub(super) fn broken(key: PollKey, reason: String) -> Polled {
        Polled {
            key,
            at_ms: 0,
            result: Err(ListFailure::new(reason)),
        }
    }
}

/// What is being read, of all that is under way: looked through once, however many sources there are.
struct Reading<'d> {
    keys: Vec<&'d PollKey>,
    /// How many of each tenant, those left out that wait.
    busy: BTreeMap<&'d str, usize>,
    count: usize,
}

impl Reading<'_> {
    fn of(&self, tenant: &str) -> usize {
        self.busy.get(tenant).copied().unwrap_or_default()
    }
}

impl Driver {
    fn reading(&self) -> Reading<'_> {
        let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
        for key in self.busy_polls() {
            *busy.entry(&key.tenant).or_default() += 1;
        }
        Reading {
            keys: self.polled().collect(),
            count: busy.values().sum(),
            busy,
        }
    }

    /// When the next reading may begin; none while as many as may be are under way.
    pub(super) fn next_poll_ms(&self) -> Option<i64> {
        let reading = self.reading();
        if reading.count >= POLLS_MAX {
            return None;
        }
        let idle = self
            .polls
            .iter()
            .filter(|p| self.may_poll(&reading, &p.key));
        idle.map(|p| p.next_ms).min()
    }

    /// Whether a reading may begin: none of it is under way, nobody has paused the tenant, and not too many of its sources are
    /// being read.
    fn may_poll(&self, reading: &Reading<'_>, key: &PollKey) -> bool {
        !reading.keys.contains(&key)
            && reading.of(&key.tenant) < POLLS_MAX / 2
            && !self.brake.is_held(&key.tenant, None)
    }

    /// The sources to be read now: those first that have waited longest, of each tenant as many as may be.
    fn due_polls(&self, now_ms: i64) -> Vec<Poll> {
        let mut reading = self.reading();
        let due = self.polls.iter().filter(|p| p.next_ms <= now_ms);
        let mut due: Vec<&Poll> = due.filter(|p| self.may_poll(&reading, &p.key)).collect();
        due.sort_by_key(|p| p.next_ms);
        due.retain(|poll| {
            let own = reading.busy.entry(&poll.key.tenant).or_default();
            *own += 1;
            *own <= POLLS_MAX / 2
        });
        due.truncate(POLLS_MAX.saturating_sub(reading.count));
        due.into_iter().cloned().collect()
    }

    fn poll_mut(&mut self, key: &PollKey) -> Option<&mut Poll> {
        self.polls.iter_mut().find(|p| p.key == *key)
    }
}

impl Engine {
    /// Finds out what is to be polled, and forgets what no longer is.
    pub(super) async fn load_polls(
        &self,
        driver: &mut Driver,
        kit: &Kit,
    ) -> Result<(), EngineError> {
        driver.polls.clear();
        if !self.inner.polling {
            return Ok(());
        }
        let now = kit.clock.now_ms();
        let rows = self.inner.store.read(|tx| tx.polls()).await?;
        let mut rows: HashMap<PollSource, PollRow> =
            rows.into_iter().map(|row| (row.of.clone(), row)).collect();
        let mut fresh = Vec::new();
        for source in wanted(kit) {
            let row = rows.remove(&source.of);
            let is_new = row.is_none();
            let row = row.unwrap_or_else(|| PollRow {
                of: source.of.clone(),
                cursor_ms: None,
                next_ms: now,
                polled_ms: None,
                failures: 0,
                error: None,
            });
            let soon = now.saturating_add(source.every_ms);
            if is_new {
                fresh.push((driver.polls.len(), source.of));
            }
            driver.polls.push(Poll {
                key: PollKey {
                    tenant: row.of.tenant,
                    event: source.event.clone(),
                },
                every_ms: source.every_ms,
                // A deploy may have shortened the interval.
                next_ms: if row.failures == 0 {
                    row.next_ms.min(soon)
                } else {
                    row.next_ms
                },
                cursor_ms: row.cursor_ms,
                known: row.polled_ms.is_some(),
                failures: row.failures,
            });
        }
        let count = fresh.len().max(1) as i64;
        let mut begun = Vec::new();
        for (rank, (at, of)) in fresh.into_iter().enumerate() {
            if let Some(poll) = driver.polls.get_mut(at) {
                poll.next_ms = now + poll.every_ms.min(SPREAD_MS) * rank as i64 / count;
                begun.push((of, poll.next_ms));
            }
        }
        if !begun.is_empty() || !rows.is_empty() {
            self.inner
                .store
                .write(move |tx| {
                    // First: a source that has changed is among both.
                    for of in rows.keys() {
                        tx.end_poll(&of.tenant, &of.event)?;
                    }
                    begun
                        .iter()
                        .try_for_each(|(of, next_ms)| tx.begin_poll(of, *next_ms))
                })
                .await?;
        }
        Ok(())
    }

    /// Begins to read the sources that are due; whether there were any.
    pub(super) async fn begin_polls(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let now = self.inner.clock.now_ms();
        let due = driver.due_polls(now);
        let any = !due.is_empty();
        for poll in due {
            let kit = self.kit();
            driver.spawn_aside(Job::Poll(poll.key.clone()), |room| async move {
                let (key, at_ms) = (poll.key.clone(), kit.clock.now_ms());
                let result = read(kit, &poll, at_ms, room).await;
                Report::Polled(Polled { key, at_ms, result })
            });
        }
        Ok(any)
    }

    /// Stores what reading a source gave.
    pub(super) async fn take_poll(
        &self,
        driver: &mut Driver,
        polled: &Polled,
    ) -> Result<(), EngineError> {
        let Some(poll) = driver.poll_mut(&polled.key).map(|p| p.clone()) else {
            return Ok(());
        };
        let now = self.inner.clock.now_ms();
        let (tenant, event) = (poll.key.tenant.clone(), poll.key.event.clone());
        let next = match &polled.result {
            Err(failure) => {
                let next_ms = now.saturating_add(pause_ms(&poll, failure));
                let reason = failure.reason.clone();
                tracing::warn!(%tenant, %event, %reason, "a source cannot be read");
                self.inner
                    .store
                    .write(move |tx| tx.poll_failed(&tenant, &event, &reason, next_ms))
                    .await?;
                Poll {
                    next_ms,
                    failures: poll.failures + 1,
                    ..poll
                }
            }
            Ok(read) => {
                let planned = poll.next_ms.saturating_add(poll.every_ms);
                let next_ms = if planned > now {
                    planned
                } else {
                    now.saturating_add(poll.every_ms)
                };
                if !self.store_read(&poll, read, polled.at_ms, next_ms).await? {
                    return Ok(());
                }
                Poll {
                    next_ms,
                    cursor_ms: read.cursor_ms,
                    known: true,
                    failures: 0,
                    ..poll
                }
            }
        };
        if let Some(poll) = driver.poll_mut(&polled.key) {
            *poll = next;
        }
        Ok(())
    }

    /// Stores the objects, the cursor with the last of them; false when something else was deployed
    /// meanwhile, and the source is to be read again.
    async fn store_read(
        &self,
        poll: &Poll,
        read: &Read,
        at_ms: i64,
        next_ms: i64,
    ) -> Result<bool, EngineError> {
        let mut from = 0;
        loop {
            let to = read.seen.len().min(from + CHUNK);
            let (deployed, kit) = (self.inner.deployed.clone(), read.kit.clone());
            let (seen, key, cursor_ms) = (read.seen.clone(), poll.key.clone(), read.cursor_ms);
            let (baseline, now) = (!poll.known, self.inner.clock.now_ms());
            let notices: Option<Vec<Notice>> = self
                .inner
                .store
                .write(move |tx| {
                    if !Arc::ptr_eq(&deployed.get(), &kit) {
                        return Ok(None);
                    }
                    let mut notices = Vec::new();
                    for one in seen.get(from..to).unwrap_or_default() {
                        notices.extend(take(tx, &key, one, baseline, now)?);
                    }
                    if to == seen.len() {
                        tx.poll_succeeded(&key.tenant, &key.event, cursor_ms, at_ms, next_ms)?;
                    }
                    Ok(Some(notices))
                })
                .await?;
            let Some(notices) = notices else {
                return Ok(false);
            };
            self.inner.tell(notices);
            if to == read.seen.len() {
                return Ok(true);
            }
            from = to;
        }
    }
}

/// The pause after a failure: the interval, doubled with each further one up to a limit; longer where
/// the service asks for it.
fn pause_ms(poll: &Poll, failure: &ListFailure) -> i64 {
    doubled_ms(poll.every_ms, poll.failures, failure)
}

/// A pause, doubled with each failure that came before, up to a limit; longer where the service asks for it.
pub(super) fn doubled_ms(first_ms: i64, failures: i64, failure: &ListFailure) -> i64 {
    let doubled = first_ms.saturating_mul(1_i64 << failures.clamp(0, 16));
    let longest = PAUSE_MAX_MS.max(first_ms);
    doubled
        .min(longest)
        .max(failure.retry_after_ms.unwrap_or(0))
}

/// Reads a source.
async fn read(kit: Arc<Kit>, poll: &Poll, at_ms: i64, room: Room) -> Result<Read, ListFailure> {
    let tenant = kit.tenant(&poll.key.tenant).ok_or_else(gone)?;
    let event = kit.program.events.get(&poll.key.event).ok_or_else(gone)?;
    let Source::Poll { since, .. } = &event.source else {
        return Err(gone());
    };
    let from_ms = since.as_ref().and_then(|_| from_ms(poll, at_ms));
    let mut request = request(&kit, &tenant, event, (from_ms, room))?;
    request.id = format!("p-{}:{}:{at_ms}", poll.key.tenant, poll.key.event);
    request.patience_ms = poll.every_ms.min(PATIENCE_MS);
    let list = kit.connector.read_list(request).await?;
    let mut seen = Vec::with_capacity(list.len());
    for (at, payload) in list.into_iter().enumerate() {
        if at % CHUNK == CHUNK - 1 {
            tokio::task::yield_now().await;
        }
        seen.push(look(kit.scene(&tenant), event, since.as_deref(), payload));
    }
    // A time that lies ahead of ours would hide what comes before it.
    let newest = seen.iter().filter_map(|s| s.changed_ms).max();
    let cursor_ms = [
        newest.map(|ms| ms.min(at_ms)),
        from_ms.map(|ms| ms.saturating_add(OVERLAP_MS)),
        poll.cursor_ms,
    ];
    Ok(Read {
        seen: Arc::new(seen),
        cursor_ms: cursor_ms
            .into_iter()
            .flatten()
            .max()
            .filter(|_| since.is_some()),
        kit,
    })
}

/// From when on objects are asked for.
fn from_ms(poll: &Poll, at_ms: i64) -> Option<i64> {
    if poll.known {
        poll.cursor_ms.map(|ms| ms.saturating_sub(OVERLAP_MS))
    } else {
        Some(at_ms.saturating_sub(BASELINE_MS))
    }
}

/// What a source that a deploy has removed fails with.
pub(super) fn gone() -> ListFailure {
    ListFailure::new("it is no longer in the project")
}

/// How a source's list is read, from some time on where one is given.
pub(super) fn request(
    kit: &Kit,
    tenant: &TenantFacts,
    event: &Event,
    (from_ms, room): (Option<i64>, Room),
) -> Result<ListRequest, ListFailure> {
    let Source::Poll {
        connection, path, ..
    } = &event.source
    else {
        return Err(gone());
    };
    Ok(ListRequest {
        id: format!("l-{}:{}", tenant.name, event.name),
        connection: connection.clone(),
        path: path.clone(),
        query: query(kit, tenant, &event.source, from_ms)?,
        tenant: tenant.clone(),
        program: kit.program.clone(),
        patience_ms: PATIENCE_MS,
        gate: Gate::of(&kit.brake, &tenant.name, None),
        room,
    })
}

/// The declared query parameters, with the filter on time among them.
fn query(
    kit: &Kit,
    tenant: &TenantFacts,
    source: &Source,
    from_ms: Option<i64>,
) -> Result<Vec<(String, String)>, ListFailure> {
    let Source::Poll { query, since, .. } = source else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for (name, value) in query {
        let value = kit
            .scene(tenant)
            .eval(value, &BTreeMap::new(), &|_| None)
            .map_err(|e| ListFailure::new(format!("`{name}` cannot be worked out: {e}")))?;
        all.push((name.to_string(), value.plain()));
    }
    if let (Some(since), Some(from_ms)) = (since, from_ms) {
        // Whole seconds: some services read no fractions.
        let from = format_time_ms(from_ms.div_euclid(1_000) * 1_000);
        let filter = format!("{since} ge {from}");
        match all.iter_mut().find(|(name, _)| name == "$filter") {
            Some((_, declared)) => *declared = format!("({declared}) and {filter}"),
            None => all.push(("$filter".into(), filter)),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(known: bool, cursor_ms: Option<i64>, failures: i64) -> Poll {
        Poll {
            key: PollKey {
                tenant: "acme".into(),
                event: Arc::from("defender.alert"),
            },
            every_ms: MINUTE_MS,
            next_ms: 0,
            cursor_ms,
            known,
            failures,
        }
    }

    #[test]
    fn readings_overlap_and_the_baseline_is_a_day() {
        let now = 100 * DAY_MS;
        assert_eq!(from_ms(&poll(false, None, 0), now), Some(now - DAY_MS));
        assert_eq!(
            from_ms(&poll(true, Some(now - 5), 0), now),
            Some(now - 5 - OVERLAP_MS)
        );
    }

    #[test]
    fn pauses_double_and_keep_what_the_service_asks_for() {
        let failure = |retry_after_ms| ListFailure {
            reason: "busy".into(),
            retry_after_ms,
        };
        let pauses: Vec<i64> = (0..7)
            .map(|n| pause_ms(&poll(true, None, n), &failure(None)) / MINUTE_MS)
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        let asked = pause_ms(&poll(true, None, 0), &failure(Some(DAY_MS)));
        assert_eq!(asked, DAY_MS);
        assert_eq!(
            pause_ms(&poll(true, None, 99), &failure(Some(1))),
            PAUSE_MAX_MS
        );
    }
}
