//! A run and its open approval in; what a message says out, each part harmless plain text.

use super::plain::line;
use counterplay_machine::playbook::Playbook;
use counterplay_machine::state::{OpenApproval, Run};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How many entries of a list are named.
const LIST_MAX: usize = 12;
/// The longest question, in characters.
const QUESTION_MAX: usize = 400;
/// The longest entry, in characters.
const ENTRY_MAX: usize = 120;
/// The longest question in a subject, in characters.
const SUBJECT_MAX: usize = 80;

/// What is to be said of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// One line that stands for all.
    pub(super) subject: String,
    /// The question.
    pub(super) question: String,
    /// What there is to know, in order.
    pub(super) facts: Vec<Fact>,
    /// The address of the approval's page.
    pub(super) url: String,
    /// What is said under the address.
    pub(super) closing: &'static str,
}

/// A label with what is to be said under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// `Tenant`.
    pub(super) label: &'static str,
    /// At least one.
    pub(super) values: Vec<String>,
}

impl Fact {
    /// The values on one line.
    pub(super) fn joined(&self) -> String {
        self.values.join("; ")
    }
}

impl Notice {
    /// What is to be said of an approval of a run, with the address of its page.
    pub(crate) fn new(run: &Run, playbook: &Playbook, open: &OpenApproval, url: String) -> Notice {
        let fact = |label, values| Fact { label, values };
        let one = |label, text: &str| fact(label, vec![line(text, ENTRY_MAX)]);
        let zone = run.tenant.zone.as_str();
        let mut facts = vec![
            one("Playbook", &format!("{} ({})", playbook.title, playbook.id)),
            one("Tenant", &run.tenant.name),
        ];
        let question = !open.answers.is_empty();
        facts.push(if question {
            fact("Answers", list(open.answers.iter().map(String::as_str)))
        } else if open.actions.is_empty() {
            one(
                "What will be done",
                "no action waits for this answer; the playbook goes on by it",
            )
        } else {
            fact(
                "What will be done",
                list(open.actions.iter().map(String::as_str)),
            )
        });
        if !open.about.is_empty() {
            let labels = open.about.iter().map(|(_, label)| label.as_str());
            facts.push(fact("To", list(labels)));
        }
        facts.push(fact("Why it was started", reasons(run, playbook)));
        facts.push(one("Answer by", &time(open.until_ms, zone)));
        facts.push(fact(
            "Who may answer",
            list(open.eligible.iter().map(String::as_str)),
        ));
        if !question {
            facts.push(one(
                "Needed",
                &match open.needs {
                    1 => "one of them".to_owned(),
                    needs => format!("{needs} of them, different people"),
                },
            ));
        }
        let subject = if question {
            "A question for you"
        } else {
            "Approval needed"
        };
        Notice {
            subject: format!("{subject}: {}", line(&open.question, SUBJECT_MAX)),
            question: line(&open.question, QUESTION_MAX),
            facts,
            url,
            closing: super::DECIDES_NOTHING,
        }
    }

    /// The same with the address of a page on which one person answers without logging in.
    pub(crate) fn personal(self, url: String) -> Notice {
        Notice {
            url,
            closing: super::YOURS_ALONE,
            ..self
        }
    }

    /// The same, said for the second time.
    pub(crate) fn again(mut self) -> Notice {
        self.subject = format!("Reminder: {}", self.subject);
        self
    }
}

/// What started the run and when; of one that no person started, the conditions that held too.
fn reasons(run: &Run, playbook: &Playbook) -> Vec<String> {
    let at = time(run.started_ms, &run.tenant.zone);
    let started = format!(
        "{} at {at}, run {}",
        line(&run.started_by, ENTRY_MAX),
        run.id
    );
    let conditions = playbook.conditions.iter().map(|c| &*c.text);
    match run.starter {
        Some(_) => vec![started],
        None => std::iter::once(started).chain(list(conditions)).collect(),
    }
}

/// The first entries, and how many more there are.
fn list<'a>(entries: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let more = entries.len().saturating_sub(LIST_MAX);
    let mut out: Vec<String> = entries
        .take(LIST_MAX)
        .map(|entry| line(entry, ENTRY_MAX))
        .collect();
    if more > 0 {
        out.push(format!("and {more} more"));
    }
    out
}

/// A moment as it is read in a time zone: `Sun 22 Nov 2026, 16:00 (Europe/London, UTC+00:00)`.
fn time(ms: i64, zone: &str) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    match TimeZone::get(zone) {
        Ok(tz) if zone != "UTC" => {
            let at = at.to_zoned(tz);
            let (shown, offset) = (at.strftime("%a %-d %b %Y, %H:%M"), at.strftime("%:z"));
            format!("{shown} ({zone}, UTC{offset})")
        }
        _ => format!("{} (UTC)", at.strftime("%a %-d %b %Y, %H:%M")),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, time};

    #[test]
    fn times_are_read_in_the_tenants_zone() {
        // 2026-07-01T22:30:00Z
        let ms = 1_782_945_000_000;
        assert_eq!(
            time(ms, "Europe/London"),
            "Wed 1 Jul 2026, 23:30 (Europe/London, UTC+01:00)"
        );
        assert_eq!(
            time(ms, "Asia/Kolkata"),
            "Thu 2 Jul 2026, 04:00 (Asia/Kolkata, UTC+05:30)"
        );
        assert_eq!(time(ms, "UTC"), "Wed 1 Jul 2026, 22:30 (UTC)");
        assert_eq!(time(ms, "Nowhere/At_All"), "Wed 1 Jul 2026, 22:30 (UTC)");
    }

    #[test]
    fn long_lists_say_how_many_more() {
        let names: Vec<String> = (0..30).map(|n| format!("d{n}")).collect();
        let shown = list(names.iter().map(String::as_str));
        assert_eq!(shown.len(), 13);
        assert_eq!(shown[12], "and 18 more");
    }
}
