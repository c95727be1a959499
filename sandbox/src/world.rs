//! In: what happened so far. Out: the state that all services share: tenant, tokens, subscriptions, faults, log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::call::Call;
use crate::fault::{Fault, FaultKind};
use crate::graph::subscriptions::Subscription;
use crate::ids;
use crate::record::{self, RecordedRequest};
use crate::service::{Service, Trace};
use crate::tenant::Tenant;

/// How many requests are remembered; older ones are forgotten.
const REQUESTS_MAX: usize = 10_000;
/// How many tokens are remembered.
const TOKENS_MAX: usize = 10_000;

/// The world, shared by all connections.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub fn new(tenant: Tenant) -> Shared {
        Shared(Arc::new(Mutex::new(World::new(tenant))))
    }

    /// The world, for the length of one answer. A panic elsewhere leaves it usable.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything behind the ports.
pub(crate) struct World {
    pub tenant: Tenant,
    first: Tenant,
    tokens: BTreeMap<String, Token>,
    pub subscriptions: Vec<Subscription>,
    pub faults: Vec<Fault>,
    requests: VecDeque<RecordedRequest>,
    arrived: u64,
    serial: u64,
    started: Timestamp,
}

/// An access token that was given out.
struct Token {
    audience: String,
    expires: Timestamp,
}

/// Why a bearer token does not open a service.
pub(crate) enum TokenProblem {
    Missing,
    Unknown,
    Expired,
    Audience,
}

impl World {
    fn new(tenant: Tenant) -> World {
        World {
            first: tenant.clone(),
            tenant,
            tokens: BTreeMap::new(),
            subscriptions: Vec::new(),
            faults: Vec::new(),
            requests: VecDeque::new(),
            arrived: 0,
            serial: 0,
            started: ids::instant(),
        }
    }

    /// Back to the initial state; tokens stay good; the log, the faults and the subscriptions go.
    pub fn reset(&mut self) {
        self.tenant = self.first.clone();
        self.faults.clear();
        self.subscriptions.clear();
        self.requests.clear();
    }

    /// A number that was not given out before.
    pub fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A GUID that was not given out before.
    pub fn guid(&mut self, what: &str) -> String {
        let number = self.next();
        ids::guid(&format!("{what} {number} {}", self.started))
    }

    /// Remembers a token for a resource.
    pub fn grant(&mut self, token: String, audience: &str, expires: Timestamp) {
        if self.tokens.len() >= TOKENS_MAX {
            let now = ids::instant();
            self.tokens.retain(|_, token| token.expires > now);
        }
        let audience = audience.to_owned();
        self.tokens.insert(token, Token { audience, expires });
    }

    /// Whether the call carries a token for this resource.
    pub fn check_token(&self, call: &Call, audience: &str) -> Result<(), TokenProblem> {
        let bearer = call.bearer().ok_or(TokenProblem::Missing)?;
        let token = self.tokens.get(bearer).ok_or(TokenProblem::Unknown)?;
        if token.audience != audience {
            Err(TokenProblem::Audience)
        } else if token.expires <= ids::instant() {
            Err(TokenProblem::Expired)
        } else {
            Ok(())
        }
    }

    /// When a token that is given out now ends.
    pub fn token_end(&self) -> Timestamp {
        let lifetime = i64::try_from(self.tenant.token_lifetime_s).unwrap_or(i64::MAX);
        ids::instant()
            .checked_add(SignedDuration::from_secs(lifetime))
            .unwrap_or(Timestamp::MAX)
    }

    /// The fault that strikes this request, used up by one.
    pub fn take_fault(&mut self, method: &str, target: &str) -> Option<FaultKind> {
        let index = self
            .faults
            .iter()
            .position(|fault| fault.strikes(method, target))?;
        let fault = self.faults.get_mut(index)?;
        fault.times -= 1;
        let kind = fault.kind.clone();
        self.faults.retain(|fault| fault.times > 0);
        Some(kind)
    }

    /// Writes a request down and gives its number.
    pub fn record(&mut self, service: Service, call: &Call) -> u64 {
        self.arrived += 1;
        let number = self.arrived;
        if self.requests.len() >= REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(RecordedRequest {
            number,
            time: ids::instant(),
            service,
            method: call.method.to_string(),
            path: call.target.clone(),
            body: record::shown(call),
            status: None,
            batch: None,
        });
        number
    }

    /// Writes down a request that came in this batch.
    pub fn record_part(&mut self, service: Service, call: &Call, batch: u64) -> u64 {
        let number = self.record(service, call);
        if let Some(written) = self.requests.back_mut() {
            written.batch = Some(batch);
        }
        number
    }

    /// Writes down what was answered.
    pub fn answered(&mut self, number: u64, status: u16) {
        let mut newest_first = self.requests.iter_mut().rev();
        if let Some(request) = newest_first.find(|request| request.number == number) {
            request.status = Some(status);
        }
    }

    /// Every request that is remembered, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// What identifies a call in an error body.
    pub fn trace(&mut self, call: &Call) -> Trace {
        let request_id = self.guid("request");
        Trace {
            time: ids::now(),
            client_request_id: call
                .header("client-request-id")
                .map_or_else(|| request_id.clone(), str::to_owned),
            request_id,
        }
    }
}
