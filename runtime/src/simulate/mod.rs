//! A playbook and a cause in, what it would do out: the same machine as in production, on a virtual clock,
//! with actions recorded and not performed.

mod answers;
mod begin;
mod host;
mod people;
mod record;
pub mod replay;
mod request;
pub(crate) mod sample;
mod steps;
mod verdicts;

pub use answers::{Answer, AnswerError, Answers};
pub use people::{People, Scripted, When};

use crate::call::Connector;
use crate::timeline::{self, Line, Reading};
use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::Typed;
use counterplay_machine::journal::Entry;
use counterplay_machine::state::Run;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The most transitions of all runs of a simulation together.
pub const TRANSITIONS_MAX: u32 = 100_000;
/// The most runs that one cause starts.
pub const RUNS_MAX: usize = 1_000;

/// What is simulated. A playbook's mode does not matter here: paused ones are simulated too.
#[derive(Clone)]
pub struct Scenario {
    /// The program.
    pub program: Arc<Program>,
    /// Teams and tenants.
    pub deployment: Deployment,
    /// The tenant that it happens in.
    pub tenant: TenantFacts,
    /// The playbook's id.
    pub playbook: String,
    /// What happens.
    pub cause: Cause,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Answers that were given.
    pub answers: Answers,
    /// What people do.
    pub people: People,
    /// Events that come later, while the run goes on.
    pub later: Vec<LaterEvent>,
    /// Answers queries that have no given answer, where present. Actions are never passed to it.
    pub live: Option<Arc<dyn Connector>>,
}

/// An event that comes while a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct LaterEvent {
    /// The event's qualified name.
    pub event: String,
    /// The object.
    pub json: Json,
    /// When, in milliseconds from the start of the run.
    pub after_ms: i64,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario")
            .field("playbook", &self.playbook)
            .field("tenant", &self.tenant.name)
            .field("cause", &self.cause)
            .field("at_ms", &self.at_ms)
            .field("live", &self.live.is_some())
            .finish_non_exhaustive()
    }
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// An event, as [`counterplay_machine::ingest::read`] gave it.
    Event(Box<Typed>),
    /// An object that is to be read as this event.
    Raw {
        /// The event's qualified name.
        event: String,
        /// The object.
        json: Json,
    },
    /// A delivery to a webhook.
    Hook {
        /// The webhook; the playbook's first when absent.
        name: Option<String>,
        /// The body.
        body: Json,
    },
    /// A person starts it.
    Manual {
        /// The form's values, as JSON.
        values: BTreeMap<String, Json>,
        /// Who, by e-mail address; may not approve.
        by: Option<String>,
    },
    /// Its schedule is due: the first time at or after the scenario's.
    Schedule,
}

/// Why nothing can be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// There is no such playbook.
    #[error("there is no playbook `{0}`")]
    NoSuchPlaybook(String),
    /// It is not started by this.
    #[error("the playbook `{playbook}` is not started by {cause}; it starts {starts}")]
    OtherTrigger {
        /// The playbook.
        playbook: String,
        /// What was to start it.
        cause: String,
        /// What does.
        starts: String,
    },
    /// The object is not a valid event.
    #[error("{0}")]
    Rejected(String),
    /// A value of the form is missing or does not fit.
    #[error("{0}")]
    Value(String),
    /// A given answer cannot be used.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The time does not exist, or a schedule is never due.
    #[error("{0}")]
    Time(String),
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// The playbook's id.
    pub playbook: Arc<str>,
    /// When it happens, in milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// The runs.
    pub runs: Vec<SimulatedRun>,
    /// Why no run was started, once per run that was not.
    pub not_started: Vec<String>,
    /// Elements of a trigger's list whose runs are not among these, because there are more than [`RUNS_MAX`].
    #[serde(default)]
    pub left_out: usize,
    /// Answers that were assumed before a run started: fetched fields, lists, look-ups.
    pub assumed: Vec<Assumed>,
    /// Transitions in all; at [`TRANSITIONS_MAX`] the simulation ends.
    pub transitions: u32,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedRun {
    /// Its state at the end.
    pub run: Run,
    /// What happened.
    pub journal: Vec<Entry>,
    /// The actions that would be performed, in order.
    pub actions: Vec<ActionTaken>,
    /// Answers that were assumed while it ran.
    pub assumed: Vec<Assumed>,
    /// How the simulation of it ended.
    pub end: SimulationEnd,
    /// When it ended, in milliseconds since the Unix epoch.
    pub ended_ms: i64,
}

