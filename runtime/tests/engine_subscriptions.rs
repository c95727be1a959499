//! What services tell of changes: objects are read at once, by who may tell it, and nothing is lost when one cannot be
//! read or when the service forgets us.

mod support;

use counterplay_machine::Program;
use counterplay_machine::declare::{Event, EventField, Fires, Source, Subscription};
use counterplay_machine::deployment::Mode;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::types::Type;
use counterplay_machine::value::Value;
use counterplay_runtime::call::{
    CallOutcome, CallRequest, Connector, ListFailure, ListRequest, Listing, Look, SubscribeRequest,
    Subscribed, Subscribing,
};
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{
    ChangeTold, ChangesTaken, Engine, EngineOptions, Ids, SubscriptionInfo, Told, Until,
};
use counterplay_runtime::store::{RunFilter, Store};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use support::{HOUR, START, project};
use tempfile::TempDir;

const EVENT: &str = "test.blocked";
const NOTIFY: &str = "https://cp.example/changes/acme/test%2Eblocked";
const STATE: &str = "what only the service knows";
const DAY: i64 = 24 * HOUR;

/// A real clock that is set by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, _: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, _: i64) {}
}

/// A service with users, and what it was asked.
#[derive(Default)]
struct Directory {
    users: BTreeMap<String, Json>,
    lists: usize,
    read: Vec<String>,
    asked: Vec<SubscribeRequest>,
    refuses: bool,
    is_down: bool,
}

struct Fake(Mutex<Directory>);

impl Fake {
    fn lock(&self) -> MutexGuard<'_, Directory> {
        self.0.lock().expect("no panic")
    }
}

impl Connector for Fake {
    fn call(&self, _: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        Box::pin(async { CallOutcome::Done(Value::Absent) })
    }

    fn read_list(&self, _: ListRequest) -> Listing<'_> {
        let mut directory = self.lock();
        directory.lists += 1;
        let list = directory.users.values().cloned().collect();
        Box::pin(async move { Ok(list) })
    }

    fn read_object(&self, _: ListRequest, id: String) -> Look<'_> {
        let mut directory = self.lock();
        let found = match directory.is_down {
            true => Err(ListFailure::new("it is down")),
            false => Ok(directory.users.get(&id).cloned()),
        };
        directory.read.push(id);
        Box::pin(async move { found })
    }

    fn subscribe(&self, request: SubscribeRequest) -> Subscribing<'_> {
        let mut directory = self.lock();
        let made = match directory.refuses {
            true => Err(ListFailure::new("the address cannot be reached")),
            false => Ok(Subscribed {
                id: format!("sub-{}", directory.asked.len() + 1),
                until_ms: request.until_ms,
            }),
        };
        directory.asked.push(request);
        Box::pin(async move { made })
    }

    fn is_told_by_service(&self, notify: &str, client_state: &str) -> bool {
        notify == NOTIFY && client_state == STATE
    }
}

fn program() -> Program {
    let raw = || Expr::Slot(Slot(0));
    let event = Event {
        name: EVENT.into(),
        source: Source::Poll {
            connection: "directory".into(),
            path: "/users".into(),
            query: Vec::new(),
            every_ms: 12 * HOUR,
            since: None,
            subscription: Some(Subscription {
                changes: vec!["updated".into()],
            }),
        },
        known_by: vec!["enabled".into()],
        fires: Fires::ChangesTo {
            subject: Expr::Convert(Box::new(raw().field("enabled")), Type::Bool),
            target: Expr::Const(Value::Bool(false)),
        },
        raw: Slot(0),
        fields: vec![EventField {
            name: "id".into(),
            ty: Type::Text,
            slot: Slot(1),
            value: Expr::Convert(Box::new(raw().field("id")), Type::Text),
        }],
        fetched: Vec::new(),
        permissions: Vec::new(),
        doc: "".into(),
    };
    let mut program = project::declarations();
    let who = Expr::Const(support::user("u1"));
    let mut watch = project::playbook("watch", project::short_graph("do.block", &who));
    watch.triggers = vec![project::trigger(TriggerKind::Event(event.name.clone()))];
    watch.mode = Mode::Simulate;
    program.playbooks.insert(watch.id.clone(), watch);
    program.events.insert(event.name.clone(), event);
    program
}

