//! The checker's context: what it knows, what it has found, and the variables of the declaration or
//! playbook that it works on.

pub mod calls;
pub mod convert;
pub mod declare;
pub mod event;
pub mod expr;
pub mod floors;
pub mod guard;
pub mod mention;
pub mod narrow;
pub mod operators;
pub mod probe;
pub mod reaches;
pub mod request;
pub mod types;

use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::span::{Anchor, Place, Span};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::SlotInfo;
use counterplay_machine::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many calls of steps and definitions one item may be replaced by what they call.
pub const INLINED_MAX: u32 = 2_000;

/// How deep calls of steps and definitions may lie inside each other.
pub const INLINING_DEPTH_MAX: usize = 64;

/// Names that stand for something in every playbook, and what.
const ALWAYS_THERE: &[(&str, &str)] = &[
    ("team", "the teams of counterplay.toml"),
    ("tenant", "the tenant that a run is for"),
    ("run", "the run itself"),
    ("approval", "what was approved, and by whom"),
    ("failure", "why an action has failed"),
];

/// A binding.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its variable.
    pub slot: Slot,
    /// Its type.
    pub ty: Type,
    /// Where it is bound.
    pub place: Place,
}

/// A variable or a field of one, as a path.
pub type Path = (Slot, Vec<Arc<str>>);

/// Names that are visible in a block.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Bindings.
    pub names: BTreeMap<String, Local>,
    /// Paths that are known to be present.
    pub present: Vec<Path>,
}

/// A query that an expression asks: its variable, the query, its arguments, and where it stands.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where the answer goes.
    pub slot: Slot,
    /// The query's qualified name.
    pub query: Arc<str>,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// Whether queries may stand in the expression at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queries {
    /// They become steps of their own.
    Allowed,
    /// They may not, and why.
    Forbidden(&'static str),
}

/// The checker.
pub struct Checker<'a> {
    /// All declarations.
    pub index: &'a Index,
    /// The project file, where there is one.
    pub deployment: Option<&'a Deployment>,
    /// Where the project file ends: another section belongs there.
    pub project_file: Option<Place>,
    /// The step at hand, where it is one line that could be put into a block.
    pub statement: Option<Span>,
    /// The module whose names are visible.
    pub module: Arc<str>,
    /// The item whose spans are at hand.
    pub anchor: Anchor,
    /// The item's source text.
    pub text: Arc<str>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
    /// Findings are dropped: the code was, or will be, checked where it stands.
    pub silent: bool,
    /// Scopes, innermost last.
    pub frames: Vec<Frame>,
    /// Names that went out of scope, for messages: where they were bound and what holds them.
    pub gone: BTreeMap<String, (Place, &'static str)>,
    /// Names that were said to be unknown: once is enough.
    pub told_unknown: std::collections::BTreeSet<String>,
    /// Where a trigger stands whose event has no name.
    pub unnamed_event: Option<Span>,
    /// Variables so far.
    pub slots: Vec<SlotInfo>,
    /// Whether queries may stand here.
    pub queries: Queries,
    /// Queries that the expression at hand asks.
    pub asked: Vec<Asked>,
    /// Whether a secret may be a value of a JSON object here: in a request's body it may.
    pub in_request: bool,
    /// Whether this is about a call to a service: it has an id then.
    pub in_call: bool,
    /// Whether `run.steps` was read.
    pub reads_steps: bool,
    /// How many calls were replaced by what they call so far.
    pub inlined: u32,
    /// Whether it was said that this is too much.
    pub told_too_large: bool,
    /// Definitions and steps that are being inlined, for cycles.
    pub inlining: Vec<(Arc<str>, Place)>,
    /// What names stand for.
    pub mentions: Vec<mention::Mention>,
    /// Whether the text holds a cursor, see [`probe`].
    pub probing: bool,
    /// What is known at the cursor.
    pub captured: Option<probe::Captured>,
    /// Calls whose arguments are being checked while probing, with the parameters that have no value.
    pub calling: Vec<(crate::index::Def, Vec<calls::Parameter>)>,
}