/// How the simulation of a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum SimulationEnd {
    /// The run ended.
    Ended,
    /// The run is held: only a person could take it on.
    Held {
        /// Why.
        reason: String,
    },
    /// [`TRANSITIONS_MAX`] is reached.
    TooLong,
    /// Nothing is left to happen although the run has not ended, which is a fault of ours.
    Stuck,
}

/// An action that would be performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionTaken {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The action.
    pub action: Arc<str>,
    /// Its impact.
    pub impact: Impact,
    /// Its arguments by name, secrets replaced.
    pub args: Json,
}

/// An answer that nobody gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assumed {
    /// The index of the journal's entry that shows it; none before a run starts.
    pub entry: Option<usize>,
    /// The query.
    pub query: Arc<str>,
    /// What was assumed.
    pub value: Json,
}

/// Simulates. Nothing outside is changed; a live connector, where given, is asked queries only.
///
/// # Errors
/// When the scenario does not fit the program: an unknown playbook, another trigger, a value or answer of the
/// wrong type.
pub async fn simulate(scenario: &Scenario) -> Result<Simulation, SimulationError> {
    host::simulate(scenario).await
}

impl Simulation {
    /// Why this is not the whole of what would happen, where it is not.
    pub fn cut_off(&self) -> Option<String> {
        let ends = |end: &SimulationEnd| self.runs.iter().any(|run| run.end == *end);
        if ends(&SimulationEnd::TooLong) {
            return Some(format!(
                "the simulation was cut off after {TRANSITIONS_MAX} transitions; what comes later is not known"
            ));
        }
        if ends(&SimulationEnd::Stuck) {
            return Some(
                "nothing was left to happen although a run had not ended, which is a fault of Counterplay"
                    .into(),
            );
        }
        (self.left_out > 0).then(|| {
            format!(
                "a simulation shows the first {RUNS_MAX} runs; {} more are not known",
                self.left_out
            )
        })
    }
}

impl SimulatedRun {
    /// The run's lines for people; assumed answers are marked.
    pub fn timeline(&self) -> Vec<Line> {
        let reading = Reading {
            assumed: self.assumed.iter().filter_map(|a| a.entry).collect(),
            simulated: true,
        };
        timeline::lines(&self.journal, &reading)
    }
}

impl fmt::Display for Simulation {
    /// Every run's timeline as plain text, and why others were not started.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for assumed in &self.assumed {
            writeln!(
                f,
                "assumed: {} answers {}",
                assumed.query,
                timeline::value_text(&assumed.value)
            )?;
        }
        for (index, run) in self.runs.iter().enumerate() {
            if self.runs.len() > 1 {
                writeln!(f, "run {} of {}", index + 1, self.runs.len())?;
            }
            f.write_str(&timeline::render(&run.timeline()))?;
            match &run.end {
                SimulationEnd::Ended => {}
                SimulationEnd::Held { reason } => writeln!(
                    f,
                    "  the simulation ends here: a person has to settle it ({reason})"
                )?,
                SimulationEnd::TooLong => writeln!(
                    f,
                    "  the simulation ends here: {TRANSITIONS_MAX} transitions"
                )?,
                SimulationEnd::Stuck => writeln!(
                    f,
                    "  the simulation ends here: nothing is left to happen, which is a fault of Counterplay"
                )?,
            }
        }
        for reason in &self.not_started {
            writeln!(f, "not started: {reason}")?;
        }
        Ok(())
    }
}
