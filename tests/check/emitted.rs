//! All output of the product while this binary runs, which [`SECRETS`] scans: log lines of level
//! `trace`, every decision in the decision log and as a span, admin pages, and the output of child
//! processes.
//!
//! It asserts nothing; `ops/leaks.rs` does.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{LazyLock, Mutex, Once};
use std::time::Duration;

use watchword::config::Config;
use watchword::telemetry::{Telemetry, log_subscriber};
use watchword_test_support::mint;
use watchword_test_support::otlp_collector::{Answer, Collector};
use watchword_test_support::secrets::{SECRETS, Sink};

use super::site::RUNTIME;
use super::tokens::CANARY;

pub(crate) const LOG: &str = "operational log";
pub(crate) const DECISIONS: &str = "decision log";
pub(crate) const SPANS: &str = "spans";
pub(crate) const PAGES: &str = "admin pages";
pub(crate) const PROBLEMS: &str = "problems of configurations";
pub(crate) const CHILDREN: &str = "child processes";
const PANICS: &str = "panics";
/// Longer than a page takes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Takes all spans.
static COLLECTOR: LazyLock<Collector> = LazyLock::new(|| {
    let _runtime = RUNTIME.enter();
    Collector::start_watched(Answer::But(0), None, |spans| SECRETS.scan(SPANS, spans))
});

/// Everything is logged, and each claim that is listed is hashed.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let port = COLLECTOR.port;
    let text = format!(
        "log: {{level: trace, decisions: {{policy: all, claims: [sub, canary, email, scope]}}}}\n\
         traces: {{otlp: {{endpoint: 'http://127.0.0.1:{port}'}}, sample_ratio: 1}}\n\
         issuers: {{a: {{issuer: a, audiences: [a], jwks: {{file: a.json}}}}}}"
    );
    Config::parse(&text, Path::new("emitted.yaml")).unwrap_or_else(|problems| panic!("{problems}"))
});

/// Registers secrets and scans output from here on. It must run before the first of either.
pub(crate) fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // Each fails only where it was done before.
        let _ = mint::WITNESS.set(|secret| SECRETS.register(secret));
        SECRETS.register(CANARY.as_bytes());
        let lines = log_subscriber(&CONFIG.log, || Sink(LOG), false);
        let _ = tracing::subscriber::set_global_default(lines);
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic
                .location()
                .is_some_and(|place| place.file().starts_with("src/"))
            {
                SECRETS.scan(PANICS, panic.to_string().as_bytes());
            }
            usual(panic);
        }));
    });
}

/// Telemetry that records every decision in full.
pub(crate) fn telemetry() -> Telemetry {
    begin();
    let _runtime = RUNTIME.enter();
    let config = &*CONFIG;
    let telemetry =
        Telemetry::start_with_output(&config.log, config.traces.as_ref(), || Ok(Sink(DECISIONS)));
    telemetry.expect("it starts")
}

/// The admin pages of a server. They are scanned when this is dropped.
#[derive(Debug)]
pub(crate) struct Pages(pub(crate) SocketAddr);

/// The servers that run.
static OPEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());

impl Pages {
    pub(crate) fn of(address: SocketAddr) -> Self {
        OPEN.lock().expect("a list").insert(address);
        Self(address)
    }

    /// One page, with its head; empty if the server has ended.
    pub(crate) fn get(&self, path: &str) -> String {
        page(self.0, path)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        OPEN.lock().expect("a list").remove(&self.0);
        look_at(self.0);
    }
}

/// Scans the pages of servers that still run.
pub(crate) fn look_at_open_pages() {
    let open = OPEN.lock().expect("a list").clone();
    open.into_iter().for_each(look_at);
}

fn look_at(address: SocketAddr) {
    for path in ["/metrics", "/readyz?verbose", "/jwks", "/jwks/keys"] {
        page(address, path);
    }
}

pub(crate) fn page(address: SocketAddr, path: &str) -> String {
    let get = || {
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok::<_, std::io::Error>(page)
    };
    // A caller that needs the page fails on an empty one.
    let page = get().unwrap_or_default();
    SECRETS.scan(PAGES, page.as_bytes());
    page
}
