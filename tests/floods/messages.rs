//! Messages of up to 4 MiB that are worth much more once they are decoded.

use std::time::Duration;

use crate::crowd::crowd;
use crate::frames::{Block, framed, headers};
use crate::target::{Held, Target};
use crate::windows::Reading;

pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
pub(crate) const VALIDATE: &str = "/watchword.v1.TokenValidation/Validate";
pub(crate) const VALIDATE_BATCH: &str = "/watchword.v1.TokenValidation/ValidateBatch";

/// The largest message, less what is around the lists in it.
const LARGE: usize = 4 * 1024 * 1024 - 64;

/// A field of bytes (a text, a message).
pub(crate) fn field(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = payload.len();
    while length >= 128 {
        field.push((length % 128) as u8 | 128);
        length /= 128;
    }
    field.push(length as u8);
    field.extend_from_slice(payload);
    field
}

/// A `CheckRequest` with these fields in its `HttpRequest`.
pub(crate) fn check(http: &[u8]) -> Vec<u8> {
    field(1, &field(4, &field(2, &[&usual(), http].concat())))
}

/// A `CheckRequest` with this token.
pub(crate) fn check_of(token: &str) -> Vec<u8> {
    let value = format!("Bearer {token}");
    let entry = [field(1, b"authorization"), field(2, value.as_bytes())].concat();
    check(&field(3, &entry))
}

/// A `ValidateRequest` with this token.
pub(crate) fn validate_of(token: &str) -> Vec<u8> {
    field(1, token.as_bytes())
}

fn usual() -> Vec<u8> {
    [
        field(2, b"GET"),
        field(4, b"/orders"),
        field(5, b"shop.example"),
    ]
    .concat()
}

/// So many bytes of one thing again and again.
fn repeated(unit: &[u8], bytes: usize) -> Vec<u8> {
    unit.repeat(bytes / unit.len())
}

/// A message of almost 4 MiB, and where it is sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bomb {
    Headers,
    HeaderMap,
    ContextExtensions,
    Attributes,
    UnknownFields,
    UnknownGroups,
    ValidateHeaders,
    ValidateContext,
    ValidateScopes,
    /// 100 requests of 40 KiB of empty headers each.
    BatchOfHeaders,
    /// Two million empty requests.
    BatchOfNothing,
    /// One long header.
    Plain,
}

impl Bomb {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::ValidateHeaders | Self::ValidateContext | Self::ValidateScopes => VALIDATE,
            Self::BatchOfHeaders | Self::BatchOfNothing => VALIDATE_BATCH,
            _ => CHECK,
        }
    }

    pub(crate) fn message(self) -> Vec<u8> {
        match self {
            Self::Headers => check(&repeated(&field(3, &[]), LARGE)),
            Self::HeaderMap => check(&field(13, &repeated(&field(1, &[]), LARGE))),
            Self::ContextExtensions => {
                let attributes = [
                    field(4, &field(2, &usual())),
                    repeated(&field(10, &[]), LARGE),
                ];
                field(1, &attributes.concat())
            }
            Self::Attributes => repeated(&check(&field(3, &[])), LARGE),
            // Field 15, a number of one byte.
            Self::UnknownFields => check(&repeated(&[15 << 3, 0], LARGE)),
            // Begins and ends of groups of field 15.
            Self::UnknownGroups => check(&repeated(&[15 << 3 | 3, 15 << 3 | 4], LARGE)),
            Self::ValidateHeaders => field(2, &repeated(&field(5, &[]), LARGE)),
            Self::ValidateContext => field(2, &repeated(&field(4, &[]), LARGE)),
            Self::ValidateScopes => field(3, &repeated(&field(2, &[]), LARGE)),
            Self::BatchOfHeaders => {
                let request = field(2, &repeated(&field(5, &[]), LARGE / 100 - 16));
                repeated(&field(1, &request), LARGE)
            }
            Self::BatchOfNothing => repeated(&field(1, &[]), LARGE),
            Self::Plain => {
                let entry = [field(1, b"x-long"), field(2, &vec![b'v'; LARGE - 128])].concat();
                check(&field(3, &entry))
            }
        }
    }
}

/// So many of these messages at a time, each on a connection of its own, in so many rounds.
pub(crate) async fn bombs(target: Target, bomb: Bomb, connections: usize, rounds: usize) -> Held {
    let (message, block) = (bomb.message(), Block::call(bomb.path()));
    let size = target.share(connections);
    crowd(&target, size, Reading::All, &[], move |mut connection| {
        let (message, block) = (message.clone(), block.clone());
        async move {
            for _ in 0..rounds {
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

/// Messages that lack their last byte, so that all of them are held, and that then come to their
/// end together.
pub(crate) async fn all_at_once(target: Target, bomb: Bomb, connections: usize) -> Held {
    let (message, block) = (framed(&bomb.message()), Block::call(bomb.path()));
    let size = target.share(connections);
    let (together, _) = tokio::sync::watch::channel(0_usize);
    crowd(&target, size, Reading::All, &[], move |mut connection| {
        let (message, block, together) = (message.clone(), block.clone(), together.clone());
        async move {
            let stream = connection.next_stream();
            connection.write(&headers(stream, 0, &block.0)).await?;
            let (most, last) = message.split_at(message.len() - 1);
            connection.data(stream, most, false).await?;
            let mut others = together.subscribe();
            together.send_modify(|ready| *ready += 1);
            let all = others.wait_for(|ready| *ready >= size);
            // Those that the server refused never come.
            let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
            connection.data(stream, last, true).await?;
            Ok(connection)
        }
    })
    .await
}
