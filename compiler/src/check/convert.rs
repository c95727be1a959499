//! A checked value and the type that its place wants in, the value as that type out, or a finding.

use super::Checker;
use super::types::RECIPIENT;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::{Place, Span};
use crate::syntax::ast;
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::types::Type;

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The compiled expression.
    pub expr: Expr,
    /// Its type.
    pub ty: Type,
}

impl Checked {
    /// What stands for something unreadable: it agrees with everything.
    pub fn unknown() -> Checked {
        Checked {
            expr: Expr::Const(Value::Absent),
            ty: Type::Unknown,
        }
    }
}

/// Why a place wants its type: what is said of it and where it is declared.
pub type Wanted = Option<(Place, String)>;

impl Checker<'_> {
    /// Checks an expression that has to be of a type.
    pub fn expect(&mut self, expr: &ast::Expr, ty: &Type, wanted: Wanted) -> Expr {
        let checked = self.expr(expr, Some(ty));
        self.coerce(checked, expr.span, ty, wanted)
    }

    /// Makes a checked value fit a type.
    pub fn coerce(&mut self, checked: Checked, span: Span, ty: &Type, wanted: Wanted) -> Expr {
        let Checked { expr, ty: found } = checked;
        if let Type::Record(name) = ty.present()
            && &**name == RECIPIENT
        {
            return self.recipient(Checked { expr, ty: found }, span);
        }
        match (&found, ty) {
            (Type::Unknown, _) | (_, Type::Unknown) => expr,
            (a, b) if a == b => expr,
            // A value that is there may stand where one may be absent.
            (Type::Optional(inner), Type::Optional(_)) if **inner == Type::Unknown => expr,
            (Type::Json, Type::Optional(inner)) if **inner == Type::Json => expr,
            (Type::Json, _) if !ty.is_secret() => Expr::Convert(Box::new(expr), ty.clone()),
            (Type::Optional(inner), Type::Optional(wanted_inner))
                if **inner == Type::Json && !wanted_inner.is_secret() =>
            {
                Expr::Convert(Box::new(expr), ty.clone())
            }
            (_, Type::Optional(inner)) if !found.is_optional() => {
                self.coerce(Checked { expr, ty: found }, span, inner, wanted)
            }
            (Type::Int, Type::Number) => expr,
            (Type::List(a), Type::List(b)) if **a == Type::Unknown || **b == Type::Unknown => expr,
            (Type::List(a), Type::List(b)) if **a == Type::Json && !b.is_secret() => {
                Expr::Convert(Box::new(expr), ty.clone())
            }
            // Anything but a secret may become JSON.
            (other, Type::Json) => {
                if self.holds_secret(other) {
                    self.secret_exposed(span, "becomes part of a JSON value");
                }
                expr
            }
            (Type::Optional(inner), _) if **inner == *ty => {
                self.may_be_absent(span, &found, wanted);
                expr
            }
            (Type::Secret(inner), _) if **inner == *ty => {
                self.secret_exposed(span, "would be readable there");
                expr
            }
            _ => {
                self.mismatch(span, &found, ty, wanted);
                expr
            }
        }
    }

    fn mismatch(&mut self, span: Span, found: &Type, wanted_ty: &Type, wanted: Wanted) {
        let place = self.at(span);
        let written = self.source(span);
        let (message, label) = match self.quoted_member(found, wanted_ty, &written) {
            Some(told) => told,
            None => (
                format!("expected {}, found {}", article(wanted_ty), article(found)),
                format!("this is {}", article(found)),
            ),
        };
        let mut diagnostic = Diagnostic::error(codes::TYPE_MISMATCH, message, place.clone(), label);
        if let Some((declared, text)) = wanted {
            diagnostic = diagnostic.also(declared, text);
        }
        // The commonest slips have a mechanical way out.
        match (found, wanted_ty.present()) {
            (Type::Optional(_), Type::Bool) => {
                diagnostic = diagnostic
                    .help("whether a value is there is asked with `is present` and `is absent`");
            }
            (Type::Text, Type::Duration) if is_quoted_duration(&written) => {
                let bare = written.trim_matches('"').to_owned();
                diagnostic =
                    diagnostic.fix(format!("write `{bare}` without quotes"), true, place, bare);
            }
            (Type::Int, Type::Duration) => {
                diagnostic = diagnostic.help(format!(
                    "give it a unit: `{written}s`, `{written}m`, `{written}h` or `{written}d`"
                ));
            }
            (Type::Text, Type::Enum(name)) => {
                let bare = written.trim_matches('"').to_owned();
                if self
                    .enumeration(name)
                    .is_some_and(|e| e.members.iter().any(|(m, _)| **m == *bare))
                {
                    diagnostic =
                        diagnostic.fix(format!("write `{bare}` without quotes"), true, place, bare);
                }
            }
            (Type::Int | Type::Number | Type::Bool | Type::Duration | Type::Time, Type::Text) => {
                diagnostic = diagnostic.fix(
                    format!("put it into a text: `\"{{{written}}}\"`"),
                    false,
                    place,
                    format!("\"{{{written}}}\""),
                );
            }
            (Type::Record(_), Type::Text) => {
                diagnostic = diagnostic.help(format!(
                    "name the field that you mean, for instance `{written}.name`"
                ));
            }
            (Type::Record(_), Type::List(_)) => {
                diagnostic = diagnostic.fix(
                    format!("make it a list of one: `[{written}]`"),
                    false,
                    place,
                    format!("[{written}]"),
                );
            }
            _ => {}
        }
        self.report(diagnostic);
    }

    /// What is said of a text where one of an enum's words is wanted: quotes are the commonest slip.
    fn quoted_member(
        &self,
        found: &Type,
        wanted: &Type,
        written: &str,
    ) -> Option<(String, String)> {
        let (Type::Text, Type::Enum(name)) = (found, wanted.present()) else {
            return None;
        };
        let members = self.enumeration(name)?.members;
        let words = || members.iter().map(|(m, _)| &**m);
        let label = format!(
            "{} is {}",
            article(wanted.present()),
            crate::near::menu(words()).replace(" and ", " or ")
        );
        let bare = written.trim_matches('"');
        let message = if words().any(|word| word == bare) {
            format!("{written} stands in quotes, so that it is a text")
        } else {
            format!(
                "{written} is a text, and {} is written without quotes",
                article(wanted.present())
            )
        };
        Some((message, label))
    }

    /// Reports a value that may be absent.
    pub fn may_be_absent(&mut self, span: Span, ty: &Type, wanted: Wanted) {
        let place = self.at(span);
        let written = self.source(span);
        let mut diagnostic = Diagnostic::error(
            codes::MAY_BE_ABSENT,
            format!("`{written}` may be absent"),
            place,
            format!("this is {}", article(ty)),
        );
        if let Some((declared, text)) = wanted {
            diagnostic = diagnostic.also(declared, text);
        }
        diagnostic = diagnostic.because(
            "if it is absent when the playbook runs, the step would have nothing to act on or to say",
        );
        // Another person or device in its place would be acted on.
        let entity = self.is_entity(ty);
        let other = if entity {
            "in `else`, say who should hear of it".to_owned()
        } else {
            format!("or give a value for the other case: `{written} ?? …`")
        };
        let one_word = written
            .chars()
            .all(|c| c.is_alphanumeric() || "._".contains(c));
        if let Some(step) = self.statement.filter(|_| one_word && !self.silent) {
            let at = |byte| {
                self.at(Span {
                    start: byte,
                    end: byte,
                })
            };
            let indent = " ".repeat(self.column(step.start));
            diagnostic.fixes.push(crate::diagnostic::Fix {
                title: format!("put it inside `if {written} is present {{ … }}`"),
                safe: false,
                edits: vec![
                    (
                        at(step.start),
                        format!("if {written} is present {{\n{indent}  "),
                    ),
                    (at(step.end), format!("\n{indent}}}")),
                ],
            });
            diagnostic = diagnostic.help(other);
        } else {
            let comma = if entity { "; " } else { ", " };
            diagnostic = diagnostic.help(format!(
                "use it inside `if {written} is present {{ … }}`{comma}{other}"
            ));
        }
        self.report(diagnostic);
    }

    /// Reports a secret that would become visible.
    pub fn secret_exposed(&mut self, span: Span, how: &str) {
        let place = self.at(span);
        let diagnostic = Diagnostic::error(
            codes::SECRET_EXPOSED,
            "a secret must not become visible",
            place,
            format!("this is a secret, and it {how}"),
        )
        .because("texts, tickets, messages and journals are read by people and kept; only a parameter declared `Secret` takes a secret");
        self.report(diagnostic);
    }

    /// A person, a team or an address as addresses.
    fn recipient(&mut self, checked: Checked, span: Span) -> Expr {
        match &checked.ty {
            Type::Unknown | Type::Text => checked.expr,
            Type::List(inner) if **inner == Type::Text => checked.expr,
            Type::Record(name) if &**name == RECIPIENT => checked.expr,
            Type::Record(name) if &**name == "User" => checked.expr.field("email"),
            Type::Record(name) if &**name == "Team" => Expr::Coalesce(
                Box::new(checked.expr.clone().field("email")),
                Box::new(checked.expr.field("members")),
            ),
            Type::Json => Expr::Convert(Box::new(checked.expr), Type::Text),
            Type::Optional(_) => {
                self.may_be_absent(span, &checked.ty, None);
                checked.expr
            }
            other => {
                let place = self.at(span);
                let diagnostic = Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    format!("a message cannot be sent to {}", article(other)),
                    place,
                    format!("this is {}", article(other)),
                )
                .help("send it to a User, a team such as `team.soc`, or an address such as \"soc@example.org\"");
                self.report(diagnostic);
                checked.expr
            }
        }
    }
}

/// A type with its article, as people say it.
pub fn article(ty: &Type) -> String {
    match ty {
        Type::Optional(inner) => format!("{} that may be absent (`{ty}`)", article(inner)),
        Type::List(inner) => format!("a list of {inner}"),
        Type::Nothing => "no value".into(),
        Type::Event(names) => format!("the event {}", names.join(" or ")),
        Type::Bool => "true or false (Bool)".into(),
        other => {
            let name = other.to_string();
            let vowel = name.starts_with(['A', 'E', 'I', 'O'])
                || name.starts_with("Us") && !name.starts_with("User");
            format!("{} {name}", if vowel { "an" } else { "a" })
        }
    }
}

/// Whether a text holds a duration and nothing else.
fn is_quoted_duration(written: &str) -> bool {
    let inside = written.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
    let inside = inside.unwrap_or("");
    let unit = inside.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < inside.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d")
}
