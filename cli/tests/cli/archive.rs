//! `archive`: what it says, and what is left of runs that ended long ago.

use crate::support::{Place, Result, event};

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
    let wrong = place.run(&[&["archive", "--after", "0"][..], &who].concat())?;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    Ok(())
}
