//! A deployment in, connectors for it out: to the real services, or into the sandbox.

use super::SharedSandbox;
use crate::error::Failure;
use crate::sandboxed;
use counterplay_machine::Program;
use counterplay_machine::deployment::{Deployment, SecretsSettings};
use counterplay_runtime::call::Connector;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::{Connectors, MasterKey, Remembered, SecretError, Secrets, open};
use counterplay_server::project::Outside;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The way to the outside, which every deploy goes anew: what is known of the services stays.
pub struct Way {
    sandbox: SharedSandbox,
    root: PathBuf,
    key: MasterKey,
    clock: Arc<dyn Clock>,
    remembered: Remembered,
    /// The last that secrets came from, and as what it is set up.
    keeper: Mutex<Option<(SecretsSettings, Arc<dyn Secrets>)>>,
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
            remembered: Remembered::default(),
            keeper: Mutex::default(),
        }
    }

    /// Where secrets come from. A service that keeps them is the same as before where it is set up as before: what it
    /// told is known still, should it be away now.
    fn keeper(&self, settings: &SecretsSettings) -> Result<Arc<dyn Secrets>, SecretError> {
        let mut kept = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, keeper)) = kept.as_ref()
            && of == settings
            && matches!(of, SecretsSettings::Vault(_) | SecretsSettings::KeyVault(_))
        {
            return Ok(keeper.clone());
        }
        let keeper = open(settings, &self.root, self.clock.clone())?;
        *kept = Some((settings.clone(), keeper.clone()));
        Ok(keeper)
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
            None => {
                (self.keeper(&deployment.secrets)).map_err(|e| Failure::cannot_start(e.to_string()))
            }
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
                let keeper = self.keeper(&deployment.secrets);
                (deployment, keeper.map_err(|e| e.to_string())?)
            }
        };
        let connectors = Connectors::new(
            deployment.clone(),
            secrets,
            self.key.clone(),
            self.clock.clone(),
        )
        .map_err(|e| e.to_string())?
        .with_remembered(self.remembered.clone(), program);
        Ok((deployment, Arc::new(connectors)))
    }
}
