//! The counterplay command.
fn main() {}
