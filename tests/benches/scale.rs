//! Very many parked runs in one store: how large it is, how long the service takes until it is ready with it, how much
//! memory it needs, what its figures cost, and what it costs to wake 1,000 of them.
//!
//! `cargo build --release -p counterplay-cli && cargo bench -p counterplay-tests --bench scale`, with
//! `COUNTERPLAY_BENCH_RUNS=1000000` for a million (about 3 GB in the folder for temporary files, or in
//! `COUNTERPLAY_BENCH_FOLDER`, where the store stays and is filled up to that number the next time). The runs are real:
//! an engine takes an event for each, starts it and parks it at a `wait`. Figures in `docs/performance.md`.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::journal::What;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::connect::MasterKey;
use counterplay_runtime::connect::{Connectors, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Notice, Refusal, Until};
use counterplay_runtime::store::Store;
use counterplay_tests::probe;
use counterplay_tests::service::{Process, memory_kib};
use counterplay_tests::target::Target;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The heap that the binary uses.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many runs are woken.
const WOKEN: u64 = 1_000;
/// How often figures are asked for.
const READ: usize = 9;
/// How many events are given at once.
const AT_ONCE: u64 = 256;

const SOURCE: &str = r#"
/// A service that takes whatever comes.
connection desk {
  auth: none
  retry: for 1m, from 1s up to 10s
  timeout: 10s
  notify: POST "/take"
}

event ping {
  source: push
  known_by: "pingId", "pingUntil"
  field id: Text = raw.pingId
  field until: Time = raw.pingUntil
}

/// Say something.
action say(text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/take", json: { text: text })
  expect: 200
}

playbook probe "Probe" {
  when ping as p
  wait until p.until
  then {
    say(p.id)
  }
}
"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let runs: u64 = std::env::var("COUNTERPLAY_BENCH_RUNS")
        .map_or(20_000, |text| text.parse().expect("a number of runs"));
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = match std::env::var_os("COUNTERPLAY_BENCH_FOLDER") {
        Some(folder) => folder.into(),
        None => temporary.path().to_owned(),
    };
    let mut target = Target::start().await;
    let toml = format!(
        "[project]\nname = \"Scale\"\n\n[tenants.contoso]\nid = \"contoso\"\n\n\
         [connections.desk]\nbase = \"{}\"\nallow_private = true\n",
        target.base
    );
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), &toml).expect("a file");
    std::fs::write(folder.join("playbooks/probe.play"), SOURCE).expect("a file");
    let (program, deployment) = compiled(&toml);
    let path = folder.join(".counterplay/store.db");

    started(
        "an empty store",
        tempfile::tempdir().expect("a folder").path(),
        &toml,
    )
    .await;
    let before = {
        let engine = Driven::open(&program, &deployment, &path).await;
        let before = engine.open_runs().await;
        let since = Instant::now();
        engine.park(before..runs, "2099-01-01T00:00:00Z").await;
        let seconds = since.elapsed().as_secs_f64();
        let new = runs.saturating_sub(before);
        println!(
            "parked {new} runs in {seconds:.0} s, {:.0} runs/s",
            new as f64 / seconds
        );
        engine.ended().await;
        runs.max(before)
    };
    let bytes = std::fs::metadata(&path).expect("a store").len();
    println!(
        "{before} parked runs: a file of {:.0} MB, {:.0} bytes for each run",
        bytes as f64 / 1e6,
        bytes as f64 / before as f64
    );
    started("that store", &folder, &toml).await;

    // They are parked last, so that they wait for a time that comes while they are looked at.
    let due = SystemClock.now_ms() + 20_000;
    let time = counterplay_machine::duration::format_time_ms(due);
    let engine = Driven::open(&program, &deployment, &path).await;
    engine.park(before..before + WOKEN, &time).await;
    engine.ended().await;
    let since = Instant::now();
    let engine = Driven::open(&program, &deployment, &path).await;
    println!(
        "an engine opens it in {:.0} ms",
        since.elapsed().as_secs_f64() * 1e3
    );
    let mut notices = engine.engine.watch();
    tokio::time::sleep(Duration::from_millis(
        (due - SystemClock.now_ms()).max(0) as u64
    ))
    .await;
    let cpu = cpu_ms();
    let since = Instant::now();
    let (mut ended, mut first) = (0, None);
    while ended < WOKEN {
        match notices.recv().await.expect("the engine tells all") {
            Notice::Entry { entry, .. } if matches!(entry.what, What::Ended { .. }) => {
                first.get_or_insert_with(|| since.elapsed());
                ended += 1;
            }
            _ => {}
        }
    }
    let (wall, cpu) = (since.elapsed(), cpu_ms() - cpu);
    let first = first.unwrap_or_default();
    println!(
        "{WOKEN} of {} were woken, called a service once each and ended in {:.0} ms (the first after {:.0} ms), with \
         {cpu} ms of CPU time",
        before + WOKEN,
        wall.as_secs_f64() * 1e3,
        first.as_secs_f64() * 1e3,
    );
    println!(
        "this process holds {} MiB",
        memory_kib(std::process::id(), "VmRSS") / 1024
    );
    engine.ended().await;
    let mut came = 0;
    while target.arrivals.try_recv().is_ok() {
        came += 1;
    }
    assert_eq!(came, WOKEN, "each called once");
}

