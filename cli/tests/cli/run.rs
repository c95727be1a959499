//! `run` and the commands that look at and speak to its runs.

use crate::support::{Place, Result, event, interrupt};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

#[test]
fn an_event_on_standard_input_becomes_a_run() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    let ran = place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("accepted standard input line 1  identity.risk_detected"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("entra.block_sign_in(user: Priya Raman)"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("1 run open"), "{}", ran.out);
    let run = place.latest_run()?;
    let list = place.run(&["runs", "--sandbox", "--open"])?;
    assert!(
        list.out.contains(&run) && list.out.contains("waiting"),
        "{}",
        list.out
    );
    let show = place.run(&["show", &run, "--sandbox"])?;
    assert!(
        show.out.contains("Compromised User Response"),
        "{}",
        show.out
    );
    let again = place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    assert!(again.out.contains("starts nothing: "), "{}", again.out);
    let elsewhere = place.run(&["runs"])?;
    assert_eq!(elsewhere.code, Some(2));
    assert!(elsewhere.err.contains("add --sandbox"), "{}", elsewhere.err);
    Ok(())
}

#[test]
fn bad_events_are_rejected_and_good_ones_go_on() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.write("wrong.json", risk.replace("\"high\"", "17"))?;
    place.write("broken.json", "{\"a\": ")?;
    place.write("latin.json", b"\"caf\xe9\"")?;
    let good = event("forwarding-rule");
    let ran = place.run(&[
        "run",
        "--sandbox",
        "--once",
        "wrong.json",
        "broken.json",
        "latin.json",
        "gone.json",
        &good,
    ])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for line in [
        "rejected wrong.json  not a valid identity.risk_detected: riskLevel: expected",
        "rejected broken.json  it is not JSON",
        "rejected latin.json is not UTF-8",
        "rejected there is no file or folder gone.json",
        "accepted",
        "1 event accepted, 4 rejected, 1 run ended",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    Ok(())
}

#[test]
fn an_approval_from_another_process_lets_a_run_go_on() -> Result {
    let place = Place::new()?;
    let mut child = place
        .command(&[
            "run",
            "--sandbox",
            "--tick",
            "stale_account",
            "--as",
            "pat@example.org",
        ])
        .stderr(Stdio::null())
        .spawn()?;
    let mut out = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut run = String::new();
    while run.is_empty() {
        let mut line = String::new();
        assert!(out.read_line(&mut line)? > 0, "it ended before it asked");
        if let Some((_, rest)) = line.split_once("counterplay approve ") {
            rest.split(' ')
                .next()
                .unwrap_or_default()
                .clone_into(&mut run);
        }
    }
    let stranger = place.run(&["approve", &run, "--sandbox", "--as", "eve@example.org"])?;
    assert_eq!(stranger.code, Some(1));
    assert!(
        stranger.err.contains("eve@example.org may not answer"),
        "{}",
        stranger.err
    );
    let starter = place.run(&["approve", &run, "--sandbox", "--as", "pat@example.org"])?;
    assert_eq!(starter.code, Some(1));
    assert!(starter.err.contains("started this run"), "{}", starter.err);
    let manager = ["--sandbox", "--as", "jonas.weber@contoso.example"];
    let approved = place.run(&[&["approve", &run], &manager[..]].concat())?;
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert!(approved.out.contains("goes on"), "{}", approved.out);
    let twice = place.run(&[&["approve", &run], &manager[..]].concat())?;
    assert_eq!(twice.code, Some(1));
    assert!(
        twice.err.contains("nothing waits for an answer"),
        "{}",
        twice.err
    );
    let second = place.run(&["run", "--sandbox"])?;
    assert_eq!(second.code, Some(2));
    assert!(second.err.contains("another engine"), "{}", second.err);
    interrupt(&child)?;
    let mut rest = String::new();
    out.read_to_string(&mut rest)?;
    assert_eq!(child.wait()?.code(), Some(0));
    assert!(
        rest.contains("approved by jonas.weber@contoso.example"),
        "{rest}"
    );
    assert!(
        rest.contains("`counterplay run --sandbox` goes on with what is open"),
        "{rest}"
    );
    let resume = place.run(&["resume", &run, "--sandbox", "--as", "ana@msp.example"])?;
    assert_eq!(
        (resume.code, resume.err.contains("is not held")),
        (Some(1), true)
    );
    let cancel = place.run(&["cancel", &run, "--sandbox", "--as", "ana@msp.example"])?;
    assert!(cancel.out.contains("kept in"), "{cancel:?}");
    let last = place.run(&["run", "--sandbox"])?;
    assert_eq!(last.code, Some(0));
    assert!(
        last.out.contains("ended: cancelled by ana@msp.example"),
        "{}",
        last.out
    );
    Ok(())
}

