//! Pairs of `expr` in, expressions out. How tightly operators bind is said here and nowhere else.

use std::sync::LazyLock;

use pest::{
    iterators::Pair,
    pratt_parser::{Assoc, Op, PrattParser},
};

use super::{
    ast::{BinaryOp, Expr, ExprKind, UnaryOp},
    codes,
    head::{Builder, Rule},
};
use crate::span::Span;

/// How deep a tree may be; what walks it later may then use plain recursion.
const DEPTH_MAX: u32 = 120;

static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::op_or))
        .op(left(Rule::op_and))
        .op(Op::prefix(Rule::op_not))
        .op(left(Rule::op_eq)
            | left(Rule::op_ne)
            | left(Rule::op_lt)
            | left(Rule::op_le)
            | left(Rule::op_gt)
            | left(Rule::op_ge)
            | left(Rule::op_in)
            | left(Rule::op_not_in)
            | left(Rule::op_contains)
            | left(Rule::op_matches)
            | left(Rule::op_starts_with)
            | left(Rule::op_ends_with)
            | Op::postfix(Rule::is_present)
            | Op::postfix(Rule::is_absent))
        .op(left(Rule::op_coalesce))
        .op(left(Rule::op_add) | left(Rule::op_sub))
        .op(left(Rule::op_mul) | left(Rule::op_div))
        .op(Op::prefix(Rule::op_neg))
        .op(Op::postfix(Rule::ago) | Op::postfix(Rule::from_now))
});

/// An expression and what must be known of it while its surroundings are built.
pub(super) struct Sub {
    pub(super) expr: Expr,
    /// How deep its tree is.
    pub(super) depth: u32,
    /// It is a comparison without parentheses around it.
    pub(super) compares: bool,
}

impl Sub {
    pub(super) fn leaf(kind: ExprKind, span: Span) -> Sub {
        Sub {
            expr: Expr { kind, span },
            depth: 1,
            compares: false,
        }
    }
}

