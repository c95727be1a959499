//! The queries that `check`, the editor and the service share; salsa asks again only what an edit touched.

use crate::check::Checker;
use crate::check::declare::{duration_ms, property, single};
use crate::diagnostic::{Diagnostic, Severity};
use crate::index::{self, FileItems, Index};
pub use crate::inputs::{Project, SourceFile};
use crate::lower::{self, Lower};
use crate::project::{self, ProjectFile};
use crate::span::Anchor;
use crate::syntax::ast::{Declaration, ExprKind, Item, PropertyValue};
use crate::syntax::{self, Parsed};
use crate::verify;
use counterplay_machine::declare::{Callable, Connection, Event};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::playbook::{NodeKind, Playbook};
use counterplay_machine::program::FORMAT;
use counterplay_machine::types::Types;
use counterplay_machine::{Program, hash};
use std::sync::Arc;

/// The database.
#[salsa::db]
pub trait Db: salsa::Database {}

/// The database of one process.
#[salsa::db]
#[derive(Clone, Default)]
pub struct Database {
    storage: salsa::Storage<Self>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {}

/// A file's syntax tree.
#[salsa::tracked]
pub fn parse(db: &dyn Db, file: SourceFile) -> Parsed {
    syntax::parse(file.path(db), file.text(db))
}

/// The names of a project.
#[salsa::tracked]
pub fn names(db: &dyn Db, project: Project) -> Index {
    // A shipped response that the project does not run may be copied and changed under its own id.
    let responses = config(db, project).0.as_ref().map(|c| &c.responses);
    let files: Vec<FileItems<'_>> = project
        .files(db)
        .iter()
        .filter(|file| {
            let shipped = file
                .path(db)
                .strip_prefix("std:/responses/")
                .and_then(|p| p.strip_suffix(".play"));
            match (shipped, responses) {
                (Some(id), Some(enabled)) => enabled.iter().any(|r| r == id),
                _ => true,
            }
        })
        .map(|file| FileItems {
            module: file.module(db).clone(),
            file: file.path(db).clone(),
            text: file.text(db),
            items: &parse(db, *file).items,
        })
        .collect();
    index::build(&files)
}

/// The project file, read.
#[salsa::tracked]
pub fn config(db: &dyn Db, project: Project) -> (Option<ProjectFile>, Vec<Diagnostic>) {
    match project.config(db) {
        None => (None, Vec::new()),
        Some((path, text)) => {
            let (file, diagnostics) = project::read(path, text, project.shipped(db));
            // What could not be read must not make every team look unknown.
            let usable = !diagnostics
                .iter()
                .any(|d| d.message.contains("cannot be read"));
            (usable.then_some(file), diagnostics)
        }
    }
}

/// What a file compiles to.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
    /// Connections.
    pub connections: Vec<Connection>,
    /// Actions and queries.
    pub callables: Vec<Callable>,
    /// Events.
    pub events: Vec<Event>,
    /// Playbooks; to be used only where no error was found.
    pub playbooks: Vec<Playbook>,
    /// Types.
    pub types: Types,
}

/// Checks and compiles one file.
#[salsa::tracked(no_eq)]
pub fn compile_file(db: &dyn Db, project: Project, file: SourceFile) -> Compiled {
    let index = names(db, project);
    let deployment = config(db, project).0.as_ref().map(|c| &c.deployment);
    let parsed = parse(db, file);
    let text = file.text(db);
    let lines: Arc<[u32]> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(i, _)| i as u32 + 1))
        .collect();
    let mut out = Compiled::default();
    out.diagnostics.extend(parsed.diagnostics.iter().cloned());
    let path = file.path(db);
    out.diagnostics.extend(
        index
            .diagnostics
            .iter()
            .filter(|d| {
                d.labels
                    .first()
                    .is_some_and(|l| l.place.anchor.file == *path)
            })
            .cloned(),
    );
    for item in &parsed.items {
        out.diagnostics.extend(item.diagnostics.iter().cloned());
        let anchor = Anchor {
            file: path.clone(),
            item: item.key.clone(),
        };
        let start = item.offset as usize;
        let source = text.get(start..start + item.len as usize).unwrap_or("");
        let mut checker = Checker::new(
            index,
            deployment,
            file.module(db).clone(),
            anchor,
            Arc::from(source),
        );
        compile_item(&mut out, &mut checker, item, &lines);
        out.diagnostics.append(&mut checker.diagnostics);
    }
    out.diagnostics = tidy(std::mem::take(&mut out.diagnostics));
    out
}

