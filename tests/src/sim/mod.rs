//! A seed in; a whole deployment played through in one thread, and what breaks a promise in it, out.
//!
//! Engine, store, clock, connectors, the service that they act on and the people who answer share one source of chance.
//! The same seed gives the same course of events, so that whatever is found can be looked at again. Only the store is
//! a real file, written by the same statements as ever; the network is [`outside::Outside`].

pub mod chance;
pub mod checks;
pub mod clock;
pub mod course;
pub mod outside;
pub mod project;
pub mod shipped;
pub mod world;

use course::{Course, Size};
use std::collections::BTreeMap;

/// Programs nest as deeply as the compiler lets them, and everything happens on one stack.
const STACK_BYTES: usize = 64 << 20;

/// How a simulation went.
#[derive(Debug)]
pub struct Played {
    /// What happened, in order.
    pub trace: Vec<String>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// What does not hold, if anything.
    pub broken: Option<String>,
    /// The playbooks that were deployed.
    pub playbooks: String,
}

/// Plays one simulation.
///
/// # Panics
/// When the machine cannot make a thread or a folder.
pub fn play(seed: u64, size: Size) -> Played {
    let play = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut course = Course::new(seed, size).await;
            let broken = course.play().await.err();
            course.world.close().await;
            let versions = course.world.versions.iter();
            Played {
                broken,
                playbooks: versions
                    .map(|v| format!("// version {}\n{}", v.version, v.text))
                    .collect(),
                trace: course.told.trace,
                counts: course.told.counts,
            }
        })
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(play);
    match thread.expect("a thread").join() {
        Ok(played) => played,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
