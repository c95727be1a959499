//! A service's answer in, what it means out: done with a value, absent, or failed with a reason. Pure.

use crate::declare::{Callable, OnStatusThen};
use crate::eval::{Env, EvalError, eval, eval_bool};
use crate::expr::Slot;
use crate::json;
use crate::types::Type;
use crate::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// Success, with the declared result.
    Done(Value),
    /// Failure.
    Failed {
        /// Why, for people.
        reason: String,
        /// Whether the same call may succeed later (429, 5xx).
        transient: bool,
        /// Whether the service accepted the call, and only its answer cannot be read.
        accepted: bool,
    },
}

/// Says what an answer means. `env` binds the parameters; the body is bound here.
pub fn interpret(callable: &Callable, status: u16, body: &Json, env: &Env<'_>) -> Meaning {
    let body_value = Value::Json(Arc::new(body.clone()));
    let slots = |slot: Slot| {
        if slot == callable.body {
            Some(body_value.clone())
        } else {
            (env.slots)(slot)
        }
    };
    let names = |slot: Slot| {
        if slot == callable.body {
            Some(Arc::from("body"))
        } else {
            (env.names)(slot)
        }
    };
    let env = Env {
        types: env.types,
        deployment: env.deployment,
        tenant: env.tenant,
        now_ms: env.now_ms,
        run: env.run,
        call: env.call,
        slots: &slots,
        names: &names,
    };
    for on in callable.on_status.iter().filter(|on| on.status == status) {
        let applies = match &on.condition {
            None => true,
            Some(condition) => eval_bool(condition, &env).unwrap_or(false),
        };
        if applies {
            return match &on.then {
                OnStatusThen::Absent | OnStatusThen::Done => Meaning::Done(Value::Absent),
                OnStatusThen::Failure(message) => Meaning::Failed {
                    reason: eval(message, &env).map_or_else(|e| e.to_string(), |v| v.plain()),
                    transient: false,
                    accepted: false,
                },
            };
        }
    }
    let success = if callable.expect.is_empty() {
        (200..300).contains(&status)
    } else {
        callable.expect.contains(&status)
    };
    if !success {
        return Meaning::Failed {
            reason: refusal(status, body),
            transient: status == 429
                || status == 408
                || status == 423
                || (500..600).contains(&status),
            accepted: false,
        };
    }
    let result = match &callable.returns {
        Some(expr) => eval(expr, &env),
        None if callable.returns_ty == Type::Nothing => Ok(Value::Absent),
        None => json::convert(env.types, body, &callable.returns_ty, "body")
            .map_err(EvalError::Mismatch),
    };
    match result {
        Ok(value) => Meaning::Done(value),
        Err(error) => Meaning::Failed {
            reason: format!("the answer does not have the declared shape: {error}"),
            transient: false,
            accepted: true,
        },
    }
}

/// A refusal in words: the status and, where the body has one in a usual place, the service's own message.
pub fn refusal(status: u16, body: &Json) -> String {
    let error = &body["error"];
    let code = error["code"].as_str().or_else(|| error.as_str());
    let message = error["message"]
        .as_str()
        .or_else(|| body["error_description"].as_str())
        .or_else(|| body["message"].as_str())
        .or_else(|| body.as_str());
    let mut text = format!("the service answered {status}");
    if let Some(code) = code.filter(|c| !c.is_empty()) {
        text.push_str(&format!(" {code}"));
    }
    if let Some(message) = message.map(str::trim).filter(|m| !m.is_empty()) {
        let short: String = message.chars().take(200).collect();
        text.push_str(&format!(": {short}"));
    }
    text
}
