//! The canonical style, as an author sees it: every file that ships is written in it, and what it does to
//! lists, comments and damaged files.

use counterplay_compiler::{format::format, library, syntax::parse};
use std::{fs, path::Path, sync::Arc};

#[track_caller]
fn becomes(messy: &str, canonical: &str) {
    assert_eq!(format(messy), canonical);
    assert_eq!(format(canonical), canonical, "it is not settled");
}

#[test]
fn what_ships_is_formatted() {
    let mut files: Vec<(String, String)> = library::files()
        .into_iter()
        .map(|(path, text)| (path, text.to_owned()))
        .collect();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let before = files.len();
    gather(&examples, &mut files);
    assert!(files.len() > before, "no example was found");
    for (path, text) in files {
        assert!(
            format(&text) == text,
            "{path}: run `counterplay fmt {path}`"
        );
    }
}

fn gather(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|e| e == "play") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn a_sign_is_tight_wherever_it_stands() {
    becomes(
        "define d(x: Int) -> Int = f( - 1,- 2, [ 1,- 3 ], { a : - x.y }, a: - 4,) - - 5\n",
        "define d(x: Int) -> Int = f(-1, -2, [1, -3], { a: -x.y }, a: -4) - -5\n",
    );
}

#[test]
fn blank_lines_between_elements_stay() {
    becomes(
        "define d(x: Int) -> Int = f(\n  a,\n\n\n  // b\n  b,\n\n  c\n)\n",
        "define d(x: Int) -> Int = f(\n  a,\n\n  // b\n  b,\n\n  c,\n)\n",
    );
}

#[test]
fn comments_in_a_choice_stay_where_they_are() {
    becomes(
        "define d(x: Int) -> Int = ( // lowest last\n  if x>3 then 1 // one\n    // two\n  else if x>2 then 2\n  else 3 // three\n  // end\n)\n",
        "define d(x: Int) -> Int = (  // lowest last\n  if x > 3 then 1  // one\n  // two\n  else if x > 2 then 2\n  else 3  // three\n  // end\n)\n",
    );
    becomes(
        "define d(x: Int) -> Int = f(\n    // why\n  x)\n",
        "define d(x: Int) -> Int = f(\n  // why\n  x\n)\n",
    );
}

#[test]
fn what_was_opened_is_closed_on_a_line_of_its_own() {
    becomes(
        "define d(x: Int) -> Bool = (\n  a\n   or b)\n",
        "define d(x: Int) -> Bool = (\n  a\n  or b\n)\n",
    );
    becomes(
        "define d(x: Int) -> Bool = f(\n)\n",
        "define d(x: Int) -> Bool = f()\n",
    );
}

#[test]
fn a_block_in_a_block_is_opened_up() {
    becomes(
        "steps s(a: Bool) { if a { return } }\n",
        "steps s(a: Bool) {\n  if a { return }\n}\n",
    );
}

#[test]
fn a_blank_line_goes_only_where_a_block_begins() {
    becomes(
        "// as in {\n\nsteps s() {  // \"x\" {\n\n  // as in {\n\n  return\n}\n",
        "// as in {\n\nsteps s() {  // \"x\" {\n  // as in {\n\n  return\n}\n",
    );
}

#[test]
fn comments_of_other_languages_are_comments() {
    becomes(
        "playbook p \"P\" {\n mode:  active # why\n # when\n when  a.b as c\n then { f( x ) }\n}\n",
        "playbook p \"P\" {\n  mode: active  # why\n  # when\n  when a.b as c\n  then { f(x) }\n}\n",
    );
}

#[test]
fn a_damaged_item_stays_byte_for_byte_and_its_neighbours_do_not() {
    for damaged in [
        // A closer is missing, one is too many, something stands behind the item.
        "playbook p \"P\" {\n   when  a.b as c\n  then {\n  f( x )\n}",
        "playbook p \"P\" {\n   when  a.b as c\n  then { f( x ) } }\n  }",
        "define m() -> Json = f({\na:1 }, [\n 1, 2\n ])",
        "use   a , b;",
        "steps s( ) { return }\n   stray   tokens ( here",
        "connection g {\n  auth:f(a:\"x\",\nb: \"y\")\n}",
    ] {
        becomes(
            &format!("use   x\n{damaged}\n\n\n// next\nuse   y\n"),
            &format!("use x\n{damaged}\n\n// next\nuse y\n"),
        );
    }
    // How deep a line stands tells what a damaged block holds: odd blanks count, too.
    let odd = "\u{feff} playbook x \"X\" \n let\n";
    becomes(odd, odd);
    let loose = "  then {\n x\n    y( z\n   }\n";
    becomes(loose, loose);
}

#[test]
fn line_ends_of_every_system() {
    // They stay as the author's editor writes them.
    becomes("use   a\r\n\r\n\r\nuse b\r\r\n", "use a\r\n\r\nuse b\r\n");
    // A row of carriage returns is no work.
    let returns = format!("use a{}\nuse b\n", "\r".repeat(1 << 20));
    assert_eq!(format(&returns), "use a\r\nuse b\r\n");
}

#[test]
fn indentation_of_a_whole_file_does_not_matter() {
    for (path, text) in library::files() {
        let deeper: String = text
            .split_inclusive('\n')
            .map(|line| format!("   {line}"))
            .collect();
        assert!(format(&deeper) == text, "{path}");
    }
}

#[test]
fn findings_stay_what_they_are() {
    let text = "playbook p \"P\" {\n when   a.b as c\n  then {\n   let  x = = 1\n let y=2 +\n  f( x ) && g\n wait   4hours\n }\n}\n";
    let codes = |text: &str| -> Vec<&'static str> {
        let parsed = parse(&Arc::from("a.play"), text);
        let items = parsed.items.iter().flat_map(|item| &item.diagnostics);
        items.map(|diagnostic| diagnostic.code).collect()
    };
    let formatted = format(text);
    assert!(!codes(text).is_empty());
    assert_eq!(codes(&formatted), codes(text), "{formatted}");
    for line in ["let  x = = 1", "f( x ) && g", "wait   4hours"] {
        assert!(formatted.contains(line), "{formatted}");
    }
}
