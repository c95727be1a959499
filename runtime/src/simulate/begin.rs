//! A scenario's cause in, the variables of each run that it starts out, or why it starts none.

use super::host::{Assume, Oracle, Told, names};
use super::sample;
use super::{Assumed, Cause, LaterEvent, RUNS_MAX, Scenario, SimulationError};
use counterplay_machine::eval::EvalError;
use counterplay_machine::expr::Slot;
use counterplay_machine::hook;
use counterplay_machine::ingest::{self, Judgement, Observation, Scene, Typed};
use counterplay_machine::json;
use counterplay_machine::playbook::{
    ListSource, ManualParam, Playbook, Trigger, TriggerKind, Webhook,
};
use counterplay_machine::schedule;
use counterplay_machine::schedule::is_schedule;
use counterplay_machine::types::Type;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a cause starts.
pub(super) struct Begun {
    pub at_ms: i64,
    /// What started it, for people.
    pub by: String,
    pub starter: Option<String>,
    /// The variables of each run.
    pub runs: Vec<BTreeMap<Slot, Value>>,
    pub not_started: Vec<String>,
    /// Elements beyond those of which a run is shown.
    pub left_out: usize,
    pub assumed: Vec<Assumed>,
}

pub(super) async fn begin(
    scenario: &Scenario,
    playbook: &Playbook,
    oracle: &mut Oracle<'_>,
) -> Result<Begun, SimulationError> {
    let mut beginning = Beginning {
        scenario,
        playbook,
        begun: Begun {
            at_ms: scenario.at_ms,
            by: String::new(),
            starter: None,
            runs: Vec::new(),
            not_started: Vec::new(),
            left_out: 0,
            assumed: Vec::new(),
        },
    };
    let trigger = beginning.trigger()?;
    let tenant = &scenario.tenant.name;
    let groups = scenario
        .deployment
        .tenants
        .get(tenant)
        .map_or(&[][..], |t| &t.groups);
    let slots = if playbook.tenants.includes(tenant, groups) {
        beginning.slots(trigger, oracle).await?
    } else {
        beginning
            .begun
            .not_started
            .push(format!("the playbook is not for the tenant `{tenant}`"));
        None
    };
    if let Some(slots) = slots {
        beginning.expand(trigger, slots, oracle).await;
    }
    Ok(beginning.begun)
}

/// An event that comes later, read and completed.
pub(super) async fn later(
    scenario: &Scenario,
    later: &LaterEvent,
    at_ms: i64,
    oracle: &mut Oracle<'_>,
) -> Result<Value, SimulationError> {
    let now_ms = at_ms.saturating_add(later.after_ms);
    let scene = || Scene {
        program: &scenario.program,
        deployment: &scenario.deployment,
        tenant: &scenario.tenant,
        now_ms,
    };
    let rejected = |reason: String| SimulationError::Rejected(reason);
    let typed = ingest::read(scene(), &later.event, &later.json)
        .map_err(|rejection| rejected(rejection.to_string()))?;
    let mut known = typed.slots.clone();
    while let Some(fetch) = ingest::next_fetch(scene(), &typed.event, &known)
        .map_err(|error| rejected(format!("{} cannot be completed: {error}", typed.event)))?
    {
        let value = match fetch.args {
            None => Value::Absent,
            Some(args) => {
                let id = format!("simulated:{}", fetch.query);
                match oracle
                    .ask(&fetch.query, args, &id, None, now_ms, Assume::Plain)
                    .await
                {
                    Told::Given(value) | Told::Assumed(value) => value,
                    Told::Fails(reason) => return Err(rejected(reason)),
                }
            }
        };
        known.insert(fetch.slot, value);
    }
    Ok(ingest::complete(&scenario.program, &typed, &known))
}

struct Beginning<'a> {
    scenario: &'a Scenario,
    playbook: &'a Playbook,
    begun: Begun,
}

