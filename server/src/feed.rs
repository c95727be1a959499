//! The journal of all runs in, a stream of it for each listener out: nothing left out, wherever it begins.
//!
//! One task reads what is new from the store and passes it on. Who lags behind, or comes back with the
//! number of the last entry that it has seen, reads what it missed from the store itself.

use counterplay_runtime::engine::{Engine, Notice};
use counterplay_runtime::store::{FeedEntry, Store, StoreError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::sync::watch;

/// How far a listener may lag behind before it reads from the store.
const BEHIND_MAX: usize = 4096;
/// How many entries are read at once.
const BATCH: u32 = 500;
/// How often the store is looked at although nothing was told: other processes may write to it.
const LOOK: Duration = Duration::from_secs(1);
/// How many listeners there may be.
const LISTENERS_MAX: usize = 2000;

/// Something that listeners are told.
#[derive(Clone, Debug)]
pub enum News {
    /// A run has recorded something.
    Entry(Arc<FeedEntry>),
    /// Something else of a tenant has changed: `approvals`, `letters`, `events`.
    Changed {
        /// What.
        topic: &'static str,
        /// The tenant's name.
        tenant: Arc<str>,
    },
}

impl News {
    fn tenant(&self) -> &str {
        match self {
            News::Entry(item) => &item.tenant,
            News::Changed { tenant, .. } => tenant,
        }
    }
}

/// The feed of everything that happens. A clone is a handle.
#[derive(Clone)]
pub struct Feed {
    store: Store,
    send: Sender<News>,
    listeners: Arc<AtomicUsize>,
    closed: watch::Sender<bool>,
}

impl Feed {
    /// A feed of an engine's store; it works until the handle on the task is dropped or aborted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(engine: &Engine) -> Result<(Feed, tokio::task::JoinHandle<()>), StoreError> {
        let feed = Feed {
            store: engine.store().clone(),
            send: broadcast::channel(BEHIND_MAX).0,
            listeners: Arc::default(),
            closed: watch::channel(false).0,
        };
        let head = feed.store.journal_head().await?;
        let task = tokio::spawn(pass_on(feed.clone(), engine.watch(), head));
        Ok((feed, task))
    }

    /// Listens from after the entry with this number, or from now on. `tenants` limits it, `None` does not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn listen(
        &self,
        after: Option<i64>,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<Listener>, StoreError> {
        if self.listeners.fetch_add(1, Ordering::SeqCst) >= LISTENERS_MAX {
            self.listeners.fetch_sub(1, Ordering::SeqCst);
            return Ok(None);
        }
        let place = Place(self.listeners.clone());
        // First: what comes while the store is read is not missed.
        let news = self.send.subscribe();
        let head = self.store.journal_head().await?;
        // A number that is yet to come would leave out everything until then.
        let last = after.unwrap_or(head).clamp(0, head);
        Ok(Some(Listener {
            store: self.store.clone(),
            news,
            last,
            behind: last < head,
            ready: VecDeque::new(),
            tenants,
            closed: self.closed.subscribe(),
            _place: place,
        }))
    }

    /// Tells listeners that something else of a tenant has changed, or of every tenant where it is empty.
    pub fn changed(&self, topic: &'static str, tenant: &str) {
        // Nobody may be listening.
        let _ = self.send.send(News::Changed {
            topic,
            tenant: Arc::from(tenant),
        });
    }

    /// Ends every listener, so that the service can stop.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::SeqCst)
    }
}

/// Gives a listener's place back, however it ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass_on(feed: Feed, mut notices: Receiver<Notice>, mut last: i64) {
    loop {
        let told = tokio::time::timeout(LOOK, notices.recv()).await;
        let mut changed = Vec::new();
        match told {
            Ok(Err(RecvError::Closed)) => return,
            Ok(Ok(notice)) => changed.extend(other(&notice)),
            Ok(Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        // What else was told meanwhile is read in the same go.
        while let Ok(notice) = notices.try_recv() {
            changed.extend(other(&notice));
        }
        loop {
            let part = match feed.store.journal_since(last, BATCH, None).await {
                Ok(part) => part,
                Err(error) => {
                    tracing::error!(%error, "the feed cannot read the store");
                    break;
                }
            };
            last = part.next;
            if part.entries.is_empty() {
                break;
            }
            for item in part.entries {
                // Nobody may be listening.
                let _ = feed.send.send(News::Entry(Arc::new(item)));
            }
        }
        changed.sort();
        changed.dedup();
        for (topic, tenant) in changed {
            let _ = feed.send.send(News::Changed {
                topic,
                tenant: Arc::from(tenant),
            });
        }
    }
}

/// What a notice tells besides the journal.
fn other(notice: &Notice) -> Option<(&'static str, String)> {
    match notice {
        Notice::Asked(approval) => Some(("approvals", approval.tenant.clone())),
        Notice::DeadLetter { tenant, .. } => Some(("letters", tenant.clone())),
        Notice::Matched { tenant, .. } | Notice::Repeated { tenant, .. } => {
            Some(("events", tenant.clone()))
        }
        _ => None,
    }
}

/// Someone who listens.
pub struct Listener {
    store: Store,
    news: Receiver<News>,
    last: i64,
    behind: bool,
    ready: VecDeque<FeedEntry>,
    tenants: Option<Vec<String>>,
    closed: watch::Receiver<bool>,
    _place: Place,
}

impl Listener {
    /// The number of the last entry that is not told again.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// What comes next; `None` when the service ends.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<News>, StoreError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                self.last = item.num;
                return Ok(Some(News::Entry(Arc::new(item))));
            }
            if self.behind {
                let tenants = self.tenants.clone();
                let part = self.store.journal_since(self.last, BATCH, tenants).await?;
                self.behind = part.entries.len() == BATCH as usize;
                self.ready = part.entries.into();
                if self.ready.is_empty() {
                    self.last = part.next;
                }
                continue;
            }
            let told = tokio::select! {
                told = self.news.recv() => told,
                // An error means that the feed itself is gone.
                _ = self.closed.wait_for(|closed| *closed) => return Ok(None),
            };
            match told {
                Ok(news) if !self.concerns(&news) => {}
                Ok(News::Entry(item)) if item.num <= self.last => {}
                Ok(News::Entry(item)) => {
                    self.last = item.num;
                    return Ok(Some(News::Entry(item)));
                }
                Ok(changed) => return Ok(Some(changed)),
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    fn concerns(&self, news: &News) -> bool {
        let tenant = news.tenant();
        // What is not data of a tenant concerns everybody.
        tenant.is_empty()
            || self
                .tenants
                .as_ref()
                .is_none_or(|names| names.iter().any(|n| n == tenant))
    }
}
