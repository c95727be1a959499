//! `counterplay replay`: a run and another version of its playbook in; where that version would have decided otherwise out.

use crate::args::ReplayArgs;
use crate::choose::{self, Chosen};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::gather::Gathered;
use crate::lookup::{self, failed};
use crate::out::{self, BAD, GOOD, HEAD, NAME, PLAIN, QUIET, WARN, paint};
use crate::project;
use crate::words::detail;
use counterplay_runtime::simulate::Answers;
use counterplay_runtime::simulate::replay::{Compared, In, Replay, Replayed, replay as play};
use counterplay_runtime::store::Store;
use counterplay_runtime::timeline::relative;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The time's column.
const TIME_WIDTH: usize = 8;

/// Plays a run again with another version.
///
/// # Errors
/// When there is no such run, nothing of it is kept, or the other version does not compile.
pub async fn replay(args: ReplayArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let info = lookup::run(&store, &args.store, &args.run).await;
    let info = match info {
        Ok(info) => info,
        Err(failure) => return Err(archived(&store, &args.run).await?.unwrap_or(failure)),
    };
    let run = detail(&store, &info.id).await?;
    let chosen = version(&args, &run.run.playbook)?;
    let program = chosen.project.program();
    let playbook = chosen.playbook()?;
    let mut answers = Answers::new();
    for answer in &args.answer {
        answers
            .parse(&program, answer)
            .map_err(|e| Failure::cannot_start(e.to_string()))?;
    }
    let replayed = Replayed {
        run: &run.run,
        journal: &run.journal,
        program: &run.program,
    };
    let deployment = chosen.project.deployment();
    let played = play(&replayed, &program, &playbook.id, &deployment, &answers)
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    let version = &playbook.hash;
    if args.json {
        let object = json!({
            "run": info.id,
            "playbook": playbook.id,
            "version_of_run": run.run.hash,
            "version": version,
            "same": played.same,
            "first_difference": played.first_difference,
            "stopped": played.stopped,
            "assumed": played.assumed,
            "steps": played.steps,
        });
        out::line(format!("{object:#}"))?;
    } else {
        out::line(format!(
            "{}  {}  {}",
            paint(HEAD, &playbook.title),
            paint(NAME, &info.id),
            paint(
                QUIET,
                format!(
                    "played again with {}; nothing was changed",
                    args.with.display()
                )
            ),
        ))?;
        out::line("")?;
        show(&played)?;
    }
    Ok(if played.same { OK } else { FOUND })
}

async fn archived(store: &Store, run: &str) -> Result<Option<Failure>, Failure> {
    let found = store.archived_run(run, None).await.map_err(failed)?;
    Ok(found.map(|(info, _)| {
        Failure::cannot_start(format!(
            "{} is archived: what it did in detail is gone, so that it cannot be played again",
            info.id
        ))
    }))
}

fn show(played: &Replay) -> Result<(), Failure> {
    for step in &played.steps {
        out::line(line(step))?;
    }
    if !played.steps.is_empty() {
        out::line("")?;
    }
    match &played.first_difference {
        Some(difference) => {
            out::line(format!("{}: {difference}", paint(WARN, "first difference")))?;
        }
        None => out::line(format!(
            "{}: the other version decides as the run did",
            paint(GOOD, "same")
        ))?,
    }
    if let Some(stopped) = &played.stopped {
        out::line(format!("{}: {stopped}", paint(QUIET, "it stops there")))?;
    }
    for action in &played.assumed {
        let text = format!("assumed that {action} would have succeeded: the run did not do it");
        out::line(paint(QUIET, text))?;
    }
    Ok(())
}

fn line(step: &Compared) -> String {
    let (mark, style) = match step.within {
        In::Both => (" ", PLAIN),
        In::Run => ("-", BAD),
        In::Version => ("+", GOOD),
        In::Unknown => ("?", QUIET),
    };
    let time = format!("{:<TIME_WIDTH$}", format!("+{}", relative(step.at_ms)));
    let text = out::harmless(&step.text).replace('\n', " ");
    format!(
        "{} {}  {}",
        paint(style, mark),
        paint(QUIET, time),
        paint(style, text)
    )
}

/// The other version, in its project. A file beside the project stands for the file of the project that has the
/// playbook: two playbooks of one id are no project.
fn version(args: &ReplayArgs, playbook: &str) -> Result<Chosen, Failure> {
    let file = &args.with;
    std::fs::metadata(file).map_err(|e| project::unreadable(file, &e))?;
    let named = args.store.project.project.as_deref();
    // As for any command, the project is that of this folder; a draft may lie elsewhere.
    let root = project::root_for(named)?.or_else(|| project::find_root(file));
    let Some(root) = root else {
        let wanted = format!("{}:{playbook}", file.display());
        return choose::choose(&wanted, None);
    };
    let whole = Gathered::project(&root, project::shown, &[])?;
    let inside = same_file(&whole, file);
    let mut loaded = project::load(&root, &[])?;
    if !inside {
        let holds = loaded.file_of(playbook);
        loaded = project::load_instead(&root, holds.as_deref(), file)?;
    }
    let loaded = choose::without_errors(loaded)?;
    let holds = loaded.file_of(playbook);
    if !holds.is_some_and(|held| is_same(Path::new(&held), file)) {
        return Err(Failure::cannot_start(format!(
            "{} has no playbook `{playbook}`, which the run is of; name the file that has the other version of it",
            file.display()
        )));
    }
    let id = choose::find(&loaded, playbook)?.id.clone();
    Ok(Chosen {
        project: loaded,
        id,
    })
}

fn same_file(gathered: &Gathered, file: &Path) -> bool {
    let mut paths = gathered.sources.iter().map(|s| PathBuf::from(&*s.path));
    paths.any(|path| is_same(&path, file))
}

fn is_same(one: &Path, other: &Path) -> bool {
    std::fs::canonicalize(one).ok() == std::fs::canonicalize(other).ok()
}
