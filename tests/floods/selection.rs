//! Which floods are run, how much of each, and within which bounds: as the environment says.

use std::time::Duration;

use crate::runner::Bounds;
use crate::site::LIMIT;
use crate::table::{self, Flood};
use crate::target::Port;

/// `all`, `short` (the default), or a part of the names of floods.
const WHICH: &str = "WATCHWORD_FLOODS";
/// Prints the table, and takes nothing for a failure.
const ONLY_PRINT: &str = "WATCHWORD_FLOODS_ONLY_PRINT";
/// Percent of each flood that is sent; `short` has a default of its own.
const SHARE: &str = "WATCHWORD_FLOODS_SHARE";

/// KiB in a MiB.
const MIB: u64 = 1024;

/// The most memory, in KiB, that a release build may have under the limit that the environment asks
/// for.
pub(crate) fn peak_of_limit() -> Option<u64> {
    let limit = std::env::var(LIMIT).ok()?;
    (!cfg!(debug_assertions)).then(|| peak_of(&limit))
}

/// A fifth of a container's memory is left for surprises.
fn peak_of(limit: &str) -> u64 {
    match limit {
        "256Mi" => 200 * MIB,
        _ => 128 * MIB,
    }
}

/// The floods that the environment selects.
pub(crate) struct Selection {
    which: String,
    share: usize,
    only_print: bool,
    limit: Option<String>,
}

impl Selection {
    pub(crate) fn from_environment() -> Self {
        let which = std::env::var(WHICH).unwrap_or_else(|_| "short".to_owned());
        let share = std::env::var(SHARE)
            .ok()
            .and_then(|share| share.parse().ok());
        Self {
            share: share.unwrap_or(if which == "short" { 50 } else { 100 }),
            only_print: std::env::var_os(ONLY_PRINT).is_some(),
            limit: std::env::var(LIMIT).ok(),
            which,
        }
    }

    /// Each flood with the listeners that it is sent to.
    pub(crate) fn floods(&self) -> impl Iterator<Item = (&'static Flood, Port)> {
        let chosen = table::all().filter(|flood| match self.which.as_str() {
            "all" => true,
            "short" => flood.is_short,
            part => flood.name.contains(part),
        });
        let most = if self.which == "short" { 1 } else { usize::MAX };
        chosen.flat_map(move |flood| {
            let ports = flood.ports.iter().take(most);
            ports.map(move |port| (flood, *port))
        })
    }

    pub(crate) fn share(&self) -> usize {
        self.share
    }

    pub(crate) fn asserts(&self) -> bool {
        !self.only_print
    }

    /// A release build has to keep within what its pod has. A debug build has code of 60 MiB, and
    /// is slow.
    pub(crate) fn bounds(&self) -> Bounds {
        let of_pod = peak_of(self.limit.as_deref().unwrap_or_default());
        if cfg!(debug_assertions) {
            Bounds {
                peak: None,
                gain: of_pod,
                latency: Duration::from_secs(2),
            }
        } else {
            Bounds {
                peak: Some(of_pod),
                gain: 0,
                latency: Duration::from_millis(250),
            }
        }
    }
}
