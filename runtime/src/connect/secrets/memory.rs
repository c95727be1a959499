//! A secret's name in, its value from memory out: for the demo and for tests.

use super::{Asked, SecretError, SecretValue, Secrets};
use std::collections::BTreeMap;

/// Secrets held in memory, for the demo and for tests.
#[derive(Clone, Debug, Default)]
pub struct MemorySecrets(BTreeMap<String, SecretValue>);

impl MemorySecrets {
    /// These secrets.
    pub fn new<N: Into<String>, V: Into<String>>(
        secrets: impl IntoIterator<Item = (N, V)>,
    ) -> MemorySecrets {
        MemorySecrets(
            secrets
                .into_iter()
                .map(|(name, value)| (name.into(), SecretValue::new(value)))
                .collect(),
        )
    }
}

impl Secrets for MemorySecrets {
    fn get<'a>(&'a self, name: &'a str) -> Asked<'a> {
        Box::pin(std::future::ready(self.look_up(name)))
    }
}

impl MemorySecrets {
    fn look_up(&self, name: &str) -> Result<SecretValue, SecretError> {
        self.0
            .get(name)
            .cloned()
            .ok_or_else(|| SecretError::Missing {
                name: name.to_owned(),
                hint: "it is not among the secrets held in memory".into(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_print() {
        let secrets = MemorySecrets::new([("graph", "hidden-value")]);
        assert_eq!(
            format!("{secrets:?}"),
            "MemorySecrets({\"graph\": [secret]})"
        );
    }
}
