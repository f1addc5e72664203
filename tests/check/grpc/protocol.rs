//! Area `grpc`: the protocol around messages.

use std::io::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use watchword_test_support::http2::{self, Connection, DATA, END_STREAM};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::outcome::Outcome;
use super::super::settings::{Issuer, Settings};
use super::super::site::{self, CHECK, RUNTIME, Site};
use super::super::tokens::{self, CORP, corp};
use super::{MALFORMED, good};

pub(crate) const ROWS: &[Row] = &[
    row!("GRP-07", compressed_message_is_malformed),
    row!("GRP-08", unknown_methods_are_unimplemented),
    row!("GRP-09", health_follows_the_keys),
    row!("GRP-10", reflection_is_unimplemented),
    row!("GRP-11", deadlines_do_no_harm),
];

const WAIT: Duration = Duration::from_secs(30);

/// Sends a body as it is, with these headers; the answer to it.
fn body(headers: &[(&str, &str)], body: &[u8]) -> Outcome {
    let mut connection = Connection::open(CORP.address(), &[]);
    connection.start(1, CHECK, headers);
    connection.frame(DATA, END_STREAM, 1, body);
    connection.read_until(WAIT, |connection| connection.reply(1).is_over());
    let reply = connection.reply(1);
    let nothing = || tonic::Status::unknown(format!("{reply:?}"));
    Outcome::of(
        reply
            .message()
            .map(Bytes::copy_from_slice)
            .ok_or_else(nothing),
    )
}

fn compressed_message_is_malformed(case: &mut Case) {
    let message = good().encoded();
    let nobody = Call::get("");
    let whole = body(&[], &http2::framed(0, &message));
    case.judge("not compressed", &CORP, &good(), &whole, Expect::Allow);
    let gzip = [("grpc-encoding", "gzip")];
    for (what, headers, flag, bytes) in [
        ("gzip", &gzip[..], 1, gzip_of(&message)),
        ("gzip, not announced", &[], 1, gzip_of(&message)),
        ("gzip, not flagged", &gzip, 0, gzip_of(&message)),
        ("flagged, not compressed", &gzip, 1, message.clone()),
        (
            "unknown encoding",
            &[("grpc-encoding", "snappy")],
            1,
            message.clone(),
        ),
        ("flag 2", &[], 2, message.clone()),
        ("flag 255", &[], 255, message.clone()),
        ("bomb", &gzip, 1, gzip_bomb()),
    ] {
        let outcome = body(headers, &http2::framed(flag, &bytes));
        case.judge(what, &CORP, &nobody, &outcome, MALFORMED);
    }
    for (what, bytes) in [
        ("no body", Vec::new()),
        ("half a prefix", vec![0, 0, 0]),
        ("prefix alone", vec![0, 0, 0, 0, 9]),
        (
            "shorter than its length",
            http2::framed(0, &message)[..200].to_vec(),
        ),
        (
            "longer than its length",
            [http2::framed(0, &message), vec![0]].concat(),
        ),
        (
            "two messages",
            [http2::framed(0, &message), http2::framed(0, &message)].concat(),
        ),
    ] {
        let outcome = body(&[], &bytes);
        case.judge(what, &CORP, &nobody, &outcome, MALFORMED);
    }
}

/// gzip (RFC 1952) with one stored block (RFC 1951 §3.2.4).
fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short message");
    let block = [
        &[1],
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes(),
        bytes,
    ]
    .concat();
    let size = u32::from(length).to_le_bytes();
    [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
        block.as_slice(),
        &crc32(bytes).to_le_bytes(),
        &size,
    ]
    .concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

/// A gzip stream of 7 MB of zeros in one block of fixed codes: a zero, then runs of 258 bytes in 13
/// bits each.
fn gzip_bomb() -> Vec<u8> {
    let mut bits = vec![1, 1, 0];
    bits.extend([0, 0, 1, 1, 0, 0, 0, 0]);
    for _ in 0..30_000 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    bits.extend([0; 7]);
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
    bomb.extend(bits.chunks(8).map(byte));
    bomb.write_all(&[0; 8]).expect("a vector takes everything");
    bomb
}

fn unknown_methods_are_unimplemented(case: &mut Case) {
    for path in [
        "/envoy.service.auth.v2.Authorization/Check",
        "/envoy.service.auth.v2alpha.Authorization/Check",
        "/envoy.service.auth.v3.Authorization/check",
        "/envoy.service.auth.v3.Authorization/Nope",
        "/envoy.service.auth.v3.Authorization/",
        "/envoy.service.auth.v3.authorization/Check",
        "/other.Service/Check",
        "/Check",
    ] {
        let answer = RUNTIME.block_on(site::send(CORP.channel(), path, good().encoded()));
        let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
        case.equal(path, code, Code::Unimplemented);
    }
    case.allows(&CORP, "the method that is there", &good());
}

