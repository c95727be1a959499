//! Steps in, nodes of the graph out.

use super::{End, Lower};
use crate::check::calls::Callee;
use crate::check::convert::article;
use crate::check::probe::{Spot, is_marked};
use crate::check::{Checker, Local, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{
    Arm, Block, Expr as Ast, ExprKind, Item, MatchCase, Pattern, Step, StepKind,
};
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, EndKind, NodeKind};
use counterplay_machine::types::Type;
use std::sync::Arc;

/// How many elements a loop takes when it does not say.
const LOOP_LIMIT: u32 = 100;

impl Lower<'_, '_> {
    /// A block in a scope of its own; `bind` may add names first.
    pub(super) fn arm(
        &mut self,
        block: &Block,
        what: &'static str,
        bind: impl FnOnce(&mut Checker<'_>),
    ) {
        self.scoped(what, |l| {
            bind(l.c);
            l.block(block);
        });
    }

    pub(super) fn scoped(&mut self, what: &'static str, f: impl FnOnce(&mut Self)) {
        self.c.frames.push(crate::check::Frame::default());
        f(self);
        if let Some(frame) = self.c.frames.pop() {
            for (name, local) in frame.names {
                self.c.gone.insert(name, (local.place, what));
            }
        }
    }

    /// Steps in order, in the scope at hand.
    pub(super) fn block(&mut self, block: &Block) {
        let told = self.told_unreachable;
        for step in &block.steps {
            self.step(step);
        }
        self.told_unreachable = told;
    }

    fn step(&mut self, step: &Step) {
        let outer = self.statement.replace(step.span);
        let whole =
            step.arms.is_empty() && matches!(step.kind, StepKind::Do(_) | StepKind::Attempt(_));
        let line = std::mem::replace(&mut self.c.statement, whole.then_some(step.span));
        let before = self.graph.node_count();
        self.step_inside(step);
        if self.attempting.is_some() || matches!(step.kind, StepKind::Attempt(_)) {
            self.go_on_after_failures(before, matches!(step.kind, StepKind::Approve(_)));
        }
        self.statement = outer;
        self.c.statement = line;
    }

    /// What is attempted goes on whatever became of it: a step that failed leads to what follows, too. An approval that
    /// cannot be asked for still ends the run, as one that is rejected does.
    fn go_on_after_failures(&mut self, before: usize, gate: bool) {
        for index in before..self.graph.node_count() {
            let node = petgraph::graph::NodeIndex::new(index);
            let handled = self
                .graph
                .edges(node)
                .any(|edge| *edge.weight() == Edge::Failed);
            let open = may_fail(&self.graph[node].kind)
                && !handled
                && !self.current.contains(&(node, Edge::Failed));
            if open && gate {
                self.asked_for_a_gate.insert(node);
            } else if open && !self.asked_for_a_gate.contains(&node) {
                self.current.push((node, Edge::Failed));
                self.goal_is_fresh = false;
            }
        }
    }

    fn step_inside(&mut self, step: &Step) {
        if self.current.is_empty()
            && !self.told_unreachable
            && !matches!(step.kind, StepKind::Broken(_))
        {
            self.told_unreachable = true;
            self.unreachable("step", step.span);
        }
        match &step.kind {
            StepKind::Do(expr) => self.do_step(expr, &step.arms, false),
            StepKind::Attempt(expr) => self.do_step(expr, &step.arms, true),
            StepKind::AttemptEach(block) => {
                let outer = self.attempting.replace(Vec::new());
                self.scoped("`attempt each`", |l| l.block(block));
                self.attempting = outer;
            }
            StepKind::Let { name, value } => self.let_step(name, value, &step.arms, step.span),
            StepKind::If {
                branches,
                otherwise,
            } => self.if_step(branches, otherwise.as_ref()),
            StepKind::Match { subject, cases } => self.match_step(subject, cases, step.span),
            StepKind::ForEach {
                var,
                list,
                refuse_more_than,
                at_a_time,
                body,
            } => {
                self.for_each(
                    var,
                    list,
                    refuse_more_than.as_ref(),
                    at_a_time.as_ref(),
                    body,
                    step.span,
                );
            }
            StepKind::InParallel(block) => self.parallel(block, step.span),
            StepKind::Group(block) => self.block(block),
            StepKind::Wait(duration) => self.wait(duration, step.span),
            StepKind::WaitTill(time) => self.wait_till(time, step.span, false),
            StepKind::WaitUntil {
                condition,
                at_most,
                checking_every,
            } => {
                self.wait_until(
                    condition,
                    at_most,
                    checking_every.as_ref(),
                    &step.arms,
                    step.span,
                );
            }
            StepKind::WaitFor {
                event,
                alias,
                condition,
                at_most,
            } => self.wait_for(
                (event, alias),
                condition.as_ref(),
                at_most,
                &step.arms,
                step.span,
            ),
            StepKind::Approve(approve) => self.approve(approve, &step.arms, step.span),
            StepKind::Ask(ask) => self.ask_person(ask, step.span),
            StepKind::Undo(expr) => self.undo(expr, &step.arms),
            StepKind::Emit(expr) => self.emit_event(expr, step.span),
            StepKind::WithoutApproval { because, body } => {
                let reason = match self.c.expect(because, &Type::Text, None) {
                    Expr::Const(Value::Text(text)) if !text.trim().is_empty() => text,
                    _ => {
                        let place = self.c.at(because.span);
                        let diagnostic = Diagnostic::error(
                            codes::BAD_PROPERTY,
                            "the reason is a fixed text that says why nobody is asked",
                            place,
                            "goes on the record as it stands",
                        );
                        self.c.report(diagnostic);
                        Arc::from("")
                    }
                };
                let outer = self.accepted.replace(reason);
                self.block(body);
                self.accepted = outer;
            }
            StepKind::EndRun(why) => {
                let why = why.as_ref().map(|w| self.c.expect(w, &Type::Text, None));
                let label = self.c.source(step.span);
                self.emit(
                    NodeKind::End {
                        outcome: EndKind::Stopped,
                        why,
                    },
                    label,
                    step.span,
                );
                self.current.clear();
            }
            StepKind::Return(value) => self.return_step(value.as_ref(), step.span),
            StepKind::Broken(block) => {
                if let Some(block) = block {
                    self.scoped("a step that could not be read", |l| l.block(block));
                }
            }
        }
    }

    /// Reports arms that a step does not have.
    pub(super) fn known_arms(&mut self, arms: &[Arm], allowed: &[&'static str], what: &str) {
        let names: Vec<&Name> = arms.iter().flat_map(Arm::names).collect();
        if names.iter().any(|name| is_marked(&name.text)) {
            let left = allowed
                .iter()
                .filter(|outcome| !names.iter().any(|name| name.text == **outcome));
            self.c.capture(Spot::Arm(left.copied().collect()));
        }
        for (i, name) in names.iter().enumerate() {
            let place = self.c.at(name.span);
            if !allowed.contains(&name.text.as_str()) {
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_ARM,
                    format!("{what} has no arm `{}`", name.text),
                    place.clone(),
                    if allowed.is_empty() {
                        "it has no arms".to_owned()
                    } else {
                        format!("it has {}", near::menu(allowed.iter().copied()))
                    },
                );
                if let Some(near) = near::best(&name.text, allowed.iter().copied()) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.c.report(diagnostic);
            } else if let Some(first) = names.iter().take(i).find(|n| n.text == name.text) {
                let first = self.c.at(first.span);
                let diagnostic = Diagnostic::error(
                    codes::DUPLICATE,
                    format!("there are two arms `{}`", name.text),
                    place,
                    "the second",
                )
                .also(first, "the first");
                self.c.report(diagnostic);
            }
        }
        for arm in arms {
            let odd = |name: &&Name| !matches!(name.text.as_str(), "rejected" | "unanswered");
            if arm.also.is_empty() || names.iter().any(|n| !allowed.contains(&n.text.as_str())) {
                continue;
            }
            if let Some(odd) = arm.names().find(odd) {
                let place = self.c.at(odd.span);
                let diagnostic = Diagnostic::error(
                    codes::UNKNOWN_ARM,
                    format!("`{}` has an arm of its own", odd.text),
                    place,
                    "joined with another outcome",
                )
                .because("what is known in the arm differs: a result, a failure, who approved")
                .help(
                    "`rejected, unanswered { … }` can be one arm; give each other outcome its own",
                );
                self.c.report(diagnostic);
            }
        }
    }

    fn do_step(&mut self, expr: &Ast, arms: &[Arm], attempt: bool) {
        let ExprKind::Call { callee, args } = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Missing) {
                self.no_effect(expr);
            }
            return;
        };
        match self.c.callee(callee) {
            Callee::Declared(def) if matches!(&*def.item, Item::Action(_)) => {
                self.perform(&def, args, expr.span, attempt, arms);
                self.call_arms(arms, None);
            }
            Callee::Declared(def) if matches!(&*def.item, Item::Steps(_)) => {
                self.known_arms(arms, &[], "a call of `steps`");
                if attempt {
                    self.not_attempted(expr.span);
                }
                self.inline(&def, args, expr.span);
            }
            Callee::Unknown => {
                self.c
                    .with_queries(Queries::Allowed, |c| c.arguments_of_unknown(args));
                self.c.asked.clear();
                self.silent_arms(arms);
            }
            _ => {
                self.no_effect(expr);
                self.silent_arms(arms);
            }
        }
    }

    /// `steps` may wait, ask and bind: there is no one outcome that an attempt could pass over.
    pub(super) fn not_attempted(&mut self, span: Span) {
        let place = self.c.at(span);
        let diagnostic = Diagnostic::error(
            codes::WRONG_PLACE,
            "`steps` cannot be attempted as a whole",
            place,
            "these are several steps",
        )
        .help("write `attempt` before the actions inside of them");
        self.c.report(diagnostic);
    }

    /// Arms of a step that could not be read are still analysed.
    fn silent_arms(&mut self, arms: &[Arm]) {
        for arm in arms {
            self.arm(&arm.body, "an arm", |c| {
                if let Some(frame) = c.frames.last_mut() {
                    let place = crate::span::Place {
                        anchor: c.anchor.clone(),
                        span: Span::default(),
                    };
                    for name in ["failure", "approval"] {
                        let slot = counterplay_machine::expr::Slot(u32::MAX);
                        frame.names.insert(
                            name.into(),
                            Local {
                                slot,
                                ty: Type::Unknown,
                                place: place.clone(),
                            },
                        );
                    }
                }
            });
        }
    }

    fn no_effect(&mut self, expr: &Ast) {
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(expr, None));
        let asks = !self.c.asked.is_empty();
        self.c.asked.clear();
        if checked.ty == Type::Unknown {
            return;
        }
        let place = self.c.at(expr.span);
        let written = self.c.source(expr.span);
        let mut diagnostic = Diagnostic::error(
            codes::NO_EFFECT,
            "this line does nothing",
            place,
            if asks {
                "asks, and the answer is not used"
            } else {
                "a value that is not used"
            },
        );
        diagnostic = if asks {
            diagnostic.help(format!("keep the answer: `let answer = {written}`"))
        } else {
            diagnostic.help("a step performs an action, binds a name with `let`, or decides with `if` or `match`")
        };
        self.c.report(diagnostic);
    }

    /// The arms of an action; `bound` is the name that its result has.
    pub(super) fn call_arms(&mut self, arms: &[Arm], bound: Option<(&Name, Local)>) {
        if arms.is_empty() {
            return;
        }
        let Some((node, _)) = self.current.first().cloned() else {
            self.known_arms(arms, &["done", "failed"], "an action");
            return;
        };
        let (failure_slot, what) = match &self.graph[node].kind {
            NodeKind::Query { failure_slot, .. } => (*failure_slot, "a question"),
            NodeKind::Perform(p) => (p.failure_slot, "an action"),
            _ => (None, "an action"),
        };
        self.known_arms(arms, &["done", "failed"], what);
        let arm = |name: &str| arms.iter().find(|a| a.name.text == name);
        // `attempt` goes on after a failure, too.
        let attempted = self.current.contains(&(node, Edge::Failed));
        self.current = vec![(node, Edge::Done)];
        if let Some(done) = arm("done") {
            self.arm(&done.body, "the arm `done`", |c| {
                if let (Some(frame), Some((name, local))) = (c.frames.last_mut(), &bound) {
                    frame.names.insert(name.text.clone(), local.clone());
                }
            });
        }
        let mut ends: Vec<End> = std::mem::take(&mut self.current);
        let mut failure_ends = true;
        if let Some(failed) = arm("failed") {
            self.current = vec![(node, Edge::Failed)];
            self.goal_is_fresh = false;
            self.arm(&failed.body, "the arm `failed`", |c| {
                let place = c.at(failed.name.span);
                let slot = failure_slot.unwrap_or(counterplay_machine::expr::Slot(u32::MAX));
                if let Some(frame) = c.frames.last_mut() {
                    frame.names.insert(
                        "failure".into(),
                        Local {
                            slot,
                            ty: Type::Record(Arc::from("Failure")),
                            place,
                        },
                    );
                }
            });
            failure_ends = self.current.is_empty();
            ends.extend(std::mem::take(&mut self.current));
        } else if attempted {
            failure_ends = false;
            ends.push((node, Edge::Failed));
        }
        self.current = ends;
        if let Some((name, local)) = bound {
            if failure_ends {
                if let Some(frame) = self.c.frames.last_mut() {
                    frame.names.insert(name.text.clone(), local);
                }
            } else {
                self.c.gone.insert(
                    name.text.clone(),
                    (local.place, "a step that may have failed"),
                );
            }
        }
    }

    fn let_step(&mut self, name: &Name, value: &Ast, arms: &[Arm], span: Span) {
        if let ExprKind::Call { callee, args } = &value.kind
            && self.is_step_call(callee)
            && let Callee::Declared(def) = self.c.callee(callee)
        {
            let (slot, ty) = match &*def.item {
                Item::Action(_) => {
                    let (slot, ty) = self.perform(&def, args, value.span, false, arms);
                    if ty != Type::Nothing && !arms.is_empty() {
                        self.c.not_always_there(name);
                        self.c.mention_binding(name, &ty);
                        let local = Local {
                            slot,
                            ty,
                            place: self.c.at(name.span),
                        };
                        return self.call_arms(arms, Some((name, local)));
                    }
                    self.call_arms(arms, None);
                    (Some(slot), ty)
                }
                _ => {
                    self.known_arms(arms, &[], "a call of `steps`");
                    self.inline(&def, args, value.span)
                }
            };
            if ty == Type::Nothing {
                let place = self.c.at(name.span);
                let written = self.c.source(callee.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("`{written}` has no result that could be kept"),
                    place,
                    "nothing to bind",
                )
                .help(format!("write `{written}(…)` on a line of its own"));
                self.c.report(diagnostic);
                self.c.bind(name, &Type::Unknown);
                return;
            }
            match slot {
                // What is only attempted may have no result; its `done` arm knows it.
                Some(_) if self.attempting.is_some() => {
                    self.c.not_always_there(name);
                    let place = self.c.at(name.span);
                    self.c
                        .gone
                        .insert(name.text.clone(), (place, "a step that may have failed"));
                }
                Some(slot) => self.c.bind_slot(name, &ty, slot),
                None => {
                    self.c.bind(name, &Type::Unknown);
                }
            }
            return;
        }
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(value, None));
        let direct = match (&checked.expr, self.c.asked.last()) {
            (Expr::Slot(slot), Some(asked)) if asked.slot == *slot => Some(*slot),
            _ => None,
        };
        if checked.ty.is_secret() {
            let place = self.c.at(value.span);
            let diagnostic = Diagnostic::error(
                codes::SECRET_EXPOSED,
                "a secret cannot be kept under a name",
                place,
                "would be stored with the run",
            )
            .because("what a run binds is written to its journal");
            self.c.report(diagnostic);
        }
        let empty = matches!(&checked.expr, Expr::Const(Value::Absent))
            || matches!(&checked.expr, Expr::List(items) if items.is_empty());
        if empty && matches!(&checked.ty, Type::Optional(t) | Type::List(t) if **t == Type::Unknown)
        {
            let place = self.c.at(value.span);
            let diagnostic = Diagnostic::error(
                codes::TYPE_MISMATCH,
                format!("nothing says what `{}` would be", name.text),
                place,
                "has no type of its own",
            )
            .help("write it where it is used");
            self.c.report(diagnostic);
        }
        let asked = self.emit_asked(false);
        match direct {
            Some(slot) if !arms.is_empty() => {
                if let Some(info) = self.c.slots.get_mut(slot.0 as usize) {
                    info.name = Arc::from(name.text.as_str());
                }
                if let Some(node) = asked
                    && arms.iter().any(|a| a.name.text == "failed")
                {
                    let failure = self.c.slot("failure", &Type::Record(Arc::from("Failure")));
                    if let NodeKind::Query { failure_slot, .. } = &mut self.graph[node].kind {
                        *failure_slot = Some(failure);
                    }
                }
                self.c.not_always_there(name);
                self.c.mention_binding(name, &checked.ty);
                let local = Local {
                    slot,
                    ty: checked.ty,
                    place: self.c.at(name.span),
                };
                return self.call_arms(arms, Some((name, local)));
            }
            _ => self.known_arms(arms, &[], "a `let` of a value"),
        }
        match direct {
            // The answer of a single question carries the name itself.
            Some(slot) => {
                if let Some(info) = self.c.slots.get_mut(slot.0 as usize) {
                    info.name = Arc::from(name.text.as_str());
                }
                self.c.bind_slot(name, &checked.ty, slot);
            }
            None => {
                let slot = self.c.bind(name, &checked.ty);
                if let Some(path) = self.canonical(&checked.expr) {
                    self.alias.insert(slot, path);
                }
                let label = self.c.source(span);
                self.emit(
                    NodeKind::Bind {
                        slot,
                        value: checked.expr,
                    },
                    label,
                    span,
                );
            }
        }
    }

    /// Whether a callee is an action or steps, without reporting anything.
    fn is_step_call(&mut self, callee: &Ast) -> bool {
        let was = std::mem::replace(&mut self.c.silent, true);
        let found = self.c.callee(callee);
        self.c.silent = was;
        matches!(found, Callee::Declared(def) if matches!(&*def.item, Item::Action(_) | Item::Steps(_)))
    }

    fn if_step(&mut self, branches: &[(Ast, Block)], otherwise: Option<&Block>) {
        let mut ends: Vec<End> = Vec::new();
        let mut known_false = Vec::new();
        let mut all_end = true;
        for (condition, block) in branches {
            self.c.frames.push(crate::check::Frame {
                names: Default::default(),
                present: known_false.clone(),
            });
            let (yes, no) = self.condition(condition, false);
            let facts = self.c.facts(condition, true);
            known_false.extend(self.c.facts(condition, false));
            self.current = yes;
            self.scoped("a branch of `if`", |l| {
                l.c.learn(facts);
                l.block(block);
            });
            self.c.frames.pop();
            all_end &= self.current.is_empty();
            ends.extend(std::mem::take(&mut self.current));
            self.current = no;
        }
        self.goal_is_fresh = false;
        match otherwise {
            Some(block) => {
                let facts = known_false;
                self.scoped("a branch of `if`", |l| {
                    l.c.learn(facts);
                    l.block(block);
                });
            }
            // Whoever gets here knows that no condition held.
            None if all_end
                && (self.attempting.is_none()
                    || !branches.iter().any(|(condition, _)| self.asks(condition))) =>
            {
                self.c.learn(known_false);
            }
            None => {}
        }
        self.current.extend(ends);
        self.goal_is_fresh = false;
    }

    fn match_step(&mut self, subject: &Ast, cases: &[MatchCase], span: Span) {
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(subject, None));
        self.emit_asked(false);
        self.capture_case(cases, &checked.ty);
        self.else_is_last(cases);
        let path = self.c.path(subject);
        let label = self.c.source(span);
        let mut ends: Vec<End> = Vec::new();
        let otherwise = cases.iter().find(|c| c.patterns.is_empty());
        if checked.ty.is_optional() {
            let node = self.emit(
                NodeKind::Branch {
                    condition: Expr::IsPresent(Box::new(checked.expr)),
                },
                format!("{} is present", self.c.source(subject.span)),
                subject.span,
            );
            let mut seen = [false, false];
            // Whether every way on which it is absent ends the run.
            let mut absent_ends = true;
            for case in cases.iter().filter(|c| !c.patterns.is_empty()) {
                for pattern in &case.patterns {
                    let (at, edge, facts) = match pattern {
                        Pattern::Present(_) => (0, Edge::True, path.clone().into_iter().collect()),
                        Pattern::Absent(_) => (1, Edge::False, Vec::new()),
                        Pattern::Value(value) => {
                            let place = self.c.at(value.span);
                            let diagnostic = Diagnostic::error(
                                codes::TYPE_MISMATCH,
                                "what may be absent is matched with `present` and `absent`",
                                place,
                                format!("the value is {}", article(&checked.ty)),
                            )
                            .help("match its value inside of `present { … }`");
                            self.c.report(diagnostic);
                            continue;
                        }
                    };
                    seen[at] = true;
                    self.current = vec![(node, edge)];
                    self.goal_is_fresh = false;
                    self.scoped("a case of `match`", |l| {
                        l.c.learn(facts);
                        l.block(&case.body);
                    });
                    absent_ends &= at == 0 || self.current.is_empty();
                    ends.extend(std::mem::take(&mut self.current));
                }
            }
            let missing: Vec<&str> = [(seen[0], "present"), (seen[1], "absent")]
                .iter()
                .filter(|(s, _)| !s)
                .map(|(_, n)| *n)
                .collect();
            if let Some(case) = otherwise {
                self.current = Vec::new();
                if !seen[0] {
                    self.current.push((node, Edge::True));
                }
                if !seen[1] {
                    self.current.push((node, Edge::False));
                }
                let facts = if seen[1] { path.clone() } else { None };
                self.scoped("a case of `match`", |l| {
                    l.c.learn(facts.into_iter().collect());
                    l.block(&case.body);
                });
                absent_ends &= seen[1] || self.current.is_empty();
                ends.extend(std::mem::take(&mut self.current));
            } else if !missing.is_empty() {
                self.not_exhaustive(span, &missing, cases);
            }
            if absent_ends && (seen[1] || otherwise.is_some()) {
                self.c.learn(path.into_iter().collect());
            }
            self.current = ends;
            return;
        }
        let node = self.emit(
            NodeKind::Match {
                subject: checked.expr.clone(),
                cases: Vec::new(),
            },
            label,
            span,
        );
        let members: Option<Vec<String>> = match &checked.ty {
            Type::Enum(name) => self
                .c
                .enumeration(name)
                .map(|e| e.members.iter().map(|(m, _)| m.to_string()).collect()),
            Type::Bool => Some(vec!["true".into(), "false".into()]),
            _ => None,
        };
        let mut seen: Vec<(String, Span)> = Vec::new();
        let mut compiled = Vec::new();
        for case in cases.iter().filter(|c| !c.patterns.is_empty()) {
            let mut values = Vec::new();
            for pattern in &case.patterns {
                match pattern {
                    Pattern::Value(value) => {
                        let ty = checked.ty.clone();
                        let expr = self.c.expect(value, &ty, None);
                        let written = match &expr {
                            Expr::Const(value) => value.plain(),
                            _ => self.c.source(value.span),
                        };
                        if let Some((_, first)) = seen.iter().find(|(w, _)| *w == written) {
                            let (place, first) = (self.c.at(value.span), self.c.at(*first));
                            let diagnostic = Diagnostic::error(
                                codes::DUPLICATE,
                                format!("`{written}` is matched twice"),
                                place,
                                "never reached",
                            )
                            .also(first, "matched first");
                            self.c.report(diagnostic);
                        }
                        seen.push((written, value.span));
                        values.push(expr);
                    }
                    Pattern::Present(at) | Pattern::Absent(at) => {
                        let place = self.c.at(*at);
                        let diagnostic = Diagnostic::error(
                            codes::TYPE_MISMATCH,
                            format!(
                                "the value is {}, which is always present",
                                article(&checked.ty)
                            ),
                            place,
                            "asks whether it is there",
                        );
                        self.c.report(diagnostic);
                    }
                }
            }
            self.current = vec![(node, Edge::Case(compiled.len() as u32))];
            compiled.push(values);
            self.goal_is_fresh = false;
            self.scoped("a case of `match`", |l| l.block(&case.body));
            ends.extend(std::mem::take(&mut self.current));
        }
        match otherwise {
            Some(case) => {
                self.current = vec![(node, Edge::Otherwise)];
                self.scoped("a case of `match`", |l| l.block(&case.body));
                ends.extend(std::mem::take(&mut self.current));
            }
            None => match members {
                Some(members) => {
                    let missing: Vec<&str> = members
                        .iter()
                        .map(String::as_str)
                        .filter(|m| !seen.iter().any(|(s, _)| s == m))
                        .collect();
                    if !missing.is_empty() {
                        self.not_exhaustive(span, &missing, cases);
                    }
                }
                None if checked.ty != Type::Unknown => self.not_exhaustive(span, &["else"], cases),
                None => {}
            },
        }
        if let NodeKind::Match { cases, .. } = &mut self.graph[node].kind {
            *cases = compiled;
        }
        self.current = ends;
        self.goal_is_fresh = false;
    }

    /// Reports an `else` that does not stand behind all other cases, or stands there twice.
    fn else_is_last(&mut self, cases: &[MatchCase]) {
        let mut all = cases.iter().filter(|case| case.patterns.is_empty());
        let Some(first) = all.next() else {
            return;
        };
        let at = self.c.at(first.span);
        if let Some(second) = all.next() {
            let place = self.c.at(second.span);
            let diagnostic = Diagnostic::error(
                codes::DUPLICATE,
                "there are two `else` in this match",
                place,
                "never reached",
            )
            .also(at, "the first");
            self.c.report(diagnostic);
        } else if cases.last().is_some_and(|last| !last.patterns.is_empty()) {
            let diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                "`else` is the last case of a match",
                at,
                "what stands below would look as if it came to nothing",
            )
            .help("move it behind the other cases");
            self.c.report(diagnostic);
        }
    }

    /// While probing: the cases of a match that are still missing.
    fn capture_case(&mut self, cases: &[MatchCase], subject: &Type) {
        let written = |pattern: &Pattern| match pattern {
            Pattern::Present(_) => "present".to_owned(),
            Pattern::Absent(_) => "absent".to_owned(),
            Pattern::Value(value) => match &value.kind {
                ExprKind::Name(name) => name.clone(),
                _ => self.c.source(value.span),
            },
        };
        let seen: Vec<String> = cases
            .iter()
            .flat_map(|case| case.patterns.iter().map(written))
            .collect();
        if !self.c.probing || !seen.iter().any(|name| is_marked(name)) {
            return;
        }
        let mut left: Vec<String> = match subject {
            Type::Optional(_) => vec!["present".into(), "absent".into()],
            Type::Enum(name) => self.c.enumeration(name).map_or(Vec::new(), |e| {
                e.members.iter().map(|(m, _)| m.to_string()).collect()
            }),
            Type::Bool => vec!["true".into(), "false".into()],
            _ => Vec::new(),
        };
        left.retain(|member| !seen.contains(member));
        if !cases.iter().any(|case| case.patterns.is_empty()) {
            left.push("else".into());
        }
        self.c.capture(Spot::Case(left));
    }

    fn not_exhaustive(&mut self, span: Span, missing: &[&str], cases: &[MatchCase]) {
        let place = self.c.at(span);
        let mut diagnostic = Diagnostic::error(
            codes::NOT_EXHAUSTIVE,
            format!(
                "this match leaves out {}",
                near::menu(missing.iter().copied())
            ),
            place,
            "what happens then?",
        )
        .because("a case that nobody thought of would pass in silence");
        let title = format!("add `{} {{ … }}`", missing.join(", "));
        let only_else = missing == ["else"];
        if let Some(last) = cases.last() {
            let indent = " ".repeat(self.c.column(last.span.start));
            let added: String = missing
                .iter()
                .map(|case| format!("\n{indent}{case} {{\n{indent}}}"))
                .collect();
            let end = Span {
                start: last.body.span.end,
                end: last.body.span.end,
            };
            let place = self.c.at(end);
            diagnostic = diagnostic.fix(title, false, place, added);
            if !only_else {
                diagnostic = diagnostic.help("or `else { … }` for everything else");
            }
        } else {
            diagnostic = diagnostic.help(if only_else {
                title
            } else {
                format!("{title}, or `else {{ … }}` for everything else")
            });
        }
        self.c.report(diagnostic);
    }

    /// Reports what `for each` cannot go through; its elements are not known.
    pub(super) fn no_list(&mut self, span: Span, found: &Type) -> Type {
        let place = self.c.at(span);
        let diagnostic = Diagnostic::error(
            codes::TYPE_MISMATCH,
            format!(
                "`for each` goes through a list, not through {}",
                article(found)
            ),
            place,
            format!("this is {}", article(found)),
        );
        self.c.report(diagnostic);
        Type::Unknown
    }

    fn for_each(
        &mut self,
        var: &Name,
        list: &Ast,
        refuse: Option<&Ast>,
        at_a_time: Option<&Ast>,
        body: &Block,
        span: Span,
    ) {
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(list, None));
        self.emit_asked(false);
        let element = match &checked.ty {
            Type::List(inner) => (**inner).clone(),
            Type::Unknown => Type::Unknown,
            Type::Optional(_) => {
                self.c.may_be_absent(list.span, &checked.ty, None);
                Type::Unknown
            }
            other => self.no_list(list.span, other),
        };
        let limit = self.positive(refuse, LOOP_LIMIT, "refuse more than");
        let at_a_time = self.positive(at_a_time, 1, "at a time");
        let slot = self.c.slot(&var.text, &element);
        let label = self.c.source(span);
        let list_path = self.canonical(&checked.expr);
        let node = self.emit(
            NodeKind::ForEach {
                slot,
                list: checked.expr,
                limit,
                at_a_time,
            },
            label,
            span,
        );
        if let Some(path) = list_path {
            self.facts.element_of.insert(slot, path);
        }
        if refuse.is_some() {
            self.facts.limited.insert(node);
        }
        self.current = vec![(node, Edge::Body)];
        for r in &mut self.returning {
            r.depth += 1;
        }
        self.scoped("a loop", |l| {
            l.c.bind_slot(var, &element, slot);
            l.block(body);
            l.emit(NodeKind::JoinEnd, "next", span);
        });
        for r in &mut self.returning {
            r.depth -= 1;
        }
        self.current = vec![(node, Edge::Done)];
    }

    fn parallel(&mut self, block: &Block, span: Span) {
        if block.steps.is_empty() {
            let place = self.c.at(span);
            let diagnostic = Diagnostic::error(
                codes::NO_EFFECT,
                "nothing is done in parallel here",
                place,
                "the block is empty",
            );
            self.c.report(diagnostic);
            return;
        }
        let label = self.c.source(span);
        let fork = self.emit(NodeKind::Fork, label, span);
        let mut joins = Vec::new();
        let mut names = Vec::new();
        for r in &mut self.returning {
            r.depth += 1;
        }
        for (i, step) in block.steps.iter().enumerate() {
            self.current = vec![(fork, Edge::Branch(i as u32))];
            self.goal_is_fresh = false;
            // Branches run at once: one does not see what another binds; after the join all of it is there.
            self.c.frames.push(crate::check::Frame::default());
            self.step(step);
            if let Some(frame) = self.c.frames.pop() {
                names.push(frame.names);
            }
            joins.push(if self.current.is_empty() {
                None
            } else {
                Some(self.emit(NodeKind::JoinEnd, "joined", step.span))
            });
        }
        for r in &mut self.returning {
            r.depth -= 1;
        }
        let never = joins.iter().any(Option::is_none);
        self.facts.joins.insert(fork, joins);
        self.current = if never {
            Vec::new()
        } else {
            vec![(fork, Edge::Done)]
        };
        self.goal_is_fresh = false;
        let approves =
            |names: &&std::collections::BTreeMap<String, Local>| names.contains_key("approval");
        let several_approve = names.iter().filter(approves).count() > 1;
        for branch in names {
            for (name, local) in branch {
                // Each branch may ask; afterwards `approval` would be one of several answers, so that it is none.
                if name == "approval"
                    && let Some(frame) = self.c.frames.last_mut()
                {
                    if several_approve {
                        frame.names.remove("approval");
                    } else {
                        frame.names.insert(name, local);
                    }
                    continue;
                }
                let twice = self
                    .c
                    .frames
                    .last()
                    .and_then(|f| f.names.get(&name))
                    .map(|l| l.place.clone());
                if let Some(first) = twice {
                    let diagnostic = Diagnostic::error(
                        codes::REBOUND,
                        format!("`{name}` is bound in two branches"),
                        local.place.clone(),
                        "bound again",
                    )
                    .also(first, "bound first")
                    .because("both branches are done; what the name stands for afterwards would be chance");
                    self.c.report(diagnostic);
                }
                if let Some(frame) = self.c.frames.last_mut() {
                    frame.names.insert(name, local);
                }
            }
        }
    }
}

/// Whether a step that is no action may fail. A question that holds the run does not.
fn may_fail(kind: &NodeKind) -> bool {
    let varies = |expr: &Expr| !matches!(expr, Expr::Const(_));
    match kind {
        NodeKind::Query {
            hold_on_failure, ..
        } => !hold_on_failure,
        NodeKind::Bind { value, .. } => varies(value),
        NodeKind::Branch { condition } => varies(condition),
        NodeKind::Match { subject, .. } => varies(subject),
        NodeKind::Wait { duration } => varies(duration),
        NodeKind::ForEach { .. }
        | NodeKind::WaitTime { .. }
        | NodeKind::Emit { .. }
        | NodeKind::Ask(_) => true,
        _ => false,
    }
}
