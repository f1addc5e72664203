//! The expected answer of each request, from the history of what the servers published and sent.

use std::time::Duration;

use tokio::time::Instant;

use crate::network::FetchRecord;
use crate::tokens::{Made, SHORT_END, Token};

/// The resolution of timers.
pub(crate) const TICK: Duration = Duration::from_millis(2);

/// The times of a source, as configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) cache: Duration,
    pub(crate) min_cache: Duration,
    pub(crate) cooldown: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) wait: Duration,
    pub(crate) timeout: Duration,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) token: Token,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    /// The calendar's time, which did not change during the request.
    pub(crate) wall: i64,
    pub(crate) reason: String,
}

/// The keys that a source may have had in use at some moment between two others, both included.
/// `None` stands for no keys at all.
fn in_use(
    history: &[FetchRecord],
    max_stale: Duration,
    (from, to): (Instant, Instant),
) -> Vec<Option<&[usize]>> {
    let all = history
        .iter()
        .filter_map(|fetch| Some((fetch.end?, fetch.keys.as_deref()?)));
    let good: Vec<(Instant, &[usize])> = all.collect();
    let mut states = Vec::new();
    if good.first().is_none_or(|(first, _)| from <= *first) {
        states.push(None);
    }
    for (index, (since, keys)) in good.iter().enumerate() {
        let next = good.get(index + 1).map(|(next, _)| *next);
        let unusable = *since + max_stale;
        let until = next.map_or(unusable, |next| next.min(unusable));
        if *since <= to && from <= until + TICK {
            states.push(Some(*keys));
        }
        let gap_ends = next.is_none_or(|next| from <= next);
        if next.is_none_or(|next| unusable <= next) && unusable <= to + TICK && gap_ends {
            states.push(None);
        }
    }
    states
}

/// Panics if the answer is wrong. Returns true if the request waited for its key and got it.
pub(crate) fn judge(answered: &Answered, times: &Times, history: &[FetchRecord]) -> bool {
    let Answered {
        token,
        start,
        end,
        wall,
        reason,
    } = answered;
    let states = in_use(history, times.max_stale, (*start, *end));
    let fits =
        |key: usize| move |keys: Option<&[usize]>| keys.is_some_and(|keys| keys.contains(&key));
    let (key, expired) = match token.made {
        Made::By(key) => (Some(key), false),
        Made::ShortBy(key) => (Some(key), *wall >= SHORT_END),
        Made::ForgedAs(_) | Made::Strange(_) => (None, false),
    };
    let may_verify = key.is_some_and(|key| states.iter().copied().any(fits(key)));
    let must_verify = key.is_some_and(|key| states.iter().copied().all(fits(key)));
    let may_lack_keys = states.contains(&None);
    let must_lack_keys = states.iter().all(Option::is_none);
    let right = match reason.as_str() {
        "allowed" => may_verify && !expired,
        "token_expired" => may_verify && expired,
        "jwks_unavailable" => may_lack_keys,
        "key_not_found" | "signature_invalid" => !must_verify && !must_lack_keys,
        _ => false,
    };
    assert!(right, "wrong answer {answered:?}; keys in use: {states:?}");
    let awaited = key.and_then(|key| awaited(key, answered, times, history));
    if let Some(fetch) = awaited {
        let in_time = fetch.end.is_some_and(|fetched| *end <= fetched + TICK);
        let verified = matches!(reason.as_str(), "allowed" | "token_expired");
        assert!(
            in_time && verified,
            "{answered:?} should have waited for {fetch:?}"
        );
    }
    let took = *end - *start;
    assert!(took <= times.wait + TICK, "{answered:?} took {took:?}");
    awaited.is_some() && took > Duration::ZERO
}

/// The fetch that a request must have waited for: one that was running or started then, ended
/// within `wait`, and brought the key. Not if another one ended at that moment and was the
/// request's answer.
fn awaited<'h>(
    key: usize,
    answered: &Answered,
    times: &Times,
    history: &'h [FetchRecord],
) -> Option<&'h FetchRecord> {
    let start = answered.start;
    let is_answered = history.iter().any(|fetch| {
        let ended = |end| start <= end + TICK && end <= start + TICK;
        fetch.end.is_some_and(ended)
    });
    let mut fetches = history.iter();
    let fetch = fetches.find(|fetch| {
        let in_time = |end| start + TICK < end && end + TICK < start + times.wait;
        fetch.start <= start + TICK && fetch.end.is_some_and(in_time)
    })?;
    let brings = fetch.keys.as_ref().is_some_and(|keys| keys.contains(&key));
    // Without any key, tokens cause no fetch, and an operator's may have started just after the
    // request was answered.
    let is_answered = is_answered || answered.reason == "jwks_unavailable";
    let is_earlier = fetch.start < start;
    (brings && (is_earlier || !is_answered)).then_some(fetch)
}

/// Panics if a source was fetched too often, or a fetch was cut short. A fetch that comes before
/// the schedule could have started it was caused by a token or an operator: two of these
/// within a cool-down need other keys between them, and three are never within one.
pub(crate) fn judge_fetches(fetches: &[FetchRecord], times: &Times) {
    let mut failures = 0;
    let mut asked: Vec<&FetchRecord> = Vec::new();
    for pair in fetches.windows(2) {
        let [before, after] = pair else { continue };
        let Some(end) = before.end else { continue };
        let scheduled = if before.keys.is_some() {
            failures = 0;
            end + times.min_cache.mul_f64(0.8)
        } else {
            failures += 1;
            let backoff =
                Duration::from_secs(1 << (failures - 1).min(5)).min(Duration::from_secs(30));
            end + backoff.mul_f64(0.5)
        };
        let patience = before.retry_after.min(Duration::from_secs(30));
        assert!(
            after.start + TICK >= end + patience,
            "impatient: {before:?} {after:?}"
        );
        if after.start + TICK >= scheduled {
            continue;
        }
        let is_within = |other: &FetchRecord| after.start + TICK < other.start + times.cooldown;
        if let Some(last) = asked.last() {
            assert!(
                last.changed || !is_within(last),
                "too early: {last:?} {after:?}"
            );
        }
        if let Some(before_last) = asked.iter().rev().nth(1) {
            assert!(
                !is_within(before_last),
                "a third: {before_last:?} {after:?}"
            );
        }
        asked.push(after);
    }
    for fetch in fetches {
        let Some(end) = fetch.end else { continue };
        let took = end - fetch.start;
        let wanted = fetch.latency.min(times.timeout);
        let whole = took + TICK >= wanted && took <= times.timeout + TICK;
        assert!(whole, "cut short or too long: {fetch:?}");
    }
}
