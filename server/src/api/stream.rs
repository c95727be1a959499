//! What happens, as it happens: server-sent events that can be taken up again without loss.

use crate::app::App;
use crate::feed::{Listener, News};
use crate::http::{Auth, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use counterplay_runtime::store::FeedEntry;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// How often a line is sent although nothing happens, so that a broken connection is noticed.
const ALIVE: Duration = Duration::from_secs(15);
/// How many events may wait for a slow reader before it is no longer waited for: the feed then reads from the store.
const WAITING_MAX: usize = 64;

/// Follow what happens
///
/// Server-sent events: `journal` for each thing that a run records, with its number as the event's id, and
/// `changed` for other topics (`approvals`, `letters`, `events`). A client that comes back with `Last-Event-ID`
/// gets everything that it has missed.
#[utoipa::path(get, path = "/stream", tag = "runs",
    operation_id = "followStream",
    params(("Last-Event-ID" = Option<i64>, Header, description = "The number of the last entry that was seen")),
    responses((status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream"), Refused))]
pub async fn stream(
    State(app): State<App>,
    auth: Auth,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    auth.needs(Permission::View)?;
    let after = last_seen(&headers)?;
    let listener = listen(&app, after, auth.tenants()).await?;
    Ok(events(listener, |news| Some(event(&news))))
}

/// What the client has seen.
///
/// # Errors
/// 400 where it is no number.
pub fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    match text.parse() {
        Ok(number) if number >= 0 => Ok(Some(number)),
        _ if text.is_empty() => Ok(None),
        _ => Err(Problem::bad_request(
            "`Last-Event-ID` is the number that an event of this stream had as its id",
        )),
    }
}

/// A listener to the feed.
///
/// # Errors
/// 503 where too many listen already.
pub async fn listen(
    app: &App,
    after: Option<i64>,
    tenants: Option<Vec<String>>,
) -> Result<Listener, Problem> {
    app.feed
        .listen(after, tenants)
        .await?
        .ok_or_else(|| Problem::unavailable("too many follow already; come again later"))
}

/// A listener as server-sent events; `form` leaves out what it has no event for.
pub fn events(
    mut listener: Listener,
    form: impl Fn(News) -> Option<Event> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (send, receive) = tokio::sync::mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        // The first line tells the client that it is connected, and from where it can be taken up again.
        let hello = Event::default()
            .event("hello")
            .id(listener.last().to_string())
            .data("{}");
        if send.send(Ok(hello)).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                () = send.closed() => return,
                news = listener.next() => match news {
                    Ok(Some(news)) => {
                        if let Some(event) = form(news)
                            && send.send(Ok(event)).await.is_err()
                        {
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(error) => {
                        tracing::error!(%error, "an event stream cannot read the store");
                        return;
                    }
                },
            }
        }
    });
    Sse::new(ReceiverStream::new(receive)).keep_alive(KeepAlive::new().interval(ALIVE))
}

fn event(news: &News) -> Event {
    match news {
        News::Entry(item) => Event::default()
            .event("journal")
            .id(item.num.to_string())
            .data(entry(item).to_string()),
        News::Changed { topic, tenant } => Event::default()
            .event("changed")
            .data(json!({"topic": topic, "tenant": &**tenant}).to_string()),
    }
}

fn entry(item: &FeedEntry) -> serde_json::Value {
    json!({
        "run": item.run,
        "tenant": item.tenant,
        "playbook": item.playbook,
        "simulated": item.simulated,
        "at": crate::api::time::rfc3339(item.entry.at_ms),
        "entry": item.entry,
    })
}
