//! What the log says of sources.

use std::path::Path;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::jose::{ExposedKey, KeySet};

use super::Origin;
use super::life_cycle::KeyState;
use super::store::StoreError;

/// Longest part of a text from elsewhere that a line shows, in characters.
const MAX_SHOWN: usize = 64;

/// Most key ids of a line.
const MAX_LISTED: usize = 8;

/// Longest part of an error that may repeat what a file says.
const MAX_ERROR: usize = 200;

/// A fetch brought keys.
pub(super) fn fetched(origin: &Origin, keys: &KeySet, changed: bool, recovered: bool) {
    let (used, skipped) = (keys.keys().count(), keys.skipped().len());
    if !changed && !recovered {
        debug!(source = %origin, keys = used, skipped, "keys are unchanged");
        return;
    }
    info!(source = %origin, keys = used, skipped, changed, "keys fetched");
    if changed {
        warn_of_skipped(origin, keys);
        warn_of_exposed(origin, keys);
    }
}

/// A source holds private keys. Whoever reads them signs tokens that are accepted, so this is no
/// warning among others.
pub(super) fn warn_of_exposed(source: &dyn std::fmt::Display, keys: &KeySet) {
    let exposed = keys.exposed();
    if exposed.is_empty() {
        return;
    }
    let kid = |key: &ExposedKey| -> Option<String> {
        let kid = key.kid.as_deref()?;
        Some(kid.chars().take(MAX_SHOWN).collect())
    };
    let kids: Vec<_> = exposed.iter().take(MAX_LISTED).map(kid).collect();
    error!(
        %source,
        keys = exposed.len(),
        ?kids,
        "PRIVATE KEYS ARE PUBLISHED: the key set holds private keys or shared secrets; whoever reads it \
         can forge tokens. Have the issuer replace these keys"
    );
}

/// A fetch failed.
pub(super) fn failed(origin: &Origin, error: &str, retry_in: Duration) {
    warn!(source = %origin, error, ?retry_in, "keys could not be fetched");
}

/// Keys in use have grown stale, or too old to be used.
pub(super) fn standing(origin: &Origin, standing: KeyState, age: Duration) {
    match standing {
        KeyState::Fresh => {}
        KeyState::Stale => warn!(source = %origin, ?age, "keys are stale, and still used"),
        KeyState::Absent => {
            error!(source = %origin, ?age, "keys are older than max_stale, and no longer used");
        }
    }
}

/// Keys of an earlier process were taken into use, or not.
pub(super) fn restored(origin: &Origin, age: Duration, usable: bool) {
    if usable {
        info!(source = %origin, ?age, "keys taken from the state directory");
    } else {
        warn!(source = %origin, ?age, "keys in the state directory are too old");
    }
}

/// What an earlier process left cannot be used.
pub(super) fn not_restored(origin: &Origin, file: &Path, error: &str) {
    let error: String = error.chars().take(MAX_ERROR).collect();
    let file = file.display();
    warn!(source = %origin, %file, error, "keys in the state directory cannot be used");
}

/// The state directory cannot be written to.
pub(super) fn not_saved(origin: &Origin, file: &Path, error: &StoreError) {
    let file = file.display();
    warn!(source = %origin, %file, %error, "keys could not be saved in the state directory");
}

fn warn_of_skipped(origin: &Origin, keys: &KeySet) {
    for key in keys.skipped() {
        // A key id is text from elsewhere: escaped, and cut to a length that a log line bears.
        let kid = key.kid.as_deref().unwrap_or_default();
        let kid: String = kid.chars().take(MAX_SHOWN).collect();
        warn!(source = %origin, ?kid, reason = %key.reason, "key skipped");
    }
}
