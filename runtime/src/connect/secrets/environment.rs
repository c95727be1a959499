//! A secret's name in, the value of an environment variable out.

use super::{Asked, SecretError, SecretValue, Secrets};

/// Environment variables: with the prefix `COUNTERPLAY_SECRET_`, `soc-teams` is `COUNTERPLAY_SECRET_SOC_TEAMS`.
#[derive(Clone, Debug)]
pub struct EnvironmentSecrets {
    prefix: String,
}

impl EnvironmentSecrets {
    /// Variables with this prefix.
    pub fn new(prefix: impl Into<String>) -> EnvironmentSecrets {
        EnvironmentSecrets {
            prefix: prefix.into(),
        }
    }

    /// The variable of a secret.
    pub fn variable(&self, name: &str) -> String {
        format!("{}{}", self.prefix, name.to_uppercase().replace('-', "_"))
    }
}

impl Secrets for EnvironmentSecrets {
    fn get<'a>(&'a self, name: &'a str) -> Asked<'a> {
        Box::pin(std::future::ready(self.look_up(name)))
    }
}

impl EnvironmentSecrets {
    fn look_up(&self, name: &str) -> Result<SecretValue, SecretError> {
        let variable = self.variable(name);
        let hint = format!("set the environment variable {variable}");
        match std::env::var(&variable) {
            Ok(value) if !value.is_empty() => Ok(SecretValue::new(value)),
            Ok(_) | Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::Unusable {
                name: name.to_owned(),
                hint,
            }),
            Err(std::env::VarError::NotPresent) => Err(SecretError::Missing {
                name: name.to_owned(),
                hint,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        let secrets = EnvironmentSecrets::new("COUNTERPLAY_SECRET_");
        assert_eq!(
            secrets.variable("soc-teams"),
            "COUNTERPLAY_SECRET_SOC_TEAMS"
        );
        let missing = secrets
            .look_up("surely-not-set")
            .expect_err("not set")
            .to_string();
        assert_eq!(
            missing,
            "the secret `surely-not-set` is not set: set the environment variable COUNTERPLAY_SECRET_SURELY_NOT_SET"
        );
    }
}
