//! A program in; who waits for what, with the tables about them, out.

use super::atoms::{self, Subject, Wishes};
use super::bits::Bits;
use super::region::{Kind, Region};
use super::sure::Scope;
use super::table::Table;
use super::{Found, Listener, Listeners, Look};
use crate::deployment::{Deployment, Mode};
use crate::ingest::{self, Scene};
use crate::playbook::{Playbook, TriggerKind};
use crate::program::Program;
use crate::types::Type;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Who waits for what.
#[derive(Clone, Debug, Default)]
pub struct Index {
    events: BTreeMap<Arc<str>, Listeners>,
    hooks: BTreeMap<Arc<str>, Listeners>,
}

/// Who of those in an index is not paused, in a deployment.
#[derive(Clone, Debug, Default)]
pub struct Awake {
    events: BTreeMap<Arc<str>, Bits>,
    hooks: BTreeMap<Arc<str>, Bits>,
}

/// A value that many look at where it is at least this part of all.
const COMMON: usize = 16;

impl Index {
    /// Takes the heads of all playbooks apart.
    pub fn new(program: &Program) -> Index {
        let mut events: BTreeMap<&Arc<str>, Vec<(&Playbook, usize)>> = BTreeMap::new();
        let mut hooks: BTreeMap<&Arc<str>, Vec<(&Playbook, usize)>> = BTreeMap::new();
        for playbook in program.playbooks.values() {
            for (at, trigger) in playbook.triggers.iter().enumerate() {
                let (all, name) = match &trigger.kind {
                    TriggerKind::Event(name) => (&mut events, name),
                    TriggerKind::Webhook(webhook) => (&mut hooks, &webhook.name),
                    _ => continue,
                };
                let waiting = all.entry(name).or_default();
                // The first of its triggers counts.
                if waiting.last().is_none_or(|(p, _)| p.id != playbook.id) {
                    waiting.push((playbook, at));
                }
            }
        }
        let of_event = |(name, waiting): (&Arc<str>, Vec<(&Playbook, usize)>)| {
            let fields: BTreeMap<Arc<str>, Type> = program
                .events
                .get(name)
                .into_iter()
                .flat_map(|event| &event.fields)
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect();
            let wishes = |playbook: &Playbook| {
                atoms::conditions(playbook, &mut Scope::new(program, name, &fields))
            };
            (name.clone(), Listeners::new(&waiting, wishes))
        };
        let of_hook = |(name, waiting): (&Arc<str>, Vec<(&Playbook, usize)>)| {
            (
                name.clone(),
                Listeners::new(&waiting, |_| Wishes::default()),
            )
        };
        Index {
            events: events.into_iter().map(of_event).collect(),
            hooks: hooks.into_iter().map(of_hook).collect(),
        }
    }

    /// Who is not paused.
    pub fn awake(&self, program: &Program, deployment: &Deployment) -> Awake {
        let of = |all: &BTreeMap<Arc<str>, Listeners>| {
            all.iter()
                .map(|(name, listeners)| {
                    let mut awake = Bits::none(listeners.all.len());
                    for (number, listener) in listeners.all.iter().enumerate() {
                        let playbook = program.playbooks.get(&listener.playbook);
                        if playbook.is_some_and(|p| ingest::mode(deployment, p) != Mode::Paused) {
                            awake.insert(number as u32);
                        }
                    }
                    (name.clone(), awake)
                })
                .collect()
        };
        Awake {
            events: of(&self.events),
            hooks: of(&self.hooks),
        }
    }

    /// The playbooks that an event may start, and up to `others` of those whose conditions do not hold.
    /// `record` is the event's record with its stored fields.
    pub fn find(
        &self,
        awake: &Awake,
        scene: Scene<'_>,
        event: &str,
        record: &Value,
        others: usize,
    ) -> Found<'_> {
        match (self.events.get(event), awake.events.get(event)) {
            (Some(listeners), Some(awake)) => {
                listeners.find(&Look { scene, record }, awake, others)
            }
            _ => Found::default(),
        }
    }

    /// Whether a playbook waits for an event in a tenant.
    pub fn is_awaited(
        &self,
        awake: &Awake,
        deployment: &Deployment,
        tenant: &str,
        event: &str,
    ) -> bool {
        let (Some(listeners), Some(awake)) = (self.events.get(event), awake.events.get(event))
        else {
            return false;
        };
        listeners.is_awaited((deployment, tenant), awake)
    }

    /// The playbooks that listen to a webhook in a tenant, each with the trigger that matches. Their
    /// conditions are still to be judged.
    pub fn listening(&self, awake: &Awake, scene: Scene<'_>, hook: &str) -> Found<'_> {
        match (self.hooks.get(hook), awake.hooks.get(hook)) {
            (Some(listeners), Some(awake)) => {
                let record = &Value::Absent;
                listeners.find(&Look { scene, record }, awake, 0)
            }
            _ => Found::default(),
        }
    }

    /// How much memory it holds in bytes, about. Texts are the program's.
    pub fn bytes(&self) -> usize {
        let all = self.events.values().chain(self.hooks.values());
        all.map(Listeners::bytes).sum()
    }
}

