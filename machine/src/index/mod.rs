//! A program in; for an event, the playbooks that it may start out. Pure, made once for each program.
//!
//! The heads of all playbooks are taken apart into what they want of single values: the tenant, a field, an
//! expression over fields. For each such value there is a table ([`table`]) which tells for whom it is right.
//! What is left after all tables is what may start. Values that few playbooks look at are looked at only where one of
//! those is left, and at most once. Conditions that might fail, and what stands after them, are not looked at here.

mod atoms;
mod bits;
mod listen;
mod region;
mod sure;
mod table;

pub use listen::{Awake, Index};

use atoms::Subject;
use bits::Bits;
use region::{Key, Kind, Region};
use std::sync::Arc;
use table::Table;

use crate::deployment::Deployment;
use crate::eval::{Env, eval};
use crate::expr::Slot;
use crate::ingest::Scene;
use crate::value::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// A playbook that an event may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'i> {
    /// Its id.
    pub playbook: &'i Arc<str>,
    /// The trigger that matches.
    pub trigger: usize,
    /// Whether its conditions over stored fields hold; else they are still to be judged.
    pub holds: bool,
}

/// What an event may start.
#[derive(Clone, Debug, Default)]
pub struct Found<'i> {
    /// The playbooks that may start, in the order of their ids.
    pub candidates: Vec<Candidate<'i>>,
    /// How many playbooks wait for the event in its tenant, whatever their conditions say.
    pub waiting: usize,
    /// Some of those that wait and whose conditions do not hold, in the order of their ids.
    pub others: Vec<&'i Arc<str>>,
}

/// A playbook that waits for an event.
#[derive(Clone, Debug)]
struct Listener {
    playbook: Arc<str>,
    trigger: u32,
    /// Whether its wishes are all that it wants of stored fields.
    complete: bool,
    /// What it wants of values that few others look at: the numbers of the values.
    rare: Vec<(u32, Region)>,
}

/// The playbooks that wait for one event, or for one webhook.
#[derive(Clone, Debug, Default)]
struct Listeners {
    all: Vec<Listener>,
    tenants: Vec<(Subject, Table)>,
    /// Values that many look at.
    common: Vec<(Subject, Table)>,
    /// Values that few look at.
    rare: Vec<Subject>,
}

/// What stands at the place that a subject names.
enum Standing {
    At(Kind, Key),
    /// Something that is no key: it is there, and that is all.
    Something,
    Absent,
    /// It has no value; whoever asks for it is told so in the order of its conditions.
    Fails,
}

/// An event and its tenant, as subjects look at them.
struct Look<'a> {
    scene: Scene<'a>,
    record: &'a Value,
}

impl Look<'_> {
    fn at(&self, subject: &Subject) -> Standing {
        match subject {
            Subject::Tenant | Subject::Group(_) => {
                of_tenant(subject, self.scene.deployment, &self.scene.tenant.name)
            }
            Subject::Field(names) => {
                let mut at = self.record;
                for name in names {
                    let Value::Record(record) = at else {
                        return Standing::Fails;
                    };
                    let Some(field) = record.fields.get(name) else {
                        return Standing::Fails;
                    };
                    at = field;
                }
                standing(at)
            }
            Subject::Expr(expr) => {
                let look = |slot: Slot| (slot == sure::EVENT).then(|| self.record.clone());
                let env = Env {
                    types: &self.scene.program.types,
                    deployment: self.scene.deployment,
                    tenant: self.scene.tenant,
                    now_ms: self.scene.now_ms,
                    run: None,
                    call: None,
                    slots: &look,
                    names: &|_| None,
                };
                eval(expr, &env).map_or(Standing::Fails, |value| standing(&value))
            }
        }
    }
}

/// What stands at a subject that only looks at the tenant.
fn of_tenant(subject: &Subject, deployment: &Deployment, tenant: &str) -> Standing {
    match subject {
        Subject::Group(group) => {
            let tenant = deployment.tenants.get(tenant);
            let is_in = tenant.is_some_and(|t| t.groups.iter().any(|g| **g == **group));
            Standing::At(Kind::Bool, Key::Bool(is_in))
        }
        _ => Standing::At(Kind::Text, Key::Text(Arc::from(tenant))),
    }
}

