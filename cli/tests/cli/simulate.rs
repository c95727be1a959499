//! `simulate` with the responses that ship and with what does not fit.

use crate::support::{Place, Result, event, example};

#[test]
fn every_shipped_response_is_simulated() -> Result {
    let place = Place::new()?;
    for (playbook, file, action) in [
        (
            "compromised_user",
            Some("risk-detection"),
            "entra.block_sign_in",
        ),
        (
            "device_noncompliance",
            Some("noncompliant-device"),
            "intune.sync",
        ),
        (
            "suspicious_mail_rule",
            Some("forwarding-rule"),
            "exchange.disable_rule",
        ),
        (
            "mfa_not_registered",
            Some("mfa-registration"),
            "entra.block_sign_in",
        ),
        ("stale_account", None, "exchange.convert_to_shared"),
    ] {
        let file = file.map(event);
        let mut args = vec!["simulate", playbook];
        if let Some(file) = &file {
            args.extend(["--event", file]);
        }
        for more in [
            &[][..],
            &["--sandbox", "--answer", "ticket.is_acknowledged=false"],
        ] {
            let ran = place.run(&[&args[..], more].concat())?;
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert!(ran.out.contains(action), "{playbook}: {}", ran.out);
            assert!(
                ran.out.contains("ended: completed"),
                "{playbook}: {}",
                ran.out
            );
        }
    }
    Ok(())
}

#[test]
fn the_body_of_a_webhook_is_simulated() -> Result {
    let place = Place::new()?;
    let example = example("offboarding");
    let delivery = example.join("deliveries/leaver.json");
    let (example, delivery) = (example.to_string_lossy(), delivery.to_string_lossy());
    let checked = place.run(&["check", &example])?;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.out.contains("no errors") && !checked.out.contains("warning"));
    let simulate = |more: &[&str]| {
        let args = ["simulate", "offboarding", "--project", &example];
        place.run(&[&args[..], more].concat())
    };
    let ran = simulate(&["--event", &delivery, "--sandbox"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "started by webhook offboarding",
        "entra.block_sign_in",
        "Hannah Cole",
        "ended: completed",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let none = simulate(&[])?;
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("--event FILE"), "{}", none.err);
    let other = simulate(&["--event", &delivery, "--event-name", "onboarding"])?;
    assert!(
        other.err.contains("does not listen to `onboarding`"),
        "{}",
        other.err
    );
    let whole = place.write(
        "whole.json",
        r#"{"user": {"id": "u-17", "kind": "Member"}}"#,
    )?;
    let whole = simulate(&["--event", &whole.to_string_lossy()])?;
    assert_eq!(whole.code, Some(2));
    assert!(
        whole
            .err
            .contains("body.user: expected the id of a User, as a text, found an object"),
        "{}",
        whole.err
    );
    Ok(())
}

#[test]
fn people_and_answers_decide() -> Result {
    let place = Place::new()?;
    let rejected = place.run(&["simulate", "stale_account", "--reject"])?;
    assert!(rejected.out.contains("ended: rejected") && !rejected.out.contains("entra.disable"));
    let silent = place.run(&["simulate", "stale_account", "--unanswered"])?;
    assert!(
        silent.out.contains("nobody answered in time"),
        "{}",
        silent.out
    );
    let file = event("risk-detection");
    let args = ["simulate", "compromised_user", "--event", &file];
    let taken = place.run(&[&args[..], &["--answer", "ticket.is_acknowledged=true"]].concat())?;
    assert!(!taken.out.contains("notify.email"), "{}", taken.out);
    assert!(
        !taken.out.contains("ticket.is_acknowledged = "),
        "{}",
        taken.out
    );
    let wrong = place.run(&[&args[..], &["--answer", "is_acknowledged=true"]].concat())?;
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("did you mean `ticket.is_acknowledged`?"),
        "{}",
        wrong.err
    );
    Ok(())
}

#[test]
fn a_condition_that_stops_a_run_is_named() -> Result {
    let place = Place::new()?;
    let low = std::fs::read_to_string(event("risk-detection"))?.replace("\"high\"", "\"low\"");
    let ran = place.run_with(&["simulate", "compromised_user", "--event", "-"], &low)?;
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("No run would start."), "{}", ran.out);
    assert!(ran.out.contains("risk.level >= high"), "{}", ran.out);
    Ok(())
}

#[test]
fn json_is_one_object() -> Result {
    let place = Place::new()?;
    let ran = place.run(&[
        "simulate",
        "stale_account",
        "--json",
        "--at",
        "2026-11-20T02:00:00Z",
    ])?;
    let json: serde_json::Value = serde_json::from_str(&ran.out)?;
    assert_eq!(json["runs"][0]["actions"][0]["action"], "entra.disable");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_precisely() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.write("wrong.json", risk.replace("\"high\"", "17"))?;
    place.write("broken.json", "{\"a\": ")?;
    place.write("two.json", "[{}, {}]")?;
    place.write("other.json", "{\"hello\": 1}")?;
    for (args, said) in [
        (&["--event", "wrong.json"][..], "riskLevel"),
        (&["--event", "broken.json"], "broken.json: it is not JSON"),
        (&["--event", "two.json"], "holds 2 objects"),
        (
            &["--event", "other.json"],
            "the fields of no declared event",
        ),
        (
            &["--event", "gone.json"],
            "there is no file or folder gone.json",
        ),
        (&["--with", "a=b"], "is not started by hand"),
        (&[], "give it one with --event FILE"),
        (
            &["--at", "yesterday", "--event", "other.json"],
            "is not a time",
        ),
        (
            &["--tenant", "contso", "--event", "wrong.json"],
            "did you mean `contoso`?",
        ),
    ] {
        let ran = place.run(&[&["simulate", "compromised_user"], args].concat())?;
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    Ok(())
}
