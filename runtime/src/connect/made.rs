//! A call that no playbook declares in, the declaration that it would have out.

use crate::call::{CallRequest, ListRequest, Setbacks};
use counterplay_machine::Value;
use counterplay_machine::declare::{Callable, PathPart, Request};
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
            paged: false,
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

/// Lets a list be read to its end.
pub(super) fn paged(callable: &mut Callable) {
    if let Request::Http { paged, .. } = &mut callable.request {
        *paged = true;
    }
}

/// The call, outside any run.
pub(super) fn call(request: &ListRequest, callable: &Callable) -> CallRequest {
    CallRequest {
        id: request.id.clone(),
        callable: callable.name.clone(),
        args: Vec::new(),
        tenant: request.tenant.clone(),
        run: None,
        program: request.program.clone(),
        repeated: false,
        setbacks: Setbacks::default(),
        gate: request.gate.clone(),
    }
}
