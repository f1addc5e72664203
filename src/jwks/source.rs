//! A source of keys, as configured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::jose::KeySet;

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Keys that stand in the configuration.
    Fixed(Arc<KeySet>),
    /// Keys that are fetched, and fetched again.
    Fetched {
        /// From where.
        origin: Origin,
        /// How long a set is used before it is fetched again.
        refresh: Duration,
        /// How long a fetch may take.
        timeout: Duration,
    },
}

/// The place that keys are fetched from. Issuers with one origin share one entry of the cache.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A URL.
    Uri(reqwest::Url),
}

impl Source {
    /// Keys that were read already.
    #[must_use]
    pub fn fixed(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }

    /// Keys to be fetched.
    #[must_use]
    pub fn new(origin: Origin, refresh: Duration, timeout: Duration) -> Self {
        Self::Fetched {
            origin,
            refresh,
            timeout,
        }
    }

    /// Stands in for a source that cannot be built, while further problems are looked for.
    #[must_use]
    pub(crate) fn empty() -> Self {
        Self::new(Origin::File(PathBuf::new()), Duration::MAX, Duration::ZERO)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            // A query may hold an access key.
            Self::Uri(url) => {
                let mut url = url.clone();
                url.set_query(None);
                url.fmt(f)
            }
        }
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
