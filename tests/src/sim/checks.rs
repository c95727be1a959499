//! What happened in; what of it breaks a promise out. The numbers are those of `docs/reliability.md`.

use super::course::Course;
use super::outside::Asked;
use super::project::{Rules, TEAM};
use counterplay_machine::journal::What;
use counterplay_machine::state::Outcome;
use counterplay_runtime::store::{AuditFilter, EventFilter, RunDetail, RunFilter};
use std::collections::{BTreeMap, BTreeSet};

/// For how long a connection of the drawn projects tries, with what its last attempt may take, in milliseconds.
const TRIED_MS: i64 = 10 * 60_000 + 60_000;
/// How exact timers are, in milliseconds.
const EXACT_MS: i64 = 1;

/// What has to hold when everything is over.
///
/// # Errors
/// The first thing that does not.
pub async fn at_end(course: &mut Course) -> Result<(), String> {
    if let Some(wrong) = course.world.outside.wrong().first() {
        return Err(format!("promise 3: {wrong}"));
    }
    accepted(course).await?;
    let runs = details(course).await?;
    let (asked, done) = (course.world.outside.asked(), course.world.outside.done());
    calls_twice(&done)?;
    let mut by_run: BTreeMap<&str, (Vec<&Asked>, Vec<&Asked>)> = BTreeMap::new();
    for one in asked.iter().filter(|a| !a.run.is_empty()) {
        by_run.entry(&one.run).or_default().0.push(one);
    }
    for one in done.iter().filter(|a| !a.run.is_empty()) {
        by_run.entry(&one.run).or_default().1.push(one);
    }
    for (id, (asked, done)) in &by_run {
        let Some(detail) = runs.get(*id) else {
            return Err(format!("promise 2: {id} acted, and there is no such run"));
        };
        one_version(id, asked)?;
        let rules = rules(course, detail, asked);
        nothing_twice(course, id, asked, done)?;
        gates(course, id, asked, rules)?;
        order(id, asked, rules)?;
        waits(course, id, asked, done, rules)?;
        if detail.info.tenant != asked[0].tenant
            || asked.iter().any(|a| a.tenant != asked[0].tenant)
        {
            return Err(format!("promise 9: {id} acted for another tenant"));
        }
    }
    for (id, detail) in &runs {
        journal(course, id, detail, by_run.get(id.as_str()))?;
    }
    audit(course, &runs).await?;
    course.told.counts.insert("runs", runs.len() as u64);
    course
        .told
        .counts
        .insert("actions asked for", asked.len() as u64);
    course.told.counts.insert("actions done", done.len() as u64);
    Ok(())
}

/// Promise 1: what was accepted was matched, once, with a version that was deployed then or later.
async fn accepted(course: &Course) -> Result<(), String> {
    let all = EventFilter {
        limit: Some(10_000),
        ..EventFilter::default()
    };
    let page = course
        .world
        .store
        .event_page(all)
        .await
        .map_err(|e| e.to_string())?;
    let events: BTreeMap<i64, _> = page.items.into_iter().map(|e| (e.num, e)).collect();
    for alarm in &course.told.alarms {
        let Some(event) = alarm.event else {
            continue;
        };
        let Some(found) = events.get(&event) else {
            return Err(format!(
                "promise 1: alarm {} was accepted and is lost",
                alarm.key
            ));
        };
        let shipped = course.world.project().is_shipped();
        // What has to be read first may be refused by the service; it is kept for a person then.
        if found.state != "matched" && !(shipped && found.state == "dead") {
            return Err(format!(
                "promise 1: alarm {} is {} at the end",
                alarm.key, found.state
            ));
        }
        let mut started = BTreeSet::new();
        for run in &found.started {
            let info = course
                .world
                .store
                .run_info(run, None)
                .await
                .map_err(|e| e.to_string())?;
            let Some(info) = info else {
                return Err(format!(
                    "promise 1: {run} was started by {} and is gone",
                    alarm.key
                ));
            };
            if !started.insert(info.playbook.clone()) {
                return Err(format!(
                    "promise 1: alarm {} started {} twice",
                    alarm.key, info.playbook
                ));
            }
        }
        if shipped {
            continue;
        }
        let fits =
            |rules: &&Rules| alarm.level >= rules.level && rules.tenants.contains(&alarm.tenant);
        let explained = course.world.versions.iter().any(|version| {
            version.version >= alarm.version
                && version
                    .rules
                    .iter()
                    .filter(fits)
                    .filter(|r| r.each)
                    .all(|r| started.contains(&r.id))
                && started
                    .iter()
                    .all(|id| version.rules.iter().filter(fits).any(|r| r.id == *id))
        });
        if !explained {
            return Err(format!(
                "promise 1: alarm {} ({} of {}) started {started:?}, which no version says",
                alarm.key, alarm.level, alarm.tenant
            ));
        }
    }
    Ok(())
}

