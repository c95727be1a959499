//! Declared sources, read from the sandbox over HTTP.

mod support;

use counterplay_machine::Program;
use counterplay_machine::declare::{Auth, Connection, Event, EventField, Fires, Retry, Source};
use counterplay_machine::deployment::{ConnectionSettings, Deployment, Mode};
use counterplay_machine::duration::{format_time_ms, parse_time_ms};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::types::Type;
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Chance, Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, SourceInfo, Until};
use counterplay_runtime::store::{RunFilter, Store};
use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox, demo_tenant};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use support::project;
use tempfile::TempDir;

const MINUTE: i64 = 60_000;
const ALERTS: &str = "/security/alerts_v2";

/// What the sandbox knows an alert by.
fn alert(id: &str, status: &str, changed_ms: i64) -> Json {
    json!({
        "id": id,
        "status": status,
        "severity": "high",
        "title": format!("Alert {id}"),
        "createdDateTime": format_time_ms(changed_ms),
        "lastUpdateDateTime": format_time_ms(changed_ms),
    })
}

fn event(path: &str, since: Option<&str>, fires: Fires) -> Event {
    let raw = Expr::Slot(Slot(0));
    Event {
        name: "test.found".into(),
        source: Source::Poll {
            connection: "graph".into(),
            path: path.into(),
            query: Vec::new(),
            every_ms: MINUTE,
            since: since.map(Into::into),
            subscription: None,
        },
        known_by: vec!["severity".into()],
        fires,
        raw: Slot(0),
        fields: vec![EventField {
            name: "id".into(),
            ty: Type::Text,
            slot: Slot(1),
            value: Expr::Convert(Box::new(raw.field("id")), Type::Text),
        }],
        fetched: Vec::new(),
        permissions: Vec::new(),
        doc: "".into(),
    }
}

/// Once for each status of an alert.
fn alerts() -> Event {
    let raw = Expr::Slot(Slot(0));
    let keys = vec![raw.clone().field("id"), raw.field("status")];
    event(ALERTS, Some("lastUpdateDateTime"), Fires::OncePer(keys))
}

/// A playbook that waits for the event; its actions are not carried out.
fn program(event: Event) -> Arc<Program> {
    let mut program = project::declarations();
    program.connections.insert(
        "graph".into(),
        Connection {
            name: "graph".into(),
            base: None,
            auth: Auth::OAuth2 {
                token_url: "set by the deployment".into(),
                scope: "https://graph.microsoft.com/.default".into(),
            },
            rates: Vec::new(),
            retry: Retry {
                within_ms: 600_000,
                from_ms: 1_000,
                up_to_ms: 20_000,
            },
            timeout_ms: 10_000,
            batch: None,
            floors: Vec::new(),
        },
    );
    let who = Expr::Const(support::user("u1"));
    let mut watch = project::playbook("watch", project::short_graph("do.block", &who));
    watch.triggers = vec![project::trigger(TriggerKind::Event(event.name.clone()))];
    watch.mode = Mode::Simulate;
    program.playbooks.insert(watch.id.clone(), watch);
    program.events.insert(event.name.clone(), event);
    Arc::new(program)
}

struct Bench {
    sandbox: Sandbox,
    clock: Arc<VirtualClock>,
    program: Arc<Program>,
    deployment: Deployment,
    folder: TempDir,
}

