//! A declaration in, what people need to know of it out: its form, its harm, its permission, what it sends.

use super::folding::inner;
use crate::snapshot::Snapshot;
use counterplay_compiler::check::declare::{property, single, word};
use counterplay_compiler::db;
use counterplay_compiler::index::{Def, Index};
use counterplay_compiler::span::Span;
use counterplay_compiler::syntax::ast::{
    Arg, Declaration, Expr, ExprKind, Fires, Item, Param, Property, PropertyValue, Step, StepKind,
    TextPart,
};

/// How much harm an action can do, as one line for people.
pub fn impact_line(impact: &str) -> &'static str {
    match impact {
        "notify" => "**notify**: tells somebody something, changes nothing",
        "reversible" => "**reversible**: can be taken back, needs no approval",
        "disruptive" => {
            "**disruptive**: stops somebody from working until it is put right; a warning unless the playbook asks somebody before"
        }
        "destructive" => {
            "**destructive**: what it destroys cannot be brought back; the playbook is refused unless it asks somebody before"
        }
        _ => "",
    }
}

/// The impact that an action declares.
pub fn impact(def: &Def) -> Option<&str> {
    match &*def.item {
        Item::Action(decl) => property(decl, "impact").and_then(single).and_then(word),
        _ => None,
    }
}

/// The parameters of what can be called.
pub fn params(def: &Def) -> &[Param] {
    match &*def.item {
        Item::Action(d) | Item::Query(d) => &d.params,
        Item::Steps(d) => &d.params,
        Item::Define(d) => &d.params,
        _ => &[],
    }
}

/// The documentation of a declaration.
pub fn doc(def: &Def) -> &str {
    match &*def.item {
        Item::Type(d) => &d.doc,
        Item::Enum(d) => &d.doc,
        Item::Connection(d) | Item::Action(d) | Item::Query(d) | Item::Event(d) => &d.doc,
        Item::Steps(d) => &d.doc,
        Item::Define(d) => &d.doc,
        Item::Param(d) => &d.doc,
        Item::Guard(d) => &d.doc,
        Item::Test(d) => &d.doc,
        Item::Playbook(d) => &d.doc,
        Item::Use(_) | Item::Broken => "",
    }
}

/// The documentation of a field of a record or an event.
pub fn field_doc<'d>(def: &'d Def, name: &str) -> Option<&'d str> {
    let doc = match &*def.item {
        Item::Type(d) => {
            let field = d.fields.iter().find(|f| f.name.text == name);
            field.map(|f| f.doc.as_str())
        }
        Item::Event(d) => d.properties.iter().find_map(|p| match &p.value {
            PropertyValue::Field {
                name: field, doc, ..
            } if field.text == name => Some(doc.as_str()),
            _ => None,
        }),
        _ => None,
    };
    doc.filter(|doc| !doc.is_empty())
}

/// The source of a span of a declaration, on one line.
pub fn source(def: &Def, span: Span) -> String {
    let text = def.text.get(span.start as usize..span.end as usize);
    text.unwrap_or("")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A parameter as it is written.
pub fn param(def: &Def, param: &Param) -> String {
    let on = if param.on { "on " } else { "" };
    let default = match &param.default {
        Some(default) => format!(" = {}", source(def, default.span)),
        None => String::new(),
    };
    format!(
        "{on}{}: {}{default}",
        param.name.text,
        source(def, param.ty.span)
    )
}

/// The word that introduces a declaration.
pub fn keyword(def: &Def) -> &'static str {
    match &*def.item {
        Item::Type(_) => "type",
        Item::Enum(_) => "enum",
        Item::Connection(_) => "connection",
        Item::Action(_) => "action",
        Item::Query(_) => "query",
        Item::Event(_) => "event",
        Item::Steps(_) => "steps",
        Item::Define(_) => "define",
        Item::Param(_) => "param",
        Item::Guard(_) => "guard",
        Item::Test(_) => "test",
        Item::Playbook(_) => "playbook",
        Item::Use(_) => "use",
        Item::Broken => "",
    }
}

