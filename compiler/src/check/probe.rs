//! The cursor in, what may be written there out: how a completion learns what the checker knows at a place.
//!
//! The editor puts [`MARK`] into the text at the cursor and has that one item checked; where the checker meets
//! the mark it notes what it expects and which names are visible.

use super::Checker;
use super::calls::Parameter;
use crate::index::Def;
use counterplay_machine::types::Type;
use std::sync::Arc;

/// What stands at the cursor; no author writes it.
pub const MARK: &str = "zqCursorzq";

/// What is known at the cursor.
#[derive(Clone, Debug)]
pub struct Captured {
    /// What may stand there.
    pub spot: Spot,
    /// Names that are visible, with their types.
    pub locals: Vec<(String, Type)>,
    /// Fields of them that are known to be present, each as the name and the fields.
    pub present: Vec<(String, Vec<Arc<str>>)>,
    /// The call whose argument this is, with the parameters that have no value yet.
    pub call: Option<(Def, Vec<Parameter>)>,
    /// Whether live systems may be asked here.
    pub queries: bool,
}

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum Spot {
    /// A value, of this type where one is expected.
    Value(Option<Type>),
    /// A field of a value.
    Field(Type),
    /// Something that a module declares.
    Declared(Arc<str>),
    /// Something of a module of this short name that is not imported.
    NotImported(String),
    /// A team of the project.
    Team,
    /// A fact of `tenant` or `run`.
    Fact(&'static str),
    /// A member of an enum.
    Member(Arc<str>),
    /// A type; of this module's short name, where one was written before the dot.
    TypeName(Option<String>),
    /// An event; of this module's short name, where one was written before the dot.
    Event(Option<String>),
    /// A tenant, in quotes.
    Tenant,
    /// A group of tenants, in quotes.
    Group,
    /// A webhook, in quotes.
    Webhook,
    /// An arm of a step: those that it can have and does not have yet.
    Arm(Vec<&'static str>),
    /// A case of a `match`: those that are still missing.
    Case(Vec<String>),
    /// A name of an argument: see `call`.
    Argument,
    /// A field of the record that is made here: those that have no value yet.
    RecordField(Arc<str>, Vec<(Arc<str>, Type)>),
    /// A property of a declaration, or a setting of a playbook.
    Property(Vec<&'static str>),
    /// One of some words.
    Word(Vec<&'static str>),
    /// A module.
    Module,
    /// A connection, or what it can do where one was written before the dot.
    Connection(Option<String>),
}

/// Whether a name ends at the cursor.
pub fn is_marked(name: &str) -> bool {
    name.ends_with(MARK)
}

impl Checker<'_> {
    /// Notes a cursor behind the dot of a module.
    pub fn capture_in_module(&mut self, root: &str, name: &crate::span::Name) {
        if !self.probing || !is_marked(&name.text) || self.local(root).is_some() {
            return;
        }
        let uses = self.index.modules.get(&*self.module).map(|m| &m.uses);
        let spot = match uses.and_then(|u| u.get(root)) {
            Some(full) => Spot::Declared(full.clone()),
            None if self.module.rsplit('.').next() == Some(root) => {
                Spot::Declared(self.module.clone())
            }
            None => Spot::NotImported(root.to_owned()),
        };
        self.capture(spot);
    }

    /// Notes what may stand at the cursor; the first meeting counts.
    pub fn capture(&mut self, spot: Spot) {
        if !self.probing || self.captured.is_some() {
            return;
        }
        let mut locals: Vec<(String, Type)> = Vec::new();
        let mut present = Vec::new();
        for frame in &self.frames {
            for (slot, fields) in &frame.present {
                let mut names = self.frames.iter().flat_map(|f| &f.names);
                if let Some((name, _)) = names.find(|(_, local)| local.slot == *slot) {
                    present.push((name.clone(), fields.clone()));
                }
            }
            for (name, local) in &frame.names {
                let path = (local.slot, Vec::new());
                let ty = if self.is_known_present(&path) {
                    local.ty.present().clone()
                } else {
                    local.ty.clone()
                };
                locals.push((name.clone(), ty));
            }
        }
        self.captured = Some(Captured {
            spot,
            locals,
            present,
            call: self.calling.last().cloned(),
            queries: self.queries == super::Queries::Allowed,
        });
    }
}
