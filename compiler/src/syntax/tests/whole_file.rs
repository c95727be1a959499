//! The grammar's rule for a whole file accepts a text exactly when reading it gives no finding. Wherever a line
//! form may stand is thus written twice, in the grammar and in the readers, and neither can drift from the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use pest::{Parser, iterators::Pairs};
use proptest::prelude::*;

use super::{
    super::{
        codes, cut,
        head::{PlayParser, Rule},
        report::Report,
        token::{Kind, tokens},
        tree::Statement,
    },
    read, seen,
};
use crate::diagnostic::Diagnostic;

/// What is found before there are lines to speak of.
const UNCUT: &[&str] = &[
    codes::FILE_TOO_LONG,
    codes::STATEMENT_TOO_LONG,
    codes::TOO_DEEP,
    codes::OPEN_TEXT,
    codes::STRAY_CLOSER,
    codes::UNCLOSED,
    codes::MISSING_BLOCK,
    codes::UNEXPECTED_BLOCK,
];

/// What the cutter makes of a file.
#[derive(Default)]
struct Marks {
    /// Where statements begin, and where they end with their blocks.
    statements: BTreeMap<usize, usize>,
    /// Where `;` belongs.
    ends: BTreeSet<usize>,
}

impl Marks {
    fn gather(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statements.insert(statement.range().0, statement.end());
            if let Some(block) = &statement.block {
                self.ends.insert(block.start + 1);
                self.gather(&block.statements);
            } else if !statement.pieces.is_empty() {
                self.ends.insert(statement.range().1);
            }
        }
    }
}

/// The text that the rule `file` reads, and where statements stand in the original; nothing where the file cannot
/// be cut. Tokens of other languages stay as they are: the grammar does not know them.
fn marked(text: &str) -> Option<(String, BTreeMap<usize, usize>)> {
    let tokens = tokens(text);
    let mut report = Report::new(&Arc::from("test.play"), text);
    let statements = cut::cut(&mut report, &tokens);
    if report.found.iter().any(|found| UNCUT.contains(&found.code)) {
        return None;
    }
    let mut marks = Marks::default();
    marks.gather(&statements);
    let mut out = String::new();
    let mut last = 0;
    for token in tokens {
        let foreign = matches!(token.kind, Kind::HashComment | Kind::StarComment);
        if token.kind.is_trivia() && !foreign {
            continue;
        }
        if token.start != last && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(token.text(text));
        if marks.ends.contains(&token.end) {
            out.push(';');
        }
        last = token.end;
    }
    Some((out, marks.statements))
}

/// Whether every text can be read inside: its escapes, and the expressions in its braces.
fn insides(pairs: Pairs<'_, Rule>) -> bool {
    let mut texts = pairs.flatten().filter(|pair| pair.as_rule() == Rule::text);
    texts.all(|pair| {
        let written = pair.as_str();
        let quotes = if written.starts_with("\"\"\"") { 3 } else { 1 };
        let inside = &written[quotes..written.len() - quotes];
        let Ok(parts) = PlayParser::parse(Rule::text_inside, inside) else {
            return false;
        };
        let mut holes = parts
            .flatten()
            .filter(|part| part.as_rule() == Rule::text_hole);
        holes.all(|hole| {
            let code = &hole.as_str()[1..hole.as_str().len() - 1];
            PlayParser::parse(Rule::interpolation_line, code).is_ok_and(insides)
        })
    })
}

/// Whether the grammar takes the whole file.
fn accepted(text: &str) -> bool {
    marked(text)
        .is_some_and(|(marked, _)| PlayParser::parse(Rule::file, &marked).is_ok_and(insides))
}

/// What no grammar can say of a line that it takes, see `grammar/README.md`: numbers and depths, what stands
/// twice, what nobody sees, other languages' values, and a first word that is none of ours and yet no call.
fn is_beside(shown: &str, begins_line: bool, found: &Diagnostic) -> bool {
    match found.code {
        codes::TOO_DEEP
        | codes::HIDDEN
        | codes::BAD_NUMBER
        | codes::CHAINED_COMPARISON
        | codes::TWICE => true,
        codes::BAD_TEXT => found.message == "this text takes no `{…}`",
        codes::FOREIGN => {
            let values = [
                "null",
                "nil",
                "None",
                "undefined",
                "True",
                "TRUE",
                "False",
                "FALSE",
            ];
            begins_line || values.iter().any(|value| shown.contains(value))
        }
        codes::MISSPELT | codes::MISPLACED | codes::LONELY_ELSE => {
            begins_line && !shown.starts_with("else")
        }
        _ => false,
    }
}

