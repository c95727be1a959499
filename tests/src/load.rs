//! How many ask and listen in; how long they waited and what any of them missed out: a real service under load.
//!
//! Streams differ, as their readers do: most read at once, some slowly, some break off and come back with the number
//! that they saw last, and one reads nothing until all is over.

use crate::service::Service;
use hdrhistogram::Histogram;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long the service may take to start, and a stream to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing new for so long means that all runs are over.
const QUIET: Duration = Duration::from_secs(2);
/// After how many entries a reader of the third kind breaks off.
const BREAK_OFF: usize = 50;
/// Every so many requests of a client are a start: the service desk takes 10 calls a second.
const START_EVERY: usize = 25;
/// What is started over and over: it waits, and opens a ticket at the service desk.
const PROBE: &str = r#"use ticket

playbook probe "Probe" {
  when manual(reason: Text)

  then {
    ticket.create(title: "Probe {reason}", priority: low, team: "SOC")
  }

  wait 1s

  then {
    end run "Looked at."
  }
}
"#;

/// How much is asked of a service.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many follow what happens.
    pub streams: usize,
    /// How many ask and start runs.
    pub clients: usize,
    /// For how long.
    pub span: Duration,
    /// How often each of them asks at most.
    pub pace: Duration,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Microseconds from request to the whole answer, by what was asked.
    pub calls: BTreeMap<&'static str, Histogram<u64>>,
    /// Milliseconds from when a run recorded something to when a stream that reads at once had it.
    pub delays: Histogram<u64>,
    /// Answers that were not those wanted.
    pub refused: Vec<String>,
    /// What a stream did not get, got twice or got out of order.
    pub lost: Vec<String>,
    /// How many entries each stream was to get.
    pub entries: usize,
    /// How many runs were started.
    pub runs: usize,
    /// For how long was asked.
    pub took: Duration,
    /// The service's memory before the load, KiB; 0 where it is not known.
    pub idle_kib: u64,
    /// The most that it held, KiB; 0 where it is not known.
    pub most_kib: u64,
}

/// Who asks: where, and with what.
#[derive(Clone)]
struct Api {
    http: Client,
    base: String,
    token: String,
}

impl Api {
    async fn ask(&self, path: &str) -> Result<Value, String> {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request, path).await
    }

    async fn tell(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        self.send(request, path).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> Result<Value, String> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|e| format!("{path}: {e}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| format!("{path}: {e}"))?;
        match status.is_success() {
            true => serde_json::from_str(&text).map_err(|e| format!("{path}: {e}")),
            false => Err(format!("{path}: {status} {text}")),
        }
    }

    async fn stream(&self, after: Option<i64>) -> Result<Response, String> {
        let mut request = self.http.get(format!("{}/stream", self.base));
        if let Some(number) = after {
            request = request.header("last-event-id", number);
        }
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|e| format!("a stream: {e}"))?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(format!("a stream: {}", answer.status())),
        }
    }
}

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    AtOnce,
    Slowly,
    BreaksOff,
    ReadsWhenAllIsOver,
}

impl Reader {
    fn of(index: usize) -> Reader {
        match index % 10 {
            0 if index == 0 => Reader::ReadsWhenAllIsOver,
            1 => Reader::BreaksOff,
            2 => Reader::Slowly,
            _ => Reader::AtOnce,
        }
    }
}

/// A server-sent event, as far as it is looked at.
struct Event {
    journal: bool,
    id: Option<i64>,
    at_ms: Option<i64>,
}

/// Takes whole events off the beginning of what has come.
fn take(text: &mut String) -> Vec<Event> {
    let Some(end) = text.rfind("\n\n") else {
        return Vec::new();
    };
    let whole: String = text.drain(..end + 2).collect();
    let event = |part: &str| {
        let field = |name: &str| part.lines().find_map(|l| l.strip_prefix(name));
        let data = field("data: ").and_then(|d| serde_json::from_str::<Value>(d).ok());
        let at = data.and_then(|d| d["at"].as_str()?.parse::<jiff::Timestamp>().ok());
        Event {
            journal: field("event: ") == Some("journal"),
            id: field("id: ").and_then(|id| id.parse().ok()),
            at_ms: at.map(jiff::Timestamp::as_millisecond),
        }
    };
    whole.split("\n\n").map(event).collect()
}

