//! Reads that are due together go together; each keeps its own answer, its own trouble and its own turn.

use crate::server::{Server, empty, json};
use crate::support::*;
use counterplay_machine::Value;
use counterplay_machine::declare::{Auth, Connection, PathPart, Rate, Request};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::expr::Expr;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_sandbox::{Fault, FaultKind, Options, RecordedRequest, Sandbox, Service};
use serde_json::json as value;
use std::sync::Arc;

const PEOPLE: usize = 10;

/// Graph in the sandbox, with a query for a user.
async fn graph() -> (Sandbox, Bench) {
    let sandbox = Sandbox::start(Options::default()).await.expect("starts");
    let base = sandbox.base_url();
    let mut ask = query("ask");
    if let Request::Http { path, query, .. } = &mut ask.request {
        *path = vec![
            PathPart::Literal(arc("/users/")),
            PathPart::Value(Expr::Slot(ARG)),
        ];
        *query = vec![(arc("$select"), text("id,displayName"))];
    }
    let declared = Connection {
        batch: Some(arc("/$batch")),
        ..connection(Auth::OAuth2 {
            token_url: arc(&format!("{base}/login/{{tenant.id}}/oauth2/v2.0/token")),
            scope: arc("https://graph.microsoft.com/.default"),
        })
    };
    let settings = ConnectionSettings {
        client_id: Some("counterplay-sandbox".into()),
        secret: Some("sandbox-app".into()),
        ..settings(&format!("{base}/graph/v1.0"))
    };
    let act = action("act");
    let bench = Bench::new(declared, Some(settings), vec![ask, act]);
    (sandbox, bench)
}

/// Asks for all of these at once.
async fn ask_all(bench: &Arc<Bench>, ids: &[String]) -> Vec<CallOutcome> {
    let asked: Vec<_> = ids
        .iter()
        .map(|id| {
            let (bench, id) = (bench.clone(), id.clone());
            tokio::spawn(async move {
                let request = CallRequest {
                    id: format!("run:{id}"),
                    args: vec![Value::text(id)],
                    ..bench.request("ask", "")
                };
                bench.connectors.call(request).await
            })
        })
        .collect();
    let mut out = Vec::new();
    for one in asked {
        out.push(one.await.expect("no panic"));
    }
    out
}

fn id_of(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Done(Value::Json(body)) => body["id"].as_str().unwrap_or_default().to_owned(),
        other => panic!("expected a user, found {other:?}"),
    }
}

/// What came to Graph by itself, and what came in batches.
fn came(sandbox: &Sandbox) -> (Vec<RecordedRequest>, usize) {
    let all = sandbox.requests().into_iter();
    let (inside, alone): (Vec<_>, Vec<_>) = all
        .filter(|r| r.service == Service::Graph)
        .partition(|r| r.batch.is_some());
    (alone, inside.len())
}

fn people(sandbox: &Sandbox) -> Vec<String> {
    sandbox.state().users.into_keys().collect()
}

#[tokio::test]
async fn twenty_reads_are_one_call() {
    let (sandbox, bench) = graph().await;
    let bench = Arc::new(bench);
    let ids = people(&sandbox);
    assert_eq!(ids.len(), PEOPLE);
    // Each twice: twenty reads at the same moment.
    let twice: Vec<String> = ids.iter().chain(&ids).cloned().collect();
    let got: Vec<String> = ask_all(&bench, &twice).await.iter().map(id_of).collect();
    assert_eq!(got, twice, "each has its own answer");
    let (alone, inside) = came(&sandbox);
    let paths: Vec<&str> = alone.iter().map(|r| r.path.as_str()).collect();
    assert_eq!(
        (paths, inside),
        (vec!["/graph/v1.0/$batch"], 20),
        "1 call in the place of 20"
    );

    // One more than fits makes two.
    let more: Vec<String> = twice.iter().cloned().chain(twice[..1].to_vec()).collect();
    ask_all(&bench, &more).await;
    let (alone, inside) = came(&sandbox);
    assert_eq!(
        (alone.len(), inside),
        (3, 40),
        "twenty together and one by itself"
    );
}

