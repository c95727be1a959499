//! One tenant's calls wait, for turns that are rare, a service that does not work, or what they have ordered: the others', and its own
//! over other connections, go on. With the real engine and its connectors, against a service that answers as it is told.

use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Until};
use counterplay_runtime::store::{RunFilter, Store};
use counterplay_tests::target::{Answers, SILENCE, Target};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// More than may be under way at once.
const MANY: usize = 80;
/// In how many seconds a machine that has much else to do has made a call for which nothing has to be waited for.
const AT_ONCE: Duration = Duration::from_secs(40);

/// What happens, and what is done about it; what begins with `$` is filled in.
const SOURCE: &str = r#"
connection desk {
  auth: none
  retry: for 2h, from 10m up to 10m
  timeout: 5m
  $desk
  notify: POST "/take"
}

query standing(id: Text) -> Text? {
  request: desk.get("/standing/{id}")
  returns: body.standing
}

event ping {
  source: push
  known_by: "pingId"
  field id: Text = raw.pingId
  $field
}

action say(text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/take", json: { text: text })
  expect: 200
  $confirm
}

playbook probe "Probe" {
  when ping as p
  $if
  then { say(p.id) }
}
"#;

struct World {
    engine: Engine,
    target: Target,
    _folder: TempDir,
}

impl World {
    async fn new(parts: [(&str, &str); 4], answers: Answers) -> World {
        let source = parts
            .iter()
            .fold(SOURCE.to_owned(), |s, (name, part)| s.replace(name, part));
        World::of(&source, answers).await
    }

    async fn of(source: &str, answers: Answers) -> World {
        let target = Target::answering(answers).await;
        let more = format!(
            "[connections.desk]\nbase = \"{}\"\nallow_private = true\n[tenants.loud]\nid = \"loud\"\n[tenants.quiet]\nid = \"quiet\"\n",
            target.base
        );
        let (program, deployment) = counterplay_tests::project_with(source, &more);
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(SystemClock);
        let secrets = Arc::new(MemorySecrets::default());
        let key = MasterKey::from_bytes([7; 32]);
        let connector = Connectors::new(deployment.clone(), secrets, key, clock.clone());
        let connector = Arc::new(connector.expect("connectors"));
        let store = Store::open(folder.path().join("store.db")).expect("a store");
        let mut options = EngineOptions::new(program, deployment, store, connector, clock);
        options.polling = true;
        let engine = Engine::open(options).await.expect("an engine");
        let driven = engine.clone();
        tokio::spawn(async move { driven.run(Until::stopped(std::future::pending())).await });
        World {
            engine,
            target,
            _folder: folder,
        }
    }

    async fn send(&self, tenant: &str, number: usize) {
        let incoming = Incoming {
            tenant: tenant.to_owned(),
            event: Some("case.ping".into()),
            payload: json!({ "pingId": format!("{tenant}-{number}") }),
            source: None,
        };
        self.engine.accept(incoming).await.expect("accepted");
    }

    /// What arrives until something of `tenant` does.
    async fn until(&mut self, wanted: &str) -> Vec<String> {
        let mut came = Vec::new();
        let arrives = async {
            while let Some((_, what)) = self.target.arrivals.recv().await {
                came.push(what.clone());
                if what.contains(wanted) {
                    return;
                }
            }
        };
        let arrived = tokio::time::timeout(AT_ONCE, arrives).await;
        assert!(arrived.is_ok(), "no {wanted} among {came:?}");
        came
    }

