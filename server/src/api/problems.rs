//! Nothing in, the page that the types of problems lead to out: each kind under its own anchor.

use crate::problem::KINDS;
use axum::response::Html;
use std::fmt::Write as _;

/// What each kind of problem means and what to do about it.
pub async fn kinds() -> Html<String> {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Problems</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><main><h1>Problems</h1>\n",
    );
    for kind in KINDS {
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "<h2 id=\"{0}\">{0}</h2><p>Status {1}. {2}</p>",
            kind.name, kind.status, kind.about
        );
    }
    page.push_str("</main></body></html>\n");
    Html(page)
}
