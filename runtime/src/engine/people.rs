//! People's words in: checked at once, committed, decided by the stepper.

use super::Engine;
use crate::store::{Said, WordRefused};
use counterplay_machine::step::Settlement;

impl Engine {
    /// Answers an approval, named by its own id or, where it is the only one, by its run's; returns
    /// the approval's id.
    ///
    /// # Errors
    /// When the answer would not count, with the reason.
    pub async fn vote(
        &self,
        target: &str,
        by: &str,
        approve: bool,
        comment: Option<String>,
    ) -> Result<String, WordRefused> {
        let now = self.inner.clock.now_ms();
        let approval = self
            .inner
            .store
            .submit_vote(target, by, approve, comment, now)
            .await?;
        self.inner.wake.notify_one();
        Ok(approval)
    }

    /// Takes what somebody says of an approval or a question; returns its id.
    ///
    /// # Errors
    /// When it would not count, with the reason.
    pub async fn say(&self, target: &str, by: &str, said: Said) -> Result<String, WordRefused> {
        let now = self.inner.clock.now_ms();
        let approval = self.inner.store.submit(target, by, said, now).await?;
        self.inner.wake.notify_one();
        Ok(approval)
    }

    /// Answers a question that `ask` put to a person; returns its id.
    ///
    /// # Errors
    /// When the answer would not count, with the reason.
    pub async fn answer(
        &self,
        target: &str,
        by: &str,
        answer: String,
        comment: Option<String>,
    ) -> Result<String, WordRefused> {
        let now = self.inner.clock.now_ms();
        let question = self
            .inner
            .store
            .submit_answer(target, by, answer, comment, now)
            .await?;
        self.inner.wake.notify_one();
        Ok(question)
    }

    /// Tells a held run to try its step again.
    ///
    /// # Errors
    /// When there is no such run or it is not held.
    pub async fn resume(&self, run: &str, by: &str) -> Result<(), WordRefused> {
        let now = self.inner.clock.now_ms();
        self.inner.store.submit_resume(run, by, now).await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Says what became of a held call; returns its step's place.
    ///
    /// # Errors
    /// When there is no such run or call, or what is said does not suffice, with the reason.
    pub async fn settle(&self, run: &str, settlement: Settlement) -> Result<String, WordRefused> {
        let now = self.inner.clock.now_ms();
        let place = self.inner.store.submit_settle(run, settlement, now).await?;
        self.inner.wake.notify_one();
        Ok(place)
    }

    /// Ends a run. A call that is under way is not stopped by it.
    ///
    /// # Errors
    /// When there is no such run or it has ended.
    pub async fn cancel(&self, run: &str, by: &str) -> Result<(), WordRefused> {
        let now = self.inner.clock.now_ms();
        self.inner.store.submit_cancel(run, by, now).await?;
        self.inner.wake.notify_one();
        Ok(())
    }
}