/// The name as others write it.
pub fn full_name(def: &Def) -> String {
    match &*def.item {
        Item::Connection(_) => def.name.text.clone(),
        _ => Index::qualified(&def.module, &def.name.text).to_string(),
    }
}

/// The first line of a declaration: `action entra.block_sign_in(user: User)`.
pub fn head(def: &Def) -> String {
    let name = full_name(def);
    let callable = matches!(
        &*def.item,
        Item::Action(_) | Item::Query(_) | Item::Steps(_) | Item::Define(_)
    );
    let mut head = format!("{} {name}", keyword(def));
    if callable {
        let inside: Vec<String> = params(def).iter().map(|p| param(def, p)).collect();
        head.push_str(&format!("({})", inside.join(", ")));
    }
    let returns = match &*def.item {
        Item::Action(d) | Item::Query(d) => d.returns.as_ref(),
        Item::Steps(d) => d.returns.as_ref(),
        Item::Define(d) => Some(&d.returns),
        _ => None,
    };
    if let Item::Param(d) = &*def.item {
        let (ty, default) = (source(def, d.ty.span), source(def, d.default.span));
        head.push_str(&format!(": {ty} = {default}"));
    }
    if let Some(returns) = returns {
        head.push_str(&format!(" -> {}", source(def, returns.span)));
    }
    head
}

/// A declaration as a page of Markdown.
pub fn page(snapshot: &Snapshot, def: &Def) -> String {
    let mut out = format!("```play\n{}\n```\n", shape(def));
    let doc = doc(def);
    if !doc.is_empty() {
        out.push_str(&format!("\n{doc}\n"));
    }
    let facts = facts(snapshot, def);
    if !facts.is_empty() {
        out.push('\n');
        for fact in facts {
            out.push_str(&format!("- {fact}\n"));
        }
    }
    out
}

/// The head, and what is inside of types, enums and events.
fn shape(def: &Def) -> String {
    match &*def.item {
        Item::Type(decl) => {
            let fields = decl
                .fields
                .iter()
                .map(|f| format!("  {}: {}", f.name.text, source(def, f.ty.span)));
            block(head(def), fields)
        }
        Item::Enum(decl) => {
            let members: Vec<&str> = decl.members.iter().map(|m| m.name.text.as_str()).collect();
            let ordered = if decl.ordered { " ordered" } else { "" };
            format!("{}{ordered} {{ {} }}", head(def), members.join(", "))
        }
        Item::Event(decl) => {
            let fields = decl.properties.iter().filter_map(|p| match &p.value {
                PropertyValue::Field { name, ty, .. } => Some(format!(
                    "  {}: {}{}",
                    name.text,
                    source(def, ty.span),
                    if p.key.text == "fetched" {
                        "   // fetched when needed"
                    } else {
                        ""
                    }
                )),
                _ => None,
            });
            block(head(def), fields)
        }
        _ => head(def),
    }
}

fn block(head: String, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    format!("{head} {{\n{}\n}}", lines.join("\n"))
}

