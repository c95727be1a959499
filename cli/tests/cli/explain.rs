//! `explain`: pages, the list, codes that do not exist, and the hint that leads to it.

use crate::support::{Place, Result, ran};
use std::io::Read;
use std::process::Stdio;

#[test]
fn a_page_is_shown_for_a_code_however_it_is_written() -> Result {
    let place = Place::new()?;
    let page = place.run(&["explain", "P0401"])?;
    assert_eq!((page.code, page.err.as_str()), (Some(0), ""));
    assert!(
        page.out
            .starts_with("P0401: a destructive step without an approval\n\nThe step destroys"),
        "{}",
        page.out
    );
    assert!(
        page.out.contains(
            "\nWrong\n\n    use microsoft.intune\n\n    playbook wipe_device \"Wipe a device\" {\n"
        ),
        "{}",
        page.out
    );
    for written in ["p0401", "error[P0401]", "401"] {
        assert_eq!(place.run(&["explain", written])?.out, page.out, "{written}");
    }
    Ok(())
}

#[test]
fn all_codes_are_listed_by_family() -> Result {
    let place = Place::new()?;
    let list = place.run(&["explain"])?;
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    assert!(
        list.out.starts_with(
            "Syntax: how a playbook is written\n  P0101  a file that is not plain text\n"
        ),
        "{}",
        list.out
    );
    assert!(
        list.out.contains(
            "\nThe graph: the ways through a playbook\n  P0401  a destructive step without an approval\n"
        ),
        "{}",
        list.out
    );
    Ok(())
}

#[test]
fn a_code_that_does_not_exist_is_answered_with_those_that_do() -> Result {
    let place = Place::new()?;
    let says = |code: &str| -> Result<String> {
        let answer = place.run(&["explain", code])?;
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        Ok(answer.err)
    };
    let far = says("P0399")?;
    assert!(
        far.starts_with("error: there is no finding P0399; this family goes from P0301 to P03"),
        "{far}"
    );
    assert_eq!(
        says("PO401")?,
        "error: there is no finding PO401; did you mean P0401? (`counterplay explain` lists all)\n"
    );
    assert_eq!(
        says("../../README")?,
        "error: there is no finding ../../README; a code is written like P0401 (`counterplay explain` lists all)\n"
    );
    Ok(())
}

#[test]
fn pages_are_styled_only_where_somebody_sees_it() -> Result {
    let place = Place::new()?;
    assert!(!place.run(&["explain", "P0208"])?.out.contains('\u{1b}'));
    let colored = place.run(&["explain", "P0208", "--color", "always"])?;
    assert!(
        colored.out.starts_with("\u{1b}[1mP0208: "),
        "{}",
        colored.out
    );
    Ok(())
}

#[test]
fn a_reader_that_goes_away_is_no_error() -> Result {
    let place = Place::new()?;
    for args in [&["explain"][..], &["explain", "P0401"]] {
        let mut child = place.command(args).stdin(Stdio::piped()).spawn()?;
        // Nobody reads: the pipe is closed before or while the page is written.
        drop(child.stdout.take());
        let mut said = String::new();
        if let Some(mut err) = child.stderr.take() {
            err.read_to_string(&mut said)?;
        }
        let ran = ran(child.wait_with_output()?);
        assert_eq!((ran.code, said.as_str()), (Some(0), ""), "{args:?}");
    }
    Ok(())
}

#[test]
fn check_leads_to_the_page_once() -> Result {
    let place = Place::new()?;
    let wipe = "use microsoft.intune\n\nplaybook p \"P\" {\n  when manual(device: Device)\n  then {\n    intune.wipe(device)\n  }\n}\n";
    place.write("a.play", wipe)?;
    place.write("b.play", wipe.replace("playbook p ", "playbook q "))?;
    let human = place.run(&["check", "."])?;
    assert_eq!(human.code, Some(1));
    assert!(
        human
            .out
            .ends_with("\n2 errors in 2 files\nfor more about P0401: counterplay explain P0401\n"),
        "{}",
        human.out
    );
    assert_eq!(human.out.matches("counterplay explain").count(), 1);
    for format in ["short", "json"] {
        let out = place.run(&["check", ".", "--format", format])?.out;
        assert!(!out.contains("counterplay explain"), "{out}");
    }
    place.write("b.play", "")?;
    place.write("a.play", "")?;
    assert_eq!(place.run(&["check", "."])?.out, "no errors in 2 files\n");
    Ok(())
}
