//! The queries that `check`, the editor and the service share; salsa asks again only what an edit touched.
//!
//! Architecture invariant: nothing that is asked of one playbook depends on the text of another. What files
//! say to each other goes through `exports`, which an edit inside of a playbook does not change.

use crate::check::Checker;
use crate::check::probe::{self, Captured};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::emitting;
use crate::ids;
use crate::index::{self, Exports, Index};
pub use crate::inputs::{FileItem, Project, SourceFile};
use crate::item::{self, CompiledItem, Part};
use crate::parameters;
use crate::project::{self, ProjectFile};
use crate::span::{Anchor, Place, Span};
use crate::syntax::ast::{ExprKind, Item, PlaybookLineKind};
use crate::syntax::lexical::{self, Lexeme};
use crate::syntax::{self, Parsed};
use crate::verify::acts::{Act, opposed};
use crate::{lints, near, titles};
use counterplay_machine::playbook::{NodeKind, Origin, Playbook};
use counterplay_machine::program::FORMAT;
use counterplay_machine::testcase::TestCase;
use counterplay_machine::types::RecordType;
use counterplay_machine::{Program, hash};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use salsa::{CancellationToken, Cancelled};

/// The database.
#[salsa::db]
pub trait Db: salsa::Database {}

/// The database of one process. A clone is a handle to the same data, to be asked from another thread; a
/// change waits until all clones are gone, and tells those that are at work to stop.
#[salsa::db]
#[derive(Clone, Default)]
pub struct Database {
    storage: salsa::Storage<Self>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {}

impl Database {
    /// What tells this handle's queries to stop.
    pub fn canceller(&self) -> CancellationToken {
        salsa::Database::cancellation_token(self)
    }

    /// Stops here when the data is about to change, or when this handle was told to stop: for long work
    /// between queries.
    pub fn stop_if_cancelled(&self) {
        salsa::Database::unwind_if_revision_cancelled(self);
    }

    /// A database that calls `watch` with the name of each query that it has to work out anew.
    pub fn watched(watch: impl Fn(&str) + Send + Sync + 'static) -> Database {
        let storage = salsa::Storage::new(Some(Box::new(move |event: salsa::Event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind {
                watch(&format!("{database_key:?}"));
            }
        })));
        Database { storage }
    }
}

/// A file's syntax tree.
#[salsa::tracked]
pub fn parse(db: &dyn Db, file: SourceFile) -> Parsed {
    syntax::parse(file.path(db), file.text(db))
}

/// The tokens of a file, for colours and for what words mean where they stand.
#[salsa::tracked]
pub fn lexemes(db: &dyn Db, file: SourceFile) -> Vec<Lexeme> {
    lexical::lexemes(file.path(db), file.text(db))
}

/// The items of a file, in its order.
#[salsa::tracked]
pub fn items<'db>(db: &'db dyn Db, file: SourceFile) -> Vec<FileItem<'db>> {
    let text = file.text(db);
    parse(db, file)
        .items
        .iter()
        .map(|item| {
            let start = item.offset as usize;
            let own = text.get(start..start + item.len as usize).unwrap_or("");
            FileItem::new(
                db,
                file,
                item.key.clone(),
                item.item.clone(),
                Arc::from(own),
                item.diagnostics.clone(),
            )
        })
        .collect()
}

/// What a file offers to others: its declarations, imports and the ids of its playbooks.
#[salsa::tracked]
pub fn exports(db: &dyn Db, file: SourceFile) -> Exports {
    index::exports(
        file.module(db),
        file.path(db),
        file.text(db),
        &parse(db, file).items,
    )
}

/// Whether a file's playbooks are part of the project: a shipped response that the project does not run may be
/// copied and changed under its own id.
pub fn is_part(db: &dyn Db, project: Project, file: SourceFile) -> bool {
    let shipped = file
        .path(db)
        .strip_prefix("std:/responses/")
        .and_then(|p| p.strip_suffix(".play"));
    match (shipped, &config(db, project).0) {
        (Some(id), Some(config)) => config.responses.iter().any(|r| r == id),
        _ => true,
    }
}

