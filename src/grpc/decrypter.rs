//! Decrypts tokens with private keys, which takes up to milliseconds, beside the threads that judge
//! calls.
//!
//! At most half of the cores decrypt at a time, so that a flood of encrypted tokens does not delay
//! signed ones. The others wait in order, in a bounded number and for a bounded time.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::authenticator::{DecryptedToken, DecryptionWork};
use crate::clock::Clock;
use crate::listen::CallCounter;
use crate::token::Denial;

/// The limit of calls that wait. Each holds a copy of its token, so this bounds memory too.
const MAX_WAITING: usize = 128;
/// The longest wait of a call without a deadline.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Decrypter {
    turns: Arc<Semaphore>,
    waiting: CallCounter,
}

impl Default for Decrypter {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: CallCounter::default(),
        }
    }
}

impl Decrypter {
    /// Waits for a turn, and decrypts.
    ///
    /// # Errors
    /// [`Denial::Overloaded`] if too many calls wait, or no turn comes in time.
    pub(super) async fn decrypt(
        &self,
        work: DecryptionWork,
        clock: &Clock,
        time_left: Option<Duration>,
    ) -> Result<Arc<DecryptedToken>, Denial> {
        let waiting = self.waiting.count();
        if self.waiting.get() > MAX_WAITING {
            return Err(Denial::Overloaded);
        }
        let until = clock.moment() + time_left.unwrap_or(WITHOUT_DEADLINE);
        let turn = tokio::select! { biased;
            turn = self.turns.clone().acquire_owned() => turn,
            () = clock.sleep_until(until) => return Err(Denial::Overloaded),
        };
        drop(waiting);
        let decrypted = tokio::task::spawn_blocking(move || {
            let decrypted = work.run();
            drop(turn);
            decrypted
        });
        // An error is a panic, and logged as one.
        decrypted.await.map(Arc::new).map_err(|_| Denial::Internal)
    }
}

#[cfg(test)]
mod tests;
