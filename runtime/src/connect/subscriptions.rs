//! A wish to be told of changes in, a subscription at the service out: renewed where there is one, made anew
//! where it has lapsed.
//!
//! Sources: Microsoft Graph, "subscription resource type", "Create subscription", "Update subscription",
//! "Set up notifications for changes in resource data". What proves that the service tells us is
//! `clientState`, which is derived from the master key for each address and kept nowhere.

use super::Connectors;
use super::made::{self, Made, absent};
use crate::call::{ListFailure, ListRequest, SubscribeRequest, Subscribed};
use counterplay_machine::Value;
use counterplay_machine::declare::{Callable, Impact, PathPart};
use counterplay_machine::duration::{format_time_ms, parse_time_ms};
use counterplay_machine::expr::Expr;
use counterplay_machine::types::Type;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use subtle::ConstantTimeEq;

const PATH: &str = "/subscriptions";

impl Connectors {
    /// Renews a subscription, or makes one.
    pub(super) async fn subscribe_to(
        &self,
        request: SubscribeRequest,
    ) -> Result<Subscribed, ListFailure> {
        if let Some(id) = &request.known
            && let Some(renewed) = self.renew(&request, id).await?
        {
            return Ok(renewed);
        }
        self.remove_stray(&request).await?;
        let state = self.client_state(&request.notify);
        let body = json!({
            "changeType": request.changes.join(","),
            "notificationUrl": request.notify,
            "lifecycleNotificationUrl": request.notify,
            "resource": request.list.path,
            "expirationDateTime": format_time_ms(request.until_ms),
            "clientState": state,
            "latestSupportedTlsVersion": "v1_2",
        });
        let mut create = call(&request.list, "POST", None, Some(body));
        // Sent twice it would make two; an answer that is lost is looked for the next time.
        create.impact = Some(Impact::Notify);
        create.idempotent = false;
        let made = self.make(&request.list, &create, Some(&state)).await?;
        read(made)
    }

    /// Has the service tell us for longer; nothing where it knows no such subscription any more.
    async fn renew(
        &self,
        request: &SubscribeRequest,
        id: &str,
    ) -> Result<Option<Subscribed>, ListFailure> {
        let body = json!({ "expirationDateTime": format_time_ms(request.until_ms) });
        let mut renew = call(&request.list, "PATCH", Some(id), Some(body));
        renew.on_status = vec![absent(404)];
        match self.make(&request.list, &renew, None).await? {
            Value::Absent => Ok(None),
            made => read(made).map(Some),
        }
    }

    /// Removes subscriptions for the same address that an earlier attempt made and could not note.
    async fn remove_stray(&self, request: &SubscribeRequest) -> Result<(), ListFailure> {
        let all = ListRequest {
            path: Arc::from(PATH),
            query: Vec::new(),
            ..request.list.clone()
        };
        for stray in self.list(all).await? {
            if stray["notificationUrl"] != request.notify.as_str() {
                continue;
            }
            let Some(id) = stray["id"].as_str() else {
                continue;
            };
            let mut remove = call(&request.list, "DELETE", Some(id), None);
            remove.on_status = vec![absent(404)];
            remove.returns_ty = Type::Nothing;
            self.make(&request.list, &remove, None).await?;
        }
        Ok(())
    }

    /// What the service is given to say with each notification: 64 characters, different for each address.
    fn client_state(&self, notify: &str) -> String {
        let key = self.key.derive("change notifications", notify.as_bytes());
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether somebody who knows what the service was given says so.
    pub(super) fn is_client_state(&self, notify: &str, given: &str) -> bool {
        let expected = self.client_state(notify);
        expected.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

fn call(list: &ListRequest, method: &str, id: Option<&str>, json: Option<Json>) -> Callable {
    let path = match id {
        None => vec![PathPart::Literal(Arc::from(PATH))],
        Some(id) => vec![
            PathPart::Literal(Arc::from(format!("{PATH}/"))),
            PathPart::Value(Expr::Const(Value::text(id))),
        ],
    };
    made::callable(Made {
        connection: &list.connection,
        method,
        path,
        query: &[],
        json,
        paged: false,
    })
}

/// What the service says of a subscription.
fn read(answer: Value) -> Result<Subscribed, ListFailure> {
    let Value::Json(body) = answer else {
        return Err(ListFailure::new("the service did not say what it set up"));
    };
    let id = body["id"].as_str();
    let until_ms = body["expirationDateTime"].as_str().and_then(parse_time_ms);
    match (id, until_ms) {
        (Some(id), Some(until_ms)) => Ok(Subscribed {
            id: id.to_owned(),
            until_ms,
        }),
        _ => Err(ListFailure::new(
            "the service did not say which subscription it set up, and until when",
        )),
    }
}
