//! Area `grpc`: SIGTERM while calls are in flight.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tonic::Streaming;
use tonic::transport::Endpoint;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use watchword_test_support::http2::{self, Connection, DATA, END_STREAM};
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::outcome::Outcome;
use super::super::process::Process;
use super::super::settings::Settings;
use super::super::site::CHECK;
use super::super::tokens::{RSA, corp};

pub(crate) const ROWS: &[Row] = &[row!("GRP-23", calls_in_flight_are_answered_at_the_end)];

const WAIT: Duration = Duration::from_secs(30);
/// In flight on each of two connections.
const IN_FLIGHT: u32 = 500;

/// A call is in flight for certain when its headers have arrived and its body has not.
fn calls_in_flight_are_answered_at_the_end(case: &mut Case) {
    let settings = Settings::of(corp()).server("shutdown_timeout: 20s");
    let mut process = Process::serve("grp-23", &settings);
    let token = RSA.sign(&mint::claims(Process::now()));
    let calls = [Call::bearing(token), Call::get("/orders")];
    let mut watch = Watch::of(process.address());
    case.holds("health before", watch.becomes(ServingStatus::Serving));
    // From here to the last body, calls are in flight, which they may be for 10 s: nothing is
    // waited for needlessly.
    let mut connections = [0, 1].map(|_| Connection::open(process.address(), &[]));
    let streams: Vec<u32> = (0..IN_FLIGHT).map(|number| number * 2 + 1).collect();
    for connection in &mut connections {
        for stream in &streams {
            connection.start(*stream, CHECK, &[]);
        }
    }
    for connection in &mut connections {
        // The headers of an answered call arrived after all the others.
        let last = IN_FLIGHT * 2 + 1;
        let reply = connection.call(last, CHECK, &[], &calls[0].encoded(), WAIT);
        case.holds("a call before the end", reply.message().is_some());
    }
    process.terminate();
    case.equal(
        "health first",
        watch.next(),
        Some(ServingStatus::NotServing),
    );
    for connection in &mut connections {
        case.holds(
            "GOAWAY",
            connection.read_until(WAIT, |connection| connection.going_away),
        );
        for (number, stream) in streams.iter().enumerate() {
            let message = http2::framed(0, &calls[number % 2].encoded());
            connection.frame(DATA, END_STREAM, *stream, &message);
        }
    }
    for connection in &mut connections {
        connection.read_until(WAIT, |connection| connection.are_over(&streams));
        let mut others = BTreeMap::new();
        for (number, stream) in streams.iter().enumerate() {
            let reply = connection.reply(*stream);
            let message = reply
                .message()
                .map(Bytes::copy_from_slice)
                .unwrap_or_default();
            let outcome = Outcome::of(Ok(message));
            let right = if number % 2 == 0 {
                outcome.is_allow()
            } else {
                outcome.http == Some(401)
            };
            if !right || !reply.ended || reply.reset.is_some() || reply.data.is_empty() {
                let what = format!("{}, reset {:?}", outcome.summary(), reply.reset);
                *others.entry(what).or_insert(0) += 1;
            }
        }
        case.equal("other answers in flight", others, BTreeMap::new());
    }
    drop(watch);
    let exit = process.wait();
    case.equal("exit code", exit.and_then(|status| status.code()), Some(0));
    watcher_does_not_hold_up_the_end(case);
}

/// A client watches the health of the service until the service ends: a shutdown does not wait for
/// it.
fn watcher_does_not_hold_up_the_end(case: &mut Case) {
    let settings = Settings::of(corp()).server("shutdown_timeout: 20s");
    let mut process = Process::serve("grp-23-watch", &settings);
    let watch = Watch::of(process.address());
    let started = Instant::now();
    process.terminate();
    let exit = process.wait();
    let took = started.elapsed();
    case.holds(
        &format!("with a watcher the end took {took:?}"),
        took < Duration::from_secs(15),
    );
    case.equal(
        "exit code with a watcher",
        exit.and_then(|status| status.code()),
        Some(0),
    );
    drop(watch);
}

/// A client that watches the health of the service, on a runtime of its own, because the shared one
/// is busy with other areas.
struct Watch {
    runtime: Runtime,
    statuses: Streaming<HealthCheckResponse>,
}

impl Watch {
    fn of(address: SocketAddr) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let statuses = runtime.block_on(async {
            let endpoint = Endpoint::from_shared(format!("http://{address}"));
            let channel = endpoint.expect("a URI").connect().await;
            let mut client = HealthClient::new(channel.expect("a connection"));
            client.watch(HealthCheckRequest::default()).await
        });
        Self {
            runtime,
            statuses: statuses.expect("Watch is there").into_inner(),
        }
    }

    /// Reads until the service has this status: it listens a moment before it is healthy.
    fn becomes(&mut self, wanted: ServingStatus) -> bool {
        std::iter::from_fn(|| self.next()).any(|status| status == wanted)
    }

    fn next(&mut self) -> Option<ServingStatus> {
        let status = async { tokio::time::timeout(WAIT, self.statuses.message()).await };
        let status = self.runtime.block_on(status).expect("a status in time");
        status.ok().flatten().map(|answer| answer.status())
    }
}
