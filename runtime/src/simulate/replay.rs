//! What a run went through and another version of its playbook in; where that version would have decided otherwise, out.
//! The version is played on a virtual clock: each call, approval and event gives what it gave then, after the same time.
//! Nothing outside is asked, and where the version wants to know what nobody told the run, the replay stops.

use super::host::{Agenda, Used, shown};
use super::record::Record;
use super::verdicts::Verdicts;
use super::{Answers, TRANSITIONS_MAX, sample, steps};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::expr::Slot;
use counterplay_machine::ingest::{self, Judgement, Scene};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::{Playbook, Trigger, TriggerKind};
use counterplay_machine::schedule::{describe, is_schedule};
use counterplay_machine::state::{OpenApproval, Outcome, Run};
use counterplay_machine::step::{self, Consulted, Context, Effect, Input, NewRun, Vote};
use counterplay_machine::types::Type;
use counterplay_machine::{Program, Value, json};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use super::steps::{Compared, In};

/// How much later than its last word an open run's time is looked at, in milliseconds.
const LEEWAY_MS: i64 = 1_000;

/// What is played again.
#[derive(Clone)]
pub struct Replayed<'a> {
    /// The run, as the store has it.
    pub run: &'a Run,
    /// Its journal.
    pub journal: &'a [Entry],
    /// The program that it was started with.
    pub program: &'a Program,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// The run's and the other version's steps beside each other.
    pub steps: Vec<Compared>,
    /// Whether the version decided as the run did, as far as that is known.
    pub same: bool,
    /// The first difference, in a sentence.
    pub first_difference: Option<String>,
    /// Why it was not played to its end.
    pub stopped: Option<String>,
    /// Results of actions that nobody knows: the run did not perform them.
    pub assumed: Vec<String>,
}

/// Why nothing can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The program of the run does not have its playbook.
    #[error("what is kept of the run does not have its playbook `{0}`")]
    NoPlaybook(String),
    /// The other program does not have it.
    #[error("there is no playbook `{0}` in the other version")]
    NoSuchPlaybook(String),
}

/// Plays a run again with another version of its playbook. `answers` are used where the run was told nothing.
///
/// # Errors
/// When one of the programs does not have the playbook.
pub fn replay(
    replayed: &Replayed<'_>,
    program: &Program,
    id: &str,
    deployment: &Deployment,
    answers: &Answers,
) -> Result<Replay, ReplayError> {
    let run = replayed.run;
    let no = || ReplayError::NoPlaybook(run.playbook.to_string());
    let before = replayed
        .program
        .playbooks
        .get(&run.playbook)
        .ok_or_else(no)?;
    let no = || ReplayError::NoSuchPlaybook(id.to_owned());
    let playbook = program.playbooks.get(id).ok_or_else(no)?;
    let scene = Scene {
        program,
        deployment,
        tenant: &run.tenant,
        now_ms: run.started_ms,
    };
    let record = recorded(run, replayed.journal);
    let theirs = steps::of(record.journal, run.started_ms);
    let slots = match begins(scene, run, before, playbook) {
        Ok(slots) => slots,
        Err(reason) => {
            let sentence = format!("the run started, and the other version would not: {reason}");
            return Ok(Replay {
                steps: steps::compare(theirs, Vec::new()),
                same: false,
                first_difference: Some(sentence),
                stopped: None,
                assumed: Vec::new(),
            });
        }
    };
    let new = NewRun {
        id: run.id.clone(),
        tenant: run.tenant.clone(),
        started_by: run.started_by.clone(),
        starter: run.starter.clone(),
        behind: run.behind.clone(),
        slots,
    };
    let mut player = Player {
        program,
        playbook,
        deployment,
        answers,
        record: Record::of(run, before, record.journal),
        verdicts: Verdicts::of(before, record.journal),
        counts: BTreeMap::new(),
        agenda: Agenda::default(),
        assumed: Vec::new(),
        stopped: None,
        journal: Vec::new(),
    };
    player.play(new, run.started_ms, record.ends);
    let ours = steps::of(&player.journal, run.started_ms);
    let mut compared = steps::compare(theirs, ours);
    // Where it stops because it wants to know something else, that is a difference.
    let wants = match &player.stopped {
        Some(Stop::Unknown(why)) => Some(why.clone()),
        _ => None,
    };
    if wants.is_some() || matches!(player.stopped, Some(Stop::TooLong)) {
        compared = steps::cut_off(compared);
    }
    let differs = |step: &Compared| matches!(step.within, In::Run | In::Version);
    let first = match compared.iter().position(differs) {
        Some(at) => Some(steps::sentence(&compared, at)),
        None => wants,
    };
    let stopped = player.stopped;
    Ok(Replay {
        same: first.is_none(),
        first_difference: first,
        stopped: stopped.map(|stop| stop.to_string()),
        assumed: player.assumed,
        steps: compared,
    })
}

