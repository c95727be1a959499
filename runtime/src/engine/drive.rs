//! The loop: results, people's words, timers, schedules and arrivals in; transactions, then calls
//! out. One loop drives every run, so that no two transitions of a run meet.

use super::calls::{Sent, answer, set_back};
use super::changes::Looked;
use super::kit::Kit;
use super::late::Next;
use super::matching::{Finding, find};
use super::messages::told;
use super::polling::{Poll, PollKey, Polled};
use super::schedules::Due;
use super::starts::settle;
use super::subscriptions::{Kept, Renewed};
use super::time::Time;
use super::transition::advance;
use super::undo::undo;
use super::{Engine, EngineError, Notice, changes, matching};
use crate::brake::Brake;
use crate::call::{CallOutcome, Setback};
use crate::room::{Aside, Room};
use crate::spans;
use crate::store::{Arrival, ChangeRow, Fault, InputRow, Message, Tx, Word};
use counterplay_machine::step::{Input, Vote};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tracing::Instrument;

/// How many results of a kind are taken up in one round at most.
const REPORTS_MAX: usize = 256;
/// How often the store is looked at for other processes' words.
const POLL: Duration = Duration::from_millis(100);

/// When [`Engine::run`] returns.
pub enum Until {
    /// When nothing is left to do but to wait for a time or for people. Time is not skipped.
    Settled,
    /// When every run has ended or waits for people: an approval is open or a run is held.
    Asked,
    /// When every run has ended and no arrival waits to be matched.
    AllEnded,
    /// When this future is done.
    Stopped(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Until {
    /// Until a future is done, for instance a signal to stop.
    pub fn stopped(signal: impl Future<Output = ()> + Send + 'static) -> Until {
        Until::Stopped(Box::pin(signal))
    }
}

/// How things stand when [`Engine::run`] returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// How many runs are open.
    pub open_runs: i64,
    /// How many of them are held.
    pub held_runs: i64,
    /// The approvals that wait for answers.
    pub approvals: Vec<String>,
    /// How many arrivals wait to be matched.
    pub open_arrivals: i64,
    /// How many calls were under way when a stop's patience ended; settled at the next start.
    pub abandoned_calls: usize,
    /// The next timer or attempt, in milliseconds since the Unix epoch.
    pub next_ms: Option<i64>,
}

/// What a task is about.
#[derive(Clone)]
pub(super) enum Job {
    Call(Sent),
    Match(Arc<Kit>, Arc<Arrival>),
    Poll(PollKey),
    Subscribe(PollKey),
    Look(ChangeRow),
    Tell(Arc<Message>),
}

/// A task under way.
struct Task {
    job: Job,
    /// Whether it waits, and others have its place meanwhile.
    aside: Arc<Aside>,
}

/// What a task found.
pub(super) enum Report {
    Called(Sent, CallOutcome),
    /// With the kit that it was found with.
    Found(Arc<Kit>, Arc<Arrival>, Finding),
    Polled(Polled),
    Renewed(Renewed),
    Looked(Looked),
    Told(Arc<Message>, CallOutcome),
}

impl Report {
    /// Whether it belongs to runs, so that none may be lost.
    fn moves_runs(&self) -> bool {
        match self {
            Report::Called(..) | Report::Found(..) | Report::Told(..) => true,
            Report::Polled(_) | Report::Renewed(_) | Report::Looked(_) => false,
        }
    }
}

/// What the loop keeps in memory; all of it can be had from the store again.
#[derive(Default)]
pub(super) struct Driver {
    tasks: JoinSet<Report>,
    jobs: HashMap<Id, Task>,
    /// Reports whose commit is due.
    reports: VecDeque<(Id, Arc<Report>)>,
    trouble: Trouble,
    pub(super) schedules: BTreeSet<Due>,
    pub(super) polls: Vec<Poll>,
    pub(super) kept: Vec<Kept>,
    /// Readings under way; they can be broken off at any time.
    readers: Vec<AbortHandle>,
    /// What schedules and polls were read from.
    pub(super) loaded: Option<Arc<Kit>>,
    /// Whether the clock is to be trusted.
    pub(super) time: Time,
    /// When it is next looked whether something is to be archived.
    pub(super) archive_ms: i64,
    /// What people have paused.
    pub(super) brake: Arc<Brake>,
    /// The tenant whose arrival was taken up last: the next one is another's, where others wait.
    pub(super) turn: String,
    /// When what waits was last counted.
    pub(super) counted: Option<Instant>,
    /// Since when people have been asked, and what.
    asked: Option<(Instant, Vec<String>, i64)>,
}

/// Attempts that gave no answer, on their way to the journal.
struct Trouble {
    send: UnboundedSender<(Sent, Setback)>,
    receive: UnboundedReceiver<(Sent, Setback)>,
    /// Those that have arrived.
    kept: VecDeque<(Sent, Setback)>,
}

impl Default for Trouble {
    fn default() -> Trouble {
        let (send, receive) = unbounded_channel();
        Trouble {
            send,
            receive,
            kept: VecDeque::new(),
        }
    }
}

impl Driver {
    /// Where calls tell their setbacks.
    pub(super) fn setbacks(&self) -> UnboundedSender<(Sent, Setback)> {
        self.trouble.send.clone()
    }

