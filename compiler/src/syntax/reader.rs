//! What every part of the front end that reads statements shares: findings, places, heads and blocks.

use pest::iterators::Pair;

use super::{
    ast::{Block, Expr, ExprKind},
    codes, forms,
    head::{self, Builder, Rule},
    report::Report,
    token::Kind,
    tree::{self, Piece, Statement},
    words,
};
use crate::span::{Name, Span};

/// Reads the statements of one item.
pub(crate) struct Reader<'r, 't> {
    pub(crate) report: &'r mut Report<'t>,
    /// Where the item begins: spans are relative to it.
    pub(crate) base: usize,
}

impl<'t> Reader<'_, 't> {
    /// The file's text.
    pub(crate) fn file(&self) -> &'t str {
        self.report.text
    }

    /// Reads a head by a rule.
    pub(crate) fn read<T>(
        &mut self,
        rule: Rule,
        statement: &Statement,
        build: impl FnOnce(&mut Builder<'_, '_, '_>, Pair<'_, Rule>) -> T,
    ) -> Option<T> {
        let read = head::read(self.report, self.base, rule, statement, build);
        if read.is_none() {
            self.report.told = Some(statement.range().0);
        }
        read
    }

    /// Reads the head of a line that takes no block.
    pub(crate) fn line<T>(
        &mut self,
        rule: Rule,
        statement: &Statement,
        build: impl FnOnce(&mut Builder<'_, '_, '_>, Pair<'_, Rule>) -> T,
    ) -> Option<T> {
        let read = self.read(rule, statement, build);
        self.no_block(rule, statement);
        read
    }

    /// Whether something was said of this statement, so that the rest of it stays silent.
    fn is_told(&self, statement: &Statement) -> bool {
        statement.reported || self.report.told == Some(statement.range().0)
    }

    /// A range of the file as a span of the item.
    pub(crate) fn span(&self, range: (usize, usize)) -> Span {
        head::relative(self.base, range.0, range.1)
    }

    /// The head's span.
    pub(crate) fn head_span(&self, statement: &Statement) -> Span {
        self.span(statement.range())
    }

    /// The word at a position of the head as a name, for statements that cannot be read.
    pub(crate) fn name_at(&self, statement: &Statement, index: usize) -> Option<Name> {
        let piece = statement
            .pieces
            .get(index)
            .filter(|piece| piece.kind == Kind::Word)?;
        Some(Name {
            text: piece.text(self.file()).to_owned(),
            span: self.span((piece.start, piece.end)),
        })
    }

    /// An error at a head, unless something about it was said before.
    pub(crate) fn complain(
        &mut self,
        statement: &Statement,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        if statement.reported {
            return;
        }
        let diagnostic = self
            .report
            .error(code, message, statement.range(), label)
            .help(help);
        self.report.push(diagnostic);
    }

    /// The statement's block; reports that it is missing.
    pub(crate) fn block<'s>(
        &mut self,
        rule: Rule,
        statement: &'s Statement,
    ) -> Option<&'s tree::Block> {
        if statement.block.is_none() && !self.is_told(statement) {
            let (name, form) = forms::of(rule);
            let (start, end) = statement.range();
            let place = self.report.place(end, end);
            let diagnostic = self
                .report
                .error(
                    codes::MISSING_BLOCK,
                    format!("{name} needs a block in braces"),
                    (start, end),
                    "`{ … }` is missing after this",
                )
                .help(format!("{name} is written {form}"))
                .fix("add `{ }`", false, place, " { }");
            self.report.push(diagnostic);
        }
        statement.block.as_ref()
    }

    /// Reports a block where none belongs; what it holds is analysed as steps.
    fn no_block(&mut self, rule: Rule, statement: &Statement) {
        let Some(block) = &statement.block else {
            return;
        };
        if !self.is_told(statement) {
            let (name, form) = forms::of(rule);
            let (start, end) = statement.range();
            let diagnostic = self
                .report
                .error(
                    codes::UNEXPECTED_BLOCK,
                    format!("{name} takes no block"),
                    (block.start, block.start + 1),
                    "this opens a block",
                )
                .also(self.report.place(start, end), "this line holds no steps")
                .help(format!("{name} is written {form}"));
            self.report.push(diagnostic);
        }
        self.steps(block);
    }

    /// An empty block where one is missing.
    pub(crate) fn empty_block(&self, statement: &Statement) -> Block {
        let end = statement.range().1;
        Block {
            steps: Vec::new(),
            span: self.span((end, end)),
        }
    }

    /// A misspelt first word: reports it and gives the statement as it was meant.
    pub(crate) fn misspelt(
        &mut self,
        statement: &Statement,
        candidates: &[&str],
    ) -> Option<Statement> {
        let word = statement.word(self.file(), 0);
        let meant = words::nearest(word, candidates)?;
        Some(self.reword(
            statement,
            &[meant],
            codes::MISSPELT,
            &format!("`{word}` is not known here"),
            &format!("did you mean `{meant}`?"),
        ))
    }

    /// Puts other words in the place of the first, and says so.
    pub(crate) fn reword(
        &mut self,
        statement: &Statement,
        instead: &[&str],
        code: &'static str,
        message: &str,
        label: &str,
    ) -> Statement {
        let mut meant = statement.clone();
        let Some(first) = statement.pieces.first() else {
            return meant;
        };
        let place = self.report.place(first.start, first.end);
        if !statement.reported {
            let joined = instead.join(" ");
            let diagnostic = self
                .report
                .error(code, message, (first.start, first.end), label)
                .fix(
                    format!("replace with `{joined}`"),
                    false,
                    place,
                    joined.clone(),
                );
            self.report.push(diagnostic);
        }
        let words = instead.iter().map(|word| Piece {
            kind: Kind::Word,
            start: first.start,
            end: first.end,
            instead: Some((*word).to_owned()),
            doc: first.doc.clone(),
        });
        meant.pieces.splice(0..1, words);
        meant.mended = true;
        meant
    }

    /// An expression that could not be read.
    pub(crate) fn missing(&self, statement: &Statement) -> Expr {
        let end = statement.range().1;
        Expr {
            kind: ExprKind::Missing,
            span: self.span((end, end)),
        }
    }
}

impl Builder<'_, '_, '_> {
    /// A duration: a bare number gets a finding that asks for the unit.
    pub(crate) fn duration_expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let expr = self.expr(pair);
        let ExprKind::Int(number) = expr.kind else {
            return expr;
        };
        let range = self.absolute(expr.span);
        let place = self.report.place(range.0, range.1);
        let mut diagnostic = self
            .report
            .error(
                codes::BAD_NUMBER,
                format!("`{number}` of what? A duration needs a unit"),
                range,
                "a number without a unit",
            )
            .help("units are `s`, `m`, `h` and `d`");
        for (unit, word) in [("m", "minutes"), ("h", "hours"), ("d", "days")] {
            diagnostic = diagnostic.fix(
                format!("`{number}{unit}` for {number} {word}"),
                false,
                place.clone(),
                format!("{number}{unit}"),
            );
        }
        self.report.push(diagnostic);
        Expr {
            kind: ExprKind::Missing,
            span: expr.span,
        }
    }
}

/// The parts of a pair without keywords and marks.
pub(crate) fn parts(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|part| {
        !matches!(
            part.as_rule(),
            Rule::EOI
                | Rule::comma
                | Rule::colon
                | Rule::dot
                | Rule::assign
                | Rule::arrow
                | Rule::open_paren
                | Rule::close_paren
                | Rule::open_square
                | Rule::close_square
        )
    })
}
