//! `audit`: verified, exported, and without a person.

use crate::support::{Place, Result, event, interrupt};
use serde_json::Value as Json;

/// The bytes of the sandbox's store.
fn bytes(place: &Place) -> Vec<u8> {
    ["", "-wal"]
        .iter()
        .flat_map(|end| {
            let path = place.path().join(format!(".counterplay/sandbox.db{end}"));
            std::fs::read(path).unwrap_or_default()
        })
        .collect()
}

fn holds(place: &Place, what: &str) -> bool {
    let all = bytes(place).to_ascii_lowercase();
    let what = what.to_ascii_lowercase();
    all.windows(what.len()).any(|w| w == what.as_bytes())
}

#[test]
fn a_person_is_forgotten_and_the_trail_stays_whole() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let run = place.latest_run()?;
    let json: Json = serde_json::from_str(&risk)?;
    let upn = json["userPrincipalName"]
        .as_str()
        .ok_or("no user")?
        .to_owned();
    let id = json["userId"].as_str().ok_or("no id")?.to_owned();
    let erase = |more: &[&str]| {
        let whom = [
            "audit",
            "erase",
            "--sandbox",
            "--subject",
            &upn,
            "--subject",
            &id,
        ];
        place.run(&[&whom[..], more].concat())
    };
    let who = ["--as", "dpo@msp.example"];
    // The run is open: it needs what it knows.
    let refused = erase(&who)?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.out.contains("1 open run:") && refused.out.contains(&run),
        "{}",
        refused.out
    );
    assert!(
        refused.err.contains("nothing was erased"),
        "{}",
        refused.err
    );
    assert!(holds(&place, &upn));
    let ended = place.run(&["cancel", &run, "--sandbox", "--as", "ana.ortiz@msp.example"])?;
    assert!(ended.code.is_some(), "{ended:?}");
    place.run(&["run", "--sandbox", "--once"])?;

    let look = erase(&["--dry-run"])?;
    assert_eq!(look.code, Some(0), "{look:?}");
    assert!(
        look.out.contains("1 finished run") && look.out.contains("a look only"),
        "{}",
        look.out
    );
    assert!(holds(&place, &upn));
    // What else the person is called is told, so that it can be erased, too.
    let called = look
        .out
        .lines()
        .find_map(|l| l.strip_prefix("records about this person call them "))
        .and_then(|l| l.split('"').nth(1))
        .map(str::to_owned);
    let done = match &called {
        Some(name) => erase(&[&who[..], &["--subject", name]].concat())?,
        None => erase(&who)?,
    };
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.out.contains("erased:") && done.out.contains("written anew"),
        "{}",
        done.out
    );
    assert!(done.out.contains("not reached: backups"), "{}", done.out);
    for name in [Some(upn.clone()), Some(id.clone()), called]
        .into_iter()
        .flatten()
    {
        assert!(!holds(&place, &name), "{name} is in the file's bytes");
    }
    let whole = place.run(&["audit", "verify", "--sandbox"])?;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert!(whole.out.contains("of them erased"), "{}", whole.out);
    // Whoever has the key and the name can tell that it was done.
    let ask = ["audit", "erased", "--sandbox", "--subject", &upn];
    let told = place.run(&ask)?;
    assert_eq!(told.code, Some(0), "{told:?}");
    let (begin, end) = (
        format!("erased: {upn:?}: contoso: at 2"),
        "Z by dpo@msp.example (record ",
    );
    assert!(
        told.out.starts_with(&begin) && told.out.contains(end),
        "{}",
        told.out
    );
    let other = [&ask[..], &["--subject", "nobody@contoso.example", "--json"]].concat();
    let other = place.run(&other)?;
    assert_eq!(other.code, Some(1), "{other:?}");
    let other: Json = serde_json::from_str(&other.out)?;
    assert_eq!(other["erased"], false);
    assert_eq!(other["subjects"][0]["erasures"][0]["by"], "dpo@msp.example");
    assert_eq!(other["subjects"][1]["erasures"], serde_json::json!([]));
    // The run can be looked at, and the trail says that something was erased, not of whom.
    let shown = place.run(&["show", &run, "--sandbox"])?;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let export = place.run(&["audit", "export", "--sandbox", "--action", "audit"])?;
    assert!(export.out.contains("audit.erased") && export.out.contains("dpo@msp.example"));
    assert!(!export.out.to_lowercase().contains(&upn.to_lowercase()));
    Ok(())
}

#[test]
fn the_trail_is_exported_in_both_ways() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let lines = |args: &[&str]| -> Result<Vec<Json>> {
        let ran = place.run(&[&["audit", "export", "--sandbox"][..], args].concat())?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let lines = ran.out.lines().map(serde_json::from_str);
        Ok(lines.collect::<std::result::Result<_, _>>()?)
    };
    let all = lines(&[])?;
    assert!(all.len() > 4 && all.iter().all(|l| l["record"].is_object()));
    assert_eq!(lines(&["--until", "2020-01-01T00:00:00Z"])?.len(), 0);
    assert_eq!(
        lines(&["--since", "2020-01-01T00:00:00Z"])?.len(),
        all.len()
    );
    let events = lines(&["--format", "ocsf"])?;
    assert!(!events.is_empty());
    for event in &events {
        assert_eq!(event["class_uid"], 7001);
        assert!(
            event["command_uid"]
                .as_str()
                .is_some_and(|c| c.starts_with("r-")),
            "{event}"
        );
        assert!(event["unmapped"]["impact"] != "notify");
    }
    let tactic = |e: &Json| e["countermeasures"][0]["d3f_tactic"]["name"] == "Evict";
    assert!(events.iter().any(tactic), "{events:?}");
    let wrong = place.run(&["audit", "export", "--sandbox", "--since", "yesterday"])?;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("is not a time"), "{}", wrong.err);
    let short = place.run(&["audit", "erase", "--sandbox", "--subject", "x", "--dry-run"])?;
    assert!(short.err.contains("too short"), "{}", short.err);
    Ok(())
}

