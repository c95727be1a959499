//! Messy text in, the canonical style out; and what has to hold for any text.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    super::{
        parse,
        token::{self, Kind},
    },
    format,
};

/// Steps as they stand in a playbook.
fn steps(lines: &str) -> String {
    format!("playbook p \"P\" {{\n  when a.b as x\n  then {{\n{lines}\n  }}\n}}\n")
}

/// What steps become, without the frame.
fn formatted(lines: &str) -> String {
    let text = format(&steps(lines));
    let inside = text
        .strip_prefix("playbook p \"P\" {\n  when a.b as x\n  then {\n")
        .and_then(|rest| rest.strip_suffix("\n  }\n}\n"));
    inside.unwrap_or(&text).to_owned()
}

#[track_caller]
fn becomes(messy: &str, canonical: &str) {
    assert_eq!(formatted(messy), canonical);
    assert_eq!(formatted(canonical), canonical, "it is not settled");
}

#[test]
fn blanks_between_tokens() {
    becomes("let  x=a . b+ -1", "    let x = a.b + -1");
    becomes(
        "if not(a)and b==c {d( )}",
        "    if not (a) and b == c { d() }",
    );
    becomes(
        "f( a ,b:[ 1,2 ] , c : { k:v })",
        "    f(a, b: [1, 2], c: { k: v })",
    );
    becomes(
        "let x=xs ?. y ?? ( if a then b else c )",
        "    let x = xs?.y ?? (if a then b else c)",
    );
    becomes("let n = a - 1 * ( b )", "    let n = a - 1 * (b)");
    becomes(
        "let b = any( d in xs where d.ok )",
        "    let b = any(d in xs where d.ok)",
    );
    assert_eq!(
        format("query  q( on x :List< Text >,y: User ? = absent)->Bool?{\nreturns : body . a\n}"),
        "query q(on x: List<Text>, y: User? = absent) -> Bool? {\n  returns: body.a\n}\n"
    );
    assert_eq!(format("use a . ( b ,c ),d"), "use a.(b, c), d\n");
}

#[test]
fn blocks() {
    becomes(
        "if a {\nb()\n  }   else   if c { d() }\nelse {\ne()\n}",
        "    if a {\n      b()\n    } else if c { d() } else {\n      e()\n    }",
    );
    becomes(
        "match a {\nx { f() }\nelse { g() }\n}",
        "    match a {\n      x { f() }\n      else { g() }\n    }",
    );
    becomes(
        "f() { done { g() } failed { h() } }",
        "    f() {\n      done { g() }\n      failed { h() }\n    }",
    );
    becomes("f() {}", "    f() { }");
    becomes("f() {\n\n\n}", "    f() { }");
    becomes(
        "in parallel { a()\nb() }",
        "    in parallel {\n      a()\n      b()\n    }",
    );
}

#[test]
fn brackets_over_several_lines() {
    // As the author began it.
    becomes(
        "let x = t.create(\n  title: \"a\",\n      team: \"b\"\n )",
        "    let x = t.create(\n      title: \"a\",\n      team: \"b\",\n    )",
    );
    becomes(
        "let x = t.create(title: \"a\",\n team: \"b\",)",
        "    let x = t.create(title: \"a\", team: \"b\")",
    );
    becomes(
        "g.patch(\"/x\", json: {\n a: 1, b: {\n c: 2\n } })",
        "    g.patch(\"/x\", json: {\n      a: 1,\n      b: {\n        c: 2,\n      },\n    })",
    );
    // Where one line would be too wide.
    let wide = "x".repeat(60);
    becomes(
        &format!("f(\"{wide}\", \"{wide}\")"),
        &format!("    f(\n      \"{wide}\",\n      \"{wide}\",\n    )"),
    );
    // There is nothing to spread where there is only one.
    let wide = "x".repeat(150);
    becomes(&format!("f(\"{wide}\")"), &format!("    f(\"{wide}\")"));
}