#[tokio::test]
async fn one_read_goes_by_itself() {
    let (sandbox, bench) = graph().await;
    let id = people(&sandbox).remove(0);
    let bench = Arc::new(bench);
    assert_eq!(
        id_of(&ask_all(&bench, std::slice::from_ref(&id)).await[0]),
        id
    );
    let (alone, inside) = came(&sandbox);
    assert_eq!(inside, 0);
    assert_eq!(
        alone[0].path,
        format!("/graph/v1.0/users/{id}?$select=id%2CdisplayName")
    );
}

#[tokio::test]
async fn an_answer_inside_is_judged_like_any_other() {
    let (sandbox, bench) = graph().await;
    let bench = Arc::new(bench);
    let ids = people(&sandbox);
    sandbox.inject(Fault::new(
        &ids[1],
        FaultKind::Throttle {
            retry_after_s: Some(7),
        },
    ));
    let asked = [ids[0].clone(), ids[1].clone(), "nobody".to_owned()];
    let got = ask_all(&bench, &asked).await;
    assert_eq!(id_of(&got[0]), ids[0]);
    assert_eq!(id_of(&got[1]), ids[1], "tried again by itself");
    assert!(
        bench.passed_ms() >= 7_000,
        "after the wait that was asked for"
    );
    assert!(failure(got[2].clone()).starts_with("the service answered 404"));
    let (alone, inside) = came(&sandbox);
    let paths: Vec<&str> = alone.iter().map(|r| r.path.as_str()).collect();
    assert_eq!(
        paths.len(),
        2,
        "the batch, and the one that was throttled: {paths:?}"
    );
    assert_eq!(inside, 3);
}

#[tokio::test]
async fn a_batch_without_an_answer_counts_once_and_is_tried_again() {
    let (sandbox, bench) = graph().await;
    let bench = Arc::new(bench);
    let ids = people(&sandbox);
    sandbox.inject(Fault::new("$batch", FaultKind::DropConnection));
    let got: Vec<String> = ask_all(&bench, &ids).await.iter().map(id_of).collect();
    assert_eq!(got, ids);
    assert!(
        bench.connectors.health()["service"].open.is_empty(),
        "one failure, not ten"
    );
}

#[tokio::test]
async fn actions_and_other_tenants_do_not_go_together() {
    let (sandbox, bench) = graph().await;
    let bench = Arc::new(bench);
    let id = people(&sandbox).remove(0);
    let other = CallRequest {
        args: vec![Value::text(id.as_str())],
        tenant: TenantFacts {
            name: "fabrikam".into(),
            ..bench.tenant.clone()
        },
        ..bench.request("ask", "")
    };
    let (own, act_a, act_b, theirs) = tokio::join!(
        ask_all(&bench, std::slice::from_ref(&id)),
        bench.call("act"),
        bench.call("act"),
        bench.connectors.call(other),
    );
    assert_eq!((id_of(&own[0]), id_of(&theirs)), (id.clone(), id));
    failure(act_a);
    failure(act_b);
    assert_eq!(came(&sandbox).1, 0);
}

#[tokio::test]
async fn a_service_that_takes_no_batches_is_asked_for_each() {
    let server = Server::start(
        |_, request| match request.line.starts_with("POST /$batch") {
            true => empty(404),
            false => json(
                200,
                value!({"id": request.line.split(['/', ' ', '?']).nth(3)}),
            ),
        },
    )
    .await;
    let (_sandbox, bench) = graph().await;
    let declared = bench.program.connections["service"].clone();
    let ask = bench.program.callables["ask"].clone();
    let plain = Connection {
        auth: Auth::None,
        rates: vec![Rate {
            count: 3,
            per_ms: 60_000,
            per_tenant: true,
        }],
        ..declared
    };
    let bench = Arc::new(Bench::new(plain, Some(settings(&server.base())), vec![ask]));
    let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
    let got: Vec<String> = ask_all(&bench, &ids).await.iter().map(id_of).collect();
    assert_eq!(got, ids);
    assert_eq!(
        server.received().len(),
        4,
        "the batch, and each of the three"
    );
}
