//! A hold of timers and the time that a person says is right in; what runs noted by a clock that was wrong, moved to
//! where a right one would have put it, out.
//!
//! The journal's entries are numbered in the order of all runs: a hold notes before which number the clock was set, and
//! by how much, so that each entry tells by how much the clock was set after it was written.

use super::time::{Jump, TimeHold};
use super::{Fault, NewAudit, Tx, codec};
use counterplay_machine::Program;
use counterplay_machine::duration::{MINUTE_MS, format_time_ms};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::step::set_right;
use rusqlite::{OptionalExtension, params};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const JUMPS: &str = "time.jumps";

/// The runs whose times were looked at.
#[derive(Debug, Default)]
pub(super) struct Righted {
    /// Whose times were moved, by id.
    pub(super) moved: Vec<String>,
    /// Whose times may be wrong and could not be moved, by id.
    pub(super) left: Vec<String>,
}

/// When the clock was set.
#[derive(Clone, Debug, Default)]
struct Jumps {
    /// All that may matter to open runs, in their order, those of earlier holds too.
    all: Vec<Jump>,
    /// The number of the last entry before the hold; absent where that is not known.
    before: Option<i64>,
}

impl Jumps {
    /// By how much the clock was set after an entry was written; nothing where it was right then. What began before the
    /// hold did so by a right clock, unless that was in what is now the future. Nothing began later than now.
    fn since(&self, num: i64, at_ms: i64, now_ms: i64) -> i64 {
        let during = self.before.is_some_and(|before| num > before);
        let ahead_ms = at_ms.saturating_sub(now_ms);
        let after = self.all.iter().filter(|jump| num <= jump.entry);
        let by_ms = match during || ahead_ms >= MINUTE_MS {
            true => after.map(|jump| jump.by_ms).sum(),
            false => 0,
        };
        let by_ms = by_ms.min(ahead_ms.saturating_neg());
        // Less is what clocks are corrected by.
        match by_ms.saturating_abs() >= MINUTE_MS {
            true => by_ms,
            false => 0,
        }
    }
}

