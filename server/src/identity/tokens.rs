//! A token's purpose in, the token once out; a token in, what it may do out.

use super::people::authority;
use super::{Caller, Identity, IdentityError, Principal, Role, Scope, names, secret};
use counterplay_runtime::store::{NewAudit, NewToken, TokenRow};
use serde_json::json;
use std::collections::BTreeSet;

/// Days after which a token ends unless it is said otherwise.
pub const DEFAULT_DAYS: u32 = 90;
/// Days after which a token ends at the latest.
pub const LONGEST_DAYS: u32 = 365;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How exactly the last use is noted: not every request is written to the disk.
const NOTED_MS: i64 = 60 * 1_000;
/// Longer than any token of ours.
const LONGEST_TOKEN: usize = 128;
const REFUSED: &str =
    "this API token is not known, has expired or was revoked; an administrator makes new ones";

/// A token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiToken {
    /// What people call it; stands in the audit trail.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// For how many days.
    pub days: u32,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub num: i64,
    /// What people call it.
    pub name: String,
    /// What it may do; `None` for a role that this version does not know: the token is good for nothing.
    pub role: Option<Role>,
    /// Where.
    pub scope: Scope,
    /// Who made it.
    pub created_by: String,
    /// When, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// When it was last used, to the minute, in milliseconds since the Unix epoch.
    pub used_ms: Option<i64>,
    /// When it was revoked, in milliseconds since the Unix epoch.
    pub revoked_ms: Option<i64>,
}

impl ApiToken {
    /// Whether it can be used at a time, in milliseconds since the Unix epoch.
    pub fn is_good(&self, now_ms: i64) -> bool {
        self.role.is_some() && self.revoked_ms.is_none() && self.expires_ms > now_ms
    }
}

/// A token that was made.
#[derive(Clone)]
pub struct CreatedToken {
    /// The token without its secret.
    pub token: ApiToken,
    /// What the program has to send. It is shown once and kept nowhere.
    pub secret: String,
}

impl std::fmt::Debug for CreatedToken {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes a token. A name can be used again when the earlier token is revoked or has expired.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when `by` may not; [`IdentityError::Invalid`], [`IdentityError::Taken`];
    /// when the store cannot be used.
    pub async fn create_token(
        &self,
        by: &Principal,
        new: NewApiToken,
    ) -> Result<CreatedToken, IdentityError> {
        let name = names::token(&new.name)?;
        fits(&new)?;
        authority(by, &new.scope)?;
        let now = self.now_ms();
        let secret = secret::token()?;
        let row = NewToken {
            name: name.clone(),
            digest: secret::digest(&secret),
            role: new.role.name().to_owned(),
            tenants: new.scope.names(),
            created_by: by.id.clone(),
            expires_ms: now.saturating_add(i64::from(new.days) * DAY_MS),
        };
        let expires_ms = row.expires_ms;
        let detail = json!({"role": row.role, "tenants": row.tenants});
        let audit = self.audit(by, "token.created", &name, detail);
        let num = self
            .store
            .write(move |tx| {
                let num = tx.add_token(&row, now)?;
                if num.is_some() {
                    tx.add_audit(&audit)?;
                }
                Ok(num)
            })
            .await?
            .ok_or_else(|| {
                IdentityError::Taken(format!(
                    "there is a token {name} already; revoke it first, or take another name"
                ))
            })?;
        Ok(CreatedToken {
            token: ApiToken {
                num,
                name,
                role: Some(new.role),
                scope: new.scope,
                created_by: by.id.clone(),
                created_ms: now,
                expires_ms,
                used_ms: None,
                revoked_ms: None,
            },
            secret,
        })
    }

    /// What a token may do.
    ///
    /// # Errors
    /// [`IdentityError::Unauthorized`] when it is not good; when the store cannot be used.
    pub async fn check_token(&self, token: &str) -> Result<Principal, IdentityError> {
        let refused = IdentityError::Unauthorized(REFUSED);
        if !token.starts_with(secret::TOKEN_PREFIX) || token.len() > LONGEST_TOKEN {
            return Err(refused);
        }
        let digest = secret::digest(token);
        let found = self
            .store
            .read(move |tx| tx.token_by_digest(&digest))
            .await?;
        let now = self.now_ms();
        let Some(token) = found.map(api_token).filter(|t| t.is_good(now)) else {
            return Err(refused);
        };
        let noted = token.used_ms.unwrap_or(i64::MIN);
        if now.saturating_sub(noted) >= NOTED_MS {
            let num = token.num;
            self.store.write(move |tx| tx.note_token(num, now)).await?;
        }
        let id = format!("token:{}", token.name);
        Ok(Principal {
            name: id.clone(),
            id,
            caller: Caller::Token { num: token.num },
            roles: token.role.into_iter().collect::<BTreeSet<_>>(),
            scope: token.scope,
        })
    }

    /// The tokens within an administrator's tenants, the latest first, those that have ended too.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when `by` is none; when the store cannot be used.
    pub async fn tokens(&self, by: &Principal) -> Result<Vec<ApiToken>, IdentityError> {
        super::people::administrator(by)?;
        let rows = self.store.tokens().await?;
        let tokens = rows.into_iter().map(api_token);
        Ok(tokens.filter(|t| by.scope.covers(&t.scope)).collect())
    }

    /// Makes a token worthless at once, and returns it.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is none within the administrator's tenants;
    /// [`IdentityError::Forbidden`]; when the store cannot be used.
    pub async fn revoke_token(&self, by: &Principal, num: i64) -> Result<ApiToken, IdentityError> {
        super::people::administrator(by)?;
        let (now, scope) = (self.now_ms(), by.scope.clone());
        let audit = self.audit(by, "token.revoked", "", json!({}));
        let revoked = self
            .store
            .write(move |tx| {
                let found = tx.token(num)?.map(api_token);
                let Some(found) = found.filter(|t| scope.covers(&t.scope)) else {
                    return Ok(None);
                };
                tx.revoke_token(num, now)?;
                tx.add_audit(&NewAudit {
                    object: Some(found.name),
                    ..audit
                })?;
                tx.token(num)
            })
            .await?;
        revoked
            .map(api_token)
            .ok_or_else(|| IdentityError::NotFound(format!("there is no token {num}")))
    }
}

/// Whether such a token makes sense.
fn fits(new: &NewApiToken) -> Result<(), IdentityError> {
    names::scope(&new.scope)?;
    if !(1..=LONGEST_DAYS).contains(&new.days) {
        return Err(IdentityError::Invalid(format!(
            "a token lasts 1 to {LONGEST_DAYS} days; make a new one before it ends"
        )));
    }
    match new.role {
        Role::Approver => Err(IdentityError::Invalid(
            "a token cannot answer approvals, only people can; give it the role viewer to look at them"
                .to_owned(),
        )),
        Role::Source if new.scope.only().is_none() => Err(IdentityError::Invalid(
            "a token with the role source delivers the events of one tenant; name that one".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn api_token(row: TokenRow) -> ApiToken {
    ApiToken {
        num: row.num,
        name: row.name,
        role: Role::named(&row.role),
        scope: Scope::of(row.tenants),
        created_by: row.created_by,
        created_ms: row.created_ms,
        expires_ms: row.expires_ms,
        used_ms: row.used_ms,
        revoked_ms: row.revoked_ms,
    }
}
