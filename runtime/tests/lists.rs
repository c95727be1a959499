//! Lists: pages that are complete while rows are added, filters, and other tenants' rows that are
//! not there.

mod support;

use counterplay_machine::state::{Outcome, Status};
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::engine::{Engine, Incoming, Until};
use counterplay_runtime::store::{
    ApprovalDetail, ArrivalKind, EventFilter, LetterFilter, RunFilter, RunInfo, Store,
};
use serde_json::json;
use support::connector::Answer;
use support::{HOUR, START, World, alert, project};

fn of(tenant: &str, user: &str) -> Incoming {
    Incoming {
        tenant: tenant.into(),
        ..alert(5, user)
    }
}

fn only(tenant: &str) -> Option<Vec<String>> {
    Some(vec![tenant.to_owned()])
}

/// Two tenants with three runs, one unreadable object and one open approval each.
async fn two_tenants() -> (World, Engine) {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    for tenant in ["acme", "birch"] {
        for user in ["u1", "u2", "u3"] {
            engine.accept(of(tenant, user)).await.expect("accepted");
        }
        let bad = Incoming {
            payload: json!({ "colour": "red" }),
            ..of(tenant, "")
        };
        engine.accept(bad).await.expect_err("unreadable");
    }
    engine.run(Until::Asked).await.expect("driven");
    (world, engine)
}

fn ids(runs: &[RunInfo]) -> Vec<&str> {
    runs.iter().map(|r| r.id.as_str()).collect()
}

