//! Decrypts tokens with private keys, which takes up to milliseconds, beside the threads that judge
//! calls.
//!
//! At most half of the cores decrypt at a time, in threads of a lower priority, so that a flood of
//! encrypted tokens does not delay signed ones. The others wait in order, in a bounded number and
//! for a bounded time.

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;

use crate::authenticator::{DecryptedToken, DecryptionWork};
use crate::clock::Clock;
use crate::listen::CallCounter;
use crate::token::Denial;

/// The limit of calls that wait: as many as one connection has by default. A refused caller would
/// ask again at once, so waiting costs less. The memory of each is reserved before it waits.
const MAX_WAITING: usize = 1024;
/// Added to the nice value of the threads. On a core that others want too, they get about a tenth.
#[cfg(target_os = "linux")]
const NICE_INCREMENT: i32 = 10;
/// The longest wait of a call without a deadline.
const MAX_WAIT_WITHOUT_DEADLINE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Decrypter {
    turns: Arc<Semaphore>,
    waiting: CallCounter,
    threads: DecryptionThreads,
}

impl Decrypter {
    /// # Errors
    /// The system refuses what the threads need.
    pub(super) fn new() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).max(1);
        Ok(Self {
            turns: Arc::new(Semaphore::new(turns)),
            waiting: CallCounter::default(),
            threads: DecryptionThreads::new(turns)?,
        })
    }

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
        let until = clock.moment() + time_left.unwrap_or(MAX_WAIT_WITHOUT_DEADLINE);
        let turn = tokio::select! { biased;
            // The semaphore is never closed; if it were, nothing would limit the work.
            turn = self.turns.clone().acquire_owned() => turn.map_err(|_| Denial::Overloaded)?,
            () = clock.sleep_until(until) => return Err(Denial::Overloaded),
        };
        drop(waiting);
        let decrypted = self.threads.pool.spawn_blocking(move || {
            let decrypted = work.decrypt();
            drop(turn);
            decrypted
        });
        // An error is a panic, and logged as one.
        decrypted.await.map(Arc::new).map_err(|_| Denial::Internal)
    }
}

/// Threads that start when there is work, and end after ten seconds without.
#[derive(Debug)]
struct DecryptionThreads {
    pool: Handle,
    /// The owner of the pool. It is always there, until it is dropped.
    runtime: Option<Runtime>,
}

impl DecryptionThreads {
    fn new(max: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .thread_name("decrypt")
            .max_blocking_threads(max)
            .on_thread_start(lower_priority)
            .build()?;
        Ok(Self {
            pool: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

impl Drop for DecryptionThreads {
    fn drop(&mut self) {
        // An ordinary drop waits for the threads, and panics in asynchronous code.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets the threads that judge go first when they want the same core. Without this, such a thread
/// would wait for milliseconds, until an RSA operation ends. Linux alone has priorities of threads.
fn lower_priority() {
    // Without it, the threads still decrypt.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE_INCREMENT);
}

#[cfg(test)]
mod tests;
