//! What is to be said in, a mail's subject and plain text out.

use super::Notice;

/// The text. It is plain, so that nothing in it is markup.
pub(super) fn body(notice: &Notice) -> String {
    let mut out = format!("{}\n\n", notice.question);
    for fact in &notice.facts {
        match fact.values.as_slice() {
            [one] => out.push_str(&format!("{}: {one}\n", fact.label)),
            several => {
                out.push_str(&format!("{}:\n", fact.label));
                for value in several {
                    out.push_str(&format!("  - {value}\n"));
                }
            }
        }
    }
    // On a line of its own: mail programs make a link of it.
    out.push_str(&format!("\n{}\n\n{}\n", notice.url, notice.closing));
    out
}