    fn next_setback(&mut self) -> Option<(Sent, Setback)> {
        let kept = self.trouble.kept.pop_front();
        kept.or_else(|| self.trouble.receive.try_recv().ok())
    }

    /// Begins a task.
    pub(super) fn spawn(&mut self, job: Job, work: impl Future<Output = Report> + Send + 'static) {
        self.spawn_aside(job, |_| work);
    }

    /// Begins a task that steps aside while it waits.
    pub(super) fn spawn_aside<W>(&mut self, job: Job, work: impl FnOnce(Room) -> W)
    where
        W: Future<Output = Report> + Send + 'static,
    {
        let aside = Arc::<Aside>::default();
        let handle = self.tasks.spawn(work(Room::of(aside.clone())));
        if matches!(job, Job::Poll(_) | Job::Subscribe(_) | Job::Look(_)) {
            self.readers.retain(|reader| !reader.is_finished());
            self.readers.push(handle.clone());
        }
        self.jobs.insert(handle.id(), Task { job, aside });
    }

    fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().map(|task| &task.job)
    }

    /// What is under way and does not wait.
    fn busy(&self) -> impl Iterator<Item = &Job> {
        let busy = self.jobs.values().filter(|task| !task.aside.is_aside());
        busy.map(|task| &task.job)
    }

    pub(super) fn calls(&self) -> usize {
        self.jobs().filter(|j| matches!(j, Job::Call(_))).count()
    }

    pub(super) fn has_call(&self, num: i64) -> bool {
        self.jobs()
            .any(|j| matches!(j, Job::Call(s) if s.num == num))
    }

    fn has_match(&self, num: i64) -> bool {
        self.jobs()
            .any(|j| matches!(j, Job::Match(_, a) if a.num == num))
    }

    /// How many more arrivals can be matched at once.
    pub(super) fn room_to_match(&self) -> usize {
        let under_way = self.busy().filter(|j| matches!(j, Job::Match(..)));
        matching::AT_ONCE.saturating_sub(under_way.count())
    }

    /// Whether as many of a tenant's arrivals as may wait for a service that is to tell more of them.
    fn has_enough_aside(&self, tenant: &str) -> bool {
        let aside = self.jobs.values().filter(|task| {
            matches!(&task.job, Job::Match(_, a) if a.what.tenant == tenant)
                && task.aside.is_aside()
        });
        aside.count() >= matching::AT_ONCE
    }

    /// Whether objects that have changed are read: only of lists that are read.
    pub(super) fn heeds_changes(&self) -> bool {
        !self.polls.is_empty() && self.busy_looks() < changes::AT_ONCE
    }

    pub(super) fn messages(&self) -> usize {
        self.jobs().filter(|j| matches!(j, Job::Tell(_))).count()
    }

    /// How many objects are being read, those left out that wait.
    pub(super) fn busy_looks(&self) -> usize {
        self.busy().filter(|j| matches!(j, Job::Look(_))).count()
    }

