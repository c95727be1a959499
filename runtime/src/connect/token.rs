//! Client credentials in, an access token out: one per connection, tenant, application and scope, kept until shortly before
//! it ends, fetched by one call at a time.
//!
//! Sources: RFC 6749, section 4.4; "Microsoft Entra authentication and authorization error codes".

use super::job::Job;
use super::remembered::Place;
use super::send::{self, Unread};
use super::tries::retry_after_ms;
use super::{Trouble, assertion, target};
use counterplay_machine::declare::{Auth, Connection};
use counterplay_machine::eval::TenantFacts;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Url};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a token without a stated life is used for, in seconds.
const LIFE_DEFAULT_S: i64 = 600;
/// The longest time before its end at which a token is replaced, in milliseconds.
const MARGIN_MS_MAX: i64 = 300_000;

struct Token {
    value: String,
    /// Until when it is used, in milliseconds since the Unix epoch.
    until_ms: i64,
}

/// For what a token is good, and by which proof it was given out.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    place: Place,
    /// The tenant's name and id.
    tenant: (String, String),
    client_id: Option<String>,
    /// The name of the secret.
    proof: Option<String>,
    /// Where it comes from, as it is written.
    url: String,
    scope: Arc<str>,
}

type Held = Arc<tokio::sync::Mutex<Option<Token>>>;

/// All tokens. They live in memory only.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<Key, Held>>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    fn held(&self, key: Key) -> Held {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_default().clone()
    }
}

impl Job<'_> {
    /// A token that is good for this call.
    pub async fn token(&mut self, declared_url: &str, scope: &str) -> Result<String, Trouble> {
        let place = self.token_place();
        // Whoever holds the lock fetches; the others find what it got.
        let mut held = place.lock().await;
        if let Some(token) = held
            .as_ref()
            .filter(|token| token.until_ms > self.hub.clock.now_ms())
        {
            self.redactor.add(&token.value);
            let value = token.value.clone();
            // The service knows the secret that the token was given out for, and might say it.
            let _ = self.connection_secret().await;
            return Ok(value);
        }
        *held = None;
        let token = self.fetch_token(declared_url, scope).await?;
        self.redactor.add(&token.value);
        let value = token.value.clone();
        *held = Some(token);
        Ok(value)
    }

    /// Where the token of this call's application is kept.
    fn token_place(&self) -> Held {
        let (url, scope) = match &self.connection.auth {
            Auth::OAuth2 { token_url, scope } => (self.token_template(token_url), scope.clone()),
            _ => ("", Arc::from("")),
        };
        let tenant = &self.request.tenant;
        self.hub.known().tokens.held(Key {
            place: self.place.clone(),
            tenant: (tenant.name.to_string(), tenant.id.to_string()),
            client_id: self.credentials.client_id.clone(),
            proof: self.proof(),
            url: url.to_owned(),
            scope,
        })
    }

    /// Where tokens come from, as it is written.
    fn token_template<'t>(&'t self, declared: &'t str) -> &'t str {
        let own = self.settings.and_then(|s| s.token_url.as_deref());
        own.unwrap_or(declared)
    }

    /// Forgets a token that was refused, unless it has been replaced already.
    pub async fn drop_token(&self, refused: &str) {
        let place = self.token_place();
        let mut held = place.lock().await;
        if held.as_ref().is_some_and(|token| token.value == refused) {
            *held = None;
        }
    }

    /// A new token. A secret that is not accepted any more is looked up again, once.
    async fn fetch_token(&mut self, declared_url: &str, scope: &str) -> Result<Token, Trouble> {
        let secret = self.connection_secret().await?;
        let first = self.ask_for_token(declared_url, scope, &secret).await;
        let Err(Trouble::Refused(reason)) = first else {
            return first;
        };
        if !self.has_new_secret(&secret).await {
            return Err(Trouble::Refused(reason));
        }
        let secret = self.connection_secret().await?;
        self.ask_for_token(declared_url, scope, &secret).await
    }

    async fn ask_for_token(
        &mut self,
        declared_url: &str,
        scope: &str,
        secret: &str,
    ) -> Result<Token, Trouble> {
        let client_id = self.credentials.client_id.clone().unwrap_or_default();
        let url = self.token_url(declared_url)?;
        self.check_address(&url)?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
        ];
        let assertion;
        if let Some(name) = self.credentials.certificate.clone() {
            let now_s = self.hub.clock.now_ms().div_euclid(1_000);
            assertion =
                assertion::assertion(secret, &client_id, url.as_str(), now_s).map_err(|why| {
                    Trouble::Refused(format!("the certificate `{name}` cannot be used: {why}"))
                })?;
            self.redactor.add(&assertion);
            form.push(("client_assertion_type", assertion::TYPE));
            form.push(("client_assertion", &assertion));
        } else {
            form.push(("client_secret", secret));
        }
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let mut request = Request::new(Method::POST, url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        if let Ok(id) = HeaderValue::from_str(&self.correlation()) {
            headers.insert("client-request-id", id);
        }
        let timeout_ms = self.connection.timeout_ms.max(1) as u64;
        *request.timeout_mut() = Some(Duration::from_millis(timeout_ms));
        // A form is written as a query is.
        let mut written = url.clone();
        written.set_query(None);
        written.query_pairs_mut().extend_pairs(&form);
        let body = written.query().unwrap_or_default().to_owned();
        *request.body_mut() = Some(body.into());
        let sent = self.carry(request).await;
        // Whatever happens to a token request, the call itself was not sent.
        let not_sent = |trouble: Trouble| match trouble {
            Trouble::Lost(reason) => Trouble::not_sent(format!("no access token: {reason}")),
            other => other,
        };
        let response = sent.map_err(|error| not_sent(self.trouble(&error, &url)))?;
        let status = response.status().as_u16();
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok());
        let asked_ms = asked.and_then(|value| retry_after_ms(value, self.hub.clock.now_ms()));
        let bytes = match send::read(response).await {
            Ok(bytes) => bytes,
            Err(Unread::Broken(error)) => {
                return Err(not_sent(self.trouble(&error.into(), &url)));
            }
            Err(Unread::TooLong) => {
                return Err(Trouble::refused("the token service answered too much"));
            }
        };
        let body: Json = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        if status == 429 || status >= 500 {
            let reason = format!("no access token: the token service answered {status}");
            return Err(Trouble::NotSent {
                reason,
                asked_ms,
                answered: Some(status),
            });
        }
        let given = body["access_token"]
            .as_str()
            .filter(|value| !value.is_empty());
        let Some(value) = given.filter(|_| (200..300).contains(&status)) else {
            let account = Account {
                connection: self.connection,
                tenant: &self.request.tenant,
                client_id: &client_id,
            };
            return Err(Trouble::Refused(refusal(status, &body, &account)));
        };
        let life = &body["expires_in"];
        let life_s = life
            .as_i64()
            .or_else(|| life.as_str()?.parse().ok())
            .unwrap_or(LIFE_DEFAULT_S);
        let life_ms = life_s.clamp(0, 86_400) * 1_000;
        let margin_ms = MARGIN_MS_MAX.min(life_ms / 10);
        Ok(Token {
            value: value.to_owned(),
            until_ms: self.hub.clock.now_ms().saturating_add(life_ms - margin_ms),
        })
    }

    fn token_url(&self, declared: &str) -> Result<Url, Trouble> {
        let tenant = &self.request.tenant;
        let mut text = self.token_template(declared).to_owned();
        if text.contains("{tenant.id}") {
            let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if tenant.id.is_empty() || !tenant.id.chars().all(usable) || tenant.id.starts_with('.')
            {
                return Err(Trouble::refused(format!(
                    "the tenant `{0}` has no usable id: set id under [tenants.{0}] in counterplay.toml",
                    tenant.name
                )));
            }
            text = text.replace("{tenant.id}", &tenant.id);
        }
        if text.contains("{base}") {
            let base = target::base(self.connection, self.settings)
                .ok_or_else(|| Trouble::refused(target::not_set_up(self.connection)))?;
            text = text.replace("{base}", &base);
        }
        Url::parse(&text).map_err(|_| {
            Trouble::refused(format!(
                "the token address of the connection `{}` is not a web address",
                self.connection.name
            ))
        })
    }
}

