//! In: reads and writes of accounts. Out: the "user resource type" and its relations.
//!
//! Pages: "Get a user", "List users", "Update user", "List manager", "user: revokeSignInSessions".

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{directory_error, find, find_mut, find_unprivileged, not_found, only};
use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::odata::{self, Shape};
use crate::tenant::{User, UserType};
use crate::world::World;

/// What a user shows without `$select`. Note what is missing: `accountEnabled`, `userType`.
const DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// Documented members that are empty for everybody here.
const ALSO: &[&str] = &[
    "ageGroup",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "creationType",
    "deletedDateTime",
    "employeeHireDate",
    "employeeId",
    "employeeLeaveDateTime",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "identities",
    "imAddresses",
    "legalAgeGroupClassification",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "proxyAddresses",
    "securityIdentifier",
    "showInAddressList",
    "state",
    "streetAddress",
];

pub(super) const SHAPE: Shape = Shape {
    context: "users",
    kind: "microsoft.graph.user",
    default: DEFAULT,
    also: ALSO,
};

/// A user with every member that can be selected.
pub(super) fn wire(user: &User) -> Value {
    let licenses: Vec<Value> = user
        .assigned_licenses
        .iter()
        .map(|license| json!({"skuId": license.sku_id, "disabledPlans": license.disabled_plans}))
        .collect();
    let nickname = user.user_principal_name.split('@').next();
    json!({
        "id": user.id,
        "accountEnabled": user.account_enabled,
        "assignedLicenses": licenses,
        "businessPhones": [],
        "createdDateTime": odata::time(user.created_date_time),
        "department": user.department,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "jobTitle": user.job_title,
        "lastPasswordChangeDateTime": odata::time_or_null(user.last_password_change_date_time),
        "mail": user.mail,
        "mailNickname": nickname,
        "mobilePhone": user.mobile_phone,
        "officeLocation": user.office_location,
        "onPremisesSyncEnabled": user.on_premises_sync_enabled.then_some(true),
        "passwordProfile": {
            "password": null,
            "forceChangePasswordNextSignIn": user.force_change_password_next_sign_in,
            "forceChangePasswordNextSignInWithMfa": user.force_change_password_next_sign_in_with_mfa,
        },
        "preferredLanguage": "en-GB",
        "signInActivity": user.sign_in_activity.map(|activity| json!({
            "lastSignInDateTime": odata::time(activity.last_sign_in_date_time),
            "lastSignInRequestId": ids::guid(&format!("sign-in {}", user.id)),
            "lastNonInteractiveSignInDateTime": odata::time(activity.last_sign_in_date_time),
            "lastNonInteractiveSignInRequestId": ids::guid(&format!("token {}", user.id)),
            "lastSuccessfulSignInDateTime": odata::time(activity.last_sign_in_date_time),
            "lastSuccessfulSignInRequestId": ids::guid(&format!("sign-in {}", user.id)),
        })),
        "signInSessionsValidFromDateTime": odata::time(
            user.sign_in_sessions_valid_from_date_time.unwrap_or(user.created_date_time),
        ),
        "surname": user.surname,
        "usageLocation": user.usage_location,
        "userPrincipalName": user.user_principal_name,
        "userType": match user.user_type {
            UserType::Member => "Member",
            UserType::Guest => "Guest",
        },
    })
}

/// `GET /users`
pub(super) fn list(world: &World, call: &Call) -> Answer {
    only(call, &Method::GET)?;
    let users = world.tenant.users.values().map(wire).collect();
    odata::page(users, call, &SHAPE)
}

/// `GET /users/{id}` and `PATCH /users/{id}`
pub(super) fn one(world: &mut World, call: &Call, id: &str) -> Answer {
    match call.method {
        Method::GET => odata::entity(wire(find(&world.tenant, id)?), 200, call, &SHAPE),
        Method::PATCH => update(world, call, id),
        _ => Err(Problem::method_not_allowed()),
    }
}

