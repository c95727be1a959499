//! A personal link's token in, what it stands for out; and an open approval with somebody who is asked in, the link
//! that they are sent out.

use super::Engine;
use super::kit::Kit;
use crate::links::{self, LinkRefused, PersonalLink};
use counterplay_machine::Program;
use counterplay_machine::login::needs_login;
use counterplay_machine::playbook::Playbook;
use counterplay_machine::state::OpenApproval;

impl Engine {
    /// What a personal link stands for.
    ///
    /// # Errors
    /// When it was not made by this service, or its time is up.
    pub fn personal_link(&self, token: &str) -> Result<PersonalLink, LinkRefused> {
        let kit = self.kit();
        let key = kit.connector.derived_key(links::PURPOSE);
        let key = key.ok_or(LinkRefused::Forged)?;
        links::read(&key, token, kit.clock.now_ms())
    }
}

/// The address on whose page somebody answers without logging in; none where they have to log in, or where it is
/// not theirs alone.
pub(super) fn personal(
    kit: &Kit,
    (program, playbook): (&Program, &Playbook),
    open: &OpenApproval,
    (approval, recipient): (&str, &str),
) -> Option<String> {
    let base = kit.link_base.as_ref()?;
    let is = |who: &String| who.eq_ignore_ascii_case(recipient);
    let team = open
        .team
        .as_ref()
        .and_then(|name| kit.deployment.teams.get(name));
    let shared = team.and_then(|team| team.email.as_ref()).is_some_and(is);
    if shared || !open.eligible.iter().any(is) || needs_login(program, playbook, open) {
        return None;
    }
    let link = PersonalLink {
        approval: approval.to_owned(),
        person: recipient.to_owned(),
        until_ms: open.until_ms,
    };
    let key = kit.connector.derived_key(links::PURPOSE)?;
    Some(links::personal_page(base, &links::token(&key, &link)))
}
