//! Options in, a project, a store and an engine that is ready to work out.

use crate::args::{RunArgs, StoreArgs};
use crate::choose;
use crate::error::Failure;
use crate::lookup::{self, failed};
use crate::project::{self, Project};
use crate::sandboxed;
use crate::simulate::{no_tenant, start_sandbox};
use counterplay_compiler::near;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Connectors, Secrets};
use counterplay_runtime::engine::{Engine, EngineOptions};
use counterplay_runtime::store::Store;
use counterplay_sandbox::Sandbox;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `run` works with.
pub struct Setup {
    /// The project; it has no errors.
    pub project: Project,
    /// The engine.
    pub engine: Engine,
    /// The sandbox that stands in for every connection.
    pub sandbox: Option<Sandbox>,
    /// The tenant of events and starts.
    pub tenant: String,
    /// The options that lead another command to the same store, with a space in front.
    pub flags: String,
}

/// Makes everything ready; nothing happens yet.
///
/// # Errors
/// When the project has errors, or the store or a connection cannot be used.
pub async fn set_up(args: &RunArgs) -> Result<Setup, Failure> {
    let store_args = &args.store;
    let root = project::root_for(store_args.project.project.as_deref())?;
    let project = match &root {
        Some(root) => project::load(root, &[])?,
        None if store_args.sandbox => project::built_in(),
        None => {
            return Err(Failure::cannot_start(
                "there is no counterplay.toml in this folder or above it; name a project with --project DIR, or try a made-up tenant with --sandbox",
            ));
        }
    };
    let project = choose::without_errors(project)?;
    let program = project.program();
    let mut deployment = project.deployment();
    let feeds = !args.files.is_empty() || args.start.is_some() || args.tick.is_some();
    let tenant = tenant(&deployment, args.tenant.as_deref(), feeds)?;
    check_names(args, &project)?;
    let path = lookup::path(store_args)?;
    make_folder(store_args, &path)?;
    let (store, key) = lookup::open(store_args, &path)?;
    keep_apart(&store, store_args.sandbox, &path).await?;
    let sandbox = match store_args.sandbox {
        true => Some(start_sandbox().await?),
        false => None,
    };
    let secrets: Arc<dyn Secrets> = match (&sandbox, &root) {
        (Some(sandbox), _) => {
            let (led, secrets) = sandboxed::deployment(deployment, sandbox);
            deployment = led;
            sandboxed::close(&mut deployment, &program, sandbox);
            Arc::new(secrets)
        }
        (None, root) => {
            let folder = root.clone().unwrap_or_default();
            counterplay_runtime::connect::open(&deployment.secrets, &folder, Arc::new(SystemClock))
                .map_err(|e| Failure::cannot_start(e.to_string()))?
        }
    };
    let clock = Arc::new(SystemClock);
    let connectors = Connectors::new(deployment.clone(), secrets, key, clock.clone())
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    let engine = Engine::open(EngineOptions {
        schedules: args.stay,
        ..EngineOptions::new(program, deployment, store, Arc::new(connectors), clock)
    })
    .await
    .map_err(|e| Failure::cannot_start(e.to_string()))?;
    Ok(Setup {
        project,
        engine,
        sandbox,
        tenant,
        flags: flags(store_args),
    })
}

/// The tenant that was named, or the only one.
fn tenant(deployment: &Deployment, named: Option<&str>, needed: bool) -> Result<String, Failure> {
    let names: Vec<&str> = deployment.tenants.keys().map(String::as_str).collect();
    match (named, names.as_slice()) {
        (Some(name), known) if known.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => Err(no_tenant(name, deployment)),
        (None, [one]) => Ok((*one).to_owned()),
        (None, _) if !needed => Ok(String::new()),
        (None, []) => Err(Failure::cannot_start(
            "counterplay.toml has no tenant; add one: [tenants.NAME] with its id",
        )),
        (None, several) => Err(Failure::cannot_start(format!(
            "the project has {} tenants; say which with --tenant: {}",
            several.len(),
            near::menu(several.iter().copied())
        ))),
    }
}

/// Refuses names of events and playbooks that do not exist, before anything is begun.
fn check_names(args: &RunArgs, project: &Project) -> Result<(), Failure> {
    for playbook in args.start.iter().chain(&args.tick) {
        choose::find(project, playbook)?;
    }
    let Some(event) = &args.event else {
        return Ok(());
    };
    let events = &project.compiled.program.events;
    if events.contains_key(event.as_str()) {
        return Ok(());
    }
    let known = events.keys().map(|k| &**k);
    let hint = near::best(event, known.clone()).map_or_else(
        || format!("there are {}", near::menu(known)),
        |near| format!("did you mean `{near}`?"),
    );
    Err(Failure::cannot_start(format!(
        "there is no event `{event}`; {hint}"
    )))
}

/// Makes the project's folder for stores, for its owner only and never to be committed.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(args: &StoreArgs, path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|_| args.store.is_none()) else {
        return Ok(());
    };
    if folder.is_dir() {
        return Ok(());
    }
    let made = || -> std::io::Result<()> {
        fs::create_dir(folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        fs::write(folder.join(".gitignore"), "*\n")
    };
    made().map_err(|error| {
        Failure::cannot_start(format!(
            "the folder {} for the store cannot be made: {error}; name another place with --store FILE",
            project::shown(folder)
        ))
    })
}

/// A run that began on a sandbox must never go on for real, nor the other way round.
///
/// # Errors
/// When it would.
pub async fn keep_apart(store: &Store, sandbox: bool, path: &Path) -> Result<(), Failure> {
    let world = if sandbox { "sandbox" } else { "real" };
    let found = store
        .write(move |tx| {
            let found = tx.meta("world")?;
            if found.is_none() {
                tx.set_meta("world", world)?;
            }
            Ok(found)
        })
        .await
        .map_err(failed)?;
    match found.as_deref() {
        Some(other) if other != world => Err(Failure::cannot_start(match sandbox {
            true => format!(
                "the store {} holds runs of real tenants; leave --store out, and a sandbox gets a store of its own",
                path.display()
            ),
            false => format!(
                "the store {} holds runs of a sandbox, which must not go on for real; name another file, or add --sandbox",
                path.display()
            ),
        })),
        _ => Ok(()),
    }
}

/// The options that lead another command to the same store.
pub fn flags(args: &StoreArgs) -> String {
    let quoted = |path: &PathBuf| {
        let text = path.display().to_string();
        match text.contains(char::is_whitespace) {
            true => format!("'{text}'"),
            false => text,
        }
    };
    let mut out = String::new();
    if let Some(project) = &args.project.project {
        out.push_str(&format!(" --project {}", quoted(project)));
    }
    if let Some(store) = &args.store {
        out.push_str(&format!(" --store {}", quoted(store)));
    }
    if let Some(key) = &args.master_key {
        out.push_str(&format!(" --master-key {}", quoted(key)));
    }
    if args.sandbox {
        out.push_str(" --sandbox");
    }
    out
}
