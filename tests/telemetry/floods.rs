//! Floods of strangers cost little log: a constant per window, and a hundredth of the bytes sent.
//!
//! Each flood has its own server. If the server closes a connection, the flood opens another.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use watchword::clock::Stopwatch;
use watchword_test_support::http2::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, SETTINGS, framed,
    header_block, literal,
};
use watchword_test_support::pki::Identity;

use crate::server::{Server, Settings, until};

/// Most bytes of log in each window of [`WINDOW`], start and stop included.
const PER_WINDOW: u64 = 16 * 1024;
const WINDOW: u64 = 10;
/// Bytes sent for each further byte of log.
const PER_BYTE: u64 = 100;
/// A flood ends at the first of these.
const BYTES: u64 = 2_000_000;
const TIME: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 2000;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The bytes to send: once per connection, and then repeatedly, with a number.
struct Flood {
    name: &'static str,
    opening: Vec<u8>,
    next: fn(u32) -> Vec<u8>,
}

/// The bytes sent, and the number of connections.
#[derive(Debug, Default)]
struct Sent {
    bytes: u64,
    connections: usize,
}

impl Flood {
    fn http2(name: &'static str, next: fn(u32) -> Vec<u8>) -> Self {
        let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        Self {
            name,
            opening,
            next,
        }
    }

    fn raw(name: &'static str, next: fn(u32) -> Vec<u8>) -> Self {
        Self {
            name,
            opening: Vec::new(),
            next,
        }
    }

    fn run(&self, address: SocketAddr) -> Sent {
        let (clock, mut sent) = (Stopwatch::start(), Sent::default());
        while sent.bytes < BYTES && sent.connections < CONNECTIONS && clock.elapsed() < TIME {
            sent.connections += 1;
            // The server ends it, or the flood is over.
            let _ = self.on_connection(address, &clock, &mut sent);
        }
        sent
    }

    fn on_connection(
        &self,
        address: SocketAddr,
        clock: &Stopwatch,
        sent: &mut Sent,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        let mut chunk = self.opening.clone();
        for number in 0.. {
            let next = (self.next)(number);
            let is_last = next.is_empty();
            chunk.extend(next);
            if is_last || chunk.len() > 8192 {
                send(&mut stream, &chunk, clock, sent)?;
                chunk.clear();
            }
            if is_last {
                break;
            }
            if sent.bytes >= BYTES || clock.elapsed() >= TIME {
                return until_read(stream);
            }
        }
        Ok(())
    }
}

/// Sends all bytes, and reads answers meanwhile, so that neither side waits for ever.
fn send(
    stream: &mut TcpStream,
    mut bytes: &[u8],
    clock: &Stopwatch,
    sent: &mut Sent,
) -> io::Result<()> {
    let mut received = [0; 16_384];
    while !bytes.is_empty() && clock.elapsed() < TIME {
        match stream.write(bytes) {
            Ok(written) => {
                sent.bytes += written as u64;
                bytes = &bytes[written..];
            }
            Err(error) if http2::is_timeout(&error) => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
        match stream.read(&mut received) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if !http2::is_timeout(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until the server has read all bytes, and closes.
fn until_read(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TIME))?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}

/// The number of a client's stream.
fn stream(number: u32) -> u32 {
    2 * number + 1
}

fn call(number: u32, path: &str, more: &[(&str, &str)], flags: u8) -> Vec<u8> {
    let block = header_block(path, more);
    frame(HEADERS, END_HEADERS | flags, stream(number), &block)
}

fn floods() -> Vec<Flood> {
    vec![
        Flood::http2("ping_acks", |_| frame(PING, ACK, 0, b"12345678")),
        Flood::http2("unknown_frames", |_| frame(0x42, 0xff, 0, b"12345678")),
        Flood::http2("settings_acks", |_| frame(SETTINGS, ACK, 0, &[])),
        Flood::http2("resets_of_idle_streams", |number| {
            frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8])
        }),
        Flood::http2("windows_of_closed_streams", |number| match number {
            0 => call(0, CHECK, &[], 0),
            1 => frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]),
            _ => frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]),
        }),
        Flood::http2("malformed_header_blocks", |number| {
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                stream(number),
                &[0xff; 9],
            )
        }),
        Flood::http2("malformed_headers", |number| {
            let block = [header_block(CHECK, &[]), literal(0, "X-Upper", "a")].concat();
            frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &block)
        }),
        Flood::http2("withdrawn_calls", |number| {
            let reset = frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8]);
            [call(number, CHECK, &[], 0), reset].concat()
        }),
        Flood::http2("continuations_of_nothing", |number| {
            frame(CONTINUATION, END_HEADERS, stream(number), &[])
        }),
        Flood::http2("unimplemented_methods", |number| {
            call(number, "/no.Such/Method", &[], END_STREAM)
        }),
        Flood::http2("undecodable_messages", |number| {
            let message = framed(0, b"\xff\xff\xff");
            let data = frame(DATA, END_STREAM, stream(number), &message);
            [call(number, CHECK, &[], 0), data].concat()
        }),
        Flood::http2("connection_headers", |number| {
            let more = [("connection", "close"), ("te", "gzip"), ("upgrade", "h2c")];
            call(number, CHECK, &more, END_STREAM)
        }),
        Flood::raw("bad_prefaces", |number| match number {
            0 => b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
            _ => Vec::new(),
        }),
        Flood::raw("garbage", |_| vec![0x55; 1024]),
        Flood::raw("empty_connections", |_| Vec::new()),
    ]
}

