//! The end of connections over real sockets, to clients that still send.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{self, Instant};

use super::*;

/// More than the client's system takes before the client reads.
const ANSWERS: usize = 256 * 1024;

/// The client's half, which takes little at a time, and the server's.
async fn connected() -> (TcpStream, Lingering<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let client = socket.connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    (client.unwrap(), Lingering::new(accepted.unwrap().0))
}

/// The connection was closed at once, the system reset it, and answers that were on their way were
/// lost.
#[tokio::test]
async fn what_was_written_reaches_a_client_that_still_sends() {
    let (mut client, mut server) = connected().await;
    // Never read by whoever serves.
    client.write_all(&[0; 1000]).await.unwrap();
    let serving = tokio::spawn(async move {
        server.write_all(&vec![7; ANSWERS]).await.unwrap();
        server.shutdown().await.unwrap();
    });
    let (mut arrived, mut chunk) = (0, [0; 1024]);
    loop {
        match client.read(&mut chunk).await.unwrap() {
            0 => break,
            read => arrived += read,
        }
        client.write_all(&[0; 10]).await.unwrap();
    }
    assert_eq!(arrived, ANSWERS);
    assert!(!serving.is_finished(), "it waits for the client's end");
    drop(client);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_closes_is_left_in_the_end() {
    let (_client, mut server) = connected().await;
    time::pause();
    let started = Instant::now();
    server.shutdown().await.unwrap();
    let took = started.elapsed();
    assert!((MAX_LINGER..MAX_LINGER * 2).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_client_that_never_stops_sending_is_left_before() {
    let (mut client, mut server) = connected().await;
    let flood = tokio::spawn(async move { while client.write_all(&[0; 4096]).await.is_ok() {} });
    server.shutdown().await.unwrap();
    assert_eq!(server.end.take().unwrap().room, 0);
    drop(server);
    flood.await.unwrap();
}
