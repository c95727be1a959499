//! In: nothing. Out: what HashiCorp Vault and Azure Key Vault keep, and who may read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The stores of secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretStores {
    /// HashiCorp Vault.
    pub vault: VaultStore,
    /// Azure Key Vault.
    pub key_vault: KeyVaultStore,
}

/// HashiCorp Vault with one KV engine of version 2 and one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultStore {
    /// Nothing is answered until somebody unseals it.
    pub sealed: bool,
    /// The namespace that everything lies in; empty for the root.
    pub namespace: String,
    /// Where the engine is mounted.
    pub mount: String,
    /// The role's id at `auth/approle`.
    pub role_id: String,
    /// Its secret id.
    pub secret_id: String,
    /// How often the secret id may still be used; without a limit where there is none.
    pub secret_id_uses: Option<u32>,
    /// How long a token lives that the role is given, in seconds.
    pub lease_s: u64,
    /// Tokens that open it, with the second of their end since the Unix epoch.
    pub tokens: BTreeMap<String, Option<i64>>,
    /// Secrets by path below the mount.
    pub secrets: BTreeMap<String, VaultSecret>,
}

/// A secret of the KV engine: its newest version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultSecret {
    /// The version's number, from 1.
    pub version: u64,
    /// Whether that version was deleted.
    pub deleted: bool,
    /// Its fields.
    pub data: BTreeMap<String, String>,
}

/// Azure Key Vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyVaultStore {
    /// Whether the machine has an identity of its own.
    pub machine_has_identity: bool,
    /// Whether who asks may read secrets.
    pub may_read: bool,
    /// Values by name.
    pub secrets: BTreeMap<String, String>,
    /// Names of secrets that are disabled.
    pub disabled: Vec<String>,
}

impl SecretStores {
    /// Stores that are set up and hold nothing.
    pub(crate) fn empty() -> SecretStores {
        SecretStores {
            vault: VaultStore {
                mount: "secret".to_owned(),
                role_id: "sandbox-role".to_owned(),
                secret_id: "sandbox-secret-id".to_owned(),
                lease_s: 1200,
                ..VaultStore::default()
            },
            key_vault: KeyVaultStore {
                machine_has_identity: true,
                may_read: true,
                ..KeyVaultStore::default()
            },
        }
    }
}
