//! A test of a playbook and the files that it names in, what happened and what was not as expected out.

use crate::simulate::{
    Answer, Answers, Cause, LaterEvent, People, Scenario, Scripted, Simulation, SimulationError,
    When, simulate,
};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::duration::format_ms;
use counterplay_machine::eval::{Env, TenantFacts, eval};
use counterplay_machine::expr::Slot;
use counterplay_machine::journal::What;
use counterplay_machine::testcase::{Expected, Start, TestCase};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When every test begins: Monday, 5 January 2026, 09:00 UTC, in milliseconds since the Unix epoch.
pub const BEGINS_MS: i64 = 1_767_603_600_000;

/// What became of a test.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What happened, as people read it; nothing where it could not be played.
    pub timeline: String,
    /// What was not as expected, in order; nothing when the test passes.
    pub failures: Vec<Miss>,
    /// What was given and of no use, in order: the test shows less than it seems to.
    pub unused: Vec<String>,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The line of it in its file; the test's own where the test could not be played.
    pub line: u32,
    /// The expectation as written, or what every test has to do.
    pub expected: Arc<str>,
    /// What happened instead.
    pub instead: String,
}

/// Why a test cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// The tenant is not there.
    #[error("counterplay.toml has no tenant `{0}`")]
    Tenant(String),
    /// An answer has no value.
    #[error("the answer of `{0}` cannot be worked out: {1}")]
    Answer(Arc<str>, String),
    /// It does not fit the playbook.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
}

/// Plays a test. `read` gives the JSON of a file that the test names.
///
/// # Errors
/// When it cannot be played: a missing file, another trigger, a value that does not fit.
pub async fn run(
    case: &TestCase,
    program: &Arc<Program>,
    deployment: &Deployment,
    read: &dyn Fn(&str) -> Result<Json, String>,
) -> Result<Verdict, TestError> {
    let scenario = scenario(case, program, deployment, read)?;
    let simulation = simulate(&scenario).await?;
    Ok(Verdict {
        failures: misses(case, &simulation),
        unused: unused(case, &simulation),
        timeline: simulation.to_string(),
    })
}

/// The tenant of a test: the one that it names, else that of the webhook that starts it, else the project's first.
fn tenant(case: &TestCase, deployment: &Deployment) -> Result<TenantFacts, TestError> {
    let of_webhook = match &case.start {
        Some(Start::Webhook { name, .. }) => deployment.webhooks.get(&**name),
        _ => None,
    };
    let of_webhook = of_webhook.map(|hook| Arc::from(hook.tenant.as_str()));
    match case.tenant.as_ref().or(of_webhook.as_ref()) {
        Some(name) => match deployment.tenants.get(&**name) {
            Some(tenant) => Ok(TenantFacts::of(name, tenant)),
            None => Err(TestError::Tenant(name.to_string())),
        },
        None => Ok(deployment.tenants.iter().next().map_or_else(
            || TenantFacts {
                name: "test".into(),
                zone: "UTC".into(),
                ..TenantFacts::default()
            },
            |(name, tenant)| TenantFacts::of(name, tenant),
        )),
    }
}

fn scenario(
    case: &TestCase,
    program: &Arc<Program>,
    deployment: &Deployment,
    read: &dyn Fn(&str) -> Result<Json, String>,
) -> Result<Scenario, TestError> {
    let tenant = tenant(case, deployment)?;
    let file = |name: &Arc<str>| read(name).map_err(TestError::File);
    let cause = match &case.start {
        Some(Start::Event { event, file: name }) => Cause::Raw {
            event: event.to_string(),
            json: file(name)?,
        },
        Some(Start::Webhook { name, file: body }) => Cause::Hook {
            name: Some(name.to_string()),
            body: file(body)?,
        },
        Some(Start::Manual { values }) => Cause::Manual {
            values: values.clone(),
            by: None,
        },
        Some(Start::Schedule) | None => Cause::Schedule,
    };
    let mut answers = Answers::new();
    for given in &case.answers {
        let answer = match &given.answer {
            Err(reason) => Answer::Fails(reason.to_string()),
            Ok(expr) => {
                let value = eval(
                    expr,
                    &Env {
                        types: &program.types,
                        deployment,
                        tenant: &tenant,
                        now_ms: BEGINS_MS,
                        run: None,
                        call: None,
                        slots: &|_: Slot| None,
                        names: &|_: Slot| None,
                    },
                );
                Answer::Value(
                    value.map_err(|e| TestError::Answer(given.call.clone(), e.to_string()))?,
                )
            }
        };
        answers.from(given.call.to_string(), given.after_ms, answer);
    }
    let mut later = Vec::new();
    for event in &case.events {
        later.push(LaterEvent {
            event: event.event.to_string(),
            json: file(&event.file)?,
            after_ms: event.after_ms,
        });
    }
    let words = case.words.iter().map(|word| Scripted {
        by: word.by.to_string(),
        approve: word.approve,
        answer: word.answer.as_ref().map(ToString::to_string),
        when: When::SinceStart(word.after_ms),
    });
    Ok(Scenario {
        program: program.clone(),
        deployment: deployment.clone(),
        tenant,
        playbook: case.playbook.to_string(),
        cause,
        at_ms: BEGINS_MS,
        answers,
        people: People::Script(words.collect()),
        later,
        live: None,
    })
}