impl Bench {
    async fn new(event: Event) -> Bench {
        let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
        let tenant = demo_tenant();
        let base = sandbox.base_url();
        let mut deployment = support::deployment();
        deployment.tenants.remove("birch");
        deployment.tenants.get_mut("acme").expect("there").id = tenant.id.clone();
        deployment.connections.insert(
            "graph".into(),
            ConnectionSettings {
                base: Some(format!("{base}/graph/v1.0")),
                token_url: Some(format!("{base}/login/{}/oauth2/v2.0/token", tenant.id)),
                client_id: Some(tenant.app.client_id.clone()),
                secret: Some("sandbox-app".into()),
                allow_private: true,
                ..ConnectionSettings::default()
            },
        );
        // The demo's alert is an hour old by this clock.
        let alert = tenant.alerts.values().next().expect("an alert");
        let raised = alert["lastUpdateDateTime"].as_str().expect("a time");
        let now = parse_time_ms(raised).expect("a time") + 60 * MINUTE;
        Bench {
            sandbox,
            clock: Arc::new(VirtualClock::at(now)),
            program: program(event),
            deployment,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn connector(&self) -> Arc<Connectors> {
        let secret = demo_tenant().app.client_secret;
        let secrets = MemorySecrets::new([("sandbox-app", secret.as_str())]);
        let key = MasterKey::from_bytes([9; 32]);
        let connectors = Connectors::new(
            self.deployment.clone(),
            Arc::new(secrets),
            key,
            self.clock.clone(),
        );
        let connectors = connectors.expect("an HTTP client");
        Arc::new(connectors.with_chance(Chance::seeded(1)))
    }

    async fn engine(&self) -> Engine {
        let store = Store::open(self.folder.path().join("store.db")).expect("a store");
        let mut options = EngineOptions::new(
            self.program.clone(),
            self.deployment.clone(),
            store,
            self.connector(),
            self.clock.clone(),
        );
        options.ids = Ids::seeded(1);
        options.polling = true;
        Engine::open(options).await.expect("the engine opens")
    }

    /// Lets so much time pass, in milliseconds, and everything happen that is due then.
    async fn pass(&self, engine: &Engine, ms: i64) {
        self.clock.skip_to(self.clock.now_ms() + ms);
        engine.run(Until::Settled).await.expect("driven");
    }

    fn raise(&self, alert: Json) {
        let id = alert["id"].as_str().expect("an id").to_owned();
        self.sandbox.update(|t| {
            t.alerts.insert(id, alert);
        });
    }

    /// The queries with which the alerts were read, decoded by hand as far as needed.
    fn readings(&self) -> Vec<String> {
        let requests = self.sandbox.requests();
        let paths = requests.into_iter().map(|r| r.path);
        paths
            .filter(|p| p.contains(ALERTS))
            .map(|p| p.replace("%20", " ").replace("%3A", ":"))
            .collect()
    }
}

async fn runs(engine: &Engine) -> usize {
    let runs = engine.store().runs(RunFilter::default()).await;
    runs.expect("readable").len()
}

async fn source(engine: &Engine) -> SourceInfo {
    engine.sources().await.expect("readable").remove(0)
}

#[tokio::test]
async fn the_first_reading_is_a_baseline_and_what_comes_later_starts_runs() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    let start = bench.clock.now_ms();
    let unread = source(&engine).await;
    assert_eq!((unread.polled_ms, unread.next_ms), (None, None));
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(bench.readings().len(), 1);
    assert_eq!(runs(&engine).await, 0);
    assert!(engine.store().events(9).await.expect("readable").is_empty());
    assert_eq!(
        source(&engine).await,
        SourceInfo {
            tenant: "acme".into(),
            event: "test.found".into(),
            connection: "graph".into(),
            path: ALERTS.into(),
            every_ms: MINUTE,
            polled_ms: Some(start),
            next_ms: Some(start + MINUTE),
            failures: 0,
            error: None,
            subscription: None,
        }
    );

    bench.raise(alert("a1", "new", start));
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(bench.readings().len(), 1, "before its time nothing is read");
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 1);
    // The overlap shows it again: the same state starts nothing, another one does.
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, MINUTE).await;
    assert_eq!((bench.readings().len(), runs(&engine).await), (4, 1));
    bench.raise(alert("a1", "resolved", start + 2 * MINUTE));
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 2);
    // Listed late: it lies before the newest one.
    bench.raise(alert("a2", "new", start - 10 * MINUTE));
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 3);
    let events = engine.store().events(9).await.expect("readable");
    assert_eq!(events.len(), 3, "what is not new leaves no row");
}

