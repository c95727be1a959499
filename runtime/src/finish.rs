//! Work in, its result out; the work comes to its end even where nobody waits for it any more.
//!
//! Whoever drops a future breaks it off where it stands: a client that hangs up would leave what is stored without what
//! belongs to it in memory.

use std::future::Future;
use tracing::Instrument;

/// Does work in a task of its own, which goes on where the caller is gone. A panic of the work is the caller's.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process comes to its end: nobody is there to hear of it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::to_its_end;
    use std::sync::Arc;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn what_nobody_waits_for_is_done() {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (started, finished) = (go.clone(), done.clone());
        let work = to_its_end(async move {
            started.notified().await;
            finished.notify_one();
        });
        tokio::select! {
            biased;
            () = work => panic!("it waits"),
            () = tokio::task::yield_now() => {}
        }
        go.notify_one();
        done.notified().await;
    }

    #[tokio::test]
    #[should_panic(expected = "of its own")]
    async fn a_panic_is_the_callers() {
        to_its_end(async { panic!("of its own") }).await
    }
}
