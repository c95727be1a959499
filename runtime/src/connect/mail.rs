//! A mail in, delivered to the deployment's mail server or a reason out.
//!
//! The dialogue is led step by step (RFC 5321), because only in its last step, after the text was sent, can
//! a lost connection leave open whether the mail was taken.

use super::Trouble;
use super::egress::{self, EgressError};
use super::exchange::Errand;
use super::failed;
use super::job::{Job, outcome};
use super::send::Answer;
use super::wire::{self, WireError};
use crate::call::CallOutcome;
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::duration;
use counterplay_machine::request::MailCall;
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use reqwest::Url;
use serde_json::Value as Json;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the subject of a mail begins with that may have been sent before.
const AGAIN: &str = "[sent again] ";

/// A mail, ready to be delivered.
pub(super) struct Letter {
    from: Address,
    to: Vec<Address>,
    text: Vec<u8>,
}

/// How the way to the server is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protection {
    StartTls,
    Implicit,
    None,
}

/// Where mail is handed over.
struct Server {
    host: String,
    port: u16,
    tls: Protection,
}

/// The mail was taken.
fn taken() -> Answer {
    Answer {
        status: 250,
        retry_after_ms: None,
        body: Json::Null,
        next_link: None,
    }
}

fn ended(server: &Server) -> String {
    let host = &server.host;
    format!("the connection to {host} ended after the mail was handed over")
}

fn before_it(server: &Server) -> Trouble {
    Trouble::not_sent(format!("{} could not be reached", server.host))
}

