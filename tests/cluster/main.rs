//! The Helm chart on a real Kubernetes API server: etcd and kube-apiserver run as processes of the
//! test binary, and real `helm` and `kubectl` talk to them.
//!
//! Covered: every example of the chart is installed, upgraded, rolled back and removed, with the
//! custom resources of the products that it integrates with, in namespaces that enforce the Pod
//! Security level `restricted`. The injector's policies run on pods as the API server runs them.
//!
//! Not covered: there is no kubelet, no scheduler and no controller manager, so no container
//! starts, a Deployment makes no pods, and nothing is garbage-collected. `hooks` plays the
//! controllers that Helm's hooks wait for. Network policies are accepted, not enforced.
//!
//! Go builds the programs from the modules below `tools/`, once, below Cargo's target folder. That
//! takes about eight minutes on two idle cores and needs Go's module proxy. Without Go, or one that
//! is older than `tools/*/go.mod` ask for, the tests pass without doing anything, and one line on
//! standard error says so. The same holds where modules cannot be fetched, except with `CI=true`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod checks;
mod cluster;
mod command;
mod contour;
mod control_plane;
mod examples;
mod hooks;
mod injector;
#[path = "../support/mint.rs"]
mod mint;
mod namespace;
mod notes;
mod outages;
#[path = "../support/pki.rs"]
mod pki;
mod pods;
mod process;
mod products;
mod refusals;
mod release;
mod service_accounts;
mod sidecar_example;
mod smoke;
mod tools;
mod trial;
#[path = "../support/wheels.rs"]
mod wheels;