fn compile_item(
    out: &mut Compiled,
    checker: &mut Checker<'_>,
    item: &syntax::ParsedItem,
    lines: &Arc<[u32]>,
) {
    let def = |name: &crate::span::Name, checker: &Checker<'_>| crate::index::Def {
        item: item.item.clone(),
        anchor: checker.anchor.clone(),
        name: name.clone(),
        module: checker.module.clone(),
        text: checker.text.clone(),
    };
    match &*item.item {
        Item::Use(_) | Item::Broken => {}
        Item::Type(decl) => {
            let name = Index::qualified(&checker.module, &decl.name.text);
            let mut fields: Vec<(Arc<str>, counterplay_machine::types::Type)> = Vec::new();
            for field in &decl.fields {
                let ty = checker.type_of(&field.ty);
                if let Some(first) = decl.fields.iter().find(|f| f.name.text == field.name.text)
                    && first.name.span != field.name.span
                {
                    let (place, before) =
                        (checker.at(field.name.span), checker.at(first.name.span));
                    checker.report(
                        Diagnostic::error(
                            crate::codes::DUPLICATE,
                            format!("{} has two fields `{}`", decl.name.text, field.name.text),
                            place,
                            "the second",
                        )
                        .also(before, "the first"),
                    );
                    continue;
                }
                fields.push((Arc::from(field.name.text.as_str()), ty));
            }
            if checker.holds_itself(&name) {
                let place = checker.at(decl.name.span);
                checker.report(
                    Diagnostic::error(
                        crate::codes::CYCLE,
                        format!(
                            "a {} would hold another {} without end",
                            decl.name.text, decl.name.text
                        ),
                        place,
                        "has itself as a field",
                    )
                    .help(format!(
                        "let the field be absent where it ends: `{}?`",
                        decl.name.text
                    )),
                );
            }
            out.types
                .records
                .insert(name, counterplay_machine::types::RecordType { fields });
        }
        Item::Enum(decl) => {
            let name = Index::qualified(&checker.module, &decl.name.text);
            for (i, member) in decl.members.iter().enumerate() {
                if let Some(first) = decl
                    .members
                    .iter()
                    .take(i)
                    .find(|m| m.name.text == member.name.text)
                {
                    let (place, before) =
                        (checker.at(member.name.span), checker.at(first.name.span));
                    checker.report(
                        Diagnostic::error(
                            crate::codes::DUPLICATE,
                            format!("{} has two members `{}`", decl.name.text, member.name.text),
                            place,
                            "the second",
                        )
                        .also(before, "the first"),
                    );
                }
            }
            enum_rules(checker, decl);
            if let Some(e) = checker.enumeration(&name) {
                out.types.enums.insert(name, e);
            }
        }
        Item::Connection(decl) => out.connections.push(checker.connection(decl)),
        Item::Action(decl) => {
            let def = def(&decl.name, checker);
            out.callables.push(checker.callable(&def, decl, true));
        }
        Item::Query(decl) => {
            let def = def(&decl.name, checker);
            out.callables.push(checker.callable(&def, decl, false));
        }
        Item::Event(decl) => {
            let def = def(&decl.name, checker);
            out.events.push(checker.event(&def, decl));
        }
        Item::Define(decl) => {
            let ty = checker.type_of(&decl.returns);
            checker.defaults(&decl.params);
            for param in &decl.params {
                let ty = checker.type_of(&param.ty);
                checker.bind(&param.name, &ty);
            }
            let name = Index::qualified(&checker.module, &decl.name.text);
            let place = checker.at(decl.name.span);
            checker.inlining.push((name, place));
            checker.with_queries(crate::check::Queries::Forbidden("in a definition"), |c| {
                c.expect(&decl.value, &ty, None)
            });
            checker.inlining.pop();
        }
        Item::Steps(decl) => {
            let def = def(&decl.name, checker);
            let fresh = fresh(checker);
            checker.diagnostics.extend(lower::steps(
                Lower::new(fresh, item.offset, lines.clone()),
                &def,
                decl,
            ));
        }
        Item::Playbook(written) => {
            let fresh = fresh(checker);
            let (mut playbook, facts, mut diagnostics) =
                lower::playbook(Lower::new(fresh, item.offset, lines.clone()), written);
            let errors = diagnostics.iter().any(|d| d.severity == Severity::Error)
                || !item.diagnostics.is_empty();
            if !errors {
                diagnostics.extend(verify::verify(&mut playbook, &facts, &|name| {
                    call_ms(checker.index, name)
                }));
            }
            checker.diagnostics.extend(diagnostics);
            out.playbooks.push(playbook);
        }
    }
}

