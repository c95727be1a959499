//! Options in, the store that they mean out; and a run's id from what a person typed.

use crate::args::StoreArgs;
use crate::error::{CANNOT, Failure};
use crate::project;
use counterplay_compiler::near;
use counterplay_runtime::store::{RunFilter, RunInfo, Store, StoreError};
use std::path::{Path, PathBuf};

/// The folder in a project that holds its stores and its key.
pub const FOLDER: &str = ".counterplay";

/// The store's file.
///
/// # Errors
/// When the named project is none.
pub fn path(args: &StoreArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.store {
        return Ok(path.clone());
    }
    let root = project::root_for(args.project.project.as_deref())?;
    let root = root.unwrap_or_else(|| PathBuf::from("."));
    let name = if args.sandbox {
        "sandbox.db"
    } else {
        "store.db"
    };
    Ok(in_root(&root, name))
}

fn in_root(root: &Path, name: &str) -> PathBuf {
    let path = root.join(FOLDER).join(name);
    PathBuf::from(project::shown(&path))
}

/// Opens a store that is there.
///
/// # Errors
/// When it is not, or cannot be used.
pub fn attach(args: &StoreArgs) -> Result<Store, Failure> {
    let path = path(args)?;
    Store::attach(&path).map_err(|error| match error {
        StoreError::NoFolder(_) | StoreError::Missing(_) => missing(args, &path),
        other => failed(other),
    })
}

fn missing(args: &StoreArgs, path: &Path) -> Failure {
    let mut failure = failed(StoreError::Missing(path.to_owned()));
    let other = path.with_file_name("sandbox.db");
    if args.store.is_none()
        && !args.sandbox
        && other.is_file()
        && let Some(message) = &mut failure.message
    {
        message.push_str("; the runs of a sandbox are kept apart: add --sandbox");
    }
    failure
}

/// A store's failure as the command's.
pub fn failed(error: StoreError) -> Failure {
    Failure {
        code: CANNOT,
        message: Some(error.to_string()),
    }
}

/// The run that a person means: its id, or the beginning of exactly one.
///
/// # Errors
/// When there is none, with what may have been meant, or several.
pub async fn run(store: &Store, given: &str) -> Result<RunInfo, Failure> {
    let filter = RunFilter {
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let runs = store.runs(filter).await.map_err(failed)?;
    if let Some(exact) = runs.iter().find(|r| r.id == given) {
        return Ok(exact.clone());
    }
    let tail = |run: &&RunInfo| {
        run.id.starts_with(given) || run.id.rsplit('-').next().is_some_and(|t| t == given)
    };
    let begin: Vec<&RunInfo> = runs.iter().filter(tail).collect();
    match begin.as_slice() {
        [one] if !given.is_empty() => Ok((*one).clone()),
        [] => {
            let ids = runs.iter().map(|r| r.id.as_str());
            let hint = match near::best(given, ids) {
                Some(near) => format!("did you mean {near}?"),
                None if runs.is_empty() => "the store has no runs".into(),
                None => "`counterplay runs` lists them".into(),
            };
            Err(Failure::cannot_start(format!(
                "there is no run {given}; {hint}"
            )))
        }
        several => {
            let ids: Vec<&str> = several.iter().take(5).map(|r| r.id.as_str()).collect();
            Err(Failure::cannot_start(format!(
                "several runs begin with \"{given}\": {}{}",
                ids.join(", "),
                if several.len() > 5 { " and others" } else { "" }
            )))
        }
    }
}
