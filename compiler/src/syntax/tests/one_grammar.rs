//! Lexer and grammar agree: every terminal of the grammar spans exactly one token, and they reserve the same words.

use std::{collections::HashSet, sync::LazyLock};

use pest::Parser;
use proptest::prelude::*;

use super::super::{
    head::{PlayParser, Rule},
    token::{Kind, tokens},
    words,
};

/// The grammar's rule for a kind of token.
fn terminal(kind: Kind) -> Option<Rule> {
    Some(match kind {
        Kind::Word => Rule::any_word,
        Kind::Int => Rule::int,
        Kind::Number => Rule::number,
        Kind::Duration => Rule::duration,
        Kind::Clock => Rule::clock,
        Kind::Text | Kind::Block => Rule::text,
        Kind::Raw => Rule::raw_text,
        _ => return None,
    })
}

/// Every terminal of the grammar: its atomic rules, and those that are one literal. What stands inside of a text
/// is no token.
static TERMINALS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let grammar = include_str!("../../../../grammar/play.pest");
    let names: HashSet<&str> = grammar
        .lines()
        .filter_map(|line| {
            let (name, body) = line.split_once(" = ")?;
            let body = body.trim_start();
            let literal = body.starts_with("{ \"") && body.matches('"').count() == 2;
            let atomic = body.starts_with("@{");
            (literal && !body.contains('~') || atomic).then(|| name.trim())
        })
        .filter(|name| !name.starts_with("text_"))
        .collect();
    let rules = Rule::all_rules().iter().copied();
    let found: Vec<Rule> = rules
        .filter(|rule| names.contains(format!("{rule:?}").as_str()))
        .collect();
    assert_eq!(found.len(), names.len());
    found
});

fn agrees(text: &str) -> Result<(), TestCaseError> {
    for token in tokens(text) {
        let rest = &text[token.start..];
        let length = token.end - token.start;
        let read = |rule| {
            let read = PlayParser::parse(rule, rest).map(|pairs| pairs.as_str().len());
            read.ok()
        };
        if let Some(rule) = terminal(token.kind) {
            prop_assert_eq!(read(rule), Some(length), "{:?} in {:?}", token.kind, rest);
        }
        if is_ours(token.kind) {
            for rule in TERMINALS.iter() {
                let read = read(*rule);
                prop_assert!(
                    read.is_none_or(|read| read == length),
                    "{rule:?} takes {read:?} of the {length} bytes of {:?} in {rest:?}",
                    token.kind
                );
            }
        }
    }
    Ok(())
}

/// Whether the grammar knows such tokens; blanks, comments and what other languages write are taken out or
/// mended before.
fn is_ours(kind: Kind) -> bool {
    !kind.is_trivia()
        && !matches!(
            kind,
            Kind::ForeignWord
                | Kind::BadNumber
                | Kind::OpenText
                | Kind::OpenBlock
                | Kind::SingleQuoted
                | Kind::SmartQuoted
                | Kind::Semicolon
                | Kind::ForeignOperator
                | Kind::Unknown
        )
}

#[test]
fn all_terminals_are_known() {
    for rule in [
        Rule::comma,
        Rule::op_le,
        Rule::op_neg,
        Rule::close_angle,
        Rule::arrow,
        Rule::question,
        Rule::text,
        Rule::int,
        Rule::floor_word,
        Rule::kw_when,
        Rule::search_word,
    ] {
        assert!(TERMINALS.contains(&rule), "{rule:?}");
    }
    assert!(!TERMINALS.contains(&Rule::expr));
}

#[test]
fn keywords_are_the_rules_that_are_called_so() {
    for rule in Rule::all_rules() {
        let called = format!("{rule:?}").starts_with("kw_");
        let counted = (Rule::kw_a..=Rule::kw_without).contains(rule);
        assert_eq!(called, counted, "{rule:?}");
    }
}

proptest! {
    #[test]
    fn terminals_are_tokens(text in "[\"{}\\\\ab1 r.:\n(hms]{0,40}") {
        agrees(&text)?;
    }

    #[test]
    fn terminals_are_tokens_among_marks(text in "[<>=?.:\\-+*/,()\\[\\]{}!| a1]{0,30}") {
        agrees(&text)?;
    }

    #[test]
    fn terminals_are_tokens_in_any_text(text in "(?s).{0,80}") {
        agrees(&text)?;
    }
}

#[test]
fn terminals_are_tokens_in_programs() {
    agrees(include_str!("programs/everything.play")).unwrap();
}

#[test]
fn the_same_words_are_reserved() {
    for word in words::RESERVED {
        assert!(PlayParser::parse(Rule::name, word).is_err(), "{word}");
        assert!(PlayParser::parse(Rule::any_word, word).is_ok(), "{word}");
        assert!(
            PlayParser::parse(Rule::name, &format!("{word}s")).is_ok(),
            "{word}"
        );
    }
    let grammar = include_str!("../../../../grammar/play.pest");
    let line = grammar
        .lines()
        .find(|line| line.starts_with("reserved ="))
        .unwrap();
    assert_eq!(line.matches('"').count(), words::RESERVED.len() * 2);
    for word in words::CONTINUING.iter().chain(words::ITEMS) {
        assert!(
            grammar.contains(&format!("\"{word}\" ~ !ident_char")),
            "{word}"
        );
    }
}
