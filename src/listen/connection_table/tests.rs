//! The choice of the evicted connection, with tasks that never end by themselves.

use std::net::Ipv4Addr;

use tokio::task::JoinSet;

use crate::clock::Stopwatch;
use crate::memory::MemoryBudget;

use super::super::{InFlightLimit, ListenerBudget};
use super::*;

/// A time at which no connection is too young to evict.
const LATER: Duration = Duration::from_secs(60);

struct Site {
    table: ConnectionTable,
    tasks: JoinSet<()>,
    budget: ListenerBudget,
    began: Stopwatch,
}

impl Site {
    fn new(most: usize) -> Self {
        let budget = ListenerBudget::of(&MemoryBudget::default(), InFlightLimit::new(0));
        Self {
            table: ConnectionTable::new(most),
            tasks: JoinSet::new(),
            budget,
            began: Stopwatch::start(),
        }
    }

    /// Opens a connection from 10.0.0.`host`, or on a Unix socket if `host` is 0.
    fn open(&mut self, host: u8) -> Id {
        let remote = (host > 0).then(|| SocketAddr::from((Ipv4Addr::new(10, 0, 0, host), 4567)));
        let connection = Arc::new(Connection::new(&self.budget, remote, self.began));
        connection.set_open(None);
        let task = self.tasks.spawn(std::future::pending());
        let id = task.id();
        self.table.add(connection, task);
        id
    }

    fn answer(&self, id: Id) {
        // Times are told apart by the millisecond.
        let begun = self.began.elapsed();
        while self.began.elapsed().as_millis() <= begun.as_millis() {
            std::thread::yield_now();
        }
        self.table.entries[&id].connection.record_answer();
    }

    fn has(&self, id: Id) -> bool {
        self.table.entries.contains_key(&id)
    }
}

#[tokio::test]
async fn one_that_was_never_answered_goes_before_one_that_was() {
    let mut site = Site::new(3);
    let (old, silent, newer) = (site.open(1), site.open(2), site.open(3));
    site.answer(newer);
    site.answer(old);
    site.table.make_room(LATER);
    assert!(site.has(old) && !site.has(silent) && site.has(newer));
    // Then the one that has been idle longest, not the one that is oldest.
    site.open(4);
    let id = site.open(5);
    site.answer(id);
    site.table.make_room(LATER);
    assert!(site.has(old) && !site.has(newer) && site.has(id));
}

#[tokio::test]
async fn an_address_with_more_than_half_loses_one_of_its_own() {
    let mut site = Site::new(6);
    let honest = site.open(7);
    let many: Vec<Id> = (0..5).map(|_| site.open(66)).collect();
    for id in &many {
        site.answer(*id);
    }
    // The honest one was not answered yet.
    site.table.make_room(LATER);
    assert!(site.has(honest) && !site.has(many[0]));
    // With half or less, all are alike.
    let others: Vec<Id> = (0..3).map(|host| site.open(host)).collect();
    site.table.max_connections = 8;
    site.table.make_room(LATER);
    assert!(!site.has(honest) && others.iter().all(|id| site.has(*id)));
}

#[tokio::test]
async fn no_connection_is_evicted_before_it_could_ask() {
    let mut site = Site::new(2);
    let ids: Vec<Id> = (0..3).map(|_| site.open(0)).collect();
    let opened = site.began.elapsed();
    assert!(!site.table.make_room(opened), "all are young");
    assert!(ids.iter().all(|id| site.has(*id)));
    // Once they had their time, all that are too many go at once.
    assert!(site.table.make_room(opened + MIN_AGE));
    assert_eq!(site.table.entries.len(), 1);
    // Young ones too have a limit, at which others wait until one had its time.
    assert!(site.table.pause(opened).is_zero());
    for _ in 1..2 * NEWCOMER_FACTOR {
        site.open(0);
    }
    let opened = site.began.elapsed();
    assert!(!site.table.pause(opened).is_zero() && site.table.pause(opened) <= MIN_AGE);
    assert!(site.table.pause(opened + MIN_AGE).is_zero());
    assert!(site.table.make_room(opened));
    assert_eq!(site.table.entries.len(), 2 * NEWCOMER_FACTOR - 1);
}

/// A call that waited for a key was cut with its connection, which `failure_mode_allow` takes for
/// an allow.
#[tokio::test]
async fn a_connection_that_waits_for_an_answer_is_evicted_last() {
    let mut site = Site::new(2);
    let (waiting, answered) = (site.open(1), site.open(2));
    let call = site.table.entries[&waiting].connection.answering.count();
    site.answer(answered);
    site.table.make_room(LATER);
    assert!(site.has(waiting) && !site.has(answered));
    drop(call);
    let next = site.open(3);
    site.answer(next);
    site.table.make_room(LATER);
    assert!(!site.has(waiting) && site.has(next));
}

#[tokio::test]
async fn few_are_leaving_at_a_time() {
    let mut site = Site::new(16);
    let first: Vec<Id> = (0..16).map(|_| site.open(0)).collect();
    for _ in 0..9 {
        site.table.make_room(LATER);
        site.open(0);
    }
    // Eight may take their time; the ninth that leaves ends the first.
    let ended = site.tasks.join_next_with_id().await.unwrap();
    assert!(ended.is_err_and(|error| error.is_cancelled() && first.contains(&error.id())));
    assert_eq!(site.tasks.len(), 24);
}