#[tokio::test]
async fn only_what_has_changed_since_the_cursor_is_asked_for() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    let start = bench.clock.now_ms();
    engine.run(Until::Settled).await.expect("driven");
    bench.raise(alert("a1", "new", start));
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, MINUTE).await;
    let from = |ms: i64| format!("filter=lastUpdateDateTime ge {}", format_time_ms(ms));
    let readings = bench.readings();
    let expected = [
        from(start - 24 * 60 * MINUTE),
        // The demo's alert is the newest, an hour old.
        from(start - 90 * MINUTE),
        from(start - 30 * MINUTE),
    ];
    assert_eq!(readings.len(), expected.len());
    for (reading, expected) in readings.iter().zip(expected) {
        assert!(reading.ends_with(&expected), "{reading}: {expected}");
    }
}

#[tokio::test]
async fn a_restart_goes_on_from_the_cursor() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    let start = bench.clock.now_ms();
    engine.run(Until::Settled).await.expect("driven");
    bench.raise(alert("a1", "new", start));
    bench.pass(&engine, MINUTE).await;
    drop(engine);
    // Raised while nothing ran.
    bench.raise(alert("a2", "new", start + 5 * MINUTE));
    bench.clock.skip_to(start + 20 * MINUTE);
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(runs(&engine).await, 2);
    let last = bench.readings().pop().expect("a reading");
    let expected = format_time_ms(start - 30 * MINUTE);
    assert!(last.ends_with(&expected), "{last}");
}

#[tokio::test]
async fn trouble_is_waited_out_noted_and_loses_nothing() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let start = bench.clock.now_ms();
    bench.raise(alert("a1", "new", start));
    let throttle = |retry_after_s| FaultKind::Throttle { retry_after_s };
    bench
        .sandbox
        .inject(Fault::new(ALERTS, throttle(Some(2))).times(2));
    bench.pass(&engine, MINUTE).await;
    let info = source(&engine).await;
    assert_eq!(
        (info.failures, info.error, runs(&engine).await),
        (0, None, 1)
    );

    let broken = FaultKind::Status {
        status: 500,
        code: "InternalServerError".into(),
        message: "It is broken.".into(),
    };
    bench
        .sandbox
        .inject(Fault::new(ALERTS, broken).times(1_000));
    bench.raise(alert("a2", "new", start + MINUTE));
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, 2 * MINUTE).await;
    let info = source(&engine).await;
    assert_eq!(info.failures, 2);
    let error = info.error.expect("a reason");
    assert!(error.contains("500 InternalServerError"), "{error}");
    // Twice in a row: the pause is twice the interval.
    let now = bench.clock.now_ms();
    assert_eq!(info.next_ms, Some(now + 2 * MINUTE));

    // It asks for a longer wait than the connector has patience.
    clear_faults(&bench).await;
    bench
        .sandbox
        .inject(Fault::new(ALERTS, throttle(Some(3_600))));
    bench.pass(&engine, 2 * MINUTE).await;
    let info = source(&engine).await;
    assert_eq!(info.failures, 3);
    assert_eq!(info.next_ms, Some(bench.clock.now_ms() + 60 * MINUTE));
    bench.pass(&engine, 60 * MINUTE).await;
    let info = source(&engine).await;
    assert_eq!(
        (info.failures, info.error, runs(&engine).await),
        (0, None, 2)
    );
}

/// As a person would: over HTTP.
async fn clear_faults(bench: &Bench) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = bench.sandbox.http_addr();
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("open");
    let request = "DELETE /sandbox/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

