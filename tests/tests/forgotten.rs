//! A person is forgotten who was acted upon: also what an undoing would need of them is gone.

use counterplay_runtime::store::Erasure;
use counterplay_tests::{Bench, project};
use serde_json::json;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
/// People of the sandbox.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const OTHER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004";

const BLOCK: &str = r#"
use microsoft.entra

playbook block "Block" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}
"#;

/// Everything that is kept of the actions of all runs, for undoing them.
async fn deeds(bench: &Bench) -> String {
    let runs = bench.runs().await;
    let nums: Vec<i64> = runs.iter().map(|run| run.info.num).collect();
    let kept = bench.engine.store().read(move |tx| {
        let mut kept = Vec::new();
        for num in nums {
            kept.extend(tx.deeds(num)?);
        }
        Ok(kept)
    });
    let kept = kept.await.expect("readable");
    assert_eq!(kept.len(), 2, "both can be taken back: {kept:?}");
    format!("{kept:?}").to_lowercase()
}

#[tokio::test]
async fn what_an_undoing_needs_of_a_person_is_forgotten_with_them() {
    let bench = Bench::of(project(BLOCK), START_MS).await;
    for user in [USER, OTHER] {
        bench.start("block", json!({ "user": user })).await;
        bench.settle().await;
    }
    let before = deeds(&bench).await;
    assert!(before.contains(USER) && before.contains(OTHER), "{before}");
    let person = bench.sandbox.state().users[USER].clone();
    let names = vec![
        USER.to_owned(),
        person.user_principal_name.clone(),
        person.display_name.clone(),
    ];
    let whom = Erasure {
        names: names.clone(),
        tenants: None,
    };
    let store = bench.engine.store();
    let found = store.find_person(whom.clone()).await.expect("found");
    assert!(found.rows.contains_key("deeds"), "{found:?}");
    store
        .erase(found, "dpo@msp.example", START_MS)
        .await
        .expect("erased");
    let after = deeds(&bench).await;
    for name in &names {
        assert!(!after.contains(&name.to_lowercase()), "{name}: {after}");
    }
    assert!(after.contains(OTHER), "others stay: {after}");
    assert!(store.find_person(whom).await.expect("found").is_empty());
    for chain in store.verify_audit(None).await.expect("readable") {
        assert_eq!(chain.first_broken, None);
    }
}
