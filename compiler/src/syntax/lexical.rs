//! A file's text in, its tokens with what they are in the grammar out; for colours.

use std::sync::Arc;

use super::{
    report::Report,
    token::{self, Kind},
};

pub use super::words::{ITEMS as ITEM_WORDS, RESERVED};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A word that has a meaning of its own where it stands.
    Keyword,
    /// Any other word.
    Word,
    /// `// …`.
    Comment,
    /// `/// …`.
    Documentation,
    /// A text; block texts may hold line breaks.
    Text,
    /// A number, a duration or a time of day.
    Number,
    /// An infix or prefix operator.
    Operator,
    /// A bracket or a mark.
    Mark,
}

/// A token of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub class: Class,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// The tokens of a file without the white space. Keywords inside of texts' interpolations come after the text.
pub fn lexemes(path: &Arc<str>, text: &str) -> Vec<Lexeme> {
    let mut report = Report::new(path, text);
    report.keywords = Some(Vec::new());
    let (_, mut keywords) = super::read(report);
    keywords.sort_unstable();
    keywords.dedup();
    let mut out = Vec::new();
    for token in token::tokens(text) {
        let first = keywords.partition_point(|(start, _)| *start < token.start);
        let own = keywords.get(first) == Some(&(token.start, token.end));
        let class = match token.kind {
            Kind::Space | Kind::Newline => continue,
            Kind::Comment | Kind::HashComment | Kind::StarComment => Class::Comment,
            Kind::Doc => Class::Documentation,
            Kind::Word if own => Class::Keyword,
            Kind::Word | Kind::ForeignWord => Class::Word,
            Kind::Int | Kind::Number | Kind::Duration | Kind::Clock | Kind::BadNumber => {
                Class::Number
            }
            kind if kind.is_text() => Class::Text,
            kind if kind.is_symbolic_infix() => Class::Operator,
            Kind::Assign | Kind::Arrow | Kind::ForeignOperator => Class::Operator,
            _ => Class::Mark,
        };
        out.push(Lexeme {
            class,
            start: token.start,
            end: token.end,
        });
        if class == Class::Text {
            let inside = keywords.get(first..).unwrap_or(&[]).iter();
            out.extend(
                inside
                    .take_while(|(_, end)| *end < token.end)
                    .map(|(start, end)| Lexeme {
                        class: Class::Keyword,
                        start: *start,
                        end: *end,
                    }),
            );
        }
    }
    out
}
