//! The connections of a listener, and which of them makes room for the next.
//!
//! A newcomer always comes in: it may be the one that matters. The least used connection is evicted:
//! one on which no call was ever answered, else the one that has been idle longest, and last one that
//! waits for an answer. While one address has more than half of all, it is one of its own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tokio::task::{AbortHandle, Id};

use super::caller::{Caller, LastUse};

/// A connection is not evicted before this age, so that it can make its first call.
const YOUTH: Duration = Duration::from_millis(50);
/// With young connections, there may be this many times the most, for as long as they are young. Until
/// their first call, they cost a third of what is counted for a connection.
const YOUNG: usize = 6;
/// One connection in this many may be ending beside the others. The spare half of the memory limit
/// covers them.
const ENDING_PART: usize = 2;

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

    pub(super) fn add(&mut self, caller: Caller, task: AbortHandle) {
        self.members.insert(task.id(), Member { caller, task });
    }

    pub(super) fn remove(&mut self, ended: Id) {
        self.members.remove(&ended);
    }

    /// How long until the next may come in. Only a storm of newcomers has to wait, in the system's
    /// backlog, and never longer than one of them is young.
    pub(super) fn pause(&self, now: Duration) -> Duration {
        if self.members.len() < self.most * YOUNG {
            return Duration::ZERO;
        }
        match self.least_used() {
            Some((_, LastUse::NeverAnswered(opened))) => {
                YOUTH.saturating_sub(now.saturating_sub(opened))
            }
            _ => Duration::ZERO,
        }
    }

    /// Makes room for one more, if connections are there that had their time. Whether any was evicted.
    pub(super) fn make_room(&mut self, now: Duration) -> bool {
        let mut evicted = false;
        while self.members.len() >= self.most {
            let Some((id, last)) = self.least_used() else {
                break;
            };
            let is_young = match last {
                LastUse::NeverAnswered(opened) => now.saturating_sub(opened) < YOUTH,
                LastUse::Answered(_) | LastUse::Answering(_) => false,
            };
            if is_young && self.members.len() < self.most * YOUNG {
                break;
            }
            self.evict(id);
            evicted = true;
        }
        evicted
    }

    /// Its calls in flight are answered, unless very many connections are ending.
    fn evict(&mut self, id: Id) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        if member.caller.is_open() {
            member.caller.request_leave();
            self.leaving.retain(|task| !task.is_finished());
            self.leaving.push_back(member.task);
            if self.leaving.len() > self.most / ENDING_PART
                && let Some(oldest) = self.leaving.pop_front()
            {
                oldest.abort();
            }
        } else {
            member.task.abort();
        }
    }

    fn least_used(&self) -> Option<(Id, LastUse)> {
        let greedy = self.greediest();
        let members = self.members.iter();
        let asked =
            members.filter(|(_, member)| greedy.is_none() || member.caller.remote_ip() == greedy);
        let uses = asked.map(|(id, member)| (*id, member.caller.last_use()));
        uses.min_by_key(|(_, last)| *last)
    }

    /// The address that has more than half of all connections, if there is one.
    fn greediest(&self) -> Option<IpAddr> {
        // Of a majority, pairing each with one of another leaves some over (Boyer and Moore).
        let (mut candidate, mut surplus) = (None, 0_usize);
        let peers = || {
            self.members
                .values()
                .filter_map(|member| member.caller.remote_ip())
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
