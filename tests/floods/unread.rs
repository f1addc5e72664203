//! Answers that nobody reads.

use watchword_test_support::settings::good_token;

use crate::crowd::crowd;
use crate::frames::{Block, END_STREAM, INITIAL_WINDOW_SIZE, headers};
use crate::messages::{CHECK, check_of};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// No answer may be sent.
pub(crate) const NO_WINDOW: &[(u16, u32)] = &[(INITIAL_WINDOW_SIZE, 0)];

/// Answers to Check for which there is no window.
pub(crate) async fn checks(target: Target, connections: usize, reading: Reading) -> Held {
    let (message, calls) = (check_of(&good_token()), target.share(1024));
    crowd(
        &target,
        connections,
        reading,
        NO_WINDOW,
        move |mut connection| {
            let message = message.clone();
            async move {
                for _ in 0..calls {
                    connection.call(&Block::call(CHECK).0, &message).await?;
                    if connection.target().is_over() {
                        break;
                    }
                }
                Ok(connection)
            }
        },
    )
    .await
}

/// Answers that are trailers only, which no window holds back.
pub(crate) async fn trailers(target: Target, connections: usize, path: &'static str) -> Held {
    let calls = target.share(100_000);
    crowd(
        &target,
        connections,
        Reading::Nothing,
        &[],
        move |mut connection| async move {
            let block = Block::call(path);
            connection
                .write_many(calls, |next| {
                    let stream = *next;
                    *next += 2;
                    headers(stream, END_STREAM, &block.0)
                })
                .await?;
            Ok(connection)
        },
    )
    .await
}