#[test]
fn breaks_outside_of_brackets_stay() {
    becomes(
        "approve \"?\" about d,\n by t.a,\n   within 4h",
        "    approve \"?\" about d,\n        by t.a,\n        within 4h",
    );
    becomes(
        "a(b) // why\n // more\n  and c",
        "    a(b)  // why\n        // more\n        and c",
    );
    becomes("if a\nand b { c() }", "    if a\n        and b { c() }");
    assert_eq!(
        format("define d(x: Text) -> Bool = (\n if a then b\n   else c\n)"),
        "define d(x: Text) -> Bool = (\n  if a then b\n  else c\n)\n"
    );
}

#[test]
fn comments_and_blank_lines() {
    becomes(
        "\n\n// one\n\n\n// two\na()   // three\n\n\n\nb() // four\n\n",
        "    // one\n\n    // two\n    a()  // three\n\n    b()  // four",
    );
    becomes(
        "  f(\n    // about a\n    a, // one\n    b // two\n    // end\n  )",
        "    f(\n      // about a\n      a,  // one\n      b,  // two\n      // end\n    )",
    );
    becomes(
        "if a { // why\n\nb()\n// end\n}",
        "    if a {  // why\n      b()\n      // end\n    }",
    );
    becomes(
        "if a { b() } // why\nelse { c() }",
        "    if a { b() }  // why\n    else { c() }",
    );
    assert_eq!(
        format("// top\n\n\n/// Doc.\ntype T{\n\n/// F.\na:Text\n}// end\n\n\n\n// last"),
        "// top\n\n/// Doc.\ntype T {\n  /// F.\n  a: Text\n}  // end\n\n// last\n"
    );
    assert_eq!(format("  // only\n\n"), "// only\n");
    assert_eq!(format(""), "");
    assert_eq!(format("\n\n"), "");
}

#[test]
fn lines_that_cannot_be_read_stay_as_they_are() {
    becomes(
        "let  x=1\nlet  y = = 2\nlet  z=3",
        "    let x = 1\n    let  y = = 2\n    let z = 3",
    );
    becomes(
        "if  a && b {\nc( )\n}",
        "    if  a && b {\n      c()\n    }",
    );
    becomes("wait   4hours\nwait   5h", "    wait   4hours\n    wait 5h");
    // Where blocks do not match, nobody knows what belongs to what.
    let broken = "playbook p \"P\" {\n   then {\n  a( )\n}\n";
    assert_eq!(format(broken), broken);
    let next = format!("{broken}\nplaybook q \"Q\" {{\nwhen   a.b\n}}\n");
    assert!(format(&next).starts_with(broken));
    assert!(
        format(&next).ends_with("playbook q \"Q\" {\n  when a.b\n}\n"),
        "{}",
        format(&next)
    );
}

#[test]
fn texts_are_nobodys_layout() {
    becomes("let x = \"a  {b  .  c}\"", "    let x = \"a  {b  .  c}\"");
    let block = "    let x = \"\"\"\n        two\n          lines  \n        \"\"\"";
    becomes(block, block);
}

#[test]
fn line_ends_and_members() {
    assert_eq!(format("use a\r\n\r\nuse\tb\r\n"), "use a\r\n\r\nuse b\r\n");
    let members: Vec<String> = (0..20).map(|i| format!("member_{i}")).collect();
    let one_a_line = format!("enum E {{\n  {}\n}}\n", members.join(",\n  "));
    assert_eq!(
        format(&format!("enum E {{ {} }}", members.join(", "))),
        one_a_line
    );
    assert_eq!(format(&one_a_line), one_a_line);
    assert_eq!(
        format("enum E ordered {a,b=\"B\"}"),
        "enum E ordered { a, b = \"B\" }\n"
    );
}

