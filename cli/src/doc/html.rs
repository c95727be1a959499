//! A page of Markdown in, one page of HTML out that needs nothing else: style inline, an anchor at each heading, no
//! scripts, no images, no raw HTML.

use counterplay_compiler::reference::{Slugs, leads_somewhere};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Light and dark, readable without any other file.
const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(title: &str, markdown: &str) -> String {
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut body = String::new();
    html::push_html(&mut body, tame(&events).into_iter());
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Headings with anchors; raw HTML as text, images as what they show, links only to where links may lead.
fn tame<'e>(events: &[Event<'e>]) -> Vec<Event<'e>> {
    let mut slugs = Slugs::default();
    let mut out = Vec::with_capacity(events.len());
    let mut links = Vec::new();
    for (i, event) in events.iter().enumerate() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inside = events.iter().skip(i + 1);
                let text: String = inside
                    .take_while(|e| !matches!(e, Event::End(TagEnd::Heading(_))))
                    .filter_map(|e| match e {
                        Event::Text(text) | Event::Code(text) => Some(&**text),
                        _ => None,
                    })
                    .collect();
                out.push(Event::Start(Tag::Heading {
                    level: *level,
                    id: Some(CowStr::from(slugs.next(&text))),
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Event::Html(text) | Event::InlineHtml(text) => out.push(Event::Text(text.clone())),
            Event::Start(Tag::HtmlBlock | Tag::Image { .. })
            | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => {}
            Event::Start(Tag::Link { dest_url, .. }) => {
                let may = leads_somewhere(dest_url);
                links.push(may);
                if may {
                    out.push(event.clone());
                }
            }
            Event::End(TagEnd::Link) => {
                if links.pop() == Some(true) {
                    out.push(event.clone());
                }
            }
            other => out.push(other.clone()),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_comment_runs_or_is_fetched() {
        let page = page(
            "A <b>",
            "# T\n\n<script>alert(1)</script>\n\n![shown](https://x.example/i.png) <i>x</i> [bad](javascript:alert(1)) [good](https://x.example/) [in](#t)\n",
        );
        assert!(page.contains("<title>A &lt;b&gt;</title>"), "{page}");
        for never in ["<script", "<img", "<i>", "javascript:"] {
            assert!(!page.contains(never), "{never} in {page}");
        }
        assert!(page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("shown"), "{page}");
        assert!(
            page.contains("<a href=\"https://x.example/\">good</a>"),
            "{page}"
        );
        assert!(page.contains("<h1 id=\"t\">T</h1>"), "{page}");
    }
}
