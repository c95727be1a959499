//! What is deployed and which versions people have promoted in; which version of a playbook acts in a tenant out.
//!
//! A version that nobody has promoted acts for the canary's tenants only. For all others its runs are simulated, and the
//! promoted version that was deployed before it goes on acting, with its own conditions and steps. Which tenants there
//! are, whom teams consist of, modes and guards are what is deployed now, for both.

use super::kit::Kit;
use super::programs::Programs;
use super::{Engine, heads::Heads};
use crate::store::{DeployedProgram, Fault, PromoteRefused, Promotion, Tx, Version, versions};
use counterplay_machine::Program;
use counterplay_machine::deployment::{Deployment, Mode};
use counterplay_machine::ingest;
use counterplay_machine::playbook::Playbook;
use counterplay_machine::program::FORMAT;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// The versions of what is deployed, and the programs of those that act in their place.
#[derive(Clone, Default)]
pub(super) struct Canaries {
    /// By playbook; those that have a canary.
    versions: BTreeMap<Arc<str>, Version>,
    /// Programs that hold promoted versions, by number, with what matching needs of them.
    programs: Vec<(i64, Arc<Program>, Arc<Heads>)>,
    /// The latest promotion that is taken into account.
    pub(super) seen: i64,
}

/// A program that was deployed before, for the playbooks whose new version is not promoted.
pub(super) struct Former {
    /// It, as if it were deployed; every other playbook is paused.
    pub(super) kit: Kit,
    /// The version of each playbook that it serves.
    serves: BTreeMap<Arc<str>, String>,
}

/// Notes what is deployed from now on. Whatever acted until now without a canary counts as promoted.
pub(super) fn deployed(
    tx: &Tx<'_>,
    program: (i64, &Program),
    deployment: &Deployment,
    now_ms: i64,
) -> Result<(), Fault> {
    let (num, program) = program;
    let canary = &deployment.canary;
    let ids = program.playbooks.values();
    let with_canary = || ids.clone().filter_map(|p| Some((p, canary.of(&p.id)?)));
    let before = tx.deployed()?;
    if let Some(before) = &before
        && with_canary().any(|(p, _)| before.canary.of(&p.id).is_none())
    {
        match tx.program(before.program) {
            Ok(acted) => {
                for (playbook, group) in with_canary() {
                    let Some(old) = acted.playbooks.get(&playbook.id) else {
                        continue;
                    };
                    if before.canary.of(&playbook.id).is_none() {
                        let promotion = Promotion {
                            playbook: playbook.id.to_string(),
                            version: old.hash.clone(),
                            program: before.program,
                            by: None,
                            at_ms: now_ms,
                        };
                        if !tx.add_promotion(&promotion, group)? {
                            let program = before.program;
                            tx.promotion_deployed(&playbook.id, &old.hash, program)?;
                        }
                    }
                }
            }
            Err(fault) => {
                tracing::warn!(
                    "what was deployed before cannot be read, so that none of it counts as promoted: {fault}"
                );
            }
        }
    }
    for (playbook, _) in with_canary() {
        tx.promotion_deployed(&playbook.id, &playbook.hash, num)?;
    }
    let now = DeployedProgram {
        program: num,
        canary: canary.clone(),
    };
    if before.as_ref() != Some(&now) {
        tx.set_deployed(&now)?;
    }
    Ok(())
}

fn readable(
    tx: &Tx<'_>,
    known: &Programs,
    num: i64,
) -> Result<(i64, Arc<Program>, Arc<Heads>), String> {
    let program = known.get(tx, num).map_err(|fault| fault.to_string())?;
    if program.format != FORMAT {
        let format = program.format;
        return Err(format!(
            "it has format {format} and this one reads {FORMAT}"
        ));
    }
    let heads = Heads::of(&program);
    Ok((num, program, heads))
}

impl Canaries {
    /// Reads which versions act.
    pub(super) fn load(
        tx: &Tx<'_>,
        program: &Program,
        deployment: &Deployment,
        (known, before): (&Programs, &Canaries),
    ) -> Result<Canaries, Fault> {
        let seen = tx.last_promotion()?;
        let versions: BTreeMap<Arc<str>, Version> =
            versions(program, &deployment.canary, &tx.promotions()?)
                .into_iter()
                .map(|version| (version.playbook.clone(), version))
                .collect();
        let mut programs: Vec<(i64, Arc<Program>, Arc<Heads>)> = Vec::new();
        let waiting = versions.values().filter(|v| v.promoted.is_none());
        for (version, acts) in waiting.filter_map(|v| Some((v, v.before.as_ref()?))) {
            let num = acts.program;
            if programs.iter().any(|(n, ..)| *n == num) {
                continue;
            }
            let kept = before.programs.iter().find(|(n, ..)| *n == num);
            let read = match kept {
                Some(kept) => Ok(kept.clone()),
                None => readable(tx, known, num),
            };
            match read {
                Ok(program) => programs.push(program),
                Err(why) => tracing::warn!(
                    playbook = &*version.playbook,
                    "its promoted version cannot be read by this Counterplay, so that outside of group `{}` \
                     nothing acts until the deployed one is promoted: {why}",
                    version.group,
                ),
            }
        }
        Ok(Canaries {
            versions,
            programs,
            seen,
        })
    }

    /// The stored programs that are in use.
    pub(super) fn in_use(&self) -> impl Iterator<Item = i64> {
        self.programs.iter().map(|(num, ..)| *num)
    }

