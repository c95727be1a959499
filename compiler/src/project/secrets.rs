//! `[secrets]` as it is written in, where secret values come from, and findings, out.

use crate::near;
use counterplay_machine::json::parse_duration;
use counterplay_machine::secret_store::{
    AzureSignIn, HeldAt, KeyVaultSettings, MANAGED_IDENTITY_URL, REFRESH_DEFAULT_MS,
    SecretsSettings, VaultSettings, VaultSignIn,
};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// The section: keys and values with their places.
pub(super) type Written = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

const PROVIDERS: [&str; 4] = ["environment", "file", "vault", "azure-key-vault"];
/// Keys by which somebody would write a secret itself into the project file, and what to write instead.
const SECRETS: [(&str, &str); 3] = [
    ("token", "token_file"),
    ("secret_id", "secret_id_file"),
    ("client_secret", "client_secret_file"),
];
/// The shortest time after which a value is read again.
const REFRESH_MIN_MS: i64 = 10_000;
/// The longest.
const REFRESH_MAX_MS: i64 = 86_400_000;

/// Reads the section, and says whether all of it could be read. `here` is where its first line stands.
pub(super) fn read(
    written: Option<Written>,
    here: Range<usize>,
    find: &mut impl FnMut(String, Range<usize>, &str, Option<String>),
) -> (SecretsSettings, bool) {
    let Some(written) = written else {
        return (SecretsSettings::default(), true);
    };
    let mut section = Section {
        keys: written
            .into_iter()
            .map(|(key, value)| (key.into_inner(), value))
            .collect(),
        here,
        provider: String::new(),
        findings: Vec::new(),
    };
    let settings = section.read();
    let is_sound = section.findings.is_empty();
    for (message, at, label, help) in section.findings {
        find(message, at, &label, help);
    }
    (settings, is_sound)
}

struct Section {
    keys: BTreeMap<String, Spanned<toml::Value>>,
    here: Range<usize>,
    provider: String,
    findings: Vec<(String, Range<usize>, String, Option<String>)>,
}

impl Section {
    fn find(
        &mut self,
        message: impl Into<String>,
        at: Range<usize>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.findings.push((message.into(), at, label.into(), help));
    }

    /// Something that is not there.
    fn lacks(&mut self, what: &str, help: &str) {
        let message = format!("[secrets] with the provider \"{}\" {what}", self.provider);
        self.find(
            message,
            self.here.clone(),
            "in this section",
            Some(help.to_owned()),
        );
    }

