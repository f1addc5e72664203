//! The life of a key set, at given times.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Moment;

use super::super::Wait;
use super::{FetchCause, FetchStart, KeyState, LifeCycle, Timing, WaitFor};

const TIMING: Timing = Timing {
    cache_duration: Duration::from_secs(600),
    min_cache_duration: Duration::from_secs(60),
    max_cache_duration: Duration::from_secs(3600),
    max_stale: Duration::from_secs(86400),
    cooldown: Duration::from_secs(30),
    wait: Wait::WhileCallLasts,
    timeout: Duration::from_secs(5),
};

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

/// A request for an unknown key that can wait for 150 ms.
fn request_fetch(life: &mut LifeCycle, now: Moment) -> WaitFor {
    life.request_fetch(now, now + Duration::from_millis(150))
}

/// The same for any key.
fn wait_for_fetch(life: &LifeCycle, now: Moment) -> WaitFor {
    life.wait_for_fetch(now, now + Duration::from_millis(150))
}

/// A token causes a fetch, which ends within its second, with other keys or not.
fn token_fetch(life: &mut LifeCycle, now: Moment, changed: bool) {
    assert_eq!(request_fetch(life, now), WaitFor::NextFetch);
    assert_eq!(life.begin(now), FetchCause::Token);
    life.succeed(now, None, changed, 1.0);
}

/// Fetched at 0 and good.
fn fetched() -> LifeCycle {
    let mut life = LifeCycle::new(TIMING);
    life.begin(at(0));
    life.succeed(at(0), None, true, 1.0);
    life
}

/// Judged by the time of the next fetch, as chance is set to be 0 or 1.
fn next_after(fresh_for: Option<u64>, random: f64) -> Duration {
    let mut life = LifeCycle::new(TIMING);
    life.begin(at(0));
    life.succeed(at(0), fresh_for.map(Duration::from_secs), true, random);
    life.due().since(at(0))
}

#[test]
fn the_first_fetch_is_due_at_once_and_requests_wait_for_it() {
    let mut life = LifeCycle::new(TIMING);
    assert_eq!(life.due(), at(0));
    assert_eq!(wait_for_fetch(&life, at(0)), WaitFor::NextFetch);
    life.begin(at(0));
    assert_eq!(wait_for_fetch(&life, at(1)), WaitFor::CurrentFetch);
    life.fail(at(1), None, 0.0);
    assert_eq!(
        wait_for_fetch(&life, at(1)),
        WaitFor::Nothing,
        "nothing is under way"
    );
    let patient = life.wait_for_fetch(at(1), at(2));
    assert_eq!(patient, WaitFor::NextFetch, "it is tried again in 0.5 s");
}

#[test]
fn keys_are_fetched_again_ahead_of_their_expiry() {
    assert_eq!(next_after(None, 0.0), Duration::from_secs(480));
    assert_eq!(next_after(None, 1.0), Duration::from_secs(570));
    let life = fetched();
    assert_eq!(life.key_state(at(599)), KeyState::Fresh);
    assert_eq!(life.key_state(at(600)), KeyState::Stale);
}

#[test]
fn what_the_server_says_counts_within_bounds() {
    for (said, used) in [
        (0, 60),
        (59, 60),
        (300, 300),
        (3600, 3600),
        (u64::MAX, 3600),
    ] {
        let next = next_after(Some(said), 1.0);
        assert_eq!(next, Duration::from_secs(used).mul_f64(0.95), "{said}");
    }
}

