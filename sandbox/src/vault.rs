//! In: calls to HashiCorp Vault: signing in as a role, renewing a token, reading a secret of the KV engine. Out: its
//! answers.
//!
//! Sources: Vault's HTTP API, "KV secrets engine - version 2", "AppRole auth method", "Token auth method".

use axum::http::Method;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Problem, Reply};
use crate::world::World;

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let vault = &world.tenant.stores.vault;
    if vault.sealed {
        return Err(problem(503, "Vault is sealed"));
    }
    let namespace = call.header("x-vault-namespace").unwrap_or_default();
    let here = namespace.trim_matches('/') == vault.namespace;
    let mount: Vec<&str> = vault.mount.split('/').collect();
    let path = call.path();
    match (&path[..], &call.method) {
        (["v1", "auth", "approle", "login"], &Method::POST) if here => log_in(world, call),
        (["v1", "auth", "token", "renew-self"], &Method::POST) if here => renew(world, call),
        (["v1", rest @ ..], &Method::GET) if here && rest.starts_with(&mount) => {
            match &rest[mount.len()..] {
                ["data", secret @ ..] if !secret.is_empty() => {
                    check(world, call)?;
                    read(world, &secret.join("/"))
                }
                _ => Err(nothing()),
            }
        }
        // An unknown mount is not told from one that the token may not see.
        (["v1", "auth", ..], _) => Err(nothing()),
        (["v1", ..], _) => Err(denied()),
        _ => Err(nothing()),
    }
}

fn log_in(world: &mut World, call: &Call) -> Answer {
    let body = call
        .json()
        .map_err(|_| problem(400, "failed to parse JSON input"))?;
    let sent = |name: &str| body[name].as_str().unwrap_or_default();
    let vault = &mut world.tenant.stores.vault;
    if sent("role_id").is_empty() {
        return Err(problem(400, "missing role_id"));
    }
    let right = sent("role_id") == vault.role_id && sent("secret_id") == vault.secret_id;
    if !right || vault.secret_id_uses == Some(0) {
        return Err(problem(400, "invalid role or secret ID"));
    }
    if let Some(uses) = &mut vault.secret_id_uses {
        *uses -= 1;
    }
    let token = format!("hvs.{}", world.guid("vault token").replace('-', ""));
    Ok(leased(world, token))
}

fn renew(world: &mut World, call: &Call) -> Answer {
    let token = check(world, call)?;
    Ok(leased(world, token))
}

/// Gives a token a lease from now on.
fn leased(world: &mut World, token: String) -> Reply {
    let accessor = world.guid("vault accessor").replace('-', "");
    let request = world.guid("vault request");
    let vault = &mut world.tenant.stores.vault;
    let lease = vault.lease_s;
    let end = crate::ids::instant()
        .as_second()
        .saturating_add_unsigned(lease);
    vault.tokens.insert(token.clone(), Some(end));
    let auth = json!({
        "client_token": token,
        "accessor": accessor,
        "policies": ["default", "counterplay"],
        "token_policies": ["default", "counterplay"],
        "metadata": {"role_name": "counterplay"},
        "lease_duration": lease,
        "renewable": true,
        "entity_id": "",
        "token_type": "service",
        "orphan": true,
        "mfa_requirement": null,
        "num_uses": 0,
    });
    Reply::json(200, envelope(&request, Value::Null, auth))
}

/// The token that the call carries, where it is good.
fn check(world: &World, call: &Call) -> Result<String, Problem> {
    let token = call.header("x-vault-token").unwrap_or_default();
    let now = crate::ids::instant().as_second();
    match world.tenant.stores.vault.tokens.get(token) {
        Some(end) if end.is_none_or(|end| now < end) => Ok(token.to_owned()),
        _ => Err(denied()),
    }
}

fn read(world: &mut World, path: &str) -> Answer {
    let request = world.guid("vault request");
    let Some(secret) = world.tenant.stores.vault.secrets.get(path) else {
        return Err(nothing());
    };
    let metadata = json!({
        "created_time": "2026-01-01T00:00:00.000000000Z",
        "custom_metadata": null,
        "deletion_time": if secret.deleted { "2026-01-02T00:00:00.000000000Z" } else { "" },
        "destroyed": false,
        "version": secret.version.max(1),
    });
    let (status, data) = match secret.deleted {
        true => (404, Value::Null),
        false => (200, json!(secret.data)),
    };
    let data = json!({"data": data, "metadata": metadata});
    Ok(Reply::json(status, envelope(&request, data, Value::Null)))
}

fn envelope(request: &str, data: Value, auth: Value) -> Value {
    json!({
        "request_id": request,
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": data,
        "wrap_info": null,
        "warnings": null,
        "auth": auth,
    })
}

fn denied() -> Problem {
    problem(403, "permission denied")
}

fn nothing() -> Problem {
    problem(404, "")
}

fn problem(status: u16, message: &str) -> Problem {
    Problem::new(status, "", message)
}