/// What matters of a declaration beside its form, a line each.
fn facts(snapshot: &Snapshot, def: &Def) -> Vec<String> {
    let mut out = Vec::new();
    match &*def.item {
        Item::Action(decl) => {
            let impact = impact(def).unwrap_or("destructive");
            out.push(format!("Impact: {}", impact_line(impact)));
            if impact != "notify" {
                out.push(match property(decl, "undo").and_then(single) {
                    Some(why) if matches!(why.kind, ExprKind::Text(_)) => {
                        let why = source(def, why.span);
                        format!("Undo: none; {}", why.trim_matches('"'))
                    }
                    Some(undo) => format!("Undo: `{}`", source(def, undo.span)),
                    None => "Undo: none; it cannot be taken back".into(),
                });
            }
            out.extend(permissions(def, decl));
            out.extend(sends(snapshot, def, decl).map(|call| format!("Sends: {call}")));
            if let Some(PropertyValue::Confirm { condition, within }) =
                property(decl, "confirm").map(|p| &p.value)
            {
                let within = within.as_ref().map_or("2m".into(), |w| source(def, w.span));
                out.push(format!(
                    "Counts as done when `{}`; looked at for up to {within}",
                    source(def, condition.span)
                ));
            }
            if let Some(check) = property(decl, "check").and_then(single) {
                out.push(format!(
                    "Found again by `{}` when its answer was lost",
                    source(def, check.span)
                ));
            }
            if let Some(PropertyValue::Exprs(after)) = property(decl, "after").map(|p| &p.value) {
                let names: Vec<String> = after
                    .iter()
                    .map(|e| format!("`{}`", source(def, e.span)))
                    .collect();
                out.push(format!(
                    "Comes after {}, where both act on one entity",
                    names.join(" and ")
                ));
            }
        }
        Item::Query(decl) => {
            out.push("Asks a live system; changes nothing".into());
            out.extend(permissions(def, decl));
            out.extend(sends(snapshot, def, decl).map(|call| format!("Sends: {call}")));
        }
        Item::Event(decl) => {
            if let Some(from) = property(decl, "source").and_then(single) {
                out.push(comes_from(def, from));
            }
            out.extend(decl.properties.iter().find_map(|p| fires(def, p)));
        }
        Item::Connection(decl) => {
            out.extend(
                base(snapshot, &def.name.text, def, decl).map(|base| format!("Base: `{base}`")),
            );
            for line in ["auth", "timeout", "batch"] {
                if let Some(value) = property(decl, line).and_then(single) {
                    let shown = match &value.kind {
                        ExprKind::Call { callee, .. } => source(def, callee.span),
                        _ => source(def, value.span),
                    };
                    out.push(format!("{}: `{shown}`", capital(line)));
                }
            }
            for line in ["rate", "retry"] {
                if let Some(property) = property(decl, line) {
                    let written = source(def, property.span);
                    let value = written.split_once(':').map_or("", |(_, v)| v.trim());
                    out.push(format!("{}: `{value}`", capital(line)));
                }
            }
        }
        Item::Steps(_) => {
            if let Some(impact) = worst_impact(snapshot, def) {
                out.push(format!("Impact, at most: {}", impact_line(impact)));
            }
            out.push("Its steps are put in place of the call".into());
        }
        _ => {}
    }
    out
}

/// Where an event comes from.
fn comes_from(def: &Def, from: &Expr) -> String {
    let ExprKind::Call { callee, args } = &from.kind else {
        return "Sent to us by somebody else's system".into();
    };
    let path = args.iter().find(|a| a.name.is_none());
    let every = args
        .iter()
        .find(|a| a.name.as_ref().is_some_and(|n| n.text == "every"));
    let shown = |arg: Option<&Arg>| {
        arg.map_or(String::new(), |a| {
            source(def, a.value.span).trim_matches('"').to_owned()
        })
    };
    let connection = match &callee.kind {
        ExprKind::Field { base, .. } => source(def, base.span),
        _ => source(def, callee.span),
    };
    format!(
        "Looked for every {} at `{}` of `{connection}`",
        shown(every),
        shown(path)
    )
}

/// The first sentence of a documentation, for one line.
pub fn summary(doc: &str) -> String {
    let line = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}

/// The most harm that any action inside of steps can do.
pub fn worst_impact(snapshot: &Snapshot, def: &Def) -> Option<&'static str> {
    let mut worst = None;
    let mut seen = Vec::new();
    harm(snapshot, def, &mut worst, &mut seen);
    worst.map(|i: usize| IMPACTS[i])
}

/// Impacts, the least harmful first.
const IMPACTS: &[&str] = &["notify", "reversible", "disruptive", "destructive"];