#[test]
fn failures_double_the_wait_up_to_half_a_minute_and_leave_the_keys() {
    let mut life = fetched();
    let mut waits = Vec::new();
    let mut now = at(570);
    for _ in 0..8 {
        life.begin(now);
        life.fail(now, None, 1.0);
        waits.push(life.due().since(now).as_secs());
        now = life.due();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(life.key_state(now), KeyState::Stale);
    life.begin(now);
    life.succeed(now, None, false, 1.0);
    assert_eq!(life.key_state(now), KeyState::Fresh);
    life.begin(now);
    life.fail(now, None, 0.0);
    assert_eq!(
        life.due().since(now),
        Duration::from_millis(500),
        "starts over"
    );
}

#[test]
fn keys_are_used_until_they_are_too_old_and_come_back() {
    let mut life = fetched();
    assert_eq!(life.key_state(at(86399)), KeyState::Stale);
    assert_eq!(life.key_state(at(86400)), KeyState::Absent);
    assert_eq!(life.state_changes(at(600)), Some(at(86400)));
    assert_eq!(life.state_changes(at(86400)), None);
    life.begin(at(90000));
    life.succeed(at(90000), None, false, 1.0);
    assert_eq!(life.key_state(at(90000)), KeyState::Fresh);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let mut life = fetched();
    life.begin(at(570));
    life.fail(at(570), Some(Duration::from_secs(120)), 1.0);
    assert_eq!(life.due(), at(690));
    assert_eq!(
        request_fetch(&mut life, at(650)),
        WaitFor::Nothing,
        "the budget alone would permit it"
    );
    assert_eq!(life.due(), at(690));
    life.begin(at(690));
    life.fail(at(690), Some(Duration::from_secs(999_999)), 1.0);
    assert_eq!(life.due(), at(990), "five minutes at most");
    let mut without = LifeCycle::new(TIMING);
    without.begin(at(0));
    without.fail(at(0), Some(Duration::from_secs(120)), 1.0);
    assert_eq!(
        without.due(),
        at(30),
        "less where there are no keys to go on with"
    );
}

#[test]
fn an_unknown_key_causes_one_fetch_a_cool_down() {
    let mut life = fetched();
    token_fetch(&mut life, at(10), false);
    assert_eq!(life.due(), at(10 + 570), "nothing more is wanted");
    assert_eq!(request_fetch(&mut life, at(39)), WaitFor::Nothing);
    assert_eq!(life.due(), at(40), "at the end of the cool-down, by itself");
    assert_eq!(request_fetch(&mut life, at(40)), WaitFor::NextFetch);
    assert_eq!(life.begin(at(40)), FetchCause::Token);
    assert_eq!(request_fetch(&mut life, at(41)), WaitFor::CurrentFetch);
    life.succeed(at(41), None, false, 1.0);
    assert_eq!(life.due(), at(41 + 570), "one fetch was for both");
}

#[test]
fn a_scheduled_fetch_does_not_move_the_cool_down() {
    let mut life = fetched();
    assert_eq!(
        request_fetch(&mut life, at(0)),
        WaitFor::NextFetch,
        "right after it"
    );
    token_fetch(&mut life, at(560), false);
    let scheduled = life.due();
    assert_eq!(life.begin(scheduled), FetchCause::Schedule);
    life.fail(scheduled, None, 1.0);
    assert_eq!(life.begin(life.due()), FetchCause::Schedule, "a retry");
    life.succeed(scheduled, None, false, 1.0);
    let now = scheduled + Duration::from_secs(1);
    assert_eq!(request_fetch(&mut life, now), WaitFor::NextFetch);
}

#[test]
fn a_scheduled_fetch_that_is_due_serves_those_who_ask_and_costs_no_budget() {
    let mut life = fetched();
    assert_eq!(request_fetch(&mut life, at(570)), WaitFor::NextFetch);
    assert_eq!(life.begin(at(570)), FetchCause::Schedule);
    life.succeed(at(570), None, false, 1.0);
    assert_eq!(request_fetch(&mut life, at(571)), WaitFor::NextFetch);
}

#[test]
fn a_fetch_that_brought_other_keys_permits_a_second_one_once_a_cool_down() {
    let mut life = fetched();
    token_fetch(&mut life, at(10), true);
    token_fetch(&mut life, at(15), true);
    assert_eq!(request_fetch(&mut life, at(16)), WaitFor::Nothing);
    assert_eq!(life.due(), at(40), "a cool-down after the first");
    token_fetch(&mut life, at(40), true);
    assert_eq!(request_fetch(&mut life, at(41)), WaitFor::Nothing);
    assert_eq!(life.due(), at(45));
    token_fetch(&mut life, at(45), false);
    assert_eq!(request_fetch(&mut life, at(74)), WaitFor::Nothing);
    assert_eq!(life.due(), at(75), "the last brought nothing");
}

#[test]
fn a_change_that_a_scheduled_fetch_brings_is_no_reward() {
    let mut life = fetched();
    token_fetch(&mut life, at(560), false);
    life.begin(life.due());
    life.succeed(at(1130), None, true, 1.0);
    token_fetch(&mut life, at(1131), false);
    life.begin(life.due());
    life.succeed(at(1132), None, true, 1.0);
    assert_eq!(request_fetch(&mut life, at(1133)), WaitFor::Nothing);
    assert_eq!(life.due(), at(1161));
}

#[test]
fn a_request_waits_for_the_end_of_the_cool_down_if_its_time_is_not_over_then() {
    let mut life = fetched();
    token_fetch(&mut life, at(10), false);
    assert_eq!(
        life.request_fetch(at(38), at(40)),
        WaitFor::Nothing,
        "no time is left"
    );
    assert_eq!(life.request_fetch(at(38), at(41)), WaitFor::NextFetch);
    assert_eq!(life.begin(at(40)), FetchCause::Token);
    let late = life.request_fetch(at(41), at(41));
    assert_eq!(late, WaitFor::Nothing, "its time is over");
}

#[test]
fn an_operator_is_told_when_a_fetch_starts_and_uses_the_same_budget() {
    let mut life = fetched();
    assert_eq!(life.fetch_for_operator(at(10)), FetchStart::Started);
    assert!(life.due() <= at(10));
    assert_eq!(life.begin(at(10)), FetchCause::Operator);
    assert_eq!(life.fetch_for_operator(at(10)), FetchStart::UnderWay);
    life.succeed(at(10), None, false, 1.0);
    assert_eq!(request_fetch(&mut life, at(11)), WaitFor::Nothing);
    let wait = Duration::from_secs(28);
    assert_eq!(life.fetch_for_operator(at(12)), FetchStart::Scheduled(wait));
    assert_eq!(life.due(), at(40));
    assert_eq!(life.begin(at(40)), FetchCause::Token, "it was the first");
    life.fail(at(40), Some(Duration::from_secs(100)), 1.0);
    let wait = Duration::from_secs(99);
    assert_eq!(life.fetch_for_operator(at(41)), FetchStart::Scheduled(wait));
}

#[test]
fn restored_keys_are_stale_and_live_no_longer_than_they_would_have() {
    let mut life = LifeCycle::new(TIMING);
    assert!(!life.restore(Duration::from_secs(86400), at(0)));
    assert_eq!(life.key_state(at(0)), KeyState::Absent);
    assert!(life.restore(Duration::from_secs(86000), at(0)));
    assert_eq!(life.due(), at(0), "newer ones are fetched at once");
    assert_eq!(life.key_state(at(399)), KeyState::Stale);
    assert_eq!(life.key_state(at(400)), KeyState::Absent);
    assert_eq!(life.age(at(10)), Some(Duration::from_secs(86010)));
}

#[test]
fn a_fetch_that_never_ended_counts_as_a_failure() {
    let mut life = fetched();
    life.begin(at(570));
    life.abandon(at(571));
    assert_eq!(wait_for_fetch(&life, at(571)), WaitFor::Nothing);
    assert_eq!(life.due(), at(572));
    life.abandon(at(573));
    assert_eq!(life.due(), at(572), "none was under way");
}

proptest! {
    /// Whatever happens: of the fetches that are not scheduled, at most two are in a cool-down, and
    /// only where the first brought other keys. None starts within a `Retry-After`, and times never
    /// go wrong.
    #[test]
    fn no_sequence_of_events_makes_fetches_come_sooner(
        events in prop::collection::vec((0..6_u8, 0..100_000_u64, 0.0..=1.0_f64), 1..200)
    ) {
        let mut life = LifeCycle::new(TIMING);
        let (mut now, mut asked, mut in_flight) = (at(0), Vec::<(Moment, bool)>::new(), None);
        let mut left_alone = at(0);
        for (event, millis, random) in events {
            now = now + Duration::from_millis(millis / 8);
            match (event, in_flight) {
                (0, Some(cause)) => {
                    let changed = millis % 2 == 0;
                    life.succeed(now, Some(Duration::from_millis(millis * 77)), changed, random);
                    if cause != FetchCause::Schedule
                        && let Some((_, brought)) = asked.last_mut()
                    {
                        *brought = changed;
                    }
                    in_flight = None;
                }
                (1, Some(_)) => {
                    let retry_after = Duration::from_millis(millis);
                    life.fail(now, Some(retry_after), random);
                    left_alone = left_alone.max(now + retry_after.min(Duration::from_secs(30)));
                    in_flight = None;
                }
                (2, _) => { request_fetch(&mut life, now); }
                (3, _) => { life.fetch_for_operator(now); }
                (_, None) if life.due() <= now => {
                    let cause = life.begin(now);
                    prop_assert!(left_alone <= now);
                    if cause != FetchCause::Schedule {
                        let mut before = asked.iter().rev();
                        if let Some((last, changed)) = before.next() {
                            prop_assert!(*changed || now.since(*last) >= TIMING.cooldown);
                        }
                        if let Some((before_last, _)) = before.next() {
                            prop_assert!(now.since(*before_last) >= TIMING.cooldown);
                        }
                        asked.push((now, false));
                    }
                    in_flight = Some(cause);
                }
                _ => {}
            }
            prop_assert!(life.state_changes(now).is_none_or(|changes| now < changes));
        }
    }
}
