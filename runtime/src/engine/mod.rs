//! Events, times and people's words in; durable runs and calls to the outside out.
//!
//! Every transition of a run is one transaction of the store: state, journal, timers, calls and the
//! input that it consumed. Calls are sent after the commit that asked for them and marked before
//! they are, so that a restart goes on where the store stands and repeats nothing by accident.

mod accept;
mod backlog;
mod begin;
mod calls;
mod canary;
mod changes;
mod deeds;
mod deploy;
mod drive;
mod error;
mod heads;
mod hooks;
mod ids;
mod kit;
mod late;
mod leases;
mod letters;
mod links;
mod look;
mod matching;
mod messages;
mod modes;
mod notice;
mod pauses;
mod people;
mod polling;
mod programs;
mod record;
mod recover;
mod retention;
mod schedules;
mod seen;
mod shared;
mod slots;
mod sources;
mod starts;
mod subscriptions;
mod time;
mod transition;
mod undo;

pub use crate::links::{LinkRefused, PersonalLink};
pub use accept::{Incoming, Receipt};
pub use backlog::RETRY_AFTER_S;
pub use changes::{ChangeTold, ChangesTaken, Told};
pub use drive::{Rest, Until};
pub use error::{EngineError, Refusal};
pub use hooks::HookDelivery;
pub use ids::Ids;
pub use modes::{ModeOrigin, PlaybookMode};
pub use notice::Notice;
pub use sources::{SourceInfo, SubscriptionInfo};

use crate::call::Connector;
use crate::clock::Clock;
use crate::store::{EngineLock, Fault, Store};
use backlog::Backlog;
use canary::Canaries;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::program::FORMAT;
use drive::Driver;
use heads::Heads;
use kit::{Deployed, Kit, Parts};
use programs::Programs;
use slots::Slots;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, broadcast};

/// How many notices a watcher may lag behind before it misses some.
const NOTICES: usize = 4096;

/// What an engine is made of.
pub struct EngineOptions {
    /// The program that new runs are started with.
    pub program: Arc<Program>,
    /// Tenants, teams and modes.
    pub deployment: Deployment,
    /// Where everything is kept.
    pub store: Store,
    /// Performs calls.
    pub connector: Arc<dyn Connector>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub ids: Ids,
    /// How many calls may be under way at once; those that wait are not counted.
    pub calls_max: usize,
    /// How many arrivals of one tenant may wait to be matched; more are refused until there is room.
    pub backlog_max: usize,
    /// Whether schedules fire; on a virtual clock their times are then waited for like timers.
    pub schedules: bool,
    /// Whether declared sources are polled; on a virtual clock their times are then waited for like
    /// timers.
    pub polling: bool,
    /// On a virtual clock: for how long (in real time) to wait for people before time goes on while
    /// an approval is open or a run is held; [`Duration::MAX`] waits for ever.
    pub answer_wait: Option<Duration>,
    /// For how long ended runs are kept whole, in milliseconds; for ever where nobody says.
    pub keep_ended_ms: Option<i64>,
    /// For how long (in real time) a stop waits for calls that are under way.
    pub stop_within: Duration,
    /// The address that people reach the service at, such as `https://play.example.org`. Whoever may
    /// answer an approval is then sent a link to its page; nobody is without it, in a simulated run,
    /// or on a virtual clock.
    pub link_base: Option<String>,
    /// Whether a program that differs from the one that was deployed last is written into the audit trail, as
    /// deployed by the start, with what it changes.
    pub records_start: bool,
}

impl EngineOptions {
    /// Options with the usual limits and true randomness.
    pub fn new(
        program: Arc<Program>,
        deployment: Deployment,
        store: Store,
        connector: Arc<dyn Connector>,
        clock: Arc<dyn Clock>,
    ) -> EngineOptions {
        EngineOptions {
            program,
            deployment,
            store,
            connector,
            clock,
            ids: Ids::random(),
            calls_max: 64,
            backlog_max: 10_000,
            schedules: true,
            polling: false,
            answer_wait: None,
            keep_ended_ms: None,
            stop_within: Duration::from_secs(10),
            link_base: None,
            records_start: false,
        }
    }
}

