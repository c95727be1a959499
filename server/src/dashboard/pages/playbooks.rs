//! The list of playbooks, each with its mode.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics, ui};
use askama::Template;
use counterplay_machine::deployment::Mode;
use counterplay_runtime::store::short_version;

/// `/playbooks`.
#[derive(Clone, Debug, Template)]
#[template(path = "playbooks.html")]
pub struct PlaybooksPage {
    /// Around it.
    pub chrome: Chrome,
    /// The playbooks, by title.
    pub playbooks: Vec<PlaybookRow>,
    /// Whether the viewer may set modes.
    pub may_operate: bool,
    /// Whether the viewer may promote versions.
    pub may_promote: bool,
    /// Where the project is served from a folder: its path. Playbooks are then changed there and not here.
    pub folder: Option<String>,
}

/// A line in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaybookRow {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The first sentence of what it is for.
    pub summary: String,
    /// What starts it, in words.
    pub triggers: Vec<String>,
    /// The mode in force.
    pub mode: Mode,
    /// The mode in the source, where a person has set another.
    pub source_mode: Option<Mode>,
    /// Open runs.
    pub open_runs: u64,
    /// When a run last started.
    pub last_run_ms: Option<i64>,
    /// Whether people can start it.
    pub manual: bool,
    /// The most harm that it can do.
    pub impact: Option<counterplay_machine::declare::Impact>,
    /// Where its version has to be promoted before it acts everywhere.
    pub canary: Option<CanaryRow>,
}

/// A version that does not act everywhere yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRow {
    /// The group that it acts for.
    pub group: String,
    /// The version.
    pub version: String,
    /// The beginning of the version that acts elsewhere meanwhile.
    pub elsewhere: Option<String>,
}

impl CanaryRow {
    /// As much of the version as people are shown.
    pub fn short(&self) -> &str {
        short_version(&self.version)
    }
}

/// The modes, for the switch.
pub const MODES: [Mode; 3] = [Mode::Active, Mode::Simulate, Mode::Paused];
