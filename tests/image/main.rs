//! The container image: what `helm/image/build.py` makes of a binary, that the Dockerfile says the same, and, where `runc` is there and `helm/image/check.py`
//! asks for it, how the real image runs.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod container;
mod crates;
mod dockerfile;
mod files;
mod layout;
mod maker;
mod refused;
mod reproducible;
mod site;
mod stand_in;
mod trust;
