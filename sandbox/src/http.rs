//! In: HTTP requests. Out: answers of the service that the path names, with faults and the log applied.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::sync::watch;

use crate::call::{Answer, Body, Call, Problem, Reply};
use crate::fault::FaultKind;
use crate::listener::Switch;
use crate::sandbox::wait_for_stop;
use crate::service::Service;
use crate::world::{Shared, World};
use crate::{chat, control, exchange, graph, halo, hooks, key_vault, login, notify, pager, vault};

/// The longest body that is read.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Clone)]
struct Port {
    world: Shared,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
    client: reqwest::Client,
}

/// One handler for every path: the services find their way themselves, as `$batch` needs it.
pub(crate) fn router(
    world: Shared,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
    client: reqwest::Client,
) -> Router {
    Router::new().fallback(handle).with_state(Port {
        world,
        address,
        stopped,
        client,
    })
}

async fn handle(
    State(port): State<Port>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (service, prefix) = Service::of(parts.uri.path());
    let body = to_bytes(body, BODY_MAX_BYTES).await;
    let too_large = body.is_err();
    let origin = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map_or_else(
            || format!("http://{}", port.address),
            |host| format!("http://{host}"),
        );
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let call = Call::new(
        parts.method,
        origin,
        target.to_owned(),
        prefix,
        parts.headers,
        body.map(|bytes| bytes.to_vec()).unwrap_or_default(),
    );
    if service == Service::Sandbox {
        return respond(finish(&port.world, service, &call, control::answer));
    }

    let (number, fault) = {
        let mut world = port.world.lock();
        let number = world.record(service, &call);
        (number, world.take_fault(call.method.as_str(), &call.target))
    };
    let reply = match fault {
        Some(FaultKind::DropConnection) => {
            switch.cut();
            return respond(Reply::empty(503));
        }
        Some(FaultKind::DropAfter) => {
            finish(&port.world, service, &call, answer(service));
            switch.cut();
            return respond(Reply::empty(503));
        }
        Some(FaultKind::Slow { ms }) => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => {}
                () = wait_for_stop(port.stopped.clone()) => {}
            }
            finish(&port.world, service, &call, answer(service))
        }
        Some(FaultKind::Garbage) => garbage(),
        Some(FaultKind::Throttle { retry_after_s }) => {
            let reply = finish(&port.world, service, &call, |_, _| Err(throttled()));
            match retry_after_s {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }
        }
        Some(FaultKind::Status {
            status,
            code,
            message,
        }) => {
            let problem = Problem::new(status, code, message);
            finish(&port.world, service, &call, |_, _| Err(problem))
        }
        None if too_large => finish(&port.world, service, &call, |_, _| {
            Err(Problem::new(
                413,
                "RequestEntityTooLarge",
                "The request body is too large.",
            ))
        }),
        None => match unvalidated(&port, service, &call).await {
            Some(reason) => finish(&port.world, service, &call, |world, call| {
                // Who asks comes first.
                graph::check(world, call)?;
                Err(graph::subscriptions::not_validated(&reason))
            }),
            None => finish(&port.world, service, &call, answer(service)),
        },
    };
    port.world.lock().answered(number, reply.status);
    respond(reply)
}

/// Why the address of a new subscription is not told anything.
async fn unvalidated(port: &Port, service: Service, call: &Call) -> Option<String> {
    if service != Service::Graph {
        return None;
    }
    let address = graph::subscriptions::address(call)?;
    notify::validate(&port.client, &address).await.err()
}

/// What answers for a service.
pub(crate) fn answer(service: Service) -> fn(&mut World, &Call) -> Answer {
    match service {
        Service::Login => login::answer,
        Service::Graph => graph::answer,
        Service::Exchange => exchange::answer,
        Service::Halo => halo::answer,
        Service::Teams => chat::teams,
        Service::Slack => chat::slack,
        Service::PagerDuty => pager::answer,
        Service::Hooks => hooks::answer,
        Service::Vault => vault::answer,
        Service::KeyVault => key_vault::answer,
        Service::Identity => key_vault::identity,
        Service::Sandbox => control::answer,
    }
}

/// Lets the service answer, and writes a refusal in its error shape.
pub(crate) fn finish(
    world: &Shared,
    service: Service,
    call: &Call,
    answer: impl FnOnce(&mut World, &Call) -> Answer,
) -> Reply {
    let mut world = world.lock();
    let answer = answer(&mut world, call);
    let trace = world.trace(call);
    let reply = match answer {
        Ok(reply) => reply,
        Err(problem) => service.error(&problem, &trace),
    };
    match service {
        Service::Graph | Service::Exchange => reply
            .with("request-id", trace.request_id)
            .with("client-request-id", trace.client_request_id),
        _ => reply,
    }
}

/// 429 in the words that Graph uses.
pub(crate) fn throttled() -> Problem {
    Problem::new(
        429,
        "TooManyRequests",
        "Too many requests. Please retry later.",
    )
}

/// What a captive portal between us and the service would answer.
fn garbage() -> Reply {
    Reply::text(
        200,
        "<html><body>Please sign in to the network.</body></html>",
    )
}

fn respond(reply: Reply) -> Response {
    let (kind, body) = match reply.body {
        Body::Empty => (None, HttpBody::empty()),
        Body::Json(value) => (Some("application/json"), HttpBody::from(value.to_string())),
        Body::Text(text) => (Some("text/plain; charset=utf-8"), HttpBody::from(text)),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
