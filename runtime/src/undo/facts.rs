//! An action and its arguments in; the query that tells what it changes, and the call that takes it back, out.

use counterplay_machine::declare::Callable;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::{Env, RunFacts, TenantFacts, eval};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::state::Run;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// A query or an action with its arguments.
type Call = (Arc<str>, Vec<Value>);

/// Where declarations' expressions are evaluated.
#[derive(Clone, Copy)]
struct Scene<'a> {
    program: &'a Program,
    deployment: &'a Deployment,
    run: &'a Run,
    now_ms: i64,
}

impl Scene<'_> {
    fn all(
        &self,
        exprs: &[Expr],
        slots: &dyn Fn(Slot) -> Option<Value>,
        callable: &Callable,
    ) -> Result<Vec<Value>, String> {
        let tenant: &TenantFacts = &self.run.tenant;
        let names = |slot: Slot| {
            let param = callable.params.iter().find(|p| p.slot == slot);
            Some(param.map_or_else(|| Arc::from("before"), |p| p.name.clone()))
        };
        let env = Env {
            types: &self.program.types,
            deployment: self.deployment,
            tenant,
            now_ms: self.now_ms,
            run: Some(RunFacts {
                id: &self.run.id,
                started_ms: self.run.started_ms,
                steps: &self.run.steps,
                sent_again: false,
            }),
            call: None,
            slots,
            names: &names,
        };
        exprs
            .iter()
            .map(|e| eval(e, &env).map_err(|e| e.to_string()))
            .collect()
    }
}

fn given(callable: &Callable, args: &[Value], slot: Slot) -> Option<Value> {
    let at = callable.params.iter().position(|p| p.slot == slot)?;
    args.get(at).cloned()
}

/// The query that tells the state which an action changes, where its declaration names one.
///
/// # Errors
/// Why its arguments cannot be evaluated.
pub fn state_query(
    program: &Program,
    deployment: &Deployment,
    (run, now_ms): (&Run, i64),
    callable: &Callable,
    args: &[Value],
) -> Option<Result<Call, String>> {
    let before = callable.before.as_ref()?;
    let scene = Scene {
        program,
        deployment,
        run,
        now_ms,
    };
    let slots = |slot: Slot| given(callable, args, slot);
    let values = scene.all(&before.args, &slots, callable);
    Some(values.map(|values| (before.query.clone(), values)))
}

/// The action that takes another one back, where its declaration names one; `before` is what was there before.
///
/// # Errors
/// Why its arguments cannot be evaluated.
pub fn inverse(
    program: &Program,
    deployment: &Deployment,
    (run, now_ms): (&Run, i64),
    callable: &Callable,
    (args, before): (&[Value], Option<&Value>),
) -> Option<Result<Call, String>> {
    let (undo, exprs) = callable.undo.as_ref()?;
    let prior = callable.before.as_ref().map(|b| b.slot);
    let slots = |slot: Slot| match before {
        Some(value) if prior == Some(slot) => Some(value.clone()),
        _ => given(callable, args, slot),
    };
    let mut needs = false;
    for expr in exprs {
        expr.walk(&mut |e| needs |= matches!(e, Expr::Slot(s) if prior == Some(*s)));
    }
    if needs && before.is_none() {
        return Some(Err("what was there before could not be read".into()));
    }
    let scene = Scene {
        program,
        deployment,
        run,
        now_ms,
    };
    let values = scene.all(exprs, &slots, callable);
    Some(values.map(|values| (undo.clone(), values)))
}

/// What an action changes, as a key: actions that change the same have the same one. That is the query that tells
/// the state with its arguments; where there is none, the action with what it is given.
pub fn subject(tenant: &str, call: &Call) -> String {
    let mut key = format!("{tenant}|{}", call.0);
    for value in &call.1 {
        key.push('|');
        match value {
            // Lists say how much, not of what.
            Value::List(_) => {}
            one => key.push_str(&one.entity_key()),
        }
    }
    key
}

/// Whether two states are the same. The order of lists does not count: services give it as they like.
pub fn same(one: &Value, other: &Value) -> bool {
    sorted(one.redacted_json()) == sorted(other.redacted_json())
}

fn sorted(json: Json) -> Json {
    match json {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(sorted).collect();
            items.sort_by_cached_key(ToString::to_string);
            Json::Array(items)
        }
        Json::Object(fields) => {
            let mut fields: Vec<(String, Json)> = fields
                .into_iter()
                // What a service says of its own answer, and no state.
                .filter(|(name, _)| !name.starts_with("@odata."))
                .map(|(name, value)| (name, sorted(value)))
                .collect();
            // Members have no order either; the list around them is put in order by what is written here.
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Json::Object(fields.into_iter().collect())
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_lists_is_no_state() {
        let value = |json: Json| Value::Json(Arc::new(json));
        let one = value(json!({ "skus": [{ "id": "a", "off": ["x", "y"] }, { "id": "b" }] }));
        let other = value(
            json!({ "@odata.etag": "2", "skus": [{ "id": "b" }, { "off": ["y", "x"], "id": "a" }] }),
        );
        assert!(same(&one, &other));
        let less = value(json!({ "skus": [{ "id": "b" }, { "off": ["x"], "id": "a" }] }));
        assert!(!same(&one, &less));
        assert!(!same(&Value::Absent, &Value::Bool(false)));
    }

    #[test]
    fn what_is_changed_is_known_by_entities_and_not_by_how_much() {
        let user = |name: &str| {
            Value::record(
                "User",
                [("id", Value::text("u-1")), ("name", Value::text(name))],
            )
        };
        let call = |user: Value, list: &[&str]| {
            let list = Value::List(list.iter().map(Value::text).collect());
            (Arc::from("entra.unassign"), vec![user, list])
        };
        let one = subject("contoso", &call(user("Mei"), &["a"]));
        assert_eq!(one, subject("contoso", &call(user("Mei T."), &["b"])));
        assert_ne!(one, subject("fabrikam", &call(user("Mei"), &["a"])));
    }
}