#[tokio::test]
async fn pages_are_complete_and_free_of_repeats_while_runs_are_added() {
    let (_world, engine) = two_tenants().await;
    let store = engine.store();
    let before = store.runs(RunFilter::default()).await.expect("readable");
    assert_eq!(before.len(), 6);
    let mut seen = Vec::new();
    let mut cursor = None;
    let mut added = 0;
    loop {
        let filter = RunFilter {
            before: cursor,
            limit: Some(2),
            ..RunFilter::default()
        };
        let page = store.run_page(filter).await.expect("readable");
        assert!(page.items.len() <= 2);
        seen.extend(page.items);
        added += 1;
        let more = of("acme", &format!("later{added}"));
        engine.accept(more).await.expect("accepted");
        engine.run(Until::Settled).await.expect("driven");
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids(&seen), ids(&before));
    let after = store.runs(RunFilter::default()).await.expect("readable");
    assert_eq!(after.len(), 6 + added);
    let none = RunFilter {
        before: Some(0),
        ..RunFilter::default()
    };
    let page = store.run_page(none).await.expect("readable");
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[tokio::test]
async fn events_and_letters_have_pages_too() {
    let (_world, engine) = two_tenants().await;
    let store = engine.store();
    let filter = |before| EventFilter {
        tenants: only("birch"),
        before,
        limit: Some(2),
        ..EventFilter::default()
    };
    let first = store.event_page(filter(None)).await.expect("readable");
    let second = store
        .event_page(filter(first.next))
        .await
        .expect("readable");
    let users: Vec<&str> = first
        .items
        .iter()
        .chain(&second.items)
        .filter_map(|e| e.payload["user"].as_str())
        .collect();
    assert_eq!(users, ["u3", "u2", "u1"]);
    assert_eq!((first.items.len(), second.next), (2, None));
    assert!(first.items.iter().all(|e| e.started.len() == 1));
    let count = |filter: EventFilter| async move {
        store
            .event_page(filter)
            .await
            .expect("readable")
            .items
            .len()
    };
    let named = |name: &str| EventFilter {
        name: Some(name.into()),
        ..EventFilter::default()
    };
    assert_eq!(count(named("test.alert")).await, 6);
    assert_eq!(count(named("test")).await, 0);
    let by_hand = EventFilter {
        kind: Some(ArrivalKind::Manual),
        ..EventFilter::default()
    };
    assert_eq!(count(by_hand).await, 0);
    let later = EventFilter {
        from_ms: Some(START + 1),
        ..EventFilter::default()
    };
    assert_eq!(count(later).await, 0);

    let letters = |tenants, before| LetterFilter {
        tenants,
        before,
        limit: Some(1),
        ..LetterFilter::default()
    };
    let first = store
        .letter_page(letters(None, None))
        .await
        .expect("readable");
    assert_eq!(first.items[0].tenant, "birch");
    let second = store
        .letter_page(letters(None, first.next))
        .await
        .expect("readable");
    assert_eq!((&*second.items[0].tenant, second.next), ("acme", None));
    let birch = store
        .letter_page(letters(only("birch"), first.next))
        .await
        .expect("readable");
    assert_eq!(birch.items, []);
}

#[tokio::test]
async fn runs_are_filtered() {
    let world = World::new(project::respond());
    let failed = CallOutcome::Failed {
        reason: "no".into(),
    };
    world.fake.next("do.block", Answer::Outcome(failed));
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let later = START + HOUR;
    counterplay_runtime::clock::Clock::skip_to(&*world.clock, later);
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let store = engine.store();
    let all = store.runs(RunFilter::default()).await.expect("readable");
    assert!(matches!(all[1].outcome, Some(Outcome::Failed(_))));
    let (new, old) = (all[0].id.as_str(), all[1].id.as_str());
    let usual = RunFilter::default;
    for (filter, expected) in [
        (
            RunFilter {
                open: true,
                ..usual()
            },
            vec![new],
        ),
        (
            RunFilter {
                status: Some(Status::Waiting),
                ..usual()
            },
            vec![new],
        ),
        (
            RunFilter {
                status: Some(Status::Held),
                ..usual()
            },
            vec![],
        ),
        (
            RunFilter {
                status: Some(Status::Ended),
                ..usual()
            },
            vec![old],
        ),
        (
            RunFilter {
                outcome: Some("failed".into()),
                ..usual()
            },
            vec![old],
        ),
        (
            RunFilter {
                outcome: Some("completed".into()),
                ..usual()
            },
            vec![],
        ),
        (
            RunFilter {
                from_ms: Some(later),
                ..usual()
            },
            vec![new],
        ),
        (
            RunFilter {
                to_ms: Some(later),
                ..usual()
            },
            vec![old],
        ),
        (
            RunFilter {
                simulated: Some(true),
                ..usual()
            },
            vec![],
        ),
        (
            RunFilter {
                simulated: Some(false),
                ..usual()
            },
            vec![new, old],
        ),
        (
            RunFilter {
                playbook: Some("respond".into()),
                ..usual()
            },
            vec![new, old],
        ),
        (
            RunFilter {
                playbook: Some("other".into()),
                ..usual()
            },
            vec![],
        ),
        (
            RunFilter {
                tenant: Some("birch".into()),
                ..usual()
            },
            vec![],
        ),
    ] {
        let told = format!("{filter:?}");
        let found = store.runs(filter).await.expect("readable");
        assert_eq!(ids(&found), expected, "{told}");
    }
}

#[tokio::test]
async fn what_is_another_tenants_is_not_there() {
    let (_world, engine) = two_tenants().await;
    let store = engine.store();
    let acme = RunFilter {
        tenants: only("acme"),
        ..RunFilter::default()
    };
    let runs = store.runs(acme.clone()).await.expect("readable");
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|r| r.tenant == "acme"));
    // Asking for another tenant by name opens no way around the scope.
    let both = RunFilter {
        tenant: Some("birch".into()),
        ..acme
    };
    assert_eq!(store.runs(both).await.expect("readable"), []);
    let nobody = RunFilter {
        tenants: Some(Vec::new()),
        ..RunFilter::default()
    };
    assert_eq!(store.runs(nobody).await.expect("readable"), []);

    let approvals = store
        .approvals_within(only("acme"))
        .await
        .expect("readable");
    assert_eq!(approvals.len(), 3);
    assert!(approvals.iter().all(|a| a.tenant == "acme"));
    let approval = approvals[0].id.as_str();
    let run = approvals[0].run.as_str();
    let letter = store
        .dead_letters(10)
        .await
        .expect("readable")
        .pop()
        .expect("one");
    let event = store
        .events(10)
        .await
        .expect("readable")
        .pop()
        .expect("one");
    assert_eq!((&*letter.tenant, &*event.tenant), ("acme", "acme"));
    for (tenants, there) in [
        (None, true),
        (only("acme"), true),
        (only("birch"), false),
        (only(""), false),
        (Some(Vec::new()), false),
    ] {
        let t = || tenants.clone();
        let found = [
            store.run_info(run, t()).await.expect("readable").is_some(),
            store
                .run_detail_within(run, t())
                .await
                .expect("readable")
                .is_some(),
            store
                .approval(approval, t())
                .await
                .expect("readable")
                .is_some(),
            store
                .letter(letter.num, t())
                .await
                .expect("readable")
                .is_some(),
            store
                .event(event.num, t())
                .await
                .expect("readable")
                .is_some(),
        ];
        assert_eq!(found, [there; 5], "{tenants:?}");
    }
    assert!(
        store
            .run_info("r-none", None)
            .await
            .expect("readable")
            .is_none()
    );
    assert!(
        store
            .approval("r-none:1", None)
            .await
            .expect("readable")
            .is_none()
    );
    assert!(store.approval("", None).await.expect("readable").is_none());
}

