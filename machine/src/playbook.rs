//! The compiled playbook: triggers, head conditions and a graph of steps.

use crate::declare::Impact;
use crate::deployment::Mode;
use crate::expr::{Expr, Slot};
use crate::types::Type;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state machine.
pub type Graph = DiGraph<Node, Edge>;

/// A compiled playbook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Playbook {
    /// The stable id.
    pub id: Arc<str>,
    /// The title for people.
    pub title: Arc<str>,
    /// What it is for.
    pub doc: Arc<str>,
    /// The mode in the source.
    pub mode: Mode,
    /// Which tenants it is for.
    pub tenants: Tenants,
    /// Tags such as `attack.T1078`.
    pub tags: Vec<Arc<str>>,
    /// The alternatives that start a run.
    pub triggers: Vec<Trigger>,
    /// The variable of the event, shared by the alternatives.
    pub event_slot: Option<Slot>,
    /// The head's `if`, in conjuncts: those over stored fields first, those over fetched ones last.
    pub conditions: Vec<Condition>,
    /// `ignore repeats of`.
    pub repeats: Option<Repeats>,
    /// How often `resolved when` is looked at while the run waits, in milliseconds.
    pub checking_every_ms: Option<i64>,
    /// The variables, by slot.
    pub slots: Vec<SlotInfo>,
    /// The state machine.
    pub graph: Graph,
    /// Where a run begins.
    pub start: NodeIndex,
    /// Where `on failure` begins.
    pub on_failure: Option<NodeIndex>,
    /// The variable that holds the run's failure from `on failure` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_slot: Option<Slot>,
    /// Whether it reads `run.steps`, so that a run keeps them.
    #[serde(default)]
    pub reads_steps: bool,
    /// The steps that some `undo` reverses: a run remembers which of them were done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<u32>,
    /// The hash of everything that decides what a run does, see [`crate::hash`].
    pub hash: String,
}

impl Playbook {
    /// The node behind the edge of a kind.
    pub fn follow(&self, node: NodeIndex, edge: &Edge) -> Option<NodeIndex> {
        self.graph
            .edges_directed(node, Direction::Outgoing)
            .find(|e| e.weight() == edge)
            .map(|e| e.target())
    }
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotInfo {
    /// The name in the source.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// Which tenants a playbook is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tenants {
    /// Every tenant but these.
    #[default]
    All,
    /// Every tenant but these.
    Except(Vec<Arc<str>>),
    /// Those of a group.
    Group(Arc<str>),
    /// These.
    Listed(Vec<Arc<str>>),
}

impl Tenants {
    /// Whether the playbook is for this tenant.
    pub fn includes(&self, name: &str, groups: &[String]) -> bool {
        match self {
            Tenants::All => true,
            Tenants::Except(names) => !names.iter().any(|n| &**n == name),
            Tenants::Group(group) => groups.iter().any(|g| **g == **group),
            Tenants::Listed(names) => names.iter().any(|n| &**n == name),
        }
    }
}

/// What starts a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The kind.
    pub kind: TriggerKind,
    /// One run per element of a list.
    pub for_each: Option<ForEachRun>,
}

/// The kinds of triggers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TriggerKind {
    /// An event.
    Event(Arc<str>),
    /// At an interval in milliseconds.
    Every(i64),
    /// Each day, or each such weekday (0 is Monday), at a time in minutes since midnight in the tenant's zone.
    At {
        /// The weekday; every day when absent.
        weekday: Option<u8>,
        /// Minutes since midnight.
        minutes: u16,
    },
    /// At the times of a cron expression.
    Cron {
        /// Five fields: minute, hour, day of the month, month, day of the week.
        cron: Arc<str>,
        /// The time zone; the tenant's when absent.
        zone: Option<Arc<str>>,
    },
    /// By a person.
    Manual(Vec<ManualParam>),
    /// By a signed delivery to a webhook.
    Webhook(Webhook),
}

/// A webhook that a playbook listens to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// The name in `counterplay.toml`.
    pub name: Arc<str>,
    /// The record that describes the body.
    pub ty: Type,
    /// The variable of the body.
    pub slot: Slot,
    /// Fields that hold an entity and are delivered as its id, each with the query that finds it.
    pub lookups: BTreeMap<Arc<str>, Arc<str>>,
}

