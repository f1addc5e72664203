//! Target `sequence`: what happens to a server, step by step: requests, answers of key servers,
//! clocks, reloads. A model says which requests may pass, and which must.
//!
//! The time is simulated. Of each source, the model knows which keys it brought and when. So a
//! request passes only if its key is among those of the last fetch, that fetch is not too old, the
//! token has not expired, and the configuration of the moment permits it.

mod model;
mod network;
mod server;

use std::time::Duration;

use tokio::runtime::Builder;

use super::input::Input;
use model::{KEYS, Kind, Token};
use network::Answers;
use server::TestServer;

/// The most steps of an input.
const STEPS: usize = 48;
const SPANS: [u64; 6] = [1, 9, 31, 61, 299, 3600];
/// Seconds from the start, on the calendar: the last is after all short tokens.
const CALENDAR: [i64; 6] = [0, -3600, 299, 329, 331, 86_400];

/// Steps of one to three bytes each.
pub fn sequence(data: &[u8]) -> bool {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut server = TestServer::start();
        let mut input = Input(data);
        for _ in 0..STEPS {
            if input.0.is_empty() {
                break;
            }
            step(&mut server, &mut input).await;
        }
        server.has_allowed
    })
}

async fn step(server: &mut TestServer, input: &mut Input<'_>) {
    match input.below(16) {
        0..=6 => {
            let token = Token {
                kind: Kind::ALL[input.below(Kind::ALL.len())],
                issuer: input.below(model::ISSUERS.len()),
                key: input.below(KEYS),
            };
            server.ask(token).await;
        }
        7 | 8 => {
            let source = input.below(2);
            let keys = input.byte() & ((1 << KEYS) - 1);
            server
                .network
                .change(source, |it| it.published = keys.max(1));
        }
        9 => {
            let source = input.below(2);
            let answers = Answers::ALL[input.below(Answers::ALL.len())];
            server.network.change(source, |it| it.answers = answers);
        }
        10 | 11 => {
            let span = SPANS[input.below(SPANS.len())];
            tokio::time::sleep(Duration::from_secs(span)).await;
        }
        12 => server.set_calendar(CALENDAR[input.below(CALENDAR.len())]),
        13 => server.refresh(),
        14 => server.reload(input.below(8)).await,
        _ => {
            // Unknown keys, as many as a flood has at once.
            let issuer = input.below(model::ISSUERS.len());
            for key in 0..KEYS {
                let kind = Kind::Strange;
                server.ask(Token { kind, issuer, key }).await;
            }
        }
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let ask = |kind: u8, issuer: u8, key: u8| [0, kind, issuer, key];
    let all_keys: Vec<u8> = (0..4).flat_map(|key| ask(0, 0, key)).collect();
    let of_c: Vec<u8> = (0..8).flat_map(|kind| ask(kind, 2, 1)).collect();
    vec![
        all_keys.clone(),
        of_c.clone(),
        // The keys are replaced, and the old ones asked for again.
        [&all_keys[..], &[7, 0, 12, 10, 3], &all_keys].concat(),
        // The server is down until the keys are too old.
        [&all_keys[..], &[9, 0, 1, 10, 4, 10, 4], &all_keys].concat(),
        // Reloads: encryption required, scopes demanded, an issuer removed.
        [
            &of_c[..],
            &[14, 1],
            &of_c,
            &[14, 6],
            &of_c,
            &all_keys,
            &[14, 0],
            &of_c,
        ]
        .concat(),
        // Short tokens, and the calendar.
        [
            &ask(1, 0, 0)[..],
            &[12, 4],
            &ask(1, 0, 0),
            &[12, 1],
            &ask(1, 0, 0),
        ]
        .concat(),
        [&[15, 0][..], &[8, 1, 15, 13], &of_c, &[15, 2, 11, 5], &of_c].concat(),
    ]
}
