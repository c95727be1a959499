//! A set of small numbers as bits, all of them in one row of words.

/// A set of numbers below a length that is fixed at its making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// None of `len` numbers.
    pub(super) fn none(len: usize) -> Bits {
        Bits(vec![0; len.div_ceil(64)].into_boxed_slice())
    }

    /// All of `len` numbers.
    pub(super) fn all(len: usize) -> Bits {
        let mut bits = Bits(vec![u64::MAX; len.div_ceil(64)].into_boxed_slice());
        if let (Some(last), rest @ 1..) = (bits.0.last_mut(), len % 64) {
            *last = (1 << rest) - 1;
        }
        bits
    }

    pub(super) fn insert(&mut self, at: u32) {
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word |= 1 << (at % 64);
        }
    }

    pub(super) fn remove(&mut self, at: u32) {
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    pub(super) fn flip(&mut self, at: u32) {
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word ^= 1 << (at % 64);
        }
    }

    /// Keeps what is in the other set, too.
    pub(super) fn keep(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Becomes equal to a set of the same length.
    pub(super) fn copy(&mut self, other: &Bits) {
        if self.0.len() == other.0.len() {
            self.0.copy_from_slice(&other.0);
        } else {
            self.0.clone_from(&other.0);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The numbers in it, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    at as u32 * 64 + bit
                })
            })
        })
    }

    /// How much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn numbers_come_and_go() {
        let mut bits = Bits::none(130);
        for at in [0, 63, 64, 129] {
            bits.insert(at);
        }
        bits.flip(64);
        bits.flip(65);
        bits.remove(0);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [63, 65, 129]);
        assert_eq!((bits.count(), bits.is_empty()), (3, false));
        bits.insert(1_000);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [63, 65, 129]);
        let all = Bits::all(130);
        assert_eq!(all.count(), 130);
        assert_eq!(Bits::all(128).count(), 128);
        bits.keep(&all);
        assert_eq!(bits.count(), 3);
        let mut other = Bits::none(130);
        other.copy(&bits);
        assert_eq!(other, bits);
        assert!(Bits::none(0).is_empty() && Bits::all(0).is_empty());
    }
}
