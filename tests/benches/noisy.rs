//! One of 100 tenants sends 100 times as much as each of the others, or as much as is taken: how long the others wait
//! from the acceptance of an event until the first action of its run arrives.
//!
//! `cargo bench -p counterplay-tests --bench noisy`; `COUNTERPLAY_BENCH_RATE=4` events a second of each quiet tenant,
//! `COUNTERPLAY_BENCH_SECONDS=20` for each line. Figures in `docs/performance.md`.

use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Refusal, Until};
use counterplay_runtime::store::Store;
use counterplay_tests::target::Target;
use hdrhistogram::Histogram;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The heap that the binary uses.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TENANTS: usize = 100;
/// The one that sends more.
const NOISY: &str = "t00";

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
  known_by: "pingId", "pingText"
  field id: Text = raw.pingId
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
  then {
    say(p.id)
  }
}
"#;

/// How the noisy one behaves.
#[derive(Clone, Copy)]
enum Noise {
    /// As the others.
    None,
    /// It sends 100 times as much.
    Hundredfold,
    /// So many of its senders send the next event as soon as the last one was taken.
    Whatever(usize),
}

fn given(name: &str, usual: f64) -> f64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().expect("a number"))
}

fn main() {
    let rate = given("COUNTERPLAY_BENCH_RATE", 4.0);
    let span = Duration::from_secs_f64(given("COUNTERPLAY_BENCH_SECONDS", 20.0));
    println!(
        "{TENANTS} tenants, {rate} events/s each; milliseconds from acceptance until the first action arrives"
    );
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9}   {:>12} {:>12} {:>9}",
        "the noisy one sends",
        "others",
        "p50",
        "p99",
        "max",
        "its events/s",
        "refused/s",
        "its p99"
    );
    for (name, noise) in [
        ("what the others send", Noise::None),
        ("a hundred times as much", Noise::Hundredfold),
        ("whatever is taken, 64 at once", Noise::Whatever(64)),
    ] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(measure(name, noise, rate, span));
        runtime.shutdown_background();
    }
}

/// What the senders share.
struct Senders {
    engine: Engine,
    sent: Mutex<HashMap<String, Instant>>,
    noisy: AtomicU64,
    refused: AtomicU64,
}

impl Senders {
    /// How many events of quiet tenants have not led to an action yet.
    fn quiet_left(&self) -> usize {
        let left = self.sent.lock().expect("not poisoned");
        left.keys().filter(|id| !id.starts_with(NOISY)).count()
    }

    async fn send(&self, tenant: &str, number: u64) {
        let id = format!("{tenant}-{number}");
        let at = Instant::now();
        self.sent
            .lock()
            .expect("not poisoned")
            .insert(id.clone(), at);
        let incoming = Incoming {
            tenant: tenant.to_owned(),
            event: Some("case.ping".into()),
            payload: json!({ "pingId": id, "pingText": "hello" }),
            source: None,
        };
        match self.engine.accept(incoming).await {
            Ok(_) if tenant == NOISY => {
                self.noisy.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(Refusal::Busy { .. }) if tenant == NOISY => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                self.sent.lock().expect("not poisoned").remove(&id);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(refusal) => panic!("{tenant} is refused: {refusal}"),
        }
    }
}

async fn measure(name: &str, noise: Noise, rate: f64, span: Duration) {
    let mut target = Target::start().await;
    let mut more = format!(
        "[connections.desk]\nbase = \"{}\"\nallow_private = true\n",
        target.base
    );
    for i in 0..TENANTS {
        write!(more, "[tenants.t{i:02}]\nid = \"t{i:02}\"\n").expect("memory");
    }
    let (program, deployment) = counterplay_tests::project_with(SOURCE, &more);
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(program, deployment, &folder.path().join("store.db")).await;
    let driven = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::stopped(std::future::pending())).await }
    });
    let senders = Arc::new(Senders {
        engine: engine.clone(),
        sent: Mutex::default(),
        noisy: AtomicU64::new(0),
        refused: AtomicU64::new(0),
    });
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for i in 0..TENANTS {
        let tenant = format!("t{i:02}");
        let (at_once, pace) = match noise {
            Noise::Hundredfold if tenant == NOISY => (1, rate * 100.0),
            Noise::Whatever(n) if tenant == NOISY => (n, f64::INFINITY),
            _ => (1, rate),
        };
        for sender in 0..at_once {
            let (senders, tenant) = (senders.clone(), tenant.clone());
            tasks.push(tokio::spawn(async move {
                // They do not all begin at the same time.
                let shift = match pace.is_finite() {
                    true => i as f64 / TENANTS as f64 / rate,
                    false => 0.0,
                };
                for number in 0.. {
                    let due = begin + Duration::from_secs_f64(shift + number as f64 / pace);
                    tokio::time::sleep_until(due.into()).await;
                    if begin.elapsed() >= span {
                        return;
                    }
                    let number = number * at_once as u64 + sender as u64;
                    match pace.is_finite() {
                        // However long the one before takes.
                        true => {
                            let (senders, tenant) = (senders.clone(), tenant.clone());
                            tokio::spawn(async move { senders.send(&tenant, number).await });
                        }
                        false => senders.send(&tenant, number).await,
                    }
                }
            }));
        }
    }
    let mut others = Histogram::<u64>::new(3).expect("a histogram");
    let mut its = Histogram::<u64>::new(3).expect("a histogram");
    // What was sent last has some time to arrive.
    let until = begin + span + Duration::from_secs(5);
    while let Ok(Some((at, body))) =
        tokio::time::timeout_at(until.into(), target.arrivals.recv()).await
    {
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let id = body["text"].as_str().expect("a text");
        let Some(sent) = senders.sent.lock().expect("not poisoned").remove(id) else {
            continue;
        };
        let took = at.saturating_duration_since(sent).as_micros() as u64;
        let times = match id.starts_with(NOISY) {
            true => &mut its,
            false => &mut others,
        };
        times.record(took).expect("in range");
    }
    for task in tasks {
        task.await.expect("a sender");
    }
    let lost = senders.quiet_left();
    assert_eq!(
        lost, 0,
        "events of quiet tenants have not led to an action in five seconds"
    );
    engine.stop();
    let _ = driven.await;
    let ms =
        |times: &Histogram<u64>, quantile: f64| times.value_at_quantile(quantile) as f64 / 1_000.0;
    let a_second = |n: &AtomicU64| n.load(Ordering::Relaxed) as f64 / span.as_secs_f64();
    println!(
        "{name:<34} {:>9} {:>9.1} {:>9.1} {:>9.1}   {:>12.0} {:>12.0} {:>9.1}",
        others.len(),
        ms(&others, 0.5),
        ms(&others, 0.99),
        ms(&others, 1.0),
        a_second(&senders.noisy),
        a_second(&senders.refused),
        ms(&its, 0.99),
    );
}

async fn open(program: Arc<Program>, deployment: Deployment, path: &std::path::Path) -> Engine {
    let clock = Arc::new(SystemClock);
    let key = MasterKey::from_bytes([7; 32]);
    let secrets = Arc::new(MemorySecrets::default());
    let connector = Connectors::new(deployment.clone(), secrets, key, clock.clone());
    let store = Store::open(path).expect("a store");
    let connector = Arc::new(connector.expect("connectors"));
    let options = EngineOptions::new(program, deployment, store, connector, clock);
    Engine::open(options).await.expect("an engine")
}
