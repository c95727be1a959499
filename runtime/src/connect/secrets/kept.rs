//! Names in, values out that a service keeps: each is read again after a time, or when a service refused it. One call
//! at a time asks; others go on with the value that there is. A store of secrets that is away for a while stops nobody
//! who has had a value.

use super::http::Failure;
use super::{Asked, SecretError, SecretValue, Secrets};
use crate::clock::Clock;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a value is used after the service that keeps it stopped answering, in milliseconds.
const STALE_MAX_MS: i64 = 3_600_000;
/// How long to wait before a service is asked again that did not answer, while there is a value, in milliseconds.
const PAUSE_MS: i64 = 15_000;
/// A value this young is not asked for again because it was refused: it is the new one, or there is none, in milliseconds.
const YOUNG_MS: i64 = 5_000;

/// What reading a secret gives.
pub(super) type Reading<'a> =
    Pin<Box<dyn Future<Output = Result<SecretValue, Failure>> + Send + 'a>>;

/// A service that keeps secrets.
pub(super) trait Keeper: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// Asks for a secret's present value.
    fn read<'a>(&'a self, name: &'a str) -> Reading<'a>;
}

/// The values of a service, each kept for a time.
pub(super) struct Kept<K> {
    keeper: K,
    refresh_ms: i64,
    clock: Arc<dyn Clock>,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

#[derive(Default)]
struct Place {
    known: Mutex<Option<Known>>,
    /// Held by whoever asks.
    asking: tokio::sync::Mutex<()>,
}

/// A value that was read.
#[derive(Clone)]
struct Known {
    value: SecretValue,
    read_ms: i64,
    /// When it is read again.
    again_ms: i64,
    /// A service did not accept it: whoever wants it waits for what is read now.
    refused: bool,
}

impl Place {
    fn known(&self) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn set(&self, known: Option<Known>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl<K: Keeper> Kept<K> {
    pub fn new(keeper: K, refresh_ms: i64, clock: Arc<dyn Clock>) -> Kept<K> {
        Kept {
            keeper,
            refresh_ms,
            clock,
            places: Mutex::default(),
        }
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(name.to_owned()).or_default().clone()
    }

    async fn value(&self, name: &str) -> Result<SecretValue, SecretError> {
        let place = self.place(name);
        let now_ms = self.clock.now_ms();
        let _asking = match place.known() {
            Some(known) if now_ms < known.again_ms => return Ok(known.value),
            Some(known) if !known.refused => match place.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(known.value),
            },
            _ => {
                let asking = place.asking.lock().await;
                // Somebody else may have read it in the meantime.
                if let Some(known) = place.known().filter(|known| now_ms < known.again_ms) {
                    return Ok(known.value);
                }
                asking
            }
        };
        let answer = self.keeper.read(name).await;
        let now_ms = self.clock.now_ms();
        match answer {
            Ok(value) => {
                place.set(Some(Known {
                    value: value.clone(),
                    read_ms: now_ms,
                    again_ms: now_ms.saturating_add(self.refresh_ms),
                    refused: false,
                }));
                Ok(value)
            }
            Err(Failure::Refused(reason)) => {
                place.set(None);
                Err(SecretError::Refused {
                    name: name.to_owned(),
                    keeper: K::NAME,
                    reason,
                })
            }
            Err(Failure::Away(reason)) => {
                let until = |known: &Known| {
                    let usable_ms = self.refresh_ms.saturating_add(STALE_MAX_MS);
                    known.read_ms.saturating_add(usable_ms)
                };
                match place.known().filter(|known| now_ms < until(known)) {
                    Some(known) => {
                        tracing::warn!(
                            secret = name,
                            keeper = K::NAME,
                            %reason,
                            "a secret cannot be read again; the value that was read before is used"
                        );
                        place.set(Some(Known {
                            again_ms: now_ms.saturating_add(PAUSE_MS),
                            refused: false,
                            ..known.clone()
                        }));
                        Ok(known.value)
                    }
                    None => {
                        place.set(None);
                        Err(SecretError::Away {
                            name: name.to_owned(),
                            keeper: K::NAME,
                            reason,
                        })
                    }
                }
            }
        }
    }
}

impl<K: Keeper> Secrets for Kept<K> {
    fn get<'a>(&'a self, name: &'a str) -> Asked<'a> {
        Box::pin(self.value(name))
    }

    fn refused(&self, name: &str, value: &SecretValue) {
        let place = self.place(name);
        let now_ms = self.clock.now_ms();
        let mut known = place.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut()
            && known.value == *value
            && now_ms.saturating_sub(known.read_ms) >= YOUNG_MS
        {
            known.again_ms = now_ms;
            known.refused = true;
        }
    }
}