impl<'a> Beginning<'a> {
    fn scene(&self) -> Scene<'a> {
        Scene {
            program: &self.scenario.program,
            deployment: &self.scenario.deployment,
            tenant: &self.scenario.tenant,
            now_ms: self.begun.at_ms,
        }
    }

    /// The trigger that the cause sets off.
    fn trigger(&self) -> Result<usize, SimulationError> {
        let fits = |kind: &TriggerKind| match (&self.scenario.cause, kind) {
            (Cause::Event(typed), TriggerKind::Event(name)) => *name == typed.event,
            (Cause::Raw { event, .. }, TriggerKind::Event(name)) => **name == **event,
            (Cause::Manual { .. }, TriggerKind::Manual(_)) => true,
            (Cause::Hook { name, .. }, TriggerKind::Webhook(webhook)) => {
                name.as_ref().is_none_or(|n| **n == *webhook.name)
            }
            (Cause::Schedule, kind) if is_schedule(kind) => true,
            _ => false,
        };
        self.playbook
            .triggers
            .iter()
            .position(|t| fits(&t.kind))
            .ok_or_else(|| SimulationError::OtherTrigger {
                playbook: self.playbook.id.to_string(),
                cause: match &self.scenario.cause {
                    Cause::Event(typed) => format!("the event {}", typed.event),
                    Cause::Raw { event, .. } => format!("the event {event}"),
                    Cause::Hook { name: None, .. } => "a webhook".into(),
                    Cause::Hook {
                        name: Some(name), ..
                    } => format!("the webhook {name}"),
                    Cause::Manual { .. } => "hand".into(),
                    Cause::Schedule => "a schedule".into(),
                },
                starts: starts(&self.playbook.triggers),
            })
    }

    /// The variables that the trigger binds, before `for each`; nothing when no run starts.
    async fn slots(
        &mut self,
        trigger: usize,
        oracle: &mut Oracle<'_>,
    ) -> Result<Option<BTreeMap<Slot, Value>>, SimulationError> {
        match &self.scenario.cause {
            Cause::Event(typed) => Ok(self.event(trigger, typed, oracle).await),
            Cause::Raw { event, json } => {
                let typed = ingest::read(self.scene(), event, json)
                    .map_err(|rejection| SimulationError::Rejected(rejection.to_string()))?;
                Ok(self.event(trigger, &typed, oracle).await)
            }
            Cause::Hook { body, .. } => {
                let Some(TriggerKind::Webhook(webhook)) =
                    self.playbook.triggers.get(trigger).map(|t| &t.kind)
                else {
                    return Ok(None);
                };
                self.begun.by = format!("webhook {}", webhook.name);
                self.hook(webhook, body, oracle).await
            }
            Cause::Manual { values, by } => {
                self.begun.by = by.clone().unwrap_or_else(|| "hand".into());
                self.begun.starter = by.clone();
                let Some(TriggerKind::Manual(params)) =
                    self.playbook.triggers.get(trigger).map(|t| &t.kind)
                else {
                    return Ok(None);
                };
                if let Some(name) = values
                    .keys()
                    .find(|name| !params.iter().any(|p| *p.name == ***name))
                {
                    let known: Vec<String> = params
                        .iter()
                        .map(|p| format!("{}: {}", p.name, p.ty))
                        .collect();
                    return Err(SimulationError::Value(format!(
                        "the form has no `{name}`; it has {}",
                        known.join(", ")
                    )));
                }
                self.manual(params, values, oracle).await
            }
            Cause::Schedule => {
                let kind = &self.playbook.triggers[trigger].kind;
                let zone = &self.scenario.tenant.zone;
                let due = schedule::next_after(kind, zone, self.scenario.at_ms.saturating_sub(1));
                self.begun.at_ms =
                    due.ok_or_else(|| SimulationError::Time("the schedule is never due".into()))?;
                self.begun.by = schedule::describe(kind);
                Ok(Some(BTreeMap::new()))
            }
        }
    }

    /// The event's variable, once its conditions let it pass.
    async fn event(
        &mut self,
        trigger: usize,
        typed: &Typed,
        oracle: &mut Oracle<'_>,
    ) -> Option<BTreeMap<Slot, Value>> {
        self.begun.by = typed.event.to_string();
        match &typed.observation {
            Observation::Quiet(reason) => {
                self.begun.not_started.push(format!(
                    "the object is no occurrence of {}: {reason}",
                    typed.event
                ));
                return None;
            }
            Observation::FiresIfChanged {
                value,
                reached: false,
                ..
            } => {
                self.begun.not_started.push(format!(
                    "the object is no occurrence of {}: the value that it watches is {value}",
                    typed.event
                ));
                return None;
            }
            _ => {}
        }
        let bind = |record: Value| -> BTreeMap<Slot, Value> {
            self.playbook
                .event_slot
                .map(|slot| (slot, record))
                .into_iter()
                .collect()
        };
        let each = self
            .playbook
            .triggers
            .get(trigger)
            .is_some_and(|t| t.for_each.is_some());
        // Conditions over stored fields come first, as in production; those over an element come with it.
        if !each && !self.passes(&bind(typed.record.clone()), false) {
            return None;
        }
        let mut known = typed.slots.clone();
        loop {
            let next = match ingest::next_fetch(self.scene(), &typed.event, &known) {
                Ok(next) => next,
                Err(error) => {
                    return self.stop(format!("{} cannot be completed: {error}", typed.event));
                }
            };
            let Some(fetch) = next else { break };
            let value = match fetch.args {
                None => Value::Absent,
                Some(args) => match self.ask(&fetch.query, args, Assume::Plain, oracle).await {
                    Ok(value) => value,
                    Err(reason) => {
                        return self.stop(format!(
                            "`{}` of {} cannot be fetched: {reason}",
                            fetch.field, typed.event
                        ));
                    }
                },
            };
            known.insert(fetch.slot, value);
        }
        Some(bind(ingest::complete(
            &self.scenario.program,
            typed,
            &known,
        )))
    }

    fn stop(&mut self, reason: String) -> Option<BTreeMap<Slot, Value>> {
        self.begun.not_started.push(reason);
        None
    }

    /// Asks a query before a run starts.
    async fn ask(
        &mut self,
        query: &Arc<str>,
        args: Vec<Value>,
        assume: Assume,
        oracle: &mut Oracle<'_>,
    ) -> Result<Value, String> {
        let id = format!("simulated:{query}");
        match oracle
            .ask(query, args, &id, None, self.begun.at_ms, assume)
            .await
        {
            Told::Given(value) => Ok(value),
            Told::Assumed(value) => {
                let shown = value.redacted_json();
                self.begun.assumed.push(Assumed {
                    entry: None,
                    query: query.clone(),
                    value: shown,
                });
                Ok(value)
            }
            Told::Fails(reason) => Err(reason),
        }
    }

    /// The body of a webhook, with the entities that it names.
    async fn hook(
        &mut self,
        webhook: &Webhook,
        body: &Json,
        oracle: &mut Oracle<'_>,
    ) -> Result<Option<BTreeMap<Slot, Value>>, SimulationError> {
        let read = hook::read(&self.scenario.program.types, webhook, body);
        let mut read = read.map_err(|mismatch| SimulationError::Rejected(mismatch.to_string()))?;
        for sought in std::mem::take(&mut read.sought) {
            let (field, ty) = (&sought.field, &sought.ty);
            let value = self
                .find(field, ty, &sought.query, &sought.id, oracle)
                .await?;
            read.found(field, value);
        }
        Ok(Some(BTreeMap::from([(webhook.slot, read.record())])))
    }

    /// Asks for an entity by its id.
    async fn find(
        &mut self,
        name: &str,
        ty: &Type,
        query: &Arc<str>,
        id: &str,
        oracle: &mut Oracle<'_>,
    ) -> Result<Value, SimulationError> {
        let before = self.begun.assumed.len();
        let found = self
            .ask(query, vec![Value::text(id)], Assume::Plain, oracle)
            .await;
        let found =
            found.map_err(|reason| SimulationError::Value(format!("`{name}`: {reason}")))?;
        if self.begun.assumed.len() > before {
            // That it is absent was only assumed; a sample with the id that was asked for shows more.
            let types = &self.scenario.program.types;
            let sampled = with_id(sample::sample(types, ty.present(), self.begun.at_ms), id);
            if let Some(last) = self.begun.assumed.last_mut() {
                last.value = sampled.redacted_json();
            }
            Ok(sampled)
        } else if found.is_present() || ty.is_optional() {
            Ok(found)
        } else {
            Err(SimulationError::Value(format!(
                "`{name}`: there is no {id}"
            )))
        }
    }

    async fn manual(
        &mut self,
        params: &[ManualParam],
        values: &BTreeMap<String, Json>,
        oracle: &mut Oracle<'_>,
    ) -> Result<Option<BTreeMap<Slot, Value>>, SimulationError> {
        let program: &Program = &self.scenario.program;
        let mut slots = BTreeMap::new();
        for param in params {
            let given = values.get(&*param.name).unwrap_or(&Json::Null);
            let value = match (given, &param.lookup) {
                (Json::String(id), Some(query))
                    if matches!(param.ty.present(), Type::Record(_)) =>
                {
                    self.find(&param.name, &param.ty, query, id, oracle).await?
                }
                _ => json::convert(&program.types, given, &param.ty, &param.name)
                    .map_err(|mismatch| SimulationError::Value(mismatch.to_string()))?,
            };
            slots.insert(param.slot, value);
        }
        Ok(Some(slots))
    }

    /// One set of variables per run, judged by the head's conditions and repeats.
    async fn expand(
        &mut self,
        trigger: usize,
        slots: BTreeMap<Slot, Value>,
        oracle: &mut Oracle<'_>,
    ) {
        let each = self
            .playbook
            .triggers
            .get(trigger)
            .and_then(|t| t.for_each.as_ref());
        let asked = match each.map(|each| &each.list) {
            Some(ListSource::Query(query, args)) => {
                let names = names(self.playbook);
                let scene = self.scene();
                let args: Result<Vec<Value>, EvalError> = args
                    .iter()
                    .map(|arg| scene.eval(arg, &slots, &names))
                    .collect();
                let answer = match args {
                    Ok(args) => self.ask(query, args, Assume::OneElement, oracle).await,
                    Err(error) => Err(error.to_string()),
                };
                match answer {
                    Ok(list) => Some(list),
                    Err(reason) => {
                        return self
                            .begun
                            .not_started
                            .push(format!("`{query}` failed: {reason}"));
                    }
                }
            }
            _ => None,
        };
        let runs = match ingest::expand(self.scene(), self.playbook, trigger, slots, asked) {
            Ok(runs) => runs,
            Err(error) => return self.begun.not_started.push(error.to_string()),
        };
        if runs.is_empty() {
            self.begun
                .not_started
                .push("the list of `for each` is empty".into());
        }
        if runs.len() > RUNS_MAX {
            let more = runs.len() - RUNS_MAX;
            self.begun.left_out += more;
            self.begun.not_started.push(format!(
                "{more} more elements: a simulation shows the first {RUNS_MAX}"
            ));
        }
        let mut keys = BTreeSet::new();
        for slots in runs.into_iter().take(RUNS_MAX) {
            if self.passes(&slots, true) && self.is_new(&slots, &mut keys) {
                self.begun.runs.push(slots);
            }
        }
    }

    /// Whether the head's conditions hold; says why not.
    fn passes(&mut self, slots: &BTreeMap<Slot, Value>, fetched: bool) -> bool {
        match ingest::judge(self.scene(), self.playbook, slots, fetched) {
            Ok(Judgement::Yes { .. }) => true,
            Ok(Judgement::No { condition }) => {
                let about = self.about(slots);
                self.begun
                    .not_started
                    .push(format!("`{condition}` does not hold{about}"));
                false
            }
            Err(error) => {
                let about = self.about(slots);
                self.begun
                    .not_started
                    .push(format!("the conditions cannot be decided{about}: {error}"));
                false
            }
        }
    }

    /// Whether no earlier run of this simulation has the same key of `ignore repeats of`.
    fn is_new(&mut self, slots: &BTreeMap<Slot, Value>, keys: &mut BTreeSet<String>) -> bool {
        let key = match ingest::judge(self.scene(), self.playbook, slots, true) {
            Ok(Judgement::Yes { repeat_key }) => repeat_key,
            _ => None,
        };
        let Some(key) = key else { return true };
        if keys.contains(&key) {
            self.begun.not_started.push(format!(
                "it repeats {key}, for which a run was just started"
            ));
            return false;
        }
        keys.insert(key);
        true
    }

    /// Names the element of `for each`, where there is one.
    fn about(&self, slots: &BTreeMap<Slot, Value>) -> String {
        let each = self
            .playbook
            .triggers
            .iter()
            .find_map(|t| t.for_each.as_ref());
        match each.and_then(|each| slots.get(&each.slot)) {
            Some(element) => format!(" for {}", element.label()),
            None => String::new(),
        }
    }
}

/// A sample entity with the id that was asked for.
fn with_id(sample: Value, id: &str) -> Value {
    match &sample {
        Value::Record(record) if record.fields.contains_key("id") => {
            let fields = record.fields.iter().map(|(name, value)| match &**name {
                "id" => (name.clone(), Value::text(id)),
                _ => (name.clone(), value.clone()),
            });
            Value::record(&record.ty, fields)
        }
        _ => sample,
    }
}

fn starts(triggers: &[Trigger]) -> String {
    let all: Vec<String> = triggers
        .iter()
        .map(|t| schedule::describe(&t.kind))
        .collect();
    if all.is_empty() {
        "never".into()
    } else {
        all.join(", or ")
    }
}
