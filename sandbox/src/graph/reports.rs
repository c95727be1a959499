//! In: reads of reports and logs. Out: "userRegistrationDetails" and "signIn".
//!
//! Pages: "List userRegistrationDetails", "Get userRegistrationDetails", "List signIns".

use axum::http::Method;
use serde_json::{Value, json};

use super::{find, not_found, only};
use crate::call::{Answer, Call, Problem};
use crate::ids;
use crate::odata::{self, Shape};
use crate::tenant::{User, UserType};
use crate::world::World;

const REGISTRATION: Shape = Shape {
    context: "reports/authenticationMethods/userRegistrationDetails",
    kind: "microsoft.graph.userRegistrationDetails",
    default: &[],
    also: &[],
};

const SIGN_INS: Shape = Shape {
    context: "auditLogs/signIns",
    kind: "microsoft.graph.signIn",
    default: &[],
    also: &["location", "deviceDetail", "resourceId"],
};

/// `GET /reports/authenticationMethods/userRegistrationDetails[/{id}]`. The real report is hours late; this
/// one is not.
pub(super) fn registration(world: &World, call: &Call, path: &[&str]) -> Answer {
    only(call, &Method::GET)?;
    match path {
        [] => {
            let users = world.tenant.users.values();
            odata::page(users.map(details).collect(), call, &REGISTRATION)
        }
        [id] => odata::entity(details(find(&world.tenant, id)?), 200, call, &REGISTRATION),
        _ => Err(Problem::no_such_path(call)),
    }
}

fn details(user: &User) -> Value {
    let has = |name: &str| user.methods_registered.iter().any(|method| method == name);
    let passwordless = has("fido2SecurityKey") || has("windowsHelloForBusiness");
    let push = has("microsoftAuthenticatorPush");
    json!({
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "userDisplayName": user.display_name,
        "userType": match user.user_type {
            UserType::Member => "member",
            UserType::Guest => "guest",
        },
        "isAdmin": user.privileged,
        "isMfaRegistered": user.is_mfa_registered,
        "isMfaCapable": user.is_mfa_registered,
        "isPasswordlessCapable": passwordless,
        "isSsprCapable": false,
        "isSsprEnabled": false,
        "isSsprRegistered": false,
        "isSystemPreferredAuthenticationMethodEnabled": true,
        "systemPreferredAuthenticationMethods": if push { json!(["push"]) } else { json!([]) },
        "userPreferredMethodForSecondaryAuthentication": if push { "push" } else { "none" },
        "methodsRegistered": user.methods_registered,
        "lastUpdatedDateTime": odata::time(ids::now()),
    })
}

/// `GET /auditLogs/signIns[/{id}]`
pub(super) fn sign_ins(world: &World, call: &Call, path: &[&str]) -> Answer {
    only(call, &Method::GET)?;
    let all = &world.tenant.sign_ins;
    match path {
        [] => odata::page(all.values().cloned().collect(), call, &SIGN_INS),
        [id] => {
            let found = all.get(*id).cloned().ok_or_else(|| not_found(id))?;
            odata::entity(found, 200, call, &SIGN_INS)
        }
        _ => Err(Problem::no_such_path(call)),
    }
}
