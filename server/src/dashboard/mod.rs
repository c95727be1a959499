//! Plain data in, pages out. Nothing here reads the store: handlers fill the pages of [`pages`].
//!
//! - Every page is a struct with a template of the same name; [`chrome::Chrome`] is what stands around all of them.
//! - Forms are real forms: `POST`, then a redirect; the field `csrf` must hold the session's word.
//! - A part of a page with an `id` and `data-live="TOPIC"` is fetched anew when the event stream `/live` says that
//!   something about its topic has changed, see [`topics`].

pub mod assets;
pub mod charts;
pub mod chrome;
pub mod drawing;
mod filters;
pub mod forms;
pub mod highlight;
pub mod icons;
pub mod pages;
pub mod routes;
pub mod steps;
pub mod text;
pub mod topics;
pub mod ui;

pub use routes::{nothing_here, router};
