//! Questions to people, waits for events, events of our own and `undo` in, nodes of the graph out.

use super::{End, Lower};
use crate::check::calls::Callee;
use crate::check::convert::article;
use crate::check::declare::{property, single};
use crate::check::{Path, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{
    Arg, Arm, Ask as Written, Block, Expr as Ast, ExprKind, Item, PropertyValue, Trigger,
};
use crate::verify::known::mentions;
use counterplay_machine::duration::{HOUR_MS, MINUTE_MS};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Ask, Edge, NodeKind, WaitEvent};
use counterplay_machine::types::Type;
use std::sync::Arc;

impl Lower<'_, '_> {
    /// `ask "…" to user, within 1h { … }`.
    pub(super) fn ask_person(&mut self, written: &Written, span: Span) {
        let question = self.c.with_queries(Queries::Allowed, |c| {
            c.expect(&written.question, &Type::Text, None)
        });
        let to = self.asked_person(&written.to);
        self.emit_asked(false);
        let within_ms = self.duration(written.within.as_ref(), 4 * HOUR_MS, "within");
        let answers = self.answers(written, span);
        let label = self.c.source(span);
        let node = self.emit(
            NodeKind::Ask(Ask {
                question,
                to,
                within_ms,
                answers,
            }),
            label,
            span,
        );
        let mut ends: Vec<End> = Vec::new();
        let mut silent = false;
        for (i, answer) in written.answers.iter().enumerate() {
            let mut open = vec![(node, Edge::Case(i as u32))];
            if answer.unanswered.is_some() && !silent {
                silent = true;
                open.push((node, Edge::Unanswered));
            }
            self.follow_answer(open, Some(&answer.body), "an answer's arm", &mut ends);
        }
        if !silent {
            self.follow_answer(
                vec![(node, Edge::Unanswered)],
                written.unanswered.as_ref(),
                "the arm `unanswered`",
                &mut ends,
            );
        }
        self.current = ends;
        self.goal_is_fresh = false;
    }

    fn follow_answer(
        &mut self,
        open: Vec<End>,
        body: Option<&Block>,
        what: &'static str,
        ends: &mut Vec<End>,
    ) {
        self.current = open;
        self.goal_is_fresh = false;
        // Someone has answered, or time has passed: what was true while the run waited may have changed.
        self.check_goal();
        if let Some(body) = body {
            self.arm(body, what, |_| {});
        }
        ends.extend(std::mem::take(&mut self.current));
    }

