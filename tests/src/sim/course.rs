//! A seed in, the course of a simulation out: alarms, answers, people, time and trouble as the seed draws them, then
//! calm, until every run has ended.

use super::chance::Chance;
use super::checks;
use super::clock::START_MS;
use super::outside::{Fate, Sabotage};
use super::project::{LEVELS, TEAM, TENANTS};
use super::shipped;
use super::world::World;
use counterplay_machine::state::Status;
use counterplay_machine::step::{Settled, Settlement, held_calls};
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::Incoming;
use counterplay_runtime::store::{Crash, RunFilter};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Who may answer nothing.
const STRANGER: &str = "eve@other.example";

/// How much happens, and what is wrong from the beginning.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many things happen before it becomes calm.
    pub steps: usize,
    /// How many alarms come at most.
    pub alarms: usize,
    /// A fault that is built in.
    pub sabotage: Option<Sabotage>,
    /// Whether the responses that ship are played, and no drawn ones.
    pub shipped: bool,
}

impl Default for Size {
    fn default() -> Size {
        Size {
            steps: 340,
            alarms: 26,
            sabotage: None,
            shipped: false,
        }
    }
}

/// An alarm that was sent in.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// The arrival's number, where it was answered for; absent where the answer was lost with the process.
    pub event: Option<i64>,
    /// What its sender calls it.
    pub key: String,
    /// The tenant.
    pub tenant: String,
    /// The level, by its place.
    pub level: usize,
    /// The version that was deployed.
    pub version: u32,
    /// As it was sent.
    pub incoming: Incoming,
}

/// An answer that was taken.
#[derive(Clone, Debug)]
pub struct Vote {
    /// The run.
    pub run: String,
    /// The question.
    pub question: String,
    /// Who.
    pub by: String,
    /// When, by the time that has passed.
    pub passed_ms: i64,
}

/// What happened, for the checks and for people.
#[derive(Default)]
pub struct Told {
    /// What was done, in order.
    pub trace: Vec<String>,
    /// The alarms.
    pub alarms: Vec<Alarm>,
    /// Answers in favour.
    pub votes: Vec<Vote>,
    /// Runs for which a person said how things are, by a wrong clock.
    pub excused: BTreeSet<String>,
    /// Runs that were open when the clock was set: how old a call of theirs is may not be known any more.
    pub clocked: BTreeSet<String>,
    /// Runs of which a person settled a call, or that a person told to try again.
    pub settled: BTreeSet<String>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// By how much the clock is wrong.
    pub ahead_ms: i64,
    affected: BTreeSet<String>,
}

impl Told {
    /// One more of something.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// A simulation that is played.
pub struct Course {
    /// The deployment.
    pub world: World,
    /// What happened.
    pub told: Told,
    chance: Chance,
    size: Size,
    calm: bool,
    /// How many of the actions that were asked for have been told.
    seen: usize,
}

impl Course {
    /// A new one.
    pub async fn new(seed: u64, size: Size) -> Course {
        let mut chance = Chance::seeded(seed);
        let world = World::new(chance.fork(), &size).await;
        Course {
            world,
            told: Told::default(),
            chance,
            size,
            calm: false,
            seen: 0,
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        for asked in &self.world.outside.asked()[self.seen..] {
            self.seen += 1;
            let (name, at) = (asked.kind.name(), asked.passed_ms);
            self.told.trace.push(format!(
                "    at {}.{:03}: {name}_{} of {}, version {}, is asked for",
                at / 1_000,
                at % 1_000,
                asked.step,
                asked.run,
                asked.version
            ));
        }
        let passed = self.world.clock.passed_ms();
        let wrong = self.world.clock.now_ms() - passed - START_MS;
        let (s, ms) = (passed / 1_000, passed % 1_000);
        let wrong = if wrong == 0 {
            String::new()
        } else {
            format!(" (clock {:+}s)", wrong / 1_000)
        };
        let what = self.world.plain(&what.into());
        self.told.trace.push(format!("{s}.{ms:03}{wrong} {what}"));
    }

    /// Plays it to its end.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn play(&mut self) -> Result<(), String> {
        self.world.rest().await?;
        for _ in 0..self.size.steps {
            self.step().await?;
            self.go_on().await?;
        }
        self.calm().await?;
        checks::at_end(self).await
    }

