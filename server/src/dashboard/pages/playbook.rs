//! A playbook: what it is for, its source and machine, forms that run and simulate it, its runs and versions.

use super::runs::RunRow;
use crate::dashboard::chrome::Chrome;
use crate::dashboard::forms::Field;
use crate::dashboard::highlight::SourceLine;
use crate::dashboard::{filters, forms, topics, ui};
use askama::Template;

/// `/playbooks/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "playbook.html")]
pub struct PlaybookPage {
    /// Around it.
    pub chrome: Chrome,
    /// The line in the list.
    pub row: super::playbooks::PlaybookRow,
    /// What it is for.
    pub doc: String,
    /// The tags.
    pub tags: Vec<String>,
    /// For which tenants, in words.
    pub tenants: String,
    /// The file's path.
    pub file: String,
    /// The source in colours.
    pub source: Vec<SourceLine>,
    /// The state machine; `None` where it is too large.
    pub drawing: Option<String>,
    /// How many steps it has.
    pub steps: usize,
    /// The form that starts a run, where people may.
    pub run_form: Option<StartForm>,
    /// The form that simulates, where the viewer may.
    pub simulate_form: Option<StartForm>,
    /// The latest runs.
    pub runs: Vec<RunRow>,
    /// Deploys of it that wait for a second person.
    pub waiting: Vec<super::deploys::DeployRow>,
    /// Earlier and present versions, the latest first.
    pub history: Vec<super::deploys::DeployRow>,
    /// Whether the viewer may set the mode.
    pub may_operate: bool,
    /// Whether they may promote versions.
    pub may_promote: bool,
    /// Where the project is served from a folder: its path.
    pub folder: Option<String>,
    /// The version, shortened.
    pub version: String,
}

/// A form that starts something; posts to `/playbooks/{id}/run` or `/playbooks/{id}/simulate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartForm {
    /// The tenants among which to choose, field `tenant`.
    pub tenants: Vec<String>,
    /// The tenant that is chosen.
    pub tenant: String,
    /// The trigger's values, named [`crate::dashboard::forms::PREFIX`] and the parameter.
    pub fields: Vec<Field>,
    /// For playbooks that start by an event: the names of the events, field `event`.
    pub events: Vec<String>,
    /// An object of that kind as JSON, field `payload`, prefilled with a sample.
    pub payload: String,
    /// Why the payload did not fit.
    pub payload_error: Option<String>,
    /// What the people of the simulation do, field `people`: value and words.
    pub people: Vec<(String, String)>,
    /// Why the whole did not work.
    pub error: Option<String>,
}