/// What is on record of a run's decisions.
struct Recorded<'a> {
    journal: &'a [Entry],
    /// Until when, in milliseconds since the Unix epoch, and what a replay that comes there has to say; absent where the
    /// run came to its end.
    ends: Option<(i64, Stop)>,
}

/// An open run is on record as far as it has come, and one that a person has ended until then: that was no decision of its
/// playbook.
fn recorded<'a>(run: &Run, journal: &'a [Entry]) -> Recorded<'a> {
    let ended = |entry: &Entry| matches!(entry.what, What::Ended { .. });
    match &run.outcome {
        None => {
            let last_ms = journal.last().map_or(run.started_ms, |e| e.at_ms);
            Recorded {
                journal,
                ends: Some((last_ms.saturating_add(LEEWAY_MS), Stop::OpenRun)),
            }
        }
        Some(Outcome::Cancelled { by }) => {
            let at = journal.iter().position(ended).unwrap_or(journal.len());
            let until_ms = journal.get(at).map_or(i64::MAX, |e| e.at_ms);
            Recorded {
                journal: journal.get(..at).unwrap_or(journal),
                ends: Some((until_ms, Stop::Cancelled(by.clone()))),
            }
        }
        Some(_) => Recorded {
            journal,
            ends: None,
        },
    }
}

/// Why a replay ends before the run does.
#[derive(Clone)]
enum Stop {
    /// Nothing on record says what it wants to know.
    Unknown(String),
    /// The run has come no further.
    OpenRun,
    /// Somebody has ended the run.
    Cancelled(String),
    TooLong,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Unknown(why) => write!(f, "what comes then is not known: {why}"),
            Stop::OpenRun => f.write_str("the run is open and has come no further"),
            Stop::Cancelled(by) => write!(f, "{by} ended the run then"),
            Stop::TooLong => write!(f, "it takes more than {TRANSITIONS_MAX} steps"),
        }
    }
}

/// The variables that the version starts with, or why it would not start.
fn begins(
    scene: Scene<'_>,
    run: &Run,
    before: &Playbook,
    playbook: &Playbook,
) -> Result<BTreeMap<Slot, Value>, String> {
    let groups = scene.deployment.tenants.get(&*run.tenant.name);
    let groups = groups.map_or(&[][..], |t| &t.groups);
    if !playbook.tenants.includes(&run.tenant.name, groups) {
        return Err(format!("it is not for tenant `{}`", run.tenant.name));
    }
    let had = run.threads.values().next().map(|main| &main.slots);
    let had = |slot: Slot| had.and_then(|slots| slots.get(&slot).cloned());
    let old = before.triggers.iter().find(|t| is_cause(t, run));
    let old = old.ok_or("what started the run is not kept in a way that can be read")?;
    let new = playbook.triggers.iter().find(|t| fits(&old.kind, &t.kind));
    let new = new.ok_or_else(|| {
        let starts: Vec<String> = playbook
            .triggers
            .iter()
            .map(|t| describe(&t.kind))
            .collect();
        format!(
            "it is not started by {}; it starts {}",
            run.started_by,
            starts.join(", or ")
        )
    })?;
    let mut slots = BTreeMap::new();
    match (&old.kind, &new.kind) {
        (TriggerKind::Event(_), _) => {
            if let (Some(from), Some(to)) = (before.event_slot, playbook.event_slot) {
                let record = had(from).ok_or("the event that started it is not kept")?;
                slots.insert(to, record);
            }
        }
        (TriggerKind::Manual(given), TriggerKind::Manual(wanted)) => {
            for param in wanted {
                let from = given.iter().find(|p| p.name == param.name);
                let value = from.and_then(|p| had(p.slot));
                match value {
                    Some(value) => slots.insert(param.slot, value),
                    None if param.ty.is_optional() => slots.insert(param.slot, Value::Absent),
                    None => {
                        return Err(format!("it asks for `{}`, which was not given", param.name));
                    }
                };
            }
        }
        (TriggerKind::Webhook(from), TriggerKind::Webhook(to)) => {
            slots.insert(
                to.slot,
                had(from.slot).ok_or("what was delivered is not kept")?,
            );
        }
        _ => {}
    }
    if let Some(each) = &new.for_each {
        let from = old.for_each.as_ref().and_then(|each| had(each.slot));
        slots.insert(
            each.slot,
            from.ok_or("it starts for each of a list, and the run did not")?,
        );
    }
    match ingest::judge(scene, playbook, &slots, true) {
        Ok(Judgement::Yes { .. }) => Ok(slots),
        Ok(Judgement::No { condition }) => Err(format!("`{condition}` does not hold")),
        Err(error) => Err(format!("its conditions cannot be decided: {error}")),
    }
}