impl Builder<'_, '_, '_> {
    /// An expression.
    pub(crate) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.sub(pair).expr
    }

    /// Every expression directly inside a pair.
    pub(crate) fn exprs(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        pair.into_inner()
            .filter(|inner| inner.as_rule() == Rule::expr)
            .map(|inner| self.expr(inner))
            .collect()
    }

    pub(super) fn sub(&mut self, pair: Pair<'_, Rule>) -> Sub {
        let cell = std::cell::RefCell::new(self);
        PRATT
            .map_primary(|pair| cell.borrow_mut().operand(pair))
            .map_prefix(|operator, right| cell.borrow_mut().prefix(&operator, right))
            .map_infix(|left, operator, right| cell.borrow_mut().infix(left, &operator, right))
            .map_postfix(|left, operator| cell.borrow_mut().postfix(left, &operator))
            .parse(pair.into_inner())
    }

    /// A node over others; a tree that grows too deep is cut off.
    pub(super) fn node(&mut self, kind: ExprKind, span: Span, depth: u32) -> Sub {
        if depth < DEPTH_MAX {
            return Sub {
                expr: Expr { kind, span },
                depth: depth + 1,
                compares: false,
            };
        }
        let (start, end) = (
            self.base + span.start as usize,
            self.base + span.end as usize,
        );
        // A long chain is cut off again and again, and is one mistake.
        let told = |found: &crate::diagnostic::Diagnostic| {
            let place = found.labels.first().map(|label| label.place.span);
            found.code == codes::TOO_DEEP && place.is_some_and(|p| p.start as usize == start)
        };
        if self.report.found.last().is_some_and(told) {
            return Sub::leaf(ExprKind::Missing, span);
        }
        let diagnostic = self
            .report
            .error(
                codes::TOO_DEEP,
                format!("this expression has more than {DEPTH_MAX} parts inside each other"),
                (start, end),
                "too long a chain",
            )
            .help("give a part of it a name with `let`");
        self.report.push(diagnostic);
        Sub::leaf(ExprKind::Missing, span)
    }

    fn prefix(&mut self, operator: &Pair<'_, Rule>, right: Sub) -> Sub {
        let op = if operator.as_rule() == Rule::op_not {
            UnaryOp::Not
        } else {
            UnaryOp::Neg
        };
        let span = self.span(operator).to(right.expr.span);
        self.node(ExprKind::Unary(op, Box::new(right.expr)), span, right.depth)
    }

    fn postfix(&mut self, left: Sub, operator: &Pair<'_, Rule>) -> Sub {
        let span = left.expr.span.to(self.span(operator));
        let inner = Box::new(left.expr);
        let kind = match operator.as_rule() {
            Rule::is_present => ExprKind::Is(inner, true),
            Rule::is_absent => ExprKind::Is(inner, false),
            Rule::ago => ExprKind::Ago(inner),
            _ => ExprKind::FromNow(inner),
        };
        self.node(kind, span, left.depth)
    }

    fn infix(&mut self, left: Sub, operator: &Pair<'_, Rule>, right: Sub) -> Sub {
        let Some(op) = binary(operator.as_rule()) else {
            return left;
        };
        let op_span = self.span(operator);
        let span = left.expr.span.to(right.expr.span);
        let compares = compares(op);
        let (right_start, right_end) = self.absolute(right.expr.span);
        let right_text = self.report.text.get(right_start..right_end).unwrap_or("");
        if matches!(op, BinaryOp::Eq | BinaryOp::Ne) && NULLS.contains(&right_text) {
            return self.null_comparison(left, &right.expr, op == BinaryOp::Ne, span);
        }
        if compares && left.compares {
            return self.chained(left, (op, op_span), right, span);
        }
        let depth = left.depth.max(right.depth);
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left.expr),
            right: Box::new(right.expr),
        };
        let mut sub = self.node(kind, span, depth);
        sub.compares = compares;
        sub
    }

    /// `x == null`.
    fn null_comparison(&mut self, left: Sub, right: &Expr, present: bool, span: Span) -> Sub {
        // The finding about the bare `null` says less than this one.
        let text = if present { "is present" } else { "is absent" };
        let range = self.absolute(span);
        let operand = self.absolute(left.expr.span);
        let place = self.report.place(operand.1, range.1);
        self.report.found.retain(|found| {
            found.code != codes::FOREIGN
                || found
                    .labels
                    .first()
                    .is_none_or(|label| label.place.span != absolute_span(self.base, right.span))
        });
        let diagnostic = self
            .report
            .error(
                codes::FOREIGN,
                format!("there is no null to compare with: write `{text}`"),
                range,
                "a value is present or absent",
            )
            .fix(
                format!("replace with `{text}`"),
                true,
                place,
                format!(" {text}"),
            );
        self.report.push(diagnostic);
        self.node(ExprKind::Is(Box::new(left.expr), present), span, left.depth)
    }

    /// `a < b < c`: read as `a < b and b < c`, and said.
    fn chained(
        &mut self,
        left: Sub,
        (op, op_span): (BinaryOp, Span),
        right: Sub,
        span: Span,
    ) -> Sub {
        let depth = left.depth.max(right.depth) + 1;
        let ExprKind::Binary { right: middle, .. } = &left.expr.kind else {
            return left;
        };
        let middle = middle.as_ref().clone();
        let word = |span: Span| {
            let (start, end) = (
                self.base + span.start as usize,
                self.base + span.end as usize,
            );
            self.report.text.get(start..end).unwrap_or("…").to_owned()
        };
        let rewrite = format!(
            "{} and {} {} {}",
            word(left.expr.span),
            word(middle.span),
            word(op_span),
            word(right.expr.span)
        );
        let range = self.absolute(span);
        let operator = self.absolute(op_span);
        let place = self.report.place(range.0, range.1);
        let mut diagnostic = self
            .report
            .error(
                codes::CHAINED_COMPARISON,
                "comparisons are not chained",
                operator,
                "a second comparison of the same value",
            )
            .because(
                "`a < b < c` would compare the answer of `a < b`, which is true or false, with `c`",
            );
        diagnostic = if rewrite.len() <= 120 {
            diagnostic.fix(format!("write `{rewrite}`"), false, place, rewrite)
        } else {
            diagnostic.help("join the comparisons with `and`")
        };
        self.report.push(diagnostic);
        let second = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(middle.clone()),
            right: Box::new(right.expr.clone()),
        };
        let second = Expr {
            kind: second,
            span: middle.span.to(right.expr.span),
        };
        let both = ExprKind::Binary {
            op: BinaryOp::And,
            op_span,
            left: Box::new(left.expr),
            right: Box::new(second),
        };
        self.node(both, span, depth)
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Sub {
        let mut parts = pair.into_inner();
        let Some(first) = parts.next() else {
            return Sub::leaf(ExprKind::Missing, Span::default());
        };
        let mut sub = self.atom(first);
        for part in parts {
            let span = sub.expr.span.to(self.span(&part));
            let rule = part.as_rule();
            if rule == Rule::args {
                let (args, deepest) = self.args(part);
                let kind = ExprKind::Call {
                    callee: Box::new(sub.expr),
                    args,
                };
                sub = self.node(kind, span, sub.depth.max(deepest));
            } else if let Some(word) = part
                .into_inner()
                .find(|inner| matches!(inner.as_rule(), Rule::any_word | Rule::text))
            {
                let mut field = self.name(&word);
                if word.as_rule() == Rule::text {
                    field.text = self.plain_text(&word);
                }
                let kind = ExprKind::Field {
                    base: Box::new(sub.expr),
                    field,
                    optional: rule == Rule::optional_field,
                };
                sub = self.node(kind, span, sub.depth);
            }
        }
        sub
    }

    /// A span as a range of the file.
    pub(crate) fn absolute(&self, span: Span) -> (usize, usize) {
        (
            self.base + span.start as usize,
            self.base + span.end as usize,
        )
    }
}

fn absolute_span(base: usize, span: Span) -> Span {
    Span::new(base + span.start as usize, base + span.end as usize)
}

/// What other languages call an absent value.
pub(super) const NULLS: &[&str] = &["null", "nil", "None", "undefined"];

fn compares(op: BinaryOp) -> bool {
    !matches!(
        op,
        BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Coalesce
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
    )
}

fn binary(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::op_or => BinaryOp::Or,
        Rule::op_and => BinaryOp::And,
        Rule::op_eq => BinaryOp::Eq,
        Rule::op_ne => BinaryOp::Ne,
        Rule::op_lt => BinaryOp::Lt,
        Rule::op_le => BinaryOp::Le,
        Rule::op_gt => BinaryOp::Gt,
        Rule::op_ge => BinaryOp::Ge,
        Rule::op_in => BinaryOp::In,
        Rule::op_not_in => BinaryOp::NotIn,
        Rule::op_contains => BinaryOp::Contains,
        Rule::op_matches => BinaryOp::Matches,
        Rule::op_starts_with => BinaryOp::StartsWith,
        Rule::op_ends_with => BinaryOp::EndsWith,
        Rule::op_coalesce => BinaryOp::Coalesce,
        Rule::op_add => BinaryOp::Add,
        Rule::op_sub => BinaryOp::Sub,
        Rule::op_mul => BinaryOp::Mul,
        Rule::op_div => BinaryOp::Div,
        _ => return None,
    })
}