/// The grammar and the readers agree on a text.
fn conforms(text: &str) -> Result<(), TestCaseError> {
    let parsed = read(text);
    let outside = parsed.diagnostics.iter().map(|found| (0, found));
    let inside = parsed
        .items
        .iter()
        .flat_map(|item| item.diagnostics.iter().map(|found| (item.offset, found)));
    let found: Vec<(usize, usize, &Diagnostic)> = outside
        .chain(inside)
        .map(|(offset, found)| {
            let span = found.labels[0].place.span;
            let (start, end) = (span.start + offset, span.end + offset);
            (start as usize, end as usize, found)
        })
        .collect();
    let Some((_, statements)) = marked(text).filter(|_| accepted(text)) else {
        prop_assert!(
            !found.is_empty(),
            "the grammar refuses, and nothing is said of\n{text}\nread as {}",
            marked(text).map_or("no lines".to_owned(), |(marked, _)| {
                PlayParser::parse(Rule::file, &marked)
                    .map_or_else(|error| error.to_string(), |_| "bad texts".to_owned())
            })
        );
        return Ok(());
    };
    // Where the first word of a statement was told, the rest of it follows from that.
    let mut told: Vec<(usize, usize)> = Vec::new();
    for (start, end, found) in &found {
        let extent = statements.get(start);
        let beside = is_beside(&text[*start..*end], extent.is_some(), found);
        if let Some(extent) = extent.filter(|_| beside) {
            told.push((*start, *extent));
        }
        prop_assert!(
            beside || told.iter().any(|(from, to)| from <= start && end <= to),
            "the grammar accepts\n{text}\n{}",
            seen(text)
        );
    }
    Ok(())
}

#[track_caller]
fn assert_conforms(name: &str, text: &str) {
    if let Err(error) = conforms(text) {
        panic!("{name}: {error}");
    }
}

/// Everything that is written in the language: programs, and the examples in prose.
fn corpus() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut out = Vec::new();
    for folder in [
        "stdlib",
        "examples",
        "docs",
        "grammar",
        "tests",
        "compiler/src/syntax/tests/programs",
    ] {
        gather(&root.join(folder), &mut out);
    }
    out
}

fn gather(folder: &Path, out: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.display().to_string();
        let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
        if path.is_dir() {
            if !name.ends_with("node_modules") {
                gather(&path, out);
            }
        } else if is("play") {
            out.push((name, fs::read_to_string(&path).unwrap()));
        } else if is("md") {
            let page = fs::read_to_string(&path).unwrap();
            let blocks = page.split("```play").skip(1);
            for (number, block) in blocks.enumerate() {
                let block = block.split_once('\n').map_or("", |(_, block)| block);
                let block = block.split("```").next().unwrap_or("");
                out.push((format!("{name}, example {number}"), block.to_owned()));
            }
        }
    }
}

#[test]
fn everything_that_is_written_conforms() {
    let corpus = corpus();
    assert!(corpus.len() > 120, "{}", corpus.len());
    for (name, text) in &corpus {
        assert_conforms(name, text);
        let is_whole = name.contains("/stdlib/") || name.contains("/examples/");
        assert!(!is_whole || accepted(text), "{name}");
    }
}

/// The items of the programs that hold every form, each a small file.
fn items() -> Vec<&'static str> {
    let programs = [
        include_str!("programs/everything.play"),
        include_str!("programs/compromised_user.play"),
        include_str!("programs/integration.play"),
        include_str!("programs/two_responses.play"),
        include_str!("programs/types.play"),
    ];
    programs
        .iter()
        .flat_map(|program| program.split_inclusive("\n}\n"))
        .collect()
}

#[test]
fn a_line_deleted_doubled_or_swapped() {
    for text in items() {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for at in 0..lines.len() {
            let mut deleted = lines.clone();
            deleted.remove(at);
            assert_conforms("deleted", &deleted.concat());
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            assert_conforms("doubled", &doubled.concat());
            for other in [at + 1, at + 2, at + 5] {
                if other < lines.len() {
                    let mut swapped = lines.clone();
                    swapped.swap(at, other);
                    assert_conforms("swapped", &swapped.concat());
                }
            }
        }
    }
}

#[test]
fn a_token_dropped_or_doubled() {
    for text in items() {
        for token in tokens(text) {
            if token.kind.is_trivia() {
                continue;
            }
            let (before, after) = (&text[..token.start], &text[token.end..]);
            assert_conforms("dropped", &format!("{before}{after}"));
            let twice = format!("{before}{0} {0}{after}", token.text(text));
            assert_conforms("doubled", &twice);
        }
    }
}

