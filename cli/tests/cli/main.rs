//! The real binary, run as people run it.

mod check;
mod demo;
mod explain;
mod fmt;
mod identity;
mod run;
mod sandbox;
mod simulate;
mod support;
