//! Text in, lossless tokens out: joined they give back the file, byte for byte.

use logos::{Lexer, Logos};

use super::quotes;

/// What the lexer has learnt on its way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// No `*/` follows: looking for it again at every `/*` would make a long file slow.
    pub(crate) no_comment_end: bool,
}

/// What a token is.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(extras = Seen)]
pub(crate) enum Kind {
    // White space of every script; pasted text brings the odd ones along.
    #[regex(
        r"[ \t\r\x0B\x0C\u{85}\u{A0}\u{1680}\u{2000}-\u{200B}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}]+"
    )]
    Space,
    #[token("\n")]
    Newline,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment,
    /// `///`: documentation of what follows.
    #[regex(r"///([^/\n][^\n]*)?", allow_greedy = true, priority = 20)]
    Doc,
    /// `# …`, a comment in other languages.
    #[regex(r"#[^\n]*", allow_greedy = true)]
    HashComment,
    /// `/* … */`, a comment in other languages.
    #[token("/*", quotes::slash_star)]
    StarComment,

    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Word,
    /// A word with letters outside of a–z, or with characters in it that nobody sees.
    #[regex(
        r"[\p{XID_Start}_][\p{XID_Continue}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{FEFF}\x00-\x08\x0E-\x1F\x7F]*",
        priority = 1
    )]
    ForeignWord,
    #[regex(r"[0-9]+", priority = 5)]
    Int,
    #[regex(r"[0-9]+\.[0-9]+", priority = 5)]
    Number,
    #[regex(r"[0-9]+(ms|s|m|h|d)", priority = 5)]
    Duration,
    #[regex(r"[0-9][0-9]?:[0-9][0-9]", priority = 5)]
    Clock,
    /// A number with letters that are no unit: `4hours`, `1.5h`, `07:00pm`.
    #[regex(r"[0-9]+(\.[0-9]+)?[\p{XID_Start}_][\p{XID_Continue}]*", priority = 4)]
    #[regex(r"[0-9][0-9]?:[0-9][0-9][\p{XID_Continue}:]+", priority = 4)]
    BadNumber,

    #[token("\"", quotes::text)]
    Text,
    /// A `"` that is not closed on its line.
    OpenText,
    #[token("\"\"\"", quotes::block)]
    Block,
    /// A `"""` that is not closed.
    OpenBlock,
    #[token("r\"", quotes::raw)]
    Raw,
    /// `'…'`.
    #[regex(r"'[^'\n]*'")]
    SingleQuoted,
    /// Typographic quotes.
    #[regex("[“”„«][^“”„«»\"\n]*[“”»\"]")]
    SmartQuoted,

    #[token("(")]
    ParenOpen,
    #[token(")")]
    ParenClose,
    #[token("[")]
    SquareOpen,
    #[token("]")]
    SquareClose,
    #[token("{")]
    BraceOpen,
    #[token("}")]
    BraceClose,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(";")]
    Semicolon,
    #[token(".")]
    Dot,
    #[token("?.")]
    QuestionDot,
    #[token("??")]
    QuestionQuestion,
    #[token("?")]
    Question,
    #[token("->")]
    Arrow,
    #[token("=")]
    Assign,
    #[token("==")]
    Eq,
    #[token("!=")]
    Ne,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    /// `&&`, `||`, `!`, `===`, `!==`, `=>`: other languages' operators.
    #[token("&&")]
    #[token("&")]
    #[token("||")]
    #[token("|")]
    #[token("!")]
    #[token("===")]
    #[token("!==")]
    #[token("=>")]
    ForeignOperator,
    /// Any other character.
    Unknown,
}

impl Kind {
    /// Whether the token means nothing to the grammar.
    pub(crate) fn is_trivia(self) -> bool {
        matches!(
            self,
            Kind::Space
                | Kind::Newline
                | Kind::Comment
                | Kind::Doc
                | Kind::HashComment
                | Kind::StarComment
        )
    }

    /// Whether an operand must follow: a newline after it does not end a statement.
    pub(crate) fn is_symbolic_infix(self) -> bool {
        matches!(
            self,
            Kind::QuestionQuestion
                | Kind::Eq
                | Kind::Ne
                | Kind::Lt
                | Kind::Le
                | Kind::Gt
                | Kind::Ge
                | Kind::Plus
                | Kind::Minus
                | Kind::Star
                | Kind::Slash
        )
    }

