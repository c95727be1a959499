//! A playbook and what happens in, what it would do out; nothing is done.

use crate::api::{playbooks, start};
use crate::app::App;
use crate::http::{Auth, Body, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_machine::duration::parse_time_ms;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::{self, Recognised};
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::schedule::is_schedule;
use counterplay_runtime::simulate::{
    Answers, Cause, People, Scenario, Simulation, SimulationEnd, SimulationError,
};
use counterplay_runtime::timeline::Line;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is to be simulated. One of `values`, `event` or neither (its schedule).
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with `values` or `event`"
)]
pub struct SimulationRequest {
    /// The tenant; may be left out by who has just one.
    pub tenant: Option<String>,
    /// The values of a manual start, by name.
    #[schema(value_type = Option<Object>)]
    pub values: Option<Map<String, Value>>,
    /// The object of an event or webhook, as its sender gives it.
    #[schema(value_type = Option<Object>)]
    pub event: Option<Value>,
    /// Which event the object is; recognised by its fields when left out.
    pub event_name: Option<String>,
    /// When it happens, RFC 3339; now when left out.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Answers of queries, by query: what is not given is assumed and named in the result.
    #[schema(value_type = Object)]
    pub answers: Map<String, Value>,
    /// What people who are asked do.
    pub people: PeopleDo,
    /// Ask the live tenant instead of assuming answers; it is only read. Needs the operator's role.
    pub live: bool,
}

/// What people do in a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeopleDo {
    /// As many as are needed approve, after ten minutes.
    #[default]
    Approve,
    /// The first one rejects, after ten minutes.
    Reject,
    /// Nobody answers.
    Unanswered,
}

/// What would happen.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SimulationView {
    /// The playbook.
    pub playbook: String,
    /// The tenant.
    pub tenant: String,
    /// When it happens, RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// The runs.
    pub runs: Vec<SimulatedRunView>,
    /// Why no run would start, one line for each that would not.
    pub not_started: Vec<String>,
    /// Answers that were assumed before a run started.
    pub assumed: Vec<AssumedView>,
}

/// A run that would be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SimulatedRunView {
    /// How it would end.
    pub outcome: Option<String>,
    /// Where the simulation ends before the run does, why.
    pub stopped_because: Option<String>,
    /// When it would end, RFC 3339.
    #[schema(format = DateTime)]
    pub ended_at: String,
    /// What would be done, in order.
    pub actions: Vec<ActionView>,
    /// The timeline, line by line.
    #[schema(value_type = Vec<Object>)]
    pub timeline: Vec<Line>,
    /// Answers that were assumed.
    pub assumed: Vec<AssumedView>,
}

/// An action that would be performed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ActionView {
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// The action.
    pub action: String,
    /// Its impact.
    pub impact: String,
    /// Its arguments, secrets replaced.
    #[schema(value_type = Object)]
    pub arguments: Value,
}

/// An answer that nobody gave.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AssumedView {
    /// The query.
    pub query: String,
    /// What was assumed.
    #[schema(value_type = Value)]
    pub value: Value,
}

/// Simulate a playbook
///
/// The same machine as in production on a virtual clock: days pass in milliseconds and nothing is done.
#[utoipa::path(post, path = "/playbooks/{id}/simulate", tag = "playbooks",
    operation_id = "simulatePlaybook", request_body = SimulationRequest,
    params(("id" = String, Path, description = "The playbook's id")),
    responses((status = 200, description = "What would happen, step by step", body = SimulationView), Refused))]
pub async fn simulate(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(request): Body<SimulationRequest>,
) -> Result<Json<SimulationView>, Problem> {
    auth.needs(Permission::Simulate)?;
    let tenant = start::tenant(&app, &auth, Permission::Simulate, request.tenant.as_deref())?;
    let simulation = simulation(&app, &auth, &id, &tenant, request).await?;
    Ok(Json(view(simulation, tenant)))
}

