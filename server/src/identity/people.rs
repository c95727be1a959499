//! What an administrator wants changed in, the person as they are then out.

use super::{
    Caller, Identity, IdentityError, Permission, Principal, Role, Scope, names, password, secret,
};
use counterplay_runtime::store::{Fault, NewAudit, NewPerson, PersonChange, PersonRow, Tx};
use serde_json::json;
use std::collections::BTreeSet;

/// A person who may log in, or once might.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person's number.
    pub num: i64,
    /// The e-mail address, in lower case.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// What they are trusted with.
    pub roles: BTreeSet<Role>,
    /// Where.
    pub scope: Scope,
    /// May not log in.
    pub disabled: bool,
    /// Since when, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// The latest change, in milliseconds since the Unix epoch.
    pub changed_ms: i64,
}

/// A person who is to be let in, or what a person is to be from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The e-mail address.
    pub email: String,
    /// The name for people.
    pub name: String,
    /// What they are trusted with.
    pub roles: BTreeSet<Role>,
    /// Where.
    pub scope: Scope,
}

/// A person who was let in.
#[derive(Clone)]
pub struct CreatedPerson {
    /// The person.
    pub person: Person,
    /// The password to log in with. It is shown once and kept nowhere.
    pub password: String,
}

impl std::fmt::Debug for CreatedPerson {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedPerson")
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

type Answer<T> = Result<Result<T, IdentityError>, Fault>;

impl Identity {
    /// The people within an administrator's tenants, by e-mail address.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when `by` is none; when the store cannot be used.
    pub async fn people(&self, by: &Principal) -> Result<Vec<Person>, IdentityError> {
        administrator(by)?;
        let rows = self.store.people().await?;
        let people = rows.iter().map(person);
        Ok(people.filter(|p| by.scope.covers(&p.scope)).collect())
    }

    /// The person with an e-mail address, in whatever case it is written.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is none within the administrator's tenants;
    /// [`IdentityError::Forbidden`]; when the store cannot be used.
    pub async fn person_by_email(
        &self,
        by: &Principal,
        email: &str,
    ) -> Result<Person, IdentityError> {
        administrator(by)?;
        let address = names::email(email)?;
        let row = self.store.person_by_email(&address).await?;
        row.as_ref()
            .map(person)
            .filter(|p| by.scope.covers(&p.scope))
            .ok_or_else(|| {
                IdentityError::NotFound(format!("there is nobody with the address {address}"))
            })
    }

    /// The person with an e-mail address, for the service itself; nothing where nobody has it.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn known(&self, email: &str) -> Result<Option<Person>, IdentityError> {
        let row = self.store.person_by_email(email).await?;
        Ok(row.as_ref().map(person))
    }

    /// Lets a person in, with a password that is made up unless one is given.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when `by` may not; [`IdentityError::Invalid`], [`IdentityError::Weak`],
    /// [`IdentityError::Taken`]; when the store cannot be used.
    pub async fn create_person(
        &self,
        by: &Principal,
        account: NewAccount,
        password: Option<String>,
    ) -> Result<CreatedPerson, IdentityError> {
        let email = names::email(&account.email)?;
        let name = names::person(&account.name)?;
        sensible(&account.roles)?;
        names::scope(&account.scope)?;
        authority(by, &account.scope)?;
        let password = self.chosen(password, &email)?;
        let new = NewPerson {
            email: email.clone(),
            name,
            password: self.passwords.hash(&password).await?,
            roles: role_names(&account.roles),
            tenants: account.scope.names(),
        };
        let now = self.now_ms();
        let detail = json!({"roles": new.roles, "tenants": new.tenants});
        let audit = self.audit(by, "person.created", &email, detail);
        let added = self
            .store
            .write(move |tx| match tx.add_person(&new, now)? {
                Some(num) => {
                    tx.add_audit(&audit)?;
                    tx.person(num)
                }
                None => Ok(None),
            })
            .await?;
        let row = added.ok_or_else(|| {
            IdentityError::Taken(format!(
                "there is a person with the address {email} already"
            ))
        })?;
        Ok(CreatedPerson {
            person: person(&row),
            password,
        })
    }

    /// Changes a person's name, roles and tenants; takes effect with their next request.
    ///
    /// # Errors
    /// [`IdentityError::LastAdministrator`]; [`IdentityError::NotFound`] when there is no such person within the
    /// administrator's tenants; as [`Identity::create_person`].
    pub async fn change_person(
        &self,
        by: &Principal,
        num: i64,
        name: &str,
        roles: &BTreeSet<Role>,
        scope: &Scope,
    ) -> Result<Person, IdentityError> {
        let name = names::person(name)?;
        sensible(roles)?;
        names::scope(scope)?;
        authority(by, scope)?;
        let change = PersonChange {
            name: Some(name),
            roles: Some(role_names(roles)),
            tenants: Some(scope.names()),
            disabled: None,
        };
        self.apply(by, num, change).await
    }

    /// Keeps a person from logging in and ends their sessions, or lets them in again.
    ///
    /// # Errors
    /// As [`Identity::change_person`].
    pub async fn set_disabled(
        &self,
        by: &Principal,
        num: i64,
        disabled: bool,
    ) -> Result<Person, IdentityError> {
        let change = PersonChange {
            disabled: Some(disabled),
            ..PersonChange::default()
        };
        self.apply(by, num, change).await
    }

