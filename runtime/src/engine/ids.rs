//! A seed in, run ids out: short, readable, in the order of days.

use jiff::Timestamp;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Digits and letters that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The engine's only source of randomness. Names runs; nothing secret depends on it.
#[derive(Debug)]
pub struct Ids(Mutex<u64>);

impl Ids {
    /// The same ids in the same order for the same seed.
    pub fn seeded(seed: u64) -> Ids {
        Ids(Mutex::new(seed))
    }

    /// Other ids each time.
    pub fn random() -> Ids {
        // The standard library seeds its hash maps from the operating system.
        Ids::seeded(RandomState::new().build_hasher().finish())
    }

    /// The id of a run that starts now, such as `r-20261122-abc123`. It may be taken already.
    pub(super) fn run(&self, now_ms: i64) -> String {
        let day = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut bits = self.next();
        let mut tail = String::new();
        for _ in 0..6 {
            tail.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        format!("r-{}-{tail}", day.strftime("%Y%m%d"))
    }

    /// SplitMix64.
    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn ids_are_short_dated_and_follow_the_seed() {
        let now = 1_795_305_600_000;
        let (a, b) = (Ids::seeded(7), Ids::seeded(7));
        let first = a.run(now);
        assert!(first.starts_with("r-20261122-"), "{first}");
        assert_eq!(first.len(), "r-20261122-abc123".len());
        assert_eq!(first, b.run(now));
        assert_ne!(first, a.run(now));
        assert_ne!(Ids::random().run(now), Ids::random().run(now));
    }
}
