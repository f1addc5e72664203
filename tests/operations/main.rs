//! Servers under load: reloads, new certificates, restarts and floods.
//!
//! Several processes run behind the real Envoy, with the bootstrap of `examples/envoy` or with the
//! settings that the chart prints. The tests count answers as right or wrong; `tests/check` has the
//! details of verdicts.
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

use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::runtime::Runtime;
use watchword_test_support::say;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Locked by each test. One that panicked leaves nothing behind here.
static MACHINE: RwLock<()> = RwLock::new(());

/// For a test that counts answers and judges no times.
fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that judges times.
fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
