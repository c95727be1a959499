//! `counterplay simulate`: a playbook and what happens in, what it would do out.

use crate::args::SimulateArgs;
use crate::choose::{self, Chosen};
use crate::error::{Failure, OK, Outcome};
use crate::out::{self, BAD, HEAD, NAME, QUIET, WARN, paint};
use crate::progress::Progress;
use crate::{cause, sandboxed, view};
use counterplay_compiler::near;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::duration::{format_time_ms, parse_time_ms};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::journal::What;
use counterplay_machine::playbook::Playbook;
use counterplay_machine::types::Type;
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::connect::{Connectors, KEY_LENGTH, MasterKey, Secrets};
use counterplay_runtime::simulate::{
    Answers, Assumed, People, Scenario, Simulation, SimulationEnd,
};
use counterplay_runtime::timeline;
use counterplay_sandbox::{Options, Sandbox};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Simulates a playbook and shows what would happen.
///
/// # Errors
/// When it cannot be simulated as asked.
pub async fn simulate(args: SimulateArgs) -> Outcome {
    let chosen = choose::choose(&args.playbook, args.project.project.as_deref())?;
    let playbook = chosen.playbook()?;
    let program = chosen.project.program();
    let mut deployment = chosen.project.deployment();
    let tenant = tenant(&deployment, args.tenant.as_deref())?;
    let at_ms = match &args.at {
        None => SystemClock.now_ms(),
        Some(text) => parse_time_ms(text).ok_or_else(|| {
            Failure::cannot_start(format!(
                "\"{text}\" is not a time; one is written as 2026-11-20T02:00:00Z"
            ))
        })?,
    };
    let mut answers = Answers::new();
    for answer in &args.answer {
        answers
            .parse(&program, answer)
            .map_err(|e| Failure::cannot_start(e.to_string()))?;
    }
    let cause = cause::cause(&args, &program, playbook)?;
    let sandbox = match args.sandbox {
        true => Some(start_sandbox().await?),
        false => None,
    };
    let live = live(&args, &chosen, &program, &mut deployment, sandbox.as_ref())?;
    let scenario = Scenario {
        tenant: facts(&deployment, &tenant),
        playbook: playbook.id.to_string(),
        people: people(&args),
        program: program.clone(),
        deployment,
        cause,
        at_ms,
        answers,
        later: Vec::new(),
        live,
    };
    let progress = Progress::begin("simulating");
    let simulation = counterplay_runtime::simulate::simulate(&scenario)
        .await
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    drop(progress);
    if args.json {
        let json = serde_json::to_string_pretty(&simulation)
            .map_err(|e| Failure::cannot_start(format!("the simulation cannot be written: {e}")))?;
        out::line(json)?;
    } else {
        print(&simulation, playbook, &program)?;
    }
    Ok(OK)
}

/// A sandbox on free ports.
///
/// # Errors
/// When no port is free.
pub async fn start_sandbox() -> Result<Sandbox, Failure> {
    Sandbox::start(Options::default())
        .await
        .map_err(|error| Failure::cannot_start(error.to_string()))
}

/// The tenant that was named, or the first.
fn tenant(deployment: &Deployment, named: Option<&str>) -> Result<String, Failure> {
    let tenants = &deployment.tenants;
    match named {
        Some(name) if tenants.contains_key(name) => Ok(name.to_owned()),
        Some(name) => Err(no_tenant(name, deployment)),
        None => Ok(tenants.keys().next().cloned().unwrap_or_default()),
    }
}

/// A sentence for a tenant that is not in the project file.
pub fn no_tenant(name: &str, deployment: &Deployment) -> Failure {
    let known = deployment.tenants.keys().map(String::as_str);
    let menu = near::menu(known.clone());
    let hint = near::best(name, known).map_or_else(
        || format!("counterplay.toml has {menu}"),
        |near| format!("did you mean `{near}`?"),
    );
    Failure::cannot_start(format!("there is no tenant `{name}`; {hint}"))
}

fn facts(deployment: &Deployment, name: &str) -> TenantFacts {
    let tenant = deployment.tenants.get(name).cloned().unwrap_or_default();
    TenantFacts::of(name, &tenant)
}

fn people(args: &SimulateArgs) -> People {
    if args.unanswered {
        People::Unanswered
    } else if args.reject {
        let People::Approve { after_ms } = People::default() else {
            return People::Reject { after_ms: 0 };
        };
        People::Reject { after_ms }
    } else {
        People::default()
    }
}

