//! The cost of rotations: denials of tokens whose key is published.
//!
//! Two properties, from the history of a server and the answers to requests:
//!
//! 1. If a token is denied because its key is missing, although the server published the key during
//!    the whole request, then a fetch is running at that moment, or a fetch that started after the
//!    request has just ended, or no fetch may start. A fetch may start unless `Retry-After` runs or
//!    the budget of tokens is spent: by one fetch within the cool-down that a token or an operator
//!    caused and that brought no other keys, or by two that did.
//! 2. The first such denial for a key starts one fetch, and the last denial for that key comes at
//!    most one fetch and `wait` later. Conditions: the server publishes the key and answers well
//!    and in time from the first denial to the last; at the first one, no running fetch may have
//!    read older keys, no `Retry-After` runs, and the budget is not spent.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Answered, TICK, Times};
use crate::network::{FetchRecord, History};
use crate::tokens::Made;

/// The longest `Retry-After` that Watchword obeys.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The cost of rotations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Denials of tokens whose key was published.
    pub(crate) denied: usize,
    /// From the first of them to the last, under the conditions of the second property.
    pub(crate) longest: Duration,
}

/// Panics if a published key is missing and no fetch brings it. `answers` are of one source.
pub(crate) fn judge(answers: &[&Answered], times: &Times, history: &History) -> Cost {
    let missed: Vec<(usize, &Answered)> = answers
        .iter()
        .filter_map(|answered| Some((missed(answered, history)?, *answered)))
        .collect();
    let mut longest = Duration::ZERO;
    for (key, denied) in &missed {
        judge_one(*key, denied, times, history);
        let same = missed.iter().filter(|(other, _)| other == key);
        let firsts = same.map(|(_, first)| *first);
        let mut firsts = firsts.filter(|first| is_first(*key, first, denied, times, history));
        let Some(first) = firsts.by_ref().min_by_key(|first| first.start) else {
            continue;
        };
        let fetch = history.fetches.iter().find(|f| f.start >= first.start);
        let fetch = fetch.unwrap_or_else(|| panic!("no fetch after {first:?}"));
        let took = fetch.end.map_or(times.timeout, |end| end - fetch.start);
        let gap = denied.end - first.start;
        assert!(
            gap <= took + times.wait + TICK + TICK,
            "denied for {gap:?}: {first:?} {fetch:?} {denied:?}"
        );
        longest = longest.max(gap);
    }
    let denied = missed.len();
    Cost { denied, longest }
}

/// The key that was reported missing although the server published it all the time.
fn missed(answered: &Answered, history: &History) -> Option<usize> {
    let (Made::By(key) | Made::ShortBy(key)) = answered.token.made else {
        return None;
    };
    let is_missing = ["key_not_found", "signature_invalid"].contains(&&*answered.reason);
    let publishes = is_published(key, answered.start, answered.end, history);
    (is_missing && publishes).then_some(key)
}

fn is_published(key: usize, from: Instant, to: Instant, history: &History) -> bool {
    throughout(&history.published, from, to, |keys| keys.contains(&key))
}

/// Returns true if a condition holds for a value from one moment to another. A change at the first
/// moment counts as earlier.
fn throughout<T>(
    values: &[(Instant, T)],
    from: Instant,
    to: Instant,
    holds: impl Fn(&T) -> bool,
) -> bool {
    let mut numbered = values.iter().enumerate();
    numbered.all(|(index, (since, value))| {
        let until = values.get(index + 1).map(|(until, _)| *until);
        let is_then = *since <= to && until.is_none_or(|until| from < until);
        !is_then || holds(value)
    })
}

fn judge_one(key: usize, denied: &Answered, times: &Times, history: &History) {
    let (start, end) = (denied.start, denied.end);
    let is_over = end + TICK >= start + times.wait;
    let excuses = |fetch: &&FetchRecord| {
        let brings = fetch.keys.as_ref().is_some_and(|keys| keys.contains(&key));
        let is_own = fetch.start + TICK >= start && !brings;
        let goes_on = |until| end <= until + TICK && (until > end + TICK || is_over || is_own);
        fetch.start <= end + TICK && fetch.end.is_none_or(goes_on)
    };
    let fetch = history.fetches.iter().find(excuses);
    let may_start = may_start(end, times, history);
    assert!(
        fetch.is_some() || end <= may_start + TICK,
        "nothing was done for key {key}, and a fetch could have started {:?} before {denied:?}",
        end - may_start
    );
}

/// Returns true if the denials of a key up to this one start with `first`, under the conditions of
/// the second property.
fn is_first(
    key: usize,
    first: &Answered,
    denied: &Answered,
    times: &Times,
    history: &History,
) -> bool {
    let (from, to) = (first.start, denied.end);
    // One that started at the same moment did so before the key was published, if it does not bring
    // the key.
    let lacks = |fetch: &FetchRecord| !fetch.keys.as_ref().is_some_and(|keys| keys.contains(&key));
    let under_way = |fetch: &FetchRecord| {
        let is_earlier = fetch.start < from || (fetch.start == from && lacks(fetch));
        is_earlier && fetch.end.is_none_or(|end| from <= end + TICK)
    };
    from <= denied.start
        && is_published(key, from, to, history)
        && throughout(&history.is_good, from, to, |is_good| *is_good)
        && may_start(from, times, history) <= from
        && !history.fetches.iter().any(under_way)
}

/// The moment from which a token may cause a fetch, as known at another moment.
fn may_start(now: Instant, times: &Times, history: &History) -> Instant {
    let known = || history.fetches.iter().filter(|fetch| fetch.start < now);
    let mut asked = known().filter(|fetch| fetch.asked).rev();
    let last = asked.next();
    let counted = last.and_then(|last| {
        if last.changed {
            asked.next()
        } else {
            Some(last)
        }
    });
    let budget = counted.map(|fetch| fetch.start + times.cooldown);
    let left_alone = known().filter_map(|fetch| {
        let patience = fetch.retry_after.min(MAX_RETRY_AFTER);
        Some(fetch.end? + patience)
    });
    let first = history.published[0].0;
    left_alone.chain(budget).fold(first, Instant::max)
}
