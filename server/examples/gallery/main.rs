//! Serves every page of the dashboard with made-up data, for looking at them: `cargo run -p counterplay-server --example gallery`.

mod pages;
mod project;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use counterplay_server::dashboard::assets;
use counterplay_server::dashboard::chrome::Theme;
use std::collections::HashMap;
use std::sync::Arc;

/// Pages by theme and name.
type Pages = Arc<HashMap<(&'static str, &'static str), String>>;

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let made = tokio::task::spawn_blocking(|| {
        let mut made = HashMap::new();
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            let gallery = pages::Gallery {
                project: project::project(),
                theme,
                now_ms: now_ms(),
                write: str::to_owned,
            };
            for (name, html) in gallery.pages() {
                made.insert((theme.name(), name), html);
            }
        }
        made
    })
    .await?;
    let app = Router::new()
        .route("/", get(index))
        .route("/gallery/{name}", get(page))
        .route("/assets/{name}", get(asset))
        .route("/theme", post(theme))
        .with_state(Arc::new(made));
    let port = std::env::var("PORT").unwrap_or_else(|_| "8099".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn index(State(pages): State<Pages>) -> Html<String> {
    let mut names: Vec<&str> = pages
        .keys()
        .filter(|(t, _)| *t == "light")
        .map(|(_, n)| *n)
        .collect();
    names.sort_unstable();
    Html(
        names
            .iter()
            .map(|n| format!("<p><a href=\"/gallery/{n}\">{n}</a>"))
            .collect(),
    )
}

async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let cookie = headers
        .get(header::COOKIE)
        .and_then(|c| c.to_str().ok())
        .unwrap_or_default();
    let chosen = cookie
        .split("theme=")
        .nth(1)
        .and_then(|c| c.split(';').next());
    let theme = Theme::named(
        query
            .get("theme")
            .map(String::as_str)
            .or(chosen)
            .unwrap_or_default(),
    );
    match pages
        .iter()
        .find(|((t, n), _)| *t == theme.name() && *n == name)
    {
        Some((_, html)) => (
            [(
                header::CONTENT_SECURITY_POLICY,
                assets::CONTENT_SECURITY_POLICY,
            )],
            Html(html.clone()),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn asset(Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, assets::CACHE_CONTROL),
            ],
            asset.bytes,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn theme(headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let theme = Theme::named(form.get("theme").map(String::as_str).unwrap_or_default());
    let back = headers
        .get(header::REFERER)
        .and_then(|r| r.to_str().ok())
        .unwrap_or("/");
    (
        [(
            header::SET_COOKIE,
            format!("theme={}; Path=/; SameSite=Lax", theme.name()),
        )],
        Redirect::to(back),
    )
        .into_response()
}
