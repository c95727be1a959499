//! A file's text in, the same program in the one canonical style out.
//!
//! The printer works on tokens and blocks, not on the tree: whatever it does to blanks, the tokens stay as they
//! were, and each item is compared with its original before it is taken. Lines that cannot be read are printed
//! as they stand; an item whose blocks do not match is left alone as a whole.

mod head;
mod print;
mod space;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    codes, cut,
    report::Report,
    token::{self, Kind, Token},
    tree::Statement,
    words,
};
use print::Printer;

/// How wide a line may be before what stands in brackets is spread over several.
pub const WIDTH: usize = 120;
/// How far a block is indented.
const INDENT: usize = 2;
/// How far a line is indented that continues the one above.
const CONTINUED: usize = 4;

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

/// Formats a file. What cannot be read stays as it is; the meaning never changes, and formatting twice is
/// formatting once.
pub fn format(text: &str) -> String {
    if text.len() > super::FILE_BYTES_MAX {
        return text.to_owned();
    }
    if text.contains("\r\n") {
        // Line ends stay as the author's editor writes them.
        return format(&newlines(text)).replace('\n', "\r\n");
    }
    let formatted = once(text);
    // Where one pass is not enough to settle, the text is left as it is rather than changed at each saving.
    let settled = formatted == text || !formatted.contains("\r\n") && once(&formatted) == formatted;
    if settled { formatted } else { text.to_owned() }
}

/// The text with `\n` at the end of each line, whatever number of `\r` stood before it.
fn newlines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => {
                out.push_str(line.trim_end_matches('\r'));
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out
}

fn once(text: &str) -> String {
    let path: Arc<str> = Arc::from("");
    let tokens = token::tokens(text);
    let findings = findings(&path, text);
    let mut report = Report::new(&path, text);
    let statements = cut::cut(&mut report, &tokens);
    let mut printer = Printer::new(text, &tokens, &findings);
    let damaged = findings.iter().any(|(code, _)| DAMAGE.contains(code));
    // Where something is damaged, only the left margin tells where an item begins.
    let begins = |statement: &Statement| {
        let start = statement.range().0;
        is_item(text, statement) && !(damaged && text[..start].ends_with(|c| c != '\n'))
    };
    let mut rest = statements.as_slice();
    while let Some((statement, after)) = rest.split_first() {
        // What stands behind an item and is none belongs to it, as far as anybody can tell.
        let others = after.iter().take_while(|s| !begins(s)).count();
        rest = &after[others..];
        let start = statement.range().0;
        let end = last_token(
            &tokens,
            rest.first().map_or(text.len(), |next| next.range().0),
        );
        printer.trivia(start, 0, false);
        let before = printer.mark();
        let alone = others == 0 && end <= statement.end();
        if alone
            && begins(statement)
            && is_whole(text, &tokens, &findings, statement)
            && printer.statement(statement, 0)
            && same(text, &tokens, statement, printer.since(&before))
        {
            continue;
        }
        printer.rewind(before);
        printer.verbatim(line_start(text, start), end.max(statement.end()));
    }
    printer.finish()
}

fn is_item(text: &str, statement: &Statement) -> bool {
    words::ITEMS.contains(&statement.word(text, 0))
}

/// Where the last token before a place ends that is neither blank nor comment.
fn last_token(tokens: &[Token], before: usize) -> usize {
    let count = tokens.partition_point(|token| token.start < before);
    let last = tokens[..count].iter().rfind(|t| !t.kind.is_trivia());
    last.map_or(0, |token| token.end)
}

/// Where the line of a place begins, if nothing but blanks stands before it there.
fn line_start(text: &str, at: usize) -> usize {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}');
    if text[line..at].chars().all(is_blank) {
        line
    } else {
        at
    }
}

/// Where something is wrong: the code, and the bytes.
type Finding = (&'static str, (usize, usize));

fn findings(path: &Arc<str>, text: &str) -> Vec<Finding> {
    let parsed = super::parse(path, text);
    let of_items = parsed
        .items
        .iter()
        .flat_map(|item| item.diagnostics.iter().map(move |d| (d, item.offset)));
    let outside = parsed.diagnostics.iter().map(|d| (d, 0));
    of_items
        .chain(outside)
        .filter_map(|(diagnostic, offset)| {
            let span = diagnostic.labels.first()?.place.span;
            let range = ((span.start + offset) as usize, (span.end + offset) as usize);
            Some((diagnostic.code, range))
        })
        .collect()
}

/// Whether the blocks of an item are what its author meant.
fn is_whole(text: &str, tokens: &[Token], findings: &[Finding], item: &Statement) -> bool {
    let (start, end) = (item.range().0, item.end());
    let damaged = findings
        .iter()
        .any(|(code, (at, _))| DAMAGE.contains(code) && start <= *at && *at <= end);
    let first = tokens.partition_point(|token| token.start < start);
    let foreign = tokens[first..]
        .iter()
        .take_while(|token| token.start < end)
        .any(|token| {
            matches!(
                token.kind,
                Kind::StarComment | Kind::Semicolon | Kind::Unknown
            )
        });
    is_item(text, item) && !damaged && !foreign
}

/// Whether a printed item is still the same: the same tokens in the same blocks, but for commas before closers,
/// and the same comments.
fn same(text: &str, tokens: &[Token], item: &Statement, printed: &str) -> bool {
    let path: Arc<str> = Arc::from("");
    let own = token::tokens(printed);
    let mut report = Report::new(&path, printed);
    let again = cut::cut(&mut report, &own);
    let [only] = again.as_slice() else {
        return false;
    };
    // A comment behind the item's end stands on its last line.
    let (start, end) = (item.range().0, item.end());
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let first = tokens.partition_point(|token| token.start < start);
    let last = tokens.partition_point(|token| token.start < line_end);
    let damaged = report.found.iter().any(|d| DAMAGE.contains(&d.code));
    !damaged
        && alike(text, item, printed, only)
        && comments(text, &tokens[first..last]) == comments(printed, &own)
}

fn comments<'t>(text: &'t str, tokens: &[Token]) -> Vec<&'t str> {
    let comments = tokens
        .iter()
        .filter(|t| matches!(t.kind, Kind::Comment | Kind::Doc | Kind::HashComment));
    comments.map(|t| t.text(text).trim_end()).collect()
}

fn alike(text: &str, a: &Statement, printed: &str, b: &Statement) -> bool {
    fn tokens<'t>(text: &'t str, statement: &'t Statement) -> Vec<&'t str> {
        let mut out: Vec<&str> = Vec::with_capacity(statement.pieces.len());
        for piece in &statement.pieces {
            let word = text.get(piece.start..piece.end).unwrap_or("");
            if matches!(word, ")" | "]" | "}") && out.last() == Some(&",") {
                out.pop();
            }
            out.push(word);
        }
        out
    }
    let blocks = match (&a.block, &b.block) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.statements.len() == b.statements.len()
                && a.statements
                    .iter()
                    .zip(&b.statements)
                    .all(|(a, b)| alike(text, a, printed, b))
        }
        _ => false,
    };
    blocks && tokens(text, a) == tokens(printed, b)
}