/// The names of a project.
#[salsa::tracked]
pub fn names(db: &dyn Db, project: Project) -> Index {
    let files: Vec<&Exports> = project
        .files(db)
        .iter()
        .filter(|file| is_part(db, project, **file))
        .map(|file| exports(db, *file))
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

/// A checker for an item of a file.
pub fn checker<'db>(
    db: &'db dyn Db,
    project: Project,
    file: SourceFile,
    key: &Arc<str>,
    text: Arc<str>,
) -> Checker<'db> {
    let anchor = Anchor {
        file: file.path(db).clone(),
        item: key.clone(),
    };
    let deployment = config(db, project).0.as_ref().map(|c| &c.deployment);
    let module = file.module(db).clone();
    let mut checker = Checker::new(names(db, project), deployment, module, anchor, text);
    checker.project_file = end_of_config(db, project);
    checker
}

/// Where the project file ends.
#[salsa::tracked(returns(clone))]
fn end_of_config(db: &dyn Db, project: Project) -> Option<Place> {
    let (path, text) = project.config(db).as_ref()?;
    Some(Place {
        anchor: Anchor {
            file: path.clone(),
            item: Arc::from(""),
        },
        span: Span::new(text.len(), text.len()),
    })
}

/// Checks and compiles one item.
#[salsa::tracked(no_eq)]
pub fn check_item<'db>(db: &'db dyn Db, project: Project, item: FileItem<'db>) -> CompiledItem {
    let (file, key) = (item.file(db), item.key(db));
    let checker = checker(db, project, *file, key, item.text(db).clone());
    let syntax = item.syntax(db);
    let mut compiled = item::compile(checker, item.item(db), syntax.is_empty(), &|| {
        environment(db, project)
    });
    // A condition that cannot be read may be the one that says that a value is there.
    if !syntax.is_empty() && has_broken_condition(item.item(db)) {
        let narrowed = |d: &Diagnostic| d.code == codes::MAY_BE_ABSENT;
        compiled.diagnostics.retain(|d| !narrowed(d));
    }
    // What cannot be read may hold what seems to be missing.
    compiled.diagnostics.retain(|d| {
        let within = |other: &Diagnostic| match (d.labels.first(), other.labels.first()) {
            (Some(d), Some(other)) => {
                let (d, other) = (d.place.span, other.place.span);
                d.start <= other.end && other.start <= d.end
            }
            _ => false,
        };
        d.code != codes::MISSING_ARGUMENT || !syntax.iter().any(within)
    });
    compiled
}

/// Whether a playbook's head has a line that cannot be read, or a condition that cannot.
fn has_broken_condition(item: &Item) -> bool {
    let Item::Playbook(playbook) = item else {
        return false;
    };
    playbook.lines.iter().any(|line| match &line.kind {
        PlaybookLineKind::Broken => true,
        PlaybookLineKind::If(condition) => matches!(condition.kind, ExprKind::Missing),
        _ => false,
    })
}

/// What may be written at a cursor: `text` is the file's text with [`probe::MARK`] in it.
pub fn probe(db: &dyn Db, project: Project, file: SourceFile, text: &str) -> Option<Captured> {
    let at = text.find(probe::MARK)? as u32;
    let parsed = syntax::parse(file.path(db), text);
    let item = parsed
        .items
        .iter()
        .rev()
        .find(|item| item.offset <= at && at <= item.offset + item.len)?;
    let start = item.offset as usize;
    let own = text.get(start..start + item.len as usize)?;
    let mut checker = checker(db, project, file, &item.key, Arc::from(own));
    checker.probing = true;
    item::compile(checker, &item.item, false, &|| environment(db, project)).captured
}

