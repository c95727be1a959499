//! An address and a password in, a session out; a session's cookie in, the person out.

use super::people::principal;
use super::{Identity, IdentityError, Principal, names, password, secret};
use counterplay_runtime::store::{NewAudit, NewSession, SessionRow};
use serde_json::json;
use std::net::IpAddr;

/// A session ends when it was not used for this long: 8 hours, in milliseconds.
pub const IDLE_MS: i64 = 8 * HOUR_MS;
/// A session ends this long after the login: 24 hours, in milliseconds.
pub const ABSOLUTE_MS: i64 = 24 * HOUR_MS;

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// How exactly the last use is noted: not every look at a page is written to the disk.
const NOTED_MS: i64 = 60 * 1_000;
/// Longer than any cookie of ours.
const LONGEST_COOKIE: usize = 128;

/// The same for an unknown address, a wrong password and a disabled account.
const REFUSED: &str = "the e-mail address or the password is not right";
const OVER: &str = "the session has ended; log in again";

/// A login that succeeded.
#[derive(Clone)]
pub struct LoggedIn {
    /// The cookie's value, for [`super::Cookies::set`]. It is shown to the browser only.
    pub cookie: String,
    /// Who it is, with the token that forms must carry.
    pub principal: Principal,
    /// When the session ends at the latest, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

impl std::fmt::Debug for LoggedIn {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoggedIn")
            .field("person", &self.principal.id)
            .field("expires_ms", &self.expires_ms)
            .finish_non_exhaustive()
    }
}

/// A login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Since when, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was last used, to the minute.
    pub seen_ms: i64,
    /// Whether it is the one that asks.
    pub this: bool,
}

impl Identity {
    /// Begins a session for a person. `client` is the address that the request comes from, behind a
    /// proxy the one that the proxy tells.
    ///
    /// # Errors
    /// [`IdentityError::Unauthorized`], without a hint at which part is wrong;
    /// [`IdentityError::TooMany`] and [`IdentityError::Busy`]; when the store cannot be used.
    pub async fn log_in(
        &self,
        email: &str,
        password: &str,
        client: IpAddr,
    ) -> Result<LoggedIn, IdentityError> {
        // What is no address is nobody's, and takes as long.
        let address = names::email(email).unwrap_or_default();
        let person = self.store.person_by_email(&address).await?;
        let hash = person.as_ref().map(|p| p.password.as_str());
        self.prove(email, password, hash, client).await?;
        let Some(person) = person else {
            return Err(IdentityError::Unauthorized(REFUSED));
        };
        let now = self.now_ms();
        let cookie = secret::session()?;
        let session = NewSession {
            digest: secret::digest(&cookie),
            person: person.num,
            expires_ms: now.saturating_add(ABSOLUTE_MS),
        };
        let expires_ms = session.expires_ms;
        let begun = self
            .store
            .write(move |tx| {
                tx.sweep_sessions(now, now.saturating_sub(IDLE_MS))?;
                // Hashing takes a while: the account may have changed meanwhile.
                let Some(current) = tx.person(person.num)? else {
                    return Ok(None);
                };
                if current.disabled || current.password != person.password {
                    return Ok(None);
                }
                tx.add_session(&session, now)?;
                Ok(Some(current))
            })
            .await?;
        let person = begun.ok_or(IdentityError::Unauthorized(REFUSED))?;
        Ok(LoggedIn {
            principal: principal(&person, secret::csrf(&cookie)),
            cookie,
            expires_ms,
        })
    }

    /// The person whose session has this cookie, with the roles that they have now.
    ///
    /// # Errors
    /// [`IdentityError::Unauthorized`] when the session is none or has ended; when the store cannot be
    /// used.
    pub async fn check_session(&self, cookie: &str) -> Result<Principal, IdentityError> {
        let digest = digest_of(cookie)?;
        let session = self.good_session(&digest).await?;
        let now = self.now_ms();
        if now.saturating_sub(session.seen_ms) >= NOTED_MS {
            self.store
                .write(move |tx| tx.note_session(&digest, now))
                .await?;
        }
        Ok(principal(&session.person, secret::csrf(cookie)))
    }

