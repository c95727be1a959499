//! `check` and `graph` on good and bad input.

use crate::support::{Place, Result};

const GOOD: &str = "use notify\n\nplaybook hello \"Hello\" {\n  when manual(reason: Text)\n  then {\n    notify.email(\"a@example.org\", subject: \"Hello\", body: reason)\n  }\n}\n";
const BAD: &str = "use notify\n\nplaybook hello \"Hello\" {\n  when manual(reason: Txt)\n  then {\n    notify.emial(\"a@example.org\", subject: \"Hello\", body: \"x\")\n  }\n}\n";

#[test]
fn good_files_pass() -> Result {
    let place = Place::new()?;
    place.write("a.play", GOOD)?;
    place.write("empty.play", "")?;
    let ran = place.run(&["check", "."])?;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "no errors in 2 files\n"),
        "{ran:?}"
    );
    assert_eq!(place.run(&["check", "empty.play"])?.code, Some(0));
    Ok(())
}

#[cfg(unix)]
#[test]
fn secrets_are_looked_up_where_the_service_will_look() -> Result {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new()?;
    place.write(
        "counterplay.toml",
        "[project]\nname = \"X\"\n\n[teams.it]\nmembers = [\"ana@example.org\"]\nslack_webhook = \"slack-it\"\n\n[connections.graph]\nclient_id = \"x\"\nsecret = \"graph-app\"\n\n[secrets]\nprovider = \"file\"\n",
    )?;
    let none = place.run(&["check", ".", "--secrets"])?;
    assert_eq!(none.code, Some(1));
    assert!(
        none.out.contains("no secret can be had: the secrets file"),
        "{}",
        none.out
    );
    let file = place.write("secrets.toml", "graph-app = \"PLANTED\"\n")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let one = place.run(&["check", ".", "--secrets"])?;
    assert_eq!(one.code, Some(1), "{one:?}");
    let (_, told) = one
        .out
        .split_once("no errors in 1 file\n")
        .ok_or("no summary")?;
    let path = std::fs::canonicalize(&file)?;
    assert_eq!(
        told.replace(&path.display().to_string(), "FILE")
            .replace(&file.display().to_string(), "FILE"),
        "2 secrets, from secrets.toml\n  there graph-app  [connections.graph]\n  lacks slack-it  [teams.it]\n        the secret `slack-it` is not set: add a line slack-it = \"…\" to FILE\n"
    );
    std::fs::write(
        &file,
        "graph-app = \"PLANTED\"\nslack-it = \"https://x.example\"\n",
    )?;
    let both = place.run(&["check", ".", "--secrets", "--format", "short"])?;
    assert_eq!(both.code, Some(0), "{both:?}");
    assert!(!both.out.contains("PLANTED") && !both.err.contains("PLANTED"));
    assert_eq!(
        place
            .run(&["check", ".", "--secrets", "--format", "json"])?
            .code,
        Some(2)
    );
    Ok(())
}

#[test]
fn secrets_are_not_looked_up_where_nobody_chose() -> Result {
    let place = Place::new()?;
    place.write("playbooks/a.play", "")?;
    for section in [
        "[secrets]\nprovider = \"valt\"\n",
        "[secrets]\nprovider = \"vault\"\n",
        "[secrets]\nprovider = \"environment\"\ntoken = \"x\"\n",
        "[secrets\n",
    ] {
        place.write(
            "counterplay.toml",
            format!("[project]\nname = \"X\"\n\n[connections.svc]\nsecret = \"svc\"\n\n{section}"),
        )?;
        for path in [".", "playbooks/a.play"] {
            let ran = place.run(&["check", path, "--secrets"])?;
            assert_eq!(ran.code, Some(1), "{section}: {ran:?}");
            assert!(
                ran.out.ends_with(
                    "no secret was looked up: counterplay.toml has a mistake where it says where they come from\n"
                ),
                "{section}: {}",
                ran.out
            );
            assert!(!ran.out.contains("lacks"), "{section}: {}", ran.out);
        }
    }
    Ok(())
}