impl Listeners {
    fn new(waiting: &[(&Playbook, usize)], wishes: impl Fn(&Playbook) -> Wishes) -> Listeners {
        let len = waiting.len();
        let mut all = Vec::with_capacity(len);
        let mut tenants = Collected::default();
        let mut values = Collected::default();
        for (number, (playbook, trigger)) in waiting.iter().enumerate() {
            let number = number as u32;
            if let Some((subject, region)) = atoms::tenants(playbook) {
                tenants.add(subject, number, region);
            }
            let wishes = wishes(playbook);
            all.push(Listener {
                playbook: playbook.id.clone(),
                trigger: *trigger as u32,
                complete: wishes.complete,
                rare: Vec::new(),
            });
            for (subject, region) in wishes.all {
                values.add(subject, number, region);
            }
        }
        let mut listeners = Listeners {
            tenants: tenants.tables(len),
            ..Listeners::default()
        };
        let (common, rare): (Vec<_>, Vec<_>) = values
            .all
            .into_iter()
            .partition(|(_, who)| who.len() * COMMON >= len);
        // Where the most playbooks look, the most are turned down.
        listeners.common = Collected {
            all: common,
            ..Collected::default()
        }
        .tables(len);
        for (subject, who) in rare {
            let of = listeners.rare.len() as u32;
            listeners.rare.push(subject);
            for (number, region) in who {
                if let Some(listener) = all.get_mut(number as usize) {
                    listener.rare.push((of, region));
                }
            }
        }
        listeners.all = all;
        listeners
    }

    fn bytes(&self) -> usize {
        let tables = self.tenants.iter().chain(&self.common);
        let rare = |listener: &Listener| {
            let cuts = listener.rare.iter().map(|(_, r)| size_of_val(&r.cuts[..]));
            size_of_val(&listener.rare[..]) + cuts.sum::<usize>()
        };
        self.all.capacity() * size_of::<Listener>()
            + self.all.iter().map(rare).sum::<usize>()
            + self.rare.capacity() * size_of::<Subject>()
            + tables
                .map(|(_, table)| table.bytes() + size_of::<Subject>())
                .sum::<usize>()
    }
}

/// Wishes, by what they are about.
#[derive(Default)]
struct Collected {
    all: Vec<(Subject, Vec<(u32, Region)>)>,
    numbers: HashMap<(String, Option<String>), usize>,
}

impl Collected {
    fn add(&mut self, subject: Subject, who: u32, region: Region) {
        let kind = region.kind.as_ref().map(|kind| match kind {
            Kind::Member(ty) => ty.to_string(),
            other => format!("{other:?}"),
        });
        let next = self.all.len();
        let number = *self.numbers.entry((subject.name(), kind)).or_insert(next);
        if number == next {
            self.all.push((subject, Vec::new()));
        }
        if let Some((_, wishes)) = self.all.get_mut(number) {
            wishes.push((who, region));
        }
    }

    /// A table for each, those about which the most have wishes first; fields before anything that has to be worked out.
    fn tables(mut self, len: usize) -> Vec<(Subject, Table)> {
        self.all.sort_by_key(|(subject, who)| {
            (
                matches!(subject, Subject::Expr(_)),
                std::cmp::Reverse(who.len()),
            )
        });
        self.all
            .into_iter()
            .map(|(subject, wishes)| {
                let table = Table::new(len, &wishes);
                (subject, table)
            })
            .collect()
    }
}

impl Awake {
    /// How much memory it holds in bytes, about.
    pub fn bytes(&self) -> usize {
        let all = self.events.values().chain(self.hooks.values());
        all.map(Bits::bytes).sum()
    }
}