fn harm(snapshot: &Snapshot, def: &Def, worst: &mut Option<usize>, seen: &mut Vec<String>) {
    let name = full_name(def);
    if seen.contains(&name) {
        return;
    }
    seen.push(name);
    if let Some(own) = impact(def).and_then(|i| IMPACTS.iter().position(|known| *known == i)) {
        *worst = (*worst).max(Some(own));
    }
    let Item::Steps(decl) = &*def.item else {
        return;
    };
    let mut todo: Vec<&Step> = decl.body.steps.iter().collect();
    while let Some(step) = todo.pop() {
        todo.extend(inner(step).into_iter().flat_map(|block| &block.steps));
        let call = match &step.kind {
            StepKind::Do(expr) | StepKind::Attempt(expr) => expr,
            StepKind::Let { value, .. } => value,
            _ => continue,
        };
        let ExprKind::Call { callee, .. } = &call.kind else {
            continue;
        };
        let index = snapshot.index();
        let called = match &callee.kind {
            ExprKind::Name(name) => index.get(&def.module, name),
            ExprKind::Field { base, field, .. } => word(base)
                .and_then(|short| index.modules.get(&def.module)?.uses.get(short))
                .and_then(|full| index.get(full, &field.text)),
            _ => None,
        };
        if let Some(called) = called {
            harm(snapshot, called, worst, seen);
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn fires(def: &Def, property: &Property) -> Option<String> {
    let PropertyValue::Fires(fires) = &property.value else {
        return None;
    };
    Some(match fires {
        Fires::When(condition) => format!("Happens when `{}`", source(def, condition.span)),
        Fires::ChangesTo(what, to) => format!(
            "Happens when `{}` changes to `{}`; what is so already does not count",
            source(def, what.span),
            source(def, to.span)
        ),
        Fires::OncePer(keys) => {
            let keys: Vec<String> = keys.iter().map(|k| source(def, k.span)).collect();
            format!(
                "Happens once for each `{}`: again when one of them changes",
                keys.join("`, `")
            )
        }
    })
}

fn permissions(def: &Def, decl: &Declaration) -> Option<String> {
    let PropertyValue::Exprs(names) = &property(decl, "permission")?.value else {
        return None;
    };
    let names: Vec<String> = names
        .iter()
        .map(|e| format!("`{}`", source(def, e.span).trim_matches('"')))
        .collect();
    Some(format!("Permission: {}", names.join(", ")))
}

/// The call that an action or a query makes: method, address and body.
fn sends(snapshot: &Snapshot, def: &Def, decl: &Declaration) -> Option<String> {
    let request = property(decl, "request").and_then(single)?;
    let ExprKind::Call { callee, args } = &request.kind else {
        return None;
    };
    let ExprKind::Field {
        base: on, field, ..
    } = &callee.kind
    else {
        return None;
    };
    let connection = word(on)?;
    if field.text == "send" {
        return Some(format!("a mail through `{connection}`"));
    }
    let declared = snapshot.index().connections.get(connection)?;
    let Item::Connection(connection_decl) = &*declared.item else {
        return None;
    };
    let base = base(snapshot, connection, declared, connection_decl).unwrap_or_default();
    let path = args.iter().find(|a| a.name.is_none())?;
    let path = match &path.value.kind {
        ExprKind::Text(_) => source(def, path.value.span).trim_matches('"').to_owned(),
        _ => format!("{{{}}}", source(def, path.value.span)),
    };
    let mut out = format!("`{} {base}{path}`", field.text.to_uppercase());
    let named = |name: &str| -> Option<&Arg> {
        args.iter()
            .find(|a| a.name.as_ref().is_some_and(|n| n.text == name))
    };
    if let Some(body) = named("json") {
        out.push_str(&format!(" with `{}`", source(def, body.value.span)));
    }
    Some(out)
}

/// The address that a connection's calls begin with: the project's, else the declared one.
fn base(snapshot: &Snapshot, name: &str, def: &Def, decl: &Declaration) -> Option<String> {
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    let settings = db::config(database, project)
        .0
        .as_ref()
        .and_then(|file| file.deployment.connections.get(name));
    if let Some(base) = settings.and_then(|s| s.base.as_ref()) {
        return Some(base.trim_end_matches('/').to_owned());
    }
    let written = property(decl, "base").and_then(single)?;
    match &written.kind {
        ExprKind::Text(parts) => Some(literal(parts)),
        _ => match word(written) {
            Some("from_secret") => None,
            _ => Some(source(def, written.span)),
        },
    }
}

fn literal(parts: &[TextPart]) -> String {
    let literal = |part: &TextPart| match part {
        TextPart::Literal(text) => text.clone(),
        TextPart::Interpolation(Expr { .. }) => "{…}".into(),
    };
    parts.iter().map(literal).collect()
}
