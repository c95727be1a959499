//! Everything that a project compiles to.

use crate::declare::{Callable, Connection, Event};
use crate::guard::Guard;
use crate::playbook::Playbook;
use crate::types::{Type, Types};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The format of a stored program; a binary reads the formats that it knows and refuses others.
pub const FORMAT: u32 = 1;

/// A value that each tenant may set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its type.
    pub ty: Type,
    /// The value where a tenant sets none.
    pub default: Value,
    /// What it is for.
    pub doc: Arc<str>,
}

/// A compiled project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    /// [`FORMAT`] when it was compiled.
    pub format: u32,
    /// Types.
    pub types: Types,
    /// Connections by name.
    pub connections: BTreeMap<Arc<str>, Connection>,
    /// Actions and queries by qualified name.
    pub callables: BTreeMap<Arc<str>, Callable>,
    /// Events by qualified name.
    pub events: BTreeMap<Arc<str>, Event>,
    /// Values that each tenant may set, by name.
    #[serde(default)]
    pub parameters: BTreeMap<Arc<str>, Parameter>,
    /// What no playbook may do.
    #[serde(default)]
    pub guards: Vec<Guard>,
    /// Playbooks by id.
    pub playbooks: BTreeMap<Arc<str>, Playbook>,
}
