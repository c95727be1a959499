//! The demo's engine, sandbox and clock in one; what happens in them is told on the stage.

use super::stage::{Mark, Stage};
use super::steps;
use crate::error::Failure;
use crate::follow::Follower;
use crate::lookup::failed;
use crate::out::{NAME, paint};
use crate::project::Project;
use crate::sandboxed;
use counterplay_machine::Program;
use counterplay_machine::duration::{DAY_MS, HOUR_MS, MINUTE_MS};
use counterplay_machine::journal::What;
use counterplay_machine::playbook::StageKind;
use counterplay_machine::state::Outcome;
use counterplay_runtime::clock::{Clock, SystemClock, VirtualClock};
use counterplay_runtime::connect::{Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Notice, Rest, Until};
use counterplay_runtime::store::Store;
use counterplay_runtime::timeline::relative;
use counterplay_sandbox::{Options, Sandbox};
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

/// Everything that the demo consists of.
pub struct World {
    /// The made-up tenant.
    pub sandbox: Sandbox,
    /// The engine.
    pub engine: Engine,
    stage: Stage,
    program: Arc<Program>,
    clock: Arc<VirtualClock>,
    notices: Receiver<Notice>,
    follower: Follower,
    /// Time that was skipped and not yet mentioned, in milliseconds.
    skipped_ms: i64,
    _folder: TempDir,
}

impl World {
    /// Starts a sandbox on free ports and an engine on a store in a temporary folder.
    pub async fn start(project: &Project, stage: Stage) -> Result<World, Failure> {
        let cannot = |what: &str, error: &dyn std::fmt::Display| {
            Failure::cannot_start(format!("the demo cannot start: {what}{error}"))
        };
        let sandbox = Sandbox::start(Options::default())
            .await
            .map_err(|e| cannot("", &e))?;
        let program = project.program();
        let (mut deployment, secrets) = sandboxed::deployment(project.deployment(), &sandbox);
        sandboxed::close(&mut deployment, &program, &sandbox);
        let folder =
            tempfile::tempdir().map_err(|e| cannot("there is no temporary folder: ", &e))?;
        let store = Store::open(folder.path().join("demo.db")).map_err(failed)?;
        let key = MasterKey::load_or_create(folder.path().join("master.key"))
            .map_err(|e| cannot("", &e))?;
        let clock = Arc::new(VirtualClock::at(SystemClock.now_ms()));
        let connectors = Connectors::new(deployment.clone(), Arc::new(secrets), key, clock.clone())
            .map_err(|e| cannot("", &e))?;
        let engine = Engine::open(EngineOptions {
            // The demo fires them itself.
            schedules: false,
            answer_wait: Some(Duration::MAX),
            ..EngineOptions::new(
                program.clone(),
                deployment,
                store,
                Arc::new(connectors),
                clock.clone(),
            )
        })
        .await
        .map_err(|e| cannot("", &e))?;
        Ok(World {
            notices: engine.watch(),
            sandbox,
            engine,
            stage,
            program,
            clock,
            follower: Follower::default(),
            skipped_ms: 0,
            _folder: folder,
        })
    }

    /// Where things are told.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Hands an event to the engine.
    pub async fn event(&mut self, payload: Json) -> Result<(), Failure> {
        let incoming = Incoming {
            tenant: "contoso".into(),
            event: None,
            payload,
            source: None,
        };
        let receipt = self.engine.accept(incoming).await;
        receipt.map_err(|e| Failure::refused(format!("the demo's event was not accepted: {e}")))?;
        Ok(())
    }

    /// Lets everything happen that happens now.
    pub async fn settle(&mut self) -> Result<Rest, Failure> {
        let engine = self.engine.clone();
        let mut running = std::pin::pin!(engine.run(Until::Settled));
        let rest = loop {
            tokio::select! {
                rest = &mut running => break rest.map_err(|e| Failure::refused(e.to_string()))?,
                notice = self.notices.recv() => {
                    if let Ok(notice) = notice {
                        self.tell(notice).await?;
                    }
                }
            }
        };
        loop {
            match self.notices.try_recv() {
                Ok(notice) => self.tell(notice).await?,
                Err(TryRecvError::Lagged(_)) => {}
                Err(_) => return Ok(rest),
            }
        }
    }

    /// Lets time pass until every run has ended; whether everything that was asked was approved.
    pub async fn see_through(&mut self) -> Result<bool, Failure> {
        let mut approved = true;
        loop {
            let rest = self.settle().await?;
            if !rest.approvals.is_empty() {
                approved &= self.answer().await?;
                continue;
            }
            if rest.held_runs > 0 || rest.open_runs + rest.open_arrivals == 0 {
                return Ok(approved);
            }
            let Some(next) = rest.next_ms else {
                return Ok(approved);
            };
            self.skipped_ms += next.saturating_sub(self.clock.now_ms()).max(0);
            self.clock.skip_to(next);
        }
    }

