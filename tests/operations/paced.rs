//! Load at a fixed rate, whatever the answers take: a new connection for each request, as from many
//! clients. Of eight requests, one has no token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use watchword_test_support::load::{Kind, Load, Tally, Tokens, ask_and_count};
use watchword_test_support::settings::{expired_token, good_token};

/// 40 requests a second.
const INTERVAL: Duration = Duration::from_millis(25);

/// Starts the load.
pub(crate) fn load(proxy: SocketAddr) -> Load {
    let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let mut clients = JoinSet::new();
    clients.spawn(ask_in_time(proxy, tally.clone(), stop.clone()));
    Load {
        tally,
        stop,
        clients,
    }
}

async fn ask_in_time(proxy: SocketAddr, tally: Arc<Tally>, stop: Arc<AtomicBool>) {
    let tokens = Tokens {
        good: good_token(),
        expired: expired_token(),
    };
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut requests = JoinSet::new();
    for number in 1.. {
        ticks.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let kind = if number % 8 == 0 {
            Kind::Missing
        } else {
            Kind::Good
        };
        let (tokens, tally) = (tokens.clone(), tally.clone());
        requests.spawn(async move {
            ask_and_count(kind, &tokens, &mut None, proxy, &tally).await;
        });
        while requests.try_join_next().is_some() {}
    }
    requests.join_all().await;
}
