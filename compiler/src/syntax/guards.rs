//! The statements of parameters, guards and tests in, their items out.

use super::{
    ast::{
        Expr, GuardDecl, GuardLine, GuardLineKind, Item, ParamDecl, TestDecl, TestLine,
        TestLineKind,
    },
    codes,
    head::{Builder, Rule},
    reader::{Reader, parts},
    steps::first_expr,
    token::Kind,
    tree::Statement,
};
use crate::span::Name;
use pest::iterators::Pair;

impl Reader<'_, '_> {
    /// `param grace: Duration = 24h`.
    pub(super) fn param_item(&mut self, statement: &Statement) -> Item {
        let read = self.line(Rule::param_head, statement, |builder, pair| {
            let (mut name, mut ty, mut default) = (None, None, None);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::name => name = Some(builder.name(&part)),
                    Rule::type_ref => ty = Some(builder.type_ref(part)),
                    Rule::expr => default = Some(builder.expr(part)),
                    _ => {}
                }
            }
            Some((name?, ty?, default?))
        });
        read.flatten().map_or(Item::Broken, |(name, ty, default)| {
            Item::Param(ParamDecl {
                doc: statement.doc(),
                name,
                ty,
                default,
            })
        })
    }

    /// `guard "…" { … }`.
    pub(super) fn guard_item(&mut self, statement: &Statement) -> Item {
        let title = self.read(Rule::guard_head, statement, only_text).flatten();
        let mut lines = Vec::new();
        for line in self
            .block(Rule::guard_head, statement)
            .iter()
            .flat_map(|block| &block.statements)
        {
            let kind = match line.word(self.file(), 0) {
                "protect" => self.line(Rule::protect_line, line, protect).flatten(),
                "limit" => self.line(Rule::limit_line, line, limit).flatten(),
                _ => {
                    self.complain(
                        line,
                        codes::UNEXPECTED,
                        "this begins no line of a guard",
                        "not a line of a guard",
                        "a line is `protect user: User where CONDITION` or `limit module.action to 20 per 1h per tenant`",
                    );
                    None
                }
            };
            lines.push(GuardLine {
                kind: kind.unwrap_or(GuardLineKind::Broken),
                span: self.head_span(line),
            });
        }
        title.map_or(Item::Broken, |title| {
            Item::Guard(GuardDecl {
                doc: statement.doc(),
                title,
                lines,
            })
        })
    }

    /// `test "…" { … }`.
    pub(super) fn test_item(&mut self, statement: &Statement) -> Item {
        let head = self
            .read(Rule::test_head, statement, |builder, pair| {
                let (mut title, mut of) = (None, None);
                for part in parts(pair) {
                    match part.as_rule() {
                        Rule::text => title = Some(builder.text_expr(&part)),
                        Rule::name => of = Some(builder.name(&part)),
                        _ => {}
                    }
                }
                title.map(|title| (title, of))
            })
            .flatten();
        let mut lines = Vec::new();
        for line in self
            .block(Rule::test_head, statement)
            .iter()
            .flat_map(|block| &block.statements)
        {
            let kind = self.test_line(line).unwrap_or(TestLineKind::Broken);
            lines.push(TestLine {
                kind,
                span: self.head_span(line),
            });
        }
        head.map_or(Item::Broken, |(title, of)| {
            Item::Test(TestDecl {
                doc: statement.doc(),
                title,
                of,
                lines,
            })
        })
    }

    fn test_line(&mut self, line: &Statement) -> Option<TestLineKind> {
        let (first, second) = (line.word(self.file(), 0), line.word(self.file(), 1));
        // A module may be called as a keyword is: `given manual.event from "…"`.
        let path = line.kind(2) == Some(Kind::Dot);
        let has = |word: &str| {
            let mut pieces = line.pieces.iter();
            pieces.any(|piece| piece.text(self.file()) == word)
        };
        let rule = match (first, second) {
            ("expect", _) => Rule::expect_line,
            ("given", "tenant") if !path => Rule::given_tenant_line,
            ("given", "manual") if !path => Rule::given_manual_line,
            ("given", "schedule") if !path => Rule::given_schedule_line,
            ("given", "webhook") if !path => Rule::given_webhook_line,
            ("given", "approval" | "rejection") if !path => Rule::given_vote_line,
            ("given", "answer") if !path => Rule::given_answer_line,
            ("given", _) if has("returns") => Rule::given_returns_line,
            ("given", _) if has("fails") => Rule::given_fails_line,
            ("given", _) => Rule::given_event_line,
            _ => {
                self.complain(
                    line,
                    codes::UNEXPECTED,
                    "this begins no line of a test",
                    "not a line of a test",
                    "a line is `given …` or `expect …`, for instance `given intune.noncompliant from \"fixtures/a.json\"` or `expect intune.sync at 4h`",
                );
                return None;
            }
        };
        self.line(rule, line, move |builder, pair| {
            builder.test_line(rule, pair)
        })
        .flatten()
    }
}

