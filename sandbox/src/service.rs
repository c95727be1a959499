//! In: the first segment of a path. Out: which service it belongs to, and how that service writes errors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Problem, Reply};

/// A service that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Service {
    /// The Microsoft identity platform (tokens).
    Login,
    /// Microsoft Graph v1.0, Intune included.
    Graph,
    /// The endpoint of the Exchange Online module.
    Exchange,
    /// HaloPSA (tickets).
    Halo,
    /// A Teams Workflows webhook.
    Teams,
    /// A Slack incoming webhook.
    Slack,
    /// PagerDuty (Events API v2).
    PagerDuty,
    /// The generic receiver of signed webhooks.
    Hooks,
    /// HashiCorp Vault.
    Vault,
    /// Azure Key Vault.
    KeyVault,
    /// Where a machine in Azure gets tokens of its own.
    Identity,
    /// The sandbox itself: read-back and control.
    Sandbox,
}

impl Service {
    /// The service of a path, and how many leading segments name it.
    pub(crate) fn of(path: &str) -> (Service, usize) {
        let first = path.split('/').find(|segment| !segment.is_empty());
        match first {
            Some("login") => (Service::Login, 1),
            Some("graph") => (Service::Graph, 1),
            Some("exchange") => (Service::Exchange, 1),
            Some("halo") => (Service::Halo, 1),
            Some("teams") => (Service::Teams, 1),
            Some("slack") => (Service::Slack, 1),
            Some("pagerduty") => (Service::PagerDuty, 1),
            Some("hooks") => (Service::Hooks, 1),
            Some("vault") => (Service::Vault, 1),
            Some("keyvault") => (Service::KeyVault, 1),
            Some("identity") => (Service::Identity, 1),
            Some("sandbox") => (Service::Sandbox, 1),
            _ => (Service::Sandbox, 0),
        }
    }

    /// A refusal in this service's own shape. Sources: Graph "Microsoft Graph error responses and
    /// resource types"; identity platform "OAuth 2.0 client credentials flow, error response"; Slack
    /// "Sending messages using incoming webhooks".
    pub(crate) fn error(self, problem: &Problem, trace: &Trace) -> Reply {
        let Problem {
            status,
            code,
            message,
        } = problem;
        match self {
            Service::Login => login_error(problem, trace),
            Service::Slack => Reply::text(*status, code.clone()),
            Service::PagerDuty if *status == 429 => Reply::json(
                429,
                json!({"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly.  Please retry later."}),
            ),
            Service::PagerDuty => Reply::json(
                *status,
                json!({"status": code, "message": "Event object is invalid", "errors": [message]}),
            ),
            Service::Vault => {
                let said: Vec<&String> = Some(message)
                    .filter(|m| !m.is_empty())
                    .into_iter()
                    .collect();
                Reply::json(*status, json!({"errors": said}))
            }
            Service::KeyVault => Reply::json(
                *status,
                json!({"error": {"code": code, "message": message}}),
            ),
            Service::Identity => Reply::json(
                *status,
                json!({"error": code, "error_description": message}),
            ),
            Service::Halo => Reply::json(
                *status,
                json!({"ClassName": "System.Exception", "Message": message, "Data": null, "Code": code}),
            ),
            _ => Reply::json(
                *status,
                json!({"error": {
                    "code": code,
                    "message": message,
                    "innerError": {
                        "date": trace.time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                        "request-id": trace.request_id,
                        "client-request-id": trace.client_request_id,
                    },
                }}),
            ),
        }
    }
}

/// What identifies a request in an error body.
pub(crate) struct Trace {
    pub time: Timestamp,
    pub request_id: String,
    pub client_request_id: String,
}

/// `{"error","error_description","error_codes",…}`; the problem's code is `error:number`.
fn login_error(problem: &Problem, trace: &Trace) -> Reply {
    let (error, number) = problem
        .code
        .split_once(':')
        .unwrap_or((&problem.code, "90000"));
    let time = trace.time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    Reply::json(
        problem.status,
        json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {} Trace ID: {} Correlation ID: {} Timestamp: {time}",
                problem.message, trace.request_id, trace.client_request_id
            ),
            "error_codes": [number.parse::<u64>().unwrap_or_default()],
            "timestamp": time,
            "trace_id": trace.request_id,
            "correlation_id": trace.client_request_id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        }),
    )
}