#[test]
fn an_answer_is_kept_when_no_engine_runs() -> Result {
    let place = Place::new()?;
    place.run(&["run", "--sandbox", "--once", "--tick", "stale_account"])?;
    let run = place.latest_run()?;
    let who = ["--as", "jonas.weber@contoso.example", "--sandbox"];
    let mute = place.run(&[&["reject", &run][..], &who].concat())?;
    assert_eq!(mute.code, Some(2));
    assert!(
        mute.err.contains("say with --comment TEXT why"),
        "{}",
        mute.err
    );
    let kept = place.run(&[
        "reject",
        &run,
        "--sandbox",
        "--as",
        "jonas.weber@contoso.example",
        "--comment",
        "on leave",
    ])?;
    assert_eq!(kept.code, Some(0));
    assert!(kept.out.contains("kept in"), "{}", kept.out);
    let ran = place.run(&["run", "--sandbox", "--once"])?;
    assert!(
        ran.out
            .contains("rejected by jonas.weber@contoso.example: \"on leave\""),
        "{}",
        ran.out
    );
    Ok(())
}

#[test]
fn unknown_names_are_refused_before_anything_happens() -> Result {
    let place = Place::new()?;
    for (args, said) in [
        (&["run"][..], "there is no counterplay.toml"),
        (
            &["run", "--sandbox", "--start", "stale_acount"],
            "did you mean `stale_account`?",
        ),
        (
            &["run", "--sandbox", "--start", "stale_account"],
            "no manual trigger",
        ),
        (
            &["run", "--sandbox", "--tick", "compromised_user"],
            "has no schedule",
        ),
        (
            &["run", "--sandbox", "--event", "identity.risk_detectd"],
            "did you mean `identity.risk_detected`?",
        ),
        (
            &["run", "--sandbox", "--tenant", "contosso"],
            "did you mean `contoso`?",
        ),
        (
            &["run", "--project", "nowhere"],
            "there is no file or folder nowhere",
        ),
        (
            &["show", "r-20261122-abc123"],
            "there is no store at .counterplay/store.db",
        ),
        (
            &["approve", "r-1", "--as", "ana", "--sandbox"],
            "is not an e-mail address",
        ),
    ] {
        let ran = place.run(args)?;
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    let idle = place.run(&["run", "--sandbox"])?;
    assert_eq!(
        (idle.code, idle.out.starts_with("Nothing to do")),
        (Some(0), true),
        "{idle:?}"
    );
    let risk = event("risk-detection");
    place.run(&["run", "--sandbox", "--once", &risk])?;
    let run = place.latest_run()?;
    let last = if run.ends_with('x') { 'y' } else { 'x' };
    let near = format!("{}{last}", &run[..run.len() - 1]);
    let unknown = place.run(&["show", &near, "--sandbox"])?;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains(&format!("did you mean {run}?")),
        "{}",
        unknown.err
    );
    Ok(())
}

#[test]
fn stores_that_cannot_be_used_are_left_alone() -> Result {
    let place = Place::new()?;
    let rubbish = place.write(
        "rubbish.db",
        "this is no database, and it is longer than a header of one: ".repeat(40),
    )?;
    let before = std::fs::read(&rubbish)?;
    for args in [
        &["run", "--sandbox", "--store", "rubbish.db"][..],
        &["runs", "--store", "rubbish.db"],
    ] {
        let ran = place.run(args)?;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("is not a database"), "{}", ran.err);
    }
    assert_eq!(std::fs::read(&rubbish)?, before);
    let folder = place.run(&["run", "--sandbox", "--store", "no/such/store.db"])?;
    assert!(folder.err.contains("there is no folder"), "{}", folder.err);
    place.write(
        "counterplay.toml",
        "[project]\nname = \"x\"\nsources = []\n[tenants.t]\nid = \"t\"\n",
    )?;
    place.run(&["run", "--sandbox", "--store", "apart.db"])?;
    let real = place.run(&["run", "--store", "apart.db"])?;
    assert_eq!(real.code, Some(2));
    assert!(real.err.contains("must not go on for real"), "{}", real.err);
    Ok(())
}

#[test]
fn an_empty_id_is_no_beginning_of_a_run() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let who = ["--not-done", "--sandbox", "--as", "ana.ortiz@msp.example"];
    for id in ["", " "] {
        for command in [
            vec!["show", id, "--sandbox"],
            [&["settle", id][..], &who].concat(),
        ] {
            let ran = place.run(&command)?;
            assert_eq!(ran.code, Some(2), "{ran:?}");
            let said = "a run's id is missing; `counterplay runs --sandbox` lists them";
            assert!(ran.err.contains(said), "{command:?}: {}", ran.err);
        }
    }
    Ok(())
}