/// A parameter of a manual trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManualParam {
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub ty: Type,
    /// Its variable.
    pub slot: Slot,
    /// The query that finds an entity of the type by its id.
    pub lookup: Option<Arc<str>>,
}

/// `, for each VAR in LIST`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForEachRun {
    /// The element's variable.
    pub slot: Slot,
    /// The list.
    pub list: ListSource,
}

/// A list from an expression or from a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ListSource {
    /// Pure.
    Expr(Expr),
    /// Asked when the trigger fires.
    Query(Arc<str>, Vec<Expr>),
}

/// A conjunct of the head's `if`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// What must hold.
    pub expr: Expr,
    /// Whether it needs a fetched field.
    pub needs_fetched: bool,
    /// As written, for messages.
    pub text: Arc<str>,
}

/// `ignore repeats of KEY for D`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    /// The key.
    pub key: Expr,
    /// For how long from the start of the first run; while it is open when absent.
    pub for_ms: Option<i64>,
}

/// Where a node comes from in the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The file.
    pub file: Arc<str>,
    /// The first byte in the file.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// The line, from 1.
    pub line: u32,
}

/// A step of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it does.
    pub kind: NodeKind,
    /// A short text for people: the source line without its blocks.
    pub label: Arc<str>,
    /// Where it stands.
    pub origin: Origin,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeKind {
    /// The beginning.
    Start,
    /// A stage begins.
    Stage {
        /// Which kind.
        stage: StageKind,
    },
    /// `let x = EXPR`.
    Bind {
        /// The variable.
        slot: Slot,
        /// Its value.
        value: Expr,
    },
    /// Two ways: `True`, `False`.
    Branch {
        /// Which.
        condition: Expr,
    },
    /// Several ways: `Case(i)`, `Otherwise`.
    Match {
        /// What is looked at.
        subject: Expr,
        /// The values of each case.
        cases: Vec<Vec<Expr>>,
    },
    /// Asks a live system: `Done`, and `Failed` where handled.
    Query {
        /// The query.
        query: Arc<str>,
        /// Its arguments.
        args: Vec<Expr>,
        /// Where the answer goes.
        slot: Slot,
        /// Whether a failure holds the run instead of failing it (goals and `unless`).
        hold_on_failure: bool,
        /// Where the reason of a failure goes that an arm handles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_slot: Option<Slot>,
    },
    /// Performs an action: `Done`, and `Failed` where handled.
    Perform(Perform),
    /// Branches at once: `Branch(i)`; goes on with `Done` when all have ended.
    Fork,
    /// The body for each element: `Body`; goes on with `Done` when all have ended.
    ForEach {
        /// The element's variable.
        slot: Slot,
        /// The list.
        list: Expr,
        /// A longer list fails the step before the first element is touched.
        limit: u32,
        /// How many elements at once.
        at_a_time: u32,
    },
    /// A branch or a body ends here.
    JoinEnd,
    /// Waits: `Done`.
    Wait {
        /// For how long.
        duration: Expr,
    },
    /// Waits until the clock in the tenant's zone next shows a time: `Done`.
    WaitClock {
        /// Minutes since midnight.
        minutes: u16,
    },
    /// Waits until a time, at once where it is past: `Done`. One that is more than 400 days away fails the step.
    WaitTime {
        /// Until when.
        until: Expr,
    },
    /// Waits until a time from the start of the run: `Done`.
    WaitSinceStart {
        /// In milliseconds.
        after_ms: i64,
        /// The parameter that says it, where one does; `after_ms` is then its default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Expr>,
    },
    /// Looks at a condition again and again: `Tick` leads to the condition, which leads to what follows
    /// or back here; `Done` when the time is up.
    WaitUntil {
        /// For how long at most, in milliseconds.
        at_most_ms: i64,
        /// How often to look, in milliseconds.
        every_ms: i64,
    },
    /// A gate: `Approved`, `Rejected`, `Unanswered`; a missing edge ends the run `rejected`.
    Approve(Approve),
    /// A question to a person: `Case(i)`, `Unanswered`. Opens no gate.
    Ask(Ask),
    /// Waits for a later event: `Came`, or `Done` when the time is up.
    WaitEvent(WaitEvent),
    /// Raises an event for other playbooks: `Done`.
    Emit {
        /// The event.
        event: Arc<str>,
        /// Its fields.
        fields: Vec<(Arc<str>, Expr)>,
    },
    /// Ends the run.
    End {
        /// With which outcome.
        outcome: EndKind,
        /// Why.
        why: Option<Expr>,
    },
}