/// What the service makes of the same files.
fn compiled(toml: &str) -> (Arc<Program>, Deployment) {
    let source = Source {
        path: "playbooks/probe.play".into(),
        module: "probe".into(),
        text: SOURCE.to_owned(),
    };
    let workspace = Workspace::new(
        vec![source],
        Some(("counterplay.toml".into(), toml.to_owned())),
    );
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    let file = compiled.file.expect("a project");
    (Arc::new(compiled.program), file.deployment)
}

/// Starts the service on a folder and says how long it took and what memory it holds.
async fn started(what: &str, folder: &Path, toml: &str) {
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("counterplay.toml"), toml).expect("a file");
    std::fs::write(folder.join("playbooks/probe.play"), SOURCE).expect("a file");
    let since = Instant::now();
    let service = Process::start(folder, &[], &[]);
    let http = reqwest::Client::new();
    loop {
        let ready = http.get(format!("{}/healthz", service.url)).send().await;
        if ready.is_ok_and(|answer| answer.status().is_success()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let ready = since.elapsed();
    let at_once = service.memory_kib("VmRSS");
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!(
        "counterplay serve on {what}: ready after {:.0} ms, holds {:.1} MiB, {:.1} MiB after 5 s",
        ready.as_secs_f64() * 1e3,
        at_once as f64 / 1024.0,
        service.memory_kib("VmRSS") as f64 / 1024.0,
    );
    let token = probe::watcher(folder);
    for (path, of) in [
        ("/metrics", "figures for Prometheus"),
        (
            "/api/automation/health",
            "the counts that the dashboard shows, too",
        ),
    ] {
        let mut took = Vec::new();
        for _ in 0..READ {
            let since = Instant::now();
            let asked = http.get(format!("{}{path}", service.url));
            let answer = asked.bearer_auth(&token).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.bytes().await.expect("a body");
            took.push(since.elapsed());
        }
        took.sort();
        println!(
            "GET {path} ({of}) on {what}: {:.1} ms, the slowest of {READ} {:.1} ms",
            took[READ / 2].as_secs_f64() * 1e3,
            took[READ - 1].as_secs_f64() * 1e3,
        );
    }
}

/// An engine that is driven.
struct Driven {
    engine: Engine,
    driven: tokio::task::JoinHandle<()>,
}

impl Driven {
    async fn open(program: &Arc<Program>, deployment: &Deployment, path: &Path) -> Driven {
        let clock = Arc::new(SystemClock);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let key = MasterKey::from_bytes([7; 32]);
        let secrets = Arc::new(MemorySecrets::default());
        let connector = Connectors::new(deployment.clone(), secrets, key, clock.clone());
        let store = Store::open(path).expect("a store");
        let connector = Arc::new(connector.expect("connectors"));
        let options =
            EngineOptions::new(program.clone(), deployment.clone(), store, connector, clock);
        let engine = Engine::open(options).await.expect("an engine");
        let driven = tokio::spawn({
            let engine = engine.clone();
            async move {
                let run = engine.run(Until::stopped(std::future::pending()));
                run.await.expect("driven");
            }
        });
        Driven { engine, driven }
    }

    async fn open_runs(&self) -> u64 {
        let count = self.engine.store().read(|tx| tx.open_runs()).await;
        u64::try_from(count.expect("a number")).expect("no less than none")
    }

    /// Starts runs that wait until a time, and waits until they do.
    async fn park(&self, numbers: std::ops::Range<u64>, until: &str) {
        let mut notices = self.engine.watch();
        let next = Arc::new(AtomicU64::new(numbers.start));
        for _ in 0..AT_ONCE {
            let (engine, next, until) = (self.engine.clone(), next.clone(), until.to_owned());
            let end = numbers.end;
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return;
                    }
                    give(&engine, number, &until).await;
                }
            });
        }
        let mut matched = numbers.start;
        while matched < numbers.end {
            let notice = notices.recv().await.expect("the engine tells all");
            if let Notice::Matched { started, .. } = notice {
                assert_eq!(started.len(), 1);
                matched += 1;
            }
        }
    }

    async fn ended(self) {
        self.engine.stop();
        self.driven.await.expect("driven");
    }
}

async fn give(engine: &Engine, number: u64, until: &str) {
    loop {
        let incoming = Incoming {
            tenant: "contoso".into(),
            event: Some("probe.ping".into()),
            payload: json!({ "pingId": number.to_string(), "pingUntil": until }),
            source: None,
        };
        match engine.accept(incoming).await {
            Ok(_) => return,
            Err(Refusal::Busy { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(refusal) => panic!("{refusal}"),
        }
    }
}

/// The CPU time of this process.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = rest.split_whitespace().skip(11).take(2);
    times.filter_map(|n| n.parse::<u64>().ok()).sum::<u64>() * 10
}
