//! A pool of memory, and the accounts that draw on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A holder may borrow this part of what is left.
const PART: usize = 8;

/// So many bytes for everything of a kind. Clones share it.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Level>);

#[derive(Debug)]
struct Level {
    size: usize,
    used: AtomicUsize,
}

/// What one holder has of a pool. Beyond its own part, which was set aside when it was opened, it may
/// borrow up to an eighth of what is then left for all others: the more holders borrow, the less each
/// of them may have, and something is left for the next one. Clones share it.
#[derive(Clone, Debug)]
pub struct Account(Arc<Holding>);

#[derive(Debug)]
struct Holding {
    pool: Pool,
    /// Set aside: what the holder costs by itself, and what it may draw beside that in any case.
    set_aside: usize,
    own: usize,
    drawn: AtomicUsize,
}

/// Bytes that were drawn. They are given back when this is dropped.
#[derive(Debug)]
pub struct Share {
    account: Account,
    bytes: usize,
}

impl Pool {
    /// A pool of so many bytes, all of them free.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let used = AtomicUsize::new(0);
        Self(Arc::new(Level { size, used }))
    }

    /// How large it is, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// How much of it is used, in bytes.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// An account of a holder that itself costs `base` bytes, with `own` bytes to draw in any case.
    /// `None` where the pool has no room for both.
    #[must_use]
    pub fn open(&self, base: usize, own: usize) -> Option<Account> {
        let set_aside = base.saturating_add(own);
        let account = Account(Arc::new(Holding {
            pool: self.clone(),
            set_aside,
            own,
            drawn: AtomicUsize::new(0),
        }));
        // Where it is too much, dropping the account gives it back.
        (self.take(set_aside) <= self.0.size).then_some(account)
    }

    /// How much is used then, which may be more than there is.
    fn take(&self, bytes: usize) -> usize {
        self.0.used.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Account {
    /// Draws so many bytes. `None` where they are more than this holder may have.
    #[must_use]
    pub fn draw(&self, bytes: usize) -> Option<Share> {
        self.add(bytes).then(|| Share {
            account: self.clone(),
            bytes,
        })
    }

    /// How much is drawn, in bytes.
    #[must_use]
    pub fn drawn(&self) -> usize {
        self.0.drawn.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) -> bool {
        let Holding { pool, drawn, .. } = &*self.0;
        let before = drawn.fetch_add(bytes, Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        let borrowed = self.borrowed(after) - self.borrowed(before);
        if borrowed == 0 {
            return true;
        }
        // Taken first and judged then, so that two at a time see each other.
        let used = pool.take(borrowed);
        let has_room = self.borrowed(after) <= pool.size().saturating_sub(used) / PART;
        if !has_room {
            self.subtract(bytes);
        }
        has_room
    }

    fn subtract(&self, bytes: usize) {
        let before = self.0.drawn.fetch_sub(bytes, Ordering::Relaxed);
        let after = before.saturating_sub(bytes);
        let borrowed = self.borrowed(before) - self.borrowed(after);
        if borrowed > 0 {
            self.0.pool.give_back(borrowed);
        }
    }

    /// How much of what is drawn was not set aside.
    fn borrowed(&self, drawn: usize) -> usize {
        drawn.saturating_sub(self.0.own)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.pool.give_back(self.set_aside);
    }
}

impl Share {
    /// Draws so many bytes more. Whether there was room for them.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let grown = self.account.add(bytes);
        if grown {
            self.bytes += bytes;
        }
        grown
    }

    /// Gives back what is beyond so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.account.subtract(surplus);
        self.bytes -= surplus;
    }

    /// How many bytes it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.subtract(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_given_back() {
        let pool = Pool::new(2000);
        let account = pool.open(100, 50).unwrap();
        assert_eq!(pool.used(), 150);
        let first = account.draw(40).unwrap();
        assert_eq!(pool.used(), 150, "its own part was set aside");
        let mut second = account.draw(110).unwrap();
        assert_eq!((account.drawn(), pool.used()), (150, 250));
        assert!(second.grow(20));
        second.shrink_to(30);
        assert_eq!((second.bytes(), pool.used()), (30, 170));
        drop(first);
        drop(account);
        assert_eq!(pool.used(), 150, "an account lives as long as its shares");
        drop(second);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn the_greedy_leave_room_for_the_next() {
        let pool = Pool::new(1_000_000);
        let greedy: Vec<_> = (0..40).map(|_| pool.open(0, 0).unwrap()).collect();
        let mut shares = std::collections::VecDeque::new();
        for account in &greedy {
            shares.extend(std::iter::from_fn(|| account.draw(100)));
        }
        assert!((100_000..120_000).contains(&greedy[0].drawn()), "a ninth");
        // Whatever they give back, they do not all get again, so that they become alike.
        for _ in 0..100_000 {
            drop(shares.pop_front());
            shares.extend(greedy.iter().find_map(|account| account.draw(100)));
        }
        let free = pool.size() - pool.used();
        assert!(free > 100_000, "{free}");
        for account in &greedy {
            assert!(
                account.drawn() <= free / 8 + 100,
                "{} of {free}",
                account.drawn()
            );
        }
        let newcomer = pool.open(100, 100).unwrap();
        assert!(newcomer.draw(free / 10).is_some());
    }

    #[test]
    fn what_has_no_room_changes_nothing() {
        let pool = Pool::new(1000);
        assert!(pool.open(900, 101).is_none());
        assert_eq!(pool.used(), 0);
        let account = pool.open(100, 100).unwrap();
        assert!(account.draw(1000).is_none() && account.draw(usize::MAX / 2).is_none());
        assert_eq!((account.drawn(), pool.used()), (0, 200));
        let mut share = account.draw(60).unwrap();
        assert!(!share.grow(900));
        assert_eq!((share.bytes(), account.drawn()), (60, 60));
    }

    #[test]
    fn many_threads_leave_nothing_behind() {
        let pool = Pool::new(10_000);
        let accounts: Vec<_> = (0..4).map(|_| pool.open(10, 100).unwrap()).collect();
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
                            _ => shares.extend(account.draw(random.usize(..500))),
                        }
                        // Each thread may have taken what it is about to give back.
                        assert!(pool.used() <= 10_000 + 4 * 500);
                    }
                });
            }
        });
        assert_eq!(pool.used(), 4 * 110);
        assert!(accounts.iter().all(|account| account.drawn() == 0));
    }
}
