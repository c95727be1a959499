//! Whether the service works, for load balancers and for people.

use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Refused};
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_runtime::call::{ConnectionHealth, OpenCircuit};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether the service works.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Alive {
    /// `ok`.
    pub status: String,
    /// Counterplay's version.
    pub version: String,
}

/// How the service is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct HealthView {
    /// `ok`, or `attention` where a source or connection fails, a run is held, timers wait or the store cannot be
    /// written.
    pub status: String,
    /// Counterplay's version.
    pub version: String,
    /// Open runs of the caller's tenants, by status.
    pub runs: RunCounts,
    /// Why timers and schedules wait until somebody confirms the clock, where they do.
    pub clock: Option<String>,
    /// Why nothing is accepted or done until there is room on the disk, or another program lets go of the store,
    /// where that is so.
    pub store: Option<String>,
    /// How many follow what happens at present.
    pub listeners: usize,
    /// The polled sources of the caller's tenants.
    pub sources: Vec<SourceView>,
    /// The connections that were used since the start or the last deploy.
    pub connections: Vec<ConnectionView>,
}

/// A connection.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ConnectionView {
    /// Its name in `counterplay.toml`.
    pub name: String,
    /// `ok`, or `failing` where no answer came since, or one that says that the service or its credentials do not
    /// work, or where nothing is sent for a tenant.
    pub state: String,
    /// When it last worked, RFC 3339.
    #[schema(format = DateTime)]
    pub worked_at: Option<String>,
    /// When it last did not, RFC 3339.
    #[schema(format = DateTime)]
    pub failed_at: Option<String>,
    /// What was wrong; told to who may act for every tenant, since connections are used for all of them.
    pub error: Option<String>,
    /// The caller's tenants for which nothing is sent at present, because attempts in a row failed.
    pub stopped: Vec<StoppedView>,
}

/// That nothing is sent to a connection for a tenant at present.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StoppedView {
    /// The tenant.
    pub tenant: String,
    /// Since when, RFC 3339.
    #[schema(format = DateTime)]
    pub since: String,
    /// When an attempt is made, RFC 3339.
    #[schema(format = DateTime)]
    pub next_at: String,
    /// What the last attempt came to.
    pub error: String,
}

/// How a connection does, as far as somebody may know.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// When it last worked, in milliseconds since the Unix epoch.
    pub worked_ms: Option<i64>,
    /// When it failed, where it has not worked since.
    pub failed_ms: Option<i64>,
    /// What was wrong. Connections are used for every tenant, so it may be about another one: it is for who may act
    /// for all of them.
    pub error: Option<String>,
    /// The tenants for which nothing is sent at present; only those that somebody may see.
    pub stopped: BTreeMap<String, OpenCircuit>,
}

/// How the connections do that were used, by name.
pub fn connections(app: &App, auth: &Auth) -> BTreeMap<String, Known> {
    let everywhere = auth.0.scope == Scope::All;
    let known = |health: ConnectionHealth| Known {
        worked_ms: health.worked_ms,
        failed_ms: health.trouble.as_ref().map(|(at, _)| *at),
        error: health.trouble.map(|(_, why)| why).filter(|_| everywhere),
        stopped: health
            .open
            .into_iter()
            .filter(|(tenant, _)| auth.0.scope.includes(tenant))
            .collect(),
    };
    let all = app.engine.connections().into_iter();
    all.map(|(name, health)| (name, known(health))).collect()
}

fn connection((name, known): (String, Known)) -> ConnectionView {
    ConnectionView {
        name,
        state: match (known.failed_ms, known.stopped.is_empty()) {
            (None, true) => "ok".into(),
            _ => "failing".into(),
        },
        worked_at: time::maybe(known.worked_ms),
        failed_at: time::maybe(known.failed_ms),
        error: known.error,
        stopped: known
            .stopped
            .into_iter()
            .map(|(tenant, open)| StoppedView {
                tenant,
                since: time::rfc3339(open.since_ms),
                next_at: time::rfc3339(open.next_ms),
                error: open.reason,
            })
            .collect(),
    }
}

