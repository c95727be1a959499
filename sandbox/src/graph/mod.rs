//! In: a call to Microsoft Graph v1.0. Out: the answer of the resource that it names.

mod batch;
mod devices;
mod identity;
mod licenses;
mod mail;
mod messages;
mod methods;
mod reports;
mod rules;
mod security;
pub(crate) mod subscriptions;
mod users;

use axum::http::Method;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Problem};
use crate::login;
use crate::odata;
use crate::tenant::{Tenant, User};
use crate::world::{TokenProblem, World};

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.path();
    match path.first() {
        Some(&"v1.0") => {}
        other => {
            let version = other.copied().unwrap_or_default();
            return Err(Problem::bad_request(format!("Invalid version: {version}.")));
        }
    }
    check(world, call)?;
    match path.get(1..) {
        Some(["$batch"]) => batch::answer(world, call),
        Some(resource) => dispatch(world, call, resource),
        None => Err(Problem::no_such_path(call)),
    }
}

/// Whether the call carries a token for Graph.
pub(crate) fn check(world: &World, call: &Call) -> Result<(), Problem> {
    world
        .check_token(call, login::GRAPH)
        .map_err(|reason| not_authenticated(&reason))
}

/// Finds the resource. A batch comes here for each of its requests.
fn dispatch(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match path {
        ["users"] => users::list(world, call),
        ["users", id, rest @ ..] => user(world, call, id, rest),
        ["deviceManagement", "managedDevices", rest @ ..] => devices::answer(world, call, rest),
        ["identityProtection", rest @ ..] => identity::answer(world, call, rest),
        [
            "reports",
            "authenticationMethods",
            "userRegistrationDetails",
            rest @ ..,
        ] => reports::registration(world, call, rest),
        ["security", "alerts_v2", rest @ ..] => security::alerts(world, call, rest),
        ["auditLogs", "signIns", rest @ ..] => reports::sign_ins(world, call, rest),
        ["domains"] => domains(world, call),
        ["subscriptions", rest @ ..] => subscriptions::answer(world, call, rest),
        ["subscribedSkus"] => licenses::skus(world, call),
        _ => Err(Problem::no_such_path(call)),
    }
}

/// What belongs to one user.
fn user(world: &mut World, call: &Call, id: &str, path: &[&str]) -> Answer {
    match path {
        [] => users::one(world, call, id),
        ["manager"] => users::manager(world, call, id),
        ["revokeSignInSessions"] => users::revoke(world, call, id),
        ["sendMail"] => mail::send(world, call, id),
        ["mailboxSettings"] => mail::settings(world, call, id),
        ["authentication", rest @ ..] => methods::answer(world, call, id, rest),
        ["licenseDetails"] => licenses::details(world, call, id),
        ["assignLicense"] => licenses::assign(world, call, id),
        ["managedDevices"] => devices::of_user(world, call, id),
        ["messages", rest @ ..] => messages::answer(world, call, id, rest),
        ["mailFolders", folder, "messageRules", rest @ ..]
            if folder.eq_ignore_ascii_case("inbox") =>
        {
            rules::answer(world, call, id, rest)
        }
        ["mailFolders", folder] => messages::folder(world, call, id, folder),
        _ => Err(Problem::no_such_path(call)),
    }
}

fn not_authenticated(reason: &TokenProblem) -> Problem {
    let message = match reason {
        TokenProblem::Missing => "Access token is empty.",
        TokenProblem::Unknown => "Access token validation failure. Invalid signature.",
        TokenProblem::Expired => "Lifetime validation failed, the token is expired.",
        TokenProblem::Audience => "Access token validation failure. Invalid audience.",
    };
    Problem::new(401, "InvalidAuthenticationToken", message)
}

/// Refuses every method but this one.
fn only(call: &Call, method: &Method) -> Result<(), Problem> {
    if call.method == *method {
        Ok(())
    } else {
        Err(Problem::method_not_allowed())
    }
}

/// 404 in the words of the directory.
fn not_found(id: &str) -> Problem {
    Problem::new(
        404,
        "Request_ResourceNotFound",
        format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        ),
    )
}

/// 400 in the words of the directory.
fn directory_error(message: impl Into<String>) -> Problem {
    Problem::new(400, "Request_BadRequest", message)
}

fn find<'a>(tenant: &'a Tenant, id: &str) -> Result<&'a User, Problem> {
    tenant.user(id).ok_or_else(|| not_found(id))
}

fn find_mut<'a>(tenant: &'a mut Tenant, id: &str) -> Result<&'a mut User, Problem> {
    tenant.user_mut(id).ok_or_else(|| not_found(id))
}

/// A user whom the application may do sensitive things to: not an admin.
fn find_unprivileged<'a>(tenant: &'a mut Tenant, id: &str) -> Result<&'a mut User, Problem> {
    let user = find_mut(tenant, id)?;
    if user.privileged {
        return Err(Problem::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ));
    }
    Ok(user)
}

/// `GET /domains` ("List domains").
fn domains(world: &World, call: &Call) -> Answer {
    only(call, &Method::GET)?;
    let domains = world.tenant.domains.iter();
    let value: Vec<Value> = domains
        .map(|(name, domain)| {
            json!({
                "id": name,
                "authenticationType": "Managed",
                "isAdminManaged": true,
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "isRoot": true,
                "isVerified": domain.is_verified,
                "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            })
        })
        .collect();
    odata::list(value, call, "domains")
}
