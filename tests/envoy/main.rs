//! The real proxy: Envoy, with the bootstrap of `examples/envoy`, in front of an upstream that
//! records requests. It asks a Watchword that runs in this process.
//!
//! Every fact is shown on the oldest and on the newest Envoy that we support, and on the newest as
//! the chart of `examples/kubernetes/sidecar` sets it up: over a Unix socket. `RSP-…` in a comment
//! is the row of the catalogue of hostile inputs that the fact stands for.
//!
//! Owns: the proxy, its peers and what they show. Refuses: the details of a verdict (`check` has
//! them), the outside network once Envoy and Helm have been fetched, and sleeping to be in time.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

/// Makes three tests of each fact, one for each world.
macro_rules! on_each_envoy {
    ($($fact:ident),* $(,)?) => {
        mod on_the_oldest_envoy {
            $(#[test] fn $fact() { crate::world::on(crate::world::Place::Oldest, &super::$fact); })*
        }
        mod on_the_newest_envoy {
            $(#[test] fn $fact() { crate::world::on(crate::world::Place::Newest, &super::$fact); })*
        }
        mod in_a_pod_of_the_chart {
            $(#[test] fn $fact() { crate::world::on(crate::world::Place::Pod, &super::$fact); })*
        }
    };
}

mod bootstrap;
mod client;
mod http2_client;
mod issuer;
mod pod;
mod upstream;
mod world;

mod access_log;
mod allowed;
mod denied;
mod direct;
mod documented;
mod encrypted;
mod example;
mod forged;
mod grpc_client;
mod near_misses;
mod open_door;
mod printed;
mod routes;
