//! A `request:` line in, the call that it declares out.

use super::Checker;
use super::declare::{single, word};
use super::probe::{Spot, is_marked};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Def;
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{Arg, Expr as Ast, ExprKind, Item, Property, TextPart};
use counterplay_machine::Value;
use counterplay_machine::declare::{Impact, PathPart, Request};
use counterplay_machine::expr::{Expr, Function};
use counterplay_machine::types::Type;
use std::sync::Arc;

const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
];
const ARGUMENTS: &[&str] = &[
    "json", "select", "filter", "kql", "top", "query", "headers", "paged",
];

const CREDENTIALS: &str =
    "who calls is said by the connection's `auth:` and the deployment's secrets";
const ADDRESS: &str = "the call would reach another address than the one that is checked";
const METHOD: &str = "the call would be of another method than the one that is checked";
const FRAMING: &str = "where a call begins and ends is said by whoever sends it";

/// Headers that a request may not set, and why.
const NOT_OURS: &[(&str, &str)] = &[
    ("Authorization", CREDENTIALS),
    ("Proxy-Authorization", CREDENTIALS),
    ("Cookie", CREDENTIALS),
    ("Host", ADDRESS),
    ("X-Original-URL", ADDRESS),
    ("X-Rewrite-URL", ADDRESS),
    ("X-HTTP-Method-Override", METHOD),
    ("X-HTTP-Method", METHOD),
    ("X-Method-Override", METHOD),
    ("Content-Length", FRAMING),
    ("Transfer-Encoding", FRAMING),
    ("Connection", FRAMING),
    ("TE", FRAMING),
    ("Trailer", FRAMING),
    ("Upgrade", FRAMING),
];

