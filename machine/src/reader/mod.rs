//! JSON in, only as much of it as the declarations of events look at out. Pure.
//!
//! A service sends far more than anybody asked for. What no declaration looks at is checked to be JSON and
//! dropped; what is kept gives the same recognition, the same typed event and the same rejections as the whole object.

mod sift;
mod uses;

pub use sift::Wanted;

use crate::program::Program;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the declarations of a program's events look at. Made once for each program.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// What all of them look at, and what tells them apart.
    any: Wanted,
    events: BTreeMap<Arc<str>, Wanted>,
}

impl Reader {
    /// Looks through the declarations.
    pub fn new(program: &Program) -> Reader {
        let mut reader = Reader::default();
        for (name, event) in &program.events {
            let mut wanted = Wanted::default();
            uses::of_event(program, event, &mut wanted);
            uses::of_event(program, event, &mut reader.any);
            for path in &event.known_by {
                reader.any.at(path.split('.'));
            }
            reader.events.insert(name.clone(), wanted);
        }
        reader
    }

    /// What is looked at in an object that is said to be an event; in one of which nothing is said, when `None`.
    pub fn wanted(&self, event: Option<&str>) -> &Wanted {
        event
            .and_then(|event| self.events.get(event))
            .unwrap_or(&self.any)
    }
}
