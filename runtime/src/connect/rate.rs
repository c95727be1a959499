//! Declared limits in, when a call may begin out. Nothing fails here; calls wait.
//!
//! `rate: 3 per 10s` says that of a connection's calls no more than three begin within any ten seconds. Who wants to
//! call reserves the earliest moment that keeps to all lines, without moving anybody who asked before. Calls begin later
//! than they reserved (a pause, a token that is waited for), so that each asks once more when it begins: what counts
//! in the end is when calls began.
//!
//! The time is the one that has passed and never the clock's, which may be set.

use super::remembered::Place;
use counterplay_machine::declare::Rate;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a line is about: the calls of a connection within so many milliseconds, for one tenant or for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    place: Place,
    per_ms: i64,
    tenant: Option<String>,
}

/// The calls that a line is about.
#[derive(Debug, Default)]
struct Line {
    /// When they began, in order; no further back than the line looks.
    begun: VecDeque<i64>,
    /// When those will begin that wait, in the order of asking.
    waiting: BTreeMap<u64, i64>,
}

impl Line {
    /// Forgets what the line does not look at any more.
    fn forget(&mut self, per_ms: i64, now_ms: i64) {
        while let Some(first) = self.begun.front()
            && first.saturating_add(per_ms) <= now_ms
        {
            self.begun.pop_front();
        }
    }

    /// From when on a call may begin, by those that have begun.
    fn open_ms(&self, count: usize, per_ms: i64) -> i64 {
        let last = self.begun.len().checked_sub(count);
        last.map_or(i64::MIN, |last| self.begun[last].saturating_add(per_ms))
    }

    /// The first moment from `from_ms` on at which the caller with this number may begin: no `count` + 1 calls, among
    /// those that have begun and those that asked before, are then closer together than `per_ms`.
    fn free_ms(&self, count: usize, per_ms: i64, number: u64, from_ms: i64) -> i64 {
        let before = self.waiting.range(..number).map(|(_, at_ms)| *at_ms);
        let mut taken: Vec<i64> = self.begun.iter().copied().chain(before).collect();
        taken.sort_unstable();
        let mut at_ms = from_ms;
        loop {
            let next = taken.partition_point(|other| *other <= at_ms);
            let close = |first: i64, last: i64| last.saturating_sub(first) < per_ms;
            if let Some(first) = next.checked_sub(count)
                && close(taken[first], at_ms)
            {
                at_ms = taken[first].saturating_add(per_ms);
                continue;
            }
            // With so many of those that begin later.
            let crowded = (1..=count.min(taken.len() - next)).any(|later| {
                let first = match count - later {
                    0 => Some(at_ms),
                    before => next.checked_sub(before).map(|first| taken[first]),
                };
                first.is_some_and(|first| close(first, taken[next + later - 1]))
            });
            if !crowded {
                return at_ms;
            }
            at_ms = taken[next];
        }
    }
}

#[derive(Debug, Default)]
struct State {
    lines: HashMap<Key, Line>,
    asked: u64,
}

/// The turns at all connections.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<State>);

impl Turns {
    /// Reserves a turn by every line of a connection. `passed_ms` is the time that has passed, in milliseconds.
    pub fn ask(&self, place: &Place, rates: &[Rate], tenant: &str, passed_ms: i64) -> Turn<'_> {
        let mut lines: Vec<(Key, usize)> = Vec::new();
        for rate in rates {
            if rate.count == 0 || rate.per_ms <= 0 {
                continue;
            }
            let count = usize::try_from(rate.count).unwrap_or(usize::MAX);
            let key = Key {
                place: place.clone(),
                per_ms: rate.per_ms,
                tenant: rate.per_tenant.then(|| tenant.to_owned()),
            };
            match lines.iter_mut().find(|(other, _)| *other == key) {
                Some((_, least)) => *least = count.min(*least),
                None => lines.push((key, count)),
            }
        }
        let mut turn = Turn {
            turns: self,
            number: 0,
            lines,
            at_ms: passed_ms,
        };
        if !turn.lines.is_empty() {
            let mut state = self.lock();
            state.asked += 1;
            turn.number = state.asked;
            turn.reserve(&mut state, passed_ms);
        }
        turn
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn that is waited for. It is given back where nothing began.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    /// The place in the order of asking.
    number: u64,
    /// With how many calls each allows.
    lines: Vec<(Key, usize)>,
    at_ms: i64,
}