    /// The sources that are being read, those left out that wait.
    pub(super) fn busy_polls(&self) -> impl Iterator<Item = &PollKey> {
        self.busy().filter_map(|j| match j {
            Job::Poll(key) => Some(key),
            _ => None,
        })
    }

    /// How many subscriptions are looked after, those left out that wait.
    pub(super) fn busy_renewals(&self) -> usize {
        self.busy()
            .filter(|j| matches!(j, Job::Subscribe(_)))
            .count()
    }

    pub(super) fn has_message(&self, num: i64) -> bool {
        self.jobs()
            .any(|j| matches!(j, Job::Tell(m) if m.num == num))
    }

    pub(super) fn polled(&self) -> impl Iterator<Item = &PollKey> {
        self.jobs().filter_map(|j| match j {
            Job::Poll(key) => Some(key),
            _ => None,
        })
    }

    pub(super) fn renewing(&self) -> impl Iterator<Item = &PollKey> {
        self.jobs().filter_map(|j| match j {
            Job::Subscribe(key) => Some(key),
            _ => None,
        })
    }

    pub(super) fn looking(&self) -> impl Iterator<Item = &ChangeRow> {
        self.jobs().filter_map(|j| match j {
            Job::Look(change) => Some(change),
            _ => None,
        })
    }

    /// When something is due next, given what the store says.
    fn next_ms(&self, stored: Option<i64>) -> Option<i64> {
        let tick = self.schedules.first().map(|d| d.at_ms);
        let tick = tick.and_then(|due_ms| Next::of(self).of_due(due_ms));
        let polls = [self.next_poll_ms(), self.next_renewal_ms()];
        let times = polls.into_iter().chain([stored, tick]);
        times.flatten().min()
    }

    fn note(&mut self, ended: Result<(Id, Report), JoinError>) {
        let (id, report) = match ended {
            Ok((id, report)) => (id, report),
            Err(error) if error.is_cancelled() => {
                self.jobs.remove(&error.id());
                return;
            }
            Err(error) => {
                let reason = "the connector broke off; this is a fault of Counterplay".to_owned();
                tracing::error!("a task ended early: {error}");
                let report = match self.jobs.get(&error.id()).map(|task| &task.job) {
                    Some(Job::Call(sent)) => {
                        Report::Called(sent.clone(), CallOutcome::Unknown { reason })
                    }
                    Some(Job::Match(kit, arrival)) => {
                        Report::Found(kit.clone(), arrival.clone(), Finding::broken(reason))
                    }
                    Some(Job::Tell(message)) => {
                        Report::Told(message.clone(), CallOutcome::Unknown { reason })
                    }
                    Some(Job::Poll(key)) => Report::Polled(Polled::broken(key.clone(), reason)),
                    Some(Job::Subscribe(key)) => {
                        Report::Renewed(Renewed::broken(key.clone(), reason))
                    }
                    Some(Job::Look(change)) => {
                        Report::Looked(Looked::broken(change.clone(), reason))
                    }
                    None => return,
                };
                (error.id(), report)
            }
        };
        self.reports.push_back((id, Arc::new(report)));
    }
}

