//! `counterplay pause` and `counterplay unpause`: what is to stop in, and the engine's word that it has out.

use crate::args::{PauseArgs, ScopeArgs, UnpauseArgs};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, QUIET, WARN, paint};
use crate::project;
use crate::words::address;
use counterplay_compiler::near;
use counterplay_runtime::brake::Scope;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{Pause, Store, StoreError};
use counterplay_runtime::undo::PLAYBOOK as UNDO;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long to wait for an engine to hear of a pause: it waits ten seconds for what is under way.
const PATIENCE: Duration = Duration::from_secs(12);
/// After so long without a sign no engine works on the store.
const SILENCE: Duration = Duration::from_millis(1_500);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(50);

/// Pauses something.
///
/// # Errors
/// When there is no such tenant or playbook, or the store cannot be used.
pub async fn pause(args: PauseArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let scope = scope(&args.scope);
    known(&args, &store, &scope).await?;
    let why = args.because.as_deref();
    let now = SystemClock.now_ms();
    store
        .pause(scope.clone(), &by, why, now)
        .await
        .map_err(failed)?;
    let works = store.lock_engine().is_err();
    let begun = Instant::now();
    loop {
        let pauses = store.pauses().await.map_err(failed)?;
        let Some(pause) = pauses.into_iter().find(|p| p.scope == scope) else {
            out::line(format!("{scope} was let go on by somebody else"))?;
            return Ok(FOUND);
        };
        if pause.heard {
            return heard(&pause);
        }
        if begun.elapsed() > if works { PATIENCE } else { SILENCE } {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    out::line(format!("{}: {scope}", paint(WARN, "kept")))?;
    out::line(paint(
        QUIET,
        "no engine has heard of it; it counts as soon as one works on this store",
    ))?;
    Ok(OK)
}

/// Says what is paused, to whoever starts an engine and wonders why nothing happens.
///
/// # Errors
/// When the store cannot be read.
pub async fn tell(store: &Store) -> Result<(), Failure> {
    for pause in store.pauses().await.map_err(failed)? {
        let Pause { scope, by, .. } = pause;
        out::note(paint(
            WARN,
            format!("paused by {by}: {scope}; nothing is sent for it until `counterplay unpause`"),
        ));
    }
    Ok(())
}

fn heard(pause: &Pause) -> Outcome {
    let Pause {
        scope, under_way, ..
    } = pause;
    out::line(format!(
        "{}: {scope}; no call is sent until `counterplay unpause`",
        paint(GOOD, "paused")
    ))?;
    if *under_way == 0 {
        return Ok(OK);
    }
    let calls = out::count(*under_way as usize, "call");
    out::line(paint(
        WARN,
        format!("{calls} that had been sent before had no answer after ten seconds"),
    ))?;
    Ok(FOUND)
}

/// Lets something go on.
///
/// # Errors
/// When the store cannot be used.
pub async fn unpause(args: UnpauseArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let scope = scope(&args.scope);
    let now = SystemClock.now_ms();
    let was = store
        .unpause(scope.clone(), &by, now)
        .await
        .map_err(failed)?;
    let left = store.pauses().await.map_err(failed)?;
    let left: Vec<String> = left.iter().map(|p| p.scope.to_string()).collect();
    let still = match left.as_slice() {
        [] => "nothing is paused".to_owned(),
        names => format!("still paused: {}", names.join(", ")),
    };
    if was {
        out::line(format!("{}: {scope}; {still}", paint(GOOD, "goes on")))?;
        Ok(OK)
    } else {
        out::complain(&format!("{scope} was not paused; {still}"));
        Ok(FOUND)
    }
}

fn scope(args: &ScopeArgs) -> Scope {
    match (&args.tenant, &args.playbook) {
        (Some(name), _) => Scope::Tenant(name.clone()),
        (None, Some(id)) => Scope::Playbook(id.clone()),
        (None, None) => Scope::All,
    }
}

/// A pause of what does not exist would let people believe that something has stopped.
async fn known(args: &PauseArgs, store: &Store, scope: &Scope) -> Result<(), Failure> {
    let (what, given) = match scope {
        Scope::All => return Ok(()),
        Scope::Tenant(name) => ("tenant", name),
        Scope::Playbook(id) => ("playbook", id),
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    if let Some(root) = project::root_for(args.store.project.project.as_deref())? {
        let project = project::load(&root, &[])?;
        match scope {
            Scope::Tenant(_) => names.extend(project.tenants()),
            _ => {
                let playbooks = project.compiled.program.playbooks.keys();
                names.extend(playbooks.map(ToString::to_string));
            }
        }
    }
    // Somebody wants it to stop: what the project names needs no look at the store.
    if names.contains(given) {
        return Ok(());
    }
    let (playbooks, tenants) = store.that_run(false).await.map_err(failed)?;
    match scope {
        Scope::Tenant(_) => names.extend(tenants),
        _ => {
            names.extend(playbooks);
            names.insert(UNDO.to_owned());
            match store.deployed_playbooks().await {
                Ok(deployed) => names.extend(deployed),
                // What another version has deployed cannot be looked into, and is no reason not to stop it.
                Err(StoreError::Unreadable { .. }) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
    }
    if names.is_empty() || names.contains(given) {
        return Ok(());
    }
    let menu = near::menu(names.iter().map(String::as_str));
    Err(Failure::cannot_start(format!(
        "there is no {what} `{given}` here; there are {menu}"
    )))
}
