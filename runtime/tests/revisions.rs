//! One revision is live, and nobody overwrites what somebody else deployed meanwhile.

use counterplay_runtime::store::{
    AuditFilter, NewRevision, RevisionInfo, RevisionRefused, RevisionState, Store,
};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("store.db")).expect("made");
    (folder, store)
}

fn new(base: Option<i64>, text: &str, reasons: &[&str]) -> NewRevision {
    NewRevision {
        base,
        at_ms: 5,
        by: "ann@soc.example".into(),
        summary: format!("says {text}"),
        changes: vec![format!("`a` says {text}")],
        files: [("a.play".to_owned(), text.to_owned())].into(),
        reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
    }
}

async fn live(store: &Store) -> Option<(i64, String)> {
    let live = store.live_revision().await.expect("readable")?;
    assert_eq!(live.info.state, RevisionState::Live);
    Some((live.info.num, live.files["a.play"].clone()))
}

async fn states(store: &Store) -> Vec<(i64, RevisionState)> {
    let all = store.revisions(None, 100).await.expect("readable");
    all.iter()
        .map(|r: &RevisionInfo| (r.num, r.state))
        .collect()
}

#[tokio::test]
async fn deploys_follow_one_another_and_a_stale_one_is_told() {
    let (_folder, store) = store();
    assert_eq!(live(&store).await, None);
    let too_new = store.add_revision(new(Some(7), "x", &[])).await;
    assert_eq!(too_new, Err(RevisionRefused::Stale { live: None }));
    let one = store
        .add_revision(new(None, "one", &[]))
        .await
        .expect("live");
    assert_eq!(live(&store).await, Some((one.num, "one".into())));
    let two = store
        .add_revision(new(Some(one.num), "two", &[]))
        .await
        .expect("live");
    assert_eq!(live(&store).await, Some((two.num, "two".into())));
    let late = store
        .add_revision(new(Some(one.num), "late", &[]))
        .await
        .expect_err("stale");
    assert_eq!(
        late,
        RevisionRefused::Stale {
            live: Some(two.num)
        }
    );
    assert_eq!(
        late.to_string(),
        "somebody deployed revision 2 meanwhile; take it up and deploy again"
    );
    assert_eq!(
        states(&store).await,
        [(2, RevisionState::Live), (1, RevisionState::Superseded)]
    );
    let old = store
        .revision(one.num)
        .await
        .expect("readable")
        .expect("kept");
    assert_eq!(old.files["a.play"], "one");
    assert_eq!(store.revision(9).await.expect("readable"), None);
    let page = store.revisions(Some(2), 100).await.expect("readable");
    assert_eq!(page.len(), 1);
}

#[tokio::test]
async fn one_of_several_at_once_goes_live() {
    let (folder, store) = store();
    let other = Store::attach(folder.path().join("store.db")).expect("attached");
    let tasks: Vec<_> = (0..10)
        .map(|i| {
            let store = if i % 2 == 0 {
                store.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { store.add_revision(new(None, &i.to_string(), &[])).await })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => taken += 1,
            Err(refused) => assert_eq!(refused, RevisionRefused::Stale { live: Some(1) }),
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn what_waits_needs_a_second_person_and_a_base_that_is_still_live() {
    let (_folder, store) = store();
    let one = store
        .add_revision(new(None, "one", &[]))
        .await
        .expect("live");
    let base = Some(one.num);
    let reasons = ["`wipe` is done without approval"];
    let a = store
        .add_revision(new(base, "a", &reasons))
        .await
        .expect("waits");
    let b = store
        .add_revision(new(base, "b", &reasons))
        .await
        .expect("waits");
    assert_eq!((a.state, a.reasons.len()), (RevisionState::Waiting, 1));
    assert_eq!(live(&store).await, Some((1, "one".into())));
    let own = store
        .decide_revision(a.num, "ANN@soc.example", true, 6)
        .await
        .expect_err("her own");
    assert!(matches!(own, RevisionRefused::OwnRevision(_)), "{own}");
    let agreed = store
        .decide_revision(a.num, "bob@soc.example", true, 6)
        .await
        .expect("agreed");
    assert_eq!(agreed.state, RevisionState::Live);
    assert_eq!(agreed.decided, Some(("bob@soc.example".into(), 6)));
    assert_eq!(live(&store).await, Some((a.num, "a".into())));
    let again = store
        .decide_revision(a.num, "bob@soc.example", true, 7)
        .await;
    let state = RevisionState::Live;
    assert_eq!(
        again,
        Err(RevisionRefused::NotWaiting { num: a.num, state })
    );
    let stale = store
        .decide_revision(b.num, "bob@soc.example", true, 7)
        .await;
    assert_eq!(stale, Err(RevisionRefused::Stale { live: Some(a.num) }));
    // It still waits, and may be turned down; also by its author.
    let down = store
        .decide_revision(b.num, "ann@soc.example", false, 8)
        .await
        .expect("turned down");
    assert_eq!(down.state, RevisionState::Refused);
    let none = store.decide_revision(99, "bob@soc.example", true, 9).await;
    assert_eq!(none, Err(RevisionRefused::NoRevision(99)));

    let mut told: Vec<String> = store
        .audit(AuditFilter {
            tenants: Some(vec![String::new()]),
            ..AuditFilter::default()
        })
        .await
        .expect("readable")
        .items
        .into_iter()
        .map(|r| format!("{} {} {}", r.actor, r.action, r.object.unwrap_or_default()))
        .collect();
    told.reverse();
    assert_eq!(
        told,
        [
            "ann@soc.example project.deployed revision 1",
            "ann@soc.example project.proposed revision 2",
            "ann@soc.example project.proposed revision 3",
            "bob@soc.example project.deployed revision 2",
            "ann@soc.example project.refused revision 3",
        ]
    );
}
