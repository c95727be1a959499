//! What the names of an item stand for, as the checker meets them; what the editor knows, it knows from here.

use super::Checker;
use crate::index::Def;
use crate::span::{Name, Span};
use counterplay_machine::types::Type;
use std::sync::Arc;

/// A name in an item and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// Where the name stands, counted from the item's start.
    pub span: Span,
    /// What it stands for.
    pub meaning: Meaning,
    /// Whether the name is given its meaning here.
    pub defines: bool,
    /// The type of its value here; what is known to be present is no longer optional.
    pub ty: Option<Type>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    /// A declaration: its module's full path and its name.
    Declared(Arc<str>, Arc<str>),
    /// A field of a record or an event: the qualified name of the owner, and the field's.
    Field(Arc<str>, Arc<str>),
    /// A member of an enum: the enum's qualified name, and the member's.
    Member(Arc<str>, Arc<str>),
    /// A parameter: the module and name of what is called, and the parameter's.
    Parameter(Arc<str>, Arc<str>, Arc<str>),
    /// A name of this item: where it is bound.
    Local(Span),
    /// A module by its full path.
    Module(Arc<str>),
    /// A connection.
    Connection(Arc<str>),
    /// A playbook by its id.
    Playbook(Arc<str>),
    /// A team of the project file.
    Team(Arc<str>),
    /// A tenant of the project file.
    Tenant(Arc<str>),
    /// A group of tenants of the project file.
    Group(Arc<str>),
    /// A webhook of the project file.
    Webhook(Arc<str>),
    /// A type of the language: `Text`.
    BuiltInType(Arc<str>),
    /// A function of the language: `lower`.
    Function(Arc<str>),
    /// What is always there: `tenant.name`, `run.started`.
    Fact(&'static str, Arc<str>),
}

impl Checker<'_> {
    /// Remembers what a name stands for, where it is the author's text that is being checked.
    pub fn mention(&mut self, span: Span, meaning: Meaning, defines: bool, ty: Option<Type>) {
        if self.silent {
            return;
        }
        self.mentions.push(Mention {
            span,
            meaning,
            defines,
            ty,
        });
    }

    /// Remembers the use of a declaration.
    pub fn mention_def(&mut self, span: Span, def: &Def) {
        let meaning = match &*def.item {
            crate::syntax::ast::Item::Connection(_) => {
                Meaning::Connection(Arc::from(def.name.text.as_str()))
            }
            _ => Meaning::Declared(def.module.clone(), Arc::from(def.name.text.as_str())),
        };
        self.mention(span, meaning, false, None);
    }

    /// Remembers the use of a field.
    pub fn mention_field(&mut self, field: &Name, owner: &Type, ty: &Type) {
        let name: Arc<str> = Arc::from(field.text.as_str());
        let owners: Vec<Arc<str>> = match owner {
            Type::Record(record) => vec![record.clone()],
            Type::Event(events) => events.clone(),
            _ => return,
        };
        for owner in owners {
            let meaning = Meaning::Field(owner, name.clone());
            self.mention(field.span, meaning, false, Some(ty.clone()));
        }
    }
}
