//! A name server for one headless Service. Like `CoreDNS` with its cache, it repeats an answer for
//! 30 seconds, even if the pods change. The TTL counts down.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// `ttl` of the plugin `kubernetes`, and `cache`, in the Corefile that Kubernetes ships.
pub(crate) const TTL: Duration = Duration::from_secs(30);

const A: [u8; 2] = [0, 1];
const NO_ERROR: u8 = 0;
const NO_SUCH_NAME: u8 = 3;

/// A server that ends when it is dropped.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    records: Arc<Mutex<Records>>,
    server: JoinHandle<()>,
}

struct Records {
    /// As in a question: each label after its length, and 0 at the end.
    name: Vec<u8>,
    /// The addresses in the `EndpointSlices`.
    pods: Vec<Ipv4Addr>,
    cached: Option<(Instant, Vec<Ipv4Addr>)>,
}

impl Dns {
    pub(crate) async fn start(name: &str, pods: &[Ipv4Addr]) -> Self {
        let labels = name.split('.').flat_map(|label| {
            let length = u8::try_from(label.len()).expect("a label");
            [&[length], label.as_bytes()].concat()
        });
        let records = Arc::new(Mutex::new(Records {
            name: labels.chain([0]).collect(),
            pods: pods.to_vec(),
            cached: None,
        }));
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let server = tokio::spawn(serve(socket, records.clone()));
        Self {
            address,
            records,
            server,
        }
    }

    /// Changes the pods. Answers stay the same until the cache has expired.
    pub(crate) fn set(&self, pods: &[Ipv4Addr]) {
        lock(&self.records).pods = pods.to_vec();
    }

    /// Looks up the pods, as if the cache had just expired.
    pub(crate) fn fill_cache(&self) {
        let mut records = lock(&self.records);
        records.cached = Some((Instant::now(), records.pods.clone()));
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(socket: UdpSocket, records: Arc<Mutex<Records>>) {
    let mut buffer = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let reply = lock(&records).reply(&buffer[..length]);
        if let Some(reply) = reply {
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

impl Records {
    /// RFC 1035 §4.1. `None` if the message is not a question.
    fn reply(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let (header, question) = message.split_at_checked(12)?;
        let name_length = question.iter().position(|byte| *byte == 0)? + 1;
        let question = question.get(..name_length + 4)?;
        let is_known = question[..name_length].eq_ignore_ascii_case(&self.name);
        // The name exists, but has no AAAA.
        let has_records = is_known && question[name_length..name_length + 2] == A;
        let answers = if has_records {
            self.answers()
        } else {
            Vec::new()
        };
        let code = if is_known { NO_ERROR } else { NO_SUCH_NAME };

        let count = u16::try_from(answers.len()).ok()?.to_be_bytes();
        let mut reply = header[..2].to_vec();
        // A response, authoritative; recursion desired and available.
        reply.extend([0x85, 0x80 | code, 0, 1, count[0], count[1], 0, 0, 0, 0]);
        reply.extend(question);
        for (address, ttl) in answers {
            // The name of the question, A, IN.
            reply.extend([0xc0, 12, 0, 1, 0, 1]);
            reply.extend(ttl.to_be_bytes());
            reply.extend([0, 4]);
            reply.extend(address.octets());
        }
        Some(reply)
    }

    /// The addresses, with the seconds until they expire.
    fn answers(&mut self) -> Vec<(Ipv4Addr, u32)> {
        let now = Instant::now();
        let is_fresh = |since: Instant| now.duration_since(since) < TTL;
        let (since, pods) = match self.cached.take() {
            Some((since, pods)) if is_fresh(since) => (since, pods),
            _ => (now, self.pods.clone()),
        };
        self.cached = Some((since, pods.clone()));
        let left = TTL.saturating_sub(now.duration_since(since)).as_secs();
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        pods.into_iter().map(|address| (address, left)).collect()
    }
}
