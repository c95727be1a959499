//! What many playbooks want of one value in; which of them a value suits out.
//!
//! The wishes cut the values into stretches within which nothing changes. From one stretch to the next a few
//! playbooks change sides: those are listed, and every now and then stands the whole set. So the memory grows
//! with the wishes, and a look-up costs no more than two passes over the set.

use super::bits::Bits;
use super::region::{Cut, Key, Kind, Region};

/// The wishes of some playbooks about one value; the others are content with anything.
#[derive(Clone, Debug)]
pub(super) struct Table {
    kind: Option<Kind>,
    cuts: Vec<Cut>,
    /// Who changes sides at each cut: `turns[ends[i - 1]..ends[i]]`.
    turns: Vec<u32>,
    ends: Vec<u32>,
    /// Whole sets, each with the number of cuts before it.
    whole: Vec<(u32, Bits)>,
    absent: Bits,
}

impl Table {
    /// A table for `len` playbooks. All regions have to be of one kind, or of none.
    pub(super) fn new(len: usize, wishes: &[(u32, Region)]) -> Table {
        let mut turns: Vec<(&Cut, u32)> = Vec::new();
        let mut now = Bits::all(len);
        let mut absent = Bits::all(len);
        for (who, region) in wishes {
            if !region.first {
                now.remove(*who);
            }
            if !region.lets_absent_pass() {
                absent.remove(*who);
            }
            turns.extend(region.cuts.iter().map(|cut| (cut, *who)));
        }
        turns.sort();
        let mut table = Table {
            kind: wishes.iter().find_map(|(_, r)| r.kind.clone()),
            cuts: Vec::new(),
            turns: Vec::with_capacity(turns.len()),
            ends: Vec::new(),
            whole: vec![(0, now.clone())],
            absent,
        };
        // A set again where listing the changes has become as much as copying it.
        let often = len.div_ceil(64).max(16);
        let mut since = 0;
        for (cut, who) in turns {
            if table.cuts.last() != Some(cut) {
                if since >= often {
                    table.whole.push((table.cuts.len() as u32, now.clone()));
                    since = 0;
                }
                table.cuts.push(cut.clone());
                table.ends.push(table.turns.len() as u32);
            }
            now.flip(who);
            table.turns.push(who);
            since += 1;
            if let Some(end) = table.ends.last_mut() {
                *end += 1;
            }
        }
        if since >= often {
            table.whole.push((table.cuts.len() as u32, now));
        }
        table
    }

    /// Keeps those whom the value suits. `spare` is room to work in.
    pub(super) fn keep(&self, kind: &Kind, key: &Key, alive: &mut Bits, spare: &mut Bits) -> bool {
        if self.kind.as_ref().is_some_and(|k| k != kind) {
            return false;
        }
        let passed = self.cuts.partition_point(|c| c.is_passed_by(key));
        let last = self
            .whole
            .partition_point(|(cuts, _)| *cuts as usize <= passed);
        let Some((from, set)) = last.checked_sub(1).and_then(|i| self.whole.get(i)) else {
            return false;
        };
        let turned = self.turns.get(self.end(*from as usize)..self.end(passed));
        match turned {
            None | Some([]) => alive.keep(set),
            Some(turned) => {
                spare.copy(set);
                for who in turned {
                    spare.flip(*who);
                }
                alive.keep(spare);
            }
        }
        true
    }

    /// Keeps those whom the absence of the value suits.
    pub(super) fn keep_absent(&self, alive: &mut Bits) {
        alive.keep(&self.absent);
    }

    /// Keeps those whom anything that is there suits; `false` where it matters what it is.
    pub(super) fn keep_something(&self, alive: &mut Bits) -> bool {
        match self.whole.first() {
            Some((_, set)) if self.kind.is_none() => {
                alive.keep(set);
                true
            }
            _ => false,
        }
    }

    /// Where the changes of the first `cuts` cuts end.
    fn end(&self, cuts: usize) -> usize {
        let end = cuts.checked_sub(1).and_then(|i| self.ends.get(i));
        end.map_or(0, |end| *end as usize)
    }

    /// How much memory it holds, texts aside: those are shared with the program.
    pub(super) fn bytes(&self) -> usize {
        let whole: usize = self.whole.iter().map(|(_, set)| set.bytes() + 24).sum();
        self.cuts.capacity() * size_of::<Cut>()
            + (self.turns.capacity() + self.ends.capacity()) * 4
            + whole
            + self.absent.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::CompareOp;
    use crate::value::Value;

    /// Many wishes of all kinds; each value has to suit exactly those whose region it is in.
    #[test]
    fn a_table_says_what_each_region_says() {
        let ops = [
            CompareOp::Eq,
            CompareOp::Ne,
            CompareOp::Lt,
            CompareOp::Le,
            CompareOp::Gt,
            CompareOp::Ge,
        ];
        for len in [1_u32, 3, 64, 700, 2_000] {
            let wishes: Vec<(u32, Region)> = (0..len)
                .filter(|who| who % 7 != 3)
                .map(|who| {
                    let op = ops[who as usize % ops.len()];
                    let constant = Value::Int(i64::from(who * 31 % 97));
                    (who, Region::compare(op, &constant).expect("a key"))
                })
                .collect();
            let table = Table::new(len as usize, &wishes);
            let mut spare = Bits::none(len as usize);
            for value in -1..98 {
                let mut alive = Bits::all(len as usize);
                assert!(table.keep(&Kind::Int, &Key::Int(value), &mut alive, &mut spare));
                let mut expected = Bits::all(len as usize);
                for (who, region) in &wishes {
                    if !region.holds(&Key::Int(value)) {
                        expected.remove(*who);
                    }
                }
                assert_eq!(alive, expected, "{len} playbooks, value {value}");
            }
            assert!(!table.keep(&Kind::Time, &Key::Int(0), &mut Bits::all(1), &mut spare));
            let wish = wishes.len();
            assert!(
                table.bytes() < 400 * wish + 1_000,
                "{} for {wish}",
                table.bytes()
            );
        }
    }
}