impl Tx<'_> {
    /// The number of the latest journal entry of all runs.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn last_entry(&self) -> Result<i64, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT coalesce(max(num), 0) FROM journal")?
            .query_row([], |row| row.get(0))?)
    }

    /// Moves what open runs noted by a wrong clock.
    pub(super) fn right_times(
        &self,
        hold: &TimeHold,
        by: &str,
        now_ms: i64,
    ) -> Result<Righted, Fault> {
        let mut out = Righted::default();
        let jumps = self.jumps(hold)?;
        let mut programs = BTreeMap::new();
        for run in self.doubtful_runs(hold, now_ms)? {
            match self.right_run(run, &jumps, by, now_ms, &mut programs) {
                Ok(None) => {}
                Ok(Some(id)) => out.moved.push(id),
                Err(Fault::Unreadable { .. } | Fault::NotFound(_)) => {
                    let id = "SELECT id FROM runs WHERE num = ?1";
                    out.left
                        .push(self.conn.query_row(id, [run], |row| row.get(0))?);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(out)
    }

    /// The jumps of a hold, and those before it, which are kept as long as a run is open that began before them.
    fn jumps(&self, hold: &TimeHold) -> Result<Jumps, Fault> {
        let mut all: Vec<Jump> = match self.meta(JUMPS)? {
            Some(text) => codec::decode("the jumps of the clock", &text)?,
            None => Vec::new(),
        };
        all.extend(&hold.jumps);
        let first: Option<i64> = self
            .conn
            .prepare_cached(
                "SELECT j.num FROM journal j JOIN runs r ON r.num = j.run WHERE r.ended_ms IS NULL ORDER BY j.num LIMIT 1",
            )?
            .query_row([], |row| row.get(0))
            .optional()?;
        all.retain(|jump| first.is_some_and(|first| jump.entry >= first));
        self.set_meta(JUMPS, &codec::encode("the jumps of the clock", &all)?)?;
        Ok(Jumps {
            all,
            before: hold.jumps.first().map(|jump| jump.entry),
        })
    }

    /// The open runs that recorded something during the hold, or in what is now the future.
    fn doubtful_runs(&self, hold: &TimeHold, now_ms: i64) -> Result<BTreeSet<i64>, Fault> {
        let mut runs = BTreeSet::new();
        let mut take = |sql: &str, value: i64| -> Result<(), Fault> {
            let mut ask = self.conn.prepare_cached(sql)?;
            let rows = ask.query_map([value], |row| row.get::<_, i64>(0))?;
            for run in rows {
                runs.insert(run?);
            }
            Ok(())
        };
        if let Some(first) = hold.jumps.first() {
            take(
                "SELECT DISTINCT j.run FROM journal j JOIN runs r ON r.num = j.run \
                 WHERE j.num > ?1 AND r.ended_ms IS NULL",
                first.entry,
            )?;
        }
        if hold.went_back() {
            take(
                "SELECT num FROM runs r WHERE ended_ms IS NULL AND EXISTS (SELECT 1 FROM journal j WHERE j.run = r.num \
                 AND iif(json_valid(j.entry), json_extract(j.entry, '$.at_ms'), 0) > ?1)",
                now_ms,
            )?;
        }
        Ok(runs)
    }

    /// Moves the times of one run: its id, where there was anything to move.
    fn right_run(
        &self,
        num: i64,
        jumps: &Jumps,
        by: &str,
        now_ms: i64,
        programs: &mut BTreeMap<i64, Arc<Program>>,
    ) -> Result<Option<String>, Fault> {
        let mut journal = Vec::new();
        {
            let mut ask = self
                .conn
                .prepare_cached("SELECT num, entry FROM journal WHERE run = ?1 ORDER BY seq")?;
            let mut rows = ask.query([num])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                let entry: Entry = codec::decode("a journal entry", &text)?;
                let by_ms = jumps.since(row.get(0)?, entry.at_ms, now_ms);
                journal.push((entry, by_ms));
            }
        }
        if journal.iter().all(|(_, by_ms)| *by_ms == 0) {
            return Ok(None);
        }
        let mut stored = self.run(num)?;
        let program = match programs.get(&stored.program) {
            Some(program) => program.clone(),
            None => {
                let program = self.program(stored.program)?;
                programs.insert(stored.program, program.clone());
                program
            }
        };
        let playbook = program.playbooks.get(&stored.run.playbook);
        let playbook = playbook.ok_or_else(|| Fault::Unreadable {
            what: format!("run {}", stored.run.id),
            detail: format!("its program has no playbook `{}`", stored.run.playbook),
        })?;
        let began_ms = stored.run.started_ms;
        let right = set_right(playbook, &mut stored.run, &journal, now_ms);
        if right.is_nothing() && stored.run.started_ms == began_ms {
            return Ok(None);
        }
        for (id, at_ms) in &right.timers {
            self.conn
                .prepare_cached("UPDATE timers SET at_ms = ?3 WHERE run = ?1 AND id = ?2")?
                .execute(params![num, id, at_ms])?;
        }
        self.save_run(&stored, &right.journal, now_ms)?;
        let times = right.journal.iter().filter_map(|entry| match &entry.what {
            What::TimeMoved { until_ms, by_ms } => Some(json!({
                "place": { "node": entry.node, "path": entry.path },
                "until": format_time_ms(*until_ms),
                "by_ms": by_ms,
            })),
            _ => None,
        });
        self.add_audit(&NewAudit {
            at_ms: now_ms,
            tenant: stored.run.tenant.name.clone(),
            actor: by.to_owned(),
            action: "run.time_moved".into(),
            run: Some(stored.run.id.clone()),
            object: None,
            detail: json!({
                "playbook": stored.run.playbook,
                "times": times.collect::<Vec<_>>(),
                "start_moved_by_ms": stored.run.started_ms.saturating_sub(began_ms),
            }),
        })?;
        Ok(Some(stored.run.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::duration::{DAY_MS, HOUR_MS};

    #[test]
    fn an_entry_is_moved_by_what_was_set_after_it() {
        let jump = |entry, days| Jump {
            entry,
            by_ms: days * DAY_MS,
        };
        let now = 1_000 * DAY_MS;
        let ahead = now + 60 * DAY_MS - HOUR_MS;
        let there_and_back = [jump(10, 60), jump(20, -60)];
        let behind = [jump(10, -60), jump(20, 60)];
        // Somebody believed sixty days; then it was set back by seventy.
        let believed = [jump(10, 60), jump(20, -70)];
        for (all, before, num, at_ms, by_ms) in [
            (&there_and_back[..], Some(10), 10, now - DAY_MS, 0),
            (&there_and_back[..], Some(10), 11, ahead, -60 * DAY_MS),
            (&there_and_back[..], Some(10), 20, ahead, -60 * DAY_MS),
            (&there_and_back[..], Some(10), 21, now - HOUR_MS, 0),
            (&there_and_back[..], Some(20), 15, ahead, -60 * DAY_MS),
            (&behind[..], Some(10), 10, now - DAY_MS, 0),
            (&behind[..], Some(10), 15, now - 60 * DAY_MS, 60 * DAY_MS),
            (&behind[..], Some(10), 21, now, 0),
            (&believed[..], Some(20), 5, now + 9 * DAY_MS, -10 * DAY_MS),
            (&believed[..], Some(20), 15, now + 69 * DAY_MS, -70 * DAY_MS),
            (&believed[..], Some(20), 15, now - DAY_MS, 0),
            // Nobody has seen by how much it was set: it began now at the latest.
            (&[], None, 15, now + DAY_MS, -DAY_MS),
            (&[], None, 15, now - DAY_MS, 0),
            (&there_and_back[..1], Some(10), 15, ahead, now - ahead),
        ] {
            let jumps = Jumps {
                all: all.to_vec(),
                before,
            };
            let given = jumps.since(num, at_ms, now);
            assert_eq!(given, by_ms, "{num} in {jumps:?}");
        }
    }
}
