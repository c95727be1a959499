//! `counterplay serve`: a project and an address in; the service with its dashboard, until it is told to stop, out.

pub mod history;
pub mod outside;
pub mod ready;
pub mod tour;

use crate::args::ServeArgs;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, QUIET, paint};
use crate::project::{self, Project};
use crate::run::setup::{keep_apart, make_folder};
use crate::simulate::start_sandbox;
use crate::{built_in, choose, report, secrets, signal};
use counterplay_compiler::project::FILE_NAME;
use counterplay_machine::duration::DAY_MS;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::engine::{Engine, EngineOptions};
use counterplay_runtime::notary::Notary;
use counterplay_sandbox::Sandbox;
use counterplay_server::app::{App, Parts, Settings};
use counterplay_server::feed::Feed;
use counterplay_server::identity::Identity;
use counterplay_server::project::{ConfigFile, Files, Origin, Projects, StartError, prepare};
use counterplay_server::serve::{HEADERS_WITHIN, ServeError, bind, serve as answer};
use outside::Way;
use std::path::Path;
use std::sync::Arc;

/// Serves until a signal to stop.
///
/// # Errors
/// When it cannot start, or the engine stops.
pub async fn serve(args: ServeArgs) -> Outcome {
    let listener = bind(args.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(|e| cannot(e.into()))?;
    let public_url = ready::public_url(args.public_url.as_deref(), address)?;
    let given = Given::read(&args)?;
    let path = lookup::path(&args.store)?;
    make_folder(&args.store, &path)?;
    let (store, key) = lookup::open(&args.store, &path)?;
    keep_apart(&store, args.store.sandbox, &path).await?;
    let sandbox = match args.store.sandbox {
        true => Some(Arc::new(start_sandbox().await?)),
        false => None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let root = given.project.root.clone().unwrap_or_default();
    let outside = Arc::new(Way::new(sandbox.clone(), root, key, clock.clone()));
    let now = clock.now_ms();
    let prepared = prepare(
        &store,
        &given.config,
        given.files.clone(),
        given.origin,
        &*outside,
        now,
    )
    .await
    .map_err(refused)?;
    let keeper = outside.secrets(&prepared.deployment)?;
    if let Some(sandbox) = &sandbox
        && store.journal_head().await.map_err(failed)? == 0
    {
        let tickets = history::write(&store, &prepared.live.compiled, now).await?;
        sandbox.update(|tenant| tenant.tickets.extend(tickets));
    }
    let engine = Engine::open(EngineOptions {
        records_start: !prepared.recorded,
        link_base: Some(public_url.clone()),
        polling: true,
        keep_ended_ms: args.archive_after.map(|days| i64::from(days) * DAY_MS),
        ..EngineOptions::new(
            prepared.live.compiled.program.clone(),
            prepared.deployment.clone(),
            store,
            prepared.connector.clone(),
            clock.clone(),
        )
    })
    .await
    .map_err(|e| Failure::cannot_start(e.to_string()))?;
    let identity = Identity::new(engine.store().clone(), clock.clone())
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    let people = ready::people(&identity, args.admin.as_deref(), sandbox.is_some()).await?;
    let (feed, passing_on) = Feed::start(&engine).await.map_err(failed)?;
    let projects = Projects::new(
        engine.clone(),
        prepared,
        given.config.clone(),
        given.origin,
        outside,
        clock.clone(),
    );
    let settings = Settings {
        public_url: public_url.clone(),
        folder: given.folder(),
        sandbox: sandbox.as_deref().map(|s| tour::settings(s, &people, now)),
        headers_within: HEADERS_WITHIN,
    };
    let app = App::new(Parts {
        engine,
        clock,
        identity,
        projects,
        secrets: keeper,
        feed,
        settings,
    });
    let stop = signal::stop();
    ready::announce(&app, &given.project, &people, sandbox.as_deref())?;
    crate::pause::tell(app.engine.store()).await?;
    crate::clock::tell(&app.engine).await?;
    if sandbox.is_none() {
        let deployment = app.engine.deployment();
        let named = secrets::named(&deployment, &given.project.compiled.program);
        // A store of secrets may take its time; nobody waits for it.
        tokio::spawn(secrets::tell(app.secrets.clone(), named));
    }
    let company = sandbox
        .is_some()
        .then(|| tokio::spawn(tour::keep_lively(app.clone())));
    let notary = Notary::new(
        app.engine.store().clone(),
        Arc::new(SystemClock),
        args.checkpoints.clone(),
    );
    let (drained, has_drained) = tokio::sync::oneshot::channel::<()>();
    let signing = tokio::spawn(notary.work(async move {
        let _ = has_drained.await;
    }));
    let ended = answer(app, listener, async move {
        stop.await;
        out::note("\nstopping; calls under way are waited for");
    })
    .await;
    passing_on.abort();
    // The last records are signed after the last run has come to rest.
    drop(drained);
    let _ = signing.await;
    if let Some(company) = company {
        company.abort();
    }
    if let Some(sandbox) = sandbox.and_then(Arc::into_inner) {
        sandbox.stop().await;
    }
    let rest = ended.map_err(cannot)?;
    let open = match rest.open_runs {
        0 => "no run is open".to_owned(),
        1 => "1 open run goes on at the next start".to_owned(),
        several => format!("{several} open runs go on at the next start"),
    };
    out::line(paint(QUIET, format!("stopped; {open}")))?;
    Ok(if rest.abandoned_calls > 0 { FOUND } else { OK })
}

fn cannot(error: ServeError) -> Failure {
    Failure::cannot_start(error.to_string())
}

/// Shows what keeps the project from running.
fn refused(error: StartError) -> Failure {
    if let StartError::Findings { findings, .. } = &error {
        for finding in findings {
            out::note(report::told(finding));
        }
    }
    Failure::cannot_start(error.to_string())
}

/// What the command was given to serve.
struct Given {
    project: Project,
    config: ConfigFile,
    files: Files,
    origin: Origin,
}

impl Given {
    /// The project's folder, where that is the source of truth.
    fn folder(&self) -> Option<String> {
        let root = self.project.root.as_deref();
        root.filter(|_| self.origin == Origin::Folder)
            .map(project::shown)
    }

    fn read(args: &ServeArgs) -> Result<Given, Failure> {
        let root = project::root_for(args.store.project.project.as_deref())?;
        let accept = args.accept_deploys;
        let (project, origin) = match root {
            Some(root) => {
                let origin = if accept {
                    Origin::Store
                } else {
                    Origin::Folder
                };
                (project::load(&root, &[])?, origin)
            }
            None if args.store.sandbox => (project::tour(), Origin::Store),
            None => {
                return Err(Failure::cannot_start(format!(
                    "there is no {FILE_NAME} in this folder or above it; name a project with --project DIR, or see a made-up one with --sandbox"
                )));
            }
        };
        let project = choose::without_errors(project)?;
        let (config, files) = match &project.root {
            Some(root) => on_disk(&project, root)?,
            None => (
                ConfigFile {
                    name: FILE_NAME.into(),
                    text: built_in::TOUR_CONFIG.into(),
                },
                built_in::tour_files(),
            ),
        };
        Ok(Given {
            project,
            config,
            files,
            origin,
        })
    }
}

/// The texts of a project, by their path from the project file.
fn on_disk(project: &Project, root: &Path) -> Result<(ConfigFile, Files), Failure> {
    let path = root.join(FILE_NAME);
    let text = std::fs::read_to_string(&path).map_err(|e| project::unreadable(&path, &e))?;
    let config = ConfigFile {
        name: FILE_NAME.into(),
        text,
    };
    let files = project.texts(root);
    Ok((config, files))
}

/// A sandbox's handle, where there is one.
pub type SharedSandbox = Option<Arc<Sandbox>>;
