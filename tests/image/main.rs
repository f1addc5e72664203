//! The container image: the layout that `helm/image/build.py` makes of a binary, and the
//! Dockerfile, which must agree with it. If `helm/image/check.py` asks for it and `runc` is there,
//! the real image also runs.

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
