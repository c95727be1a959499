//! A deployment that is opened, driven, broken and opened again: the engine, its store and its connectors.

use super::chance::Chance;
use super::clock::SimClock;
use super::course::Size;
use super::outside::Outside;
use super::project::Project;
use counterplay_cli::sandboxed;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::{Chance as Jitter, Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineError, EngineOptions, Ids, Rest, Until};
use counterplay_runtime::store::{Crash, Salts, Store, StoreOptions};
use counterplay_sandbox::{Offline, demo_tenant_at};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How many rounds without anything new mean that nothing is under way.
const STILL: usize = 8;
/// How many rounds there may be until nothing is under way.
const ROUNDS_MAX: usize = 200_000;

/// A deployment.
pub struct World {
    _folder: TempDir,
    path: PathBuf,
    /// The clock.
    pub clock: Arc<SimClock>,
    /// The service that it acts on.
    pub outside: Arc<Outside>,
    /// The projects as they were deployed, the last one now.
    pub versions: Vec<Project>,
    /// The engine, unless it has just ended.
    pub engine: Option<Engine>,
    driving: Option<JoinHandle<Result<Rest, EngineError>>>,
    /// Looks at the store, whatever becomes of the engine.
    pub store: Store,
    chance: Chance,
    /// Whether schedules fire: in the end nothing new is to begin.
    pub schedules: bool,
}

fn key() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

fn options(crash: Option<Crash>, seed: u64) -> StoreOptions {
    let drawn = Mutex::new(Chance::seeded(seed));
    StoreOptions {
        crash,
        key: Some(key()),
        inline: true,
        salts: Salts::of(move || {
            let mut chance = drawn.lock().map_err(|e| e.to_string())?;
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&chance.bits().to_le_bytes());
            salt[8..].copy_from_slice(&chance.bits().to_le_bytes());
            Ok(salt)
        }),
        ..StoreOptions::default()
    }
}

/// The services of a sandbox, with channels for a project's teams.
fn sandbox(project: &Project, now_ms: i64) -> Offline {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let sandbox = Offline::new(demo_tenant_at(now), now);
    sandbox.update(|tenant| {
        for team in &project.channels {
            let key = sandboxed::TEAMS_KEY.to_owned();
            tenant.teams_webhooks.insert(team.clone(), key);
        }
    });
    sandbox
}

/// Where files are quick, if there is such a place.
fn folder() -> TempDir {
    let quick = std::path::Path::new("/dev/shm");
    let made = match quick.is_dir() {
        true => tempfile::tempdir_in(quick),
        false => tempfile::tempdir(),
    };
    made.or_else(|_| tempfile::tempdir()).expect("a folder")
}

impl World {
    /// A deployment with an empty store.
    pub async fn new(mut chance: Chance, size: &Size) -> World {
        let folder = folder();
        let path = folder.path().join("store.db");
        let clock = Arc::new(SimClock::new());
        let first = match size.shipped {
            true => Project::shipped(),
            false => Project::drawn(&mut chance, 1),
        };
        let sandbox = size.shipped.then(|| sandbox(&first, clock.now_ms()));
        let outside = Arc::new(Outside::new(clock.clone(), size.sabotage, sandbox));
        drop(Store::open_with(&path, options(None, 0)).expect("a new store"));
        let store = Store::attach_with(&path, options(None, 0)).expect("the store");
        outside.observe(store.clone());
        let mut world = World {
            _folder: folder,
            path,
            clock,
            outside,
            versions: vec![first],
            engine: None,
            driving: None,
            store,
            chance,
            schedules: true,
        };
        world.open(None).await;
        world
    }

    /// What is deployed.
    pub fn project(&self) -> &Project {
        self.versions.last().expect("there is always one")
    }

    fn connectors(&mut self, project: &Project) -> Arc<Connectors> {
        let connectors = Connectors::over(
            self.outside.clone(),
            project.deployment.clone(),
            project.secrets.clone(),
            key(),
            self.clock.clone(),
        );
        Arc::new(connectors.with_chance(Jitter::seeded(self.chance.bits())))
    }