impl Checker<'_> {
    pub(super) fn request(
        &mut self,
        property: &Property,
        action: bool,
        impact: Option<Impact>,
    ) -> Option<Request> {
        let expr = single(property)?;
        let (connection, method, args) = self.request_call(expr)?;
        if method.text == "send" {
            return self.mail(&connection, args, expr.span);
        }
        let Some((_, verb)) = METHODS.iter().find(|(n, _)| *n == method.text) else {
            let place = self.at(method.span);
            let diagnostic = Diagnostic::error(
                codes::UNKNOWN_NAME,
                format!("a connection has no `{}`", method.text),
                place,
                format!(
                    "it has {} and, for mail, `send`",
                    near::menu(METHODS.iter().map(|(n, _)| *n))
                ),
            );
            self.report(diagnostic);
            return None;
        };
        let first = args.iter().find(|a| a.name.is_none());
        let mut path = Vec::new();
        let mut address = None;
        match first {
            None => {
                self.bad(
                    expr.span,
                    "a request names its path",
                    format!(
                        "for instance `{}.{}(\"/users\")`",
                        connection.name.text, method.text
                    ),
                );
                return None;
            }
            Some(arg) => match &arg.value.kind {
                ExprKind::Text(parts) => path = self.path_parts(parts, arg.value.span),
                _ => {
                    let ty = Type::Secret(Box::new(Type::Text));
                    address = Some(self.expect(&arg.value, &ty, None));
                }
            },
        }
        let mut query = Vec::new();
        let mut headers = Vec::new();
        let mut json = None;
        let mut paged = false;
        for arg in args {
            let Some(name) = &arg.name else { continue };
            match name.text.as_str() {
                "json" => {
                    let before = std::mem::replace(&mut self.in_request, true);
                    json = Some(self.expr(&arg.value, Some(&Type::Json)).expr);
                    self.in_request = before;
                }
                "select" => query.push((
                    Arc::from("$select"),
                    self.expect(&arg.value, &Type::List(Box::new(Type::Text)), None),
                )),
                "filter" => query.push((Arc::from("$filter"), self.filter(&arg.value))),
                "kql" => {
                    let text = self.kql(&arg.value);
                    json = Some(Expr::Object(vec![(Arc::from("Query"), text)]));
                }
                "top" => query.push((Arc::from("$top"), self.expect(&arg.value, &Type::Int, None))),
                "paged" => paged = matches!(arg.value.kind, ExprKind::Bool(true)),
                "query" => query.extend(self.pairs(&arg.value, |a, b| a == b)),
                "headers" => {
                    self.header_names(&arg.value);
                    headers.extend(self.pairs(&arg.value, str::eq_ignore_ascii_case));
                }
                other => {
                    let place = self.at(name.span);
                    let mut diagnostic = Diagnostic::error(
                        codes::UNEXPECTED_ARGUMENT,
                        format!("a request has no `{other}`"),
                        place.clone(),
                        format!("it has {}", near::menu(ARGUMENTS.iter().copied())),
                    );
                    if let Some(near) = near::best(other, ARGUMENTS.iter().copied()) {
                        diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                    }
                    self.report(diagnostic);
                }
            }
        }
        let from_secret = matches!(
            &*connection.item,
            Item::Connection(d) if super::declare::property(d, "base").and_then(single).and_then(word) == Some("from_secret")
        );
        if address.is_some() && !from_secret {
            self.bad(
                first.map_or(expr.span, |a| a.value.span),
                format!("`{}` has an address of its own", connection.name.text),
                "only a connection with `base: from_secret` takes one from a secret",
            );
        }
        if args.iter().filter(|a| a.name.is_none()).count() > 1 {
            self.bad(
                expr.span,
                "a request has one path",
                "more than one is given",
            );
        }
        // An address from a secret may be any: the connection's floors for all paths apply.
        let judged = if address.is_some() {
            vec![
                PathPart::Literal(Arc::from("/")),
                PathPart::Value(Expr::Const(Value::Absent)),
            ]
        } else {
            path.clone()
        };
        self.check_floor(
            &connection,
            verb,
            &judged,
            json.as_ref(),
            action,
            impact,
            property,
        );
        Some(Request::Http {
            connection: Arc::from(connection.name.text.as_str()),
            method: Arc::from(*verb),
            path,
            address,
            query,
            headers,
            json,
            paged,
        })
    }

    fn request_call<'e>(&mut self, expr: &'e Ast) -> Option<(Def, &'e Name, &'e [Arg])> {
        let ExprKind::Call { callee, args } = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Missing) {
                self.bad(
                    expr.span,
                    "a request is a call on a connection",
                    "for instance `graph.get(\"/users/{user.id}\")`",
                );
            }
            return None;
        };
        let ExprKind::Field { base, field, .. } = &callee.kind else {
            self.bad(
                callee.span,
                "a request is a call on a connection",
                "for instance `graph.get(\"/users/{user.id}\")`",
            );
            return None;
        };
        let name = word(base).unwrap_or("");
        if self.probing {
            if is_marked(name) {
                self.capture(Spot::Connection(None));
            } else if is_marked(&field.text) {
                self.capture(Spot::Connection(Some(name.to_owned())));
            }
        }
        let index = self.index;
        match index.connections.get(name) {
            Some(def) => {
                self.mention_def(base.span, def);
                Some((def.clone(), field, args))
            }
            None => {
                let place = self.at(base.span);
                let names: Vec<&str> = self.index.connections.keys().map(String::as_str).collect();
                let mut diagnostic = Diagnostic::error(
                    codes::UNKNOWN_NAME,
                    format!("there is no connection `{name}`"),
                    place.clone(),
                    format!("there are {}", near::menu(names.iter().copied())),
                );
                if let Some(near) = near::best(name, names) {
                    diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
                }
                self.report(diagnostic);
                None
            }
        }
    }

    fn path_parts(&mut self, parts: &[TextPart], span: Span) -> Vec<PathPart> {
        let mut out = Vec::new();
        for part in parts {
            match part {
                TextPart::Literal(text) => {
                    if let Some(reason) = not_in_a_path(text) {
                        self.bad(
                            span,
                            reason,
                            "the call might reach another address than the one that is checked",
                        );
                    } else if text.contains(['?', '#']) {
                        self.bad(
                            span,
                            "a path holds no `?` or `#`",
                            "give parameters as `select:`, `filter:` or `query:`",
                        );
                    }
                    out.push(PathPart::Literal(Arc::from(text.as_str())));
                }
                TextPart::Interpolation(inner) => {
                    let value = self.expect(inner, &Type::Text, None);
                    out.push(PathPart::Value(value));
                }
            }
        }
        if !matches!(out.first(), Some(PathPart::Literal(text)) if text.starts_with('/')) {
            self.bad(
                span,
                "a path begins with `/`",
                "it is added to the connection's base address",
            );
        }
        out
    }

    /// A Kusto query, sent as `{ "Query": … }` as Microsoft Graph's hunting wants it: values become literals, texts in
    /// quotes with `\\`, `"` and line ends escaped (Kusto documentation, "The string data type").
    fn kql(&mut self, expr: &Ast) -> Expr {
        let ExprKind::Text(parts) = &expr.kind else {
            self.bad(
                expr.span,
                "a hunting query is a text such as \"AlertInfo | where AccountUpn == {user.principal}\"",
                "not a text",
            );
            return Expr::Const(Value::Absent);
        };
        let constant = |text: &str| Expr::Const(Value::text(text));
        let replaced = |value: Expr, from: &str, to: &str| {
            let parts = Expr::Call(Function::Split, vec![value, constant(from)]);
            Expr::Call(Function::Join, vec![parts, constant(to)])
        };
        let mut out = Vec::new();
        for part in parts {
            match part {
                TextPart::Literal(text) => out.push(constant(text)),
                TextPart::Interpolation(inner) => {
                    let checked = self.expr(inner, None);
                    match &checked.ty {
                        Type::Text => {
                            let mut value = replaced(checked.expr, "\\", "\\\\");
                            for (from, to) in [("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r")] {
                                value = replaced(value, from, to);
                            }
                            out.extend([constant("\""), value, constant("\"")]);
                        }
                        Type::Time => {
                            out.extend([constant("datetime("), checked.expr, constant(")")]);
                        }
                        Type::Int | Type::Number | Type::Bool | Type::Unknown => {
                            out.push(checked.expr);
                        }
                        other => {
                            let message = format!(
                                "{} cannot be part of a hunting query",
                                super::convert::article(other)
                            );
                            self.bad(
                                inner.span,
                                message,
                                "a text, a time, a number or a Bool can",
                            );
                        }
                    }
                }
            }
        }
        Expr::Text(out)
    }

    /// An OData filter: values become literals, texts quoted and their quotes doubled.
    fn filter(&mut self, expr: &Ast) -> Expr {
        let ExprKind::Text(parts) = &expr.kind else {
            self.bad(
                expr.span,
                "a filter is a text such as \"userId eq {user.id}\"",
                "not a text",
            );
            return Expr::Const(Value::Absent);
        };
        let mut out = Vec::new();
        for part in parts {
            match part {
                TextPart::Literal(text) => out.push(Expr::Const(Value::text(text))),
                TextPart::Interpolation(inner) => {
                    let checked = self.expr(inner, None);
                    match &checked.ty {
                        Type::Text => {
                            // 'O''Brien': a quote inside a literal is written twice (OData URL conventions §5.1.1.11.1).
                            let parts = Expr::Call(
                                Function::Split,
                                vec![checked.expr, Expr::Const(Value::text("'"))],
                            );
                            out.push(Expr::Const(Value::text("'")));
                            out.push(Expr::Call(
                                Function::Join,
                                vec![parts, Expr::Const(Value::text("''"))],
                            ));
                            out.push(Expr::Const(Value::text("'")));
                        }
                        Type::Time | Type::Int | Type::Number | Type::Bool | Type::Unknown => {
                            out.push(checked.expr)
                        }
                        other => {
                            let message = format!(
                                "{} cannot be part of a filter",
                                super::convert::article(other)
                            );
                            self.bad(
                                inner.span,
                                message,
                                "a text, a time, a number or a Bool can",
                            );
                        }
                    }
                }
            }
        }
        Expr::Text(out)
    }

    fn pairs(&mut self, expr: &Ast, same: fn(&str, &str) -> bool) -> Vec<(Arc<str>, Expr)> {
        match &expr.kind {
            ExprKind::Json(fields) => {
                self.keys_once(fields, same);
                fields
                    .iter()
                    .map(|(name, value)| {
                        (Arc::from(name.text.as_str()), self.expr(value, None).expr)
                    })
                    .collect()
            }
            _ => {
                self.bad(
                    expr.span,
                    "headers and query parameters are given as `{ name: value }`",
                    "not of this form",
                );
                Vec::new()
            }
        }
    }

    /// Reports keys that stand twice in one object.
    pub(super) fn keys_once(&mut self, fields: &[(Name, Ast)], same: fn(&str, &str) -> bool) {
        for (i, (name, _)) in fields.iter().enumerate() {
            let Some((first, _)) = fields
                .iter()
                .take(i)
                .find(|(n, _)| same(&n.text, &name.text))
            else {
                continue;
            };
            let (place, first) = (self.at(name.span), self.at(first.span));
            let diagnostic = Diagnostic::error(
                codes::DUPLICATE,
                format!("`{}` is given twice", name.text),
                place,
                "given again",
            )
            .also(first, "given first");
            self.report(diagnostic);
        }
    }

    /// Reports headers that would make another call of it than the one that is checked, and names that are none.
    fn header_names(&mut self, expr: &Ast) {
        let ExprKind::Json(fields) = &expr.kind else {
            return;
        };
        for (name, _) in fields {
            if !is_header_name(&name.text) {
                self.bad(
                    name.span,
                    "this is no name of a header",
                    "a name has letters, digits and `-`",
                );
            } else if let Some((_, why)) = NOT_OURS
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(&name.text))
            {
                self.bad(
                    name.span,
                    format!("a request does not set `{}`", name.text),
                    *why,
                );
            }
        }
    }

    fn mail(&mut self, connection: &Def, args: &[Arg], span: Span) -> Option<Request> {
        let recipient = Type::Record(Arc::from(super::types::RECIPIENT));
        let mut found: [Option<Expr>; 3] = [None, None, None];
        for arg in args {
            let at = match arg.name.as_ref().map(|n| n.text.as_str()) {
                Some("to") => 0,
                Some("subject") => 1,
                Some("body") => 2,
                _ => {
                    self.bad(
                        arg.value.span,
                        "a mail has `to`, `subject` and `body`",
                        "which of these is this?",
                    );
                    continue;
                }
            };
            let ty = if at == 0 {
                recipient.clone()
            } else {
                Type::Text
            };
            let value = self.expect(&arg.value, &ty, None);
            if let Some(slot) = found.get_mut(at) {
                *slot = Some(value);
            }
        }
        let [Some(to), Some(subject), Some(body)] = found else {
            self.bad(
                span,
                "a mail has `to`, `subject` and `body`",
                "one of these is missing",
            );
            return None;
        };
        if !matches!(&*connection.item, Item::Connection(d) if super::declare::property(d, "base").and_then(single).and_then(word) == Some("smtp"))
        {
            self.bad(
                span,
                "`send` needs a connection whose base is `smtp`",
                "this connection speaks HTTP",
            );
        }
        Some(Request::Mail {
            connection: Arc::from(connection.name.text.as_str()),
            to,
            subject,
            body,
        })
    }
}

/// Whether a text is a header's name: a token of RFC 9110 §5.6.2.
pub(super) fn is_header_name(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token)
}

/// Why a text cannot be part of a path as it stands: what an address's reader would rewrite (RFC 3986 §3.3,
/// §5.2.4, and what browsers and their kin make of backslashes and control characters).
fn not_in_a_path(text: &str) -> Option<&'static str> {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?#".contains(c));
    if text.contains(odd) {
        return Some("a path holds letters, digits and `-._~!$&'()*+,;=:@/`");
    }
    if text.contains("//") || text.split('/').any(|s| s == "." || s == "..") {
        return Some("a path has no empty segment, and none that is `.` or `..`");
    }
    None
}