/// The same bytes to a listener with TLS, and some that resemble a handshake.
fn tls_floods() -> Vec<Flood> {
    vec![
        Flood::raw("tls_no_records", |_| vec![0x55; 1024]),
        Flood::raw("tls_empty_connections", |_| Vec::new()),
        Flood::raw("tls_plain_preface", |number| match number {
            0 => PREFACE.to_vec(),
            _ => Vec::new(),
        }),
        Flood::raw("tls_bad_hello", |number| match number {
            0 => [&[22, 3, 1, 0, 40, 1, 0, 0, 36, 3, 3][..], &[0xff; 34]].concat(),
            _ => Vec::new(),
        }),
        Flood::raw("tls_alerts", |_| vec![21, 3, 3, 0, 2, 1, 10]),
        Flood::raw("tls_early_data", |_| vec![23, 3, 3, 0, 2, 1, 10]),
    ]
}

/// Sends a flood to a new server, and returns its log after it has answered and stopped.
fn costs_little(flood: &Flood, grpc: &str, to_health: bool) -> String {
    let listener = if to_health { "health" } else { "grpc" };
    let name = format!("flood_{}_{listener}", flood.name);
    let clock = Stopwatch::start();
    let settings = Settings {
        grpc,
        ..Settings::default()
    };
    let server = Server::start(&name, &settings);
    let address = if to_health {
        server.health
    } else {
        server.grpc
    };
    let sent = flood.run(address);
    let mut health = http2::Connection::open(server.health, &[]);
    let settled = health.read_until(TIME, |connection| !connection.settings.is_empty());
    assert!(settled, "{name}: it does not answer any more");
    let log = server.stop();
    let (windows, written) = (1 + clock.elapsed().as_secs() / WINDOW, log.len() as u64);
    let bound = PER_WINDOW * windows + sent.bytes / PER_BYTE;
    assert!(sent.bytes > 0 || sent.connections > 100, "{name}: {sent:?}");
    assert!(
        written <= bound,
        "{name}: {written} bytes of log, at most {bound}, for {sent:?}:\n{log:.4000}"
    );
    log
}

#[test]
fn floods_of_the_grpc_listener_write_little_log() {
    for flood in floods() {
        let log = costs_little(&flood, "", false);
        if flood.name == "ping_acks" {
            let report = log.lines().find(|line| line.contains("\"suppressed\":"));
            let report = report.expect("suppressed lines are reported at the stop");
            assert!(report.contains("h2::proto::ping_pong"), "{report}");
        }
    }
}

#[test]
fn floods_of_the_health_listener_write_little_log() {
    for flood in floods() {
        costs_little(&flood, "", true);
    }
}

#[test]
fn floods_of_a_listener_with_tls_write_little_log() {
    let (certificate, key) = Identity::server().pem_files("floods");
    let tls = format!(
        ", tls: {{certificate: '{}', private_key: '{}'}}",
        certificate.display(),
        key.display()
    );
    for flood in tls_floods() {
        let log = costs_little(&flood, &tls, false);
        let warnings: Vec<_> = log
            .lines()
            .filter(|line| line.contains("TLS handshakes failed"))
            .collect();
        match flood.name {
            "tls_plain_preface" => {
                let first = warnings.first().expect("a warning");
                for part in ["\"WARN\"", "\"count\":1,", "127.0.0.1:", "uses no TLS"] {
                    assert!(first.contains(part), "no {part} in {first}");
                }
            }
            // Probes make such connections.
            "tls_empty_connections" => assert!(warnings.is_empty(), "{warnings:?}"),
            _ => assert!(!warnings.is_empty(), "{log}"),
        }
        assert!(warnings.len() < 4, "one a minute: {warnings:?}");
    }
}

#[test]
fn a_flood_of_refused_callers_writes_one_warning_a_minute() {
    let secret = format!("{}/callers_secret", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&secret, "a-secret-of-enough-bytes").unwrap();
    let callers = format!(", callers: {{check: {{secret_file: '{secret}'}}}}");
    let flood = Flood::http2("refused_callers", |number| {
        call(number, CHECK, &[], END_STREAM)
    });
    let log = costs_little(&flood, &callers, false);
    let warnings = log
        .lines()
        .filter(|line| line.contains("callers were refused"));
    let warnings: Vec<_> = warnings.collect();
    assert!((1..4).contains(&warnings.len()), "{warnings:?}");
    for part in ["\"WARN\"", "\"check\"", "127.0.0.1:", "showed no secret"] {
        assert!(warnings[0].contains(part), "no {part} in {}", warnings[0]);
    }
}

#[test]
fn a_flood_that_has_ended_is_reported_by_a_server_that_runs() {
    let server = Server::start("flood_reported", &Settings::default());
    let floods = floods();
    let acks = floods.iter().find(|flood| flood.name == "ping_acks");
    acks.unwrap().run(server.grpc);
    until("a report", || {
        let lines = server.lines();
        lines.into_iter().find(|line| line["suppressed"].is_u64())
    });
    assert!(server.metric("watchword_log_lines_suppressed_total") > 0);
}