    /// Whether it is some form of text.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Kind::Text
                | Kind::OpenText
                | Kind::Block
                | Kind::OpenBlock
                | Kind::Raw
                | Kind::SingleQuoted
                | Kind::SmartQuoted
        )
    }
}

/// A token: what it is and where it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    /// Its text.
    pub(crate) fn text<'t>(&self, file: &'t str) -> &'t str {
        file.get(self.start..self.end).unwrap_or("")
    }
}

/// Cuts a text into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::with_capacity(text.len() / 4);
    let mut seen = Seen::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let mut lexer: Lexer<'_, Kind> = Kind::lexer_with_extras(rest, seen);
        let from = at;
        while let Some(found) = lexer.next() {
            let span = lexer.span();
            let start = from + span.start;
            let Ok(kind) = found else {
                // One character cannot be read; what follows it may well be, for instance after a lonely `'`.
                let length = text[start..].chars().next().map_or(1, char::len_utf8);
                out.push(Token {
                    kind: Kind::Unknown,
                    start,
                    end: start + length,
                });
                at = start + length;
                break;
            };
            at = from + span.end;
            out.push(Token {
                kind,
                start,
                end: at,
            });
        }
        seen = lexer.extras;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text)
            .iter()
            .map(|token| token.kind)
            .filter(|kind| !kind.is_trivia())
            .collect()
    }

    #[test]
    fn texts_are_one_token_with_quotes_in_their_interpolations() {
        assert_eq!(kinds(r#""a {f("b")} c""#), [Kind::Text]);
        assert_eq!(kinds(r#""a {name" x"#), [Kind::Text, Kind::Word]);
        assert_eq!(kinds(r#""a \" b" x"#), [Kind::Text, Kind::Word]);
        assert_eq!(
            kinds("\"\"\"\n  hello \"you\"\n  \"\"\")"),
            [Kind::Block, Kind::ParenClose]
        );
        assert_eq!(
            kinds("(\"abc)\nx"),
            [
                Kind::ParenOpen,
                Kind::OpenText,
                Kind::ParenClose,
                Kind::Word
            ]
        );
        assert_eq!(kinds(r#"r"\d+" x"#), [Kind::Raw, Kind::Word]);
        assert_eq!(kinds("“smart”"), [Kind::SmartQuoted]);
    }

    #[test]
    fn a_second_opening_proves_that_the_first_was_left_open() {
        let found = kinds("let a = \"\"\"\n  one\nlet b = \"\"\"\n  two\n  \"\"\"\n");
        assert!(found.contains(&Kind::OpenBlock), "{found:?}");
        assert!(found.contains(&Kind::Block), "{found:?}");
    }

    #[test]
    fn numbers_and_units() {
        assert_eq!(kinds("4h 15m 30s 90d 250ms"), [Kind::Duration; 5]);
        assert_eq!(
            kinds("4hours 24hr 10min 1.5h 2w 1h30m"),
            [Kind::BadNumber; 6]
        );
        assert_eq!(
            kinds("07:00 1.5 204"),
            [Kind::Clock, Kind::Number, Kind::Int]
        );
        assert_eq!(kinds("7:00pm"), [Kind::BadNumber]);
    }

    #[test]
    fn comments_and_documentation() {
        let all = |text: &str| {
            tokens(text)
                .iter()
                .map(|token| token.kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            all("// a\n/// b"),
            [Kind::Comment, Kind::Newline, Kind::Doc]
        );
        assert_eq!(all("# a"), [Kind::HashComment]);
        assert_eq!(all("/* a\n b */"), [Kind::StarComment]);
    }

    proptest! {
        #[test]
        fn joined_tokens_give_back_the_file(text in "(?s).*") {
            let joined: String = tokens(&text).iter().map(|token| token.text(&text)).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn joined_tokens_give_back_quoted_files(text in "[\"{}()\\[\\]\\\\a1 r.?'“”/*#:\n=!<>&|-]*") {
            let joined: String = tokens(&text).iter().map(|token| token.text(&text)).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
