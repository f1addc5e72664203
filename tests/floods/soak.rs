//! A long run: load through the real Envoy while all floods come in turn, keys rotate and stay
//! away, and configurations and certificates change.
//!
//! Not a part of the normal run; docs/testing.md has the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use watchword_test_support::load::{Load, Tally, Tokens};
use watchword_test_support::mint::Signer;
use watchword_test_support::settings::{SIGNER, Version, bad};

use crate::honest::{CALLERS, Honest};
use crate::memory;
use crate::site::{Answer, Keys};
use crate::table;
use crate::target::{Port, Target};
use crate::world::{World, ingress, key_set, tokens};
use crate::{RUNTIME, alone, files, say, selection};

/// Its length in minutes; 20 if it is not set.
const MINUTES: &str = "WATCHWORD_SOAK_MINUTES";
/// The longest time that a flood is sent, and how long its connections stay open then.
const SENDING: Duration = Duration::from_secs(6);
const HOLDING: Duration = Duration::from_secs(1);
/// Between two looks at memory.
const SAMPLING: Duration = Duration::from_secs(5);
/// Between two events.
const PAUSE: Duration = Duration::from_secs(2);
/// Most memory that the last quarter may have beyond the second, in percent, and beside that in
/// KiB.
const MAX_GROWTH: u64 = 10;
const SLACK: u64 = 4 * 1024;

#[test]
#[ignore = "takes 20 minutes"]
fn a_soak_loses_no_call_and_memory_stays_flat() {
    let _machine = alone();
    files::enough();
    let minutes = std::env::var(MINUTES).ok();
    let minutes: f64 = minutes.map_or(20.0, |text| text.parse().expect("a number of minutes"));
    RUNTIME.block_on(soak(Duration::from_secs_f64(minutes * 60.0)));
}

async fn soak(time: Duration) {
    let others = [Keys::Silent, Keys::Hostile(Answer::Arrays)];
    let world = Arc::new(World::start("soak", Version::One, &others).await);
    let proxy = world.proxy().await;
    let (current, shown) = watch::channel(tokens(&SIGNER));
    let load = Load::with_tokens(ingress(&proxy), &shown);
    world.until_answers(&load, 50).await;
    let honest = Honest::start(&world.addresses).await;

    let over = Arc::new(AtomicBool::new(false));
    let floods = tokio::spawn(flood_on(world.clone(), over.clone()));
    let events = Events::new(world.clone(), current).go_on(over.clone());
    let sampling = async {
        let samples = sample(&world, &load.tally, time).await;
        over.store(true, Ordering::Relaxed);
        samples
    };
    let (events, samples) = tokio::join!(events, sampling);
    let floods = floods.await.expect("floods end");
    let told = honest.stop().await;
    let tally = load.stop().await;

    let (right, wrong, lost) = tally.counts();
    let peak = memory::peak(world.server.id());
    say(format!(
        "soak of {time:?}: {floods} floods, {events:?}; through Envoy {right} calls right, \
         {wrong} wrong, {lost} lost; peak {} MiB",
        peak / 1024
    ));
    for (caller, told) in CALLERS.iter().zip(&told) {
        say(format!("beside it, {caller:?}: {told:?}"));
    }
    let quarter = samples.len() / 4;
    let before = average(&samples[quarter..2 * quarter]);
    let after = average(&samples[3 * quarter..]);
    say(format!(
        "RSS: {before} KiB in the second quarter, {after} KiB in the last"
    ));
    assert_eq!((wrong, lost), (0, 0), "{:#?}", tally.examples());
    assert!(
        after <= before + before * MAX_GROWTH / 100 + SLACK,
        "memory grows from {before} to {after} KiB"
    );
    if let Some(most) = selection::peak_of_limit() {
        assert!(peak <= most, "{peak} KiB of {most}");
    }
}

/// Floods in turn, on the listeners that each is for; how many.
async fn flood_on(world: Arc<World>, over: Arc<AtomicBool>) -> usize {
    let mut floods = 0;
    let all = table::all().flat_map(|flood| {
        let ports = flood.ports.iter().map(|port| match port {
            // The gRPC listener has TLS here.
            Port::Grpc | Port::Tls | Port::Unix => Port::Tls,
            Port::Health => Port::Health,
        });
        let mut ports: Vec<_> = ports.collect();
        ports.dedup();
        ports.into_iter().map(move |port| (flood, port))
    });
    let all: Vec<_> = all.collect();
    for (flood, port) in all.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let target = Target::new(&world.addresses, *port, 100, SENDING);
        let attack = tokio::spawn((flood.attack)(target));
        let stop = attack.abort_handle();
        let held = timeout(SENDING + Duration::from_secs(6), attack).await;
        sleep(HOLDING).await;
        stop.abort();
        drop(held);
        floods += 1;
    }
    floods
}

