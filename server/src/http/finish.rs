//! A request that changes something in, its answer out; it is dealt with to its end although the client hangs up.
//!
//! The server drops what it does for a client that is gone, wherever that stands: between what is stored and what goes
//! with it. A client that is gone is not listened to any more, and what was heard is done as a whole.

use super::auth::is_safe;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use counterplay_runtime::finish::to_its_end;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tokio_stream::Stream;

/// Deals with a request to its end, where it may change something.
pub async fn finish(request: Request, next: Next) -> Response {
    if is_safe(request.method()) {
        return next.run(request).await;
    }
    let (_waits, gone) = oneshot::channel::<()>();
    let request = request.map(|body| {
        Body::from_stream(Heard {
            body: body.into_data_stream(),
            gone: Some(gone),
        })
    });
    to_its_end(next.run(request)).await
}

/// What a client sends while somebody waits for the answer. Whoever is gone has broken off.
struct Heard {
    body: BodyDataStream,
    gone: Option<oneshot::Receiver<()>>,
}

impl Stream for Heard {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(gone) = &mut self.gone else {
            return Poll::Ready(None);
        };
        if Pin::new(gone).poll(context).is_ready() {
            self.gone = None;
            let error = std::io::Error::other("the client is gone");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        }
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::finish;
    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::rejection::BytesRejection;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use tokio::sync::{Notify, mpsc};

    /// Tells that it is gone.
    struct Told(mpsc::UnboundedSender<&'static str>);

    impl Drop for Told {
        fn drop(&mut self) {
            // The test may be over.
            let _ = self.0.send("gone");
        }
    }

    /// Routes, what they say, and what those wait for that have been reached.
    async fn served() -> (SocketAddr, UnboundedReceiver<&'static str>, Arc<Notify>) {
        let (say, said) = unbounded_channel();
        let go = Arc::new(Notify::new());
        let (waits, told) = (go.clone(), say.clone());
        let slow = move || {
            let (go, told) = (waits.clone(), Told(told.clone()));
            async move {
                let _ = told.0.send("reached");
                go.notified().await;
                let _ = told.0.send("done");
            }
        };
        let reads = move |body: Result<Bytes, BytesRejection>| {
            let _ = say.send(if body.is_ok() { "read" } else { "broken off" });
            async {}
        };
        let routes = Router::new()
            .route("/slow", get(slow.clone()).post(slow))
            .route("/reads", post(reads))
            .layer(from_fn(finish));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (address, said, go)
    }

    async fn send(to: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(to).await.expect("connected");
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("sent");
        stream
    }

    #[tokio::test]
    async fn what_changes_something_is_done_although_the_client_is_gone() {
        let (address, mut said, go) = served().await;
        let stream = send(
            address,
            "POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        assert_eq!(said.recv().await, Some("reached"));
        drop(stream);
        tokio::time::sleep(Duration::from_millis(200)).await;
        go.notify_one();
        assert_eq!(said.recv().await, Some("done"));
    }

    #[tokio::test]
    async fn who_only_looks_and_is_gone_is_forgotten() {
        let (address, mut said, _go) = served().await;
        let stream = send(address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(said.recv().await, Some("reached"));
        drop(stream);
        assert_eq!(said.recv().await, Some("gone"));
    }

    #[tokio::test]
    async fn half_a_body_is_not_taken_for_a_whole_one() {
        let (address, mut said, _go) = served().await;
        let head = "POST /reads HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n";
        let whole = send(address, &format!("{head}123456789")).await;
        assert_eq!(said.recv().await, Some("read"));
        drop(whole);
        let half = send(address, &format!("{head}1234")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(half);
        assert_eq!(said.recv().await, Some("broken off"));
    }
}