/// The host of runs. A cheap handle; the last one that is dropped ends the engine at once, as a
/// crash would, and nothing is lost by it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    deployed: Arc<Deployed>,
    /// Held while the kit is replaced.
    replacing: Mutex<()>,
    clock: Arc<dyn Clock>,
    driver: Mutex<Driver>,
    watch: broadcast::Sender<Notice>,
    wake: Notify,
    stopping: AtomicBool,
    /// Whether a service said that something is due that is kept in memory.
    reload: AtomicBool,
    slots: Arc<Slots>,
    backlog: Backlog,
    schedules: bool,
    polling: bool,
    answer_wait: Option<Duration>,
    keep_ended_ms: Option<i64>,
    stop_within: Duration,
    store: Store,
    _lock: EngineLock,
}

impl Engine {
    /// Takes the store's lock, checks that every open run can be carried on, and keeps the program.
    /// Nothing happens before [`Engine::run`].
    ///
    /// # Errors
    /// When another engine runs on the store, or an open run's program cannot be read.
    pub async fn open(options: EngineOptions) -> Result<Engine, EngineError> {
        let EngineOptions {
            program,
            deployment,
            store,
            connector,
            clock,
            ids,
            link_base,
            records_start,
            ..
        } = options;
        let lock = store.lock_engine()?;
        let now = clock.now_ms();
        let kind = if clock.is_virtual() {
            "virtual"
        } else {
            "real"
        };
        let kept = program.clone();
        let programs = Arc::new(Programs::default());
        let (known, settings) = (programs.clone(), deployment.clone());
        let (num, stored, modes, canaries) = store
            .write(move |tx| {
                let open = tx.open_programs()?;
                let mut stored = Vec::new();
                for program in open {
                    let known = program.format == i64::from(FORMAT);
                    let read = match known.then(|| tx.program(program.num)) {
                        Some(Err(damaged @ Fault::Damaged(_))) => return Err(damaged),
                        Some(read) => read.map_err(|e| e.to_string()),
                        None => Err(String::new()),
                    };
                    stored.push((program, read));
                }
                tx.set_meta("clock", kind)?;
                let num = tx.keep_program(&kept, now)?;
                if records_start {
                    deploy::record_start(tx, (num, &kept), now)?;
                }
                canary::deployed(tx, (num, &kept), &settings, now)?;
                let canaries =
                    Canaries::load(tx, &kept, &settings, (&known, &Canaries::default()))?;
                Ok((num, stored, tx.modes()?, canaries))
            })
            .await?;
        let link_base = link_base.filter(|_| !clock.is_virtual()).map(Arc::from);
        for (open, read) in stored {
            match read {
                Ok(program) => programs.remember(open.num, program),
                Err(reason) => return Err(EngineError::cannot_carry_on(&open, reason)),
            }
        }
        let kit = Kit::new(Parts {
            heads: Heads::of(&program),
            program,
            program_num: num,
            project: Arc::new(deployment),
            modes,
            canaries,
            connector,
            clock: clock.clone(),
            ids: Arc::new(ids),
            link_base,
            programs,
            brake: Arc::default(),
        });
        Ok(Engine {
            inner: Arc::new(Inner {
                deployed: Arc::new(Deployed::new(kit)),
                replacing: Mutex::default(),
                clock,
                driver: Mutex::default(),
                watch: broadcast::channel(NOTICES).0,
                wake: Notify::new(),
                stopping: AtomicBool::new(false),
                reload: AtomicBool::new(false),
                slots: Arc::new(Slots::new(options.calls_max)),
                backlog: Backlog::new(options.backlog_max),
                schedules: options.schedules,
                polling: options.polling,
                answer_wait: options.answer_wait,
                keep_ended_ms: options.keep_ended_ms,
                stop_within: options.stop_within,
                store,
                _lock: lock,
            }),
        })
    }

    /// How many calls are under way.
    pub fn calls_under_way(&self) -> usize {
        self.inner.slots.taken()
    }

    /// How many calls that are not answered have stepped aside: they wait for their next attempt, their turn, somebody who
    /// has paused them, or for what they have ordered to come true.
    pub fn calls_aside(&self) -> usize {
        self.inner.slots.aside()
    }

    /// The store, to look things up.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What happens from now on, in the order of its commits. A watcher that lags far behind misses
    /// some and is told so; the store has everything.
    pub fn watch(&self) -> broadcast::Receiver<Notice> {
        self.inner.watch.subscribe()
    }

    /// Ends [`Engine::run`] in good order: nothing new is taken or sent, calls under way are waited
    /// for up to the limit, what they gave is committed.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        self.inner.wake.notify_one();
    }
}

impl Inner {
    fn tell(&self, notices: Vec<Notice>) {
        for notice in notices {
            // Nobody may be watching.
            let _ = self.watch.send(notice);
        }
    }
}
