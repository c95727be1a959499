//! The operands of expressions in, their trees out: lists, objects, choices, comprehensions and names.

use pest::iterators::Pair;

use super::{
    ast::{Arg, ComprehensionKind, Expr, ExprKind},
    codes,
    expressions::{NULLS, Sub},
    head::{Builder, Rule, is_missing},
};
use crate::span::{Name, Span};

impl Builder<'_, '_, '_> {
    /// Arguments, and how deep the deepest is.
    pub(super) fn args(&mut self, pair: Pair<'_, Rule>) -> (Vec<Arg>, u32) {
        let mut deepest = 0;
        let args = pair
            .into_inner()
            .filter(|inner| inner.as_rule() == Rule::arg)
            .filter_map(|arg| {
                let mut name = None;
                let mut value = None;
                for part in arg.into_inner() {
                    match part.as_rule() {
                        Rule::any_word => name = Some(self.name(&part)),
                        Rule::expr => value = Some(self.sub(part)),
                        _ => {}
                    }
                }
                let value = value?;
                deepest = deepest.max(value.depth);
                Some(Arg {
                    name,
                    value: value.expr,
                })
            });
        (args.collect(), deepest)
    }

    /// The sub-expressions directly inside a pair and the depth of the deepest.
    pub(super) fn subs(&mut self, pair: Pair<'_, Rule>) -> (Vec<Expr>, u32) {
        let subs: Vec<Sub> = pair
            .into_inner()
            .filter(|inner| inner.as_rule() == Rule::expr)
            .map(|inner| self.sub(inner))
            .collect();
        let depth = subs.iter().map(|sub| sub.depth).max().unwrap_or(0);
        (subs.into_iter().map(|sub| sub.expr).collect(), depth)
    }

    pub(super) fn atom(&mut self, pair: Pair<'_, Rule>) -> Sub {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::group => {
                let inner = pair
                    .into_inner()
                    .find(|inner| inner.as_rule() == Rule::expr);
                let Some(inner) = inner.map(|inner| self.sub(inner)) else {
                    return Sub::leaf(ExprKind::Missing, span);
                };
                // The parentheses belong to the place, so that a fix never cuts them apart.
                Sub {
                    expr: Expr {
                        kind: inner.expr.kind,
                        span,
                    },
                    depth: inner.depth,
                    compares: false,
                }
            }
            Rule::list => {
                let (items, depth) = self.subs(pair);
                self.node(ExprKind::List(items), span, depth)
            }
            Rule::choice => self.choice(pair, span),
            Rule::json => self.json(pair, span),
            Rule::search => self.search(pair, span),
            Rule::collect => self.collect(pair, span),
            Rule::value_name => self.value_name(&pair, span),
            _ => Sub::leaf(self.literal(&pair), span),
        }
    }

    /// `(if c then a else if d then b else e)`.
    fn choice(&mut self, pair: Pair<'_, Rule>, span: Span) -> Sub {
        let exprs = pair
            .into_inner()
            .filter(|inner| inner.as_rule() == Rule::expr);
        let mut subs: Vec<Sub> = exprs.map(|inner| self.sub(inner)).collect();
        let Some(mut sub) = subs.pop() else {
            return Sub::leaf(ExprKind::Missing, span);
        };
        while let (Some(then), Some(condition)) = (subs.pop(), subs.pop()) {
            let span = if subs.is_empty() {
                span
            } else {
                condition.expr.span.to(sub.expr.span)
            };
            let depth = sub.depth.max(then.depth).max(condition.depth);
            let kind = ExprKind::If {
                condition: Box::new(condition.expr),
                then: Box::new(then.expr),
                otherwise: Box::new(sub.expr),
            };
            sub = self.node(kind, span, depth);
        }
        sub
    }

    pub(super) fn value_name(&mut self, pair: &Pair<'_, Rule>, span: Span) -> Sub {
        let word = pair.as_str();
        let foreign = match word {
            _ if is_missing(word) => return Sub::leaf(ExprKind::Missing, span),
            null if NULLS.contains(&null) => (
                "there is no null: a value that may be missing is `present` or `absent`",
                None,
                ExprKind::Missing,
            ),
            "True" | "TRUE" => (
                "true is written in small letters",
                Some("true"),
                ExprKind::Bool(true),
            ),
            "False" | "FALSE" => (
                "false is written in small letters",
                Some("false"),
                ExprKind::Bool(false),
            ),
            _ => return Sub::leaf(ExprKind::Name(word.to_owned()), span),
        };
        let (message, instead, kind) = foreign;
        let range = self.absolute(span);
        let place = self.report.place(range.0, range.1);
        let diagnostic = self
            .report
            .error(codes::FOREIGN, message, range, "not a value here");
        let diagnostic = match instead {
            Some(instead) => diagnostic.fix(format!("replace with `{instead}`"), true, place, instead),
            None => diagnostic.help("test with `x is absent`, supply a default with `x ?? y`, or leave the argument out"),
        };
        self.report.push(diagnostic);
        Sub::leaf(kind, span)
    }

    pub(super) fn json(&mut self, pair: Pair<'_, Rule>, span: Span) -> Sub {
        let mut deepest = 0;
        let mut entries = Vec::new();
        for entry in pair
            .into_inner()
            .filter(|inner| inner.as_rule() == Rule::json_pair)
        {
            let mut key = None;
            let mut value = None;
            for part in entry.into_inner() {
                match part.as_rule() {
                    Rule::any_word => key = Some(self.name(&part)),
                    Rule::text => {
                        key = Some(Name {
                            text: self.plain_text(&part),
                            span: self.span(&part),
                        })
                    }
                    Rule::expr => value = Some(self.sub(part)),
                    _ => {}
                }
            }
            if let (Some(key), Some(value)) = (key, value) {
                deepest = deepest.max(value.depth);
                entries.push((key, value.expr));
            }
        }
        self.node(ExprKind::Json(entries), span, deepest)
    }

    /// `any(d in xs where c)` and relatives.
    pub(super) fn search(&mut self, pair: Pair<'_, Rule>, span: Span) -> Sub {
        let mut kind = ComprehensionKind::Any;
        let mut var = None;
        for part in pair.clone().into_inner() {
            match (part.as_rule(), part.as_str()) {
                (Rule::search_word, "all") => kind = ComprehensionKind::All,
                (Rule::search_word, "count") => kind = ComprehensionKind::Count,
                (Rule::search_word, "first") => kind = ComprehensionKind::First,
                (Rule::name, _) => var = Some(self.name(&part)),
                _ => {}
            }
        }
        let (parts, depth) = self.subs(pair);
        let mut parts = parts.into_iter();
        let (Some(var), Some(source)) = (var, parts.next()) else {
            return Sub::leaf(ExprKind::Missing, span);
        };
        let filter = parts.next().map(Box::new);
        let kind = ExprKind::Comprehension {
            kind,
            body: None,
            var,
            source: Box::new(source),
            filter,
        };
        self.node(kind, span, depth)
    }

    /// `list(EXPR for d in xs where c)` and `sum`; without `for` it is an ordinary call.
    pub(super) fn collect(&mut self, pair: Pair<'_, Rule>, span: Span) -> Sub {
        let mut kind = ComprehensionKind::List;
        let mut word = None;
        let mut var = None;
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::collect_word => {
                    if part.as_str() == "sum" {
                        kind = ComprehensionKind::Sum;
                    }
                    word = Some(self.name(&part));
                }
                Rule::name => var = Some(self.name(&part)),
                _ => {}
            }
        }
        let (parts, depth) = self.subs(pair);
        let mut parts = parts.into_iter();
        let (Some(word), Some(body)) = (word, parts.next()) else {
            return Sub::leaf(ExprKind::Missing, span);
        };
        let kind = match (var, parts.next()) {
            (Some(var), Some(source)) => ExprKind::Comprehension {
                kind,
                body: Some(Box::new(body)),
                var,
                source: Box::new(source),
                filter: parts.next().map(Box::new),
            },
            _ => ExprKind::Call {
                callee: Box::new(Expr {
                    kind: ExprKind::Name(word.text),
                    span: word.span,
                }),
                args: vec![Arg {
                    name: None,
                    value: body,
                }],
            },
        };
        self.node(kind, span, depth)
    }
}
