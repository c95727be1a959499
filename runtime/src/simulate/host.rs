//! Runs in, their whole future out: plays the part of the engine, with time that jumps from one thing that
//! happens to the next.

use super::begin;
use super::request;
use super::sample;
use super::{
    ActionTaken, Assumed, Scenario, SimulatedRun, Simulation, SimulationEnd, SimulationError,
    TRANSITIONS_MAX,
};
use crate::brake::Gate;
use crate::call::{CallRequest, Setbacks};
use crate::room::Room;
use counterplay_machine::declare::Callable;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::Playbook;
use counterplay_machine::state::{Run, Waiting};
use counterplay_machine::step::{self, Context, Effect, Input, NewRun, Transition};
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub(super) async fn simulate(scenario: &Scenario) -> Result<Simulation, SimulationError> {
    let program = &*scenario.program;
    let Some(playbook) = program.playbooks.get(scenario.playbook.as_str()) else {
        return Err(SimulationError::NoSuchPlaybook(scenario.playbook.clone()));
    };
    scenario.answers.check(program)?;
    let mut oracle = Oracle {
        scenario,
        counts: BTreeMap::new(),
        imagined: BTreeSet::new(),
        elapsed_ms: 0,
    };
    let begun = begin::begin(scenario, playbook, &mut oracle).await?;
    let mut simulation = Simulation {
        playbook: playbook.id.clone(),
        started_ms: begun.at_ms,
        runs: Vec::new(),
        not_started: begun.not_started,
        left_out: begun.left_out,
        assumed: begun.assumed,
        transitions: 0,
    };
    for (index, slots) in begun.runs.into_iter().enumerate() {
        let new = NewRun {
            id: format!("simulated-{}", index + 1),
            tenant: scenario.tenant.clone(),
            started_by: begun.by.clone(),
            starter: begun.starter.clone(),
            behind: Vec::new(),
            slots,
        };
        let mut agenda = Agenda::default();
        for later in &scenario.later {
            let record = begin::later(scenario, later, begun.at_ms, &mut oracle).await?;
            agenda.add(
                begun.at_ms.saturating_add(later.after_ms),
                Input::Event {
                    event: Arc::from(later.event.as_str()),
                    record,
                },
            );
        }
        let left = TRANSITIONS_MAX.saturating_sub(simulation.transitions);
        let played = play(playbook, new, (begun.at_ms, agenda), left, &mut oracle).await;
        simulation.transitions += played.1;
        simulation.runs.push(played.0);
    }
    Ok(simulation)
}

/// What is going to happen to a run, by time and then by order of arising.
#[derive(Default)]
pub(super) struct Agenda {
    pub items: BTreeMap<(i64, u64), Input>,
    next: u64,
}

impl Agenda {
    pub fn add(&mut self, at_ms: i64, input: Input) {
        self.items.insert((at_ms, self.next), input);
        self.next += 1;
    }

    pub fn cancel_timer(&mut self, id: &str) {
        self.items
            .retain(|_, input| !matches!(input, Input::Timer { id: timer } if timer == id));
    }
}

/// One run, from its start to its end; with how many transitions it took.
async fn play(
    playbook: &Playbook,
    new: NewRun,
    (at_ms, agenda): (i64, Agenda),
    transitions_max: u32,
    oracle: &mut Oracle<'_>,
) -> (SimulatedRun, u32) {
    let mut now_ms = at_ms;
    let scenario = oracle.scenario;
    // Budgets of guards count what this run does.
    let mut used = Used::default();
    let (run, first) = used.with(scenario, playbook, |context| {
        step::start(context, new, now_ms)
    });
    let mut stage = Stage {
        run,
        journal: Vec::new(),
        actions: Vec::new(),
        assumed: Vec::new(),
        agenda,
        guesses: BTreeSet::new(),
        answered: BTreeSet::new(),
    };
    used.note(&first, now_ms);
    stage.take_in(first, None, now_ms, oracle).await;
    let mut transitions = 1;
    let end = loop {
        if stage.run.outcome.is_some() {
            break SimulationEnd::Ended;
        }
        if transitions >= transitions_max {
            break SimulationEnd::TooLong;
        }
        let Some(((due_ms, _), input)) = stage.agenda.items.pop_first() else {
            break SimulationEnd::Stuck;
        };
        if let Some(reason) = held_by(&stage.run, &input) {
            break SimulationEnd::Held { reason };
        }
        now_ms = now_ms.max(due_ms);
        let guessed = match &input {
            Input::Done { id, value } if stage.guesses.remove(id) => Some(value.redacted_json()),
            _ => None,
        };
        let transition = used.with(scenario, playbook, |context| {
            step::step(context, &mut stage.run, input, now_ms)
        });
        transitions += 1;
        used.note(&transition, now_ms);
        stage.take_in(transition, guessed, now_ms, oracle).await;
    };
    let played = SimulatedRun {
        run: stage.run,
        journal: stage.journal,
        actions: stage.actions,
        assumed: stage.assumed,
        end,
        ended_ms: now_ms,
    };
    (played, transitions)
}

