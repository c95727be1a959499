//! Clients that hang up: what they asked for is done as a whole, or not at all.

use crate::support::{CONTAIN, Client, Given, LOST, PRIYA, Service};
use counterplay_runtime::store::{Crash, StoreOptions};
use counterplay_server::identity::{Role, Scope};
use counterplay_server::project::{Deploying, Draft};
use serde_json::json;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PLACE: &str = "/api/automation/playbooks/contain_account";

/// Goes on with something so many times, each time as far as it gets, and then drops it.
async fn broken_off<F: Future>(work: F, mut times: u32) {
    let mut work: Pin<Box<F>> = Box::pin(work);
    poll_fn(|context| {
        times -= 1;
        match work.as_mut().poll(context).is_ready() || times == 0 {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Whether store, engine and API have the same revision, and the next deploy is taken.
async fn whole(service: &Service, author: &Client, next: &str) {
    let live = service.app.engine.store().live_revision().await;
    let live = live.expect("readable").expect("a revision");
    let read = author.get(PLACE).await.ok(200).clone();
    assert_eq!(read.json["revision"], live.info.num);
    let path = "playbooks/contain_account.play";
    assert_eq!(read.json["source"], live.files[path].as_str());
    let program = service.app.engine.program();
    let runs = &program.playbooks["contain_account"].hash;
    assert_eq!(read.json["version"], runs.as_str(), "what the engine runs");
    let tag = read.header("etag").to_owned();
    let wish = json!({"source": titled(next)});
    let done = author.with("if-match", &tag).put(PLACE, wish).await;
    done.ok(200);
}

fn titled(title: &str) -> String {
    assert!(CONTAIN.contains("SOC"));
    CONTAIN.replace("SOC", title)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_whole_wherever_it_is_broken_off() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    for times in 1..=6 {
        let draft = Draft::Change {
            id: "contain_account".into(),
            source: titled(&format!("Broken off {times}")),
        };
        let who = Deploying {
            by: "ann@soc.example".into(),
            summary: None,
        };
        broken_off(service.app.projects.deploy(draft, None, who), times).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        whole(&service, &author, &format!("Next {times}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_whole_wherever_it_is_broken_off() {
    let service = Service::start().await;
    let author = service.token(Role::Author, Scope::All).await;
    for times in 1..=6 {
        // It acts without approval: somebody else has to look at it.
        let source = LOST.replace("lost_device", &format!("lost_{times}"));
        let wish = json!({"source": source});
        let waits = author.post("/api/automation/playbooks", wish).await;
        let revision = waits.ok(202).json["revision"].as_i64();
        let revision = revision.expect("a number");
        let projects = &service.app.projects;
        let decided = projects.decide(revision, true, "bo@soc.example", &[]);
        broken_off(decided, times).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        whole(&service, &author, &format!("Next {times}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_whole_whichever_commit_finds_the_disk_full() {
    let measured = Service::start().await;
    // The engine's first look writes something, too.
    let settled = || tokio::time::sleep(Duration::from_millis(500));
    settled().await;
    let author = measured.token(Role::Author, Scope::All).await;
    let commits = || measured.app.engine.store().commits();
    let before = commits();
    whole(&measured, &author, "Measured").await;
    let after = commits();
    assert!(after > before);
    let mut refused = 0;
    for commit in before..after {
        let service = Service::with(Given {
            store: StoreOptions {
                crash: Some(Crash::Full(commit)),
                ..StoreOptions::default()
            },
            ..Given::default()
        })
        .await;
        settled().await;
        let author = service.token(Role::Author, Scope::All).await;
        let seen = author.get(PLACE).await;
        if seen.status == 503 {
            // The token's first use is noted, too.
            continue;
        }
        let etag = seen.header("etag").to_owned();
        let wish = json!({"source": titled("Full")});
        let done = author.with("if-match", &etag).put(PLACE, wish).await;
        if done.status != 200 {
            done.problem(503, "unavailable");
            refused += 1;
        }
        whole(&service, &author, "Next").await;
    }
    assert!(refused > 0, "a deploy needs a commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_under_a_key_is_answered_to_whoever_comes_back() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    // Nobody looks who it is about, so that the answer takes its three seconds.
    let pause = json!({"tenant": "contoso"});
    operator.post("/api/automation/pauses", pause).await.ok(200);
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "a call"}});
    let text = body.to_string();
    let mut headers = String::new();
    for (name, value) in &operator.headers {
        headers += &format!("{name}: {value}\r\n");
    }
    let request = format!(
        "POST {PLACE}/run HTTP/1.1\r\nhost: x\r\n{headers}content-type: application/json\r\nidempotency-key: again\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
    let mut stream = TcpStream::connect(service.address)
        .await
        .expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(stream);
    let again = operator.with("idempotency-key", "again");
    let answer = again.post(&format!("{PLACE}/run"), body).await;
    assert_eq!(answer.ok(202).header("idempotency-replayed"), "true");
    let events = operator.get("/api/automation/events").await;
    assert_eq!(events.json["events"].as_array().map(Vec::len), Some(1));
}
