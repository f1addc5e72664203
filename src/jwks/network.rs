//! Fetching for real: over the network, and from files.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::jose::KeySet;

use super::{Content, Fetch, FetchError, Fetched, FetchedSource, Origin, Validators};
use super::{discovery, file, http};

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
                Origin::Path(path) => read_documents(path).await,
                Origin::Uri(url) => http::fetch_uri(&source.access, url, known).await,
                Origin::Discovery { issuer, metadata } => {
                    let access = &source.access;
                    discovery::fetch(access, issuer, metadata.as_ref(), known).await
                }
            }
        })
    }
}

/// Reads that are under way. A file system that hangs must not use up the threads that others need.
static READS: Semaphore = Semaphore::const_new(16);

async fn read_documents(path: &Path) -> Result<Fetched, FetchError> {
    let path = path.to_owned();
    let turn = READS.acquire().await.map_err(|_| FetchError::Abandoned)?;
    let reading = spawn_blocking(move || {
        let read = file::read(&path);
        drop(turn);
        read
    });
    let reading = reading.await;
    let documents = reading.map_err(|_| FetchError::Abandoned)??;
    Ok(Fetched {
        content: Content::Documents {
            documents,
            validators: Validators::default(),
        },
        fresh_for: None,
    })
}

/// Reads the keys of a file or a directory.
///
/// # Errors
/// [`FetchError`].
pub fn read_keys(path: &Path) -> Result<KeySet, FetchError> {
    let documents = file::read(path)?;
    let documents = documents.iter().map(Vec::as_slice);
    Ok(KeySet::from_documents(documents)?)
}
