//! One call: a declaration bound to arguments in, the request to send out; then what its answer means.

use super::redact::Redactor;
use super::remembered::Place;
use super::secrets::SecretValue;
use super::send::Sending;
use super::tries::Tries;
use super::{Connectors, Trouble, failed, target};
use crate::call::{CallOutcome, CallRequest};
use counterplay_machine::declare::{Callable, Connection};
use counterplay_machine::deployment::{ConnectionSettings, Credentials};
use counterplay_machine::eval::{Env, RunFacts};
use counterplay_machine::expr::Slot;
use counterplay_machine::request::{self, Call, HttpCall};
use counterplay_machine::response::{self, Meaning};
use counterplay_machine::value::SecretSource;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// One call in progress.
pub(super) struct Job<'a> {
    pub hub: &'a Connectors,
    pub request: &'a CallRequest,
    pub callable: &'a Callable,
    pub connection: &'a Connection,
    pub settings: Option<&'a ConnectionSettings>,
    /// What is known of the service is known of this.
    pub place: Place,
    /// Who we are: by the impact of what is called.
    pub credentials: Credentials,
    /// Trying ends here although the connection would allow more, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<i64>,
    /// What may have been carried out is not sent again after this, in milliseconds since the Unix epoch.
    pub no_later_ms: Option<i64>,
    /// The same, in milliseconds of time that has passed: whatever is done to the clock.
    pub no_later_passed_ms: Option<i64>,
    /// When the present attempt began, in milliseconds of time that has passed.
    pub begun_passed_ms: i64,
    /// How long the service asked to wait after the last trouble, in milliseconds.
    pub asked_ms: Option<i64>,
    /// The tries of this call, of all of its pages together; absent until there is trouble.
    pub tries: Option<Tries>,
    pub redactor: Redactor,
}

