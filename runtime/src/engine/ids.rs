//! A seed in, run ids out: short, readable, in the order of time.

use counterplay_machine::duration::DAY_MS;
use jiff::Timestamp;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Digits and letters that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How often an id is drawn among those of the present time.
const TRIES: u32 = 8;

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

    /// The id of a run that starts now, such as `r-20261122-abc123`, which is to be free.
    ///
    /// Half of what stands behind the day is the time of the day, so that the ids of runs that go on at the same time lie
    /// beside each other: an index over them is written at one place.
    pub(super) fn run<E>(
        &self,
        now_ms: i64,
        free: impl Fn(&str) -> Result<bool, E>,
    ) -> Result<String, E> {
        let day = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = day.strftime("%Y%m%d").to_string();
        let since = now_ms.rem_euclid(DAY_MS) as u64;
        let time = since * (1 << 15) / DAY_MS as u64;
        let mut tries = 0;
        loop {
            let drawn = self.next();
            let bits = match tries < TRIES {
                true => (time << 15) | (drawn & 0x7fff),
                // Very many start at this time: any other one does as well.
                false => drawn & 0x3fff_ffff,
            };
            tries = TRIES.min(tries + 1);
            let digits = (0..6)
                .rev()
                .map(|i| ALPHABET[((bits >> (5 * i)) & 31) as usize]);
            let tail: String = digits.map(char::from).collect();
            let id = format!("r-{day}-{tail}");
            if free(&id)? {
                return Ok(id);
            }
        }
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
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::convert::Infallible;

    #[test]
    fn ids_are_short_dated_and_follow_the_seed() {
        let now = 1_795_305_600_000;
        let (a, b) = (Ids::seeded(7), Ids::seeded(7));
        let first = any(&a, now);
        assert!(first.starts_with("r-20261122-"), "{first}");
        assert_eq!(first.len(), "r-20261122-abc123".len());
        assert_eq!(first, any(&b, now));
        assert_ne!(first, any(&a, now));
        assert_ne!(any(&Ids::random(), now), any(&Ids::random(), now));
    }

    #[test]
    fn ids_are_in_the_order_of_time() {
        let ids = Ids::seeded(7);
        // Every three seconds of a day and a half.
        let all: Vec<String> = (0..43_200).map(|i| any(&ids, i * 3_000)).collect();
        assert!(all.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn one_that_is_taken_is_not_given_again_however_many_start_at_once() {
        let ids = Ids::seeded(7);
        let taken = RefCell::new(HashSet::new());
        for _ in 0..40_000 {
            let free = |id: &str| Ok::<_, Infallible>(taken.borrow_mut().insert(id.to_owned()));
            let Ok(_) = ids.run(1_795_305_600_000, free);
        }
        assert!(taken.borrow().len() >= 40_000);
    }

    fn any(ids: &Ids, now_ms: i64) -> String {
        let Ok(id) = ids.run(now_ms, |_| Ok::<_, Infallible>(true));
        id
    }
}
