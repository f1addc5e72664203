//! Many hostile connections at a time.

use std::io;

use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::target::{Held, Target};
use crate::windows::Reading;

/// Most connections that a member of a crowd makes.
const TRIES: usize = 5;
/// Members of a crowd that are at work at a time.
const AT_ONCE: usize = 256;

/// Connections that do the same, side by side. Each connects again when the server ends it, a few
/// times.
pub(crate) async fn crowd<F, Attack>(
    target: &Target,
    size: usize,
    reading: Reading,
    ours: &'static [(u16, u32)],
    attack: F,
) -> Held
where
    F: Fn(Connection) -> Attack + Clone + Send + Sync + 'static,
    Attack: Future<Output = io::Result<Connection>> + Send + 'static,
{
    let (mut crowd, mut held) = (JoinSet::new(), Vec::new());
    for _ in 0..size {
        if crowd.len() >= AT_ONCE {
            held.extend(crowd.join_next().await.and_then(Result::ok).flatten());
        }
        if target.is_over() {
            break;
        }
        let (target, attack) = (target.clone(), attack.clone());
        crowd.spawn(async move {
            for _ in 0..TRIES {
                let opened = Connection::open(&target, reading, ours).await;
                if let Ok(connection) = opened
                    && let Ok(connection) = attack(connection).await
                {
                    return Some(connection);
                }
                target.note_failed();
                if target.is_over() {
                    break;
                }
            }
            None
        });
    }
    while let Some(connection) = crowd.join_next().await {
        held.extend(connection.ok().flatten());
    }
    Held::new(held)
}
