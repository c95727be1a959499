//! The service under load: 200 streams and 100 clients while runs go on. How long answers take, how late streams are,
//! and how much memory it holds. `cargo build --release -p counterplay-cli && cargo bench -p counterplay-tests`;
//! figures in `docs/performance.md`.

use counterplay_tests::load::{Load, Seen, put};
use hdrhistogram::Histogram;
use std::process::ExitCode;
use std::time::Duration;

const LOAD: Load = Load {
    streams: 200,
    clients: 100,
    span: Duration::from_secs(30),
    pace: Duration::from_millis(500),
};

#[tokio::main]
async fn main() -> ExitCode {
    match put(LOAD).await {
        Ok(seen) => tell(&seen),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn tell(seen: &Seen) -> ExitCode {
    let calls: u64 = seen.calls.values().map(Histogram::len).sum();
    let seconds = seen.took.as_secs_f64();
    println!(
        "{} streams, {} clients, {seconds:.0} s: {calls} requests ({:.0}/s), {} runs ({:.0}/s), {} entries to each stream",
        LOAD.streams,
        LOAD.clients,
        calls as f64 / seconds,
        seen.runs,
        seen.runs as f64 / seconds,
        seen.entries,
    );
    println!(
        "\n{:<20} {:>7} {:>8} {:>8} {:>8} {:>8}",
        "", "asked", "p50", "p90", "p99", "max"
    );
    for (what, times) in &seen.calls {
        line(&format!("{what}, ms"), times, 1_000.0);
    }
    line("late on streams, ms", &seen.delays, 1.0);
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!(
        "\nmemory: {:.0} MiB before, {:.0} MiB at most",
        mib(seen.idle_kib),
        mib(seen.most_kib)
    );
    for wrong in seen.refused.iter().chain(&seen.lost).take(20) {
        eprintln!("{wrong}");
    }
    match seen.refused.is_empty() && seen.lost.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn line(what: &str, times: &Histogram<u64>, unit: f64) {
    let at = |quantile: f64| times.value_at_quantile(quantile) as f64 / unit;
    println!(
        "{what:<20} {:>7} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        times.max() as f64 / unit,
    );
}
