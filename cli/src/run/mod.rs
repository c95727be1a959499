//! placeholder
use crate::args::RunArgs;
use crate::error::Outcome;
/// x
pub async fn run(_a: RunArgs) -> Outcome { Ok(0) }
