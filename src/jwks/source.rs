//! A source of keys, as configured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::jose::KeySet;

/// The source of an issuer's keys.
#[derive(Clone, Debug)]
pub enum Source {
    /// Keys that stand in the configuration; they never grow old.
    Fixed(Arc<KeySet>),
    /// Keys that are fetched, and fetched again.
    Fetched(Box<FetchedSource>),
}

/// A place that keys are fetched from, and how. Issuers for which all of this is the same share one
/// entry of the cache and its fetches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FetchedSource {
    /// The place.
    pub origin: KeyOrigin,
    /// The settings of connections to it.
    pub access: Access,
    /// When it is fetched, and how long keys live.
    pub timing: Timing,
}

/// The place that keys are fetched from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum KeyOrigin {
    /// A file, or a directory of files.
    Path(PathBuf),
    /// The URL of a JWK set.
    Uri(Url),
    /// An authorization server's metadata, which names that URL (OIDC Discovery 1.0, RFC 8414).
    Discovery {
        /// The `issuer` that the metadata must have, exactly.
        issuer: Box<str>,
        /// The URL of the metadata; `None`: at the well-known places under the issuer.
        metadata: Option<Url>,
    },
}

/// The settings of connections to a key server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// True if `http` URLs are fetched, which anyone on the way can answer.
    pub allow_http: bool,
    /// A PEM bundle of certificate authorities that are trusted instead of the system's.
    pub ca: Option<PathBuf>,
    /// A certificate chain and its key, both PEM, for mutual TLS.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Headers to send. Their values are marked sensitive, so that they are not printed.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Credentials that are read from a file for each fetch.
    pub credentials: Option<Credentials>,
    /// The proxy to go through; the environment's is never used.
    pub proxy: Option<Url>,
    /// True if private and loopback addresses are refused; link-local and metadata addresses always
    /// are.
    pub deny_private_addresses: bool,
    /// The longest time for a connection, name resolution and TLS included.
    pub connect_timeout: Duration,
}

/// Credentials for the `authorization` header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// RFC 7617, with the password in a file.
    Basic {
        /// The user's name.
        username: Box<str>,
        /// The file with the password; one line break at its end is left out.
        password_file: PathBuf,
    },
    /// RFC 6750, with the token in a file.
    Bearer {
        /// The file with the token; white space around it is left out.
        token_file: PathBuf,
    },
}

/// When a source is fetched, and how long its keys are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// The time for which keys are fresh if the server does not say.
    pub cache_duration: Duration,
    /// The shortest time that a server may ask for.
    pub min_cache_duration: Duration,
    /// The longest time that a server may ask for.
    pub max_cache_duration: Duration,
    /// The time for which keys are used after the last good fetch.
    pub max_stale: Duration,
    /// The least time between the starts of two fetches that tokens with unknown keys cause, if the
    /// first brought no other keys.
    pub cooldown: Duration,
    /// The time for which a request waits for a fetch.
    pub wait: Wait,
    /// The longest time for a whole fetch.
    pub timeout: Duration,
}

/// The time for which a request waits for a fetch that may bring its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// As long as the call goes on, and no longer than a fetch may take. A call without a deadline
    /// waits for `WITHOUT_DEADLINE`.
    WhileCallLasts,
    /// This long, or as long as the call goes on if that is less.
    AtMost(Duration),
}

impl Wait {
    /// The wait of a call without a deadline, unless the configuration says.
    pub(crate) const WITHOUT_DEADLINE: Duration = Duration::from_millis(150);

    /// The wait of a call with this time left, where it has a deadline, for a fetch that may take
    /// as long as `timeout`.
    pub(super) fn of_call(self, time_left: Option<Duration>, timeout: Duration) -> Duration {
        match (self, time_left) {
            (Self::WhileCallLasts, None) => Self::WITHOUT_DEADLINE,
            (Self::WhileCallLasts, Some(left)) => left.min(timeout),
            (Self::AtMost(wait), None) => wait,
            (Self::AtMost(wait), Some(left)) => left.min(wait),
        }
    }
}

impl Source {
    /// Keys that were read already.
    #[must_use]
    pub fn fixed(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }
}

impl KeyOrigin {
    /// Returns true if it is reached over the network.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self, Self::Path(_))
    }
}

impl std::fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Uri(url) => shown(url).fmt(f),
            Self::Discovery {
                metadata: Some(url),
                ..
            } => write!(f, "metadata at {}", shown(url)),
            Self::Discovery { issuer, .. } => write!(f, "metadata of {issuer}"),
        }
    }
}

/// A URL as it may be printed: a query may hold an access key.
pub(super) fn shown(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

impl std::fmt::Debug for KeyOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
