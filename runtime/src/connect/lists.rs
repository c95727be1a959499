//! The path of a list in, its elements out: the same way as a declared query that is read to its end.

use super::Connectors;
use super::job::Job;
use crate::call::{CallOutcome, CallRequest, ListFailure, ListRequest, Setbacks};
use counterplay_machine::Value;
use counterplay_machine::declare::{Callable, PathPart, Request};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use serde_json::Value as Json;
use std::sync::Arc;

impl Connectors {
    /// Reads a list to its end.
    pub(super) async fn list(&self, request: ListRequest) -> Result<Vec<Json>, ListFailure> {
        let query = query(&request);
        let call = CallRequest {
            id: request.id,
            callable: query.name.clone(),
            args: Vec::new(),
            tenant: request.tenant,
            run: None,
            program: request.program,
            repeated: false,
            setbacks: Setbacks::default(),
        };
        let mut job = Job::new(self, &call, &query).map_err(ListFailure::new)?;
        let now_ms = self.clock.now_ms();
        job.deadline_ms = Some(now_ms.saturating_add(request.patience_ms));
        let outcome = job.carry_out().await;
        let retry_after_ms = job.asked_ms;
        match job.without_secrets(outcome) {
            CallOutcome::Done(Value::Json(body)) => elements(Arc::unwrap_or_clone(body))
                .ok_or_else(|| ListFailure::new("the answer is no list: it has no `value`")),
            CallOutcome::Done(_) => Err(ListFailure::new("the answer is no list: it is empty")),
            CallOutcome::Failed { reason } | CallOutcome::Unknown { reason } => Err(ListFailure {
                reason,
                retry_after_ms,
            }),
        }
    }
}

/// The list in an answer: `value` as OData has it, or the answer itself.
fn elements(body: Json) -> Option<Vec<Json>> {
    match body {
        Json::Array(list) => Some(list),
        Json::Object(mut members) => match members.remove("value")? {
            Json::Array(list) => Some(list),
            _ => None,
        },
        _ => None,
    }
}

/// The query that the program would declare for the list.
fn query(request: &ListRequest) -> Callable {
    Callable {
        name: Arc::from(format!("GET {}", request.path)),
        impact: None,
        idempotent: true,
        params: Vec::new(),
        permissions: Vec::new(),
        request: Request::Http {
            connection: request.connection.clone(),
            method: Arc::from("GET"),
            path: vec![PathPart::Literal(request.path.clone())],
            address: None,
            query: request
                .query
                .iter()
                .map(|(name, value)| {
                    let value = Expr::Const(Value::text(value.as_str()));
                    (Arc::from(name.as_str()), value)
                })
                .collect(),
            headers: Vec::new(),
            json: None,
            paged: true,
        },
        expect: Vec::new(),
        on_status: Vec::new(),
        body: Slot(0),
        returns: None,
        returns_ty: Type::Json,
        confirm: None,
        undo: None,
        doc: Arc::from(""),
    }
}
