//! The state directory: the last good documents of each source, so that a restart during an outage
//! keeps working.
//!
//! One file a source, replaced as a whole. A digest over all of it finds files that are cut or
//! mixed up; it does not keep out anybody who may write there: who can, chooses the keys. The
//! directory needs the protection of the configuration.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::token::UnixTime;

use super::source_log::SourceLog;
use super::{FetchedSource, KeyOrigin, fetch};
use crate::files::read_bounded;

/// Largest file: documents of 1 MiB in base64, with room for the rest.
const MAX_FILE: usize = fetch::MAX_SIZE * 2;
/// The most that a file may be ahead of the clock. A clock that was set back must not make old keys
/// young.
const MAX_AHEAD: Duration = Duration::from_secs(60);

/// The file of one source.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) file: Arc<Path>,
    log: SourceLog,
    /// The identity of the source; only its digest is written.
    identity: Arc<str>,
    writer: Arc<Writer>,
}

/// One write at a time, and the newest documents next. A disk that hangs holds one thread only.
#[derive(Debug)]
struct Writer {
    turn: Semaphore,
    state: Mutex<WriterState>,
}

#[derive(Debug, Default)]
struct WriterState {
    /// False for a configuration that is not in use: its documents wait.
    is_open: bool,
    /// The newest documents that are not written yet, and the time at which they were fetched.
    newest: Option<(Documents, UnixTime)>,
    /// A digest of the documents in the file, as far as they are known.
    written: Option<String>,
}

pub(super) type Documents = Arc<Vec<Vec<u8>>>;

