//! A bound on the calls that are being worked on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for so many calls at a time. Those that wait for their own message, or for a key, take none of it: others need
/// not wait for them, and each of these waits has a bound of its own.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Places>);

#[derive(Debug)]
struct Places {
    taken: AtomicUsize,
    most: usize,
}

/// A call's place, until the last copy is dropped.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    _place: Arc<Place>,
}

#[derive(Debug)]
struct Place(Arc<Places>);

impl Room {
    pub(super) fn new(most: usize) -> Self {
        let taken = AtomicUsize::new(0);
        Self(Arc::new(Places { taken, most }))
    }

    /// A place, where one is left.
    pub(super) fn enter(&self) -> Option<Turn> {
        let (turn, taken) = self.take();
        (taken < self.0.most).then_some(turn)
    }

    /// A place for a call that had one before, and whose waiting was bounded.
    pub(super) fn enter_again(&self) -> Turn {
        self.take().0
    }

    /// A place, and how many were taken before.
    fn take(&self) -> (Turn, usize) {
        let taken = self.0.taken.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.0.clone());
        let turn = Turn {
            _place: Arc::new(place),
        };
        (turn, taken)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn a_place_is_taken_until_it_is_given_back() {
        let room = Room::new(2);
        let (first, second) = (room.enter(), room.enter());
        assert!(first.is_some() && second.is_some());
        assert!(room.enter().is_none());
        drop(first);
        assert!(room.enter().is_some());
    }
}