/// Failures that never came and people whom nobody asked, where a run started at all.
fn unused(case: &TestCase, simulation: &Simulation) -> Vec<String> {
    if simulation.runs.is_empty() {
        return Vec::new();
    }
    let entries = || simulation.runs.iter().flat_map(|run| &run.journal);
    let failed = |call: &Arc<str>| {
        entries().any(|entry| match &entry.what {
            What::QueryFailed { query, .. } => query == call,
            What::ActionFailed { action, .. } => action == call,
            _ => false,
        })
    };
    let failures = case.answers.iter().filter_map(|given| {
        let reason = given.answer.as_ref().err()?;
        let call = &given.call;
        (!failed(call)).then(|| format!("`given {call} fails \"{reason}\"`: no call of it failed"))
    });
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries() {
        if let What::Voted { by, .. } | What::VoteRefused { by, .. } = &entry.what {
            *heard.entry(by.to_lowercase()).or_default() += 1;
        }
    }
    let words = case.words.iter().filter_map(|word| {
        let left = heard.entry(word.by.to_lowercase()).or_default();
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let what = match &word.answer {
            Some(answer) => format!("answer \"{answer}\""),
            None if word.approve => "approval".to_owned(),
            None => "rejection".to_owned(),
        };
        Some(format!(
            "`given {what} from \"{}\"`: nothing was open that it could answer",
            word.by
        ))
    });
    failures.chain(words).collect()
}

/// What was not as expected.
fn misses(case: &TestCase, simulation: &Simulation) -> Vec<Miss> {
    let mut out = Vec::new();
    // What is expected never to happen may happen after the cut.
    if let Some(instead) = simulation.cut_off() {
        out.push(Miss {
            line: case.origin.line,
            expected: "a test is played to its end".into(),
            instead,
        });
    }
    for expectation in &case.expectations {
        let instead = match &expectation.kind {
            Expected::Performed(action, at) => {
                let times = times(simulation, action);
                match at {
                    Some(at) if !times.contains(at) => Some(performed(&times)),
                    None if times.is_empty() => Some(performed(&times)),
                    _ => None,
                }
            }
            Expected::Never(action) => {
                let times = times(simulation, action);
                (!times.is_empty()).then(|| performed(&times))
            }
            Expected::Outcome(name) => outcome(simulation, name),
            Expected::NotStarted => match simulation.runs.len() {
                0 => None,
                1 => Some("a run started".into()),
                n => Some(format!("{n} runs started")),
            },
        };
        if let Some(instead) = instead {
            out.push(Miss {
                line: expectation.origin.line,
                expected: expectation.text.clone(),
                instead,
            });
        }
    }
    out
}

/// When an action was performed, in milliseconds from the start of its run.
fn times(simulation: &Simulation, action: &str) -> Vec<i64> {
    let mut times: Vec<i64> = simulation
        .runs
        .iter()
        .flat_map(|run| {
            let taken = run.actions.iter().filter(|a| *a.action == *action);
            taken.map(|a| a.at_ms.saturating_sub(run.run.started_ms))
        })
        .collect();
    times.sort_unstable();
    times.dedup();
    times
}

fn performed(times: &[i64]) -> String {
    if times.is_empty() {
        return "it is never performed".into();
    }
    let times: Vec<String> = times.iter().map(|ms| format_ms(*ms)).collect();
    format!("it is performed at {}", times.join(", "))
}

fn outcome(simulation: &Simulation, name: &str) -> Option<String> {
    if simulation.runs.is_empty() {
        let reasons = simulation.not_started.join("; ");
        return Some(format!("no run started: {reasons}"));
    }
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for run in &simulation.runs {
        match &run.run.outcome {
            Some(outcome) if outcome.name() == name => {}
            Some(outcome) => *others.entry(format!("it ended {outcome}")).or_default() += 1,
            None => *others.entry("it has not ended".into()).or_default() += 1,
        }
    }
    (!others.is_empty()).then(|| others.into_keys().collect::<Vec<_>>().join("; "))
}
