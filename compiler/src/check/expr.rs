//! An expression and the type that its place expects in, the compiled expression and its type out.

use super::convert::{Checked, article};
use super::mention::Meaning;
use super::probe::{Spot, is_marked};
use super::{Checker, Local, types};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Def;
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{ComprehensionKind, Expr as Ast, ExprKind, Item, TextPart};
use counterplay_machine::Value;
use counterplay_machine::expr::{Comprehension, Expr, RunFact, TenantFact};
use counterplay_machine::types::Type;
use std::sync::Arc;

/// The value of an expression that is known when it is checked.
pub fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Const(value) => Some(value.clone()),
        Expr::List(items) => items
            .iter()
            .map(constant)
            .collect::<Option<_>>()
            .map(Value::List),
        Expr::Negate(inner) => match constant(inner)? {
            Value::Int(i) => i.checked_neg().map(Value::Int),
            Value::Number(n) => Some(Value::Number(-n)),
            _ => None,
        },
        _ => None,
    }
}

impl Checker<'_> {
    /// Checks an expression; `expected` helps names to find their meaning and is not enforced.
    pub fn expr(&mut self, expr: &Ast, expected: Option<&Type>) -> Checked {
        let constant = |value, ty| Checked {
            expr: Expr::Const(value),
            ty,
        };
        match &expr.kind {
            ExprKind::Int(i) => constant(Value::Int(*i), Type::Int),
            ExprKind::Number(n) => constant(Value::Number(*n), Type::Number),
            ExprKind::Duration(ms) => constant(Value::Duration(*ms), Type::Duration),
            ExprKind::ClockTime(minutes) => constant(Value::Clock(*minutes), Type::Clock),
            ExprKind::Bool(b) => constant(Value::Bool(*b), Type::Bool),
            ExprKind::Raw(text) => constant(Value::text(text), Type::Text),
            ExprKind::Now => Checked {
                expr: Expr::Now,
                ty: Type::Time,
            },
            ExprKind::Text(parts) => self.text(parts),
            ExprKind::Name(name) => self.name(name, expr.span, expected),
            ExprKind::Field {
                base,
                field,
                optional,
            } => self.field(expr, base, field, *optional),
            ExprKind::Call { callee, args } => self.call(expr.span, callee, args),
            ExprKind::List(items) => self.list(items, expected),
            ExprKind::Json(fields) => {
                self.keys_once(fields, |a, b| a == b);
                let mut out = Vec::new();
                for (name, value) in fields {
                    let checked = self.expr(value, None);
                    // A request may send a secret as it is, never one that lies inside of something else.
                    let sent = self.in_request && matches!(checked.ty, Type::Secret(_));
                    if !sent && self.holds_secret(&checked.ty) {
                        self.secret_exposed(value.span, "becomes part of a JSON value");
                    }
                    out.push((Arc::from(name.text.as_str()), checked.expr));
                }
                Checked {
                    expr: Expr::Object(out),
                    ty: Type::Json,
                }
            }
            ExprKind::Unary(op, inner) => self.unary(*op, inner),
            ExprKind::Binary {
                op,
                left,
                right,
                op_span,
            } => self.binary(*op, *op_span, left, right, expected),
            ExprKind::Is(inner, present) => self.is_present(expr.span, inner, *present),
            ExprKind::Ago(inner) => {
                let duration = self.expect(inner, &Type::Duration, None);
                Checked {
                    expr: Expr::Arithmetic(
                        counterplay_machine::expr::ArithmeticOp::Sub,
                        Box::new(Expr::Now),
                        Box::new(duration),
                    ),
                    ty: Type::Time,
                }
            }
            ExprKind::FromNow(inner) => {
                let duration = self.expect(inner, &Type::Duration, None);
                Checked {
                    expr: Expr::Arithmetic(
                        counterplay_machine::expr::ArithmeticOp::Add,
                        Box::new(Expr::Now),
                        Box::new(duration),
                    ),
                    ty: Type::Time,
                }
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                let test = self.expect(condition, &Type::Bool, None);
                let (yes, no) = (self.facts(condition, true), self.facts(condition, false));
                let asked = self.asked.len();
                let then_checked = self.knowing(yes, |c| c.expr(then, expected));
                let hint = expected.cloned().unwrap_or_else(|| then_checked.ty.clone());
                let other = self.knowing(no, |c| c.expr(otherwise, Some(&hint)));
                self.no_queries_since(asked, "in a branch of `if … then … else`");
                let ty = self.join(&then_checked.ty, &other.ty, otherwise.span, then.span);
                let a = self.coerce(then_checked, then.span, &ty, None);
                let b = self.coerce(other, otherwise.span, &ty, None);
                Checked {
                    expr: Expr::If(Box::new(test), Box::new(a), Box::new(b)),
                    ty,
                }
            }
            ExprKind::Comprehension {
                kind,
                body,
                var,
                source,
                filter,
            } => self.comprehension(*kind, body.as_deref(), var, source, filter.as_deref()),
            ExprKind::Missing => Checked::unknown(),
        }
    }

    fn text(&mut self, parts: &[TextPart]) -> Checked {
        if let [] | [TextPart::Literal(_)] = parts {
            let text = match parts.first() {
                Some(TextPart::Literal(text)) => text.as_str(),
                _ => "",
            };
            return Checked {
                expr: Expr::Const(Value::text(text)),
                ty: Type::Text,
            };
        }
        let mut out = Vec::new();
        for part in parts {
            match part {
                TextPart::Literal(text) => out.push(Expr::Const(Value::text(text))),
                TextPart::Interpolation(inner) => {
                    let checked = self.expr(inner, None);
                    self.printable(&checked.ty, inner.span);
                    out.push(checked.expr);
                }
            }
        }
        Checked {
            expr: Expr::Text(out),
            ty: Type::Text,
        }
    }

    fn printable(&mut self, ty: &Type, span: Span) {
        if self.holds_secret(ty) {
            return self.secret_exposed(span, "becomes part of a text");
        }
        match ty {
            Type::Optional(_) => self.may_be_absent(span, ty, None),
            Type::Record(_) | Type::Event(_) | Type::Nothing => {
                let place = self.at(span);
                let written = self.source(span);
                let fields = self.fields_of(ty);
                let help = if fields.iter().any(|f| f == "name") {
                    format!("name the field that you mean: `{written}.name`")
                } else {
                    format!(
                        "name the field that you mean: {}",
                        near::menu(fields.iter().map(String::as_str))
                    )
                };
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("{} cannot be part of a text as a whole", article(ty)),
                    place,
                    format!("this is {}", article(ty)),
                )
                .help(help);
                self.report(diagnostic);
            }
            _ => {}
        }
    }

    /// The names of the fields of a type.
    pub fn fields_of(&mut self, ty: &Type) -> Vec<String> {
        match ty.present() {
            Type::Record(name) => self.record(name).map_or(Vec::new(), |r| {
                r.fields.iter().map(|(n, _)| n.to_string()).collect()
            }),
            Type::Event(names) => {
                let mut fields: Option<Vec<String>> = None;
                for name in names {
                    let own = self.event_fields(name);
                    fields = Some(match fields {
                        None => own.into_iter().map(|(n, _)| n).collect(),
                        Some(before) => before
                            .into_iter()
                            .filter(|n| own.iter().any(|(o, _)| o == n))
                            .collect(),
                    });
                }
                fields.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn name(&mut self, name: &str, span: Span, expected: Option<&Type>) -> Checked {
        if self.probing && is_marked(name) {
            self.capture(Spot::Value(expected.cloned()));
        }
        let member = match expected.map(Type::present) {
            Some(Type::Enum(ty)) => {
                let ty = ty.clone();
                self.enumeration(&ty)
                    .and_then(|e| e.member(&ty, name))
                    .map(|value| (ty, value))
            }
            _ => None,
        };
        if let Some(local) = self.local(name).cloned() {
            if let Some((ty, _)) = &member
                && local.ty.present() != &Type::Enum(ty.clone())
            {
                let place = self.at(span);
                let diagnostic = Diagnostic::error(
                    codes::AMBIGUOUS,
                    format!("`{name}` is both a name of this playbook and a member of {ty}"),
                    place.clone(),
                    "which one is meant?",
                )
                .also(local.place.clone(), "bound here")
                .fix(
                    "write the member in full",
                    false,
                    place,
                    format!("{ty}.{name}"),
                )
                .help("or rename the binding");
                self.report(diagnostic);
                // The member is what the place wants; going on with it keeps one mistake one.
                if let Some((ty, value)) = member {
                    return Checked {
                        expr: Expr::Const(value),
                        ty: Type::Enum(ty),
                    };
                }
            }
            let value = self.local_value(&local);
            let meaning = Meaning::Local(local.place.span);
            self.mention(span, meaning, false, Some(value.ty.clone()));
            return value;
        }
        if let Some((ty, value)) = member {
            let meaning = Meaning::Member(ty.clone(), Arc::from(name));
            self.mention(span, meaning, false, Some(Type::Enum(ty.clone())));
            return Checked {
                expr: Expr::Const(value),
                ty: Type::Enum(ty),
            };
        }
        if let Some(def) = self.index.get(&self.module, name).cloned()
            && let Item::Param(_) = &*def.item
        {
            self.mention_def(span, &def);
            return self.parameter(&def);
        }
        if name == "absent" {
            return Checked {
                expr: Expr::Const(Value::Absent),
                ty: Type::Optional(Box::new(Type::Unknown)),
            };
        }
        self.unknown_name(name, span, expected);
        Checked::unknown()
    }

    fn local_value(&self, local: &Local) -> Checked {
        let known = self.is_known_present(&(local.slot, Vec::new()));
        let ty = if known {
            local.ty.present().clone()
        } else {
            local.ty.clone()
        };
        Checked {
            expr: Expr::Slot(local.slot),
            ty,
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span, expected: Option<&Type>) {
        let place = self.at(span);
        if let Some((bound, holder)) = self.gone.get(name).cloned() {
            let diagnostic = Diagnostic::error(
                codes::OUT_OF_SCOPE,
                format!("`{name}` does not exist here"),
                place,
                "used here",
            )
            .also(bound, format!("bound here, inside {holder}"))
            .because(format!("what {holder} binds is known only there, because the run may not have come that way"))
            .help("move the line inside, or bind the name before");
            return self.report(diagnostic);
        }
        if let Some(Type::Enum(ty)) = expected.map(Type::present) {
            // A line of it that cannot be read may hold the member.
            if let Some(def) = types::find(self.index, ty)
                && matches!(&*def.item, Item::Enum(decl) if !decl.whole)
            {
                return;
            }
            let members: Vec<String> = self.enumeration(ty).map_or(Vec::new(), |e| {
                e.members.iter().map(|(m, _)| m.to_string()).collect()
            });
            let mut diagnostic = Diagnostic::error(
                codes::UNKNOWN_MEMBER,
                format!("{ty} has no member `{name}`"),
                place.clone(),
                format!(
                    "expected one of {}",
                    near::menu(members.iter().map(String::as_str))
                ),
            );
            if let Some(near) = near::best(name, members.iter().map(String::as_str)) {
                diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
            }
            return self.report(diagnostic);
        }
        if self.index.is_unsure(&self.module, name)
            || !self.silent && !self.told_unknown.insert(name.to_owned())
        {
            return;
        }
        let mut names: Vec<String> = self
            .frames
            .iter()
            .flat_map(|f| f.names.keys().cloned())
            .collect();
        names.extend(["team", "tenant", "run", "now"].map(str::to_owned));
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("nothing here is called `{name}`"),
            place.clone(),
            "not known",
        );
        let uses = self
            .index
            .modules
            .get(&*self.module)
            .map(|m| m.uses.contains_key(name));
        let owners = self.owners_of_member(name);
        if let Some(span) = self.unnamed_event.filter(|_| uses != Some(true)) {
            let when = self.source(span);
            diagnostic = diagnostic
                .also(self.at(span), "the event has no name")
                .help(format!(
                    "if it is the event that you mean, give it the name: `{when} as {name}`"
                ));
        } else if uses == Some(true) {
            diagnostic = diagnostic.help(format!(
                "`{name}` is a module: name what you want of it, as in `{name}.…`"
            ));
        } else if matches!(name, "null" | "none" | "nil" | "undefined") {
            diagnostic =
                diagnostic.help("what may be missing is tested with `is present` and `is absent`");
        } else if let Some(near) = near::best(name, names.iter().map(String::as_str)) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        } else if let [only] = owners.as_slice() {
            diagnostic = diagnostic.help(format!(
                "{only} has a member `{name}`, but nothing here says that {} is meant: write `{only}.{name}`",
                article(&Type::Enum(Arc::from(only.as_str())))
            ));
        } else if let Some(module) = self
            .index
            .modules
            .keys()
            .find(|m| m.rsplit('.').next() == Some(name))
        {
            diagnostic = diagnostic.help(format!("import the module first: `use {module}`"));
        }
        self.report(diagnostic);
    }

    fn owners_of_member(&self, member: &str) -> Vec<String> {
        let mut owners = Vec::new();
        for (module, m) in &self.index.modules {
            for (name, def) in &m.names {
                if let crate::syntax::ast::Item::Enum(e) = &*def.item
                    && e.members.iter().any(|x| x.name.text == member)
                {
                    owners.push(crate::index::Index::qualified(module, name).to_string());
                }
            }
        }
        owners
    }

    /// A parameter of the project; its default is looked at where it is declared.
    pub fn parameter(&mut self, def: &Def) -> Checked {
        let Item::Param(decl) = &*def.item else {
            return Checked::unknown();
        };
        let (ty, default) = self.elsewhere(def, true, |c| {
            let ty = c.type_of(&decl.ty);
            let default = c.expect(&decl.default, &ty, None);
            (ty, default)
        });
        let default = constant(&default).unwrap_or(Value::Absent);
        Checked {
            expr: Expr::Param(Arc::from(def.name.text.as_str()), default),
            ty,
        }
    }

    /// `module.param`, where the module is imported.
    fn parameter_of(&mut self, module: &str, span: Span, field: &Name) -> Option<Checked> {
        let full = self
            .index
            .modules
            .get(&*self.module)
            .and_then(|m| m.uses.get(module))?
            .clone();
        let def = self.index.get(&full, &field.text)?.clone();
        if !matches!(&*def.item, Item::Param(_)) {
            return None;
        }
        self.mention(span, Meaning::Module(full), false, None);
        self.mention_def(field.span, &def);
        Some(self.parameter(&def))
    }

    fn field(&mut self, whole: &Ast, base: &Ast, field: &Name, optional: bool) -> Checked {
        if let ExprKind::Name(root) = &base.kind
            && self.local(root).is_none()
            && let Some(known) = self.parameter_of(root, base.span, field)
        {
            return known;
        }
        if let ExprKind::Name(root) = &base.kind
            && self.local(root).is_none()
            && let Some(known) = self.well_known(root, base.span, field)
        {
            return known;
        }
        if let ExprKind::Name(root) = &base.kind {
            self.capture_in_module(root, field);
        }
        let checked = self.expr(base, None);
        let known_present = self.path(whole).is_some_and(|p| self.is_known_present(&p));
        let (inner, may_be_absent) = match &checked.ty {
            Type::Optional(inner) => ((**inner).clone(), true),
            other => (other.clone(), false),
        };
        if may_be_absent && !optional && inner != Type::Json {
            self.may_be_absent(base.span, &checked.ty, None);
        }
        if self.probing && is_marked(&field.text) {
            self.capture(Spot::Field(inner.clone()));
        }
        let Some(ty) = self.field_type(&inner, field, base.span) else {
            return Checked::unknown();
        };
        let ty = match ty {
            Type::Optional(present) if known_present => *present,
            ty if optional && may_be_absent && !ty.is_optional() && !known_present => {
                Type::Optional(Box::new(ty))
            }
            ty => ty,
        };
        self.mention_field(field, &inner, &ty);
        let name: Arc<str> = Arc::from(field.text.as_str());
        let expr = if optional {
            Expr::OptionalField(Box::new(checked.expr), name)
        } else {
            Expr::Field(Box::new(checked.expr), name)
        };
        Checked { expr, ty }
    }

    fn field_type(&mut self, ty: &Type, field: &Name, base: Span) -> Option<Type> {
        let name = field.text.as_str();
        let found = match ty {
            Type::Unknown => return Some(Type::Unknown),
            Type::Json => return Some(Type::Json),
            Type::Record(record) => self.record(record).and_then(|r| r.field(name).cloned()),
            Type::Event(events) => {
                let mut types: Vec<Option<Type>> = Vec::new();
                for event in events {
                    types.push(
                        self.event_fields(event)
                            .into_iter()
                            .find(|(n, _)| n == name)
                            .map(|(_, t)| t),
                    );
                }
                match types.split_first() {
                    Some((Some(first), rest)) if rest.iter().all(|t| t.as_ref() == Some(first)) => {
                        Some(first.clone())
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        let place = self.at(field.span);
        let fields = self.fields_of(ty);
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_FIELD,
            format!("{} has no field `{name}`", article(ty)),
            place.clone(),
            if fields.is_empty() {
                "it has no fields".to_owned()
            } else {
                format!("it has {}", near::menu(fields.iter().map(String::as_str)))
            },
        );
        let type_name = ty.to_string();
        if let Some(def) = super::types::find(self.index, &type_name) {
            diagnostic = diagnostic.also(def.place(), format!("{type_name} is declared here"));
        }
        if let Some(near) = near::best(name, fields.iter().map(String::as_str)) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        } else if let Type::List(_) = ty {
            let written = self.source(base);
            diagnostic = diagnostic.help(format!(
                "`{written}` is a list: take its elements one by one with `for each x in {written} {{ … }}`, or ask `first(x in {written})`"
            ));
        } else if let Some(module) = self.query_about(ty, name) {
            diagnostic = diagnostic.help(format!(
                "relations and live state are asked, not read: `{module}`"
            ));
        }
        self.report(diagnostic);
        None
    }

    /// A query of this name that takes a value of the type.
    fn query_about(&self, ty: &Type, name: &str) -> Option<String> {
        let Type::Record(ty) = ty else { return None };
        self.index.modules.iter().find_map(|(module, m)| {
            match m.names.get(name).map(|d| &*d.item) {
                Some(crate::syntax::ast::Item::Query(query)) if query.params.len() == 1 => {
                    Some(format!(
                        "{}.{name}({})",
                        module.rsplit('.').next()?,
                        ty.to_lowercase()
                    ))
                }
                _ => None,
            }
        })
    }

    /// `team.soc`, `tenant.name`, `run.id`, `Severity.high`.
    fn well_known(&mut self, root: &str, root_span: Span, field: &Name) -> Option<Checked> {
        match root {
            "team" => Some(self.team(field)),
            "tenant" | "run" => {
                let facts: &[(&str, Expr, Type)] = if root == "tenant" {
                    &[
                        ("name", Expr::Tenant(TenantFact::Name), Type::Text),
                        ("id", Expr::Tenant(TenantFact::Id), Type::Text),
                        ("zone", Expr::Tenant(TenantFact::Zone), Type::Text),
                        (
                            "domains",
                            Expr::Tenant(TenantFact::Domains),
                            Type::List(Box::new(Type::Text)),
                        ),
                        (
                            "break_glass",
                            Expr::Tenant(TenantFact::BreakGlass),
                            Type::List(Box::new(Type::Text)),
                        ),
                    ]
                } else {
                    &[
                        ("id", Expr::Run(RunFact::Id), Type::Text),
                        ("started", Expr::Run(RunFact::Started), Type::Time),
                        (
                            "steps",
                            Expr::Run(RunFact::Steps),
                            Type::List(Box::new(Type::Record(Arc::from("StepResult")))),
                        ),
                        ("call", Expr::Run(RunFact::Call), Type::Text),
                        ("sent_again", Expr::Run(RunFact::SentAgain), Type::Bool),
                    ]
                };
                // What is known of a call is known in its declaration only.
                let known = match (root, self.in_call) {
                    ("run", false) => &facts[..facts.len() - 2],
                    _ => facts,
                };
                let root: &'static str = if root == "tenant" { "tenant" } else { "run" };
                if self.probing && is_marked(&field.text) {
                    self.capture(Spot::Fact(root));
                }
                if let Some((_, expr, ty)) = known.iter().find(|(n, _, _)| *n == field.text) {
                    self.reads_steps |= *expr == Expr::Run(RunFact::Steps);
                    let meaning = Meaning::Fact(root, Arc::from(field.text.as_str()));
                    self.mention(field.span, meaning, false, Some(ty.clone()));
                    return Some(Checked {
                        expr: expr.clone(),
                        ty: ty.clone(),
                    });
                }
                let place = self.at(field.span);
                let menu = near::menu(known.iter().map(|(n, _, _)| *n));
                let label = match facts.iter().any(|(n, _, _)| *n == field.text) {
                    true => format!(
                        "known only where an action or a query says what it sends; here `{root}` has {menu}"
                    ),
                    false => format!("it has {menu}"),
                };
                let diagnostic = Diagnostic::error(
                    codes::UNKNOWN_FIELD,
                    format!("`{root}` has no field `{}`", field.text),
                    place,
                    label,
                );
                self.report(diagnostic);
                Some(Checked::unknown())
            }
            _ => {
                let index = self.index;
                let def = index.type_named(&self.module, root)?;
                let crate::syntax::ast::Item::Enum(_) = &*def.item else {
                    return None;
                };
                let Type::Enum(ty) = super::types::declared(def) else {
                    return None;
                };
                self.mention_def(root_span, def);
                if self.probing && is_marked(&field.text) {
                    self.capture(Spot::Member(ty.clone()));
                }
                match self
                    .enumeration(&ty)
                    .and_then(|e| e.member(&ty, &field.text))
                {
                    Some(value) => {
                        let meaning = Meaning::Member(ty.clone(), Arc::from(field.text.as_str()));
                        let ty = Type::Enum(ty);
                        self.mention(field.span, meaning, false, Some(ty.clone()));
                        Some(Checked {
                            expr: Expr::Const(value),
                            ty,
                        })
                    }
                    None => {
                        self.unknown_name(&field.text, field.span, Some(&Type::Enum(ty)));
                        Some(Checked::unknown())
                    }
                }
            }
        }
    }

    fn team(&mut self, name: &Name) -> Checked {
        if self.probing && is_marked(&name.text) {
            self.capture(Spot::Team);
        }
        let meaning = Meaning::Team(Arc::from(name.text.as_str()));
        self.mention(name.span, meaning, false, None);
        if let Some(deployment) = self.deployment
            && !deployment.teams.contains_key(&name.text)
        {
            let place = self.at(name.span);
            let teams: Vec<&str> = deployment.teams.keys().map(String::as_str).collect();
            let mut diagnostic = Diagnostic::error(
                codes::NOT_IN_PROJECT,
                format!("counterplay.toml has no team `{}`", name.text),
                place.clone(),
                format!("it has {}", near::menu(teams.iter().copied())),
            );
            if let Some(near) = near::best(&name.text, teams) {
                diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
            } else if let Some(place) = self.project_file.clone() {
                let name = &name.text;
                diagnostic = diagnostic.fix(
                    format!("add a section [teams.{name}] to counterplay.toml, with its members"),
                    false,
                    place,
                    format!("\n[teams.{name}]\nmembers = [\"name@example.org\"]\n"),
                );
            }
            self.report(diagnostic);
        }
        Checked {
            expr: Expr::Team(Arc::from(name.text.as_str())),
            ty: Type::Record(Arc::from("Team")),
        }
    }

    fn list(&mut self, items: &[Ast], expected: Option<&Type>) -> Checked {
        let mut element = match expected.map(Type::present) {
            Some(Type::List(inner)) => Some((**inner).clone()),
            _ => None,
        };
        let known = element.is_some();
        let mut out = Vec::new();
        for item in items {
            let checked = self.expr(item, element.as_ref());
            let expr = match &element {
                None => {
                    element = Some(checked.ty.clone());
                    checked.expr
                }
                // Lists inside of a request's JSON may mix.
                Some(ty) if !known && self.in_request && *ty != checked.ty => {
                    element = Some(Type::Json);
                    checked.expr
                }
                Some(ty) => {
                    let ty = ty.clone();
                    self.coerce(checked, item.span, &ty, None)
                }
            };
            out.push(expr);
        }
        Checked {
            expr: Expr::List(out),
            ty: Type::List(Box::new(element.unwrap_or(Type::Unknown))),
        }
    }

    fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        body: Option<&Ast>,
        var: &Name,
        source: &Ast,
        filter: Option<&Ast>,
    ) -> Checked {
        let list = self.expr(source, None);
        let element = match &list.ty {
            Type::List(inner) => (**inner).clone(),
            Type::Json => Type::Json,
            Type::Unknown => Type::Unknown,
            Type::Optional(_) => {
                self.may_be_absent(source.span, &list.ty, None);
                Type::Unknown
            }
            other => {
                let place = self.at(source.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("expected a list, found {}", article(other)),
                    place,
                    format!("this is {}", article(other)),
                );
                self.report(diagnostic);
                Type::Unknown
            }
        };
        let asked = self.asked.len();
        let (slot, filter, checked) = self.scoped("a comprehension", |c| {
            let slot = c.bind(var, &element);
            let facts = filter.map_or(Vec::new(), |f| c.facts(f, true));
            let filter = filter.map(|f| c.expect(f, &Type::Bool, None));
            c.learn(facts);
            let checked = body.map(|b| (c.expr(b, None), b.span));
            (slot, filter, checked)
        });
        self.gone.remove(&var.text);
        self.no_queries_since(asked, "inside a comprehension");
        let (compiled, ty, body) = match kind {
            ComprehensionKind::Any => (Comprehension::Any, Type::Bool, None),
            ComprehensionKind::All => (Comprehension::All, Type::Bool, None),
            ComprehensionKind::Count => (Comprehension::Count, Type::Int, None),
            ComprehensionKind::First => {
                let ty = if element.is_optional() {
                    element
                } else {
                    Type::Optional(Box::new(element))
                };
                (Comprehension::First, ty, None)
            }
            ComprehensionKind::List => {
                let (checked, _) = checked.unwrap_or((
                    Checked {
                        expr: Expr::Slot(slot),
                        ty: element,
                    },
                    var.span,
                ));
                (
                    Comprehension::List,
                    Type::List(Box::new(checked.ty)),
                    Some(Box::new(checked.expr)),
                )
            }
            ComprehensionKind::Sum => {
                let (checked, span) = checked.unwrap_or((
                    Checked {
                        expr: Expr::Slot(slot),
                        ty: element,
                    },
                    var.span,
                ));
                if !matches!(
                    checked.ty,
                    Type::Int | Type::Number | Type::Duration | Type::Unknown
                ) {
                    let place = self.at(span);
                    let diagnostic = Diagnostic::error(
                        codes::TYPE_MISMATCH,
                        format!(
                            "`sum` adds numbers or durations, not {}",
                            article(&checked.ty)
                        ),
                        place,
                        format!("this is {}", article(&checked.ty)),
                    );
                    self.report(diagnostic);
                }
                (Comprehension::Sum, checked.ty, Some(Box::new(checked.expr)))
            }
        };
        Checked {
            expr: Expr::Comprehension {
                kind: compiled,
                slot,
                source: Box::new(list.expr),
                filter: filter.map(Box::new),
                body,
            },
            ty,
        }
    }

    /// Reports queries that an expression asks where only some of its parts are evaluated.
    pub fn no_queries_since(&mut self, count: usize, place: &str) {
        let late: Vec<super::Asked> = self.asked.drain(count.min(self.asked.len())..).collect();
        for asked in late {
            let at = self.at(asked.span);
            let diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                format!("`{}` cannot be asked {place}", asked.query),
                at,
                "this asks a live system",
            )
            .because("each question is a step of its own, with its own time, answer and failure in the timeline")
            .help("ask before, with `let answer = …`, and use `answer` here");
            self.report(diagnostic);
        }
    }

    /// The type that two alternatives share.
    pub fn join(&mut self, a: &Type, b: &Type, span: Span, at: Span) -> Type {
        match (a, b) {
            (a, b) if a == b => a.clone(),
            (Type::Unknown, other) | (other, Type::Unknown) => other.clone(),
            (Type::Int, Type::Number) | (Type::Number, Type::Int) => Type::Number,
            (Type::Optional(inner), other) | (other, Type::Optional(inner)) => {
                let inner = self.join(inner, other.present(), span, at);
                if inner.is_optional() {
                    inner
                } else {
                    Type::Optional(Box::new(inner))
                }
            }
            (Type::Json, other) | (other, Type::Json) => other.clone(),
            _ => {
                let (here, there) = (self.at(span), self.at(at));
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!(
                        "the two alternatives differ: {} and {}",
                        article(a),
                        article(b)
                    ),
                    here,
                    format!("this is {}", article(b)),
                )
                .also(there, format!("this is {}", article(a)));
                self.report(diagnostic);
                Type::Unknown
            }
        }
    }
}
