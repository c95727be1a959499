//! A credential in, a principal or a problem out; and what a principal may do.

use crate::app::App;
use crate::identity::{Caller, Credential, Permission, Principal, credential, csrf};
use crate::problem::Problem;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The header that carries a session's anti-forgery value outside of forms.
const CSRF_HEADER: &str = "x-csrf-token";

/// Someone who is known.
#[derive(Clone, Debug)]
pub struct Auth(pub Principal);

/// What [`authenticate`] found, kept with the request.
#[derive(Clone, Debug)]
struct Found(Result<Principal, Problem>);

/// Looks at the request's credential, once.
pub async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let found = match principal(&app, request.method().clone(), request.headers().clone()).await {
        // Overload is the same for all; who is not known may still use what is open to all.
        Err(problem) if problem.status == 503 => return problem.into_response(),
        found => found,
    };
    request.extensions_mut().insert(Found(found));
    next.run(request).await
}

async fn principal(app: &App, method: Method, headers: HeaderMap) -> Result<Principal, Problem> {
    let credential = credential(&headers, app.cookies());
    let principal = app.identity.check(&credential).await?;
    // A browser sends its cookies whoever asks: it has to be a page of ours that does.
    if matches!(credential, Credential::Cookie(_))
        && !is_safe(&method)
        && let Err(why) = csrf::same_origin(&headers, &app.settings.public_url)
    {
        return Err(Problem::forbidden(why));
    }
    Ok(principal)
}

/// Whether a method changes nothing (RFC 9110, section 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Auth, Problem> {
        match parts.extensions.get::<Found>() {
            Some(Found(found)) => {
                let principal = found.clone()?;
                if let Caller::Person { csrf, .. } = &principal.caller
                    && !is_safe(&parts.method)
                {
                    let given = parts.headers.get(CSRF_HEADER);
                    let given = given.and_then(|v| v.to_str().ok()).unwrap_or_default();
                    if !csrf::matches(csrf, given) {
                        return Err(Problem::forbidden(format!(
                            "a request with a session's cookie must carry the session's `csrf` value in the header `{CSRF_HEADER}`"
                        )));
                    }
                }
                Ok(Auth(principal))
            }
            None => Err(Problem::internal()),
        }
    }
}

/// Who asks for a page; forms carry their anti-forgery value in a field, which is theirs to check.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Principal>);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Problem> {
        let found = parts.extensions.get::<Found>();
        Ok(Visitor(match found {
            Some(Found(Ok(principal))) if principal.is_person() => Some(principal.clone()),
            // Forged requests are refused, not taken for those of a stranger.
            Some(Found(Err(problem))) if problem.status == 403 => return Err(problem.clone()),
            _ => None,
        }))
    }
}

impl Auth {
    /// Whether they may do it at all.
    ///
    /// # Errors
    /// 403 where no role of theirs allows it.
    pub fn needs(&self, permission: Permission) -> Result<(), Problem> {
        if self.0.may(permission) {
            return Ok(());
        }
        let roles: Vec<&str> = self.0.roles.iter().map(|r| r.name()).collect();
        let allowed: Vec<&str> = crate::identity::Role::ALL
            .into_iter()
            .filter(|r| r.allows(permission))
            .map(|r| r.name())
            .collect();
        Err(Problem::forbidden(format!(
            "this needs the role {}; you have {}",
            allowed.join(" or "),
            if roles.is_empty() {
                "none".to_owned()
            } else {
                roles.join(", ")
            }
        )))
    }

    /// Whether they may do it in a tenant; a tenant that is not theirs does not exist for them.
    ///
    /// # Errors
    /// 403 where no role of theirs allows it, 404 where the tenant is not theirs.
    pub fn needs_in(&self, permission: Permission, tenant: &str) -> Result<(), Problem> {
        self.needs(permission)?;
        if self.0.scope.includes(tenant) {
            return Ok(());
        }
        Err(Problem::not_found(format!("there is no tenant `{tenant}`")))
    }

    /// Whether they may do what concerns every tenant.
    ///
    /// # Errors
    /// 403 where they may not, or only for some tenants.
    pub fn needs_everywhere(&self, permission: Permission) -> Result<(), Problem> {
        self.needs(permission)?;
        if self.0.scope == crate::identity::Scope::All {
            return Ok(());
        }
        Err(Problem::forbidden(
            "this concerns every tenant, and you may act for some only",
        ))
    }

    /// The tenants that lists are limited to; `None` for all.
    pub fn tenants(&self) -> Option<Vec<String>> {
        self.0.scope.names()
    }
}
