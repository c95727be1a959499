//! A call that no playbook declares in, the declaration that it would have, and what it gives, out.

use super::Connectors;
use super::job::Job;
use crate::call::{CallRequest, ListFailure, ListRequest, Setbacks};
use counterplay_machine::Value;
use counterplay_machine::declare::{Callable, OnStatus, OnStatusThen, PathPart, Request};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use serde_json::Value as Json;
use std::sync::Arc;

/// What is to be sent.
pub(super) struct Made<'a> {
    pub connection: &'a Arc<str>,
    pub method: &'a str,
    pub path: Vec<PathPart>,
    /// Query parameters, not yet encoded.
    pub query: &'a [(String, String)],
    pub json: Option<Json>,
    /// Whether it is a list that is read to its end.
    pub paged: bool,
}

/// The query that the program would declare for it.
pub(super) fn callable(made: Made<'_>) -> Callable {
    let shown: String = made
        .path
        .iter()
        .map(|part| match part {
            PathPart::Literal(text) => text,
            PathPart::Value(_) => "…",
        })
        .collect();
    Callable {
        name: Arc::from(format!("{} {shown}", made.method)),
        impact: None,
        idempotent: true,
        params: Vec::new(),
        permissions: Vec::new(),
        request: Request::Http {
            connection: made.connection.clone(),
            method: Arc::from(made.method),
            path: made.path,
            address: None,
            query: made
                .query
                .iter()
                .map(|(name, value)| {
                    let value = Expr::Const(Value::text(value.as_str()));
                    (Arc::from(name.as_str()), value)
                })
                .collect(),
            headers: Vec::new(),
            json: made
                .json
                .map(|json| Expr::Const(Value::Json(Arc::new(json)))),
            paged: made.paged,
        },
        expect: Vec::new(),
        on_status: Vec::new(),
        body: Slot(0),
        returns: None,
        returns_ty: Type::Json,
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: Arc::from(""),
    }
}

/// The call, outside any run.
fn call(request: &ListRequest, callable: &Callable) -> CallRequest {
    CallRequest {
        id: request.id.clone(),
        callable: callable.name.clone(),
        args: Vec::new(),
        tenant: request.tenant.clone(),
        run: None,
        program: request.program.clone(),
        // A question: when it was intended does not matter.
        intended_ms: i64::MAX,
        repeated: false,
        setbacks: Setbacks::default(),
        gate: request.gate.clone(),
        room: request.room.clone(),
    }
}

/// A status by which a service says that there is no such thing.
pub(super) fn absent(status: u16) -> OnStatus {
    OnStatus {
        status,
        condition: None,
        then: OnStatusThen::Absent,
    }
}

impl Connectors {
    /// Carries out a call of our own. `secret` is kept out of whatever it returns.
    pub(super) async fn make(
        &self,
        request: &ListRequest,
        callable: &Callable,
        secret: Option<&str>,
    ) -> Result<Value, ListFailure> {
        let call = call(request, callable);
        let mut job = Job::new(self, &call, callable).map_err(ListFailure::new)?;
        if let Some(secret) = secret {
            job.redactor.add(secret);
        }
        let now_ms = self.clock.now_ms();
        job.deadline_ms = Some(now_ms.saturating_add(request.patience_ms));
        let outcome = job.carry_out().await;
        let retry_after_ms = job.asked_ms;
        let outcome = job.without_secrets(outcome);
        outcome.result().map_err(|reason| ListFailure {
            reason,
            retry_after_ms,
        })
    }
}
