//! `counterplay simulate`: a playbook and what happens in, what it would do out.

use crate::args::SimulateArgs;
use crate::choose::{self, Chosen};
use crate::error::{Failure, OK, Outcome};
use crate::out::{self, BAD, HEAD, NAME, QUIET, WARN, paint};
use crate::progress::Progress;
use crate::{input, sandboxed, values, view};
use counterplay_compiler::near;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::duration::{format_time_ms, parse_time_ms};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::{self, Recognised};
use counterplay_machine::playbook::{Playbook, TriggerKind};
use counterplay_machine::types::Type;
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::connect::{Connectors, KEY_LENGTH, MasterKey, Secrets};
use counterplay_runtime::simulate::{
    Answers, Assumed, Cause, People, Scenario, Simulation, SimulationEnd,
};
use counterplay_runtime::timeline;
use counterplay_sandbox::{Options, Sandbox};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;
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
    let cause = cause(&args, &program, playbook)?;
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
    TenantFacts {
        name: name.to_owned(),
        id: tenant.id,
        zone: tenant.zone.unwrap_or_else(|| "UTC".into()),
        domains: tenant.domains,
    }
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
            counterplay_runtime::connect::open(&deployment.secrets, root)
                .map_err(|e| Failure::cannot_start(e.to_string()))?
        }
    };
    // Passwords are made for actions only, and none is performed.
    let key = MasterKey::from_bytes([0; KEY_LENGTH]);
    let connectors = Connectors::new(deployment.clone(), secrets, key, Arc::new(SystemClock))
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    Ok(Some(Arc::new(connectors)))
}

/// What happens, as the options say.
fn cause(args: &SimulateArgs, program: &Program, playbook: &Playbook) -> Result<Cause, Failure> {
    if let Some(path) = &args.event {
        return event(path, args.event_name.as_deref(), program, playbook);
    }
    let scheduled = playbook
        .triggers
        .iter()
        .any(|t| matches!(t.kind, TriggerKind::Every(_) | TriggerKind::At { .. }));
    let manual = values::form(playbook);
    if args.with.is_empty() && args.by.is_none() && scheduled {
        return Ok(Cause::Schedule);
    }
    if manual.is_none() && (!args.with.is_empty() || args.by.is_some()) {
        return Err(Failure::cannot_start(format!(
            "`{}` is not started by hand; it starts {}",
            playbook.id,
            starts(playbook)
        )));
    }
    match manual {
        Some(params) => {
            let given = values::read(Some(playbook), &args.with)?;
            let missing = params
                .iter()
                .find(|p| !p.ty.is_optional() && !given.contains_key(&*p.name));
            if let Some(param) = missing {
                return Err(Failure::cannot_start(format!(
                    "`{}` needs a value for `{}`: add --with {}=…{}",
                    playbook.id,
                    param.name,
                    param.name,
                    if param.lookup.is_some() {
                        ", its id"
                    } else {
                        ""
                    }
                )));
            }
            Ok(Cause::Manual {
                values: given.into_iter().collect(),
                by: args.by.clone(),
            })
        }
        None => Err(Failure::cannot_start(format!(
            "`{}` starts {}; give it one with --event FILE",
            playbook.id,
            starts(playbook)
        ))),
    }
}

/// What starts a playbook, for people.
fn starts(playbook: &Playbook) -> String {
    let events = events(playbook);
    if !events.is_empty() {
        return format!("when {} happens", events.join(" or "));
    }
    match values::form(playbook) {
        Some(_) => "by hand".into(),
        None => "on a schedule".into(),
    }
}

fn events(playbook: &Playbook) -> Vec<String> {
    playbook
        .triggers
        .iter()
        .filter_map(|t| match &t.kind {
            TriggerKind::Event(name) => Some(name.to_string()),
            _ => None,
        })
        .collect()
}

fn event(
    path: &Path,
    named: Option<&str>,
    program: &Program,
    playbook: &Playbook,
) -> Result<Cause, Failure> {
    let (name, text) = input::text(path)?;
    let mut items = input::items(&name, &text);
    let json = match (items.pop(), items.len()) {
        (Some(item), 0) => item
            .json
            .map_err(|reason| Failure::cannot_start(format!("{}: {reason}", item.name)))?,
        (_, more) => {
            return Err(Failure::cannot_start(format!(
                "{name} holds {} objects, and one is simulated at a time",
                more + 1
            )));
        }
    };
    let wanted = events(playbook);
    let event = match named {
        Some(name) if program.events.contains_key(name) => name.to_owned(),
        Some(name) => {
            let known = program.events.keys().map(|k| &**k);
            let hint = near::best(name, known.clone()).map_or_else(
                || format!("there are {}", near::menu(known)),
                |n| format!("did you mean `{n}`?"),
            );
            return Err(Failure::cannot_start(format!(
                "there is no event `{name}`; {hint}"
            )));
        }
        None => match ingest::recognise(program, &json) {
            Recognised::Event(event) => event.to_string(),
            Recognised::Ambiguous(names) => {
                let fits: Vec<&Arc<str>> = names
                    .iter()
                    .filter(|n| wanted.iter().any(|w| **w == ***n))
                    .collect();
                match fits.as_slice() {
                    [one] => one.to_string(),
                    _ => {
                        let menu = near::menu(names.iter().map(|n| &**n));
                        return Err(Failure::cannot_start(format!(
                            "{name} may be any of {menu}; say which with --event-name"
                        )));
                    }
                }
            }
            Recognised::Unknown => match wanted.as_slice() {
                // What is wrong with it says more than that it was not recognised.
                [only] => only.clone(),
                _ => {
                    return Err(Failure::cannot_start(format!(
                        "{name} has the fields of no declared event; `{}` starts {}; if it is one of these, say which with --event-name",
                        playbook.id,
                        starts(playbook)
                    )));
                }
            },
        },
    };
    Ok(Cause::Raw { event, json })
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
