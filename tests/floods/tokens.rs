//! Good tokens that are worth much more once they are read, and are remembered.

use std::sync::Arc;

use serde_json::{Value, json};
use watchword_test_support::mint;
use watchword_test_support::settings::{SIGNER, now};

use crate::crowd::crowd;
use crate::frames::Block;
use crate::messages::{CHECK, VALIDATE, VALIDATE_BATCH, check_of, field, validate_of};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// The payload of the longest token that is looked at, before base64.
const LONG: usize = 11_800;

/// The values that fill a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Filler {
    Arrays,
    Objects,
    Members,
    EmptyTexts,
    Numbers,
    LongText,
}

impl Filler {
    fn text(self, bytes: usize) -> String {
        let list = |unit: &str| format!("[{}0]", unit.repeat(bytes / unit.len()));
        match self {
            Self::Arrays => list("[0],"),
            Self::Objects => list("{\"\":0},"),
            Self::EmptyTexts => list("\"\","),
            Self::Numbers => list("0,"),
            Self::LongText => format!("\"{}\"", "s".repeat(bytes)),
            Self::Members => {
                let members = (0..bytes / 9).map(|number| format!("\"{number:04x}\":0"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// A good token with a filler of so many bytes; each number makes another one.
fn token(filler: &str, number: usize) -> String {
    let mut claims = mint::claims(now());
    claims["exp"] = json!(now() + 3600);
    claims["jti"] = json!(number.to_string());
    claims["x"] = json!("FILLER");
    let payload = claims.to_string().replace("\"FILLER\"", filler);
    SIGNER.sign_text(&SIGNER.header().to_string(), payload.as_bytes())
}

/// Distinct tokens, each in a Check of its own.
pub(crate) async fn checked(target: Target, filler: Filler, tokens: usize, bytes: usize) -> Held {
    asked(target, filler, tokens, bytes, CHECK, check_of).await
}

/// Distinct tokens, each in a Validate of its own, whose answer holds its claims.
pub(crate) async fn validated(target: Target, filler: Filler, tokens: usize) -> Held {
    asked(target, filler, tokens, LONG, VALIDATE, validate_of).await
}

async fn asked(
    target: Target,
    filler: Filler,
    tokens: usize,
    bytes: usize,
    path: &'static str,
    message: fn(&str) -> Vec<u8>,
) -> Held {
    let (filler, tokens) = (filler.text(bytes.min(LONG)), target.share(tokens));
    let make = move || {
        let messages = (0..tokens).map(|number| message(&token(&filler, number)));
        messages.collect::<Vec<_>>()
    };
    let messages = tokio::task::spawn_blocking(make).await.unwrap_or_default();
    let messages = Arc::new(messages);
    crowd(&target, 1, Reading::All, &[], move |mut connection| {
        let messages = messages.clone();
        async move {
            let block = Block::call(path);
            for message in messages.iter() {
                connection.call(&block.0, message).await?;
                if connection.target().is_over() {
                    break;
                }
            }
            let _ = connection.settle().await;
            Ok(connection)
        }
    })
    .await
}

/// A good token with 300 roles, as issuers make them.
pub(crate) fn with_roles() -> String {
    let mut claims = mint::claims(now());
    claims["exp"] = json!(now() + 3600);
    let roles = (0..300).map(|number| format!("role-{number:03}"));
    claims["roles"] = roles.collect::<Value>();
    SIGNER.sign(&claims)
}

/// `ValidateBatch` of 100 such tokens, whose answers are not read.
pub(crate) async fn unread_batches(
    target: Target,
    connections: usize,
    calls: usize,
    reading: Reading,
    ours: &'static [(u16, u32)],
) -> Held {
    let message = field(1, &validate_of(&with_roles())).repeat(100);
    let size = target.share(connections);
    crowd(&target, size, reading, ours, move |mut connection| {
        let message = message.clone();
        async move {
            let block = Block::call(VALIDATE_BATCH);
            for _ in 0..calls {
                connection.call(&block.0, &message).await?;
                if connection.target().is_over() {
                    break;
                }
            }
            Ok(connection)
        }
    })
    .await
}