/// Whether a trigger is the one that started a run.
fn is_cause(trigger: &Trigger, run: &Run) -> bool {
    match &trigger.kind {
        TriggerKind::Event(name) => **name == *run.started_by,
        TriggerKind::Webhook(hook) => format!("webhook {}", hook.name) == run.started_by,
        TriggerKind::Manual(_) => run.starter.is_some() || run.started_by == "a person",
        schedule => describe(schedule) == run.started_by,
    }
}

fn fits(old: &TriggerKind, new: &TriggerKind) -> bool {
    match (old, new) {
        (TriggerKind::Event(old), TriggerKind::Event(new)) => old == new,
        (TriggerKind::Webhook(old), TriggerKind::Webhook(new)) => old.name == new.name,
        (TriggerKind::Manual(_), TriggerKind::Manual(_)) => true,
        (old, new) => is_schedule(old) && describe(old) == describe(new),
    }
}

struct Player<'a> {
    program: &'a Program,
    playbook: &'a Playbook,
    deployment: &'a Deployment,
    answers: &'a Answers,
    record: Record,
    verdicts: Verdicts,
    /// How often each call took an answer that somebody gave beforehand.
    counts: BTreeMap<Arc<str>, usize>,
    agenda: Agenda,
    assumed: Vec<String>,
    stopped: Option<Stop>,
    journal: Vec<Entry>,
}

