//! Key servers of the simulation: they answer as the schedule says, and keep a history for the model.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::{Instant, sleep};
use watchword::jwks::{Content, Fetch, FetchError, Fetched, FetchedSource, Validators};

use crate::tokens::document;

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With the keys that it publishes.
    Good,
    /// With its keys among garbage.
    GoodAmongBad,
    /// With an empty set.
    Empty,
    /// With a web page.
    Html,
    /// Not at all, until the fetch is given up.
    Silent,
    /// With 429 and `Retry-After`, in seconds.
    Busy(u64),
    /// With an error of the connection.
    Down,
}

/// A server, with what happened at it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) mode: Mode,
    pub(crate) latency: Duration,
    pub(crate) fresh_for: Option<Duration>,
    pub(crate) published: Vec<usize>,
    pub(crate) fetches: Vec<FetchRecord>,
    in_flight: usize,
}

/// One fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchRecord {
    pub(crate) start: Instant,
    pub(crate) end: Option<Instant>,
    /// The keys that it brought, where it was good.
    pub(crate) keys: Option<Vec<usize>>,
    pub(crate) retry_after: Duration,
    pub(crate) latency: Duration,
}

/// All servers, by the path of their URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network(Arc<Mutex<BTreeMap<String, Server>>>);

impl Network {
    pub(crate) fn add(&self, path: &str, published: Vec<usize>) {
        let server = Server {
            mode: Mode::Good,
            latency: Duration::from_millis(5),
            fresh_for: None,
            published,
            fetches: Vec::new(),
            in_flight: 0,
        };
        self.servers().insert(path.to_owned(), server);
    }

    pub(crate) fn with<R>(&self, path: &str, work: impl FnOnce(&mut Server) -> R) -> R {
        work(self.servers().get_mut(path).unwrap())
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Server>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Fetch for Network {
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        let path = source.origin.to_string();
        let path = path.rsplit('/').next().unwrap().to_owned();
        Box::pin(async move {
            let visit = Visit::start(self, path);
            sleep(self.with(&visit.path, |server| server.latency)).await;
            let (mode, keys, fresh_for) = self.with(&visit.path, |server| {
                (server.mode, server.published.clone(), server.fresh_for)
            });
            let documents = match mode {
                Mode::Good if known == Some(&validators(&keys, mode)) => Vec::new(),
                Mode::Good => document(&keys),
                Mode::GoodAmongBad => among_bad(&keys),
                Mode::Empty => br#"{"keys":[]}"#.to_vec(),
                Mode::Html => b"<html>sign in</html>".to_vec(),
                Mode::Silent => std::future::pending().await,
                Mode::Down => return Err(FetchError::Abandoned),
                Mode::Busy(seconds) => return Err(visit.busy(seconds)),
            };
            let validators = validators(&keys, mode);
            if matches!(mode, Mode::Good | Mode::GoodAmongBad) && !keys.is_empty() {
                visit.record(|record| record.keys = Some(keys));
            }
            let content = if known == Some(&validators) {
                Content::NotModified
            } else {
                let documents = vec![documents];
                Content::Documents {
                    documents,
                    validators,
                }
            };
            Ok(Fetched { content, fresh_for })
        })
    }
}

fn validators(keys: &[usize], mode: Mode) -> Validators {
    let etag = HeaderValue::from_str(&format!("\"{keys:?}{mode:?}\"")).unwrap();
    Validators {
        etag: Some(etag),
        ..Validators::default()
    }
}

fn among_bad(keys: &[usize]) -> Vec<u8> {
    let mut set: serde_json::Value = serde_json::from_slice(&document(keys)).unwrap();
    let list = set["keys"].as_array_mut().unwrap();
    list.insert(0, serde_json::json!({"kty": "RSA", "n": "AQAB", "e": 7}));
    list.push(serde_json::json!("not a key"));
    set.to_string().into_bytes()
}

/// A fetch under way; its end is noted even where it is given up.
struct Visit<'a> {
    network: &'a Network,
    path: String,
    index: usize,
}

impl<'a> Visit<'a> {
    fn start(network: &'a Network, path: String) -> Self {
        let index = network.with(&path, |server| {
            assert_eq!(server.in_flight, 0, "two fetches of one source at a time");
            server.in_flight += 1;
            server.fetches.push(FetchRecord {
                start: Instant::now(),
                end: None,
                keys: None,
                retry_after: Duration::ZERO,
                latency: server.latency,
            });
            server.fetches.len() - 1
        });
        Self {
            network,
            path,
            index,
        }
    }

    fn record(&self, change: impl FnOnce(&mut FetchRecord)) {
        self.network
            .with(&self.path, |server| change(&mut server.fetches[self.index]));
    }

    fn busy(&self, seconds: u64) -> FetchError {
        let retry_after = Duration::from_secs(seconds);
        self.record(|record| record.retry_after = retry_after);
        FetchError::Status {
            url: "https://keys.example/".parse().unwrap(),
            status: reqwest::StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(retry_after),
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.network.with(&self.path, |server| {
            server.in_flight -= 1;
            server.fetches[self.index].end = Some(Instant::now());
        });
    }
}
