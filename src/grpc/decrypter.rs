//! Decrypts tokens with private keys, which takes milliseconds, in threads of its own.
//!
//! The threads use at most half of the cores, with a lower priority, so that a flood of encrypted
//! tokens does not delay signed ones. Other calls wait in order. Their number and their wait are
//! bounded.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
/// retry at once, which costs more than to let it wait. Each call reserves its memory first.
const MAX_WAITING: usize = 1024;
/// Added to the nice value of the threads. On a core that is busy, they get about a tenth of it.
#[cfg(target_os = "linux")]
const NICE_INCREMENT: i32 = 10;
/// The longest wait of a call without a deadline.
const MAX_WAIT_WITHOUT_DEADLINE: Duration = Duration::from_secs(1);

/// The threads that decrypt, and the queue for them.
#[derive(Debug)]
pub(super) struct Decrypter {
    /// One for each thread.
    turns: Arc<Semaphore>,
    waiting: CallCounter,
    threads: DecryptionThreads,
}

impl Decrypter {
    /// # Errors
    /// If the system does not provide the resources of a runtime.
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
        let decrypt = move || {
            let decrypted = work.decrypt();
            drop(turn);
            decrypted
        };
        // This panics if the system refuses to start a thread, and there is none.
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            self.threads.pool.spawn_blocking(decrypt)
        }));
        let decrypted = spawned.map_err(|_| Denial::Internal)?;
        // An error is a panic, and logged as one.
        decrypted.await.map(Arc::new).map_err(|_| Denial::Internal)
    }
}

/// Threads that start when there is work, and end after ten seconds without any.
#[derive(Debug)]
struct DecryptionThreads {
    pool: Handle,
    /// The owner of the pool. `None` only while it is dropped.
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

/// Lets the threads that judge calls go first on a core. Otherwise, they would wait for an RSA
/// operation to end, which takes milliseconds. Only Linux has a nice value for each thread.
fn lower_priority() {
    // If it fails, the threads still decrypt.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE_INCREMENT);
}

#[cfg(test)]
mod tests;
