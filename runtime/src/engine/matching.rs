//! An accepted arrival in; which runs it starts, and why others do not, out. Asks queries, changes
//! nothing: it may be repeated as a whole after a restart.

use super::begin::{ManualStart, Tick, manual_params};
use super::canary::{Former, former_name};
use super::heads::hook_listeners;
use super::kit::Kit;
use crate::room::Room;
use crate::store::{Arrival, ArrivalKind};
use counterplay_machine::deployment::Mode;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::expr::Slot;
use counterplay_machine::hook::{self, Body};
use counterplay_machine::index::{Candidate, Found};
use counterplay_machine::ingest::{self, Judgement};
use counterplay_machine::playbook::{ListSource, Playbook};
use counterplay_machine::schedule::{describe, is_schedule};
use counterplay_machine::{Value, json};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many arrivals are matched at once; and how many more of a tenant may wait, for a service that is to tell more of
/// them.
pub(super) const AT_ONCE: usize = 16;

type Slots = BTreeMap<Slot, Value>;

/// Of how many playbooks it is noted which condition does not hold; the others are counted. Small projects see
/// all of theirs, and in large ones an event costs no more for those that it does not concern.
const NOTED_MAX: usize = 20;

/// A run that is to be started, unless it repeats one.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) playbook: Arc<str>,
    pub(super) slots: Slots,
    pub(super) repeat_key: Option<String>,
    pub(super) started_by: String,
    pub(super) starter: Option<String>,
    /// Which of the kit's former programs it is of; the deployed one when absent.
    pub(super) former: Option<usize>,
}

/// What matching found.
#[derive(Clone, Debug, Default)]
pub(super) struct Finding {
    /// Runs to start.
    pub(super) planned: Vec<Planned>,
    /// Why playbooks start no run, one line each.
    pub(super) notes: Vec<String>,
    /// What can never be matched, and why.
    pub(super) broken: Vec<String>,
    /// The event, complete, where runs wait for it.
    pub(super) awaited: Option<(Arc<str>, Value)>,
    /// Playbooks that could not be judged now, and why.
    pub(super) left: Vec<(Arc<str>, String)>,
}

/// A playbook that may start a run.
struct Start<'k> {
    playbook: &'k Playbook,
    trigger: usize,
    slots: Slots,
    started_by: String,
    starter: Option<String>,
}

struct Matcher<'k> {
    kit: &'k Kit,
    arrival: &'k Arrival,
    tenant: TenantFacts,
    room: Room,
    found: Finding,
    /// Where `kit` is that of a former program: the deployed kit, the former program and its number.
    former: Option<(&'k Kit, &'k Former, usize)>,
}

/// Finds out which runs an arrival starts.
///
/// `awaited` tells that runs wait for such an event.
pub(super) async fn find(
    kit: Arc<Kit>,
    arrival: Arc<Arrival>,
    awaited: bool,
    room: Room,
) -> Finding {
    let mut found = Finding::default();
    let Some(tenant) = kit.tenant(&arrival.what.tenant) else {
        let tenant = &arrival.what.tenant;
        found.broken.push(format!(
            "tenant `{tenant}` is no longer in counterplay.toml"
        ));
        return found;
    };
    // Versions that act come before those that are only simulated.
    for (number, former) in kit.formers_in(&arrival.what.tenant) {
        let mut matcher = Matcher {
            kit: &former.kit,
            arrival: &arrival,
            tenant: tenant.clone(),
            room: room.clone(),
            found: Finding::default(),
            former: Some((&kit, former, number)),
        };
        if matcher.is_asked() {
            matcher.any(false).await;
            found.take_in(matcher.found, former);
        }
    }
    let mut matcher = Matcher {
        kit: &kit,
        arrival: &arrival,
        tenant,
        room,
        found,
        former: None,
    };
    matcher.any(awaited).await;
    matcher.found
}

