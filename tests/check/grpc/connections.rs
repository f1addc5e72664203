//! Area `grpc`: clients that keep what they got, or ask for more than the limits. Bounded, small
//! forms.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use watchword_test_support::http2::{
    self, CONTINUATION, Connection, DATA, END_HEADERS, END_STREAM, HEADERS,
};
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::outcome::Outcome;
use super::super::process::Process;
use super::super::settings::Settings;
use super::super::site::{self, CHECK, RUNTIME, Site};
use super::super::tokens::{RSA, corp};
use super::{MALFORMED, good, resets};

pub(crate) const ROWS: &[Row] = &[
    row!("GRP-14", stream_without_a_body_ends),
    row!("GRP-15", client_that_reads_nothing_holds_nobody_up),
    row!("GRP-18", header_bomb_is_refused),
    row!("GRP-19", connections_leave_nothing_behind),
    row!("GRP-20", accept_loop_outlives_its_errors),
];

const WAIT: Duration = Duration::from_secs(60);
/// `SETTINGS_MAX_CONCURRENT_STREAMS` and `SETTINGS_INITIAL_WINDOW_SIZE` (RFC 9113 §6.5.2).
const MAX_STREAMS: u16 = 3;
const WINDOW: u16 = 4;
/// RFC 9113 §7.
const REFUSED_STREAM: u32 = 7;

fn stream_without_a_body_ends(case: &mut Case) {
    let site = Site::start(&Settings::of(corp()));
    let mut connection = Connection::open(site.address(), &[]);
    case.holds(
        "settings arrive",
        connection.read_until(WAIT, |connection| !connection.settings.is_empty()),
    );
    let limit = connection.settings.get(&MAX_STREAMS).copied();
    case.holds(
        &format!("streams are limited to {limit:?}"),
        limit.is_some_and(|limit| limit <= 10_000),
    );
    let limit = limit.unwrap_or(100).min(10_000);
    let streams: Vec<u32> = (0..limit + 20).map(|number| number * 2 + 1).collect();
    for stream in &streams {
        connection.start(*stream, CHECK, &[]);
        if stream % 4 == 1 && *stream < limit {
            // Some have sent the first part of a message, and never the rest.
            connection.frame(
                DATA,
                0,
                *stream,
                &http2::framed(0, &Call::get("/orders").encoded())[..40],
            );
        }
    }
    let refused = |connection: &Connection| {
        connection
            .replies
            .values()
            .filter(|reply| reply.reset == Some(REFUSED_STREAM))
            .count()
    };
    case.holds(
        "streams over the limit are refused",
        connection.read_until(WAIT, |connection| refused(connection) >= 20),
    );
    case.allows(&site, "others are served meanwhile", &good());
    let over = |connection: &Connection| {
        connection
            .replies
            .values()
            .filter(|reply| reply.is_over())
            .count()
    };

    let all = connection.read_until(WAIT, |connection| over(connection) == streams.len());
    case.holds(
        &format!("{} of {} streams end", over(&connection), streams.len()),
        all,
    );
    let answered = connection
        .replies
        .values()
        .find_map(|reply| reply.message().map(Bytes::copy_from_slice));
    if let Some(message) = answered {
        let outcome = Outcome::of(Ok(message));
        case.judge(
            "the answer to a call that never came",
            &site,
            &Call::get(""),
            &outcome,
            MALFORMED,
        );
    }
    resets::streams_that_are_given_up_cost_little(case);
}

fn client_that_reads_nothing_holds_nobody_up(case: &mut Case) {
    let settings = Settings::of(corp()).server("shutdown_timeout: 5s");
    let site = Site::start(&settings.grpc("keepalive_interval: 5s, keepalive_timeout: 2s"));
    let mut deaf = Connection::open(site.address(), &[(WINDOW, 0)]);
    deaf.answers_pings = false;
    for number in 0..500 {
        let stream = number * 2 + 1;
        deaf.start(stream, CHECK, &[]);
        deaf.frame(
            DATA,
            END_STREAM,
            stream,
            &http2::framed(0, &good().encoded()),
        );
    }
    for _ in 0..20 {
        case.allows(&site, "others are served", &good());
    }
    let closed = deaf.read_until(WAIT, |deaf| deaf.closed);
    case.holds("its connection is closed in the end", closed);
    case.holds(
        "nothing was pushed at it",
        deaf.replies.values().all(|reply| reply.data.is_empty()),
    );
    case.holds("it does not hold up the end", RUNTIME.block_on(site.stop()));
}

