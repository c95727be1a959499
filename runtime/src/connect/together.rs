//! Reads that are due at the same moment for one tenant in, one request for up to twenty of them out, where the
//! connection's service has such a thing (`batch:`). Each read waits a few milliseconds for others, has its own turn in
//! the connection's budgets (the service counts each of them, too), and gets its own answer; what fails is tried
//! again by itself.

use super::Trouble;
use super::batch::{self, Part, REQUESTS_MAX, Read};
use super::job::Job;
use super::send::{self, Answer, Sending, Unread};
use super::target;
use super::tries::retry_after_ms;
use super::wire::{Wire, WireError};
use crate::clock::Clock;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Url};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a read waits for others: a moment of real time, in which nothing happens by the clock.
const LINGER: Duration = Duration::from_millis(3);

/// Connection, tenant and application.
type Key = (String, String, String);

/// The reads that wait at present.
#[derive(Clone, Default)]
pub(super) struct Gatherings(Arc<Mutex<HashMap<Key, Vec<Waiting>>>>);

/// A read that waits for others, and who wants its answer.
struct Waiting {
    read: Read,
    done: oneshot::Sender<Gathered>,
}

/// What became of a read that waited.
enum Gathered {
    /// Nobody came, or the service does not take batches: it goes by itself.
    Alone,
    /// The service answered it.
    Answered(Part),
    /// The service answered the batch, and this one was not in it.
    LeftOut,
    /// The request for all of them had no answer. Told to the first; the others were only with it.
    Broken(Arc<WireError>),
    /// The request for all of them came to nothing, which the first was told of; and how long the service asks to wait.
    WithIt(String, Option<i64>),
    /// The answer to all of them was too long.
    TooLong,
}

/// How the request for all of them is made.
struct Way {
    wire: Arc<dyn Wire>,
    private: bool,
    url: Url,
    headers: HeaderMap,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Job<'_> {
    /// Sends a read, with others where some are due at the same moment.
    pub async fn send_together(
        &self,
        sending: &Sending,
        authorization: HeaderMap,
    ) -> Result<Answer, Trouble> {
        let Some((read, url)) = self.read_for_batch(sending) else {
            return self.send(sending, authorization).await;
        };
        self.check_address(&url)?;
        let (done, told) = oneshot::channel();
        let key = (
            self.connection.name.to_string(),
            format!("{}\n{}", self.request.tenant.name, self.request.tenant.id),
            self.credentials.client_id.clone().unwrap_or_default(),
        );
        let mut headers = authorization.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(&self.correlation()) {
            headers.insert("client-request-id", id);
        }
        self.hub.gatherings.wait(
            key,
            Waiting { read, done },
            Way {
                wire: self.hub.wire.clone(),
                private: self.allows_private(),
                url: url.clone(),
                headers,
                timeout: Duration::from_millis(self.connection.timeout_ms.max(1) as u64),
                clock: self.hub.clock.clone(),
            },
        );
        match told.await {
            Ok(Gathered::Answered(part)) => self.part(part),
            Ok(Gathered::LeftOut) => Err(Trouble::Lost(format!(
                "{} left this out of its answer to several requests",
                url.host_str().unwrap_or("the service")
            ))),
            Ok(Gathered::Broken(error)) => Err(self.trouble(&error, &url)),
            // One request that fails counts once against the service, however many reads were in it.
            Ok(Gathered::WithIt(reason, asked_ms)) => Err(Trouble::Lacking { reason, asked_ms }),
            Ok(Gathered::TooLong) | Ok(Gathered::Alone) | Err(_) => {
                self.send(sending, authorization).await
            }
        }
    }

    /// What is asked for in a batch and where batches go; nothing for what cannot go with others.
    fn read_for_batch(&self, sending: &Sending) -> Option<(Read, Url)> {
        let path = self.connection.batch.as_deref()?;
        if self.callable.impact.is_some() || sending.method != Method::GET || sending.body.is_some()
        {
            return None;
        }
        let base = target::base(self.connection, self.settings)?;
        let url = Url::parse(&format!("{base}{path}")).ok()?;
        let root = Url::parse(&base).ok()?;
        let below = sending
            .url
            .as_str()
            .strip_prefix(root.as_str().trim_end_matches('/'))?;
        below.starts_with('/').then(|| {
            let read = Read {
                url: below.to_owned(),
                headers: sending.headers.clone(),
            };
            (read, url)
        })
    }

