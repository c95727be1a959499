//! Source text in, checked state machines and diagnostics out. Pure: no files, no clock, no network.

pub mod check;
pub mod codes;
pub mod compile;
pub mod db;
pub mod diagnostic;
mod emitting;
pub mod excerpt;
pub mod explain;
pub mod format;
pub mod index;
pub mod inputs;
pub mod item;
pub mod json;
pub mod library;
pub mod lints;
pub mod locate;
pub mod lower;
pub mod near;
mod parameters;
pub mod project;
pub mod prove;
pub mod reference;
pub mod render;
pub mod span;
pub mod syntax;
pub mod verify;
pub mod workspace;
