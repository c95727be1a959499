//! What would happen: the timelines of a simulation.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::steps::Step;
use crate::dashboard::{filters, topics, ui};
use askama::Template;
use counterplay_machine::declare::Impact;

/// The answer to `POST /playbooks/{id}/simulate`.
#[derive(Clone, Debug, Template)]
#[template(path = "simulation.html")]
pub struct SimulationPage {
    /// Around it.
    pub chrome: Chrome,
    /// The playbook's id.
    pub playbook: String,
    /// Its title.
    pub title: String,
    /// The tenant.
    pub tenant: String,
    /// What happened in the simulation, in words: `an event identity.risk_detected`.
    pub cause: String,
    /// When it happens, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The runs.
    pub runs: Vec<SimulatedRun>,
    /// Why no run was started.
    pub not_started: Vec<String>,
    /// Answers that were assumed before a run started, in words.
    pub assumed: Vec<String>,
    /// Whether the playbook can be started by hand.
    pub may_start: bool,
}

/// A simulated run.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedRun {
    /// How it ended: an outcome's name, `held` or another word.
    pub status: String,
    /// More about that.
    pub why: Option<String>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The actions that would be performed.
    pub actions: Vec<WouldDo>,
    /// How many answers were assumed.
    pub assumed: u64,
    /// The drawing with the way that was taken.
    pub drawing: Option<String>,
}

/// An action that would be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldDo {
    /// When from the start: `+4h`.
    pub offset: String,
    /// The action with its arguments, as one reads it.
    pub call: String,
    /// Its impact.
    pub impact: Impact,
}