fn only_text(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<Expr> {
    parts(pair)
        .find(|part| part.as_rule() == Rule::text)
        .map(|part| builder.text_expr(&part))
}

fn protect(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<GuardLineKind> {
    let (mut var, mut ty, mut condition) = (None, None, None);
    for part in parts(pair) {
        match part.as_rule() {
            Rule::name => var = Some(builder.name(&part)),
            Rule::type_ref => ty = Some(builder.type_ref(part)),
            Rule::expr => condition = Some(builder.expr(part)),
            _ => {}
        }
    }
    Some(GuardLineKind::Protect {
        var: var?,
        ty: ty?,
        condition: Box::new(condition?),
    })
}

fn limit(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<GuardLineKind> {
    let (mut action, mut rate, mut beyond) = (None, None, None);
    for part in parts(pair) {
        match part.as_rule() {
            Rule::event_path => action = builder.path(part),
            Rule::rate => rate = Some(part),
            Rule::beyond => {
                let (mut by, mut within) = (None, None);
                for clause in part.into_inner() {
                    match clause.as_rule() {
                        Rule::by => by = first_expr(builder, clause),
                        Rule::within => within = super::steps::duration_of(builder, clause),
                        _ => {}
                    }
                }
                beyond = by.zip(within).map(Box::new);
            }
            _ => {}
        }
    }
    let rate = rate?;
    let per_tenant = rate
        .clone()
        .into_inner()
        .any(|part| part.as_rule() == Rule::kw_tenant);
    let mut exprs = rate
        .into_inner()
        .filter(|part| part.as_rule() == Rule::expr);
    let count = exprs.next().map(|part| builder.expr(part))?;
    let per = exprs.next().map(|part| builder.duration_expr(part))?;
    Some(GuardLineKind::Limit {
        action: action?,
        count,
        per,
        per_tenant,
        beyond,
    })
}

/// What the lines of tests are made of, in the order written.
#[derive(Default)]
struct Given {
    paths: Vec<Expr>,
    names: Vec<Name>,
    texts: Vec<Expr>,
    exprs: Vec<Expr>,
    approve: bool,
}

impl Builder<'_, '_, '_> {
    /// A fixed text as an expression.
    pub(super) fn text_expr(&mut self, part: &Pair<'_, Rule>) -> Expr {
        Expr {
            kind: self.literal(part),
            span: self.span(part),
        }
    }

    fn test_line(&mut self, rule: Rule, pair: Pair<'_, Rule>) -> Option<TestLineKind> {
        if rule == Rule::expect_line {
            return self.expectation(pair);
        }
        let mut given = Given::default();
        for part in parts(pair) {
            match part.as_rule() {
                Rule::event_path => given.paths.extend(self.path(part)),
                Rule::name => given.names.push(self.name(&part)),
                Rule::text => {
                    let text = self.text_expr(&part);
                    given.texts.push(text);
                }
                // After `after` a duration is meant.
                Rule::expr if rule == Rule::given_returns_line && !given.exprs.is_empty() => {
                    let expr = self.duration_expr(part);
                    given.exprs.push(expr);
                }
                Rule::expr
                    if matches!(
                        rule,
                        Rule::given_vote_line | Rule::given_answer_line | Rule::given_event_line
                    ) =>
                {
                    let expr = self.duration_expr(part);
                    given.exprs.push(expr);
                }
                Rule::expr => {
                    let expr = self.expr(part);
                    given.exprs.push(expr);
                }
                Rule::kw_approval => given.approve = true,
                _ => {}
            }
        }
        let mut texts = given.texts.into_iter();
        let mut exprs = given.exprs.into_iter();
        let mut paths = given.paths.into_iter();
        Some(match rule {
            Rule::given_tenant_line => TestLineKind::Tenant(texts.next()?),
            Rule::given_manual_line => TestLineKind::Manual(exprs.next()?),
            Rule::given_schedule_line => TestLineKind::Schedule(given.names.into_iter().next()?),
            Rule::given_webhook_line => TestLineKind::Webhook {
                name: texts.next()?,
                file: texts.next()?,
            },
            Rule::given_vote_line => TestLineKind::Vote {
                approve: given.approve,
                from: texts.next()?,
                after: exprs.next()?,
            },
            Rule::given_answer_line => TestLineKind::Answer {
                answer: texts.next()?,
                from: texts.next()?,
                after: exprs.next()?,
            },
            Rule::given_returns_line => TestLineKind::Returns {
                call: paths.next()?,
                value: exprs.next()?,
                after: exprs.next(),
            },
            Rule::given_fails_line => TestLineKind::Fails {
                call: paths.next()?,
                reason: texts.next()?,
            },
            _ => TestLineKind::Event {
                event: paths.next()?,
                file: texts.next()?,
                after: exprs.next(),
            },
        })
    }

    fn expectation(&mut self, pair: Pair<'_, Rule>) -> Option<TestLineKind> {
        let part = parts(pair).find(|part| {
            matches!(
                part.as_rule(),
                Rule::expect_never | Rule::expect_outcome | Rule::expect_call
            )
        })?;
        let rule = part.as_rule();
        let (mut path, mut at, mut words) = (None, None, Vec::new());
        for inner in part.into_inner() {
            match inner.as_rule() {
                Rule::event_path => path = self.path(inner),
                Rule::expr => at = Some(self.duration_expr(inner)),
                Rule::any_word => words.push(self.name(&inner)),
                _ => {}
            }
        }
        Some(match rule {
            Rule::expect_never => TestLineKind::ExpectNever(path?),
            Rule::expect_outcome => TestLineKind::ExpectOutcome(words),
            _ => TestLineKind::Expect { action: path?, at },
        })
    }
}
