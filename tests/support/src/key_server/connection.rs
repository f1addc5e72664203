//! One connection, from its first byte to its end.

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::answer::{self, Ending};
use super::cues::Pace;
use super::record::Request;
use super::stage::Stage;
use super::transport::{self, Transport, Wire};

const NOT_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";

pub(super) async fn serve(mut tcp: TcpStream, stage: Arc<Stage>) {
    match stage.transport() {
        Transport::Plain if transport::begins_with_tls(&tcp).await => {
            stage.record.add(|events| events.failed_handshakes += 1);
            let _ = tcp.write_all(NOT_HTTP).await;
        }
        Transport::Plain => converse(tcp, &stage).await,
        Transport::Closed => {}
        Transport::Silent => transport::gone(&mut tcp).await,
        Transport::Tls11 => {
            let _ = transport::choose_tls11(tcp).await;
            stage.record.add(|events| events.failed_handshakes += 1);
        }
        Transport::Tls(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => converse(stream, &stage).await,
            Err(_) => stage.record.add(|events| events.failed_handshakes += 1),
        },
    }
}

async fn converse(mut wire: impl Wire, stage: &Stage) {
    while let Some(mut request) = Request::read(&mut wire).await {
        request.with_client_certificate = wire.has_client_certificate();
        let path = request.path.clone();
        // Before the test knows of the request, or the cue that it then gives would be missed.
        let mut pace = Pace::start(&stage.cues);
        stage.record.add(|events| events.requests.push(request));
        match answer::send(&mut wire, stage, &path, &mut pace).await {
            Ok(Ending::KeepAlive) => stage.record.add(|events| events.completed += 1),
            Ok(ending) => {
                end(wire, &ending).await;
                return stage.record.add(|events| events.completed += 1);
            }
            Err(_) => return stage.record.add(|events| events.abandoned += 1),
        }
    }
}

async fn end(mut wire: impl Wire, ending: &Ending) {
    match ending {
        // A client that has seen enough may have closed the connection.
        Ending::Orderly => drop(wire.shutdown().await),
        Ending::Reset => wire.tcp().set_zero_linger().unwrap(),
        Ending::Abrupt | Ending::KeepAlive => {}
    }
}