    /// A text, and where it stands.
    fn placed(&mut self, key: &str) -> Option<(String, Range<usize>)> {
        let value = self.keys.remove(key)?;
        let at = value.span();
        match value.into_inner() {
            toml::Value::String(text) if !text.trim().is_empty() => Some((text, at)),
            _ => {
                self.find(
                    format!("{key} is no text"),
                    at,
                    "expected a text in quotes",
                    None,
                );
                None
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.placed(key).map(|(text, _)| text)
    }

    fn read(&mut self) -> SecretsSettings {
        // Where a secret itself may stand the line is not shown.
        for (key, instead) in SECRETS {
            if self.keys.remove(key).is_some() {
                self.find(
                    format!("{key} of [secrets] would be a secret, and none belongs in this file"),
                    self.here.clone(),
                    "in this section",
                    Some(format!(
                        "write `{instead} = \"PATH\"`, or `{} = \"NAME\"` for an environment variable; if a secret stood there, replace it by a new one",
                        instead.replace("_file", "_variable")
                    )),
                );
            }
        }
        let Some((provider, at)) = self.placed("provider") else {
            let menu = near::menu(PROVIDERS);
            self.find(
                "[secrets] names no provider",
                self.here.clone(),
                "where do secrets come from?",
                Some(format!("the providers are {menu}")),
            );
            return SecretsSettings::default();
        };
        self.provider = provider.clone();
        let settings = match provider.as_str() {
            "environment" => SecretsSettings::Environment {
                prefix: self
                    .text("prefix")
                    .unwrap_or_else(|| "COUNTERPLAY_SECRET_".into()),
            },
            "file" => SecretsSettings::File {
                path: self.text("path").unwrap_or_else(|| "secrets.toml".into()),
            },
            "vault" => SecretsSettings::Vault(self.vault()),
            "azure-key-vault" => SecretsSettings::KeyVault(self.key_vault()),
            other => {
                let help =
                    near::best(other, PROVIDERS).map(|near| format!("did you mean \"{near}\"?"));
                self.find(
                    format!("there is no secrets provider `{other}`"),
                    at,
                    "expected \"environment\", \"file\", \"vault\" or \"azure-key-vault\"",
                    help,
                );
                self.keys.clear();
                SecretsSettings::default()
            }
        };
        // What stands there may be a secret, so that the line is not shown.
        for key in std::mem::take(&mut self.keys).into_keys() {
            self.find(
                format!("the secrets provider \"{}\" has no `{key}`", self.provider),
                self.here.clone(),
                "in this section",
                near::best(&key, keys_of(&self.provider).iter().copied())
                    .map(|near| format!("did you mean `{near}`?"))
                    .or_else(|| {
                        Some(format!(
                            "it has {}",
                            near::menu(keys_of(&self.provider).iter().copied())
                        ))
                    }),
            );
        }
        settings
    }

    fn vault(&mut self) -> VaultSettings {
        let address = self.address("write `address = \"https://vault.example.org:8200\"`");
        let token = self.held("token");
        let role_id = self.text("role_id");
        let auth_mount = self.path("auth_mount");
        let secret_id = self.held("secret_id");
        let sign_in = match (token, role_id, secret_id) {
            (Some(token), None, None) => VaultSignIn::Token(token),
            (None, Some(role_id), Some(secret_id)) => VaultSignIn::AppRole {
                mount: auth_mount.unwrap_or_else(|| "approle".into()),
                role_id,
                secret_id,
            },
            (Some(token), _, _) => {
                self.lacks(
                    "signs in by a token and as a role",
                    "leave out token_file and token_variable, or role_id and secret_id_file",
                );
                VaultSignIn::Token(token)
            }
            (None, role_id, secret_id) => {
                let (what, help) = match (role_id, secret_id) {
                    (Some(_), _) => (
                        "has a role_id and nothing that goes with it",
                        "add `secret_id_file = \"PATH\"` or `secret_id_variable = \"NAME\"`",
                    ),
                    (_, Some(_)) => (
                        "has a secret id and no role",
                        "add `role_id = \"…\"`, as `vault read auth/approle/role/NAME/role-id` shows it",
                    ),
                    _ => (
                        "does not say how we sign in",
                        "add `role_id` and `secret_id_file`, or `token_file` where Vault's agent keeps a token",
                    ),
                };
                self.lacks(what, help);
                VaultSignIn::Token(HeldAt::Variable(String::new()))
            }
        };
        VaultSettings {
            address,
            namespace: self.text("namespace"),
            mount: self.path("mount").unwrap_or_else(|| "secret".into()),
            path: self.path("path").unwrap_or_else(|| "counterplay".into()),
            field: self.text("field").unwrap_or_else(|| "value".into()),
            sign_in,
            refresh_ms: self.refresh(),
        }
    }

    fn key_vault(&mut self) -> KeyVaultSettings {
        let address = self.address("write `address = \"https://NAME.vault.azure.net\"`");
        let client_id = self.text("client_id");
        let tenant = self.text("tenant");
        let authority = self.checked("authority");
        let client_secret = self.held("client_secret");
        let url = self.checked("identity_url");
        let sign_in = match (tenant, client_secret) {
            (None, None) => AzureSignIn::Managed {
                client_id,
                url: url.unwrap_or_else(|| MANAGED_IDENTITY_URL.into()),
            },
            (tenant, client_secret) => {
                let missing: Vec<&str> = [
                    ("tenant", tenant.is_none()),
                    ("client_id", client_id.is_none()),
                    ("client_secret_file", client_secret.is_none()),
                ]
                .into_iter()
                .filter_map(|(key, missing)| missing.then_some(key))
                .collect();
                if !missing.is_empty() {
                    self.lacks(
                        &format!("lacks {}", missing.join(" and ")),
                        "an application signs in with tenant, client_id and client_secret_file; the machine's own identity needs none of them",
                    );
                }
                AzureSignIn::Application {
                    authority: authority
                        .unwrap_or_else(|| "https://login.microsoftonline.com".into()),
                    tenant: tenant.unwrap_or_default(),
                    client_id: client_id.unwrap_or_default(),
                    client_secret: client_secret.unwrap_or(HeldAt::Variable(String::new())),
                }
            }
        };
        let prefix = match self.placed("prefix") {
            Some((prefix, at)) => {
                let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
                if !prefix.chars().all(known) {
                    self.find(
                        format!("no name in Azure Key Vault begins with `{prefix}`"),
                        at,
                        "names have letters, digits and `-` there",
                        None,
                    );
                }
                prefix
            }
            None => String::new(),
        };
        KeyVaultSettings {
            address,
            prefix,
            sign_in,
            refresh_ms: self.refresh(),
        }
    }

    /// Where a credential lies that may not stand here itself.
    fn held(&mut self, what: &str) -> Option<HeldAt> {
        let file = self.text(&format!("{what}_file"));
        let variable = self.text(&format!("{what}_variable"));
        match (file, variable) {
            (Some(path), None) => Some(HeldAt::File(path)),
            (None, Some(name)) => Some(HeldAt::Variable(name)),
            (None, None) => None,
            (Some(path), Some(_)) => {
                self.lacks(
                    &format!("has both {what}_file and {what}_variable"),
                    "leave one of them out",
                );
                Some(HeldAt::File(path))
            }
        }
    }

    fn address(&mut self, help: &str) -> String {
        if self.keys.contains_key("address") {
            return self.checked("address").unwrap_or_default();
        }
        self.lacks("has no address", help);
        String::new()
    }

    /// An address of a service that is told secrets: encrypted, or on this machine.
    fn checked(&mut self, key: &str) -> Option<String> {
        let (text, at) = self.placed(key)?;
        if text.contains('@') {
            // What stands before it may be a password.
            self.find(
                format!("{key} of [secrets] is an address with a user in it"),
                self.here.clone(),
                "in this section",
                Some("leave out what stands before the `@`".into()),
            );
            return None;
        }
        let mut here = vec!["http://127.0.0.1", "http://localhost", "http://[::1]"];
        if key == "identity_url" {
            here.push("http://169.254.169.254");
        }
        let here = here
            .iter()
            .filter_map(|start| text.strip_prefix(start))
            .any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
        let label = if !text.starts_with("https://") && !here {
            "expected an address that begins with https://; http:// is for this machine only"
        } else if text.contains(['?', '#']) {
            "expected an address without `?` and `#`"
        } else {
            return Some(text.trim_end_matches('/').to_owned());
        };
        self.find(
            format!("secrets are not read from `{text}`"),
            at,
            label,
            None,
        );
        None
    }

    /// A path of Vault's, without slashes at its ends.
    fn path(&mut self, key: &str) -> Option<String> {
        let (text, at) = self.placed(key)?;
        let path = text.trim_matches('/').to_owned();
        let is_part = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let plain = part.replace("{name}", "");
            part != "." && part != ".." && !part.is_empty() && plain.chars().all(known)
        };
        if !path.split('/').all(is_part) || (key != "path" && path.contains('{')) {
            self.find(
                format!("`{text}` is no {key} in Vault"),
                at,
                "expected letters, digits, `-`, `_` and `.` between slashes",
                None,
            );
        }
        Some(path)
    }

    fn refresh(&mut self) -> i64 {
        let Some((text, at)) = self.placed("refresh") else {
            return REFRESH_DEFAULT_MS;
        };
        match parse_duration(&text) {
            Some(ms) if (REFRESH_MIN_MS..=REFRESH_MAX_MS).contains(&ms) => ms,
            _ => {
                self.find(
                    format!("`{text}` is no time after which a secret is read again"),
                    at,
                    "expected a duration from \"10s\" to \"1d\"",
                    None,
                );
                REFRESH_DEFAULT_MS
            }
        }
    }
}

/// What may stand in the section with a provider.
fn keys_of(provider: &str) -> &'static [&'static str] {
    match provider {
        "environment" => &["prefix"],
        "file" => &["path"],
        "vault" => &[
            "address",
            "namespace",
            "mount",
            "path",
            "field",
            "role_id",
            "secret_id_file",
            "secret_id_variable",
            "auth_mount",
            "token_file",
            "token_variable",
            "refresh",
        ],
        _ => &[
            "address",
            "prefix",
            "tenant",
            "client_id",
            "client_secret_file",
            "client_secret_variable",
            "authority",
            "identity_url",
            "refresh",
        ],
    }
}
