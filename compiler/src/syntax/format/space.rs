//! Two neighbouring tokens in, whether a blank stands between them out.

use super::super::{token::Kind, tree::Piece};

/// Words after which a bracket opens a value and not the arguments of a call.
const BEFORE_VALUES: &[&str] = &[
    "and", "or", "not", "in", "if", "then", "else", "where", "is", "contains", "matches", "with",
    "per", "match", "unless", "when", "until", "wait", "return", "attempt", "by", "about", "needs",
    "within", "valid", "default", "because", "of", "for",
];

/// Whether a blank stands between two tokens; `before` is the one before the first.
pub(super) fn blank(text: &str, before: Option<&Piece>, a: &Piece, b: &Piece) -> bool {
    let word = a.text(text);
    let after_dot = before.is_some_and(|p| matches!(p.kind, Kind::Dot | Kind::QuestionDot));
    match (a.kind, b.kind) {
        (Kind::ParenOpen | Kind::SquareOpen | Kind::Dot | Kind::QuestionDot, _) => false,
        (_, Kind::Dot | Kind::QuestionDot) => false,
        (_, Kind::ParenClose | Kind::SquareClose | Kind::Comma | Kind::Colon | Kind::Question) => {
            false
        }
        (Kind::BraceOpen, Kind::BraceClose) => false,
        // `<` and `>` of type arguments are tight; the cutter has told which those are.
        (Kind::Lt, _) if a.instead.is_some() => false,
        (_, Kind::Lt | Kind::Gt) if b.instead.is_some() => false,
        (Kind::Minus, _) if is_unary(text, before) => false,
        (Kind::Word, Kind::ParenOpen) => !after_dot && BEFORE_VALUES.contains(&word),
        (Kind::ParenClose | Kind::SquareClose, Kind::ParenOpen) => false,
        _ => true,
    }
}

/// Whether a minus is a sign: nothing that it could subtract from stands before it.
fn is_unary(text: &str, before: Option<&Piece>) -> bool {
    let Some(before) = before else { return true };
    match before.kind {
        Kind::ParenOpen
        | Kind::SquareOpen
        | Kind::BraceOpen
        | Kind::Comma
        | Kind::Colon
        | Kind::Assign
        | Kind::Arrow => true,
        Kind::Word => BEFORE_VALUES.contains(&before.text(text)),
        kind => kind.is_symbolic_infix() && before.instead.is_none(),
    }
}