    /// Until every event has started a run, whose call is under way or waits.
    async fn begun(&self, count: usize) {
        loop {
            let runs = self.engine.store().runs(RunFilter::default()).await;
            if runs.expect("readable").len() >= count.min(50) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn said(came: &[String], tenant: &str) -> usize {
    let texts = came
        .iter()
        .filter_map(|c| serde_json::from_str::<Json>(c).ok());
    let texts = texts.filter_map(|c| c["text"].as_str().map(str::to_owned));
    texts.filter(|text| text.starts_with(tenant)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_that_are_rare_hold_up_their_tenant_alone() {
    let parts = [
        ("$desk", "rate: 1 per 1h per tenant"),
        ("$confirm", ""),
        ("$field", ""),
        ("$if", ""),
    ];
    let mut world = World::new(parts, |_| (200, "{}")).await;
    for number in 0..MANY {
        world.send("loud", number).await;
    }
    world.begun(MANY).await;
    world.until(r#""loud-"#).await;
    world.send("quiet", 0).await;
    let came = world.until(r#""quiet-"#).await;
    assert_eq!(said(&came, "loud"), 0, "its next turn comes in an hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_work_for_one_tenant_works_for_the_others() {
    let parts = [("$desk", ""), ("$confirm", ""), ("$field", ""), ("$if", "")];
    let answers: Answers = |asked| match asked.contains(r#""loud-"#) {
        true => (503, ""),
        false => (200, "{}"),
    };
    let mut world = World::new(parts, answers).await;
    for number in 0..MANY {
        world.send("loud", number).await;
    }
    world.begun(MANY).await;
    world.until(r#""loud-"#).await;
    world.send("quiet", 0).await;
    world.until(r#""quiet-"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_one_tenant_answers_the_others() {
    let parts = [("$desk", ""), ("$confirm", ""), ("$field", ""), ("$if", "")];
    let answers: Answers = |asked| match asked.contains(r#""loud-"#) {
        true => SILENCE,
        false => (200, "{}"),
    };
    let mut world = World::new(parts, answers).await;
    for number in 0..MANY {
        world.send("loud", number).await;
    }
    world.begun(MANY).await;
    for _ in 0..24 {
        world.until(r#""loud-"#).await;
    }
    world.send("quiet", 0).await;
    // Before the first of them is given up and others come in its place.
    let came = world.until(r#""quiet-"#).await;
    assert_eq!(said(&came, "loud"), 0, "no more than 24 are sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_what_cannot_be_matched() {
    let parts = [
        ("$desk", ""),
        ("$confirm", ""),
        ("$field", "fetched standing: Text? = standing(id)"),
        ("$if", "if p.standing is present"),
    ];
    let answers: Answers = |asked| match asked.contains("loud") {
        true => (503, ""),
        false => (200, r#"{"standing": "good"}"#),
    };
    let mut world = World::new(parts, answers).await;
    for number in 0..MANY {
        world.send("loud", number).await;
    }
    world.until("/standing/loud").await;
    world.send("quiet", 0).await;
    world.until(r#"{"text":"quiet-0"}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_awaited_holds_up_nothing() {
    let parts = [
        ("$desk", ""),
        ("$confirm", "confirm: standing(text) is present, within 2h"),
        ("$field", ""),
        ("$if", ""),
    ];
    // It never comes true: there is no standing.
    let mut world = World::new(parts, |_| (200, "{}")).await;
    for number in 0..MANY {
        world.send("loud", number).await;
    }
    for _ in 0..MANY {
        world.until(r#"{"text":"loud-"#).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_do_not_work_hold_up_no_others() {
    let mut source = String::from(
        r#"
connection desk {
  auth: none
  retry: for 2h, from 1s up to 2s
  timeout: 5m
  notify: POST "/take"
}

action say(text: Text) {
  impact: notify
  idempotent: true
  request: desk.post("/take", json: { text: text })
  expect: 200
}
"#,
    );
    // More than are read at once.
    for number in 0..12 {
        source.push_str(&listens("loud", number, "5m"));
    }
    source.push_str(&listens("quiet", 0, "5s"));
    let answers: Answers = |asked| match asked.contains("loud") {
        true => (503, ""),
        false => (200, "[]"),
    };
    let mut world = World::of(&source, answers).await;
    world.until("/loud/").await;
    // The first reading and the next one.
    world.until("/quiet/").await;
    world.until("/quiet/").await;
}

/// A source that is read for one tenant.
fn listens(tenant: &str, number: usize, every: &str) -> String {
    format!(
        r#"
event {tenant}{number} {{
  source: desk.poll("/{tenant}/{number}", every: {every})
  field id: Text = raw.id
}}

playbook of_{tenant}{number} "Of {tenant}" {{
  tenants: ["{tenant}"]
  when {tenant}{number} as it
  then {{ say(it.id) }}
}}
"#
    )
}
