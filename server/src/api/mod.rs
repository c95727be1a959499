//! The REST API under `/api/automation`, and its OpenAPI 3.1 description.

pub mod accounts;
pub mod approvals;
pub mod audit;
pub mod clock;
pub mod deploys;
pub mod health;
pub mod letters;
pub mod metrics;
pub mod modes;
pub mod pauses;
pub mod playbooks;
pub mod problems;
pub mod promotion;
pub mod refusal;
pub mod revisions;
pub mod runs;
pub mod session;
pub mod settle;
pub mod simulate;
pub mod start;
pub mod stream;
pub mod tenants;
pub mod time;
pub mod undo;

use crate::app::App;
use crate::http::remember;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the description says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Counterplay",
        description = "Playbooks, runs, approvals and their records. Errors are problem documents (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(runs::StatusName)),
    modifiers(&Credentials),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "playbooks", description = "What may run, and deploys of it"),
        (name = "runs", description = "What runs and what has run"),
        (name = "approvals", description = "What waits for people"),
        (name = "triggers", description = "Events and signed deliveries"),
        (name = "records", description = "Audit trail, dead letters, tenants, health"),
        (name = "access", description = "Sessions, people, tokens")
    )
)]
struct Description;

/// How callers say who they are.
struct Credentials;

impl utoipa::Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("counterplay"))),
        );
    }
}

/// All routes of the API with their description.
pub fn router(app: &App) -> OpenApiRouter<App> {
    let remembered = OpenApiRouter::new()
        .routes(routes!(playbooks::list, playbooks::create))
        .routes(routes!(playbooks::read, playbooks::replace))
        .routes(routes!(modes::set, modes::clear))
        .routes(routes!(promotion::promote))
        .routes(routes!(start::run))
        .routes(routes!(simulate::simulate))
        .routes(routes!(runs::list))
        .routes(routes!(runs::read))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::resume))
        .routes(routes!(settle::settle))
        .routes(routes!(undo::plan, undo::undo))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::read, approvals::answer))
        .routes(routes!(deploys::read, deploys::deploy))
        .routes(routes!(revisions::list))
        .routes(routes!(revisions::read, revisions::decide))
        .routes(routes!(letters::list))
        .routes(routes!(letters::read))
        .routes(routes!(letters::replay))
        .routes(routes!(letters::dismiss))
        .routes(routes!(start::arrivals))
        .routes(routes!(start::arrival))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::export))
        .routes(routes!(tenants::list))
        .routes(routes!(health::detail))
        .routes(routes!(pauses::list, pauses::pause, pauses::unpause))
        .routes(routes!(clock::read))
        .routes(routes!(clock::confirm))
        .routes(routes!(stream::stream))
        .route_layer(from_fn_with_state(app.clone(), remember));
    // Answers that hold a secret once are not kept to be given again.
    let forgotten = OpenApiRouter::new()
        .routes(routes!(session::read, session::login, session::logout))
        .routes(routes!(accounts::people, accounts::add_person))
        .routes(routes!(accounts::change_person))
        .routes(routes!(accounts::reset_password))
        .routes(routes!(accounts::tokens, accounts::create_token))
        .routes(routes!(accounts::revoke_token));
    OpenApiRouter::with_openapi(Description::openapi())
        .nest("/api/automation", remembered.merge(forgotten))
        .routes(routes!(health::alive))
        .routes(routes!(metrics::read))
        .merge(crate::triggers::router())
}
