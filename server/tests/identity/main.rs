//! Who may come in and change what, over a real store.

mod people;
mod sessions;
mod support;
mod tokens;