#[test]
fn errors_are_shown_in_three_formats() -> Result {
    let place = Place::new()?;
    place.write("a.play", BAD)?;
    let human = place.run(&["check", "a.play"])?;
    assert_eq!(human.code, Some(1));
    assert!(
        human.out.contains("there is no type `Txt`"),
        "{}",
        human.out
    );
    let end =
        "\n2 errors in 1 file\nfor more about a finding, by its code: counterplay explain P0211\n";
    assert!(human.out.ends_with(end), "{}", human.out);
    let short = place.run(&["check", "a.play", "--format", "short"])?;
    assert!(
        short
            .out
            .starts_with("a.play:4:23: error[P0211]: there is no type `Txt`\n"),
        "{}",
        short.out
    );
    assert!(short.out.ends_with("2 errors in 1 file\n"), "{}", short.out);
    let json = place.run(&["check", "a.play", "--format", "json"])?;
    let first: serde_json::Value = serde_json::from_str(json.out.lines().next().ok_or("no line")?)?;
    assert_eq!(first["code"], "P0211");
    let at = &first["places"][0];
    assert_eq!(
        (at["line"].as_u64(), at["column"].as_u64()),
        (Some(4), Some(23))
    );
    let start = usize::try_from(at["start"].as_u64().unwrap_or(0))?;
    assert_eq!(&BAD[start..start + 3], "Txt");
    assert_eq!(json.out.lines().count(), 2);
    Ok(())
}

#[test]
fn findings_stand_at_their_lines_of_a_pull_request() -> Result {
    let place = Place::new()?;
    place.write("a, b.play", BAD)?;
    let github = place.run(&["check", "a, b.play", "--format", "github"])?;
    assert_eq!(github.code, Some(1));
    let lines: Vec<&str> = github.out.lines().collect();
    assert_eq!(lines.len(), 2, "one command a finding: {}", github.out);
    assert!(
        lines[0].starts_with(
            "::error file=a%2C b.play,line=4,col=23,endLine=4,endColumn=26,title=P0211::there is no type `Txt`%0A"
        ),
        "{}",
        lines[0]
    );
    Ok(())
}

/// 25 mistakes in one file, after as many lines that only warn.
fn many() -> String {
    let line = "    notify.emial(\"a@example.org\", subject: \"x\", body: \"x\")\n";
    let warns = "    if reason is present { end run }\n";
    let steps = format!("{}{}", warns.repeat(5), line.repeat(25));
    GOOD.replace("    notify.email", &format!("{steps}    notify.email"))
}

#[test]
fn people_are_shown_twenty_findings_a_file_and_programs_all() -> Result {
    let place = Place::new()?;
    place.write("a.play", many())?;
    place.write("b.play", BAD.replace("playbook hello", "playbook other"))?;
    let human = place.run(&["check", "."])?;
    assert_eq!(human.code, Some(1));
    assert_eq!(human.out.matches("error[").count(), 20 + 2);
    assert_eq!(human.out.matches("warning[").count(), 0, "{}", human.out);
    let rest = "… and 10 more in a.play: 5 errors, 5 warnings\n";
    assert!(human.out.contains(&format!("\n{rest}\n")), "{}", human.out);
    // What is not shown counts.
    assert!(
        human.out.contains("\n27 errors, 5 warnings in 2 files\n"),
        "{}",
        human.out
    );
    let short = place.run(&["check", ".", "--format", "short"])?;
    let lines: Vec<&str> = short.out.lines().collect();
    assert_eq!(lines.len(), 20 + 1 + 2 + 1, "{}", short.out);
    assert_eq!(format!("{}\n", lines[20]), rest);
    for format in ["json", "github"] {
        let all = place.run(&["check", ".", "--format", format])?;
        assert_eq!(all.out.lines().count(), 32, "{format}: {}", all.out);
    }
    Ok(())
}

#[test]
fn the_project_file_says_what_is_made_of_warnings() -> Result {
    let place = Place::new()?;
    let config = "[project]\nname = \"x\"\n[connections.mail]\nbase = \"smtp://mail.example.org:587\"\nfrom = \"soc@example.org\"\n";
    let play = GOOD.replace("body: reason", "body: reason ?? \"\"");
    place.write("playbooks/a.play", play)?;
    for (lints, code, out) in [
        ("", 0, "1 warning in 2 files\n"),
        (
            "[lints]\n\"P0221\" = \"allow\"\n",
            0,
            "no errors in 2 files\n",
        ),
        (
            "[lints]\n\"P0221\" = \"error\"\n",
            1,
            "1 error in 2 files\n",
        ),
    ] {
        place.write("counterplay.toml", format!("{config}{lints}"))?;
        let ran = place.run(&["check", ".", "--format", "short"])?;
        assert_eq!(ran.code, Some(code), "{lints}: {ran:?}");
        assert!(ran.out.ends_with(out), "{lints}: {}", ran.out);
    }
    place.write(
        "counterplay.toml",
        format!("{config}[lints]\n\"P0212\" = \"allow\"\n"),
    )?;
    let ran = place.run(&["check", ".", "--format", "short"])?;
    assert!(
        ran.out.contains(
            "counterplay.toml:7:1: error[P0228]: P0212 is an error and cannot be lowered\n"
        ),
        "{}",
        ran.out
    );
    Ok(())
}

