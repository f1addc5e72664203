//! What the test tells the answers that wait for it.

use tokio::sync::watch;

/// How often the test said `tick` and `release`.
#[derive(Clone, Copy, Default)]
pub(super) struct Cues {
    pub(super) ticks: usize,
    pub(super) releases: usize,
}

/// The cues since a request came.
pub(super) struct Pace {
    start: Cues,
    cues: watch::Receiver<Cues>,
}

impl Pace {
    pub(super) fn start(cues: &watch::Sender<Cues>) -> Self {
        let cues = cues.subscribe();
        let start = *cues.borrow();
        Self { start, cues }
    }

    /// Until the next release, even if another one was waited for before.
    pub(super) async fn released(&mut self) {
        let start = self.start.releases;
        let released = self.cues.wait_for(|cues| cues.releases > start).await;
        // Without a test there is nobody to wait for, and the connection is about to end.
        if let Ok(cues) = released.map(|cues| *cues) {
            self.start = cues;
        }
    }

    /// How much of a body is due, once it is more than was sent. A release makes all of it due.
    pub(super) async fn due(&mut self, sent: usize, all: usize) -> usize {
        let start = self.start;
        let due = |cues: &Cues| {
            if cues.releases > start.releases {
                all
            } else {
                all.min(cues.ticks - start.ticks)
            }
        };
        let cues = self.cues.wait_for(|cues| due(cues) > sent).await;
        cues.map_or(all, |cues| due(&cues))
    }
}
