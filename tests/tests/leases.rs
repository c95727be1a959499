//! Acting calls on one entity come one after the other, whichever runs make them; with the real engine, its store and a
//! sandbox that answers slowly.

use counterplay_sandbox::{Fault, FaultKind, RecordedRequest};
use counterplay_tests::{Bench, project};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
/// People of the sandbox.
const USERS: [&str; 3] = [
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003",
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004",
    "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005",
];

const TWO: &str = r#"
use microsoft.entra
use notify

playbook block "Block" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}

playbook revoke "Revoke" {
  when manual(user: User)
  then { entra.revoke_sessions(user) }
}
"#;

/// The most acting requests that were being answered at once: on each user, and on all of them.
#[derive(Debug, Default)]
struct AtOnce {
    on: BTreeMap<&'static str, usize>,
    on_all: usize,
}

impl AtOnce {
    fn look(&mut self, requests: &[RecordedRequest]) {
        let acting = requests
            .iter()
            .filter(|r| r.method != "GET" && r.status.is_none());
        let paths: Vec<&str> = acting.map(|r| r.path.as_str()).collect();
        let mut all = 0;
        for user in USERS {
            let now = paths.iter().filter(|p| p.contains(user)).count();
            let most = self.on.entry(user).or_default();
            *most = now.max(*most);
            all += now;
        }
        self.on_all = all.max(self.on_all);
    }
}

/// Runs until nothing is left to do, and looks at the sandbox all the while.
async fn watched(bench: &Bench) -> AtOnce {
    let mut seen = AtOnce::default();
    let settled = bench.settle();
    tokio::pin!(settled);
    loop {
        tokio::select! {
            () = &mut settled => return seen,
            () = tokio::time::sleep(Duration::from_millis(2)) => seen.look(&bench.sandbox.requests()),
        }
    }
}

fn slow(bench: &Bench) {
    for user in USERS {
        for method in ["PATCH", "POST"] {
            let fault = Fault::new(format!("/users/{user}"), FaultKind::Slow { ms: 60 });
            bench.sandbox.inject(fault.on(method).times(100));
        }
    }
}

async fn ended(bench: &Bench) -> usize {
    let runs = bench.runs().await;
    let done = runs.iter().filter(|r| {
        let outcome = r.run.outcome.as_ref();
        outcome.is_some_and(|o| o.name() == "completed")
    });
    done.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_acts_on_an_entity_and_others_are_not_held_up() {
    let bench = Bench::of(project(TWO), START_MS).await;
    slow(&bench);
    for _ in 0..4 {
        for user in USERS {
            bench.start("block", json!({ "user": user })).await;
            bench.start("revoke", json!({ "user": user })).await;
        }
    }
    let seen = watched(&bench).await;
    assert_eq!(ended(&bench).await, 24);
    for (user, most) in &seen.on {
        assert_eq!(*most, 1, "{user}: {seen:?}");
    }
    assert_eq!(seen.on_all, 3, "different people at once: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_engine_held_holds_up_nobody() {
    let bench = Bench::of(project(TWO), START_MS).await;
    let user = USERS[0];
    let fault = Fault::new(format!("/users/{user}"), FaultKind::Slow { ms: 5_000 });
    bench.sandbox.inject(fault.on("PATCH"));
    bench.start("block", json!({ "user": user })).await;
    let patches = |bench: &Bench| {
        let requests = bench.sandbox.requests();
        requests.iter().filter(|r| r.method == "PATCH").count()
    };
    tokio::select! {
        () = bench.settle() => panic!("the first one takes long"),
        () = async {
            while patches(&bench) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    let revoked = |bench: &Bench| {
        let requests = bench.sandbox.requests();
        requests
            .iter()
            .filter(|r| r.path.contains("revoke"))
            .count()
    };
    bench.start("revoke", json!({ "user": user })).await;
    tokio::select! {
        () = bench.settle() => panic!("the first one takes long"),
        () = tokio::time::sleep(Duration::from_millis(400)) => {}
    }
    assert_eq!(bench.runs().await.len(), 2);
    assert_eq!(revoked(&bench), 0, "the second one waits for the first");
    let bench = bench.crashed(None).await;
    bench.settle().await;
    assert_eq!(patches(&bench), 2, "what can be repeated is");
    assert_eq!(revoked(&bench), 1);
    assert_eq!(ended(&bench).await, 2);
}
