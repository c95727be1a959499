//! Whole programs that hold no mistake.

use super::clean;

#[test]
fn a_compromised_user() {
    assert_eq!(
        clean(include_str!("programs/compromised_user.play"))
            .items
            .len(),
        3
    );
}

#[test]
fn two_responses() {
    assert_eq!(
        clean(include_str!("programs/two_responses.play"))
            .items
            .len(),
        2
    );
}

#[test]
fn types() {
    assert_eq!(clean(include_str!("programs/types.play")).items.len(), 4);
}

#[test]
fn an_integration() {
    assert_eq!(
        clean(include_str!("programs/integration.play")).items.len(),
        4
    );
}

#[test]
fn one_of_every_form() {
    let parsed = clean(include_str!("programs/everything.play"));
    let keys: Vec<&str> = parsed.items.iter().map(|item| &*item.key).collect();
    assert_eq!(
        keys,
        [
            "use microsoft.(identity,entra),ticket",
            "use notify",
            "enum Severity",
            "type User",
            "define is_vip",
            "param grace",
            "event contained",
            "guard \"break-glass accounts are left alone\"",
            "connection graph",
            "action block_ip",
            "query people",
            "event noncompliant",
            "steps contain",
            "playbook everything",
            "test \"everything that a test can say\"",
        ]
    );
}