/// Open runs by status.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct RunCounts {
    /// A call is under way.
    pub running: i64,
    /// They wait for a time.
    pub waiting: i64,
    /// They wait for people's approval.
    pub awaiting_approval: i64,
    /// They need a person to settle something.
    pub held: i64,
}

/// A polled source.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SourceView {
    /// The tenant.
    pub tenant: String,
    /// The event that it gives.
    pub event: String,
    /// The path that is read.
    pub path: String,
    /// The interval in seconds.
    pub every_s: i64,
    /// When it was last read, RFC 3339.
    #[schema(format = DateTime)]
    pub polled_at: Option<String>,
    /// When it is read next, RFC 3339.
    #[schema(format = DateTime)]
    pub next_at: Option<String>,
    /// How often it has failed since it last succeeded.
    pub failures: i64,
    /// Why it last failed.
    pub error: Option<String>,
    /// How the subscription to its changes stands, where it has one.
    pub subscription: Option<SubscriptionView>,
}

/// How a subscription to a source's changes stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SubscriptionView {
    /// Until when the service tells us of changes, RFC 3339; absent before it is set up.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Why it could not be set up or renewed the last time.
    pub error: Option<String>,
}

/// Whether the service answers
///
/// For load balancers; needs no credential and tells nothing else.
#[utoipa::path(get, path = "/healthz", tag = "records",
    operation_id = "readAlive", security(()),
    responses(
        (status = 200, description = "It answers, and its store can be read", body = Alive),
        (status = 503, description = "The store cannot be read", body = Problem, content_type = "application/problem+json")))]
pub async fn alive(State(app): State<App>) -> Result<Json<Alive>, Problem> {
    app.engine.store().journal_head().await?;
    if !app.engine.store().is_in_place() {
        return Err(Problem::unavailable(
            "the store's file was removed or replaced",
        ));
    }
    Ok(Json(Alive {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
    }))
}

/// How the service is
#[utoipa::path(get, path = "/health", tag = "records",
    operation_id = "readHealth",
    responses((status = 200, description = "How the service is", body = HealthView), Refused))]
pub async fn detail(State(app): State<App>, auth: Auth) -> Result<Json<HealthView>, Problem> {
    auth.needs(Permission::View)?;
    let counts = app.engine.store().open_counts(auth.tenants()).await?;
    let runs = RunCounts {
        running: counts.running,
        waiting: counts.waiting,
        awaiting_approval: counts.awaiting_approval,
        held: counts.held,
    };
    let sources: Vec<SourceView> = app
        .engine
        .sources()
        .await?
        .into_iter()
        .filter(|s| auth.0.scope.includes(&s.tenant))
        .map(|s| SourceView {
            tenant: s.tenant,
            event: s.event.to_string(),
            path: s.path.to_string(),
            every_s: s.every_ms / 1000,
            polled_at: time::maybe(s.polled_ms),
            next_at: time::maybe(s.next_ms),
            failures: s.failures,
            error: s.error,
            subscription: s.subscription.map(|s| SubscriptionView {
                until: time::maybe(s.until_ms),
                error: s.error,
            }),
        })
        .collect();
    let connections: Vec<ConnectionView> = connections(&app, &auth)
        .into_iter()
        .map(connection)
        .collect();
    let clock = app.engine.store().time_hold().await?.map(|h| h.to_string());
    let store = app.hindrance();
    let attention = runs.held > 0
        || clock.is_some()
        || store.is_some()
        || sources.iter().any(|s| s.failures > 0)
        || sources
            .iter()
            .any(|s| s.subscription.as_ref().is_some_and(|s| s.error.is_some()))
        || connections.iter().any(|c| c.state == "failing");
    Ok(Json(HealthView {
        status: if attention { "attention" } else { "ok" }.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        runs,
        clock,
        store,
        listeners: app.feed.listeners(),
        sources,
        connections,
    }))
}