/// Who answers queries, where live systems do.
fn live(
    args: &SimulateArgs,
    chosen: &Chosen,
    program: &Program,
    deployment: &mut Deployment,
    sandbox: Option<&Sandbox>,
) -> Result<Option<Arc<dyn Connector>>, Failure> {
    let secrets: Arc<dyn Secrets> = match sandbox {
        Some(sandbox) => {
            let (led, secrets) = sandboxed::deployment(std::mem::take(deployment), sandbox);
            *deployment = led;
            sandboxed::close(deployment, program, sandbox);
            Arc::new(secrets)
        }
        None if !args.live => return Ok(None),
        None => {
            let Some(root) = chosen.project.root.as_deref() else {
                return Err(Failure::cannot_start(
                    "--live needs a project with connections, and there is no counterplay.toml here; --sandbox asks a made-up tenant",
                ));
            };
            counterplay_runtime::connect::open(&deployment.secrets, root, Arc::new(SystemClock))
                .map_err(|e| Failure::cannot_start(e.to_string()))?
        }
    };
    // Passwords are made for actions only, and none is performed.
    let key = MasterKey::from_bytes([0; KEY_LENGTH]);
    let connectors = Connectors::new(deployment.clone(), secrets, key, Arc::new(SystemClock))
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    Ok(Some(Arc::new(connectors)))
}

fn print(simulation: &Simulation, playbook: &Playbook, program: &Program) -> Result<(), Failure> {
    out::line(format!(
        "{}  {}  {}",
        paint(HEAD, &playbook.title),
        paint(NAME, &playbook.id),
        paint(
            QUIET,
            format!(
                "simulated at {}; nothing was changed",
                format_time_ms(simulation.started_ms)
            )
        ),
    ))?;
    let several = simulation.runs.len() > 1;
    for (index, run) in simulation.runs.iter().enumerate() {
        out::line("")?;
        if several {
            let title = format!("run {} of {}", index + 1, simulation.runs.len());
            out::line(paint(HEAD, title))?;
        }
        out::text(view::timeline(&run.timeline()))?;
        let end = match &run.end {
            SimulationEnd::Ended => continue,
            SimulationEnd::Held { reason } => {
                format!("the simulation ends here: a person has to settle it ({reason})")
            }
            SimulationEnd::TooLong => "the simulation ends here: it takes too many steps".into(),
            SimulationEnd::Stuck => {
                "the simulation ends here: nothing is left to happen, which is a fault of Counterplay"
                    .into()
            }
        };
        out::line(format!("  {}", paint(BAD, end)))?;
        let unanswered = run.journal.iter().rev().find_map(|e| match &e.what {
            What::QueryFailed { query, .. } => Some(query),
            _ => None,
        });
        if let Some(query) = unanswered {
            let text = format!(
                "what a simulation would create (a ticket) is nowhere to be asked about: add --answer '{query}=…'"
            );
            out::line(format!("  {}", paint(QUIET, text)))?;
        }
    }
    if simulation.runs.is_empty() {
        out::line(format!("\n{}", paint(WARN, "No run would start.")))?;
    }
    for reason in &simulation.not_started {
        let word = if simulation.runs.is_empty() {
            "because"
        } else {
            "not started:"
        };
        out::line(format!("  {word} {}", paint(WARN, reason)))?;
    }
    assumptions(simulation, program)
}

/// Says which answers nobody gave, and how to give them.
fn assumptions(simulation: &Simulation, program: &Program) -> Result<(), Failure> {
    let all = simulation
        .assumed
        .iter()
        .chain(simulation.runs.iter().flat_map(|run| &run.assumed));
    let mut seen = BTreeSet::new();
    let first: Vec<&Assumed> = all.filter(|a| seen.insert(a.query.clone())).collect();
    if first.is_empty() {
        return Ok(());
    }
    out::line(format!(
        "\n{}",
        paint(HEAD, "Assumed, because nothing was given:")
    ))?;
    let shown: Vec<(String, String)> = first
        .iter()
        .map(|a| {
            let answer = format!("{} = {}", a.query, timeline::value_text(&a.value));
            (
                answer,
                format!("--answer '{}={}'", a.query, other(a, program)),
            )
        })
        .collect();
    let width = shown
        .iter()
        .map(|(a, _)| a.chars().count())
        .max()
        .unwrap_or(0);
    for (answer, option) in shown {
        let fill = " ".repeat(width.saturating_sub(answer.chars().count()));
        out::line(format!(
            "  {}{fill}   {}",
            paint(WARN, answer),
            paint(QUIET, format!("to change it: {option}"))
        ))?;
    }
    out::line(paint(
        QUIET,
        "  or ask real systems, which only reads: --live; or a made-up tenant: --sandbox",
    ))?;
    Ok(())
}

/// Another answer than the one that was assumed, as an example.
fn other(assumed: &Assumed, program: &Program) -> String {
    let returns = program
        .callables
        .get(&assumed.query)
        .map(|c| c.returns_ty.present());
    match (&assumed.value, returns) {
        (Json::Bool(value), _) => (!value).to_string(),
        (Json::Null, Some(Type::Record(_))) => json!({"id": "…", "name": "…"}).to_string(),
        (Json::Array(items), _) if items.is_empty() => "[…]".into(),
        (value, _) => value.to_string(),
    }
}
