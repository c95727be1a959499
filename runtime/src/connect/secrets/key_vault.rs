//! A secret's name in, its value from Azure Key Vault out.
//!
//! Sources: Azure Key Vault REST API, "Get Secret" (7.4); "How managed identities for Azure resources work with
//! Azure virtual machines"; "OAuth 2.0 client credentials flow on the Microsoft identity platform".

use super::http::{self, Answer, Failure, said};
use super::kept::{Keeper, Reading};
use super::{SecretError, SecretValue, held};
use crate::clock::Clock;
use counterplay_machine::secret_store::{AzureSignIn, KeyVaultSettings};
use reqwest::{Client, Url};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version of the interface that we speak.
const API_VERSION: &str = "7.4";
/// The version of the interface that gives a machine's own tokens.
const IDENTITY_VERSION: &str = "2018-02-01";
/// What a token is for where the vault's address does not tell.
const RESOURCE: &str = "https://vault.azure.net";
/// How long before its end a token is replaced, in milliseconds.
const MARGIN_MS: i64 = 120_000;

/// A vault, and the token that we have for it.
pub(super) struct KeyVault {
    settings: KeyVaultSettings,
    folder: PathBuf,
    client: Client,
    clock: Arc<dyn Clock>,
    token: tokio::sync::Mutex<Option<Token>>,
}

struct Token {
    value: SecretValue,
    until_ms: i64,
}

impl KeyVault {
    pub fn new(
        settings: &KeyVaultSettings,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<KeyVault, SecretError> {
        let client = http::client().map_err(|reason| SecretError::Unopened {
            keeper: KeyVault::NAME,
            reason,
        })?;
        Ok(KeyVault {
            settings: settings.clone(),
            folder: folder.to_owned(),
            client,
            clock,
            token: tokio::sync::Mutex::default(),
        })
    }

    /// A token for the vault. `refused` is one that was not accepted.
    async fn token(&self, refused: Option<&SecretValue>) -> Result<SecretValue, Failure> {
        let mut held = self.token.lock().await;
        let now_ms = self.clock.now_ms();
        if let Some(token) = held.as_ref()
            && Some(&token.value) != refused
            && now_ms < token.until_ms
        {
            return Ok(token.value.clone());
        }
        *held = None;
        let resource = resource(&self.settings.address);
        let answer = match &self.settings.sign_in {
            AzureSignIn::Managed { client_id, url } => {
                let mut query = vec![
                    ("api-version", IDENTITY_VERSION),
                    ("resource", resource.as_str()),
                ];
                query.extend(client_id.as_deref().map(|id| ("client_id", id)));
                let ask = self
                    .client
                    .get(url)
                    .query(&query)
                    .header("Metadata", "true");
                http::ask(ask).await.map_err(|failure| match failure {
                    Failure::Away(why) => {
                        Failure::Away(format!("no token of this machine's own identity: {why}"))
                    }
                    other => other,
                })?
            }
            AzureSignIn::Application {
                authority,
                tenant,
                client_id,
                client_secret,
            } => {
                let secret = held::read(client_secret, &self.folder)
                    .map_err(|why| Failure::Refused(format!("there is no client secret: {why}")))?;
                let scope = format!("{resource}/.default");
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", secret.expose()),
                    ("scope", scope.as_str()),
                ];
                let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
                http::ask(self.client.post(url).form(&form)).await.map_err(
                    |failure| match failure {
                        Failure::Away(why) => Failure::Away(format!("no access token: {why}")),
                        other => other,
                    },
                )?
            }
        };
        let Answer { status, body } = answer;
        let Some(value) = body["access_token"]
            .as_str()
            .filter(|t| !t.is_empty() && status == 200)
        else {
            let who = match &self.settings.sign_in {
                AzureSignIn::Managed { .. } => "this machine's own identity got no token",
                AzureSignIn::Application { .. } => "the application got no token",
            };
            return Err(Failure::Refused(format!(
                "{who} ({status}){}",
                quoted(&body)
            )));
        };
        let life = &body["expires_in"];
        let life_s = life.as_i64().or_else(|| life.as_str()?.parse().ok());
        let life_ms = life_s.unwrap_or(600).clamp(0, 86_400) * 1_000;
        let value = SecretValue::new(value);
        *held = Some(Token {
            value: value.clone(),
            until_ms: now_ms.saturating_add(life_ms - MARGIN_MS.min(life_ms / 10)),
        });
        Ok(value)
    }

    async fn value(&self, name: &str) -> Result<SecretValue, Failure> {
        // Names have letters, digits and `-` there.
        let name = format!("{}{}", self.settings.prefix, name.replace('_', "-"));
        let url = format!("{}/secrets/{name}", self.settings.address);
        let mut refused: Option<SecretValue> = None;
        let Answer { status, body } = loop {
            let token = self.token(refused.as_ref()).await?;
            let ask = self
                .client
                .get(&url)
                .query(&[("api-version", API_VERSION)])
                .bearer_auth(token.expose());
            let answer = http::ask(ask).await?;
            if answer.status == 401 && refused.is_none() {
                refused = Some(token);
                continue;
            }
            break answer;
        };
        let inner = &body["error"]["innererror"]["code"];
        match status {
            200 => match &body["value"] {
                Json::String(value) if !value.is_empty() => Ok(SecretValue::new(value)),
                _ => Err(Failure::Refused(format!("the secret `{name}` is empty"))),
            },
            404 => Err(Failure::Refused(format!(
                "there is no secret `{name}` in the vault; `az keyvault secret set --name {name} …` adds it"
            ))),
            403 if inner == "SecretDisabled" => {
                Err(Failure::Refused(format!("the secret `{name}` is disabled")))
            }
            401 | 403 => Err(Failure::Refused(format!(
                "the vault does not let us read `{name}` ({status}{}); the identity needs the role \"Key Vault Secrets User\", or an access policy with Get, and the vault's firewall has to let this machine in",
                inner
                    .as_str()
                    .map_or_else(String::new, |code| format!(" {code}"))
            ))),
            status => Err(Failure::Refused(format!(
                "it answered {status}{}",
                quoted(&body)
            ))),
        }
    }
}

impl Keeper for KeyVault {
    const NAME: &'static str = "Azure Key Vault";

    fn read<'a>(&'a self, name: &'a str) -> Reading<'a> {
        Box::pin(self.value(name))
    }
}

/// What a token for the vault is for: its cloud's name for all vaults.
fn resource(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    match host.split_once('.') {
        Some((_, cloud)) if cloud.starts_with("vault.") => format!("https://{cloud}"),
        _ => RESOURCE.to_owned(),
    }
}

fn quoted(body: &Json) -> String {
    match said(body) {
        said if said.is_empty() => said,
        said => format!(": {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_the_vaults_of_one_cloud() {
        assert_eq!(
            resource("https://contoso.vault.azure.net"),
            "https://vault.azure.net"
        );
        assert_eq!(
            resource("https://contoso.vault.usgovcloudapi.net"),
            "https://vault.usgovcloudapi.net"
        );
        assert_eq!(resource("http://127.0.0.1:9/x"), RESOURCE);
    }
}
