//! What a condition says of one value: for which values it holds. Pure set algebra over ordered keys.

use crate::expr::CompareOp;
use crate::value::{Value, is_guid};
use std::sync::Arc;

/// A value that can be looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Bool(bool),
    /// A whole number, a time, a duration, a time of the clock, or the rank of a member.
    Int(i64),
    Text(Arc<str>),
}

/// Which values are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Duration,
    Time,
    Clock,
    Text,
    Member(Arc<str>),
}

/// A value's key and kind; `None` for values that are not looked up.
pub(super) fn key(value: &Value) -> Option<(Kind, Key)> {
    Some(match value {
        Value::Bool(b) => (Kind::Bool, Key::Bool(*b)),
        Value::Int(i) => (Kind::Int, Key::Int(*i)),
        Value::Duration(ms) => (Kind::Duration, Key::Int(*ms)),
        Value::Time(ms) => (Kind::Time, Key::Int(*ms)),
        Value::Clock(minutes) => (Kind::Clock, Key::Int(i64::from(*minutes))),
        Value::Text(text) => (Kind::Text, Key::Text(text.clone())),
        Value::Member(m) => (Kind::Member(m.ty.clone()), Key::Int(i64::from(m.rank))),
        _ => return None,
    })
}

/// A place between values: right before a key, or right after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cut {
    key: Key,
    after: bool,
}

impl Cut {
    /// Whether a value lies behind this place.
    pub(super) fn is_passed_by(&self, key: &Key) -> bool {
        if self.after {
            self.key < *key
        } else {
            self.key <= *key
        }
    }
}

/// What a condition says where its value is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It cannot be judged.
    Fails,
}

/// The values for which a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// The kind of its values; any where it does not matter.
    pub(super) kind: Option<Kind>,
    /// Whether it holds for an absent value.
    pub(super) absent: Truth,
    /// Whether it holds for a value before all cuts.
    pub(super) first: bool,
    /// Where that changes, ascending, each once.
    pub(super) cuts: Vec<Cut>,
}

/// Whether the evaluator takes it for equal to the same in other letters: no table tells.
fn letters_count_not(constant: &Value) -> bool {
    constant.as_text().is_some_and(is_guid)
}

impl Region {
    /// Every value, but not an absent one.
    pub(super) fn present() -> Region {
        Region {
            kind: None,
            absent: Truth::No,
            first: true,
            cuts: Vec::new(),
        }
    }

    /// No value at all.
    pub(super) fn never() -> Region {
        Region {
            first: false,
            ..Region::present()
        }
    }

