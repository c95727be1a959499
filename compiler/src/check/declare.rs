//! Declarations in, what hosts need of them out: connections, actions and queries.

use super::convert::article;
use super::probe::{Spot, is_marked};
use super::{Checker, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::near;
use crate::span::Span;
use crate::syntax::ast::{Declaration, Expr as Ast, ExprKind, Item, Property, PropertyValue};
use counterplay_machine::Value;
use counterplay_machine::declare::{
    Auth, Base, Callable, Check, Confirm, Connection, Floor, Impact, OnStatus, OnStatusThen, Param,
    Prior, Rate, Retry,
};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use std::sync::Arc;

const ACTION: &[&str] = &[
    "impact",
    "idempotent",
    "details",
    "before",
    "undo",
    "after",
    "permission",
    "request",
    "expect",
    "on",
    "confirm",
    "accepted",
    "check",
    "returns",
];
const QUERY: &[&str] = &["finds", "permission", "request", "expect", "on", "returns"];
const CONNECTION: &[&str] = &[
    "base",
    "auth",
    "rate",
    "retry",
    "timeout",
    "batch",
    "destructive",
    "disruptive",
    "reversible",
    "notify",
    "reads",
];

/// The property of a key.
pub fn property<'p>(decl: &'p Declaration, key: &str) -> Option<&'p Property> {
    decl.properties
        .iter()
        .find(|p| p.key.text == key && p.value != PropertyValue::Broken)
}

/// The single expression of a property.
pub fn single(property: &Property) -> Option<&Ast> {
    match &property.value {
        PropertyValue::Exprs(exprs) => exprs.first(),
        _ => None,
    }
}

/// A bare name.
pub fn word(expr: &Ast) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name),
        _ => None,
    }
}

/// A duration written as a constant, in milliseconds.
pub fn duration_ms(expr: &Ast) -> Option<i64> {
    match expr.kind {
        ExprKind::Duration(ms) => Some(ms),
        _ => None,
    }
}

