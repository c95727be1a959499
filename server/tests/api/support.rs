//! Nothing in; a whole service on a port of this machine, over a store in a folder and a made-up outside, out.

use crate::sandboxed;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::connect::{Connectors, KEY_LENGTH, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Rest};
use counterplay_runtime::store::{Store, StoreOptions};
use counterplay_sandbox::{Options, Sandbox};
use counterplay_server::app::{App, Parts, Settings};
use counterplay_server::feed::Feed;
use counterplay_server::identity::{
    Identity, IdentityOptions, LoginLimits, NewAccount, NewApiToken, PasswordCost, Principal, Role,
    Scope,
};
use counterplay_server::project::{ConfigFile, Files, Origin, Outside, Projects, prepare};
use counterplay_server::serve::{HEADERS_WITHIN, ServeError, bind, serve};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const CONFIG: &str = include_str!("counterplay.toml");
pub const CONTAIN: &str = include_str!("../../../examples/tour/playbooks/contain_account.play");
pub const LOST: &str = include_str!("../../../examples/tour/playbooks/lost_device.play");
pub const OFFBOARDING: &str =
    include_str!("../../../examples/offboarding/playbooks/offboarding.play");
pub const RISK: &str =
    include_str!("../../../examples/shipped-responses/events/risk-detection.json");
pub const LEAVER: &str = include_str!("../../../examples/offboarding/deliveries/leaver.json");
pub const PASSWORD: &str = "paper lantern seven";
/// How many tokens were made, also on stores that a later service goes on with.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A person of the made-up tenant.
pub const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
/// More people of it.
pub const VICTIMS: [&str; 4] = [
    PRIYA,
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005",
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004",
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002",
];

/// The machine's clock, some time ahead.
#[derive(Default)]
pub struct Ahead {
    by: AtomicI64,
    set: AtomicI64,
}

impl Ahead {
    pub fn by_days(&self, days: i64) {
        self.by.fetch_add(days * 86_400_000, Ordering::SeqCst);
    }

    /// As if somebody had set the clock: no time passes.
    pub fn set_by_days(&self, days: i64) {
        self.set.fetch_add(days * 86_400_000, Ordering::SeqCst);
        self.by_days(days);
    }
}

impl Clock for Ahead {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.by.load(Ordering::SeqCst)
    }

    fn passed_ms(&self) -> i64 {
        self.now_ms() - self.set.load(Ordering::SeqCst)
    }

    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_millis(
            ms.max(0).unsigned_abs(),
        )))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, _: i64) {}
}

struct Way {
    sandbox: Arc<Sandbox>,
    clock: Arc<dyn Clock>,
}

impl Outside for Way {
    fn connect(
        &self,
        program: &Program,
        deployment: Deployment,
    ) -> Result<(Deployment, Arc<dyn Connector>), String> {
        let (mut led, secrets) = sandboxed::deployment(deployment, &self.sandbox);
        sandboxed::close(&mut led, program, &self.sandbox);
        let key = MasterKey::from_bytes([7; KEY_LENGTH]);
        let connectors = Connectors::new(led.clone(), Arc::new(secrets), key, self.clock.clone())
            .map_err(|e| e.to_string())?;
        Ok((led, Arc::new(connectors)))
    }
}

/// What a service is started with.
pub struct Given {
    pub origin: Origin,
    pub limits: LoginLimits,
    pub folder: TempDir,
    /// More files of the project, and more of its project file.
    pub more: Vec<(&'static str, &'static str)>,
    pub config: String,
    pub headers_within: Duration,
    /// How many events of a tenant may wait.
    pub backlog_max: usize,
    pub store: StoreOptions,
}

impl Default for Given {
    fn default() -> Given {
        let many = std::num::NonZeroU32::MIN.saturating_add(9_999);
        Given {
            origin: Origin::Store,
            limits: LoginLimits {
                failures: 1_000,
                address_burst: many,
                account_burst: many,
                ..LoginLimits::default()
            },
            folder: tempfile::tempdir().expect("a folder"),
            more: Vec::new(),
            config: CONFIG.into(),
            headers_within: HEADERS_WITHIN,
            backlog_max: 10_000,
            store: StoreOptions::default(),
        }
    }
}

