//! Reading a body, bounded in size, and in how many large ones are read at a time.

use reqwest::{Response, Url};
use tokio::sync::Semaphore;

use crate::jwks::fetch::MAX_SIZE;

use super::{FetchError, failed};

/// Bodies up to this size are read at once; any ordinary key set is one.
const SMALL: usize = 64 * 1024;
/// Most larger bodies that are read at a time. Who waits for a place loses it with its own
/// `timeout`.
static LARGE: Semaphore = Semaphore::const_new(4);

/// The length that the server announces can spare the reading, but is not relied on.
pub(super) async fn read(url: &Url, response: &mut Response) -> Result<Vec<u8>, FetchError> {
    let fits = |size: usize| size <= MAX_SIZE;
    let announced = response.content_length().map(usize::try_from);
    if announced.is_some_and(|size| !size.is_ok_and(fits)) {
        return Err(FetchError::TooLarge);
    }
    let mut body = Vec::new();
    let mut place = None;
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, error))? {
        if !fits(body.len().saturating_add(chunk.len())) {
            return Err(FetchError::TooLarge);
        }
        let room = body.capacity() - body.len();
        if room < chunk.len() {
            // No spare memory beyond this.
            body.reserve_exact(chunk.len().max(SMALL));
        }
        body.extend_from_slice(&chunk);
        if body.len() > SMALL && place.is_none() {
            place = LARGE.acquire().await.ok();
        }
    }
    body.shrink_to_fit();
    Ok(body)
}