#[test]
fn signed_ends_kept_elsewhere_show_that_a_chain_was_cut() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let key = place
        .run(&["audit", "key", "--sandbox"])?
        .out
        .trim()
        .to_owned();
    assert_eq!(key.len(), 64, "{key}");
    place.run(&["backup", "--sandbox", "before.db"])?;
    // The service signs from its start on, and once more when it stops.
    let serve = [
        "serve",
        "--sandbox",
        "--listen",
        "127.0.0.1:0",
        "--checkpoints",
        "signed.jsonl",
    ];
    let mut child = place.command(&serve).spawn()?;
    let file = place.path().join("signed.jsonl");
    let begun = std::time::Instant::now();
    while !file.exists() {
        assert!(begun.elapsed().as_secs() < 60, "nothing was signed");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    interrupt(&child)?;
    child.wait()?;
    let verify = |key: &str| {
        let args = [
            "audit",
            "verify",
            "--sandbox",
            "--checkpoints",
            "signed.jsonl",
            "--key",
        ];
        place.run(&[&args[..], &[key]].concat())
    };
    let whole = verify(&key)?;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert!(whole.out.contains("whole: contoso"), "{}", whole.out);
    let all = place.run(&["audit", "export", "--sandbox", "--format", "checkpoints"])?;
    assert_eq!(all.out, std::fs::read_to_string(&file)?);

    // Writing a line is cut off. What is signed next begins on one of its own, and counts.
    let cut = "{\"at_ms\":17956";
    std::fs::write(&file, format!("{}{cut}", all.out))?;
    let run = place.latest_run()?;
    place.run(&["cancel", &run, "--sandbox", "--as", "ana.ortiz@msp.example"])?;
    place.run(&["run", "--sandbox", "--once"])?;
    let added = place.run(&["audit", "checkpoint", "--sandbox", "--to", "signed.jsonl"])?;
    assert_eq!(added.code, Some(0), "{added:?}");
    let line = all.out.lines().count() + 1;
    let text = std::fs::read_to_string(&file)?;
    assert_eq!(text.lines().nth(line - 1), Some(cut));
    let behind = text.lines().nth(line).ok_or("nothing was added")?;
    assert!(serde_json::from_str::<Json>(behind)?["signature"].is_string());
    let torn = verify(&key)?;
    assert_eq!(torn.code, Some(0), "{torn:?}");
    let told = format!("torn: line {line} of the checkpoints was cut off");
    assert!(
        torn.out.contains("whole: contoso") && torn.out.contains(&told),
        "{}",
        torn.out
    );
    // What is whole and wrong is a failure.
    std::fs::write(&file, format!("{text}{{}}\n"))?;
    let wrong = verify(&key)?;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let told = format!("not signed: line {}", text.lines().count() + 1);
    assert!(wrong.out.contains(&told), "{}", wrong.out);
    std::fs::write(&file, &text)?;

    // Somebody puts an earlier state in the store's place: whole in itself, and shorter.
    let store = place.path().join(".counterplay/sandbox.db");
    std::fs::copy(place.path().join("before.db"), &store)?;
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path().join(format!(".counterplay/sandbox.db{end}")));
    }
    let unseen = place.run(&["audit", "verify", "--sandbox"])?;
    assert_eq!(
        unseen.code,
        Some(0),
        "the chain alone cannot tell: {unseen:?}"
    );
    let seen = verify(&key)?;
    assert_eq!(seen.code, Some(1), "{seen:?}");
    assert!(
        seen.out.contains("it is missing; at 2") && seen.out.contains("signed up to record"),
        "{}",
        seen.out
    );
    let other = verify(&"ab".repeat(32));
    let other = other?;
    assert!(
        other.code == Some(2) || other.out.contains("not signed: line 1"),
        "{other:?}"
    );
    let wrong = verify("no")?;
    assert!(wrong.err.contains("64 hexadecimal digits"), "{}", wrong.err);
    Ok(())
}

#[test]
fn a_misspelt_tenant_is_no_clean_result() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let asked: [&[&str]; 3] = [
        &["audit", "verify", "--sandbox"],
        &["audit", "export", "--sandbox"],
        &[
            "audit",
            "erase",
            "--sandbox",
            "--dry-run",
            "--subject",
            "Priya Raman",
        ],
    ];
    for command in asked {
        let refused = place.run(&[command, &["--tenant", "contso"]].concat())?;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        let why = "there is no tenant `contso` here; there are `contoso`";
        assert!(refused.err.contains(why), "{}", refused.err);
        let there = place.run(&[command, &["--tenant", "contoso"]].concat())?;
        assert_eq!(there.code, Some(0), "{there:?}");
    }
    Ok(())
}