/// The files of the project.
pub fn files() -> Files {
    [
        ("playbooks/contain_account.play", CONTAIN),
        ("playbooks/lost_device.play", LOST),
        ("playbooks/offboarding.play", OFFBOARDING),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into()
}

/// A service that answers.
pub struct Service {
    pub url: String,
    pub address: SocketAddr,
    pub app: App,
    pub clock: Arc<Ahead>,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<Rest, ServeError>>,
    passing_on: JoinHandle<()>,
    pub sandbox: Arc<Sandbox>,
}

impl Service {
    pub async fn start() -> Service {
        Service::with(Given::default()).await
    }

    pub async fn with(given: Given) -> Service {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let clock = Arc::new(Ahead::default());
        let sandbox = Arc::new(Sandbox::start(Options::default()).await.expect("a sandbox"));
        let path = given.folder.path().join("store.db");
        let store = Store::open_with(path, given.store.clone()).expect("a store");
        let config = ConfigFile {
            name: "counterplay.toml".into(),
            text: given.config.clone(),
        };
        let outside = Arc::new(Way {
            sandbox: sandbox.clone(),
            clock: clock.clone(),
        });
        let mut all = files();
        let more = given.more.iter();
        all.extend(more.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        let prepared = prepare(
            &store,
            &config,
            all,
            given.origin,
            &*outside,
            clock.now_ms(),
        )
        .await
        .expect("a project that checks");
        let (_, secrets) = sandboxed::deployment(prepared.deployment.clone(), &sandbox);
        let engine = Engine::open(EngineOptions {
            records_start: !prepared.recorded,
            link_base: Some(url.clone()),
            schedules: false,
            backlog_max: given.backlog_max,
            ..EngineOptions::new(
                prepared.live.compiled.program.clone(),
                prepared.deployment.clone(),
                store,
                prepared.connector.clone(),
                clock.clone(),
            )
        })
        .await
        .expect("an engine");
        let options = IdentityOptions {
            cost: PasswordCost::CHEAPEST,
            limits: given.limits,
        };
        let identity =
            Identity::with(engine.store().clone(), clock.clone(), options).expect("an identity");
        let (feed, passing_on) = Feed::start(&engine).await.expect("a feed");
        let projects = Projects::new(
            engine.clone(),
            prepared,
            config,
            given.origin,
            outside,
            clock.clone(),
        );
        let app = App::new(Parts {
            engine,
            clock: clock.clone(),
            identity,
            projects,
            secrets: Arc::new(secrets),
            feed,
            settings: Settings {
                folder: None,
                public_url: url.clone(),
                sandbox: None,
                headers_within: given.headers_within,
            },
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(app.clone(), listener, async move {
            // An error means that the test is over, which is an end, too.
            let _ = stopped.await;
        }));
        Service {
            url,
            address,
            app,
            clock,
            folder: given.folder,
            stop,
            serving,
            passing_on,
            sandbox,
        }
    }

    /// Stops and gives the folder back.
    pub async fn stop(self) -> (Rest, TempDir) {
        self.stop.send(()).expect("still serving");
        let rest = self.serving.await.expect("joined").expect("ended well");
        self.passing_on.abort();
        (rest, self.folder)
    }

    /// Somebody who is logged in, made on first use.
    pub async fn person(&self, email: &str, roles: &[Role], scope: Scope) -> Client {
        self.account(email, roles, scope).await;
        self.log_in(email).await
    }

    pub async fn account(&self, email: &str, roles: &[Role], scope: Scope) {
        let account = NewAccount {
            email: email.into(),
            name: "Somebody".into(),
            roles: roles.iter().copied().collect(),
            scope,
        };
        self.app
            .identity
            .create_person(&Principal::console(), account, Some(PASSWORD.into()))
            .await
            .expect("a person");
    }

    pub async fn log_in(&self, email: &str) -> Client {
        let answer = self
            .stranger()
            .post(
                "/api/automation/session",
                json!({"email": email, "password": PASSWORD}),
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let cookie = answer.header("set-cookie");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        Client {
            base: self.url.clone(),
            http: reqwest::Client::new(),
            headers: vec![
                ("cookie".into(), cookie),
                (
                    "x-csrf-token".into(),
                    answer.json["csrf"].as_str().expect("a value").into(),
                ),
                ("origin".into(), self.url.clone()),
            ],
        }
    }

    /// A program with a token.
    pub async fn token(&self, role: Role, scope: Scope) -> Client {
        self.token_by(&Principal::console(), role, scope).await
    }

    pub async fn token_by(&self, by: &Principal, role: Role, scope: Scope) -> Client {
        let new = NewApiToken {
            name: format!("token-{}", MADE.fetch_add(1, Ordering::SeqCst)),
            role,
            scope,
            days: 30,
        };
        let made = self.app.identity.create_token(by, new).await;
        self.bearer(&made.expect("a token").secret)
    }

    pub fn bearer(&self, secret: &str) -> Client {
        self.stranger()
            .with("authorization", &format!("Bearer {secret}"))
    }

    /// Nobody.
    pub fn stranger(&self) -> Client {
        Client {
            base: self.url.clone(),
            http: reqwest::Client::new(),
            headers: Vec::new(),
        }
    }
}

/// Who calls.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub http: reqwest::Client,
    pub headers: Vec<(String, String)>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// A problem document of a status, with its kind.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> &Answer {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(
            self.json["type"],
            format!("/docs/problems#{kind}"),
            "{}",
            self.text
        );
        assert_eq!(self.json["status"], status);
        for rust in ["struct ", "::", "i64", "u32", "enum "] {
            assert!(!self.text.contains(rust), "{}", self.text);
        }
        self
    }

    #[track_caller]
    pub fn ok(&self, status: u16) -> &Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn detail(&self, part: &str) -> &Answer {
        let detail = self.json["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(part), "{detail:?} does not have {part:?}");
        self
    }
}

impl Client {
    pub fn with(&self, name: &str, value: &str) -> Client {
        let mut other = self.without(name);
        other.headers.push((name.into(), value.into()));
        other
    }

    pub fn without(&self, name: &str) -> Client {
        let mut other = self.clone();
        other.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        other
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        match body {
            Some(body) => {
                let typed = match self.headers.iter().any(|(n, _)| n == "content-type") {
                    true => self.clone(),
                    false => self.with("content-type", "application/json"),
                };
                typed.raw(method, path, body.to_string().into_bytes()).await
            }
            None => self.raw(method, path, Vec::new()).await,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        self.headers
            .iter()
            .fold(request, |r, (name, value)| r.header(name, value))
    }

    pub async fn raw(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let mut request = self.request(method, path);
        if !body.is_empty() {
            request = request.body(body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let text = response.text().await.expect("a body");
        Answer {
            status: status.as_u16(),
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            headers,
            text,
        }
    }

    /// Asks until the answer fits.
    pub async fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_000 {
            let answer = self.get(path).await;
            if fits(&answer.json) {
                return answer.json;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} stays as {}", self.get(path).await.text);
    }

    /// Starts the containment of an account and waits for its approval; run and approval.
    pub async fn contained(&self, tenant: &str, user: &str) -> (String, String) {
        let body = json!({"tenant": tenant, "values": {"user": user, "reason": "a call"}});
        let answer = self
            .post("/api/automation/playbooks/contain_account/run", body)
            .await;
        answer.ok(202);
        let run = answer.json["runs"][0].as_str().expect("a run").to_owned();
        let seen = self
            .until(&format!("/api/automation/runs/{run}"), |r| {
                r["status"] == "awaiting approval" || r["status"] == "held"
            })
            .await;
        let approval = seen["waits_for"][0]["approval"].as_str();
        let approval = approval.unwrap_or_else(|| panic!("no approval: {seen}"));
        (run, approval.to_owned())
    }
}

pub fn tenants(names: &[&str]) -> Scope {
    Scope::of(Some(names.iter().map(|n| (*n).to_owned()).collect()))
}
