//! Files of a project in, the live program out; deploys as revisions that are checked before they run.

pub mod compile;
pub mod review;