    /// Gives a person another password, made up unless one is given, and ends their sessions. Returns
    /// the password, which is shown once and kept nowhere.
    ///
    /// # Errors
    /// [`IdentityError::Weak`]; as [`Identity::change_person`].
    pub async fn reset_password(
        &self,
        by: &Principal,
        num: i64,
        password: Option<String>,
    ) -> Result<CreatedPerson, IdentityError> {
        administrator(by)?;
        let scope = by.scope.clone();
        let found = self
            .store
            .read(move |tx| visible(tx, num, &scope))
            .await??;
        let password = self.chosen(password, &found.email)?;
        let hash = self.passwords.hash(&password).await?;
        let audit = self.audit(by, "person.password_reset", &found.email, json!({}));
        let (now, scope) = (self.now_ms(), by.scope.clone());
        let person = self
            .store
            .write(move |tx| {
                // Tenants may have been added since the first look.
                let found = match visible(tx, num, &scope)? {
                    Ok(found) => found,
                    Err(refused) => return Ok(Err(refused)),
                };
                tx.set_password(num, &hash, None, now)?;
                tx.add_audit(&audit)?;
                Ok(Ok(found))
            })
            .await??;
        Ok(CreatedPerson { person, password })
    }

    async fn apply(
        &self,
        by: &Principal,
        num: i64,
        change: PersonChange,
    ) -> Result<Person, IdentityError> {
        administrator(by)?;
        let (now, scope) = (self.now_ms(), by.scope.clone());
        let action = match change.disabled {
            Some(true) => "person.disabled",
            Some(false) => "person.enabled",
            None => "person.changed",
        };
        let detail = json!({"roles": change.roles, "tenants": change.tenants});
        let audit = self.audit(by, action, "", detail);
        self.store
            .write(move |tx| {
                let found = match visible(tx, num, &scope)? {
                    Ok(found) => found,
                    Err(refused) => return Ok(Err(refused)),
                };
                let people: Vec<Person> = tx.people()?.iter().map(person).collect();
                if !somebody_stays(&people, num, &change) {
                    return Ok(Err(IdentityError::LastAdministrator));
                }
                tx.change_person(num, &change, now)?;
                tx.add_audit(&NewAudit {
                    object: Some(found.email),
                    ..audit
                })?;
                visible(tx, num, &Scope::All)
            })
            .await?
    }

    fn chosen(&self, given: Option<String>, email: &str) -> Result<String, IdentityError> {
        match given {
            Some(password) => {
                password::strong_enough(&password, email)?;
                Ok(password)
            }
            None => secret::password(),
        }
    }
}

/// A person within a scope; others are as if they were not there.
fn visible(tx: &Tx<'_>, num: i64, scope: &Scope) -> Answer<Person> {
    let found = tx.person(num)?.as_ref().map(person);
    Ok(found
        .filter(|p| scope.covers(&p.scope))
        .ok_or_else(|| IdentityError::NotFound(format!("there is no person {num}"))))
}

/// Whether an enabled administrator of every tenant is left after a change, where there was one.
fn somebody_stays(people: &[Person], num: i64, change: &PersonChange) -> bool {
    let rules = |p: &&Person| {
        !p.disabled && p.roles.contains(&Role::Administrator) && p.scope == Scope::All
    };
    let Some(changed) = people.iter().filter(rules).find(|p| p.num == num) else {
        return true;
    };
    let mut after = changed.clone();
    if let Some(roles) = &change.roles {
        after.roles = roles_named(roles);
    }
    if let Some(tenants) = &change.tenants {
        after.scope = Scope::of(tenants.clone());
    }
    if let Some(disabled) = change.disabled {
        after.disabled = disabled;
    }
    rules(&&after) || people.iter().filter(rules).any(|p| p.num != num)
}

/// Whether someone may administer people and tokens at all.
pub(super) fn administrator(by: &Principal) -> Result<(), IdentityError> {
    if by.may(Permission::Administer) {
        Ok(())
    } else {
        Err(IdentityError::Forbidden(
            "people and tokens are for administrators".to_owned(),
        ))
    }
}

/// Whether someone may give away rights in these tenants.
pub(super) fn authority(by: &Principal, scope: &Scope) -> Result<(), IdentityError> {
    administrator(by)?;
    if by.scope.covers(scope) {
        Ok(())
    } else {
        Err(IdentityError::Forbidden(
            "rights can be given in tenants that you administer yourself, and in no other"
                .to_owned(),
        ))
    }
}

/// Whether a person can have these roles.
pub(super) fn sensible(roles: &BTreeSet<Role>) -> Result<(), IdentityError> {
    if roles.is_empty() {
        return Err(IdentityError::Invalid(
            "a person needs at least one role; viewer is the least".to_owned(),
        ));
    }
    if roles.contains(&Role::Source) {
        return Err(IdentityError::Invalid(
            "the role source is for tokens of other systems; people who deliver events are operators"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The names of roles, as the store keeps them.
pub(super) fn role_names(roles: &BTreeSet<Role>) -> Vec<String> {
    roles.iter().map(|r| r.name().to_owned()).collect()
}

/// The roles with these names. One that this version does not know allows nothing.
fn roles_named(names: &[String]) -> BTreeSet<Role> {
    names.iter().filter_map(|n| Role::named(n)).collect()
}

fn person(row: &PersonRow) -> Person {
    Person {
        num: row.num,
        email: row.email.clone(),
        name: row.name.clone(),
        roles: roles_named(&row.roles),
        scope: Scope::of(row.tenants.clone()),
        disabled: row.disabled,
        created_ms: row.created_ms,
        changed_ms: row.changed_ms,
    }
}

/// The person of a session.
pub(super) fn principal(row: &PersonRow, csrf: String) -> Principal {
    Principal {
        id: row.email.clone(),
        name: row.name.clone(),
        caller: Caller::Person { num: row.num, csrf },
        roles: roles_named(&row.roles),
        scope: Scope::of(row.tenants.clone()),
    }
}
