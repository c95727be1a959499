//! Requests in; a small service that remembers what was asked and what it did out. Its wire is slow, loses answers,
//! and says no, as the simulation decides.

use super::clock::SimClock;
use super::project::Kind;
use counterplay_machine::journal::What;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::{Carried, Mail, Posted, Wire, WireError};
use counterplay_runtime::store::Store;
use counterplay_sandbox::Offline;
use jiff::Timestamp;
use reqwest::{Method, Request, Response};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// An action as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub kind: Kind,
    /// The run.
    pub run: String,
    /// The call's reference.
    pub call: String,
    /// The step in its playbook.
    pub step: u32,
    /// The version of the playbook.
    pub version: u32,
    /// The tenant.
    pub tenant: String,
    /// Whom it acts on.
    pub person: String,
    /// When it arrived or was done, by the time that has passed.
    pub passed_ms: i64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done, and the answer comes.
    Done,
    /// It is done, and no answer comes.
    DoneSilently,
    /// It is done, and something in between says that the service does not answer.
    DoneBadGateway,
    /// It does not arrive.
    NotReached,
    /// It arrives, nothing is done, and no answer comes.
    Swallowed,
    /// The service says that there are too many, and asks for so many seconds.
    Throttled(u32),
    /// The service does not work.
    Down,
    /// The service says no.
    Refused,
}

struct Flight {
    what: Sent,
    /// What it is called in the trace.
    label: String,
    asked: Option<Asked>,
    /// When who sent it stops waiting, by the time that has passed.
    gives_up_ms: i64,
    reply: oneshot::Sender<Result<Response, WireError>>,
    /// Whether nobody waits for it and it is still on the way.
    astray: bool,
}

/// What was sent.
enum Sent {
    /// To the desk: a path and its parameters.
    Desk(String, BTreeMap<String, String>),
    /// To the services of the sandbox.
    Sandbox {
        method: Method,
        target: String,
        headers: http::HeaderMap,
        body: Vec<u8>,
    },
    /// A mail: from whom, to whom, and its text.
    Mail(String, Vec<String>, Vec<u8>),
}

/// What a service answers.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn json(status: u16, body: &Json) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: if body.is_null() {
                String::new()
            } else {
                body.to_string()
            },
        }
    }

    fn response(self) -> Result<Response, WireError> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let response = response.body(self.body).map_err(|_| WireError::Lost)?;
        Ok(response.into())
    }
}

/// A fault that is built in, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Every action is carried out twice.
    Twice,
    /// Answers say that it is done, and it is not.
    Never,
    /// What people said is forgotten.
    Votes,
}

#[derive(Default)]
struct State {
    next: u64,
    flights: Vec<Flight>,
    asked: Vec<Asked>,
    done: Vec<Asked>,
    locked: BTreeSet<(String, String)>,
    flagged: BTreeSet<(String, String)>,
    opened: BTreeMap<String, String>,
    wrong: Vec<String>,
}

/// The service.
pub struct Outside {
    state: Mutex<State>,
    clock: Arc<SimClock>,
    sabotage: Option<Sabotage>,
    /// What stands behind the wire, where it is not the desk of the drawn projects.
    sandbox: Option<Offline>,
    /// To see what is committed when something arrives.
    observer: Mutex<Option<Store>>,
}

impl Outside {
    /// A service that nothing was asked of.
    pub fn new(
        clock: Arc<SimClock>,
        sabotage: Option<Sabotage>,
        sandbox: Option<Offline>,
    ) -> Outside {
        Outside {
            sabotage,
            sandbox,
            state: Mutex::default(),
            clock,
            observer: Mutex::default(),
        }
    }

    /// From now on each action that arrives is looked for in this store: its intent has to be there.
    pub fn observe(&self, store: Store) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(store);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests are under way.
    pub fn flights(&self) -> usize {
        self.state().flights.len()
    }

    /// Whether an action of a run is still under way.
    pub fn is_under_way(&self, run: &str, step: u32) -> bool {
        let state = self.state();
        let asked = state.flights.iter().filter_map(|f| f.asked.as_ref());
        asked.into_iter().any(|a| a.run == run && a.step == step)
    }

