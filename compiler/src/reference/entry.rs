//! A declaration's tree in, what can be said of it out.

use super::example;
use super::prose::has_example;
use super::{Entry, Fact, Kind, Row, Text};
use crate::check::declare::{property, single};
use crate::syntax::ast::{
    Declaration, ExprKind, Fires, GuardDecl, Item, Param, Property, PropertyValue, TextPart,
};

/// What can be said of an item; nothing of imports, tests and playbooks.
pub fn of(text: Text<'_>, module: &str, item: &Item) -> Option<Entry> {
    let short = module.rsplit('.').next().unwrap_or(module);
    let name = item.name().map(|n| n.text.clone());
    let mut entry = Entry {
        kind: Kind::Type,
        called: match &name {
            // The prelude needs no import and no module before its names.
            Some(name) if module == crate::index::PRELUDE => name.clone(),
            Some(name) => format!("{short}.{name}"),
            None => String::new(),
        },
        name: name.unwrap_or_default(),
        doc: String::new(),
        signature: String::new(),
        rows: Vec::new(),
        facts: Vec::new(),
        example: None,
    };
    match item {
        Item::Type(decl) => {
            entry.doc = decl.doc.clone();
            entry.rows = decl
                .fields
                .iter()
                .map(|field| Row {
                    name: field.name.text.clone(),
                    ty: text.at(field.ty.span),
                    value: String::new(),
                    doc: field.doc.clone(),
                })
                .collect();
        }
        Item::Enum(decl) => {
            entry.kind = Kind::Enum;
            entry.doc = decl.doc.clone();
            if decl.ordered {
                entry.signature = "ordered, lowest first".into();
            }
            entry.rows = decl
                .members
                .iter()
                .map(|member| Row {
                    name: member.name.text.clone(),
                    ty: String::new(),
                    value: member.wire.clone().unwrap_or_default(),
                    doc: String::new(),
                })
                .collect();
        }
        Item::Event(decl) => {
            entry.kind = Kind::Event;
            declaration(text, decl, &mut entry);
            entry.example = Some(format!("when {} as found", entry.called));
        }
        Item::Action(decl) | Item::Query(decl) => {
            entry.kind = match item {
                Item::Action(_) => Kind::Action,
                _ => Kind::Query,
            };
            declaration(text, decl, &mut entry);
            let has_result = decl.returns.is_some();
            let line = example::call(entry.kind, &entry.called, &decl.params, has_result);
            entry.example = Some(line);
        }
        Item::Connection(decl) => {
            entry.kind = Kind::Connection;
            // Connections are known everywhere by their names.
            entry.called = entry.name.clone();
            declaration(text, decl, &mut entry);
        }
        Item::Steps(decl) => {
            entry.kind = Kind::Steps;
            entry.doc = decl.doc.clone();
            entry.rows = parameters(text, &decl.params);
            let returns = decl.returns.as_ref().map(|ty| text.at(ty.span));
            entry.signature = signature(text, &entry.called, &decl.params, returns.as_deref());
            let line = example::call(entry.kind, &entry.called, &decl.params, returns.is_some());
            entry.example = Some(line);
        }
        Item::Define(decl) => {
            entry.kind = Kind::Define;
            entry.doc = decl.doc.clone();
            entry.rows = parameters(text, &decl.params);
            let returns = text.at(decl.returns.span);
            entry.signature = signature(text, &entry.called, &decl.params, Some(&returns));
            entry.facts.push(fact("is", text.at(decl.value.span)));
            let line = example::call(entry.kind, &entry.called, &decl.params, true);
            entry.example = Some(line);
        }
        Item::Param(decl) => {
            entry.kind = Kind::Parameter;
            entry.called = entry.name.clone();
            entry.doc = decl.doc.clone();
            entry.signature = format!("{}: {}", entry.name, text.at(decl.ty.span));
            entry
                .facts
                .push(fact("default", text.at(decl.default.span)));
        }
        Item::Guard(decl) => guard(text, decl, &mut entry),
        Item::Use(_) | Item::Test(_) | Item::Playbook(_) | Item::Broken => return None,
    }
    if has_example(&entry.doc) {
        entry.example = None;
    }
    Some(entry)
}

fn guard(text: Text<'_>, decl: &GuardDecl, entry: &mut Entry) {
    entry.kind = Kind::Guard;
    entry.doc = decl.doc.clone();
    entry.name = literal(&decl.title.kind).unwrap_or_else(|| text.at(decl.title.span));
    entry.called = entry.name.clone();
    let lines = decl.lines.iter().map(|line| fact("", text.at(line.span)));
    entry.facts.extend(lines);
}

fn fact(about: &str, source: String) -> Fact {
    Fact {
        about: about.into(),
        source,
        note: String::new(),
    }
}

fn signature(text: Text<'_>, called: &str, params: &[Param], returns: Option<&str>) -> String {
    let params: Vec<String> = params
        .iter()
        .map(|param| {
            let on = if param.on { "on " } else { "" };
            let ty = text.at(param.ty.span);
            let default = match example::default(text, param.default.as_ref()) {
                default if default.is_empty() => default,
                default => format!(" = {default}"),
            };
            format!("{on}{}: {ty}{default}", param.name.text)
        })
        .collect();
    let returns = returns.map_or(String::new(), |ty| format!(" -> {ty}"));
    format!("{called}({}){returns}", params.join(", "))
}