/// What was performed so far and when, for the budgets of guards.
#[derive(Default)]
pub(super) struct Used(Vec<(Arc<str>, i64)>);

impl Used {
    /// Steps in a context that counts.
    fn with<T>(
        &self,
        scenario: &Scenario,
        playbook: &Playbook,
        step: impl FnOnce(Context<'_>) -> T,
    ) -> T {
        self.counted(&scenario.program, playbook, &scenario.deployment, step)
    }

    /// The same, outside of a scenario.
    pub fn counted<T>(
        &self,
        program: &Program,
        playbook: &Playbook,
        deployment: &Deployment,
        step: impl FnOnce(Context<'_>) -> T,
    ) -> T {
        let uses = |action: &str, _: Option<&str>, since_ms: i64| {
            let counted = self.0.iter();
            let counted = counted.filter(|(a, at)| **a == *action && *at > since_ms);
            counted.count() as u64
        };
        step(Context {
            program,
            playbook,
            deployment,
            guards: &program.guards,
            uses: &uses,
            recalls: None,
        })
    }

    pub fn note(&mut self, transition: &Transition, now_ms: i64) {
        for effect in &transition.effects {
            if let Effect::Perform { action, .. } = effect {
                self.0.push((action.clone(), now_ms));
            }
        }
    }
}

/// Why the run is held, when the next thing that would happen is that the holding itself gives up.
pub(super) fn held_by(run: &Run, input: &Input) -> Option<String> {
    let Input::Timer { id } = input else {
        return None;
    };
    run.threads
        .values()
        .find_map(|thread| match &thread.waiting {
            Waiting::Held { id: held, reason } if held == id => Some(reason.clone()),
            _ => None,
        })
}

/// A run while it is played.
struct Stage {
    run: Run,
    journal: Vec<Entry>,
    actions: Vec<ActionTaken>,
    assumed: Vec<Assumed>,
    agenda: Agenda,
    /// Effects whose answers are assumed.
    guesses: BTreeSet<String>,
    /// Which answers of the script have had something to answer.
    answered: BTreeSet<usize>,
}

impl Stage {
    /// Keeps a transition's journal and lets its effects happen. `guessed` is the assumed answer that led to it.
    async fn take_in(
        &mut self,
        transition: Transition,
        guessed: Option<Json>,
        now_ms: i64,
        oracle: &mut Oracle<'_>,
    ) {
        if let Some(value) = guessed {
            let answered =
                transition
                    .journal
                    .iter()
                    .enumerate()
                    .find_map(|(at, entry)| match &entry.what {
                        What::Answered { query, .. } => Some((at, query.clone())),
                        _ => None,
                    });
            if let Some((at, query)) = answered {
                self.assumed.push(Assumed {
                    entry: Some(self.journal.len() + at),
                    query,
                    value,
                });
            }
        }
        self.journal.extend(transition.journal);
        let mut effects: VecDeque<Effect> = transition.effects.into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Perform {
                    id, action, args, ..
                } => {
                    self.act(&action, &args, now_ms, oracle.program());
                    oracle.elapsed_ms = now_ms.saturating_sub(self.run.started_ms);
                    let unmakeable = oracle
                        .program()
                        .callables
                        .get(&action)
                        .and_then(|callable| {
                            let scenario = oracle.scenario;
                            let (program, deployment) = (&scenario.program, &scenario.deployment);
                            request::unmakeable(
                                program, deployment, callable, &args, &self.run, &id, now_ms,
                            )
                        });
                    let done = match unmakeable {
                        Some(reason) => Err(reason),
                        None => oracle.perform(&action, now_ms),
                    };
                    let input = match done {
                        Ok(value) => Input::Done { id, value },
                        Err(reason) => Input::Failed { id, reason },
                    };
                    self.agenda.add(now_ms, input);
                }
                Effect::Query {
                    id, query, args, ..
                } => {
                    let run = Some((self.run.id.clone(), self.run.started_ms));
                    oracle.elapsed_ms = now_ms.saturating_sub(self.run.started_ms);
                    let input = match oracle
                        .ask(&query, args, &id, run, now_ms, Assume::Plain)
                        .await
                    {
                        Told::Given(value) => Input::Done { id, value },
                        Told::Assumed(value) => {
                            self.guesses.insert(id.clone());
                            Input::Done { id, value }
                        }
                        Told::Fails(reason) => Input::Failed { id, reason },
                    };
                    self.agenda.add(now_ms, input);
                }
                Effect::StartTimer { id, at_ms } => self.agenda.add(at_ms, Input::Timer { id }),
                Effect::CancelTimer { id } => self.agenda.cancel_timer(&id),
                Effect::AskApproval { id } => {
                    if let Some(open) = self.run.approvals.get(&id) {
                        let elapsed = now_ms.saturating_sub(self.run.started_ms);
                        let people = &oracle.scenario.people;
                        let votes = people.votes(&id, open, elapsed, &mut self.answered);
                        for (after_ms, vote) in votes {
                            self.agenda
                                .add(now_ms.saturating_add(after_ms), Input::Vote(vote));
                        }
                    }
                }
                Effect::CloseApproval { id } => {
                    self.agenda.items.retain(
                        |_, input| !matches!(input, Input::Vote(vote) if vote.approval == id),
                    );
                }
                // Events that come are on the agenda, and what is raised is in the journal.
                Effect::AwaitEvent { .. }
                | Effect::StopAwaiting { .. }
                | Effect::Emit { .. }
                | Effect::Finish { .. } => {}
            }
        }
    }

