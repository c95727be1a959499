//! A request for a list in, the whole list out: follows `@odata.nextLink` and joins `value`. All pages share the time
//! for which the connection tries a call again.
//!
//! Source: Microsoft Graph, "Paging Microsoft Graph data in your app".

use super::exchange::Errand;
use super::failed;
use super::job::{Job, outcome};
use super::send::Sending;
use crate::call::CallOutcome;
use counterplay_machine::response::Meaning;
use reqwest::Url;
use serde_json::Value as Json;
use std::collections::HashSet;

/// The most pages that are read.
const PAGES_MAX: usize = 200;
/// The most elements that are kept.
const ELEMENTS_MAX: usize = 200_000;

impl Job<'_> {
    /// Reads a list to its end.
    pub async fn read_pages(&mut self, first: Sending) -> CallOutcome {
        let mut seen: HashSet<Url> = HashSet::from([first.url.clone()]);
        let mut sending = first;
        let mut all: Option<(u16, Json)> = None;
        loop {
            let (answer, meaning) = match self.exchange(&Errand::Http(sending.clone()), true).await
            {
                Ok(answered) => answered,
                Err(outcome) => return outcome,
            };
            if matches!(meaning, Meaning::Failed { .. }) || !(200..300).contains(&answer.status) {
                return outcome(meaning);
            }
            let next = answer.next_link;
            let (status, body) = match all.take() {
                None => (answer.status, answer.body),
                Some((status, mut body)) => {
                    if let (Some(Json::Array(list)), Some(Json::Array(more))) =
                        (body.get_mut("value"), answer.body.get("value"))
                    {
                        list.extend(more.iter().cloned());
                    } else {
                        return failed("a page of the list has no `value`");
                    }
                    (status, body)
                }
            };
            if body["value"]
                .as_array()
                .is_some_and(|list| list.len() > ELEMENTS_MAX)
            {
                return failed(format!("the list has more than {ELEMENTS_MAX} elements"));
            }
            let Some(next) = next else {
                return outcome(self.meaning(status, &body));
            };
            match self.next_page(&sending.url, &next, &mut seen) {
                Ok(url) => sending.url = url,
                Err(reason) => return failed(reason),
            }
            all = Some((status, body));
        }
    }

    /// The next page's address; our credentials go nowhere else.
    fn next_page(&self, from: &Url, link: &str, seen: &mut HashSet<Url>) -> Result<Url, String> {
        let next = from
            .join(link)
            .map_err(|_| "the next page's address is not a web address".to_owned())?;
        if next.origin() != from.origin()
            || !next.username().is_empty()
            || next.password().is_some()
        {
            return Err(format!(
                "the next page lies at {} and not at {}; it was not read",
                next.host_str().unwrap_or("an unknown place"),
                from.host_str().unwrap_or("the service")
            ));
        }
        if seen.len() >= PAGES_MAX {
            return Err(format!("the list has more than {PAGES_MAX} pages"));
        }
        if !seen.insert(next.clone()) {
            return Err("the list's pages lead back to one that was read".into());
        }
        Ok(next)
    }
}