    /// How many requests came.
    pub fn came(&self) -> u64 {
        self.state().next
    }

    /// How long until somebody stops waiting for an answer.
    pub fn next_giving_up_ms(&self) -> Option<i64> {
        let passed = self.clock.passed_ms();
        let state = self.state();
        let waiting = state.flights.iter().filter(|f| !f.reply.is_closed());
        waiting.map(|f| (f.gives_up_ms - passed).max(0)).min()
    }

    /// Decides the fate of one request that is under way.
    pub fn decide(&self, which: usize, fate: Fate) -> String {
        let flight = self.state().flights.remove(which);
        let label = format!("{}: {fate:?}", flight.label);
        let done = matches!(fate, Fate::Done | Fate::DoneSilently | Fate::DoneBadGateway);
        let answered = done.then(|| self.perform(&flight));
        let says = |status: u16| Some(Reply::json(status, &Json::Null).response());
        let reply = match fate {
            Fate::Done => answered.map(Reply::response),
            Fate::DoneBadGateway => says(502),
            Fate::NotReached => Some(Err(WireError::NotReached)),
            Fate::Throttled(seconds) => {
                let mut reply = Reply::json(429, &Json::Null);
                reply
                    .headers
                    .push(("retry-after".into(), seconds.to_string()));
                Some(reply.response())
            }
            Fate::Down => says(503),
            Fate::Refused => Some(Reply::json(400, &json!({"message": "no"})).response()),
            Fate::DoneSilently | Fate::Swallowed => None,
        };
        match reply {
            // Who asked may be gone.
            Some(reply) => drop(flight.reply.send(reply)),
            None => self.lose(flight),
        }
        label
    }

    /// No answer comes: it is heard of when the time for it is over.
    fn lose(&self, flight: Flight) {
        let clock = self.clock.clone();
        let left = flight.gives_up_ms - clock.passed_ms();
        tokio::spawn(async move {
            clock.sleep(left).await;
            // Who asked may be gone.
            let _ = flight.reply.send(Err(WireError::Lost));
        });
    }

    /// Ends what nobody waits for any more: each is done now or never, as `now` says; only what may be done again may
    /// still come later.
    pub fn give_up(&self, mut now: impl FnMut() -> bool) {
        let passed = self.clock.passed_ms();
        let (over, rest): (Vec<Flight>, Vec<Flight>) = {
            let mut state = self.state();
            std::mem::take(&mut state.flights)
                .into_iter()
                .partition(|f| f.gives_up_ms <= passed || (f.reply.is_closed() && !f.astray))
        };
        self.state().flights = rest;
        for flight in over {
            let repeatable = flight.asked.as_ref().is_none_or(|a| a.kind.is_idempotent());
            if flight.reply.is_closed() && repeatable && !flight.astray && now() {
                // It is somewhere on the way, and arrives when it does.
                let gives_up_ms = passed + 600_000;
                let astray = true;
                self.state().flights.push(Flight {
                    gives_up_ms,
                    astray,
                    ..flight
                });
                continue;
            }
            if now() {
                self.perform(&flight);
            }
            // Who asked may be gone.
            let _ = flight.reply.send(Err(WireError::Lost));
        }
    }

    /// Does it, and says what is answered.
    fn perform(&self, flight: &Flight) -> Reply {
        let times = match self.sabotage {
            Some(Sabotage::Twice) => 2,
            Some(Sabotage::Never) => 0,
            _ => 1,
        };
        let done = flight.asked.iter().flat_map(|asked| {
            let done = Asked {
                passed_ms: self.clock.passed_ms(),
                ..asked.clone()
            };
            std::iter::repeat_n(done, times)
        });
        let mut state = self.state();
        let now = Timestamp::from_millisecond(self.clock.now_ms()).unwrap_or_default();
        match (&flight.what, &self.sandbox) {
            (Sent::Desk(path, query), _) => {
                state.done.extend(done);
                Reply::json(200, &desk(&mut state, flight.asked.as_ref(), path, query))
            }
            (Sent::Mail(from, to, text), Some(sandbox)) => {
                if !sandbox.deliver(now, from, to, text) {
                    state.wrong.push("a mail cannot be read".into());
                }
                Reply::json(200, &Json::Null)
            }
            (
                Sent::Sandbox {
                    method,
                    target,
                    headers,
                    body,
                },
                Some(sandbox),
            ) => {
                let (headers, body) = (headers.clone(), body.clone());
                let answered = sandbox.answer(now, (method, target), headers, body);
                if (200..300).contains(&answered.status) {
                    state.done.extend(done);
                }
                Reply {
                    status: answered.status,
                    headers: answered.headers,
                    body: answered.body,
                }
            }
            (Sent::Mail(..) | Sent::Sandbox { .. }, None) => Reply::json(404, &Json::Null),
        }
    }

