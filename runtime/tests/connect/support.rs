//! Small programs and deployments for the tests.

use counterplay_machine::declare::{
    Auth, Base, Callable, Connection, Impact, Param, PathPart, Request, Retry,
};
use counterplay_machine::deployment::{ConnectionSettings, Deployment};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use counterplay_machine::{Program, Value};
use counterplay_runtime::brake::Gate;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector, Setbacks};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{
    Carried, Chance, Connectors, MasterKey, MemorySecrets, Secrets, Wire,
};
use counterplay_runtime::room::Room;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A moment: 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;
/// The secret of every connection that has one.
pub const SECRET: &str = "planted-Secret/4711+x";

/// The first parameter's variable.
pub const ARG: Slot = Slot(0);
/// The body's variable.
pub const BODY: Slot = Slot(1);

pub fn arc(text: &str) -> Arc<str> {
    Arc::from(text)
}

pub fn text(text: &str) -> Expr {
    Expr::Const(Value::text(text))
}

pub fn connection(auth: Auth) -> Connection {
    Connection {
        name: arc("service"),
        base: None,
        auth,
        rates: vec![],
        retry: Retry {
            within_ms: 60_000,
            from_ms: 1_000,
            up_to_ms: 8_000,
        },
        timeout_ms: 5_000,
        batch: None,
        floors: vec![],
    }
}

pub fn settings(base: &str) -> ConnectionSettings {
    ConnectionSettings {
        base: Some(base.to_owned()),
        client_id: Some("the-client".into()),
        secret: Some("service-secret".into()),
        from: Some("Counterplay <counterplay@contoso.example>".into()),
        allow_private: true,
        ..Default::default()
    }
}

/// A call to `/things`, with one Text parameter.
pub fn callable(name: &str, impact: Option<Impact>, method: &str) -> Callable {
    Callable {
        name: arc(name),
        impact,
        idempotent: false,
        params: vec![Param {
            name: arc("value"),
            ty: Type::Text,
            slot: ARG,
            acted_on: false,
        }],
        permissions: vec![],
        request: Request::Http {
            connection: arc("service"),
            method: arc(method),
            path: vec![PathPart::Literal(arc("/things"))],
            address: None,
            query: vec![],
            headers: vec![],
            json: impact.map(|_| Expr::Object(vec![(arc("value"), Expr::Slot(ARG))])),
            paged: false,
        },
        expect: vec![],
        on_status: vec![],
        body: BODY,
        returns: None,
        returns_ty: Type::Nothing,
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: arc(""),
    }
}

pub fn action(name: &str) -> Callable {
    callable(name, Some(Impact::Reversible), "POST")
}

/// A query that returns the body as it is.
pub fn query(name: &str) -> Callable {
    Callable {
        returns_ty: Type::Json,
        ..callable(name, None, "GET")
    }
}

pub fn mail(name: &str) -> Callable {
    Callable {
        request: Request::Mail {
            connection: arc("service"),
            to: Expr::Slot(ARG),
            subject: text("Subject ü"),
            body: text("Hello,\nthis is the text."),
        },
        ..callable(name, Some(Impact::Notify), "POST")
    }
}

/// Connectors on a virtual clock, and the program that they are used with.
pub struct Bench {
    pub clock: Arc<dyn Clock>,
    pub deployment: Deployment,
    pub secrets: Arc<dyn Secrets>,
    pub connectors: Connectors,
    pub program: Arc<Program>,
    pub tenant: TenantFacts,
}

impl Bench {
    pub fn new(
        connection: Connection,
        settings: Option<ConnectionSettings>,
        callables: Vec<Callable>,
    ) -> Bench {
        Bench::with_clock(
            connection,
            settings,
            callables,
            Arc::new(VirtualClock::at(START_MS)),
        )
    }

    pub fn with_clock(
        connection: Connection,
        settings: Option<ConnectionSettings>,
        callables: Vec<Callable>,
        clock: Arc<dyn Clock>,
    ) -> Bench {
        let secrets = MemorySecrets::new([
            ("service-secret", SECRET),
            ("sandbox-app", "sandbox-secret"),
            ("sandbox-hook", "sandbox-webhook-secret"),
        ]);
        Bench::with_secrets(connection, settings, callables, clock, Arc::new(secrets))
    }