    /// Starts a process on the store, which will break off as said; whether it came up.
    pub async fn open(&mut self, crash: Option<Crash>) -> bool {
        self.close().await;
        let store = Store::open_with(&self.path, options(crash, self.chance.bits()));
        let store = store.unwrap_or_else(|e| panic!("the store does not open again: {e}"));
        let project = self.project().clone();
        let connectors = self.connectors(&project);
        let mut options = EngineOptions::new(
            project.program.clone(),
            project.deployment.clone(),
            store,
            connectors,
            self.clock.clone(),
        );
        options.schedules = self.schedules;
        options.ids = Ids::seeded(self.chance.bits());
        match Engine::open(options).await {
            Ok(engine) => {
                self.engine = Some(engine);
                self.drive();
                true
            }
            Err(_) => false,
        }
    }

    /// Lets the engine work.
    pub fn drive(&mut self) {
        if let Some(engine) = self.engine.clone() {
            self.driving = Some(tokio::spawn(async move {
                engine.run(Until::stopped(std::future::pending())).await
            }));
        }
    }

    /// Ends the process as a crash does.
    pub async fn close(&mut self) {
        if let Some(driving) = self.driving.take() {
            driving.abort();
            // It was broken off.
            let _ = driving.await;
        }
        self.engine = None;
    }

    /// Why the engine does not work any more, if it does not.
    pub async fn ended(&mut self) -> Option<String> {
        let driving = self.driving.as_mut()?;
        if !driving.is_finished() {
            return None;
        }
        let why = match driving.await {
            Ok(Ok(_)) => "it stopped".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) if error.is_panic() => format!("panic: {error}"),
            Err(_) => "aborted".to_owned(),
        };
        self.driving = None;
        Some(self.plain(&why))
    }

    /// The same without the place of the store, which is another one each time.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.path.display().to_string(), "store.db")
    }

    /// Whether an engine works.
    pub fn works(&self) -> bool {
        self.driving.is_some()
    }

    /// Deploys another version; whether it took. There is one of what ships.
    pub async fn deploy(&mut self) -> bool {
        let version = self.versions.len() as u32 + 1;
        let project = Project::drawn(&mut self.chance, version);
        let connectors = self.connectors(&project);
        self.versions.push(project.clone());
        let took = match &self.engine {
            Some(engine) => {
                let deployed = engine.deploy(project.program, project.deployment, connectors);
                deployed.await.is_ok()
            }
            None => false,
        };
        if !took {
            // The old one stays.
            self.versions.pop();
        }
        took
    }

    /// Lets everything go on until nothing is under way but what waits for the time or the world outside.
    ///
    /// # Errors
    /// When it never comes to rest.
    pub async fn rest(&self) -> Result<(), String> {
        self.clock.tick();
        let mut last = (0, 0, 0);
        let mut still = 0;
        for _ in 0..ROUNDS_MAX {
            tokio::task::yield_now().await;
            let commits = self.engine.as_ref().map_or(0, |e| e.store().commits());
            let now = (self.clock.rests(), self.outside.came(), commits);
            still = if now == last { still + 1 } else { 0 };
            last = now;
            if still == STILL {
                return Ok(());
            }
        }
        Err("it never comes to rest".into())
    }

    /// Time passes, and whatever waits for it hears of it when it is time.
    ///
    /// # Errors
    /// When it never comes to rest.
    pub async fn pass(&mut self, ms: i64) -> Result<(), String> {
        let mut left = ms;
        loop {
            let next = self.next_inside_ms().filter(|next| *next < left);
            let part = next.unwrap_or(left).max(1).min(left.max(0));
            self.stall(part).await?;
            left -= part;
            if left <= 0 {
                return Ok(());
            }
        }
    }

    /// Time passes in which the process stands still.
    ///
    /// # Errors
    /// When it never comes to rest.
    pub async fn stall(&mut self, ms: i64) -> Result<(), String> {
        self.clock.pass(ms);
        let mut chance = self.chance.fork();
        self.outside.give_up(|| chance.one_in(2));
        self.rest().await
    }

    /// How long until a call that is under way waits no more.
    fn next_inside_ms(&self) -> Option<i64> {
        let all = [
            self.clock.next_waking_ms(),
            self.outside.next_giving_up_ms(),
        ];
        all.into_iter().flatten().min()
    }

    /// How long until something is due, by what is known.
    pub async fn next_ms(&self) -> Option<i64> {
        let now = self.clock.now_ms();
        let timer = self
            .store
            .read(|tx| Ok((tx.next_timer_ms()?, tx.next_arrival_ms()?)))
            .await;
        let (timer, arrival) = timer.unwrap_or_default();
        let due = timer.into_iter().chain(arrival).map(|at| (at - now).max(0));
        due.chain(self.clock.next_waking_ms())
            .chain(self.outside.next_giving_up_ms())
            .min()
    }
}
