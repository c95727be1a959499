//! Durable runs of three HTTP actions each: how many a second, and how long one takes.
//!
//! `cargo bench -p counterplay-tests --bench engine` drives an engine on a store in a file, every commit synced,
//! against the sandbox in a process of its own. The time of a run counts from the call of `accept` until its last
//! transition is committed. CPU time is that of this process, by threads: the one that writes, the one that reads, the
//! others. `COUNTERPLAY_BENCH_WIDTHS=32,64` and `COUNTERPLAY_BENCH_SECONDS=5` measure something else.
//! Figures in `docs/performance.md`.

use counterplay_machine::journal::What;
use counterplay_machine::state::Outcome;
use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Notice, Until};
use counterplay_runtime::store::Store;
use counterplay_sandbox::{Options, Sandbox};
use hdrhistogram::Histogram;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;

/// The heap that the binary uses.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set where this program is the other process, which answers.
const ANSWERS: &str = "COUNTERPLAY_BENCH_ANSWERS";
/// How many runs are open at once.
const WIDTHS: &str = "COUNTERPLAY_BENCH_WIDTHS";
/// How long each width is measured.
const SECONDS: &str = "COUNTERPLAY_BENCH_SECONDS";

const SOURCE: &str = r#"
/// A chat service that takes whatever comes.
connection desk {
  auth: none
  retry: for 1m, from 1s up to 10s
  timeout: 10s
  notify: POST "/services/*/*/*"
}

event ping {
  source: push
  known_by: "pingId", "pingText"
  field id: Text = raw.pingId
  field text: Text = raw.pingText
}

/// Say something.
action say(text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/services/T0/B0/X0", json: { text: text })
  expect: 200
}

playbook probe "Probe" {
  when ping as p
  then {
    say("one {p.text}")
    say("two {p.text}")
    say("three {p.text}")
  }
}
"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if std::env::var_os(ANSWERS).is_some() {
        runtime.block_on(answer());
        return;
    }
    let (child, base) = other_process();
    println!(
        "{:>9} {:>9} {:>10} {:>9} {:>9} {:>9} {:>13}   µs of CPU for each run: writing, reading, the rest",
        "in flight", "runs", "runs/s", "p50 ms", "p99 ms", "commits/s", "transitions/s",
    );
    let given = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let span = given(SECONDS, "10").parse().expect("seconds");
    for width in given(WIDTHS, "1,16,32,256").split(',') {
        let width = width.trim().parse().expect("a number of runs");
        runtime.block_on(measure(&base, width, Duration::from_secs(span)));
    }
    drop(child);
}

/// Ends the other process with this one.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn other_process() -> (Ended, String) {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .env(ANSWERS, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let out = child.stdout.take().expect("its output");
    let mut base = String::new();
    BufReader::new(out).read_line(&mut base).expect("a line");
    (Ended(child), base.trim().to_owned())
}

async fn answer() {
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    sandbox.update(|tenant| {
        tenant
            .slack_webhooks
            .insert("T0/B0/X0".into(), "probes".into());
    });
    println!("{}", sandbox.base_url());
    std::future::pending::<()>().await;
}