/// The findings of one file, all of them, one per mistake, at the levels that the project file gives them.
#[salsa::tracked(no_eq)]
pub fn file_findings(db: &dyn Db, project: Project, file: SourceFile) -> Vec<Diagnostic> {
    let mut found = parse(db, file).diagnostics.clone();
    let path = file.path(db);
    let of_names = names(db, project).diagnostics.iter().filter(|d| {
        d.labels
            .first()
            .is_some_and(|l| l.place.anchor.file == *path)
    });
    found.extend(of_names.cloned());
    for item in items(db, file) {
        found.extend(item.syntax(db).iter().cloned());
        let compiled = check_item(db, project, *item);
        found.extend(compiled.diagnostics.iter().cloned());
        if let (Part::Playbook(playbook), true) = (&compiled.part, is_part(db, project, file)) {
            found.extend(not_granted(db, project, playbook));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|d| seen.insert(d.clone()));
    // What grows too large is called by what grows too large as well.
    let mut grown = false;
    found.retain(|d| d.code != codes::TOO_LARGE || !std::mem::replace(&mut grown, true));
    if let Some(config) = &config(db, project).0 {
        lints::apply(&config.lints, &mut found);
    }
    found
}

/// The findings of the project as a whole: of the project file that need the playbooks, and of playbooks together.
#[salsa::tracked]
pub fn project_findings(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let mut found = emitting::check(db, project);
    let files = project.files(db).iter();
    let files = files.filter(|file| is_part(db, project, **file));
    let tests: Vec<TestCase> = files.flat_map(|file| tests(db, project, *file)).collect();
    found.extend(titles::check(&tests));
    let Some(file) = &config(db, project).0 else {
        return found;
    };
    found.extend(parameters::check(
        file,
        environment(db, project),
        names(db, project),
    ));
    found.extend(ids::check(file, &environment(db, project).guards, || {
        let files = project.files(db).iter();
        let files = files.filter(|file| is_part(db, project, **file));
        files
            .flat_map(|file| compiled(db, project, *file))
            .map(|(playbook, _)| playbook)
            .collect()
    }));
    let known = &names(db, project).connections;
    let unknown = file
        .connections
        .iter()
        .filter(|(name, _)| !known.contains_key(name));
    found.extend(unknown.map(|(name, place)| {
        let diagnostic = Diagnostic::warning(
            codes::NOT_IN_PROJECT,
            format!("this project has no connection `{name}`"),
            place.clone(),
            "sets nothing up",
        );
        let names = || known.keys().map(String::as_str);
        match near::best(name, names()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("there are {}", near::menu(names()))),
        }
    }));
    let known = &names(db, project).playbooks;
    let unknown = file
        .playbooks
        .iter()
        .filter(|(id, _)| !known.contains_key(id));
    found.extend(unknown
        .map(|(id, place)| {
            let diagnostic = Diagnostic::error(
                codes::NOT_IN_PROJECT,
                format!("this project has no playbook `{id}`"),
                place.clone(),
                "sets nothing",
            )
            .because("whoever wrote it believes that the playbook is paused or only simulated, and it is not");
            let ids = || known.keys().map(String::as_str);
            match near::best(id, ids()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("it has {}", near::menu(ids()))),
            }
        }));
    found
}

/// Everything of a program but its playbooks: connections, actions, queries, events and types.
#[salsa::tracked(no_eq)]
pub fn environment(db: &dyn Db, project: Project) -> Program {
    let mut program = Program {
        format: FORMAT,
        ..Program::default()
    };
    for item in project.files(db).iter().flat_map(|file| items(db, *file)) {
        // A key is enough to pass over a playbook or a test: looking into it would make every edit of it count here.
        if item.key(db).starts_with("playbook") || item.key(db).starts_with("test") {
            continue;
        }
        match check_item(db, project, *item).part.clone() {
            Part::Connection(connection) => {
                program
                    .connections
                    .insert(connection.name.clone(), connection);
            }
            Part::Callable(callable) => {
                program.callables.insert(callable.name.clone(), *callable);
            }
            Part::Event(event) => {
                // Events are records at run time.
                let fields = event
                    .fields
                    .iter()
                    .map(|f| (f.name.clone(), f.ty.clone()))
                    .chain(event.fetched.iter().map(|f| (f.name.clone(), f.ty.clone())))
                    .collect();
                let record = RecordType { fields };
                program.types.records.insert(event.name.clone(), record);
                program.events.insert(event.name.clone(), *event);
            }
            Part::Record(name, record) => {
                program.types.records.insert(name, record);
            }
            Part::Enum(name, members) => {
                program.types.enums.insert(name, members);
            }
            Part::Param(name, parameter) => {
                program.parameters.insert(name, parameter);
            }
            Part::Guard(guard) => program.guards.push(guard),
            Part::Playbook(_) | Part::Test(_) | Part::Nothing => {}
        }
    }
    program
}

/// The playbooks of a file, with places that count from the file's start.
pub fn playbooks(db: &dyn Db, project: Project, file: SourceFile) -> Vec<Playbook> {
    let of = |part: &Part| match part {
        Part::Playbook(playbook) => Some((**playbook).clone()),
        _ => None,
    };
    placed(db, project, file, of, |playbook| {
        let nodes = playbook.graph.node_weights_mut();
        nodes.map(|node| &mut node.origin).collect()
    })
}

