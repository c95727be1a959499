//! The language server: an editor's questions in, what the compiler's queries know out.
//!
//! Architecture invariant: everything under `features` is a plain function over a [`snapshot::Snapshot`] with
//! places as bytes; types of the protocol appear in `server` only.

pub mod disk;
pub mod features;
pub mod server;
pub mod snapshot;
pub mod target;
pub mod text;
pub mod world;
