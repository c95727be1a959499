//! Deployments are played through by seed, with crashes, lost answers, full disks and wrong clocks: every promise holds.
//!
//! 30 simulations of each kind by default; `COUNTERPLAY_SIMULATIONS=3000` plays more, from `COUNTERPLAY_SEED` on. What is found is
//! printed with its seed, which plays the same course again.

use counterplay_tests::probe::given;
use counterplay_tests::sim::course::Size;
use counterplay_tests::sim::outside::Sabotage;
use counterplay_tests::sim::{Played, play};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

fn told(seed: u64, played: &Played) -> String {
    let from = match std::env::var_os("COUNTERPLAY_WHOLE") {
        Some(_) => 0,
        None => played.trace.len().saturating_sub(60),
    };
    format!(
        "{}\n{}\nCOUNTERPLAY_SEED={seed}: {}",
        played.playbooks,
        played.trace[from..].join("\n"),
        played.broken.as_deref().unwrap_or("nothing is broken")
    )
}

#[test]
fn every_promise_holds_whatever_goes_wrong() {
    hold(Size::default());
}

#[test]
fn every_promise_holds_of_the_responses_that_ship() {
    hold(Size {
        shipped: true,
        ..Size::default()
    });
}

fn hold(size: Size) {
    let first = given("COUNTERPLAY_SEED").unwrap_or(1);
    let count = given("COUNTERPLAY_SIMULATIONS").unwrap_or(30);
    let next = AtomicU64::new(first);
    let totals: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
    let broken: Mutex<Vec<(u64, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let mut found = broken.lock().unwrap_or_else(PoisonError::into_inner);
                    if seed >= first + count || found.len() >= 5 {
                        return;
                    }
                    drop(found);
                    let played = play(seed, size);
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, times) in &played.counts {
                        *totals.entry(what).or_default() += times;
                    }
                    if let Some(why) = &played.broken {
                        eprintln!("COUNTERPLAY_SEED={seed}: {why}");
                        found = broken.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push((seed, told(seed, &played)));
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (what, times) in &totals {
        println!("{times:>10} {what}");
    }
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (_, told) in &broken {
        println!("\n{told}\n");
    }
    let seeds: Vec<u64> = broken.iter().map(|(seed, _)| *seed).collect();
    assert!(
        broken.is_empty(),
        "promises are broken with the seeds {seeds:?}"
    );
}

/// A simulation that finds nothing must be one that could have.
#[test]
fn what_is_broken_on_purpose_is_found() {
    let broken = [
        (Sabotage::Twice, "was done twice"),
        (Sabotage::Never, "was performed, and it was not"),
        (Sabotage::Votes, "was sent with 0 of"),
    ];
    for (sabotage, found) in broken {
        let size = Size {
            sabotage: Some(sabotage),
            ..Size::default()
        };
        let mut said = (1..12).filter_map(|seed| play(seed, size).broken);
        assert!(
            said.any(|why| why.contains(found)),
            "{sabotage:?} was not found"
        );
    }
}

#[test]
fn one_seed_plays_the_same_course_again() {
    for (seed, shipped) in [(3, false), (4, false), (5, true)] {
        let size = Size {
            shipped,
            ..Size::default()
        };
        let (first, second) = (play(seed, size), play(seed, size));
        for (a, b) in first.trace.iter().zip(&second.trace) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(first.trace.len(), second.trace.len());
    }
}
