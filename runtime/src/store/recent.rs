//! Runs as they were last stored in; the same again out without reading their text, where the store still holds the very
//! same text. What another process wrote, or a transaction that was rolled back, is never taken for what is stored.

use counterplay_machine::state::Run;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How much text is kept in each of two generations, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Runs by number.
#[derive(Default)]
pub(super) struct Recent(Mutex<Generations>);

/// What is used stays: once the younger generation is full it becomes the older one, and what nobody asked for goes.
#[derive(Default)]
struct Generations {
    younger: HashMap<i64, Arc<Known>>,
    older: HashMap<i64, Arc<Known>>,
    bytes: usize,
}

struct Known {
    text: String,
    run: Run,
}

impl Recent {
    /// The run of a text, where it was kept.
    pub(super) fn get(&self, num: i64, text: &str) -> Option<Run> {
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.find(num)?
        };
        (known.text == text).then(|| known.run.clone())
    }

    /// Keeps a run with its text, unless it has ended: nobody asks for that soon.
    pub(super) fn put(&self, num: i64, text: String, run: &Run) {
        let known = match run.outcome {
            None => Some(Arc::new(Known {
                text,
                run: run.clone(),
            })),
            Some(_) => None,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.forget(num);
        if let Some(known) = known {
            all.keep(num, known);
        }
    }
}

impl Generations {
    fn find(&mut self, num: i64) -> Option<Arc<Known>> {
        if let Some(known) = self.younger.get(&num) {
            return Some(known.clone());
        }
        let known = self.older.remove(&num)?;
        self.keep(num, known.clone());
        Some(known)
    }

    fn forget(&mut self, num: i64) {
        self.older.remove(&num);
        if let Some(known) = self.younger.remove(&num) {
            self.bytes -= known.text.len();
        }
    }

    fn keep(&mut self, num: i64, known: Arc<Known>) {
        if known.text.len() > BYTES_MAX / 16 {
            return;
        }
        if self.bytes + known.text.len() > BYTES_MAX {
            self.older = std::mem::take(&mut self.younger);
            self.bytes = 0;
        }
        self.bytes += known.text.len();
        self.younger.insert(num, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::eval::TenantFacts;

    fn run(id: &str) -> Run {
        Run {
            id: id.into(),
            playbook: "p".into(),
            hash: String::new(),
            tenant: TenantFacts::default(),
            started_ms: 0,
            started_by: String::new(),
            starter: None,
            behind: Vec::new(),
            threads: Default::default(),
            next_thread: 0,
            approvals: Default::default(),
            grants: Vec::new(),
            failed_steps: Vec::new(),
            done: Vec::new(),
            let_beyond: Vec::new(),
            steps: Vec::new(),
            recorded_failures: 0,
            failing: None,
            outcome: None,
        }
    }

    #[test]
    fn only_the_very_same_text_is_taken() {
        let recent = Recent::default();
        recent.put(1, "one".into(), &run("r-1"));
        assert_eq!(recent.get(1, "one").map(|r| r.id).as_deref(), Some("r-1"));
        assert_eq!(recent.get(1, "two"), None);
        assert_eq!(recent.get(2, "one"), None);
        let mut ended = run("r-1");
        ended.outcome = Some(counterplay_machine::state::Outcome::Completed);
        recent.put(1, "three".into(), &ended);
        assert_eq!((recent.get(1, "one"), recent.get(1, "three")), (None, None));
    }

    #[test]
    fn what_nobody_asks_for_goes_and_what_is_asked_for_stays() {
        let recent = Recent::default();
        let text = "x".repeat(BYTES_MAX / 32);
        for num in 0..200 {
            recent.put(num, text.clone(), &run("r"));
            assert!(recent.get(0, &text).is_some(), "after {num}");
        }
        assert!(recent.get(199, &text).is_some());
        assert!(recent.get(50, &text).is_none());
        recent.put(7, "x".repeat(BYTES_MAX), &run("long"));
        assert_eq!(recent.get(7, &"x".repeat(BYTES_MAX)), None);
        let all = recent.0.lock().expect("sound");
        assert!(all.younger.len() + all.older.len() <= 64);
    }
}