/// What a stream got: where it began, and the numbers of the entries.
struct Got {
    reader: Reader,
    start: i64,
    numbers: Vec<i64>,
    delays_ms: Vec<i64>,
}

/// Follows until the last entry is there, or nothing comes any more.
async fn follow(
    api: Api,
    reader: Reader,
    ready: tokio::sync::mpsc::Sender<()>,
    mut end: watch::Receiver<Option<i64>>,
) -> Result<Got, String> {
    let mut response = api.stream(None).await?;
    // Everybody is there before anything happens.
    let _ = ready.send(()).await;
    drop(ready);
    if reader == Reader::ReadsWhenAllIsOver {
        let over = end.wait_for(Option::is_some).await;
        over.map_err(|_| "the load was given up")?;
    }
    let mut got = Got {
        reader,
        start: -1,
        numbers: Vec::new(),
        delays_ms: Vec::new(),
    };
    let (mut text, mut last, mut since) = (String::new(), -1, 0);
    loop {
        if end.borrow().is_some_and(|end| last >= end) {
            return Ok(got);
        }
        let chunk = tokio::select! {
            chunk = tokio::time::timeout(PATIENCE, response.chunk()) => chunk,
            _ = end.changed() => continue,
        };
        let Ok(chunk) = chunk else {
            return Ok(got);
        };
        let chunk = chunk.map_err(|e| format!("a stream broke: {e}"))?;
        let chunk = chunk.ok_or("a stream was ended by the service")?;
        text.push_str(&String::from_utf8_lossy(&chunk));
        let now_ms = jiff::Timestamp::now().as_millisecond();
        for event in take(&mut text) {
            if let Some(id) = event.id {
                last = id;
                if got.start < 0 {
                    got.start = id;
                }
            }
            if event.journal {
                got.numbers.extend(event.id);
                got.delays_ms.extend(event.at_ms.map(|at| now_ms - at));
                since += 1;
            }
        }
        if reader == Reader::Slowly {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if reader == Reader::BreaksOff && since >= BREAK_OFF {
            drop(response);
            text.clear();
            since = 0;
            response = api.stream(Some(last)).await?;
        }
    }
}

/// One who asks until time is up: reads for the most part, and starts a run now and then.
async fn client(
    api: Api,
    number: usize,
    load: Load,
    known: Arc<Mutex<Vec<String>>>,
) -> Vec<(&'static str, Duration, Result<(), String>)> {
    let mut seen = Vec::new();
    let begin = Instant::now();
    let mut turn = number;
    while begin.elapsed() < load.span {
        let asked = Instant::now();
        let (what, answer) = match turn % 10 {
            _ if turn.is_multiple_of(START_EVERY) => {
                let body =
                    json!({"tenant": "contoso", "values": {"reason": format!("{number}/{turn}")}});
                ("start", api.tell("/playbooks/probe/run", &body).await)
            }
            0..=4 => ("list of runs", api.ask("/runs?limit=50").await),
            5 | 6 => {
                let run = {
                    let known = known.lock().expect("not poisoned");
                    known[turn % known.len()].clone()
                };
                ("one run", api.ask(&format!("/runs/{run}")).await)
            }
            7 | 8 => ("approvals", api.ask("/approvals").await),
            _ => ("playbooks", api.ask("/playbooks").await),
        };
        let took = asked.elapsed();
        if let Ok(value) = &answer
            && let Some(run) = value["runs"][0].as_str()
        {
            known.lock().expect("not poisoned").push(run.to_owned());
        }
        seen.push((what, took, answer.map(|_| ())));
        turn += 1;
        tokio::time::sleep(load.pace.saturating_sub(took)).await;
    }
    seen
}

/// All entries after a number, read once everything is quiet.
async fn entries(api: &Api, after: i64) -> Result<Vec<i64>, String> {
    let mut response = api.stream(Some(after)).await?;
    let (mut text, mut numbers) = (String::new(), Vec::new());
    while let Ok(chunk) = tokio::time::timeout(QUIET, response.chunk()).await {
        let chunk = chunk.map_err(|e| format!("the last stream broke: {e}"))?;
        let chunk = chunk.ok_or("the last stream was ended by the service")?;
        text.push_str(&String::from_utf8_lossy(&chunk));
        let journal = take(&mut text).into_iter().filter(|e| e.journal);
        numbers.extend(journal.filter_map(|e| e.id));
    }
    Ok(numbers)
}

/// Starts a service, puts the load on it, and says what was seen.
///
/// # Errors
/// When it cannot even be put on.
pub async fn put(load: Load) -> Result<Seen, String> {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let api = Api {
        http: Client::new(),
        base: format!("{}/api/automation", service.url),
        token: service.token("administrator").await,
    };
    api.tell("/playbooks", &json!({"source": PROBE})).await?;
    let runs = api.ask("/runs").await?;
    let runs = runs["runs"].as_array().cloned().unwrap_or_default();
    let ids = runs.iter().filter_map(|r| r["id"].as_str());
    let known = Arc::new(Mutex::new(ids.map(str::to_owned).collect::<Vec<_>>()));
    let before = known.lock().expect("not poisoned").len();
    let idle_kib = service.memory_kib("VmRSS");
    let (end, ended) = watch::channel(None);
    let (ready, mut is_ready) = tokio::sync::mpsc::channel(1);
    let mut streams = JoinSet::new();
    for index in 0..load.streams {
        let follower = follow(api.clone(), Reader::of(index), ready.clone(), ended.clone());
        streams.spawn(follower);
    }
    drop(ready);
    while is_ready.recv().await.is_some() {}
    let mut clients = JoinSet::new();
    for number in 0..load.clients {
        // A connection of their own, as clients have.
        let api = Api {
            http: Client::new(),
            ..api.clone()
        };
        clients.spawn(client(api, number, load, known.clone()));
    }
    let begin = Instant::now();
    let mut seen = Seen {
        calls: BTreeMap::new(),
        delays: histogram(),
        refused: Vec::new(),
        lost: Vec::new(),
        entries: 0,
        runs: 0,
        took: Duration::ZERO,
        idle_kib,
        most_kib: 0,
    };
    for (what, took, answer) in clients.join_all().await.into_iter().flatten() {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let calls = seen.calls.entry(what).or_insert_with(histogram);
        calls.saturating_record(micros.max(1));
        seen.refused.extend(answer.err());
    }
    seen.took = begin.elapsed();
    seen.runs = known.lock().expect("not poisoned").len() - before;
    // The numbers of runs that were there before are not among those of the streams.
    let all = settled(&api).await?;
    end.send_replace(all.last().copied());
    let last = all.last().copied().unwrap_or_default();
    for got in streams.join_all().await {
        match got {
            Ok(got) => judge(&mut seen, &all, &got, last),
            Err(why) => seen.lost.push(why),
        }
    }
    seen.most_kib = service.memory_kib("VmHWM");
    Ok(seen)
}

/// The numbers of all entries, once no more come.
async fn settled(api: &Api) -> Result<Vec<i64>, String> {
    let begin = Instant::now();
    loop {
        let all = entries(api, 0).await?;
        let open = api.ask("/runs?open=true&playbook=probe").await?;
        if open["runs"].as_array().is_some_and(Vec::is_empty) {
            return Ok(all);
        }
        if begin.elapsed() > PATIENCE {
            return Err("runs do not come to their end".into());
        }
    }
}

/// Compares what a stream got with what there was.
fn judge(seen: &mut Seen, all: &[i64], got: &Got, last: i64) {
    let expected: Vec<i64> = all.iter().copied().filter(|n| *n > got.start).collect();
    let numbers: Vec<i64> = got.numbers.iter().copied().filter(|n| *n <= last).collect();
    seen.entries = seen.entries.max(expected.len());
    if numbers != expected {
        let missing = expected.iter().filter(|n| !numbers.contains(n)).count();
        seen.lost.push(format!(
            "a stream that {:?} got {} of {} entries, {missing} are missing",
            got.reader,
            numbers.len(),
            expected.len(),
        ));
    }
    if got.reader == Reader::AtOnce {
        for delay in &got.delays_ms {
            let delay = u64::try_from(*delay).unwrap_or(0);
            seen.delays.saturating_record(delay.max(1));
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("these bounds are good")
}