/// The CPU time that this process's threads have had, in clock ticks (a hundredth of a second): those that write, those
/// that read, the others.
fn spent() -> [u64; 3] {
    let mut out = [0; 3];
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten() {
        let Ok(task) = task else { continue };
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        // The name stands in brackets; user and system time are the 14th and 15th field.
        let Some((name, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        let times = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = times.filter_map(|n| n.parse::<u64>().ok()).sum();
        let which = match name {
            name if name.contains("store-writer") => 0,
            name if name.contains("store-reader") => 1,
            _ => 2,
        };
        out[which] += ticks;
    }
    out
}

async fn measure(base: &str, width: usize, span: Duration) {
    let (program, mut deployment) = counterplay_tests::project_with(
        SOURCE,
        &format!("[connections.desk]\nbase = \"{base}/slack\"\nallow_private = true\n"),
    );
    deployment.secrets = Default::default();
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(SystemClock);
    let key = MasterKey::from_bytes([7; 32]);
    let secrets = Arc::new(MemorySecrets::default());
    let connector = Connectors::new(deployment.clone(), secrets, key, clock.clone());
    let store = Store::open(folder.path().join("store.db")).expect("a store");
    let mut options = EngineOptions::new(
        program,
        deployment,
        store.clone(),
        Arc::new(connector.expect("connectors")),
        clock,
    );
    options.calls_max = width.max(32);
    let engine = Engine::open(options).await.expect("an engine");
    let mut watch = engine.watch();
    let driven = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::stopped(std::future::pending())).await }
    });

    let mut times = Histogram::<u64>::new(3).expect("a histogram");
    let mut begun: HashMap<i64, Instant> = HashMap::new();
    let mut of_run: HashMap<String, Instant> = HashMap::new();
    let mut over: HashSet<String> = HashSet::new();
    let (told, mut receipts) = tokio::sync::mpsc::unbounded_channel();
    let start = |n: u64| {
        let (engine, told) = (engine.clone(), told.clone());
        tokio::spawn(async move {
            let at = Instant::now();
            let incoming = Incoming {
                tenant: "contoso".into(),
                event: Some("case.ping".into()),
                payload: json!({ "pingId": n.to_string(), "pingText": "hello" }),
                source: None,
            };
            let receipt = engine.accept(incoming).await.expect("accepted");
            let _ = told.send((receipt.event, at));
        });
    };
    let since = Instant::now();
    let (work, cpu) = (store.work(), spent());
    let (mut next, mut ended) = (0u64, 0u64);
    while (next as usize) < width {
        start(next);
        next += 1;
    }
    let mut waiting: HashMap<i64, String> = HashMap::new();
    while ended < next {
        tokio::select! {
            Some((event, at)) = receipts.recv() => {
                match waiting.remove(&event) {
                    Some(run) if over.remove(&run) => {
                        times.record(at.elapsed().as_micros() as u64).expect("in range");
                    }
                    Some(run) => { of_run.insert(run, at); }
                    None => { begun.insert(event, at); }
                }
            }
            notice = watch.recv() => match notice {
                Ok(Notice::Matched { event, started, .. }) => {
                    let run = started.into_iter().next().expect("a run");
                    match begun.remove(&event) {
                        Some(at) => { of_run.insert(run, at); }
                        None => { waiting.insert(event, run); }
                    }
                }
                Ok(Notice::Entry { run, entry, .. }) => {
                    if let What::ActionFailed { reason, .. } = &entry.what {
                        panic!("{reason}");
                    }
                    if let What::Ended { outcome, .. } = &entry.what {
                        assert!(matches!(outcome, Outcome::Completed), "{run} ended {outcome:?}");
                        ended += 1;
                        match of_run.remove(&*run) {
                            Some(at) => times.record(at.elapsed().as_micros() as u64).expect("in range"),
                            None => { over.insert(run.to_string()); }
                        }
                        if since.elapsed() < span {
                            start(next);
                            next += 1;
                        }
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(n)) => panic!("{n} notices were missed"),
                Err(RecvError::Closed) => panic!("the engine ended"),
            }
        }
    }
    let seconds = since.elapsed().as_secs_f64();
    let cpu_after = spent();
    let cpu =
        [0, 1, 2].map(|i| cpu_after[i].saturating_sub(cpu[i]) as f64 * 10_000.0 / ended as f64);
    let (commits, transactions) = {
        let after = store.work();
        (
            after.commits - work.commits,
            after.transactions - work.transactions,
        )
    };
    engine.stop();
    driven.await.expect("driven").expect("driven");
    println!(
        "{width:>9} {ended:>9} {:>10.0} {:>9.2} {:>9.2} {:>9.0} {:>13.0}   {:.0}, {:.0}, {:.0}",
        ended as f64 / seconds,
        times.value_at_quantile(0.5) as f64 / 1_000.0,
        times.value_at_quantile(0.99) as f64 / 1_000.0,
        commits as f64 / seconds,
        transactions as f64 / seconds,
        cpu[0],
        cpu[1],
        cpu[2],
    );
}
