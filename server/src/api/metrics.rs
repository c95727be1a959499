//! Figures of the store and the engine in, what a monitoring system reads (OpenMetrics text) out.

use crate::app::App;
use crate::http::Auth;
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use counterplay_runtime::store::{Figures, Happened, Waiting, Work};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// The media type of the OpenMetrics text format, version 1.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Played {
    tenant: String,
    playbook: String,
    simulated: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    tenant: String,
    playbook: String,
    simulated: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Acted {
    tenant: String,
    playbook: String,
    simulated: String,
    impact: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTenant {
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpenRuns {
    tenant: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfConnection {
    connection: String,
}

/// What concerns the whole installation.
struct Whole {
    work: Work,
    calls: usize,
    aside: usize,
    next_timer_ms: Option<i64>,
    /// Whether each connection that was used works.
    connections: Vec<(String, bool)>,
}

/// Figures for a monitoring system
///
/// OpenMetrics text, as Prometheus reads it; a token of any role that may look is enough. Of the caller's tenants
/// only; what concerns the whole installation is told to who may act for every tenant.
#[utoipa::path(get, path = "/metrics", tag = "records",
    operation_id = "readMetrics",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "application/openmetrics-text"),
        crate::http::Refused))]
pub async fn read(State(app): State<App>, auth: Auth) -> Result<Response, Problem> {
    auth.needs(Permission::View)?;
    let store = app.engine.store();
    let figures = store.figures(auth.tenants()).await?;
    let whole = (auth.0.scope == Scope::All).then(|| Whole {
        work: store.work(),
        calls: app.engine.calls_under_way(),
        aside: app.engine.calls_aside(),
        next_timer_ms: figures.next_timer_ms,
        connections: app
            .engine
            .connections()
            .into_iter()
            .map(|(name, health)| (name, health.trouble.is_none()))
            .collect(),
    });
    let text = told(figures, whole, app.clock.now_ms()).map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response())
}

fn told(figures: Figures, whole: Option<Whole>, now_ms: i64) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("counterplay");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The version that answers", build);
    happened(&mut registry, figures.happened);
    waiting(
        &mut registry,
        ("events_waiting", "Events that wait to be matched"),
        figures.events,
    );
    waiting(
        &mut registry,
        ("calls_waiting", "Calls that wait for room or for a turn"),
        figures.calls,
    );
    waiting(
        &mut registry,
        (
            "dead_letters_open",
            "Dead letters that nobody has looked after",
        ),
        figures.letters,
    );
    let open = Family::<OpenRuns, Gauge>::default();
    for Waiting {
        tenant,
        kind: status,
        count,
    } in figures.runs
    {
        open.get_or_create(&OpenRuns { tenant, status }).set(count);
    }
    registry.register(
        "runs_open",
        "Runs that have not ended, by what they do",
        open,
    );
    let late = |since: Option<i64>| {
        let seconds = since.map_or(0, |since| now_ms.saturating_sub(since).max(0));
        seconds as f64 / 1_000.0
    };
    let oldest: Gauge<f64, AtomicU64> = Gauge::default();
    oldest.set(late(figures.oldest_event_ms));
    registry.register_with_unit(
        "oldest_event_age",
        "How long the event waits that has waited longest",
        Unit::Seconds,
        oldest,
    );
    if let Some(whole) = whole {
        installation(&mut registry, &whole, late(whole.next_timer_ms));
    }
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

fn happened(registry: &mut Registry, all: Vec<Happened>) {
    let started = Family::<Played, Counter>::default();
    let ended = Family::<Ended, Counter>::default();
    let performed = Family::<Acted, Counter>::default();
    let failed = Family::<Acted, Counter>::default();
    for one in all {
        let Happened {
            tenant,
            playbook,
            simulated,
            what,
            how,
            count,
        } = one;
        let simulated = simulated.to_string();
        match what.as_str() {
            "started" => {
                let labels = Played {
                    tenant,
                    playbook,
                    simulated,
                };
                started.get_or_create(&labels).inc_by(count);
            }
            "ended" => {
                let labels = Ended {
                    tenant,
                    playbook,
                    simulated,
                    outcome: how.replace('_', " "),
                };
                ended.get_or_create(&labels).inc_by(count);
            }
            _ => {
                let family = if what == "failed" {
                    &failed
                } else {
                    &performed
                };
                let labels = Acted {
                    tenant,
                    playbook,
                    simulated,
                    impact: how,
                };
                family.get_or_create(&labels).inc_by(count);
            }
        }
    }
    registry.register("runs_started", "Runs that started", started);
    registry.register("runs_ended", "Runs that ended, by outcome", ended);
    registry.register(
        "actions_performed",
        "Actions that were performed, by impact",
        performed,
    );
    registry.register(
        "actions_failed",
        "Actions that failed, or of which nobody knows, by impact",
        failed,
    );
}

fn waiting(registry: &mut Registry, (name, help): (&str, &str), all: Vec<Waiting>) {
    let family = Family::<OfTenant, Gauge>::default();
    for Waiting { tenant, count, .. } in all {
        family.get_or_create(&OfTenant { tenant }).set(count);
    }
    registry.register(name, help, family);
}

fn installation(registry: &mut Registry, whole: &Whole, timer_late_s: f64) {
    let count = |n: u64| {
        let counter: Counter = Counter::default();
        counter.inc_by(n);
        counter
    };
    let work = whole.work;
    registry.register(
        "store_commits",
        "Commits to the store since the start",
        count(work.commits),
    );
    registry.register(
        "store_transactions",
        "Transactions since the start; several may share a commit",
        count(work.transactions),
    );
    let spent: Counter<f64, AtomicU64> = Counter::default();
    spent.inc_by(work.spent.as_secs_f64());
    registry.register_with_unit(
        "store_commit_time",
        "How long commits took in all, the disk included",
        Unit::Seconds,
        spent,
    );
    let calls: Gauge = Gauge::default();
    calls.set(i64::try_from(whole.calls).unwrap_or(i64::MAX));
    registry.register("calls_under_way", "Calls that are being made", calls);
    let aside: Gauge = Gauge::default();
    aside.set(i64::try_from(whole.aside).unwrap_or(i64::MAX));
    registry.register(
        "calls_aside",
        "Calls without an answer that wait: for their next attempt, their turn, a pause to end, or for what they ordered",
        aside,
    );
    let late: Gauge<f64, AtomicU64> = Gauge::default();
    late.set(timer_late_s);
    registry.register_with_unit(
        "timer_lateness",
        "By how much the timer is late that was due first; 0 where none is",
        Unit::Seconds,
        late,
    );
    let connections = Family::<OfConnection, Gauge>::default();
    for (connection, works) in &whole.connections {
        let labels = OfConnection {
            connection: connection.clone(),
        };
        connections.get_or_create(&labels).set(i64::from(*works));
    }
    registry.register(
        "connection_works",
        "Whether a connection that was used worked the last time: 1 or 0",
        connections,
    );
}