#[test]
fn findings_are_written_for_code_scanning() -> Result {
    let place = Place::new()?;
    place.write("a, b.play", BAD)?;
    place.write("c.play", "playbook c \"C\" {\n  when manual(x: Text)\n  then { notify.email(\"a@example.org\", subject: \"é\", body: x) }\n}\n")?;
    let sarif = place.run(&["check", ".", "--format", "sarif"])?;
    assert_eq!(sarif.code, Some(1));
    let log: serde_json::Value = serde_json::from_str(&sarif.out)?;
    let run = &log["runs"][0];
    let results = run["results"].as_array().ok_or("no results")?;
    let rules = run["tool"]["driver"]["rules"]
        .as_array()
        .ok_or("no rules")?;
    assert_eq!(results.len(), 3, "{}", sarif.out);
    assert_eq!(rules.len(), 3);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().ok_or("no rule")?)?;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["level"], "error");
    }
    let first = &results[0]["locations"][0];
    let physical = &first["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "a%2C%20b.play");
    let region = |line, from, to| serde_json::json!({"startLine": line, "startColumn": from, "endLine": line, "endColumn": to});
    assert_eq!(physical["region"], region(4, 23, 26));
    assert!(
        rules[0]["help"]["markdown"]
            .as_str()
            .is_some_and(|t| t.starts_with("# P0211"))
    );
    // A module that is not imported: the fix is an insertion at the top of the file.
    let import = &results[2];
    assert_eq!(import["ruleId"], "P0202");
    let fix = &import["fixes"][0];
    assert_eq!(fix["properties"]["safe"], true);
    let change = &fix["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "c.play");
    let replacement = &change["replacements"][0];
    assert_eq!(replacement["deletedRegion"], region(1, 1, 1));
    assert!(
        replacement["insertedContent"]["text"]
            .as_str()
            .is_some_and(|t| t.starts_with("use notify\n"))
    );
    // Nothing found is a document, too.
    place.write("good/a.play", GOOD)?;
    let nothing = place.run(&["check", "good", "--format", "sarif"])?;
    assert_eq!(nothing.code, Some(0));
    let log: serde_json::Value = serde_json::from_str(&nothing.out)?;
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    Ok(())
}

#[test]
fn what_cannot_be_read_is_said() -> Result {
    let place = Place::new()?;
    place.write("latin.play", b"use notify // caf\xe9\n")?;
    let latin = place.run(&["check", "latin.play", "--format", "short"])?;
    assert_eq!(latin.code, Some(1));
    assert!(
        latin
            .out
            .starts_with("latin.play:1:18: error[P0101]: this file is not UTF-8"),
        "{}",
        latin.out
    );
    let gone = place.run(&["check", "gone.play"])?;
    assert_eq!(
        (gone.code, gone.err.as_str()),
        (Some(2), "error: there is no file or folder gone.play\n")
    );
    place.write("notes.txt", "x")?;
    let other = place.run(&["check", "notes.txt"])?;
    assert_eq!(other.code, Some(2));
    assert!(
        other.err.contains("neither a .play file nor a folder"),
        "{}",
        other.err
    );
    std::fs::create_dir(place.path().join("none"))?;
    assert_eq!(
        place.run(&["check", "none"])?.err,
        "error: there is no .play file in none\n"
    );
    assert_eq!(place.run(&["check"])?.code, Some(2));
    Ok(())
}

#[test]
fn odd_files_neither_hang_nor_panic() -> Result {
    let place = Place::new()?;
    place.write("nested.play", "{".repeat(10_000))?;
    place.write("long.play", "x".repeat(1 << 20))?;
    place.write("big.play", vec![b' '; 5 << 20])?;
    let ran = place.run(&["check", "."])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert!(ran.out.contains("longer than 4 MiB"), "{}", ran.out);
    Ok(())
}

#[test]
fn a_project_is_found_from_a_file_in_it() -> Result {
    let place = Place::new()?;
    place.write("counterplay.toml", "[project]\nname = \"x\"\n[connections.mail]\nbase = \"smtp://mail.example.org:587\"\nfrom = \"soc@example.org\"\n")?;
    place.write("playbooks/good.play", GOOD)?;
    place.write(
        "playbooks/bad.play",
        BAD.replace("playbook hello", "playbook other"),
    )?;
    assert_eq!(place.run(&["check", "."])?.code, Some(1));
    let good = place.run(&["check", "playbooks/good.play"])?;
    assert_eq!(
        (good.code, good.out.as_str()),
        (Some(0), "no errors in 1 file\n"),
        "{good:?}"
    );
    let run = place.run(&["simulate", "hello", "--with", "reason=x"])?;
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("nothing was done, because of 2 errors"),
        "{}",
        run.err
    );
    Ok(())
}

