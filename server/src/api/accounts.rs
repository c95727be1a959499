//! People and API tokens, for administrators.

use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, Path, Refused};
use crate::identity::{
    ApiToken, CreatedPerson, DEFAULT_DAYS, NewAccount, NewApiToken, Permission, Person, Role, Scope,
};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A person.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PersonView {
    /// The number.
    pub person: i64,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
    /// What they are trusted with.
    pub roles: Vec<String>,
    /// Their tenants; absent for every tenant.
    pub tenants: Option<Vec<String>>,
    /// Whether they may not log in.
    pub disabled: bool,
    /// Since when, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The password, in the one answer that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// The people.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PersonList {
    /// In the order of their addresses.
    pub people: Vec<PersonView>,
}

/// Somebody who is to be let in.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `email`, `name` and `roles`"
)]
pub struct NewPersonRequest {
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
    /// What they are trusted with.
    #[schema(min_items = 1)]
    pub roles: BTreeSet<Role>,
    /// Their tenants; left out for every tenant.
    #[schema(min_items = 1)]
    pub tenants: Option<Vec<String>>,
}

/// What is to be different about a person; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with what changes"
)]
pub struct PersonChange {
    /// The name.
    pub name: Option<String>,
    /// What they are trusted with.
    pub roles: Option<BTreeSet<Role>>,
    /// Their tenants; an empty list for every tenant.
    pub tenants: Option<Vec<String>>,
    /// Whether they may not log in.
    pub disabled: Option<bool>,
}

/// An API token.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TokenView {
    /// The number.
    pub token: i64,
    /// The name, as audit records have it after `token:`.
    pub name: String,
    /// What it may do.
    pub role: Option<String>,
    /// Its tenants; absent for every tenant.
    pub tenants: Option<Vec<String>>,
    /// Who made it.
    pub created_by: String,
    /// When it ends, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was last used, RFC 3339.
    #[schema(format = DateTime)]
    pub used_at: Option<String>,
    /// When it was revoked, RFC 3339.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// What the program sends, in the one answer that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The tokens.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TokenList {
    /// The latest first.
    pub tokens: Vec<TokenView>,
}

/// A token that is to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `name` and `role`")]
pub struct NewTokenRequest {
    /// What people call it.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub name: String,
    /// What it may do; `source` for systems that deliver events.
    pub role: Role,
    /// Its tenants; left out for every tenant. A `source` has just one.
    #[schema(min_items = 1)]
    pub tenants: Option<Vec<String>>,
    /// For how many days, 1 to 365.
    #[schema(minimum = 1, maximum = 365)]
    pub days: Option<u32>,
}

/// List people
#[utoipa::path(get, path = "/people", tag = "access",
    operation_id = "listPeople",
    responses((status = 200, description = "People, by name", body = PersonList), Refused))]
pub async fn people(State(app): State<App>, auth: Auth) -> Result<Json<PersonList>, Problem> {
    auth.needs(Permission::Administer)?;
    let people = app.identity.people(&auth.0).await?;
    Ok(Json(PersonList {
        people: people.into_iter().map(person_view).collect(),
    }))
}

/// Let somebody in
///
/// The answer shows the first password once.
#[utoipa::path(post, path = "/people", tag = "access",
    operation_id = "addPerson", request_body = NewPersonRequest,
    responses(
        (status = 201, description = "The person, with the password that is shown once", body = PersonView),
        Refused))]
pub async fn add_person(
    State(app): State<App>,
    auth: Auth,
    Body(new): Body<NewPersonRequest>,
) -> Result<(StatusCode, Json<PersonView>), Problem> {
    let created = create(&app, &auth, new).await?;
    Ok((StatusCode::CREATED, Json(with_password(created))))
}

/// Lets somebody in.
///
/// # Errors
/// When the caller may not, or something does not fit.
pub async fn create(
    app: &App,
    auth: &Auth,
    new: NewPersonRequest,
) -> Result<CreatedPerson, Problem> {
    auth.needs(Permission::Administer)?;
    let account = NewAccount {
        email: new.email,
        name: new.name,
        roles: new.roles,
        scope: scope(app, new.tenants)?,
    };
    let created = app.identity.create_person(&auth.0, account, None).await?;
    Ok(created)
}

/// Change a person
#[utoipa::path(patch, path = "/people/{person}", tag = "access",
    operation_id = "changePerson", request_body = PersonChange,
    params(("person" = i64, Path, description = "The number")),
    responses((status = 200, description = "The person as changed", body = PersonView), Refused))]
pub async fn change_person(
    State(app): State<App>,
    auth: Auth,
    Path(num): Path<i64>,
    Body(change): Body<PersonChange>,
) -> Result<Json<PersonView>, Problem> {
    Ok(Json(person_view(alter(&app, &auth, num, change).await?)))
}

/// Changes a person.
///
/// # Errors
/// When the caller may not, or something does not fit.
pub async fn alter(
    app: &App,
    auth: &Auth,
    num: i64,
    change: PersonChange,
) -> Result<Person, Problem> {
    auth.needs(Permission::Administer)?;
    let none = || Problem::not_found(format!("there is no person {num}"));
    let people = app.identity.people(&auth.0).await?;
    let mut person = people.into_iter().find(|p| p.num == num).ok_or_else(none)?;
    if change.name.is_some() || change.roles.is_some() || change.tenants.is_some() {
        let name = change.name.unwrap_or_else(|| person.name.clone());
        let roles = change.roles.unwrap_or_else(|| person.roles.clone());
        let scope = match change.tenants {
            Some(names) => scope(app, Some(names).filter(|n| !n.is_empty()))?,
            None => person.scope.clone(),
        };
        person = app
            .identity
            .change_person(&auth.0, num, &name, &roles, &scope)
            .await?;
    }
    if let Some(disabled) = change.disabled {
        person = app.identity.set_disabled(&auth.0, num, disabled).await?;
    }
    Ok(person)
}

