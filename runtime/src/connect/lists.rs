//! The path of a list in, its elements out, or one of them: the same way as a declared query.

use super::Connectors;
use super::job::Job;
use super::made::{self, Made};
use crate::call::{CallOutcome, ListFailure, ListRequest};
use counterplay_machine::Value;
use counterplay_machine::declare::{OnStatus, OnStatusThen, PathPart};
use counterplay_machine::expr::Expr;
use serde_json::Value as Json;
use std::sync::Arc;

impl Connectors {
    /// Reads a list to its end.
    pub(super) async fn list(&self, request: ListRequest) -> Result<Vec<Json>, ListFailure> {
        let mut query = made::callable(Made {
            connection: &request.connection,
            method: "GET",
            path: vec![PathPart::Literal(request.path.clone())],
            query: &request.query,
            json: None,
        });
        made::paged(&mut query);
        match self.make(&request, &query, None).await? {
            Value::Json(body) => elements(Arc::unwrap_or_clone(body))
                .ok_or_else(|| ListFailure::new("the answer is no list: it has no `value`")),
            _ => Err(ListFailure::new("the answer is no list: it is empty")),
        }
    }

    /// Reads one object of a list.
    pub(super) async fn object(
        &self,
        request: ListRequest,
        id: String,
    ) -> Result<Option<Json>, ListFailure> {
        let path = format!("{}/", request.path.trim_end_matches('/'));
        let mut query = made::callable(Made {
            connection: &request.connection,
            method: "GET",
            path: vec![
                PathPart::Literal(Arc::from(path)),
                PathPart::Value(Expr::Const(Value::text(id))),
            ],
            query: &request.query,
            json: None,
        });
        query.on_status = vec![absent(404)];
        match self.make(&request, &query, None).await? {
            Value::Json(body) => Ok(Some(Arc::unwrap_or_clone(body))),
            _ => Ok(None),
        }
    }

    /// Carries out a call of our own. `secret` is kept out of whatever it returns.
    pub(super) async fn make(
        &self,
        request: &ListRequest,
        callable: &counterplay_machine::declare::Callable,
        secret: Option<&str>,
    ) -> Result<Value, ListFailure> {
        let call = made::call(request, callable);
        let mut job = Job::new(self, &call, callable).map_err(ListFailure::new)?;
        if let Some(secret) = secret {
            job.redactor.add(secret);
        }
        let now_ms = self.clock.now_ms();
        job.deadline_ms = Some(now_ms.saturating_add(request.patience_ms));
        let outcome = job.carry_out().await;
        let retry_after_ms = job.asked_ms;
        match job.without_secrets(outcome) {
            CallOutcome::Done(value) => Ok(value),
            CallOutcome::Failed { reason } | CallOutcome::Unknown { reason } => Err(ListFailure {
                reason,
                retry_after_ms,
            }),
        }
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
