//! `doc`: the reference of a project and of the library, to standard output and to a folder.

use crate::support::{Place, Result, example};

#[test]
fn an_example_is_written_as_markdown_and_html() -> Result {
    let place = Place::new()?;
    let project = example("offboarding").display().to_string();
    let ran = place.run(&["doc", &project])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(
        ran.out
            .contains("\n### Offboarding\n\n*playbook* `offboarding`\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("| `last_day` | `Time` |"), "{}", ran.out);
    assert_eq!(place.run(&["doc", &project])?.out, ran.out);

    let ran = place.run(&["doc", &project, "--format", "html", "--out", "site/deep"])?;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "wrote site/deep/reference.html\n")
    );
    let page = std::fs::read_to_string(place.path().join("site/deep/reference.html"))?;
    assert!(page.starts_with("<!doctype html>\n"), "{page}");
    assert!(
        page.contains("<h3 id=\"offboarding-1\">Offboarding</h3>"),
        "{page}"
    );
    assert!(page.contains("<a href=\"#offboarding-1\">"), "{page}");
    for never in ["<script", "<link", "<img", "src="] {
        assert!(!page.contains(never), "{never}");
    }
    Ok(())
}

#[test]
fn the_library_is_written_whole_with_links_that_lead_somewhere() -> Result {
    let place = Place::new()?;
    let ran = place.run(&["doc", "--library", "--format", "html"])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for name in [
        "entra.block_sign_in",
        "intune.wipe",
        "Severity",
        "identity.risk_detected",
    ] {
        assert!(ran.out.contains(&format!(">{name}</h3>")), "{name}");
    }
    let mut links = 0;
    for link in ran.out.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap_or("");
        assert_eq!(ran.out.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        links += 1;
    }
    assert!(links > 80, "{links}");
    Ok(())
}

#[test]
fn files_alone_are_shown_alone_and_mistakes_are_told() -> Result {
    let place = Place::new()?;
    place.write("a.play", "/// Says hello.\nplaybook hello \"Hello\" {\n  when manual(reason: Text)\n  then { end run reason }\n}\n")?;
    let ran = place.run(&["doc", "a.play"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("Says hello."), "{}", ran.out);
    assert!(!ran.out.contains("compromised_user"), "{}", ran.out);
    place.write("a.play", "playbook hello \"Hello\" {\n  then { }\n}\n")?;
    let ran = place.run(&["doc", "a.play"])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    place.write("taken", "")?;
    let ran = place.run(&["doc", "--library", "--out", "taken"])?;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.starts_with("error: taken cannot be written"),
        "{}",
        ran.err
    );
    Ok(())
}
