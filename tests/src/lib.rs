//! What the end-to-end tests share: compiled projects, a running sandbox and an engine on it.

pub mod collector;
pub mod contained;
pub mod disk;
pub mod hostile;
pub mod load;
pub mod outside;
pub mod probe;
pub mod service;
pub mod sim;
pub mod target;

use counterplay_compiler::workspace::Workspace;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::journal::{Entry, What};
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, Incoming, Until};
use counterplay_runtime::store::{RunDetail, RunFilter, Store};
use counterplay_sandbox::{Options, Sandbox};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The standard library alone, compiled.
pub fn library() -> Arc<Program> {
    let compiled = Workspace::new(Vec::new(), None).compile();
    assert!(
        !compiled.has_errors(),
        "the standard library does not compile"
    );
    Arc::new(compiled.program)
}

/// An example project, compiled, with its deployment.
pub fn example(name: &str) -> (Arc<Program>, Deployment) {
    let folder = root().join("examples").join(name);
    let project = counterplay_cli::project::load(&folder, &[])
        .unwrap_or_else(|failure| panic!("{:?}", failure.message));
    assert!(
        project.findings.is_empty(),
        "{}",
        project.workspace.render(&project.findings, false)
    );
    (project.program(), project.deployment())
}

/// A project of one file, with two teams and one tenant, compiled.
pub fn project(source: &str) -> (Arc<Program>, Deployment) {
    compiled(source, "", true)
}

/// The same of a source that gives warnings.
pub fn project_with_warnings(source: &str) -> (Arc<Program>, Deployment) {
    compiled(source, "", false)
}

/// [`project`], with more in its `counterplay.toml`.
pub fn project_with(source: &str, more: &str) -> (Arc<Program>, Deployment) {
    compiled(source, more, true)
}

fn compiled(source: &str, more: &str, clean: bool) -> (Arc<Program>, Deployment) {
    let workspace = Workspace::new(
        vec![counterplay_compiler::workspace::Source {
            path: "playbooks/case.play".into(),
            module: "case".into(),
            text: source.to_owned(),
        }],
        Some(("counterplay.toml".into(), format!("{PROJECT}{more}"))),
    );
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors() && (!clean || compiled.diagnostics.is_empty()),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    (
        Arc::new(compiled.program),
        compiled.file.map(|f| f.deployment).unwrap_or_default(),
    )
}

const PROJECT: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"
teams_webhook = "soc-teams"

[teams.leads]
members = ["dana@example.org", "eli@example.org", "finn@example.org"]

[tenants.contoso]
id = "contoso"
domains = ["example.org"]

[connections.graph]
[connections.identity_protection]
[connections.exchange]
[connections.halopsa]
[connections.mail]
[connections.teams]
[connections.slack]
[connections.webhook]
"#;

/// An engine on a sandbox, with a clock that skips what nobody has to wait for.
pub struct Bench {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// The program.
    pub program: Arc<Program>,
    /// The deployment, its connections pointing at the sandbox.
    pub deployment: Deployment,
    /// Calls the sandbox.
    pub connector: Arc<Connectors>,
    /// The engine.
    pub engine: Engine,
    clock: Arc<VirtualClock>,
    _folder: tempfile::TempDir,
}

/// An engine on the store of a folder; nothing begins by the clock.
async fn engine(
    folder: &Path,
    (program, deployment, connector, clock): (
        Arc<Program>,
        Deployment,
        Arc<dyn Connector>,
        Arc<VirtualClock>,
    ),
    ids: Ids,
) -> Engine {
    let store = Store::open(folder.join("store.db")).expect("a store");
    let mut options = EngineOptions::new(program, deployment, store, connector, clock);
    options.ids = ids;
    options.schedules = false;
    Engine::open(options).await.expect("an engine")
}

impl Bench {
    /// An example project on a fresh sandbox, at a time in milliseconds since the Unix epoch.
    pub async fn new(example_name: &str, now_ms: i64) -> Bench {
        Bench::of(example(example_name), now_ms).await
    }

