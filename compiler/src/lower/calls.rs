//! Action steps, and `steps` put in place of their call.

use super::{Lower, Performed, Returning};
use crate::check::calls::Parameter;
use crate::check::declare::{impact_named, property, single, word};
use crate::check::{Path, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::span::Span;
use crate::syntax::ast::{Arg, Arm, Declaration, ExprKind, Item};
use counterplay_machine::declare::Impact;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{Edge, NodeKind, Perform};
use counterplay_machine::types::Type;
use std::sync::Arc;

impl Lower<'_, '_> {
    /// An action step; its node, and its result's variable and type.
    pub(super) fn perform(
        &mut self,
        def: &Def,
        args: &[Arg],
        span: Span,
        attempt: bool,
        arms: &[Arm],
    ) -> (Slot, Type) {
        let params = self.c.parameters(def);
        let values = self
            .c
            .with_queries(Queries::Allowed, |c| c.arguments(def, &params, args, span));
        self.emit_asked(false);
        let ty = self.c.result(def);
        let slot = self.c.slot(&format!("{}()", def.name.text), &ty);
        let Item::Action(decl) = &*def.item else {
            return (slot, ty);
        };
        let impact = property(decl, "impact")
            .and_then(single)
            .and_then(word)
            .and_then(impact_named)
            .unwrap_or(Impact::Destructive);
        let mut acts_on = Vec::new();
        let mut paths: Vec<Option<Path>> = Vec::new();
        let mut entities = Vec::new();
        for (i, param) in params.iter().enumerate() {
            if !(param.decl.on || self.c.is_entity(&param.ty)) {
                continue;
            }
            acts_on.push(i as u32);
            paths.push(values.get(i).and_then(|v| self.canonical(v)));
            let written = args
                .iter()
                .find(|a| {
                    a.name
                        .as_ref()
                        .is_some_and(|n| n.text == param.decl.name.text)
                })
                .or_else(|| args.get(i).filter(|a| a.name.is_none()))
                .map_or_else(
                    || param.decl.name.text.clone(),
                    |a| self.c.source(a.value.span),
                );
            entities.push(written);
        }
        let after = self.c.before(def, decl);
        self.reachable_team(decl, &params, &values, args, span);
        let attempt = attempt || self.attempting.is_some();
        let name = Index::qualified(&def.module, &def.name.text);
        let skip_if_failed: Vec<u32> = self
            .attempting
            .iter()
            .flatten()
            .filter(|before| {
                let NodeKind::Perform(p) = &self.graph[before.node].kind else {
                    return false;
                };
                after.contains(&p.action)
                    && before
                        .acts_on
                        .iter()
                        .any(|a| a.is_some() && paths.contains(a))
            })
            .map(|before| before.node.index() as u32)
            .collect();
        let failed_arm = arms.iter().any(|a| a.name.text == "failed");
        let failure_slot =
            failed_arm.then(|| self.c.slot("failure", &Type::Record(Arc::from("Failure"))));
        let label = self.c.source(span);
        let node = self.emit(
            NodeKind::Perform(Perform {
                action: name,
                args: values,
                slot: (ty != Type::Nothing).then_some(slot),
                impact,
                acts_on,
                attempt,
                failure_slot,
                accepted: self.accepted.clone(),
                gates: Vec::new(),
                skip_if_failed,
                undoes: Vec::new(),
                undoes_to: Vec::new(),
            }),
            label,
            span,
        );
        let ask = self.ask(def, &params, &entities, &paths);
        let performed = Performed {
            node,
            place: self.place(span),
            inside: self.called_from.is_some().then(|| self.c.at(span)),
            acts_on: paths,
            entities,
            declared: def.place(),
            after,
            ask,
        };
        if let Some(attempting) = &mut self.attempting {
            attempting.push(performed.clone());
        }
        self.facts.performed.push(performed);
        if attempt && !failed_arm {
            // Both ways lead on; the failure is recorded.
            self.current = vec![(node, Edge::Done), (node, Edge::Failed)];
        }
        (slot, ty)
    }

    /// The line that would ask for an action's approval, and where it belongs; nothing inside of other steps.
    fn ask(
        &mut self,
        def: &Def,
        params: &[Parameter],
        entities: &[String],
        paths: &[Option<Path>],
    ) -> Option<(crate::span::Place, String)> {
        if self.called_from.is_some() || paths.iter().any(Option::is_none) {
            return None;
        }
        let team = self.c.deployment?.teams.keys().next()?.clone();
        let statement = self.statement?;
        let acted = params
            .iter()
            .find(|p| p.decl.on || self.c.is_entity(&p.ty))?;
        let entity = entities.first()?;
        let fields = self.c.fields_of(&acted.ty);
        let named = fields.iter().any(|field| field == "name");
        let shown = if named {
            format!(" {{{entity}.name}}")
        } else {
            String::new()
        };
        let verb = def.name.text.replace('_', " ");
        let (first, rest) = verb.split_at_checked(1)?;
        let indent = " ".repeat(self.c.column(statement.start));
        let start = Span {
            start: statement.start,
            end: statement.start,
        };
        Some((
            self.c.at(start),
            format!(
                "approve \"{}{rest}{shown}?\" about {}, by team.{team}, within 4h\n{indent}",
                first.to_uppercase(),
                entities.join(", ")
            ),
        ))
    }

    /// A message to a team's channel needs the channel in the project file.
    fn reachable_team(
        &mut self,
        decl: &Declaration,
        params: &[Parameter],
        values: &[Expr],
        args: &[Arg],
        span: Span,
    ) {
        let Some(ExprKind::Call { args: request, .. }) =
            property(decl, "request").and_then(single).map(|e| &e.kind)
        else {
            return;
        };
        let Some(ExprKind::Field { base, field, .. }) = request
            .first()
            .filter(|a| a.name.is_none())
            .map(|a| &a.value.kind)
        else {
            return;
        };
        let Some(index) =
            word(base).and_then(|n| params.iter().position(|p| p.decl.name.text == n))
        else {
            return;
        };
        let Some(Expr::Team(name)) = values.get(index) else {
            return;
        };
        let Some(team) = self.c.deployment.and_then(|d| d.teams.get(&**name)) else {
            return;
        };
        let there = match field.text.as_str() {
            "teams_webhook" => team.teams_webhook.is_some(),
            "slack_webhook" => team.slack_webhook.is_some(),
            _ => true,
        };
        if !there {
            let place = self.c.at(args.get(index).map_or(span, |a| a.value.span));
            let diagnostic = Diagnostic::error(
                codes::NOT_IN_PROJECT,
                format!("team.{name} has no `{}` in counterplay.toml", field.text),
                place,
                "the message has nowhere to go",
            )
            .help(format!(
                "add `{} = \"…\"`, the name of the secret with its address, to [teams.{name}]",
                field.text
            ));
            self.c.report(diagnostic);
        }
    }

    /// `steps`, put in place of their call.
    pub(super) fn inline(&mut self, def: &Def, args: &[Arg], span: Span) -> (Option<Slot>, Type) {
        let params = self.c.parameters(def);
        let values = self
            .c
            .with_queries(Queries::Allowed, |c| c.arguments(def, &params, args, span));
        self.emit_asked(false);
        let ty = self.c.result(def);
        let name = Index::qualified(&def.module, &def.name.text);
        if self.c.cycle(&name, def, span) {
            return (None, ty);
        }
        let Item::Steps(decl) = &*def.item else {
            return (None, ty);
        };
        if self.attempting.is_some() {
            self.not_attempted(span);
        }
        if self.graph.node_count() > super::NODES_MAX {
            return (None, ty);
        }
        let slot = (ty != Type::Nothing).then(|| self.c.slot(&format!("{}()", def.name.text), &ty));
        let place = self.c.at(span);
        self.c.inlining.push((name, place.clone()));
        let origin = self.origin(span);
        let was_from = self.called_from.clone();
        if self.called_from.is_none() {
            self.called_from = Some((origin, place));
            self.root = Some(self.here());
        }
        // What the caller accepted it accepted for what it sees, not for what steps do inside.
        let accepted = self.accepted.take();
        self.returning.push(Returning {
            slot,
            ty: ty.clone(),
            ends: Vec::new(),
            depth: 0,
        });
        let told = std::mem::replace(&mut self.told_unreachable, true);
        let body = decl.body.clone();
        let outer = self.enter(def);
        for (param, value) in params.iter().zip(values) {
            let own = self.c.bind(&param.decl.name, &param.ty);
            if let Some(path) = self.canonical(&value) {
                self.alias.insert(own, path);
            }
            let label = format!(
                "{} = {}",
                param.decl.name.text,
                self.c.source(param.decl.name.span)
            );
            self.emit(NodeKind::Bind { slot: own, value }, label, span);
        }
        self.block(&body);
        // Steps that end without `return` have an absent result.
        if let (Some(slot), true, false) = (slot, ty.is_optional(), self.current.is_empty()) {
            let value = Expr::Const(counterplay_machine::Value::Absent);
            self.emit(NodeKind::Bind { slot, value }, "no result", span);
        }
        self.leave(outer);
        self.told_unreachable = told;
        if let Some(returning) = self.returning.pop() {
            self.current.extend(returning.ends);
        }
        self.accepted = accepted;
        if was_from.is_none() {
            self.root = None;
        }
        self.called_from = was_from;
        self.c.inlining.pop();
        (slot, ty)
    }

    /// Lowers what a declaration says with its parameters bound, at the place of a call of it.
    pub(super) fn as_declared(
        &mut self,
        def: &Def,
        params: &[Parameter],
        values: Vec<Expr>,
        span: Span,
        lower: impl FnOnce(&mut Self),
    ) {
        let place = self.c.at(span);
        let origin = self.origin(span);
        let was_from = self.called_from.clone();
        if self.called_from.is_none() {
            self.called_from = Some((origin, place));
            self.root = Some(self.here());
        }
        let outer = self.enter(def);
        for (param, value) in params.iter().zip(values) {
            let own = self.c.bind(&param.decl.name, &param.ty);
            if let Some(path) = self.canonical(&value) {
                self.alias.insert(own, path);
            }
            let label = param.decl.name.text.clone();
            self.emit(NodeKind::Bind { slot: own, value }, label, span);
        }
        lower(self);
        self.leave(outer);
        if was_from.is_none() {
            self.root = None;
        }
        self.called_from = was_from;
    }

    /// Looks at names and places as another item does, silently.
    fn enter(&mut self, def: &Def) -> Outer {
        self.enter_at(Outer {
            module: def.module.clone(),
            anchor: def.anchor.clone(),
            text: def.text.clone(),
            frames: vec![crate::check::Frame::default()],
            gone: Default::default(),
            silent: true,
        })
    }

    /// The names and places at hand.
    fn here(&self) -> Outer {
        Outer {
            module: self.c.module.clone(),
            anchor: self.c.anchor.clone(),
            text: self.c.text.clone(),
            frames: self.c.frames.clone(),
            gone: self.c.gone.clone(),
            silent: self.c.silent,
        }
    }

    /// Swaps names and places; what was at hand comes back.
    pub(super) fn enter_at(&mut self, inner: Outer) -> Outer {
        Outer {
            module: std::mem::replace(&mut self.c.module, inner.module),
            anchor: std::mem::replace(&mut self.c.anchor, inner.anchor),
            text: std::mem::replace(&mut self.c.text, inner.text),
            frames: std::mem::replace(&mut self.c.frames, inner.frames),
            gone: std::mem::replace(&mut self.c.gone, inner.gone),
            silent: std::mem::replace(&mut self.c.silent, inner.silent),
        }
    }

    pub(super) fn leave(&mut self, outer: Outer) {
        self.enter_at(outer);
    }

    /// `return` in `steps`.
    pub(super) fn return_step(&mut self, value: Option<&crate::syntax::ast::Expr>, span: Span) {
        let Some((ty, slot, depth)) = self
            .returning
            .last()
            .map(|r| (r.ty.clone(), r.slot, r.depth))
        else {
            let place = self.c.at(span);
            let diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                "`return` belongs to `steps`",
                place,
                "this is a playbook",
            )
            .help("to end the run here, write `end run \"why\"`");
            self.c.report(diagnostic);
            return;
        };
        if depth > 0 {
            let place = self.c.at(span);
            let diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                "`return` cannot leave a loop or a parallel branch",
                place,
                "other elements or branches may still be under way",
            );
            self.c.report(diagnostic);
        }
        match (value, slot) {
            (Some(value), Some(slot)) => {
                let compiled = self
                    .c
                    .with_queries(Queries::Allowed, |c| c.expect(value, &ty, None));
                self.emit_asked(false);
                let label = self.c.source(span);
                self.emit(
                    NodeKind::Bind {
                        slot,
                        value: compiled,
                    },
                    label,
                    span,
                );
            }
            (Some(value), None) => {
                let place = self.c.at(value.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    "these steps have no result",
                    place,
                    "add its type to their head: `-> Ticket?`",
                );
                self.c.report(diagnostic);
            }
            (None, Some(slot)) if ty.is_optional() => {
                let label = self.c.source(span);
                self.emit(
                    NodeKind::Bind {
                        slot,
                        value: Expr::Const(counterplay_machine::Value::Absent),
                    },
                    label,
                    span,
                );
            }
            (None, Some(_)) => {
                let place = self.c.at(span);
                let diagnostic = Diagnostic::error(
                    codes::MISSING_ARGUMENT,
                    format!(
                        "these steps promise {}",
                        crate::check::convert::article(&ty)
                    ),
                    place,
                    "nothing is returned here",
                );
                self.c.report(diagnostic);
            }
            (None, None) => {}
        }
        let ends = std::mem::take(&mut self.current);
        if let Some(returning) = self.returning.last_mut() {
            returning.ends.extend(ends);
        }
    }
}

/// Names and places that were put aside.
#[derive(Clone)]
pub struct Outer {
    module: Arc<str>,
    anchor: crate::span::Anchor,
    text: Arc<str>,
    frames: Vec<crate::check::Frame>,
    gone: std::collections::BTreeMap<String, (crate::span::Place, &'static str)>,
    silent: bool,
}
