//! A file in, its outline out; and a word in, the declarations of the project that it may mean.

use crate::snapshot::{Location, Snapshot, range_of};
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::index::Index;
use counterplay_compiler::span::{Name, Span};
use counterplay_compiler::syntax::ParsedItem;
use counterplay_compiler::syntax::ast::{Block, Expr, Item, PlaybookLineKind, PropertyValue};
use std::ops::Range;

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A playbook.
    Playbook,
    /// A stage of a playbook.
    Stage,
    /// A trigger of a playbook.
    Trigger,
    /// An action.
    Action,
    /// A query.
    Query,
    /// An event.
    Event,
    /// Steps under a name.
    Steps,
    /// A definition.
    Define,
    /// A record type.
    Type,
    /// An enum.
    Enum,
    /// A field.
    Field,
    /// A member of an enum.
    Member,
    /// A connection.
    Connection,
    /// A parameter that tenants set.
    Param,
    /// A guard.
    Guard,
    /// A test.
    Test,
}

/// A symbol of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// More about it, on one line.
    pub detail: String,
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub range: Range<usize>,
    /// What is selected when somebody goes there.
    pub selection: Range<usize>,
    /// What is in it.
    pub children: Vec<Symbol>,
}

/// The outline of a file.
pub fn symbols(snapshot: &Snapshot, file: SourceFile) -> Vec<Symbol> {
    let text = snapshot.text(file);
    let items = &db::parse(&snapshot.workspace.db, file).items;
    items
        .iter()
        .filter_map(|item| {
            symbol(
                item,
                text.get(range_of(item, Span::new(0, item.len as usize)))?,
            )
        })
        .collect()
}

fn symbol(item: &ParsedItem, text: &str) -> Option<Symbol> {
    // Guards and tests are known by what they say of themselves.
    let titled = match &*item.item {
        Item::Guard(decl) => Some(decl.title.span),
        Item::Test(decl) => Some(decl.title.span),
        _ => None,
    };
    let titled = titled.map(|span| Name {
        text: one_line(text.get(span.start as usize..span.end as usize))
            .trim_matches('"')
            .to_owned(),
        span,
    });
    let name = titled.as_ref().or_else(|| item.item.name())?;
    let source = |span: Span| one_line(text.get(span.start as usize..span.end as usize));
    let child = |name: &Name, kind: Kind, detail: String, span: Span| Symbol {
        name: name.text.clone(),
        detail,
        kind,
        range: range_of(item, span),
        selection: range_of(item, name.span),
        children: Vec::new(),
    };
    let mut detail = String::new();
    let mut children = Vec::new();
    let kind = match &*item.item {
        Item::Playbook(playbook) => {
            if let Some(title) = &playbook.title {
                detail = source(title.span).trim_matches('"').to_owned();
            }
            children = lines(item, &playbook.lines, &source);
            Kind::Playbook
        }
        Item::Type(decl) => {
            for field in &decl.fields {
                let span = field.name.span.to(field.ty.span);
                children.push(child(&field.name, Kind::Field, source(field.ty.span), span));
            }
            Kind::Type
        }
        Item::Enum(decl) => {
            for member in &decl.members {
                let wire = member.wire.clone().unwrap_or_default();
                children.push(child(&member.name, Kind::Member, wire, member.name.span));
            }
            Kind::Enum
        }
        Item::Event(decl) => {
            for property in &decl.properties {
                if let PropertyValue::Field { name, ty, .. } = &property.value {
                    children.push(child(name, Kind::Field, source(ty.span), property.span));
                }
            }
            Kind::Event
        }
        Item::Action(_) => Kind::Action,
        Item::Query(_) => Kind::Query,
        Item::Steps(_) => Kind::Steps,
        Item::Define(_) => Kind::Define,
        Item::Param(decl) => {
            detail = source(decl.ty.span);
            Kind::Param
        }
        Item::Guard(_) => Kind::Guard,
        Item::Test(_) => Kind::Test,
        Item::Connection(_) => Kind::Connection,
        Item::Use(_) | Item::Broken => return None,
    };
    let start = item.keyword.map_or(0, |keyword| keyword.start as usize);
    Some(Symbol {
        name: name.text.clone(),
        detail,
        kind,
        range: range_of(item, Span::new(start, item.len as usize)),
        selection: range_of(item, name.span),
        children,
    })
}

fn lines(
    item: &ParsedItem,
    lines: &[counterplay_compiler::syntax::ast::PlaybookLine],
    source: &dyn Fn(Span) -> String,
) -> Vec<Symbol> {
    let mut out = Vec::new();
    for line in lines {
        let stage = |body: Option<&Block>, also: Option<&Expr>| {
            let mut span = line.span;
            for more in [body.map(|b| b.span), also.map(|e| e.span)]
                .into_iter()
                .flatten()
            {
                span = span.to(more);
            }
            (Kind::Stage, span)
        };
        let (kind, span) = match &line.kind {
            PlaybookLineKind::When(_) => (Kind::Trigger, line.span),
            PlaybookLineKind::Then(body) | PlaybookLineKind::OnFailure(body) => {
                stage(Some(body), None)
            }
            PlaybookLineKind::Wait(time) | PlaybookLineKind::WaitTill(time) => {
                stage(None, Some(time))
            }
            PlaybookLineKind::Escalate { body, .. } => stage(Some(body), None),
            _ => continue,
        };
        out.push(Symbol {
            name: source(line.span),
            detail: String::new(),
            kind,
            range: range_of(item, span),
            selection: range_of(item, line.span),
            children: Vec::new(),
        });
    }
    out
}

fn one_line(text: Option<&str>) -> String {
    let words: Vec<&str> = text.unwrap_or("").split_whitespace().collect();
    words.join(" ")
}

/// How many symbols of a project are listed for one word.
const FOUND_MAX: usize = 200;

/// The declarations and playbooks of the project whose name holds the letters of a word in their order.
pub fn of_project(snapshot: &Snapshot, word: &str) -> Vec<(String, Kind, Location)> {
    let mut out = Vec::new();
    for file in snapshot.files() {
        snapshot.workspace.db.stop_if_cancelled();
        let module = file.module(&snapshot.workspace.db);
        for symbol in symbols(snapshot, file) {
            let name = match symbol.kind {
                Kind::Playbook | Kind::Connection => symbol.name.clone(),
                _ => Index::qualified(module, &symbol.name).to_string(),
            };
            if in_order(&name, word) {
                let at = Location {
                    path: snapshot.path(file).to_string(),
                    range: symbol.selection,
                };
                out.push((name, symbol.kind, at));
            }
            if out.len() >= FOUND_MAX {
                return out;
            }
        }
    }
    out
}

fn in_order(name: &str, word: &str) -> bool {
    let mut letters = name.chars().map(|c| c.to_ascii_lowercase());
    word.chars()
        .map(|c| c.to_ascii_lowercase())
        .all(|wanted| letters.any(|c| c == wanted))
}
