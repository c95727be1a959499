//! The engine's notices in, lines for the one who watches out.

use crate::error::Failure;
use crate::follow::Follower;
use crate::lookup::failed;
use crate::out::{self, ASK, BAD, HEAD, NAME, QUIET, WARN, paint};
use crate::view;
use counterplay_machine::duration::format_time_ms;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::state::Outcome;
use counterplay_runtime::engine::{Engine, Notice};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Texts shorter than this are filled up, so that results stand below each other.
const WIDTH: usize = 58;

/// Tells what happens and counts how runs end.
pub struct Teller {
    engine: Engine,
    follower: Follower,
    /// The options that lead another command to the same store.
    pub flags: String,
    ended: BTreeSet<Arc<str>>,
    failed: usize,
}

impl Teller {
    /// One that has seen nothing yet.
    pub fn new(engine: Engine, flags: String) -> Teller {
        Teller {
            engine,
            follower: Follower::default(),
            flags,
            ended: BTreeSet::new(),
            failed: 0,
        }
    }

    /// How many runs ended.
    pub fn ended(&self) -> usize {
        self.ended.len()
    }

    /// How many of them failed, and how many starts came to nothing.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Tells one notice.
    pub async fn tell(&mut self, notice: Notice) -> Result<(), Failure> {
        match notice {
            Notice::Entry {
                run,
                playbook,
                simulated,
                entry,
                ..
            } => self.entry(&run, &playbook, simulated, entry).await,
            Notice::Asked(asked) => {
                let open = &asked.open;
                let who = open.eligible.iter().find(|e| !open.excluded.contains(e));
                let text = format!(
                    "answer with: counterplay approve {} --as {}{}",
                    asked.run,
                    who.map_or("EMAIL", String::as_str),
                    self.flags
                );
                self.line(&asked.run, paint(ASK, text))
            }
            // Only the service sends messages, and its pages show what became of them.
            Notice::Told(_) => Ok(()),
            Notice::Repeated { run, playbook, .. } => self.line(
                &run,
                paint(
                    WARN,
                    format!("a later start of {playbook} is ignored: it repeats this run"),
                ),
            ),
            Notice::Matched {
                started,
                notes,
                name,
                ..
            } => {
                if started.is_empty() && notes.is_empty() {
                    let text = format!("no playbook listens to {name}");
                    return Ok(out::line(paint(WARN, text))?);
                }
                let repeats = |note: &&String| !note.contains(": repeats ");
                for note in notes.iter().filter(repeats) {
                    out::line(paint(WARN, format!("no run: {note}")))?;
                }
                Ok(())
            }
            Notice::Postponed {
                until_ms, reason, ..
            } => {
                let at = format_time_ms(until_ms);
                Ok(out::line(paint(
                    WARN,
                    format!("tried again at {at}: {reason}"),
                ))?)
            }
            // Rejected objects are told where they come in; this one was accepted before.
            Notice::DeadLetter { letter, reason, .. } => {
                if !self.was_accepted(letter).await? {
                    return Ok(());
                }
                self.failed += 1;
                Ok(out::line(paint(
                    BAD,
                    format!("dead letter {letter}: {reason}"),
                ))?)
            }
        }
    }

    async fn was_accepted(&self, letter: i64) -> Result<bool, Failure> {
        let letters = self
            .engine
            .store()
            .dead_letters(1_000)
            .await
            .map_err(failed)?;
        Ok(letters.iter().any(|l| l.num == letter && l.event.is_some()))
    }

    async fn entry(
        &mut self,
        run: &Arc<str>,
        playbook: &str,
        simulated: bool,
        entry: Entry,
    ) -> Result<(), Failure> {
        let began = matches!(entry.what, What::Started { .. });
        if !began && !self.follower.knows(run) {
            self.catch_up(run, &entry).await?;
        }
        if let What::Ended { outcome } = &entry.what {
            self.ended.insert(run.clone());
            self.failed += usize::from(matches!(outcome, Outcome::Failed(_)));
        }
        let Some(line) = self.follower.take(run, simulated, entry) else {
            return Ok(());
        };
        let mut text = view::line(&line, WIDTH);
        if began {
            let program = self.engine.program();
            let title = program
                .playbooks
                .get(playbook)
                .map_or(playbook, |p| &p.title);
            text.push_str(&format!("  {}", paint(HEAD, title)));
            if simulated {
                text.push_str(&paint(WARN, "  (simulated: nothing is performed)"));
            }
        }
        self.line(run, text)
    }

    /// Reads what a run recorded before this process followed it.
    async fn catch_up(&mut self, run: &Arc<str>, entry: &Entry) -> Result<(), Failure> {
        let detail = self.engine.store().run_detail(run).await.map_err(failed)?;
        let mut journal = detail.map_or_else(Vec::new, |d| d.journal);
        if let Some(at) = journal.iter().rposition(|e| e == entry) {
            journal.truncate(at);
        }
        self.follower.begin(run, journal);
        self.line(run, paint(QUIET, "goes on"))
    }

    fn line(&self, run: &str, text: String) -> Result<(), Failure> {
        Ok(out::line(format!("{}  {text}", paint(NAME, run)))?)
    }
}
