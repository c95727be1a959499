//! What transitions and matching look at: programs, the deployment, the clock, the connector.

use super::Ids;
use crate::call::{CallOutcome, CallRequest, Connector};
use crate::clock::Clock;
use crate::store::{Fault, Tx};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::Scene;
use counterplay_machine::{Program, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the engine and its tasks. Holds no handle on the store or the engine, so that tasks
/// keep neither alive.
pub(super) struct Kit {
    pub(super) program: Arc<Program>,
    pub(super) program_num: i64,
    pub(super) deployment: Deployment,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Ids,
    /// Where approvals' pages are, when people are sent links to them.
    pub(super) link_base: Option<Arc<str>>,
    programs: Mutex<HashMap<i64, Arc<Program>>>,
}

impl Kit {
    pub(super) fn new(
        program: Arc<Program>,
        program_num: i64,
        deployment: Deployment,
        connector: Arc<dyn Connector>,
        clock: Arc<dyn Clock>,
        ids: Ids,
    ) -> Kit {
        Kit {
            programs: Mutex::new(HashMap::from([(program_num, program.clone())])),
            program,
            program_num,
            deployment,
            connector,
            clock,
            ids,
            link_base: None,
        }
    }

    pub(super) fn remember(&self, num: i64, program: Arc<Program>) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.entry(num).or_insert(program);
    }

    /// The program that a run was started with.
    pub(super) fn program_of(&self, tx: &Tx<'_>, num: i64) -> Result<Arc<Program>, Fault> {
        let known = self
            .programs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&num)
            .cloned();
        if let Some(program) = known {
            return Ok(program);
        }
        let program = tx.program(num)?;
        self.remember(num, program.clone());
        Ok(program)
    }

    /// A tenant's facts, by name.
    pub(super) fn tenant(&self, name: &str) -> Option<TenantFacts> {
        self.deployment.tenants.get(name).map(|t| TenantFacts {
            name: name.to_owned(),
            id: t.id.clone(),
            zone: t.zone.clone().unwrap_or_else(|| "UTC".into()),
            domains: t.domains.clone(),
        })
    }

    pub(super) fn scene<'a>(&'a self, tenant: &'a TenantFacts) -> Scene<'a> {
        Scene {
            program: &self.program,
            deployment: &self.deployment,
            tenant,
            now_ms: self.clock.now_ms(),
        }
    }

    /// Asks a query outside any run.
    pub(super) async fn ask(
        &self,
        id: String,
        query: &Arc<str>,
        args: Vec<Value>,
        tenant: &TenantFacts,
    ) -> Result<Value, String> {
        let request = CallRequest {
            id,
            callable: query.clone(),
            args,
            tenant: tenant.clone(),
            run: None,
            program: self.program.clone(),
            repeated: false,
        };
        match self.connector.call(request).await {
            CallOutcome::Done(value) => Ok(value),
            CallOutcome::Failed { reason } | CallOutcome::Unknown { reason } => {
                Err(format!("`{query}`: {reason}"))
            }
        }
    }
}