/// Places where a line may be put: what stands before and after it.
const PLACES: &[(&str, &str)] = &[
    ("", ""),
    ("type T {\n", "\n}"),
    ("enum E {\n", "\n}"),
    ("connection c {\n", "\n}"),
    ("event e {\n", "\n}"),
    ("action a() {\n", "\n}"),
    ("query q() -> Text {\n", "\n}"),
    ("steps s() {\n", "\n}"),
    ("playbook p {\n", "\n}"),
    ("playbook p {\nmode: active\n", "\nwhen a.b as c\n}"),
    ("playbook p {\nwhen a.b as c\n", "\nwhen d.e as c\n}"),
    (
        "playbook p {\nwhen a.b as c\nif x\n",
        "\nresolved when y\n}",
    ),
    ("playbook p {\nignore repeats of x\n", "\nthen { a.b() }\n}"),
    ("playbook p {\nthen { a.b() }\n", "\nwait 4h\n}"),
    ("playbook p {\non failure { a.b() }\n", "\n}"),
    ("steps s() {\na.b()\n", "\nc.d()\n}"),
    ("steps s() {\nif a { b.c() }\n", "\n}"),
    (
        "steps s() {\nif a { b.c() } else if d { }\n",
        "\nelse { }\n}",
    ),
    ("steps s() {\nif a { b.c() } else { }\n", "\n}"),
    ("steps s() {\nmatch a {\n", "\n}\n}"),
    ("steps s() {\na.b() {\n", "\n}\n}"),
    ("steps s() {\nlet a = b.c() {\ndone { }\n", "\n}\n}"),
    (
        "steps s() {\napprove \"?\" by a {\n",
        "\nrejected { }\n}\n}",
    ),
    ("steps s() {\nfor each a in b {\n", "\n}\n}"),
    ("steps s() {\nin parallel {\n", "\n}\n}"),
];

/// What may stand behind a line.
const BEHIND: &[&str] = &[
    "",
    " { }",
    " { a.b() }",
    " { done { } }",
    " { high { } else { } }",
    " { mode: x }",
];

/// Every head that is written anywhere in the corpus, one of each beginning.
fn heads() -> Vec<String> {
    fn walk(text: &str, statements: &[Statement], heads: &mut BTreeSet<String>) {
        for statement in statements {
            let (start, end) = statement.range();
            heads.insert(text[start..end].to_owned());
            if let Some(block) = &statement.block {
                walk(text, &block.statements, heads);
            }
        }
    }
    let mut all = BTreeSet::new();
    for (_, text) in corpus() {
        let mut report = Report::new(&Arc::from("test.play"), &text);
        walk(&text, &cut::cut(&mut report, &tokens(&text)), &mut all);
    }
    let mut beginnings = BTreeSet::new();
    let beginning = |head: &String| -> Vec<String> {
        let tokens = tokens(head);
        let meant = tokens.iter().filter(|token| !token.kind.is_trivia());
        let mut named = meant.map(|token| match token.kind {
            Kind::Word | Kind::Colon | Kind::Dot => token.text(head).to_owned(),
            kind => format!("{kind:?}"),
        });
        // A keyword and what follows it tell the forms apart; of calls and properties a few are enough.
        named.by_ref().take(2).collect()
    };
    // With a limit and without one, whatever is waited for.
    let waits = [
        "wait until 09:00, at most 2h",
        "wait until 2h from now, at most 3h",
        "wait until (x)",
    ];
    all.into_iter()
        .filter(|head| head.len() < 400)
        .filter(|head| beginnings.insert(beginning(head)))
        .chain(waits.map(str::to_owned))
        .collect()
}

#[test]
fn every_line_in_every_place() {
    let heads = heads();
    assert!(heads.len() > 150, "{}", heads.len());
    let mut accepted_ones = 0;
    for head in &heads {
        for (before, after) in PLACES {
            for behind in BEHIND {
                let text = format!("{before}{head}{behind}{after}\n");
                assert_conforms("put together", &text);
                accepted_ones += usize::from(accepted(&text));
            }
        }
    }
    assert!(accepted_ones > 500, "{accepted_ones}");
}

#[test]
fn every_keyword_begins_a_line_in_every_place() {
    let keywords = Rule::all_rules().iter().filter_map(|rule| {
        let name = format!("{rule:?}");
        name.strip_prefix("kw_").map(str::to_owned)
    });
    for word in keywords {
        for rest in [
            "", ".x()", "(x)", " x", ": x", " = x", ".x", " { }", " in x", " \"x\"",
        ] {
            for (before, after) in PLACES {
                assert_conforms("a keyword first", &format!("{before}{word}{rest}{after}\n"));
            }
        }
    }
}