    /// An answer out of a batch, as if it had come by itself.
    fn part(&self, part: Part) -> Result<Answer, Trouble> {
        let Part {
            status,
            retry_after_ms,
            mut body,
        } = part;
        let next_link = body
            .get("@odata.nextLink")
            .and_then(Json::as_str)
            .map(str::to_owned);
        self.redactor.json(&mut body);
        Ok(Answer {
            status,
            retry_after_ms,
            body,
            next_link,
        })
    }
}

impl Gatherings {
    /// Lets a read wait. Who is first sees to it that all who came are asked for: by a task of its own, so that a
    /// call that is given up takes nobody with it.
    fn wait(&self, key: Key, waiting: Waiting, way: Way) {
        let first = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let here = all.entry(key.clone()).or_default();
            here.push(waiting);
            here.len() == 1
        };
        if !first {
            return;
        }
        let all = self.clone();
        tokio::spawn(async move {
            way.clock.idle(LINGER).await;
            let came = {
                let mut all = all.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.remove(&key).unwrap_or_default()
            };
            let way = Arc::new(way);
            let mut came = came.into_iter().peekable();
            while came.peek().is_some() {
                let some: Vec<Waiting> = came.by_ref().take(REQUESTS_MAX).collect();
                tokio::spawn(ask(way.clone(), some));
            }
        });
    }
}

/// Asks for all of these and tells each what became of it. Who has gone in the meantime is not told.
async fn ask(way: Arc<Way>, all: Vec<Waiting>) {
    let all: Vec<Waiting> = all.into_iter().filter(|w| !w.done.is_closed()).collect();
    if all.len() < 2 {
        return tell(all, |_| Gathered::Alone);
    }
    let reads: Vec<&Read> = all.iter().map(|waiting| &waiting.read).collect();
    let mut request = Request::new(Method::POST, way.url.clone());
    *request.headers_mut() = way.headers.clone();
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    *request.timeout_mut() = Some(way.timeout);
    *request.body_mut() = Some(batch::body(&reads).to_string().into());
    let response = match way.wire.carry(request, way.private).await {
        Ok(response) => response,
        Err(error) => {
            return tell_broken(all, error);
        }
    };
    let now_ms = way.clock.now_ms();
    let status = response.status().as_u16();
    let asked = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after_ms(value, now_ms));
    let body = match send::read(response).await {
        Ok(body) => body,
        Err(Unread::Broken(error)) => return tell_broken(all, error.into()),
        Err(Unread::TooLong) => return tell(all, |_| Gathered::TooLong),
    };
    let mut body: Json = serde_json::from_slice(&body).unwrap_or_default();
    match status {
        200..=299 => {
            let mut parts = batch::parts(&mut body, all.len(), now_ms).into_iter();
            tell(all, |_| match parts.next().flatten() {
                Some(part) => Gathered::Answered(part),
                None => Gathered::LeftOut,
            });
        }
        // Said of all of them: who asks is not known, there are too many, or the service does not work.
        401 | 429 | 500.. => {
            let mut first = true;
            tell(all, |_| {
                let counts = std::mem::take(&mut first) || status < 500;
                match counts {
                    true => Gathered::Answered(Part {
                        status,
                        retry_after_ms: asked,
                        body: body.clone(),
                    }),
                    false => Gathered::WithIt(
                        format!("the service answered {status} to several reads"),
                        asked,
                    ),
                }
            });
        }
        // One of them may be such that the service refuses the whole, or it knows no batches.
        _ => tell(all, |_| Gathered::Alone),
    }
}

fn tell_broken(all: Vec<Waiting>, error: WireError) {
    let error = Arc::new(error);
    let mut first = true;
    tell(all, |_| match std::mem::take(&mut first) {
        true => Gathered::Broken(error.clone()),
        false => Gathered::WithIt("a request for several reads had no answer".into(), None),
    });
}

fn tell(all: Vec<Waiting>, mut what: impl FnMut(&Read) -> Gathered) {
    for waiting in all {
        let became = what(&waiting.read);
        // Nobody listens any more where the call was given up.
        let _ = waiting.done.send(became);
    }
}
