//! A cursor in, what may be written there out; works in lines that cannot be read yet.
//!
//! The cursor is marked in a copy of the text and that one item is checked: where the checker meets the mark it
//! knows which names are visible and what is expected. Where the line cannot be read with the mark in it, what
//! stands behind the cursor is left out and open brackets are closed.

mod calls;
mod context;
mod imports;
mod keywords;
mod named;
mod project;
mod values;

use super::describe;
use crate::snapshot::Snapshot;
use context::{BlockKind, Context};
use counterplay_compiler::check::probe::{Captured, MARK, Spot};
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::index::Def;
use counterplay_compiler::syntax::cursor::{self, Inside};
use std::ops::Range;
use std::sync::Arc;

pub use imports::import_edit;

/// What a suggestion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word of the language, or a line that begins with one.
    Keyword,
    /// An action.
    Action,
    /// A query.
    Query,
    /// Steps, a definition or a function.
    Function,
    /// An event.
    Event,
    /// A field, or the name of an argument.
    Field,
    /// A name of the playbook.
    Variable,
    /// A member of an enum.
    Member,
    /// A type.
    Type,
    /// A module.
    Module,
    /// A team, a tenant or a group of the project.
    Project,
}

/// A suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What is shown in the list.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Its type or form, on one line.
    pub detail: String,
    /// More about it, in Markdown.
    pub doc: String,
    /// The declaration that it is: more about it is found when somebody looks, see [`resolve`].
    pub declared: Option<(Arc<str>, String)>,
    /// What is written, with `${1:places}` to fill in.
    pub insert: String,
    /// How it is ranked: the lower, the earlier; equal ones by their label.
    pub rank: u8,
    /// What has to be written elsewhere as well: an import, or a comma before a clause.
    pub also: Option<(Range<usize>, String)>,
}

impl Suggestion {
    fn new(label: impl Into<String>, kind: Kind, rank: u8) -> Suggestion {
        let label = label.into();
        Suggestion {
            insert: escape(&label),
            label,
            kind,
            detail: String::new(),
            doc: String::new(),
            declared: None,
            rank,
            also: None,
        }
    }

    fn detail(mut self, detail: impl Into<String>) -> Suggestion {
        self.detail = detail.into();
        self
    }

    fn doc(mut self, doc: impl Into<String>) -> Suggestion {
        self.doc = doc.into();
        self
    }

    fn of(mut self, def: &Def) -> Suggestion {
        self.declared = Some((def.module.clone(), def.name.text.clone()));
        self
    }

    fn insert(mut self, snippet: impl Into<String>) -> Suggestion {
        self.insert = snippet.into();
        self
    }
}

/// What may be written at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// What is replaced: the word that was begun.
    pub replaces: Range<usize>,
    /// The suggestions, best first.
    pub items: Vec<Suggestion>,
}

/// How many suggestions are made at most.
const ITEMS_MAX: usize = 400;

/// What may be written at a byte of a file.
pub fn completion(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Completion {
    let text = snapshot.text(file);
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let (before, after) = text.split_at(offset);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(word).len();
    let mut out = Completion {
        replaces: start..offset,
        items: Vec::new(),
    };
    let plain = format!("{before}{MARK}{after}");
    let Some(at) = cursor::find(snapshot.path(file), &plain, MARK) else {
        return out;
    };
    if at.inside == Inside::Comment {
        return out;
    }
    let context = Context::new(&at, before, after, start);
    let captured = capture(snapshot, file, &context, before, after);
    let mut find = Find {
        snapshot,
        file,
        context: &context,
        captured: captured.as_ref(),
        items: Vec::new(),
    };
    find.all(at.inside);
    out.items = find.items;
    if let Some(Captured {
        spot: Spot::Tenant | Spot::Group | Spot::Webhook,
        ..
    }) = captured
    {
        out.replaces.start = before.rfind('"').map_or(start, |quote| quote + 1);
    }
    out.items
        .sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
    out.items
        .dedup_by(|b, a| a.label == b.label && a.kind == b.kind);
    out.items.truncate(ITEMS_MAX);
    out
}

/// Asks the checker what it knows at the cursor; one form of the line after the other, until one can be read.
fn capture(
    snapshot: &Snapshot,
    file: SourceFile,
    context: &Context,
    before: &str,
    after: &str,
) -> Option<Captured> {
    if context.after_operand {
        return None;
    }
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    let try_with = |here: &str, rest: &str| {
        let text = format!("{before}{MARK}{here}{rest}");
        db::probe(database, project, file, &text)
    };
    let cut = after.find('\n').unwrap_or(after.len());
    let (line, below) = after.split_at(cut);
    let block = if line.trim_end().ends_with('{') {
        " {"
    } else {
        ""
    };
    let closed = format!("{}{block}", context.closers);
    match context.block {
        BlockKind::Arms | BlockKind::Cases if context.before.is_empty() => {
            try_with(" { }", after).or_else(|| try_with(" { }", below))
        }
        BlockKind::Properties if context.before.is_empty() => {
            try_with(": true", after).or_else(|| try_with(": true", below))
        }
        _ => try_with("", after)
            .or_else(|| try_with(&closed, below))
            .or_else(|| try_with(&format!("{} {{ }}", context.closers), below))
            .or_else(|| try_with(&format!("() {closed}"), below)),
    }
}

/// Finds suggestions.
struct Find<'a> {
    snapshot: &'a Snapshot,
    file: SourceFile,
    context: &'a Context,
    captured: Option<&'a Captured>,
    items: Vec<Suggestion>,
}