/// The kinds of stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StageKind {
    /// `then`, numbered from 1.
    Then(u32),
    /// `wait D` between stages.
    Wait,
    /// `escalate after`, numbered from 1; with its time from the start of the run.
    Escalate {
        /// 1, 2, 3 …
        level: u32,
        /// In milliseconds from the start of the run; the default of the parameter where one says it.
        after_ms: i64,
        /// The parameter that says it, where one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        param: Option<Arc<str>>,
    },
    /// `escalate after` whose `unless` holds.
    EscalateSkipped {
        /// 1, 2, 3 …
        level: u32,
    },
    /// `on failure`.
    OnFailure,
}

/// An action step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perform {
    /// The action.
    pub action: Arc<str>,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Where the result goes.
    pub slot: Option<Slot>,
    /// The action's impact.
    pub impact: Impact,
    /// The entities that it acts on: indices of arguments.
    pub acts_on: Vec<u32>,
    /// `attempt`: a failure is recorded and the run goes on.
    pub attempt: bool,
    /// Where the failure's reason goes for a `failed` arm.
    pub failure_slot: Option<Slot>,
    /// `without approval because`: the reason.
    pub accepted: Option<Arc<str>>,
    /// The gates that cover it; the stepper refuses the call unless one of them was passed.
    pub gates: Vec<u32>,
    /// Order facts inside `attempt each`: skipped when one of these steps failed.
    pub skip_if_failed: Vec<u32>,
    /// `undo`: the steps that it may reverse; skipped unless one of them was done to the same entities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undoes: Vec<u32>,
    /// `undo`: the entities that those steps have to have acted on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undoes_to: Vec<Expr>,
}

/// A gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approve {
    /// The question.
    pub question: Expr,
    /// The entities that it covers.
    pub about: Vec<Expr>,
    /// Who may answer: a team or a person.
    pub by: Expr,
    /// How many distinct people.
    pub needs: u32,
    /// How long to wait, in milliseconds.
    pub within_ms: i64,
    /// How long the approval holds, in milliseconds.
    pub valid_ms: i64,
    /// Whether silence approves (never a gate).
    pub default_approve: bool,
    /// Where `approval` is bound.
    pub slot: Slot,
    /// The actions that it opens: node indices.
    pub covers: Vec<u32>,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The question.
    pub question: Expr,
    /// Who is asked: a person, an address or a team.
    pub to: Expr,
    /// How long to wait, in milliseconds.
    pub within_ms: i64,
    /// The answers of each arm.
    pub answers: Vec<Vec<Arc<str>>>,
}

/// A wait for a later event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitEvent {
    /// The event.
    pub event: Arc<str>,
    /// Where it goes.
    pub slot: Slot,
    /// Which one is meant.
    pub condition: Option<Expr>,
    /// For how long at most, in milliseconds.
    pub at_most_ms: i64,
}

/// How a run ends in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndKind {
    /// Every stage is done.
    Completed,
    /// The goal is reached.
    Resolved,
    /// `end run`.
    Stopped,
    /// After `on failure`.
    Failed,
}

/// Why one node follows another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Edge {
    /// What comes next.
    Done,
    /// The step failed.
    Failed,
    /// The condition holds.
    True,
    /// It does not.
    False,
    /// A case of a match.
    Case(u32),
    /// No case fits.
    Otherwise,
    /// A parallel branch.
    Branch(u32),
    /// A loop's body.
    Body,
    /// People approve.
    Approved,
    /// Someone rejects.
    Rejected,
    /// Nobody answers in time.
    Unanswered,
    /// A wait is looked at in between.
    Tick,
    /// The event came.
    Came,
}
