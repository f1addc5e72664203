//! A server in operation: reloaded, given new certificates, restarted and flooded while it is under load.
//!
//! The real binary, several times, behind the real Envoy with the bootstrap of `examples/envoy`, or with what the chart
//! prints. Owns the load and the count of what came of it; refuses to look into verdicts beyond right and wrong (`check` does).
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests measure time and read the clock to make tokens for a child process"
)]

mod dns;
mod flood;
mod paced;
mod plain_envoy;
mod release;
mod restarts;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Runtime;
use watchword_test_support::say;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// The machine to oneself: one test makes a load whose answers the other would time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // Of a test that panicked, nothing is left here.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
