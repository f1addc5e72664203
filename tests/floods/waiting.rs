//! Calls that wait for keys which nobody has.

use watchword_test_support::mint;
use watchword_test_support::settings::now;

use crate::crowd::crowd;
use crate::frames::Block;
use crate::messages::{CHECK, check, field};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// The issuer whose key server is silent; see [`crate::site`].
pub(crate) const SLOW: &str = "https://slow.example";

/// Checks of so many bytes, whose tokens name keys that nobody has.
pub(crate) async fn unknown_keys(target: Target, connections: usize, bytes: usize) -> Held {
    let calls = target.share(1000);
    ask(target, connections, calls, bytes).await
}

/// One of them.
pub(crate) async fn unknown_keys_once(target: Target) -> Held {
    ask(target, 1, 1, 0).await
}

async fn ask(target: Target, connections: usize, calls: usize, bytes: usize) -> Held {
    crowd(
        &target,
        connections,
        Reading::All,
        &[],
        move |mut connection| async move {
            let filler = [field(1, b"x-long"), field(2, &vec![b'v'; bytes])].concat();
            for _ in 0..calls {
                let value = format!("Bearer {}", token());
                let entry = [field(1, b"authorization"), field(2, value.as_bytes())].concat();
                let message = check(&[field(3, &entry), field(3, &filler)].concat());
                connection.call(&Block::call(CHECK).0, &message).await?;
                if connection.target().is_over() {
                    break;
                }
            }
            let _ = connection.settle().await;
            Ok(connection)
        },
    )
    .await
}

/// Not from the mint, whose tokens are secrets: this one is worth nothing.
fn token() -> String {
    let mut claims = mint::claims(now());
    claims["iss"] = SLOW.into();
    let header = format!(r#"{{"alg":"ES256","kid":"{:032x}"}}"#, fastrand::u128(..));
    format!(
        "{}.{}.{}",
        mint::b64(header.as_bytes()),
        mint::b64(claims.to_string().as_bytes()),
        mint::b64(&[1; 64])
    )
}