    pub fn with_secrets(
        connection: Connection,
        settings: Option<ConnectionSettings>,
        callables: Vec<Callable>,
        clock: Arc<dyn Clock>,
        secrets: Arc<dyn Secrets>,
    ) -> Bench {
        let program = Program {
            connections: BTreeMap::from([(connection.name.clone(), connection)]),
            callables: callables.into_iter().map(|c| (c.name.clone(), c)).collect(),
            ..Program::default()
        };
        let deployment = Deployment {
            connections: settings
                .map(|s| ("service".to_owned(), s))
                .into_iter()
                .collect(),
            ..Deployment::default()
        };
        let key = MasterKey::from_bytes([9; 32]);
        let connectors = Connectors::new(deployment.clone(), secrets.clone(), key, clock.clone())
            .expect("an HTTP client");
        Bench {
            clock,
            deployment,
            secrets,
            connectors: connectors.with_chance(Chance::seeded(1)),
            program: Arc::new(program),
            tenant: TenantFacts {
                name: "contoso".into(),
                id: "3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8".into(),
                zone: "UTC".into(),
                domains: vec![],
                ..Default::default()
            },
        }
    }

    /// Connectors of the same deployment over another wire.
    pub fn over(&self, wire: Arc<dyn Wire>) -> Connectors {
        let (deployment, secrets) = (self.deployment.clone(), self.secrets.clone());
        let key = MasterKey::from_bytes([9; 32]);
        Connectors::over(wire, deployment, secrets, key, self.clock.clone())
            .with_chance(Chance::seeded(1))
    }

    pub fn request(&self, name: &str, value: &str) -> CallRequest {
        CallRequest {
            id: format!("run-1:{name}"),
            callable: arc(name),
            args: vec![Value::text(value)],
            tenant: self.tenant.clone(),
            run: Some(("run-1".into(), START_MS)),
            program: self.program.clone(),
            intended_ms: START_MS,
            repeated: false,
            setbacks: Setbacks::default(),
            gate: Gate::default(),
            room: Room::default(),
        }
    }

    pub async fn call(&self, name: &str) -> CallOutcome {
        self.connectors.call(self.request(name, "a value")).await
    }

    pub fn passed_ms(&self) -> i64 {
        self.clock.now_ms() - START_MS
    }
}

/// The network, with a note of when each request was sent: in milliseconds of time that has passed, and where to.
pub struct Noted {
    clock: Arc<dyn Clock>,
    client: reqwest::Client,
    sent: Mutex<Vec<(i64, String)>>,
}

impl Noted {
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Noted> {
        Arc::new(Noted {
            clock,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            sent: Mutex::default(),
        })
    }

    /// When requests whose address holds this text were sent.
    pub fn sent(&self, to: &str) -> Vec<i64> {
        let sent = self.sent.lock().expect("no panic");
        let those = sent.iter().filter(|(_, url)| url.contains(to));
        those.map(|(at_ms, _)| *at_ms).collect()
    }
}

impl Wire for Noted {
    fn carry(&self, request: reqwest::Request, _private: bool) -> Carried<'_> {
        let mut sent = self.sent.lock().expect("no panic");
        sent.push((self.clock.passed_ms(), request.url().to_string()));
        Box::pin(async move { Ok(self.client.execute(request).await?) })
    }
}

/// Whether never more than `count` lie within `per_ms`.
pub fn keeps_to(count: usize, per_ms: i64, times: &[i64]) -> bool {
    let mut times = times.to_vec();
    times.sort_unstable();
    let mut windows = times.windows(count + 1);
    windows.all(|window| window[count] - window[0] >= per_ms)
}

pub fn done() -> CallOutcome {
    CallOutcome::Done(Value::Absent)
}

/// The reason of a failure.
pub fn failure(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Failed { reason } | CallOutcome::Unconfirmed { reason } => reason,
        other => panic!("expected a failure, found {other:?}"),
    }
}

/// The reason of an unknown outcome.
pub fn unknown(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Unknown { reason } => reason,
        other => panic!("expected an unknown outcome, found {other:?}"),
    }
}

pub fn smtp() -> Connection {
    Connection {
        base: Some(Base::Smtp),
        ..connection(Auth::None)
    }
}
