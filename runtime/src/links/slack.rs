//! What is to be said in, a post for a Slack incoming webhook out.
//!
//! Facts: Slack, "Formatting text for app surfaces" (`&`, `<` and `>` are control characters in every
//! text and are written as entities; links, mentions and channels need them) and "Block Kit: text
//! object" (`plain_text` reads no markup; at most 3000 characters in a section).

use super::{DECIDES_NOTHING, Notice, OPEN};
use serde_json::{Value as Json, json};

/// The longest text of a section, in characters, after escaping.
const SECTION_MAX: usize = 3_000;

/// The post.
pub(super) fn message(notice: &Notice) -> Json {
    let mut sections = vec![notice.question.clone()];
    for fact in &notice.facts {
        let more = format!("{}: {}", fact.label, fact.joined());
        let fits = |section: &String| {
            escape(section).chars().count() + escape(&more).chars().count() < SECTION_MAX
        };
        match sections.last_mut().filter(|s| fits(s)) {
            Some(section) => section.push_str(&format!("\n{more}")),
            None => sections.push(more),
        }
    }
    let mut blocks = vec![json!({ "type": "header", "text": plain("Approval needed") })];
    blocks.extend(
        sections
            .iter()
            .map(|section| json!({ "type": "section", "text": plain(section) })),
    );
    // The one text with markup: every character of it is ours, or encoded.
    let link = format!("<{}|{OPEN}>", escape(&notice.url));
    blocks.push(
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": link, "verbatim": true } }),
    );
    blocks.push(json!({ "type": "context", "elements": [plain(DECIDES_NOTHING)] }));
    json!({
        // Shown in notifications, and where blocks cannot be shown.
        "text": format!("{}\n{}", escape(&notice.subject), escape(&notice.url)),
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn plain(text: &str) -> Json {
    json!({ "type": "plain_text", "text": cut(text), "emoji": false })
}

/// Text escaped, as much of it as a section takes; no entity is cut in two.
fn cut(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.chars() {
        let escaped = escape(c.encode_utf8(&mut [0; 4]));
        length += escaped.chars().count();
        if length >= SECTION_MAX {
            out.push('…');
            break;
        }
        out.push_str(&escaped);
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{SECTION_MAX, cut};

    #[test]
    fn entities_stay_whole_where_text_is_cut() {
        let long = cut(&"<".repeat(2_000));
        assert!(long.ends_with("&lt;…"), "{long}");
        assert!(long.chars().count() <= SECTION_MAX);
        assert_eq!(cut("<!channel> & co"), "&lt;!channel&gt; &amp; co");
    }
}