/// What wire values need: they are matched without regard to case, and an unlisted one is the lowest.
fn enum_rules(checker: &mut Checker<'_>, decl: &syntax::ast::EnumDecl) {
    let wire = |m: &syntax::ast::EnumMember| {
        m.wire
            .clone()
            .unwrap_or_else(|| m.name.text.clone())
            .to_lowercase()
    };
    for (i, member) in decl.members.iter().enumerate() {
        if let Some(first) = decl
            .members
            .iter()
            .take(i)
            .find(|m| m.name.text != member.name.text && wire(m) == wire(member))
        {
            let (place, before) = (checker.at(member.name.span), checker.at(first.name.span));
            checker.report(
                Diagnostic::error(
                    crate::codes::DUPLICATE,
                    format!("`{}` and `{}` have the same value on the wire", first.name.text, member.name.text),
                    place,
                    "never met",
                )
                .also(before, "met first")
                .because("values on the wire are compared without regard to case: services disagree with themselves"),
            );
        }
    }
    let unknown = decl.members.iter().position(|m| m.name.text == "unknown");
    if let (true, Some(at @ 1..)) = (decl.ordered, unknown) {
        let place = checker.at(decl.members[at].name.span);
        checker.report(
            Diagnostic::error(
                crate::codes::BAD_PROPERTY,
                "in an ordered enum `unknown` comes first",
                place,
                "an unlisted value would count as more than others",
            )
            .because("a value that nobody has heard of must not pass for a high one"),
        );
    }
}

fn fresh<'a>(checker: &Checker<'a>) -> Checker<'a> {
    Checker::new(
        checker.index,
        checker.deployment,
        checker.module.clone(),
        checker.anchor.clone(),
        checker.text.clone(),
    )
}

/// The longest that a call may take: its repetitions, one time-out and its confirmation.
fn call_ms(index: &Index, name: &str) -> i64 {
    let def = index.declared(name);
    let (decl, query): (&Declaration, bool) = match def.map(|d| &*d.item) {
        Some(Item::Action(decl)) => (decl, false),
        Some(Item::Query(decl)) => (decl, true),
        _ => return 0,
    };
    let confirm = match property(decl, "confirm").map(|p| &p.value) {
        Some(PropertyValue::Confirm { within, .. }) => {
            within.as_ref().and_then(duration_ms).unwrap_or(120_000)
        }
        _ => 0,
    };
    let idempotent = query
        || matches!(
            property(decl, "idempotent")
                .and_then(single)
                .map(|e| &e.kind),
            Some(ExprKind::Bool(true))
        );
    let connection = property(decl, "request")
        .and_then(single)
        .and_then(|e| match &e.kind {
            ExprKind::Call { callee, .. } => match &callee.kind {
                ExprKind::Field { base, .. } => crate::check::declare::word(base),
                _ => None,
            },
            _ => None,
        })
        .and_then(|name| index.connections.get(name));
    let (retry, timeout) = match connection.map(|d| &*d.item) {
        Some(Item::Connection(decl)) => (
            match property(decl, "retry").map(|p| &p.value) {
                Some(PropertyValue::Retry { within, .. }) => duration_ms(within).unwrap_or(0),
                _ => 0,
            },
            property(decl, "timeout")
                .and_then(single)
                .and_then(duration_ms)
                .unwrap_or(30_000),
        ),
        _ => (0, 30_000),
    };
    confirm + timeout + if idempotent { retry } else { 0 }
}

/// One finding per mistake, in the order of the text.
fn tidy(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = std::collections::HashSet::new();
    diagnostics.retain(|d| seen.insert(d.clone()));
    diagnostics
}

/// How many findings of one file are shown.
pub const SHOWN_MAX: usize = 20;

/// The first findings of a file, and how many there are more: beyond a screenful nobody reads on.
fn shortened(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut shown: Vec<Diagnostic> = diagnostics.iter().take(SHOWN_MAX).cloned().collect();
    let hidden = &diagnostics[shown.len()..];
    if let Some(place) = hidden
        .first()
        .and_then(|d| d.labels.first())
        .map(|l| l.place.clone())
    {
        let mut more = Diagnostic::error(
            crate::codes::MORE,
            format!("there are {} more findings in this file", hidden.len()),
            place,
            "the next one is here",
        )
        .help("mend those above first; some of these may go with them");
        if !hidden.iter().any(|d| d.severity == Severity::Error) {
            more.severity = Severity::Warning;
        }
        shown.push(more);
    }
    shown
}

/// A whole project, compiled.
#[derive(Clone, Debug, Default)]
pub struct CompiledProject {
    /// The program; complete only where `diagnostics` holds no error.
    pub program: Program,
    /// The project file.
    pub file: Option<ProjectFile>,
    /// Findings of every file.
    pub diagnostics: Vec<Diagnostic>,
}

impl CompiledProject {
    /// Whether it may run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }
}