    /// One thing happens.
    async fn step(&mut self) -> Result<(), String> {
        let flights = self.world.outside.flights();
        match self.chance.below(100) {
            0..=13 => self.alarm().await,
            14..=49 if flights > 0 => self.answer(flights).await?,
            50..=61 => self.vote().await?,
            62..=67 => {
                let ms = self.chance.between(1, 60_000);
                self.pass(ms).await?;
            }
            68..=83 => self.pass_to_next().await?,
            84 => {
                let ms = self.chance.between(60_000, 8 * 3_600_000);
                self.pass(ms).await?;
            }
            85 if self.chance.one_in(3) => {
                let ms = self.chance.between(60_000, 8 * 3_600_000);
                self.note(format!("the process stands still for {ms} ms"));
                self.told.count("standstills");
                self.world.stall(ms).await?;
            }
            86..=87 => {
                let (tenant, person) = (*self.chance.of(&TENANTS), self.person());
                let now = self.world.outside.flag(tenant, &person);
                self.note(format!("{person} of {tenant} is flagged: {now}"));
            }
            88..=90 => self.crash("killed").await?,
            91 => self.deploy().await?,
            92 => self.set_clock().await?,
            93..=94 => self.confirm_clock().await?,
            95..=97 => self.settle().await?,
            98 => self.cancel().await?,
            _ => self.again().await?,
        }
        Ok(())
    }

    fn person(&mut self) -> String {
        format!("u{}", self.chance.below(4))
    }

    async fn alarm(&mut self) {
        if self.told.alarms.len() >= self.size.alarms {
            return;
        }
        let key = format!("k{}", self.told.alarms.len());
        let (tenant, level, event, payload) = match self.size.shipped {
            true => {
                let payload = shipped::event(&mut self.chance, &key, self.world.clock.now_ms());
                ("contoso", 0, None, payload)
            }
            false => {
                let (tenant, level) = (*self.chance.of(&TENANTS), self.chance.below(LEVELS.len()));
                let person = self.person();
                let payload = json!({
                    "key": key,
                    "level": LEVELS[level],
                    "person": person,
                    "others": (0..self.chance.below(4)).map(|n| json!({ "id": format!("o{n}") })).collect::<Vec<_>>(),
                });
                (tenant, level, Some("drawn.alarm"), payload)
            }
        };
        let Some(engine) = &self.world.engine else {
            return;
        };
        let incoming = Incoming {
            tenant: tenant.to_owned(),
            event: event.map(str::to_owned),
            payload,
            source: Some(key.clone()),
        };
        let accepted = engine.accept(incoming.clone()).await;
        let said = match &accepted {
            Ok(receipt) => format!("accepted as {}", receipt.event),
            Err(refusal) => format!("no answer: {refusal}"),
        };
        self.note(format!(
            "alarm {key} of {tenant}: {}: {said}",
            incoming.payload
        ));
        self.told.count("alarms");
        self.told.alarms.push(Alarm {
            event: accepted.ok().map(|receipt| receipt.event),
            key,
            tenant: tenant.to_owned(),
            level,
            version: self.world.project().version,
            incoming,
        });
    }

    /// An alarm comes a second time: its sender did not hear the answer.
    async fn again(&mut self) -> Result<(), String> {
        let (Some(engine), false) = (&self.world.engine, self.told.alarms.is_empty()) else {
            return Ok(());
        };
        let which = self.chance.below(self.told.alarms.len());
        let alarm = self.told.alarms[which].clone();
        let accepted = engine.accept(alarm.incoming.clone()).await;
        if let Ok(receipt) = accepted {
            if alarm.event.is_some_and(|event| event != receipt.event) {
                return Err(format!("alarm {} was accepted twice", alarm.key));
            }
            self.told.alarms[which].event = Some(receipt.event);
            self.note(format!("alarm {} again: {}", alarm.key, receipt.event));
        }
        Ok(())
    }

    async fn answer(&mut self, flights: usize) -> Result<(), String> {
        let which = self.chance.below(flights);
        let fate = match self.chance.below(24) {
            0 => Fate::DoneSilently,
            1 => Fate::DoneBadGateway,
            2 => Fate::NotReached,
            3 => Fate::Swallowed,
            4 => Fate::Throttled(self.chance.between(1, 120) as u32),
            5 => Fate::Down,
            6 if self.chance.one_in(3) => Fate::Refused,
            _ => Fate::Done,
        };
        let label = self.world.outside.decide(which, fate);
        self.note(label);
        self.told.count("answers");
        self.world.rest().await
    }

