//! The connections of a listener, and which of them makes room for the next.
//!
//! A newcomer always comes in: it may be the one that matters. The connection that is of least use
//! goes: one on which nobody was ever answered, else the one that has been idle longest. Where one
//! address has more than half of all, one of its connections goes.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tokio::task::{AbortHandle, Id};

use super::caller::{Caller, Use};

/// How long a connection has for its first call, whatever comes after it: half of this at least, so
/// that a storm of connections is let in by many at a time.
const YOUTH: Duration = Duration::from_millis(50);

/// The connections that are open or being opened.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    members: HashMap<Id, Member>,
    /// Those that were told to go and are still there, the first first.
    leaving: VecDeque<AbortHandle>,
}

#[derive(Debug)]
struct Member {
    caller: Caller,
    task: AbortHandle,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            members: HashMap::new(),
            leaving: VecDeque::new(),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn is_full(&self) -> bool {
        self.members.len() >= self.most
    }

    pub(super) fn add(&mut self, caller: Caller, task: AbortHandle) {
        self.members.insert(task.id(), Member { caller, task });
    }

    pub(super) fn remove(&mut self, ended: Id) {
        self.members.remove(&ended);
    }

    /// How long the next has to wait: while it is full of connections that had no time to be of use.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        let least = self.least_useful().filter(|_| self.is_full())?;
        match self.members.get(&least)?.caller.used() {
            Use::Never(opened) => {
                let left = YOUTH.saturating_sub(now.saturating_sub(opened));
                (left > YOUTH / 2).then_some(left)
            }
            Use::Last(_) => None,
        }
    }

    /// Sends the least useful connection away. Calls in flight on it are answered, unless very many are leaving.
    pub(super) fn make_room(&mut self) {
        let Some(id) = self.least_useful() else {
            return;
        };
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        if member.caller.is_open() {
            member.caller.leave();
            self.leaving.retain(|task| !task.is_finished());
            self.leaving.push_back(member.task);
            if self.leaving.len() > self.most / 8 {
                self.leaving.pop_front().iter().for_each(AbortHandle::abort);
            }
        } else {
            member.task.abort();
        }
    }

    fn least_useful(&self) -> Option<Id> {
        let greedy = self.greediest();
        let members = self.members.iter();
        let asked =
            members.filter(|(_, member)| greedy.is_none() || member.caller.peer() == greedy);
        let least = asked.min_by_key(|(_, member)| member.caller.used());
        least.map(|(id, _)| *id)
    }

    /// The address that has more than half of all connections, if there is one.
    fn greediest(&self) -> Option<IpAddr> {
        // Of a majority, pairing each with one of another leaves some over (Boyer and Moore).
        let (mut candidate, mut surplus) = (None, 0_usize);
        let peers = || {
            self.members
                .values()
                .filter_map(|member| member.caller.peer())
        };
        for peer in peers() {
            if surplus == 0 {
                (candidate, surplus) = (Some(peer), 1);
            } else if candidate == Some(peer) {
                surplus += 1;
            } else {
                surplus -= 1;
            }
        }
        let count = peers().filter(|peer| candidate == Some(*peer)).count();
        candidate.filter(|_| count > self.members.len() / 2)
    }
}

#[cfg(test)]
mod tests;
