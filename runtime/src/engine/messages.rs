//! An approval that opens in, rows for those who may answer out; due rows in, messages sent on tasks
//! and what became of them kept.
//!
//! A run neither waits for its messages nor learns of them: whoever knows of an approval in another
//! way can answer it all the same.

use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::links::personal;
use super::{Engine, EngineError, Notice};
use crate::brake::Gate;
use crate::call::{CallOutcome, CallRequest};
use crate::links::{self, Address};
use crate::spans::About;
use crate::store::{Channel, Fault, Message, MessageState, StoredRun, Tx};
use counterplay_machine::deployment::Team;
use counterplay_machine::duration::{HOUR_MS, SECOND_MS};
use std::sync::Arc;
use tracing::Instrument;

/// How many messages are under way at once.
pub(super) const AT_ONCE: usize = 8;
/// For how long after the question a message that cannot be sent is tried again.
const TRY_FOR_MS: i64 = HOUR_MS;
/// The first pause; each is twice the one before.
const PAUSE_MS: i64 = 5 * SECOND_MS;
/// What is open for so long is called to mind once, after half of the time.
const REMIND_FROM_MS: i64 = HOUR_MS;
/// The longest pause.
const PAUSE_MAX_MS: i64 = 300 * SECOND_MS;

/// Stores the messages about an approval that opens: a mail to each person who may answer and to the
/// team's shared mailbox, a post to each of the team's channels.
pub(super) fn plan(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    approval: &str,
    now_ms: i64,
) -> Result<(), Fault> {
    if kit.link_base.is_none() || stored.simulated {
        return Ok(());
    }
    let Some(open) = stored.run.approvals.get(approval) else {
        return Ok(());
    };
    let add =
        |channel, recipient: &str| tx.add_message(stored.num, approval, channel, recipient, now_ms);
    let half = open.until_ms.saturating_sub(now_ms) / 2;
    for person in &open.eligible {
        add(Channel::Mail, person)?;
        if 2 * half >= REMIND_FROM_MS {
            let (num, at_ms) = (stored.num, now_ms + half);
            tx.add_message(num, approval, Channel::Reminder, person, at_ms)?;
        }
    }
    let Some((name, team)) = open
        .team
        .as_ref()
        .and_then(|name| Some((name, kit.deployment.teams.get(name)?)))
    else {
        return Ok(());
    };
    if let Some(mailbox) = &team.email
        && !open
            .excluded
            .iter()
            .any(|e| e.eq_ignore_ascii_case(mailbox))
    {
        add(Channel::Mail, mailbox)?;
    }
    if team.teams_webhook.is_some() {
        add(Channel::Teams, name)?;
    }
    if team.slack_webhook.is_some() {
        add(Channel::Slack, name)?;
    }
    Ok(())
}

impl Engine {
    /// Sends due messages as far as there is room; whether any was begun or given up.
    pub(super) async fn send_messages(
        &self,
        driver: &mut Driver,
        mut due: Vec<Message>,
    ) -> Result<bool, EngineError> {
        let kit = self.kit();
        let room = AT_ONCE.saturating_sub(driver.messages());
        let now = kit.clock.now_ms();
        due.retain(|message| !driver.has_message(message.num));
        due.truncate(room);
        if due.is_empty() {
            return Ok(false);
        }
        let (ready, notices) = self
            .inner
            .store
            .write(move |tx| {
                let (mut ready, mut notices) = (Vec::new(), Vec::new());
                for message in due {
                    match prepare(tx, &kit, &message, now)? {
                        Ok(request) => {
                            tx.begin_message(message.num)?;
                            ready.push((message, request));
                        }
                        Err(_) if message.channel == Channel::Reminder => {
                            tx.drop_message(message.num)?;
                        }
                        Err(reason) => notices.push(end(
                            tx,
                            &message,
                            MessageState::GivenUp,
                            Some(reason),
                            now,
                        )?),
                    }
                }
                Ok((ready, notices))
            })
            .await?;
        self.inner.tell(notices);
        for (message, request) in ready {
            let connector = self.kit().connector.clone();
            let message = Arc::new(Message {
                attempts: message.attempts + 1,
                ..message
            });
            let about = About::message(&request, &message.approval);
            let span = about.messaging(message.channel.name());
            let job = Job::Tell(message.clone());
            let work = async move {
                let outcome = connector.call(request).await;
                Report::Told(message, outcome)
            };
            driver.spawn(job, work.instrument(span));
        }
        Ok(true)
    }
}