impl Job<'_> {
    /// Sends a mail.
    pub async fn mail(&mut self, call: MailCall) -> CallOutcome {
        match self.letter(&call) {
            Err(reason) => failed(reason),
            Ok(letter) => match self.exchange(&Errand::Mail(letter), false).await {
                Ok((_, meaning)) => outcome(meaning),
                Err(outcome) => outcome,
            },
        }
    }

    fn letter(&self, call: &MailCall) -> Result<Letter, String> {
        let sender = self
            .settings
            .and_then(|s| s.from.as_deref())
            .unwrap_or_default();
        let from: Mailbox = sender.parse().map_err(|_| {
            let name = &self.connection.name;
            format!("`from` of [connections.{name}] in counterplay.toml is not an e-mail address: \"{sender}\"")
        })?;
        let mut to: Vec<Address> = Vec::new();
        for text in &call.to {
            let address = text
                .trim()
                .parse()
                .map_err(|_| format!("\"{text}\" is not an e-mail address"))?;
            if !to.contains(&address) {
                to.push(address);
            }
        }
        let again = if self.request.repeated { AGAIN } else { "" };
        let id = format!("<{}@{}>", self.correlation(), from.email.domain());
        let since_1970 = Duration::from_millis(u64::try_from(self.hub.clock.now_ms()).unwrap_or(0));
        let date: SystemTime = UNIX_EPOCH + since_1970;
        let mut message = Message::builder()
            .from(from.clone())
            .subject(format!("{again}{}", call.subject))
            .message_id(Some(id))
            .date(date)
            // RFC 3834: tells out-of-office programs not to answer.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".into(),
            ))
            .header(ContentType::TEXT_PLAIN);
        for address in &to {
            message = message.to(Mailbox::new(None, address.clone()));
        }
        let message = message
            .body(call.body.clone())
            .map_err(|error| format!("the mail cannot be made: {error}"))?;
        Ok(Letter {
            from: from.email,
            to,
            text: message.formatted(),
        })
    }

    /// Hands a mail to the server, once.
    pub async fn deliver(&mut self, letter: &Letter) -> Result<Answer, Trouble> {
        let server = self.mail_server()?;
        let mut credentials = self.mail_credentials().await?;
        let mut replaced = false;
        let to: Vec<String> = letter.to.iter().map(ToString::to_string).collect();
        let posted = self.hub.wire.post(wire::Mail {
            from: letter.from.as_ref(),
            to: &to,
            text: &letter.text,
        });
        if let Some(posted) = posted {
            return match posted.await {
                Ok(()) => Ok(taken()),
                Err(WireError::NotReached) => Err(before_it(&server)),
                Err(_) => Err(Trouble::Lost(ended(&server))),
            };
        }
        let limit = Duration::from_millis(self.connection.timeout_ms.max(1) as u64);
        let late = format!(
            "{} did not answer within {}",
            server.host,
            duration::format_ms(self.connection.timeout_ms)
        );
        let mut dialogue = loop {
            let shown = credentials.take();
            let opening = self.open_dialogue(&server, shown.as_ref().map(|(c, _)| c), letter);
            match tokio::time::timeout(limit, opening).await {
                // The password may have been replaced; without a new one nothing is tried again.
                Ok(Err(Trouble::Refused(reason))) => {
                    let Some((_, secret)) = shown else {
                        return Err(Trouble::Refused(reason));
                    };
                    if replaced || !self.has_new_secret(&secret).await {
                        return Err(Trouble::Refused(reason));
                    }
                    replaced = true;
                    credentials = self.mail_credentials().await?;
                }
                Ok(opened) => break opened?,
                Err(_) => return Err(Trouble::not_sent(late)),
            }
        };
        match tokio::time::timeout(limit, dialogue.message(&letter.text)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.is_transient() || error.is_permanent() => {
                return Err(before(&server, &error));
            }
            Ok(Err(_)) => {
                return Err(Trouble::Lost(ended(&server)));
            }
            Err(_) => {
                return Err(Trouble::Lost(format!(
                    "{late} after the mail was handed over"
                )));
            }
        }
        // The mail is taken; how the good-bye goes does not matter.
        let _ = tokio::time::timeout(Duration::from_secs(1), dialogue.quit()).await;
        Ok(taken())
    }

    /// Everything before the mail's text. Nothing is taken by the server until then.
    async fn open_dialogue(
        &self,
        server: &Server,
        credentials: Option<&Credentials>,
        letter: &Letter,
    ) -> Result<AsyncSmtpConnection, Trouble> {
        let addresses = egress::addresses(&server.host, server.port, self.allows_private())
            .await
            .map_err(|error| match error {
                EgressError::NotPublic { .. } | EgressError::OfTheCloud { .. } => {
                    Trouble::refused(error.to_string())
                }
                EgressError::Unresolved { .. } => Trouble::not_sent(error.to_string()),
            })?;
        let broken = |error: SmtpError| before(server, &error);
        let hello = ClientId::Domain(letter.from.domain().to_owned());
        let tls = || TlsParameters::new(server.host.clone()).map_err(broken);
        let implicit = if server.tls == Protection::Implicit {
            Some(tls()?)
        } else {
            None
        };
        let limit = Some(super::send::CONNECT_TIMEOUT);
        let mut dialogue =
            AsyncSmtpConnection::connect_tokio1(&addresses[..], limit, &hello, implicit, None)
                .await
                .map_err(broken)?;
        if server.tls == Protection::StartTls {
            if !dialogue.can_starttls() {
                return Err(Trouble::refused(format!(
                    "{} does not offer STARTTLS; set tls = \"tls\" or another port for the connection `{}`",
                    server.host, self.connection.name
                )));
            }
            dialogue.starttls(tls()?, &hello).await.map_err(broken)?;
        }
        if let Some(credentials) = credentials {
            dialogue
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(broken)?;
        }
        let mut options = Vec::new();
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !(ascii(&letter.from) && letter.to.iter().all(ascii)) {
            if !dialogue
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
            {
                return Err(Trouble::refused(format!(
                    "{} takes no addresses with letters beyond ASCII",
                    server.host
                )));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !letter.text.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        dialogue
            .command(Mail::new(Some(letter.from.clone()), options))
            .await
            .map_err(broken)?;
        let mut refused = Vec::new();
        for address in &letter.to {
            match dialogue.command(Rcpt::new(address.clone(), vec![])).await {
                Ok(_) => {}
                Err(error) if error.is_permanent() => {
                    refused.push(format!("{address} ({})", words(&error)))
                }
                Err(error) => return Err(broken(error)),
            }
        }
        let refused_list = self.redactor.text(&refused.join(", "));
        if refused.len() == letter.to.len() {
            return Err(Trouble::refused(format!(
                "{} takes no mail for {refused_list}",
                server.host
            )));
        }
        if !refused.is_empty() {
            // One mailbox that is gone must not keep an alert from everyone else.
            tracing::warn!(id = %self.request.id, refused = %refused_list, "mail goes to the other recipients only");
        }
        dialogue.command(Data).await.map_err(broken)?;
        Ok(dialogue)
    }

    fn mail_server(&self) -> Result<Server, Trouble> {
        let name = &self.connection.name;
        let none = ConnectionSettings::default();
        let settings = self.settings.unwrap_or(&none);
        let tls = match settings.tls.as_deref() {
            None | Some("starttls") => Protection::StartTls,
            Some("tls") => Protection::Implicit,
            Some("none") if settings.allow_private => Protection::None,
            Some("none") => {
                return Err(Trouble::refused(format!(
                    "the connection `{name}` is not encrypted: tls = \"none\" is for allow_private = true only"
                )));
            }
            Some(other) => {
                return Err(Trouble::refused(format!(
                    "tls = \"{other}\" of the connection `{name}` is unknown; it is starttls, tls or none"
                )));
            }
        };
        let base = settings.base.as_deref().unwrap_or_default();
        let url = Url::parse(base).ok().filter(|url| url.scheme() == "smtp");
        let Some(host) = url
            .as_ref()
            .and_then(Url::host_str)
            .filter(|host| !host.is_empty())
        else {
            return Err(Trouble::refused(format!(
                "base = \"{base}\" of the connection `{name}` is not a mail server; it is written as smtp://HOST:PORT"
            )));
        };
        let usual = match tls {
            Protection::StartTls => 587,
            Protection::Implicit => 465,
            Protection::None => 25,
        };
        Ok(Server {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: url.as_ref().and_then(Url::port).unwrap_or(usual),
            tls,
        })
    }

    /// What we sign in with, and the secret in it.
    async fn mail_credentials(&mut self) -> Result<Option<(Credentials, String)>, Trouble> {
        match (self.credentials.client_id.clone(), &self.credentials.secret) {
            (Some(user), Some(_)) => {
                let secret = self.connection_secret().await?;
                Ok(Some((Credentials::new(user, secret.clone()), secret)))
            }
            _ => Ok(None),
        }
    }
}

/// An error before the server took the mail.
fn before(server: &Server, error: &SmtpError) -> Trouble {
    let host = &server.host;
    if error.is_permanent() {
        Trouble::refused(format!("{host} refused the mail: {}", words(error)))
    } else if error.is_transient() {
        Trouble::not_sent(format!(
            "{host} does not take the mail now: {}",
            words(error)
        ))
    } else if error.is_client() {
        Trouble::refused(format!(
            "the mail cannot be handed to {host}: {}",
            words(error)
        ))
    } else {
        Trouble::not_sent(format!("{host} could not be reached: {}", words(error)))
    }
}

/// The server's own words with its code, else the cause.
fn words(error: &SmtpError) -> String {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match error.status() {
        Some(code) if error.source().is_some() => format!("{code} {root}"),
        _ => root.to_string(),
    }
}