/// Whose token was refused.
struct Account<'a> {
    connection: &'a Connection,
    tenant: &'a TenantFacts,
    client_id: &'a str,
}

/// Why there is no token, and what to do, for people.
fn refusal(status: u16, body: &Json, account: &Account<'_>) -> String {
    let connection = &account.connection.name;
    let (tenant, id) = (&account.tenant.name, &account.tenant.id);
    let client = account.client_id;
    let description = body["error_description"].as_str().unwrap_or_default();
    let number = aadsts(description).or_else(|| body["error_codes"][0].as_u64());
    let sentence = match number {
        Some(700_016 | 65_001) => format!(
            "the tenant `{tenant}` has not consented to the application {client}: its administrator has to open https://login.microsoftonline.com/{id}/adminconsent?client_id={client}"
        ),
        Some(7_000_215) => format!(
            "the client secret of the connection `{connection}` is wrong; it has to be the secret's value, not its id"
        ),
        Some(7_000_222) => format!(
            "the client secret of the connection `{connection}` has expired; make a new one for the application {client}"
        ),
        Some(700_027) => format!(
            "the certificate of the connection `{connection}` is not one that the application {client} knows, or it has expired; add its public part there, or renew it"
        ),
        Some(700_024) => format!(
            "the token service did not accept the time in the assertion for `{connection}`: the clock of this machine is wrong"
        ),
        Some(90_002) => format!(
            "there is no tenant {id}; check the id under [tenants.{tenant}] in counterplay.toml"
        ),
        _ => {
            let first = description.lines().next().unwrap_or_default();
            let said = first.split(" Trace ID:").next().unwrap_or_default().trim();
            let error = body["error"].as_str().unwrap_or_default();
            let said: String = if said.is_empty() { error } else { said }
                .chars()
                .take(300)
                .collect();
            let said = if said.is_empty() {
                String::new()
            } else {
                format!(": {said}")
            };
            return format!(
                "the connection `{connection}` got no access token for `{tenant}`, the token service answered {status}{said}"
            );
        }
    };
    match number {
        Some(number) => format!("{sentence} (AADSTS{number})"),
        None => sentence,
    }
}

/// The number of an error of the Microsoft identity platform.
fn aadsts(description: &str) -> Option<u64> {
    let (_, after) = description.split_once("AADSTS")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
