//! Calls inside expressions: constructors, functions, definitions and queries; and arguments for all.

use super::convert::{Checked, article};
use super::mention::Meaning;
use super::probe::{Spot, is_marked};
use super::{Asked, Checker, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::{Def, Index};
use crate::near;
use crate::span::{Name, Place, Span};
use crate::syntax::ast::{Arg, Expr as Ast, ExprKind, Item, Param};
use counterplay_machine::Value;
use counterplay_machine::expr::{Expr, Function};
use counterplay_machine::types::Type;
use std::sync::Arc;

/// What is called.
pub enum Callee {
    /// A declared thing.
    Declared(Def),
    /// A function of the language.
    Function(Function),
    /// `new_password()`.
    NewPassword,
    /// `secret("name")`.
    Secret,
    /// Not known; reported.
    Unknown,
}

/// A parameter with its type.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The declaration.
    pub decl: Param,
    /// Its type.
    pub ty: Type,
}

const FUNCTIONS: &[(&str, Function)] = &[
    ("lower", Function::Lower),
    ("upper", Function::Upper),
    ("trim", Function::Trim),
    ("domain_of", Function::DomainOf),
    ("join", Function::Join),
    ("split", Function::Split),
    ("length", Function::Length),
    ("to_int", Function::ToInt),
    ("time_of_day", Function::TimeOfDay),
];