/// Give somebody a new password
///
/// The answer shows it once; their sessions end.
#[utoipa::path(post, path = "/people/{person}/password", tag = "access",
    operation_id = "resetPassword",
    params(("person" = i64, Path, description = "The number")),
    responses(
        (status = 200, description = "The person, with the password that is shown once", body = PersonView),
        Refused))]
pub async fn reset_password(
    State(app): State<App>,
    auth: Auth,
    Path(num): Path<i64>,
) -> Result<Json<PersonView>, Problem> {
    Ok(Json(with_password(reset(&app, &auth, num).await?)))
}

/// Gives somebody a new password.
///
/// # Errors
/// When the caller may not.
pub async fn reset(app: &App, auth: &Auth, num: i64) -> Result<CreatedPerson, Problem> {
    auth.needs(Permission::Administer)?;
    let created = app.identity.reset_password(&auth.0, num, None).await?;
    Ok(created)
}

/// List API tokens
#[utoipa::path(get, path = "/tokens", tag = "access",
    operation_id = "listTokens",
    responses((status = 200, description = "Tokens, without their secrets", body = TokenList), Refused))]
pub async fn tokens(State(app): State<App>, auth: Auth) -> Result<Json<TokenList>, Problem> {
    auth.needs(Permission::Administer)?;
    let tokens = app.identity.tokens(&auth.0).await?;
    Ok(Json(TokenList {
        tokens: tokens.into_iter().map(|t| token_view(t, None)).collect(),
    }))
}

/// Make an API token
///
/// The answer shows it once.
#[utoipa::path(post, path = "/tokens", tag = "access",
    operation_id = "createToken", request_body = NewTokenRequest,
    responses(
        (status = 201, description = "The token, with the secret that is shown once", body = TokenView),
        Refused))]
pub async fn create_token(
    State(app): State<App>,
    auth: Auth,
    Body(new): Body<NewTokenRequest>,
) -> Result<(StatusCode, Json<TokenView>), Problem> {
    let (token, secret) = make_token(&app, &auth, new).await?;
    Ok((StatusCode::CREATED, Json(token_view(token, Some(secret)))))
}

/// Makes a token.
///
/// # Errors
/// When the caller may not, or something does not fit.
pub async fn make_token(
    app: &App,
    auth: &Auth,
    new: NewTokenRequest,
) -> Result<(ApiToken, String), Problem> {
    auth.needs(Permission::Administer)?;
    let wanted = NewApiToken {
        name: new.name,
        role: new.role,
        scope: scope(app, new.tenants)?,
        days: new.days.unwrap_or(DEFAULT_DAYS),
    };
    let made = app.identity.create_token(&auth.0, wanted).await?;
    Ok((made.token, made.secret))
}

/// Revoke an API token
#[utoipa::path(delete, path = "/tokens/{token}", tag = "access",
    operation_id = "revokeToken",
    params(("token" = i64, Path, description = "The number")),
    responses((status = 200, description = "The token, which has ended", body = TokenView), Refused))]
pub async fn revoke_token(
    State(app): State<App>,
    auth: Auth,
    Path(num): Path<i64>,
) -> Result<Json<TokenView>, Problem> {
    Ok(Json(token_view(revoke(&app, &auth, num).await?, None)))
}

/// Revokes a token.
///
/// # Errors
/// When the caller may not.
pub async fn revoke(app: &App, auth: &Auth, num: i64) -> Result<ApiToken, Problem> {
    auth.needs(Permission::Administer)?;
    let token = app.identity.revoke_token(&auth.0, num).await?;
    Ok(token)
}

/// The scope that a list of tenants names.
fn scope(app: &App, tenants: Option<Vec<String>>) -> Result<Scope, Problem> {
    let deployment = app.engine.deployment();
    if let Some(names) = &tenants
        && let Some(unknown) = names.iter().find(|n| !deployment.tenants.contains_key(*n))
    {
        return Err(
            Problem::unprocessable(format!("there is no tenant `{unknown}`"))
                .with("path", "tenants"),
        );
    }
    if tenants.as_ref().is_some_and(Vec::is_empty) {
        return Err(
            Problem::unprocessable("name at least one tenant in `tenants`, or every tenant by leaving it out (on a form: tick one, or “Every tenant”)")
                .with("path", "tenants"),
        );
    }
    Ok(Scope::of(tenants))
}

fn role_names(person: &Person) -> Vec<&'static str> {
    person.roles.iter().map(|r| r.name()).collect()
}

fn with_password(created: CreatedPerson) -> PersonView {
    PersonView {
        password: Some(created.password),
        ..person_view(created.person)
    }
}

fn person_view(person: Person) -> PersonView {
    PersonView {
        person: person.num,
        roles: role_names(&person).into_iter().map(str::to_owned).collect(),
        tenants: person.scope.names(),
        email: person.email,
        name: person.name,
        disabled: person.disabled,
        created_at: time::rfc3339(person.created_ms),
        password: None,
    }
}

fn token_view(token: ApiToken, secret: Option<String>) -> TokenView {
    TokenView {
        token: token.num,
        name: token.name,
        role: token.role.map(|r| r.name().to_owned()),
        tenants: token.scope.names(),
        created_by: token.created_by,
        expires_at: time::rfc3339(token.expires_ms),
        used_at: time::maybe(token.used_ms),
        revoked_at: time::maybe(token.revoked_ms),
        secret,
    }
}
