//! The life of a key set, at given times.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Moment;

use super::{LifeCycle, MAX_ABSENT, Refresh, Seek, Standing, Timing};

const TIMING: Timing = Timing {
    cache_duration: Duration::from_secs(600),
    min_cache_duration: Duration::from_secs(60),
    max_cache_duration: Duration::from_secs(3600),
    max_stale: Duration::from_secs(86400),
    cooldown: Duration::from_secs(30),
    wait: Duration::from_millis(100),
    timeout: Duration::from_secs(5),
};

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
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
    assert_eq!(life.seek_any(at(0)), Seek::Wait);
    life.begin(at(0));
    assert_eq!(life.seek_any(at(1)), Seek::Wait);
    life.fail(at(1), None, 0.0);
    assert_eq!(life.seek_any(at(1)), Seek::Refuse, "nothing is under way");
}

#[test]
fn keys_are_fetched_again_ahead_of_their_expiry() {
    assert_eq!(next_after(None, 0.0), Duration::from_secs(480));
    assert_eq!(next_after(None, 1.0), Duration::from_secs(570));
    let life = fetched();
    assert_eq!(life.standing(at(599)), Standing::Fresh);
    assert_eq!(life.standing(at(600)), Standing::Stale);
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
    assert_eq!(life.standing(now), Standing::Stale);
    life.begin(now);
    life.succeed(now, None, false, 1.0);
    assert_eq!(life.standing(now), Standing::Fresh);
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
    assert_eq!(life.standing(at(86399)), Standing::Stale);
    assert_eq!(life.standing(at(86400)), Standing::Absent);
    assert_eq!(life.standing_changes(at(600)), Some(at(86400)));
    assert_eq!(life.standing_changes(at(86400)), None);
    life.begin(at(90000));
    life.succeed(at(90000), None, false, 1.0);
    assert_eq!(life.standing(at(90000)), Standing::Fresh);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let mut life = fetched();
    life.begin(at(570));
    life.fail(at(570), Some(Duration::from_secs(120)), 1.0);
    assert_eq!(life.due(), at(690));
    assert_eq!(
        life.seek(1, at(650)),
        Seek::Refuse,
        "the cool-down alone would be over"
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
    assert_eq!(life.seek(1, at(10)), Seek::Refuse);
    assert_eq!(life.due(), at(30), "at its end, by itself");
    assert_eq!(life.seek(1, at(30)), Seek::Wait);
    assert!(life.begin(at(30)), "because of the token");
    assert_eq!(life.seek(2, at(31)), Seek::Wait, "for the one under way");
    life.succeed(at(31), None, false, 1.0);
    assert_eq!(life.due(), at(31 + 570), "one fetch was for both");
    assert_eq!(life.seek(2, at(59)), Seek::Refuse);
    assert_eq!(life.seek(2, at(60)), Seek::Wait);
}

#[test]
fn a_key_that_a_fetch_did_not_bring_is_not_looked_for_until_the_cool_down_ends_or_the_set_changes()
{
    let mut life = fetched();
    life.note_absent(1, at(35));
    assert_eq!(life.seek(1, at(64)), Seek::Refuse);
    assert_eq!(life.due(), at(570), "no fetch is wanted for it");
    assert_eq!(life.seek(2, at(64)), Seek::Wait);
    assert_eq!(life.seek(1, at(65)), Seek::Wait);
    life.note_absent(1, at(66));
    life.begin(at(67));
    life.succeed(at(67), None, true, 1.0);
    assert_eq!(life.seek(1, at(67)), Seek::Refuse, "the cool-down runs");
    assert_eq!(life.due(), at(97), "but a fetch is wanted again");
}

#[test]
fn absent_keys_are_remembered_in_bounded_space() {
    let mut life = fetched();
    for kid in 0..1_000_000 {
        life.note_absent(kid, at(1));
    }
    assert!(life.absent.0.len() <= MAX_ABSENT);
    assert!(life.absent.0.capacity() <= 4 * MAX_ABSENT);
}

#[test]
fn an_operator_is_held_to_the_same_cool_down() {
    let mut life = fetched();
    let wait = Duration::from_secs(20);
    assert_eq!(life.request(at(10)), Refresh::CoolingDown(wait));
    assert_eq!(life.due(), at(570));
    assert_eq!(life.request(at(30)), Refresh::Started);
    assert_eq!(life.due(), at(30));
    life.begin(at(30));
    assert_eq!(life.request(at(31)), Refresh::UnderWay);
}

#[test]
fn restored_keys_are_stale_and_live_no_longer_than_they_would_have() {
    let mut life = LifeCycle::new(TIMING);
    assert!(!life.restore(Duration::from_secs(86400), at(0)));
    assert_eq!(life.standing(at(0)), Standing::Absent);
    assert!(life.restore(Duration::from_secs(86000), at(0)));
    assert_eq!(life.due(), at(0), "newer ones are fetched at once");
    assert_eq!(life.standing(at(399)), Standing::Stale);
    assert_eq!(life.standing(at(400)), Standing::Absent);
    assert_eq!(life.age(at(10)), Some(Duration::from_secs(86010)));
}

#[test]
fn a_fetch_that_never_ended_counts_as_a_failure() {
    let mut life = fetched();
    life.begin(at(570));
    life.abandon(at(571));
    assert_eq!(life.seek_any(at(571)), Seek::Refuse);
    assert_eq!(life.due(), at(572));
    life.abandon(at(573));
    assert_eq!(life.due(), at(572), "none was under way");
}

proptest! {
    /// Whatever happens, two fetches that only tokens cause are a cool-down apart, and times never go wrong.
    #[test]
    fn no_sequence_of_events_makes_fetches_come_sooner(
        events in prop::collection::vec((0..6_u8, 0..100_000_u64, 0.0..=1.0_f64), 1..200)
    ) {
        let mut life = LifeCycle::new(TIMING);
        let (mut now, mut in_flight, mut last_start) = (at(0), false, None::<Moment>);
        for (event, millis, random) in events {
            now = now + Duration::from_millis(millis);
            match event {
                0 if in_flight => {
                    let fresh_for = Duration::from_millis(millis * 77);
                    life.succeed(now, Some(fresh_for), millis % 2 == 0, random);
                    in_flight = false;
                }
                1 if in_flight => {
                    life.fail(now, Some(Duration::from_millis(millis)), random);
                    in_flight = false;
                }
                2 => { life.seek(millis, now); }
                3 => life.note_absent(millis, now),
                4 => { life.request(now); }
                _ if !in_flight && life.due() <= now => {
                    let sought = life.begin(now);
                    if let (true, Some(last)) = (sought, last_start) {
                        prop_assert!(now.since(last) >= TIMING.cooldown);
                    }
                    (in_flight, last_start) = (true, Some(now));
                }
                _ => {}
            }
            prop_assert!(life.standing_changes(now).is_none_or(|changes| now < changes));
        }
    }
}