#[tokio::test]
async fn an_approval_that_is_over_is_told_from_the_journal() {
    let (_world, engine) = two_tenants().await;
    let store = engine.store();
    let open = store
        .approvals_within(only("acme"))
        .await
        .expect("readable");
    let [one, two, three] = open.as_slice() else {
        panic!("{open:?}")
    };
    let detail = store.approval(&one.id, None).await.expect("readable");
    assert_eq!(detail, Some(ApprovalDetail::Open(one.clone())));
    for (asked, by, approve, comment) in [
        (one, "ann@soc.example", true, "go"),
        (one, "bob@soc.example", true, "me too"),
        (two, "bob@soc.example", false, "no"),
    ] {
        engine
            .vote(&asked.id, by, approve, Some(comment.into()))
            .await
            .expect("taken");
    }
    engine.run(Until::Settled).await.expect("driven");
    engine
        .cancel(&three.run, "ann@soc.example")
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");

    let mut told = Vec::new();
    for asked in [one, two, three] {
        let over = match store
            .approval(&asked.id, only("acme"))
            .await
            .expect("readable")
        {
            Some(ApprovalDetail::Over(over)) => over,
            other => panic!("{other:?}"),
        };
        assert_eq!((&over.id, &over.run), (&asked.id, &asked.run));
        assert_eq!(over.question, "Wipe it?");
        assert_eq!(over.actions, ["wipe"]);
        assert_eq!(over.eligible, ["ann@soc.example", "bob@soc.example"]);
        assert_eq!(
            (over.asked_ms, over.until_ms),
            (START + 4 * HOUR, START + 12 * HOUR)
        );
        assert_eq!(over.decided_ms, Some(START + 4 * HOUR));
        let of_run = store
            .decided_approvals(&asked.run, only("acme"))
            .await
            .expect("readable");
        assert_eq!(of_run, std::slice::from_ref(&over));
        let elsewhere = store
            .decided_approvals(&asked.run, only("birch"))
            .await
            .expect("readable");
        assert_eq!(elsewhere, []);
        told.push((
            over.decision.unwrap_or_default(),
            over.answers
                .into_iter()
                .map(|a| format!("{} {} {:?}", a.by, a.approve, a.comment))
                .collect::<Vec<_>>(),
        ));
    }
    assert_eq!(
        told,
        [
            (
                "approved".to_owned(),
                vec!["ann@soc.example true Some(\"go\")".to_owned()]
            ),
            (
                "rejected".to_owned(),
                vec!["bob@soc.example false Some(\"no\")".to_owned()]
            ),
            (String::new(), vec![]),
        ]
    );
}

#[tokio::test]
async fn the_feed_goes_on_where_it_broke_off() {
    let (_world, engine) = two_tenants().await;
    let store = engine.store();
    let all = read_feed(store, 0, 1_000, None).await;
    let head = store.journal_head().await.expect("readable");
    assert_eq!(all.last().map(|e| e.0), Some(head));
    assert!(all.windows(2).all(|w| w[0].0 < w[1].0));
    // In parts of any size the same comes out, for all and for one tenant.
    for limit in [1, 3, 7] {
        assert_eq!(read_feed(store, 0, limit, None).await, all);
        let birch: Vec<_> = all.iter().filter(|e| e.1 == "birch").cloned().collect();
        assert!(!birch.is_empty());
        assert_eq!(read_feed(store, 0, limit, only("birch")).await, birch);
    }
    assert_eq!(read_feed(store, head, 10, None).await, []);
    let quiet = store
        .journal_since(3, 10, only("nobody"))
        .await
        .expect("readable");
    assert_eq!((quiet.entries.len(), quiet.next), (0, head));
    engine.accept(of("acme", "u9")).await.expect("accepted");
    engine.run(Until::Settled).await.expect("driven");
    let new = read_feed(store, head, 2, None).await;
    assert!(new.iter().all(|e| e.1 == "acme") && new[0].2 == "started");
    let of_run = store.runs(RunFilter {
        limit: Some(1),
        ..RunFilter::default()
    });
    let run = of_run.await.expect("readable").remove(0);
    let detail = store
        .run_detail(&run.id)
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(new.len(), detail.journal.len());
}

async fn read_feed(
    store: &Store,
    from: i64,
    limit: u32,
    tenants: Option<Vec<String>>,
) -> Vec<(i64, String, String)> {
    let mut out = Vec::new();
    let mut after = from;
    loop {
        let feed = store
            .journal_since(after, limit, tenants.clone())
            .await
            .expect("readable");
        let done = feed.entries.is_empty();
        out.extend(feed.entries.into_iter().map(|e| {
            let json = serde_json::to_value(&e.entry.what).expect("JSON");
            let kind = json["kind"].as_str().unwrap_or("").to_owned();
            (e.num, e.tenant, kind)
        }));
        after = feed.next;
        if done {
            return out;
        }
    }
}