impl Find<'_> {
    fn all(&mut self, inside: Inside) {
        if inside != Inside::Text && self.named() {
            return;
        }
        if let Some(captured) = self.captured {
            self.captured(captured);
            if self.context.may_have_clause() {
                self.clauses();
            }
            return;
        }
        if inside == Inside::Text {
            return;
        }
        self.keywords();
    }

    fn captured(&mut self, captured: &Captured) {
        match &captured.spot {
            Spot::Value(expected) => {
                if self.context.is_step() {
                    self.steps();
                } else if matches!(self.context.before.as_slice(), [only] if only == "attempt") {
                    self.keywords();
                } else {
                    self.arguments(captured);
                    self.values(captured, expected.as_ref());
                }
            }
            Spot::Field(ty) => self.fields(ty),
            Spot::Declared(module) => self.of_module(module, false),
            Spot::NotImported(short) => self.not_imported(short),
            Spot::Team => self.teams(""),
            Spot::Fact(root) => self.facts(root),
            Spot::Member(name) => self.members(name, 0),
            Spot::TypeName(module) => self.types(module.as_deref()),
            Spot::Event(module) => self.events(module.as_deref()),
            Spot::Tenant => self.tenants(),
            Spot::Group => self.groups(),
            Spot::Webhook => self.webhooks(),
            Spot::Arm(arms) => self.arms(arms),
            Spot::Case(cases) => self.cases(cases),
            Spot::Argument => self.arguments(captured),
            Spot::RecordField(owner, fields) => self.record_fields(owner, fields),
            Spot::Property(keys) => self.properties(keys),
            Spot::Word(words) => {
                for word in words {
                    self.items.push(Suggestion::new(*word, Kind::Keyword, 0));
                }
            }
            Spot::Module => self.modules(),
            Spot::Connection(name) => self.connections(name.as_deref()),
        }
    }
}

/// More about a declaration that was suggested.
pub fn resolve(snapshot: &Snapshot, module: &str, name: &str) -> Option<String> {
    let index = snapshot.index();
    let def = index
        .get(module, name)
        .or_else(|| index.connections.get(name))?;
    Some(describe::page(snapshot, def))
}

/// A text as it stands in a snippet.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('$', "\\$")
        .replace('}', "\\}")
}

/// A snippet as plain text, for editors that cannot fill in places.
pub fn plain(snippet: &str) -> String {
    let mut out = String::new();
    let mut letters = snippet.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            '$' => match letters.peek() {
                Some('{') => {
                    letters.next();
                    let mut inside = String::new();
                    for inner in letters.by_ref() {
                        if inner == '}' {
                            break;
                        }
                        inside.push(inner);
                    }
                    let shown = inside.trim_start_matches(|c: char| c.is_ascii_digit());
                    if let Some(default) = shown.strip_prefix(':') {
                        out.push_str(default);
                    } else if let Some(choices) = shown.strip_prefix('|') {
                        out.push_str(choices.split([',', '|']).next().unwrap_or(""));
                    }
                }
                _ => while letters.next_if(char::is_ascii_digit).is_some() {},
            },
            other => out.push(other),
        }
    }
    out
}

/// Whether a blank at a place follows a word of the language or `:` that something is expected after.
pub fn after_keyword(snapshot: &Snapshot, file: SourceFile, offset: usize) -> bool {
    let text = snapshot.text(file);
    let before = text.get(..offset).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    if line.contains("//") || line.trim().is_empty() {
        return false;
    }
    let last = line.split_whitespace().last().unwrap_or("");
    matches!(
        last,
        "use"
            | "when"
            | "if"
            | "by"
            | "about"
            | "unless"
            | "=="
            | "!="
            | ">="
            | "<="
            | ">"
            | "<"
            | "match"
            | "attempt"
            | "mode:"
            | "tenants:"
            | "impact:"
            | "auth:"
            | "in"
            | "until"
            | "of"
            | "undo"
            | "emit"
            | "limit"
            | "given"
            | "expect"
            | "and"
            | "or"
            | "not"
    ) || last.ends_with(':')
}