    /// A compiled project on a fresh sandbox, at a time in milliseconds since the Unix epoch.
    pub async fn of((program, deployment): (Arc<Program>, Deployment), now_ms: i64) -> Bench {
        let at = jiff::Timestamp::from_millisecond(now_ms).expect("a time");
        let sandbox = Sandbox::start(Options {
            tenant: counterplay_sandbox::demo_tenant_at(at),
            ..Options::default()
        })
        .await
        .expect("a sandbox");
        let (deployment, secrets) = counterplay_cli::sandboxed::deployment(deployment, &sandbox);
        let clock = Arc::new(VirtualClock::at(now_ms));
        let connector = Arc::new(
            Connectors::new(
                deployment.clone(),
                Arc::new(secrets),
                MasterKey::from_bytes([7; 32]),
                clock.clone(),
            )
            .expect("connectors"),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let works: Arc<dyn Connector> = connector.clone();
        let made = (program.clone(), deployment.clone(), works, clock.clone());
        let engine = engine(folder.path(), made, Ids::seeded(1)).await;
        Bench {
            sandbox,
            program,
            deployment,
            connector,
            engine,
            clock,
            _folder: folder,
        }
    }

    /// The same after the engine's process has ended without warning: whatever was under way is lost, and another
    /// engine opens the store. It works with this connector, or the same one.
    pub async fn crashed(self, connector: Option<Arc<dyn Connector>>) -> Bench {
        let Bench {
            sandbox,
            program,
            deployment,
            connector: same,
            engine,
            clock,
            _folder,
        } = self;
        drop(engine);
        let connector = connector.unwrap_or(same.clone());
        let made = (
            program.clone(),
            deployment.clone(),
            connector,
            clock.clone(),
        );
        let engine = self::engine(_folder.path(), made, Ids::seeded(2)).await;
        Bench {
            sandbox,
            program,
            deployment,
            connector: same,
            engine,
            clock,
            _folder,
        }
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The tenant of the examples.
    pub fn tenant(&self) -> TenantFacts {
        TenantFacts::of("contoso", &self.deployment.tenants["contoso"])
    }

    /// Starts a playbook by hand, with values by parameter.
    pub async fn start(&self, playbook: &str, values: serde_json::Value) {
        let values = values.as_object().cloned().unwrap_or_default();
        self.engine
            .start_manual(playbook, "contoso", values, None)
            .await
            .unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Runs until nothing is left to do but to wait.
    pub async fn settle(&self) {
        self.engine
            .run(Until::Settled)
            .await
            .unwrap_or_else(|e| panic!("{e}"));
    }

    /// Moves the clock on to a time, and runs until nothing is left to do but to wait.
    pub async fn wait_until(&self, ms: i64) {
        self.clock.skip_to(ms);
        self.settle().await;
    }

    /// Hands an event in.
    pub async fn accept(&self, payload: serde_json::Value) {
        self.engine
            .accept(Incoming {
                tenant: "contoso".into(),
                event: None,
                payload,
                source: None,
            })
            .await
            .unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Runs until every run has ended; whoever is asked and may answer approves.
    pub async fn finish(&self) {
        for _ in 0..100 {
            self.engine
                .run(Until::Asked)
                .await
                .unwrap_or_else(|e| panic!("{e}"));
            let approvals = self.engine.store().approvals().await.expect("approvals");
            if approvals.is_empty() {
                break;
            }
            for approval in approvals {
                for who in approval
                    .open
                    .eligible
                    .iter()
                    .take(approval.open.needs as usize)
                {
                    self.engine
                        .vote(&approval.id, who, true, None)
                        .await
                        .unwrap_or_else(|e| panic!("{e}"));
                }
            }
        }
    }

    /// Every run with its journal.
    pub async fn runs(&self) -> Vec<RunDetail> {
        let store = self.engine.store();
        let mut details = Vec::new();
        for run in store.runs(RunFilter::default()).await.expect("runs") {
            details.extend(store.run_detail(&run.id).await.expect("a run"));
        }
        details
    }
}

/// The actions of a journal in order, each with the name of what it acts on.
pub fn actions(journal: &[Entry]) -> Vec<String> {
    journal
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Intended { action, args, .. } => {
                let on = ["user", "device", "to", "team", "title"]
                    .iter()
                    .find_map(|name| args.get(*name))
                    .map(|v| v.get("name").unwrap_or(v).to_string())
                    .unwrap_or_default();
                Some(format!("{action} {on}"))
            }
            _ => None,
        })
        .collect()
}
