//! An event's declaration in, how raw objects become typed ones out.

use super::declare::{duration_ms, property, single, word};
use super::{Checker, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::near;
use crate::span::{Place, Span};
use crate::syntax::ast::{
    Arg, Declaration, Expr as Ast, ExprKind, Fires as Written, Item, PropertyValue,
};
use counterplay_machine::Value;
use counterplay_machine::declare::{
    CHANGES, Event, EventField, FetchedField, Fires, Source, Subscription,
};
use counterplay_machine::expr::Expr;
use counterplay_machine::types::Type;
use std::sync::Arc;

/// The shortest interval of a poll, in milliseconds.
const SHORTEST_MS: i64 = 1_000;

/// The sources that are lists.
const KINDS: [&str; 2] = ["poll", "subscription"];

const EVENT: &[&str] = &[
    "source",
    "known_by",
    "fires",
    "field",
    "fetched",
    "permission",
];

impl Checker<'_> {
    /// The fields of an event by qualified name, fetched ones included.
    pub fn event_fields(&mut self, event: &str) -> Vec<(String, Type)> {
        let Some(def) = find_event(self.index, event).cloned() else {
            return Vec::new();
        };
        let Item::Event(decl) = &*def.item else {
            return Vec::new();
        };
        self.elsewhere(&def, true, |c| {
            decl.properties
                .iter()
                .filter_map(|p| match &p.value {
                    PropertyValue::Field { name, ty, .. } => {
                        Some((name.text.clone(), c.type_of(ty)))
                    }
                    _ => None,
                })
                .collect()
        })
    }

    /// The names of an event's fetched fields.
    pub fn fetched_fields(&self, event: &str) -> Vec<String> {
        match find_event(self.index, event).map(|d| &*d.item) {
            Some(Item::Event(decl)) => decl
                .properties
                .iter()
                .filter(|p| p.key.text == "fetched")
                .filter_map(|p| match &p.value {
                    PropertyValue::Field { name, .. } => Some(name.text.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// An event.
    pub fn event(&mut self, def: &Def, decl: &Declaration) -> Event {
        self.known_properties(decl, "an event", EVENT, &["field", "fetched"]);
        let raw = self.slot("raw", &Type::Json);
        let place = Place {
            anchor: self.anchor.clone(),
            span: Span::default(),
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.names.insert(
                "raw".into(),
                super::Local {
                    slot: raw,
                    ty: Type::Json,
                    place,
                },
            );
        }
        let source = match property(decl, "source").and_then(single) {
            Some(expr) => self.source_of(expr),
            None => {
                let place = self.at(decl.name.span);
                let diagnostic = Diagnostic::error(
                    codes::MISSING_PROPERTY,
                    format!(
                        "the event `{}` does not say where it comes from",
                        decl.name.text
                    ),
                    place,
                    "add a line `source: push` or `source: graph.poll(\"/…\", every: 5m)`",
                );
                self.report(diagnostic);
                Source::Push
            }
        };
        let known_by = self.texts(decl, "known_by");
        let mut fields = Vec::new();
        let mut fetched = Vec::new();
        for property in &decl.properties {
            let PropertyValue::Field {
                name, ty, value, ..
            } = &property.value
            else {
                continue;
            };
            let field_ty = self.type_of(ty);
            let label = Place {
                anchor: self.anchor.clone(),
                span: ty.span,
            };
            let wanted = Some((label, format!("`{}` is declared as {field_ty}", name.text)));
            if property.key.text == "fetched" {
                fetched.extend(self.fetched(name, &field_ty, value));
            } else {
                if !fetched.is_empty() {
                    self.bad(
                        property.span,
                        "stored fields come before fetched ones",
                        "move this line up",
                    );
                }
                if source == Source::Emit && !is_raw_field(value, &name.text) {
                    self.bad(
                        value.span,
                        "the fields of an event with `source: emit` are what `emit` gives them",
                        format!("write `= raw.{}`", name.text),
                    );
                }
                let value = self.expect(value, &field_ty, wanted);
                let slot = self.slot(&name.text, &field_ty);
                self.bind_own(name, &field_ty, slot);
                fields.push(EventField {
                    name: Arc::from(name.text.as_str()),
                    ty: field_ty,
                    slot,
                    value,
                });
            }
        }
        let fires = match decl.properties.iter().find_map(|p| match &p.value {
            PropertyValue::Fires(fires) => Some(fires),
            _ => None,
        }) {
            None => Fires::Always,
            Some(Written::When(condition)) => {
                Fires::When(self.expect(condition, &Type::Bool, None))
            }
            Some(Written::ChangesTo(subject, target)) => {
                let subject = self.expr(subject, None);
                let target = self.expr(target, Some(&subject.ty));
                Fires::ChangesTo {
                    subject: subject.expr,
                    target: target.expr,
                }
            }
            Some(Written::OncePer(keys)) => {
                Fires::OncePer(keys.iter().map(|k| self.expr(k, None).expr).collect())
            }
        };
        Event {
            name: Index::qualified(&def.module, &decl.name.text),
            source,
            known_by,
            fires,
            raw,
            fields,
            fetched,
            doc: Arc::from(decl.doc.as_str()),
            permissions: self.texts(decl, "permission"),
        }
    }

    fn source_of(&mut self, expr: &Ast) -> Source {
        if word(expr) == Some("emit") {
            return Source::Emit;
        }
        if word(expr) == Some("push") || matches!(expr.kind, ExprKind::Missing) {
            return Source::Push;
        }
        if let ExprKind::Call { callee, args } = &expr.kind
            && let ExprKind::Field { base, field, .. } = &callee.kind
        {
            if KINDS.contains(&field.text.as_str()) {
                return self
                    .list_source(expr, base, &field.text, args)
                    .unwrap_or(Source::Push);
            }
            if let Some(near) = near::best(&field.text, KINDS) {
                let place = self.at(field.span);
                let diagnostic = Diagnostic::error(
                    codes::BAD_PROPERTY,
                    format!("no source is called `{}`", field.text),
                    place.clone(),
                    format!("there are {}", near::menu(KINDS)),
                )
                .fix(format!("write `{near}`"), false, place, near);
                self.report(diagnostic);
                return Source::Push;
            }
        }
        self.bad(
            expr.span,
            "an event is pushed to us, read from a list, or raised by playbooks",
            "`push`, `emit`, `graph.poll(\"/security/alerts_v2\", every: 5m)`, or for instance \
             `graph.subscription(\"/users\", changes: [\"updated\"], every: 6h)`",
        );
        Source::Push
    }

    /// `CONNECTION.poll(…)` and `CONNECTION.subscription(…)`: a list that is read, and of whose changes we are
    /// told between two readings.
    fn list_source(&mut self, expr: &Ast, base: &Ast, kind: &str, args: &[Arg]) -> Option<Source> {
        let name = word(base).unwrap_or("");
        let index = self.index;
        if let Some(def) = index.connections.get(name) {
            self.mention_def(base.span, def);
        } else {
            let place = self.at(base.span);
            let names: Vec<&str> = self.index.connections.keys().map(String::as_str).collect();
            let diagnostic = Diagnostic::error(
                codes::UNKNOWN_NAME,
                format!("there is no connection `{name}`"),
                place,
                format!("there are {}", near::menu(names)),
            );
            self.report(diagnostic);
        }
        let is_told = kind == "subscription";
        let path = args
            .iter()
            .find(|a| a.name.is_none())
            .and_then(|a| self.literal(&a.value));
        let named = |key: &str| {
            args.iter()
                .find(|a| a.name.as_ref().is_some_and(|n| n.text == key))
        };
        let every = named("every").and_then(|a| duration_ms(&a.value));
        let since = named("since").and_then(|a| self.time_property(&a.value));
        let select = named("select").and_then(|a| self.text_items(&a.value));
        let changes = named("changes").map(|a| (a.value.span, self.text_items(&a.value)));
        for arg in args {
            if let Some(name) = &arg.name
                && !matches!(name.text.as_str(), "every" | "since" | "select")
                && !(is_told && name.text == "changes")
            {
                self.bad(
                    name.span,
                    format!("a {kind} has no `{}`", name.text),
                    if is_told {
                        "it takes a path, `changes:`, `every:`, `select:` and, where the service can filter by time, `since:`"
                    } else {
                        "it takes a path, `every:`, `select:` and, where the service can filter by time, `since:`"
                    },
                );
            }
        }
        if args.iter().all(|a| a.name.is_some()) {
            self.bad(
                expr.span,
                "this does not say which list is read",
                "the first argument is its path, for instance \"/users\"",
            );
        }
        let Some(every_ms) = every else {
            let (span, message) = match named("every") {
                None => (expr.span, "this does not say how often the list is read"),
                Some(arg) => (arg.value.span, "`every:` is a fixed duration"),
            };
            self.bad(span, message, "for instance `every: 5m`");
            return None;
        };
        let path = path?;
        if let Some(def) = index.connections.get(name) {
            self.check_list_floor(def, &path, expr.span);
        }
        if every_ms < SHORTEST_MS {
            self.bad(
                expr.span,
                "this asks the service too often",
                "`every:` is at least 1s",
            );
        }
        let subscription = is_told.then(|| Subscription {
            changes: self.changes(expr.span, changes),
        });
        let query = select.filter(|names| !names.is_empty()).map(|names| {
            let names = Value::text(names.join(","));
            (Arc::from("$select"), Expr::Const(names))
        });
        Some(Source::Poll {
            connection: Arc::from(name),
            path,
            query: query.into_iter().collect(),
            every_ms,
            since,
            subscription,
        })
    }

    /// The fixed texts of a list.
    fn text_items(&mut self, expr: &Ast) -> Option<Vec<Arc<str>>> {
        let ExprKind::List(items) = &expr.kind else {
            self.bad(
                expr.span,
                "this has to be a list of fixed texts",
                "write texts between `[` and `]`, separated by commas",
            );
            return None;
        };
        items.iter().map(|item| self.literal(item)).collect()
    }

    /// The kinds of change that a subscription is for; `given` with nothing in it was told of already.
    fn changes(
        &mut self,
        whole: Span,
        given: Option<(Span, Option<Vec<Arc<str>>>)>,
    ) -> Vec<Arc<str>> {
        let (span, changes) = given.unwrap_or((whole, Some(Vec::new())));
        let Some(changes) = changes else {
            return Vec::new();
        };
        let menu = near::menu(CHANGES);
        if changes.is_empty() {
            self.bad(
                span,
                "a subscription is for at least one kind of change",
                format!("write `changes: [\"updated\"]`; there are {menu}"),
            );
        } else if let Some(odd) = changes.iter().find(|c| !CHANGES.contains(&&***c)) {
            let help = if &**odd == "deleted" {
                format!("there are {menu}; what is deleted cannot be read any more")
            } else {
                format!("there are {menu}")
            };
            let place = self.at(span);
            let mut diagnostic = Diagnostic::error(
                codes::BAD_PROPERTY,
                format!("there is no change `{odd}`"),
                place,
                help,
            );
            if let Some(near) = near::best(odd, CHANGES) {
                diagnostic = diagnostic.help(format!("write `\"{near}\"`"));
            }
            self.report(diagnostic);
        }
        changes
    }

    /// The property that `since:` names: `lastUpdateDateTime`, or a path such as `status/changedDateTime`.
    fn time_property(&mut self, expr: &Ast) -> Option<Arc<str>> {
        let text = self.literal(expr)?;
        let is_name = |part: &str| {
            part.chars()
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if text.split('/').all(is_name) {
            return Some(text);
        }
        self.bad(
            expr.span,
            "`since:` names the property that holds when an object last changed",
            "for instance \"lastUpdateDateTime\"",
        );
        None
    }

    fn fetched(
        &mut self,
        name: &crate::span::Name,
        ty: &Type,
        value: &Ast,
    ) -> Option<FetchedField> {
        let before = self.asked.len();
        // An absent argument makes an optional fetched field absent, so that arguments count as present here.
        let optional: Vec<super::Path> = if ty.is_optional() {
            self.frames
                .iter()
                .flat_map(|f| f.names.values())
                .filter(|l| l.ty.is_optional())
                .map(|l| (l.slot, Vec::new()))
                .collect()
        } else {
            Vec::new()
        };
        let checked = self.knowing(optional, |c| {
            c.with_queries(Queries::Allowed, |c| c.expr(value, Some(ty)))
        });
        let mut asked: Vec<super::Asked> = self.asked.drain(before..).collect();
        let plain = matches!(&checked.expr, Expr::Slot(slot) if asked.last().is_some_and(|a| a.slot == *slot));
        let slot = self.slot(&name.text, ty);
        let ty_of_query = checked.ty.clone();
        if ty_of_query != Type::Unknown {
            self.coerce(checked, value.span, ty, None);
        }
        self.bind_own(name, ty, slot);
        match asked.pop() {
            Some(query) if plain && asked.is_empty() => Some(FetchedField {
                name: Arc::from(name.text.as_str()),
                ty: ty.clone(),
                slot,
                query: query.query,
                args: query.args,
            }),
            _ => {
                if ty_of_query != Type::Unknown {
                    self.bad(
                        value.span,
                        "a fetched field is one query",
                        "for instance `entra.user(owner_id)`",
                    );
                }
                None
            }
        }
    }
}

/// `raw.NAME`.
fn is_raw_field(value: &Ast, name: &str) -> bool {
    matches!(&value.kind, ExprKind::Missing)
        || matches!(&value.kind, ExprKind::Field { base, field, .. }
            if word(base) == Some("raw") && field.text == name)
}

/// The declaration of an event by qualified name.
pub fn find_event<'i>(index: &'i Index, qualified: &str) -> Option<&'i Def> {
    index
        .declared(qualified)
        .filter(|d| matches!(&*d.item, Item::Event(_)))
}