impl Checker<'_> {
    /// Finds what a callee names.
    pub fn callee(&mut self, callee: &Ast) -> Callee {
        match &callee.kind {
            ExprKind::Name(name) => {
                if let Some(def) = self
                    .index
                    .get(&self.module, name)
                    .or_else(|| self.index.type_named(&self.module, name))
                {
                    let def = def.clone();
                    self.mention_def(callee.span, &def);
                    return Callee::Declared(def);
                }
                let meaning = Meaning::Function(Arc::from(name.as_str()));
                if let Some((_, function)) = FUNCTIONS.iter().find(|(n, _)| n == name) {
                    self.mention(callee.span, meaning, false, None);
                    return Callee::Function(*function);
                }
                if matches!(name.as_str(), "new_password" | "secret") {
                    self.mention(callee.span, meaning, false, None);
                }
                if is_marked(name) {
                    self.capture(Spot::Value(None));
                }
                match name.as_str() {
                    "new_password" => return Callee::NewPassword,
                    "secret" => return Callee::Secret,
                    _ => {}
                }
                self.unknown_callee(name, callee.span);
                Callee::Unknown
            }
            ExprKind::Field { base, field, .. } => {
                if let ExprKind::Name(module) = &base.kind
                    && self.local(module).is_none()
                {
                    return self.member_of_module(module, base.span, field);
                }
                let place = self.at(callee.span);
                let written = self.source(callee.span);
                let diagnostic = Diagnostic::error(
                    codes::WRONG_PLACE,
                    format!("`{written}` is a value and cannot be called"),
                    place,
                    "not an action, a query or a function",
                );
                self.report(diagnostic);
                Callee::Unknown
            }
            ExprKind::Missing => Callee::Unknown,
            _ => {
                let place = self.at(callee.span);
                let diagnostic = Diagnostic::error(
                    codes::WRONG_PLACE,
                    "this cannot be called",
                    place,
                    "not an action, a query or a function",
                );
                self.report(diagnostic);
                Callee::Unknown
            }
        }
    }

    fn member_of_module(&mut self, module: &str, span: Span, name: &Name) -> Callee {
        self.capture_in_module(module, name);
        let full = match self
            .index
            .modules
            .get(&*self.module)
            .and_then(|m| m.uses.get(module))
            .cloned()
        {
            Some(full) => full,
            // A module may name itself.
            None if self.module.rsplit('.').next() == Some(module) => self.module.clone(),
            None if self.index.is_unsure(&self.module, module) => return Callee::Unknown,
            None => {
                let place = self.at(span);
                let candidates: Vec<Arc<str>> = self
                    .index
                    .modules
                    .keys()
                    .filter(|m| m.rsplit('.').next() == Some(module))
                    .cloned()
                    .collect();
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_MODULE,
                    format!("`{module}` is not known here"),
                    place.clone(),
                    "no module of this name is imported",
                );
                if let Some(found) = candidates.first() {
                    diagnostic = self.with_import(diagnostic, found);
                } else {
                    let imported: Vec<String> = self
                        .index
                        .modules
                        .get(&*self.module)
                        .map_or(Vec::new(), |m| m.uses.keys().cloned().collect());
                    if let Some(near) = near::best(module, imported.iter().map(String::as_str)) {
                        diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                    } else if let Some(near) = near::best(
                        module,
                        self.index
                            .modules
                            .keys()
                            .filter_map(|m| m.rsplit('.').next()),
                    ) {
                        diagnostic = diagnostic.help(format!("did you mean the module `{near}`?"));
                    }
                }
                self.report(diagnostic);
                return Callee::Unknown;
            }
        };
        self.mention(span, Meaning::Module(full.clone()), false, None);
        let index = self.index;
        if let Some(def) = index.get(&full, &name.text) {
            self.mention_def(name.span, def);
            return Callee::Declared(def.clone());
        }
        let place = self.at(name.span);
        let names: Vec<&str> = self
            .index
            .modules
            .get(&full)
            .map_or(Vec::new(), |m| m.names.keys().map(String::as_str).collect());
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("`{module}` has nothing called `{}`", name.text),
            place.clone(),
            match near::best(&name.text, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "not declared there".to_owned(),
            },
        );
        if let Some(near) = near::best(&name.text, names.iter().copied()) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        } else if let Some((other, _)) = self
            .index
            .modules
            .iter()
            .find(|(_, m)| m.names.contains_key(&name.text))
        {
            diagnostic = diagnostic.help(format!("`{}` is in the module `{other}`", name.text));
        } else {
            diagnostic = diagnostic.help(format!("it has {}", near::menu(names)));
        }
        self.report(diagnostic);
        Callee::Unknown
    }

    fn unknown_callee(&mut self, name: &str, span: Span) {
        let place = self.at(span);
        let mut names: Vec<&str> = FUNCTIONS.iter().map(|(n, _)| *n).collect();
        if let Some(module) = self.index.modules.get(&*self.module) {
            names.extend(module.names.keys().map(String::as_str));
        }
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("nothing here is called `{name}`"),
            place.clone(),
            "not an action, a query or a function",
        );
        if name == "first" {
            diagnostic = diagnostic.help(
                "the first element of a list, or of those that fit, is `first(d in LIST where CONDITION)`; it is absent where there is none",
            );
        } else if matches!(name, "any" | "all" | "count") {
            diagnostic = diagnostic.help(format!("write `{name}(d in LIST where CONDITION)`"));
        } else if let Some(near) = near::best(name, names) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        } else {
            let owners: Vec<String> = self
                .index
                .modules
                .iter()
                .filter(|(_, m)| m.names.contains_key(name))
                .filter_map(|(m, _)| m.rsplit('.').next().map(str::to_owned))
                .collect();
            if let Some(owner) = owners.first() {
                diagnostic = diagnostic.help(format!(
                    "write `{owner}.{name}(…)`, with the module before it"
                ));
            }
        }
        self.report(diagnostic);
    }

    /// The parameters of a declaration, with their types in its own module.
    pub fn parameters(&mut self, def: &Def) -> Vec<Parameter> {
        let decls = match &*def.item {
            Item::Action(d) | Item::Query(d) => d.params.clone(),
            Item::Steps(d) => d.params.clone(),
            Item::Define(d) => d.params.clone(),
            _ => Vec::new(),
        };
        self.elsewhere(def, true, |c| {
            decls
                .into_iter()
                .map(|decl| Parameter {
                    ty: c.type_of(&decl.ty),
                    decl,
                })
                .collect()
        })
    }

    /// The type of a declaration's result, in its own module.
    pub fn result(&mut self, def: &Def) -> Type {
        let written = match &*def.item {
            Item::Action(d) | Item::Query(d) => d.returns.clone(),
            Item::Steps(d) => d.returns.clone(),
            Item::Define(d) => Some(d.returns.clone()),
            _ => None,
        };
        match written {
            Some(written) => self.elsewhere(def, true, |c| c.type_of(&written)),
            None => Type::Nothing,
        }
    }

    /// Checks arguments against parameters; one expression per parameter comes out.
    pub fn arguments(
        &mut self,
        def: &Def,
        params: &[Parameter],
        args: &[Arg],
        span: Span,
    ) -> Vec<Expr> {
        self.calling_begins(def, params, args);
        let values = self.values(def, params, args, span);
        if self.probing {
            self.calling.pop();
        }
        values
    }

    /// While probing: remembers which parameters of the call have no value.
    fn calling_begins(&mut self, def: &Def, params: &[Parameter], args: &[Arg]) {
        if !self.probing {
            return;
        }
        let at_cursor = |a: &Arg| matches!(&a.value.kind, ExprKind::Name(n) if is_marked(n));
        let positional = args
            .iter()
            .filter(|a| a.name.is_none() && !at_cursor(a))
            .count();
        let given = |p: &Parameter| {
            args.iter()
                .any(|a| a.name.as_ref().is_some_and(|n| n.text == p.decl.name.text))
        };
        let left = params
            .iter()
            .enumerate()
            .filter(|(i, p)| *i >= positional && !given(p))
            .map(|(_, p)| p.clone())
            .collect();
        self.calling.push((def.clone(), left));
        if args
            .iter()
            .any(|a| a.name.as_ref().is_some_and(|n| is_marked(&n.text)))
        {
            self.capture(Spot::Argument);
        }
    }

    /// While probing: a value at the cursor that may still become the name of another argument.
    fn capture_argument(&mut self, arg: &Arg, expected: Option<&Type>) {
        if self.probing && matches!(&arg.value.kind, ExprKind::Name(n) if is_marked(n)) {
            self.capture(match expected {
                Some(ty) => Spot::Value(Some(ty.clone())),
                None => Spot::Argument,
            });
        }
    }

    fn values(&mut self, def: &Def, params: &[Parameter], args: &[Arg], span: Span) -> Vec<Expr> {
        let name = def.name.text.clone();
        let mut found: Vec<Option<Expr>> = vec![None; params.len()];
        let mut places: Vec<Option<Span>> = vec![None; params.len()];
        let mut positional = 0;
        for arg in args {
            let index = match &arg.name {
                Some(written) => match params.iter().position(|p| p.decl.name.text == written.text)
                {
                    Some(index) => index,
                    None => {
                        let meant = self.no_such_argument(def, params, written);
                        self.arguments_of_unknown(std::slice::from_ref(arg));
                        // What was meant is not missing as well.
                        if let Some(value) = meant.and_then(|index| found.get_mut(index)) {
                            value.get_or_insert(Expr::Const(Value::Absent));
                        }
                        continue;
                    }
                },
                None => {
                    positional += 1;
                    let free = params
                        .get(positional - 1)
                        .filter(|_| matches!(places.get(positional - 1), Some(None)));
                    self.capture_argument(arg, free.map(|p| &p.ty));
                    if positional > params.len() {
                        let place = self.at(arg.value.span);
                        let diagnostic = Diagnostic::error(
                            codes::UNEXPECTED_ARGUMENT,
                            format!("`{name}` takes {}", count(params.len(), "argument")),
                            place,
                            "one too many",
                        )
                        .also(def.place(), signature(def, params));
                        self.report(diagnostic);
                        continue;
                    }
                    positional - 1
                }
            };
            let (Some(param), Some(value), Some(before)) = (
                params.get(index),
                found.get_mut(index),
                places.get_mut(index),
            ) else {
                continue;
            };
            if let Some(before) = *before {
                let (place, before) = (self.at(arg.value.span), self.at(before));
                let diagnostic = Diagnostic::error(
                    codes::UNEXPECTED_ARGUMENT,
                    format!("`{}` is given twice", param.decl.name.text),
                    place,
                    "given again",
                )
                .also(before, "given first");
                self.report(diagnostic);
                continue;
            }
            *before = Some(arg.value.span);
            if let Some(written) = &arg.name {
                let meaning = Meaning::Parameter(
                    def.module.clone(),
                    Arc::from(name.as_str()),
                    Arc::from(written.text.as_str()),
                );
                self.mention(written.span, meaning, false, Some(param.ty.clone()));
            }
            let wanted = Some((
                Place {
                    anchor: def.anchor.clone(),
                    span: param.decl.name.span,
                },
                format!(
                    "`{name}` needs {} as its `{}`",
                    article(&param.ty),
                    param.decl.name.text
                ),
            ));
            let ty = param.ty.clone();
            *value = Some(self.expect(&arg.value, &ty, wanted));
        }
        let missing: Vec<&Parameter> = params
            .iter()
            .zip(&found)
            .filter(|(p, v)| v.is_none() && p.decl.default.is_none())
            .map(|(p, _)| p)
            .collect();
        if !missing.is_empty() {
            let place = self.at(span);
            let what = missing
                .iter()
                .map(|p| format!("`{}` ({})", p.decl.name.text, p.ty))
                .collect::<Vec<_>>()
                .join(" and ");
            let diagnostic = Diagnostic::error(
                codes::MISSING_ARGUMENT,
                format!("`{name}` also needs {what}"),
                place,
                if missing.len() == 1 {
                    "an argument is missing"
                } else {
                    "arguments are missing"
                },
            )
            .also(def.place(), signature(def, params));
            self.report(diagnostic);
        }
        params
            .iter()
            .zip(found)
            .map(|(param, value)| match (value, &param.decl.default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    let ty = param.ty.clone();
                    self.elsewhere(def, true, |c| c.expect(default, &ty, None))
                }
                (None, None) => Expr::Const(Value::Absent),
            })
            .collect()
    }

    fn no_such_argument(
        &mut self,
        def: &Def,
        params: &[Parameter],
        written: &Name,
    ) -> Option<usize> {
        let place = self.at(written.span);
        let names: Vec<&str> = params.iter().map(|p| p.decl.name.text.as_str()).collect();
        let mut diagnostic = Diagnostic::error(
            codes::UNEXPECTED_ARGUMENT,
            format!("`{}` has no argument `{}`", def.name.text, written.text),
            place.clone(),
            "not an argument of it",
        )
        .also(def.place(), signature(def, params));
        let mut meant = None;
        if let Some(near) = near::best(&written.text, names.iter().copied()) {
            meant = names.iter().position(|n| *n == near);
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        }
        self.report(diagnostic);
        meant
    }

    /// A call inside an expression.
    pub(super) fn call(&mut self, span: Span, callee: &Ast, args: &[Arg]) -> Checked {
        if let ExprKind::Field { base, field, .. } = &callee.kind
            && matches!(&base.kind, ExprKind::Name(root) if root == "tenant")
            && field.text == "has"
        {
            return self.tenant_has(span, field, args);
        }
        match self.callee(callee) {
            Callee::Unknown => {
                self.arguments_of_unknown(args);
                Checked::unknown()
            }
            Callee::NewPassword if !self.in_request => {
                let place = self.at(span);
                let diagnostic = Diagnostic::error(
                    codes::WRONG_PLACE,
                    "a new password is made for a call and known only there",
                    place,
                    "not inside of a request's `json`",
                );
                self.report(diagnostic);
                Checked::unknown()
            }
            Callee::NewPassword => Checked {
                expr: Expr::GeneratedPassword,
                ty: Type::Secret(Box::new(Type::Text)),
            },
            Callee::Secret => self.named_secret(span, args),
            Callee::Function(function) => self.function(span, function, args),
            Callee::Declared(def) => match &*def.item {
                Item::Type(_) => self.construct(&def, args, span),
                Item::Define(_) => self.define(&def, args, span),
                Item::Query(_) => self.query(&def, args, span),
                _ => {
                    let place = self.at(span);
                    let kind = def.kind();
                    let name = &def.name.text;
                    let mut diagnostic = Diagnostic::error(
                        codes::WRONG_PLACE,
                        format!("`{name}` is {kind} and cannot stand inside an expression"),
                        place,
                        format!("this is {kind}"),
                    )
                    .also(def.place(), "declared here");
                    if matches!(&*def.item, Item::Action(_) | Item::Steps(_)) {
                        diagnostic = diagnostic
                            .because("what reaches outside is a step of its own, so that the timeline shows it and a crash cannot lose it")
                            .help(format!("make it a step: `{name}(…)` on a line of its own, or `let result = {name}(…)`"));
                    }
                    self.report(diagnostic);
                    Checked::unknown()
                }
            },
        }
    }

    /// `tenant.has(intune)`: a module or a connection, by its bare name.
    fn tenant_has(&mut self, span: Span, field: &Name, args: &[Arg]) -> Checked {
        let answer = |service: &str| Checked {
            expr: Expr::TenantHas(Arc::from(service)),
            ty: Type::Bool,
        };
        let meaning = Meaning::Fact("tenant", Arc::from("has"));
        self.mention(field.span, meaning, false, Some(Type::Bool));
        let [Arg { name: None, value }] = args else {
            let place = self.at(span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_ARGUMENT,
                "`tenant.has` takes the name of one service",
                place,
                "for instance `tenant.has(intune)`",
            );
            self.report(diagnostic);
            return answer("");
        };
        let ExprKind::Name(service) = &value.kind else {
            if !matches!(value.kind, ExprKind::Missing) {
                let place = self.at(value.span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    "a service is a bare name, without quotes",
                    place,
                    "for instance `intune`",
                );
                self.report(diagnostic);
            }
            return answer("");
        };
        let known = self.index.services();
        if !known.contains(service.as_str()) {
            let place = self.at(value.span);
            let names = || known.iter().copied();
            let mut diagnostic = Diagnostic::error(
                codes::UNKNOWN_NAME,
                format!("there is no service `{service}`"),
                place.clone(),
                "neither a module with actions nor a connection",
            );
            diagnostic = match near::best(service, names()) {
                Some(near) => diagnostic.fix(format!("write `{near}`"), false, place, near),
                None => diagnostic.help(format!("there are {}", near::menu(names()))),
            };
            self.report(diagnostic);
        }
        answer(service)
    }

    /// The arguments of something that is not known: bare names may be members of a type that it would want.
    pub fn arguments_of_unknown(&mut self, args: &[Arg]) {
        for arg in args {
            let at_cursor =
                self.probing && matches!(&arg.value.kind, ExprKind::Name(n) if is_marked(n));
            if at_cursor || !self.wants_a_meaning(&arg.value) {
                self.expr(&arg.value, None);
            }
        }
    }

    fn named_secret(&mut self, span: Span, args: &[Arg]) -> Checked {
        let ty = Type::Secret(Box::new(Type::Text));
        match args {
            [Arg { name: None, value }] => match self.expect(value, &Type::Text, None) {
                Expr::Const(Value::Text(name)) => Checked {
                    expr: Expr::NamedSecret(name),
                    ty,
                },
                _ => {
                    let place = self.at(value.span);
                    let diagnostic = Diagnostic::error(
                        codes::BAD_PROPERTY,
                        "a secret is named by a fixed text",
                        place,
                        "not known before the run",
                    );
                    self.report(diagnostic);
                    Checked {
                        expr: Expr::Const(Value::Absent),
                        ty,
                    }
                }
            },
            _ => {
                let place = self.at(span);
                let diagnostic = Diagnostic::error(
                    codes::MISSING_ARGUMENT,
                    "`secret` takes the secret's name",
                    place,
                    "for instance `secret(\"siem-token\")`",
                );
                self.report(diagnostic);
                Checked {
                    expr: Expr::Const(Value::Absent),
                    ty,
                }
            }
        }
    }

    fn function(&mut self, span: Span, function: Function, args: &[Arg]) -> Checked {
        let text = Type::Text;
        let list = Type::List(Box::new(Type::Text));
        let (name, wanted, result): (&str, Vec<Type>, Type) = match function {
            Function::Lower => ("lower", vec![text], Type::Text),
            Function::Upper => ("upper", vec![text], Type::Text),
            Function::Trim => ("trim", vec![text], Type::Text),
            Function::DomainOf => (
                "domain_of",
                vec![text],
                Type::Optional(Box::new(Type::Text)),
            ),
            Function::Join => ("join", vec![list, Type::Text], Type::Text),
            Function::Split => ("split", vec![Type::Text, Type::Text], list),
            Function::Length => ("length", vec![Type::Unknown], Type::Int),
            Function::ToInt => ("to_int", vec![text], Type::Int),
            Function::TimeOfDay => ("time_of_day", vec![Type::Time], Type::Clock),
        };
        if args.len() != wanted.len() {
            let place = self.at(span);
            let diagnostic = Diagnostic::error(
                if args.len() < wanted.len() {
                    codes::MISSING_ARGUMENT
                } else {
                    codes::UNEXPECTED_ARGUMENT
                },
                format!(
                    "`{name}` takes {}, not {}",
                    count(wanted.len(), "argument"),
                    args.len()
                ),
                place,
                format!(
                    "{name}({})",
                    wanted
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                        .replace("unknown", "a list or a text")
                ),
            );
            self.report(diagnostic);
        }
        let mut out = Vec::new();
        for (arg, ty) in args.iter().zip(&wanted) {
            if function == Function::Length {
                let checked = self.expr(&arg.value, None);
                match &checked.ty {
                    Type::List(_) | Type::Text | Type::Unknown => out.push(checked.expr),
                    Type::Json => out.push(Expr::Convert(
                        Box::new(checked.expr),
                        Type::List(Box::new(Type::Json)),
                    )),
                    Type::Optional(_) => {
                        self.may_be_absent(arg.value.span, &checked.ty, None);
                        out.push(checked.expr);
                    }
                    other => {
                        let place = self.at(arg.value.span);
                        let diagnostic = Diagnostic::error(
                            codes::TYPE_MISMATCH,
                            format!("`length` counts a list or a text, not {}", article(other)),
                            place,
                            format!("this is {}", article(other)),
                        );
                        self.report(diagnostic);
                        out.push(checked.expr);
                    }
                }
            } else {
                out.push(self.expect(&arg.value, ty, None));
            }
        }
        Checked {
            expr: Expr::Call(function, out),
            ty: result,
        }
    }

    fn construct(&mut self, def: &Def, args: &[Arg], span: Span) -> Checked {
        let ty = super::types::declared(def);
        let Item::Type(decl) = &*def.item else {
            return Checked::unknown();
        };
        let fields = self
            .record(&ty.to_string())
            .map_or(Vec::new(), |r| r.fields);
        let mut given: Vec<(Arc<str>, Expr)> = Vec::new();
        for arg in args {
            let Some(name) = &arg.name else {
                if self.probing {
                    let left = fields
                        .iter()
                        .filter(|(n, _)| {
                            !args.iter().any(|a| {
                                a.name.as_ref().is_some_and(|written| *written.text == **n)
                            })
                        })
                        .cloned()
                        .collect();
                    if matches!(&arg.value.kind, ExprKind::Name(n) if is_marked(n)) {
                        self.capture(Spot::RecordField(Arc::from(ty.to_string()), left));
                    }
                }
                let place = self.at(arg.value.span);
                let diagnostic = Diagnostic::error(
                    codes::UNEXPECTED_ARGUMENT,
                    format!("the fields of {ty} are given by name"),
                    place,
                    "which field is this?",
                )
                .help(format!(
                    "write for instance `{ty}({}: …)`",
                    fields.first().map_or("id", |(n, _)| n)
                ));
                self.report(diagnostic);
                continue;
            };
            match fields.iter().find(|(n, _)| **n == *name.text) {
                Some((field, field_ty)) => {
                    let declared = decl.fields.iter().find(|f| f.name.text == name.text);
                    let wanted = declared.map(|f| {
                        (
                            Place {
                                anchor: def.anchor.clone(),
                                span: f.name.span,
                            },
                            format!("`{}` is {}", name.text, article(field_ty)),
                        )
                    });
                    self.mention_field(name, &ty, field_ty);
                    let value = self.expect(&arg.value, field_ty, wanted);
                    given.push((field.clone(), value));
                }
                None => {
                    let place = self.at(name.span);
                    let names: Vec<&str> = fields.iter().map(|(n, _)| &**n).collect();
                    let mut diagnostic = Diagnostic::error(
                        codes::UNKNOWN_FIELD,
                        format!("{ty} has no field `{}`", name.text),
                        place.clone(),
                        format!("it has {}", near::menu(names.iter().copied())),
                    )
                    .also(def.place(), "declared here");
                    if let Some(near) = near::best(&name.text, names) {
                        diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                    }
                    self.report(diagnostic);
                    self.expr(&arg.value, None);
                }
            }
        }
        let missing: Vec<&str> = fields
            .iter()
            .filter(|(n, t)| !t.is_optional() && !given.iter().any(|(g, _)| g == n))
            .map(|(n, _)| &**n)
            .collect();
        if !missing.is_empty() {
            let place = self.at(span);
            let diagnostic = Diagnostic::error(
                codes::MISSING_PROPERTY,
                format!("this {ty} lacks {}", near::menu(missing)),
                place,
                "fields are missing",
            )
            .also(def.place(), "declared here");
            self.report(diagnostic);
        }
        let Type::Record(name) = ty.clone() else {
            return Checked::unknown();
        };
        Checked {
            expr: Expr::Record(name, given),
            ty,
        }
    }

    /// A definition, put in place of its call.
    fn define(&mut self, def: &Def, args: &[Arg], span: Span) -> Checked {
        let params = self.parameters(def);
        let result = self.result(def);
        let values = self.arguments(def, &params, args, span);
        let name = Index::qualified(&def.module, &def.name.text);
        if self.cycle(&name, def, span) {
            return Checked {
                expr: Expr::Const(Value::Absent),
                ty: result,
            };
        }
        let Item::Define(decl) = &*def.item else {
            return Checked::unknown();
        };
        let place = self.at(span);
        self.inlining.push((name, place));
        let (slots, body) = self.elsewhere(def, true, |c| {
            let slots: Vec<_> = params.iter().map(|p| c.bind(&p.decl.name, &p.ty)).collect();
            let body = c.with_queries(Queries::Forbidden("in a definition"), |c| {
                c.expect(&decl.value, &result, None)
            });
            (slots, body)
        });
        self.inlining.pop();
        let expr = slots
            .into_iter()
            .zip(values)
            .rev()
            .fold(body, |body, (slot, value)| {
                Expr::Let(slot, Box::new(value), Box::new(body))
            });
        Checked { expr, ty: result }
    }

    /// Whether inlining would not end; reports the cycle.
    pub fn cycle(&mut self, name: &Arc<str>, def: &Def, span: Span) -> bool {
        let Some(from) = self.inlining.iter().position(|(n, _)| n == name) else {
            return self.too_large(def, span);
        };
        // One circle, one finding: where the first of its names, in order, is checked where it stands.
        let first = self.inlining.iter().map(|(n, _)| n).min();
        if from > 0 || first != Some(name) {
            return true;
        }
        let mut chain: Vec<String> = self
            .inlining
            .iter()
            .map(|(n, _)| format!("`{n}`"))
            .collect();
        chain.push(format!("`{name}`"));
        let place = self.at(span);
        let was = std::mem::replace(&mut self.silent, false);
        let diagnostic = Diagnostic::error(
            codes::CYCLE,
            format!("`{}` comes back to itself", def.name.text),
            place,
            format!("the circle is {}", chain.join(" → ")),
        )
        .also(def.place(), "declared here")
        .because("every playbook has to end, so that nothing may call itself");
        self.report(diagnostic);
        self.silent = was;
        true
    }

    /// Whether more is put in place of calls than anybody could read; reports it once.
    fn too_large(&mut self, def: &Def, span: Span) -> bool {
        let deep = self.inlining.len() >= super::INLINING_DEPTH_MAX;
        self.inlined += if deep { super::INLINED_MAX } else { 1 };
        if self.inlined <= super::INLINED_MAX {
            return false;
        }
        if !self.told_too_large {
            self.told_too_large = true;
            // The place that the author sees is where the outermost call stands.
            let place = self
                .inlining
                .get(1)
                .map_or_else(|| self.at(span), |(_, place)| place.clone());
            let was = std::mem::replace(&mut self.silent, false);
            let diagnostic = Diagnostic::error(
                codes::TOO_LARGE,
                "this grows too large",
                place,
                format!(
                    "stands for more than {} calls, or for calls more than {} deep",
                    super::INLINED_MAX,
                    super::INLINING_DEPTH_MAX
                ),
            )
            .also(def.place(), "the call that was one too many is of this")
            .because("steps and definitions are put in place of their calls, so that calls of calls multiply")
            .help("use a loop, or call fewer of them");
            self.report(diagnostic);
            self.silent = was;
        }
        true
    }

    /// A query: it becomes a step of its own where that is possible.
    fn query(&mut self, def: &Def, args: &[Arg], span: Span) -> Checked {
        let params = self.parameters(def);
        let ty = self.result(def);
        let values = self.arguments(def, &params, args, span);
        let name = Index::qualified(&def.module, &def.name.text);
        if let Queries::Forbidden(place) = self.queries.clone() {
            let at = self.at(span);
            let mut diagnostic = Diagnostic::error(
                codes::WRONG_PLACE,
                format!("`{name}` asks a live system, which is not possible {place}"),
                at,
                "this is a query",
            )
            .also(def.place(), "declared here");
            diagnostic = match place {
                "in a head's `if`" => diagnostic
                    .because("the head decides for every event whether a run starts; it only looks at what the event carries")
                    .help("move the question into the first stage: `then { if … { … } }`"),
                _ => diagnostic.help("ask in a stage, with `let answer = …`"),
            };
            self.report(diagnostic);
            return Checked {
                expr: Expr::Const(Value::Absent),
                ty,
            };
        }
        let slot = self.slot(&format!("{name}()"), &ty);
        self.asked.push(Asked {
            slot,
            query: name,
            args: values,
            span,
        });
        Checked {
            expr: Expr::Slot(slot),
            ty,
        }
    }
}

/// `1 argument`, `2 arguments`.
pub fn count(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("one {what}"),
        n => format!("{n} {what}s"),
    }
}

/// `block_sign_in(user: User)`.
pub fn signature(def: &Def, params: &[Parameter]) -> String {
    let inside = params
        .iter()
        .map(|p| {
            let optional = if p.decl.default.is_some() {
                " (may be left out)"
            } else {
                ""
            };
            format!("{}: {}{optional}", p.decl.name.text, p.ty)
        })
        .collect::<Vec<_>>()
        .join(", ");
    format!("{}({inside})", def.name.text)
}
