//! Tokens in, segments of the file out: each begins where an item begins, and is cut into lines and blocks.

use super::{
    codes,
    cutter::{Cut, cut_segment},
    report::Report,
    token::{Kind, Token},
    tree::{Doc, Statement},
    words,
};
use crate::diagnostic::Diagnostic;

/// A token that means something, and where it stands on its line.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) token: Token,
    /// Whether it is the first on its line.
    pub(crate) first_on_line: bool,
    /// Its column; a tab counts to the next multiple of four.
    pub(crate) column: u32,
    /// The column of the first token on its line.
    pub(crate) indent: u32,
    /// The `///` lines above it.
    pub(crate) doc: Option<Doc>,
}

/// Cuts a file into statements, the top level's in file order.
pub(crate) fn cut(report: &mut Report<'_>, tokens: &[Token]) -> Vec<Statement> {
    let marks = marks(report.text, tokens);
    let text = report.text;
    let mut starts: Vec<usize> = (0..marks.len())
        .filter(|index| begins_item(&marks, *index, text))
        .collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    starts.push(marks.len());
    let mut statements = Vec::new();
    for pair in starts.windows(2) {
        let &[start, end] = pair else { continue };
        if start >= end {
            continue;
        }
        let next = marks.get(end).map(|mark| mark.token);
        statements.extend(segment(report, &marks[start..end], next));
    }
    statements
}

/// Cuts one segment; when its braces do not match, cuts it again by its indentation to find out which is wrong.
fn segment(report: &mut Report<'_>, marks: &[Mark], next: Option<Token>) -> Vec<Statement> {
    let first: Cut = cut_segment(report, marks, next, false);
    let surplus = surplus(report, &first);
    let chosen = if first.missing_closers == 0 && surplus == 0 {
        first
    } else {
        let second = cut_segment(report, marks, next, true);
        let better = second.missing_closers <= first.missing_closers
            && second.found.len() <= first.found.len() + usize::from(surplus > 0)
            && outside(report, &second).count() == 0;
        if better { second } else { first }
    };
    // After a block that was closed too early, the last `}` of the item is the same mistake.
    let outside = outside(report, &chosen).map(|statement| statement.range().0);
    let outside = outside.min().unwrap_or(usize::MAX);
    let same = |diagnostic: &Diagnostic| {
        is_stray_brace(diagnostic)
            && diagnostic
                .labels
                .first()
                .is_some_and(|label| label.place.span.start as usize > outside)
    };
    report.found.extend(
        chosen
            .found
            .into_iter()
            .filter(|diagnostic| !same(diagnostic)),
    );
    chosen.statements
}

/// Statements behind the segment's item that begin no item: a block was closed too early.
fn outside<'c>(report: &Report<'_>, cut: &'c Cut) -> impl Iterator<Item = &'c Statement> {
    let text = report.text;
    let rest = cut.statements.get(1..).unwrap_or(&[]).iter();
    rest.filter(move |statement| !words::ITEMS.contains(&statement.word(text, 0)))
}

/// How many things tell that there is a `}` too many.
fn surplus(report: &Report<'_>, cut: &Cut) -> usize {
    let strays = cut.found.iter().filter(|found| is_stray_brace(found));
    outside(report, cut).count() + strays.count()
}

/// Whether a finding is about a `}` that closes nothing.
fn is_stray_brace(diagnostic: &Diagnostic) -> bool {
    diagnostic.code == codes::STRAY_CLOSER && diagnostic.message.starts_with("`}")
}

/// An item begins at the left margin with an item keyword and a name or a text.
fn begins_item(marks: &[Mark], index: usize, text: &str) -> bool {
    let Some(mark) = marks.get(index) else {
        return false;
    };
    mark.first_on_line
        && mark.column == 0
        && mark.token.kind == Kind::Word
        && words::ITEMS.contains(&mark.token.text(text))
        && marks.get(index + 1).is_some_and(|next| {
            !next.first_on_line
                && (matches!(next.token.kind, Kind::Word | Kind::ForeignWord)
                    || next.token.kind.is_text())
        })
}

fn marks(text: &str, tokens: &[Token]) -> Vec<Mark> {
    let mut out = Vec::with_capacity(tokens.len() / 2);
    let mut column = 0;
    let mut indent = 0;
    let mut fresh_line = true;
    let mut doc: Option<Doc> = None;
    for token in tokens {
        let content = token.text(text);
        if token.kind == Kind::Newline {
            (column, indent, fresh_line) = (0, 0, true);
            continue;
        }
        if !token.kind.is_trivia() {
            if fresh_line {
                indent = column;
            }
            out.push(Mark {
                token: *token,
                first_on_line: fresh_line,
                column,
                indent,
                doc: doc.take(),
            });
            fresh_line = false;
        } else if token.kind == Kind::Doc && fresh_line {
            let line = content.trim_start_matches('/').trim_end();
            let line = line.strip_prefix(' ').unwrap_or(line);
            match &mut doc {
                Some(doc) => {
                    doc.text.push('\n');
                    doc.text.push_str(line);
                }
                None => {
                    doc = Some(Doc {
                        start: token.start,
                        text: line.to_owned(),
                    })
                }
            }
        }
        column = advance(column, content);
    }
    out
}

/// The column after a token; tokens with newlines inside (block texts) begin anew.
fn advance(column: u32, content: &str) -> u32 {
    let (mut column, last_line) = match content.rfind('\n') {
        Some(at) => (0, &content[at + 1..]),
        None => (column, content),
    };
    for character in last_line.chars() {
        column = if character == '\t' {
            (column / 4 + 1) * 4
        } else {
            column.saturating_add(1)
        };
    }
    column
}
