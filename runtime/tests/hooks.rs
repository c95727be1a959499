//! Signed deliveries to webhooks, from the raw body to the run: taken once, of the right tenant, of the right type.

mod support;

use counterplay_machine::deployment::{Mode, Webhook as Settings};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{TriggerKind, Webhook};
use counterplay_machine::types::{RecordType, Type};
use counterplay_machine::{Program, Value};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::{SignatureError, sign, verify_delivery};
use counterplay_runtime::engine::{Engine, HookDelivery, Refusal, Until};
use counterplay_runtime::store::{ArrivalKind, RunFilter, RunInfo};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use support::connector::Answer;
use support::project::{self, PERSON};
use support::{HOUR, World};

const SECRET: &[u8] = b"between hr and us";

/// Playbooks that listen to `offboarding`; `strict` wants a reason.
fn listening(strict: bool) -> Program {
    let mut program = project::declarations();
    let mut fields = vec![("user".into(), project::user_type())];
    program.types.records.insert(
        "Leaver".into(),
        RecordType {
            fields: fields.clone(),
        },
    );
    fields.push(("reason".into(), Type::Text));
    program
        .types
        .records
        .insert("Explained".into(), RecordType { fields });
    let who = Expr::Slot(PERSON).field("user");
    let mut add = |id: &str, ty: &str| {
        let mut playbook = project::playbook(id, project::short_graph("do.block", &who));
        playbook.triggers = vec![project::trigger(TriggerKind::Webhook(Webhook {
            name: "offboarding".into(),
            ty: Type::Record(ty.into()),
            slot: PERSON,
            lookups: BTreeMap::from([("user".into(), "ask.user".into())]),
        }))];
        program.playbooks.insert(playbook.id.clone(), playbook);
    };
    add("offboard", "Leaver");
    if strict {
        add("report", "Explained");
    }
    program
}

fn world(program: Program) -> World {
    let mut world = World::new(program);
    world.deployment.webhooks.insert(
        "offboarding".into(),
        Settings {
            secret: "hook-offboarding".into(),
            tenant: "acme".into(),
        },
    );
    world
}

/// What the service does with a request: check the signature, then give the body to the engine.
async fn deliver(engine: &Engine, world: &World, body: &Json, signed_s: i64) -> (i64, bool) {
    let text = body.to_string();
    let signature = sign(SECRET, signed_s, text.as_bytes());
    let verified = verify_delivery(
        SECRET,
        Some(&signed_s.to_string()),
        Some(&signature),
        text.as_bytes(),
        world.clock.now_ms(),
    )
    .expect("genuine");
    let receipt = engine
        .accept_hook(HookDelivery {
            signature: Some(verified.signature),
            ..delivery(body.clone())
        })
        .await
        .expect("accepted");
    (receipt.event, receipt.duplicate)
}

fn delivery(payload: Json) -> HookDelivery {
    HookDelivery {
        hook: "offboarding".into(),
        payload,
        signature: None,
        source: None,
    }
}

async fn runs(engine: &Engine) -> Vec<RunInfo> {
    engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable")
}

fn now_s(world: &World) -> i64 {
    world.clock.now_ms() / 1_000
}

#[tokio::test]
async fn a_delivery_starts_a_run_in_the_tenant_of_its_webhook() {
    let world = world(listening(false));
    let engine = world.engine().await;
    // What a body says of tenants counts for nothing.
    let body = json!({ "user": "u1", "tenant": "birch" });
    deliver(&engine, &world, &body, now_s(&world)).await;
    engine.run(Until::AllEnded).await.expect("driven");
    let runs = runs(&engine).await;
    assert_eq!(runs.len(), 1);
    assert_eq!((&*runs[0].tenant, &*runs[0].playbook), ("acme", "offboard"));
    let detail = engine
        .store()
        .run_detail(&runs[0].id)
        .await
        .expect("readable")
        .expect("there is a run");
    assert_eq!(detail.run.started_by, "webhook offboarding");
    let record = detail
        .run
        .threads
        .values()
        .find_map(|thread| thread.slots.get(&PERSON));
    let Some(Value::Record(body)) = record else {
        panic!("the body is a record");
    };
    assert_eq!(body.fields["user"].entity_key(), "User:u1");
    assert_eq!(body.fields["user"].label(), "User u1");
    let event = engine.store().events(1).await.expect("readable").remove(0);
    assert_eq!(event.kind, ArrivalKind::Hook);
}