impl<'a> Job<'a> {
    /// Looks up what the call needs, or says what is not set up.
    pub fn new(
        hub: &'a Connectors,
        request: &'a CallRequest,
        callable: &'a Callable,
    ) -> Result<Job<'a>, String> {
        let name = callable.request.connection();
        let Some(connection) = request.program.connections.get(name) else {
            return Err(format!("the program has no connection `{name}`"));
        };
        let settings = hub.deployment.connections.get(&**name);
        let credentials = settings
            .map(|settings| settings.credentials(callable.impact))
            .unwrap_or_default();
        target::check_set_up(connection, settings, &credentials)?;
        Ok(Job {
            hub,
            request,
            callable,
            connection,
            settings,
            place: Place::of(connection, settings),
            credentials,
            deadline_ms: None,
            no_later_ms: None,
            no_later_passed_ms: None,
            begun_passed_ms: hub.clock.passed_ms(),
            asked_ms: None,
            tries: None,
            redactor: Redactor::default(),
        })
    }

    pub fn program(&self) -> &'a Program {
        &self.request.program
    }

    /// Whether repeating the call does no more than carrying it out once.
    pub fn is_repeatable(&self) -> bool {
        self.callable.impact.is_none() || self.callable.idempotent
    }

    /// Whether addresses on private networks may be called.
    pub fn allows_private(&self) -> bool {
        self.settings.is_some_and(|s| s.allow_private)
    }

    /// Evaluates something over the parameters and `more` variables.
    pub fn with_env<T>(&self, more: &[(Slot, Value)], f: impl FnOnce(&Env<'_>) -> T) -> T {
        let (callable, request) = (self.callable, self.request);
        let slots = |slot: Slot| {
            if let Some((_, value)) = more.iter().find(|(s, _)| *s == slot) {
                return Some(value.clone());
            }
            let at = callable.params.iter().position(|p| p.slot == slot)?;
            Some(request.args.get(at).cloned().unwrap_or(Value::Absent))
        };
        let names = |slot: Slot| {
            callable
                .params
                .iter()
                .find(|p| p.slot == slot)
                .map(|p| p.name.clone())
        };
        f(&Env {
            types: &self.program().types,
            deployment: &self.hub.deployment,
            tenant: &request.tenant,
            now_ms: self.hub.clock.now_ms(),
            run: request.run.as_ref().map(|(id, started_ms)| RunFacts {
                id,
                started_ms: *started_ms,
                steps: &[],
                sent_again: request.repeated,
            }),
            call: Some(&request.id),
            slots: &slots,
            names: &names,
        })
    }

    /// Sends the call and says what the answer means; `confirm` is not looked at.
    pub async fn carry_out(&mut self) -> CallOutcome {
        match self.with_env(&[], |env| request::build(self.callable, env)) {
            Err(error) => failed(format!("the request cannot be made: {error}")),
            Ok(Call::Http(call)) => {
                // A store of secrets that does not answer is waited for as the service itself would be.
                let prepared = loop {
                    let trouble = match self.prepare(&call).await {
                        Ok(prepared) => break prepared,
                        Err(trouble) => trouble,
                    };
                    let ended = match trouble {
                        Trouble::NotSent {
                            reason, asked_ms, ..
                        }
                        | Trouble::Lacking { reason, asked_ms } => {
                            self.pause(reason, asked_ms).await
                        }
                        Trouble::Shut { reason, .. } => Err(reason),
                        Trouble::Lost(reason)
                        | Trouble::TooLate(reason)
                        | Trouble::Refused(reason) => Err(reason),
                    };
                    if let Err(reason) = ended {
                        return self.no_more(reason, self.may_be_done());
                    }
                };
                match prepared {
                    (sending, true) => self.read_pages(sending).await,
                    (sending, false) => match self.exchange(&sending.into(), false).await {
                        Ok((
                            _,
                            Meaning::Failed {
                                reason,
                                accepted: true,
                                ..
                            },
                        )) if self.callable.impact.is_some() => CallOutcome::Unconfirmed { reason },
                        Ok((_, meaning)) => outcome(meaning),
                        Err(outcome) => outcome,
                    },
                }
            }
            Ok(Call::Mail(mail)) => self.mail(mail).await,
        }
    }

    /// What an answer means by the declaration.
    pub fn meaning(&self, status: u16, body: &Json) -> Meaning {
        self.with_env(&[], |env| {
            response::interpret(self.callable, status, body, env)
        })
    }

    /// Resolves secrets and makes an HTTP request of a built call; with whether lists are read to the end.
    async fn prepare(&mut self, call: &HttpCall) -> Result<(Sending, bool), Trouble> {
        let address = match &call.address {
            Some(source) => Some(self.resolve(source).await?),
            None => None,
        };
        let url = target::url(self.connection, self.settings, address.as_deref(), call)
            .map_err(Trouble::Refused)?;
        let body = match &call.json {
            None => None,
            Some(value) => Some(self.json_body(value).await?.into()),
        };
        let paged = call.paged && &*call.method == "GET";
        let sending = Sending {
            method: call
                .method
                .parse()
                .map_err(|_| Trouble::Refused(format!("`{}` is no HTTP method", call.method)))?,
            url,
            headers: call.headers.clone(),
            body,
        };
        Ok((sending, paged))
    }

    /// The JSON text of a body, with secrets in place.
    async fn json_body(&mut self, value: &Value) -> Result<Vec<u8>, Trouble> {
        let mut known = Vec::new();
        for source in secrets_in(value) {
            let secret = self.resolve(&source).await?;
            known.push((source, secret));
        }
        let json = value.to_json(&|source| {
            known
                .iter()
                .find(|(s, _)| s == source)
                .map_or(Json::Null, |(_, secret)| Json::from(secret.as_str()))
        });
        serde_json::to_vec(&json).map_err(|error| {
            Trouble::Refused(format!("the body cannot be written as JSON: {error}"))
        })
    }

    /// A secret's value; from now on it is kept out of whatever the call returns.
    pub async fn resolve(&mut self, source: &SecretSource) -> Result<String, Trouble> {
        let value = match source {
            SecretSource::Named(name) => {
                let asked = self.hub.secrets.get(name).await;
                asked.map_err(|error| match error.is_passing() {
                    true => Trouble::Lacking {
                        reason: error.to_string(),
                        asked_ms: None,
                    },
                    false => Trouble::Refused(error.to_string()),
                })?
            }
            SecretSource::Generated(id) => self.hub.key.password(id),
        };
        self.redactor.add(value.expose());
        Ok(value.expose().to_owned())
    }

    /// The secret that proves who we are: a client secret or the like, or a certificate with its key.
    pub async fn connection_secret(&mut self) -> Result<String, Trouble> {
        let Some(name) = self.proof() else {
            return Err(Trouble::Refused(target::not_set_up(self.connection)));
        };
        self.resolve(&SecretSource::Named(Arc::from(name))).await
    }

    /// The name of that secret.
    pub fn proof(&self) -> Option<String> {
        let Credentials {
            secret,
            certificate,
            ..
        } = &self.credentials;
        certificate.clone().or_else(|| secret.clone())
    }

    /// After a service did not accept the connection's secret: whether there is another one by now.
    pub async fn has_new_secret(&mut self, refused: &str) -> bool {
        let Some(name) = self.proof() else {
            return false;
        };
        let secrets = &self.hub.secrets;
        secrets.refused(&name, &SecretValue::new(refused));
        let now = secrets.get(&name).await;
        now.is_ok_and(|now| now.expose() != refused)
    }

    /// An outcome whose words and result hold no secret of this call.
    pub fn without_secrets(&self, outcome: CallOutcome) -> CallOutcome {
        match outcome {
            CallOutcome::Failed { reason } => CallOutcome::Failed {
                reason: self.redactor.text(&reason),
            },
            CallOutcome::Unconfirmed { reason } => CallOutcome::Unconfirmed {
                reason: self.redactor.text(&reason),
            },
            CallOutcome::Unknown { reason } => CallOutcome::Unknown {
                reason: self.redactor.text(&reason),
            },
            done => done,
        }
    }

    /// What a service's records know this call by: shaped like a UUID, the same for every repetition.
    pub fn correlation(&self) -> String {
        let digest = Sha256::digest(self.request.id.as_bytes());
        let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        // Version 8 and the variant of RFC 9562: made by rules of our own.
        format!(
            "{}-{}-8{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..32]
        )
    }
}

/// The secrets in a value.
fn secrets_in(value: &Value) -> Vec<SecretSource> {
    let sources: Mutex<Vec<SecretSource>> = Mutex::default();
    let lock = || sources.lock().unwrap_or_else(PoisonError::into_inner);
    value.to_json(&|source| {
        lock().push(source.clone());
        Json::Null
    });
    std::mem::take(&mut *lock())
}

/// A meaning as an outcome.
pub(super) fn outcome(meaning: Meaning) -> CallOutcome {
    match meaning {
        Meaning::Done(value) => CallOutcome::Done(value),
        Meaning::Failed { reason, .. } => CallOutcome::Failed { reason },
    }
}