impl<'a> Checker<'a> {
    /// A checker for one item.
    pub fn new(
        index: &'a Index,
        deployment: Option<&'a Deployment>,
        module: Arc<str>,
        anchor: Anchor,
        text: Arc<str>,
    ) -> Checker<'a> {
        Checker {
            index,
            deployment,
            project_file: None,
            statement: None,
            module,
            anchor,
            text,
            diagnostics: Vec::new(),
            silent: false,
            frames: vec![Frame::default()],
            gone: BTreeMap::new(),
            told_unknown: Default::default(),
            unnamed_event: None,
            slots: Vec::new(),
            queries: Queries::Forbidden("here"),
            asked: Vec::new(),
            in_request: false,
            in_call: false,
            reads_steps: false,
            inlined: 0,
            told_too_large: false,
            inlining: Vec::new(),
            mentions: Vec::new(),
            probing: false,
            captured: None,
            calling: Vec::new(),
        }
    }

    /// The place of a span of the item at hand.
    pub fn at(&self, span: Span) -> Place {
        Place {
            anchor: self.anchor.clone(),
            span,
        }
    }

    /// Adds a finding.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        if !self.silent {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The column of a byte of the item's text, in characters.
    pub fn column(&self, at: u32) -> usize {
        let before = self.text.get(..at as usize).unwrap_or("");
        before.rsplit('\n').next().unwrap_or("").chars().count()
    }

    /// Adds the fix that imports a module.
    pub fn with_import(&self, diagnostic: Diagnostic, module: &str) -> Diagnostic {
        match self.index.import(&self.module, module) {
            Some((place, text)) => diagnostic.fix(format!("add `use {module}`"), true, place, text),
            None => diagnostic.help(format!("add `use {module}` at the top of the file")),
        }
    }

    /// The source text of a span, on one line.
    pub fn source(&self, span: Span) -> String {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("( ", "(")
            .replace(", )", ")")
            .replace(" )", ")")
    }

    /// A new variable.
    pub fn slot(&mut self, name: &str, ty: &Type) -> Slot {
        let slot = Slot(self.slots.len() as u32);
        self.slots.push(SlotInfo {
            name: Arc::from(name),
            ty: ty.clone(),
        });
        slot
    }

    /// Binds a name in the innermost scope; a name that is visible already is an error.
    pub fn bind(&mut self, name: &crate::span::Name, ty: &Type) -> Slot {
        let slot = self.slot(&name.text, ty);
        self.bind_slot(name, ty, slot);
        slot
    }

    /// Binds a name to a variable that exists.
    pub fn bind_slot(&mut self, name: &crate::span::Name, ty: &Type, slot: Slot) {
        self.not_always_there(name);
        self.bind_own(name, ty, slot);
    }

    /// Reports that a name would stand for something else than it does everywhere.
    pub fn not_always_there(&mut self, name: &crate::span::Name) {
        let Some((_, what)) = ALWAYS_THERE.iter().find(|(n, _)| *n == name.text) else {
            return;
        };
        let place = self.at(name.span);
        self.report(
            Diagnostic::error(
                crate::codes::REBOUND,
                format!("`{}` always stands for {what}", name.text),
                place,
                "would stand for something else",
            )
            .because(
                "a name keeps one meaning, so that a reader never has to ask which one is meant",
            )
            .help("choose another name"),
        );
    }

    /// Binds a name of a declaration's own, such as a field's: it may be any.
    pub fn bind_own(&mut self, name: &crate::span::Name, ty: &Type, slot: Slot) {
        let place = self.at(name.span);
        self.mention_binding(name, ty);
        if let Some(earlier) = self.local(&name.text).map(|l| l.place.clone()) {
            self.report(
                Diagnostic::error(
                    crate::codes::REBOUND,
                    format!("`{}` already has a value here", name.text),
                    place.clone(),
                    "bound again",
                )
                .also(earlier, "bound first")
                .because("a name keeps one meaning, so that a reader never has to ask which one is meant")
                .help("choose another name"),
            );
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.names.insert(
                name.text.clone(),
                Local {
                    slot,
                    ty: ty.clone(),
                    place,
                },
            );
        }
    }

    /// Remembers that a name of this item is bound.
    pub fn mention_binding(&mut self, name: &crate::span::Name, ty: &Type) {
        let meaning = mention::Meaning::Local(name.span);
        self.mention(name.span, meaning, true, Some(ty.clone()));
    }

    /// A visible binding.
    pub fn local(&self, name: &str) -> Option<&Local> {
        self.frames.iter().rev().find_map(|f| f.names.get(name))
    }

    /// Runs `f` in a scope of its own; what it binds is remembered as gone.
    pub fn scoped<T>(&mut self, what: &'static str, f: impl FnOnce(&mut Self) -> T) -> T {
        self.frames.push(Frame::default());
        let result = f(self);
        if let Some(frame) = self.frames.pop() {
            for (name, local) in frame.names {
                self.gone.insert(name, (local.place, what));
            }
        }
        result
    }

    /// Runs `f` knowing that paths are present.
    pub fn knowing<T>(&mut self, present: Vec<Path>, f: impl FnOnce(&mut Self) -> T) -> T {
        self.frames.push(Frame {
            names: BTreeMap::new(),
            present,
        });
        let result = f(self);
        if let Some(frame) = self.frames.pop() {
            // Bindings belong to the enclosing scope: only the knowledge was ours.
            if let Some(outer) = self.frames.last_mut() {
                outer.names.extend(frame.names);
            }
        }
        result
    }

    /// Runs `f` as if in another item: its module, its places, only its own names.
    pub fn elsewhere<T>(
        &mut self,
        def: &crate::index::Def,
        silent: bool,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let module = std::mem::replace(&mut self.module, def.module.clone());
        let anchor = std::mem::replace(&mut self.anchor, def.anchor.clone());
        let text = std::mem::replace(&mut self.text, def.text.clone());
        let frames = std::mem::replace(&mut self.frames, vec![Frame::default()]);
        let gone = std::mem::take(&mut self.gone);
        let was_in_call = std::mem::replace(&mut self.in_call, false);
        let was_silent = self.silent;
        self.silent |= silent;
        let result = f(self);
        self.module = module;
        self.anchor = anchor;
        self.text = text;
        self.frames = frames;
        self.gone = gone;
        self.in_call = was_in_call;
        self.silent = was_silent;
        result
    }

    /// Runs `f` without findings and without remembering what names stand for.
    pub fn quietly<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let was = std::mem::replace(&mut self.silent, true);
        let result = f(self);
        self.silent = was;
        result
    }

    /// Runs `f` with queries allowed or forbidden.
    pub fn with_queries<T>(&mut self, queries: Queries, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.queries, queries);
        let result = f(self);
        self.queries = before;
        result
    }
}
