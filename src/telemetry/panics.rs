//! What is told of a panic: its place, as a log line. Not its message, which may quote what somebody sent.

use std::panic::PanicHookInfo;

use tracing::error;

/// From here on, a panic writes a line in place of the standard library's message, which would also wait for whoever
/// reads standard error.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(log_panic));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    let thread = std::thread::current();
    error!(
        place,
        thread = thread.name(),
        "a panic, which is a fault of Watchword: please report it"
    );
}
