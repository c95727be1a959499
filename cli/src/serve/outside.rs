//! A deployment in, connectors for it out: to the real services, or into the sandbox.

use super::SharedSandbox;
use crate::error::Failure;
use crate::sandboxed;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::{Connectors, MasterKey, Secrets, open};
use counterplay_server::project::Outside;
use std::path::PathBuf;
use std::sync::Arc;

/// The way to the outside.
pub struct Way {
    sandbox: SharedSandbox,
    root: PathBuf,
    key: MasterKey,
    clock: Arc<dyn Clock>,
}

impl Way {
    /// Into the sandbox where there is one. `root` is the project's folder, from which files of secrets are named.
    pub fn new(
        sandbox: SharedSandbox,
        root: PathBuf,
        key: MasterKey,
        clock: Arc<dyn Clock>,
    ) -> Way {
        Way {
            sandbox,
            root,
            key,
            clock,
        }
    }

    /// Where secrets of webhooks come from.
    ///
    /// # Errors
    /// When a file of secrets cannot be used.
    pub fn secrets(&self, deployment: &Deployment) -> Result<Arc<dyn Secrets>, Failure> {
        match &self.sandbox {
            Some(sandbox) => Ok(Arc::new(
                sandboxed::deployment(deployment.clone(), sandbox).1,
            )),
            None => open(&deployment.secrets, &self.root, self.clock.clone())
                .map_err(|e| Failure::cannot_start(e.to_string())),
        }
    }
}

impl Outside for Way {
    fn connect(
        &self,
        program: &Program,
        deployment: Deployment,
    ) -> Result<(Deployment, Arc<dyn Connector>), String> {
        let (deployment, secrets): (Deployment, Arc<dyn Secrets>) = match &self.sandbox {
            Some(sandbox) => {
                let (mut led, secrets) = sandboxed::deployment(deployment, sandbox);
                sandboxed::close(&mut led, program, sandbox);
                (led, Arc::new(secrets))
            }
            None => {
                let secrets = open(&deployment.secrets, &self.root, self.clock.clone())
                    .map_err(|e| e.to_string())?;
                (deployment, secrets)
            }
        };
        let connectors = Connectors::new(
            deployment.clone(),
            secrets,
            self.key.clone(),
            self.clock.clone(),
        )
        .map_err(|e| e.to_string())?;
        Ok((deployment, Arc::new(connectors)))
    }
}
