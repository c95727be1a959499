//! Declared budgets in, how long a call has to wait for its turn out. Nothing fails here; calls wait.

use counterplay_machine::declare::Rate;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A token bucket. It may owe tokens: each caller reserves its turn and waits until it is paid for, so
/// that turns are given in the order of asking.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

/// All buckets, by connection, place in its declaration and tenant.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<(String, usize, String), Bucket>>);

impl Buckets {
    /// Takes a turn in every budget of a connection and says how long to wait for it, in milliseconds.
    pub fn reserve(&self, connection: &str, rates: &[Rate], tenant: &str, now_ms: i64) -> i64 {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait_ms = 0;
        for (index, rate) in rates.iter().enumerate() {
            if rate.count == 0 || rate.per_ms <= 0 {
                continue;
            }
            let tenant = if rate.per_tenant { tenant } else { "" };
            let full = f64::from(rate.count);
            let per_token_ms = rate.per_ms as f64 / full;
            let bucket = buckets
                .entry((connection.to_owned(), index, tenant.to_owned()))
                .or_insert(Bucket {
                    tokens: full,
                    at_ms: now_ms,
                });
            let passed_ms = now_ms.saturating_sub(bucket.at_ms).max(0);
            bucket.tokens = (bucket.tokens + passed_ms as f64 / per_token_ms).min(full) - 1.0;
            bucket.at_ms = bucket.at_ms.max(now_ms);
            if bucket.tokens < 0.0 {
                wait_ms = wait_ms.max((-bucket.tokens * per_token_ms).ceil() as i64);
            }
        }
        wait_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_waits_its_turn_and_tenants_do_not_share() {
        let rates = [Rate {
            count: 2,
            per_ms: 1_000,
            per_tenant: true,
        }];
        let buckets = Buckets::default();
        let waits: Vec<i64> = (0..5)
            .map(|_| buckets.reserve("graph", &rates, "contoso", 0))
            .collect();
        assert_eq!(waits, [0, 0, 500, 1_000, 1_500]);
        assert_eq!(buckets.reserve("graph", &rates, "fabrikam", 0), 0);
        assert_eq!(buckets.reserve("graph", &rates, "contoso", 4_000), 0);
    }

    #[test]
    fn every_budget_counts() {
        let rates = [
            Rate {
                count: 100,
                per_ms: 1_000,
                per_tenant: true,
            },
            Rate {
                count: 1,
                per_ms: 60_000,
                per_tenant: false,
            },
        ];
        let buckets = Buckets::default();
        assert_eq!(buckets.reserve("psa", &rates, "contoso", 0), 0);
        assert_eq!(buckets.reserve("psa", &rates, "fabrikam", 0), 60_000);
    }
}
