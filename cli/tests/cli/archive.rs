//! `archive`: what it says, and what is left of runs that ended long ago.

use crate::support::{Place, Result, event};
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{Store, TimeCause, TimeHold};

#[test]
fn what_is_open_stays_and_wrong_ages_are_refused() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let run = place.latest_run()?;
    let who = ["--sandbox", "--as", "ana.ortiz@msp.example"];
    let done = place.run(&[&["archive", "--after", "90"][..], &who].concat())?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let said = "archived: 0 runs that ended more than 90 days ago, and 0 arrivals of that time";
    assert!(done.out.contains(said), "{}", done.out);
    let none = place.run(&["runs", "--archived", "--sandbox"])?;
    assert!(none.out.contains("No archived runs"), "{}", none.out);
    let open = place.run(&["runs", "--open", "--sandbox"])?;
    assert!(open.out.contains(&run), "{}", open.out);
    for days in ["0", "a year", "40000"] {
        let wrong = place.run(&[&["archive", "--after", days][..], &who].concat())?;
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        let said = "write a whole number of days from 1 to 36500";
        assert!(wrong.err.contains(said), "{}", wrong.err);
    }
    let other = place.run(&["runs", "--sandbox", "--playbook", "compromised_usr"])?;
    let said = "No runs of `compromised_usr` (did you mean `compromised_user`?) in ";
    assert!(other.out.contains(said), "{}", other.out);
    let lists = place.run(&["show", "nothing", "--sandbox"])?;
    let said = "there is no run nothing; `counterplay runs --sandbox` lists them";
    assert!(lists.err.contains(said), "{}", lists.err);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_archived_run_is_shown() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    let mut runs = Vec::new();
    for (id, user) in [("1111", "c2d1003"), ("2222", "c2d1005")] {
        // Another detection each time, about another person.
        let risk = risk.replace("\"id\": \"", &format!("\"id\": \"{id}"));
        let risk = risk.replace("c2d1003", user);
        place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
        let run = place.latest_run()?;
        let who = ["--sandbox", "--as", "ana.ortiz@msp.example"];
        place.run(&[&["cancel", &run][..], &who].concat())?;
        place.run(&["run", "--sandbox", "--once"])?;
        runs.push(run);
    }
    let first = &runs[0];
    assert_ne!(*first, runs[1]);
    let store = Store::attach(place.path().join(".counterplay/sandbox.db"))?;
    let (ana, now) = ("ana.ortiz@msp.example", 1_800_000_000_000);
    store.confirm_time(ana, now).await?;
    let done = store.archive(i64::MAX, ana, now).await?;
    assert_eq!(done.runs, 1);
    drop(store);

    let shown = place.run(&["show", first, "--sandbox"])?;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for part in [
        first.as_str(),
        "cancelled",
        "archived 2027-01-15",
        "run.started",
        "run.cancelled",
        "action.",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let shown = place.run(&["show", first, "--sandbox", "--json"])?;
    let left: serde_json::Value = serde_json::from_str(&shown.out)?;
    assert!(left["archived"].is_string(), "{left}");
    assert!(
        left["audit"].as_array().is_some_and(|a| a.len() > 2),
        "{left}"
    );
    let undo = place.run(&["undo", first, "--plan", "--sandbox"])?;
    assert_eq!(undo.code, Some(2), "{undo:?}");
    assert!(
        undo.err.contains("is archived; `counterplay show"),
        "{}",
        undo.err
    );
    Ok(())
}

const ARCHIVE: [&str; 6] = [
    "archive",
    "--after",
    "1",
    "--sandbox",
    "--as",
    "ana.ortiz@msp.example",
];
const CONFIRM: [&str; 5] = [
    "clock",
    "confirm",
    "--sandbox",
    "--as",
    "ana.ortiz@msp.example",
];
const DAY: i64 = 86_400_000;

fn begun(place: &Place) -> Result<Store> {
    place.run(&["run", "--sandbox", "--once"])?;
    Ok(Store::attach(place.path().join(".counterplay/sandbox.db"))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_archived_while_the_clock_is_in_doubt() -> Result {
    let place = Place::new()?;
    let store = begun(&place)?;
    let now = SystemClock.now_ms();
    let hold = TimeHold {
        since_ms: now,
        cause: TimeCause::Jumped { by_ms: 60 * DAY },
        jumps: Vec::new(),
    };
    store.write(move |tx| tx.hold_time(&hold)).await?;
    let refused = place.run(&ARCHIVE)?;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for said in [
        "nothing is archived while the clock is in doubt: the clock went forward by 60d at once",
        "counterplay clock confirm --as YOU",
    ] {
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    place.run(&CONFIRM)?;
    let done = place.run(&ARCHIVE)?;
    assert_eq!(done.code, Some(0), "{done:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_by_a_clock_that_nobody_has_watched() -> Result {
    let place = Place::new()?;
    let store = begun(&place)?;
    let now = SystemClock.now_ms();
    for (seen, said) in [
        (now - 60 * DAY, "in doubt: nothing was done for 60d, since"),
        (now + 60 * DAY, "in doubt: the clock shows "),
    ] {
        store.write(move |tx| tx.see_time(seen)).await?;
        let refused = place.run(&ARCHIVE)?;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains(said), "{}", refused.err);
        let shown = place.run(&["clock", "--sandbox"])?;
        assert_eq!(shown.code, Some(1), "{shown:?}");
        assert!(
            shown.out.contains("nobody has watched the clock"),
            "{shown:?}"
        );
    }
    let right = place.run(&CONFIRM)?;
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(
        right
            .out
            .contains("noted that the clock is right, although the clock shows"),
        "{right:?}"
    );
    let done = place.run(&ARCHIVE)?;
    assert_eq!(done.code, Some(0), "{done:?}");
    Ok(())
}