/// A source of numbers that a failing case can be repeated with.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Lines as they may follow each other in a block, now and then one that does not belong there.
fn lines(random: &mut Random, heads: &[String], depth: usize, out: &mut String) {
    const STEPS: &[&str] = &[
        "a.b(c)",
        "let x = a.b(c, d: 1)",
        "attempt a.b(\"{c.d}\")",
        "wait 4h",
        "wait until 09:00",
        "wait until a.b, at most 2h",
        "return x",
        "end run \"why\"",
    ];
    const OPEN: &[(&str, &str)] = &[
        ("if a is present {", ""),
        ("if a { b.c() } else if d {", ""),
        ("if a { b.c() } else {", ""),
        ("for each a in b, refuse more than 5 {", ""),
        ("in parallel {", ""),
        ("then {", ""),
        ("attempt each {", ""),
        ("without approval because \"x\" {", ""),
        ("match a { present {", "}"),
        ("match a { b, c { } else {", "}"),
        ("a.b() { failed {", "}"),
        ("let x = a.b() { done {", "} failed { }"),
        ("approve \"?\" about a, by b, within 4h { approved {", "}"),
        ("wait until a == b, at most 2h { met {", "}"),
        ("else {", ""),
    ];
    for _ in 0..random.below(4) {
        if random.below(12) == 0 {
            out.push_str(&heads[random.below(heads.len())]);
        } else if depth > 0 && random.below(2) == 0 {
            let (open, close) = OPEN[random.below(OPEN.len())];
            out.push_str(open);
            out.push('\n');
            lines(random, heads, depth - 1, out);
            out.push_str("} ");
            out.push_str(close);
            if !close.is_empty() {
                out.push_str(" }");
            }
        } else {
            out.push_str(STEPS[random.below(STEPS.len())]);
        }
        out.push('\n');
    }
}

/// A playbook with each line of its head or without it, seldom in another order.
fn playbook(random: &mut Random, heads: &[String]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for head in [
        "mode: active",
        "tenants: all except [\"a\"]",
        "when a.b as c",
        "when every day at 06:00, for each u in a.us()",
        "when webhook \"w\" as c: T",
        "if a.b == 1\n and c",
        "ignore repeats of a.b for 1h",
        "resolved when a.b(c), checking every 15m",
    ] {
        if random.below(2) == 0 {
            parts.push(head.to_owned());
        }
    }
    for _ in 0..random.below(4) {
        let head = [
            "then",
            "escalate after 4h unless a",
            "escalate after 2d",
            "wait 4h",
            "wait until 09:00",
        ][random.below(5)];
        let mut part = head.to_owned();
        if !head.starts_with("wait") {
            part.push_str(" {\n");
            lines(random, heads, 3, &mut part);
            part.push('}');
        }
        parts.push(part);
    }
    if random.below(3) == 0 {
        let mut part = "on failure {\n".to_owned();
        lines(random, heads, 1, &mut part);
        part.push('}');
        parts.push(part);
    }
    if random.below(6) == 0 && parts.len() > 1 {
        let (one, other) = (random.below(parts.len()), random.below(parts.len()));
        parts.swap(one, other);
    }
    format!("playbook p \"P\" {{\n{}\n}}\n", parts.join("\n"))
}

#[test]
fn generated_playbooks() {
    let heads = heads();
    let mut accepted_ones = 0;
    const CASES: u64 = 400;
    for seed in 0..CASES {
        let text = playbook(&mut Random(seed), &heads);
        assert_conforms(&format!("seed {seed}"), &text);
        accepted_ones += u64::from(accepted(&text));
        // One token of it is lost, and one line is moved.
        let mut random = Random(seed ^ 0x5eed);
        let meant: Vec<_> = tokens(&text)
            .into_iter()
            .filter(|t| !t.kind.is_trivia())
            .collect();
        let lost = meant[random.below(meant.len())];
        let without = format!("{}{}", &text[..lost.start], &text[lost.end..]);
        assert_conforms(&format!("seed {seed}, a token lost"), &without);
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let line = lines.remove(random.below(lines.len()));
        lines.insert(random.below(lines.len() + 1), line);
        assert_conforms(&format!("seed {seed}, a line moved"), &lines.concat());
    }
    assert!(
        accepted_ones * 10 > CASES && accepted_ones < CASES,
        "{accepted_ones} of {CASES} are right: the generator tests one side only"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn generated_playbooks_of_any_seed(seed in any::<u64>()) {
        let heads = ["else { }".to_owned(), "when a.b as c".to_owned(), "done { a.b() }".to_owned(), "impact: notify".to_owned()];
        conforms(&playbook(&mut Random(seed), &heads))?;
    }

    #[test]
    fn a_piece_put_in(item in 0..items().len(), at in 0.0..1.0_f64, piece in "[{}()\\[\\]\"',:;=.!&|#/<>?\\\\a-z0-9 \n]{1,6}") {
        let text = items()[item];
        let at = text.floor_char_boundary((text.len() as f64 * at) as usize);
        conforms(&format!("{}{piece}{}", &text[..at], &text[at..]))?;
    }

    #[test]
    fn any_text(text in "(?s).{0,80}") {
        conforms(&text)?;
    }
}
