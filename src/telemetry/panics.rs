//! The log line of a panic. It has the place, but not the message, which may quote a request.

use tracing::error;

/// Replaces the standard library's message, which would wait for the reader of standard error.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        let thread = std::thread::current();
        error!(
            place,
            thread = thread.name(),
            "a panic, which is a fault of Watchword: please report it"
        );
    }));
}
