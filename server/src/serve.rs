//! An app and an address in; a service that answers and drives runs until it is told to stop out.

use crate::app::App;
use crate::router::router;
use axum_server::{Handle, Server};
use counterplay_runtime::engine::{EngineError, Rest, Until};
use counterplay_runtime::store::StoreError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long answers that are under way are waited for.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may take for a request's headers, and keep a connection that it asks nothing on. Longer than what proxies
/// in front keep theirs (nginx: 60 seconds), so that they close first and send nothing into a connection that is gone.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(75);

/// How often it is looked whether the store's file is still there.
const LOOK: Duration = Duration::from_secs(1);

/// How long it is until a store is tried again that had no room or was locked.
const AGAIN: Duration = Duration::from_secs(5);

/// Why the service does not start or has ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens there.
    #[error(
        "{0} is already in use; stop the other program, or choose another address with --listen"
    )]
    Taken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The engine has stopped.
    #[error("the engine has stopped: {0}")]
    Engine(#[from] EngineError),
    /// The store's file was removed or replaced.
    #[error(
        "{0} was removed or replaced while the service ran; what was accepted since then is lost. Put the file back and start again"
    )]
    Moved(String),
    /// The listener has failed.
    #[error("the service has stopped: {0}")]
    Io(#[from] io::Error),
}

/// Takes an address.
///
/// # Errors
/// When it is in use or is none of this machine's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::Taken(address),
            _ => ServeError::Listen { address, source },
        })
}

/// Answers and drives runs until `stop` is done; then nothing new is taken, and what is under way is waited for.
///
/// # Errors
/// When the engine or the listener fails; everything that was accepted is kept.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Rest, ServeError> {
    let (halt, halted) = watch::channel(false);
    let mut driving = tokio::spawn(drive(app.clone(), halted.clone()));
    let routes = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let handle: Handle<SocketAddr> = Handle::new();
    let headers_within = app.settings.headers_within;
    let mut server = Server::from_listener(listener)
        .handle(handle.clone())
        .first_request_timeout(headers_within)
        .accept_error_handler(|_, error| tracing::warn!(%error, "a connection was not taken"))
        .http1_only();
    server
        .http_builder()
        .http1()
        .header_read_timeout(headers_within);
    let mut answering = tokio::spawn(server.serve(routes));
    tokio::spawn({
        let handle = handle.clone();
        async move {
            until(halted).await;
            handle.graceful_shutdown(None);
        }
    });
    tokio::select! {
        () = stop => {}
        () = moved(&app) => {
            // Better no service than one that promises what it cannot keep.
            app.feed.close();
            halt.send_replace(true);
            return Err(ServeError::Moved(app.engine.store().path().display().to_string()));
        }
        ended = &mut driving => {
            // Without the engine nothing that is accepted would happen: better no service than a mute one.
            app.feed.close();
            halt.send_replace(true);
            return Ok(joined(ended)??);
        }
        ended = &mut answering => {
            halt.send_replace(true);
            let rest = joined(driving.await)??;
            joined(ended)??;
            return Ok(rest);
        }
    }
    app.feed.close();
    halt.send_replace(true);
    let rest = joined(driving.await)??;
    if tokio::time::timeout(STOP_WITHIN, &mut answering)
        .await
        .is_err()
    {
        tracing::warn!("some answers were not finished in time");
        handle.shutdown();
    }
    Ok(rest)
}

/// Done when the service is to come to rest.
async fn until(mut halted: watch::Receiver<bool>) {
    // An error means that the other end is gone, which is an end, too.
    let _ = halted.wait_for(|h| *h).await;
}

/// Drives runs until the service is to come to rest. While the disk is full or another program holds the store nothing
/// is done, and nothing is lost; it goes on by itself.
async fn drive(app: App, halted: watch::Receiver<bool>) -> Result<Rest, EngineError> {
    loop {
        let ended = {
            let run = app.engine.run(Until::stopped(until(halted.clone())));
            tokio::pin!(run);
            tokio::select! {
                ended = &mut run => ended,
                // It works again, as far as this can be told.
                () = tokio::time::sleep(AGAIN / 2) => {
                    app.hindered(None);
                    run.await
                }
            }
        };
        let error = match ended {
            Err(EngineError::Store(error)) if passes(&error) && !*halted.borrow() => error,
            other => return other,
        };
        tracing::error!(
            "{error}; it is tried again every {} seconds",
            AGAIN.as_secs()
        );
        app.hindered(Some(error.to_string()));
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = until(halted.clone()) => {}
        }
    }
}

/// Whether a store that refuses may be written again without anything being done to this process.
fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Full(_) | StoreError::Locked(_))
}

/// Done when the store's file is no longer where it was opened.
async fn moved(app: &App) {
    while app.engine.store().is_in_place() {
        tokio::time::sleep(LOOK).await;
    }
}

fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> io::Result<T> {
    ended.map_err(|error| io::Error::other(format!("a task broke off: {error}")))
}
