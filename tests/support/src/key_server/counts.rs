//! Counts of a key server's events, and waiting for a count. A wait fails its test when the count
//! is not reached within a minute.

use super::deadline::TIMEOUT;
use super::record::{Events, Request};
use super::{KeyServer, PATH};

impl KeyServer {
    /// Connections that were accepted.
    pub fn connections(&self) -> usize {
        self.count(Events::connections)
    }

    /// Waits for [`connections`](Self::connections).
    pub async fn connections_reach(&self, wanted: usize) {
        self.reaches(wanted, "connections", Events::connections)
            .await;
    }

    /// TLS handshakes that one of the sides broke off.
    pub fn failed_handshakes(&self) -> usize {
        self.count(Events::failed_handshakes)
    }

    /// Waits for [`failed_handshakes`](Self::failed_handshakes).
    pub async fn failed_handshakes_reach(&self, wanted: usize) {
        self.reaches(wanted, "failed handshakes", Events::failed_handshakes)
            .await;
    }

    /// Requests that came, at any path.
    pub fn requests(&self) -> usize {
        self.count(Events::requests)
    }

    /// Waits for [`requests`](Self::requests).
    pub async fn requests_reach(&self, wanted: usize) {
        self.reaches(wanted, "requests", Events::requests).await;
    }

    /// Waits for this number of further requests. If one client sends two in turn, the second shows
    /// that the client has the whole answer to the first, which had the current reply.
    pub async fn requests_more(&self, wanted: usize) {
        self.requests_reach(self.requests() + wanted).await;
    }

    /// Requests that came at one path.
    pub fn requests_at(&self, path: &str) -> usize {
        self.count(|events| events.requests_at(path))
    }

    /// Waits for [`requests_at`](Self::requests_at).
    pub async fn requests_at_reach(&self, path: &str, wanted: usize) {
        let what = format!("requests at {path}");
        self.reaches(wanted, &what, |events| events.requests_at(path))
            .await;
    }

    /// Requests whose reply was sent to its end, be it a good answer or a fault.
    pub fn completed(&self) -> usize {
        self.count(Events::completed)
    }

    /// Waits for [`completed`](Self::completed).
    pub async fn completed_reach(&self, wanted: usize) {
        self.reaches(wanted, "completed requests", Events::completed)
            .await;
    }

    /// Requests whose client left before the end of the reply.
    pub fn abandoned(&self) -> usize {
        self.count(Events::abandoned)
    }

    /// Waits for [`abandoned`](Self::abandoned).
    pub async fn abandoned_reach(&self, wanted: usize) {
        self.reaches(wanted, "abandoned requests", Events::abandoned)
            .await;
    }

    /// The requests in the order in which they came.
    pub fn recorded(&self) -> Vec<Request> {
        self.state.record.read(|events| events.requests.clone())
    }

    /// The latest request for the keys.
    pub fn last_request(&self) -> Request {
        let mut latest_first = self.recorded().into_iter().rev();
        latest_first.find(|request| request.path == PATH).unwrap()
    }

    fn count(&self, count: impl Fn(&Events) -> usize) -> usize {
        self.state.record.read(count)
    }

    async fn reaches(&self, wanted: usize, what: &str, count: impl Fn(&Events) -> usize) {
        let record = &self.state.record;
        record.reaches(TIMEOUT, wanted, what, count).await;
    }
}
