//! Every code has a page, and what the page shows is so: the wrong example gives the code, the right one nothing.

use counterplay_compiler::codes;
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use counterplay_compiler::explain;
use counterplay_compiler::syntax::{FILE_BYTES_MAX, decode};
use counterplay_compiler::workspace::{Source, Workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Codes that no small source shows, and a source that does.
fn made(code: &str) -> Option<String> {
    let steps = |text: String| {
        format!(
            "use microsoft.intune\n\nplaybook p \"P\" {{\n  when manual(device: Device)\n\n  then {{\n{text}  }}\n}}\n"
        )
    };
    match code {
        "P0102" => Some(" ".repeat(FILE_BYTES_MAX + 1)),
        "P0103" => Some(steps(format!("    end run \"{}\"\n", "x".repeat(70_000)))),
        "P0229" => {
            let mut text = steps("    s10(device)\n".into());
            text.push_str("\nsteps s0(device: Device) {\n  intune.sync(device)\n}\n");
            for i in 1..=10 {
                let call = format!("  s{}(device)\n", i - 1);
                text.push_str(&format!(
                    "\nsteps s{i}(device: Device) {{\n{call}{call}}}\n"
                ));
            }
            Some(text)
        }
        _ => None,
    }
}

/// The constants of the two files of codes.
fn declared() -> BTreeSet<&'static str> {
    [
        include_str!("../src/codes.rs"),
        include_str!("../src/syntax/codes.rs"),
    ]
    .into_iter()
    .flat_map(str::lines)
    .filter_map(|line| {
        line.strip_prefix("pub const ")?
            .split_once(": &str = \"")?
            .1
            .strip_suffix("\";")
    })
    .collect()
}

/// The blocks of a section by their language, without their fences.
fn blocks(page: &str, section: &str) -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    let (mut here, mut open) = (false, None);
    for line in page.lines() {
        match (line.strip_prefix("```"), &open) {
            (Some(language), None) => {
                open = Some(language.to_owned());
                if here {
                    let before = blocks.insert(language.to_owned(), String::new());
                    assert_eq!(before, None, "two {language} blocks in {section}");
                }
            }
            (Some(_), Some(_)) => open = None,
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    here = heading == section;
                }
            }
            (None, Some(language)) => {
                if let Some(block) = blocks.get_mut(language).filter(|_| here) {
                    block.push_str(line);
                    block.push('\n');
                }
            }
        }
    }
    blocks
}

/// The findings of a project, and how they are shown.
fn check(play: Option<&String>, toml: Option<&String>) -> (Vec<Diagnostic>, String) {
    let sources = play.map(|text| Source {
        path: "playbooks/case.play".into(),
        module: "case".into(),
        text: text.clone(),
    });
    let config = toml.map(|text| ("counterplay.toml".into(), text.clone()));
    let workspace = Workspace::new(sources.into_iter().collect(), config);
    let found = workspace.compile().diagnostics;
    let shown = workspace.render(&found, false);
    (found, shown)
}

fn page(code: &str) -> &'static str {
    explain::page(code).unwrap_or_else(|| panic!("{code} has no page in docs/errors"))
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages: BTreeSet<&str> = explain::codes().into_iter().map(|(code, _)| code).collect();
    assert_eq!(declared(), pages);
    assert!(explain::page("p0401").is_some());
    assert_eq!(explain::page("P0000"), None);
    assert_eq!(explain::page("../errors/P0401"), None);
}

#[test]
fn titles_are_told_apart() {
    let mut titles = BTreeSet::new();
    for (code, title) in explain::codes() {
        assert!(titles.insert(title), "{code}: {title:?} is taken");
        let small = title.chars().next().is_some_and(|c| !c.is_uppercase());
        assert!(
            small && !title.ends_with('.') && title.len() <= 60,
            "{code}: {title:?}"
        );
    }
}

#[test]
fn pages_have_one_shape() {
    for code in declared() {
        let page = page(code);
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        assert!(page.lines().all(|l| l.chars().count() <= 150), "{code}");
        let sections: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("## ")).collect();
        assert!(
            matches!(
                sections[..],
                ["Wrong", "Right"]
                    | ["Wrong", "Right", "Why" | "Notes"]
                    | ["Wrong", "Right", "Why", "Notes"]
            ),
            "{code}: {sections:?}"
        );
    }
}

#[test]
fn the_wrong_example_gives_the_code_and_the_right_one_nothing() {
    let mut bad = String::new();
    for code in declared() {
        let page = page(code);
        let (wrong, right) = (blocks(page, "Wrong"), blocks(page, "Right"));
        if page.contains("\n<!-- example: none, ") {
            assert!(
                wrong.is_empty() && made(code).is_some() || code == "P0101",
                "{code} has no example, and nothing here makes one"
            );
            continue;
        }
        let (found, shown) = check(wrong.get("play"), wrong.get("toml"));
        if found.first().map(|d| d.code) != Some(code) {
            bad.push_str(&format!("{code}: the wrong example says\n{shown}\n\n"));
        }
        let (found, shown) = check(right.get("play"), right.get("toml"));
        if !found.is_empty() {
            bad.push_str(&format!("{code}: the right example says\n{shown}\n\n"));
        }
        assert!(!wrong.is_empty() && wrong != right, "{code}");
        assert_eq!(made(code), None, "{code} has an example");
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn codes_without_an_example_are_given_too() {
    for code in declared() {
        if let Some(text) = made(code) {
            let (found, _) = check(Some(&text), None);
            assert_eq!(found.first().map(|d| d.code), Some(code));
        }
    }
    let refused = decode(&Arc::from("a.play"), b"// caf\xe9\n").map_err(|d| d.code);
    assert_eq!(refused, Err("P0101"));
}

#[test]
fn the_codes_of_warnings_are_those_that_can_be_lowered() {
    let warnings: BTreeSet<&str> = codes::WARNINGS.iter().copied().collect();
    // Its page shows the error; tests/lints.rs shows both.
    let mut seen = BTreeSet::from(["P0403"]);
    for code in declared() {
        let wrong = blocks(page(code), "Wrong");
        let (found, _) = check(wrong.get("play"), wrong.get("toml"));
        let of_warnings = found.iter().filter(|d| d.severity == Severity::Warning);
        seen.extend(of_warnings.map(|d| d.code));
    }
    assert_eq!(
        seen, warnings,
        "the list is `WARNINGS` in compiler/src/codes.rs"
    );
}