/// The tests of a file, with places that count from the file's start.
pub fn tests(db: &dyn Db, project: Project, file: SourceFile) -> Vec<TestCase> {
    let of = |part: &Part| match part {
        Part::Test(case) => Some((**case).clone()),
        _ => None,
    };
    placed(db, project, file, of, |case| {
        let origins = case.expectations.iter_mut().map(|e| &mut e.origin);
        origins.chain([&mut case.origin]).collect()
    })
}

/// Some items of a file, with origins that count from the file's start instead of the item's.
fn placed<T>(
    db: &dyn Db,
    project: Project,
    file: SourceFile,
    of: impl Fn(&Part) -> Option<T>,
    origins: impl Fn(&mut T) -> Vec<&mut Origin>,
) -> Vec<T> {
    let starts: Vec<u32> = std::iter::once(0)
        .chain(file.text(db).match_indices('\n').map(|(i, _)| i as u32 + 1))
        .collect();
    let parsed = &parse(db, file).items;
    let items = items(db, file).iter().zip(parsed);
    items
        .filter_map(|(item, parsed)| {
            let mut one = of(&check_item(db, project, *item).part)?;
            for origin in origins(&mut one) {
                origin.start += parsed.offset;
                origin.end += parsed.offset;
                let start = origin.start;
                origin.line = starts.partition_point(|begin| *begin <= start) as u32;
            }
            Some(one)
        })
        .collect()
}

/// The playbooks of a file with whatever was found about each of them alone.
fn compiled(
    db: &dyn Db,
    project: Project,
    file: SourceFile,
) -> impl Iterator<Item = (&Playbook, &CompiledItem)> {
    items(db, file)
        .iter()
        .filter(|item| item.key(db).starts_with("playbook"))
        .filter_map(move |item| {
            let compiled = check_item(db, project, *item);
            match &compiled.part {
                Part::Playbook(playbook) => Some((&**playbook, compiled)),
                _ => None,
            }
        })
}

/// What playbooks of the project do and another one takes back, at the level that the project file gives it.
#[salsa::tracked(no_eq)]
pub fn oppositions(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db).iter();
    let each: BTreeMap<&str, (&Playbook, &[Act])> = files
        .filter(|file| is_part(db, project, **file))
        .flat_map(|file| compiled(db, project, *file))
        .map(|(playbook, item)| (&*playbook.id, (playbook, item.acts.as_slice())))
        .collect();
    let config = config(db, project).0.as_ref();
    let deployment = config.map(|c| &c.deployment);
    let mut found = opposed(environment(db, project), deployment, &each);
    if let Some(config) = config {
        lints::apply(&config.lints, &mut found);
    }
    found
}

/// The findings of each playbook of a file beyond syntax, before the project file gives them levels, by ids.
pub fn playbook_findings(
    db: &dyn Db,
    project: Project,
    file: SourceFile,
) -> Vec<(Arc<str>, Vec<Diagnostic>)> {
    compiled(db, project, file)
        .map(|(playbook, item)| (playbook.id.clone(), item.diagnostics.clone()))
        .collect()
}

/// Playbooks use only the connections that the project file sets up: one that is missing would be noticed
/// at its step, which may come after weeks of waiting.
fn not_granted(db: &dyn Db, project: Project, playbook: &Playbook) -> Vec<Diagnostic> {
    let Some(file) = &config(db, project).0 else {
        return Vec::new();
    };
    let (index, program) = (names(db, project), environment(db, project));
    let Some(place) = index.playbooks.get(&*playbook.id) else {
        return Vec::new();
    };
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
            && !file.deployment.connections.contains_key(connection)
            && !missing.iter().any(|(c, _)| *c == connection)
        {
            missing.push((connection, &callable.name));
        }
    }
    let id = &playbook.id;
    let said = missing.into_iter().map(|(connection, callable)| {
        let mut diagnostic = Diagnostic::error(
            codes::NOT_IN_PROJECT,
            format!("`{id}` calls `{callable}`, and counterplay.toml does not set up its connection `{connection}`"),
            place.clone(),
            format!("needs the connection `{connection}`"),
        )
        .because("the step would fail when the run comes to it, perhaps weeks after it started");
        if let Some(place) = end_of_config(db, project) {
            diagnostic = diagnostic.fix(
                format!("add a section [connections.{connection}] to counterplay.toml"),
                false,
                place,
                format!("\n[connections.{connection}]\n"),
            );
        }
        if let Some(def) = index.connections.get(connection) {
            diagnostic = diagnostic.also(def.place(), "declared here");
        }
        diagnostic
    });
    said.collect()
}