    /// Answers every open approval as the first person who may.
    async fn answer(&mut self) -> Result<bool, Failure> {
        let mut approved = true;
        for asked in self.engine.store().approvals().await.map_err(failed)? {
            let open = &asked.open;
            let may = open.eligible.iter().find(|e| !open.excluded.contains(e));
            let Some(who) = may else {
                return Err(Failure::refused(format!(
                    "nobody may answer \"{}\"",
                    open.question
                )));
            };
            let yes = self.stage.approves(who).await?;
            approved &= yes;
            self.engine
                .vote(&asked.id, who, yes, None)
                .await
                .map_err(|e| Failure::refused(e.to_string()))?;
        }
        Ok(approved)
    }

    async fn tell(&mut self, notice: Notice) -> Result<(), Failure> {
        match notice {
            Notice::Entry {
                run,
                playbook,
                entry,
                ..
            } => {
                let what = entry.what.clone();
                let started_ms = self.follower.started_ms(&run).unwrap_or(entry.at_ms);
                let time = format!("+{}", relative(entry.at_ms.saturating_sub(started_ms)));
                self.follower.take(&run, false, entry);
                let args = self.follower.arguments(&run).cloned().unwrap_or(Json::Null);
                self.tell_entry(&time, &run, &playbook, &what, &args)
                    .await?;
            }
            Notice::Repeated { run, .. } => {
                let text = format!("→ no second run: it repeats {}", paint(NAME, run));
                self.stage.say(&text).await?;
            }
            Notice::Postponed { reason, .. } | Notice::DeadLetter { reason, .. } => {
                self.stage.step("", Mark::Failed, &reason, "").await?;
            }
            Notice::Asked(_) | Notice::Told(_) | Notice::Matched { .. } => {}
        }
        Ok(())
    }

    async fn tell_entry(
        &mut self,
        time: &str,
        run: &str,
        playbook: &str,
        what: &What,
        args: &Json,
    ) -> Result<(), Failure> {
        let step = match what {
            What::Started { .. } => {
                let title = self
                    .program
                    .playbooks
                    .get(playbook)
                    .map_or(playbook, |p| &p.title);
                let text = format!(
                    "→ {} starts  {}",
                    paint(NAME, title),
                    paint(crate::out::QUIET, run)
                );
                self.stage.say(&text).await?;
                return Ok(());
            }
            What::Performed { action, value, .. } => {
                let told = steps::performed(action, args, value);
                (Mark::Done, told.what, told.why)
            }
            What::ActionFailed {
                action,
                reason,
                handled,
                ..
            } => {
                let told = steps::failed(action, args, reason);
                let mark = if *handled {
                    Mark::Retried
                } else {
                    Mark::Failed
                };
                (mark, told.what, told.why)
            }
            What::QueryFailed { query, reason } => {
                (Mark::Failed, query.to_string(), reason.clone())
            }
            What::Answered { query, value } => match steps::answered(query, args, value) {
                Some(told) => (Mark::Fact, told.what, told.why),
                None => return Ok(()),
            },
            What::Stage {
                stage: StageKind::Escalate { level, .. },
                ..
            } => (Mark::Fact, format!("escalation {level}"), String::new()),
            What::ApprovalAsked {
                question, eligible, ..
            } => (
                Mark::Question,
                format!("{} is asked", eligible.join(", ")),
                question.clone(),
            ),
            What::ApprovalDecided { decision } => (Mark::Fact, decision.clone(), String::new()),
            What::Held { reason } => (Mark::Failed, "held for a person".to_owned(), reason.clone()),
            What::Ended { outcome } => {
                let mark = match outcome {
                    Outcome::Failed(_) => Mark::Failed,
                    _ => Mark::Fact,
                };
                (
                    mark,
                    format!("the run ends: {}", outcome.name()),
                    String::new(),
                )
            }
            _ => return Ok(()),
        };
        let skipped = std::mem::take(&mut self.skipped_ms);
        if skipped >= MINUTE_MS {
            self.stage
                .time_passes(&format!("{} pass", in_words(skipped)))
                .await?;
        }
        self.stage.step(time, step.0, &step.1, &step.2).await?;
        Ok(())
    }
}

/// A time span as people say it, in its largest unit.
fn in_words(ms: i64) -> String {
    let (number, unit) = match ms {
        _ if ms >= 2 * DAY_MS => ((ms + DAY_MS / 2) / DAY_MS, "day"),
        _ if ms >= HOUR_MS => ((ms + HOUR_MS / 2) / HOUR_MS, "hour"),
        _ => ((ms + MINUTE_MS / 2) / MINUTE_MS, "minute"),
    };
    crate::out::count(usize::try_from(number).unwrap_or(0), unit)
}
