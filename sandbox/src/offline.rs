//! In: a request as a value, and the time. Out: the answer as a value. The same services without a port.
//!
//! For simulations, which decide themselves when a request arrives, whether it does, and what becomes of its answer.

use crate::call::{Body, Call, Reply};
use crate::http::{answer, finish};
use crate::ids;
use crate::service::Service;
use crate::smtp::read;
use crate::tenant::Tenant;
use crate::world::Shared;
use axum::http::{HeaderMap, Method};
use jiff::Timestamp;

/// The services of a sandbox that nothing listens for.
pub struct Offline {
    world: Shared,
}

/// What a service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty where there is none.
    pub body: String,
}

impl Offline {
    /// Services of this tenant, as of a time.
    pub fn new(tenant: Tenant, at: Timestamp) -> Offline {
        Offline {
            world: ids::at(at, || Shared::new(tenant)),
        }
    }

    /// Answers a request: the method, path and query below the base address, headers and body.
    pub fn answer(
        &self,
        at: Timestamp,
        (method, target): (&Method, &str),
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Answered {
        let path = target.split('?').next().unwrap_or(target);
        let (service, prefix) = Service::of(path);
        let origin = "http://sandbox.example".to_owned();
        let call = Call::new(
            method.clone(),
            origin,
            target.to_owned(),
            prefix,
            headers,
            body,
        );
        answered(ids::at(at, || {
            finish(&self.world, service, &call, answer(service))
        }))
    }

    /// Takes a mail, as it was handed over; whether it can be read.
    pub fn deliver(&self, at: Timestamp, from: &str, to: &[String], text: &[u8]) -> bool {
        match ids::at(at, || read(from, to, text)) {
            Some(mail) => {
                self.world.lock().tenant.mails.push(mail);
                true
            }
            None => false,
        }
    }

    /// A snapshot of the state.
    pub fn state(&self) -> Tenant {
        self.world.lock().tenant.clone()
    }

    /// Changes the state, as if by another person or program.
    pub fn update(&self, change: impl FnOnce(&mut Tenant)) {
        change(&mut self.world.lock().tenant);
    }
}

fn answered(reply: Reply) -> Answered {
    let headers = reply.headers.into_iter();
    Answered {
        status: reply.status,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: match reply.body {
            Body::Empty => String::new(),
            Body::Json(value) => value.to_string(),
            Body::Text(text) => text,
        },
    }
}
