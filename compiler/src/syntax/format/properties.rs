//! What has to hold for any text, however it is laid out: nothing is lost, nothing changes its meaning, and
//! formatting twice is formatting once.

use proptest::prelude::*;

use super::{
    super::token::{self, Kind},
    format,
    tests::{holds, library},
};

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

/// A stretch of whole lines of a program: long programs make slow cases.
fn excerpt(file: usize, random: &mut Random) -> String {
    let files = library();
    let text = &files[file % files.len()].1;
    let items: Vec<usize> = text
        .match_indices("\n}\n")
        .map(|(at, end)| at + end.len())
        .collect();
    let first = random.below(items.len() + 1);
    let start = if first == 0 { 0 } else { items[first - 1] };
    let end = items.get(first + 1).copied().unwrap_or(text.len());
    text[start..end].to_owned()
}

/// A program with something done to the place before some of its tokens.
fn disturbed(text: &str, random: &mut Random, rarely: usize, what: &[&str]) -> String {
    let mut out = String::new();
    for token in token::tokens(text) {
        if random.below(rarely) == 0 {
            out.push_str(what[random.below(what.len())]);
        }
        out.push_str(token.text(text));
    }
    out
}

const VOCABULARY: &[&str] = &[
    "playbook x \"X\"",
    "when a.b as c",
    "every",
    "then",
    "{",
    "}",
    "{\n",
    "}\n",
    "(",
    ")",
    "[",
    "]",
    "\n",
    "\n",
    "\n\n",
    "let",
    "x",
    "=",
    "==",
    "\"a {b} c\"",
    "\"",
    "\"\"\"",
    "\"\"\"\n a\n \"\"\"",
    "if",
    "else",
    "match",
    "for each",
    "in",
    "approve",
    "by",
    "within",
    "about",
    "unless",
    "4h",
    "4hours",
    "07:00",
    "not",
    "-",
    "->",
    "<",
    ">",
    "T<",
    ",",
    ",",
    ":",
    ".",
    "?.",
    "??",
    "?",
    "and",
    "or",
    "is",
    "present",
    "type T",
    "enum E",
    "use a",
    "action a",
    "query q",
    "/// doc\n",
    "// c\n",
    "#",
    ";",
    "&&",
    "!",
    "null",
    "ö",
    "'a'",
    "/* c */",
    "\t",
    "\r\n",
    "\u{feff}",
    "r\"a\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn words_of_the_language(words in prop::collection::vec(prop::sample::select(VOCABULARY), 0..60)) {
        holds(&words.join(" "))?;
    }

    #[test]
    fn steps_of_the_language(words in prop::collection::vec(prop::sample::select(VOCABULARY), 0..30)) {
        holds(&format!("playbook p \"P\" {{\n  when a.b as x\n  then {{\n    {}\n  }}\n}}\n", words.join(" ")))?;
    }

    #[test]
    fn comments_anywhere(file in any::<usize>(), seed in any::<u64>(), rarely in 1..40_usize) {
        let mut random = Random(seed);
        let text = excerpt(file, &mut random);
        let comments = ["// a\n", "\n// b\n", "/// c\n", "\n\n  /// d\n\n", " // e\n//f\n"];
        holds(&disturbed(&text, &mut random, rarely, &comments))?;
    }

    #[test]
    fn line_breaks_anywhere(file in any::<usize>(), seed in any::<u64>(), rarely in 1..40_usize) {
        let mut random = Random(seed);
        let text = excerpt(file, &mut random);
        let breaks = ["\n", "\n\n\n", "\n      ", "\r\n", "\r\n\r\n\t", "\n        "];
        holds(&disturbed(&text, &mut random, rarely, &breaks))?;
    }

    #[test]
    fn words_anywhere(file in any::<usize>(), seed in any::<u64>(), rarely in 4..80_usize) {
        let mut random = Random(seed);
        let text = excerpt(file, &mut random);
        holds(&disturbed(&text, &mut random, rarely, VOCABULARY))?;
    }

    #[test]
    fn tokens_lost_anywhere(file in any::<usize>(), seed in any::<u64>(), rarely in 2..80_usize) {
        let mut random = Random(seed);
        let text = excerpt(file, &mut random);
        let kept = token::tokens(&text).into_iter().filter(|_| random.below(rarely) != 0);
        holds(&kept.map(|token| token.text(&text)).collect::<String>())?;
    }

    #[test]
    fn blank_lines_stay_but_not_in_rows(file in any::<usize>(), seed in any::<u64>()) {
        let mut random = Random(seed);
        let text = excerpt(file, &mut random);
        let mut spaced = String::new();
        for line in text.split_inclusive('\n') {
            spaced.push_str(line);
            if line == "\n" {
                spaced.push_str(["", "\n", "  \n\t\n", "\n\n\n"][random.below(4)]);
            }
        }
        prop_assert_eq!(format(&spaced), format(&text));
    }

    #[test]
    fn line_ends_of_other_systems(file in any::<usize>(), seed in any::<u64>()) {
        let text = excerpt(file, &mut Random(seed));
        prop_assert_eq!(format(&text.replace('\n', "\r\n")), format(&text).replace('\n', "\r\n"));
    }
}

#[test]
fn a_comment_before_many_a_token() {
    // Of a program that has every form: before every fifth token stands a comment once.
    let text = include_str!("../tests/programs/everything.play");
    let items = text.split_inclusive("\n}\n");
    let places = items.flat_map(|text| {
        let tokens = token::tokens(text).into_iter();
        let meant = tokens.filter(|t| !matches!(t.kind, Kind::Space | Kind::Newline));
        meant.map(move |token| (text, token.start))
    });
    for (text, at) in places.step_by(5) {
        for comment in [" // here\n", "\n// here\n"] {
            let text = format!("{}{comment}{}", &text[..at], &text[at..]);
            holds(&text).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
