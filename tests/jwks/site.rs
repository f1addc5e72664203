//! Watchword as a whole, with a clock that stands still until a test moves it.

use std::path::Path;
use std::time::Duration;

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use watchword::app::{App, ServerEnvironment};
use watchword::clock::{Clock, Stopwatch};
use watchword::config::Config;
use watchword::jwks::SourceStatus;

use crate::call::{self, Answer, Client};
use crate::settings::{self, NOW};

/// Longest time that a test waits in real time for what takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Watchword.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    channel: Channel,
}

impl Site {
    /// With these issuers.
    pub(crate) async fn start(issuers: &[String]) -> Self {
        Self::start_at(NOW, "", issuers).await
    }

    /// At another time, with more settings at the top of the configuration.
    pub(crate) async fn start_at(now: i64, top: &str, issuers: &[String]) -> Self {
        let text = settings::configuration(top, issuers);
        let config = Config::parse(&text, Path::new("jwks.yaml"));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Clock::manual(now);
        // A fixed seed: the clock stands while a call waits for a key, and a retry that is due
        // within that wait would never come.
        let environment = ServerEnvironment {
            seed: 7,
            ..ServerEnvironment::from(clock.clone())
        };
        let app = App::start(config, environment).await.unwrap();
        let channel = connect(&app).await;
        Self {
            app,
            clock,
            channel,
        }
    }

    /// The connection that this site asks on.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.channel.clone())
    }

    /// A connection of its own, for more calls than one can carry.
    pub(crate) async fn new_client(&self) -> Client {
        Client::new(connect(&self.app).await)
    }

    /// The reason of the answer to a request with this token.
    pub(crate) async fn check(&self, token: &str) -> String {
        self.ask("/", token).await.reason
    }

    /// The answer to a request for this path with this token.
    pub(crate) async fn ask(&self, path: &str, token: &str) -> Answer {
        call::ask(self.client(), path, token).await
    }

    /// The health of the server as a whole.
    pub(crate) async fn health(&self) -> ServingStatus {
        let request = HealthCheckRequest::default();
        let answer = HealthClient::new(self.channel.clone()).check(request).await;
        answer.unwrap().into_inner().status()
    }

    /// The first source, which is the only one in most tests.
    pub(crate) fn source(&self) -> SourceStatus {
        self.sources().remove(0)
    }

    pub(crate) fn sources(&self) -> Vec<SourceStatus> {
        self.app.state().generation().sources().status()
    }

    /// The number of fetches of the first source that have ended.
    pub(crate) fn fetches(&self) -> u64 {
        ended(&self.source())
    }

    /// Waits until so many fetches of the first source have ended, and not one more.
    pub(crate) async fn fetched(&self, wanted: u64) {
        let what = format!("{wanted} fetches");
        eventually(&what, || self.fetches() >= wanted).await;
        assert_eq!(self.fetches(), wanted);
    }

    /// Lets time pass until the first source is fetched again. The fetch may not have begun yet.
    pub(crate) fn pass_to_next_fetch(&self) {
        self.clock.advance(self.source().next_fetch);
    }

    /// Lets time pass until the first source is fetched again, and waits for the end of that fetch.
    pub(crate) async fn next_fetch(&self) {
        let wanted = self.fetches() + 1;
        self.pass_to_next_fetch();
        self.fetched(wanted).await;
    }

    /// Lets time pass, and every fetch that becomes due meanwhile come to its end.
    pub(crate) async fn pass(&self, span: Duration) {
        let mut left = span;
        loop {
            let sources = self.sources();
            let next = sources.iter().map(|source| source.next_fetch).min();
            let Some(next) = next.filter(|next| *next <= left) else {
                break;
            };
            self.clock.advance(next);
            left -= next;
            for (index, before) in sources.iter().enumerate() {
                if before.next_fetch <= next {
                    let more = || ended(&self.sources()[index]) > ended(before);
                    eventually("a fetch that is due", more).await;
                }
            }
        }
        self.clock.advance(left);
    }
}

/// Waits until something holds; fails where it does not come to it.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = Stopwatch::start();
    while !holds() {
        assert!(waiting.elapsed() < PATIENCE, "waited for {what}");
        tokio::task::yield_now().await;
    }
}

fn ended(source: &SourceStatus) -> u64 {
    source.fetches.values().sum()
}

async fn connect(app: &App) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{}", app.address())).unwrap();
    endpoint.connect().await.unwrap()
}