    /// The open logins of the person whose session has this cookie, the latest first.
    ///
    /// # Errors
    /// [`IdentityError::Unauthorized`] when the session has ended; when the store cannot be used.
    pub async fn logins(&self, cookie: &str) -> Result<Vec<Login>, IdentityError> {
        let digest = digest_of(cookie)?;
        let person = self.good_session(&digest).await?.person.num;
        let now = self.now_ms();
        let all = self
            .store
            .read(move |tx| tx.sessions_of(person, now, now.saturating_sub(IDLE_MS)))
            .await?;
        let login = |(of, created_ms, seen_ms): (String, i64, i64)| Login {
            created_ms,
            seen_ms,
            this: of == digest,
        };
        Ok(all.into_iter().map(login).collect())
    }

    /// Ends a session. It is no error when there is none.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn log_out(&self, cookie: &str) -> Result<(), IdentityError> {
        if let Ok(digest) = digest_of(cookie) {
            self.store.write(move |tx| tx.end_session(&digest)).await?;
        }
        Ok(())
    }

    /// Gives the person of a session another password, and ends their other sessions.
    ///
    /// # Errors
    /// [`IdentityError::Unauthorized`] when the session has ended or the present password is wrong;
    /// [`IdentityError::Weak`] when the new one is; as [`Identity::log_in`].
    pub async fn change_password(
        &self,
        cookie: &str,
        present: &str,
        new: &str,
        client: IpAddr,
    ) -> Result<(), IdentityError> {
        let digest = digest_of(cookie)?;
        let person = self.good_session(&digest).await?.person;
        password::strong_enough(new, &person.email)?;
        self.prove(&person.email, present, Some(&person.password), client)
            .await
            .map_err(|error| match error {
                IdentityError::Unauthorized(_) => {
                    IdentityError::Forbidden("the present password is not right".to_owned())
                }
                other => other,
            })?;
        if present == new {
            return Err(IdentityError::Weak(
                "it is the present one; take another".to_owned(),
            ));
        }
        let (hash, now) = (self.passwords.hash(new).await?, self.now_ms());
        let audit = NewAudit {
            at_ms: now,
            tenant: String::new(),
            actor: person.email.clone(),
            action: "person.password_changed".into(),
            run: None,
            object: Some(person.email.clone()),
            detail: json!({}),
        };
        let changed = self
            .store
            .write(move |tx| {
                // An administrator may have reset it, or ended the session, in this moment.
                let current = tx.session(&digest)?.map(|s| s.person.password);
                if current.as_ref() != Some(&person.password) {
                    return Ok(false);
                }
                tx.set_password(person.num, &hash, Some(&digest), now)?;
                tx.add_audit(&audit)?;
                Ok(true)
            })
            .await?;
        if changed {
            Ok(())
        } else {
            Err(IdentityError::Unauthorized(OVER))
        }
    }

    /// Removes sessions that have ended and returns how many. Logins do it as well.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn sweep_sessions(&self) -> Result<usize, IdentityError> {
        let now = self.now_ms();
        let swept = self
            .store
            .write(move |tx| tx.sweep_sessions(now, now.saturating_sub(IDLE_MS)))
            .await?;
        Ok(swept)
    }

    /// Whether a password fits, as often as it may be tried.
    async fn prove(
        &self,
        email: &str,
        password: &str,
        hash: Option<&str>,
        client: IpAddr,
    ) -> Result<(), IdentityError> {
        let attempt = self
            .limiter
            .attempt(email, client)
            .map_err(|retry_after_s| IdentityError::TooMany { retry_after_s })?;
        match self.passwords.fits(password, hash).await {
            Ok(true) => {
                self.limiter.succeeded(attempt);
                Ok(())
            }
            Ok(false) => Err(IdentityError::Unauthorized(REFUSED)),
            Err(error) => {
                self.limiter.undo(attempt);
                Err(error)
            }
        }
    }

    async fn good_session(&self, digest: &str) -> Result<SessionRow, IdentityError> {
        let asked = digest.to_owned();
        let found = self.store.read(move |tx| tx.session(&asked)).await?;
        let now = self.now_ms();
        found
            .filter(|s| {
                s.expires_ms > now && now.saturating_sub(s.seen_ms) < IDLE_MS && !s.person.disabled
            })
            .ok_or(IdentityError::Unauthorized(OVER))
    }
}

fn digest_of(cookie: &str) -> Result<String, IdentityError> {
    if cookie.len() > LONGEST_COOKIE {
        return Err(IdentityError::Unauthorized(OVER));
    }
    Ok(secret::digest(cookie))
}
