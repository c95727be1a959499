//! What comes in over HTTP and may start runs: events, deliveries with a signature, and what services tell of changes.

pub mod changes;
pub mod cloud_events;
pub mod events;
pub mod hooks;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(events::recognised))
        .routes(routes!(events::named))
        .routes(routes!(hooks::deliver))
        .routes(routes!(changes::told))
}
