//! In: calls to Azure Key Vault, and to where a machine gets tokens of its own. Out: a secret, a token, or the error.
//!
//! Sources: Azure Key Vault REST API, "Get Secret" (7.4), "Authentication, requests and responses"; "How to use managed
//! identities for Azure resources on an Azure VM to acquire an access token".

use axum::http::Method;
use serde_json::json;

use crate::call::{Answer, Call, Problem, Reply};
use crate::login;
use crate::world::World;

/// The resource of tokens for vaults.
pub(crate) const RESOURCE: &str = "https://vault.azure.net";

/// The vault.
pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    if world.check_token(call, RESOURCE).is_err() {
        return Ok(unauthorised(world, call));
    }
    let path = call.path();
    let ["secrets", name] = path[..] else {
        return Err(Problem::new(404, "NotFound", "The resource was not found."));
    };
    if call.method != Method::GET {
        return Err(Problem::new(
            405,
            "MethodNotAllowed",
            "The method is not allowed.",
        ));
    }
    if !call.query.contains_key("api-version") {
        return Err(Problem::bad_request("api-version must be specified"));
    }
    let store = &world.tenant.stores.key_vault;
    if !store.may_read {
        return Ok(inner(
            "ForbiddenByRbac",
            "Caller is not authorized to perform action on resource.",
        ));
    }
    let Some(value) = store.secrets.get(name) else {
        return Err(Problem::new(
            404,
            "SecretNotFound",
            format!(
                "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command."
            ),
        ));
    };
    if store.disabled.iter().any(|disabled| disabled == name) {
        return Ok(inner(
            "SecretDisabled",
            "Operation get is not allowed on a disabled secret.",
        ));
    }
    let id = format!("{}/keyvault/secrets/{name}/{:032x}", call.origin, 1);
    Ok(Reply::json(
        200,
        json!({
            "value": value,
            "id": id,
            "attributes": {
                "enabled": true,
                "created": 1_767_225_600,
                "updated": 1_767_225_600,
                "recoveryLevel": "Recoverable+Purgeable",
                "recoverableDays": 90,
            },
            "tags": {},
        }),
    ))
}

/// Where a machine gets tokens of its own.
pub(crate) fn identity(world: &mut World, call: &Call) -> Answer {
    let path = call.path();
    let (["metadata", "identity", "oauth2", "token"], &Method::GET) = (&path[..], &call.method)
    else {
        return Err(Problem::new(404, "not_found", "Not found"));
    };
    if call.header("metadata") != Some("true") {
        return Err(Problem::new(
            400,
            "invalid_request",
            "Required metadata header not specified",
        ));
    }
    if !call.query.contains_key("api-version") {
        return Err(Problem::new(
            400,
            "invalid_request",
            "Required query variable 'api-version' is missing",
        ));
    }
    let resource = call.query.get("resource").map(String::as_str);
    if resource != Some(RESOURCE) {
        return Err(Problem::new(
            400,
            "invalid_resource",
            "AADSTS500011: The resource principal was not found in the tenant.",
        ));
    }
    if !world.tenant.stores.key_vault.machine_has_identity {
        return Err(Problem::new(400, "invalid_request", "Identity not found"));
    }
    let access_token = login::issue(world, RESOURCE);
    let lifetime = world.tenant.token_lifetime_s;
    let end = world.token_end().as_second();
    Ok(Reply::json(
        200,
        json!({
            "access_token": access_token,
            "refresh_token": "",
            "expires_in": lifetime.to_string(),
            "expires_on": end.to_string(),
            "not_before": (end.saturating_sub_unsigned(lifetime)).to_string(),
            "resource": RESOURCE,
            "token_type": "Bearer",
        }),
    ))
}

/// 403 with what is behind it.
fn inner(code: &str, message: &str) -> Reply {
    Reply::json(
        403,
        json!({"error": {"code": "Forbidden", "message": message, "innererror": {"code": code}}}),
    )
}

/// 401, which says where tokens are given out.
fn unauthorised(world: &World, call: &Call) -> Reply {
    let challenge = format!(
        "Bearer authorization=\"{}/login/{}\", resource=\"{RESOURCE}\"",
        call.origin, world.tenant.id
    );
    Reply::json(
        401,
        json!({"error": {
            "code": "Unauthorized",
            "message": "AKV10000: Request is missing a Bearer or PoP token.",
        }}),
    )
    .with("www-authenticate", challenge)
}
