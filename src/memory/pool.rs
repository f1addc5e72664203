//! A pool of memory, and the accounts that reserve parts of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

/// An account may borrow one part in this many of what is left in the pool then.
const BORROW_DIVISOR: usize = 2;

/// A bounded number of bytes for everything of one kind. Clones share it.
#[derive(Clone, Debug)]
pub struct Pool(Arc<PoolState>);

#[derive(Debug)]
struct PoolState {
    size: usize,
    /// Below zero for a moment if one thread returns bytes that another has not counted here yet.
    borrowed: AtomicIsize,
}

/// The reservations of one holder. Beyond its own bytes, which nobody else can have, it borrows
/// from a pool, up to half of what is left there then. The more holders borrow, the less each of
/// them may have, and something is left for the next one. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<AccountState>);

#[derive(Debug)]
struct AccountState {
    pool: Pool,
    /// Bytes that are reserved before any are borrowed.
    own: usize,
    reserved: AtomicUsize,
}

/// Reserved bytes. They return to their account when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Reservation(Arc<ReservedBytes>);

#[derive(Debug)]
struct ReservedBytes {
    account: Account,
    bytes: AtomicUsize,
}

impl Pool {
    /// A pool of so many bytes, all of them free.
    pub(crate) fn new(size: usize) -> Self {
        let borrowed = AtomicIsize::new(0);
        Self(Arc::new(PoolState { size, borrowed }))
    }

    /// The size, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The number of bytes that accounts have borrowed.
    #[cfg(test)]
    pub(crate) fn borrowed(&self) -> usize {
        self.add(0)
    }

    /// Changes the number of borrowed bytes, and returns it.
    fn add(&self, bytes: isize) -> usize {
        let before = self.0.borrowed.fetch_add(bytes, Ordering::Relaxed);
        before.wrapping_add(bytes).max(0).cast_unsigned()
    }

    /// An account that has `own` bytes beside the pool.
    pub(crate) fn account(&self, own: usize) -> Account {
        Account(Arc::new(AccountState {
            pool: self.clone(),
            own,
            reserved: AtomicUsize::new(0),
        }))
    }
}

impl Account {
    pub(crate) fn unbounded() -> Self {
        Pool::new(0).account(usize::MAX)
    }

    /// Reserves bytes. `None` if this holder may not have so many.
    #[must_use]
    pub(crate) fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        self.try_add(bytes).then(|| {
            let bytes = AtomicUsize::new(bytes);
            let account = self.clone();
            Reservation(Arc::new(ReservedBytes { account, bytes }))
        })
    }

    #[cfg(test)]
    fn reserved(&self) -> usize {
        self.0.reserved.load(Ordering::Relaxed)
    }

    fn try_add(&self, bytes: usize) -> bool {
        let (borrowed, left) = self.add(bytes);
        let has_room = borrowed == 0 || borrowed <= left / BORROW_DIVISOR;
        if !has_room {
            self.subtract(bytes);
        }
        has_room
    }

    /// Returns the bytes that the account has borrowed then, and those that are left in the pool.
    /// Bytes are added before anything is compared, so that concurrent reservations see each other.
    fn add(&self, bytes: usize) -> (usize, usize) {
        let AccountState { pool, reserved, .. } = &*self.0;
        let before = reserved.fetch_add(bytes, Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        let more = self.borrowed(after) - self.borrowed(before);
        if more == 0 {
            return (0, 0);
        }
        let lent = pool.add(more.cast_signed());
        (self.borrowed(after), pool.size().saturating_sub(lent))
    }

    fn subtract(&self, bytes: usize) {
        let before = self.0.reserved.fetch_sub(bytes, Ordering::Relaxed);
        let after = before.saturating_sub(bytes);
        let borrowed = self.borrowed(before) - self.borrowed(after);
        if borrowed > 0 {
            self.0.pool.add(borrowed.cast_signed().saturating_neg());
        }
    }

    /// The part of so many reserved bytes that is borrowed.
    fn borrowed(&self, reserved: usize) -> usize {
        reserved.saturating_sub(self.0.own)
    }
}

