//! `approve` and its arms in, a gate in the graph out.

use super::{End, Gate, Lower};
use crate::check::convert::article;
use crate::check::declare::duration_ms;
use crate::check::{Local, Path, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::syntax::ast::{Approve as Written, Arm, Expr as Ast, ExprKind, UnaryOp};
use counterplay_machine::Value;
use counterplay_machine::duration::{DAY_MS, HOUR_MS};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Approve, Edge, NodeKind};
use counterplay_machine::types::Type;
use std::sync::Arc;

impl Lower<'_, '_> {
    pub(super) fn approve(&mut self, written: &Written, arms: &[Arm], span: Span) {
        let question = self.c.with_queries(Queries::Allowed, |c| {
            c.expect(&written.question, &Type::Text, None)
        });
        let mut about = Vec::new();
        let mut paths = Vec::new();
        for expr in &written.about {
            let checked = self
                .c
                .with_queries(Queries::Allowed, |c| c.expr(expr, None));
            if !self.c.is_entity(&checked.ty) && !matches!(checked.ty, Type::Unknown | Type::Text) {
                let place = self.c.at(expr.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!(
                        "an approval is about entities, not about {}",
                        article(&checked.ty)
                    ),
                    place,
                    format!("this is {}", article(&checked.ty)),
                )
                .help("name the users or devices that the approved steps act on");
                self.c.report(diagnostic);
            }
            if checked.ty.is_optional() {
                self.c.may_be_absent(expr.span, &checked.ty, None);
            }
            match &checked.expr {
                Expr::List(items) => paths.extend(items.iter().map(|i| self.canonical(i))),
                one => paths.push(self.canonical(one)),
            }
            about.push(checked.expr);
        }
        let by = match &written.by {
            Some(by) => self.approver(by),
            None => {
                let place = self.c.at(span);
                let diagnostic = Diagnostic::error(
                    codes::MISSING_ARGUMENT,
                    "this approval does not say who decides",
                    place,
                    "add `by` and a team or a person",
                )
                .help("for instance `approve \"…\" about device, by team.it, within 4h`");
                self.c.report(diagnostic);
                Expr::Const(Value::Absent)
            }
        };
        self.emit_asked(false);
        let needs = self.positive(written.needs.as_ref(), 1, "needs");
        let within_ms = self.duration(written.within.as_ref(), 4 * HOUR_MS, "within");
        let valid_ms = self.duration(written.valid.as_ref(), DAY_MS, "valid");
        self.possible(&by, needs, written, span);
        self.about_another(&by, &paths, written);
        let default_approve = written
            .default
            .as_ref()
            .is_some_and(|d| d.text == "approve");
        if let (true, Some(default)) = (default_approve, &written.default) {
            let place = self.c.at(default.span);
            let diagnostic = Diagnostic::warning(
                codes::DEFAULT_APPROVE,
                "silence approves here",
                place,
                "goes on when nobody answers",
            )
            .because("nobody may have seen the question; an approval that silence grants never opens a disruptive or destructive step");
            self.c.report(diagnostic);
        }
        let slot = self
            .c
            .slot("approval", &Type::Record(Arc::from("Approval")));
        let label = self.c.source(span);
        let node = self.emit(
            NodeKind::Approve(Approve {
                question,
                about,
                by,
                needs,
                within_ms,
                valid_ms,
                default_approve,
                slot,
                covers: Vec::new(),
            }),
            label,
            span,
        );
        self.facts.gates.push(Gate {
            node,
            place: self.place(span),
            about: paths,
        });
        self.current.clear();
        self.approve_arms(node, slot, arms, span);
    }

    fn approve_arms(
        &mut self,
        node: petgraph::graph::NodeIndex,
        slot: counterplay_machine::expr::Slot,
        arms: &[Arm],
        span: Span,
    ) {
        self.known_arms(arms, &["approved", "rejected", "unanswered"], "an approval");
        let arm = |name: &str| arms.iter().find(|a| a.is_for(name));
        let place = self.c.at(span);
        let approval = Local {
            slot,
            ty: Type::Record(Arc::from("Approval")),
            place,
        };
        self.current = vec![(node, Edge::Approved)];
        // Someone has answered: what was true while the run waited may have changed.
        self.check_goal();
        if let Some(arm) = arm("approved") {
            let approval = approval.clone();
            self.arm(&arm.body, "the arm `approved`", |c| {
                if let Some(frame) = c.frames.last_mut() {
                    frame.names.insert("approval".into(), approval);
                }
            });
        }
        let mut ends: Vec<End> = std::mem::take(&mut self.current);
        let mut only_approval_goes_on = true;
        for (name, edge, what) in [
            ("rejected", Edge::Rejected, "the arm `rejected`"),
            ("unanswered", Edge::Unanswered, "the arm `unanswered`"),
        ] {
            if let Some(arm) = arm(name) {
                // One arm for both is followed once.
                let joined = name == "unanswered" && arm.is_for("rejected");
                if joined {
                    continue;
                }
                self.current = vec![(node, edge)];
                if name == "rejected" && arm.is_for("unanswered") {
                    self.current.push((node, Edge::Unanswered));
                }
                self.goal_is_fresh = false;
                self.check_goal();
                self.arm(&arm.body, what, |_| {});
                only_approval_goes_on &= self.current.is_empty();
                ends.extend(std::mem::take(&mut self.current));
            }
        }
        self.current = ends;
        self.goal_is_fresh = false;
        if only_approval_goes_on && let Some(frame) = self.c.frames.last_mut() {
            frame.names.insert("approval".into(), approval);
        }
    }

