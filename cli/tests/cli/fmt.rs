//! `counterplay fmt`: files, folders, projects and standard input.

use crate::support::{Place, Result};

const MESSY: &str = "use   microsoft.intune // why\nplaybook p \"P\" {\n when intune.noncompliant as drift\n then{ intune.sync( drift.device ) }\n}\n";
const CLEAN: &str = "use microsoft.intune  // why\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n}\n";

#[test]
fn files_and_folders_are_rewritten_in_place() -> Result {
    let place = Place::new()?;
    let messy = place.write("a/messy.play", MESSY)?;
    let clean = place.write("a/b/clean.play", CLEAN)?;
    let ran = place.run(&["fmt", "a"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "formatted a/messy.play\n1 of 2 files changed\n");
    assert_eq!(std::fs::read_to_string(messy)?, CLEAN);
    assert_eq!(std::fs::read_to_string(clean)?, CLEAN);
    let again = place.run(&["fmt", "a"])?;
    assert_eq!(again.out, "2 files formatted already\n");
    Ok(())
}

#[test]
fn check_changes_nothing_and_says_what_would_change() -> Result {
    let place = Place::new()?;
    let messy = place.write("messy.play", MESSY)?;
    let ran = place.run(&["fmt", "--check", "messy.play"])?;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.out,
        "would change messy.play\n1 of 1 file would change\n"
    );
    assert_eq!(std::fs::read_to_string(messy)?, MESSY);
    place.write("messy.play", CLEAN)?;
    assert_eq!(place.run(&["fmt", "--check", "messy.play"])?.code, Some(0));
    Ok(())
}

#[test]
fn standard_input_comes_out_formatted() -> Result {
    let place = Place::new()?;
    let ran = place.run_with(&["fmt", "-"], MESSY)?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), CLEAN));
    assert_eq!(
        place.run_with(&["fmt", "-", "--check"], MESSY)?.code,
        Some(1)
    );
    assert_eq!(
        place.run_with(&["fmt", "-", "--check"], CLEAN)?.code,
        Some(0)
    );
    Ok(())
}

#[test]
fn without_paths_the_project_around_is_meant() -> Result {
    let place = Place::new()?;
    let none = place.run(&["fmt"])?;
    assert_eq!(none.code, Some(2));
    assert!(
        none.err
            .contains("there is no counterplay.toml here or above"),
        "{none:?}"
    );
    place.write(
        "counterplay.toml",
        "[project]\nname = \"x\"\nsources = [\"playbooks\"]\n",
    )?;
    place.write("playbooks/messy.play", MESSY)?;
    place.write("elsewhere/messy.play", MESSY)?;
    let ran = place.run(&["fmt"])?;
    assert_eq!(
        ran.out,
        "formatted playbooks/messy.play\n1 of 1 file changed\n"
    );
    Ok(())
}

#[test]
fn what_cannot_be_read_is_left_alone_and_said() -> Result {
    let place = Place::new()?;
    place.write("bad.play", [0xff, 0xfe, 0x00])?;
    place.write("messy.play", MESSY)?;
    place.write("note.txt", "x")?;
    let ran = place.run(&["fmt", "."])?;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("bad.play is left alone"), "{ran:?}");
    assert!(ran.out.contains("formatted messy.play"), "{ran:?}");
    let other = place.run(&["fmt", "note.txt"])?;
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("neither a .play file nor a folder"));
    assert_eq!(place.run(&["fmt", "nowhere"])?.code, Some(2));
    Ok(())
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() -> Result {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new()?;
    let file = place.write("real.play", MESSY)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640))?;
    symlink(&file, place.path().join("link.play"))?;
    place.run(&["fmt", "link.play"])?;
    assert_eq!(std::fs::read_to_string(&file)?, CLEAN);
    assert_eq!(
        std::fs::metadata(&file)?.permissions().mode() & 0o777,
        0o640
    );
    assert!(std::fs::symlink_metadata(place.path().join("link.play"))?.is_symlink());
    Ok(())
}
