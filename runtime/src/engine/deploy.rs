//! A compiled project in; it is what the running engine works with, out. Whole projects only: nothing
//! ever sees a part of the old one and a part of the new one.

use super::canary::{self, Canaries};
use super::heads::Heads;
use super::kit::{Kit, Parts};
use super::{Engine, EngineError};
use crate::call::{ConnectionHealth, Connector};
use crate::store::{StoreError, Tx};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Replaces the project while runs go on. From the moment that this returns, arrivals (those
    /// that were accepted before and wait to be matched, too) are matched with the new program,
    /// schedules are its schedules and calls go through the new connector. Open runs keep the
    /// program that they were started with, its declarations included. Modes that people have set
    /// stay.
    ///
    /// # Errors
    /// When the program cannot be stored; the old project stays then.
    pub async fn deploy(
        &self,
        program: Arc<Program>,
        deployment: Deployment,
        connector: Arc<dyn Connector>,
    ) -> Result<(), EngineError> {
        let heads = Heads::of(&program);
        let (kept, now) = (program.clone(), self.inner.clock.now_ms());
        let settings = deployment.clone();
        // In a transaction of its own: what is swapped in has to be on the disk.
        let program_num = self
            .inner
            .store
            .write(move |tx| {
                let num = tx.keep_program(&kept, now)?;
                canary::deployed(tx, (num, &kept), &settings, now)?;
                Ok(num)
            })
            .await?;
        self.replace(move |parts| Parts {
            program,
            program_num,
            heads,
            project: Arc::new(deployment),
            connector,
            ..parts
        })
        .await?;
        Ok(())
    }

    /// Swaps the kit for one that is made of the old one's parts and of the modes and promotions in the store.
    pub(super) async fn replace(
        &self,
        change: impl FnOnce(Parts) -> Parts + Send + 'static,
    ) -> Result<(), StoreError> {
        let engine = self.clone();
        // To its end, whether or not somebody waits for it: what is stored and what is in place belong together.
        let replacing = tokio::spawn(async move {
            let _one_at_a_time = engine.inner.replacing.lock().await;
            let deployed = engine.inner.deployed.clone();
            let work = move |tx: &Tx<'_>| {
                let modes = tx.modes()?;
                let mut in_use: Vec<i64> = tx.open_programs()?.iter().map(|p| p.num).collect();
                let before = deployed.get();
                let parts = change(Parts {
                    modes,
                    ..before.parts()
                });
                let known = (&*parts.programs, &before.canaries);
                let canaries = Canaries::load(tx, &parts.program, &parts.project, known)?;
                let kit = Kit::new(Parts { canaries, ..parts });
                in_use.push(kit.program_num);
                in_use.extend(kit.canaries.in_use());
                Ok((kit, in_use))
            };
            // Put in place when it is on the disk, and not before: a commit may fail.
            let (kit, in_use) = engine.inner.store.write(work).await?;
            kit.programs.keep_only(&in_use);
            engine.inner.deployed.replace(kit);
            engine.inner.wake.notify_one();
            Ok(())
        });
        replacing.await.unwrap_or(Err(StoreError::Stopped))
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
