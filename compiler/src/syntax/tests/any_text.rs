//! Any text is read: without a panic, in bounded time, with places that lie inside of the file.

use proptest::prelude::*;

use super::{super::token::tokens, findings, read, seen};

const PROGRAMS: &[&str] = &[
    include_str!("programs/everything.play"),
    include_str!("programs/compromised_user.play"),
    include_str!("programs/integration.play"),
    include_str!("programs/two_responses.play"),
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let parsed = read(text);
    let mut end = 0;
    for item in &parsed.items {
        prop_assert!(item.offset >= end, "items overlap");
        end = item.offset + item.len;
        prop_assert!(text.get(item.offset as usize..end as usize).is_some());
        for label in item
            .diagnostics
            .iter()
            .flat_map(|found| found.labels.first())
        {
            prop_assert_eq!(&label.place.anchor.item, &item.key);
            prop_assert!(label.place.span.end >= label.place.span.start);
        }
    }
    let keys: std::collections::HashSet<_> = parsed.items.iter().map(|item| &item.key).collect();
    prop_assert_eq!(keys.len(), parsed.items.len());
    for found in findings(&parsed) {
        prop_assert!(
            !found.message.is_empty()
                && !found.message.contains("kw_")
                && !found.message.contains("op_"),
            "{}",
            found.message
        );
    }
    prop_assert_eq!(seen(text).is_empty(), findings(&parsed).is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(text in "(?s).{0,300}") {
        check(&text)?;
    }

    #[test]
    fn words_of_the_language(words in prop::collection::vec(prop::sample::select(vec![
        "playbook x", "when", "every", "day at", "then", "{", "}", "(", ")", "[", "]", "\n", "\n", "let", "x", "=", "==", "\"a {b} c\"",
        "\"", "\"\"\"", "{", "if", "else", "match", "for each", "in", "approve", "by", "within", "4h", "4hours", "07:00", "not", "-", "<", ">",
        ",", ":", ".", "?.", "??", "and", "or", "is", "present", "type T", "action a", "///doc\n", "// c\n", "#", ";", "&&", "null", "ö", "'a'",
    ]), 0..60)) {
        check(&words.join(" "))?;
    }

    #[test]
    fn a_program_with_a_piece_cut_out(program in 0..PROGRAMS.len(), at in 0.0..1.0_f64, len in 0..12_usize) {
        let text = PROGRAMS[program];
        let start = floor(text, (text.len() as f64 * at) as usize);
        let end = floor(text, start + len);
        check(&format!("{}{}", &text[..start], &text[end..]))?;
    }

    #[test]
    fn a_program_with_a_piece_put_in(program in 0..PROGRAMS.len(), at in 0.0..1.0_f64, piece in "[{}()\\[\\]\"',:;=.!&|\\\\a-z0-9 \n]{1,6}") {
        let text = PROGRAMS[program];
        let at = floor(text, (text.len() as f64 * at) as usize);
        check(&format!("{}{piece}{}", &text[..at], &text[at..]))?;
    }
}

#[test]
fn one_lost_token_is_seldom_more_than_one_finding() {
    let mut counts = [0_usize; 16];
    for text in &PROGRAMS[..2] {
        let meant = tokens(text)
            .into_iter()
            .filter(|token| !token.kind.is_trivia());
        for token in meant.step_by(5) {
            let rest = format!("{}{}", &text[..token.start], &text[token.end..]);
            counts[findings(&read(&rest)).len().min(15)] += 1;
        }
    }
    let total: usize = counts.iter().sum();
    let several: usize = counts[2..].iter().sum();
    assert!(several * 20 < total, "{counts:?}");
    assert_eq!(counts[8..].iter().sum::<usize>(), 0, "{counts:?}");
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
