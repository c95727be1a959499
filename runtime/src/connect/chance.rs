//! A seed in, evenly spread numbers out: the one source of chance, used for the jitter of pauses.
//! Never used for secrets.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// The step of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of numbers that two runs with the same seed draw alike.
#[derive(Debug)]
pub struct Chance(AtomicU64);

impl Chance {
    /// A source whose numbers follow from the seed.
    pub fn seeded(seed: u64) -> Chance {
        Chance(AtomicU64::new(seed))
    }

    /// A source that differs from process to process.
    pub fn from_system() -> Chance {
        Chance::seeded(RandomState::new().hash_one(0_u64))
    }

    /// A number from 0 up to and without 1.
    pub fn fraction(&self) -> f64 {
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 53 bits are what a double holds exactly.
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers_within_bounds() {
        let (a, b) = (Chance::seeded(7), Chance::seeded(7));
        for _ in 0..1000 {
            let x = a.fraction();
            assert_eq!(x, b.fraction());
            assert!((0.0..1.0).contains(&x));
        }
    }
}
