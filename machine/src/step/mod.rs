//! A run and an input in; the run changed, effects to perform and a journal out. Pure and total:
//! whatever comes in, the run stays well-formed.

mod anew;
mod approve;
mod ask;
mod clock;
mod fail;
mod guard;
mod perform;
mod settle;
mod threads;
mod unsent;
mod walk;

use crate::deployment::Deployment;
use crate::eval::{Env, EvalError, TenantFacts, eval};
use crate::expr::{Expr, Slot};
use crate::guard::Guard;
use crate::journal::{Entry, What};
use crate::playbook::{Node, Playbook};
use crate::program::Program;
use crate::state::{Failure, Outcome, Run, StepOutcome, StepResult, Thread, Waiting};
use crate::value::Value;
use petgraph::graph::NodeIndex;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use approve::{Vote, check_vote};
pub use clock::{SetRight, set_right};
pub use settle::{HeldCall, Settled, Settlement, check_settlement, held_calls};
pub use unsent::is_over;

/// How long a run is held for a person before it fails.
pub const HELD_MS_MAX: i64 = 7 * crate::duration::DAY_MS;

/// The longest that a run waits for a time or an event, in milliseconds.
pub const WAIT_MAX_MS: i64 = 400 * crate::duration::DAY_MS;

/// What the stepper looks at and never changes.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The program that the run's version belongs to.
    pub program: &'a Program,
    /// The playbook.
    pub playbook: &'a Playbook,
    /// Teams and connections.
    pub deployment: &'a Deployment,
    /// Today's guards, which hold for runs of every version.
    pub guards: &'a [Guard],
    /// How often an action was performed since a time (in milliseconds since the Unix epoch), in a tenant or in all.
    pub uses: &'a dyn Fn(&str, Option<&str>, i64) -> u64,
    /// Whether nothing was left of a budget when a call was about to be made, where a run is played again and other runs
    /// had used it up.
    pub recalls: Option<&'a dyn Fn(&Consulted<'_>) -> bool>,
}

/// A call about which a guard is asked.
#[derive(Clone, Copy, Debug)]
pub struct Consulted<'a> {
    /// The effect's id.
    pub call: &'a str,
    /// The action.
    pub action: &'a str,
    /// Its arguments by name, secrets replaced.
    pub args: &'a serde_json::Value,
    /// What it acts on, as people call it.
    pub about: &'a [String],
    /// What is said where nothing is left of the budget: in the question to people, or as the reason.
    pub spent: &'a str,
}

/// What a host tells a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Go.
    Begin,
    /// A call succeeded.
    Done {
        /// The effect's id.
        id: String,
        /// The result.
        value: Value,
    },
    /// A call failed for good.
    Failed {
        /// The effect's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// An action was accepted and nothing shows that it was carried out: its step fails, and it may have been done.
    Unconfirmed {
        /// The effect's id.
        id: String,
        /// What is known.
        reason: String,
    },
    /// Whether a call happened is not known; the run is held.
    Unknown {
        /// The effect's id.
        id: String,
        /// What is known.
        reason: String,
    },
    /// A call was not sent before what opened it was over ([`is_over`]), and is not.
    Unsent {
        /// The effect's id.
        id: String,
    },
    /// A timer fired.
    Timer {
        /// The effect's id.
        id: String,
    },
    /// Someone answered an approval.
    Vote(Vote),
    /// An event happened that a run waits for.
    Event {
        /// Which.
        event: Arc<str>,
        /// What it carries.
        record: Value,
    },
    /// A person tells a held run to try its step again.
    Resume {
        /// Who.
        by: String,
    },
    /// A person says what became of a held call.
    Settle(Settlement),
    /// A person ends the run.
    Cancel {
        /// Who.
        by: String,
    },
}