#[test]
fn graphs_are_drawn() -> Result {
    let place = Place::new()?;
    let mermaid = place.run(&["graph", "compromised_user"])?;
    assert_eq!(mermaid.code, Some(0));
    assert!(mermaid.out.starts_with("flowchart TD\n"), "{}", mermaid.out);
    let dot = place.run(&["graph", "stale_account", "--format", "dot"])?;
    assert!(
        dot.out.starts_with("digraph \"stale_account\""),
        "{}",
        dot.out
    );
    place.write(
        "two.play",
        format!(
            "{GOOD}{}",
            GOOD.replace("use notify\n", "")
                .replace("playbook hello", "playbook again")
        ),
    )?;
    let both = place.run(&["graph", "two.play"])?;
    assert!(both.err.contains("holds 2 playbooks"), "{}", both.err);
    assert_eq!(place.run(&["graph", "two.play:again"])?.code, Some(0));
    let unknown = place.run(&["graph", "compromised_usr"])?;
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("did you mean `compromised_user`?"),
        "{}",
        unknown.err
    );
    Ok(())
}

#[test]
fn help_is_printed_and_colours_stay_away_from_files() -> Result {
    let place = Place::new()?;
    let help = place.run(&["run", "--help"])?;
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("Examples:") && help.out.contains("Exit codes:"));
    let plain = place.run(&["simulate", "stale_account"])?;
    assert!(!plain.out.contains('\u{1b}'));
    let colored = place.run(&["simulate", "stale_account", "--color", "always"])?;
    assert!(colored.out.contains('\u{1b}'));
    Ok(())
}

#[test]
fn a_path_that_is_not_there_is_not_the_project_around_it() -> Result {
    let place = Place::new()?;
    place.write(
        "counterplay.toml",
        "[project]\nname = \"X\"\nsources = [\"playbooks\"]\n",
    )?;
    place.write(
        "playbooks/a.play",
        "playbook a \"A\" {\n  when every day at 07:00\n  then { end run \"done\" }\n}\n\ntest \"ends\" {\n  given schedule a\n  expect outcome stopped\n}\n",
    )?;
    for command in ["check", "verify", "doc", "test", "fmt", "fix"] {
        for path in ["nope", "playbooks/typo.play"] {
            let ran = place.run(&[command, path])?;
            assert_eq!(ran.code, Some(2), "{command} {path}: {ran:?}");
            let told = format!("there is no file or folder {path}");
            assert!(ran.err.contains(&told), "{command} {path}: {ran:?}");
            assert_eq!(ran.out, "", "{command} {path}");
        }
    }
    for named in [&["permissions", "nope"][..], &["runs", "--project", "nope"]] {
        let ran = place.run(named)?;
        assert_eq!(ran.code, Some(2), "{named:?}: {ran:?}");
        assert!(
            ran.err.contains("there is no file or folder nope"),
            "{named:?}: {ran:?}"
        );
    }
    let title = place.run(&["test", "--filter", "nothing like it"])?;
    assert!(
        title.err.contains("no test here has such a title"),
        "{title:?}"
    );
    place.write("empty/readme.md", "")?;
    let none = place.run(&["test", "empty"])?;
    assert!(none.err.contains("there are no tests here"), "{none:?}");
    Ok(())
}
