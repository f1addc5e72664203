//! The signals by which a test lets answers continue.

use tokio::sync::watch;

/// The numbers of calls of `tick` and `release`.
#[derive(Clone, Copy, Default)]
pub(super) struct Signals {
    pub(super) ticks: usize,
    pub(super) releases: usize,
}

/// The signals since a request came.
pub(super) struct SignalReceiver {
    start: Signals,
    signals: watch::Receiver<Signals>,
}

impl SignalReceiver {
    pub(super) fn start(signals: &watch::Sender<Signals>) -> Self {
        let signals = signals.subscribe();
        let start = *signals.borrow();
        Self { start, signals }
    }

    /// Waits for the next release, also after an earlier one.
    pub(super) async fn released(&mut self) {
        let start = self.start.releases;
        let released = self
            .signals
            .wait_for(|signals| signals.releases > start)
            .await;
        // Without a sender the test has ended, and the connection is about to.
        if let Ok(signals) = released.map(|signals| *signals) {
            self.start = signals;
        }
    }

    /// Waits until more of the body is due than was sent, and returns the bytes that are due. A
    /// release makes all of it due.
    pub(super) async fn due(&mut self, sent: usize, all: usize) -> usize {
        let start = self.start;
        let due = |signals: &Signals| {
            if signals.releases > start.releases {
                all
            } else {
                all.min(signals.ticks - start.ticks)
            }
        };
        let signals = self.signals.wait_for(|signals| due(signals) > sent).await;
        signals.map_or(all, |signals| due(&signals))
    }
}
