//! The tenants that the caller may see.

use crate::app::App;
use crate::http::{Auth, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

/// A tenant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    /// The name in the project file.
    pub name: String,
    /// The tenant's id at Microsoft.
    pub id: String,
    /// The time zone, an IANA name.
    pub zone: String,
    /// Groups such as `gold`.
    pub groups: Vec<String>,
    /// The playbooks that are for it.
    pub playbooks: Vec<String>,
}

/// The tenants.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantList {
    /// In the order of their names.
    pub tenants: Vec<TenantView>,
}

/// List tenants
#[utoipa::path(get, path = "/tenants", tag = "records",
    operation_id = "listTenants",
    responses((status = 200, description = "The tenants, by name", body = TenantList), Refused))]
pub async fn list(State(app): State<App>, auth: Auth) -> Result<Json<TenantList>, Problem> {
    auth.needs(Permission::View)?;
    let (program, deployment) = (app.engine.program(), app.engine.deployment());
    let tenants = deployment
        .tenants
        .iter()
        .filter(|(name, _)| auth.0.scope.includes(name))
        .map(|(name, tenant)| TenantView {
            name: name.clone(),
            id: tenant.id.clone(),
            zone: tenant.zone.clone().unwrap_or_else(|| "UTC".into()),
            groups: tenant.groups.clone(),
            playbooks: program
                .playbooks
                .values()
                .filter(|p| p.tenants.includes(name, &tenant.groups))
                .map(|p| p.id.to_string())
                .collect(),
        })
        .collect();
    Ok(Json(TenantList { tenants }))
}
