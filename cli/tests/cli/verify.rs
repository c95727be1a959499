//! `verify`: what is proved, what is not, for people and for programs, and how it ends.

use crate::support::{Place, Result, example};

const WIPE: &str = "use microsoft.intune\n\nplaybook wipe_it \"Wipe\" {\n  when manual(device: Device)\n\n  then {\n    if device.platform == windows {\n      intune.wipe(device)\n    }\n  }\n}\n";

#[test]
fn an_example_is_proved() -> Result {
    let place = Place::new()?;
    let project = example("lost-device");
    let ran = place.run(&["verify", &project.display().to_string()])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    for line in [
        "lost_device  Lost or Stolen Device\n",
        "  proved     every way ends, 7d 5h 50m 40s after the start at the latest\n",
        "  proved     1 destructive step, approved by people on every way\n",
        "                 approved at line 34\n",
        "  accepted   1 disruptive step, accepted without anybody's approval\n",
        "                 because \"a device in strange hands is locked first and discussed later\"\n",
        "                 within 4h, needs 2 people; then goes on at `unanswered`\n",
        "  proved     a run takes at most 4 notify, 1 disruptive, 1 destructive actions\n",
    ] {
        assert!(ran.out.contains(line), "{line}\nin\n{}", ran.out);
    }
    assert!(
        ran.out.ends_with("\n1 playbook, everything is proved\n"),
        "{}",
        ran.out
    );
    Ok(())
}

#[test]
fn what_is_not_proved_is_told_with_a_way() -> Result {
    let place = Place::new()?;
    place.write("a.play", WIPE)?;
    let ran = place.run(&["verify", "a.play"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("  not proved that people approve 1 destructive step\n               intune.wipe(device)  a.play:8\n                 reached by: start → then → device.platform == windows: yes → intune.wipe(device)\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .ends_with("`counterplay check` shows them (1 of 1 playbook not proved)\n"),
        "{}",
        ran.out
    );
    // A warning only, and still nothing that is proved.
    place.write("a.play", WIPE.replace("wipe(", "remote_lock("))?;
    let ran = place.run(&["verify", "a.play"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.ends_with("\n1 of 1 playbook not proved\n"),
        "{}",
        ran.out
    );
    Ok(())
}

const STALE: &str = "use microsoft.intune\n\nplaybook late \"Late\" {\n  when manual(device: Device)\n\n  then { approve \"Lock {device.name}?\" about device, by team.soc, within 4h }\n  wait 90d\n  then { intune.remote_lock(device) }\n}\n";
const PROJECT: &str = "[project]\nname = \"X\"\nsources = [\"playbooks\"]\n\n[teams.soc]\nmembers = [\"ana@msp.example\"]\nemail = \"soc@msp.example\"\n\n[connections.graph]\nclient_id = \"c\"\nsecret = \"s\"\n";

#[test]
fn an_approval_that_is_over_by_then_proves_nothing() -> Result {
    let place = Place::new()?;
    for (name, code) in [("remote_lock(", 1), ("wipe(", 1)] {
        // Whether people want to see the warning is no matter of what holds.
        for lints in ["", "\n[lints]\nP0403 = \"allow\"\n"] {
            place.write("counterplay.toml", format!("{PROJECT}{lints}"))?;
            place.write("playbooks/late.play", STALE.replace("remote_lock(", name))?;
            let ran = place.run(&["verify"])?;
            assert_eq!(ran.code, Some(code), "{name}{lints} {ran:?}");
            assert!(
                ran.out
                    .contains("  not proved P0403: the approval holds for 1d, and `intune."),
                "{}",
                ran.out
            );
            assert!(ran.out.contains("  playbooks/late.play:8\n"), "{}", ran.out);
            assert!(
                ran.out.contains("1 of 1 playbook not proved"),
                "{}",
                ran.out
            );
        }
    }
    Ok(())
}

#[test]
fn a_team_that_is_too_small_when_one_of_them_starts_a_run_proves_nothing() -> Result {
    let place = Place::new()?;
    place.write(
        "playbooks/small.play",
        "use microsoft.intune\n\nplaybook small \"Small\" {\n  when manual(device: Device)\n  then {\n    approve \"Wipe {device.name}?\" about device, by team.soc, within 4h\n    intune.wipe(device)\n  }\n}\n",
    )?;
    place.write("counterplay.toml", PROJECT)?;
    let ran = place.run(&["verify"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("  not proved that enough people may approve, whoever starts the run\n               approve \"Wipe {device.name}?\" about device, by team.soc, within 4h  playbooks/small.play:6\n                 team.soc has 1 member and 1 has to approve; whoever starts the run may not: when that is one of them, the step fails\n"),
        "{}",
        ran.out
    );
    place.write(
        "counterplay.toml",
        PROJECT.replace(
            "[\"ana@msp.example\"]",
            "[\"ana@msp.example\", \"bo@msp.example\"]",
        ),
    )?;
    let ran = place.run(&["verify"])?;
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    Ok(())
}

#[test]
fn an_order_that_is_wrong_is_not_proved() -> Result {
    let place = Place::new()?;
    place.write("counterplay.toml", PROJECT)?;
    place.write(
        "playbooks/a.play",
        "use microsoft.entra\n\nplaybook a \"A\" {\n  when manual(user: User)\n  then {\n    entra.revoke_sessions(user)\n    entra.block_sign_in(user)\n  }\n}\n",
    )?;
    let ran = place.run(&["verify"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("  not proved P0406: "), "{}", ran.out);
    assert!(
        ran.out.contains("(1 of 1 playbook not proved)"),
        "{}",
        ran.out
    );
    Ok(())
}

#[test]
fn nothing_to_verify_is_not_everything_proved() -> Result {
    let place = Place::new()?;
    place.write("counterplay.toml", PROJECT)?;
    place.write("elsewhere/late.play", STALE)?;
    std::fs::create_dir(place.path().join("playbooks"))?;
    let ran = place.run(&["verify"])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.err.contains("no playbook to verify"), "{}", ran.err);
    Ok(())
}

#[test]
fn programs_are_given_everything() -> Result {
    let place = Place::new()?;
    let ran = place.run(&["verify", "--format", "json"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let all: serde_json::Value = serde_json::from_str(&ran.out)?;
    assert_eq!(all["errors"], false);
    let playbooks = all["playbooks"].as_array().ok_or("no list")?;
    assert_eq!(playbooks.len(), 5);
    let stale = playbooks
        .iter()
        .find(|p| p["proof"]["playbook"] == "stale_account")
        .ok_or("not there")?;
    assert_eq!(stale["holds"], true);
    assert_eq!(stale["proof"]["actions"]["disruptive"], 3);
    assert_eq!(stale["proof"]["waits"][0]["needs"], 1);
    assert_eq!(stale["proof"]["run_for_each"], true);
    assert!(stale["proof"]["harm"][0]["held"]["approved"].is_array());
    Ok(())
}

#[test]
fn what_cannot_be_read_is_not_verified() -> Result {
    let place = Place::new()?;
    place.write("a.play", WIPE.replace("wipe(", "wpie("))?;
    let ran = place.run(&["verify", "a.play"])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.err.contains("error[P0201]"), "{}", ran.err);
    let ran = place.run(&["verify", "nothing.play"])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    Ok(())
}