impl Checker<'_> {
    /// Reports properties that this kind of declaration does not have, and repeated ones.
    pub fn known_properties(
        &mut self,
        decl: &Declaration,
        kind: &str,
        allowed: &'static [&'static str],
        repeatable: &[&str],
    ) {
        let mut seen: Vec<&Property> = Vec::new();
        if decl.properties.iter().any(|p| is_marked(&p.key.text)) {
            let given = |key: &str| decl.properties.iter().any(|p| p.key.text == key);
            let left = allowed
                .iter()
                .filter(|key| repeatable.contains(key) || !given(key));
            self.capture(Spot::Property(left.copied().collect()));
        }
        for property in &decl.properties {
            if property.value == PropertyValue::Broken {
                continue;
            }
            let key = property.key.text.as_str();
            let place = self.at(property.key.span);
            if !allowed.contains(&key) {
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_PROPERTY,
                    format!("{kind} has no property `{key}`"),
                    place.clone(),
                    format!("it has {}", near::menu(allowed.iter().copied())),
                );
                if let Some(near) = near::best(key, allowed.iter().copied()) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.report(diagnostic);
            } else if !repeatable.contains(&key)
                && let Some(first) = seen.iter().find(|p| p.key.text == key)
            {
                let first = self.at(first.key.span);
                let diagnostic = Diagnostic::error(
                    codes::DUPLICATE,
                    format!("`{key}` is given twice"),
                    place,
                    "given again",
                )
                .also(first, "given first");
                self.report(diagnostic);
            }
            seen.push(property);
        }
    }

    /// Reports that something cannot be used where it stands.
    pub fn bad(&mut self, span: Span, message: impl Into<String>, label: impl Into<String>) {
        let place = self.at(span);
        let diagnostic = Diagnostic::error(codes::BAD_PROPERTY, message, place, label);
        self.report(diagnostic);
    }

    fn missing(&mut self, decl: &Declaration, kind: &str, key: &str, example: &str) {
        let place = self.at(decl.name.span);
        let diagnostic = Diagnostic::error(
            codes::MISSING_PROPERTY,
            format!("{kind} `{}` lacks `{key}`", decl.name.text),
            place,
            format!("add a line `{key}: {example}`"),
        );
        self.report(diagnostic);
    }

    /// A connection.
    pub fn connection(&mut self, decl: &Declaration) -> Connection {
        self.known_properties(
            decl,
            "a connection",
            CONNECTION,
            &[
                "rate",
                "destructive",
                "disruptive",
                "reversible",
                "notify",
                "reads",
            ],
        );
        let base = property(decl, "base").and_then(|p| self.base(p));
        let auth = match property(decl, "auth").and_then(single) {
            Some(expr) => self.auth(expr),
            None => Auth::None,
        };
        let mut rates = Vec::new();
        let mut floors = Vec::new();
        let mut retry = Retry {
            within_ms: 0,
            from_ms: 1_000,
            up_to_ms: 60_000,
        };
        for property in &decl.properties {
            match &property.value {
                PropertyValue::Rate {
                    count,
                    per,
                    per_tenant,
                } => match (&count.kind, duration_ms(per)) {
                    (ExprKind::Int(n), Some(per_ms))
                        if *n > 0 && *n <= i64::from(u32::MAX) && per_ms > 0 =>
                    {
                        rates.push(Rate {
                            count: *n as u32,
                            per_ms,
                            per_tenant: *per_tenant,
                        });
                    }
                    _ => self.bad(
                        property.span,
                        "a rate is a number of calls per duration",
                        "for instance `20 per 1s per tenant`",
                    ),
                },
                PropertyValue::Retry {
                    within,
                    from,
                    up_to,
                } => match (duration_ms(within), duration_ms(from), duration_ms(up_to)) {
                    (Some(within_ms), Some(from_ms), Some(up_to_ms)) => {
                        retry = Retry {
                            within_ms,
                            from_ms,
                            up_to_ms,
                        }
                    }
                    _ => self.bad(
                        property.span,
                        "the parts of `retry` are durations",
                        "for instance `for 10m, from 1s up to 2m`",
                    ),
                },
                PropertyValue::Floor { method, path, only } => {
                    if !matches!(
                        method.text.as_str(),
                        "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
                    ) {
                        self.bad(
                            method.span,
                            format!("`{}` is no method of a call", method.text),
                            "expected `POST`, `PUT`, `PATCH`, `DELETE` or `GET`",
                        );
                    }
                    let Some(path) = self.literal(path) else {
                        continue;
                    };
                    floors.push(Floor {
                        impact: impact_named(&property.key.text),
                        method: Arc::from(method.text.as_str()),
                        path,
                        only: only.iter().map(|n| Arc::from(n.text.as_str())).collect(),
                    });
                }
                _ => {}
            }
        }
        let timeout_ms = match property(decl, "timeout").and_then(single) {
            Some(expr) => match duration_ms(expr) {
                Some(ms) if ms > 0 => ms,
                _ => {
                    self.bad(expr.span, "a timeout is a duration", "for instance `30s`");
                    30_000
                }
            },
            None => 30_000,
        };
        let batch = property(decl, "batch").and_then(single).and_then(|expr| {
            let path = self.literal(expr)?;
            let usable = path.starts_with('/') && !path.contains(['?', '#', ' ']);
            if !usable {
                self.bad(
                    expr.span,
                    "a batch is sent to a path below the base",
                    "for instance `\"/$batch\"`",
                );
            }
            usable.then_some(path)
        });
        Connection {
            name: Arc::from(decl.name.text.as_str()),
            base,
            auth,
            rates,
            retry,
            timeout_ms,
            batch,
            floors,
        }
    }

    fn base(&mut self, property: &Property) -> Option<Base> {
        let expr = single(property)?;
        match word(expr) {
            Some("smtp") => return Some(Base::Smtp),
            Some("from_secret") => return Some(Base::FromSecret),
            _ => {}
        }
        match self.literal(expr) {
            Some(address) if address.starts_with("https://") || address.starts_with("http://") => {
                Some(Base::Address(address))
            }
            _ => {
                self.bad(
                    expr.span,
                    "a base is an address such as \"https://graph.microsoft.com/v1.0\", `smtp`, or `from_secret`",
                    "not one of these",
                );
                None
            }
        }
    }

    fn auth(&mut self, expr: &Ast) -> Auth {
        match &expr.kind {
            ExprKind::Name(name) => match name.as_str() {
                "none" => return Auth::None,
                "bearer" => return Auth::Bearer,
                "basic" => return Auth::Basic,
                "signed" => return Auth::Signed,
                _ => {}
            },
            ExprKind::Call { callee, args } => {
                let arg = |name: &str| {
                    args.iter()
                        .find(|a| a.name.as_ref().is_some_and(|n| n.text == name))
                };
                match word(callee) {
                    Some("oauth2") => {
                        if let (Some(url), Some(scope)) = (arg("token_url"), arg("scope"))
                            && let (Some(token_url), Some(scope)) =
                                (template(&url.value), template(&scope.value))
                        {
                            return Auth::OAuth2 { token_url, scope };
                        }
                        self.bad(
                            expr.span,
                            "`oauth2` takes a token address and a scope",
                            "`oauth2(token_url: \"…\", scope: \"…\")`",
                        );
                        return Auth::None;
                    }
                    Some("header") => {
                        if let Some(name) = arg("name").and_then(|a| self.literal(&a.value)) {
                            if !super::request::is_header_name(&name) {
                                self.bad(
                                    expr.span,
                                    "this is no name of a header",
                                    "a name has letters, digits and `-`",
                                );
                            }
                            return Auth::Header(name);
                        }
                        self.bad(
                            expr.span,
                            "`header` takes the header's name",
                            "`header(name: \"X-Api-Key\")`",
                        );
                        return Auth::None;
                    }
                    _ => {}
                }
            }
            ExprKind::Missing => return Auth::None,
            _ => {}
        }
        self.bad(
            expr.span,
            "calls are authenticated by `oauth2(…)`, `bearer`, `basic`, `header(…)`, `signed` or `none`",
            "not one of these",
        );
        Auth::None
    }

    /// A text without interpolations.
    pub fn literal(&mut self, expr: &Ast) -> Option<Arc<str>> {
        match self.expect(expr, &Type::Text, None) {
            Expr::Const(Value::Text(text)) => Some(text),
            _ => {
                if !matches!(expr.kind, ExprKind::Missing) {
                    self.bad(
                        expr.span,
                        "this has to be a fixed text",
                        "not known before the run",
                    );
                }
                None
            }
        }
    }

    /// An action or a query.
    pub fn callable(&mut self, def: &Def, decl: &Declaration, action: bool) -> Callable {
        let kind = if action { "an action" } else { "a query" };
        self.known_properties(decl, kind, if action { ACTION } else { QUERY }, &["on"]);
        self.defaults(&decl.params);
        let params: Vec<Param> = decl
            .params
            .iter()
            .map(|p| {
                let ty = self.type_of(&p.ty);
                // `team:` is how callers name an argument.
                if p.name.text != "team" {
                    self.not_always_there(&p.name);
                }
                let slot = self.slot(&p.name.text, &ty);
                self.bind_own(&p.name, &ty, slot);
                let acted_on = p.on || self.is_entity(&ty);
                Param {
                    name: Arc::from(p.name.text.as_str()),
                    ty,
                    slot,
                    acted_on,
                }
            })
            .collect();
        let returns_ty = decl
            .returns
            .as_ref()
            .map_or(Type::Nothing, |r| self.type_of(r));
        if !action && returns_ty == Type::Nothing {
            let place = self.at(decl.name.span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_PROPERTY,
                format!(
                    "the query `{}` does not say what it answers",
                    decl.name.text
                ),
                place,
                "add the answer's type: `-> Bool`",
            );
            self.report(diagnostic);
        }
        let impact = if action {
            Some(self.impact(decl))
        } else {
            None
        };
        let was_in_call = std::mem::replace(&mut self.in_call, true);
        let request = match property(decl, "request") {
            Some(p) => self.request(p, action, impact),
            None => {
                self.missing(
                    decl,
                    if action { "the action" } else { "the query" },
                    "request",
                    "graph.get(\"/…\")",
                );
                None
            }
        };
        if action {
            self.reaches_what_it_acts_on(decl, &params, request.as_ref(), impact);
        }
        let body = self.slot("body", &Type::Json);
        let mut on_status = Vec::new();
        self.answers_looked_at(decl);
        for property in &decl.properties {
            if let PropertyValue::On {
                status,
                condition,
                then,
            } = &property.value
            {
                on_status.extend(self.on_status(
                    status,
                    condition.as_ref(),
                    then,
                    body,
                    &returns_ty,
                ));
            }
        }
        let returns = property(decl, "returns").and_then(single).map(|expr| {
            if returns_ty == Type::Nothing {
                self.bad(
                    expr.span,
                    "this action has no result",
                    "add the result's type to its head: `-> Ticket`",
                );
            }
            self.with_body(body, |c| c.expect(expr, &returns_ty, None))
        });
        if let Some(property) = property(decl, "after") {
            self.comes_after(def, property);
        }
        let confirm = property(decl, "confirm").and_then(|p| self.confirm(p));
        let check = property(decl, "check")
            .and_then(single)
            .map(|e| self.check(e, &returns_ty));
        self.in_call = was_in_call;
        let before = property(decl, "before").and_then(|p| self.prior(p));
        let (undo, lasting) = match property(decl, "undo").and_then(single) {
            Some(why) if matches!(why.kind, ExprKind::Text(_)) => (None, self.literal(why)),
            Some(expr) => (self.undo_after(before.as_ref(), expr), None),
            None => (None, None),
        };
        let before = before.map(|(prior, _)| prior);
        let accepted = property(decl, "accepted").and_then(single);
        let accepted = accepted.and_then(|text| self.literal(text));
        if action && impact > Some(Impact::Notify) && !params.iter().any(|p| p.acted_on) {
            let place = self.at(decl.name.span);
            let diagnostic = Diagnostic::error(
                codes::ACTS_ON_NOTHING,
                format!("`{}` does not say what it acts on", decl.name.text),
                place,
                "no parameter is an entity or marked `on`",
            )
            .because("approvals, guards and the audit trail go by what is acted on")
            .help("take an entity such as `user: User`, or mark the parameter: `on address: Text`");
            self.report(diagnostic);
        }
        Callable {
            name: Index::qualified(&def.module, &decl.name.text),
            impact,
            idempotent: self.flag(decl, "idempotent", !action),
            params,
            permissions: self.texts(decl, "permission"),
            request: request.unwrap_or(counterplay_machine::declare::Request::Mail {
                connection: Arc::from(""),
                to: Expr::Const(Value::Absent),
                subject: Expr::Const(Value::Absent),
                body: Expr::Const(Value::Absent),
            }),
            expect: self.expected_statuses(decl),
            on_status,
            body,
            returns,
            returns_ty,
            confirm,
            check,
            undo,
            before,
            lasting,
            accepted,
            doc: Arc::from(decl.doc.as_str()),
        }
    }

    /// Of the lines for one status the first that holds counts: behind one without a condition none does.
    fn answers_looked_at(&mut self, decl: &Declaration) {
        let mut always: Vec<(i64, Span)> = Vec::new();
        for property in &decl.properties {
            let PropertyValue::On {
                status, condition, ..
            } = &property.value
            else {
                continue;
            };
            let ExprKind::Int(code) = status.kind else {
                continue;
            };
            if let Some((_, first)) = always.iter().find(|(c, _)| *c == code) {
                let (place, first) = (self.at(property.span), self.at(*first));
                let diagnostic = Diagnostic::error(
                    codes::DUPLICATE,
                    format!("`on {code}` is answered before"),
                    place,
                    "never looked at",
                )
                .also(first, "this line takes every answer of this status")
                .help("keep one of them, or give the first a condition: `on 404 where …`");
                self.report(diagnostic);
            } else if condition.is_none() {
                always.push((code, property.span));
            }
        }
    }

    /// Defaults stand for themselves: they know no parameter.
    pub fn defaults(&mut self, params: &[crate::syntax::ast::Param]) {
        for param in params {
            let ty = self.type_of(&param.ty);
            if let Some(default) = &param.default {
                self.expect(default, &ty, None);
            }
        }
    }

    fn with_body<T>(&mut self, body: Slot, f: impl FnOnce(&mut Self) -> T) -> T {
        self.scoped("the answer's lines", |c| {
            let place = c.anchor.clone();
            if let Some(frame) = c.frames.last_mut() {
                frame.names.insert(
                    "body".into(),
                    super::Local {
                        slot: body,
                        ty: Type::Json,
                        place: crate::span::Place {
                            anchor: place,
                            span: Span::default(),
                        },
                    },
                );
            }
            f(c)
        })
    }

    fn impact(&mut self, decl: &Declaration) -> Impact {
        match property(decl, "impact").and_then(single) {
            Some(expr) => match word(expr).and_then(impact_named) {
                Some(impact) => impact,
                None => {
                    self.bad(
                        expr.span,
                        "an impact is `notify`, `reversible`, `disruptive` or `destructive`",
                        "not one of these",
                    );
                    Impact::Destructive
                }
            },
            None => {
                self.missing(decl, "the action", "impact", "reversible");
                Impact::Destructive
            }
        }
    }

    fn flag(&mut self, decl: &Declaration, key: &str, default: bool) -> bool {
        match property(decl, key)
            .and_then(single)
            .map(|e| (&e.kind, e.span))
        {
            Some((ExprKind::Bool(b), _)) => *b,
            Some((_, span)) => {
                self.bad(span, format!("`{key}` is true or false"), "neither");
                default
            }
            None => default,
        }
    }

    /// The fixed texts of a property.
    pub fn texts(&mut self, decl: &Declaration, key: &str) -> Vec<Arc<str>> {
        match property(decl, key).map(|p| &p.value) {
            Some(PropertyValue::Exprs(exprs)) => {
                exprs.iter().filter_map(|e| self.literal(e)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn expected_statuses(&mut self, decl: &Declaration) -> Vec<u16> {
        match property(decl, "expect").map(|p| &p.value) {
            Some(PropertyValue::Exprs(exprs)) => {
                exprs.iter().filter_map(|e| self.status(e)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn status(&mut self, expr: &Ast) -> Option<u16> {
        match expr.kind {
            ExprKind::Int(n) if (100..600).contains(&n) => Some(n as u16),
            _ => {
                self.bad(
                    expr.span,
                    "an HTTP status is a number from 100 to 599",
                    "for instance `204`",
                );
                None
            }
        }
    }

    fn on_status(
        &mut self,
        status: &Ast,
        condition: Option<&Ast>,
        then: &Ast,
        body: Slot,
        returns: &Type,
    ) -> Option<OnStatus> {
        let status = self.status(status)?;
        let condition = condition.map(|c| self.with_body(body, |k| k.expect(c, &Type::Bool, None)));
        let then = match word(then) {
            Some("absent") => {
                if !returns.is_optional() {
                    self.bad(
                        then.span,
                        format!("the answer is {}, which is never absent", article(returns)),
                        format!("make the answer's type `{returns}?`"),
                    );
                }
                OnStatusThen::Absent
            }
            Some("done") => OnStatusThen::Done,
            _ => OnStatusThen::Failure(self.with_body(body, |k| k.expect(then, &Type::Text, None))),
        };
        Some(OnStatus {
            status,
            condition,
            then,
        })
    }

    fn confirm(&mut self, property: &Property) -> Option<Confirm> {
        let PropertyValue::Confirm { condition, within } = &property.value else {
            return None;
        };
        let within_ms = match within.as_ref().map(|w| (duration_ms(w), w.span)) {
            Some((Some(ms), _)) => ms,
            Some((None, span)) => {
                self.bad(span, "`within` is a duration", "for instance `2m`");
                120_000
            }
            None => 120_000,
        };
        let before = self.asked.len();
        let condition =
            self.with_queries(Queries::Allowed, |c| c.expect(condition, &Type::Bool, None));
        let queries = self
            .asked
            .drain(before..)
            .map(|a| (a.slot, a.query, a.args))
            .collect();
        Some(Confirm {
            queries,
            condition,
            within_ms,
        })
    }

    /// `check:`: how to find out afterwards whether the action was carried out.
    fn check(&mut self, expr: &Ast, returns_ty: &Type) -> Check {
        let wanted = match returns_ty {
            Type::Nothing => Type::Bool,
            Type::Optional(_) => returns_ty.clone(),
            result => Type::Optional(Box::new(result.clone())),
        };
        let before = self.asked.len();
        let found = self.with_queries(Queries::Allowed, |c| c.expect(expr, &wanted, None));
        let queries: Vec<_> = self
            .asked
            .drain(before..)
            .map(|a| (a.slot, a.query, a.args))
            .collect();
        if queries.is_empty() && !matches!(expr.kind, ExprKind::Missing) {
            self.bad(
                expr.span,
                "`check` asks the service whether the action was carried out",
                "this asks nothing: call a query, for instance `opened_as(run.call)`",
            );
        }
        Check { queries, found }
    }

    /// `after:`: what has to be done before, on the same entity.
    fn comes_after(&mut self, def: &Def, property: &Property) -> Vec<Arc<str>> {
        let PropertyValue::Exprs(exprs) = &property.value else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for expr in exprs {
            let what = "`after` names actions that have to be done before";
            if !matches!(expr.kind, ExprKind::Name(_) | ExprKind::Field { .. }) {
                if !matches!(expr.kind, ExprKind::Missing) {
                    self.bad(expr.span, what, "for instance `block_sign_in`");
                }
                continue;
            }
            match self.callee(expr) {
                super::calls::Callee::Declared(other)
                    if matches!(&*other.item, Item::Action(_)) =>
                {
                    if other.module == def.module && other.name.text == def.name.text {
                        self.bad(expr.span, what, "this is the action itself");
                    } else {
                        names.push(Index::qualified(&other.module, &other.name.text));
                    }
                }
                super::calls::Callee::Unknown => {}
                super::calls::Callee::Declared(other) => {
                    self.bad(expr.span, what, format!("this is {}", other.kind()));
                }
                _ => self.bad(expr.span, what, "this is no action"),
            }
        }
        names
    }

    /// The actions that have to be done before a declared one, by qualified name.
    pub fn before(&mut self, def: &Def, decl: &Declaration) -> Vec<Arc<str>> {
        match property(decl, "after") {
            Some(property) => self.elsewhere(def, true, |c| c.comes_after(def, property)),
            None => Vec::new(),
        }
    }

    /// `before:`: the state that the action changes, as one query over its parameters; with the answer's type.
    fn prior(&mut self, property: &Property) -> Option<(Prior, Type)> {
        let expr = single(property)?;
        let earlier = self.asked.len();
        let checked = self.with_queries(Queries::Allowed, |c| c.expr(expr, None));
        let mut asked = self.asked.split_off(earlier);
        match (asked.pop(), asked.is_empty()) {
            (Some(one), true) if checked.expr == Expr::Slot(one.slot) => {
                let prior = Prior {
                    query: one.query,
                    args: one.args,
                    slot: one.slot,
                };
                Some((prior, checked.ty))
            }
            _ if checked.ty == Type::Unknown => None,
            _ => {
                self.bad(
                    expr.span,
                    "`before` is one query, which tells the state that the action changes",
                    "for instance `is_enabled(user)`",
                );
                None
            }
        }
    }

    /// `undo:`, in which `before` is what the query told before the action.
    fn undo_after(
        &mut self,
        before: Option<&(Prior, Type)>,
        expr: &Ast,
    ) -> Option<(Arc<str>, Vec<Expr>)> {
        let Some((prior, ty)) = before else {
            return self.undo(expr);
        };
        self.scoped("the line `undo`", |c| {
            c.bind_prior(prior.slot, ty);
            c.undo(expr)
        })
    }

    /// Binds `before` where a declaration's line `undo` is read.
    pub fn bind_prior(&mut self, slot: Slot, ty: &Type) {
        let place = crate::span::Place {
            anchor: self.anchor.clone(),
            span: Span::default(),
        };
        if let Some(frame) = self.frames.last_mut() {
            let ty = ty.clone();
            let local = super::Local { slot, ty, place };
            frame.names.insert("before".into(), local);
        }
    }

    fn undo(&mut self, expr: &Ast) -> Option<(Arc<str>, Vec<Expr>)> {
        let ExprKind::Call { callee, args } = &expr.kind else {
            self.bad(
                expr.span,
                "`undo` names the action that takes it back",
                "for instance `unblock_sign_in(user)`, or a text that says why nothing does",
            );
            return None;
        };
        match self.callee(callee) {
            super::calls::Callee::Declared(def) if matches!(&*def.item, Item::Action(_)) => {
                let params = self.parameters(&def);
                let args = self.arguments(&def, &params, args, expr.span);
                Some((Index::qualified(&def.module, &def.name.text), args))
            }
            super::calls::Callee::Unknown => None,
            _ => {
                self.bad(
                    callee.span,
                    "`undo` names the action that takes it back",
                    "this is no action",
                );
                None
            }
        }
    }
}

/// The impact of a name.
pub fn impact_named(name: &str) -> Option<Impact> {
    match name {
        "notify" => Some(Impact::Notify),
        "reversible" => Some(Impact::Reversible),
        "disruptive" => Some(Impact::Disruptive),
        "destructive" => Some(Impact::Destructive),
        _ => None,
    }
}

/// A text with `{name}` and `{name.field}` kept as they are, for addresses that the runtime completes.
fn template(expr: &Ast) -> Option<Arc<str>> {
    use crate::syntax::ast::TextPart;
    let ExprKind::Text(parts) = &expr.kind else {
        return None;
    };
    let mut out = String::new();
    for part in parts {
        match part {
            TextPart::Literal(text) => out.push_str(text),
            TextPart::Interpolation(inner) => match &inner.kind {
                ExprKind::Name(name) if name == "base" => out.push_str("{base}"),
                ExprKind::Field { base, field, .. }
                    if word(base) == Some("tenant") && field.text == "id" =>
                {
                    out.push_str("{tenant.id}");
                }
                _ => return None,
            },
        }
    }
    Some(Arc::from(out))
}