    /// Something outside changes its mind about a person.
    pub fn flag(&self, tenant: &str, person: &str) -> bool {
        let mut state = self.state();
        let key = (tenant.to_owned(), person.to_owned());
        if !state.flagged.remove(&key) {
            state.flagged.insert(key);
            return true;
        }
        false
    }

    /// Actions as they arrived, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Actions as they were done, in order.
    pub fn done(&self) -> Vec<Asked> {
        self.state().done.clone()
    }

    /// Whether a step of a run was done, and the ticket that it opened.
    pub fn was_done(&self, run: &str, step: u32) -> Option<Option<String>> {
        let state = self.state();
        let done = state.done.iter().find(|d| d.run == run && d.step == step)?;
        Some(state.opened.get(&done.call).cloned())
    }

    /// What was wrong with requests when they arrived.
    pub fn wrong(&self) -> Vec<String> {
        self.state().wrong.clone()
    }

    /// Two calls that act on one person are never under way together.
    fn check_lease(&self, asked: &Asked) {
        if asked.run.is_empty() || matches!(asked.kind, Kind::Note | Kind::Ticket) {
            return;
        }
        let mut state = self.state();
        let other = state.flights.iter().find_map(|f| {
            let other = f.asked.as_ref()?;
            let acts = !matches!(other.kind, Kind::Note | Kind::Ticket) && !f.reply.is_closed();
            let same = (&other.tenant, &other.person) == (&asked.tenant, &asked.person);
            (acts && same && !f.astray).then(|| format!("{}_{}", other.kind.name(), other.step))
        });
        if let Some(other) = other {
            state.wrong.push(format!(
                "{}_{} of {} was sent while {other} acted on the same person",
                asked.kind.name(),
                asked.step,
                asked.run
            ));
        }
    }

    /// The intent of an action is committed before the action is sent.
    async fn check_intent(&self, asked: &Asked) {
        if asked.run.is_empty() {
            return;
        }
        let observer = self
            .observer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(store) = observer else {
            return;
        };
        let name = format!("drawn.{}_{}", asked.kind.name(), asked.step);
        let found = match store.run_detail(&asked.run).await {
            Ok(Some(detail)) => detail.journal.iter().any(
                |entry| matches!(&entry.what, What::Intended { action, .. } if **action == *name),
            ),
            _ => false,
        };
        if !found {
            let wrong = format!(
                "{name} of {} was sent before its intent was on the disk",
                asked.run
            );
            self.state().wrong.push(wrong);
        }
    }
}

/// What the desk of the drawn projects does and answers.
fn desk(
    state: &mut State,
    asked: Option<&Asked>,
    path: &str,
    query: &BTreeMap<String, String>,
) -> Json {
    let of = |name: &str| query.get(name).cloned().unwrap_or_default();
    match (asked, path) {
        (Some(asked), _) => {
            if asked.kind == Kind::Lock {
                state.locked.insert((asked.tenant.clone(), of("person")));
            }
            let id = format!("T{}", state.opened.len() + 1);
            if asked.kind == Kind::Ticket {
                let opened = state.opened.entry(asked.call.clone());
                opened.or_insert_with(|| id.clone());
            }
            json!({ "id": id })
        }
        (None, "/locked") => {
            json!({ "locked": state.locked.contains(&(of("tenant"), of("person"))) })
        }
        (None, "/flagged") => {
            json!({ "flagged": state.flagged.contains(&(of("tenant"), of("person"))) })
        }
        (None, "/opened") => match state.opened.get(&of("call")) {
            Some(id) => json!({ "id": id }),
            None => json!({}),
        },
        (None, other) => {
            state.wrong.push(format!("nobody declared {other}"));
            Json::Null
        }
    }
}

