//! What a connection says a call can do, against what an action says it does.

use super::Checker;
use super::declare::impact_named;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Def;
use crate::span::{Place, Span};
use crate::syntax::ast::{ExprKind, Item, Property, PropertyValue, TextPart};
use counterplay_machine::declare::{Impact, PathPart};
use counterplay_machine::expr::Expr;

/// A floor of a connection.
struct Floor {
    impact: Option<Impact>,
    method: String,
    segments: Vec<String>,
    only: Vec<String>,
    span: Span,
}

/// How a floor's path and a request's path meet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    /// A value in the request may turn out to be what the floor names.
    Maybe,
    Yes,
}

impl Checker<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn check_floor(
        &mut self,
        connection: &Def,
        method: &str,
        path: &[PathPart],
        json: Option<&Expr>,
        action: bool,
        impact: Option<Impact>,
        property: &Property,
    ) {
        let floors = floors(connection);
        let segments = segments(path);
        let keys: Option<Vec<String>> = match json {
            Some(Expr::Object(fields)) => Some(fields.iter().map(|(k, _)| k.to_string()).collect()),
            Some(_) => None,
            None => Some(Vec::new()),
        };
        let applies = |floor: &&Floor| {
            floor.method == method
                && (floor.only.is_empty()
                    || keys.as_ref().is_some_and(|keys| {
                        !keys.is_empty() && keys.iter().all(|k| floor.only.contains(k))
                    }))
        };
        let fits: Vec<(Fit, &Floor)> = floors
            .iter()
            .filter(applies)
            .map(|f| (fit(&f.segments, &segments), f))
            .filter(|(fit, _)| *fit > Fit::No)
            .collect();
        // The most specific of those that fit for certain: literal segments first, then narrowed bodies.
        let certain = fits
            .iter()
            .filter(|(fit, _)| *fit == Fit::Yes)
            .map(|(_, f)| *f)
            .max_by_key(|f| {
                (
                    f.segments.iter().filter(|s| *s != "*").count(),
                    !f.only.is_empty(),
                )
            });
        let place = self.at(property.span);
        if !action {
            if method != "GET" && certain.is_none_or(|f| f.impact.is_some()) {
                let diagnostic = Diagnostic::error(
                    codes::QUERY_WRITES,
                    format!("a query must not change anything, and {method} may"),
                    place,
                    "this request may write",
                )
                .also(
                    connection.place(),
                    "no `reads:` line of this connection names the path",
                )
                .help(format!(
                    "if the path only reads, add `reads: {method} \"{}\"` to the connection",
                    shown(&segments)
                ));
                self.report(diagnostic);
            }
            return;
        }
        if method == "GET" {
            return;
        }
        let declared = impact.unwrap_or(Impact::Destructive);
        // A value in the path may reach a more harmful one than the certain match says.
        let worst = fits
            .iter()
            .filter(|(fit, f)| *fit == Fit::Maybe || certain.is_some_and(|c| std::ptr::eq(c, *f)))
            .map(|(_, f)| *f)
            .max_by_key(|f| f.impact);
        match worst {
            Some(floor) => {
                let least = floor.impact.unwrap_or(Impact::Notify);
                if declared < least {
                    let floor_place = Place {
                        anchor: connection.anchor.clone(),
                        span: floor.span,
                    };
                    let diagnostic = Diagnostic::error(
                        codes::IMPACT_UNDERSTATED,
                        format!("this action says that it is {declared}, but the call that it makes is {least}"),
                        place,
                        format!("{method} {}", shown(&segments)),
                    )
                    .also(floor_place, format!("the connection says: {least}"))
                    .because("the impact decides whether people are asked first; understated, the step would run without anybody's approval")
                    .help(format!("write `impact: {least}`"));
                    self.report(diagnostic);
                }
            }
            None if declared < Impact::Destructive => {
                let diagnostic = Diagnostic::error(
                    codes::UNMENTIONED_WRITE,
                    format!("nothing says how much harm {method} {} can do, so that it counts as destructive", shown(&segments)),
                    place,
                    format!("declared as {declared}"),
                )
                .also(connection.place(), "no line of this connection names the path")
                .help(format!("state it in the connection: `{declared}: {method} \"{}\"`", shown(&segments)));
                self.report(diagnostic);
            }
            None => {}
        }
    }
}

fn floors(connection: &Def) -> Vec<Floor> {
    let Item::Connection(decl) = &*connection.item else {
        return Vec::new();
    };
    decl.properties
        .iter()
        .filter_map(|p| match &p.value {
            PropertyValue::Floor { method, path, only } => {
                let text = match &path.kind {
                    ExprKind::Text(parts) => parts
                        .iter()
                        .map(|part| match part {
                            TextPart::Literal(text) => text.as_str(),
                            TextPart::Interpolation(_) => "*",
                        })
                        .collect::<String>(),
                    ExprKind::Raw(text) => text.clone(),
                    _ => return None,
                };
                Some(Floor {
                    impact: impact_named(&p.key.text),
                    method: method.text.clone(),
                    segments: text
                        .split('/')
                        .filter(|s| !s.is_empty())
                        .map(str::to_owned)
                        .collect(),
                    only: only.iter().map(|n| n.text.clone()).collect(),
                    span: p.span,
                })
            }
            _ => None,
        })
        .collect()
}

/// The segments of a request's path; those that hold a value are `*`.
fn segments(path: &[PathPart]) -> Vec<String> {
    let mut text = String::new();
    for part in path {
        match part {
            PathPart::Literal(literal) => text.push_str(literal),
            PathPart::Value(_) => text.push('\u{0}'),
        }
    }
    text.split('/')
        .filter(|s| !s.is_empty())
        .map(|s| {
            if s.contains('\u{0}') {
                "*".to_owned()
            } else {
                s.to_owned()
            }
        })
        .collect()
}

fn shown(segments: &[String]) -> String {
    format!("/{}", segments.join("/"))
}

fn fit(floor: &[String], request: &[String]) -> Fit {
    if floor.len() != request.len() {
        return Fit::No;
    }
    floor
        .iter()
        .zip(request)
        .map(|(f, r)| match (f.as_str(), r.as_str()) {
            ("*", _) => Fit::Yes,
            (_, "*") => Fit::Maybe,
            (f, r) if f.eq_ignore_ascii_case(r) => Fit::Yes,
            _ => Fit::No,
        })
        .min()
        .unwrap_or(Fit::Yes)
}
