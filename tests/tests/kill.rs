//! A real service under load, killed with SIGKILL again and again: no accepted event is lost, no action that may not be
//! repeated is done twice, the audit trail is whole.
//!
//! 12 kills by default; `COUNTERPLAY_KILLS=200` for as many as `docs/reliability.md` tells of. The moments are drawn
//! from a seed that is printed (`COUNTERPLAY_SEED` draws the same ones again).

use counterplay_sandbox::{Options, Sandbox};
use counterplay_tests::probe::{self, Load, counted, given, told};
use counterplay_tests::service::Process;
use counterplay_tests::sim::chance::Chance;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_loses_nothing_and_repeats_nothing() {
    let kills: usize = given("COUNTERPLAY_KILLS").unwrap_or(12);
    let mut draw = Chance::seeded(probe::seed());
    let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    probe::project(folder.path(), &sandbox);
    let mut service = Process::start(folder.path(), &[], &[]);
    let token = probe::token(folder.path());
    let load = Load::start(&service, token, Duration::from_millis(10));
    for _ in 0..kills {
        let pause = 50 + draw.bits() % 700;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(service);
        service = Process::start(folder.path(), &[], &[]);
        load.turn_to(&service);
    }
    let accepted = load.stop().await;
    assert!(accepted.len() > kills, "{} were accepted", accepted.len());

    // Every run ends, or is held because nobody knows whether the action was carried out.
    let status = probe::settled(folder.path(), accepted.len()).await;
    println!(
        "{kills} kills, {} events accepted, runs: {status:?}",
        accepted.len()
    );
    let known = ["completed", "held"];
    assert!(
        status.keys().all(|s| known.contains(&s.as_str())),
        "{status:?}"
    );

    let once = counted(&sandbox, "once");
    let twice: Vec<_> = once.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "done twice: {twice:?}");
    let again = counted(&sandbox, "again");
    let lost: Vec<_> = accepted
        .keys()
        .filter(|id| !again.contains_key(&format!("{id} first")))
        .collect();
    assert!(lost.is_empty(), "accepted and never acted upon: {lost:?}");
    let ended = again.keys().filter(|text| text.ends_with("last")).count();
    assert_eq!(
        Some(&ended),
        status.get("completed"),
        "each completed run did all of it"
    );
    let completed_once = again
        .keys()
        .filter_map(|text| text.strip_suffix(" last"))
        .filter(|id| once.contains_key(*id))
        .count();
    assert_eq!(completed_once, ended);

    drop(service);
    let verified = told(folder.path(), &["audit", "verify"]);
    println!("{verified}");
}
