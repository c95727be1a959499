//! `clock`: whether timers wait is shown, and a person lets them go on.

use crate::support::{Place, Result, event};
use counterplay_runtime::store::{Jump, Store, TimeCause, TimeHold};

#[tokio::test]
async fn a_person_says_that_the_clock_is_right() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let shown = place.run(&["clock", "--sandbox"])?;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(
        shown.out.contains("timers and schedules go on"),
        "{shown:?}"
    );
    // As an engine leaves it that found the clock set.
    let path = place.path().join("sandbox.db");
    let path = match path.exists() {
        true => path,
        false => find(place.path())?,
    };
    let store = Store::attach(&path)?;
    let hold = TimeHold {
        since_ms: 1_795_334_400_000,
        cause: TimeCause::Jumped { by_ms: 86_400_000 },
        // What is in the store began by a clock that was set back after it.
        jumps: vec![jump(0, 86_400_000), jump(i64::MAX, -86_400_000)],
    };
    store.write(move |tx| tx.hold_time(&hold)).await?;
    drop(store);
    let shown = place.run(&["clock", "--sandbox"])?;
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let why = "wait since 2026-11-22T08:00:00Z: the clock went forward by 1d at once";
    assert!(shown.out.contains(why), "{}", shown.out);
    assert!(
        shown
            .out
            .contains("overdue by that: 0 waits and 0 approvals")
    );
    // Whoever starts an engine on it is told.
    let started = place.run(&["run", "--sandbox", "--once"])?;
    assert!(
        started.err.contains("see `counterplay clock`"),
        "{started:?}"
    );
    let who = [
        "clock",
        "confirm",
        "--sandbox",
        "--as",
        "ana.ortiz@msp.example",
    ];
    let done = place.run(&who)?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.out.contains("go on: timers and schedules"),
        "{}",
        done.out
    );
    let moved = "moved, since a wrong clock had noted them: times of 1 run";
    assert!(done.out.contains(moved), "{}", done.out);
    let again = place.run(&who)?;
    assert_eq!(again.code, Some(1), "{again:?}");
    let shown = place.run(&["clock", "--sandbox"])?;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    Ok(())
}

fn jump(entry: i64, by_ms: i64) -> Jump {
    Jump { entry, by_ms }
}

fn find(folder: &std::path::Path) -> Result<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir()
            && let Ok(found) = find(&path)
        {
            return Ok(found);
        }
        if path.extension().is_some_and(|e| e == "db") {
            return Ok(path);
        }
    }
    Err("there is no store".into())
}