/// A block that is small on the wire: one long field put into the table, and then ten thousand
/// references to it.
fn header_bomb_is_refused(case: &mut Case) {
    let site = Site::start(&Settings::of(corp()));
    let message = http2::framed(0, &good().encoded());
    let mut block = http2::header_block(CHECK, &[]);
    block.extend(http2::literal(0x40, "x-bomb", &"x".repeat(3_000)));
    // Index 62 is the newest entry of the dynamic table (RFC 7541 §2.3.3, §6.1).
    block.extend(vec![0x80 | 0x3e; 10_000]);
    let mut connection = Connection::open(site.address(), &[]);
    connection.frame(HEADERS, END_HEADERS, 1, &block);
    connection.frame(DATA, END_STREAM, 1, &message);
    refused(case, "references to one field", &mut connection);
    case.allows(&site, "others are served", &good());

    let mut connection = Connection::open(site.address(), &[]);
    connection.frame(HEADERS, 0, 1, &http2::header_block(CHECK, &[]));
    for number in 0..2_000 {
        let field = http2::literal(0, &format!("x-{number}"), &"x".repeat(8_000));
        connection.frame(CONTINUATION, 0, 1, &field);
        if connection.closed {
            break;
        }
    }
    connection.frame(CONTINUATION, END_HEADERS, 1, &[]);
    connection.frame(DATA, END_STREAM, 1, &message);
    refused(case, "fields without end", &mut connection);
    case.allows(&site, "others are served", &good());

    let mut connection = Connection::open(site.address(), &[]);
    let reply = connection.call(
        1,
        CHECK,
        &[("x-long", &"x".repeat(14_000))],
        &good().encoded(),
        WAIT,
    );
    case.holds(
        "a long field within the limit is answered",
        reply.message().is_some(),
    );

    // Tracers copy the client's `tracestate` into the call, and Envoy takes 60 KiB of it: an error
    // here would be an open door under `failure_mode_allow`.
    let mut connection = Connection::open(site.address(), &[]);
    connection.frame(HEADERS, 0, 1, &http2::header_block(CHECK, &[]));
    for _ in 0..10 {
        let field = http2::literal(0, "tracestate", &"x".repeat(8_000));
        connection.frame(CONTINUATION, 0, 1, &field);
    }
    connection.frame(CONTINUATION, END_HEADERS, 1, &[]);
    connection.frame(DATA, END_STREAM, 1, &message);
    connection.read_until(WAIT, |connection| connection.reply(1).is_over());
    case.holds(
        "what a client can put into the metadata is answered",
        connection.reply(1).message().is_some(),
    );
}

/// A stream error, a connection error, or an answer without a message: not an allow.
fn refused(case: &mut Case, what: &str, connection: &mut Connection) {
    connection.read_until(WAIT, |connection| {
        connection.reply(1).is_over() || connection.going_away
    });
    let reply = connection.reply(1);
    let over = reply.is_over() || connection.going_away || connection.closed;
    case.holds(
        &format!("{what}: refused"),
        over && reply.message().is_none(),
    );
}

/// Open files of a process.
fn open_files(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/fd"))
        .map(Iterator::count)
        .unwrap_or_default()
}

pub(super) fn token() -> String {
    RSA.sign(&mint::claims(Process::now()))
}

fn connections_leave_nothing_behind(case: &mut Case) {
    let process = Process::serve("grp-19", &Settings::of(corp()));
    let call = Call::bearing(token());
    case.holds("an allow", process.ask(&call).is_allow());
    let start = open_files(process.id());
    let idle: Vec<TcpStream> = (0..300)
        .filter_map(|_| TcpStream::connect(process.address()).ok())
        .collect();
    case.equal("idle connections", idle.len(), 300);
    case.holds("an allow beside them", process.ask(&call).is_allow());
    for _ in 0..1_000 {
        drop(TcpStream::connect(process.address()));
    }
    for number in 0..50 {
        let mut half = Connection::open(process.address(), &[]);
        half.start(number * 2 + 1, CHECK, &[]);
    }
    case.holds("an allow after them", process.ask(&call).is_allow());
    drop(idle);
    let deadline = Instant::now() + WAIT;
    let mut end = open_files(process.id());
    while end > start && Instant::now() < deadline {
        case.holds("an allow meanwhile", process.ask(&call).is_allow());
        end = open_files(process.id());
    }
    case.holds(
        &format!("open files: {start} at the start, {end} at the end"),
        end <= start,
    );
    resets::silence_after_a_handshake_is_ended(case);
}

/// EMFILE for real: the process may open fewer files than there are connections.
fn accept_loop_outlives_its_errors(case: &mut Case) {
    let process = Process::serve_with_files("grp-20", &Settings::of(corp()), 64);
    let call = Call::bearing(token());
    case.holds("an allow", process.ask(&call).is_allow());
    let crowd: Vec<TcpStream> = (0..120)
        .filter_map(|_| TcpStream::connect(process.address()).ok())
        .collect();
    case.holds("more connections than files", crowd.len() > 64);
    for _ in 0..20 {
        case.holds(
            "an allow on a connection that was there",
            process.ask(&call).is_allow(),
        );
    }
    drop(crowd);
    let deadline = Instant::now() + WAIT;
    let fresh = loop {
        let answer = RUNTIME.block_on(site::send(
            site::connect(process.address()),
            CHECK,
            call.encoded(),
        ));
        let outcome = Outcome::of(answer);
        if outcome.is_allow() || Instant::now() > deadline {
            break outcome;
        }
    };
    case.holds(
        &format!("a new connection is served: {}", fresh.summary()),
        fresh.is_allow(),
    );
    let log = String::from_utf8_lossy(&process.stop()).into_owned();
    case.holds("no panic in the log", !log.contains("panicked"));
}
