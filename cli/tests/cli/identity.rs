//! `user` and `token`: people and tokens of a store, without a browser.

use crate::support::{Place, Result};
use counterplay_runtime::store::Store;
use serde_json::Value as Json;

/// A folder with a store in it.
fn place() -> Result<Place> {
    let place = Place::new()?;
    drop(Store::open(place.path().join("s.db"))?);
    Ok(place)
}

fn json(place: &Place, what: &str) -> Result<Json> {
    let list = place.run(&[what, "list", "--json", "--store", "s.db"])?;
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    Ok(serde_json::from_str(&list.out)?)
}

fn bytes(place: &Place) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(place.path())? {
        all.extend(std::fs::read(entry?.path())?);
    }
    Ok(all)
}

fn holds(place: &Place, text: &str) -> Result<bool> {
    let bytes = bytes(place)?;
    Ok(bytes.windows(text.len()).any(|w| w == text.as_bytes()))
}

#[test]
fn a_person_is_added_listed_disabled_and_enabled() -> Result {
    let place = place()?;
    let empty = place.run(&["user", "list", "--store", "s.db"])?;
    assert!(
        empty.out.contains("`counterplay user add`"),
        "{}",
        empty.out
    );
    let added = place.run(&[
        "user",
        "add",
        "Dana@msp.example",
        "--name",
        "Dana Kim",
        "--role",
        "approver",
        "--role",
        "viewer",
        "--tenant",
        "acme",
        "--tenant",
        "globex",
        "--store",
        "s.db",
    ])?;
    assert_eq!(added.code, Some(0), "{}", added.err);
    let lines: Vec<&str> = added.out.lines().collect();
    assert_eq!(lines[0], "added: dana@msp.example may log in");
    let password = lines[1];
    assert_eq!((lines.len(), password.len()), (2, 24), "{}", added.out);
    assert!(holds(&place, "dana@msp.example")? && !holds(&place, password)?);
    let people = json(&place, "user")?;
    assert_eq!(people[0]["name"], "Dana Kim");
    assert_eq!(
        people[0]["roles"],
        serde_json::json!(["viewer", "approver"])
    );
    assert_eq!(people[0]["tenants"], serde_json::json!(["acme", "globex"]));
    let list = place.run(&["user", "list", "--store", "s.db"])?;
    assert!(list.out.contains("dana@msp.example"), "{}", list.out);
    for (word, disabled) in [("disable", true), ("enable", false)] {
        let done = place.run(&["user", word, "DANA@msp.example", "--store", "s.db"])?;
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert_eq!(json(&place, "user")?[0]["disabled"], disabled);
    }
    Ok(())
}

#[test]
fn passwords_come_from_standard_input_or_are_made_up() -> Result {
    let place = place()?;
    let add = [
        "user",
        "add",
        "ana@msp.example",
        "--role",
        "administrator",
        "--all-tenants",
        "--password-stdin",
        "--store",
        "s.db",
    ];
    let weak = place.run_with(&add, "short\n")?;
    assert_eq!(weak.code, Some(1));
    assert!(weak.err.contains("at least 12"), "{}", weak.err);
    let added = place.run_with(&add, "paper lantern seven\r\nand more\n")?;
    assert_eq!((added.code, added.err.as_str()), (Some(0), ""));
    assert_eq!(added.out, "added: ana@msp.example may log in\n");
    let taken = place.run_with(&add, "paper lantern seven\n")?;
    assert_eq!(taken.code, Some(1), "{}", taken.err);
    let reset = place.run(&[
        "user",
        "reset-password",
        "ana@msp.example",
        "--store",
        "s.db",
    ])?;
    assert_eq!(reset.code, Some(0), "{}", reset.err);
    assert_eq!(
        reset.out.lines().nth(1).map(str::len),
        Some(24),
        "{}",
        reset.out
    );
    let last = place.run(&["user", "disable", "ana@msp.example", "--store", "s.db"])?;
    assert_eq!(last.code, Some(1));
    assert!(last.err.contains("last administrator"), "{}", last.err);
    Ok(())
}

#[test]
fn a_token_is_created_listed_and_revoked() -> Result {
    let place = place()?;
    let create = [
        "token",
        "create",
        "siem-prod",
        "--role",
        "source",
        "--tenant",
        "acme",
        "--store",
        "s.db",
    ];
    let made = place.run(&create)?;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let secret = made.out.lines().nth(1).unwrap_or("");
    assert!(secret.starts_with("cp_"), "{}", made.out);
    assert!(holds(&place, "siem-prod")? && !holds(&place, secret)?);
    assert_eq!(place.run(&create)?.code, Some(1), "the name is taken");
    let list = json(&place, "token")?;
    assert_eq!(list[0]["state"], "good");
    assert_eq!(list[0]["created_by"], "console");
    let near = place.run(&["token", "revoke", "siem-prd", "--store", "s.db"])?;
    assert_eq!(near.code, Some(2));
    assert!(near.err.contains("did you mean siem-prod?"), "{}", near.err);
    let revoked = place.run(&["token", "revoke", "siem-prod", "--store", "s.db"])?;
    assert_eq!(revoked.code, Some(0), "{}", revoked.err);
    assert_eq!(json(&place, "token")?[0]["state"], "revoked");
    let table = place.run(&["token", "list", "--store", "s.db"])?;
    assert!(table.out.contains("never"), "{}", table.out);
    Ok(())
}

#[test]
fn what_does_not_fit_is_said_with_a_way_out() -> Result {
    let place = place()?;
    let user = ["user", "add", "ana@msp.example", "--store", "s.db"];
    let token = ["token", "create", "one", "--store", "s.db"];
    for (base, more, says) in [
        (
            &user,
            &["--role", "viewr", "--all-tenants"][..],
            "did you mean viewer?",
        ),
        (&user, &["--role", "source", "--all-tenants"], "for tokens"),
        (&user, &["--role", "viewer"], "--all-tenants"),
        (&user, &["--all-tenants"], "--role"),
        (
            &token,
            &["--role", "approver", "--all-tenants"],
            "only people can",
        ),
        (
            &token,
            &["--role", "viewer", "--all-tenants", "--days", "400"],
            "365",
        ),
        (
            &token,
            &["--role", "viewer", "--all-tenants", "--tenant", "acme"],
            "cannot be used",
        ),
    ] {
        let mut args = base.to_vec();
        args.extend(more);
        let ran = place.run(&args)?;
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    let nobody = place.run(&["user", "disable", "ana@msp.example", "--store", "s.db"])?;
    assert_eq!(nobody.code, Some(2));
    let no_store = place.run(&["user", "list", "--store", "other.db"])?;
    assert_eq!(no_store.code, Some(2), "{}", no_store.err);
    Ok(())
}