impl Finding {
    /// Adds what was found for a former program.
    fn take_in(&mut self, of: Finding, former: &Former) {
        let told = |line: String| {
            let (id, rest) = line.split_once(": ")?;
            former.version(id)?;
            Some(format!("{id}: its promoted version: {rest}"))
        };
        self.planned.extend(of.planned);
        self.notes.extend(of.notes.into_iter().filter_map(told));
        self.left
            .extend(of.left.into_iter().filter_map(|(id, why)| {
                let name = former_name(&id, former.version(&id)?);
                Some((Arc::from(name), why))
            }));
        self.broken.extend(of.broken.into_iter().map(|line| {
            let whole = told(line.clone());
            whole.unwrap_or_else(|| format!("for a promoted version: {line}"))
        }));
    }
}

impl<'k> Matcher<'k> {
    /// For whom a service is asked, and where this waits for it.
    fn asks(&self) -> (&TenantFacts, Room) {
        (&self.tenant, self.room.clone())
    }

    async fn any(&mut self, awaited: bool) {
        match self.arrival.what.kind {
            ArrivalKind::Event => self.event(awaited).await,
            ArrivalKind::Tick => self.tick().await,
            ArrivalKind::Manual => self.manual().await,
            ArrivalKind::Hook => self.hook().await,
        }
    }

    /// Whether a playbook is still to be judged, by the version that is looked at.
    fn concerns(&self, playbook: &str) -> bool {
        let Some((deployed, former, _)) = self.former else {
            return self.arrival.concerns(playbook);
        };
        match former.version(playbook) {
            Some(version) if deployed.held_back(playbook, &self.tenant.name).is_some() => {
                self.arrival.concerns(&former_name(playbook, version))
            }
            _ => false,
        }
    }

    /// Whether a former program has to be asked at all.
    fn is_asked(&self) -> bool {
        let Some((_, former, _)) = self.former else {
            return true;
        };
        let name = self.arrival.what.name.as_str();
        match self.arrival.what.kind {
            ArrivalKind::Event => {
                let (kit, tenant) = (self.kit, &self.tenant.name);
                let index = &kit.heads.index;
                former.playbooks().any(|id| self.concerns(id))
                    && index.is_awaited(&kit.awake, &kit.deployment, tenant, name)
            }
            ArrivalKind::Tick | ArrivalKind::Manual => self.concerns(name),
            ArrivalKind::Hook => former.playbooks().any(|id| self.concerns(id)),
        }
    }

    async fn event(&mut self, awaited: bool) {
        let (kit, arrival) = (self.kit, self.arrival);
        let name = arrival.what.name.as_str();
        let object = match arrival
            .what
            .payload
            .sift(kit.heads.reader.wanted(Some(name)))
        {
            Ok(object) => Arc::new(object),
            Err(reason) => return self.found.broken.push(reason),
        };
        let typed = match ingest::read_shared(kit.scene(&self.tenant), name, &object) {
            Ok(typed) => typed,
            Err(rejection) => return self.found.broken.push(rejection.to_string()),
        };
        let found = kit.heads.index.find(
            &kit.awake,
            kit.scene(&self.tenant),
            &typed.event,
            &typed.record,
            NOTED_MAX,
        );
        if found.waiting == 0 && !awaited {
            return self
                .found
                .notes
                .push("no playbook waits for it in this tenant".into());
        }
        let candidates = self.candidates(&found, &typed.record);
        if candidates.is_empty() && !awaited {
            return;
        }
        let mut slots = typed.slots.clone();
        loop {
            let fetch = match ingest::next_fetch(kit.scene(&self.tenant), &typed.event, &slots) {
                Ok(Some(fetch)) => fetch,
                Ok(None) => break,
                Err(error) => return self.found.broken.push(error.to_string()),
            };
            let value = match fetch.args {
                None => Value::Absent,
                Some(args) => {
                    let id = format!("e-{}:{}", arrival.num, fetch.field);
                    match kit.ask(id, &fetch.query, args, self.asks()).await {
                        Ok(value) => value,
                        Err(reason) => {
                            let left = candidates
                                .iter()
                                .map(|(p, _)| (p.id.clone(), reason.clone()));
                            self.found.left.extend(left);
                            if awaited {
                                let runs = Arc::from("runs that wait for it");
                                self.found.left.push((runs, reason));
                            }
                            return;
                        }
                    }
                }
            };
            slots.insert(fetch.slot, value);
        }
        let record = ingest::complete(&kit.program, &typed, &slots);
        if awaited {
            self.found.awaited = Some((typed.event.clone(), record.clone()));
        }
        for (playbook, trigger) in candidates {
            let slots = bind(playbook, &record);
            self.judge(Start {
                playbook,
                trigger,
                slots,
                started_by: typed.event.to_string(),
                starter: None,
            })
            .await;
        }
    }