impl Engine {
    /// Drives runs. Continues whatever the store holds, after a crash too. Only one call works at a
    /// time; a second one waits for the first to return.
    ///
    /// # Errors
    /// When the store fails. Nothing that was committed is lost; the next call, or the next process,
    /// goes on from there.
    pub async fn run(&self, mut until: Until) -> Result<Rest, EngineError> {
        let mut driver = self.inner.driver.lock().await;
        let driver = &mut *driver;
        self.recover(driver).await?;
        driver.loaded = None;
        driver.asked = None;
        driver.brake = self.kit().brake.clone();
        loop {
            self.load(driver).await?;
            self.watch_time(driver).await?;
            let mut busy = self.take_reports(driver).await?;
            // After the reports: what they settled does not wait any more.
            let mut look = self.look(driver).await?;
            self.take_pauses(std::mem::take(&mut look.pauses)).await?;
            self.take_promotions(look.promotion).await?;
            if let Some(backlog) = look.backlog.take() {
                self.inner.backlog.set(backlog);
            }
            if self.inner.stopping.load(Ordering::SeqCst) {
                return self.wind_down(driver).await;
            }
            busy |= self.take_words(driver, look.words).await?;
            busy |= self.fire_timers(driver, look.timers.due).await?;
            busy |= self.fire_schedules(driver).await?;
            busy |= self.begin_polls(driver).await?;
            busy |= self.begin_renewals(driver);
            busy |= self.begin_looks(driver, look.changes);
            busy |= self.begin_matching(driver, look.arrivals);
            if look.calls {
                busy |= self.send_calls(driver).await?;
            }
            busy |= self.send_messages(driver, look.messages).await?;
            // Last: what there is to do comes first.
            busy = busy || self.archive_old(driver).await?;
            if busy {
                self.poll(&mut until).await;
                continue;
            }
            let next_ms = driver.next_ms(look.next_ms);
            // What there is to do is counted only where somebody wants to know: the store may hold a million runs.
            if let Until::Stopped(_) = until
                && !self.inner.clock.is_virtual()
            {
                self.wait(driver, &mut until, next_ms).await;
                continue;
            }
            let rest = self.rest(driver).await?;
            if driver.jobs.is_empty() {
                let done = match until {
                    Until::Settled => true,
                    Until::Asked => {
                        rest.held_runs > 0
                            || !rest.approvals.is_empty()
                            || rest.open_runs + rest.open_arrivals == 0
                    }
                    Until::AllEnded => rest.open_runs + rest.open_arrivals == 0,
                    Until::Stopped(_) => false,
                };
                if done {
                    return Ok(rest);
                }
                if self.skip(driver, &rest) {
                    continue;
                }
            }
            self.wait(driver, &mut until, rest.next_ms).await;
        }
    }

    /// Reads schedules, polls and subscriptions anew when something else was deployed, or a service says that they
    /// are due.
    pub(super) async fn load(&self, driver: &mut Driver) -> Result<(), EngineError> {
        let kit = self.kit();
        let told = self.inner.reload.swap(false, Ordering::SeqCst);
        if told || !driver.loaded.as_ref().is_some_and(|l| Arc::ptr_eq(l, &kit)) {
            self.load_schedules(driver, &kit).await?;
            self.load_polls(driver, &kit).await?;
            self.load_subscriptions(driver, &kit).await?;
            driver.loaded = Some(kit);
        }
        Ok(())
    }

    /// Commits what tasks found; whether there was anything.
    async fn take_reports(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let mut any = false;
        loop {
            while let Some(ended) = driver.tasks.try_join_next_with_id() {
                driver.note(ended);
            }
            // What a call told before it ended comes before its end.
            any |= self.take_setbacks(driver).await?;
            let Some((id, report)) = driver.reports.front().cloned() else {
                return Ok(any);
            };
            any = true;
            if !report.moves_runs() {
                // Whatever becomes of it: nothing is lost, the next reading reads the same again.
                driver.reports.pop_front();
                driver.jobs.remove(&id);
                match &*report {
                    Report::Polled(polled) => self.take_poll(driver, polled).await?,
                    Report::Renewed(renewed) => self.take_renewal(driver, renewed).await?,
                    _ => self.take_look(report).await?,
                }
                continue;
            }
            self.take_moves(driver).await?;
            // Words, timers and arrivals have their turn, however many results there are.
            if driver.reports.is_empty() {
                return Ok(any);
            }
        }
    }

