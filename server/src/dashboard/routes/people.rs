//! People and API tokens, for administrators.

use super::run::Nothing;
use super::{Form, Oops, Page};
use crate::api::accounts::{
    NewPersonRequest, NewTokenRequest, PersonChange, alter, create, make_token, reset, revoke,
};
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::people::{PersonRow, ROLES, TokenRow, TokenState};
use crate::dashboard::pages::{Choice, PeoplePage, SecretPage};
use crate::http::Path;
use crate::identity::{Permission, Role};
use crate::problem::Problem;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

/// Stands for every tenant in the forms.
const EVERY: &str = "*";

/// Somebody who is to be let in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersonForm {
    name: String,
    email: String,
    role: Vec<String>,
    tenant: Vec<String>,
}

/// A token that is to be made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    name: String,
    role: String,
    days: String,
    tenant: Vec<String>,
}

/// What did not fit, to be shown again.
#[derive(Default)]
struct Typed {
    person: (String, String),
    person_error: Option<String>,
    token_error: Option<String>,
}

/// `/people`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page) -> Result<Response, Oops> {
    let made = make(&page, Typed::default()).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page, typed: Typed) -> Result<PeoplePage, Problem> {
    page.auth.needs(Permission::Administer)?;
    let identity = &page.app.identity;
    let now = page.app.clock.now_ms();
    let people = identity.people(page.who()).await?;
    let tokens = identity.tokens(page.who()).await?;
    let deployment = page.app.engine.deployment();
    let token_roles: Vec<&str> = Role::ALL
        .into_iter()
        .filter(|r| *r != Role::Approver)
        .map(Role::name)
        .collect();
    Ok(PeoplePage {
        chrome: page.chrome(Area::People, "People and tokens").await,
        people: people
            .into_iter()
            .map(|p| PersonRow {
                num: p.num,
                me: p.email.eq_ignore_ascii_case(&page.who().id),
                roles: p.roles.iter().map(|r| r.name().to_owned()).collect(),
                tenants: p.scope.names(),
                name: p.name,
                email: p.email,
                disabled: p.disabled,
            })
            .collect(),
        tokens: tokens
            .into_iter()
            .map(|t| TokenRow {
                num: t.num,
                role: t.role.map_or("unknown", Role::name).to_owned(),
                tenants: t.scope.names(),
                state: if t.revoked_ms.is_some() {
                    TokenState::Revoked
                } else if t.is_good(now) {
                    TokenState::Valid
                } else {
                    TokenState::Expired
                },
                name: t.name,
                created_by: t.created_by,
                expires_ms: t.expires_ms,
                used_ms: t.used_ms,
            })
            .collect(),
        roles: ROLES.to_vec(),
        token_roles: token_roles
            .into_iter()
            .map(|name| Choice {
                value: name.to_owned(),
                label: name.to_owned(),
                chosen: name == Role::Source.name(),
            })
            .collect(),
        tenants: deployment
            .tenants
            .keys()
            .filter(|t| page.who().scope.includes(t))
            .cloned()
            .collect(),
        typed: typed.person,
        person_error: typed.person_error,
        token_error: typed.token_error,
    })
}

/// The tenants of a form: all of them where it says so.
fn tenants(given: Vec<String>) -> Option<Vec<String>> {
    match given.iter().any(|t| t == EVERY) {
        true => None,
        false => Some(given),
    }
}

async fn secret(page: &Page, what: &str, secret: String, usage: &str) -> Response {
    let made = SecretPage {
        chrome: page.chrome(Area::People, what).await,
        what: what.to_owned(),
        secret,
        usage: usage.to_owned(),
        back: "/people".into(),
    };
    page.show(&made)
}

async fn again(page: &Page, typed: Typed) -> Result<Response, Oops> {
    let made = make(page, typed).await;
    let made = page.or_oops(made).await?;
    Ok(super::page::render(StatusCode::UNPROCESSABLE_ENTITY, &made))
}

/// `POST /people`.
///
/// # Errors
/// The page of what went wrong.
pub async fn add(form: Form<PersonForm>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let typed = (fields.name.clone(), fields.email.clone());
    let new = NewPersonRequest {
        email: fields.email,
        name: fields.name,
        roles: fields.role.iter().filter_map(|r| Role::named(r)).collect(),
        tenants: tenants(fields.tenant),
    };
    match create(&page.app, &page.auth, new).await {
        Ok(created) => Ok(secret(
            &page,
            &format!("{} may log in", created.person.email),
            created.password,
            "The first password. Hand it over in person or by phone, never in the same mail as the address.",
        )
        .await),
        Err(problem) if matches!(problem.status, 409 | 422) => {
            again(
                &page,
                Typed {
                    person: typed,
                    person_error: Some(problem.detail),
                    ..Typed::default()
                },
            )
            .await
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

async fn switch(page: Page, num: i64, disabled: bool) -> Response {
    let change = PersonChange {
        disabled: Some(disabled),
        ..PersonChange::default()
    };
    match alter(&page.app, &page.auth, num, change).await {
        Ok(person) => {
            let what = match disabled {
                true => "may not log in any more; their sessions have ended",
                false => "may log in again",
            };
            page.back("/people", &format!("{} {what}.", person.email))
        }
        Err(problem) => page.back_with_problem("/people", &problem),
    }
}

/// `POST /people/{num}/disable`.
///
/// # Errors
/// The page of what went wrong.
pub async fn disable(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    Ok(switch(form.page, num, true).await)
}

/// `POST /people/{num}/enable`.
///
/// # Errors
/// The page of what went wrong.
pub async fn enable(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    Ok(switch(form.page, num, false).await)
}

/// `POST /people/{num}/password`.
///
/// # Errors
/// The page of what went wrong.
pub async fn password(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    match reset(&page.app, &page.auth, num).await {
        Ok(created) => Ok(secret(
            &page,
            &format!("{} has another password", created.person.email),
            created.password,
            "Their sessions have ended. Hand it over in person or by phone.",
        )
        .await),
        Err(problem) => Ok(page.back_with_problem("/people", &problem)),
    }
}

/// `POST /tokens`.
///
/// # Errors
/// The page of what went wrong.
pub async fn add_token(form: Form<TokenForm>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let wanted = || {
        let role = Role::named(&fields.role)
            .ok_or_else(|| Problem::unprocessable("choose what the token may do"))?;
        let days = match fields.days.trim() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Problem::unprocessable("the days are a number from 1 to 365"))?,
            ),
        };
        Ok(NewTokenRequest {
            name: fields.name.clone(),
            role,
            tenants: tenants(fields.tenant.clone()),
            days,
        })
    };
    let made = match wanted() {
        Ok(new) => make_token(&page.app, &page.auth, new).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok((token, value)) => Ok(secret(
            &page,
            &format!("The token {}", token.name),
            value,
            "Programs send it in the header: Authorization: Bearer, a space, and the token.",
        )
        .await),
        Err(problem) if matches!(problem.status, 409 | 422) => {
            again(
                &page,
                Typed {
                    token_error: Some(problem.detail),
                    ..Typed::default()
                },
            )
            .await
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

/// `POST /tokens/{num}/revoke`.
///
/// # Errors
/// The page of what went wrong.
pub async fn revoke_token(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    Ok(match revoke(&page.app, &page.auth, num).await {
        Ok(token) => page.back(
            "/people",
            &format!("The token {} is worthless now.", token.name),
        ),
        Err(problem) => page.back_with_problem("/people", &problem),
    })
}
