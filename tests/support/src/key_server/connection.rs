//! One connection, from its first byte to its end.

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::answer::{self, Ending};
use super::record::Request;
use super::signals::SignalReceiver;
use super::state::State;
use super::transport::{self, Transport, Wire};

const NOT_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";

pub(super) async fn serve(mut tcp: TcpStream, state: Arc<State>) {
    match state.transport() {
        Transport::Plain if transport::begins_with_tls(&tcp).await => {
            state.record.add(|events| events.failed_handshakes += 1);
            let _ = tcp.write_all(NOT_HTTP).await;
        }
        Transport::Plain => converse(tcp, &state).await,
        Transport::Closed => {}
        Transport::Silent => transport::gone(&mut tcp).await,
        Transport::Tls11 => {
            let _ = transport::choose_tls11(tcp).await;
            state.record.add(|events| events.failed_handshakes += 1);
        }
        Transport::Tls(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => converse(stream, &state).await,
            Err(_) => state.record.add(|events| events.failed_handshakes += 1),
        },
    }
}

async fn converse(mut wire: impl Wire, state: &State) {
    while let Some(mut request) = Request::read(&mut wire).await {
        request.with_client_certificate = wire.has_client_certificate();
        let path = request.path.clone();
        // Before the test knows of the request, or the signal that it then gives would be missed.
        let mut signals = SignalReceiver::start(&state.signals);
        state.record.add(|events| events.requests.push(request));
        match answer::send(&mut wire, state, &path, &mut signals).await {
            Ok(Ending::KeepAlive) => state.record.add(|events| events.completed += 1),
            Ok(ending) => {
                end(wire, &ending).await;
                return state.record.add(|events| events.completed += 1);
            }
            Err(_) => return state.record.add(|events| events.abandoned += 1),
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
