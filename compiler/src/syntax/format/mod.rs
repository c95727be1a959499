//! A file's text in, the same program in the one canonical style out.
//!
//! The printer works on tokens and blocks, not on the tree: whatever it does to blanks, the tokens stay as they
//! were, and each item is compared with its original before it is taken. Lines that cannot be read are printed
//! as they stand; an item whose blocks do not match is left alone as a whole, and so is one that would be
//! printed differently the second time. What is wrong with one item says nothing about its neighbours.

mod breaks;
mod check;
mod head;
mod layout;
mod print;
mod space;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{
    cut,
    report::Report,
    token::{self, Token},
    tree::Statement,
};
use print::Printer;

/// How wide a line may be before something on it is broken.
pub const WIDTH: usize = 120;
/// How far a block is indented.
const INDENT: usize = 2;
/// How far a line is indented that continues the one above.
const CONTINUED: usize = 4;

/// Formats a file. What cannot be read stays as it is; the meaning never changes, and formatting twice is
/// formatting once. A file that is too long to be read (4 MiB) stays as it is, and so does one whose damaged parts would be read differently
/// in another layout.
pub fn format(text: &str) -> String {
    // Both sides of a merge conflict have to stay where they are.
    if text.len() > super::FILE_BYTES_MAX || super::conflict::find(text).is_some() {
        return text.to_owned();
    }
    if text.contains("\r\n") {
        // Line ends stay as the author's editor writes them.
        return settled(&newlines(text)).replace('\n', "\r\n");
    }
    settled(text)
}

/// The file in the canonical style, where it is still the same file then and would be printed so again. Items are
/// looked at one by one before; what is left out there is how they stand together: pieces of damaged items, returns
/// without a newline.
fn settled(text: &str) -> String {
    let printed = once(text);
    let good = printed == text
        || !printed.contains("\r\n")
            && check::same_file(text, &printed)
            && codes(text) == codes(&printed)
            && once(&printed) == printed;
    if good { printed } else { text.to_owned() }
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
    let tokens = token::tokens(text);
    let findings = findings(text);
    let mut report = Report::new(&Arc::from(""), text);
    let statements = cut::cut(&mut report, &tokens);
    let mut printer = Printer::new(text, &tokens);
    let damaged = check::is_damaged(&findings);
    // Where something is damaged, only the left margin tells where an item begins.
    let begins = |statement: &Statement| {
        let start = statement.range().0;
        check::is_item(text, statement) && !(damaged && text[..start].ends_with(|c| c != '\n'))
    };
    let mut rest = statements.as_slice();
    while let Some((statement, after)) = rest.split_first() {
        // What stands behind an item and is none belongs to it, as far as anybody can tell.
        let others = after.iter().take_while(|s| !begins(s)).count();
        rest = &after[others..];
        let start = statement.range().0;
        let next = rest.first().map_or(text.len(), |next| next.range().0);
        let end = last_token(&tokens, next).max(statement.end());
        let first = findings.partition_point(|(_, (at, _))| *at < start);
        let last = findings.partition_point(|(_, (at, _))| *at <= end);
        let found = findings.get(first..last).unwrap_or(&[]);
        printer.trivia(start, 0, false);
        printer.look_at(found);
        let before = printer.mark();
        let alone = others == 0 && end == statement.end() && begins(statement);
        if alone
            && check::is_whole(&tokens, found, statement)
            && printer.statement(statement, 0)
            && check::same(text, &tokens, statement, printer.since(&before))
        {
            continue;
        }
        printer.rewind(before);
        printer.verbatim(line_start(text, start), end);
    }
    printer.finish()
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

/// What is wrong with a text, without the places.
fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<_> = findings(text).into_iter().map(|(code, _)| code).collect();
    codes.sort_unstable();
    codes
}

/// What is wrong with a text, in the order of its places.
fn findings(text: &str) -> Vec<Finding> {
    let parsed = super::parse(&Arc::from(""), text);
    let of_items = parsed
        .items
        .iter()
        .flat_map(|item| item.diagnostics.iter().map(move |d| (d, item.offset)));
    let outside = parsed.diagnostics.iter().map(|d| (d, 0));
    let places = of_items.chain(outside).filter_map(|(diagnostic, offset)| {
        let span = diagnostic.labels.first()?.place.span;
        let range = ((span.start + offset) as usize, (span.end + offset) as usize);
        Some((diagnostic.code, range))
    });
    let mut findings: Vec<Finding> = places.collect();
    findings.sort_by_key(|(_, place)| *place);
    findings
}
