//! A program and its deployment in, which connections they have out; and what is known of those: turns, tokens, how they
//! are, and whether they are left alone. In memory only. Whoever makes connectors anew, as a deploy does, hands it on.

use super::{breaker, health, rate, target, token};
use counterplay_machine::Program;
use counterplay_machine::declare::Connection;
use counterplay_machine::deployment::{ConnectionSettings, Deployment};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A connection as far as what is known of it goes: one that leads elsewhere is another one, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// The connection's name.
    pub name: Arc<str>,
    /// The base address in use; absent where a secret holds the address.
    base: Option<String>,
}

impl Place {
    pub fn of(connection: &Connection, settings: Option<&ConnectionSettings>) -> Place {
        Place {
            name: connection.name.clone(),
            base: target::base(connection, settings),
        }
    }

    /// Those of a program, as a deployment sets them up.
    pub fn all(program: &Program, deployment: &Deployment) -> BTreeSet<Place> {
        let connections = program.connections.values();
        connections
            .map(|connection| Place::of(connection, deployment.connections.get(&*connection.name)))
            .collect()
    }

    #[cfg(test)]
    pub fn named(name: &str) -> Place {
        Place {
            name: Arc::from(name),
            base: None,
        }
    }
}

/// What is known of services from the calls that were made. Clones share it: connectors that are made anew for a deploy
/// keep to the limits of those before, with which calls may still be under way.
#[derive(Clone, Default)]
pub struct Remembered(Arc<Known>);

/// The parts of what is known.
#[derive(Default)]
pub(super) struct Known {
    pub turns: rate::Turns,
    pub tokens: token::Tokens,
    pub healths: health::Healths,
    pub breakers: breaker::Breakers,
}

impl Remembered {
    pub(super) fn known(&self) -> &Known {
        &self.0
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}
