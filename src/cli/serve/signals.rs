//! The signals that the process obeys.

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) enum SignalRequest {
    /// To stop; with the signal's name.
    Stop(&'static str),
    Reload,
}

/// `SIGXFSZ`, with which Linux ends a process that exceeds its limit on file sizes.
const FILE_SIZE_EXCEEDED: SignalKind = SignalKind::from_raw(25);

/// Catches SIGTERM, SIGINT and SIGHUP. Also catches SIGXFSZ, so that a write beyond the limit loses
/// that line only.
pub(in crate::cli) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(in crate::cli) fn new() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hang_up = signal(SignalKind::hangup())?;
        // The handler stays when this is dropped, and a write that it interrupts fails with EFBIG.
        drop(signal(FILE_SIZE_EXCEEDED)?);
        Ok(Self {
            terminate,
            interrupt,
            hang_up,
        })
    }

    pub(super) async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.terminate.recv() => SignalRequest::Stop("SIGTERM"),
            _ = self.interrupt.recv() => SignalRequest::Stop("SIGINT"),
            _ = self.hang_up.recv() => SignalRequest::Reload,
        }
    }

    /// Waits for a signal to stop, and returns its name.
    pub(super) async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