/// `GET /users/{id}/manager`: 404 when there is none.
pub(super) fn manager(world: &World, call: &Call, id: &str) -> Answer {
    only(call, &Method::GET)?;
    let user = find(&world.tenant, id)?;
    let manager = user.manager.as_ref().and_then(|id| world.tenant.user(id));
    let mut shown = wire(manager.ok_or_else(|| not_found("manager"))?);
    if let Some(members) = shown.as_object_mut() {
        members.insert("@odata.type".into(), "#microsoft.graph.user".into());
    }
    let shape = Shape {
        context: "directoryObjects",
        ..SHAPE
    };
    odata::entity(shown, 200, call, &shape)
}

/// `POST /users/{id}/revokeSignInSessions`: 200 with `true` in practice, though the page says 204.
pub(super) fn revoke(world: &mut World, call: &Call, id: &str) -> Answer {
    only(call, &Method::POST)?;
    let user = find_unprivileged(&mut world.tenant, id)?;
    user.sign_in_sessions_valid_from_date_time = Some(ids::now());
    let context = format!("{}/graph/v1.0/$metadata#Edm.Boolean", call.origin);
    Ok(Reply::json(
        200,
        json!({"@odata.context": context, "value": true}),
    ))
}

/// The account of a synced user is mastered on premises: the write is accepted and does not hold.
fn update(world: &mut World, call: &Call, id: &str) -> Answer {
    let body = call.object_or_empty()?;
    if body.is_empty() {
        return Err(directory_error("Empty Payload. JSON content expected."));
    }
    let sensitive = ["accountEnabled", "passwordProfile", "mobilePhone"];
    let user = if body.keys().any(|name| sensitive.contains(&name.as_str())) {
        find_unprivileged(&mut world.tenant, id)?
    } else {
        find_mut(&mut world.tenant, id)?
    };
    let mut changed = user.clone();
    for (name, value) in &body {
        set(&mut changed, name, value)?;
    }
    if !user.on_premises_sync_enabled {
        *user = changed;
    }
    Ok(Reply::empty(204))
}

fn set(user: &mut User, name: &str, value: &Value) -> Result<(), Problem> {
    let invalid = || {
        directory_error(format!(
            "Invalid value specified for property '{name}' of resource 'User'."
        ))
    };
    let text = || match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(invalid()),
    };
    match name {
        "accountEnabled" => user.account_enabled = value.as_bool().ok_or_else(invalid)?,
        "passwordProfile" => password(user, value.as_object().ok_or_else(invalid)?)?,
        "displayName" => user.display_name = text()?.ok_or_else(invalid)?,
        "givenName" => user.given_name = text()?,
        "surname" => user.surname = text()?,
        "jobTitle" => user.job_title = text()?,
        "department" => user.department = text()?,
        "officeLocation" => user.office_location = text()?,
        "mobilePhone" => user.mobile_phone = text()?,
        "usageLocation" => user.usage_location = text()?,
        _ => {
            return Err(directory_error(format!(
                "Property '{name}' is read-only, does not exist, or is not writable in the sandbox."
            )));
        }
    }
    Ok(())
}

/// "passwordProfile resource type". The password is judged and forgotten.
fn password(user: &mut User, profile: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in profile {
        match (name.as_str(), value) {
            ("password", Value::String(password)) => {
                if !is_strong(password) {
                    return Err(directory_error(
                        "The specified password does not comply with password complexity requirements. Please provide a different password.",
                    ));
                }
                user.password_changes += 1;
                user.last_password_change_date_time = Some(ids::now());
            }
            ("forceChangePasswordNextSignIn", Value::Bool(force)) => {
                user.force_change_password_next_sign_in = *force;
            }
            ("forceChangePasswordNextSignInWithMfa", Value::Bool(force)) => {
                user.force_change_password_next_sign_in_with_mfa = *force;
            }
            _ => {
                return Err(directory_error(format!(
                    "Invalid value specified for property 'passwordProfile/{name}' of resource 'User'."
                )));
            }
        }
    }
    Ok(())
}

/// 8 to 256 characters of three kinds ("Password policies that apply only to cloud user accounts").
fn is_strong(password: &str) -> bool {
    let kinds: [fn(&char) -> bool; 4] = [
        char::is_ascii_lowercase,
        char::is_ascii_uppercase,
        char::is_ascii_digit,
        |char| !char.is_ascii_alphanumeric(),
    ];
    let used = kinds
        .iter()
        .filter(|kind| password.chars().any(|char| kind(&char)));
    (8..=256).contains(&password.chars().count()) && used.count() >= 3
}
