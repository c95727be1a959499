//! A delivery to a webhook, whose signature was checked, in; a committed arrival or a precise refusal out.

use super::heads::hook_listeners;
use super::letters::Again;
use super::{Engine, Incoming, Receipt, Refusal};
use crate::store::{ArrivalKind, Fault, NewArrival, Tx};
use counterplay_machine::hook;
use serde_json::Value as Json;
use std::sync::Arc;

/// What the names of dead letters begin with that were delivered to a webhook.
pub(super) const LETTER: &str = "webhook ";

/// What another system delivered to a webhook. Its signature is checked before it comes here, see
/// [`crate::connect::verify_delivery`].
#[derive(Clone, Debug, PartialEq)]
pub struct HookDelivery {
    /// The webhook's name; it decides the tenant.
    pub hook: String,
    /// The body.
    pub payload: Json,
    /// The signature that fitted; a second delivery with it is a repetition. None where a person gives a
    /// body again.
    pub signature: Option<String>,
    /// What its sender calls it; the same one is accepted once for each webhook.
    pub source: Option<String>,
}

impl Engine {
    /// Accepts a delivery to a webhook: it has to fit the type of every playbook that listens in the
    /// webhook's tenant, so that none misses what its sender believes to be delivered. Matching comes later.
    ///
    /// # Errors
    /// Why not, see [`Refusal`]; a body that does not fit is kept as a dead letter.
    pub async fn accept_hook(&self, delivery: HookDelivery) -> Result<Receipt, Refusal> {
        self.accept_hook_from(delivery, None).await
    }

    /// [`Engine::accept_hook`], of a dead letter where one is given.
    pub(super) async fn accept_hook_from(
        &self,
        delivery: HookDelivery,
        again: Option<Again>,
    ) -> Result<Receipt, Refusal> {
        let kit = self.kit();
        let HookDelivery {
            hook: name,
            payload,
            signature,
            source,
        } = delivery;
        let Some(settings) = kit.deployment.webhooks.get(&name) else {
            return Err(Refusal::UnknownHook {
                hook: name,
                known: kit.deployment.webhooks.keys().cloned().collect(),
            });
        };
        let tenant = settings.tenant.clone();
        self.admit(&kit, &tenant)?;
        let mut unlisted: Vec<String> = Vec::new();
        for (playbook, _, webhook) in hook_listeners(&kit, &tenant, &name) {
            match hook::read(&kit.program.types, webhook, &payload) {
                Ok(body) => {
                    let new = body.unlisted.into_iter().filter(|u| !unlisted.contains(u));
                    let new: Vec<String> = new.collect();
                    unlisted.extend(new);
                }
                Err(mismatch) => {
                    let incoming = Incoming {
                        tenant,
                        event: None,
                        payload: payload.into(),
                        source,
                    };
                    let what = format!("{LETTER}{name}");
                    let reason = format!("it does not fit `{}`: {mismatch}", playbook.id);
                    let letter = self
                        .letter(&incoming, Some(&what), reason, (again.as_ref(), None))
                        .await?;
                    return Err(Refusal::UnfitBody {
                        hook: name,
                        playbook: playbook.id.clone(),
                        mismatch,
                        letter,
                    });
                }
            }
        }
        let arrival = NewArrival {
            tenant,
            kind: ArrivalKind::Hook,
            name: name.clone(),
            payload: payload.into(),
            source,
            at_ms: kit.clock.now_ms(),
            behind: Vec::new(),
        };
        let (event, duplicate) = self
            .inner
            .store
            .write(move |tx| {
                let Some(again) = again else {
                    return take(tx, &arrival, signature.as_deref()).map(Ok);
                };
                let letter = match tx.open_letter(again.letter)? {
                    Ok(letter) => letter,
                    Err(refused) => return Ok(Err(refused)),
                };
                let taken = take(tx, &arrival, None)?;
                tx.letter_replayed(&letter, taken.0, &arrival.name, &again.by, arrival.at_ms)?;
                Ok(Ok(taken))
            })
            .await??;
        self.inner.wake.notify_one();
        Ok(Receipt {
            event,
            name: Arc::from(name),
            quiet: None,
            duplicate,
            unlisted,
        })
    }
}

/// Stores a delivery with its signature, unless either was taken before.
fn take(tx: &Tx<'_>, arrival: &NewArrival, signature: Option<&str>) -> Result<(i64, bool), Fault> {
    if let Some(signature) = signature
        && let Some(num) = tx.delivered(&arrival.name, signature)?
    {
        return Ok((num, true));
    }
    if let Some(source) = &arrival.source
        && let Some(num) = tx.seen(&arrival.tenant, &arrival.name, source)?
    {
        return Ok((num, true));
    }
    let num = tx.add_arrival(arrival, None)?;
    if let Some(signature) = signature {
        tx.add_delivery(&arrival.name, signature, num, arrival.at_ms)?;
    }
    Ok((num, false))
}
