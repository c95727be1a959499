//! An approval, a person and a time in, the token of a link for just them out; and such a token in, what it stands
//! for out.
//!
//! Who holds it may answer as that person without logging in, where no login is needed (`needs_login`). It is
//! signed with a key that is derived from the master key, says until when it counts, and is kept nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What the signing key is derived for.
pub(crate) const PURPOSE: &str = "personal links";
/// The longest token that is looked at.
const TOKEN_MAX: usize = 2_000;

/// What a personal link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalLink {
    /// The approval, which names the run and the step.
    pub approval: String,
    /// The person, by e-mail address.
    pub person: String,
    /// Until when it counts, in milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// Why a personal link does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// It was not made by this service, or was changed on the way.
    #[error("this link was not made by this service, or a part of it is missing")]
    Forged,
    /// Its time is up.
    #[error("this link has expired")]
    Expired(PersonalLink),
}

/// The token of a link.
pub(crate) fn token(key: &[u8], link: &PersonalLink) -> String {
    let content = format!("{}\n{}\n{}", link.until_ms, link.approval, link.person);
    let signature = signed(key, content.as_bytes()).finalize().into_bytes();
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(content),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// What a token stands for. Signatures are compared in constant time.
///
/// # Errors
/// Why it does not count.
pub(crate) fn read(key: &[u8], token: &str, now_ms: i64) -> Result<PersonalLink, LinkRefused> {
    let link = genuine(key, token).ok_or(LinkRefused::Forged)?;
    if now_ms > link.until_ms {
        return Err(LinkRefused::Expired(link));
    }
    Ok(link)
}

fn genuine(key: &[u8], token: &str) -> Option<PersonalLink> {
    if token.len() > TOKEN_MAX {
        return None;
    }
    let (content, signature) = token.split_once('.')?;
    let content = URL_SAFE_NO_PAD.decode(content).ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    signed(key, &content).verify_slice(&signature).ok()?;
    let content = String::from_utf8(content).ok()?;
    let mut lines = content.splitn(3, '\n');
    Some(PersonalLink {
        until_ms: lines.next()?.parse().ok()?,
        approval: lines.next()?.to_owned(),
        person: lines.next()?.to_owned(),
    })
}

fn signed(key: &[u8], content: &[u8]) -> Hmac<Sha256> {
    let mut mac = crate::connect::keyed(key);
    mac.update(content);
    mac
}

#[cfg(test)]
mod tests {
    use super::{LinkRefused, PersonalLink, read, token};

    #[test]
    fn a_token_is_for_one_person_one_approval_and_one_time() {
        let link = PersonalLink {
            approval: "r-1:8/a b".into(),
            person: "Ana.Ortiz+x@msp.example".into(),
            until_ms: 1_000,
        };
        let made = token(b"key", &link);
        assert!(
            made.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
            "{made}"
        );
        assert_eq!(read(b"key", &made, 1_000), Ok(link.clone()));
        assert_eq!(
            read(b"key", &made, 1_001),
            Err(LinkRefused::Expired(link.clone()))
        );
        assert_eq!(read(b"other", &made, 0), Err(LinkRefused::Forged));
        let (_, signature) = made.split_once('.').expect("two parts");
        let others = token(
            b"other",
            &PersonalLink {
                person: "bo@msp.example".into(),
                ..link
            },
        );
        let (content, _) = others.split_once('.').expect("two parts");
        for forged in [
            format!("{content}.{signature}"),
            made[..made.len() - 2].to_owned(),
            format!("{made}x"),
            content.to_owned(),
            format!("{content}."),
            String::new(),
            ".".into(),
            "ä.ö".into(),
            "a".repeat(10_000),
        ] {
            assert_eq!(
                read(b"key", &forged, 0),
                Err(LinkRefused::Forged),
                "{forged}"
            );
        }
    }
}
