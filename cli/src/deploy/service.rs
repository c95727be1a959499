//! What is deployed at a service, and other texts for its files: requests of the API in, what it says out.

use crate::address::Address;
use crate::error::Failure;
use counterplay_server::api::deploys::DeployedView;
use reqwest::header::{AUTHORIZATION, ETAG, HeaderValue, IF_MATCH};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the service may take to answer: it compiles the whole project.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A service and who asks it.
pub struct Service {
    http: Client,
    address: Address,
    token: HeaderValue,
}

/// What is deployed, and the tag that it has.
pub struct Deployed {
    /// The revision; none where the service is served from a folder.
    pub revision: Option<i64>,
    /// Whether deploys through the API are taken.
    pub takes: bool,
    /// Texts by path.
    pub files: BTreeMap<String, String>,
    tag: HeaderValue,
}

/// What a service says to a deploy.
pub enum Said {
    /// It was taken: the answer's object.
    Taken(Json),
    /// It was refused, with a reason and findings about the files.
    Refused(String, Vec<Json>),
}

impl Service {
    /// Somebody who asks a service.
    ///
    /// # Errors
    /// When the token is none, or would cross a network in clear.
    pub fn new(address: Address, token: &str) -> Result<Service, Failure> {
        if address.in_clear {
            return Err(Failure::cannot_start(
                "--url begins with https://: the token would cross the network in clear otherwise",
            ));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::cannot_start("the token holds signs that no token has"))?;
        value.set_sensitive(true);
        let mut http = Client::builder()
            .user_agent(concat!("Counterplay/", env!("CARGO_PKG_VERSION")))
            // A token is for the service that was named, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE);
        if address.is_here {
            http = http.no_proxy();
        }
        let http = http
            .build()
            .map_err(|e| Failure::cannot_start(format!("no connection can be made: {e}")))?;
        Ok(Service {
            http,
            address,
            token: value,
        })
    }

    /// What is deployed.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn deployed(&self) -> Result<Deployed, Failure> {
        let asked = self.http.get(self.path());
        let answer = self.send(asked).await?;
        let tag = answer.headers().get(ETAG).cloned();
        let status = answer.status();
        let body = answer.bytes().await.map_err(|e| self.unheard(&e))?;
        if !status.is_success() {
            return Err(self.no(status, &body));
        }
        let read: Option<DeployedView> = serde_json::from_slice(&body).ok();
        let (Some(read), Some(tag)) = (read, tag) else {
            return Err(Failure::cannot_start(format!(
                "{} answers, and not as a Counterplay that takes deploys of projects does; is it this address, and is the service as new as this command?",
                self.address.base
            )));
        };
        Ok(Deployed {
            revision: read.revision,
            takes: read.origin == "store",
            files: read.files,
            tag,
        })
    }

    /// Sends other texts for files; null removes one.
    ///
    /// # Errors
    /// When the service cannot be asked.
    pub async fn deploy(
        &self,
        before: &Deployed,
        files: &BTreeMap<String, Option<String>>,
        summary: Option<&str>,
    ) -> Result<Said, Failure> {
        let body = json!({ "files": files, "summary": summary });
        // The same files over the same state are the same deploy: sent again after an answer that was lost, it is
        // answered as the first time.
        let mut hasher = Sha256::new();
        hasher.update(before.tag.as_bytes());
        hasher.update(body.to_string());
        let key: String = hasher.finalize()[..16]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let asked = self
            .http
            .post(self.path())
            .header(IF_MATCH, before.tag.clone())
            .header("idempotency-key", format!("deploy-{key}"))
            .json(&body);
        let answer = self.send(asked).await?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|e| self.unheard(&e))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map(Said::Taken).map_err(|_| {
                Failure::cannot_start(format!(
                    "{} has taken it, and its answer cannot be read; look at its page of deploys",
                    self.address.base
                ))
            });
        }
        match status {
            StatusCode::PRECONDITION_FAILED => Ok(Said::Refused(
                "somebody deployed meanwhile; take up what they changed and deploy again".into(),
                Vec::new(),
            )),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                let said: Json = serde_json::from_slice(&body).unwrap_or_default();
                let findings = said["diagnostics"].as_array().cloned();
                let why = detail(&body).unwrap_or_else(|| "the service refuses it".into());
                Ok(Said::Refused(why, findings.unwrap_or_default()))
            }
            _ => Err(self.no(status, &body)),
        }
    }

    fn path(&self) -> String {
        format!("{}/api/automation/deploys", self.address.base)
    }

    async fn send(&self, asked: RequestBuilder) -> Result<Response, Failure> {
        let asked = asked.header(AUTHORIZATION, self.token.clone());
        asked.send().await.map_err(|e| self.unheard(&e))
    }

    fn unheard(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Failure::cannot_start(format!("{} cannot be reached: {cause}", self.address.base))
    }

    fn no(&self, status: StatusCode, body: &[u8]) -> Failure {
        let base = &self.address.base;
        let why = detail(body);
        Failure::cannot_start(match (status, why) {
            (StatusCode::UNAUTHORIZED, _) => format!(
                "{base} does not know the token, or it has expired; an administrator makes one with `counterplay token create NAME --role author --all-tenants`"
            ),
            (_, Some(why)) => format!("{base} refuses: {why}"),
            (StatusCode::NOT_FOUND, None) => format!(
                "{base} takes no deploys of projects; is it the address of a Counterplay, and is that as new as this command?"
            ),
            (status, None) => format!("{base} answers {status}"),
        })
    }
}

/// What a problem document says.
fn detail(body: &[u8]) -> Option<String> {
    let problem: Json = serde_json::from_slice(body).ok()?;
    problem["detail"].as_str().map(str::to_owned)
}
