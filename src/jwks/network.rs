//! Fetching for real: over the network, and from files.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::jose::KeySet;

use super::file::{self, FilesContent};
use super::{Content, Fetch, FetchError, Fetched, FetchedSource, KeyOrigin, Validators};
use super::{discovery, http};

/// The network and the file system.
#[derive(Clone, Copy, Debug)]
pub struct Network;

impl Fetch for Network {
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            match &source.origin {
                KeyOrigin::Path(path) => read_documents(path, known).await,
                KeyOrigin::Uri(url) => http::fetch_uri(&source.access, url, known).await,
                KeyOrigin::Discovery { issuer, metadata } => {
                    let access = &source.access;
                    discovery::fetch(access, issuer, metadata.as_ref(), known).await
                }
            }
        })
    }
}

/// Reads that are under way. A file system that hangs must not use up the threads that others need.
static READS: Semaphore = Semaphore::const_new(16);

/// The time between two looks at files that have changed.
const SETTLING: Duration = Duration::from_millis(250);

/// Reads files. Content that is new counts only when two looks in a row have found it: a file may
/// be half written.
async fn read_documents(path: &Path, known: Option<&Validators>) -> Result<Fetched, FetchError> {
    let mut look = look(path).await?;
    if let Some(known) = known.and_then(|known| known.files) {
        if look.digest == known {
            return Ok(Fetched {
                content: Content::NotModified,
                fresh_for: None,
            });
        }
        tokio::time::sleep(SETTLING).await;
        let first = look.digest;
        look = self::look(path).await?;
        if look.digest != first {
            return Err(FetchError::Unsettled {
                path: path.to_owned(),
            });
        }
    }
    Ok(Fetched {
        content: Content::Documents {
            documents: look.documents,
            validators: Validators {
                files: Some(look.digest),
                ..Validators::default()
            },
        },
        fresh_for: None,
    })
}

async fn look(path: &Path) -> Result<FilesContent, FetchError> {
    let path = path.to_owned();
    let permit = READS.acquire().await.map_err(|_| FetchError::Abandoned)?;
    let reading = spawn_blocking(move || {
        let _permit = permit;
        file::read(&path)
    });
    reading.await.map_err(|_| FetchError::Abandoned)?
}

pub(crate) fn read_keys(path: &Path) -> Result<KeySet, FetchError> {
    let documents = file::read(path)?.documents;
    let keys = KeySet::from_documents(documents.iter().map(Vec::as_slice));
    keys.map_err(|source| FetchError::KeySet { url: None, source })
}