/// Compiles a project. Shipped responses are part of it only where the project file names them, or
/// where there is no project file.
pub fn compile(db: &dyn Db, project: Project) -> CompiledProject {
    let (file, mut diagnostics) = config(db, project).clone();
    let mut program = Program {
        format: FORMAT,
        ..Program::default()
    };
    for source in project.files(db) {
        let compiled = compile_file(db, project, *source);
        let shipped = source.path(db).starts_with("std:/");
        let left_out = |id: &str| {
            shipped
                && file
                    .as_ref()
                    .is_some_and(|f| !f.responses.iter().any(|r| r == id))
        };
        let response = source.path(db).starts_with("std:/responses/");
        if !(response && compiled.playbooks.iter().all(|p| left_out(&p.id))) {
            diagnostics.extend(shortened(&compiled.diagnostics));
        }
        for connection in &compiled.connections {
            program
                .connections
                .insert(connection.name.clone(), connection.clone());
        }
        for callable in &compiled.callables {
            program
                .callables
                .insert(callable.name.clone(), callable.clone());
        }
        for event in &compiled.events {
            program.events.insert(event.name.clone(), event.clone());
        }
        program.types.records.extend(compiled.types.records.clone());
        program.types.enums.extend(compiled.types.enums.clone());
        for playbook in &compiled.playbooks {
            if !left_out(&playbook.id) {
                program
                    .playbooks
                    .insert(playbook.id.clone(), playbook.clone());
            }
        }
    }
    // Events are records at run time.
    for event in program.events.values() {
        let fields = event
            .fields
            .iter()
            .map(|f| (f.name.clone(), f.ty.clone()))
            .chain(event.fetched.iter().map(|f| (f.name.clone(), f.ty.clone())))
            .collect();
        program.types.records.insert(
            event.name.clone(),
            counterplay_machine::types::RecordType { fields },
        );
    }
    let hashes: Vec<(Arc<str>, String)> = program
        .playbooks
        .iter()
        .map(|(id, playbook)| (id.clone(), hash::of(&program, playbook)))
        .collect();
    for (id, hash) in hashes {
        if let Some(playbook) = program.playbooks.get_mut(&id) {
            playbook.hash = hash;
        }
    }
    if let Some(file) = &file {
        for (id, place) in &file.playbooks {
            if program.playbooks.contains_key(id.as_str()) {
                continue;
            }
            let known: Vec<&str> = program.playbooks.keys().map(|k| &**k).collect();
            let mut diagnostic = Diagnostic::error(
                crate::codes::NOT_IN_PROJECT,
                format!("this project has no playbook `{id}`"),
                place.clone(),
                "sets nothing",
            )
            .because("whoever wrote it believes that the playbook is paused or only simulated, and it is not");
            diagnostic = match crate::near::best(id, known.iter().copied()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("it has {}", crate::near::menu(known))),
            };
            diagnostics.push(diagnostic);
        }
        diagnostics.extend(not_granted(names(db, project), &program, &file.deployment));
    }
    CompiledProject {
        program,
        file,
        diagnostics,
    }
}

/// Playbooks use only the connections that the project file sets up: one that is missing would be noticed
/// at its step, which may come after weeks of waiting.
fn not_granted(index: &Index, program: &Program, deployment: &Deployment) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (id, playbook) in &program.playbooks {
        let mut missing: Vec<(&str, &str)> = Vec::new();
        let used = hash::used(program, playbook);
        // What the playbook itself calls is named first; what undoing or confirming it needs comes after.
        let direct = playbook
            .graph
            .node_weights()
            .filter_map(|node| match &node.kind {
                NodeKind::Query { query, .. } => Some(query),
                NodeKind::Perform(perform) => Some(&perform.action),
                _ => None,
            });
        for callable in direct
            .chain(used.iter())
            .filter_map(|name| program.callables.get(name))
        {
            let connection = &**callable.request.connection();
            if !connection.is_empty()
                && !deployment.connections.contains_key(connection)
                && !missing.iter().any(|(c, _)| *c == connection)
            {
                missing.push((connection, &callable.name));
            }
        }
        let Some(place) = index.playbooks.get(&**id) else {
            continue;
        };
        for (connection, callable) in missing {
            let mut diagnostic = Diagnostic::error(
                crate::codes::NOT_IN_PROJECT,
                format!("`{id}` calls `{callable}`, and counterplay.toml does not set up its connection `{connection}`"),
                place.clone(),
                format!("needs the connection `{connection}`"),
            )
            .because("the step would fail when the run comes to it, perhaps weeks after it started")
            .help(format!("add a section [connections.{connection}] to counterplay.toml"));
            if let Some(def) = index.connections.get(connection) {
                diagnostic = diagnostic.also(def.place(), "declared here");
            }
            diagnostics.push(diagnostic);
        }
    }
    diagnostics
}
