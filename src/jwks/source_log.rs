//! The log lines of one key source.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::explain::instant;
use crate::jose::{ExposedKey, KeySet};
use crate::policy::{Issuer, IssuerId, Policy};
use crate::token::UnixTime;

use super::KeyOrigin;
use super::life_cycle::KeyState;
use super::store::StoreError;

/// Longest part of a text from elsewhere that a line shows, in characters.
const MAX_SHOWN: usize = 64;
const MAX_LISTED: usize = 8;
/// Longest part of an error that may repeat what a file says.
const MAX_ERROR: usize = 200;

/// Writes the log lines of one source. Each names the source and the issuers that use it.
#[derive(Clone, Debug)]
pub(super) struct SourceLog {
    /// Without secrets.
    pub(super) source: Arc<str>,
    issuers: Arc<str>,
}

impl SourceLog {
    pub(super) fn new(origin: &KeyOrigin, issuers: &[&Issuer]) -> Self {
        let issuers: Vec<&str> = issuers.iter().map(|issuer| &*issuer.name).collect();
        Self {
            source: origin.to_string().into(),
            issuers: issuers.join(", ").into(),
        }
    }

    /// `outage` is the time since fetches began to fail, if they did.
    pub(super) fn fetched(&self, set: &KeySet, changed: bool, outage: Option<Duration>) {
        let Self { source, issuers } = self;
        let (keys, skipped) = (set.keys().count(), set.skipped().len());
        match outage {
            Some(outage) => info!(
                %source, %issuers, keys, skipped, changed,
                "keys fetched again, after {:?} of outage", rounded(outage)
            ),
            None if changed => info!(%source, %issuers, keys, skipped, changed, "keys fetched"),
            None => debug!(%source, %issuers, keys, skipped, "keys are unchanged"),
        }
        if changed {
            self.warn_of_skipped(set);
            warn_of_exposed(source, issuers, set);
        }
    }

    pub(super) fn failed(&self, error: &str, retry_in: Duration) {
        let Self { source, issuers } = self;
        let (error, retry_in) = (without_url(error, source), rounded(retry_in));
        warn!(%source, %issuers, error, ?retry_in, "keys could not be fetched");
    }

    pub(super) fn key_state(&self, state: KeyState, age: Duration, usable_until: UnixTime) {
        let Self { source, issuers } = self;
        let age = rounded(age);
        match state {
            KeyState::Fresh => {}
            KeyState::Stale => warn!(
                %source, %issuers, ?age,
                "keys are stale, and used until {}", instant(usable_until)
            ),
            KeyState::Absent => error!(
                %source, %issuers, ?age,
                "keys are older than max_stale, and no longer used"
            ),
        }
    }

    pub(super) fn restored(&self, age: Duration, usable: bool) {
        let Self { source, issuers } = self;
        let age = rounded(age);
        if usable {
            info!(%source, %issuers, ?age, "keys taken from the state directory");
        } else {
            warn!(%source, %issuers, ?age, "keys in the state directory are too old");
        }
    }

    pub(super) fn not_restored(&self, file: &Path, error: &str) {
        let Self { source, issuers } = self;
        let error: String = error.chars().take(MAX_ERROR).collect();
        let file = file.display();
        warn!(%source, %issuers, %file, error, "keys in the state directory cannot be used");
    }

    pub(super) fn not_saved(&self, file: &Path, error: &StoreError) {
        let Self { source, issuers } = self;
        let file = file.display();
        warn!(
            %source, %issuers, %file, %error,
            "keys could not be saved in the state directory"
        );
    }

    pub(super) fn panicked(&self, panic: &(dyn Any + Send)) {
        let Self { source, issuers } = self;
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let error = text.unwrap_or("a panic");
        error!(%source, %issuers, error, "the task that fetches keys failed; it starts again");
    }

    fn warn_of_skipped(&self, set: &KeySet) {
        let Self { source, issuers } = self;
        for key in set.skipped() {
            let kid = shown(key.kid.as_deref().unwrap_or_default());
            warn!(%source, %issuers, ?kid, reason = %key.reason, "key skipped");
        }
    }
}

/// An issuer has keys in the configuration.
pub(super) fn inline_keys(policy: &Policy, issuer: IssuerId, keys: &KeySet) {
    if let Some(issuer) = policy.issuer(issuer) {
        let source = format!("inline keys of {}", issuer.name);
        warn_of_exposed(&source, &issuer.name, keys);
    }
}

/// A source holds private keys. Whoever reads them signs tokens that are accepted, so this is no
/// warning among others.
fn warn_of_exposed(source: &str, issuers: &str, keys: &KeySet) {
    let exposed = keys.exposed();
    if exposed.is_empty() {
        return;
    }
    let kid = |key: &ExposedKey| key.kid.as_deref().map(shown);
    let kids: Vec<_> = exposed.iter().take(MAX_LISTED).map(kid).collect();
    error!(
        source,
        issuers,
        keys = exposed.len(),
        ?kids,
        "PRIVATE KEYS ARE PUBLISHED: the key set holds private keys or shared secrets; whoever \
         reads it can forge tokens. Have the issuer replace these keys"
    );
}

/// A key id is text from elsewhere: cut to a length that a log line bears.
fn shown(kid: &str) -> String {
    kid.chars().take(MAX_SHOWN).collect()
}

/// An error, without the URL that its line has as the source.
fn without_url(error: &str, source: &str) -> String {
    let url = source.strip_prefix("metadata at ").unwrap_or(source);
    error.replacen(&format!("{url} "), "the source ", 1)
}

/// A span for people: whole milliseconds up to a second, tenths up to ten seconds, then whole
/// seconds.
fn rounded(span: Duration) -> Duration {
    let unit = match span.as_secs() {
        0 => 1,
        1..10 => 100,
        _ => 1000,
    };
    let millis = (span.as_millis() + unit / 2) / unit * unit;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Duration, rounded, without_url};

    #[test]
    fn a_line_has_the_url_once() {
        let url = "https://idp.example/keys";
        for (error, shown) in [
            (
                "the request to https://idp.example/keys failed: x",
                "the request to the source failed: x",
            ),
            (
                "https://idp.example/keys answered 404",
                "the source answered 404",
            ),
            (
                "https://idp.example/keys redirects to https://idp.example/keys2, which",
                "the source redirects to https://idp.example/keys2, which",
            ),
            (
                "https://idp.example/keys/2 answered 404",
                "https://idp.example/keys/2 answered 404",
            ),
            ("no whole answer within 5s", "no whole answer within 5s"),
        ] {
            assert_eq!(without_url(error, url), shown);
            assert_eq!(without_url(error, &format!("metadata at {url}")), shown);
        }
    }

    #[test]
    fn spans_are_rounded_for_people() {
        for (micros, text) in [
            (0, "0ns"),
            (696_148, "696ms"),
            (1_549_000, "1.5s"),
            (9_999_999, "10s"),
            (60_000_709, "60s"),
            (94_500_000, "95s"),
        ] {
            assert_eq!(
                format!("{:?}", rounded(Duration::from_micros(micros))),
                text
            );
        }
    }
}