fn reflection_is_unimplemented(case: &mut Case) {
    for path in [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
    ] {
        let answer = RUNTIME.block_on(site::send(CORP.channel(), path, Vec::new()));
        let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
        case.equal(path, code, Code::Unimplemented);
    }
}

pub(crate) async fn health(site: &Site, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(site.channel()).check(request).await;
    answer
        .map(|answer| answer.into_inner().status())
        .map_err(|status| status.code())
}

/// The health status once the server has noted that it is ready, a moment after it is.
pub(crate) fn health_when_ready(site: &Site, service: &str) -> Result<ServingStatus, Code> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = RUNTIME.block_on(health(site, service));
        if status != Ok(ServingStatus::NotServing) || Instant::now() > deadline {
            return status;
        }
    }
}

pub(crate) const SERVICE: &str = "envoy.service.auth.v3.Authorization";

fn health_follows_the_keys(case: &mut Case) {
    let site = Site::start(&Settings::of(corp()).server("shutdown_timeout: 20s"));
    site.wait_until_ready();
    for service in ["", SERVICE] {
        let status = health_when_ready(&site, service);
        case.equal(
            &format!("with keys, {service:?}"),
            status,
            Ok(ServingStatus::Serving),
        );
    }
    let unknown = RUNTIME.block_on(health(&site, "other.Service"));
    case.equal("unknown service", unknown, Err(Code::NotFound));
    // Nothing listens on the discard port of loopback.
    let keys = "jwks: {uri: 'http://127.0.0.1:9/jwks', allow_http: true, timeout: 100ms}";
    let without = Site::start(&Settings::of(
        Issuer::corp(&[]).keys(keys).algorithms("RS256"),
    ));
    for service in ["", SERVICE] {
        let status = RUNTIME.block_on(health(&without, service));
        case.equal(
            &format!("without keys, {service:?}"),
            status,
            Ok(ServingStatus::NotServing),
        );
    }
    case.denies(&without, "without keys", &good(), 503, "jwks_unavailable");
    case.denies(
        &without,
        "without keys, no token",
        &Call::get("/orders"),
        401,
        "token_missing",
    );
    draining(case, site);
}

/// A watcher hears of the end before it comes.
fn draining(case: &mut Case, site: Site) {
    let (first, second, in_time) = RUNTIME.block_on(async {
        let request = HealthCheckRequest {
            service: String::new(),
        };
        let watch = HealthClient::new(site.channel())
            .watch(request)
            .await
            .expect("Watch is there");
        let mut watch = watch.into_inner();
        let first = watch
            .message()
            .await
            .expect("a status")
            .map(|answer| answer.status());
        let stopped = tokio::spawn(site.stop());
        let second = watch
            .message()
            .await
            .expect("a status")
            .map(|answer| answer.status());
        drop(watch);
        (first, second, stopped.await.expect("it stops"))
    });
    case.equal("watched, with keys", first, Some(ServingStatus::Serving));
    case.equal(
        "watched, while draining",
        second,
        Some(ServingStatus::NotServing),
    );
    case.holds("and it ends in time", in_time);
}

fn deadlines_do_no_harm(case: &mut Case) {
    for timeout in [
        "1m",
        "0m",
        "0S",
        "1n",
        "99999999H",
        "999999999999H",
        "",
        "S",
        "1",
        "-1S",
        "1x",
        "\u{30}x1S",
        " 1S",
    ] {
        let mut connection = Connection::open(CORP.address(), &[]);
        let reply = connection.call(
            1,
            CHECK,
            &[("grpc-timeout", timeout)],
            &good().encoded(),
            WAIT,
        );
        case.holds(&format!("{timeout:?} ends: {reply:?}"), reply.is_over());
        if let Some(message) = reply.message() {
            let outcome = Outcome::of(Ok(Bytes::copy_from_slice(message)));
            let too_late = Expect::Deny(503, "overloaded");
            let expect = match timeout {
                "0m" | "0S" | "1n" => too_late,
                // Either is right, as long as it takes.
                "1m" if !outcome.is_allow() => too_late,
                _ => Expect::Allow,
            };
            case.judge(timeout, &CORP, &good(), &outcome, expect);
        }
    }
    for timeout in ["1S", "99999999H", "nonsense"] {
        let mut request = Request::new(Bytes::from(good().encoded()));
        request
            .metadata_mut()
            .insert("grpc-timeout", timeout.parse().expect("ASCII"));
        let answer = RUNTIME.block_on(site::call(CORP.channel(), CHECK, request));
        case.judge(timeout, &CORP, &good(), &Outcome::of(answer), Expect::Allow);
    }
    case.accepts(&CORP, "afterwards", tokens::good());
}