/// The tokens that mean something, without commas before closers; and the comments.
fn substance(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut tokens, mut comments) = (Vec::<String>::new(), Vec::new());
    for token in token::tokens(text) {
        let word = token.text(text);
        match token.kind {
            Kind::Space | Kind::Newline => {}
            Kind::Comment | Kind::Doc | Kind::HashComment | Kind::StarComment => {
                comments.push(word.trim_end().to_owned());
            }
            _ => {
                let closes = matches!(
                    token.kind,
                    Kind::ParenClose | Kind::SquareClose | Kind::BraceClose
                );
                if closes && tokens.last().is_some_and(|last| last == ",") {
                    tokens.pop();
                }
                tokens.push(word.to_owned());
            }
        }
    }
    (tokens, comments)
}

/// The trees of a file without their places.
fn trees(text: &str) -> String {
    let parsed = parse(&Arc::from("x"), text);
    let items: Vec<_> = parsed.items.iter().map(|item| &item.item).collect();
    let shown = format!("{items:?}");
    let mut parts = shown.split("Span { start: ");
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        out.push_str("Span");
        out.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    out
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let once = format(text);
    prop_assert_eq!(format(&once), once.clone(), "twice is once, for {:?}", text);
    let mut lf = text.to_owned();
    while lf.contains("\r\n") {
        lf = lf.replace("\r\n", "\n");
    }
    let printed = once.replace("\r\n", "\n");
    prop_assert_eq!(substance(&lf), substance(&printed), "{:?}", text);
    prop_assert_eq!(trees(&lf), trees(&printed), "{:?}", text);
    Ok(())
}

fn library() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = crate::library::files()
        .into_iter()
        .map(|(path, text)| (path, text.to_owned()))
        .collect();
    let everything = include_str!("../tests/programs/everything.play");
    files.push(("everything.play".into(), everything.into()));
    files
}

#[test]
fn the_library_is_formatted() {
    for (path, text) in crate::library::files() {
        assert!(format(text) == text, "{path}: run `counterplay fmt stdlib`");
    }
}

#[test]
fn programs_keep_their_meaning() {
    for (path, text) in library() {
        holds(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_keeps_its_meaning(text in "(?s).{0,300}") {
        holds(&text)?;
    }

    #[test]
    fn a_program_with_a_piece_cut_out(file in 0..library().len(), at in 0.0..1.0_f64, len in 0..12_usize) {
        let (_, text) = &library()[file];
        let start = text.floor_char_boundary((text.len() as f64 * at) as usize);
        let end = text.floor_char_boundary(start + len);
        holds(&format!("{}{}", &text[..start], &text[end..]))?;
    }

    #[test]
    fn a_program_with_a_piece_put_in(file in 0..library().len(), at in 0.0..1.0_f64, piece in "[{}()\\[\\]\"',:;=.!&|\\\\/#a-z0-9 \n]{1,6}") {
        let (_, text) = &library()[file];
        let at = text.floor_char_boundary((text.len() as f64 * at) as usize);
        holds(&format!("{}{piece}{}", &text[..at], &text[at..]))?;
    }

    #[test]
    fn layout_does_not_matter(file in 0..library().len(), seed in any::<u64>()) {
        let (_, text) = &library()[file];
        let expected = format(text);
        // Other blanks between the same tokens of a line, and other indentation.
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize
        };
        let mut messy = String::new();
        let mut fresh = true;
        for token in token::tokens(text) {
            match token.kind {
                Kind::Newline => fresh = true,
                Kind::Space if fresh => {
                    // Deeper lines stay deeper: indentation tells where a block that was left open ends.
                    messy.push_str(&" ".repeat(token.end - token.start));
                    continue;
                }
                Kind::Space => {
                    messy.push_str(&" ".repeat(1 + next() % 3));
                    continue;
                }
                _ => fresh = false,
            }
            messy.push_str(token.text(text));
        }
        prop_assert_eq!(format(&messy), expected);
    }
}