impl Reservation {
    /// Reserves more bytes. Returns false if the holder may not have so many.
    #[must_use]
    pub(crate) fn try_grow(&self, bytes: usize) -> bool {
        let grown = self.0.account.try_add(bytes);
        if grown {
            self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        grown
    }

    /// Reserves more bytes, even beyond what the holder may have.
    pub(crate) fn grow(&self, bytes: usize) {
        self.0.account.add(bytes);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Reserves bytes for the same holder, which are returned on their own.
    #[must_use]
    pub(crate) fn beside(&self, bytes: usize) -> Option<Self> {
        self.0.account.try_reserve(bytes)
    }

    /// Returns all bytes before the reservation ends.
    pub(crate) fn release(&self) {
        let bytes = self.0.bytes.swap(0, Ordering::Relaxed);
        self.0.account.subtract(bytes);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for ReservedBytes {
    fn drop(&mut self) {
        self.account.subtract(*self.bytes.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn reserved_bytes_are_returned() {
        let pool = Pool::new(1000);
        let account = pool.account(50);
        let first = account.try_reserve(40).unwrap();
        assert_eq!(pool.borrowed(), 0, "own bytes come first");
        let second = account.try_reserve(110).unwrap();
        assert_eq!((account.reserved(), pool.borrowed()), (150, 100));
        assert!(second.try_grow(20));
        drop((first, account));
        let clone = second.clone();
        drop(second);
        assert_eq!((clone.bytes(), pool.borrowed()), (130, 80));
        clone.grow(5000);
        assert_eq!((clone.bytes(), pool.borrowed()), (5130, 5080));
        clone.release();
        assert_eq!((clone.bytes(), pool.borrowed()), (0, 0));
        assert!(clone.try_grow(60));
        drop(clone);
        assert_eq!(pool.borrowed(), 0);
        assert!(Account::unbounded().try_reserve(1 << 60).is_some());
    }

    #[test]
    fn greedy_accounts_leave_room_for_the_next() {
        let pool = Pool::new(1_000_000);
        let greedy: Vec<_> = (0..38).map(|_| pool.account(0)).collect();
        let mut shares = VecDeque::new();
        for account in &greedy {
            shares.extend(std::iter::from_fn(|| account.try_reserve(100)));
        }
        let first = greedy[0].reserved();
        assert!((333_000..334_000).contains(&first), "half of what is left");
        // They return some, and cannot reserve all of it again, so that they become alike.
        for _ in 0..100_000 {
            drop(shares.pop_front());
            shares.extend(greedy.iter().find_map(|account| account.try_reserve(100)));
        }
        let free = pool.size() - pool.borrowed();
        assert!(free > 40_000, "{free}");
        for account in &greedy {
            assert!(
                account.reserved() <= free / 2 + 100,
                "{} of {free}",
                account.reserved()
            );
        }
        assert!(
            pool.account(0).try_reserve(free / 4).is_some(),
            "a newcomer"
        );
    }

    #[test]
    fn a_refused_reservation_changes_nothing() {
        let pool = Pool::new(1000);
        let account = pool.account(100);
        assert!(
            account.try_reserve(1000).is_none() && account.try_reserve(usize::MAX / 2).is_none()
        );
        assert_eq!((account.reserved(), pool.borrowed()), (0, 0));
        let share = account.try_reserve(60).unwrap();
        assert!(!share.try_grow(900));
        assert_eq!((share.bytes(), account.reserved()), (60, 60));
        assert!(share.try_grow(200));
    }

    #[test]
    fn many_threads_leave_nothing_behind() {
        let pool = Pool::new(10_000);
        let accounts: Vec<_> = (0..4).map(|_| pool.account(100)).collect();
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (accounts, pool) = (&accounts, &pool);
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    let mut shares = Vec::new();
                    for _ in 0..20_000 {
                        let account = &accounts[random.usize(..4)];
                        match random.u8(..4) {
                            0 if !shares.is_empty() => {
                                shares.swap_remove(random.usize(..shares.len()));
                            }
                            _ => shares.extend(account.try_reserve(random.usize(..500))),
                        }
                        // Each thread may have reserved bytes that it is about to return.
                        assert!(pool.borrowed() <= 10_000 + 4 * 500);
                    }
                });
            }
        });
        assert_eq!(pool.borrowed(), 0);
        assert!(accounts.iter().all(|account| account.reserved() == 0));
    }

    /// One thread returned what another had reserved, before it was counted as borrowed. The pool
    /// seemed to be full then.
    #[test]
    fn nobody_is_refused_while_there_is_room() {
        let pool = Pool::new(1_000_000);
        let account = pool.account(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300_000 {
                        assert!(account.try_reserve(60).is_some());
                    }
                });
            }
        });
        assert_eq!(pool.borrowed(), 0);
    }
}
