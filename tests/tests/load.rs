//! The service with 200 streams and 100 clients while runs go on: nobody misses anything, and nobody is refused.
//! How long they wait is measured by `cargo bench -p counterplay-tests`, see `docs/performance.md`.

use counterplay_tests::load::{Load, put};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_under_load() {
    let load = Load {
        streams: 200,
        clients: 100,
        span: Duration::from_secs(4),
        pace: Duration::from_millis(500),
    };
    let seen = put(load).await.expect("the load is put on");
    assert!(
        seen.refused.is_empty(),
        "{:?}",
        &seen.refused[..seen.refused.len().min(10)]
    );
    assert!(seen.lost.is_empty(), "{:?}", seen.lost);
    assert!(seen.runs >= 20, "{} runs were started", seen.runs);
    assert!(
        seen.entries > seen.runs * 5,
        "{} entries of {} runs",
        seen.entries,
        seen.runs
    );
}
