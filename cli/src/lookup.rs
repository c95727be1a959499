//! Options in, the store that they mean out; and a run's id from what a person typed.

use crate::args::StoreArgs;
use crate::error::{CANNOT, Failure};
use crate::project;
use crate::run::setup;
use counterplay_compiler::near;
use counterplay_runtime::connect::{MasterKey, MasterKeyError};
use counterplay_runtime::store::{
    RunFilter, RunInfo, Store, StoreError, StoreOptions, master_key_path,
};
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
    Store::attach_with(&path, options(args)?).map_err(|error| match error {
        StoreError::NoFolder(_) | StoreError::Missing(_) => missing(args, &path),
        other => failed(other),
    })
}

/// Opens a store for an engine, with its master key.
///
/// # Errors
/// When either cannot be used.
pub fn open(args: &StoreArgs, path: &Path) -> Result<(Store, MasterKey), Failure> {
    let options = options(args)?;
    let given = options.key.clone();
    let store = Store::open_with(path, options).map_err(failed)?;
    let key = match given {
        Some(key) => key,
        None => MasterKey::load(master_key_path(path)).map_err(no_key)?,
    };
    Ok((store, key))
}

fn options(args: &StoreArgs) -> Result<StoreOptions, Failure> {
    let key = args.master_key.as_ref().map(MasterKey::load).transpose();
    Ok(StoreOptions {
        key: key.map_err(no_key)?,
        ..StoreOptions::default()
    })
}

fn no_key(error: MasterKeyError) -> Failure {
    Failure::cannot_start(error.to_string())
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
    let hint = match error {
        StoreError::NoKey { .. } => "; or say with --master-key FILE where it is",
        _ => "",
    };
    Failure {
        code: CANNOT,
        message: Some(format!("{error}{hint}")),
    }
}

/// The run that a person means: its id, or the beginning of exactly one.
///
/// # Errors
/// When there is none, with what may have been meant, or several.
pub async fn run(store: &Store, args: &StoreArgs, given: &str) -> Result<RunInfo, Failure> {
    let flags = setup::flags(args);
    if given.trim().is_empty() {
        return Err(Failure::cannot_start(format!(
            "a run's id is missing; `counterplay runs{flags}` lists them"
        )));
    }
    if let Some(exact) = store.run_info(given, None).await.map_err(failed)? {
        return Ok(exact);
    }
    let filter = RunFilter {
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let runs = store.runs(filter).await.map_err(failed)?;
    let tail = |run: &&RunInfo| {
        run.id.starts_with(given) || run.id.rsplit('-').next().is_some_and(|t| t == given)
    };
    let begin: Vec<&RunInfo> = runs.iter().filter(tail).collect();
    match begin.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            if let Some((info, _)) = store.archived_run(given, None).await.map_err(failed)? {
                return Err(Failure::cannot_start(format!(
                    "run {given} has ended ({}) and is archived; `counterplay show {given}{flags}` shows what is left of it",
                    info.outcome
                        .map_or_else(|| "ended".to_owned(), |o| o.to_string())
                )));
            }
            let ids = runs.iter().map(|r| r.id.as_str());
            let hint = match near::best(given, ids) {
                Some(near) => format!("did you mean {near}?"),
                None if runs.is_empty() => "the store has no runs".into(),
                None => format!("`counterplay runs{flags}` lists them"),
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
