//! A secret's name in, its value from HashiCorp Vault's KV engine of version 2 out.
//!
//! Sources: Vault's HTTP API: "KV secrets engine - version 2", "AppRole auth method", "Token auth method",
//! "Namespaces"; errors: "HTTP status codes".

use super::http::{self, Answer, Failure, said};
use super::kept::{Keeper, Reading};
use super::{SecretError, SecretValue, held};
use crate::clock::Clock;
use counterplay_machine::secret_store::{VaultSettings, VaultSignIn};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Vault, and the token that we have there.
pub(super) struct Vault {
    settings: VaultSettings,
    folder: PathBuf,
    client: Client,
    clock: Arc<dyn Clock>,
    session: tokio::sync::Mutex<Option<Session>>,
}

/// A token that a role was given.
struct Session {
    token: SecretValue,
    renewable: bool,
    /// When it is renewed: two thirds into its lease.
    renew_ms: i64,
    /// When it ends.
    end_ms: i64,
}

impl Vault {
    pub fn new(
        settings: &VaultSettings,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Vault, SecretError> {
        let client = http::client().map_err(|reason| SecretError::Unopened {
            keeper: Vault::NAME,
            reason,
        })?;
        Ok(Vault {
            settings: settings.clone(),
            folder: folder.to_owned(),
            client,
            clock,
            session: tokio::sync::Mutex::default(),
        })
    }

    /// A request below `/v1/`.
    fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1/{path}", self.settings.address);
        let request = self
            .client
            .request(method, url)
            // Says that no agent in between may answer from what it remembers.
            .header("X-Vault-Request", "true");
        match &self.settings.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace),
            None => request,
        }
    }

    /// The token to read with. `refused` is one that was not accepted.
    async fn token(&self, refused: Option<&SecretValue>) -> Result<SecretValue, Failure> {
        let (mount, role_id, secret_id) = match &self.settings.sign_in {
            VaultSignIn::Token(place) => {
                return held::read(place, &self.folder)
                    .map_err(|why| Failure::Refused(format!("there is no token: {why}")));
            }
            VaultSignIn::AppRole {
                mount,
                role_id,
                secret_id,
            } => (mount, role_id, secret_id),
        };
        let mut session = self.session.lock().await;
        let now_ms = self.clock.now_ms();
        if let Some(held) = session.as_ref()
            && Some(&held.token) != refused
            && now_ms < held.end_ms
        {
            if now_ms < held.renew_ms {
                return Ok(held.token.clone());
            }
            let renewed = match held.renewable {
                true => self.renew(&held.token).await,
                false => None,
            };
            if let Some(renewed) = renewed {
                let token = renewed.token.clone();
                *session = Some(renewed);
                return Ok(token);
            }
        }
        *session = None;
        let secret_id = held::read(secret_id, &self.folder)
            .map_err(|why| Failure::Refused(format!("there is no secret id: {why}")))?;
        let login = self
            .request(reqwest::Method::POST, &format!("auth/{mount}/login"))
            .json(&json!({"role_id": role_id, "secret_id": secret_id.expose()}));
        let answer = http::ask(login).await?;
        let made = self.session(&answer).ok_or_else(|| {
            Failure::Refused(format!(
                "it does not let us in with role_id and secret id (auth/{mount}/login answered {}{}); a secret id can be used up or have ended: `vault write -f auth/{mount}/role/NAME/secret-id` makes a new one",
                answer.status,
                quoted(&answer.body)
            ))
        })?;
        let token = made.token.clone();
        *session = Some(made);
        Ok(token)
    }

    /// The same token for longer; nothing where it cannot be had, and we sign in anew.
    async fn renew(&self, token: &SecretValue) -> Option<Session> {
        let renew = self
            .request(reqwest::Method::POST, "auth/token/renew-self")
            .header("X-Vault-Token", token.expose())
            .json(&json!({}));
        let answer = http::ask(renew).await.ok()?;
        // What is left of its longest life may be so short that a new one is better.
        self.session(&answer)
            .filter(|session| session.end_ms > self.clock.now_ms().saturating_add(10_000))
    }

    fn session(&self, answer: &Answer) -> Option<Session> {
        let auth = &answer.body["auth"];
        let token = auth["client_token"].as_str().filter(|t| !t.is_empty())?;
        if answer.status != 200 {
            return None;
        }
        let now_ms = self.clock.now_ms();
        // A lease of 0 is one without an end.
        let lease_ms = match auth["lease_duration"].as_i64().unwrap_or(0) {
            0 => i64::MAX / 4,
            seconds => seconds.clamp(1, 31_536_000).saturating_mul(1_000),
        };
        Some(Session {
            token: SecretValue::new(token),
            renewable: auth["renewable"].as_bool().unwrap_or(false),
            renew_ms: now_ms.saturating_add(lease_ms / 3 * 2),
            end_ms: now_ms.saturating_add(lease_ms),
        })
    }

    async fn value(&self, name: &str) -> Result<SecretValue, Failure> {
        let (mount, path) = (
            &self.settings.mount,
            self.settings.path.replace("{name}", name),
        );
        let mut refused: Option<SecretValue> = None;
        let answer = loop {
            let token = self.token(refused.as_ref()).await?;
            let read = self
                .request(reqwest::Method::GET, &format!("{mount}/data/{path}"))
                .header("X-Vault-Token", token.expose());
            let answer = http::ask(read).await?;
            // The token may have been revoked, or replaced by its keeper: once more with another one.
            if answer.status == 403 && refused.is_none() {
                let other = self.token(Some(&token)).await?;
                if other != token {
                    refused = Some(token);
                    continue;
                }
            }
            break answer;
        };
        let field = if self.settings.path.contains("{name}") {
            self.settings.field.as_str()
        } else {
            name
        };
        let place = format!("{mount}/{path}");
        let metadata = &answer.body["data"]["metadata"];
        match answer.status {
            200 => match &answer.body["data"]["data"][field] {
                Json::String(value) if !value.is_empty() => Ok(SecretValue::new(value)),
                Json::Null => Err(Failure::Refused(format!(
                    "{place} has no field `{field}`; `vault kv patch -mount={mount} {path} {field}=-` adds it"
                ))),
                _ => Err(Failure::Refused(format!(
                    "the field `{field}` of {place} is empty or not a text"
                ))),
            },
            404 if metadata["destroyed"] == true
                || metadata["deletion_time"]
                    .as_str()
                    .is_some_and(|t| !t.is_empty()) =>
            {
                Err(Failure::Refused(format!(
                    "the newest version of {place} was deleted; write a new one, or take it back with `vault kv undelete`"
                )))
            }
            404 => Err(Failure::Refused(format!(
                "there is nothing at {place}; is `{mount}` a KV engine of version 2, and `vault kv get -mount={mount} {path}` not empty?"
            ))),
            403 => Err(Failure::Refused(format!(
                "it does not let us read {place}; the token has to be good, and its policy has to allow `read` on `{mount}/data/{path}`"
            ))),
            status => Err(Failure::Refused(format!(
                "it answered {status}{}",
                quoted(&answer.body)
            ))),
        }
    }
}

impl Keeper for Vault {
    const NAME: &'static str = "Vault";

    fn read<'a>(&'a self, name: &'a str) -> Reading<'a> {
        Box::pin(self.value(name))
    }
}

fn quoted(body: &Json) -> String {
    match said(body) {
        said if said.is_empty() => said,
        said => format!(": {said}"),
    }
}