/// The call that carries a message, or why it is not wanted any more.
fn prepare(
    tx: &Tx<'_>,
    kit: &Kit,
    message: &Message,
    now_ms: i64,
) -> Result<Result<CallRequest, String>, Fault> {
    let StoredRun { run, program, .. } = tx.run(message.run_num)?;
    let open = match run.approvals.get(&message.approval) {
        Some(open) if run.outcome.is_none() => open,
        _ => return Ok(Err("the approval is no longer open".into())),
    };
    if now_ms > open.until_ms {
        return Ok(Err("the approval has expired".into()));
    }
    let is = |(who, _): &(String, _)| who.eq_ignore_ascii_case(&message.recipient);
    if message.channel == Channel::Reminder && open.votes.iter().any(is) {
        return Ok(Err("it is answered".into()));
    }
    let address = match address(kit, message) {
        Ok(address) => address,
        Err(reason) => return Ok(Err(reason)),
    };
    let program = kit.program_of(tx, program)?;
    let (Some(base), Some(playbook)) = (&kit.link_base, program.playbooks.get(&run.playbook))
    else {
        return Ok(Err("there is no page to link to".into()));
    };
    let url = links::page(base, &message.approval);
    let mut notice = links::Notice::new(&run, playbook, open, url);
    if matches!(message.channel, Channel::Mail | Channel::Reminder) {
        let to = (message.approval.as_str(), message.recipient.as_str());
        if let Some(url) = personal(kit, (&program, playbook), open, to) {
            notice = notice.personal(url);
        }
    }
    if message.channel == Channel::Reminder {
        notice = notice.again();
    }
    let gate = Gate::of(&kit.brake, &run.tenant.name, Some(&run.playbook));
    let request = links::request(
        &notice,
        address,
        format!("m-{}", message.num),
        run.tenant,
        (run.id, run.started_ms),
        message.begun,
    );
    Ok(Ok(CallRequest { gate, ..request }))
}

/// Where a message goes, as the project is set up now.
fn address(kit: &Kit, message: &Message) -> Result<Address, String> {
    let recipient = &message.recipient;
    let webhook = |of: fn(&Team) -> &Option<String>| {
        let team = kit.deployment.teams.get(recipient);
        team.and_then(|team| of(team).clone()).ok_or_else(|| {
            format!(
                "the team `{recipient}` no longer has a channel in {}",
                message.channel
            )
        })
    };
    match message.channel {
        // Without a server there is no use in trying for an hour.
        Channel::Mail | Channel::Reminder if !kit.deployment.connections.contains_key("mail") => {
            Err("mail is not set up: add [connections.mail] with base = \"smtp://HOST:PORT\" and from to counterplay.toml".into())
        }
        Channel::Mail | Channel::Reminder => Ok(Address::Mail(recipient.clone())),
        Channel::Teams => webhook(|team| &team.teams_webhook).map(Address::Teams),
        Channel::Slack => webhook(|team| &team.slack_webhook).map(Address::Slack),
    }
}

/// Takes in what became of an attempt.
pub(super) fn told(
    tx: &Tx<'_>,
    message: &Message,
    outcome: &CallOutcome,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let Err(reason) = outcome.clone().result() else {
        return Ok(vec![end(tx, message, MessageState::Sent, None, now_ms)?]);
    };
    let about = About::step(&tx.run(message.run_num)?.run, &message.approval);
    let _span = about.messaging(message.channel.name()).entered();
    tracing::warn!(
        approval = %message.approval, recipient = %message.recipient, %reason,
        "a message about an approval could not be sent"
    );
    let next_ms = now_ms.saturating_add(pause_ms(message.attempts));
    if next_ms.saturating_sub(message.asked_ms) > TRY_FOR_MS {
        let state = MessageState::GivenUp;
        return Ok(vec![end(tx, message, state, Some(reason), now_ms)?]);
    }
    let waiting = Message {
        begun: false,
        next_ms,
        error: Some(reason),
        ..message.clone()
    };
    tx.settle_message(&waiting)?;
    Ok(vec![Notice::Told(Box::new(waiting))])
}

fn end(
    tx: &Tx<'_>,
    message: &Message,
    state: MessageState,
    error: Option<String>,
    now_ms: i64,
) -> Result<Notice, Fault> {
    let ended = Message {
        state,
        begun: false,
        ended_ms: Some(now_ms),
        error,
        ..message.clone()
    };
    tx.settle_message(&ended)?;
    Ok(Notice::Told(Box::new(ended)))
}

/// The pause after so many attempts.
fn pause_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 16)).unwrap_or(0);
    PAUSE_MS.saturating_mul(1 << doublings).min(PAUSE_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes() {
        let pauses: Vec<i64> = (1..9).map(|n| pause_ms(n) / SECOND_MS).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause_ms(i64::MAX), PAUSE_MAX_MS);
    }
}