async fn details(course: &Course) -> Result<BTreeMap<String, RunDetail>, String> {
    let all = RunFilter {
        limit: Some(10_000),
        ..RunFilter::default()
    };
    let mut details = BTreeMap::new();
    for info in course
        .world
        .store
        .runs(all)
        .await
        .map_err(|e| e.to_string())?
    {
        let detail = course
            .world
            .store
            .run_detail(&info.id)
            .await
            .map_err(|e| e.to_string())?;
        details.extend(detail.map(|detail| (info.id, detail)));
    }
    Ok(details)
}

/// The rules of the version that a run was started with.
fn rules<'a>(course: &'a Course, detail: &RunDetail, asked: &[&Asked]) -> Option<&'a Rules> {
    let version = asked.first()?.version;
    let project = course
        .world
        .versions
        .iter()
        .find(|p| p.version == version)?;
    project.rules.iter().find(|r| r.id == detail.info.playbook)
}

/// Promise 6.
fn one_version(id: &str, asked: &[&Asked]) -> Result<(), String> {
    let versions: BTreeSet<u32> = asked.iter().map(|a| a.version).collect();
    match versions.len() {
        0 | 1 => Ok(()),
        _ => Err(format!(
            "promise 6: {id} acted with the versions {versions:?}"
        )),
    }
}

/// Promise 3.
fn nothing_twice(
    course: &Course,
    id: &str,
    asked: &[&Asked],
    done: &[&Asked],
) -> Result<(), String> {
    let mut times: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for one in done {
        let count = times.entry((one.step, &one.person)).or_default();
        *count += 1;
        if one.kind.must_not_repeat() && *count > 1 {
            return Err(format!(
                "promise 3: {}_{} of {id} was done twice",
                one.kind.name(),
                one.step
            ));
        }
    }
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for one in asked.iter().filter(|a| a.kind.is_idempotent()) {
        let since = *first.entry(&one.call).or_insert(one.passed_ms);
        let late = one.passed_ms - since;
        let excused = course.told.settled.contains(id) || course.told.clocked.contains(id);
        if late > TRIED_MS && !excused {
            return Err(format!(
                "promise 3: {}_{} of {id} was sent again after {late} ms",
                one.kind.name(),
                one.step
            ));
        }
    }
    Ok(())
}

/// Promise 3, by call: also where the service does not know what step it is.
fn calls_twice(done: &[Asked]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for one in done.iter().filter(|d| d.kind.must_not_repeat()) {
        if !seen.insert((one.kind, &one.call)) {
            return Err(format!(
                "promise 3: the {} of call {} was done twice",
                one.kind.name(),
                one.call
            ));
        }
    }
    Ok(())
}

/// Promise 5: enough of those who may had approved before.
fn gates(course: &Course, id: &str, asked: &[&Asked], rules: Option<&Rules>) -> Result<(), String> {
    for one in asked {
        let gate = rules.and_then(|r| r.gates.get(&one.step));
        let Some((gate, needs)) = gate else {
            continue;
        };
        let question = format!("Gate {gate}?");
        let in_favour: BTreeSet<&str> = course
            .told
            .votes
            .iter()
            .filter(|v| v.run == id && v.question == question && v.passed_ms <= one.passed_ms)
            .filter(|v| TEAM.contains(&v.by.as_str()))
            .map(|v| v.by.as_str())
            .collect();
        if in_favour.len() < *needs as usize {
            return Err(format!(
                "promise 5: {}_{} of {id} was sent with {} of {needs} approvals",
                one.kind.name(),
                one.step,
                in_favour.len()
            ));
        }
    }
    Ok(())
}

