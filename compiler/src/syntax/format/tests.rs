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

/// Five of these do not fit on a line.
const LONG: &str = "some_service.some_field_with_a_name";

#[test]
fn conditions_that_are_too_wide_break_before_their_operators() {
    becomes(
        &format!("if {LONG} and {LONG} and {LONG} and {LONG} {{ a() }}"),
        &format!(
            "    if {LONG}\n        and {LONG}\n        and {LONG}\n        and {LONG} {{ a() }}"
        ),
    );
    // What binds less tightly is broken first, and the rest only where it has to be.
    becomes(
        &format!("let x = {LONG} and {LONG} or {LONG} and {LONG}"),
        &format!("    let x = {LONG} and {LONG}\n        or {LONG} and {LONG}"),
    );
    becomes(
        &format!("let x = {LONG} + f({LONG}, {LONG}) + {LONG}"),
        &format!("    let x = {LONG}\n        + f({LONG}, {LONG})\n        + {LONG}"),
    );
    becomes(
        &format!("let x = {LONG} ?? {LONG} ?? {LONG} ?? \"a\""),
        &format!("    let x = {LONG}\n        ?? {LONG}\n        ?? {LONG}\n        ?? \"a\""),
    );
    // A field or an argument of that name is no operator.
    becomes(
        &format!(
            "let x = {LONG}.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or"
        ),
        &format!(
            "    let x = {LONG}.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or.and.or"
        ),
    );
}

#[test]
fn approvals_that_are_too_wide_break_before_what_they_are_about() {
    becomes(
        &format!(
            "approve \"Wipe {{{LONG}}}? Everything on it is lost.\" about device, by team.leads, needs 2, within 4h"
        ),
        &format!(
            "    approve \"Wipe {{{LONG}}}? Everything on it is lost.\"\n        about device, by team.leads, needs 2, within 4h"
        ),
    );
    becomes(
        &format!(
            "approve \"?\" about {LONG}, {LONG}, by {LONG}, needs 2, within 4h {{ rejected {{ a() }} }}"
        ),
        &format!(
            "    approve \"?\"\n        about {LONG},\n        {LONG},\n        by {LONG},\n        needs 2,\n        within 4h {{\n      rejected {{ a() }}\n    }}"
        ),
    );
}

#[test]
fn comprehensions_and_choices_that_are_too_wide_break_into_their_parts() {
    becomes(
        &format!("let x = list(d.name for d in {LONG} where d.ok and {LONG} and {LONG})"),
        &format!(
            "    let x = list(\n      d.name\n      for d in {LONG}\n      where d.ok and {LONG} and {LONG}\n    )"
        ),
    );
    becomes(
        &format!("f(any(d in {LONG} where d.x == {LONG} and d.y == {LONG}))"),
        &format!(
            "    f(any(\n      d in {LONG}\n      where d.x == {LONG} and d.y == {LONG}\n    ))"
        ),
    );
    // Where a part is too wide itself, the arguments in it are spread too, from where it stands.
    becomes(
        &format!("let x = list(T(a: {LONG}, b: {LONG}, c: {LONG}, d: 1) for d in xs)"),
        &format!(
            "    let x = list(\n      T(\n        a: {LONG},\n        b: {LONG},\n        c: {LONG},\n        d: 1,\n      )\n      for d in xs\n    )"
        ),
    );
    becomes(
        &format!("let x = (if {LONG} then {LONG} else if {LONG} then b else c)"),
        &format!(
            "    let x = (\n      if {LONG} then {LONG}\n      else if {LONG} then b\n      else c\n    )"
        ),
    );
    becomes(
        &format!("let x = a and ({LONG} or {LONG} or {LONG} or {LONG})"),
        &format!(
            "    let x = a\n        and (\n          {LONG}\n          or {LONG}\n          or {LONG}\n          or {LONG}\n        )"
        ),
    );
}

#[test]
fn a_block_is_opened_before_its_head_is_broken() {
    becomes(
        &format!("if a and {LONG} {{ f({LONG}, {LONG}) }}"),
        &format!("    if a and {LONG} {{\n      f({LONG}, {LONG})\n    }}"),
    );
    becomes(
        &format!("f({LONG}, b) {{ failed {{ g({LONG}, {LONG}) }} }}"),
        &format!("    f({LONG}, b) {{\n      failed {{ g({LONG}, {LONG}) }}\n    }}"),
    );
}

#[test]
fn a_comment_behind_a_line_is_not_what_makes_it_too_wide() {
    let comment = "very ".repeat(20);
    let call = format!(
        "    f(\n      g({LONG}, {LONG}),  // {}\n      b,\n    )",
        comment.trim_end()
    );
    becomes(&call, &call);
}

#[test]
fn many_wide_lines_are_one_round() {
    let row = |i: usize| format!("f({LONG}, {LONG}, {LONG}, {i})");
    let rows: Vec<String> = (0..250).map(row).collect();
    let text = formatted(&format!("let x = [{}]", rows.join(", ")));
    assert!(
        text.lines()
            .all(|line| line.chars().count() <= super::WIDTH),
        "{text}"
    );
    assert_eq!(formatted(&text), text);
}

#[test]
fn what_is_wrong_with_an_item_says_nothing_about_its_neighbours() {
    for broken in [
        "playbook p \"P\" {\n   then {\n  a( )\n}",
        "event  e {\n fires: o}\nnce per (raw.id)\n  field  x: Text = raw.x\n}",
        "type  T {\n  a:Text }\n}",
        "enum  E { a ; b }",
        "query  q() {\n /* note */\n  expect:  200\n}",
        "define  d( -> Bool = true",
    ] {
        let text = format!("use   a\n\n\n{broken}\n\n\n\ntype  T{{ a:Text }}\n");
        let expected = format!("use a\n\n{broken}\n\ntype T {{ a: Text }}\n");
        assert_eq!(format(&text), expected);
        assert_eq!(format(&expected), expected);
    }
    // What stands before the first item is no item, and keeps its place on its line.
    assert_eq!(format("   hello  you\nuse   a\n"), "   hello  you\nuse a\n");
}

#[test]
fn a_mark_of_the_byte_order_goes() {
    assert_eq!(format("\u{feff}use  a\n"), "use a\n");
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
                // A return at the end of a line is no part of a text that was left open.
                tokens.push(word.trim_end_matches('\r').to_owned());
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

pub(super) fn holds(text: &str) -> Result<(), TestCaseError> {
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

pub(super) fn library() -> Vec<(String, String)> {
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

#[test]
fn what_properties_have_found() {
    for text in [
        "\"'\r",
        "/* c */ then playbook x \"X\" {\n playbook x \"X\"",
    ] {
        holds(text).unwrap_or_else(|error| panic!("{error}"));
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
