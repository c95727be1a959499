//! What transitions and matching look at: programs, the deployment, the clock, the connector.

use super::Ids;
use super::canary::{Canaries, Former};
use super::heads::Heads;
use super::programs::Programs;
use crate::brake::{Brake, Gate};
use crate::call::{CallRequest, Connector, Setbacks};
use crate::clock::Clock;
use crate::room::Room;
use crate::store::{Fault, StoredMode, Tx};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::index::Awake;
use counterplay_machine::ingest::Scene;
use counterplay_machine::{Program, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What is deployed at one time. Shared by the engine and its tasks; holds no handle on the store or
/// the engine, so that tasks keep neither alive. Never changes: a deploy puts another one in its place.
pub(super) struct Kit {
    pub(super) program: Arc<Program>,
    pub(super) program_num: i64,
    /// What matching needs of the program.
    pub(super) heads: Arc<Heads>,
    /// Who of those in the index is not paused.
    pub(super) awake: Awake,
    /// The deployment that counts: the project's, with the modes that people have set.
    pub(super) deployment: Deployment,
    /// The deployment as the project gives it.
    pub(super) project: Arc<Deployment>,
    /// The modes that people have set, by playbook.
    pub(super) modes: BTreeMap<String, StoredMode>,
    /// Which versions act where.
    pub(super) canaries: Canaries,
    /// Programs whose promoted versions act where deployed ones do not.
    pub(super) formers: Vec<Former>,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<Ids>,
    /// Where approvals' pages are, when people are sent links to them.
    pub(super) link_base: Option<Arc<str>>,
    pub(super) programs: Arc<Programs>,
    /// What people have paused.
    pub(super) brake: Arc<Brake>,
}

/// What a kit is made of.
pub(super) struct Parts {
    pub(super) program: Arc<Program>,
    pub(super) program_num: i64,
    pub(super) heads: Arc<Heads>,
    pub(super) project: Arc<Deployment>,
    pub(super) modes: Vec<StoredMode>,
    pub(super) canaries: Canaries,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<Ids>,
    pub(super) link_base: Option<Arc<str>>,
    pub(super) programs: Arc<Programs>,
    pub(super) brake: Arc<Brake>,
}

impl Kit {
    pub(super) fn new(parts: Parts) -> Kit {
        let Parts {
            program,
            program_num,
            heads,
            project,
            modes,
            canaries,
            connector,
            clock,
            ids,
            link_base,
            programs,
            brake,
        } = parts;
        let mut deployment = Deployment::clone(&project);
        deployment
            .modes
            .extend(modes.iter().map(|m| (m.playbook.clone(), m.mode)));
        let formers = canaries.formers(
            &program,
            &deployment,
            |program_num, program, heads, deployment| {
                Kit::new(Parts {
                    program,
                    program_num,
                    heads,
                    project: Arc::new(deployment),
                    modes: Vec::new(),
                    canaries: Canaries::default(),
                    connector: connector.clone(),
                    clock: clock.clone(),
                    ids: ids.clone(),
                    link_base: link_base.clone(),
                    programs: programs.clone(),
                    brake: brake.clone(),
                })
            },
        );
        Kit {
            awake: heads.index.awake(&program, &deployment),
            program,
            program_num,
            heads,
            deployment,
            project,
            modes: modes.into_iter().map(|m| (m.playbook.clone(), m)).collect(),
            canaries,
            formers,
            connector,
            clock,
            ids,
            link_base,
            programs,
            brake,
        }
    }

    /// What it is made of, to make the next one.
    pub(super) fn parts(&self) -> Parts {
        Parts {
            program: self.program.clone(),
            program_num: self.program_num,
            heads: self.heads.clone(),
            project: self.project.clone(),
            modes: self.modes.values().cloned().collect(),
            canaries: self.canaries.clone(),
            connector: self.connector.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            link_base: self.link_base.clone(),
            programs: self.programs.clone(),
            brake: self.brake.clone(),
        }
    }

    /// Keeps its program in memory. Its number counts when it is on the disk, and not before: where a commit fails,
    /// the next program gets the same one.
    fn remember(&self) {
        self.programs
            .remember(self.program_num, self.program.clone());
    }

    /// The program that a run was started with.
    pub(super) fn program_of(&self, tx: &Tx<'_>, num: i64) -> Result<Arc<Program>, Fault> {
        self.programs.get(tx, num)
    }

    /// A tenant's facts, by name.
    pub(super) fn tenant(&self, name: &str) -> Option<TenantFacts> {
        let tenant = self.deployment.tenants.get(name)?;
        Some(TenantFacts::of(name, tenant))
    }

    pub(super) fn scene<'a>(&'a self, tenant: &'a TenantFacts) -> Scene<'a> {
        Scene {
            program: &self.program,
            deployment: &self.deployment,
            tenant,
            now_ms: self.clock.now_ms(),
        }
    }

    /// The connection that an action or query goes over.
    pub(super) fn connection(&self, callable: &str) -> Option<&Arc<str>> {
        self.program
            .callables
            .get(callable)
            .map(|c| c.request.connection())
    }

    /// The actions and queries that go over some connections.
    pub(super) fn callables_of(&self, over: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let all = self.program.callables.values();
        all.filter(|c| over(c.request.connection()))
            .map(|c| c.name.clone())
            .collect()
    }

    /// Asks a query outside any run.
    pub(super) async fn ask(
        &self,
        id: String,
        query: &Arc<str>,
        args: Vec<Value>,
        (tenant, room): (&TenantFacts, Room),
    ) -> Result<Value, String> {
        let request = CallRequest {
            id,
            callable: query.clone(),
            args,
            tenant: tenant.clone(),
            run: None,
            program: self.program.clone(),
            intended_ms: self.clock.now_ms(),
            repeated: false,
            setbacks: Setbacks::default(),
            gate: Gate::of(&self.brake, &tenant.name, None),
            room,
        };
        let outcome = self.connector.call(request).await;
        outcome
            .result()
            .map_err(|reason| format!("`{query}`: {reason}"))
    }
}

/// The kit that is deployed now. It is replaced on the store's writing thread only, so that it stays
/// the same throughout a transaction.
pub(super) struct Deployed(RwLock<Arc<Kit>>);

impl Deployed {
    pub(super) fn new(kit: Kit) -> Deployed {
        kit.remember();
        Deployed(RwLock::new(Arc::new(kit)))
    }

    pub(super) fn get(&self) -> Arc<Kit> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts another kit in its place.
    pub(super) fn replace(&self, kit: Kit) {
        kit.remember();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kit);
    }
}
