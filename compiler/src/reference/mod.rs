//! The items of a project in, what can be said of each for its readers out: `///` comments, signatures and properties as
//! data, and a page of Markdown over them.

mod entry;
mod example;
mod markdown;
mod playbook;
mod prose;
mod slug;

use crate::db::{self, Db, Project, SourceFile};
use crate::span::Span;
use crate::syntax::ast::Item;
use std::sync::Arc;

pub use markdown::markdown;
pub use prose::leads_somewhere;
pub use slug::{CONTENTS, Slugs};

/// What can be said of the files of a project, or of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The title of the page.
    pub title: String,
    /// The modules that declare something, by name.
    pub modules: Vec<Module>,
    /// The playbooks, by id.
    pub playbooks: Vec<Playbook>,
}

/// A module.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The full path, `microsoft.entra`.
    pub name: Arc<str>,
    /// What it declares, by kind, as written within a kind.
    pub entries: Vec<Entry>,
}

/// The kinds of declarations, in the order of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A record type.
    Type,
    /// An enum.
    Enum,
    /// An event.
    Event,
    /// An action.
    Action,
    /// A query.
    Query,
    /// Steps under one name.
    Steps,
    /// A named expression.
    Define,
    /// A value that each tenant may set.
    Parameter,
    /// What no playbook may do.
    Guard,
    /// A way to reach a service.
    Connection,
}

impl Kind {
    /// One of the kind, as a heading's companion.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Enum => "enum",
            Kind::Event => "event",
            Kind::Action => "action",
            Kind::Query => "query",
            Kind::Steps => "steps",
            Kind::Define => "definition",
            Kind::Parameter => "parameter",
            Kind::Guard => "guard",
            Kind::Connection => "connection",
        }
    }

    /// Several of the kind.
    pub fn several(self) -> &'static str {
        match self {
            Kind::Type => "types",
            Kind::Enum => "enums",
            Kind::Event => "events",
            Kind::Action => "actions",
            Kind::Query => "queries",
            Kind::Steps => "steps",
            Kind::Define => "definitions",
            Kind::Parameter => "parameters",
            Kind::Guard => "guards",
            Kind::Connection => "connections",
        }
    }
}

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its name, or a guard's title.
    pub name: String,
    /// The name as playbooks write it, `entra.manager`.
    pub called: String,
    /// The `///` comment.
    pub doc: String,
    /// The declaration's head.
    pub signature: String,
    /// Parameters, fields or members.
    pub rows: Vec<Row>,
    /// What else is declared: a word and the source.
    pub facts: Vec<Fact>,
    /// A line that uses it; nothing where the comment has an example of its own.
    pub example: Option<String>,
}

/// A parameter, a field or a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name.
    pub name: String,
    /// The type; empty for members.
    pub ty: String,
    /// A default, where a field comes from, or a member's value on the wire.
    pub value: String,
    /// The `///` comment.
    pub doc: String,
}

/// Something that a declaration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about, `impact`.
    pub about: String,
    /// The source.
    pub source: String,
    /// Words after it.
    pub note: String,
}

/// A playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The `///` comment.
    pub doc: String,
    /// The lines before the stages.
    pub head: Vec<String>,
    /// The stages, each with the heads of its steps.
    pub stages: Vec<(String, Vec<String>)>,
}

/// The reference of a project: its own files and the shipped responses that it runs.
pub fn of_project(db: &dyn Db, project: Project) -> Reference {
    let name = db::config(db, project)
        .0
        .as_ref()
        .map(|file| file.deployment.project.clone());
    let title = match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("Reference of {name}"),
        None => "Reference".to_owned(),
    };
    let own = |file: &SourceFile| {
        let library = file.path(db).starts_with("std:/");
        if library {
            file.path(db).starts_with("std:/responses/") && db::is_part(db, project, *file)
        } else {
            true
        }
    };
    collect(db, project, title, &own)
}

/// The reference of the standard library.
pub fn of_library(db: &dyn Db, project: Project) -> Reference {
    let title = "The standard library".to_owned();
    collect(db, project, title, &|file| {
        file.path(db).starts_with("std:/")
    })
}

fn collect(
    db: &dyn Db,
    project: Project,
    title: String,
    wanted: &dyn Fn(&SourceFile) -> bool,
) -> Reference {
    let mut reference = Reference {
        title,
        modules: Vec::new(),
        playbooks: Vec::new(),
    };
    for file in project.files(db).iter().filter(|file| wanted(file)) {
        let module = file.module(db).clone();
        let mut entries = Vec::new();
        for item in db::items(db, *file) {
            let text = Text(item.text(db));
            match &**item.item(db) {
                Item::Playbook(written) => {
                    reference.playbooks.push(playbook::of(text, written));
                }
                other => entries.extend(entry::of(text, &module, other)),
            }
        }
        entries.sort_by_key(|entry| entry.kind);
        if !entries.is_empty() {
            reference.modules.push(Module {
                name: module,
                entries,
            });
        }
    }
    reference.modules.sort_by(|a, b| a.name.cmp(&b.name));
    reference.playbooks.sort_by(|a, b| a.id.cmp(&b.id));
    reference
}

/// The source of an item.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

impl Text<'_> {
    /// What stands at a place, in one line.
    fn at(self, span: Span) -> String {
        let text = self.0.get(span.start as usize..span.end as usize);
        let mut line = String::new();
        for part in text.unwrap_or("").lines().map(str::trim) {
            if part.is_empty() {
                continue;
            }
            if part.starts_with([')', ']']) {
                if line.ends_with(',') {
                    line.pop();
                }
            } else if !line.is_empty() && !line.ends_with(['(', '[']) {
                line.push(' ');
            }
            line.push_str(part);
        }
        line
    }
}
