//! An item and what was printed for it in, whether it is still the same out: the same tokens in the same blocks,
//! but for commas before closers, and the same comments.

use std::sync::Arc;

use super::super::{
    codes, cut,
    report::Report,
    token::{self, Kind, Token},
    tree::{Piece, Statement},
    words,
};
use super::{Finding, print::Printer};

/// Findings about brackets and blocks: where there is one, nobody knows which line belongs to which block.
const DAMAGE: &[&str] = &[
    codes::STATEMENT_TOO_LONG,
    codes::TOO_DEEP,
    codes::STRAY_CLOSER,
    codes::UNCLOSED,
    codes::MISSING_BLOCK,
    codes::UNEXPECTED_BLOCK,
    codes::NOT_AN_ITEM,
];

/// Whether brackets or blocks are damaged.
pub(super) fn is_damaged(findings: &[Finding]) -> bool {
    findings.iter().any(|(code, _)| DAMAGE.contains(code))
}

/// Whether a statement begins as items do.
pub(super) fn is_item(text: &str, statement: &Statement) -> bool {
    words::ITEMS.contains(&statement.word(text, 0))
}

/// Whether the blocks of an item are what its author meant; `findings` are those in it.
pub(super) fn is_whole(tokens: &[Token], findings: &[Finding], item: &Statement) -> bool {
    let foreign = within(tokens, item.range().0, item.end())
        .iter()
        .any(|token| {
            matches!(
                token.kind,
                Kind::StarComment | Kind::Semicolon | Kind::Unknown
            )
        });
    !is_damaged(findings) && !foreign
}

/// Whether a printed item is still the same, and would be printed so again.
pub(super) fn same(text: &str, tokens: &[Token], item: &Statement, printed: &str) -> bool {
    // A comment behind the item's end stands on its last line.
    let (start, end) = (item.range().0, item.end());
    let rest = text.get(end..).unwrap_or("");
    let line_end = rest.find('\n').map_or(text.len(), |at| end + at);
    if text.get(start..line_end) == printed.strip_suffix('\n') {
        return true;
    }
    let own = token::tokens(printed);
    let mut report = Report::new(&Arc::from(""), printed);
    let again = cut::cut(&mut report, &own);
    let [only] = again.as_slice() else {
        return false;
    };
    let before = within(tokens, start, line_end);
    alike(text, item, printed, only)
        && comments(text, before) == comments(printed, &own)
        && is_settled(printed, &own, only)
}

/// Whether a printed file is still the same: the same items and the same comments.
pub(super) fn same_file(text: &str, printed: &str) -> bool {
    let (before, after) = (token::tokens(text), token::tokens(printed));
    let cut = |text: &str, tokens: &[Token]| {
        let mut report = Report::new(&Arc::from(""), text);
        cut::cut(&mut report, tokens)
    };
    let (a, b) = (cut(text, &before), cut(printed, &after));
    a.len() == b.len()
        && a.iter()
            .zip(&b)
            .all(|(a, b)| a.doc() == b.doc() && alike(text, a, printed, b))
        && all_comments(text, &before) == all_comments(printed, &after)
}

/// The comments of a file, those of other languages included.
fn all_comments<'t>(text: &'t str, tokens: &[Token]) -> Vec<&'t str> {
    let comments = tokens
        .iter()
        .filter(|t| t.kind.is_trivia() && !matches!(t.kind, Kind::Space | Kind::Newline));
    comments.map(|t| t.text(text).trim_end()).collect()
}

fn is_settled(printed: &str, tokens: &[Token], item: &Statement) -> bool {
    let findings = super::findings(printed);
    if is_damaged(&findings) {
        return false;
    }
    let mut printer = Printer::new(printed, tokens);
    printer.look_at(&findings);
    printer.statement(item, 0) && printer.finish() == printed
}

/// The tokens that begin in a range.
fn within(tokens: &[Token], start: usize, end: usize) -> &[Token] {
    let first = tokens.partition_point(|token| token.start < start);
    let last = tokens.partition_point(|token| token.start < end);
    tokens.get(first..last).unwrap_or(&[])
}

fn comments<'t>(text: &'t str, tokens: &[Token]) -> Vec<&'t str> {
    let comments = tokens
        .iter()
        .filter(|t| matches!(t.kind, Kind::Comment | Kind::Doc | Kind::HashComment));
    comments.map(|t| t.text(text).trim_end()).collect()
}

/// The documentation of the item itself stands above it and is nobody's business here.
fn alike(text: &str, a: &Statement, printed: &str, b: &Statement) -> bool {
    let blocks = match (&a.block, &b.block) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.statements.len() == b.statements.len()
                && a.statements
                    .iter()
                    .zip(&b.statements)
                    .all(|(a, b)| a.doc() == b.doc() && alike(text, a, printed, b))
        }
        _ => false,
    };
    blocks && meaning(text, a) == meaning(printed, b)
}

/// The tokens of a head without commas before closers: what they are, and what the cutter has told about them.
fn meaning<'t>(text: &'t str, statement: &'t Statement) -> Vec<(&'t str, &'t str)> {
    let mut out: Vec<(&str, &str)> = Vec::with_capacity(statement.pieces.len());
    let own = |piece: &Piece| text.get(piece.start..piece.end).unwrap_or("");
    for piece in &statement.pieces {
        if matches!(own(piece), ")" | "]" | "}") && out.last().is_some_and(|last| last.0 == ",") {
            out.pop();
        }
        out.push((own(piece), piece.instead.as_deref().unwrap_or("")));
    }
    out
}