struct Bench {
    clock: Arc<Hand>,
    fake: Arc<Fake>,
    program: Arc<Program>,
    folder: TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench {
            clock: Arc::new(Hand(AtomicI64::new(START))),
            fake: Arc::new(Fake(Mutex::default())),
            program: Arc::new(program()),
            folder: tempfile::tempdir().expect("a folder"),
        };
        bench.user("u1", true);
        bench.user("u2", false);
        bench
    }

    fn user(&self, id: &str, enabled: bool) {
        let user = json!({ "id": id, "enabled": enabled });
        self.fake.lock().users.insert(id.into(), user);
    }

    async fn engine(&self, base: Option<&str>) -> Engine {
        let mut deployment = support::deployment();
        deployment.tenants.remove("birch");
        let store = Store::open(self.folder.path().join("store.db")).expect("a store");
        let mut options = EngineOptions::new(
            self.program.clone(),
            deployment,
            store,
            self.fake.clone(),
            self.clock.clone(),
        );
        options.ids = Ids::seeded(1);
        options.polling = true;
        options.link_base = base.map(str::to_owned);
        Engine::open(options).await.expect("the engine opens")
    }

    async fn driven(&self) -> Engine {
        let engine = self.engine(Some("https://cp.example")).await;
        engine.run(Until::Settled).await.expect("driven");
        engine
    }

    async fn pass(&self, engine: &Engine, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
        engine.run(Until::Settled).await.expect("driven");
    }
}

fn told(what: Told) -> ChangeTold {
    ChangeTold {
        subscription: "sub-1".into(),
        client_state: STATE.into(),
        tenant_id: None,
        what,
    }
}

fn changed(id: &str) -> ChangeTold {
    told(Told::Changed(id.into()))
}

async fn tell(engine: &Engine, told: Vec<ChangeTold>) -> ChangesTaken {
    let taken = engine.accept_changes("acme", EVENT, told).await;
    let taken = taken.expect("kept");
    engine.run(Until::Settled).await.expect("driven");
    taken
}

async fn runs(engine: &Engine) -> usize {
    let runs = engine.store().runs(RunFilter::default()).await;
    runs.expect("readable").len()
}

async fn subscription(engine: &Engine) -> SubscriptionInfo {
    let mut sources = engine.sources().await.expect("readable");
    sources.remove(0).subscription.expect("it has one")
}

#[tokio::test]
async fn what_is_told_is_read_at_once_and_counts_once() {
    let bench = Bench::new();
    let engine = bench.driven().await;
    assert_eq!(bench.fake.lock().asked[0].notify, NOTIFY);
    assert_eq!(subscription(&engine).await.until_ms, Some(START + 2 * DAY));
    bench.user("u1", false);
    assert_eq!(runs(&engine).await, 0, "nobody has told it");
    let taken = tell(&engine, vec![changed("u1"), changed("u1"), changed("u2")]).await;
    assert_eq!((taken.taken, taken.refused), (3, 0));
    assert_eq!(bench.fake.lock().read, ["u1", "u2"], "each is read once");
    assert_eq!(runs(&engine).await, 1, "u2 was blocked before");
    // The list, when its time comes, shows nothing new.
    bench.pass(&engine, 12 * HOUR).await;
    assert_eq!(runs(&engine).await, 1);
    assert_eq!(bench.fake.lock().lists, 2);
    // Somebody who is gone is no change to act on.
    tell(&engine, vec![changed("u9")]).await;
    assert_eq!(runs(&engine).await, 1);
}

