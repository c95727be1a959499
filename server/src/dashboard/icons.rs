//! A name in, a small picture out: lines on a 16 × 16 grid, in the colour of the text beside it.

use super::text::Markup;
use askama::filters::Safe;

/// An icon. It is decoration: words stand beside it, so screen readers skip it.
pub fn icon(name: &str) -> Markup {
    Safe(format!(
        "<svg class=\"icon\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"1.5\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\" focusable=\"false\">{}</svg>",
        lines(name)
    ))
}

fn lines(name: &str) -> &'static str {
    match name {
        "home" => r#"<path d="M2.5 7 8 2.5 13.5 7v6.5H9.8v-4H6.2v4H2.5z"/>"#,
        "book" => {
            r#"<path d="M3 2.5h8.5a1.5 1.5 0 0 1 1.5 1.5v9.5H4.5A1.5 1.5 0 0 1 3 12zM3 12a1.5 1.5 0 0 1 1.5-1.5H13M6 5.5h4"/>"#
        }
        "run" | "play" => r#"<path d="M4.5 2.8v10.4L13 8z"/>"#,
        "approval" | "gate" => {
            r#"<path d="M8 1.8 13 3.6v4c0 3-2 5.3-5 6.6-3-1.3-5-3.6-5-6.600v-4z"/><path d="m5.7 7.8 1.7 1.7 3-3.2"/>"#
        }
        "deploy" => r#"<path d="M8 10.500v-8m0 0-3 3m3-3 3 3M2.5 10.500v3h11v-3"/>"#,
        "audit" => {
            r#"<path d="M4 1.800h5.500L12.5 5v9.200H4zM9.2 2v3.200h3M6.2 8.200h4M6.2 11h4"/>"#
        }
        "letter" => r#"<path d="M2 4h12v8.500H2zM2 4.500l6 4.3 6-4.3"/>"#,
        "people" => {
            r#"<circle cx="6" cy="5.2" r="2.3"/><path d="M1.8 13.300c.2-2.7 1.9-4 4.2-4s4 1.3 4.2 4M10.6 3.200a2.2 2.2 0 0 1 0 4.100M12 9.800c1.3.5 2.1 1.7 2.3 3.5"/>"#
        }
        "key" => r#"<circle cx="5.2" cy="10.8" r="2.9"/><path d="m7.3 8.7 6-6M11 5l2 2"/>"#,
        "health" => r#"<path d="M1.5 8.500H4l2-5 3.5 9.5 2-4.500h3"/>"#,
        "user" => {
            r#"<circle cx="8" cy="5.3" r="2.8"/><path d="M2.8 13.800c.3-3 2.3-4.5 5.2-4.500s4.9 1.5 5.2 4.5"/>"#
        }
        "check" | "done" => r#"<path d="m3 8.5 3.3 3.300L13 4.8"/>"#,
        "cross" | "failed" => r#"<path d="m4 4 8 8m0-8-8 8"/>"#,
        "clock" | "wait" => r#"<circle cx="8" cy="8" r="6"/><path d="M8 4.700V8l2.3 1.7"/>"#,
        "hand" | "held" => {
            r#"<circle cx="8" cy="8" r="6"/><path d="M6.3 5.700v4.600M9.7 5.700v4.6"/>"#
        }
        "alert" => r#"<path d="M8 2.2 14.3 13.300H1.700zM8 6.500v3M8 11.500v.1"/>"#,
        "dot" | "running" => {
            r#"<circle cx="8" cy="8" r="3" fill="currentColor"/><circle cx="8" cy="8" r="6"/>"#
        }
        "stop" => r#"<circle cx="8" cy="8" r="6"/><path d="M5.8 5.800h4.400v4.400H5.800z"/>"#,
        "skip" => r#"<path d="m3 4 5 4-5 4zM9 4l4 4-4 4"/>"#,
        "flask" => {
            r#"<path d="M6 2h4M6.8 2v4.500L3 12.800c-.3.7.1 1.2.8 1.200h8.400c.7 0 1.1-.5.8-1.200L9.2 6.500V2M4.7 10.500h6.6"/>"#
        }
        "pause" => r#"<path d="M5.5 3v10M10.5 3v10"/>"#,
        "question" | "query" => r#"<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>"#,
        "bolt" | "action" => r#"<path d="M9 1.8 3.5 9H8l-1 5.200L12.5 7H8z"/>"#,
        "fork" => r#"<path d="M4 2.500v11M4 5.500c0 3 8 1.5 8 5v3"/>"#,
        "branch" => r#"<path d="M8 2 14 8l-6 6-6-6z"/>"#,
        "flag" | "start" => r#"<path d="M4 14V2.500h8L10 5.700l2 3.300H4"/>"#,
        "end" => {
            r#"<circle cx="8" cy="8" r="6"/><circle cx="8" cy="8" r="2.5" fill="currentColor"/>"#
        }
        "stage" => r#"<path d="M2.5 4h11M2.5 8h11M2.5 12h7"/>"#,
        "notify" => r#"<path d="M4 11.500V7a4 4 0 0 1 8 0v4.500l1 1H3zM6.8 14.200h2.4"/>"#,
        "undo" | "reversible" => {
            r#"<path d="M3 6.500h6.500a3.5 3.5 0 0 1 0 7H6M3 6.500l3-3m-3 3 3 3"/>"#
        }
        "disruptive" => r#"<path d="M8 2.2 14.3 13.300H1.700zM8 6.500v3M8 11.500v.1"/>"#,
        "destructive" => {
            r#"<path d="M3 4.200h10M6 4V2.500h4V4M4.2 4.200l.6 9.300h6.400l.6-9.300M6.7 6.700v4.500M9.3 6.700v4.5"/>"#
        }
        "menu" => r#"<path d="M2 4h12M2 8h12M2 12h12"/>"#,
        "sun" => {
            r#"<circle cx="8" cy="8" r="3"/><path d="M8 1.500v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.9M11.7 11.700l.9.9M3.4 12.600l.9-.9M11.7 4.300l.9-.9"/>"#
        }
        "leave" => r#"<path d="M9.5 2.500h-6v11h6M6.5 8h7.500m-2.5-2.500L14 8l-2.5 2.5"/>"#,
        "download" => r#"<path d="M8 2.500v8m0 0-3-3m3 3 3-3M2.5 13.500h11"/>"#,
        "arrow" => r#"<path d="M2.5 8h11m-4-4 4 4-4 4"/>"#,
        "back" => r#"<path d="M13.5 8h-11m4-4-4 4 4 4"/>"#,
        "lock" => r#"<path d="M3.5 7h9v6.500h-9zM5.3 7V5a2.7 2.7 0 0 1 5.4 0v2"/>"#,
        "refresh" | "retry" => r#"<path d="M13.5 3v3.500H10M13.3 6.500A5.7 5.7 0 1 0 13.7 9"/>"#,
        "spark" => r#"<path d="M8 1.8 9.5 6.5 14.2 8 9.5 9.5 8 14.2 6.5 9.5 1.8 8l4.7-1.500z"/>"#,
        _ => r#"<circle cx="8" cy="8" r="2"/>"#,
    }
}

/// The mark of the product.
pub fn logo() -> Markup {
    Safe(
        "<svg class=\"logo\" viewBox=\"0 0 32 32\" width=\"28\" height=\"28\" aria-hidden=\"true\" focusable=\"false\">\
         <rect class=\"logo-plate\" width=\"32\" height=\"32\" rx=\"8\"/>\
         <path class=\"logo-ink\" d=\"M14.5 8.500v15L6.5 16z\" opacity=\".55\"/>\
         <path class=\"logo-ink\" d=\"M17.500 8.500v15l8-7.500z\"/></svg>"
            .to_owned(),
    )
}
