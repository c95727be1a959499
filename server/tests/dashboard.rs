//! Every page with hostile names, and what templates may hold.

#[path = "../examples/gallery/pages.rs"]
mod pages;
#[path = "../examples/gallery/project.rs"]
mod project;

use counterplay_server::dashboard::chrome::Theme;
use counterplay_server::dashboard::text::is_hidden;
use std::path::Path;

fn gallery(write: fn(&str) -> String) -> pages::Gallery {
    pages::Gallery {
        project: project::project(),
        theme: Theme::Light,
        now_ms: 1_795_618_800_000,
        write,
    }
}

fn hostile(text: &str) -> String {
    format!(
        "{text}<script>alert(1)</script>\"><img src=x onerror=alert(1)>' onfocus='alert(1) **bold** [a](javascript:alert(1)) \u{202e}txet\u{2066}\u{200b}\u{0}&amp;"
    )
}

fn long(text: &str) -> String {
    format!("{text}{}", "x".repeat(5_000))
}

/// The tags of a page: the text between `<` and the `>` outside of quotes.
fn tags(html: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut quote = None;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                ('>', None) => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        out.push(&rest[..end]);
        rest = &rest[end..];
    }
    out
}

/// The names of a tag's attributes.
fn attributes(tag: &str) -> Vec<String> {
    let mut bare = String::new();
    let mut quote = None;
    for c in tag.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            (c, None) => bare.push(c),
            _ => {}
        }
    }
    bare.split_whitespace()
        .skip(1)
        .map(|a| a.trim_end_matches('/').trim_end_matches('=').to_lowercase())
        .filter(|a| !a.is_empty())
        .collect()
}

fn check(name: &str, html: &str) {
    for tag in tags(html) {
        let tag_name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        assert_ne!(tag_name, "img", "{name}: <{tag}>");
        if tag_name == "script" {
            assert!(tag.contains("src=\"/assets/"), "{name}: <{tag}>");
        }
        for attribute in attributes(tag) {
            assert!(
                !attribute.starts_with("on") || attribute == "on",
                "{name}: <{tag}>"
            );
            assert_ne!(attribute, "style", "{name}: <{tag}>");
        }
        for part in ["href=\"", "src=\"", "action=\""] {
            if let Some(value) = tag.split(part).nth(1) {
                assert!(
                    value.starts_with(['/', '#']),
                    "{name}: leads elsewhere: <{tag}>"
                );
            }
        }
    }
    if let Some(c) = html.chars().find(|c| is_hidden(*c)) {
        panic!("{name}: {c:?} is not shown");
    }
}

#[test]
fn hostile_text_stays_text_on_every_page() {
    let pages = gallery(hostile).pages();
    assert!(pages.len() >= 25);
    for (name, html) in &pages {
        check(name, html);
        assert!(html.contains("U+202E"), "{name}: shows what cannot be seen");
        assert!(html.contains("&lt;script&gt;alert(1)"), "{name}");
    }
}

#[test]
fn very_long_text_is_shown_on_every_page() {
    for (name, html) in gallery(long).pages() {
        check(name, &html);
        assert!(html.trim_end().ends_with("</html>"), "{name}");
    }
}

#[test]
fn ids_are_unique_and_every_input_has_a_label() {
    for (name, html) in gallery(str::to_owned).pages() {
        let mut ids = std::collections::BTreeSet::new();
        let mut labelled = Vec::new();
        for tag in tags(&html) {
            if let Some(id) = value(tag, "id") {
                assert!(ids.insert(id), "{name}: two elements have the id {id}");
            }
            if tag.starts_with("label") {
                labelled.extend(value(tag, "for"));
            }
        }
        for tag in tags(&html) {
            let field = ["input", "select", "textarea"]
                .iter()
                .any(|t| tag.starts_with(t));
            let free = ["hidden", "type=\"checkbox\""]
                .iter()
                .any(|t| tag.contains(t));
            if field && !free {
                let id = value(tag, "id").unwrap_or_default();
                assert!(labelled.contains(&id), "{name}: no label for <{tag}>");
            }
            if tag.contains("data-live=") {
                assert!(
                    value(tag, "id").is_some(),
                    "{name}: a live part without an id: <{tag}>"
                );
            }
            for described in value(tag, "aria-describedby")
                .iter()
                .flat_map(|v| v.split(' '))
            {
                assert!(ids.contains(described), "{name}: {described} is not there");
            }
        }
    }
}

fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

#[test]
fn every_form_that_changes_something_carries_the_sessions_word() {
    for (name, html) in gallery(str::to_owned).pages() {
        // Who answers by a personal link has no session: what the form carries is its address.
        if name == "answer" {
            continue;
        }
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            if form.contains("method=\"post\"") {
                assert!(
                    form.contains("name=\"csrf\" value=\"made-up"),
                    "{name}: {form}"
                );
            }
        }
    }
}

#[test]
fn templates_hold_no_code_no_styles_and_no_other_hosts() {
    let mut seen = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.display().to_string();
            let text = std::fs::read_to_string(&path).expect("a template");
            seen += 1;
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{name}"
            );
            assert!(
                !text.contains("<style") && !text.contains("javascript:"),
                "{name}"
            );
            assert!(!text.contains("hx-on"), "{name}: needs code from text");
            for tag in tags(&text) {
                for attribute in attributes(tag) {
                    assert_ne!(attribute, "style", "{name}: <{tag}>");
                    assert!(!attribute.starts_with("on"), "{name}: <{tag}>");
                }
                if tag.starts_with("script") {
                    assert!(tag.contains(" src="), "{name}: <{tag}>");
                }
            }
        }
    }
    assert!(seen >= 20);
}
