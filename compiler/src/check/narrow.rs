//! A condition and its truth in, the paths that are then known to be present out.

use super::{Checker, Path};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use std::sync::Arc;

impl Checker<'_> {
    /// The paths that are present when `condition` is `truth`.
    pub fn facts(&self, condition: &Expr, truth: bool) -> Vec<Path> {
        match &condition.kind {
            ExprKind::Is(inner, present) if *present == truth => {
                self.path(inner).into_iter().collect()
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.facts(inner, !truth),
            ExprKind::Binary {
                op, left, right, ..
            } if (*op == BinaryOp::And && truth) || (*op == BinaryOp::Or && !truth) => {
                let mut facts = self.facts(left, truth);
                facts.extend(self.facts(right, truth));
                facts
            }
            _ => Vec::new(),
        }
    }

    /// The path of a name or of fields of one.
    pub fn path(&self, expr: &Expr) -> Option<Path> {
        match &expr.kind {
            ExprKind::Name(name) => self.local(name).map(|l| (l.slot, Vec::new())),
            ExprKind::Field { base, field, .. } => {
                let (slot, mut fields) = self.path(base)?;
                fields.push(Arc::from(field.text.as_str()));
                Some((slot, fields))
            }
            _ => None,
        }
    }

    /// Whether a path is known to be present.
    pub fn is_known_present(&self, path: &Path) -> bool {
        self.frames.iter().any(|f| f.present.contains(path))
    }

    /// Adds knowledge to the innermost scope.
    pub fn learn(&mut self, facts: Vec<Path>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.present.extend(facts);
        }
    }
}