    /// The programs that act in the place of deployed versions. `like` makes a kit of one of them.
    pub(super) fn formers(
        &self,
        deployed: &Program,
        deployment: &Deployment,
        like: impl Fn(i64, Arc<Program>, Arc<Heads>, Deployment) -> Kit,
    ) -> Vec<Former> {
        let of = |(num, program, heads): &(i64, Arc<Program>, Arc<Heads>)| {
            let mut serves = BTreeMap::new();
            for version in self.versions.values().filter(|v| v.promoted.is_none()) {
                let acts = version.before.as_ref().filter(|p| p.program == *num);
                let now = deployed.playbooks.get(&version.playbook);
                // A mode is meant for the playbook, whichever version of it acts.
                let active = now.is_some_and(|p| ingest::mode(deployment, p) == Mode::Active);
                if let Some(acts) = acts
                    && active
                    && let Some(old) = program.playbooks.get(&version.playbook)
                    && old.hash == acts.version
                {
                    serves.insert(version.playbook.clone(), acts.version.clone());
                }
            }
            let mut deployment = deployment.clone();
            deployment.modes = program
                .playbooks
                .keys()
                .map(|id| {
                    let mode = match serves.contains_key(id) {
                        true => Mode::Active,
                        false => Mode::Paused,
                    };
                    (id.to_string(), mode)
                })
                .collect();
            Former {
                kit: like(*num, program.clone(), heads.clone(), deployment),
                serves,
            }
        };
        let all = self.programs.iter().map(of);
        all.filter(|former| !former.serves.is_empty()).collect()
    }
}

impl Former {
    /// The version of a playbook that it has, where it serves it.
    pub(super) fn version(&self, playbook: &str) -> Option<&str> {
        self.serves.get(playbook).map(String::as_str)
    }

    /// The playbooks that it serves.
    pub(super) fn playbooks(&self) -> impl Iterator<Item = &Arc<str>> {
        self.serves.keys()
    }
}

/// What a playbook is called where it is not the deployed version that is meant.
pub(super) fn former_name(playbook: &str, version: &str) -> String {
    format!("{playbook}@{}", crate::store::short_version(version))
}

impl Kit {
    /// The version of a playbook that does not act in a tenant, because nobody has promoted it.
    pub(super) fn held_back(&self, playbook: &str, tenant: &str) -> Option<&Version> {
        let version = self.canaries.versions.get(playbook)?;
        let groups = self.deployment.tenants.get(tenant).map(|t| &t.groups);
        let among_first = groups.is_some_and(|groups| groups.contains(&version.group));
        (version.promoted.is_none() && !among_first).then_some(version)
    }

    /// The programs that act in a tenant in the place of deployed versions, each with its place among them.
    pub(super) fn formers_in(&self, tenant: &str) -> impl Iterator<Item = (usize, &Former)> {
        let all = self.formers.iter().enumerate();
        all.filter(move |(_, former)| {
            let mut served = former.serves.keys();
            served.any(|id| self.held_back(id, tenant).is_some())
        })
    }

    /// Whether a version that acts in the place of a deployed one waits for an event in a tenant.
    pub(super) fn former_awaits(&self, tenant: &str, event: &str) -> bool {
        self.formers_in(tenant).any(|(_, Former { kit, .. })| {
            let index = &kit.heads.index;
            index.is_awaited(&kit.awake, &kit.deployment, tenant, event)
        })
    }

    /// The version of a playbook that acts in a tenant in the place of the deployed one.
    pub(super) fn former_of(&self, playbook: &str, tenant: &str) -> Option<(&Former, &Playbook)> {
        self.held_back(playbook, tenant)?;
        let former = self
            .formers
            .iter()
            .find(|f| f.serves.contains_key(playbook))?;
        Some((former, former.kit.program.playbooks.get(playbook)?))
    }
}

impl Engine {
    /// The deployed versions of the playbooks that have a canary, by id.
    pub fn versions(&self) -> Vec<Version> {
        self.kit().canaries.versions.values().cloned().collect()
    }

    /// The deployed version of a playbook, where it has a canary.
    pub fn version(&self, playbook: &str) -> Option<Version> {
        self.kit().canaries.versions.get(playbook).cloned()
    }

    /// Whether an earlier version acts where the deployed one does not.
    pub fn former_acts(&self, playbook: &str) -> bool {
        let kit = self.kit();
        kit.formers.iter().any(|f| f.serves.contains_key(playbook))
    }

    /// Lets the deployed version of a playbook act everywhere, from its next start on. `seen` is the version that
    /// somebody has looked at.
    ///
    /// # Errors
    /// Why it is not promoted.
    pub async fn promote(
        &self,
        playbook: &str,
        seen: &str,
        by: &str,
    ) -> Result<Version, PromoteRefused> {
        let now = self.inner.clock.now_ms();
        let (playbook, seen, by) = (playbook.to_owned(), seen.to_owned(), by.to_owned());
        let promote = move |tx: &Tx<'_>| tx.promote(&playbook, Some(&seen), &by, now);
        self.replace(promote, |parts, _| parts).await?
    }

    /// Takes into account what was promoted by others who work on the store.
    pub(super) async fn take_promotions(&self, last: i64) -> Result<(), super::EngineError> {
        if self.kit().canaries.seen != last {
            tracing::info!("a version was promoted");
            let nothing = |_: &Tx<'_>| Ok(Ok::<_, Infallible>(()));
            let Ok(()) = self.replace(nothing, |parts, ()| parts).await?;
        }
        Ok(())
    }
}
