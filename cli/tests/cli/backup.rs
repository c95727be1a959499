//! `backup`: a copy that the other commands read, and what it refuses.

use crate::support::{Place, Result, event};

#[test]
fn a_copy_holds_what_was_there_and_can_be_paused_before_it_goes_on() -> Result {
    let place = Place::new()?;
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    let run = place.latest_run()?;
    let made = place.run(&["backup", "--sandbox", "copy.db"])?;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.out.contains("1 run, 1 of them open"), "{}", made.out);
    assert!(made.out.contains("master key is not in it"), "{}", made.out);
    let list = place.run(&["runs", "--store", "copy.db"])?;
    assert!(list.out.contains(&run), "{}", list.out);
    // What is written on it needs the key, which is not in the copy and not made anew.
    let who = ["--as", "ana.ortiz@msp.example", "--store", "copy.db"];
    let refused = place.run(&[&["pause", "--all"][..], &who].concat())?;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("master.key, which is not there")
            && refused.err.contains("--master-key FILE"),
        "{refused:?}"
    );
    let started = place.run(&["run", "--sandbox", "--once", "--store", "copy.db"])?;
    assert_eq!(started.code, Some(2), "no key, no start: {started:?}");
    assert!(!place.path().join("master.key").exists());
    let key = ["--master-key", ".counterplay/master.key"];
    let who = [&who[..], &key].concat();
    let paused = place.run(&[&["pause", "--all"][..], &who].concat())?;
    assert_eq!(paused.code, Some(0), "{paused:?}");
    assert!(paused.out.contains("kept: everything"), "{}", paused.out);
    // Whoever starts an engine on it is told.
    let again = ["run", "--sandbox", "--once", "--store", "copy.db"];
    let started = place.run(&[&again[..], &key].concat())?;
    assert!(
        started
            .err
            .contains("paused by ana.ortiz@msp.example: everything"),
        "{started:?}"
    );
    let goes_on = place.run(&[&["unpause", "--all"][..], &who].concat())?;
    assert!(goes_on.out.contains("nothing is paused"), "{}", goes_on.out);
    Ok(())
}

#[test]
fn a_copy_is_never_written_over_another_file() -> Result {
    let place = Place::new()?;
    let none = place.run(&["backup", "copy.db"])?;
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("there is no store"), "{}", none.err);
    let risk = std::fs::read_to_string(event("risk-detection"))?;
    place.run_with(&["run", "--sandbox", "--once", "-"], &risk)?;
    place.write("copy.db", "mine")?;
    let refused = place.run(&["backup", "--sandbox", "copy.db"])?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("is there already"), "{}", refused.err);
    let kept = std::fs::read_to_string(place.path().join("copy.db"))?;
    assert_eq!(kept, "mine");
    let nowhere = place.run(&["backup", "--sandbox", "no/such/copy.db"])?;
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.err.contains("there is no folder"),
        "{}",
        nowhere.err
    );
    Ok(())
}
