//! The state directory: the last good documents of each source, so that a restart during an outage keeps working.
//!
//! One file a source, replaced as a whole. A digest over all of it finds files that are cut or mixed up; it does not
//! keep out anybody who may write there: who can, chooses the keys. The directory needs the protection of the configuration.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::token::UnixTime;

use super::file::read_bounded;
use super::{Origin, fetch, report};

/// Largest file: documents of 1 MiB in base64, with room for the rest.
const MAX_FILE: usize = fetch::MAX_SIZE * 2;
/// How far ahead of the clock a file may be. A clock that was set back must not make old keys young.
const MAX_AHEAD: Duration = Duration::from_secs(60);

/// The file of one source.
#[derive(Clone, Debug)]
pub(super) struct Store {
    file: Arc<Path>,
    origin: Origin,
    /// One write at a time. A disk that hangs makes later ones fail, and holds nothing else.
    turn: Arc<Semaphore>,
}

/// Documents of an earlier process.
pub(super) struct Stored {
    pub(super) documents: Vec<Vec<u8>>,
    /// How long ago they were known to be good.
    pub(super) age: Duration,
}

/// Why a file cannot be used.
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
    #[error("it is from the future: the clock was set back")]
    Future,
    #[error("the write before has not ended")]
    Busy,
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
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
    /// The file for a source in this directory.
    pub(super) fn new(directory: &Path, origin: &Origin) -> Self {
        let name = digest(&SHA256, identity(origin).as_bytes());
        let name = URL_SAFE_NO_PAD.encode(name.as_ref());
        Self {
            file: directory.join(format!("{name}.json")).into(),
            origin: origin.clone(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Reads the file; `None` where there is none.
    pub(super) async fn load(&self, now: UnixTime) -> Result<Option<Stored>, StoreError> {
        let store = self.clone();
        let reading = spawn_blocking(move || store.read(now)).await;
        match reading.unwrap_or_else(|error| Err(io::Error::other(error).into())) {
            Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Writes the file, in a task of its own. A failure is logged.
    pub(super) fn save(&self, documents: Arc<Vec<Vec<u8>>>, now: UnixTime) {
        let Ok(turn) = self.turn.clone().try_acquire_owned() else {
            report::not_saved(&self.origin, &StoreError::Busy);
            return;
        };
        let store = self.clone();
        spawn_blocking(move || {
            if let Err(error) = store.write(&documents, now) {
                report::not_saved(&store.origin, &error.into());
            }
            drop(turn);
        });
    }

    /// Waits for the write that is under way.
    pub(super) async fn saved(&self) {
        // The semaphore is never closed.
        let _ = self.turn.acquire().await;
    }

    fn read(&self, now: UnixTime) -> Result<Stored, StoreError> {
        let text = read_bounded(&self.file, MAX_FILE)?.ok_or(StoreError::TooLarge)?;
        let content: Content = serde_json::from_slice(&text)?;
        let documents = content.documents.iter().map(|text| STANDARD.decode(text));
        let documents: Vec<Vec<u8>> = documents
            .collect::<Result<_, _>>()
            .map_err(|_| StoreError::Digest)?;
        if self.digest(content.confirmed, &documents) != content.sha256 {
            return Err(StoreError::Digest);
        }
        let confirmed = UnixTime::EPOCH.plus(Duration::from_secs(content.confirmed));
        if confirmed.since(now) > MAX_AHEAD {
            return Err(StoreError::Future);
        }
        let age = now.since(confirmed);
        Ok(Stored { documents, age })
    }

    /// A temporary file, made durable, then renamed: whoever reads finds the old content or the new.
    fn write(&self, documents: &[Vec<u8>], now: UnixTime) -> io::Result<()> {
        let confirmed = now.since(UnixTime::EPOCH).as_secs();
        let content = Content {
            source: self.origin.to_string(),
            confirmed,
            documents: documents
                .iter()
                .map(|bytes| STANDARD.encode(bytes))
                .collect(),
            sha256: self.digest(confirmed, documents),
        };
        let temporary = self.temporary();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec(&content)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.file)?;
        let directory = self.file.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }

    /// Its name has the process in it: two may share a directory for a moment, while one replaces the other.
    fn temporary(&self) -> PathBuf {
        self.file
            .with_extension(format!("{}.tmp", std::process::id()))
    }

    fn digest(&self, confirmed: u64, documents: &[Vec<u8>]) -> String {
        let mut context = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            // The length goes first, so that no two contents give one text.
            context.update(&bytes.len().to_be_bytes());
            context.update(bytes);
        };
        add(identity(&self.origin).as_bytes());
        add(&confirmed.to_be_bytes());
        for bytes in documents {
            add(bytes);
        }
        STANDARD.encode(context.finish())
    }
}

/// What tells sources apart, queries included; only its digest is written.
fn identity(origin: &Origin) -> String {
    match origin {
        Origin::Path(path) => format!("path {}", path.display()),
        Origin::Uri(url) => format!("uri {url}"),
        Origin::Discovery { issuer, metadata } => match metadata {
            Some(url) => format!("discovery {issuer} {url}"),
            None => format!("discovery {issuer}"),
        },
    }
}

#[cfg(test)]
mod tests;
