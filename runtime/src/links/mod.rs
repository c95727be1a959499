//! An open approval in; what a message says of it, and the call that carries it, out.
//!
//! A message locates and decides nothing: whoever follows its link is asked to log in, and answers
//! there; where little is at stake, a mail to one person has a link on whose page they answer without
//! logging in (`personal`). `plain` takes the teeth out of what others wrote, `notice` says what there is to say,
//! `mail`, `teams` and `slack` dress it, `calls` declares how it is sent.

mod calls;
mod mail;
mod notice;
mod personal;
mod plain;
mod slack;
mod teams;

pub(crate) use calls::{Address, request};
pub(crate) use notice::Notice;
pub use personal::{LinkRefused, PersonalLink};
pub(crate) use personal::{PURPOSE, read, token};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 calls unreserved stays.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Said under every link.
const DECIDES_NOTHING: &str = "Opening this link decides nothing; you will be asked to log in.";

/// Said under a link on whose page one person answers without logging in.
const YOURS_ALONE: &str = "Opening this link decides nothing; you answer on its page, without logging in. It is yours alone: whoever has it can answer in your name, so pass it on to nobody.";

/// What the link is called where its address is not shown.
const OPEN: &str = "Open the approval";

/// The address of an approval's page.
pub(crate) fn page(base: &str, approval: &str) -> String {
    let base = base.trim_end_matches('/');
    format!(
        "{base}/approvals/{}",
        utf8_percent_encode(approval, SEGMENT)
    )
}

/// The address of the page on which one person answers.
pub(crate) fn personal_page(base: &str, token: &str) -> String {
    format!("{}/answer/{token}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn an_approval_is_one_segment_of_the_address() {
        assert_eq!(
            page("https://play.example/", "r-20261122-abc123:8/a b~1#2"),
            "https://play.example/approvals/r-20261122-abc123%3A8%2Fa%20b~1%232"
        );
    }
}
