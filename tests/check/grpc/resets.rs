//! Area `grpc`: streams that are given up as soon as they are opened (CVE-2023-44487), connections
//! that stay silent after a handshake, and many large messages at a time. Bounded, small forms.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use watchword_test_support::http2::{self, Connection, DATA, END_STREAM, RST_STREAM};
use watchword_test_support::pki::{self, Identity};

use super::super::call::Call;
use super::super::catalogue::Case;
use super::super::process::Process;
use super::super::settings::Settings;
use super::super::site::CHECK;
use super::super::tokens::corp;
use super::connections::token;

const WAIT: Duration = Duration::from_secs(60);
/// RFC 9113 §7.
const CANCEL: [u8; 4] = [0, 0, 0, 8];
const STREAMS: u32 = 5_000;

pub(super) fn streams_that_are_given_up_cost_little(case: &mut Case) {
    let process = Process::serve("grp-14", &Settings::of(corp()).operators());
    let call = Call::bearing(token());
    case.holds("an allow", process.ask(&call).is_allow());
    let before = memory(&process);
    let message = http2::framed(0, &call.encoded());
    for whole in [false, true] {
        for _ in 0..3 {
            let mut connection = Connection::open(process.address(), &[]);
            for number in 0..STREAMS {
                let stream = number * 2 + 1;
                connection.start(stream, CHECK, &[]);
                if whole {
                    connection.frame(DATA, END_STREAM, stream, &message);
                }
                connection.frame(RST_STREAM, 0, stream, &CANCEL);
                if connection.closed || connection.going_away {
                    break;
                }
                if number % 500 == 0 {
                    case.holds(
                        "another connection is served",
                        process.ask(&call).is_allow(),
                    );
                }
            }
            // A server that looks at each call before it is given up lets the connection go on.
            let next = STREAMS * 2 + 1;
            connection.start(next, CHECK, &[]);
            connection.frame(DATA, END_STREAM, next, &message);
            let over = connection.read_until(WAIT, |connection| {
                connection.going_away || connection.closed || connection.reply(next).is_over()
            });
            case.holds("its connection is ended, or goes on", over);
            case.holds(
                "another connection is served",
                process.ask(&call).is_allow(),
            );
        }
    }
    let nothing = "watchword_in_flight 0\n";
    case.holds(
        "nothing is left in flight",
        process.shows("/metrics", nothing),
    );
    let grown = memory(&process).saturating_sub(before);
    case.holds(&format!("memory grew by {grown} KiB"), grown < 64 * 1024);
}

/// Each connection sends the largest message that is accepted.
pub(super) fn many_large_messages_are_not_held(case: &mut Case) {
    let process = Process::serve("grp-04", &Settings::of(corp()).operators());
    let call = Call::bearing(token());
    case.holds("an allow", process.ask(&call).is_allow());
    let before = memory(&process);
    let large = http2::framed(0, &vec![0; 4 << 20]);
    let large = &large[..large.len() - 1];
    let address = process.address();
    let over = std::thread::scope(|scope| {
        let senders = [(); 48].map(|()| {
            scope.spawn(|| {
                let mut connection = Connection::open(address, &[]);
                connection.start(1, CHECK, &[]);
                connection.frame(DATA, 0, 1, large);
                connection.frame(DATA, END_STREAM, 1, &[0]);
                connection.read_until(WAIT, |connection| connection.reply(1).is_over());
                connection.reply(1).is_over() || connection.closed
            })
        });
        case.holds(
            "another connection is served",
            process.ask(&call).is_allow(),
        );
        senders.map(|sender| sender.join().expect("no panic"))
    });
    case.holds("each comes to an end", over.iter().all(|over| *over));
    case.holds(
        "another connection is served",
        process.ask(&call).is_allow(),
    );
    let grown = memory(&process).saturating_sub(before);
    // 32 of 4 MiB, and the spare capacity of growing buffers.
    case.holds(&format!("memory grew by {grown} KiB"), grown < 320 * 1024);
}

/// Those of plaintext are in `tests/listen/limits.rs`, and handshakes without end in
/// `tests/listen/tls.rs`.
pub(super) fn silence_after_a_handshake_is_ended(case: &mut Case) {
    let (certificate, key) = Identity::server().pem_files("grp-19");
    let (certificate, key) = (certificate.display(), key.display());
    // The server sends no ping before the client's preface, so only its age ends such a connection.
    let tls = format!(
        "max_connection_age: 1s, max_connection_age_grace: 1s, \
         tls: {{certificate: '{certificate}', private_key: '{key}'}}"
    );
    let process = Process::serve("grp-19-tls", &Settings::of(corp()).grpc(&tls));
    let mut config = pki::client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let mut silent = [(); 50].map(|()| {
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::clone(&config), name).expect("a client");
        let stream = TcpStream::connect(process.address()).expect("a connection");
        stream.set_read_timeout(Some(WAIT)).expect("a setting");
        let mut stream = StreamOwned::new(client, stream);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .expect("a handshake");
        }
        stream
    });
    let ended = silent.each_mut().map(|stream| {
        let mut received = [0; 1024];
        loop {
            match stream.read(&mut received) {
                // The settings of the server.
                Ok(1..) => {}
                Ok(0) => return true,
                Err(error) => return !http2::is_timeout(&error),
            }
        }
    });
    case.holds("each is ended", ended.iter().all(|ended| *ended));
}

/// The most memory that a process has had so far, in KiB.
fn memory(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