/// Promise 2: no step before those that come before it; in a loop, of the same element.
fn order(id: &str, asked: &[&Asked], rules: Option<&Rules>) -> Result<(), String> {
    let Some(rules) = rules else {
        return Ok(());
    };
    let mut first: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (place, one) in asked.iter().enumerate() {
        first.entry((one.step, &one.person)).or_insert(place);
    }
    let people: BTreeSet<&str> = asked.iter().map(|a| a.person.as_str()).collect();
    for (before, after) in &rules.order {
        let in_loop = before.union(after).all(|step| rules.looped.contains(step));
        let places = |steps: &BTreeSet<u32>, of: Option<&str>| -> Vec<usize> {
            let those = first.iter().filter(|((step, person), _)| {
                steps.contains(step) && of.is_none_or(|of| of == *person)
            });
            those.map(|(_, place)| *place).collect()
        };
        let each: Vec<Option<&str>> = match in_loop {
            true => people.iter().map(|person| Some(*person)).collect(),
            false => vec![None],
        };
        for of in each {
            let (last, next) = (places(before, of), places(after, of));
            if let (Some(last), Some(next)) = (last.iter().max(), next.iter().min())
                && last > next
            {
                return Err(format!(
                    "promise 2: in {id} one of {after:?} came before one of {before:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Promise 4: no timer fires early.
fn waits(
    course: &Course,
    id: &str,
    asked: &[&Asked],
    done: &[&Asked],
    rules: Option<&Rules>,
) -> Result<(), String> {
    if course.told.excused.contains(id) {
        return Ok(());
    }
    for (from, to, ms) in rules.map(|r| r.waits.as_slice()).unwrap_or_default() {
        let from = done
            .iter()
            .filter(|a| a.step == *from)
            .map(|a| a.passed_ms)
            .min();
        let to_ms = asked
            .iter()
            .filter(|a| a.step == *to)
            .map(|a| a.passed_ms)
            .min();
        if let (Some(from), Some(to_ms)) = (from, to_ms)
            && to_ms - from + EXACT_MS < *ms
        {
            return Err(format!(
                "promise 4: in {id} step {to} came after {} of {ms} ms",
                to_ms - from
            ));
        }
    }
    Ok(())
}

/// Promise 2: a journal tells of what was done, and a run that is completed did all of it.
fn journal(
    course: &Course,
    id: &str,
    detail: &RunDetail,
    outside: Option<&(Vec<&Asked>, Vec<&Asked>)>,
) -> Result<(), String> {
    let Some(outcome) = &detail.info.outcome else {
        return Err(format!("promise 2: {id} has not ended"));
    };
    if !matches!(
        detail.journal.last().map(|e| &e.what),
        Some(What::Ended { .. })
    ) {
        // Results of calls that were under way when it was ended come after its end.
        let ended = detail
            .journal
            .iter()
            .any(|e| matches!(&e.what, What::Ended { .. }));
        if !ended {
            return Err(format!("promise 2: the journal of {id} tells of no end"));
        }
    }
    let done: BTreeSet<u32> = outside
        .map(|(_, d)| d.iter().map(|d| d.step).collect())
        .unwrap_or_default();
    let shipped = course.world.project().is_shipped();
    for entry in &detail.journal {
        if let What::Performed { action, .. } = &entry.what {
            let step = action
                .rsplit('_')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or_default();
            if !shipped && !done.contains(&step) {
                return Err(format!(
                    "promise 2: {id} says that {action} was performed, and it was not"
                ));
            }
        }
    }
    let asked = outside.map(|(a, _)| a.as_slice()).unwrap_or_default();
    let rules = rules(course, detail, asked);
    if let (Outcome::Completed, Some(rules)) = (outcome, rules)
        && let Some(missing) = rules.straight.iter().find(|s| !done.contains(s))
        && !detail
            .journal
            .iter()
            .any(|e| matches!(&e.what, What::Skipped { .. }))
    {
        return Err(format!(
            "promise 2: {id} is completed without its step {missing}"
        ));
    }
    Ok(())
}

/// Promise 7: the chains are whole, and what was done is in them.
async fn audit(course: &Course, runs: &BTreeMap<String, RunDetail>) -> Result<(), String> {
    let reports = course
        .world
        .store
        .verify_audit(None)
        .await
        .map_err(|e| e.to_string())?;
    if let Some(broken) = reports.iter().find(|r| r.first_broken.is_some()) {
        return Err(format!("promise 7: {broken:?}"));
    }
    let all = AuditFilter {
        limit: Some(100_000),
        ..AuditFilter::default()
    };
    let page = course
        .world
        .store
        .audit(all)
        .await
        .map_err(|e| e.to_string())?;
    let mut recorded: BTreeMap<(String, String), usize> = BTreeMap::new();
    for record in page.items {
        if let Some(run) = record.run {
            *recorded.entry((run, record.action)).or_default() += 1;
        }
    }
    for (id, detail) in runs {
        let performed = detail
            .journal
            .iter()
            .filter(|e| matches!(&e.what, What::Performed { .. }))
            .count();
        let found = recorded
            .get(&(id.clone(), "action.performed".to_owned()))
            .copied()
            .unwrap_or_default();
        if performed != found {
            return Err(format!(
                "promise 7: {id} performed {performed} actions, {found} are in the audit trail"
            ));
        }
    }
    Ok(())
}
