//! An empty store in, the first people out.

use super::people::{role_names, sensible};
use super::{Identity, IdentityError, Role, Scope, names, password, secret};
use counterplay_runtime::store::{NewPerson, PersonChange};
use std::collections::BTreeSet;

/// The address of the first administrator unless one is given.
const ADDRESS: &str = "admin@localhost";

/// The administrator that a new store begins with.
#[derive(Clone)]
pub struct FirstAdministrator {
    /// The e-mail address to log in with.
    pub email: String,
    /// The password. It is shown once and kept nowhere.
    pub password: String,
}

impl std::fmt::Debug for FirstAdministrator {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstAdministrator")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// A made-up person of a sandbox.
#[derive(Clone)]
pub struct DemoPerson {
    /// The e-mail address.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// What they are trusted with.
    pub roles: BTreeSet<Role>,
    /// Where.
    pub scope: Scope,
    /// The password.
    pub password: String,
}

impl Identity {
    /// Makes an administrator of every tenant when there is nobody yet, `admin@localhost` unless an
    /// address is given. Nothing when there is somebody.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] when the address is none; when the store cannot be used.
    pub async fn first_administrator(
        &self,
        email: Option<&str>,
    ) -> Result<Option<FirstAdministrator>, IdentityError> {
        let email = names::email(email.unwrap_or(ADDRESS))?;
        if !self.store.people().await?.is_empty() {
            return Ok(None);
        }
        let password = secret::password()?;
        let new = NewPerson {
            email: email.clone(),
            name: "Administrator".to_owned(),
            password: self.passwords.hash(&password).await?,
            roles: role_names(&BTreeSet::from([Role::Administrator])),
            tenants: None,
        };
        let now = self.now_ms();
        let made = self
            .store
            .write(move |tx| {
                // Another process may have been faster.
                if tx.people()?.is_empty() {
                    tx.add_person(&new, now)
                } else {
                    Ok(None)
                }
            })
            .await?;
        Ok(made.map(|_| FirstAdministrator { email, password }))
    }

    /// Sees to it that made-up people are there just as given, whatever was there before. Their sessions
    /// go on where nothing of the login changes.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], [`IdentityError::Weak`]; when the store cannot be used.
    pub async fn ensure_people(&self, people: &[DemoPerson]) -> Result<(), IdentityError> {
        for person in people {
            self.ensure(person).await?;
        }
        Ok(())
    }

    async fn ensure(&self, wanted: &DemoPerson) -> Result<(), IdentityError> {
        let email = names::email(&wanted.email)?;
        let name = names::person(&wanted.name)?;
        sensible(&wanted.roles)?;
        names::scope(&wanted.scope)?;
        password::strong_enough(&wanted.password, &email)?;
        let (roles, tenants) = (role_names(&wanted.roles), wanted.scope.names());
        let now = self.now_ms();
        let Some(there) = self.store.person_by_email(&email).await? else {
            let new = NewPerson {
                email,
                name,
                password: self.passwords.hash(&wanted.password).await?,
                roles,
                tenants,
            };
            self.store.write(move |tx| tx.add_person(&new, now)).await?;
            return Ok(());
        };
        let known = self
            .passwords
            .fits(&wanted.password, Some(&there.password))
            .await?;
        let hash = if known {
            None
        } else {
            Some(self.passwords.hash(&wanted.password).await?)
        };
        let change = PersonChange {
            name: Some(name).filter(|n| *n != there.name),
            roles: Some(roles).filter(|r| *r != there.roles),
            tenants: Some(tenants).filter(|t| *t != there.tenants),
            disabled: Some(false).filter(|_| there.disabled),
        };
        if change == PersonChange::default() && hash.is_none() {
            return Ok(());
        }
        self.store
            .write(move |tx| {
                tx.change_person(there.num, &change, now)?;
                if let Some(hash) = &hash {
                    tx.set_password(there.num, hash, None, now)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
