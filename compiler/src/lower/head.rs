//! A playbook's settings, triggers and head conditions in, the compiled playbook out.

use super::{Facts, Lower};
use crate::check::convert::article;
use crate::check::declare::{duration_ms, word};
use crate::check::mention::Meaning;
use crate::check::probe::{Spot, is_marked};
use crate::check::{Local, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{
    BinaryOp, Expr as Ast, ExprKind, Item, Playbook as Written, PlaybookLineKind, StepsDecl,
    Tenants as WrittenTenants, Trigger as WrittenTrigger, When,
};
use counterplay_machine::Value;
use counterplay_machine::deployment::Mode;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{
    Condition, ForEachRun, ListSource, ManualParam, NodeKind, Playbook, Repeats, Tenants, Trigger,
    TriggerKind, Webhook,
};
use counterplay_machine::schedule::DAYS;
use counterplay_machine::types::Type;
use std::sync::Arc;

/// Lowers a playbook. The machine is only to be used where no error was found.
pub fn playbook(mut lower: Lower<'_, '_>, written: &Written) -> (Playbook, Facts) {
    let title = written.title.as_ref().and_then(|t| lower.c.literal(t));
    let mut compiled = Playbook {
        id: Arc::from(written.id.text.as_str()),
        title: title.unwrap_or_else(|| Arc::from(written.id.text.as_str())),
        doc: Arc::from(written.doc.as_str()),
        mode: Mode::Active,
        tenants: Tenants::All,
        tags: Vec::new(),
        triggers: Vec::new(),
        event_slot: None,
        conditions: Vec::new(),
        repeats: None,
        checking_every_ms: None,
        slots: Vec::new(),
        graph: Default::default(),
        start: Default::default(),
        on_failure: None,
        failure_slot: None,
        reads_steps: false,
        undone: Vec::new(),
        hash: String::new(),
    };
    lower.settings(written, &mut compiled);
    lower.triggers(written, &mut compiled);
    lower.conditions(written, &mut compiled);
    let start = lower.emit(NodeKind::Start, written.id.text.as_str(), written.head);
    compiled.start = start;
    (compiled.on_failure, compiled.failure_slot) = lower.stages(written).unzip();
    if lower.graph.node_count() > super::NODES_MAX {
        let place = lower.c.at(written.id.span);
        let diagnostic = Diagnostic::error(
            codes::TOO_LARGE,
            "this playbook grows too large",
            place,
            format!(
                "it has more than {} steps when its `steps` are put in place of their calls",
                super::NODES_MAX
            ),
        )
        .help("use a loop, or split it into several playbooks");
        lower.c.report(diagnostic);
    }
    compiled.checking_every_ms = lower.checking_every_ms;
    compiled.reads_steps = lower.c.reads_steps;
    compiled.graph = std::mem::take(&mut lower.graph);
    let undone = compiled.graph.node_weights().flat_map(|n| match &n.kind {
        NodeKind::Perform(perform) => perform.undoes.clone(),
        _ => Vec::new(),
    });
    compiled.undone = undone.collect();
    compiled.undone.sort_unstable();
    compiled.undone.dedup();
    compiled.slots = std::mem::take(&mut lower.c.slots);
    (compiled, std::mem::take(&mut lower.facts))
}

/// Checks `steps` where they stand.
pub fn steps(mut lower: Lower<'_, '_>, def: &Def, written: &StepsDecl) {
    let name = Index::qualified(&def.module, &def.name.text);
    let place = def.place();
    lower.c.inlining.push((name, place));
    let ty = lower.c.result(def);
    lower.c.defaults(&written.params);
    for param in &written.params {
        let param_ty = lower.c.type_of(&param.ty);
        lower.c.bind(&param.name, &param_ty);
    }
    let slot = (ty != Type::Nothing).then(|| lower.c.slot("result", &ty));
    lower.returning.push(super::Returning {
        slot,
        ty: ty.clone(),
        ends: Vec::new(),
        depth: 0,
    });
    lower.emit(NodeKind::Start, def.name.text.as_str(), def.name.span);
    lower.block(&written.body);
    if !lower.current.is_empty() && ty != Type::Nothing && !ty.is_optional() {
        let place = lower.c.at(def.name.span);
        let diagnostic = Diagnostic::error(
            codes::MISSING_PROPERTY,
            format!(
                "`{}` promises {}, and not every way returns it",
                def.name.text,
                article(&ty)
            ),
            place,
            "some way ends without `return`",
        );
        lower.c.report(diagnostic);
    }
}

impl Lower<'_, '_> {
    fn settings(&mut self, written: &Written, compiled: &mut Playbook) {
        let mut given: Vec<(&str, Span)> = Vec::new();
        for line in &written.lines {
            let (key, span) = match &line.kind {
                PlaybookLineKind::Setting(key, value) => {
                    self.setting(key, value, compiled);
                    (key.text.as_str(), key.span)
                }
                PlaybookLineKind::Tenants(tenants) => {
                    compiled.tenants = self.tenants(tenants);
                    self.some_tenant(tenants, &compiled.tenants, line.span);
                    ("tenants", line.span)
                }
                _ => continue,
            };
            match given.iter().find(|(k, _)| *k == key) {
                Some((_, first)) => {
                    let (place, first) = (self.c.at(span), self.c.at(*first));
                    let diagnostic = Diagnostic::error(
                        codes::DUPLICATE,
                        format!("`{key}` is given twice"),
                        place,
                        "given again",
                    )
                    .also(first, "given first");
                    self.c.report(diagnostic);
                }
                None => given.push((key, span)),
            }
        }
    }

    fn setting(&mut self, key: &Name, value: &Ast, compiled: &mut Playbook) {
        if is_marked(&key.text) {
            self.c
                .capture(Spot::Property(vec!["mode", "tenants", "tags"]));
        }
        match key.text.as_str() {
            "mode" => match word(value) {
                Some(written) if is_marked(written) => {
                    self.c
                        .capture(Spot::Word(vec!["active", "simulate", "paused"]));
                }
                Some("active") => compiled.mode = Mode::Active,
                Some("simulate") => compiled.mode = Mode::Simulate,
                Some("paused") => compiled.mode = Mode::Paused,
                _ if matches!(value.kind, ExprKind::Missing) => {}
                other => {
                    let place = self.c.at(value.span);
                    let mut diagnostic = Diagnostic::error(
                        codes::BAD_PROPERTY,
                        "a mode is `active`, `simulate` or `paused`",
                        place.clone(),
                        "not one of these",
                    );
                    let near = other.and_then(|word| match word {
                        "stopped" | "off" | "disabled" | "inactive" => Some("paused".to_owned()),
                        "on" | "enabled" | "live" => Some("active".to_owned()),
                        "simulated" | "test" | "dry_run" => Some("simulate".to_owned()),
                        other => near::best(other, ["active", "simulate", "paused"]),
                    });
                    if let Some(near) = near {
                        diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                    }
                    self.c.report(diagnostic);
                }
            },
            "tags" => {
                let ty = Type::List(Box::new(Type::Text));
                match self.c.expect(value, &ty, None) {
                    Expr::List(items) => {
                        compiled.tags = items
                            .into_iter()
                            .filter_map(|i| match i {
                                Expr::Const(Value::Text(text)) => Some(text),
                                _ => None,
                            })
                            .collect();
                    }
                    _ => {
                        let place = self.c.at(value.span);
                        let diagnostic = Diagnostic::error(
                            codes::BAD_PROPERTY,
                            "tags are a list of texts",
                            place,
                            "for instance `[\"attack.T1078\"]`",
                        );
                        self.c.report(diagnostic);
                    }
                }
            }
            other => {
                let place = self.c.at(key.span);
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_PROPERTY,
                    format!("a playbook has no setting `{other}`"),
                    place.clone(),
                    "it has `mode`, `tenants` and `tags`",
                );
                if let Some(near) = near::best(other, ["mode", "tenants", "tags"]) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.c.report(diagnostic);
            }
        }
    }

    fn tenants(&mut self, tenants: &WrittenTenants) -> Tenants {
        match tenants {
            WrittenTenants::All { except } if except.is_empty() => Tenants::All,
            WrittenTenants::All { except } => {
                Tenants::Except(except.iter().filter_map(|e| self.tenant(e)).collect())
            }
            WrittenTenants::Listed(names) => {
                Tenants::Listed(names.iter().filter_map(|e| self.tenant(e)).collect())
            }
            WrittenTenants::Group(name) => {
                let Some(group) = self.c.literal(name) else {
                    return Tenants::All;
                };
                let meaning = Meaning::Group(group.clone());
                self.c.mention(name.span, meaning, false, None);
                if is_marked(&group) {
                    self.c.capture(Spot::Group);
                }
                if let Some(deployment) = self.c.deployment {
                    let groups: Vec<&str> = deployment
                        .tenants
                        .values()
                        .flat_map(|t| t.groups.iter().map(String::as_str))
                        .collect();
                    if !groups.contains(&&*group) {
                        self.not_in_project("tenant group", &group, name.span, &groups);
                    }
                }
                Tenants::Group(group)
            }
        }
    }

    /// Reports a selection that no tenant of the project is in.
    fn some_tenant(&mut self, written: &WrittenTenants, selected: &Tenants, span: Span) {
        let label = match (written, selected) {
            (WrittenTenants::Listed(names), _) if names.is_empty() => "lists no tenant",
            (WrittenTenants::All { .. }, Tenants::Except(out)) => {
                let Some(deployment) = self.c.deployment else {
                    return;
                };
                let mut all = deployment.tenants.keys();
                if deployment.tenants.is_empty()
                    || !all.all(|tenant| out.iter().any(|o| **o == **tenant))
                {
                    return;
                }
                "leaves out every tenant of counterplay.toml"
            }
            _ => return,
        };
        let place = self.c.at(span);
        let diagnostic = Diagnostic::warning(
            codes::UNREACHABLE,
            "this playbook runs in no tenant",
            place,
            label,
        )
        .help("one that is not to run yet says `mode: paused`");
        self.c.report(diagnostic);
    }

    pub(super) fn tenant(&mut self, expr: &Ast) -> Option<Arc<str>> {
        let name = self.c.literal(expr)?;
        let meaning = Meaning::Tenant(name.clone());
        self.c.mention(expr.span, meaning, false, None);
        if is_marked(&name) {
            self.c.capture(Spot::Tenant);
        }
        if let Some(deployment) = self.c.deployment
            && !deployment.tenants.contains_key(&*name)
        {
            let names: Vec<&str> = deployment.tenants.keys().map(String::as_str).collect();
            self.not_in_project("tenant", &name, expr.span, &names);
        }
        Some(name)
    }

    fn not_in_project(&mut self, what: &str, name: &str, span: Span, known: &[&str]) {
        let place = self.c.at(span);
        let mut diagnostic = Diagnostic::error(
            codes::NOT_IN_PROJECT,
            format!("counterplay.toml has no {what} `{name}`"),
            place.clone(),
            format!("it has {}", near::menu(known.iter().copied())),
        );
        if let Some(near) = near::best(name, known.iter().copied()) {
            diagnostic = diagnostic.fix(
                format!("write \"{near}\""),
                false,
                place,
                format!("\"{near}\""),
            );
        }
        self.c.report(diagnostic);
    }

    fn triggers(&mut self, written: &Written, compiled: &mut Playbook) {
        let whens: Vec<(&When, Span)> = written
            .lines
            .iter()
            .filter_map(|l| match &l.kind {
                PlaybookLineKind::When(when) => Some((when, l.span)),
                _ => None,
            })
            .collect();
        let broken = written
            .lines
            .iter()
            .any(|l| l.kind == PlaybookLineKind::Broken);
        let Some((first, first_span)) = whens.first().copied() else {
            if !broken {
                let place = self.c.at(written.id.span);
                let diagnostic = Diagnostic::error(
                    codes::TRIGGER,
                    format!("nothing starts the playbook `{}`", written.id.text),
                    place,
                    "it has no `when`",
                )
                .help("add a line such as `when intune.noncompliant as drift`");
                self.c.report(diagnostic);
            }
            return;
        };
        for (when, span) in whens.iter().skip(1) {
            let same = match (&first.alias, &when.alias) {
                (Some(a), Some(b)) => a.text == b.text,
                (None, None) => true,
                _ => false,
            };
            if family(&first.trigger) != family(&when.trigger) {
                self.unlike(*span, first_span);
            } else if !same {
                let (place, before) = (self.c.at(*span), self.c.at(first_span));
                let diagnostic = Diagnostic::error(
                    codes::TRIGGER,
                    "alternative triggers bind the same names",
                    place,
                    "binds other names",
                )
                .also(before, "than this one")
                .because("the steps below use the names whichever trigger started the run");
                self.c.report(diagnostic);
            }
        }
        // Of triggers that bind another name, which is told above, nothing more is told where names are used.
        let likewise = |w: &When| match (&first.alias, &w.alias) {
            (Some(a), Some(b)) => a.text == b.text,
            _ => true,
        };
        let mut events: Vec<Arc<str>> = Vec::new();
        for (when, _) in &whens {
            let event = self.event_name(&when.trigger);
            events.extend(event.filter(|_| likewise(when)));
        }
        for (i, (when, span)) in whens.iter().enumerate() {
            let Some(name) = self.event_name_silently(&when.trigger) else {
                continue;
            };
            let before = whens
                .iter()
                .take(i)
                .find(|(w, _)| self.event_name_silently(&w.trigger).as_ref() == Some(&name));
            if let Some((_, first)) = before {
                let (place, before) = (self.c.at(*span), self.c.at(*first));
                let diagnostic = Diagnostic::error(
                    codes::DUPLICATE,
                    format!("`{name}` starts this playbook twice"),
                    place,
                    "again",
                )
                .also(before, "first");
                self.c.report(diagnostic);
            }
        }
        self.webhooks_twice(&whens);
        let hooked = whens
            .iter()
            .any(|(w, _)| matches!(w.trigger, WrittenTrigger::Webhook(..)));
        if !hooked && let Some(alias) = whens.iter().find_map(|(w, _)| w.alias.as_ref()) {
            let is_event = whens
                .iter()
                .any(|(w, _)| matches!(w.trigger, WrittenTrigger::Event(_)));
            if !is_event {
                let place = self.c.at(alias.span);
                let diagnostic = Diagnostic::error(
                    codes::TRIGGER,
                    "only an event or a webhook's body can be named with `as`",
                    place,
                    "a schedule or a manual start carries no event",
                );
                self.c.report(diagnostic);
            }
            let ty = if events.is_empty() {
                Type::Unknown
            } else {
                Type::Event(events)
            };
            compiled.event_slot = Some(self.c.bind(alias, &ty));
            let meaning = Meaning::Local(alias.span);
            for other in whens.iter().filter_map(|(w, _)| w.alias.as_ref()) {
                if other.text == alias.text && other.span != alias.span {
                    self.c
                        .mention(other.span, meaning.clone(), false, Some(ty.clone()));
                } else if other.text != alias.text {
                    self.c.bind(other, &Type::Unknown);
                }
            }
        }
        self.c.unnamed_event = whens
            .iter()
            .find(|(w, _)| w.alias.is_none() && matches!(w.trigger, WrittenTrigger::Event(_)))
            .map(|(_, span)| *span);
        let mut manual_bound: Option<Vec<ManualParam>> = None;
        let body = self.body(&whens);
        let mut element: Option<Local> = None;
        for (when, span) in &whens {
            self.same_start(first, when);
            // What the form asks for is known to the list, too.
            if let WrittenTrigger::Manual(params) = &when.trigger
                && manual_bound.is_none()
            {
                manual_bound = Some(self.manual(params));
            }
            let for_each = match &when.for_each {
                None => None,
                Some((var, list)) => {
                    let (source, ty) = self.run_list(list);
                    if let Some(local) = &element
                        && local.ty != ty
                        && ty != Type::Unknown
                    {
                        let (place, before) = (self.c.at(list.span), local.place.clone());
                        let diagnostic = Diagnostic::error(
                            codes::TRIGGER,
                            format!("`{}` would be {} here", var.text, article(&ty)),
                            place,
                            "another kind of element",
                        )
                        .also(before, format!("here it is {}", article(&local.ty)));
                        self.c.report(diagnostic);
                    }
                    let slot = match &element {
                        Some(local) => {
                            let meaning = Meaning::Local(local.place.span);
                            self.c.mention(var.span, meaning, false, Some(ty));
                            local.slot
                        }
                        None => {
                            let slot = self.c.bind(var, &ty);
                            element = Some(Local {
                                slot,
                                ty,
                                place: self.c.at(var.span),
                            });
                            slot
                        }
                    };
                    let list = match &source {
                        ListSource::Expr(list) => list.clone(),
                        ListSource::Query(..) => Expr::Slot(slot),
                    };
                    let place = self.c.at(*span);
                    self.facts.runs_for_each.push((place, list));
                    Some(ForEachRun { slot, list: source })
                }
            };
            let kind = match &when.trigger {
                WrittenTrigger::Event(_) => match self.event_name_silently(&when.trigger) {
                    Some(name) => TriggerKind::Event(name),
                    None => continue,
                },
                WrittenTrigger::Every(interval) => match duration_ms(interval) {
                    Some(ms) if ms >= 60_000 => TriggerKind::Every(ms),
                    _ => {
                        let place = self.c.at(interval.span);
                        let diagnostic = Diagnostic::error(
                            codes::TRIGGER,
                            "an interval is a duration of a minute or more",
                            place,
                            "for instance `every 15m`",
                        );
                        self.c.report(diagnostic);
                        continue;
                    }
                },
                WrittenTrigger::EveryDay(day, at) => {
                    let ExprKind::ClockTime(minutes) = at.kind else {
                        let place = self.c.at(at.span);
                        let diagnostic = Diagnostic::error(
                            codes::TRIGGER,
                            "a time of day is written `07:00`",
                            place,
                            "not a time of day",
                        );
                        self.c.report(diagnostic);
                        continue;
                    };
                    let weekday = DAYS.iter().position(|d| *d == day.text).map(|i| i as u8);
                    TriggerKind::At { weekday, minutes }
                }
                WrittenTrigger::Schedule(cron, zone) => match self.schedule(cron, zone.as_ref()) {
                    Some(kind) => kind,
                    None => continue,
                },
                WrittenTrigger::Manual(_) => {
                    TriggerKind::Manual(manual_bound.clone().unwrap_or_default())
                }
                WrittenTrigger::Webhook(name, _) => {
                    let (Some(name), Some(body)) =
                        (self.webhook_name(name, &compiled.tenants), &body)
                    else {
                        continue;
                    };
                    TriggerKind::Webhook(Webhook {
                        name,
                        ..body.clone()
                    })
                }
            };
            compiled.triggers.push(Trigger { kind, for_each });
        }
    }

    /// Reports an alternative of another family.
    fn unlike(&mut self, here: Span, first: Span) {
        let (place, before) = (self.c.at(here), self.c.at(first));
        let diagnostic = Diagnostic::error(
            codes::TRIGGER,
            "alternative triggers are of one kind",
            place,
            "starts a run with something else",
        )
        .also(before, "than this one")
        .because("the steps below use the same names whichever trigger started the run")
        .help("alternatives are events and schedules, or forms of one shape, or webhooks of one type; for another kind write a playbook of its own, and put what both do into `steps`");
        self.c.report(diagnostic);
    }

    /// Alternatives start a run with the same names: elements, forms and bodies agree.
    fn same_start(&mut self, first: &When, when: &When) {
        if family(&first.trigger) != family(&when.trigger) {
            return;
        }
        let element = |w: &When| w.for_each.as_ref().map(|(name, _)| name.text.clone());
        let form = |c: &crate::check::Checker<'_>, w: &When| match &w.trigger {
            WrittenTrigger::Manual(params) => params
                .iter()
                .map(|p| format!("{}: {}", p.name.text, c.source(p.ty.span)))
                .collect::<Vec<_>>(),
            WrittenTrigger::Webhook(_, ty) => vec![c.source(ty.span).to_owned()],
            _ => Vec::new(),
        };
        if element(first) == element(when) && form(self.c, first) == form(self.c, when) {
            return;
        }
        let span = |w: &When| match (&w.for_each, &w.trigger) {
            (Some((name, _)), _) => Some(name.span),
            (None, WrittenTrigger::Manual(params)) => params.first().map(|p| p.name.span),
            (None, WrittenTrigger::Webhook(_, ty)) => Some(ty.span),
            (
                None,
                WrittenTrigger::Event(e)
                | WrittenTrigger::Every(e)
                | WrittenTrigger::EveryDay(_, e)
                | WrittenTrigger::Schedule(e, _),
            ) => Some(e.span),
        };
        let (Some(here), Some(there)) = (span(when), span(first)) else {
            return;
        };
        let (place, before) = (self.c.at(here), self.c.at(there));
        let (message, label) = match &when.trigger {
            WrittenTrigger::Webhook(..) if element(first) == element(when) => (
                "alternative webhooks deliver bodies of one type",
                "another type",
            ),
            _ => (
                "alternative triggers start a run with the same names",
                "binds other names",
            ),
        };
        let diagnostic = Diagnostic::error(codes::TRIGGER, message, place, label)
            .also(before, "than this one")
            .because("the steps below use the names whichever trigger started the run");
        self.c.report(diagnostic);
    }

    /// A cron expression and its zone, both looked at here: neither can go wrong at night.
    fn schedule(&mut self, cron: &Ast, zone: Option<&Ast>) -> Option<TriggerKind> {
        let text = self.c.literal(cron)?;
        if let Err(why) = counterplay_machine::cron::check(&text) {
            let place = self.c.at(cron.span);
            let diagnostic = Diagnostic::error(
                codes::TRIGGER,
                format!("`{text}` is no schedule"),
                place,
                why,
            )
            .help("five fields as cron has them, for instance `\"0 7 * * MON\"` for every Monday at 07:00, or `when every monday at 07:00`");
            self.c.report(diagnostic);
            return None;
        }
        let zone = match zone {
            None => None,
            Some(zone) => {
                let name = self.c.literal(zone)?;
                if jiff::tz::TimeZone::get(&name).is_err() {
                    let place = self.c.at(zone.span);
                    let known = jiff::tz::db()
                        .available()
                        .map(|name| name.as_str().to_owned());
                    let known: Vec<String> = known.collect();
                    let mut diagnostic = Diagnostic::error(
                        codes::TRIGGER,
                        format!("there is no time zone `{name}`"),
                        place.clone(),
                        "not known",
                    )
                    .help("zones have the names of the IANA database, such as `Europe/London`; without `in` the tenant's counts");
                    if let Some(near) = near::best(&name, known.iter().map(String::as_str)) {
                        let near = format!("\"{near}\"");
                        diagnostic = diagnostic.fix(format!("write {near}"), false, place, near);
                    }
                    self.c.report(diagnostic);
                    return None;
                }
                Some(name)
            }
        };
        Some(TriggerKind::Cron { cron: text, zone })
    }

    fn manual(&mut self, params: &[crate::syntax::ast::Param]) -> Vec<ManualParam> {
        for param in params {
            let ty = self.c.type_of(&param.ty);
            if self.c.holds_secret(&ty) || param.default.is_some() {
                let place = self.c.at(param.name.span);
                let diagnostic = Diagnostic::error(
                    codes::TRIGGER,
                    "a form's fields are filled in by people, in clear",
                    place,
                    if param.default.is_some() {
                        "a default is not possible here"
                    } else {
                        "a secret is not possible here"
                    },
                );
                self.c.report(diagnostic);
            }
        }
        params
            .iter()
            .map(|p| {
                let ty = self.c.type_of(&p.ty);
                let slot = self.c.bind(&p.name, &ty);
                let lookup = match ty.present() {
                    Type::Record(name) if self.c.is_entity(&ty) => self
                        .c
                        .index
                        .lookup(name)
                        .map(|d| Index::qualified(&d.module, &d.name.text)),
                    _ => None,
                };
                ManualParam {
                    name: Arc::from(p.name.text.as_str()),
                    ty,
                    slot,
                    lookup,
                }
            })
            .collect()
    }

    fn run_list(&mut self, list: &Ast) -> (ListSource, Type) {
        let checked = self
            .c
            .with_queries(Queries::Allowed, |c| c.expr(list, None));
        let mut asked = std::mem::take(&mut self.c.asked);
        let ty = match &checked.ty {
            Type::List(inner) => (**inner).clone(),
            Type::Unknown => Type::Unknown,
            other => self.no_list(list.span, other),
        };
        match (asked.pop(), &checked.expr) {
            (None, _) => (ListSource::Expr(checked.expr), ty),
            (Some(query), Expr::Slot(slot)) if *slot == query.slot && asked.is_empty() => {
                (ListSource::Query(query.query, query.args), ty)
            }
            (Some(_), _) => {
                let place = self.c.at(list.span);
                let diagnostic = Diagnostic::error(
                    codes::WRONG_PLACE,
                    "the list of a trigger is one query, or a list that the event carries",
                    place,
                    "more than one question",
                );
                self.c.report(diagnostic);
                (ListSource::Expr(Expr::List(Vec::new())), ty)
            }
        }
    }

    /// The qualified name of a trigger's event.
    pub(super) fn event_name(&mut self, trigger: &WrittenTrigger) -> Option<Arc<str>> {
        self.event_name_among(trigger, &|_| true)
    }

    /// The same; what is suggested for an unknown one is among those that fit.
    pub(super) fn event_name_among(
        &mut self,
        trigger: &WrittenTrigger,
        fits: &dyn Fn(&Def) -> bool,
    ) -> Option<Arc<str>> {
        let WrittenTrigger::Event(expr) = trigger else {
            return None;
        };
        match &expr.kind {
            ExprKind::Name(name) if is_marked(name) => self.c.capture(Spot::Event(None)),
            ExprKind::Field { base, field, .. } if is_marked(&field.text) => {
                self.c.capture(Spot::Event(word(base).map(str::to_owned)));
            }
            _ => {}
        }
        if let Some(name) = self.event_name_silently(trigger) {
            let index = self.c.index;
            if let Some(def) = index.declared(&name) {
                if let ExprKind::Field { base, field, .. } = &expr.kind {
                    let meaning = Meaning::Module(def.module.clone());
                    self.c.mention(base.span, meaning, false, None);
                    self.c.mention_def(field.span, def);
                } else {
                    self.c.mention_def(expr.span, def);
                }
            }
            return Some(name);
        }
        if let ExprKind::Field { base, .. } = &expr.kind
            && let Some(module) = word(base)
            && self.c.index.is_unsure(&self.c.module, module)
        {
            return None;
        }
        let place = self.c.at(expr.span);
        let written = self.c.source(expr.span);
        let here = self.c.module.clone();
        let here = &here;
        let events: Vec<String> = self
            .c
            .index
            .modules
            .iter()
            .flat_map(|(m, module)| {
                module
                    .names
                    .iter()
                    .filter(|(_, d)| matches!(&*d.item, Item::Event(_)) && fits(d))
                    .map(move |(n, _)| match *m == *here {
                        true => n.clone(),
                        false => format!("{}.{n}", m.rsplit('.').next().unwrap_or(m)),
                    })
            })
            .collect();
        let not_imported = events
            .iter()
            .find(|e| **e == written)
            .and_then(|_| written.split('.').next().map(str::to_owned));
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("there is no event `{written}` here"),
            place.clone(),
            "not known",
        );
        if let Some(module) = not_imported {
            let full = self
                .c
                .index
                .modules
                .keys()
                .find(|m| m.rsplit('.').next() == Some(module.as_str()))
                .cloned();
            if let Some(full) = full {
                diagnostic = self.c.with_import(diagnostic, &full);
            }
        } else if let Some(near) = near::best(&written, events.iter().map(String::as_str)) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        } else {
            let module = written.split('.').next().unwrap_or("").to_owned();
            let own: Vec<&str> = events
                .iter()
                .filter(|e| e.split('.').next() == Some(module.as_str()))
                .map(String::as_str)
                .collect();
            if !own.is_empty() {
                diagnostic = diagnostic.help(format!("`{module}` has {}", near::menu(own)));
            } else if events.is_empty() {
                diagnostic = diagnostic
                    .help("declare one of your own: `event contained { source: emit … }`");
            } else {
                let menu = near::menu(events.iter().map(String::as_str));
                diagnostic = diagnostic.help(match events.len() {
                    1 => format!("there is {menu}"),
                    _ => format!("there are {menu}"),
                });
            }
        }
        self.c.report(diagnostic);
        None
    }

    fn event_name_silently(&self, trigger: &WrittenTrigger) -> Option<Arc<str>> {
        let WrittenTrigger::Event(expr) = trigger else {
            return None;
        };
        let (full, name): (Arc<str>, &str) = match &expr.kind {
            ExprKind::Name(name) => (self.c.module.clone(), name),
            ExprKind::Field { base, field, .. } => {
                let module = word(base)?;
                let full = self
                    .c
                    .index
                    .modules
                    .get(&*self.c.module)
                    .and_then(|m| m.uses.get(module))
                    .cloned()?;
                (full, &field.text)
            }
            _ => return None,
        };
        let def = self.c.index.get(&full, name)?;
        matches!(&*def.item, Item::Event(_)).then(|| Index::qualified(&full, name))
    }

    fn conditions(&mut self, written: &Written, compiled: &mut Playbook) {
        for line in &written.lines {
            match &line.kind {
                PlaybookLineKind::If(condition) => {
                    let mut conjuncts = Vec::new();
                    split(condition, &mut conjuncts);
                    for conjunct in conjuncts {
                        let expr = self
                            .c
                            .with_queries(Queries::Forbidden("in a head's `if`"), |c| {
                                c.expect(conjunct, &Type::Bool, None)
                            });
                        if crate::verify::holds(&expr, &[]) == Some(false) {
                            let place = self.c.at(conjunct.span);
                            let diagnostic = Diagnostic::warning(
                                codes::UNREACHABLE,
                                "this playbook never starts",
                                place,
                                "never holds",
                            );
                            self.c.report(diagnostic);
                        }
                        let facts = self.c.facts(conjunct, true);
                        self.c.learn(facts);
                        let needs_fetched = self.needs_fetched(&expr, compiled);
                        let text = Arc::from(self.c.source(conjunct.span));
                        compiled.conditions.push(Condition {
                            expr,
                            needs_fetched,
                            text,
                        });
                    }
                }
                PlaybookLineKind::IgnoreRepeats { key, within } => {
                    let checked = self.c.with_queries(
                        Queries::Forbidden("as the key of `ignore repeats of`"),
                        |c| c.expr(key, None),
                    );
                    if checked.ty.is_optional() {
                        self.c.may_be_absent(key.span, &checked.ty, None);
                    }
                    let tells = match checked.ty.present() {
                        Type::Text | Type::Int | Type::Enum(_) | Type::Unknown => true,
                        Type::List(_) => false,
                        other => self.c.is_entity(other),
                    };
                    if !tells {
                        let place = self.c.at(key.span);
                        let diagnostic = Diagnostic::error(
                            codes::TYPE_MISMATCH,
                            format!("{} does not tell one case from another", article(&checked.ty)),
                            place,
                            "every event would have the same key",
                        )
                        .help("name an entity or a text, for instance the user or the device that the event is about");
                        self.c.report(diagnostic);
                    }
                    if self.c.holds_secret(&checked.ty) {
                        self.c.secret_exposed(key.span, "would be stored as a key");
                    }
                    let for_ms = within
                        .as_ref()
                        .map(|w| self.duration(Some(w), 3_600_000, "for"));
                    compiled.repeats = Some(Repeats {
                        key: checked.expr,
                        for_ms,
                    });
                }
                _ => {}
            }
        }
        // Conditions over stored fields are judged first, those over fetched ones last.
        compiled.conditions.sort_by_key(|c| c.needs_fetched);
    }

    fn needs_fetched(&self, expr: &Expr, compiled: &Playbook) -> bool {
        let Some(event) = compiled.event_slot else {
            return false;
        };
        let fetched: Vec<String> = compiled
            .triggers
            .iter()
            .filter_map(|t| match &t.kind {
                TriggerKind::Event(name) => Some(self.c.fetched_fields(name)),
                _ => None,
            })
            .flatten()
            .collect();
        let mut found = false;
        expr.walk(&mut |e| {
            if let Expr::Field(base, name) | Expr::OptionalField(base, name) = e
                && **base == Expr::Slot(event)
                && fetched.iter().any(|f| **f == **name)
            {
                found = true;
            }
        });
        found
    }
}

/// Triggers of one family bind names in the same way; alternatives are of one family.
fn family(trigger: &WrittenTrigger) -> u8 {
    match trigger {
        WrittenTrigger::Event(_)
        | WrittenTrigger::Every(_)
        | WrittenTrigger::EveryDay(..)
        | WrittenTrigger::Schedule(..) => 0,
        WrittenTrigger::Manual(_) => 1,
        WrittenTrigger::Webhook(..) => 2,
    }
}

/// The conjuncts of a condition.
fn split<'e>(expr: &'e Ast, out: &mut Vec<&'e Ast>) {
    match &expr.kind {
        ExprKind::Binary {
            op: BinaryOp::And,
            left,
            right,
            ..
        } => {
            split(left, out);
            split(right, out);
        }
        _ => out.push(expr),
    }
}
