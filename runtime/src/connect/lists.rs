//! The path of a list in, its elements out, or one of them: the same way as a declared query.

use super::Connectors;
use super::made::{self, Made, absent};
use crate::call::{ListFailure, ListRequest};
use counterplay_machine::Value;
use counterplay_machine::declare::PathPart;
use counterplay_machine::expr::Expr;
use serde_json::Value as Json;
use std::sync::Arc;

impl Connectors {
    /// Reads a list to its end.
    pub(super) async fn list(&self, request: ListRequest) -> Result<Vec<Json>, ListFailure> {
        let query = made::callable(Made {
            connection: &request.connection,
            method: "GET",
            path: vec![PathPart::Literal(request.path.clone())],
            query: &request.query,
            json: None,
            paged: true,
        });
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
            paged: false,
        });
        query.on_status = vec![absent(404)];
        match self.make(&request, &query, None).await? {
            Value::Json(body) => Ok(Some(Arc::unwrap_or_clone(body))),
            _ => Ok(None),
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
