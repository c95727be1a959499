//! A run: where it stands, everything that it did, and the machine with its live state.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::steps::Step;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/runs/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "run.html")]
pub struct RunPage {
    /// Around it.
    pub chrome: Chrome,
    /// The line in the list.
    pub run: super::runs::RunRow,
    /// Whether it has not ended.
    pub open: bool,
    /// The outcome in a sentence, once it ended.
    pub outcome: Option<String>,
    /// The calls of which nobody knows whether they were carried out.
    pub held_calls: Vec<HeldRow>,
    /// What it waits for, while it is open.
    pub waits_for: Option<String>,
    /// When the next timer fires.
    pub next_timer_ms: Option<i64>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The drawing; `None` for a machine that is too large.
    pub drawing: Option<String>,
    /// The approvals of the run, open and decided.
    pub approvals: Vec<RunApproval>,
    /// The event that started it.
    pub event: Option<RunEvent>,
    /// The version that the run keeps, shortened.
    pub version: String,
    /// Whether the live playbook is another version.
    pub outdated: bool,
    /// How it is undone, or was.
    pub undo: UndoPart,
    /// Whether the viewer may cancel and resume it.
    pub may_operate: bool,
    /// Whether the viewer may read the audit trail.
    pub may_audit: bool,
}

/// A call of which nobody knows whether it was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The step's place.
    pub place: String,
    /// The action.
    pub action: String,
    /// Why it is held.
    pub reason: String,
    /// Whether its result is needed and has to be told when it was carried out.
    pub needs_result: Option<String>,
}

/// What can be taken back of a run, and what has been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoPart {
    /// The run that this one undoes.
    pub of: Option<String>,
    /// The runs that undo this one or have done so, and why a wish was refused.
    pub wishes: Vec<UndoWish>,
    /// What stays as it is, with the reason.
    pub cannot: Vec<(String, String)>,
    /// What is taken back, in this order: the action, what takes it back, and why people are asked again.
    pub steps: Vec<(String, String, Option<String>)>,
    /// The teams that may be asked; none where the project file says it.
    pub teams: Vec<String>,
    /// Whether it may be asked for now.
    pub offered: bool,
}

/// A wish to undo a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoWish {
    /// Who wanted it.
    pub by: String,
    /// The run that it became.
    pub run: Option<String>,
    /// How that ended.
    pub outcome: Option<String>,
    /// Why it became none.
    pub refused: Option<String>,
}

/// An approval of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunApproval {
    /// The approval's id.
    pub id: String,
    /// The question.
    pub question: String,
    /// `open`, `approved`, `rejected`, `unanswered`.
    pub state: String,
    /// When it expires, while it is open.
    pub until_ms: Option<i64>,
    /// Who answered.
    pub by: Vec<String>,
}

/// The event that started a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// Its number.
    pub num: i64,
    /// Its name.
    pub name: String,
    /// When it was received.
    pub received_ms: i64,
    /// The object as it came, as JSON.
    pub payload: String,
}

impl RunPage {
    /// Whether a person has to settle something.
    pub fn held(&self) -> bool {
        self.open && self.run.status == "held"
    }
}
