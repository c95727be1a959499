//! A condition in, branches out; `and`, `or` and `not` around queries become control flow, so that a
//! question whose answer does not matter is not asked.

use super::{End, Lower};
use crate::check::Queries;
use crate::syntax::ast::{BinaryOp, Expr as Ast, ExprKind, Item, TextPart, UnaryOp};
use counterplay_machine::playbook::{Edge, NodeKind};
use counterplay_machine::types::Type;

impl Lower<'_, '_> {
    /// Adds the branches of a condition: the ends where it holds, and those where it does not.
    pub(super) fn condition(&mut self, expr: &Ast, hold: bool) -> (Vec<End>, Vec<End>) {
        match &expr.kind {
            ExprKind::Binary {
                op: op @ (BinaryOp::And | BinaryOp::Or),
                left,
                right,
                ..
            } if self.asks(expr) => {
                let and = *op == BinaryOp::And;
                let (yes, no) = self.condition(left, hold);
                let facts = self.c.facts(left, and);
                let (open, mut closed) = if and { (yes, no) } else { (no, yes) };
                self.current = open;
                self.c.frames.push(crate::check::Frame {
                    names: Default::default(),
                    present: facts,
                });
                let (yes, no) = self.condition(right, hold);
                self.c.frames.pop();
                if and {
                    closed.extend(no);
                    (yes, closed)
                } else {
                    closed.extend(yes);
                    (closed, no)
                }
            }
            ExprKind::Unary(UnaryOp::Not, inner) if self.asks(inner) => {
                let (yes, no) = self.condition(inner, hold);
                (no, yes)
            }
            _ => {
                let condition = self
                    .c
                    .with_queries(Queries::Allowed, |c| c.expect(expr, &Type::Bool, None));
                self.emit_asked(hold);
                let label = self.c.source(expr.span);
                let node = self.emit(NodeKind::Branch { condition }, label, expr.span);
                self.current.clear();
                (vec![(node, Edge::True)], vec![(node, Edge::False)])
            }
        }
    }

    /// Whether an expression asks a live system.
    pub(super) fn asks(&self, expr: &Ast) -> bool {
        match &expr.kind {
            ExprKind::Call { callee, args } => {
                let def = match &callee.kind {
                    ExprKind::Name(name) => self.c.index.get(&self.c.module, name),
                    ExprKind::Field { base, field, .. } => match &base.kind {
                        ExprKind::Name(module) => self
                            .c
                            .index
                            .modules
                            .get(&*self.c.module)
                            .and_then(|m| m.uses.get(module))
                            .and_then(|full| self.c.index.get(full, &field.text)),
                        _ => None,
                    },
                    _ => None,
                };
                def.is_some_and(|d| matches!(&*d.item, Item::Query(_)))
                    || args.iter().any(|a| self.asks(&a.value))
            }
            ExprKind::Binary { left, right, .. } => self.asks(left) || self.asks(right),
            ExprKind::Unary(_, inner)
            | ExprKind::Is(inner, _)
            | ExprKind::Ago(inner)
            | ExprKind::FromNow(inner) => self.asks(inner),
            ExprKind::Field { base, .. } => self.asks(base),
            ExprKind::List(items) => items.iter().any(|i| self.asks(i)),
            ExprKind::Json(fields) => fields.iter().any(|(_, v)| self.asks(v)),
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => self.asks(condition) || self.asks(then) || self.asks(otherwise),
            ExprKind::Text(parts) => parts
                .iter()
                .any(|p| matches!(p, TextPart::Interpolation(e) if self.asks(e))),
            ExprKind::Comprehension { source, .. } => self.asks(source),
            _ => false,
        }
    }

    /// Adds the goal's check: where it holds the run ends `resolved`.
    pub(super) fn check_goal(&mut self) {
        let Some(goal) = self.goal.clone() else {
            return;
        };
        if self.goal_is_fresh || self.current.is_empty() {
            return;
        }
        // The goal is in the playbook's words, also where the run waits inside of steps that it called.
        let outer = self.root.clone().map(|root| self.enter_at(root));
        // It was checked once where it stands; its copies say nothing again.
        let was = std::mem::replace(&mut self.c.silent, true);
        let (yes, no) = self.condition(&goal, true);
        self.c.silent = was;
        self.current = yes;
        let label = format!("resolved when {}", self.c.source(goal.span));
        self.emit(
            NodeKind::End {
                outcome: counterplay_machine::playbook::EndKind::Resolved,
                why: None,
            },
            label,
            goal.span,
        );
        if let Some(outer) = outer {
            self.leave(outer);
        }
        self.current = no;
        self.goal_is_fresh = true;
    }
}
