//! A name in, where it is declared out; in the library, too.

use crate::snapshot::{Location, Snapshot};
use crate::target;
use counterplay_compiler::db::SourceFile;
use std::ops::Range;

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name that was asked about.
    pub from: Range<usize>,
    /// Where it is declared.
    pub to: Location,
}

/// Where the name at a byte is declared.
pub fn definition(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Definition> {
    let found = target::at(snapshot, file, offset)?;
    Some(Definition {
        from: found.range,
        to: target::declared_at(snapshot, &found.target)?,
    })
}
