//! The limit on the calls that are worked on at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::memory::{Account, Pool, Reservation};

/// The number of calls that the server works on at a time. Clones share it.
///
/// A call releases its permit while it waits for its message or a key: each of these waits has a
/// bound of its own, and a caller that waits must not keep others from being answered.
#[derive(Clone, Debug)]
pub struct InFlightLimit(Pool);

#[derive(Debug)]
pub(crate) struct Permit(Reservation);

impl InFlightLimit {
    /// A limit of so many permits, beside those that each connection has of its own.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self(Pool::new(permits))
    }

    /// The permits of a connection that has `own` of its own, and shares the others.
    pub(super) fn account(&self, own: usize) -> Account {
        self.0.account(own)
    }
}

impl Permit {
    /// `None` if the connection holds as many as it may.
    pub(super) fn of(account: &Account) -> Option<Self> {
        account.try_reserve(1).map(Self)
    }

    /// Lets another call be worked on.
    pub(crate) fn release(&self) {
        self.0.release();
    }

    /// Takes the permit again if it is released and one is free. Returns true if it is held then.
    pub(crate) fn try_reacquire(&self) -> bool {
        self.0.bytes() > 0 || self.0.try_grow(1)
    }

    /// Takes the permit again, beyond the limit if need be: a call that has waited is answered.
    pub(crate) fn reacquire(&self) {
        self.0.grow(1);
    }
}

/// Counts calls. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallCounter(Arc<AtomicUsize>);

/// Counts as a call until it is dropped.
#[derive(Debug)]
pub(crate) struct CountedCall(CallCounter);

impl CallCounter {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> CountedCall {
        self.0.fetch_add(1, Ordering::Relaxed);
        CountedCall(self.clone())
    }
}

impl Drop for CountedCall {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
