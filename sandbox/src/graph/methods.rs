//! In: reads and deletions of authentication methods. Out: the methods by their types.
//!
//! Pages: "List methods", "Delete phoneAuthenticationMethod" and its likes.

use axum::http::Method;
use serde_json::{Map, Value};

use super::{find, find_unprivileged, only};
use crate::call::{Answer, Call, Problem, Reply};
use crate::odata;
use crate::tenant::{AuthenticationMethod, MethodKind};
use crate::world::World;

pub(super) fn answer(world: &mut World, call: &Call, user: &str, path: &[&str]) -> Answer {
    match path {
        ["methods"] => list(world, call, user, None),
        [kind] => list(world, call, user, Some(kind_of(call, kind)?)),
        ["methods", id] => one(world, call, user, None, id),
        [kind, id] => {
            let kind = kind_of(call, kind)?;
            match call.method {
                Method::DELETE => delete(world, user, kind, id),
                _ => one(world, call, user, Some(kind), id),
            }
        }
        _ => Err(Problem::no_such_path(call)),
    }
}

fn kind_of(call: &Call, path: &str) -> Result<MethodKind, Problem> {
    MethodKind::ALL
        .into_iter()
        .find(|kind| kind.path() == path)
        .ok_or_else(|| Problem::no_such_path(call))
}

fn wire(method: &AuthenticationMethod) -> Value {
    let mut members = Map::new();
    members.insert("@odata.type".into(), method.kind.odata_type().into());
    members.insert("id".into(), method.id.clone().into());
    let details = method.details.iter();
    members.extend(details.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(members)
}

fn list(world: &World, call: &Call, user: &str, kind: Option<MethodKind>) -> Answer {
    only(call, &Method::GET)?;
    let user = find(&world.tenant, user)?;
    let methods = user.authentication_methods.iter();
    let methods = methods.filter(|method| kind.is_none_or(|kind| method.kind == kind));
    let path = kind.map_or_else(|| "methods".to_owned(), MethodKind::path);
    let context = format!("users('{}')/authentication/{path}", user.id);
    odata::list(methods.map(wire).collect(), call, &context)
}

fn one(world: &World, call: &Call, user: &str, kind: Option<MethodKind>, id: &str) -> Answer {
    only(call, &Method::GET)?;
    let user = find(&world.tenant, user)?;
    let methods = user.authentication_methods.iter();
    let found = methods
        .filter(|method| kind.is_none_or(|kind| method.kind == kind))
        .find(|method| method.id == id);
    Ok(Reply::json(200, wire(found.ok_or_else(gone)?)))
}

fn gone() -> Problem {
    Problem::new(
        404,
        "resourceNotFound",
        "The requested user authentication method was not found.",
    )
}

/// The default method can go only as the last one; the password cannot go at all.
fn delete(world: &mut World, user: &str, kind: MethodKind, id: &str) -> Answer {
    if kind == MethodKind::Password {
        return Err(Problem::method_not_allowed());
    }
    let user = find_unprivileged(&mut world.tenant, user)?;
    let methods = &mut user.authentication_methods;
    let at = methods
        .iter()
        .position(|method| method.kind == kind && method.id == id)
        .ok_or_else(gone)?;
    let factor = |method: &AuthenticationMethod| method.kind.registered_as().is_some();
    let factors = methods.iter().filter(|method| factor(method)).count();
    let is_default = methods.get(at).is_some_and(|method| method.is_default);
    if is_default && factors > 1 {
        return Err(Problem::bad_request(
            "The default authentication method cannot be deleted while other methods are registered. Change the default method or delete the other methods first.",
        ));
    }
    methods.remove(at);
    user.report_registration();
    Ok(Reply::empty(204))
}
