//! Everything that a project compiles to.

use crate::declare::{Callable, Connection, Event};
use crate::playbook::Playbook;
use crate::types::Types;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The format of a stored program; a binary reads the formats that it knows and refuses others.
pub const FORMAT: u32 = 1;

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
    /// Playbooks by id.
    pub playbooks: BTreeMap<Arc<str>, Playbook>,
}
