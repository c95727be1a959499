//! A statement's tokens and a rule of the grammar in, pest's pairs with their places in the file out.

use std::{num::NonZeroUsize, sync::Once};

use pest::{Parser, error::InputLocation, iterators::Pair};

use super::{
    expected, mend,
    report::Report,
    token::Kind,
    tree::{Piece, Statement},
};
use crate::{diagnostic::Diagnostic, span::Span};

/// The grammar's parser, made from `grammar/play.pest`.
#[allow(missing_docs)]
mod grammar {
    /// The parser.
    #[derive(pest_derive::Parser)]
    #[grammar = "../../grammar/play.pest"]
    pub(crate) struct PlayParser;
}

pub(crate) use grammar::{PlayParser, Rule};

/// How many rules pest may try on one head. A head of 64 KiB needs about two million.
const CALLS_MAX: usize = 20_000_000;
/// How many slips are mended in one head.
const MENDS_MAX: usize = 8;
/// How many `not` and `-` may stand in a row.
const PREFIXES_MAX: usize = 8;

/// A token of a head: its range in what the grammar reads, and in the file.
#[derive(Clone, Copy)]
struct Part {
    text: (usize, usize),
    file: (usize, usize),
}

/// What a head's text is and where its parts come from.
pub(crate) struct Source {
    /// What the grammar reads: the tokens, with one blank where anything stood between them.
    pub(crate) text: String,
    parts: Vec<Part>,
}

impl Source {
    /// Joins the tokens of a statement.
    pub(crate) fn new(file: &str, pieces: &[Piece]) -> Source {
        let mut text = String::new();
        let mut parts = Vec::with_capacity(pieces.len());
        let mut last: Option<&Piece> = None;
        for piece in pieces {
            let joined = |last: &Piece| {
                last.end == piece.start && last.instead.is_none() && piece.instead.is_none()
            };
            if !last.is_none_or(joined) {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(piece.text(file));
            parts.push(Part {
                text: (start, text.len()),
                file: (piece.start, piece.end),
            });
            last = Some(piece);
        }
        Source { text, parts }
    }

    /// A part of the file, unchanged.
    pub(crate) fn verbatim(text: &str, start: usize) -> Source {
        let part = Part {
            text: (0, text.len()),
            file: (start, start + text.len()),
        };
        Source {
            text: text.to_owned(),
            parts: vec![part],
        }
    }

    /// The last token that begins at or before a place in `text`.
    fn part(&self, at: usize) -> Option<&Part> {
        self.parts.get(
            self.parts
                .partition_point(|part| part.text.0 <= at)
                .checked_sub(1)?,
        )
    }

    /// Where something that begins at `at` begins in the file.
    pub(crate) fn start(&self, at: usize) -> usize {
        self.part(at).map_or(0, |part| {
            (part.file.0 + (at - part.text.0)).min(part.file.1)
        })
    }

    /// Where something that ends at `at` ends in the file.
    pub(crate) fn end(&self, at: usize) -> usize {
        let Some(part) = at.checked_sub(1).and_then(|before| self.part(before)) else {
            return self.start(at);
        };
        if at >= part.text.1 {
            part.file.1
        } else {
            (part.file.0 + (at - part.text.0)).min(part.file.1)
        }
    }

    /// The index of the token at a place in `text`; the number of tokens when the text is at its end.
    fn index(&self, at: usize) -> usize {
        let at = at
            + self
                .text
                .get(at..)
                .map_or(0, |rest| rest.len() - rest.trim_start().len());
        if at >= self.text.len() {
            self.parts.len()
        } else {
            self.parts
                .partition_point(|part| part.text.0 <= at)
                .saturating_sub(1)
        }
    }
}

/// Turns pairs into a tree: knows where the head stands and takes findings.
pub(crate) struct Builder<'a, 'r, 't> {
    /// The file.
    pub(crate) report: &'r mut Report<'t>,
    /// Where the item begins: spans are relative to it.
    pub(crate) base: usize,
    /// The head.
    pub(crate) source: &'a Source,
    /// The statement's tokens, for documentation.
    pub(crate) pieces: &'a [Piece],
}

impl Builder<'_, '_, '_> {
    /// A pair's range in the file. pest counts the blanks after an optional part that is left out; we do not.
    pub(crate) fn range(&self, pair: &Pair<'_, Rule>) -> (usize, usize) {
        let span = pair.as_span();
        let text = span.as_str().trim_end();
        (
            self.source.start(span.start()),
            self.source.end(span.start() + text.len()),
        )
    }

    /// A pair's span, relative to the item.
    pub(crate) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let (start, end) = self.range(pair);
        relative(self.base, start, end)
    }

    /// Notes where keywords stand, where somebody asked for them.
    pub(crate) fn keywords(&mut self, pair: &Pair<'_, Rule>) {
        if self.report.keywords.is_none() {
            return;
        }
        for inner in pair.clone().into_inner().flatten() {
            if is_keyword(inner.as_rule()) {
                let range = self.range(&inner);
                self.report.keywords.get_or_insert_default().push(range);
            }
        }
    }

    /// The documentation above the token at which a pair begins.
    pub(crate) fn doc(&self, pair: &Pair<'_, Rule>) -> String {
        let start = self.range(pair).0;
        let index = self.pieces.partition_point(|piece| piece.start < start);
        self.pieces
            .get(index)
            .and_then(|piece| piece.doc.as_ref())
            .map_or(String::new(), |doc| doc.text.clone())
    }
}