    /// Who is asked: a person or an address.
    fn asked_person(&mut self, to: &Ast) -> Expr {
        let user = Type::Record(Arc::from("User"));
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(to, Some(&user)));
        match &checked.ty {
            Type::Record(name) if matches!(&**name, "User" | "Team") => {}
            Type::Text | Type::Unknown => {}
            Type::Optional(_) => self.c.may_be_absent(to.span, &checked.ty, None),
            other => {
                let place = self.c.at(to.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("a person is asked, not {}", article(other)),
                    place,
                    format!("this is {}", article(other)),
                )
                .help("write a User such as `risk.user`, a team such as `team.soc`, or an address");
                self.c.report(diagnostic);
            }
        }
        checked.expr
    }

    /// The answers of each arm; each may be given once.
    fn answers(&mut self, written: &Written, span: Span) -> Vec<Vec<Arc<str>>> {
        if written.answers.is_empty() {
            let place = self.c.at(span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_ARGUMENT,
                "this question has no answers",
                place,
                "what may be answered?",
            )
            .help("add arms: `{ \"This was me\" { … } \"Not me\" { … } unanswered { … } }`");
            self.c.report(diagnostic);
        }
        let silences = written.answers.iter().filter_map(|a| a.unanswered);
        let own = written.unanswered.as_ref().map(|block| block.span);
        let mut silences = silences.chain(own);
        if let (Some(first), Some(second)) = (silences.next(), silences.next()) {
            let (first, second) = (self.c.at(first), self.c.at(second));
            let diagnostic = Diagnostic::error(
                codes::DUPLICATE,
                "there are two arms for `unanswered`",
                second,
                "the second",
            )
            .also(first, "the first");
            self.c.report(diagnostic);
        }
        let mut seen: Vec<(Arc<str>, Span)> = Vec::new();
        let mut arms = Vec::new();
        for answer in &written.answers {
            let mut texts = Vec::new();
            for text in &answer.texts {
                let Some(literal) = self.c.literal(text) else {
                    continue;
                };
                if literal.trim().is_empty() {
                    let place = self.c.at(text.span);
                    let diagnostic = Diagnostic::error(
                        codes::BAD_PROPERTY,
                        "an answer is a text that a person can choose",
                        place,
                        "this one is empty",
                    );
                    self.c.report(diagnostic);
                }
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == literal) {
                    let (place, first) = (self.c.at(text.span), self.c.at(*first));
                    let diagnostic = Diagnostic::error(
                        codes::DUPLICATE,
                        format!("the answer \"{literal}\" has two arms"),
                        place,
                        "the second",
                    )
                    .also(first, "the first");
                    self.c.report(diagnostic);
                    continue;
                }
                seen.push((literal.clone(), text.span));
                texts.push(literal);
            }
            arms.push(texts);
        }
        arms
    }

    /// `wait for EVENT as e where COND, at most 2h`.
    pub(super) fn wait_for(
        &mut self,
        (event, alias): (&Ast, &Name),
        condition: Option<&Ast>,
        at_most: &Ast,
        arms: &[Arm],
        span: Span,
    ) {
        let at_most_ms = self
            .duration(Some(at_most), MINUTE_MS, "at most")
            .min(counterplay_machine::step::WAIT_MAX_MS);
        let name = self.event_name(&Trigger::Event(event.clone()));
        let ty = match &name {
            Some(name) => Type::Event(vec![name.clone()]),
            None => Type::Unknown,
        };
        let slot = self.c.slot(&alias.text, &ty);
        let anything = condition.is_none();
        let condition = condition.map(|written| {
            self.c.frames.push(Default::default());
            self.c.bind_slot(alias, &ty, slot);
            let compiled = self.c.with_queries(
                Queries::Forbidden("in the `where` of a wait for an event"),
                |c| c.expect(written, &Type::Bool, None),
            );
            self.c.frames.pop();
            compiled
        });
        let label = self.c.source(span);
        let node = self.emit(
            NodeKind::WaitEvent(WaitEvent {
                event: name.unwrap_or_else(|| Arc::from("")),
                slot,
                condition,
                at_most_ms,
            }),
            label,
            span,
        );
        self.known_arms(arms, &["came", "timed_out"], "`wait for`");
        let arm = |name: &str| arms.iter().find(|a| a.name.text == name);
        let mut ends: Vec<End> = Vec::new();
        self.current = vec![(node, Edge::Done)];
        self.goal_is_fresh = false;
        self.check_goal();
        if let Some(arm) = arm("timed_out") {
            self.arm(&arm.body, "the arm `timed_out`", |_| {});
        }
        // Without it nothing says that there is an event: the name is known in `came` only.
        let always_came = self.current.is_empty();
        ends.extend(std::mem::take(&mut self.current));
        self.current = vec![(node, Edge::Came)];
        self.goal_is_fresh = false;
        self.check_goal();
        let bound = crate::check::Local {
            slot,
            ty: ty.clone(),
            place: self.c.at(alias.span),
        };
        if anything {
            self.c.not_always_there(alias);
            self.c.mention_binding(alias, &ty);
        }
        if let Some(arm) = arm("came") {
            let bound = bound.clone();
            self.arm(&arm.body, "the arm `came`", |c| {
                if let Some(frame) = c.frames.last_mut() {
                    frame.names.insert(alias.text.clone(), bound);
                }
            });
        }
        ends.extend(std::mem::take(&mut self.current));
        self.current = ends;
        self.goal_is_fresh = false;
        if always_came {
            if let Some(frame) = self.c.frames.last_mut() {
                frame.names.insert(alias.text.clone(), bound);
            }
        } else {
            self.c.gone.insert(
                alias.text.clone(),
                (bound.place, "a wait that may have timed out"),
            );
        }
    }

    /// `emit contained(user: user)`.
    pub(super) fn emit_event(&mut self, expr: &Ast, span: Span) {
        let ExprKind::Call { callee, args } = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Missing) {
                let place = self.c.at(expr.span);
                let diagnostic = Diagnostic::error(
                    codes::WRONG_PLACE,
                    "`emit` raises an event with its fields",
                    place,
                    "not a call",
                )
                .help("for instance `emit contained(user: risk.user)`");
                self.c.report(diagnostic);
            }
            return;
        };
        let trigger = Trigger::Event((**callee).clone());
        let Some(name) = self.event_name_among(&trigger, &is_emitted) else {
            self.c
                .with_queries(Queries::Allowed, |c| c.arguments_of_unknown(args));
            self.c.asked.clear();
            return;
        };
        let index = self.c.index;
        let Some(def) = index.declared(&name) else {
            return;
        };
        if !is_emitted(def) {
            let place = self.c.at(callee.span);
            let diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                format!("`{name}` comes from outside and cannot be raised by a playbook"),
                place,
                "its `source` is not `emit`",
            )
            .also(def.place(), "declared here")
            .because("a playbook that could raise what a service reports could make others believe anything")
            .help("declare an event of your own with `source: emit`");
            self.c.report(diagnostic);
            return;
        }
        let fields = self.emitted_fields(def, &name, args, span);
        self.emit_asked(false);
        let label = self.c.source(span);
        self.emit(
            NodeKind::Emit {
                event: name,
                fields,
            },
            label,
            span,
        );
    }

    fn emitted_fields(
        &mut self,
        def: &Def,
        name: &Arc<str>,
        args: &[Arg],
        span: Span,
    ) -> Vec<(Arc<str>, Expr)> {
        let fetched = self.c.fetched_fields(name);
        let mut declared = self.c.event_fields(name);
        declared.retain(|(field, _)| !fetched.contains(field));
        let mut out: Vec<(Arc<str>, Expr)> = Vec::new();
        for arg in args {
            let found = arg
                .name
                .as_ref()
                .and_then(|given| declared.iter().find(|(field, _)| *field == given.text));
            let Some((field, ty)) = found else {
                let place = self
                    .c
                    .at(arg.name.as_ref().map_or(arg.value.span, |n| n.span));
                let names = || declared.iter().map(|(field, _)| field.as_str());
                let message = match &arg.name {
                    Some(given) => format!("`{name}` has no field `{}`", given.text),
                    None => format!("the fields of `{name}` are given by name"),
                };
                let mut diagnostic = Diagnostic::error(
                    codes::UNEXPECTED_ARGUMENT,
                    message,
                    place.clone(),
                    format!("it has {}", near::menu(names())),
                )
                .also(def.place(), "declared here");
                if let Some(near) = arg.name.as_ref().and_then(|n| near::best(&n.text, names())) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.c.report(diagnostic);
                self.c
                    .with_queries(Queries::Allowed, |c| c.expr(&arg.value, None));
                continue;
            };
            if out.iter().any(|(given, _)| **given == **field) {
                let place = self.c.at(arg.value.span);
                let diagnostic = Diagnostic::error(
                    codes::UNEXPECTED_ARGUMENT,
                    format!("`{field}` is given twice"),
                    place,
                    "given again",
                );
                self.c.report(diagnostic);
            }
            let value = self
                .c
                .with_queries(Queries::Allowed, |c| c.expect(&arg.value, ty, None));
            if self.c.holds_secret(ty) {
                self.c
                    .secret_exposed(arg.value.span, "would be carried by an event");
            }
            out.push((Arc::from(field.as_str()), value));
        }
        let missing: Vec<&str> = declared
            .iter()
            .filter(|(field, ty)| {
                !ty.is_optional()
                    && !args
                        .iter()
                        .any(|a| a.name.as_ref().is_some_and(|n| n.text == *field))
            })
            .map(|(field, _)| field.as_str())
            .collect();
        if !missing.is_empty() {
            let place = self.c.at(span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_ARGUMENT,
                format!("`{name}` lacks {}", near::menu(missing)),
                place,
                "fields are missing",
            )
            .also(def.place(), "declared here");
            self.c.report(diagnostic);
        }
        out
    }

    /// `undo entra.block_sign_in(user)`: the action that takes it back, where it was done in this run.
    pub(super) fn undo(&mut self, expr: &Ast, arms: &[Arm]) {
        let ExprKind::Call { callee, args } = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Missing) {
                self.not_undone(expr.span, "`undo` names an action of this playbook");
            }
            return;
        };
        let def = match self.c.callee(callee) {
            Callee::Declared(def) if matches!(&*def.item, Item::Action(_)) => def,
            Callee::Unknown => {
                self.c
                    .with_queries(Queries::Allowed, |c| c.arguments_of_unknown(args));
                self.c.asked.clear();
                return;
            }
            _ => return self.not_undone(callee.span, "`undo` names an action of this playbook"),
        };
        let Item::Action(decl) = &*def.item else {
            return;
        };
        let inverse = property(decl, "undo").and_then(single);
        let is_call = |e: &&Ast| !matches!(e.kind, ExprKind::Text(_));
        let Some(inverse) = inverse.filter(is_call).cloned() else {
            let place = self.c.at(callee.span);
            let written = self.c.source(callee.span);
            let said = match inverse {
                Some(_) => "declared here; its line `undo:` says why",
                None => "declared here, without `undo:`",
            };
            let diagnostic = Diagnostic::error(
                codes::NOTHING_TO_UNDO,
                format!("`{written}` cannot be taken back"),
                place,
                "it names no action that does",
            )
            .also(def.place(), said);
            self.c.report(diagnostic);
            return;
        };
        let params = self.c.parameters(&def);
        let values = self.c.with_queries(Queries::Allowed, |c| {
            c.arguments(&def, &params, args, expr.span)
        });
        self.emit_asked(false);
        let name = Index::qualified(&def.module, &def.name.text);
        let entities: Vec<_> = params
            .iter()
            .zip(&values)
            .filter(|(p, _)| p.decl.on || self.c.is_entity(&p.ty))
            .map(|(_, value)| value.clone())
            .collect();
        let undoes = self.undone_by(&name, &entities);
        if undoes.is_empty() {
            let place = self.c.at(expr.span);
            let written = self.c.source(expr.span);
            let diagnostic = Diagnostic::error(
                codes::NOTHING_TO_UNDO,
                "there is nothing to undo here",
                place,
                format!("`{written}` is not performed before this"),
            )
            .because("`undo` takes back what this run has done, and nothing else")
            .help("to do it whatever happened before, call the action itself");
            self.c.report(diagnostic);
            return;
        }
        let label = self.c.source(expr.span);
        let before = self.graph.node_count();
        let ExprKind::Call {
            callee: inverse_callee,
            args: inverse_args,
        } = &inverse.kind
        else {
            return;
        };
        // What was there before is known when a whole run is undone, and not to a playbook.
        let prior = property(decl, "before").map(|_| self.c.slot("before", &Type::Unknown));
        self.as_declared(&def, &params, values, expr.span, |l| {
            if let Some(slot) = prior {
                l.c.bind_prior(slot, &Type::Unknown);
            }
            if let Callee::Declared(inverse_def) = l.c.callee(inverse_callee) {
                l.perform(&inverse_def, inverse_args, inverse.span, false, arms);
            }
        });
        let made = (before..self.graph.node_count()).map(petgraph::graph::NodeIndex::new);
        let mut args = made.filter_map(|n| match &self.graph[n].kind {
            NodeKind::Perform(perform) => Some(&perform.args),
            NodeKind::Query { args, .. } => Some(args),
            _ => None,
        });
        if prior.is_some_and(|slot| args.any(|args| args.iter().any(|a| mentions(a, slot)))) {
            let place = self.c.at(callee.span);
            let written = self.c.source(callee.span);
            let diagnostic = Diagnostic::error(
                codes::NOTHING_TO_UNDO,
                format!("`{written}` cannot be taken back inside of a playbook"),
                place,
                "what undoes it depends on what was there before",
            )
            .also(
                def.place(),
                "declared here, with `before` in its line `undo:`",
            )
            .help(
                "`counterplay undo RUN` takes it back: what was there before is kept with the run",
            );
            self.c.report(diagnostic);
            return;
        }
        for index in before..self.graph.node_count() {
            let node = &mut self.graph[petgraph::graph::NodeIndex::new(index)];
            if let NodeKind::Perform(perform) = &mut node.kind {
                perform.undoes = undoes.clone();
                perform.undoes_to = entities.clone();
                node.label = Arc::from(format!("undo {label}"));
            }
        }
        self.call_arms(arms, None);
    }

    /// The steps before that an `undo` may reverse: all of that action, where one of them may have acted on the same
    /// entities. Which of them did, the run knows.
    fn undone_by(&self, action: &str, entities: &[Expr]) -> Vec<u32> {
        let paths: Vec<_> = entities.iter().map(|value| self.canonical(value)).collect();
        let before = self.facts.performed.iter().filter(
            |before| matches!(&self.graph[before.node].kind, NodeKind::Perform(p) if *p.action == *action),
        );
        let may_be_the_same = before.clone().any(|before| {
            paths.is_empty()
                || before.acts_on.iter().any(|acted_on| {
                    acted_on.is_some() && paths.contains(acted_on)
                        || self.is_element(acted_on)
                        || paths.iter().any(|path| self.is_element(path))
                })
        });
        if !may_be_the_same {
            return Vec::new();
        }
        before.map(|before| before.node.index() as u32).collect()
    }

    /// Whether a path begins at a loop's element: which entity that is, only the run knows.
    fn is_element(&self, path: &Option<Path>) -> bool {
        let Some((slot, _)) = path else {
            return false;
        };
        self.graph.node_weights().any(
            |node| matches!(&node.kind, NodeKind::ForEach { slot: element, .. } if element == slot),
        )
    }

    fn not_undone(&mut self, span: Span, message: &str) {
        let place = self.c.at(span);
        let diagnostic = Diagnostic::error(codes::WRONG_PLACE, message, place, "not an action")
            .help("for instance `undo entra.block_sign_in(user)`");
        self.c.report(diagnostic);
    }
}

/// Whether an event is raised by playbooks.
pub fn is_emitted(def: &Def) -> bool {
    let Item::Event(decl) = &*def.item else {
        return false;
    };
    decl.properties.iter().any(|p| {
        p.key.text == "source"
            && matches!(&p.value, PropertyValue::Exprs(e)
                if matches!(e.first().map(|e| &e.kind), Some(ExprKind::Name(name)) if name == "emit"))
    })
}