/// What is asked of a service of the sandbox: whether it may be done twice is known by what it does.
fn of_sandbox(
    method: &Method,
    target: &str,
    call: String,
    body: &Json,
    passed_ms: i64,
) -> Option<Asked> {
    let path = target.split('?').next().unwrap_or(target);
    let reads = *method == Method::GET || path.ends_with("/token") || path.ends_with("/$batch");
    if reads {
        return None;
    }
    let kind = if path.starts_with("/halo/api/tickets") {
        Kind::Ticket
    } else if body.get("passwordProfile").is_some() {
        Kind::Reset
    } else if path.starts_with("/teams") || path.starts_with("/slack") {
        Kind::Note
    } else {
        Kind::Block
    };
    Some(Asked {
        kind,
        run: String::new(),
        call,
        step: 0,
        version: 0,
        tenant: String::new(),
        person: String::new(),
        passed_ms,
    })
}

impl Outside {
    fn sent(&self, request: &Request) -> (Sent, Option<Asked>, String) {
        let passed_ms = self.clock.passed_ms();
        let bytes = request
            .body()
            .and_then(|b| b.as_bytes())
            .unwrap_or_default();
        let body: Json = serde_json::from_slice(bytes).unwrap_or_default();
        let (url, method) = (request.url(), request.method().clone());
        if self.sandbox.is_some() {
            let target = match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            };
            let call = request.headers().get("client-request-id");
            let call = call.and_then(|c| c.to_str().ok()).unwrap_or_default();
            let asked = of_sandbox(&method, &target, call.to_owned(), &body, passed_ms);
            let label = format!("{method} {target}");
            let sent = Sent::Sandbox {
                method,
                target,
                headers: request.headers().clone(),
                body: bytes.to_vec(),
            };
            return (sent, asked, label);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| body[name].as_u64().unwrap_or_default() as u32;
        let path = url.path().to_owned();
        let asked = Kind::of(path.trim_start_matches('/')).map(|kind| Asked {
            kind,
            run: text("run"),
            call: text("call"),
            step: number("step"),
            version: number("version"),
            tenant: text("tenant"),
            person: text("person"),
            passed_ms,
        });
        let mut query: BTreeMap<String, String> = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        query
            .entry("person".into())
            .or_insert_with(|| text("person"));
        let of = asked.as_ref().map(|a| format!("_{} of {}", a.step, a.run));
        let label = format!("{}{}", path.trim_start_matches('/'), of.unwrap_or_default());
        (Sent::Desk(path, query), asked, label)
    }

    /// Puts something on the wire.
    fn send(
        &self,
        (what, asked, label): (Sent, Option<Asked>, String),
        timeout_ms: i64,
    ) -> oneshot::Receiver<Result<Response, WireError>> {
        let (reply, answered) = oneshot::channel();
        let mut state = self.state();
        state.next += 1;
        state.asked.extend(asked.clone());
        state.flights.push(Flight {
            what,
            label,
            asked,
            gives_up_ms: self.clock.passed_ms() + timeout_ms,
            reply,
            astray: false,
        });
        answered
    }
}

impl Wire for Outside {
    fn carry(&self, request: Request, _private: bool) -> Carried<'_> {
        let sent = self.sent(&request);
        let timeout_ms = request.timeout().map_or(30_000, |t| t.as_millis() as i64);
        Box::pin(async move {
            if let Some(asked) = &sent.1 {
                self.check_intent(asked).await;
                self.check_lease(asked);
            }
            let answered = self.send(sent, timeout_ms);
            answered.await.unwrap_or(Err(WireError::Lost))
        })
    }

    fn post<'a>(&'a self, mail: Mail<'a>) -> Option<Posted<'a>> {
        let what = Sent::Mail(mail.from.to_owned(), mail.to.to_vec(), mail.text.to_vec());
        let label = format!("mail to {}", mail.to.join(", "));
        Some(Box::pin(async move {
            let answered = self.send((what, None, label), 30_000);
            answered.await.unwrap_or(Err(WireError::Lost)).map(|_| ())
        }))
    }
}
