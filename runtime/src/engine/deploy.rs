//! A compiled project in; it is what the running engine works with, out. Whole projects only: nothing
//! ever sees a part of the old one and a part of the new one.

use super::canary::{self, Canaries};
use super::heads::Heads;
use super::kit::{Kit, Parts};
use super::{Engine, EngineError};
use crate::call::{ConnectionHealth, Connector};
use crate::finish::to_its_end;
use crate::store::{Fault, NewAudit, StoreError, Tx};
use counterplay_machine::Program;
use counterplay_machine::changes::{changes, contents};
use counterplay_machine::deployment::Deployment;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

impl Engine {
    /// Replaces the project while runs go on. From the moment that this returns, arrivals (those
    /// that were accepted before and wait to be matched, too) are matched with the new program,
    /// schedules are its schedules and calls go through the new connector. Open runs keep the
    /// program that they were started with, its declarations included. Modes that people have set
    /// stay. It is done to its end, whether or not the caller waits for it.
    ///
    /// # Errors
    /// When the program cannot be stored; the old project stays then.
    pub async fn deploy(
        &self,
        program: Arc<Program>,
        deployment: Deployment,
        connector: Arc<dyn Connector>,
    ) -> Result<(), EngineError> {
        let nothing = |_: &Tx<'_>| Ok(Ok::<_, Infallible>(()));
        let done = self.deploy_with(program, deployment, connector, nothing);
        let Ok(()) = done.await?;
        Ok(())
    }

    /// [`Engine::deploy`], and something that is written with it: both are there, or neither. Where it refuses
    /// (the inner error), nothing has changed.
    ///
    /// # Errors
    /// As [`Engine::deploy`].
    pub async fn deploy_with<T, E>(
        &self,
        program: Arc<Program>,
        deployment: Deployment,
        connector: Arc<dyn Connector>,
        write: impl FnOnce(&Tx<'_>) -> Result<Result<T, E>, Fault> + Send + 'static,
    ) -> Result<Result<T, E>, EngineError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let heads = Heads::of(&program);
        let (kept, now) = (program.clone(), self.inner.clock.now_ms());
        let settings = deployment.clone();
        let write = move |tx: &Tx<'_>| {
            let written = match write(tx)? {
                Ok(written) => written,
                Err(refused) => return Ok(Err(refused)),
            };
            let num = tx.keep_program(&kept, now)?;
            canary::deployed(tx, (num, &kept), &settings, now)?;
            Ok(Ok((num, written)))
        };
        let done = self
            .replace(write, move |parts, (program_num, _)| Parts {
                program,
                program_num: *program_num,
                heads,
                project: Arc::new(deployment),
                connector,
                ..parts
            })
            .await?;
        Ok(done.map(|(_, written)| written))
    }

    /// Writes something, and swaps the kit for one that is made of the old one's parts, of what was written and of the
    /// modes and promotions in the store then. It is one transaction, so that what is stored and what is in place never
    /// say different things; where `write` refuses (the inner error) the kit stays.
    pub(super) async fn replace<T, E>(
        &self,
        write: impl FnOnce(&Tx<'_>) -> Result<Result<T, E>, Fault> + Send + 'static,
        change: impl FnOnce(Parts, &T) -> Parts + Send + 'static,
    ) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let engine = self.clone();
        to_its_end(async move {
            let _one_at_a_time = engine.inner.replacing.lock().await;
            let deployed = engine.inner.deployed.clone();
            let work = move |tx: &Tx<'_>| {
                let written = match write(tx)? {
                    Ok(written) => written,
                    Err(refused) => return Ok(Err(refused)),
                };
                let modes = tx.modes()?;
                let mut in_use: Vec<i64> = tx.open_programs()?.iter().map(|p| p.num).collect();
                let before = deployed.get();
                let parts = Parts {
                    modes,
                    ..before.parts()
                };
                let parts = change(parts, &written);
                let known = (&*parts.programs, &before.canaries);
                let canaries = Canaries::load(tx, &parts.program, &parts.project, known)?;
                let kit = Kit::new(Parts { canaries, ..parts });
                in_use.push(kit.program_num);
                in_use.extend(kit.canaries.in_use());
                Ok(Ok((kit, in_use, written)))
            };
            // Put in place when it is on the disk, and not before: a commit may fail.
            let (kit, in_use, written) = match engine.inner.store.write(work).await? {
                Ok(done) => done,
                Err(refused) => return Ok(Err(refused)),
            };
            kit.programs.keep_only(&in_use);
            engine.inner.deployed.replace(kit);
            engine.inner.wake.notify_one();
            Ok(Ok(written))
        })
        .await
    }

    /// What is deployed now.
    pub(super) fn kit(&self) -> Arc<Kit> {
        self.inner.deployed.get()
    }

    /// The program that new runs are started with.
    pub fn program(&self) -> Arc<Program> {
        self.kit().program.clone()
    }

    /// What makes calls now.
    pub fn connector(&self) -> Arc<dyn Connector> {
        self.kit().connector.clone()
    }

    /// The deployment as it was given to [`Engine::open`] or [`Engine::deploy`]. The modes that people
    /// have set are not in it, see [`Engine::modes`].
    pub fn deployment(&self) -> Arc<Deployment> {
        self.kit().project.clone()
    }

    /// How the connections do since the start or the last deploy, by name; those that were not used are not in it.
    pub fn connections(&self) -> BTreeMap<String, ConnectionHealth> {
        self.kit().connector.health()
    }
}

/// Writes down that an engine starts with another program than the one that was deployed last, and what that changes.
pub(super) fn record_start(
    tx: &Tx<'_>,
    (num, program): (i64, &Program),
    now_ms: i64,
) -> Result<(), Fault> {
    let told = match tx.deployed()? {
        Some(before) if before.program == num => return Ok(()),
        Some(before) => match tx.program(before.program) {
            Ok(before) => changes(&before, program),
            // Another version has stored it, in a form of its own.
            Err(_) => {
                let unknown =
                    "what was deployed before cannot be read by this version; there is now:";
                let there = contents(program).into_iter();
                std::iter::once(unknown.to_owned()).chain(there).collect()
            }
        },
        None => contents(program),
    };
    tx.add_audit(&NewAudit {
        at_ms: now_ms,
        tenant: String::new(),
        actor: "the service's start".into(),
        action: "project.deployed".into(),
        run: None,
        object: None,
        detail: json!({ "changes": told }),
    })?;
    Ok(())
}