/// What a host is to do, after the transition is committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Perform an action.
    Perform {
        /// The effect's id, derived from run and step: the idempotency key.
        id: String,
        /// The step.
        node: u32,
        /// The action.
        action: Arc<str>,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// Ask a live system.
    Query {
        /// The effect's id.
        id: String,
        /// The step.
        node: u32,
        /// The query.
        query: Arc<str>,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// Start a timer.
    StartTimer {
        /// The effect's id.
        id: String,
        /// When it fires, in milliseconds since the Unix epoch.
        at_ms: i64,
    },
    /// Stop a timer.
    CancelTimer {
        /// The effect's id.
        id: String,
    },
    /// Ask people; the details are in [`Run::approvals`].
    AskApproval {
        /// The effect's id.
        id: String,
    },
    /// An approval needs no more answers.
    CloseApproval {
        /// The effect's id.
        id: String,
    },
    /// Tell the run of later events of a kind.
    AwaitEvent {
        /// The effect's id.
        id: String,
        /// The event.
        event: Arc<str>,
    },
    /// The run waits for the event no longer.
    StopAwaiting {
        /// The effect's id.
        id: String,
    },
    /// Accept an event that the run raised; the same id is accepted once.
    Emit {
        /// The effect's id.
        id: String,
        /// The event.
        event: Arc<str>,
        /// What it carries.
        payload: serde_json::Value,
    },
    /// The run has ended; its timers and approvals are void.
    Finish {
        /// How.
        outcome: Outcome,
    },
}

/// What a step gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transition {
    /// To be performed after the commit, in order.
    pub effects: Vec<Effect>,
    /// To be committed with the state.
    pub journal: Vec<Entry>,
}

/// What a new run is made of.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The run's id.
    pub id: String,
    /// The tenant.
    pub tenant: TenantFacts,
    /// What started it, for people.
    pub started_by: String,
    /// The person who started it, by e-mail address.
    pub starter: Option<String>,
    /// Who else stands behind the start, see [`Run::behind`].
    pub behind: Vec<String>,
    /// The variables that the trigger binds.
    pub slots: BTreeMap<Slot, Value>,
}

/// Makes a run and takes it to where it first waits.
pub fn start(context: Context<'_>, new: NewRun, now_ms: i64) -> (Run, Transition) {
    let main = Thread {
        parent: None,
        shares_names: false,
        path: String::new(),
        node: context.playbook.start.index() as u32,
        waiting: Waiting::Ready,
        slots: new.slots,
        tries: 0,
        laps: 0,
        deadlines: BTreeMap::new(),
    };
    let mut run = Run {
        id: new.id,
        playbook: context.playbook.id.clone(),
        hash: context.playbook.hash.clone(),
        tenant: new.tenant,
        started_ms: now_ms,
        started_by: new.started_by,
        starter: new.starter,
        behind: new.behind,
        threads: BTreeMap::from([(0, main)]),
        next_thread: 1,
        approvals: BTreeMap::new(),
        grants: Vec::new(),
        failed_steps: Vec::new(),
        done: Vec::new(),
        let_beyond: Vec::new(),
        steps: Vec::new(),
        recorded_failures: 0,
        failing: None,
        outcome: None,
    };
    let transition = step(context, &mut run, Input::Begin, now_ms);
    (run, transition)
}

/// Applies one input. Inputs for effects that are not open (late, repeated, of an ended run) change nothing.
pub fn step(context: Context<'_>, run: &mut Run, input: Input, now_ms: i64) -> Transition {
    let mut stepper = Stepper {
        context,
        run,
        now_ms,
        out: Transition::default(),
    };
    if stepper.run.outcome.is_none() {
        stepper.apply(input);
        stepper.advance();
    }
    stepper.out
}

struct Stepper<'a, 'r> {
    context: Context<'a>,
    run: &'r mut Run,
    now_ms: i64,
    out: Transition,
}