/// Simulates.
///
/// # Errors
/// When the request does not fit the playbook.
pub async fn simulation(
    app: &App,
    auth: &Auth,
    id: &str,
    tenant: &str,
    request: SimulationRequest,
) -> Result<Simulation, Problem> {
    if request.live {
        auth.needs(Permission::Operate)?;
    }
    let program = app.engine.program();
    let deployment = app.engine.deployment();
    let playbook = program
        .playbooks
        .get(id)
        .filter(|p| {
            !playbooks::tenants_of(&p.tenants, &deployment, &auth.0.scope).is_empty()
                || auth.0.scope == crate::identity::Scope::All
        })
        .ok_or_else(|| Problem::not_found(format!("there is no playbook `{id}`")))?;
    let at_ms = match &request.at {
        None => app.clock.now_ms(),
        Some(text) => parse_time_ms(text).ok_or_else(|| {
            Problem::unprocessable("`at` is a time such as 2026-11-20T02:00:00Z").with("path", "at")
        })?,
    };
    let mut answers = Answers::new();
    for (query, value) in &request.answers {
        answers
            .parse(&program, &format!("{query}={value}"))
            .map_err(|e| Problem::unprocessable(e.to_string()).with("path", "answers"))?;
    }
    let cause = match (request.values, request.event) {
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable(
                "give `values` for a manual start or `event`, not both",
            ));
        }
        (Some(values), None) => Cause::Manual {
            values: values.into_iter().collect(),
            by: Some(auth.0.id.clone()),
        },
        (None, Some(json)) => event_cause(&program, &playbook.triggers, request.event_name, json)?,
        (None, None) if playbook.triggers.iter().any(|t| is_schedule(&t.kind)) => Cause::Schedule,
        (None, None) => Cause::Manual {
            values: Default::default(),
            by: Some(auth.0.id.clone()),
        },
    };
    let facts = deployment.tenants.get(tenant).cloned().unwrap_or_default();
    let scenario = Scenario {
        tenant: TenantFacts::of(tenant, &facts),
        playbook: id.to_owned(),
        people: match request.people {
            PeopleDo::Approve => People::default(),
            PeopleDo::Unanswered => People::Unanswered,
            PeopleDo::Reject => People::Reject {
                after_ms: 10 * counterplay_machine::duration::MINUTE_MS,
            },
        },
        program: program.clone(),
        deployment: (*deployment).clone(),
        cause,
        at_ms,
        answers,
        later: Vec::new(),
        live: request.live.then(|| app.engine.connector()),
    };
    counterplay_runtime::simulate::simulate(&scenario)
        .await
        .map_err(|error| match error {
            SimulationError::NoSuchPlaybook(_) => Problem::not_found(error.to_string()),
            other => Problem::unprocessable(other.to_string()),
        })
}

fn event_cause(
    program: &counterplay_machine::Program,
    triggers: &[counterplay_machine::playbook::Trigger],
    named: Option<String>,
    json: Value,
) -> Result<Cause, Problem> {
    if let Some(event) = named {
        return Ok(Cause::Raw { event, json });
    }
    let webhook = triggers
        .iter()
        .any(|t| matches!(t.kind, TriggerKind::Webhook(_)));
    if webhook {
        return Ok(Cause::Hook {
            name: None,
            body: json,
        });
    }
    let events: Vec<&str> = triggers
        .iter()
        .filter_map(|t| match &t.kind {
            TriggerKind::Event(name) => Some(&**name),
            _ => None,
        })
        .collect();
    let event = match (ingest::recognise(program, &json), events.as_slice()) {
        (Recognised::Event(name), _) => name.to_string(),
        (_, [one]) => (*one).to_owned(),
        (_, []) => {
            return Err(Problem::unprocessable(
                "no event starts this playbook; give `values`, or neither of both where it has a schedule",
            ));
        }
        (_, several) => {
            return Err(Problem::unprocessable(format!(
                "say in `event_name` which event it is: {}",
                several.join(", ")
            )));
        }
    };
    Ok(Cause::Raw { event, json })
}

fn view(simulation: Simulation, tenant: String) -> SimulationView {
    let time = crate::api::time::rfc3339;
    let assumed = |list: &[counterplay_runtime::simulate::Assumed]| {
        list.iter()
            .map(|a| AssumedView {
                query: a.query.to_string(),
                value: a.value.clone(),
            })
            .collect()
    };
    SimulationView {
        playbook: simulation.playbook.to_string(),
        tenant,
        started_at: time(simulation.started_ms),
        assumed: assumed(&simulation.assumed),
        not_started: simulation.not_started,
        runs: simulation
            .runs
            .iter()
            .map(|run| SimulatedRunView {
                outcome: run.run.outcome.as_ref().map(|o| o.to_string()),
                stopped_because: stopped(&run.end),
                ended_at: time(run.ended_ms),
                actions: run
                    .actions
                    .iter()
                    .map(|a| ActionView {
                        at: time(a.at_ms),
                        action: a.action.to_string(),
                        impact: a.impact.to_string(),
                        arguments: a.args.clone(),
                    })
                    .collect(),
                timeline: run.timeline(),
                assumed: assumed(&run.assumed),
            })
            .collect(),
    }
}

/// Where a simulation ends before its run does, why.
pub fn stopped(end: &SimulationEnd) -> Option<String> {
    match end {
        SimulationEnd::Ended => None,
        SimulationEnd::Held { reason } => {
            Some(format!("a person would have to settle it: {reason}"))
        }
        SimulationEnd::TooLong => Some("it takes too many steps".into()),
        SimulationEnd::Stuck => {
            Some("nothing is left to happen, which is a fault of Counterplay".into())
        }
    }
}