fn parameters(text: Text<'_>, params: &[Param]) -> Vec<Row> {
    params
        .iter()
        .map(|param| Row {
            name: param.name.text.clone(),
            ty: text.at(param.ty.span),
            value: example::default(text, param.default.as_ref()),
            doc: String::new(),
        })
        .collect()
}

fn declaration(text: Text<'_>, decl: &Declaration, entry: &mut Entry) {
    entry.doc = decl.doc.clone();
    let calls = matches!(entry.kind, Kind::Action | Kind::Query);
    if calls {
        entry.rows = parameters(text, &decl.params);
        let returns = decl.returns.as_ref().map(|ty| text.at(ty.span));
        entry.signature = signature(text, &entry.called, &decl.params, returns.as_deref());
    }
    for line in &decl.properties {
        if let PropertyValue::Field {
            doc,
            name,
            ty,
            value,
        } = &line.value
        {
            let from = match line.key.text.as_str() {
                "fetched" => format!("asked once: {}", text.at(value.span)),
                _ => text.at(value.span),
            };
            entry.rows.push(Row {
                name: name.text.clone(),
                ty: text.at(ty.span),
                value: from,
                doc: doc.clone(),
            });
            continue;
        }
        entry.facts.extend(said(text, line));
    }
    if entry.kind == Kind::Action {
        entry.facts.push(Fact {
            about: "when an answer is lost".into(),
            source: String::new(),
            note: repeated(decl).into(),
        });
    }
}

/// What happens when it is not known whether a call was done.
fn repeated(decl: &Declaration) -> &'static str {
    let is = |key: &str, word: &str| {
        let kind = property(decl, key).and_then(single).map(|e| &e.kind);
        match kind {
            Some(ExprKind::Bool(value)) => word == if *value { "true" } else { "false" },
            Some(ExprKind::Name(name)) => name == word,
            _ => false,
        }
    };
    if property(decl, "check").is_some() {
        "the service is asked whether the call was carried out; where it cannot say, the run is held until a person has looked"
    } else if is("idempotent", "true") {
        "the call is made again; twice is as good as once"
    } else if is("impact", "notify") {
        "the message is sent again, marked as repeated"
    } else {
        "the run is held until a person has looked"
    }
}

/// What a property says to a reader.
fn said(text: Text<'_>, line: &Property) -> Option<Fact> {
    let key = line.key.text.as_str();
    let value = match &line.value {
        PropertyValue::Exprs(exprs) => {
            let all = exprs.iter().map(|e| match (key, literal(&e.kind)) {
                // Names of other systems are shown as those systems write them.
                ("permission" | "known_by" | "base", Some(name)) => name,
                _ => text.at(e.span),
            });
            all.collect::<Vec<_>>().join(", ")
        }
        PropertyValue::On {
            status,
            condition,
            then,
        } => {
            let condition = condition
                .as_ref()
                .map_or(String::new(), |c| format!(" where {}", text.at(c.span)));
            let about = format!("on {}{condition}", text.at(status.span));
            return Some(fact(&about, text.at(then.span)));
        }
        PropertyValue::Confirm { condition, within } => {
            return Some(Fact {
                about: "confirmed by".into(),
                source: text.at(condition.span),
                note: within
                    .as_ref()
                    .map_or(String::new(), |w| format!("within {}", text.at(w.span))),
            });
        }
        PropertyValue::Fires(fires) => match fires {
            Fires::When(when) => format!("when {}", text.at(when.span)),
            Fires::ChangesTo(subject, target) => format!(
                "when {} changes to {}",
                text.at(subject.span),
                text.at(target.span)
            ),
            Fires::OncePer(keys) => {
                let keys: Vec<String> = keys.iter().map(|k| text.at(k.span)).collect();
                format!("once per ({})", keys.join(", "))
            }
        },
        PropertyValue::Field { .. } | PropertyValue::Broken => return None,
        // Rates, repetitions and floors read best as they are written.
        _ => {
            let written = text.at(line.span);
            let value = written.split_once(':').map(|(_, v)| v.trim().to_owned());
            value.unwrap_or(written)
        }
    };
    let (about, note) = match (key, value.as_str()) {
        ("idempotent" | "finds", _) => return None,
        ("undo", why) if why.starts_with('"') => ("not undone", ""),
        ("undo", _) => ("undone by", ""),
        ("after", _) => ("comes after", "on the same entity"),
        ("accepted", _) => ("only accepted", ""),
        ("expect", _) => ("answers", ""),
        ("check", _) => ("found again by", "where its answer was lost"),
        (key, _) => (key, ""),
    };
    Some(Fact {
        about: about.into(),
        source: value,
        note: note.into(),
    })
}

/// A fixed text.
fn literal(kind: &ExprKind) -> Option<String> {
    let ExprKind::Text(parts) = kind else {
        return None;
    };
    let literal = |part: &TextPart| match part {
        TextPart::Literal(text) => Some(text.clone()),
        TextPart::Interpolation(_) => None,
    };
    parts.iter().map(literal).collect()
}
