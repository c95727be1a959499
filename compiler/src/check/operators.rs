//! Operators: what each side has to be, and what comes out.

use super::Checker;
use super::convert::{Checked, article};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::syntax::ast::{BinaryOp, Expr as Ast, ExprKind, UnaryOp};
use counterplay_machine::Value;
use counterplay_machine::expr::{ArithmeticOp, CompareOp, Expr};
use counterplay_machine::pattern::Pattern;
use counterplay_machine::types::Type;

impl Checker<'_> {
    /// The pattern behind `matches`, which stands there as it is.
    fn pattern(&mut self, expr: &Ast) -> Option<Pattern> {
        let place = self.at(expr.span);
        let source = match &expr.kind {
            ExprKind::Raw(source) => source,
            ExprKind::Missing => return None,
            _ => {
                let written = self.source(expr.span);
                let mut diagnostic = Diagnostic::error(
                    codes::PATTERN,
                    "behind `matches` stands a pattern, written `r\"…\"`",
                    place.clone(),
                    "no pattern",
                )
                .because("it is checked before anything runs, which is not possible for one that comes from elsewhere")
                .help("`contains`, `starts with` and `ends with` take any text");
                // A plain text without escapes and interpolations means the same as a raw one.
                let is_text = matches!(expr.kind, ExprKind::Text(_)) && written.starts_with('"');
                if is_text && !written.starts_with("\"\"\"") && !written.contains(['{', '\\']) {
                    diagnostic = diagnostic.fix(
                        format!("write r{written}"),
                        false,
                        place,
                        format!("r{written}"),
                    );
                }
                self.report(diagnostic);
                return None;
            }
        };
        match Pattern::new(source) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                let diagnostic =
                    Diagnostic::error(codes::PATTERN, "this is no pattern", place, why)
                        .help("patterns are regular expressions such as r\"^VPN-[0-9]+$\"; a sign that means itself gets a backslash before it: r\"\\(\"");
                self.report(diagnostic);
                None
            }
        }
    }

    pub(super) fn unary(&mut self, op: UnaryOp, inner: &Ast) -> Checked {
        match op {
            UnaryOp::Not => {
                let expr = self.expect(inner, &Type::Bool, None);
                Checked {
                    expr: Expr::Not(Box::new(expr)),
                    ty: Type::Bool,
                }
            }
            UnaryOp::Neg => {
                let checked = self.expr(inner, None);
                if !matches!(
                    checked.ty,
                    Type::Int | Type::Number | Type::Duration | Type::Unknown
                ) {
                    let place = self.at(inner.span);
                    let diagnostic = Diagnostic::error(
                        codes::TYPE_MISMATCH,
                        format!(
                            "only a number or a duration can be negative, not {}",
                            article(&checked.ty)
                        ),
                        place,
                        format!("this is {}", article(&checked.ty)),
                    );
                    self.report(diagnostic);
                }
                Checked {
                    expr: Expr::Negate(Box::new(checked.expr)),
                    ty: checked.ty,
                }
            }
        }
    }

    pub(super) fn is_present(&mut self, span: Span, inner: &Ast, present: bool) -> Checked {
        let checked = self.expr(inner, None);
        if !checked.ty.is_optional() && !matches!(checked.ty, Type::Json | Type::Unknown) {
            let place = self.at(span);
            let written = self.source(inner.span);
            let diagnostic = Diagnostic::warning(
                codes::ALWAYS_SO,
                format!("`{written}` is always present"),
                place,
                format!("it is {}", article(&checked.ty)),
            )
            .help("leave the question out");
            self.report(diagnostic);
        }
        let test = Expr::IsPresent(Box::new(checked.expr));
        Checked {
            expr: if present {
                test
            } else {
                Expr::Not(Box::new(test))
            },
            ty: Type::Bool,
        }
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &Ast,
        right: &Ast,
        expected: Option<&Type>,
    ) -> Checked {
        let bool_of = |expr| Checked {
            expr,
            ty: Type::Bool,
        };
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let a = self.expect(left, &Type::Bool, None);
                let facts = self.facts(left, op == BinaryOp::And);
                let asked = self.asked.len();
                let b = self.knowing(facts, |c| c.expect(right, &Type::Bool, None));
                self.no_queries_since(
                    asked,
                    "on the right of `and` or `or` inside a larger expression",
                );
                bool_of(if op == BinaryOp::And {
                    Expr::And(Box::new(a), Box::new(b))
                } else {
                    Expr::Or(Box::new(a), Box::new(b))
                })
            }
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge => bool_of(self.comparison(op, op_span, left, right)),
            BinaryOp::In | BinaryOp::NotIn => {
                let a = self.expr(left, None);
                let list = self.expr(right, Some(&Type::List(Box::new(a.ty.clone()))));
                match &list.ty {
                    Type::List(element) => {
                        self.comparable(&a.ty, element, op_span, left.span, right.span, false)
                    }
                    Type::Unknown | Type::Json => {}
                    other => {
                        let place = self.at(right.span);
                        let diagnostic = Diagnostic::error(
                            codes::TYPE_MISMATCH,
                            format!("`in` looks into a list, not into {}", article(other)),
                            place,
                            format!("this is {}", article(other)),
                        )
                        .help("write a list such as `[high, critical]`, or `contains` for a part of a text");
                        self.report(diagnostic);
                    }
                }
                let list_expr = match &list.ty {
                    Type::Json => {
                        Expr::Convert(Box::new(list.expr), Type::List(Box::new(Type::Json)))
                    }
                    _ => list.expr,
                };
                let test = Expr::In(Box::new(a.expr), Box::new(list_expr));
                bool_of(if op == BinaryOp::In {
                    test
                } else {
                    Expr::Not(Box::new(test))
                })
            }
            BinaryOp::Contains => {
                let a = self.expr(left, None);
                let b = match &a.ty {
                    Type::List(element) => {
                        let element = (**element).clone();
                        self.expect(right, &element, None)
                    }
                    _ => self.expect(right, &Type::Text, None),
                };
                let a = match &a.ty {
                    Type::List(_) | Type::Unknown => a.expr,
                    _ => self.coerce(a, left.span, &Type::Text, None),
                };
                bool_of(Expr::Contains(Box::new(a), Box::new(b)))
            }
            BinaryOp::Matches => {
                let a = self.expect(left, &Type::Text, None);
                match self.pattern(right) {
                    Some(pattern) => bool_of(Expr::Matches(Box::new(a), pattern)),
                    None => bool_of(Expr::Const(Value::Bool(false))),
                }
            }
            BinaryOp::StartsWith | BinaryOp::EndsWith => {
                let a = self.expect(left, &Type::Text, None);
                let b = self.expect(right, &Type::Text, None);
                bool_of(if op == BinaryOp::StartsWith {
                    Expr::StartsWith(Box::new(a), Box::new(b))
                } else {
                    Expr::EndsWith(Box::new(a), Box::new(b))
                })
            }
            BinaryOp::Coalesce => {
                let a = self.expr(left, expected);
                if !a.ty.is_optional() && !matches!(a.ty, Type::Json | Type::Unknown) {
                    let place = self.at(left.span);
                    let written = self.source(left.span);
                    let diagnostic = Diagnostic::warning(
                        codes::ALWAYS_SO,
                        format!(
                            "`{written}` is always present, so that what follows `??` is never used"
                        ),
                        place,
                        format!("it is {}", article(&a.ty)),
                    );
                    self.report(diagnostic);
                }
                let inner = match (&a.ty, expected) {
                    (Type::Json, Some(expected)) => expected.present().clone(),
                    (other, _) => other.present().clone(),
                };
                let asked = self.asked.len();
                let b = self.expr(right, Some(&inner));
                self.no_queries_since(asked, "behind `??`");
                let a_expr = match (&a.ty, &b.ty) {
                    (Type::Json, Type::Json) => a.expr,
                    (Type::Json, ty) => Expr::Convert(
                        Box::new(a.expr),
                        Type::Optional(Box::new(ty.present().clone())),
                    ),
                    _ => a.expr,
                };
                let ty = if a.ty == Type::Json || (inner == Type::Unknown && b.ty != Type::Unknown)
                {
                    // What is only ever absent has the other side's type.
                    b.ty.clone()
                } else if b.ty.is_optional() {
                    a.ty.clone()
                } else {
                    inner
                };
                let b_expr = self.coerce(b, right.span, &ty, None);
                Checked {
                    expr: Expr::Coalesce(Box::new(a_expr), Box::new(b_expr)),
                    ty,
                }
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                self.arithmetic(op, op_span, left, right)
            }
        }
    }

    /// Whether an expression is a bare name that only the other side can give a meaning.
    pub fn wants_a_meaning(&self, expr: &Ast) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if self.local(name).is_none())
    }

    /// The other side of a comparison; beside something unreadable a bare name says nothing of its own.
    fn other_side(&mut self, expr: &Ast, known: &Checked) -> Checked {
        if known.ty == Type::Unknown && self.wants_a_meaning(expr) {
            return Checked::unknown();
        }
        self.expr(expr, Some(known.ty.present()))
    }

    fn comparison(&mut self, op: BinaryOp, op_span: Span, left: &Ast, right: &Ast) -> Expr {
        let (a, b) = if self.wants_a_meaning(left) && !self.wants_a_meaning(right) {
            let b = self.expr(right, None);
            (self.other_side(left, &b), b)
        } else {
            let a = self.expr(left, None);
            let b = self.other_side(right, &a);
            (a, b)
        };
        let compiled = match op {
            BinaryOp::Eq => CompareOp::Eq,
            BinaryOp::Ne => CompareOp::Ne,
            BinaryOp::Lt => CompareOp::Lt,
            BinaryOp::Le => CompareOp::Le,
            BinaryOp::Gt => CompareOp::Gt,
            _ => CompareOp::Ge,
        };
        let equality = matches!(compiled, CompareOp::Eq | CompareOp::Ne);
        // `x == absent` says `is absent`.
        for (side, this) in [(&a, right), (&b, left)] {
            if matches!(&side.expr, Expr::Const(Value::Absent))
                && matches!(&side.ty, Type::Optional(t) if **t == Type::Unknown)
            {
                let place = self.at(left.span.to(right.span));
                let written = self.source(this.span);
                let word = if compiled == CompareOp::Eq {
                    "absent"
                } else {
                    "present"
                };
                let diagnostic = Diagnostic::error(
                    codes::UNLIKE_COMPARISON,
                    "absence is asked for, not compared with",
                    place.clone(),
                    "compared with `absent`",
                )
                .fix(
                    format!("write `{written} is {word}`"),
                    true,
                    place,
                    format!("{written} is {word}"),
                );
                self.report(diagnostic);
                return Expr::Const(Value::Bool(false));
            }
        }
        self.comparable(&a.ty, &b.ty, op_span, left.span, right.span, !equality);
        let (a_ty, b_ty) = (a.ty.clone(), b.ty.clone());
        // JSON is compared as it stands; to be ordered it has to be of the other side's type.
        let a = match (&a_ty, &b_ty) {
            (Type::Json, ty) if !equality && *ty != Type::Json => {
                Expr::Convert(Box::new(a.expr), ty.clone())
            }
            _ => a.expr,
        };
        let b = match (&b_ty, &a_ty) {
            (Type::Json, ty) if !equality && *ty != Type::Json => {
                Expr::Convert(Box::new(b.expr), ty.clone())
            }
            _ => b.expr,
        };
        Expr::Compare(compiled, Box::new(a), Box::new(b))
    }

    fn comparable(&mut self, a: &Type, b: &Type, op: Span, left: Span, right: Span, ordered: bool) {
        if self.holds_secret(a) {
            return self.secret_exposed(left, "is compared");
        }
        if self.holds_secret(b) {
            return self.secret_exposed(right, "is compared");
        }
        match (a, b) {
            (Type::Json, Type::Json) if ordered => {
                let (here, l, r) = (self.at(op), self.at(left), self.at(right));
                let diagnostic = Diagnostic::error(
                    codes::UNORDERED,
                    "nothing says what these two are, so that they have no order",
                    here,
                    "asks which is more",
                )
                .also(l, "this is Json")
                .also(r, "this is Json")
                .because("JSON takes the type that its place wants; between two of them there is none")
                .help("give one of them a type first, for instance with a field of the event: `field limit: Int = raw.limit`");
                return self.report(diagnostic);
            }
            (Type::Unknown | Type::Json, _) | (_, Type::Unknown | Type::Json) => return,
            (Type::Optional(_), _) => return self.may_be_absent(left, a, None),
            (_, Type::Optional(_)) => return self.may_be_absent(right, b, None),
            _ => {}
        }
        let number = |t: &Type| matches!(t, Type::Int | Type::Number);
        if a != b && !(number(a) && number(b)) {
            let (here, l, r) = (self.at(op), self.at(left), self.at(right));
            let mut diagnostic = Diagnostic::error(
                codes::UNLIKE_COMPARISON,
                format!("cannot compare {} with {}", article(a), article(b)),
                here,
                "these are unlike",
            )
            .also(l, format!("this is {}", article(a)))
            .also(r.clone(), format!("this is {}", article(b)));
            let written = self.source(right);
            match (a, b) {
                (Type::Enum(name), Type::Text) => {
                    let bare = written.trim_matches('"').to_lowercase();
                    let e = self.enumeration(name);
                    let is_member = |w: &str| {
                        e.as_ref()
                            .is_some_and(|e| e.members.iter().any(|(m, _)| &**m == w))
                    };
                    if is_member(&bare) {
                        diagnostic =
                            diagnostic.fix(format!("write `{bare}` without quotes"), true, r, bare);
                    } else if let Some(e) = &e {
                        diagnostic = diagnostic.help(format!(
                            "members are written without quotes: {}",
                            crate::near::menu(e.members.iter().map(|(m, _)| &**m))
                        ));
                    }
                }
                (Type::Duration, Type::Int) => {
                    diagnostic = diagnostic.help(format!(
                        "give the number a unit: `{written}h`, `{written}d`"
                    ));
                }
                (Type::Record(_), Type::Text) => {
                    let l = self.source(left);
                    diagnostic = diagnostic.help(format!(
                        "compare a field, for instance `{l}.id` or `{l}.name`"
                    ));
                }
                _ => {}
            }
            return self.report(diagnostic);
        }
        if !ordered {
            return;
        }
        let orderable = match a {
            Type::Enum(name) => self.enumeration(name).is_some_and(|e| e.ordered),
            Type::Int | Type::Number | Type::Duration | Type::Time | Type::Clock | Type::Text => {
                true
            }
            _ => false,
        };
        if !orderable {
            let here = self.at(op);
            let mut diagnostic = Diagnostic::error(
                codes::UNORDERED,
                format!("the values of {a} have no order"),
                here,
                "asks which is more",
            );
            if let Some(def) = super::types::find(self.index, &a.to_string()) {
                diagnostic = diagnostic.also(def.place(), "declared here without `ordered`");
            }
            self.report(diagnostic.help("ask `==`, `!=` or `in [ … ]`"));
        }
    }

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, left: &Ast, right: &Ast) -> Checked {
        let a = self.expr(left, None);
        let b = self.expr(right, None);
        let compiled = match op {
            BinaryOp::Add => ArithmeticOp::Add,
            BinaryOp::Sub => ArithmeticOp::Sub,
            BinaryOp::Mul => ArithmeticOp::Mul,
            _ => ArithmeticOp::Div,
        };
        for (checked, span) in [(&a, left.span), (&b, right.span)] {
            if self.holds_secret(&checked.ty) {
                self.secret_exposed(span, "becomes part of another value");
                return Checked::unknown();
            }
            if checked.ty.is_optional() {
                self.may_be_absent(span, &checked.ty, None);
                return Checked::unknown();
            }
        }
        use ArithmeticOp::{Add, Div, Mul, Sub};
        let ty = match (compiled, &a.ty, &b.ty) {
            (_, Type::Unknown, _) | (_, _, Type::Unknown) => Type::Unknown,
            (_, Type::Int, Type::Int) => Type::Int,
            (_, Type::Int | Type::Number, Type::Int | Type::Number) => Type::Number,
            (Add | Sub, Type::Duration, Type::Duration) => Type::Duration,
            (Mul, Type::Duration, Type::Int)
            | (Mul, Type::Int, Type::Duration)
            | (Div, Type::Duration, Type::Int) => Type::Duration,
            (Add | Sub, Type::Time, Type::Duration) => Type::Time,
            (Sub, Type::Time, Type::Time) => Type::Duration,
            (Add, Type::Text, Type::Text) => Type::Text,
            (Add, Type::List(x), Type::List(y)) if x == y => a.ty.clone(),
            (Add, Type::List(x), Type::List(y)) if **x == Type::Json || **y == Type::Json => {
                Type::List(Box::new(Type::Json))
            }
            _ => {
                let place = self.at(op_span);
                let (l, r) = (self.at(left.span), self.at(right.span));
                let sign = self.source(op_span);
                let mut diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!(
                        "`{sign}` does not go with {} and {}",
                        article(&a.ty),
                        article(&b.ty)
                    ),
                    place,
                    "cannot be calculated",
                )
                .also(l, format!("this is {}", article(&a.ty)))
                .also(r, format!("this is {}", article(&b.ty)));
                if a.ty == Type::Text || b.ty == Type::Text {
                    diagnostic = diagnostic
                        .help("put values into a text with braces: `\"{count} devices\"`");
                }
                self.report(diagnostic);
                Type::Unknown
            }
        };
        Checked {
            expr: Expr::Arithmetic(compiled, Box::new(a.expr), Box::new(b.expr)),
            ty,
        }
    }
}