#[tokio::test]
async fn nothing_is_read_for_a_paused_playbook() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let set = |mode| engine.set_mode("watch", mode, "ann@soc.example");
    set(Some(Mode::Paused)).await.expect("set");
    bench.raise(alert("a1", "new", bench.clock.now_ms()));
    bench.pass(&engine, 10 * MINUTE).await;
    assert_eq!(bench.readings().len(), 1);
    assert!(engine.sources().await.expect("readable").is_empty());
    // As with what is pushed: what came during the pause starts nothing later.
    set(None).await.expect("set");
    bench.pass(&engine, 0).await;
    assert_eq!((bench.readings().len(), runs(&engine).await), (2, 0));
    bench.raise(alert("a2", "new", bench.clock.now_ms()));
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_once_and_blocks_nothing() {
    let mut readable = alerts();
    readable.fields.push(EventField {
        name: "title".into(),
        ty: Type::Text,
        slot: Slot(2),
        value: Expr::Convert(Box::new(Expr::Slot(Slot(0)).field("title")), Type::Text),
    });
    let bench = Bench::new(readable).await;
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let now = bench.clock.now_ms();
    let mut broken = alert("a1", "new", now);
    broken["title"] = json!(17);
    bench.raise(broken.clone());
    bench.raise(alert("a2", "new", now));
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 1);
    let letters = engine.store().dead_letters(9).await.expect("readable");
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].reason.contains(": title: "),
        "{}",
        letters[0].reason
    );
    assert_eq!(letters[0].payload, broken);
    // It is read once it can be.
    bench.raise(alert("a1", "new", now));
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 2);
}

#[tokio::test]
async fn a_list_without_a_time_is_read_whole_and_page_by_page() {
    let changes = Fires::ChangesTo {
        subject: Expr::Slot(Slot(0)).field("isMfaRegistered"),
        target: Expr::Const(counterplay_machine::Value::Bool(false)),
    };
    let path = "/reports/authenticationMethods/userRegistrationDetails";
    let bench = Bench::new(event(path, None, changes)).await;
    // More people than one page holds.
    bench.sandbox.update(|t| {
        let pattern = t.users.values().next().expect("a user").clone();
        for n in 0..250 {
            let mut user = pattern.clone();
            user.id = format!("extra-{n:03}");
            user.user_principal_name = format!("extra-{n:03}@contoso.example");
            user.is_mfa_registered = true;
            t.users.insert(user.id.clone(), user);
        }
    });
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    bench.sandbox.update(|t| {
        let last = t.users.get_mut("extra-249").expect("there");
        last.is_mfa_registered = false;
    });
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 1);
    let asked: Vec<String> = bench
        .sandbox
        .requests()
        .into_iter()
        .map(|r| r.path)
        .filter(|p| p.contains(path))
        .collect();
    assert_eq!(asked.len(), 9, "{asked:?}");
    assert!(!asked.iter().any(|p| p.contains("filter")), "{asked:?}");
}

#[tokio::test]
async fn an_event_that_always_fires_does_so_when_the_object_has_changed() {
    let bench = Bench::new(event(ALERTS, None, Fires::Always)).await;
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let now = bench.clock.now_ms();
    bench.raise(alert("a1", "new", now));
    bench.pass(&engine, MINUTE).await;
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 1);
    bench.raise(alert("a1", "inProgress", now));
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 2);
}

#[tokio::test]
async fn another_source_begins_with_a_baseline_of_its_own() {
    let bench = Bench::new(alerts()).await;
    let engine = bench.engine().await;
    engine.run(Until::Settled).await.expect("driven");
    let keys = vec![Expr::Slot(Slot(0)).field("id")];
    let next = event(
        "/auditLogs/signIns",
        Some("createdDateTime"),
        Fires::OncePer(keys),
    );
    engine
        .deploy(program(next), bench.deployment.clone(), bench.connector())
        .await
        .expect("deployed");
    bench.pass(&engine, 0).await;
    bench.pass(&engine, MINUTE).await;
    assert_eq!(runs(&engine).await, 0);
    assert_eq!(&*source(&engine).await.path, "/auditLogs/signIns");
}