pub(super) struct SavedDocuments {
    pub(super) documents: Vec<Vec<u8>>,
    /// The time since they were last known to be good.
    pub(super) age: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is larger than {MAX_FILE} bytes")]
    TooLarge,
    #[error("it is not whole: {0}")]
    Form(#[from] serde_json::Error),
    #[error("it is not whole: its digest differs")]
    Digest,
    #[error("it is dated more than a minute ahead of the clock")]
    Future,
    #[error("it belongs to another user")]
    Owner,
    #[error("the disk does not answer")]
    Hangs,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFile {
    /// For people.
    source: String,
    /// When the documents were last known to be good, in seconds since 1970.
    confirmed: u64,
    /// The documents in base64.
    documents: Vec<String>,
    /// SHA-256 over the identity of the source, the time and the documents, in base64.
    sha256: String,
}

impl Store {
    /// The file for a source of these issuers in this directory. Every issuer has one source, so no
    /// two sources have one file, and keys of one issuer are never taken for those of another.
    pub(super) fn new<S: Borrow<str> + Debug>(
        directory: &Path,
        source: &FetchedSource,
        issuers: &[S],
        log: SourceLog,
    ) -> Self {
        let name = digest(&SHA256, issuers.join("\n").as_bytes());
        let name = URL_SAFE_NO_PAD.encode(name.as_ref());
        Self {
            file: directory.join(format!("keys-{name}.json")).into(),
            log,
            identity: identity(source, issuers).into(),
            writer: Arc::new(Writer {
                turn: Semaphore::new(1),
                state: Mutex::default(),
            }),
        }
    }

    /// `None` where there is no file.
    pub(super) async fn load(&self, now: UnixTime) -> Result<Option<SavedDocuments>, StoreError> {
        let store = self.clone();
        let reading = spawn_blocking(move || store.read(now)).await;
        match reading.unwrap_or_else(|error| Err(io::Error::other(error).into())) {
            Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Writes the documents that were saved before, and from now on.
    pub(super) fn begin(&self) {
        self.state().is_open = true;
        self.write_in_background();
    }

    pub(super) fn end(&self) {
        let mut state = self.state();
        (state.is_open, state.newest) = (false, None);
    }

    /// Writes the file between [`Store::begin`] and [`Store::end`], in a thread of its own. A
    /// failure is logged.
    pub(super) fn save(&self, documents: Documents, now: UnixTime) {
        self.state().newest = Some((documents, now));
        self.write_in_background();
    }

    fn write_in_background(&self) {
        if self.has_work() {
            let store = self.clone();
            spawn_blocking(move || store.write_newest());
        }
    }

    fn has_work(&self) -> bool {
        let state = self.state();
        state.is_open && state.newest.is_some()
    }

    /// The thread that has the turn writes the newest documents, and looks again after giving it
    /// back: others that came meanwhile found the turn taken.
    fn write_newest(&self) {
        while self.has_work() {
            let Ok(_turn) = self.writer.turn.try_acquire() else {
                return;
            };
            if let Some((documents, now)) = self.take_newest() {
                self.replace(&documents, now);
            }
        }
    }

    fn take_newest(&self) -> Option<(Documents, UnixTime)> {
        let state = &mut *self.state();
        state.newest.take_if(|_| state.is_open)
    }

    /// Waits until what was to be saved is.
    pub(super) async fn saved(&self) {
        let store = self.clone();
        // Another thread may have the turn: it is waited for, and then there may be nothing left.
        let _ = self.writer.turn.acquire().await.map(drop);
        let _ = spawn_blocking(move || store.write_newest()).await;
        let _ = self.writer.turn.acquire().await;
    }

    /// If the file cannot be written, one with other keys must not stay: a key that was removed
    /// would come back.
    fn replace(&self, documents: &[Vec<u8>], now: UnixTime) {
        let digest = self.digest(0, documents);
        match self.write(documents, now) {
            Ok(()) => self.state().written = Some(digest),
            Err(error) => {
                if self.state().written.as_ref() != Some(&digest) {
                    // Where even that fails, the log has the reason already.
                    let _ = fs::remove_file(&self.file);
                }
                self.log.not_saved(&self.file, &error.into());
            }
        }
    }

    fn read(&self, now: UnixTime) -> Result<SavedDocuments, StoreError> {
        // Whoever else may write in the directory must not choose the keys.
        let owner = fs::metadata(&self.file)?.uid();
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != owner) {
            return Err(StoreError::Owner);
        }
        let text = read_bounded(&self.file, MAX_FILE)?.ok_or(StoreError::TooLarge)?;
        let content: SavedFile = serde_json::from_slice(&text)?;
        let documents = content.documents.iter().map(|text| STANDARD.decode(text));
        let documents: Result<Vec<_>, _> = documents.collect();
        let documents = documents.map_err(|_| StoreError::Digest)?;
        if self.digest(content.confirmed, &documents) != content.sha256 {
            return Err(StoreError::Digest);
        }
        let confirmed = UnixTime::EPOCH.plus(Duration::from_secs(content.confirmed));
        if confirmed.since(now) > MAX_AHEAD {
            return Err(StoreError::Future);
        }
        self.state().written = Some(self.digest(0, &documents));
        let age = now.since(confirmed);
        Ok(SavedDocuments { documents, age })
    }

    /// A temporary file, made durable, then renamed: readers find the old content or the new.
    fn write(&self, documents: &[Vec<u8>], now: UnixTime) -> io::Result<()> {
        let confirmed = now.since(UnixTime::EPOCH).as_secs();
        let encoded = documents.iter().map(|bytes| STANDARD.encode(bytes));
        let content = SavedFile {
            source: self.log.source.to_string(),
            confirmed,
            documents: encoded.collect(),
            sha256: self.digest(confirmed, documents),
        };
        // Two processes may share a directory for a moment, while one replaces the other.
        let extension = format!("{:016x}.tmp", fastrand::u64(..));
        let temporary = self.file.with_extension(extension);
        let written = durable(&temporary, &serde_json::to_vec(&content)?)
            .and_then(|()| fs::rename(&temporary, &self.file));
        if written.is_err() {
            // It may not be there.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        let directory = self.file.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }

    fn state(&self) -> MutexGuard<'_, WriterState> {
        let state = self.writer.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self, confirmed: u64, documents: &[Vec<u8>]) -> String {
        let mut context = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            // The length goes first, so that no two contents give one text.
            context.update(&bytes.len().to_be_bytes());
            context.update(bytes);
        };
        add(self.identity.as_bytes());
        add(&confirmed.to_be_bytes());
        for bytes in documents {
            add(bytes);
        }
        STANDARD.encode(context.finish())
    }
}

/// A new file with this content, which nobody else can read, on the disk.
fn durable(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The identity of a source: where keys come from, whom that is trusted for, and on what grounds.
fn identity<S: Debug>(source: &FetchedSource, issuers: &[S]) -> String {
    let origin = match &source.origin {
        KeyOrigin::Path(path) => format!("path {}", path.display()),
        KeyOrigin::Uri(url) => format!("uri {url}"),
        KeyOrigin::Discovery { issuer, metadata } => match metadata {
            Some(url) => format!("discovery {issuer} {url}"),
            None => format!("discovery {issuer}"),
        },
    };
    // Values of headers are marked sensitive, and not printed.
    format!("{issuers:?} {origin} {:?}", source.access)
}

#[cfg(test)]
mod tests;
