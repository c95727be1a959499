//! A compiled playbook in, what is certain of every run of it, and what is not, out. Pure functions over the machine,
//! so that what they say is said of what runs.

mod count;
mod harm;
mod longest;
mod refuted;
pub(crate) mod shape;
mod waits;

use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::{Deployment, Mode};
use counterplay_machine::playbook::{Node, Playbook};
use petgraph::graph::NodeIndex;
use serde::Serialize;
use std::ops::{Add, Mul};
use std::sync::Arc;

pub use harm::{Harm, Held};
pub use longest::Longest;
pub use refuted::{Refuted, refuted};
pub use waits::{Kind, Wait};

/// What is known of every run of a playbook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The playbook's id.
    pub playbook: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// The file in which it stands.
    pub file: Arc<str>,
    /// The mode in the source.
    pub mode: Mode,
    /// Whether every way ends.
    pub ends: Ends,
    /// How long a run can take.
    pub longest: Longest,
    /// Disruptive and destructive steps, and what stands before them.
    pub harm: Vec<Harm>,
    /// What the checker has found not to hold: approvals that may be over when their step comes, orders of actions.
    pub refuted: Vec<Refuted>,
    /// Gates, questions and waits.
    pub waits: Vec<Wait>,
    /// The most actions that one run can take.
    pub actions: Actions,
    /// Whether a trigger starts a run for each element of a list.
    pub run_for_each: bool,
}

impl Proof {
    /// Whether everything that is looked at holds: every way ends, after a time and a number of actions that can be
    /// counted, every wait has a limit and an outcome, enough people may answer, and nobody is harmed without a person's approval that still
    /// holds, or a reason on the record.
    pub fn holds(&self) -> bool {
        self.ends.proved
            && self.refuted.is_empty()
            && !self.longest.is_beyond_counting()
            && !self.actions.is_beyond_counting()
            && self
                .waits
                .iter()
                .all(|wait| wait.decided && wait.too_few.is_none())
            && self.harm.iter().all(|harm| harm.held != Held::Open)
    }
}

/// Whether every way through a machine ends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ends {
    /// Every cycle passes a timer that has a limit.
    pub proved: bool,
    /// The steps of a cycle that does not.
    pub cycle: Vec<Step>,
}

/// A step, as a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The line's text.
    pub text: Arc<str>,
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

impl Step {
    fn of(node: &Node) -> Step {
        Step {
            text: node.label.clone(),
            file: node.origin.file.clone(),
            line: node.origin.line,
        }
    }

    fn at(playbook: &Playbook, node: NodeIndex) -> Option<Step> {
        playbook.graph.node_weight(node).map(Step::of)
    }
}

/// Numbers of actions by impact; they stop at the largest number there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actions {
    /// Mail, chat, tickets.
    pub notify: u64,
    /// What can be taken back.
    pub reversible: u64,
    /// What disturbs people's work.
    pub disruptive: u64,
    /// What destroys something.
    pub destructive: u64,
}

impl Actions {
    /// One action.
    pub fn one(impact: Impact) -> Actions {
        let mut actions = Actions::default();
        match impact {
            Impact::Notify => actions.notify = 1,
            Impact::Reversible => actions.reversible = 1,
            Impact::Disruptive => actions.disruptive = 1,
            Impact::Destructive => actions.destructive = 1,
        }
        actions
    }

    /// The larger of each.
    pub fn max(self, other: Actions) -> Actions {
        self.each(other, u64::max)
    }

    /// Whether one of them is more than can be counted, so that it is no bound.
    pub fn is_beyond_counting(self) -> bool {
        [
            self.notify,
            self.reversible,
            self.disruptive,
            self.destructive,
        ]
        .contains(&u64::MAX)
    }

    /// All of them.
    pub fn all(self) -> u64 {
        self.notify
            .saturating_add(self.reversible)
            .saturating_add(self.disruptive)
            .saturating_add(self.destructive)
    }

    fn each(self, other: Actions, f: impl Fn(u64, u64) -> u64) -> Actions {
        Actions {
            notify: f(self.notify, other.notify),
            reversible: f(self.reversible, other.reversible),
            disruptive: f(self.disruptive, other.disruptive),
            destructive: f(self.destructive, other.destructive),
        }
    }
}

impl Add for Actions {
    type Output = Actions;

    fn add(self, other: Actions) -> Actions {
        self.each(other, u64::saturating_add)
    }
}

impl Mul<u64> for Actions {
    type Output = Actions;

    fn mul(self, times: u64) -> Actions {
        self.each(Actions::default(), |own, _| own.saturating_mul(times))
    }
}

/// Works out what is certain of a playbook. `refuted` is what the checker has found, see [`refuted()`]; the teams are
/// those of `deployment`.
pub fn prove(
    program: &Program,
    deployment: &Deployment,
    playbook: &Playbook,
    refuted: Vec<Refuted>,
) -> Proof {
    Proof {
        playbook: playbook.id.clone(),
        title: playbook.title.clone(),
        file: playbook
            .graph
            .node_weight(playbook.start)
            .map_or(Arc::from(""), |start| start.origin.file.clone()),
        mode: playbook.mode,
        ends: shape::ends(playbook),
        longest: longest::longest(program, playbook),
        harm: harm::harm(playbook),
        refuted,
        waits: waits::waits(playbook, deployment),
        actions: count::most(playbook),
        run_for_each: playbook.triggers.iter().any(|t| t.for_each.is_some()),
    }
}
