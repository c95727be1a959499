//! A cold check of 1,000 playbooks, the shipped responses under other ids: how long each phase takes, in MB/s and
//! playbooks/s. `cargo bench -p counterplay-compiler --bench check`; figures in `docs/performance.md`.

use counterplay_compiler::{
    db, library,
    syntax::{lexical::lexemes, parse},
    workspace::{Source, Workspace},
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many playbooks the project has.
const PLAYBOOKS: usize = 1_000;
/// How often everything is measured; the fastest counts.
const ROUNDS: usize = 5;

const CONFIG: &str = include_str!("../../examples/shipped-responses/counterplay.toml");

/// The responses that ship, again and again, each with an id of its own.
fn sources() -> Vec<Source> {
    let shipped = library::files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("std:/responses/"));
    let templates: Vec<(String, &str)> = shipped.collect();
    (0..PLAYBOOKS)
        .map(|number| {
            let (path, text) = &templates[number % templates.len()];
            let id = path
                .trim_start_matches("std:/responses/")
                .trim_end_matches(".play");
            let own = format!("playbook {id}_{number} ");
            let renamed = text.replacen(&format!("playbook {id} "), &own, 1);
            assert_ne!(&renamed, text, "{path} holds the playbook of its name");
            Source {
                path: format!("playbooks/team{}/{id}_{number}.play", number / 100),
                module: format!("team{}.{id}_{number}", number / 100),
                text: renamed,
            }
        })
        .collect()
}

/// The fastest of several rounds.
fn fastest(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed()
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let sources = sources();
    let config = || Some(("counterplay.toml".to_owned(), CONFIG.to_owned()));
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    let paths: Vec<Arc<str>> = sources.iter().map(|s| Arc::from(s.path.as_str())).collect();
    let report = |phase: &str, time: Duration| {
        let seconds = time.as_secs_f64();
        println!(
            "{phase:<44} {:>7.0} ms {:>7.2} MB/s {:>8.0} playbooks/s",
            seconds * 1_000.0,
            bytes as f64 / 1e6 / seconds,
            PLAYBOOKS as f64 / seconds
        );
    };
    println!(
        "{PLAYBOOKS} playbooks, {:.2} MB, {} lines; one thread, the fastest of {ROUNDS}\n",
        bytes as f64 / 1e6,
        sources
            .iter()
            .map(|s| s.text.lines().count())
            .sum::<usize>()
    );

    report(
        "parse",
        fastest(|| {
            timed(|| {
                for (path, source) in paths.iter().zip(&sources) {
                    std::hint::black_box(parse(path, &source.text));
                }
            })
        }),
    );
    report(
        "parse, and colours",
        fastest(|| {
            timed(|| {
                for (path, source) in paths.iter().zip(&sources) {
                    std::hint::black_box(lexemes(path, &source.text));
                }
            })
        }),
    );
    report(
        "findings of every file, cold, with the library",
        fastest(|| {
            let workspace = Workspace::new(sources.clone(), config());
            timed(|| {
                for file in workspace.project.files(&workspace.db) {
                    std::hint::black_box(db::file_findings(
                        &workspace.db,
                        workspace.project,
                        *file,
                    ));
                }
            })
        }),
    );
    let mut found = 0;
    report(
        "the whole program, cold, with the library",
        fastest(|| {
            let workspace = Workspace::new(sources.clone(), config());
            timed(|| found = workspace.compile().diagnostics.len())
        }),
    );
    report(
        "the whole program again, nothing changed",
        fastest(|| {
            let workspace = Workspace::new(sources.clone(), config());
            workspace.compile();
            timed(|| workspace.compile())
        }),
    );
    println!("\n{found} findings");
}