#[tokio::test]
async fn the_same_delivery_starts_one_run() {
    let world = world(listening(false));
    let engine = world.engine().await;
    let body = json!({ "user": "u1" });
    let signed = now_s(&world);
    let first = deliver(&engine, &world, &body, signed).await;
    assert!(!first.1);
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(
        deliver(&engine, &world, &body, signed).await,
        (first.0, true)
    );
    // After a restart too.
    drop(engine);
    let engine = world.engine().await;
    assert_eq!(
        deliver(&engine, &world, &body, signed).await,
        (first.0, true)
    );
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
    // Signed anew it is another delivery; the playbook's `ignore repeats` decides then.
    let anew = deliver(&engine, &world, &body, signed + 1).await;
    assert!(!anew.1);
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 2);
}

#[tokio::test]
async fn signatures_that_are_no_longer_fresh_are_forgotten() {
    let world = world(listening(false));
    let engine = world.engine().await;
    let signed = now_s(&world);
    deliver(&engine, &world, &json!({ "user": "u1" }), signed).await;
    let signature = sign(SECRET, signed, br#"{"user":"u1"}"#);
    let kept = |engine: &Engine| {
        let (store, signature) = (engine.store().clone(), signature.clone());
        async move {
            store
                .write(move |tx| tx.delivered("offboarding", &signature))
                .await
                .expect("readable")
        }
    };
    assert!(kept(&engine).await.is_some());
    world.clock.skip_to(world.clock.now_ms() + 2 * HOUR);
    let late = verify_delivery(
        SECRET,
        Some(&signed.to_string()),
        Some(&signature),
        br#"{"user":"u1"}"#,
        world.clock.now_ms(),
    );
    assert_eq!(late, Err(SignatureError::Expired { off_s: 7_200 }));
    deliver(&engine, &world, &json!({ "user": "u2" }), now_s(&world)).await;
    assert!(kept(&engine).await.is_none());
}

#[tokio::test]
async fn a_sender_names_its_deliveries() {
    let world = world(listening(false));
    let engine = world.engine().await;
    let named = || HookDelivery {
        source: Some("HR-1".into()),
        ..delivery(json!({ "user": "u1" }))
    };
    let first = engine.accept_hook(named()).await.expect("accepted");
    let second = engine.accept_hook(named()).await.expect("accepted");
    assert_eq!((second.event, second.duplicate), (first.event, true));
}

#[tokio::test]
async fn a_body_has_to_fit_every_playbook_that_listens() {
    let mut world = world(listening(true));
    let engine = world.engine().await;
    let body = json!({ "user": "u1" });
    let refused = engine
        .accept_hook(delivery(body.clone()))
        .await
        .expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "the body does not fit `report`, which listens to the webhook `offboarding`: body.reason: expected a text, found nothing"
    );
    let letter = engine
        .store()
        .dead_letters(1)
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(Some(letter.num), refused.letter());
    assert_eq!((&*letter.tenant, &letter.payload), ("acme", &body));
    engine.run(Until::AllEnded).await.expect("driven");
    assert!(runs(&engine).await.is_empty());
    drop(engine);
    // Paused ones do not listen.
    world.deployment.modes.insert("report".into(), Mode::Paused);
    let engine = world.engine().await;
    engine.accept_hook(delivery(body)).await.expect("accepted");
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);
}

#[tokio::test]
async fn an_entity_that_cannot_be_found_now_is_asked_for_again() {
    let world = world(listening(false));
    let engine = world.engine().await;
    world.fake.next(
        "ask.user",
        Answer::Outcome(CallOutcome::Failed {
            reason: "503".into(),
        }),
    );
    engine
        .accept_hook(delivery(json!({ "user": "u1" })))
        .await
        .expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    assert!(runs(&engine).await.is_empty());
    engine.run(Until::AllEnded).await.expect("driven");
    assert_eq!(runs(&engine).await.len(), 1);

    engine
        .accept_hook(delivery(json!({ "user": "nobody" })))
        .await
        .expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let letter = engine
        .store()
        .dead_letters(1)
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(
        letter.reason,
        "offboard: there is no User `nobody` (`user`)"
    );
}

#[tokio::test]
async fn a_webhook_that_is_not_declared_is_refused() {
    let world = world(listening(false));
    let engine = world.engine().await;
    let refused = engine
        .accept_hook(HookDelivery {
            hook: "onboarding".into(),
            ..delivery(json!({}))
        })
        .await
        .expect_err("refused");
    assert!(matches!(refused, Refusal::UnknownHook { .. }));
    assert_eq!(
        refused.to_string(),
        "there is no webhook `onboarding`; counterplay.toml has `offboarding`"
    );
}