impl<'a> Stepper<'a, '_> {
    fn apply(&mut self, input: Input) {
        match input {
            Input::Begin => {
                let by = self.run.started_by.clone();
                self.record(None, What::Started { by });
            }
            Input::Done { id, value } => self.call_done(&id, value),
            Input::Failed { id, reason } => self.call_failed(&id, reason, false),
            Input::Unconfirmed { id, reason } => self.call_failed(&id, reason, true),
            Input::Unknown { id, reason } => {
                if let Some(thread) = self.waiting_for(&id) {
                    self.hold(thread, reason);
                }
            }
            Input::Unsent { id } => self.unsent(&id),
            Input::Timer { id } => self.timer(&id),
            Input::Vote(vote) => self.vote(vote),
            Input::Event { event, record } => self.event(&event, &record),
            Input::Resume { by } => self.resume(&by),
            Input::Settle(settlement) => self.settle(settlement),
            Input::Cancel { by } => self.finish(Outcome::Cancelled { by }),
        }
    }

    fn node(&self, index: u32) -> Option<&'a Node> {
        self.context
            .playbook
            .graph
            .node_weight(NodeIndex::new(index as usize))
    }

    fn record(&mut self, thread: Option<u32>, what: What) {
        let (node, path) = match thread.and_then(|t| self.run.threads.get(&t)) {
            Some(t) => (Some(t.node), t.path.clone()),
            None => (None, String::new()),
        };
        self.out.journal.push(Entry {
            at_ms: self.now_ms,
            node,
            path,
            what,
        });
    }

    fn eval(&self, thread: u32, expr: &Expr) -> Result<Value, EvalError> {
        self.eval_with(thread, expr, None)
    }

    /// Evaluates as if a variable had a value.
    fn eval_with(
        &self,
        thread: u32,
        expr: &Expr,
        with: Option<(Slot, &Value)>,
    ) -> Result<Value, EvalError> {
        let slots = |slot: Slot| match with {
            Some((own, value)) if own == slot => Some(value.clone()),
            _ => self.run.lookup(thread, slot),
        };
        let names = |slot: Slot| {
            self.context
                .playbook
                .slots
                .get(slot.0 as usize)
                .map(|s| s.name.clone())
        };
        eval(
            expr,
            &Env {
                types: &self.context.program.types,
                deployment: self.context.deployment,
                tenant: &self.run.tenant,
                now_ms: self.now_ms,
                run: Some(crate::eval::RunFacts {
                    id: &self.run.id,
                    started_ms: self.run.started_ms,
                    steps: &self.run.steps,
                    sent_again: false,
                }),
                call: None,
                slots: &slots,
                names: &names,
            },
        )
    }

    /// Remembers what became of an action, where the playbook reads it.
    fn remember(&mut self, thread: u32, outcome: StepOutcome, reason: Option<String>) {
        if self.context.playbook.reads_steps {
            let name = self.label(thread);
            self.run.steps.push(StepResult {
                name,
                outcome,
                reason,
            });
        }
    }

    /// The node of a thread's present step, and the way into branches and elements.
    fn place(&self, thread: u32) -> (u32, String) {
        let thread = self.run.threads.get(&thread);
        thread.map_or((0, String::new()), |t| (t.node, t.path.clone()))
    }

    /// The id of a thread's present step, the same each time that it is derived.
    fn effect_id(&self, thread: u32) -> String {
        let Some(t) = self.run.threads.get(&thread) else {
            return self.run.id.clone();
        };
        let mut id = format!("{}:{}{}", self.run.id, t.node, t.path);
        if t.laps > 0 {
            id.push_str(&format!("~{}", t.laps));
        }
        if t.tries > 0 {
            id.push_str(&format!("#{}", t.tries));
        }
        id
    }

    /// The thread that waits for a call.
    fn waiting_for(&self, id: &str) -> Option<u32> {
        self.run
            .threads
            .iter()
            .find(|(_, t)| matches!(&t.waiting, Waiting::Call { id: i } if i == id))
            .map(|(n, _)| *n)
    }

    fn label(&self, thread: u32) -> Arc<str> {
        self.run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node))
            .map_or_else(|| Arc::from("a step"), |n| n.label.clone())
    }

    fn failure(&self, thread: u32, reason: impl Into<String>) -> Failure {
        Failure {
            step: self.label(thread).to_string(),
            reason: reason.into(),
        }
    }
}
