//! A connection's way of signing in and a request in, the headers that prove who we are out.

use super::Trouble;
use super::job::Job;
use super::send::Sending;
use super::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterplay_machine::declare::Auth;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

const TIMESTAMP: HeaderName = HeaderName::from_static(TIMESTAMP_HEADER);
const SIGNATURE: HeaderName = HeaderName::from_static(SIGNATURE_HEADER);

/// What a request showed of us, to be replaced where it is not accepted.
pub(super) enum Shown {
    Nothing,
    /// An access token.
    Token(String),
    /// The connection's secret.
    Secret(String),
}

impl Job<'_> {
    /// The headers to add, and what they show of us.
    pub async fn authorise(&mut self, sending: &Sending) -> Result<(HeaderMap, Shown), Trouble> {
        let mut headers = HeaderMap::new();
        match &self.connection.auth {
            Auth::None => return Ok((headers, Shown::Nothing)),
            Auth::OAuth2 { token_url, scope } => {
                let token = self.token(token_url, scope).await?;
                headers.insert(
                    AUTHORIZATION,
                    self.secret_header(&format!("Bearer {token}"))?,
                );
                return Ok((headers, Shown::Token(token)));
            }
            _ => {}
        }
        let secret = self.connection_secret().await?;
        match &self.connection.auth {
            Auth::None | Auth::OAuth2 { .. } => {}
            Auth::Bearer => {
                headers.insert(
                    AUTHORIZATION,
                    self.secret_header(&format!("Bearer {secret}"))?,
                );
            }
            Auth::Basic => {
                let user = self.credentials.client_id.as_deref().unwrap_or_default();
                let pair = STANDARD.encode(format!("{user}:{secret}"));
                self.redactor.add(&pair);
                headers.insert(AUTHORIZATION, self.secret_header(&format!("Basic {pair}"))?);
            }
            Auth::Header(name) => {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| Trouble::refused(format!("`{name}` is no name of a header")))?;
                headers.insert(name, self.secret_header(&secret)?);
            }
            Auth::Signed => {
                let timestamp_s = self.hub.clock.now_ms().div_euclid(1_000);
                let body = sending.body.as_deref().unwrap_or_default();
                let signature = sign(secret.as_bytes(), timestamp_s, body);
                headers.insert(TIMESTAMP, self.secret_header(&timestamp_s.to_string())?);
                headers.insert(SIGNATURE, self.secret_header(&signature)?);
            }
        }
        Ok((headers, Shown::Secret(secret)))
    }

    /// A header's value that the HTTP client does not show when it logs.
    fn secret_header(&self, value: &str) -> Result<HeaderValue, Trouble> {
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| {
            Trouble::refused(format!(
                "the secret of the connection `{}` holds a line break or sign that headers may not have",
                self.connection.name
            ))
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}
