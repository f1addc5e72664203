//! Key servers of a sequence.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use watchword::jwks::{Content, Fetch, FetchError, Fetched, FetchedSource, Validators};

use super::model::document;

/// The names of the sources, the last part of their URLs.
pub(super) const SOURCES: [&str; 2] = ["shared", "own"];
const LATENCY: Duration = Duration::from_millis(5);

/// The behaviour of a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    Good,
    Down,
    /// With a page.
    Html,
    /// With its keys among others that cannot be used.
    AmongBad,
    /// Not before the fetch times out.
    Silent,
    /// With no key.
    Empty,
}

impl Answers {
    pub(super) const ALL: [Self; 6] = [
        Self::Good,
        Self::Down,
        Self::Html,
        Self::AmongBad,
        Self::Silent,
        Self::Empty,
    ];
}

/// A key server, and what its fetches brought.
#[derive(Debug)]
pub(super) struct KeyServer {
    pub(super) answers: Answers,
    /// One bit for each key.
    pub(super) published: u8,
    pub(super) brought: Vec<(Instant, u8)>,
}

#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<[KeyServer; 2]>>);

impl Network {
    pub(super) fn new() -> Self {
        let servers = [(); 2].map(|()| KeyServer {
            answers: Answers::Good,
            published: 0b0011,
            brought: Vec::new(),
        });
        Self(Arc::new(Mutex::new(servers)))
    }

    pub(super) fn change(&self, source: usize, change: impl FnOnce(&mut KeyServer)) {
        change(&mut self.servers()[source]);
    }

    pub(super) fn brought(&self, source: usize) -> Vec<(Instant, u8)> {
        self.servers()[source].brought.clone()
    }

    fn servers(&self) -> MutexGuard<'_, [KeyServer; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, source: usize) -> Result<Vec<u8>, FetchError> {
        sleep(LATENCY).await;
        let (answers, keys) = {
            let server = &self.servers()[source];
            (server.answers, server.published)
        };
        let mut set = document(keys);
        match answers {
            Answers::Good => {}
            Answers::AmongBad => {
                let list = set["keys"].as_array_mut().expect("keys");
                list.insert(0, json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}));
                list.push(json!(7));
            }
            Answers::Down => return Err(FetchError::Abandoned),
            Answers::Html => return Ok(b"<html>".to_vec()),
            Answers::Empty => return Ok(br#"{"keys":[]}"#.to_vec()),
            Answers::Silent => std::future::pending().await,
        }
        self.change(source, |server| server.brought.push((Instant::now(), keys)));
        Ok(set.to_string().into_bytes())
    }
}

impl Fetch for Network {
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        _: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        let url = source.origin.to_string();
        let number = SOURCES.iter().position(|name| url.ends_with(name));
        let number = number.expect("a source of the configuration");
        Box::pin(async move {
            let documents = vec![self.answer(number).await?];
            let validators = Validators::default();
            Ok(Fetched {
                content: Content::Documents {
                    documents,
                    validators,
                },
                fresh_for: None,
            })
        })
    }
}