fn standing(value: &Value) -> Standing {
    if !value.is_present() {
        return Standing::Absent;
    }
    match region::key(value) {
        Some((kind, key)) => Standing::At(kind, key),
        None => Standing::Something,
    }
}

/// Room to work in. Each thread keeps its own, so that an event needs none of its own.
#[derive(Default)]
struct Room {
    alive: Bits,
    spare: Bits,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Listeners {
    /// Leaves in `room.alive` those that wait in a tenant.
    fn waiting(&self, (deployment, tenant): (&Deployment, &str), awake: &Bits, room: &mut Room) {
        room.alive.copy(awake);
        for (subject, table) in &self.tenants {
            let standing = of_tenant(subject, deployment, tenant);
            table.keep_at(&standing, &mut room.alive, &mut room.spare);
        }
    }

    fn is_awaited(&self, at: (&Deployment, &str), awake: &Bits) -> bool {
        ROOM.with_borrow_mut(|room| {
            self.waiting(at, awake, room);
            !room.alive.is_empty()
        })
    }

    fn find(&self, look: &Look<'_>, awake: &Bits, others: usize) -> Found<'_> {
        ROOM.with_borrow_mut(|room| self.find_in(room, look, awake, others))
    }

    fn find_in(&self, room: &mut Room, look: &Look<'_>, awake: &Bits, others: usize) -> Found<'_> {
        let at = (look.scene.deployment, look.scene.tenant.name.as_str());
        self.waiting(at, awake, room);
        let Room { alive, spare } = room;
        let before = (others > 0).then(|| alive.clone());
        let waiting = alive.count();
        // Whether something that was thought to be sure was not.
        let mut doubt = false;
        for (subject, table) in &self.common {
            if alive.is_empty() {
                break;
            }
            doubt |= !table.keep_at(&look.at(subject), alive, spare);
        }
        let mut seen: HashMap<u32, Standing> = HashMap::new();
        let mut candidates = Vec::with_capacity(alive.count().min(64));
        for number in alive.iter() {
            let Some(listener) = self.all.get(number as usize) else {
                continue;
            };
            let suits = listener.rare.iter().all(|(of, region)| {
                let Some(subject) = self.rare.get(*of as usize) else {
                    return true;
                };
                let standing = seen.entry(*of).or_insert_with(|| look.at(subject));
                match standing {
                    Standing::At(kind, key) if region.kind.as_ref().is_none_or(|k| k == kind) => {
                        region.holds(key)
                    }
                    Standing::Something if region.kind.is_none() => region.first,
                    Standing::Absent => region.lets_absent_pass(),
                    _ => {
                        doubt = true;
                        true
                    }
                }
            });
            if suits {
                candidates.push(Candidate {
                    playbook: &listener.playbook,
                    trigger: listener.trigger as usize,
                    holds: listener.complete,
                });
            }
        }
        if doubt {
            for candidate in &mut candidates {
                candidate.holds = false;
            }
        }
        Found {
            others: before
                .map_or_else(Vec::new, |before| self.others(&before, &candidates, others)),
            candidates,
            waiting,
        }
    }

    /// The first of those that wait and are no candidates.
    fn others(&self, waiting: &Bits, candidates: &[Candidate<'_>], most: usize) -> Vec<&Arc<str>> {
        let mut candidates = candidates.iter().peekable();
        let all = waiting
            .iter()
            .filter_map(|number| self.all.get(number as usize));
        all.filter(|listener| {
            candidates
                .next_if(|c| *c.playbook == listener.playbook)
                .is_none()
        })
        .take(most)
        .map(|listener| &listener.playbook)
        .collect()
    }
}

impl Table {
    /// Keeps those whom what stands there suits; whether that could be told.
    fn keep_at(&self, standing: &Standing, alive: &mut Bits, spare: &mut Bits) -> bool {
        match standing {
            Standing::At(kind, key) => self.keep(kind, key, alive, spare),
            Standing::Something => self.keep_something(alive),
            Standing::Absent => {
                self.keep_absent(alive);
                true
            }
            Standing::Fails => false,
        }
    }
}