    /// Those whose conditions over stored fields leave the question open; why others start nothing is noted.
    fn candidates(&mut self, found: &Found<'k>, record: &Value) -> Vec<(&'k Playbook, usize)> {
        let mut looked_at: Vec<(&Arc<str>, Option<Candidate<'k>>)> = Vec::new();
        looked_at.extend(found.candidates.iter().map(|c| (c.playbook, Some(*c))));
        looked_at.extend(found.others.iter().map(|id| (*id, None)));
        looked_at.sort_unstable_by_key(|(id, _)| *id);
        let mut candidates = Vec::new();
        for (id, candidate) in looked_at {
            let Some(playbook) = self.kit.program.playbooks.get(id) else {
                continue;
            };
            if !self.concerns(id) {
                continue;
            }
            match candidate {
                Some(c) if c.holds => candidates.push((playbook, c.trigger)),
                Some(c) => {
                    if self.may_start(playbook, c.trigger, &bind(playbook, record)) {
                        candidates.push((playbook, c.trigger));
                    }
                }
                None => self.explain(playbook, &bind(playbook, record)),
            }
        }
        let more = found.waiting - found.candidates.len() - found.others.len();
        if more > 0 && self.arrival.remaining.is_none() {
            self.found.notes.push(format!(
                "and {more} more that wait for it, whose conditions do not hold"
            ));
        }
        candidates
    }

    /// Says which condition of a playbook does not hold.
    fn explain(&mut self, playbook: &Playbook, slots: &Slots) {
        let judged = ingest::judge(self.kit.scene(&self.tenant), playbook, slots, false);
        if let Ok(Judgement::No { condition }) = judged {
            self.not(playbook, &condition);
        }
    }

    /// Whether the conditions over stored fields leave the question open.
    fn may_start(&mut self, playbook: &Playbook, trigger: usize, slots: &Slots) -> bool {
        // Conditions may look at the element of `for each`, which is not known yet.
        let for_each = playbook
            .triggers
            .get(trigger)
            .is_some_and(|t| t.for_each.is_some());
        match ingest::judge(self.kit.scene(&self.tenant), playbook, slots, false) {
            Ok(Judgement::Yes { .. }) => true,
            Ok(Judgement::No { condition }) => {
                self.not(playbook, &condition);
                false
            }
            Err(_) if for_each => true,
            Err(error) => {
                self.found.broken.push(format!("{}: {error}", playbook.id));
                false
            }
        }
    }

    fn not(&mut self, playbook: &Playbook, condition: &str) {
        self.found
            .notes
            .push(format!("{}: not `{condition}`", playbook.id));
    }

    async fn tick(&mut self) {
        let Some(playbook) = self.playbook() else {
            return;
        };
        let tick = match self.payload::<Tick>() {
            Ok(tick) => tick,
            Err(reason) => return self.found.broken.push(reason),
        };
        let here = self
            .former
            .and_then(|(_, former, _)| former.version(&playbook.id));
        let trigger = match (here, tick.by_hand) {
            // The schedule of another version.
            (of, false) if tick.version.as_deref() != of => return,
            (Some(_), true) => first_schedule(playbook),
            _ => Some(tick.trigger),
        };
        let Some(trigger) = trigger else {
            return;
        };
        let Some(kind) = playbook
            .triggers
            .get(trigger)
            .map(|t| &t.kind)
            .filter(|kind| is_schedule(kind))
        else {
            return self
                .found
                .notes
                .push(format!("{}: its schedule is gone", playbook.id));
        };
        self.judge(Start {
            playbook,
            trigger,
            slots: Slots::new(),
            started_by: describe(kind),
            starter: None,
        })
        .await;
    }

    async fn manual(&mut self) {
        let Some(playbook) = self.playbook() else {
            return;
        };
        let start: ManualStart = match self.payload() {
            Ok(start) => start,
            Err(reason) => return self.found.broken.push(reason),
        };
        let trigger = playbook.triggers.iter().position(|t| {
            matches!(
                t.kind,
                counterplay_machine::playbook::TriggerKind::Manual(_)
            )
        });
        let (Some(trigger), Some(params)) = (trigger, manual_params(playbook)) else {
            return self
                .found
                .broken
                .push(format!("{}: its manual trigger is gone", playbook.id));
        };
        let mut slots = Slots::new();
        for param in params {
            let given = start.values.get(&*param.name).unwrap_or(&Json::Null);
            let value = match &param.lookup {
                None => match json::convert(&self.kit.program.types, given, &param.ty, &param.name)
                {
                    Ok(value) => value,
                    Err(mismatch) => return self.found.broken.push(mismatch.to_string()),
                },
                Some(query) => {
                    let id = format!("e-{}:{}", self.arrival.num, param.name);
                    let key = given.as_str().unwrap_or_default();
                    match self
                        .kit
                        .ask(id, query, vec![Value::text(key)], self.asks())
                        .await
                    {
                        Ok(value) if value.is_present() || param.ty.is_optional() => value,
                        Ok(_) => {
                            let ty = param.ty.present();
                            return self
                                .found
                                .broken
                                .push(format!("there is no {ty} `{key}` (`{}`)", param.name));
                        }
                        Err(reason) => return self.found.left.push((playbook.id.clone(), reason)),
                    }
                }
            };
            slots.insert(param.slot, value);
        }
        let started_by = start.by.clone().unwrap_or_else(|| "a person".into());
        self.judge(Start {
            playbook,
            trigger,
            slots,
            started_by,
            starter: start.by,
        })
        .await;
    }

    async fn hook(&mut self) {
        let (kit, arrival) = (self.kit, self.arrival);
        let name = &arrival.what.name;
        let listeners = hook_listeners(kit, &self.tenant.name, name);
        if listeners.is_empty() {
            return self
                .found
                .notes
                .push("no playbook listens to it in this tenant".into());
        }
        let payload = match arrival.what.payload.json() {
            Ok(payload) => payload,
            Err(reason) => return self.found.broken.push(reason),
        };
        for (playbook, trigger, webhook) in listeners {
            if !self.concerns(&playbook.id) {
                continue;
            }
            let body = match hook::read(&kit.program.types, webhook, &payload) {
                Ok(body) => body,
                Err(mismatch) => {
                    self.found
                        .broken
                        .push(format!("{}: {mismatch}", playbook.id));
                    continue;
                }
            };
            let Some(record) = self.find_sought(playbook, body).await else {
                continue;
            };
            self.judge(Start {
                playbook,
                trigger,
                slots: Slots::from([(webhook.slot, record)]),
                started_by: format!("webhook {name}"),
                starter: None,
            })
            .await;
        }
    }

    /// Asks for the entities that a body names by their ids.
    async fn find_sought(&mut self, playbook: &Playbook, mut body: Body) -> Option<Value> {
        for sought in std::mem::take(&mut body.sought) {
            let id = format!("e-{}:{}:{}", self.arrival.num, playbook.id, sought.field);
            let asked = vec![Value::text(&sought.id)];
            match self.kit.ask(id, &sought.query, asked, self.asks()).await {
                Ok(value) if value.is_present() || sought.ty.is_optional() => {
                    body.found(&sought.field, value);
                }
                Ok(_) => {
                    self.found.broken.push(format!(
                        "{}: there is no {} `{}` (`{}`)",
                        playbook.id,
                        sought.ty.present(),
                        sought.id,
                        sought.field
                    ));
                    return None;
                }
                Err(reason) => {
                    self.found.left.push((playbook.id.clone(), reason));
                    return None;
                }
            }
        }
        Some(body.record())
    }

    /// What a schedule or a person said.
    fn payload<T: DeserializeOwned>(&self) -> Result<T, String> {
        let json = self.arrival.what.payload.json()?;
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    /// The playbook that a schedule or a person starts.
    fn playbook(&mut self) -> Option<&'k Playbook> {
        let name = self.arrival.what.name.as_str();
        match self.kit.program.playbooks.get(name) {
            None => {
                self.found
                    .broken
                    .push(format!("there is no playbook `{name}` any more"));
                None
            }
            Some(playbook) if ingest::mode(&self.kit.deployment, playbook) == Mode::Paused => {
                self.found.notes.push(format!("{name}: it is paused"));
                None
            }
            Some(playbook) => Some(playbook),
        }
    }

    /// Expands `for each` and judges every condition.
    async fn judge(&mut self, start: Start<'k>) {
        let Start {
            playbook,
            trigger,
            slots,
            started_by,
            starter,
        } = start;
        let asked = match self.list(playbook, trigger, &slots).await {
            Ok(asked) => asked,
            Err(()) => return,
        };
        let (kit, id) = (self.kit, playbook.id.clone());
        let expanded =
            match ingest::expand(kit.scene(&self.tenant), playbook, trigger, slots, asked) {
                Ok(expanded) => expanded,
                Err(error) => return self.found.broken.push(format!("{id}: {error}")),
            };
        if expanded.is_empty() {
            self.found.notes.push(format!("{id}: the list is empty"));
        }
        for slots in expanded {
            match ingest::judge(kit.scene(&self.tenant), playbook, &slots, true) {
                Ok(Judgement::Yes { repeat_key }) => self.found.planned.push(Planned {
                    playbook: id.clone(),
                    slots,
                    repeat_key,
                    started_by: started_by.clone(),
                    starter: starter.clone(),
                    former: self.former.map(|(.., number)| number),
                }),
                Ok(Judgement::No { condition }) => self.not(playbook, &condition),
                Err(error) => self.found.broken.push(format!("{id}: {error}")),
            }
        }
    }

    /// Asks for the list of `for each`, where it comes from a query.
    async fn list(
        &mut self,
        playbook: &Playbook,
        trigger: usize,
        slots: &Slots,
    ) -> Result<Option<Value>, ()> {
        let each = playbook
            .triggers
            .get(trigger)
            .and_then(|t| t.for_each.as_ref());
        let Some(ListSource::Query(query, exprs)) = each.map(|e| &e.list) else {
            return Ok(None);
        };
        let mut args = Vec::new();
        {
            let scene = self.kit.scene(&self.tenant);
            let names = |slot: Slot| playbook.slots.get(slot.0 as usize).map(|s| s.name.clone());
            for expr in exprs {
                match scene.eval(expr, slots, &names) {
                    Ok(value) => args.push(value),
                    Err(error) => {
                        self.found.broken.push(format!("{}: {error}", playbook.id));
                        return Err(());
                    }
                }
            }
        }
        let id = format!("e-{}:{}:each", self.arrival.num, playbook.id);
        match self.kit.ask(id, query, args, self.asks()).await {
            Ok(value) => Ok(Some(value)),
            Err(reason) => {
                self.found.left.push((playbook.id.clone(), reason));
                Err(())
            }
        }
    }
}

/// The schedule that is fired by hand.
pub(super) fn first_schedule(playbook: &Playbook) -> Option<usize> {
    playbook.triggers.iter().position(|t| is_schedule(&t.kind))
}

/// The variables of a playbook that an event starts.
fn bind(playbook: &Playbook, record: &Value) -> Slots {
    let slot = playbook.event_slot.map(|slot| (slot, record.clone()));
    slot.into_iter().collect()
}
