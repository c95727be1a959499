//! What a connection says a call can do, against what an action says it does.

use super::Checker;
use super::declare::{impact_named, property, single};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Def;
use crate::span::{Place, Span};
use crate::syntax::ast::{ExprKind, Item, Property, PropertyValue, TextPart};
use counterplay_machine::declare::{Impact, PathPart};
use counterplay_machine::expr::Expr;

/// A floor of a connection.
#[derive(Clone)]
struct Floor {
    impact: Option<Impact>,
    method: String,
    segments: Vec<String>,
    only: Vec<String>,
    span: Span,
}

impl Floor {
    /// Where a connection states it.
    fn place(&self, of: &Def) -> Place {
        Place {
            anchor: of.anchor.clone(),
            span: self.span,
        }
    }
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
        request: &Property,
    ) {
        let floors = floors(connection);
        let segments = segments(path);
        let body = Body::of(json);
        let own = verdict(&floors, method, &segments, &body);
        let place = self.at(request.span);
        // What other connections to the same service say of the same call.
        let elsewhere = self.elsewhere_floor(connection, method, &segments, &body);
        if !action {
            // A value in the path may reach one that writes, however certain the match with `reads` is.
            let writes = match own {
                Some(floor) => floor.impact.is_some(),
                None => method != "GET",
            };
            let told = if writes {
                Some((connection, own.filter(|f| f.impact.is_some())))
            } else {
                let other = elsewhere.as_ref().filter(|(_, f)| f.impact.is_some());
                other.map(|(c, f)| (c, Some(f)))
            };
            if let Some((of, floor)) = told {
                self.query_writes(of, floor, method, &segments, place);
            }
            return;
        }
        let declared = impact.unwrap_or(Impact::Destructive);
        let least = |floor: &Floor| floor.impact.unwrap_or(Impact::Notify);
        let other = elsewhere
            .as_ref()
            .filter(|(_, f)| own.is_none_or(|own| least(f) > least(own)));
        let (of, worst) = match (other, own) {
            (Some((of, floor)), _)
                if own.is_some() || method == "GET" || declared < least(floor) =>
            {
                (of, Some(floor))
            }
            _ => (connection, own),
        };
        match worst {
            Some(floor) => {
                let least = least(floor);
                if declared >= least {
                    return;
                }
                let mut diagnostic = Diagnostic::error(
                    codes::IMPACT_UNDERSTATED,
                    format!(
                        "this action says that it is {declared}, but the call that it makes is {least}"
                    ),
                    place,
                    format!("{method} {}", shown(&segments)),
                );
                if of.name.text == connection.name.text {
                    diagnostic =
                        diagnostic.also(floor.place(of), format!("the connection says: {least}"));
                } else {
                    diagnostic = diagnostic.also(
                        floor.place(of),
                        format!(
                            "`{}`, a connection to the same address, says: {least}",
                            of.name.text
                        ),
                    );
                    if let Some(own) = own {
                        diagnostic = diagnostic.also(
                            own.place(connection),
                            format!(
                                "this connection says less of the same call: {}",
                                own.impact.map_or("it reads".to_owned(), |i| i.to_string())
                            ),
                        );
                    }
                }
                let diagnostic = diagnostic
                    .because("the impact decides whether people are asked first; understated, the step would run without anybody's approval")
                    .help(format!("write `impact: {least}`"));
                self.report(diagnostic);
            }
            None if method != "GET" && declared < Impact::Destructive => {
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

    fn query_writes(
        &mut self,
        of: &Def,
        floor: Option<&Floor>,
        method: &str,
        segments: &[String],
        place: Place,
    ) {
        let diagnostic = Diagnostic::error(
            codes::QUERY_WRITES,
            if method == "GET" {
                "a query must not change anything, and this call does".to_owned()
            } else {
                format!("a query must not change anything, and {method} may")
            },
            place,
            "this request may write",
        );
        let diagnostic = match floor {
            Some(floor) => {
                let least = floor.impact.unwrap_or(Impact::Notify);
                diagnostic
                    .also(
                        floor.place(of),
                        format!("the connection `{}` says: {least}", of.name.text),
                    )
                    .help("declare it as an action")
            }
            None => diagnostic
                .also(
                    of.place(),
                    "no `reads:` line of this connection names the path",
                )
                .help(format!(
                    "if the path only reads, add `reads: {method} \"{}\"` to the connection",
                    shown(segments)
                )),
        };
        self.report(diagnostic);
    }

    /// The list that an event is read from must be one that may be read.
    pub(super) fn check_list_floor(&mut self, connection: &Def, path: &str, span: Span) {
        let segments: Vec<String> = pieces(path).map(str::to_owned).collect();
        let floors = floors(connection);
        let body = Body::of(None);
        let own = verdict(&floors, "GET", &segments, &body).filter(|f| f.impact.is_some());
        let place = self.at(span);
        if own.is_some() {
            return self.query_writes(connection, own, "GET", &segments, place);
        }
        let other = self.elsewhere_floor(connection, "GET", &segments, &body);
        if let Some((of, floor)) = other.filter(|(_, f)| f.impact.is_some()) {
            self.query_writes(&of, Some(&floor), "GET", &segments, place);
        }
    }

    /// The worst that other connections to the same service say of a call: a connection of one's own must not make
    /// a call look harmless that another one knows better. What the library's connections say stands.
    fn elsewhere_floor(
        &self,
        connection: &Def,
        method: &str,
        segments: &[String],
        body: &Body,
    ) -> Option<(Def, Floor)> {
        if connection.anchor.file.starts_with("std:") {
            return None;
        }
        let (host, before) = self.address(connection)?;
        let full: Vec<String> = before.iter().chain(segments).cloned().collect();
        let others = self.index.connections.values();
        let others = others.filter(|other| other.name.text != connection.name.text);
        let said = others.filter_map(|other| {
            let (its_host, its_before) = self.address(other)?;
            if its_host != host {
                return None;
            }
            let mut floors = floors(other);
            for floor in &mut floors {
                floor.segments.splice(0..0, its_before.iter().cloned());
            }
            let worst = verdict(&floors, method, &full, body)?.clone();
            Some((other.clone(), worst))
        });
        said.max_by_key(|(_, floor)| floor.impact)
    }

    /// Where a connection leads: the host, and the segments of the path before those of a call.
    fn address(&self, connection: &Def) -> Option<(String, Vec<String>)> {
        let Item::Connection(decl) = &*connection.item else {
            return None;
        };
        let set = self
            .deployment
            .and_then(|d| d.connections.get(&connection.name.text))
            .and_then(|c| c.base.as_deref());
        let declared = property(decl, "base").and_then(single);
        let declared = match declared.map(|e| &e.kind) {
            Some(ExprKind::Text(parts)) => match parts.as_slice() {
                [TextPart::Literal(text)] => Some(text.as_str()),
                _ => None,
            },
            Some(ExprKind::Raw(text)) => Some(text.as_str()),
            _ => None,
        };
        host_and_path(set.or(declared)?)
    }
}

/// An address → its host and the segments of its path, as far as they tell one service from another.
fn host_and_path(address: &str) -> Option<(String, Vec<String>)> {
    let lower = address.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://")?;
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(path_at);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.strip_suffix(default).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    Some((host.to_owned(), pieces(path).map(str::to_owned).collect()))
}

/// The segments of a path.
fn pieces(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|s| !s.is_empty())
}

/// What a call's body says of the fields that it changes.
struct Body {
    /// Its keys; `None` where they are not known before the run.
    keys: Option<Vec<String>>,
}

impl Body {
    fn of(json: Option<&Expr>) -> Body {
        let keys = match json {
            Some(Expr::Object(fields)) => Some(fields.iter().map(|(k, _)| k.to_string()).collect()),
            Some(_) => None,
            None => Some(Vec::new()),
        };
        Body { keys }
    }

    /// Whether it has fields, and only some of these.
    fn only(&self, fields: &[String]) -> bool {
        self.keys
            .as_ref()
            .is_some_and(|keys| !keys.is_empty() && keys.iter().all(|k| fields.contains(k)))
    }
}

/// What floors say of a call: the worst of those that it meets, for certain or because a value in its path may turn
/// out to be what they name.
fn verdict<'f>(
    floors: &'f [Floor],
    method: &str,
    segments: &[String],
    body: &Body,
) -> Option<&'f Floor> {
    let fits: Vec<(Fit, &Floor)> = floors
        .iter()
        .filter(|f| f.method == method && (f.only.is_empty() || body.only(&f.only)))
        .map(|f| (fit(&f.segments, segments), f))
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
    // A value in the path may reach a more harmful one than the certain match says.
    fits.iter()
        .filter(|(fit, f)| *fit == Fit::Maybe || certain.is_some_and(|c| std::ptr::eq(c, *f)))
        .map(|(_, f)| *f)
        .max_by_key(|f| f.impact)
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
                    segments: pieces(&text).map(str::to_owned).collect(),
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
