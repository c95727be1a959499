//! What a person found out about a held call in; the run goes on with it.

use super::runs::find;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use counterplay_machine::step::{Settled, Settlement};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of a held call.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettlement {
    /// The step as the run's `waits_for` names it, or its action; may be left out where only one call is held.
    pub step: Option<String>,
    /// What became of it.
    pub outcome: FoundName,
    /// With `done`, what the call gave, where later steps use it.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// More about it.
    pub comment: Option<String>,
}

/// What a person found out about a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundName {
    /// It was carried out: the run goes on behind it.
    Done,
    /// It was not carried out: it is sent again.
    NotDone,
    /// It was not carried out and is not to be sent again: the step fails.
    GivenUp,
}

impl From<FoundName> for Settled {
    fn from(name: FoundName) -> Settled {
        match name {
            FoundName::Done => Settled::Done,
            FoundName::NotDone => Settled::NotDone,
            FoundName::GivenUp => Settled::GivenUp,
        }
    }
}

/// What is taken up.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SettlementTaken {
    /// The step that it is for.
    pub step: String,
}

/// Settle a held call
///
/// A run is held where a call of it may have been carried out and no answer tells. Whoever looked at the service says
/// what happened.
#[utoipa::path(post, path = "/runs/{id}/settle", tag = "runs",
    operation_id = "settleRun", request_body = NewSettlement,
    params(("id" = String, Path, description = "The run's id"),
        IdempotencyKey),
    responses((status = 202, description = "It goes on as soon as the engine takes it up", body = SettlementTaken), Refused))]
pub async fn settle(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(new): Body<NewSettlement>,
) -> Result<(StatusCode, Json<SettlementTaken>), Problem> {
    auth.needs(Permission::Operate)?;
    let id = find(&app, &auth, &id).await?.info.id;
    let settlement = Settlement {
        step: new.step,
        by: auth.0.id.clone(),
        settled: new.outcome.into(),
        result: new.result,
        comment: new.comment,
    };
    let step = app.engine.settle(&id, settlement).await?;
    Ok((StatusCode::ACCEPTED, Json(SettlementTaken { step })))
}
