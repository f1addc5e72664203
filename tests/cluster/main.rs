//! The Helm chart on a real Kubernetes API server: etcd and kube-apiserver run as processes of the
//! test binary, and real `helm` and `kubectl` talk to them.
//!
//! Covered:
//! - `examples`, `sidecar_example`: releases are installed, upgraded, rolled back and removed, with
//!   the custom resources of the products that the chart integrates with (`products`), in
//!   namespaces that enforce the Pod Security level `restricted`. Nothing may warn, drift, or be
//!   left behind.
//! - `injector`: its policies, on pods as the API server makes and refuses them.
//! - `service_accounts`: tokens and keys of the API server, as `examples/kubernetes` uses them.
//! - `contour`: Contour's control plane with the real Envoy and the real Watchword.
//!
//! Not covered: there is no kubelet, no scheduler and no controller manager, so no container
//! starts, a Deployment makes no pods, and nothing is garbage-collected. `hooks` plays the
//! controllers that Helm's hooks wait for. Network policies are accepted, not enforced. Of the
//! products but Contour, only the definitions of their resources are there.
//!
//! Go builds the programs from the modules below `tools/`, once, below Cargo's target folder. That
//! takes about six minutes on two idle cores, and needs a Go module proxy. Without Go, or with
//! one that is older than `tools/*/go.mod` ask for, the tests pass without doing anything, and one
//! line on standard error says so. The same holds where modules cannot be fetched, except with
//! `CI=true`. What a failed run wrote stays in `cluster-run-*` until the next run.

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
mod live;
mod namespace;
mod notes;
mod outages;
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
mod wait;
