//! The real binary, run as people run it.

mod archive;
mod audit;
mod backup;
mod check;
mod clock;
mod demo;
mod doc;
mod explain;
mod fix;
mod fmt;
mod identity;
mod permissions;
mod run;
mod sandbox;
mod simulate;
mod support;
mod tests;
mod verify;
