//! Where secret values come from, as the project file says it: data only, and no value of a secret.

use serde::{Deserialize, Serialize};

/// How long a value that a service gave is used before it is asked for again, in milliseconds.
pub const REFRESH_DEFAULT_MS: i64 = 300_000;
/// Where Azure gives a machine's own tokens.
pub const MANAGED_IDENTITY_URL: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// Where secret values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretsSettings {
    /// Environment variables, with a prefix: `soc-teams` is `COUNTERPLAY_SECRET_SOC_TEAMS`.
    Environment {
        /// The prefix.
        prefix: String,
    },
    /// A TOML file `name = "value"`, readable by its owner only.
    File {
        /// The path, relative to the project file.
        path: String,
    },
    /// HashiCorp Vault, its KV engine of version 2.
    Vault(VaultSettings),
    /// Azure Key Vault.
    KeyVault(KeyVaultSettings),
}

impl Default for SecretsSettings {
    fn default() -> Self {
        SecretsSettings::Environment {
            prefix: "COUNTERPLAY_SECRET_".into(),
        }
    }
}

/// Where the credential lies that opens a store of secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldAt {
    /// In an environment variable of this name.
    Variable(String),
    /// In a file, readable by its owner only; the path is relative to the project file.
    File(String),
}

/// How secrets are read from HashiCorp Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultSettings {
    /// Its address, such as `https://vault.example.org:8200`.
    pub address: String,
    /// The namespace (Vault Enterprise).
    pub namespace: Option<String>,
    /// Where the KV engine is mounted.
    pub mount: String,
    /// The path below it. With `{name}` in it each secret is one of Vault's own; else all are fields of this one.
    pub path: String,
    /// The field that holds the value where each secret is one of Vault's own.
    pub field: String,
    /// How we sign in.
    pub sign_in: VaultSignIn,
    /// How long a value is used before it is read again, in milliseconds.
    pub refresh_ms: i64,
}

/// How we sign in to Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultSignIn {
    /// With a token that somebody else keeps good, such as Vault's agent.
    Token(HeldAt),
    /// As a role.
    AppRole {
        /// Where the method is mounted.
        mount: String,
        /// The role's id.
        role_id: String,
        /// The credential that goes with it.
        secret_id: HeldAt,
    },
}

/// How secrets are read from Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVaultSettings {
    /// Its address, such as `https://contoso.vault.azure.net`.
    pub address: String,
    /// What the names of our secrets begin with there.
    pub prefix: String,
    /// How we sign in.
    pub sign_in: AzureSignIn,
    /// How long a value is used before it is read again, in milliseconds.
    pub refresh_ms: i64,
}

/// How we sign in to Azure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AzureSignIn {
    /// As the machine that we run on.
    Managed {
        /// Which of its identities, where it has several.
        client_id: Option<String>,
        /// Where the machine's tokens are given out.
        url: String,
    },
    /// As an application.
    Application {
        /// Where tokens are given out, without the tenant: `https://login.microsoftonline.com`.
        authority: String,
        /// The tenant that the vault belongs to.
        tenant: String,
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: HeldAt,
    },
}
