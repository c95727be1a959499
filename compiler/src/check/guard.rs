//! Parameters and guards in, their compiled forms and what is wrong with them out.

use super::convert::article;
use super::expr::constant;
use super::{Checker, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::span::Span;
use crate::syntax::ast::{Expr as Ast, ExprKind, GuardDecl, GuardLineKind, Item, ParamDecl};
use counterplay_machine::Value;
use counterplay_machine::declare::Impact;
use counterplay_machine::duration::HOUR_MS;
use counterplay_machine::expr::Expr;
use counterplay_machine::guard::{Beyond, Guard, Rule};
use counterplay_machine::program::Parameter;
use counterplay_machine::types::Type;
use std::sync::Arc;

/// The longest time that a budget counts over.
const PER_MAX_MS: i64 = 31 * 24 * HOUR_MS;

impl Checker<'_> {
    /// A parameter where it is declared.
    pub fn check_parameter(&mut self, decl: &ParamDecl) -> Parameter {
        let ty = self.type_of(&decl.ty);
        if !self.can_be_set(&ty) {
            let place = self.at(decl.ty.span);
            let diagnostic = Diagnostic::error(
                codes::TYPE_MISMATCH,
                format!("a parameter cannot be {}", article(&ty)),
                place,
                "tenants could not write it in counterplay.toml",
            )
            .help("it is a Text, Int, Number, Bool, Duration or ClockTime, a member of an enum, or a list of these");
            self.report(diagnostic);
            return Parameter {
                ty: Type::Unknown,
                default: Value::Absent,
                doc: Arc::from(decl.doc.as_str()),
            };
        }
        let before = self.diagnostics.len();
        let value = self.with_queries(Queries::Forbidden("as the default of a parameter"), |c| {
            c.expect(&decl.default, &ty, None)
        });
        let fixed = constant(&value);
        let told = self.diagnostics.len() > before;
        if fixed.is_none() && !told && !matches!(decl.default.kind, ExprKind::Missing) {
            let place = self.at(decl.default.span);
            let diagnostic = Diagnostic::error(
                codes::BAD_PROPERTY,
                "the default of a parameter is a fixed value",
                place,
                "not known before the run",
            );
            self.report(diagnostic);
        }
        Parameter {
            ty,
            default: fixed.unwrap_or(Value::Absent),
            doc: Arc::from(decl.doc.as_str()),
        }
    }

    fn can_be_set(&self, ty: &Type) -> bool {
        match ty {
            Type::Text
            | Type::Int
            | Type::Number
            | Type::Bool
            | Type::Duration
            | Type::Clock
            | Type::Enum(_)
            | Type::Unknown => true,
            Type::List(inner) => self.can_be_set(inner),
            _ => false,
        }
    }

    /// A guard.
    pub fn guard(&mut self, decl: &GuardDecl) -> Guard {
        let title = self.literal(&decl.title).unwrap_or_else(|| Arc::from(""));
        if decl.lines.is_empty() {
            let place = self.at(decl.title.span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_PROPERTY,
                "this guard forbids nothing",
                place,
                "it has no line",
            )
            .help("add `protect user: User where CONDITION` or `limit module.action to 20 per 1h per tenant`");
            self.report(diagnostic);
        }
        let mut rules = Vec::new();
        for line in &decl.lines {
            match &line.kind {
                GuardLineKind::Protect { var, ty, condition } => {
                    let span = ty.span;
                    let ty = self.type_of(ty);
                    self.slots.clear();
                    self.frames = vec![super::Frame::default()];
                    self.bind(var, &ty);
                    let condition = self.with_queries(
                        Queries::Forbidden("in a guard, which is looked at before each action"),
                        |c| c.expect(condition, &Type::Bool, None),
                    );
                    match &ty {
                        Type::Record(name) if self.is_entity(&ty) => rules.push(Rule::Protect {
                            ty: name.clone(),
                            condition,
                        }),
                        Type::Unknown => {}
                        other => self.bad(
                            span,
                            format!("entities are protected, not {}", article(other)),
                            "an entity is a record with an `id`, such as User or Device",
                        ),
                    }
                }
                GuardLineKind::Limit {
                    action,
                    count,
                    per,
                    per_tenant,
                    beyond,
                } => {
                    let Some(action) = self.limited(action) else {
                        continue;
                    };
                    let count = match count.kind {
                        ExprKind::Int(n) if (1..=1_000_000).contains(&n) => n as u32,
                        ExprKind::Missing => continue,
                        _ => {
                            self.bad(
                                count.span,
                                "a budget is a whole number from 1 to 1000000",
                                "for instance `20 per 1h`",
                            );
                            continue;
                        }
                    };
                    let Some(per_ms) = self.budget_time(per) else {
                        continue;
                    };
                    let beyond = match beyond {
                        None => None,
                        Some(beyond) => {
                            let (by, within) = &**beyond;
                            let by = self.decider(by);
                            let Some(within_ms) = self.budget_time(within) else {
                                continue;
                            };
                            Some(Beyond { by, within_ms })
                        }
                    };
                    rules.push(Rule::Limit {
                        action,
                        count,
                        per_ms,
                        per_tenant: *per_tenant,
                        beyond,
                    });
                }
                GuardLineKind::Broken => {}
            }
        }
        Guard { title, rules }
    }

    /// The action that a budget counts.
    fn limited(&mut self, action: &Ast) -> Option<Arc<str>> {
        match self.callee(action) {
            super::calls::Callee::Declared(def) if matches!(&*def.item, Item::Action(_)) => {
                let impact = match &*def.item {
                    Item::Action(decl) => super::declare::property(decl, "impact")
                        .and_then(super::declare::single)
                        .and_then(super::declare::word)
                        .and_then(super::declare::impact_named),
                    _ => None,
                };
                if impact == Some(Impact::Notify) {
                    self.bad(
                        action.span,
                        "messages are not counted by guards",
                        "guards look at actions above `notify`",
                    );
                }
                Some(Index::qualified(&def.module, &def.name.text))
            }
            super::calls::Callee::Unknown => None,
            _ => {
                self.bad(
                    action.span,
                    "a budget counts an action",
                    "for instance `limit entra.block_sign_in to 20 per 1h per tenant`",
                );
                None
            }
        }
    }

    fn budget_time(&mut self, expr: &Ast) -> Option<i64> {
        match super::declare::duration_ms(expr) {
            Some(ms) if ms > 0 && ms <= PER_MAX_MS => Some(ms),
            _ if matches!(expr.kind, ExprKind::Missing) => None,
            _ => {
                self.bad(
                    expr.span,
                    "this takes a duration of at most 31 days",
                    "for instance `1h`",
                );
                None
            }
        }
    }

    /// Who decides beyond a budget.
    fn decider(&mut self, by: &Ast) -> Expr {
        let team = Type::Record(Arc::from("Team"));
        let span: Span = by.span;
        let checked = self.with_queries(Queries::Forbidden("in a guard"), |c| {
            c.expr(by, Some(&team))
        });
        if !matches!(&checked.ty, Type::Record(name) if &**name == "Team")
            && checked.ty != Type::Unknown
        {
            self.bad(
                span,
                format!("a team decides, not {}", article(&checked.ty)),
                "for instance `by team.soc_leads`",
            );
        }
        checked.expr
    }
}