    /// `value == constant` and relatives.
    pub(super) fn compare(op: CompareOp, constant: &Value) -> Option<Region> {
        if letters_count_not(constant) && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return None;
        }
        let (kind, key) = key(constant)?;
        let before = Cut {
            key: key.clone(),
            after: false,
        };
        let after = Cut { key, after: true };
        let (first, cuts) = match op {
            CompareOp::Eq => (false, vec![before, after]),
            CompareOp::Ne => (true, vec![before, after]),
            CompareOp::Lt => (true, vec![before]),
            CompareOp::Le => (true, vec![after]),
            CompareOp::Gt => (false, vec![after]),
            CompareOp::Ge => (false, vec![before]),
        };
        // There is no order among truths, as the evaluator sees it.
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordered && kind == Kind::Bool {
            return None;
        }
        Some(Region {
            kind: Some(kind),
            absent: match op {
                CompareOp::Eq => Truth::No,
                CompareOp::Ne => Truth::Yes,
                _ => Truth::Fails,
            },
            first,
            cuts,
        })
    }

    /// `value in [a, b]`.
    pub(super) fn one_of<'v>(constants: impl Iterator<Item = &'v Value>) -> Option<Region> {
        let mut keys = Vec::new();
        let mut of = None;
        for constant in constants {
            if letters_count_not(constant) {
                return None;
            }
            let (kind, key) = key(constant)?;
            if of.get_or_insert_with(|| kind.clone()) != &kind {
                return None;
            }
            keys.push(key);
        }
        keys.sort();
        keys.dedup();
        let cuts = keys.into_iter().flat_map(|key| {
            [false, true].map(|after| Cut {
                key: key.clone(),
                after,
            })
        });
        Some(Region {
            kind: Some(of?),
            absent: Truth::No,
            first: false,
            cuts: cuts.collect(),
        })
    }

    /// A truth that has to be `true`.
    pub(super) fn is_true() -> Region {
        Region {
            kind: Some(Kind::Bool),
            absent: Truth::Fails,
            first: false,
            cuts: vec![Cut {
                key: Key::Bool(true),
                after: false,
            }],
        }
    }

    /// `not`.
    pub(super) fn not(mut self) -> Region {
        self.first = !self.first;
        self.absent = match self.absent {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Fails => Truth::Fails,
        };
        self
    }

    /// `a and b` of the same value, judged in this order; `None` where they speak of different kinds.
    pub(super) fn and(&self, other: &Region) -> Option<Region> {
        let absent = match self.absent {
            Truth::Yes => other.absent,
            no_or_fails => no_or_fails,
        };
        self.join(other, absent, |a, b| a && b)
    }

    /// `a or b` of the same value, judged in this order; `None` where they speak of different kinds.
    pub(super) fn or(&self, other: &Region) -> Option<Region> {
        let absent = match self.absent {
            Truth::No => other.absent,
            yes_or_fails => yes_or_fails,
        };
        self.join(other, absent, |a, b| a || b)
    }

    fn join(
        &self,
        other: &Region,
        absent: Truth,
        holds: impl Fn(bool, bool) -> bool,
    ) -> Option<Region> {
        let kind = match (&self.kind, &other.kind) {
            (Some(a), Some(b)) if a != b => return None,
            (Some(kind), _) | (None, Some(kind)) => Some(kind.clone()),
            (None, None) => None,
        };
        let (mut a, mut b) = (self.first, other.first);
        let first = holds(a, b);
        let mut now = first;
        let mut cuts = Vec::new();
        let (mut left, mut right) = (self.cuts.iter().peekable(), other.cuts.iter().peekable());
        loop {
            let (of_left, of_right) = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some(l), Some(r)) => (l <= r, r <= l),
            };
            let mut at = None;
            if of_left {
                a = !a;
                at = left.next();
            }
            if of_right {
                b = !b;
                at = right.next();
            }
            let then = holds(a, b);
            if then != now {
                now = then;
                cuts.extend(at.cloned());
            }
        }
        Some(Region {
            kind,
            absent,
            first,
            cuts,
        })
    }

    /// Whether a key is in it.
    pub(super) fn holds(&self, key: &Key) -> bool {
        let passed = self.cuts.partition_point(|c| c.is_passed_by(key));
        self.first ^ (passed % 2 == 1)
    }

    /// Whether an absent value is no reason to turn the playbook down.
    pub(super) fn lets_absent_pass(&self) -> bool {
        self.absent != Truth::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(op: CompareOp, i: i64) -> Region {
        Region::compare(op, &Value::Int(i)).expect("a number has a key")
    }

    /// Every combination of two comparisons says of each value what the comparisons say.
    #[test]
    fn regions_say_what_the_comparisons_say() {
        use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
        let plain = |op: CompareOp, x: i64, c: i64| match op {
            Eq => x == c,
            Ne => x != c,
            Lt => x < c,
            Le => x <= c,
            Gt => x > c,
            Ge => x >= c,
        };
        let all = [Eq, Ne, Lt, Le, Gt, Ge];
        for (op, c) in all.into_iter().flat_map(|op| [(op, 2), (op, 4)]) {
            for (op2, c2) in all.into_iter().flat_map(|op| [(op, 2), (op, 3)]) {
                let (a, b) = (int(op, c), int(op2, c2));
                let both = a.and(&b).expect("one kind");
                let either = a.or(&b).expect("one kind");
                let neither = either.clone().not();
                for x in 0..7 {
                    let (pa, pb) = (plain(op, x, c), plain(op2, x, c2));
                    let key = Key::Int(x);
                    assert_eq!(a.holds(&key), pa, "{x} {op:?} {c}");
                    assert_eq!(
                        both.holds(&key),
                        pa && pb,
                        "{x} {op:?} {c} and {op2:?} {c2}"
                    );
                    assert_eq!(
                        either.holds(&key),
                        pa || pb,
                        "{x} {op:?} {c} or {op2:?} {c2}"
                    );
                    assert_eq!(neither.holds(&key), !(pa || pb));
                }
            }
        }
    }

    #[test]
    fn absent_values_follow_the_order_of_judging() {
        let (present, high) = (Region::present(), int(CompareOp::Gt, 3));
        let guarded = present.and(&high).expect("one kind");
        assert_eq!(guarded.absent, Truth::No);
        assert_eq!(high.and(&present).expect("one kind").absent, Truth::Fails);
        let either = present.clone().not().or(&high).expect("one kind");
        assert_eq!(either.absent, Truth::Yes);
        assert!(guarded.holds(&Key::Int(4)) && !guarded.holds(&Key::Int(3)));
    }

    #[test]
    fn lists_are_sets() {
        let values = ["b", "a", "b"].map(Value::text);
        let region = Region::one_of(values.iter()).expect("texts");
        for (text, is_in) in [("a", true), ("aa", false), ("b", true), ("c", false)] {
            assert_eq!(region.holds(&Key::Text(text.into())), is_in, "{text}");
        }
        let mixed = [Value::text("a"), Value::Int(1)];
        assert_eq!(Region::one_of(mixed.iter()), None);
        assert_eq!(Region::one_of([].iter()), None);
    }
}
