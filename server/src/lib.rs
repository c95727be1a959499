//! An engine and a project in; a REST API, triggers over HTTP and a dashboard out.

pub mod api;
pub mod app;
pub mod dashboard;
pub mod feed;
pub mod http;
pub mod identity;
pub mod problem;
pub mod project;
pub mod router;
pub mod serve;
pub mod triggers;
