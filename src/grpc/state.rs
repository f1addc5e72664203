//! State that all calls share, and that outlives configurations.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use crate::clock::Clock;
use crate::listen::{CallCounter, InFlightLimit, WarningInterval};
use crate::telemetry::{ReloadHistory, Telemetry};

use super::Generation;
use super::decrypter::Decrypter;

/// The time between two warnings about callers that are not admitted.
const CALLER_WARNINGS: Duration = Duration::from_secs(60);

/// State that all calls share.
#[derive(Debug)]
pub struct State {
    generation: ArcSwap<Generation>,
    /// The clock of all decisions.
    pub clock: Clock,
    /// Receives all decisions.
    pub telemetry: Telemetry,
    pub(crate) reloads: ReloadHistory,
    pub(crate) in_flight_limit: InFlightLimit,
    /// Counts calls until they are answered, those that wait included.
    pub(super) in_flight: CallCounter,
    pub(super) decrypter: Decrypter,
    pub(super) caller_warnings: WarningInterval,
    stopping: AtomicBool,
}

impl State {
    /// # Errors
    /// Those of [`Decrypter::new`].
    pub(crate) fn new(
        generation: Generation,
        max_in_flight: usize,
        clock: Clock,
        telemetry: Telemetry,
    ) -> io::Result<Self> {
        Ok(Self {
            generation: ArcSwap::from_pointee(generation),
            clock,
            telemetry,
            reloads: ReloadHistory::default(),
            in_flight_limit: InFlightLimit::new(max_in_flight),
            in_flight: CallCounter::default(),
            decrypter: Decrypter::new()?,
            caller_warnings: WarningInterval::new(CALLER_WARNINGS),
            stopping: AtomicBool::new(false),
        })
    }

    /// The configuration in use.
    pub fn generation(&self) -> Guard<Arc<Generation>> {
        self.generation.load()
    }

    /// Judges calls by another configuration from now on. Calls that are judged at this moment end
    /// under theirs; those that wait for a key are judged again by the new one.
    pub(crate) fn replace(&self, generation: Generation) {
        self.generation.store(Arc::new(generation));
    }

    /// The number of calls that have arrived and are not answered, those that wait included.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    /// The server is about to stop. Calls are answered as before.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