impl Player<'_> {
    fn play(&mut self, new: NewRun, at_ms: i64, ends: Option<(i64, Stop)>) {
        let mut used = Used::default();
        let verdicts = std::mem::take(&mut self.verdicts);
        let recall = |asked: &Consulted<'_>| verdicts.recall(asked);
        let (program, playbook, deployment) = (self.program, self.playbook, self.deployment);
        let mut now_ms = at_ms;
        for (at_ms, event, carried) in std::mem::take(&mut self.record.came) {
            if let Some(record) = carried {
                self.agenda.add(at_ms, Input::Event { event, record });
            }
        }
        let (mut run, mut transition) =
            used.counted(program, playbook, deployment, |context: Context<'_>| {
                let recalls = Some(&recall as &dyn Fn(&Consulted<'_>) -> bool);
                step::start(Context { recalls, ..context }, new, now_ms)
            });
        for _ in 0..TRANSITIONS_MAX {
            used.note(&transition, now_ms);
            self.journal.append(&mut transition.journal);
            for effect in std::mem::take(&mut transition.effects) {
                self.happen(effect, &mut run, now_ms);
            }
            if self.stopped.is_some() || run.outcome.is_some() {
                return;
            }
            let Some(((due_ms, _), input)) = self.agenda.items.pop_first() else {
                // As the run does.
                self.stopped = Some(ends.map_or_else(
                    || {
                        let why = "the version waits for something that never came to the run";
                        Stop::Unknown(why.into())
                    },
                    |(_, stop)| stop,
                ));
                return;
            };
            if let Some(reason) = super::host::held_by(&run, &input) {
                let why = format!("the version is held for a person: {reason}");
                self.stopped = Some(Stop::Unknown(why));
                return;
            }
            now_ms = now_ms.max(due_ms);
            if let Some((_, stop)) = ends.as_ref().filter(|(until_ms, _)| now_ms > *until_ms) {
                self.stopped = Some(stop.clone());
                return;
            }
            transition = used.counted(program, playbook, deployment, |context: Context<'_>| {
                let recalls = Some(&recall as &dyn Fn(&Consulted<'_>) -> bool);
                step::step(Context { recalls, ..context }, &mut run, input, now_ms)
            });
        }
        self.stopped = Some(Stop::TooLong);
    }

    fn happen(&mut self, effect: Effect, run: &mut Run, now_ms: i64) {
        match effect {
            Effect::Perform {
                id, action, args, ..
            } => self.call((id, action, args), true, run.started_ms, now_ms),
            Effect::Query {
                id, query, args, ..
            } => self.call((id, query, args), false, run.started_ms, now_ms),
            Effect::StartTimer { id, at_ms } => self.agenda.add(at_ms, Input::Timer { id }),
            Effect::CancelTimer { id } => self.agenda.cancel_timer(&id),
            Effect::AskApproval { id } => {
                if let Some(open) = run.approvals.get_mut(&id) {
                    self.ask(&id, open, now_ms);
                }
            }
            Effect::CloseApproval { id } => self
                .agenda
                .items
                .retain(|_, input| !matches!(input, Input::Vote(vote) if vote.approval == id)),
            Effect::AwaitEvent { .. }
            | Effect::StopAwaiting { .. }
            | Effect::Emit { .. }
            | Effect::Finish { .. } => {}
        }
    }

    fn call(
        &mut self,
        (id, name, args): (String, Arc<str>, Vec<Value>),
        is_action: bool,
        started_ms: i64,
        now_ms: i64,
    ) {
        let Some(callable) = self.program.callables.get(&name) else {
            let why = format!("the version has no `{name}`");
            self.stopped = Some(Stop::Unknown(why));
            return;
        };
        let named = shown(callable, &args);
        let asked = crate::timeline::call(&name, &named);
        let ty = &callable.returns_ty;
        let (told, after_ms) = match self.record.answer(&name, &named, is_action) {
            // The run was not told: it waits, or has ended meanwhile.
            Some((None, _)) => return,
            // Settled by a person who did not say what it gave, because no step uses that.
            Some((Some(Ok(Json::Null)), after_ms)) if is_action => (Ok(Value::Absent), after_ms),
            Some((Some(Ok(answer)), after_ms)) => match self.typed(ty, &answer, &name) {
                Ok(value) => (Ok(value), after_ms),
                Err(why) => {
                    self.stopped = Some(Stop::Unknown(why));
                    return;
                }
            },
            Some((Some(Err(reason)), after_ms)) => (Err(reason), after_ms),
            None => {
                let count = self.counts.entry(name.clone()).or_default();
                let before = *count;
                let elapsed = now_ms.saturating_sub(started_ms);
                let given = self.answers.next(self.program, &name, before, elapsed);
                *count += usize::from(given.is_some());
                match given {
                    Some(given) => (given, 0),
                    None if is_action => {
                        self.assumed.push(asked);
                        (Ok(sample::sample(&self.program.types, ty, now_ms)), 0)
                    }
                    None => {
                        let why = format!(
                            "the version asks {asked}, which the run never did (give an answer with --answer '{name}=…')"
                        );
                        self.stopped = Some(Stop::Unknown(why));
                        return;
                    }
                }
            }
        };
        let input = match told {
            Ok(value) => Input::Done { id, value },
            Err(reason) => Input::Failed { id, reason },
        };
        self.agenda.add(now_ms.saturating_add(after_ms), input);
    }

    fn typed(&self, ty: &Type, answer: &Json, name: &str) -> Result<Value, String> {
        if *ty == Type::Nothing {
            return Ok(Value::Absent);
        }
        json::convert(&self.program.types, answer, ty, "answer").map_err(|mismatch| {
            format!(
                "what `{name}` answered the run does not fit what the version expects: {mismatch}"
            )
        })
    }

    /// Lets people answer as they did, where they were asked the same.
    fn ask(&mut self, id: &str, open: &mut OpenApproval, now_ms: i64) {
        let about: Vec<String> = open.about.iter().map(|(_, name)| name.clone()).collect();
        let Some(asked) = self.record.votes(&open.question, &about) else {
            let why = format!(
                "the version asks people \"{}\"{}, and in the run nobody was asked that",
                open.question,
                match about.is_empty() {
                    true => String::new(),
                    false => format!(" about {}", about.join(", ")),
                }
            );
            self.stopped = Some(Stop::Unknown(why));
            return;
        };
        // Who was in the team then.
        open.eligible.clone_from(&asked.eligible);
        for (after_ms, vote) in &asked.votes {
            let vote = Vote {
                approval: id.to_owned(),
                ..vote.clone()
            };
            let at_ms = now_ms.saturating_add(*after_ms);
            self.agenda.add(at_ms, Input::Vote(vote));
        }
    }
}