    fn act(&mut self, action: &Arc<str>, args: &[Value], now_ms: i64, program: &Program) {
        let Some(callable) = program.callables.get(action) else {
            return;
        };
        let Some(impact) = callable.impact else {
            return;
        };
        self.actions.push(ActionTaken {
            at_ms: now_ms,
            action: action.clone(),
            impact,
            args: shown(callable, args),
        });
    }
}

/// Arguments by name, secrets replaced.
pub(super) fn shown(callable: &Callable, args: &[Value]) -> Json {
    let named = callable.params.iter().zip(args);
    Json::Object(
        named
            .map(|(param, value)| (param.name.to_string(), value.redacted_json()))
            .collect(),
    )
}

/// What is assumed when nobody answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Assume {
    /// No, nothing, an empty list, else a sample.
    Plain,
    /// The same, with one element in a list.
    OneElement,
}

/// What a query was told.
pub(super) enum Told {
    /// By a given answer or a live system.
    Given(Value),
    /// Nobody said so.
    Assumed(Value),
    /// It fails.
    Fails(String),
}

/// Answers queries and actions.
pub(super) struct Oracle<'a> {
    pub scenario: &'a Scenario,
    /// How often each was called.
    counts: BTreeMap<Arc<str>, usize>,
    /// The time since the run started, in milliseconds.
    elapsed_ms: i64,
    /// What simulated actions only pretended to make: no live system knows of it.
    imagined: BTreeSet<String>,
}

impl Oracle<'_> {
    pub fn program(&self) -> &Program {
        &self.scenario.program
    }

    fn count(&mut self, name: &Arc<str>) -> usize {
        let count = self.counts.entry(name.clone()).or_default();
        let before = *count;
        *count += 1;
        before
    }

    /// An action's result: given, else a sample.
    fn perform(&mut self, action: &Arc<str>, now_ms: i64) -> Result<Value, String> {
        let before = self.count(action);
        if let Some(given) =
            self.scenario
                .answers
                .next(self.program(), action, before, self.elapsed_ms)
        {
            return given;
        }
        match self.program().callables.get(action) {
            Some(callable) => {
                let made = sample::sample(&self.program().types, &callable.returns_ty, now_ms);
                if matches!(made, Value::Record(_)) {
                    self.imagined.insert(made.entity_key());
                }
                Ok(made)
            }
            None => Err(format!("the program has no action `{action}`")),
        }
    }

    /// A query's answer: given, else live, else assumed.
    pub async fn ask(
        &mut self,
        query: &Arc<str>,
        args: Vec<Value>,
        id: &str,
        run: Option<(String, i64)>,
        now_ms: i64,
        assume: Assume,
    ) -> Told {
        let before = self.count(query);
        match self
            .scenario
            .answers
            .next(self.program(), query, before, self.elapsed_ms)
        {
            Some(Ok(value)) => return Told::Given(value),
            Some(Err(reason)) => return Told::Fails(reason),
            None => {}
        }
        let Some(callable) = self.program().callables.get(query) else {
            return Told::Fails(format!("the program has no query `{query}`"));
        };
        // Whatever stands in a query's place: what acts is not sent.
        if let Some(live) = self
            .scenario
            .live
            .as_ref()
            .filter(|_| callable.impact.is_none())
            .filter(|_| !args.iter().any(|a| self.imagined.contains(&a.entity_key())))
        {
            let request = CallRequest {
                id: id.to_owned(),
                callable: query.clone(),
                args,
                tenant: self.scenario.tenant.clone(),
                run,
                program: self.scenario.program.clone(),
                // A question: when it was intended does not matter.
                intended_ms: i64::MAX,
                repeated: false,
                setbacks: Setbacks::default(),
                gate: Gate::default(),
                room: Room::default(),
            };
            return match live.call(request).await.result() {
                Ok(value) => Told::Given(value),
                Err(reason) => Told::Fails(reason),
            };
        }
        let types = &self.program().types;
        Told::Assumed(match assume {
            Assume::Plain => sample::assumed(types, &callable.returns_ty, now_ms),
            Assume::OneElement => sample::one_element(types, &callable.returns_ty, now_ms),
        })
    }
}

/// A playbook's variables by name, for messages.
pub(super) fn names(
    playbook: &Playbook,
) -> impl Fn(counterplay_machine::expr::Slot) -> Option<Arc<str>> + '_ {
    |slot| {
        playbook
            .slots
            .get(slot.0 as usize)
            .map(|info| info.name.clone())
    }
}
