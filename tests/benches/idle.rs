//! A service with nothing to do: how soon it is ready, and what memory it holds after a minute.
//!
//! `cargo build --release -p counterplay-cli && cargo bench -p counterplay-tests --bench idle`: `examples/shipped-responses`
//! in a folder of its own, started twice, since the first start makes a store and hashes a password. With
//! `COUNTERPLAY_BENCH_SECONDS` it waits for another time than a minute. Figures in `docs/performance.md`.

use counterplay_tests::root;
use counterplay_tests::service::Process;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let seconds: u64 = std::env::var("COUNTERPLAY_BENCH_SECONDS")
        .map_or(60, |text| text.parse().expect("a number of seconds"));
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("examples/shipped-responses"), folder.path());
    for start in ["first", "second"] {
        let since = Instant::now();
        let service = Process::start(folder.path(), &["--sandbox"], &[]);
        let http = reqwest::Client::new();
        loop {
            let ready = http.get(format!("{}/healthz", service.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!(
            "{start} start: ready after {:.0} ms, {}",
            since.elapsed().as_secs_f64() * 1e3,
            memory(&service)
        );
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        println!("{start} start, {seconds} s later: {}", memory(&service));
    }
}

/// What a process holds: in all, of its own, and pages of files, which the system takes back where memory is short.
fn memory(service: &Process) -> String {
    let mib = |name| service.memory_kib(name) as f64 / 1024.0;
    format!(
        "{:.1} MiB in memory (VmRSS): {:.1} of its own (RssAnon), {:.1} of files (RssFile)",
        mib("VmRSS"),
        mib("RssAnon"),
        mib("RssFile")
    )
}

/// Copies a folder without what is hidden.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => {
                std::fs::copy(&path, to.join(name)).expect("copied");
            }
        }
    }
}