    async fn vote(&mut self) -> Result<(), String> {
        let open = self.world.store.approvals().await.unwrap_or_default();
        let Some(engine) = self.world.engine.clone() else {
            return Ok(());
        };
        if open.is_empty() {
            return Ok(());
        }
        let approval = self.chance.of(&open).clone();
        let by = match self.chance.below(6) {
            _ if approval.open.eligible.is_empty() => STRANGER,
            0 => STRANGER,
            _ => self.chance.of(&approval.open.eligible).as_str(),
        };
        let approve = self.calm || self.chance.below(5) != 0;
        let said = engine.vote(&approval.id, by, approve, None).await;
        self.note(format!(
            "{by} {} {} of {}: {}",
            if approve { "approves" } else { "rejects" },
            approval.open.question,
            approval.run,
            said.as_ref()
                .map_or_else(ToString::to_string, |_| "taken".into()),
        ));
        self.told.count("answers of people");
        if said.is_ok() && by == STRANGER {
            return Err(format!("{by} may not answer, and was heard"));
        }
        // Where the process ended before it answered, the word may count all the same.
        if approve && self.size.sabotage != Some(Sabotage::Votes) {
            self.told.votes.push(Vote {
                run: approval.run,
                question: approval.open.question,
                by: by.to_owned(),
                passed_ms: self.world.clock.passed_ms(),
            });
        }
        self.world.rest().await
    }

    async fn pass(&mut self, ms: i64) -> Result<(), String> {
        self.world.pass(ms).await?;
        self.note(format!("{ms} ms passed"));
        Ok(())
    }

    async fn pass_to_next(&mut self) -> Result<(), String> {
        match self.world.next_ms().await {
            Some(ms) => self.pass(ms).await,
            None => Ok(()),
        }
    }

    async fn crash(&mut self, why: &str) -> Result<(), String> {
        self.note(format!("the process ends: {why}"));
        self.told.count("crashes");
        self.world.close().await;
        let mut chance = self.chance.fork();
        self.world.outside.give_up(|| chance.one_in(2));
        if self.chance.one_in(4) {
            let ms = self.chance.between(1, 3 * 3_600_000);
            self.pass(ms).await?;
        }
        for tries in 0.. {
            let crash = match self.chance.below(8) {
                _ if self.calm || tries > 4 => None,
                0 | 1 => Some(Crash::After(1 + self.chance.below(30) as u64)),
                2 | 3 => Some(Crash::Instead(self.chance.below(30) as u64)),
                4 => Some(Crash::Full(self.chance.below(30) as u64)),
                _ => None,
            };
            self.note(format!("a process begins, {crash:?}"));
            if self.world.open(crash).await {
                break;
            }
            self.told.count("crashes");
            if tries > 6 {
                return Err("the engine does not open".into());
            }
        }
        self.world.rest().await
    }

    /// Whatever ended the engine: it is started again.
    async fn go_on(&mut self) -> Result<(), String> {
        for _ in 0..50 {
            let Some(why) = self.world.ended().await else {
                return Ok(());
            };
            if why.starts_with("panic") {
                return Err(why);
            }
            self.note(format!("the engine ended: {why}"));
            self.told.count("commits that failed or were the last");
            // A full disk ends no process: it goes on when there is room.
            if why.contains("no space") && self.chance.one_in(2) {
                self.world.drive();
                self.world.rest().await?;
            } else {
                self.crash(&why).await?;
            }
        }
        Err("the engine ends again and again".into())
    }

    async fn deploy(&mut self) -> Result<(), String> {
        if self.size.shipped || self.world.versions.len() >= 4 {
            return Ok(());
        }
        let took = self.world.deploy().await;
        let version = self.world.project().version;
        self.note(format!("version {version} is deployed: {took}"));
        self.told.count("deploys");
        self.world.rest().await
    }

    async fn open_runs(&self) -> Vec<String> {
        let open = RunFilter {
            open: true,
            limit: Some(10_000),
            ..RunFilter::default()
        };
        let runs = self.world.store.runs(open).await.unwrap_or_default();
        runs.into_iter().map(|run| run.id).collect()
    }

    async fn set_clock(&mut self) -> Result<(), String> {
        if !self.world.works() {
            return Ok(());
        }
        let by_ms = match self.chance.below(3) {
            // Right again.
            0 if self.told.ahead_ms != 0 => -self.told.ahead_ms,
            1 => -self.chance.between(660_000, 30 * 3_600_000),
            _ => self.chance.between(660_000, 30 * 3_600_000),
        };
        self.world.clock.set(by_ms);
        self.told.ahead_ms += by_ms;
        self.note(format!("the clock is set by {}s", by_ms / 1_000));
        self.told.count("clock jumps");
        let open = self.open_runs().await;
        self.told.clocked.extend(open.iter().cloned());
        self.told.affected.extend(open);
        self.world.rest().await?;
        // A process that ends before it has seen it cannot tell the next one.
        let hold = self.world.store.time_hold().await.unwrap_or_default();
        if hold.is_none() {
            self.excuse();
        }
        Ok(())
    }

    fn excuse(&mut self) {
        let affected = std::mem::take(&mut self.told.affected);
        self.told.excused.extend(affected);
    }