    /// Commits the first results of calls and matching together.
    async fn take_moves(&self, driver: &mut Driver) -> Result<(), EngineError> {
        let first = driver.reports.iter().take_while(|(_, r)| r.moves_runs());
        let first: Vec<(Id, Arc<Report>)> = first.take(REPORTS_MAX).cloned().collect();
        let (ids, reports): (Vec<Id>, Vec<Arc<Report>>) = first.into_iter().unzip();
        let work = reports
            .into_iter()
            .map(|report| {
                move |tx: &Tx<'_>, kit: &Arc<Kit>, now| match &*report {
                    Report::Called(sent, outcome) => answer(tx, kit, sent, outcome.clone(), now),
                    // What it was matched with is gone: it stays as it is and is matched again.
                    Report::Found(with, ..) if !Arc::ptr_eq(with, kit) => Ok(Vec::new()),
                    Report::Found(_, arrival, found) => settle(tx, kit, arrival, found, now),
                    Report::Told(message, outcome) => told(tx, message, outcome, now),
                    Report::Polled(_) | Report::Renewed(_) | Report::Looked(_) => Ok(Vec::new()),
                }
            })
            .collect();
        let mut ids = ids.into_iter();
        let mut failed = None;
        for work in self.transact_all(work) {
            // Behind the reports comes what they ask for.
            let id = ids.next();
            match work.done().await {
                Ok(moved) => {
                    if let Some(id) = id {
                        driver.reports.retain(|(other, _)| *other != id);
                        driver.jobs.remove(&id);
                    }
                    self.moved(driver, moved);
                }
                // It stays, and is committed when the engine goes on.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Notes attempts that gave no answer; whether there were any.
    async fn take_setbacks(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let mut work = Vec::new();
        while let Some((sent, setback)) = driver.next_setback() {
            work.push(move |tx: &Tx<'_>, _: &Arc<Kit>, now| set_back(tx, &sent, setback, now));
        }
        self.all_moved(driver, self.transact_all(work)).await
    }

    async fn take_words(
        &self,
        driver: &mut Driver,
        words: Vec<InputRow>,
    ) -> Result<bool, EngineError> {
        let work = words.into_iter().map(|row| {
            move |tx: &Tx<'_>, kit: &Arc<Kit>, now| match tx.remove_word(row.num)? {
                true => word(tx, kit, row, now),
                false => Ok(Vec::new()),
            }
        });
        let pending = self.transact_all(work.collect());
        self.all_moved(driver, pending).await
    }

    async fn fire_timers(
        &self,
        driver: &mut Driver,
        due: Vec<(i64, String)>,
    ) -> Result<bool, EngineError> {
        let work = due.into_iter().map(|(run, id)| {
            // Stopped first: the step may start a timer of the same name. What came before may have stopped it.
            move |tx: &Tx<'_>, kit: &Arc<Kit>, now| match tx.stop_timer(run, &id)? {
                true => advance(tx, kit, run, Input::Timer { id }, now),
                false => Ok(Vec::new()),
            }
        });
        let pending = self.transact_all(work.collect());
        self.all_moved(driver, pending).await
    }

    fn begin_matching(&self, driver: &mut Driver, due: Vec<(Arrival, bool)>) -> bool {
        let mut any = false;
        for (arrival, awaited) in due {
            if driver.room_to_match() == 0 {
                break;
            }
            if driver.has_match(arrival.num) || driver.has_enough_aside(&arrival.what.tenant) {
                continue;
            }
            driver.turn.clone_from(&arrival.what.tenant);
            let (kit, arrival) = (self.kit(), Arc::new(arrival));
            let span = spans::matching(&arrival);
            let job = Job::Match(kit.clone(), arrival.clone());
            driver.spawn_aside(job, |room| {
                let work = async move {
                    let found = find(kit.clone(), arrival.clone(), awaited, room).await;
                    Report::Found(kit, arrival, found)
                };
                work.instrument(span)
            });
            any = true;
        }
        any
    }

    async fn rest(&self, driver: &Driver) -> Result<Rest, EngineError> {
        // What is being read counts as due; its end is waited for.
        let polling = self.inner.polling && driver.looking().next().is_none();
        let next = Next::of(driver);
        let mut rest = self
            .inner
            .store
            .read(move |tx| {
                let mut times = vec![next.timer(tx)?, tx.next_arrival_ms()?];
                if polling {
                    times.push(tx.next_change_ms()?);
                }
                Ok(Rest {
                    open_runs: tx.open_runs()?,
                    held_runs: tx.held_runs()?,
                    approvals: tx.open_approvals()?,
                    open_arrivals: tx.open_arrivals()?,
                    abandoned_calls: 0,
                    next_ms: times.into_iter().flatten().min(),
                })
            })
            .await?;
        rest.next_ms = driver.next_ms(rest.next_ms);
        Ok(rest)
    }

    /// Moves a virtual clock to the next time that matters, unless people are waited for.
    fn skip(&self, driver: &mut Driver, rest: &Rest) -> bool {
        let clock = &self.inner.clock;
        let Some(next) = rest.next_ms.filter(|_| clock.is_virtual()) else {
            return false;
        };
        if let Some(patience) = self.inner.answer_wait
            && (rest.held_runs > 0 || !rest.approvals.is_empty())
        {
            let same = |(_, approvals, held): &(Instant, Vec<String>, i64)| {
                *approvals == rest.approvals && *held == rest.held_runs
            };
            match &driver.asked {
                Some(asked) if same(asked) => {
                    if asked.0.elapsed() < patience {
                        return false;
                    }
                }
                _ => {
                    driver.asked = Some((Instant::now(), rest.approvals.clone(), rest.held_runs));
                    return false;
                }
            }
        }
        clock.skip_to(next);
        true
    }

    /// Notices a signal to stop while there is much to do.
    async fn poll(&self, until: &mut Until) {
        if let Until::Stopped(signal) = until {
            tokio::select! {
                biased;
                () = signal => self.stop(),
                () = std::future::ready(()) => {}
            }
        }
    }

    /// Waits until there may be something to do.
    async fn wait(&self, driver: &mut Driver, until: &mut Until, next_ms: Option<i64>) {
        let clock = &self.inner.clock;
        let pause = match next_ms {
            Some(next) if !clock.is_virtual() => {
                let left = next.saturating_sub(clock.now_ms()).max(1);
                POLL.min(Duration::from_millis(left.unsigned_abs()))
            }
            _ => POLL,
        };
        let stop = async {
            match until {
                Until::Stopped(signal) => signal.await,
                _ => std::future::pending().await,
            }
        };
        // In this order, so that a simulation goes the same way each time; nothing is starved, all of it is looked at.
        tokio::select! {
            biased;
            () = stop => self.stop(),
            () = self.inner.wake.notified() => {}
            Some(ended) = driver.tasks.join_next_with_id() => driver.note(ended),
            Some(setback) = driver.trouble.receive.recv() => driver.trouble.kept.push_back(setback),
            () = clock.idle(pause) => {}
        }
    }

    /// Waits for what is under way, up to the limit, and commits it.
    async fn wind_down(&self, driver: &mut Driver) -> Result<Rest, EngineError> {
        for reader in driver.readers.drain(..) {
            reader.abort();
        }
        let until = tokio::time::Instant::now() + self.inner.stop_within;
        loop {
            self.take_reports(driver).await?;
            match tokio::time::timeout_at(until, driver.tasks.join_next_with_id()).await {
                Ok(Some(ended)) => driver.note(ended),
                Ok(None) | Err(_) => break,
            }
        }
        let abandoned_calls = driver.calls();
        driver.tasks.shutdown().await;
        driver.jobs.clear();
        driver.reports.clear();
        self.inner.stopping.store(false, Ordering::SeqCst);
        let mut rest = self.rest(driver).await?;
        rest.abandoned_calls = abandoned_calls;
        Ok(rest)
    }
}

impl Finding {
    fn broken(reason: String) -> Finding {
        Finding {
            broken: vec![reason],
            ..Finding::default()
        }
    }
}

/// Takes up what a person said.
fn word(tx: &Tx<'_>, kit: &Kit, row: InputRow, now_ms: i64) -> Result<Vec<Notice>, Fault> {
    let said = match row.word {
        Word::Undo { by, team, undoing } => {
            return undo(tx, kit, row.run, (&by, team, undoing), now_ms);
        }
        Word::Vote {
            approval,
            by,
            approve,
            comment,
            answer,
            by_link,
        } => Input::Vote(Vote {
            approval,
            by,
            approve,
            comment,
            answer,
            by_link,
        }),
        Word::Resume { by } => Input::Resume { by },
        Word::Settle { settlement } => Input::Settle(settlement),
        Word::Cancel { by } => Input::Cancel { by },
    };
    advance(tx, kit, row.run, said, now_ms)
}
