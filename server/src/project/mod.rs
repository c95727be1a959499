//! Files of a project in, the live program out; deploys as revisions that are checked before they run.

pub mod compile;
pub mod deploy;
pub mod diff;
pub mod draft;
pub mod review;
pub mod start;

pub use compile::{Compiled, ConfigFile, Files, Stand};
pub use deploy::{DeployError, Deployed, Live, Projects};
pub use draft::{Deploying, Draft};
pub use start::{Origin, Prepared, StartError, prepare};

use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::call::Connector;
use std::sync::Arc;

/// Makes connectors for a project: real ones, or ones that lead into a sandbox.
pub trait Outside: Send + Sync + 'static {
    /// The deployment as it is used, and the connector for it.
    ///
    /// # Errors
    /// Why not, in a sentence.
    fn connect(
        &self,
        program: &Program,
        deployment: Deployment,
    ) -> Result<(Deployment, Arc<dyn Connector>), String>;
}