#[tokio::test]
async fn who_is_not_the_service_is_not_heeded() {
    let bench = Bench::new();
    let engine = bench.driven().await;
    bench.user("u1", false);
    let guess = ChangeTold {
        client_state: "a guess".into(),
        ..changed("u1")
    };
    let other = ChangeTold {
        subscription: "sub-7".into(),
        ..changed("u1")
    };
    let taken = tell(&engine, vec![guess, other]).await;
    assert_eq!((taken.taken, taken.refused), (0, 2));
    let nowhere = engine.accept_changes("acme", "test.unknown", vec![changed("u1")]);
    assert_eq!(nowhere.await.expect("read").refused, 1);
    assert!(bench.fake.lock().read.is_empty());
    assert_eq!(runs(&engine).await, 0);
}

#[tokio::test]
async fn what_was_told_outlives_the_process_and_a_service_that_is_down() {
    let bench = Bench::new();
    let engine = bench.driven().await;
    bench.user("u1", false);
    bench.fake.lock().is_down = true;
    tell(&engine, vec![changed("u1")]).await;
    assert_eq!(runs(&engine).await, 0);
    drop(engine);
    bench.fake.lock().is_down = false;
    let engine = bench.driven().await;
    assert_eq!(runs(&engine).await, 0, "not before its time");
    bench.pass(&engine, 20_000).await;
    assert_eq!(runs(&engine).await, 1);
    assert_eq!(bench.fake.lock().asked.len(), 1, "it is not set up again");
}

#[tokio::test]
async fn a_subscription_is_renewed_in_time_and_made_anew_when_it_was_removed() {
    let bench = Bench::new();
    let engine = bench.driven().await;
    bench.pass(&engine, DAY).await;
    assert_eq!(bench.fake.lock().asked[1].known.as_deref(), Some("sub-1"));
    assert_eq!(subscription(&engine).await.until_ms, Some(START + 3 * DAY));
    let lists = bench.fake.lock().lists;
    let of = |what| ChangeTold {
        subscription: "sub-2".into(),
        ..told(what)
    };
    tell(&engine, vec![of(Told::Renew)]).await;
    assert_eq!(bench.fake.lock().asked[2].known.as_deref(), Some("sub-2"));
    assert_eq!(bench.fake.lock().lists, lists);
    let of = |what| ChangeTold {
        subscription: "sub-3".into(),
        ..told(what)
    };
    tell(&engine, vec![of(Told::Removed)]).await;
    assert_eq!(bench.fake.lock().asked[3].known, None);
    assert_eq!(
        bench.fake.lock().lists,
        lists + 1,
        "nobody told it meanwhile"
    );
    let of = |what| ChangeTold {
        subscription: "sub-4".into(),
        ..told(what)
    };
    tell(&engine, vec![of(Told::Missed)]).await;
    assert_eq!(bench.fake.lock().lists, lists + 2);
    assert_eq!(bench.fake.lock().asked.len(), 4);
}

#[tokio::test]
async fn without_a_subscription_the_list_is_read_all_the_same() {
    let bench = Bench::new();
    bench.fake.lock().refuses = true;
    let engine = bench.driven().await;
    let error = subscription(&engine).await.error;
    assert_eq!(error.as_deref(), Some("the address cannot be reached"));
    bench.user("u1", false);
    bench.pass(&engine, 12 * HOUR).await;
    assert_eq!(runs(&engine).await, 1);
    assert!(bench.fake.lock().asked.len() > 1, "it is tried again");
    bench.fake.lock().refuses = false;
    bench.pass(&engine, HOUR).await;
    assert_eq!(subscription(&engine).await.error, None);
}

#[tokio::test]
async fn without_an_address_nobody_is_asked() {
    let bench = Bench::new();
    let engine = bench.engine(None).await;
    engine.run(Until::Settled).await.expect("driven");
    assert!(bench.fake.lock().asked.is_empty());
    assert_eq!(bench.fake.lock().lists, 1);
    let taken = tell(&engine, vec![changed("u1")]).await;
    assert_eq!((taken.taken, taken.refused), (0, 1));
}
