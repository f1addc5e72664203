//! Streams that go on for ever: health watches, and reflection.

use crate::crowd::crowd;
use crate::frames::{Block, DATA, END_STREAM, INITIAL_WINDOW_SIZE, frame, framed, headers};
use crate::messages::field;
use crate::target::{Held, Target};
use crate::windows::Reading;

const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// Calls on one connection, the server's limit.
const STREAMS: usize = 1024;

/// Watches of one service on so many connections.
pub(crate) async fn watches(target: Target, connections: usize, service: &'static str) -> Held {
    let request = framed(&field(1, service.as_bytes()));
    streams(target, connections, WATCH, vec![(request, END_STREAM)]).await
}

/// Reflection streams that ask once, or twice, and leave their answers unread.
pub(crate) async fn reflections(target: Target, connections: usize) -> Held {
    // list_services: an answer repeats its question, which is as long as it may be.
    let question = framed(&field(7, &[b'x'; 4_000]));
    let requests = vec![(question.clone(), 0), (question, 0)];
    streams(target, connections, REFLECTION, requests).await
}

/// Reflection streams that ask for the largest file.
pub(crate) async fn reflected_files(target: Target, connections: usize) -> Held {
    let question = framed(&field(4, b"envoy.service.auth.v3.Authorization"));
    let requests = vec![(question.clone(), 0), (question, 0)];
    streams(target, connections, REFLECTION, requests).await
}

/// Reflection streams that ask nothing.
pub(crate) async fn silent_reflections(target: Target, connections: usize) -> Held {
    streams(target, connections, REFLECTION, Vec::new()).await
}

async fn streams(
    target: Target,
    connections: usize,
    path: &'static str,
    requests: Vec<(Vec<u8>, u8)>,
) -> Held {
    const UNREAD: &[(u16, u32)] = &[(INITIAL_WINDOW_SIZE, 0)];
    let (count, size) = (target.share(STREAMS), connections);
    crowd(
        &target,
        size,
        Reading::NoWindow,
        UNREAD,
        move |mut connection| {
            let requests = requests.clone();
            async move {
                let block = Block::call(path);
                for _ in 0..count {
                    let stream = connection.next_stream();
                    connection.write(&headers(stream, 0, &block.0)).await?;
                    for (request, flags) in &requests {
                        if *flags == 0 {
                            connection.data(stream, request, false).await?;
                        } else {
                            let last = frame(DATA, *flags, stream, request);
                            connection.write(&last).await?;
                        }
                    }
                    if connection.target().is_over() {
                        break;
                    }
                }
                let _ = connection.settle().await;
                Ok(connection)
            }
        },
    )
    .await
}
