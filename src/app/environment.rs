//! The surroundings of a server, which tests replace.

use std::sync::Arc;

use crate::clock::Clock;
use crate::jwks::{Fetch, Network};
use crate::telemetry::Telemetry;

/// The surroundings of a server: its clock, its network, and the receiver of its decisions.
pub struct ServerEnvironment {
    /// The clock.
    pub clock: Clock,
    /// Fetches keys.
    pub fetch: Arc<dyn Fetch>,
    /// Receives decisions; `None`: the logs and traces that the configuration names.
    pub telemetry: Option<Telemetry>,
    /// Chooses the random parts of waiting times.
    pub seed: u64,
}

/// The network and telemetry of a real server.
impl From<Clock> for ServerEnvironment {
    fn from(clock: Clock) -> Self {
        Self {
            clock,
            fetch: Arc::new(Network),
            telemetry: None,
            seed: fastrand::u64(..),
        }
    }
}
