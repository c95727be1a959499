//! `[away."ADDRESS"]` of the project file in: who is away, until when and who answers approvals meanwhile, out.

use crate::near;
use counterplay_machine::deployment::{Absence, Team};
use counterplay_machine::duration::{DAY_MS, parse_time_ms};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::value::Datetime;

/// One of the sections, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AwaySection {
    from: Option<Spanned<Datetime>>,
    until: Spanned<Datetime>,
    delegate: Spanned<String>,
}

/// Who is away, by e-mail address; and those of them who are in no team, with where that stands.
pub(crate) type Away = (BTreeMap<String, Absence>, Vec<(String, Range<usize>)>);

/// Reads the sections, and names those who are in no team with where that stands. A delegate has to be a person whom
/// the project knows: a member of some team. So has who is away, unless approvals ask them by name.
pub(crate) fn read(
    written: BTreeMap<Spanned<String>, AwaySection>,
    teams: &BTreeMap<String, Team>,
    find: &mut impl FnMut(String, Range<usize>, &str, Option<String>),
) -> Away {
    let members = || teams.values().flat_map(|team| &team.members);
    let mut out = BTreeMap::new();
    let mut strangers = Vec::new();
    for (who, section) in written {
        let (at, who) = (who.span(), who.into_inner());
        let delegate = section.delegate.get_ref();
        if !who.contains('@') {
            find(
                format!("`{who}` is not an e-mail address"),
                at.clone(),
                "people are known by their e-mail addresses",
                Some("write [away.\"ana@example.org\"]".into()),
            );
        } else if !members().any(|m| m.eq_ignore_ascii_case(delegate)) {
            let near = near::best(delegate, members().map(String::as_str));
            find(
                format!(
                    "`{delegate}` is in no team, so nobody knows them as somebody who approves"
                ),
                section.delegate.span(),
                "who answers meanwhile",
                Some(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "a delegate is a member of a team; it need not be the same one".into(),
                }),
            );
        } else if who.eq_ignore_ascii_case(delegate) {
            find(
                format!("`{who}` cannot answer for themselves while they are away"),
                section.delegate.span(),
                "the same person",
                None,
            );
        }
        if who.contains('@') && !members().any(|m| m.eq_ignore_ascii_case(&who)) {
            match near::best(&who, members().map(String::as_str)) {
                Some(near) => find(
                    format!("`{who}` is in no team, so nobody stands in for them"),
                    at.clone(),
                    "who is away",
                    Some(format!("did you mean \"{near}\"?")),
                ),
                None => strangers.push((who.clone(), at.clone())),
            }
        }
        let from_ms = section
            .from
            .as_ref()
            .map(|from| (moment(from.get_ref()), from.span()));
        let until_ms = moment(section.until.get_ref()).map(|ms| {
            // A day counts to its end.
            let whole_day = section.until.get_ref().time.is_none();
            if whole_day {
                ms.saturating_add(DAY_MS)
            } else {
                ms
            }
        });
        for (_, place) in [(until_ms, section.until.span())]
            .into_iter()
            .chain(from_ms.clone())
            .filter(|(ms, _)| ms.is_none())
        {
            find(
                "this is no moment that is the same everywhere".into(),
                place,
                "which day, and in which zone?",
                Some("write a day (2026-12-08) or a time with its offset (2026-12-08T09:00:00+01:00)".into()),
            );
        }
        let (from_ms, until_ms) = (from_ms.and_then(|(ms, _)| ms), until_ms.unwrap_or(0));
        if from_ms.is_some_and(|from| from >= until_ms) && until_ms != 0 {
            find(
                format!("`{who}` comes back before they go"),
                section.until.span(),
                "not after `from`",
                None,
            );
        }
        let absence = Absence {
            from_ms,
            until_ms,
            delegate: section.delegate.into_inner(),
        };
        if out.insert(who.to_ascii_lowercase(), absence).is_some() {
            find(
                format!("`{who}` is away twice"),
                at,
                "the second time",
                Some("addresses are compared without regard to case".into()),
            );
        }
    }
    (out, strangers)
}

/// A day (its beginning in UTC) or a time with its offset, in milliseconds since the Unix epoch.
fn moment(written: &Datetime) -> Option<i64> {
    match (&written.date, &written.time, &written.offset) {
        (Some(date), None, None) => parse_time_ms(&format!("{date}T00:00:00Z")),
        (Some(_), Some(_), Some(_)) => parse_time_ms(&written.to_string()),
        _ => None,
    }
}
