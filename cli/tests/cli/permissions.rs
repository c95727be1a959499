//! `counterplay permissions`: derived from the source, by playbook and tenant, compared with a git revision.

use crate::support::{Place, Result};
use std::process::Command;

const PROJECT: &str = r#"
[project]
name = "X"

[teams.soc]
members = ["ana@msp.example"]
email = "soc@msp.example"

[tenants.contoso]
id = "3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8"
zone = "Europe/London"
domains = ["contoso.example"]

[tenants.fabrikam]
id = "4f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8"
zone = "Europe/London"
domains = ["fabrikam.example"]

[connections.graph]
client_id = "c"
secret = "s"
"#;

const SYNC: &str = "use microsoft.intune\n\nplaybook sync \"Sync\" {\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n}\n";
const REVOKE: &str = "use microsoft.entra\n\nplaybook revoke \"Revoke\" {\n  tenants: [\"contoso\"]\n  when manual(user: User)\n  then { entra.revoke_sessions(user) }\n}\n";

fn project() -> Result<Place> {
    let place = Place::new()?;
    place.write("counterplay.toml", PROJECT)?;
    place.write("playbooks/sync.play", SYNC)?;
    Ok(place)
}

fn git(place: &Place, args: &[&str]) -> Result {
    let identity = ["-c", "user.name=A", "-c", "user.email=a@msp.example"];
    let output = Command::new("git")
        .current_dir(place.path())
        .args(identity)
        .args(args)
        .output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

#[test]
fn each_application_of_a_connection_tells_what_it_needs() -> Result {
    const WIPE: &str = "use microsoft.(entra, intune)\n\nplaybook lost \"Lost\" {\n  when manual(device: Device, user: User)\n  then {\n    entra.block_sign_in(user)\n    approve \"Wipe?\" about device, by team.soc, within 4h\n    intune.wipe(device)\n  }\n}\n";
    let place = Place::new()?;
    place.write(
        "counterplay.toml",
        format!("{PROJECT}\n[connections.graph.destructive]\nclient_id = \"w\"\ncertificate = \"wiping\"\n\n[connections.teams]\n\n[connections.mail]\nbase = \"smtp://mail.msp.example\"\nfrom = \"soc@msp.example\"\n"),
    )?;
    place.write("playbooks/lost.play", WIPE)?;
    let ran = place.run(&["permissions"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (_, by) = ran
        .out
        .split_once("by application\n")
        .ok_or(ran.out.clone())?;
    let lines: Vec<&str> = by.lines().collect();
    assert_eq!(
        lines[0],
        "  graph, for destructive actions (w): DeviceManagementManagedDevices.PrivilegedOperations.All"
    );
    assert!(
        lines[1].starts_with("  graph, for everything else (c): "),
        "{by}"
    );
    assert_eq!(lines.len(), 2, "{by}");
    let json = place.run(&["permissions", "--format", "json"])?;
    let json: serde_json::Value = serde_json::from_str(&json.out)?;
    let all = json["applications"].as_array().ok_or("a list")?;
    let of = |what: &str| all.iter().find(|a| a["for"] == what);
    let wipes = of("for destructive actions").ok_or("the second application")?;
    assert_eq!(wipes["client_id"], "w");
    let everyday = of("for everything else").ok_or("the everyday one")?;
    let everyday = everyday["permissions"].to_string();
    assert!(
        everyday.contains("User.EnableDisableAccount.All"),
        "{everyday}"
    );
    Ok(())
}

#[test]
fn each_playbook_tells_what_it_needs_and_what_for() -> Result {
    let place = project()?;
    let ran = place.run(&["permissions"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.out,
        "sync
  graph
    DeviceManagementManagedDevices.PrivilegedOperations.All  intune.sync
    DeviceManagementManagedDevices.Read.All  intune.noncompliant
    User.Read.All  entra.user
together
  graph: DeviceManagementManagedDevices.PrivilegedOperations.All, DeviceManagementManagedDevices.Read.All, User.Read.All
"
    );
    Ok(())
}

#[test]
fn a_tenant_needs_what_is_for_it() -> Result {
    let place = project()?;
    place.write("playbooks/revoke.play", REVOKE)?;
    let needs = |tenant: &str| -> Result<serde_json::Value> {
        let ran = place.run(&["permissions", "--tenant", tenant, "--format", "json"])?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Ok(serde_json::from_str(&ran.out)?)
    };
    let (contoso, fabrikam) = (needs("contoso")?, needs("fabrikam")?);
    let revokes = &contoso["playbooks"]["revoke"]["graph"]["User.RevokeSessions.All"];
    assert_eq!(revokes[0], "entra.revoke_sessions");
    assert!(fabrikam["playbooks"].get("revoke").is_none());
    assert!(fabrikam["playbooks"].get("sync").is_some());
    let unknown = place.run(&["permissions", "--tenant", "contosso"])?;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("did you mean `contoso`"),
        "{unknown:?}"
    );
    Ok(())
}

#[test]
fn a_review_sees_what_a_change_newly_needs() -> Result {
    let place = project()?;
    git(&place, &["init", "-q"])?;
    git(&place, &["add", "-A"])?;
    git(&place, &["commit", "-q", "-m", "sync"])?;
    let same = place.run(&["permissions", "--diff", "HEAD"])?;
    assert_eq!(same.code, Some(0), "{same:?}");
    assert_eq!(
        same.out,
        "no playbook needs other permissions than at HEAD\n"
    );

    place.write("playbooks/revoke.play", REVOKE)?;
    let more = place.run(&["permissions", "--diff", "HEAD"])?;
    assert_eq!(more.code, Some(1), "{more:?}");
    assert_eq!(
        more.out,
        "revoke\n  + graph: User.Read.All  for contoso\n  + graph: User.RevokeSessions.All  for contoso\n"
    );
    git(&place, &["add", "-A"])?;
    git(&place, &["commit", "-q", "-m", "revoke"])?;
    std::fs::remove_file(place.path().join("playbooks/revoke.play"))?;
    let less = place.run(&["permissions", "--diff", "HEAD"])?;
    assert_eq!(less.code, Some(0), "{less:?}");
    assert_eq!(
        less.out,
        "revoke\n  - graph: User.Read.All  for contoso\n  - graph: User.RevokeSessions.All  for contoso\n"
    );
    for wrong in ["nowhere", "--output=x"] {
        let ran = place.run(&["permissions", &format!("--diff={wrong}")])?;
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    Ok(())
}

#[test]
fn a_review_sees_for_which_tenants_a_change_newly_needs_it() -> Result {
    let place = project()?;
    place.write("playbooks/revoke.play", REVOKE)?;
    git(&place, &["init", "-q"])?;
    git(&place, &["add", "-A"])?;
    git(&place, &["commit", "-q", "-m", "revoke"])?;

    let wider = REVOKE.replace("tenants: [\"contoso\"]", "tenants: all");
    place.write("playbooks/revoke.play", wider)?;
    let ran = place.run(&["permissions", "--diff", "HEAD"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.out,
        "revoke\n  + graph: User.Read.All  for fabrikam\n  + graph: User.RevokeSessions.All  for fabrikam\n"
    );
    let json = place.run(&["permissions", "--diff", "HEAD", "--format", "json"])?;
    let told: serde_json::Value = serde_json::from_str(&json.out)?;
    let needed = &told["changes"][0]["needed"][0];
    assert_eq!(needed["tenants"], serde_json::json!(["fabrikam"]));
    // One tenant alone.
    let one = |name: &str| place.run(&["permissions", "--diff", "HEAD", "--tenant", name]);
    assert_eq!(one("contoso")?.code, Some(0));
    assert_eq!(one("fabrikam")?.code, Some(1));

    // Another tenant makes everything new there, and nowhere else.
    place.write("playbooks/revoke.play", REVOKE)?;
    let more = "[tenants.tailspin]\nid = \"5f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8\"\nzone = \"Europe/London\"\ndomains = [\"tailspin.example\"]\n";
    place.write("counterplay.toml", format!("{PROJECT}\n{more}"))?;
    let ran = place.run(&["permissions", "--diff", "HEAD"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.starts_with("sync\n  + graph: ") && !ran.out.contains("revoke"),
        "{ran:?}"
    );
    assert!(
        ran.out
            .lines()
            .skip(1)
            .all(|l| l.ends_with("  for tailspin")),
        "{ran:?}"
    );
    Ok(())
}

#[test]
fn a_webhook_of_one_tenant_needs_nothing_in_another() -> Result {
    let place = project()?;
    place.write(
        "counterplay.toml",
        format!("{PROJECT}\n[webhooks.leaving]\nsecret = \"s\"\ntenant = \"contoso\"\n"),
    )?;
    place.write(
        "playbooks/hook.play",
        "use microsoft.entra\n\ntype Leaving {\n  user: User\n}\n\nplaybook leaves \"Leaves\" {\n  when webhook \"leaving\" as leaving: Leaving\n  then { entra.revoke_sessions(leaving.user) }\n}\n",
    )?;
    let needs = |tenant: &str| -> Result<serde_json::Value> {
        let ran = place.run(&["permissions", "--tenant", tenant, "--format", "json"])?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Ok(serde_json::from_str(&ran.out)?)
    };
    assert!(needs("contoso")?["playbooks"].get("leaves").is_some());
    assert!(needs("fabrikam")?["playbooks"].get("leaves").is_none());
    Ok(())
}

#[test]
fn what_an_awaited_event_reads_is_needed() -> Result {
    let place = project()?;
    place.write(
        "playbooks/sync.play",
        "use microsoft.intune\n\nplaybook waits \"Waits\" {\n  when every day at 07:00\n  then {\n    wait for intune.noncompliant as drift, at most 2h\n  }\n}\n",
    )?;
    let ran = place.run(&["permissions"])?;
    assert!(ran.out.contains("User.Read.All  entra.user\n"), "{ran:?}");
    // A project without the connection that it is asked over is told so before a run waits for it.
    place.write(
        "counterplay.toml",
        "[project]\nname = \"Waits\"\n\n[teams.soc]\nmembers = [\"ana@msp.example\"]\n\n[tenants.contoso]\nid = \"c\"\n",
    )?;
    let checked = place.run(&["check", "playbooks/sync.play"])?;
    let missing =
        "`waits` calls `entra.user`, and counterplay.toml does not set up its connection `graph`";
    let told = format!("{}{}", checked.out, checked.err);
    assert!(told.contains(missing), "{told}");
    Ok(())
}