impl Turn<'_> {
    /// How long to wait for it, in milliseconds.
    pub fn wait_ms(&self, passed_ms: i64) -> i64 {
        self.at_ms.saturating_sub(passed_ms).max(0)
    }

    /// The call begins now, if it may. It may not where others began later than they had reserved: there is
    /// another turn then, which is to be waited for.
    pub fn begin(&mut self, passed_ms: i64) -> bool {
        if self.lines.is_empty() {
            return true;
        }
        let mut state = self.turns.lock();
        let may_begin = self.lines.iter().all(|(key, count)| {
            let line = state.lines.get(key);
            line.is_none_or(|line| line.open_ms(*count, key.per_ms) <= passed_ms)
        });
        if may_begin {
            for (key, _) in &self.lines {
                let line = state.lines.entry(key.clone()).or_default();
                line.waiting.remove(&self.number);
                line.forget(key.per_ms, passed_ms);
                line.begun.push_back(passed_ms);
            }
        } else {
            self.reserve(&mut state, passed_ms);
        }
        may_begin
    }

    fn reserve(&mut self, state: &mut State, passed_ms: i64) {
        for (key, _) in &self.lines {
            let line = state.lines.entry(key.clone()).or_default();
            line.forget(key.per_ms, passed_ms);
        }
        let mut at_ms = passed_ms;
        loop {
            let mut free_ms = at_ms;
            for (key, count) in &self.lines {
                if let Some(line) = state.lines.get(key) {
                    free_ms = line.free_ms(*count, key.per_ms, self.number, free_ms);
                }
            }
            if free_ms == at_ms {
                break;
            }
            at_ms = free_ms;
        }
        self.at_ms = at_ms;
        for (key, _) in &self.lines {
            let line = state.lines.entry(key.clone()).or_default();
            line.waiting.insert(self.number, at_ms);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let mut state = self.turns.lock();
        for (key, _) in &self.lines {
            if let Some(line) = state.lines.get_mut(key) {
                line.waiting.remove(&self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(count: u32, per_ms: i64, per_tenant: bool) -> Rate {
        Rate {
            count,
            per_ms,
            per_tenant,
        }
    }

    /// Waits for a turn, begins, and says when that was.
    fn at(turns: &Turns, rates: &[Rate], tenant: &str, passed_ms: i64) -> i64 {
        let mut turn = turns.ask(&Place::named("graph"), rates, tenant, passed_ms);
        let at_ms = passed_ms + turn.wait_ms(passed_ms);
        assert!(turn.begin(at_ms));
        at_ms
    }

    #[test]
    fn no_more_than_declared_begin_within_any_time_of_that_length() {
        let rates = [rate(3, 10_000, false)];
        let turns = Turns::default();
        let waiting: Vec<Turn<'_>> = (0..9)
            .map(|_| turns.ask(&Place::named("graph"), &rates, "contoso", 0))
            .collect();
        let waits: Vec<i64> = waiting.iter().map(|turn| turn.wait_ms(0)).collect();
        assert_eq!(
            waits,
            [0, 0, 0, 10_000, 10_000, 10_000, 20_000, 20_000, 20_000]
        );
    }

    #[test]
    fn tenants_do_not_share_what_is_theirs_alone() {
        let rates = [rate(1, 1_000, true)];
        let turns = Turns::default();
        assert_eq!(at(&turns, &rates, "contoso", 0), 0);
        assert_eq!(at(&turns, &rates, "contoso", 0), 1_000);
        assert_eq!(at(&turns, &rates, "fabrikam", 0), 0);
    }

    #[test]
    fn all_lines_hold_together() {
        // The last of the line of all is free at 60 seconds, when that of the tenant is long free again.
        let rates = [rate(2, 1_000, true), rate(3, 60_000, false)];
        let turns = Turns::default();
        let asked = [
            "contoso", "fabrikam", "contoso", "contoso", "contoso", "contoso",
        ];
        let waiting = asked.map(|tenant| turns.ask(&Place::named("graph"), &rates, tenant, 0));
        let waits = waiting.each_ref().map(|turn| turn.wait_ms(0));
        assert_eq!(waits, [0, 0, 0, 60_000, 60_000, 61_000]);
    }

    #[test]
    fn a_tenant_that_waits_for_its_own_limit_holds_up_no_other() {
        let rates = [rate(1, 60_000, true), rate(2, 1_000, false)];
        let turns = Turns::default();
        let waiting: Vec<Turn<'_>> = (0..5)
            .map(|_| turns.ask(&Place::named("graph"), &rates, "contoso", 0))
            .collect();
        assert_eq!(waiting[4].wait_ms(0), 240_000);
        let other = turns.ask(&Place::named("graph"), &rates, "fabrikam", 0);
        assert_eq!(other.wait_ms(0), 0);
    }

    #[test]
    fn who_begins_late_moves_those_behind() {
        let rates = [rate(1, 1_000, false)];
        let turns = Turns::default();
        let mut late = turns.ask(&Place::named("graph"), &rates, "contoso", 0);
        let mut next = turns.ask(&Place::named("graph"), &rates, "contoso", 0);
        let mut last = turns.ask(&Place::named("graph"), &rates, "contoso", 0);
        assert!(late.begin(700));
        assert!(!next.begin(1_000), "300 milliseconds after the one before");
        assert_eq!(next.wait_ms(1_000), 700);
        assert!(next.begin(1_700));
        assert!(!last.begin(2_000));
        assert_eq!(last.wait_ms(2_000), 700);
        assert!(last.begin(2_700));
    }

    #[test]
    fn those_that_were_held_up_do_not_begin_all_at_once() {
        let rates = [rate(1, 1_000, false)];
        let turns = Turns::default();
        let mut held: Vec<Turn<'_>> = (0..4)
            .map(|_| turns.ask(&Place::named("graph"), &rates, "contoso", 0))
            .collect();
        assert_eq!(
            turns
                .ask(&Place::named("graph"), &rates, "contoso", 900_000)
                .wait_ms(900_000),
            0,
            "who is held up stands in nobody's way"
        );
        let begun: Vec<bool> = held.iter_mut().map(|turn| turn.begin(900_000)).collect();
        assert_eq!(begun, [true, false, false, false]);
        let waits: Vec<i64> = held[1..].iter().map(|turn| turn.wait_ms(900_000)).collect();
        assert_eq!(waits, [1_000, 2_000, 3_000]);
    }

    #[test]
    fn a_turn_that_is_given_up_is_free_again() {
        let rates = [rate(1, 1_000, false)];
        let turns = Turns::default();
        let given_up = turns.ask(&Place::named("graph"), &rates, "contoso", 0);
        drop(given_up);
        assert_eq!(at(&turns, &rates, "contoso", 0), 0);
    }

    #[test]
    fn two_lines_about_the_same_are_the_lower_one() {
        let rates = [rate(3, 1_000, false), rate(1, 1_000, false)];
        let turns = Turns::default();
        assert_eq!(at(&turns, &rates, "contoso", 0), 0);
        assert_eq!(at(&turns, &rates, "contoso", 0), 1_000);
    }

    /// A call in the property: when it asks, for whom, by how much it begins late, and whether it is given up.
    #[derive(Clone, Debug)]
    struct Call {
        asks_ms: i64,
        tenant: usize,
        late_ms: i64,
        given_up: bool,
    }

    fn calls(late_ms: i64) -> impl Strategy<Value = Vec<Call>> {
        let call = (
            0..200_i64,
            0..3_usize,
            0..=late_ms,
            prop::bool::weighted(0.1),
        );
        let call = call.prop_map(|(asks_ms, tenant, late_ms, given_up)| Call {
            asks_ms,
            tenant,
            late_ms,
            given_up,
        });
        prop::collection::vec(call, 0..60).prop_map(|mut calls| {
            calls.sort_by_key(|call| call.asks_ms);
            calls
        })
    }

    fn lines() -> impl Strategy<Value = Vec<Rate>> {
        let line = (1..5_u32, 1..60_i64, any::<bool>());
        let line = line.prop_map(|(count, per_ms, per_tenant)| rate(count, per_ms, per_tenant));
        prop::collection::vec(line, 1..4)
    }

    /// Plays the calls; when each of them began.
    fn play(turns: &Turns, rates: &[Rate], calls: &[Call]) -> Vec<Option<i64>> {
        let names = ["contoso", "fabrikam", "tailspin"];
        let mut waiting: Vec<Option<Turn<'_>>> = calls.iter().map(|_| None).collect();
        let mut begun = vec![None; calls.len()];
        // Who is next, by the time and the order of asking.
        let mut next: std::collections::BTreeSet<(i64, usize)> = calls
            .iter()
            .enumerate()
            .map(|(n, call)| (call.asks_ms, n))
            .collect();
        let mut steps = 0;
        while let Some((now_ms, n)) = next.pop_first() {
            steps += 1;
            assert!(steps < 20_000, "it comes to an end");
            let call = &calls[n];
            let Some(turn) = &mut waiting[n] else {
                let turn = turns.ask(&Place::named("graph"), rates, names[call.tenant], now_ms);
                next.insert((now_ms + turn.wait_ms(now_ms) + call.late_ms, n));
                waiting[n] = Some(turn);
                continue;
            };
            if call.given_up {
                waiting[n] = None;
            } else if turn.begin(now_ms) {
                begun[n] = Some(now_ms);
            } else {
                let wait_ms = turn.wait_ms(now_ms);
                assert!(wait_ms > 0, "it waits for something");
                next.insert((now_ms + wait_ms + call.late_ms, n));
            }
        }
        begun
    }

    proptest! {
        #[test]
        fn in_no_window_begin_more_than_declared(rates in lines(), calls in calls(40)) {
            let turns = Turns::default();
            let begun = play(&turns, &rates, &calls);
            for (call, at_ms) in calls.iter().zip(&begun) {
                prop_assert_eq!(at_ms.is_none(), call.given_up, "everybody has a turn");
            }
            for rate in &rates {
                for tenant in 0..3 {
                    let mut times: Vec<i64> = calls
                        .iter()
                        .zip(&begun)
                        .filter(|(call, _)| !rate.per_tenant || call.tenant == tenant)
                        .filter_map(|(_, at_ms)| *at_ms)
                        .collect();
                    times.sort_unstable();
                    for window in times.windows(rate.count as usize + 1) {
                        let took_ms = window[rate.count as usize] - window[0];
                        prop_assert!(took_ms >= rate.per_ms, "{rate:?}: {times:?}");
                    }
                }
            }
            for (key, line) in &turns.lock().lines {
                let count = rates.iter().filter(|r| r.per_ms == key.per_ms).map(|r| r.count).max();
                prop_assert!(line.begun.len() <= count.unwrap_or_default() as usize);
            }
        }

        #[test]
        fn who_is_on_time_begins_in_the_order_of_asking(rates in lines(), calls in calls(0)) {
            // A turn that is given back may be taken by who asks last.
            let calls: Vec<Call> = calls.into_iter().filter(|call| !call.given_up).collect();
            let turns = Turns::default();
            let begun = play(&turns, &rates, &calls);
            for tenant in 0..3 {
                let of_one = calls.iter().zip(&begun).filter(|(call, _)| call.tenant == tenant);
                let times: Vec<i64> = of_one.filter_map(|(_, at_ms)| *at_ms).collect();
                prop_assert!(times.is_sorted(), "{times:?}");
            }
        }

        #[test]
        fn nobody_waits_longer_than_one_line_asks_for(
            count in 1..5_u32,
            per_ms in 1..60_i64,
            asks in prop::collection::vec(0..200_i64, 0..40),
        ) {
            let mut asks = asks;
            asks.sort_unstable();
            let calls: Vec<Call> = asks
                .iter()
                .map(|asks_ms| Call { asks_ms: *asks_ms, tenant: 0, late_ms: 0, given_up: false })
                .collect();
            let turns = Turns::default();
            let begun = play(&turns, &[rate(count, per_ms, false)], &calls);
            let mut expected: Vec<i64> = Vec::new();
            for asks_ms in asks {
                let before = expected.len().checked_sub(count as usize);
                let open_ms = before.map_or(i64::MIN, |before| expected[before] + per_ms);
                expected.push(asks_ms.max(open_ms));
            }
            let begun: Vec<i64> = begun.into_iter().flatten().collect();
            prop_assert_eq!(begun, expected);
        }
    }
}
