//! Lexer and grammar agree: every terminal of the grammar spans exactly one token, and they reserve the same words.

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

fn agrees(text: &str) -> Result<(), TestCaseError> {
    for token in tokens(text) {
        let Some(rule) = terminal(token.kind) else {
            continue;
        };
        let rest = &text[token.start..];
        let read = PlayParser::parse(rule, rest).map(|pairs| pairs.as_str().len());
        prop_assert_eq!(
            read.ok(),
            Some(token.end - token.start),
            "{:?} in {:?}",
            token.kind,
            rest
        );
    }
    Ok(())
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
