//! An engine and a project in; a REST API, triggers over HTTP and a dashboard out.

pub mod dashboard;
pub mod identity;
pub mod problem;
