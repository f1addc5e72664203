//! `grpc.health.v1`: says if the server wants to be called.

use std::sync::Arc;

use tokio::sync::Mutex;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The server as a whole.
const WHOLE: &str = "";

/// The name that is `SERVING` for as long as the process answers. It is for liveness probes: a
/// server that waits for keys would gain nothing from a restart.
const LIVE: &str = "live";

/// The health of the server as a whole, which has the empty name, and of its services, which is the
/// same. The name `live` is always `SERVING`.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    services: &'static [&'static str],
    stopping: Arc<Mutex<bool>>,
}

impl Health {
    /// `NOT_SERVING`, and the service that reports it.
    pub async fn new(services: &'static [&'static str]) -> (Self, Routes) {
        let (reporter, service) = tonic_health::server::health_reporter();
        let health = Self {
            reporter,
            services,
            stopping: Arc::default(),
        };
        health.set(ServingStatus::NotServing).await;
        let live = ServingStatus::Serving;
        health.reporter.set_service_status(LIVE, live).await;
        (health, Routes::new(service))
    }

    /// `SERVING`, unless the server is about to stop.
    pub async fn serving(&self) {
        let stopping = self.stopping.lock().await;
        if !*stopping {
            self.set(ServingStatus::Serving).await;
        }
    }

    /// `NOT_SERVING`, for good.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.lock().await;
        *stopping = true;
        self.set(ServingStatus::NotServing).await;
    }

    /// Ends watches, which would go on for ever and keep their connections open.
    pub(crate) async fn end_watches(&self) {
        let mut reporter = self.reporter.clone();
        for service in self.names().chain([LIVE]) {
            reporter.clear_service_status(service).await;
        }
    }

    async fn set(&self, status: ServingStatus) {
        for service in self.names() {
            self.reporter.set_service_status(service, status).await;
        }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(WHOLE).chain(self.services.iter().copied())
    }
}
