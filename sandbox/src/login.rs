//! In: client credentials. Out: an access token for one resource, or the AADSTS error.
//!
//! Source: "Microsoft identity platform and the OAuth 2.0 client credentials flow"; error numbers from
//! "Microsoft Entra authentication and authorization error codes".

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::assertion;
use crate::call::{Answer, Call, Problem, Reply};
use crate::key_vault;
use crate::world::World;

/// The resource of Graph's tokens.
pub(crate) const GRAPH: &str = "https://graph.microsoft.com";
/// The resource of Exchange's tokens.
pub(crate) const EXCHANGE: &str = "https://outlook.office365.com";
/// The resource of HaloPSA's tokens; those are given out by HaloPSA itself.
pub(crate) const HALO: &str = "halo";

/// Resources that a token can be asked for.
const RESOURCES: [&str; 5] = [
    GRAPH,
    EXCHANGE,
    "https://api.securitycenter.microsoft.com",
    "https://management.azure.com",
    key_vault::RESOURCE,
];

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    match call.path()[..] {
        [tenant, "oauth2", "v2.0", "token"] => match call.method {
            Method::POST => token(world, call, tenant),
            _ => Err(problem(
                405,
                "invalid_request",
                900_561,
                "The endpoint only accepts POST, OPTIONS requests.",
            )),
        },
        _ => Err(problem(
            404,
            "invalid_request",
            90_023,
            "The request is not for an endpoint of this service.",
        )),
    }
}

fn token(world: &mut World, call: &Call, tenant: &str) -> Answer {
    if !world.tenant.is_named(tenant) {
        return Err(problem(
            400,
            "invalid_request",
            90_002,
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            ),
        ));
    }
    let form = call.form();
    let field = |name: &str| {
        form.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                problem(
                    400,
                    "invalid_request",
                    900_144,
                    format!("The request body must contain the following parameter: '{name}'."),
                )
            })
    };
    let grant = field("grant_type")?;
    if grant != "client_credentials" {
        return Err(problem(
            400,
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{grant}'."),
        ));
    }
    let client = field("client_id")?;
    let scope = field("scope")?;
    let app = &world.tenant.app;
    if *client != app.client_id {
        return Err(problem(
            400,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client}' was not found in the directory '{}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
                world.tenant.display_name
            ),
        ));
    }
    if let Some(assertion) = form.get("client_assertion") {
        if form.get("client_assertion_type").map(String::as_str) != Some(assertion::TYPE) {
            return Err(problem(
                400,
                "invalid_request",
                900_144,
                "The request body must contain the following parameter: 'client_assertion_type'.",
            ));
        }
        let address = format!("{}/login/{tenant}/oauth2/v2.0/token", call.origin);
        assertion::check(assertion, client, &address, app.certificate.as_deref())
            .map_err(|(status, error, number, message)| problem(status, error, number, message))?;
    } else if *field("client_secret")? != app.client_secret {
        return Err(problem(
            401,
            "invalid_client",
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
            ),
        ));
    }
    let Some(resource) = scope.strip_suffix("/.default") else {
        return Err(problem(
            400,
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            ),
        ));
    };
    let Some(audience) = RESOURCES.into_iter().find(|known| *known == resource) else {
        return Err(problem(
            400,
            "invalid_resource",
            500_011,
            format!(
                "The resource principal named {resource} was not found in the tenant named {}.",
                world.tenant.display_name
            ),
        ));
    };
    let lifetime = world.tenant.token_lifetime_s;
    let access_token = issue(world, audience);
    Ok(Reply::json(
        200,
        json!({
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": access_token,
        }),
    )
    .with("cache-control", "no-store, no-cache"))
}

/// Makes a token that looks like a JWT and remembers it. Nobody can check its signature, nor should they.
pub(crate) fn issue(world: &mut World, audience: &str) -> String {
    let expires = world.token_end();
    let claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{}/", world.tenant.id),
        "tid": world.tenant.id,
        "appid": world.tenant.app.client_id,
        "iat": Timestamp::now().as_second(),
        "exp": expires.as_second(),
        "uti": world.guid("token"),
    });
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "sandbox"});
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(Sha256::digest(signed.as_bytes()));
    let token = format!("{signed}.{signature}");
    world.grant(token.clone(), audience, expires);
    token
}

/// An OAuth 2.0 error with its AADSTS number.
fn problem(status: u16, error: &str, number: u32, message: impl Into<String>) -> Problem {
    Problem::new(status, format!("{error}:{number}"), message)
}
