//! An app and an address in; a service that answers and drives runs until it is told to stop out.

use crate::app::App;
use crate::router::router;
use counterplay_runtime::engine::{EngineError, Rest, Until};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long answers that are under way are waited for.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked whether the store's file is still there.
const LOOK: Duration = Duration::from_secs(1);

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
    let until = |mut halted: watch::Receiver<bool>| async move {
        // An error means that the other end is gone, which is an end, too.
        let _ = halted.wait_for(|h| *h).await;
    };
    let engine = app.engine.clone();
    let mut driving = tokio::spawn({
        let until = Until::stopped(until(halted.clone()));
        async move { engine.run(until).await }
    });
    let routes = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let answering = axum::serve(listener, routes).with_graceful_shutdown(until(halted));
    let mut answering = tokio::spawn(async move { answering.await });
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
        answering.abort();
    }
    Ok(rest)
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
