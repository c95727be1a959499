//! `counterplay fix`: safe fixes are applied, others are left, and nothing is written in a dry run.

use crate::support::{Place, Result};

const BROKEN: &str = "use microsoft.intune\n\nplaybook p \"P\" {\n  mode = notify\n  when intune.noncompliant as drift\n  then\n  {\n    intune.sync(drift.divice)\n  }\n}\n";
const FIXED: &str = "use microsoft.intune\n\nplaybook p \"P\" {\n  mode : notify\n  when intune.noncompliant as drift\n  then {\n    intune.sync(drift.divice)\n  }\n}\n";

#[test]
fn what_is_safe_is_applied_and_the_rest_is_left_and_told() -> Result {
    let place = Place::new()?;
    let file = place.write("p.play", BROKEN)?;
    let dry = place.run(&["fix", "--dry-run", "p.play"])?;
    assert_eq!(dry.code, Some(1), "{dry:?}");
    assert!(dry.out.contains("-  mode = notify\n"), "{}", dry.out);
    assert!(
        dry.out.contains("2 fixes would be applied\n"),
        "{}",
        dry.out
    );
    assert_eq!(std::fs::read_to_string(&file)?, BROKEN);

    let ran = place.run(&["fix", "p.play"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.out,
        "fixed p.play\n2 fixes applied\n1 finding left with a fix to look at: `counterplay check` shows it, the editor applies it\n"
    );
    assert_eq!(std::fs::read_to_string(&file)?, FIXED);
    // What is left needs a person.
    let again = place.run(&["fix", "p.play"])?;
    assert!(again.out.starts_with("nothing to fix"), "{again:?}");
    let check = place.run(&["check", "p.play"])?;
    assert!(check.out.contains("divice"), "{check:?}");
    Ok(())
}

#[test]
fn a_named_file_is_the_only_one_that_is_touched() -> Result {
    let place = Place::new()?;
    place.write(
        "counterplay.toml",
        "[project]\nname = \"X\"\nsources = [\".\"]\n",
    )?;
    let named = place.write("a.play", BROKEN)?;
    let other = place.write("b.play", BROKEN.replace("playbook p ", "playbook q "))?;
    let ran = place.run(&["fix", "a.play"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(std::fs::read_to_string(named)?, FIXED);
    assert!(std::fs::read_to_string(other)?.contains("mode = notify"));
    let missing = place.run(&["fix", "nowhere.play"])?;
    assert_eq!(missing.code, Some(2), "{missing:?}");
    Ok(())
}

#[test]
fn what_cannot_be_read_is_told_and_is_no_success() -> Result {
    let place = Place::new()?;
    place.write("latin.play", b"// caf\xe9\n")?;
    let ran = place.run(&["fix", "latin.play"])?;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.out, "nothing was looked at\n");
    assert!(
        ran.err
            .contains("latin.play is left alone: this file is not UTF-8 text"),
        "{ran:?}"
    );
    // In a folder, the others are fixed.
    let good = place.write("p.play", BROKEN)?;
    let ran = place.run(&["fix", "."])?;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(std::fs::read_to_string(good)?, FIXED);
    Ok(())
}