/// RSS in KiB over the time; prints a line a minute.
async fn sample(world: &World, tally: &Tally, time: Duration) -> Vec<u64> {
    let (start, mut samples, mut minute) = (Instant::now(), Vec::new(), 0);
    while start.elapsed() < time {
        sleep(SAMPLING).await;
        let resident = memory::resident(world.server.id());
        samples.push(resident);
        let now = start.elapsed().as_secs() / 60;
        if now > minute {
            minute = now;
            let peak = memory::peak(world.server.id());
            say(format!(
                "minute {minute}: RSS {resident} KiB, peak {peak} KiB, (right, wrong, lost) {:?}",
                tally.counts()
            ));
        }
    }
    samples
}

fn average(samples: &[u64]) -> u64 {
    let count = u64::try_from(samples.len()).expect("few samples");
    samples.iter().sum::<u64>() / count.max(1)
}

/// The events meanwhile.
struct Events {
    world: Arc<World>,
    current: watch::Sender<Tokens>,
    signers: Vec<Signer>,
    version: Version,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    rotations: usize,
    rotations_at_once: usize,
    reloads: usize,
    refused: usize,
    certificates: usize,
    outages: usize,
}

impl Events {
    fn new(world: Arc<World>, current: watch::Sender<Tokens>) -> Self {
        Self {
            world,
            current,
            signers: Vec::new(),
            version: Version::One,
            counts: Counts::default(),
        }
    }

    async fn go_on(mut self, over: Arc<AtomicBool>) -> Counts {
        for number in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            match number % 6 {
                0 => self.rotate().await,
                1 => self.reload(true, number).await,
                2 => self.renew_certificate().await,
                3 => self.rotate_at_once().await,
                4 => self.reload(false, number).await,
                _ => self.outage().await,
            }
            sleep(PAUSE).await;
        }
        self.counts
    }

    /// A new key is published, and used once the server has fetched it.
    async fn rotate(&mut self) {
        let signer = self.publish();
        self.world.key_server.requests_more(2).await;
        self.current.send_replace(tokens(&signer));
        self.counts.rotations += 1;
    }

    /// A new key is used as soon as it is published, when no cool-down runs.
    async fn rotate_at_once(&mut self) {
        loop {
            let fetches = self.world.key_server.requests();
            sleep(Duration::from_millis(1200)).await;
            if self.world.key_server.requests() == fetches {
                break;
            }
        }
        let signer = self.publish();
        self.current.send_replace(tokens(&signer));
        self.counts.rotations_at_once += 1;
    }

    /// The floods' key, the newest, and the one before, whose tokens are still on their way.
    fn publish(&mut self) -> Signer {
        let number = self.counts.rotations + self.counts.rotations_at_once;
        let signer = Signer::generate("ES256", &format!("soak-{number}"));
        self.signers.push(signer.clone());
        let newest = self.signers.iter().rev().take(2);
        let published: Vec<&Signer> = std::iter::once(&*SIGNER).chain(newest).collect();
        self.world.key_server.reply(key_set(&published));
        signer
    }

    async fn reload(&mut self, is_good: bool, number: usize) {
        let server = &self.world.server;
        let before = server.reloads().await;
        if is_good {
            self.version = self.version.other();
        }
        let good = self.world.text(self.version);
        let text = if is_good {
            good
        } else {
            bad(&good, number / 6)
        };
        server.write("watchword.yaml", &text);
        let is_done = async || {
            let (accepted, refused) = server.reloads().await;
            if is_good {
                accepted > before.0
            } else {
                refused > before.1
            }
        };
        server.until("a reload", is_done).await;
        if is_good {
            self.counts.reloads += 1;
        } else {
            self.counts.refused += 1;
            // A certificate is taken into use with a good file only.
            server.write("watchword.yaml", &self.world.text(self.version));
        }
    }

    async fn renew_certificate(&mut self) {
        let certificate = self.world.server.renew_certificate();
        self.world.server.shows(&certificate).await;
        self.counts.certificates += 1;
    }

    /// The key server is away, for longer than its keys are fresh.
    async fn outage(&mut self) {
        self.world.key_server.down().await;
        sleep(Duration::from_secs(12)).await;
        self.world.key_server.up();
        self.world.key_server.requests_more(1).await;
        self.counts.outages += 1;
    }
}