    /// Who decides: a team or a person.
    fn approver(&mut self, by: &Ast) -> Expr {
        let team = Type::Record(Arc::from("Team"));
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(by, Some(&team)));
        match &checked.ty {
            Type::Record(name) if matches!(&**name, "Team" | "User") => {}
            Type::Unknown => {}
            Type::Optional(_) => self.c.may_be_absent(by.span, &checked.ty, None),
            other => {
                let place = self.c.at(by.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("a team or a person approves, not {}", article(other)),
                    place,
                    format!("this is {}", article(other)),
                )
                .help("write a team such as `by team.it`, or a User such as the manager");
                self.c.report(diagnostic);
            }
        }
        checked.expr
    }

    /// Nobody decides about themselves: a person who is asked alone must not be whom the approval is about, or one of
    /// the list that it is about.
    fn about_another(&mut self, by: &Expr, about: &[Option<Path>], written: &Written) {
        let (Some(person), Some(asked)) = (self.canonical(by), &written.by) else {
            return;
        };
        let list = match person.1.as_slice() {
            [] => self.facts.element_of.get(&person.0).cloned(),
            _ => None,
        };
        let is_about = |path: &Path| *path == person || Some(path) == list.as_ref();
        if !about.iter().flatten().any(is_about) {
            return;
        }
        let place = self.c.at(asked.span);
        let diagnostic = Diagnostic::error(
            codes::IMPOSSIBLE_APPROVAL,
            format!("nobody approves what is about themselves, and only `{}` is asked", self.c.source(asked.span)),
            place,
            "this approval is about them: it can never be given",
        )
        .because("whom an approval is about may not answer; every run would fail when it comes to this step")
        .help("ask a team, or another person such as their manager");
        self.c.report(diagnostic);
    }

    /// An approval by a team of the project file with too few members can never be given.
    fn possible(&mut self, by: &Expr, needs: u32, written: &Written, span: Span) {
        let Expr::Team(name) = by else {
            if needs > 1
                && !matches!(by, Expr::Const(_))
                && let Some(expr) = &written.needs
            {
                let place = self.c.at(expr.span);
                let diagnostic = Diagnostic::error(
                    codes::IMPOSSIBLE_APPROVAL,
                    format!("one person cannot be {needs} people"),
                    place,
                    "only one person is asked",
                )
                .because(
                    "so many can never approve; every run would fail when it comes to this step",
                );
                self.c.report(diagnostic);
            }
            return;
        };
        let Some(members) = self
            .c
            .deployment
            .and_then(|d| d.teams.get(&**name))
            .map(|t| t.people())
        else {
            return;
        };
        if members < needs as usize {
            let place = self.c.at(written.needs.as_ref().map_or(span, |n| n.span));
            let diagnostic = Diagnostic::error(
                codes::IMPOSSIBLE_APPROVAL,
                format!("this needs {needs} people, and team.{name} has {members}"),
                place,
                "can never be approved",
            )
            .because("so many can never approve; every run would fail when it comes to this step")
            .help(format!(
                "add members to [teams.{name}] in counterplay.toml, or ask for fewer"
            ));
            self.c.report(diagnostic);
        }
    }

    pub(super) fn positive(&mut self, expr: Option<&Ast>, default: u32, what: &str) -> u32 {
        let Some(expr) = expr else { return default };
        match expr.kind {
            ExprKind::Int(n) if n > 0 && n <= 100_000 => n as u32,
            ExprKind::Missing => default,
            _ => {
                let place = self.c.at(expr.span);
                let diagnostic = Diagnostic::error(
                    codes::BAD_PROPERTY,
                    format!("`{what}` takes a whole number from 1 to 100000"),
                    place,
                    "not one",
                );
                self.c.report(diagnostic);
                default
            }
        }
    }

    pub(super) fn duration(&mut self, expr: Option<&Ast>, default: i64, what: &str) -> i64 {
        let Some(expr) = expr else { return default };
        match duration_ms(expr) {
            Some(ms) if ms > 0 => ms,
            _ => {
                if !matches!(expr.kind, ExprKind::Missing) {
                    let place = self.c.at(expr.span);
                    let none = matches!(duration_ms(expr), Some(..=0))
                        || matches!(&expr.kind, ExprKind::Unary(UnaryOp::Neg, inner) if duration_ms(inner).is_some());
                    let (message, label) = match none {
                        true => ("has to be longer than 0", "no time at all"),
                        false => ("takes a duration such as `4h`", "not a duration"),
                    };
                    let message = format!("`{what}` {message}");
                    let mut diagnostic =
                        Diagnostic::error(codes::BAD_PROPERTY, message, place, label);
                    if let ExprKind::Int(n) = expr.kind {
                        diagnostic =
                            diagnostic.help(format!("give it a unit: `{n}m`, `{n}h` or `{n}d`"));
                    }
                    self.c.report(diagnostic);
                }
                default
            }
        }
    }
}
