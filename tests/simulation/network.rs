//! Key servers of the simulation: they answer as the schedule says, and keep a history for the
//! model.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::{Instant, sleep};
use watchword::jwks::{Content, Fetch, FetchError, Fetched, FetchedSource, Validators};

use crate::tokens::document;

/// The behaviour of a server.
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
    /// Never: the fetch times out.
    Silent,
    /// With 429 and `Retry-After`, in seconds.
    Busy(u64),
    /// With a connection error.
    Down,
}

/// A server and its history.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) mode: Mode,
    pub(crate) latency: Duration,
    pub(crate) fresh_for: Option<Duration>,
    /// True if it reads its keys when a fetch comes in, not when it answers.
    pub(crate) reads_early: bool,
    pub(crate) history: History,
    /// The keys and the mode of its last good answer.
    answered: Option<(Vec<usize>, Mode)>,
    /// The number of fetches that tokens caused, according to Watchword.
    asked: u64,
    /// True if an operator asked for a fetch since the last one.
    pub(crate) is_wished: bool,
    in_flight: usize,
}

/// The events at a server, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) fetches: Vec<FetchRecord>,
    /// The keys that it published, each from a moment on.
    pub(crate) published: Vec<(Instant, Vec<usize>)>,
    /// True while it answers well and in time, each from a moment on.
    pub(crate) is_good: Vec<(Instant, bool)>,
}

/// One fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchRecord {
    pub(crate) start: Instant,
    pub(crate) end: Option<Instant>,
    /// The keys that it brought, if it succeeded.
    pub(crate) keys: Option<Vec<usize>>,
    /// True if it brought another document than the last good one.
    pub(crate) changed: bool,
    /// True if a token caused it, or perhaps an operator.
    pub(crate) asked: bool,
    pub(crate) retry_after: Duration,
    pub(crate) latency: Duration,
}

/// All servers, by the path of their URL.
#[derive(Clone, Default)]
pub(crate) struct Network {
    servers: Arc<Mutex<BTreeMap<String, Server>>>,
    asked: Arc<OnceLock<Box<Asked>>>,
}

/// The number of fetches of a source that tokens caused so far.
type Asked = dyn Fn(&str) -> u64 + Send + Sync;

impl Network {
    pub(crate) fn add(&self, path: &str, published: Vec<usize>) {
        let server = Server {
            mode: Mode::Good,
            latency: Duration::from_millis(5),
            fresh_for: None,
            reads_early: false,
            history: History::default(),
            answered: None,
            asked: 0,
            is_wished: false,
            in_flight: 0,
        };
        let mut server = server;
        server.publish(published);
        server.history.is_good.push((Instant::now(), true));
        self.servers().insert(path.to_owned(), server);
    }

    pub(crate) fn with<R>(&self, path: &str, work: impl FnOnce(&mut Server) -> R) -> R {
        work(self.servers().get_mut(path).unwrap())
    }

    /// Distinguishes the fetches that tokens cause.
    pub(crate) fn watch(&self, asked: Box<Asked>) {
        assert!(self.asked.set(asked).is_ok(), "watched already");
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Server>> {
        self.servers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Server {
    pub(crate) fn publish(&mut self, keys: Vec<usize>) {
        self.history.published.push((Instant::now(), keys));
    }

    pub(crate) fn answer(&mut self, mode: Mode, latency: Duration, timeout: Duration) {
        let is_good = mode.is_good() && latency < timeout;
        (self.mode, self.latency) = (mode, latency);
        self.history.is_good.push((Instant::now(), is_good));
    }

    pub(crate) fn published(&self) -> &[usize] {
        &self.history.published.last().unwrap().1
    }
}

impl Mode {
    fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::GoodAmongBad)
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
            let published = || self.with(&visit.path, |server| server.published().to_vec());
            let early = published();
            sleep(self.with(&visit.path, |server| server.latency)).await;
            let (mode, reads_early, fresh_for) = self.with(&visit.path, |server| {
                (server.mode, server.reads_early, server.fresh_for)
            });
            let keys = if reads_early { early } else { published() };
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
            if mode.is_good() {
                visit.brings(keys, mode);
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

/// A running fetch; its end is recorded even if it is dropped.
struct Visit<'a> {
    network: &'a Network,
    path: String,
    index: usize,
}

impl<'a> Visit<'a> {
    fn start(network: &'a Network, path: String) -> Self {
        let count = network.asked.get().map_or(0, |asked| asked(&path));
        let index = network.with(&path, |server| {
            let asked = count > server.asked || server.is_wished;
            (server.asked, server.is_wished) = (count, false);
            assert_eq!(server.in_flight, 0, "two fetches of one source at a time");
            server.in_flight += 1;
            server.history.fetches.push(FetchRecord {
                start: Instant::now(),
                end: None,
                keys: None,
                changed: false,
                asked,
                retry_after: Duration::ZERO,
                latency: server.latency,
            });
            server.history.fetches.len() - 1
        });
        Self {
            network,
            path,
            index,
        }
    }

    fn record(&self, change: impl FnOnce(&mut FetchRecord)) {
        self.network.with(&self.path, |server| {
            change(&mut server.history.fetches[self.index]);
        });
    }

    fn brings(&self, keys: Vec<usize>, mode: Mode) {
        let answer = Some((keys.clone(), mode));
        let changed = self.network.with(&self.path, |server| {
            let changed = server.answered != answer;
            server.answered = answer;
            changed
        });
        self.record(|record| (record.keys, record.changed) = (Some(keys), changed));
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
            server.history.fetches[self.index].end = Some(Instant::now());
        });
    }
}
