//! Runs floods, each on a fresh server with honest callers beside it, and prints what came of them.

use std::fmt;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::honest::{Honest, Told};
use crate::memory;
use crate::say;
use crate::site::Site;
use crate::table::Flood;
use crate::target::{Port, Sent, Target};

/// The longest time that a flood is sent.
const SENDING: Duration = Duration::from_secs(8);
/// The time for which its connections stay open after that.
const HOLDING: Duration = Duration::from_secs(1);

/// The effects of a flood.
pub(crate) struct Row {
    name: &'static str,
    port: Port,
    sent: Sent,
    /// KiB
    rest: u64,
    pub(crate) peak: u64,
    after: u64,
    told: Vec<Told>,
}

/// The bounds that no flood may exceed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Of all memory, in KiB; `None`: of what is gained.
    pub(crate) peak: Option<u64>,
    pub(crate) gain: u64,
    pub(crate) latency: Duration,
}

/// Sends a flood, of which `share` percent, to a fresh server.
pub(crate) async fn run(flood: &Flood, port: Port, number: usize, share: usize) -> Row {
    let main = if port == Port::Health {
        Port::Grpc
    } else {
        port
    };
    let site = Site::start(&number.to_string(), main, flood.keys).await;
    let process = site.server.id();
    let rest = memory::resident(process);
    let honest = Honest::start(&site.addresses).await;
    site.go_wrong();
    let target = Target::new(&site.addresses, port, share, SENDING);
    let attack = (flood.attack)(target.clone());
    // What is stuck is as good as sent.
    let held = timeout(SENDING + Duration::from_secs(6), tokio::spawn(attack)).await;
    sleep(HOLDING).await;
    let told = honest.stop().await;
    let peak = memory::peak(process);
    drop(held);
    let mut sent = target.sent();
    sent.bytes += site.fetched();
    let row = Row {
        name: flood.name,
        port,
        sent,
        rest,
        peak,
        after: memory::resident(process),
        told,
    };
    say(&row);
    row
}

impl Row {
    /// The bounds that it exceeds.
    pub(crate) fn problems(&self, bounds: Bounds) -> Vec<String> {
        let mut problems = Vec::new();
        let most = bounds.peak.unwrap_or(self.rest + bounds.gain);
        if self.peak == 0 || self.peak > most {
            problems.push(format!("{} MiB of {}", self.peak / 1024, most / 1024));
        }
        for (told, caller) in self.told.iter().zip(crate::honest::CALLERS) {
            if told.denied + told.lost > 0 {
                problems.push(format!("{caller:?}: {told:?}"));
            }
        }
        if self.told[0].worst > bounds.latency {
            problems.push(format!("an answer after {:?}", self.told[0].worst));
        }
        let name = format!("{} ({:?}): ", self.name, self.port);
        problems
            .iter()
            .map(|problem| format!("{name}{problem}"))
            .collect()
    }
}

pub(crate) const HEAD: &str = "flood                                              port   \
     sent MiB  conns failed rest peak after MiB |   check denied lost worst ms | \
     lost/worst ms of health, its listener, both on new connections, readyz";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [check, others @ ..] = &self.told[..] else {
            return Ok(());
        };
        write!(
            f,
            "{:50} {:6} {:8.2} {:6} {:6} {:4} {:4} {:5}     | {:7} {:6} {:4} {:8} |",
            self.name,
            format!("{:?}", self.port),
            self.sent.bytes as f64 / 1024.0 / 1024.0,
            self.sent.connections,
            self.sent.failed,
            self.rest / 1024,
            self.peak / 1024,
            self.after / 1024,
            check.calls,
            check.denied,
            check.lost,
            check.worst.as_millis()
        )?;
        for told in others {
            write!(f, " {}/{}", told.lost + told.denied, told.worst.as_millis())?;
        }
        let examples = self.told.iter().filter_map(|told| told.example.as_ref());
        for example in examples.take(1) {
            write!(f, "  ({example})")?;
        }
        Ok(())
    }
}