/// A range of the file as a span of its item.
pub(crate) fn relative(base: usize, start: usize, end: usize) -> Span {
    let start = start.saturating_sub(base);
    Span::new(start, end.saturating_sub(base).max(start))
}

/// Reads a statement's head by one rule; what cannot be read is reported, unless something in the head was
/// reported already.
pub(crate) fn read<T>(
    report: &mut Report<'_>,
    base: usize,
    rule: Rule,
    statement: &Statement,
    build: impl FnOnce(&mut Builder<'_, '_, '_>, Pair<'_, Rule>) -> T,
) -> Option<T> {
    let mut pieces = statement.pieces.clone();
    if let Some(diagnostic) = too_many_prefixes(report, &pieces) {
        if !statement.reported {
            report.push(diagnostic);
        }
        return None;
    }
    let mut said: Vec<Diagnostic> = Vec::new();
    let mut plain = None;
    loop {
        let source = Source::new(report.text, &pieces);
        let failure = match parse(rule, &source.text) {
            Ok(pair) => {
                report.found.append(&mut said);
                let mut builder = Builder {
                    report,
                    base,
                    source: &source,
                    pieces: &pieces,
                };
                builder.keywords(&pair);
                return Some(build(&mut builder, pair));
            }
            Err(failure) => failure,
        };
        if statement.reported {
            return None;
        }
        let outcome = expected::explain(
            report,
            rule,
            &pieces,
            source.index(failure.at),
            &failure.wanted,
        );
        if said.is_empty() {
            plain = outcome.plain;
        }
        said.push(outcome.diagnostic);
        match outcome.mended {
            Some(better) if said.len() <= MENDS_MAX => pieces = better,
            _ => {
                // The line cannot be read: one finding, the first.
                let first = plain.or_else(|| said.into_iter().next());
                report.found.extend(first.filter(|_| !statement.mended));
                return None;
            }
        }
    }
}

/// Reads a text that is no whole statement, such as an interpolation.
pub(crate) fn parse_source(rule: Rule, source: &Source) -> Result<Pair<'_, Rule>, Failure> {
    parse(rule, &source.text)
}

/// Where the grammar could not go on, and what it would have taken there.
pub(crate) struct Failure {
    pub(crate) at: usize,
    pub(crate) wanted: Vec<Rule>,
}

fn parse(rule: Rule, text: &str) -> Result<Pair<'_, Rule>, Failure> {
    static LIMIT: Once = Once::new();
    LIMIT.call_once(|| pest::set_call_limit(NonZeroUsize::new(CALLS_MAX)));
    match PlayParser::parse(rule, text) {
        Ok(mut pairs) => pairs.next().ok_or(Failure {
            at: 0,
            wanted: Vec::new(),
        }),
        Err(error) => {
            let at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let wanted = match error.variant {
                pest::error::ErrorVariant::ParsingError { positives, .. } => positives,
                pest::error::ErrorVariant::CustomError { .. } => Vec::new(),
            };
            Err(Failure { at, wanted })
        }
    }
}

/// `not not not …` would be read by calls within calls: a row of them is cut off before.
fn too_many_prefixes(report: &Report<'_>, pieces: &[Piece]) -> Option<Diagnostic> {
    let mut row = 0;
    for piece in pieces {
        let prefix = piece.kind == Kind::Minus
            || (piece.kind == Kind::Word && piece.text(report.text) == "not");
        row = if prefix { row + 1 } else { 0 };
        if row > PREFIXES_MAX {
            return Some(
                report
                    .error(
                        super::codes::TOO_DEEP,
                        format!("more than {PREFIXES_MAX} `not` or `-` stand in a row"),
                        (piece.start, piece.end),
                        "one too many",
                    )
                    .help("two of them cancel out"),
            );
        }
    }
    None
}

/// Whether a rule reads a word that has a meaning of its own where it stands.
pub(crate) fn is_keyword(rule: Rule) -> bool {
    (Rule::kw_a..=Rule::kw_without).contains(&rule)
        || matches!(
            rule,
            Rule::op_not
                | Rule::op_or
                | Rule::op_and
                | Rule::op_in
                | Rule::op_contains
                | Rule::day_word
                | Rule::floor_word
                | Rule::http_method
                | Rule::approve_default
                | Rule::search_word
                | Rule::collect_word
                | Rule::bool
                | Rule::now
        )
}

/// Whether a name stands for something that could not be read.
pub(crate) fn is_missing(name: &str) -> bool {
    name == mend::MISSING
}
