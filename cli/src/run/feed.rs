//! Objects, starts and ticks in; what the engine made of each, one line each, out.

use super::setup::Setup;
use crate::args::RunArgs;
use crate::error::Failure;
use crate::input::{self, Item};
use crate::out::{self, BAD, GOOD, NAME, QUIET, WARN, paint};
use crate::{choose, values};
use counterplay_runtime::engine::{Engine, Incoming, Receipt, Refusal};
use std::path::Path;

/// Hands things to the engine and counts.
pub struct Feed {
    engine: Engine,
    tenant: String,
    event: Option<String>,
    accepted: usize,
    rejected: usize,
}

impl Feed {
    /// A feed for one tenant; `event` names what every object is.
    pub fn new(engine: Engine, tenant: String, event: Option<String>) -> Feed {
        Feed {
            engine,
            tenant,
            event,
            accepted: 0,
            rejected: 0,
        }
    }

    /// How many were accepted.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// How many were rejected.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// Starts what the options start.
    pub async fn start(&mut self, args: &RunArgs, setup: &Setup) -> Result<(), Failure> {
        if let Some(id) = &args.start {
            let playbook = choose::find(&setup.project, id)?;
            let values = values::read(Some(playbook), &args.with)?;
            let started = self
                .engine
                .start_manual(id, &self.tenant, values, args.by.clone())
                .await;
            self.started(id, started)?;
        }
        if let Some(id) = &args.tick {
            let ticked = self
                .engine
                .tick_now(id, &self.tenant, args.by.clone())
                .await;
            self.started(id, ticked)?;
        }
        Ok(())
    }

    fn started(&mut self, id: &str, result: Result<Receipt, Refusal>) -> Result<(), Failure> {
        result.map_err(|refusal| Failure::cannot_start(refusal.to_string()))?;
        self.accepted += 1;
        Ok(out::line(format!(
            "{} {}",
            paint(GOOD, "started "),
            paint(NAME, id)
        ))?)
    }

    /// Hands over what a file holds. One that cannot be read counts as rejected, and the others go on.
    pub async fn file(&mut self, path: &Path) -> Result<(), Failure> {
        match input::text(path) {
            Ok((name, text)) => {
                for item in input::items(&name, &text) {
                    self.item(item).await?;
                }
                Ok(())
            }
            Err(failure) => self.reject("", &failure.message.unwrap_or_default(), None),
        }
    }

    /// Hands over one object.
    pub async fn item(&mut self, item: Item) -> Result<(), Failure> {
        let payload = match item.json {
            Ok(payload) => payload,
            Err(reason) => return self.reject(&item.name, &reason, None),
        };
        let incoming = Incoming {
            tenant: self.tenant.clone(),
            event: self.event.clone(),
            payload,
            source: None,
        };
        match self.engine.accept(incoming).await {
            Ok(receipt) => self.accept(&item.name, &receipt),
            Err(Refusal::Store(error)) => Err(crate::lookup::failed(error)),
            Err(Refusal::Stopping) => self.reject(&item.name, &Refusal::Stopping.to_string(), None),
            Err(refusal) => self.reject(&item.name, &refusal.to_string(), refusal.letter()),
        }
    }

    fn accept(&mut self, name: &str, receipt: &Receipt) -> Result<(), Failure> {
        self.accepted += 1;
        let mut text = format!(
            "{} {}  {}",
            paint(GOOD, "accepted"),
            out::harmless(name),
            paint(NAME, &receipt.name)
        );
        if let Some(why) = &receipt.quiet {
            text.push_str(&paint(WARN, format!("  starts nothing: {why}")));
        }
        if receipt.duplicate {
            text.push_str(&paint(WARN, "  was accepted before"));
        }
        if !receipt.unlisted.is_empty() {
            let paths = receipt.unlisted.join(", ");
            text.push_str(&paint(QUIET, format!("  read as unknown: {paths}")));
        }
        Ok(out::line(text)?)
    }

    fn reject(&mut self, name: &str, reason: &str, letter: Option<i64>) -> Result<(), Failure> {
        self.rejected += 1;
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{}  ", out::harmless(name))
        };
        let kept = letter.map_or_else(String::new, |n| {
            paint(QUIET, format!("  (kept as dead letter {n})"))
        });
        let word = paint(BAD, "rejected");
        Ok(out::line(format!(
            "{word} {name}{}{kept}",
            out::harmless(reason)
        ))?)
    }
}
