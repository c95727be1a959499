//! A dead letter's number in; the object tried again, or put aside for good.

use super::hooks::LETTER;
use super::{Engine, HookDelivery, Incoming, Notice, Receipt, Refusal};
use crate::store::{DeadLetter, Fault, LetterRefused, NewLetter, Tx};

/// That an object is a dead letter which somebody tries again.
#[derive(Clone, Debug)]
pub(super) struct Again {
    /// The letter's number.
    pub(super) letter: i64,
    /// Who.
    pub(super) by: String,
    /// Who stands behind what is in it.
    pub(super) behind: Vec<String>,
}

/// Keeps an object that cannot be used: its number, and what tells watchers of it.
pub(super) fn keep(tx: &Tx<'_>, new: &NewLetter<'_>, now_ms: i64) -> Result<(i64, Notice), Fault> {
    let letter = tx.add_letter(new, now_ms)?;
    let notice = Notice::DeadLetter {
        letter,
        tenant: new.tenant.to_owned(),
        name: new.name.map(str::to_owned),
        reason: new.reason.to_owned(),
    };
    Ok((letter, notice))
}

impl Engine {
    /// Tries a dead letter again. Once it is accepted it is marked as that; when it is refused again
    /// it stays, with the new reason. What was accepted before and could not be matched is matched
    /// again, for the playbook that failed.
    ///
    /// # Errors
    /// Why it is not accepted, see [`Refusal`].
    pub async fn replay_letter(&self, num: i64, by: &str) -> Result<Receipt, Refusal> {
        let letter = self
            .inner
            .store
            .read(move |tx| tx.open_letter(num))
            .await??;
        let again = Again {
            letter: num,
            by: by.to_owned(),
            behind: letter.behind.clone(),
        };
        if let Some(event) = letter.event {
            return self.match_again(letter, event, again).await;
        }
        let hook = letter.name.as_deref().and_then(|n| n.strip_prefix(LETTER));
        if let Some(hook) = hook {
            let delivery = HookDelivery {
                hook: hook.to_owned(),
                payload: letter.payload,
                signature: None,
                source: None,
            };
            return self.accept_hook_from(delivery, Some(again)).await;
        }
        let incoming = Incoming {
            tenant: letter.tenant,
            event: letter.name,
            payload: letter.payload.into(),
            source: None,
        };
        self.accept_from(incoming, Some(again), None).await
    }

    /// Puts a dead letter aside: nothing will be done with it.
    ///
    /// # Errors
    /// When there is none with this number or something was done with it before.
    pub async fn dismiss_letter(&self, num: i64, by: &str, why: &str) -> Result<(), LetterRefused> {
        let now = self.inner.clock.now_ms();
        self.inner.store.dismiss_letter(num, by, why, now).await
    }

    async fn match_again(
        &self,
        letter: DeadLetter,
        event: i64,
        again: Again,
    ) -> Result<Receipt, Refusal> {
        self.admit(&self.kit(), &letter.tenant)?;
        let now = self.inner.clock.now_ms();
        let name = letter.name.unwrap_or_default();
        let known_as = name.clone();
        let event = self
            .inner
            .store
            .write(move |tx| {
                let letter = match tx.open_letter(again.letter)? {
                    Ok(letter) => letter,
                    Err(refused) => return Ok(Err(refused)),
                };
                let Some(added) = tx.add_again(event, letter.playbook.as_deref(), now)? else {
                    return Ok(Err(LetterRefused::NoLetter(letter.num)));
                };
                tx.letter_replayed(&letter, added, &known_as, &again.by, now)?;
                Ok(Ok(added))
            })
            .await??;
        self.inner.wake.notify_one();
        Ok(Receipt {
            event,
            name: name.into(),
            quiet: None,
            duplicate: false,
            unlisted: Vec::new(),
        })
    }

    /// Notes the reason why a dead letter was refused once more.
    pub(super) async fn refused_again(&self, again: &Again, reason: String) -> Result<(), Refusal> {
        let now = self.inner.clock.now_ms();
        let again = again.clone();
        self.inner
            .store
            .write(move |tx| {
                Ok(match tx.open_letter(again.letter)? {
                    Ok(letter) => Ok(tx.letter_refused(&letter, &reason, &again.by, now)?),
                    Err(refused) => Err(refused),
                })
            })
            .await??;
        Ok(())
    }
}