    async fn confirm_clock(&mut self) -> Result<(), String> {
        let now = self.world.clock.now_ms();
        if let Ok(Some(_)) = self.world.store.confirm_time("ana@msp.example", now).await {
            self.note("ana says that the clock is right");
            // What is due by a clock that was set is due because a person said so.
            self.told.affected.extend(self.open_runs().await);
            self.excuse();
        }
        self.world.rest().await
    }

    /// A person looks at the service and says what became of a held call.
    async fn settle(&mut self) -> Result<(), String> {
        let Some(engine) = self.world.engine.clone() else {
            return Ok(());
        };
        let held = RunFilter {
            status: Some(Status::Held),
            open: true,
            limit: Some(100),
            ..RunFilter::default()
        };
        let held = self.world.store.runs(held).await.unwrap_or_default();
        if held.is_empty() {
            return Ok(());
        }
        let run = self.chance.of(&held).id.clone();
        let Ok(Some(detail)) = self.world.store.run_detail(&run).await else {
            return Ok(());
        };
        self.told.settled.insert(run.clone());
        let Some(playbook) = detail.program.playbooks.get(&detail.run.playbook) else {
            return Err(format!("the playbook of {run} is gone"));
        };
        let calls = held_calls(playbook, &detail.run);
        let said = match calls.first() {
            None => {
                let why = detail.run.held_because().unwrap_or_default().to_owned();
                let said = engine.resume(&run, TEAM[0]).await;
                format!(
                    "try again what is held because {why}: {}",
                    said.map_or_else(|e| e.to_string(), |()| "taken".into())
                )
            }
            Some(call) => {
                let step = call.action.rsplit('_').next().and_then(|n| n.parse().ok());
                let step = step.unwrap_or_default();
                if self.world.outside.is_under_way(&run, step) {
                    return Ok(());
                }
                let mut rules = self.world.versions.iter().flat_map(|v| &v.rules);
                let looped =
                    rules.any(|r| r.id == detail.info.playbook && r.looped.contains(&step));
                let (settled, result) = match self.world.outside.was_done(&run, step) {
                    // Nobody looks for what became of these; so they are not done again.
                    _ if self.size.shipped || looped => (Settled::GivenUp, None),
                    Some(ticket) => (Settled::Done, ticket.map(|id| json!({ "id": id }))),
                    None if self.chance.one_in(4) => (Settled::GivenUp, None),
                    None => (Settled::NotDone, None),
                };
                let settlement = Settlement {
                    step: Some(call.place.clone()),
                    by: TEAM[0].into(),
                    settled,
                    result,
                    comment: None,
                };
                let said = engine.settle(&run, settlement).await;
                let said = said.map_or_else(|e| e.to_string(), |_| "taken".into());
                format!("{} was {settled:?}: {said}", call.action)
            }
        };
        self.note(format!("ana settles {run}: {said}"));
        self.told.count("settled");
        self.world.rest().await
    }

    async fn cancel(&mut self) -> Result<(), String> {
        let open = self.open_runs().await;
        let (Some(engine), false) = (self.world.engine.clone(), open.is_empty()) else {
            return Ok(());
        };
        if !self.chance.one_in(3) {
            return Ok(());
        }
        let run = self.chance.of(&open).clone();
        let said = engine.cancel(&run, TEAM[1]).await;
        self.note(format!("bo ends {run}: {said:?}"));
        self.told.count("cancelled");
        self.world.rest().await
    }

    /// Nothing goes wrong any more, people answer, and time passes until everything is over.
    async fn calm(&mut self) -> Result<(), String> {
        self.calm = true;
        self.note("it becomes calm");
        if self.world.schedules && self.size.shipped {
            // Nothing new begins.
            self.world.schedules = false;
            self.crash("to be calm").await?;
        }
        if !self.world.works() {
            self.crash("to be calm").await?;
        }
        let mut quiet = 0;
        for _ in 0..20_000 {
            self.go_on().await?;
            while self.world.outside.flights() > 0 {
                let label = self.world.outside.decide(0, Fate::Done);
                self.note(label);
                self.world.rest().await?;
                self.go_on().await?;
            }
            let open = self.open_runs().await.len();
            let waiting = self
                .world
                .store
                .read(|tx| tx.open_arrivals())
                .await
                .unwrap_or(1);
            if open == 0 && waiting == 0 {
                return Ok(());
            }
            self.confirm_clock().await?;
            self.settle().await?;
            self.vote().await?;
            if self.world.outside.flights() > 0 {
                continue;
            }
            let next = self.world.next_ms().await.unwrap_or(1_000);
            self.pass(next.max(1)).await?;
            quiet += 1;
            if quiet > 15_000 {
                break;
            }
        }
        Err(format!(
            "runs do not come to an end: {:?}",
            self.open_runs().await
        ))
    }
}
