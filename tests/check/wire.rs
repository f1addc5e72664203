//! The wire format, against bytes that another implementation made (`tests/wire/golden`).

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use prost::Message as _;
use tonic::Request;
use watchword::wire::envoy::config::core::v3::HeaderValueOption;
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{CheckRequest, CheckResponse};

use super::call::Call;
use super::invariants;
use super::outcome::Outcome;
use super::pb;
use super::settings::{Issuer, Settings};
use super::site::{NOW, RUNTIME, Site};
use super::tokens::{CORP, RSA, claims_with, with};

watchword_test_support::tests![
    golden_request_with_a_header_map_of_strings_is_read,
    golden_request_with_raw_headers_is_read,
    golden_requests_get_their_answers,
    generated_client_gets_the_same_answer,
    allow_has_the_form_of_the_golden_one,
    denial_has_the_form_of_the_golden_one,
    golden_responses_survive_decoding_and_encoding,
];

/// The bytes of a golden file: lower-case hex, white space apart.
fn golden(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/golden/{name}.hex"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")
    };
    digits.chunks(2).map(byte).collect()
}

fn request(name: &str) -> CheckRequest {
    CheckRequest::decode(Bytes::from(golden(name))).expect("the golden request decodes")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("ASCII")
}

fn golden_request_with_a_header_map_of_strings_is_read() {
    let request = request("check_request_headers");
    let attributes = request.attributes.expect("attributes");
    let http = attributes.request.expect("request").http.expect("http");
    assert_eq!(text(&http.method), "POST");
    assert_eq!(text(&http.path), "/orders/42/items?expand=lines&tag=a%20b");
    assert_eq!(text(&http.host), "api.example.com:8443");
    let mut names: Vec<&str> = http.headers.iter().map(|entry| text(&entry.key)).collect();
    names.sort_unstable();
    let wanted = [
        ":authority",
        ":method",
        ":path",
        ":scheme",
        "authorization",
        "content-type",
        "x-auth-subject",
        "x-request-id",
    ];
    assert_eq!(names, wanted);
    let value = |name: &str| {
        http.headers
            .iter()
            .find(|entry| text(&entry.key) == name)
            .map(|entry| text(&entry.value))
    };
    assert!(value("authorization").is_some_and(|value| value.starts_with("Bearer eyJhbGci")));
    assert_eq!(value("x-auth-subject"), Some("admin"));
    assert!(http.header_map.is_none());
    let mut context: Vec<_> = attributes
        .context_extensions
        .iter()
        .map(|entry| (text(&entry.key), text(&entry.value)))
        .collect();
    context.sort_unstable();
    assert_eq!(context, [("policy", "shop"), ("tier", "gold")]);
}

fn golden_request_with_raw_headers_is_read() {
    let request = request("check_request_header_map");
    let attributes = request.attributes.expect("attributes");
    let http = attributes.request.expect("request").http.expect("http");
    assert!(http.headers.is_empty());
    assert_eq!(text(&http.path), "/orders/42");
    let map = http.header_map.expect("a header map");
    let fields: Vec<(&str, &[u8], &[u8])> = map
        .headers
        .iter()
        .map(|field| (text(&field.key), &field.value[..], &field.raw_value[..]))
        .collect();
    assert_eq!(fields[0], (":method", &b""[..], &b"GET"[..]));
    assert_eq!(fields[4], ("cookie", &b""[..], &b"a=1"[..]));
    assert_eq!(fields[5], ("cookie", &b""[..], &b"b=2"[..]));
    assert_eq!(fields[6], ("x-note", &b""[..], &b"caf\xe9\xff"[..]));
    assert_eq!(fields[7], ("x-empty", &b""[..], &b""[..]));
    assert_eq!(fields[8], ("x-as-string", &b"plain"[..], &b""[..]));
    assert_eq!(fields.len(), 9);
}

fn golden_requests_get_their_answers() {
    for (name, http, reason) in [
        // Their tokens have kid k1 and no iss: refused as such, not as a message.
        ("check_request_headers", 401, "claim_missing"),
        ("check_request_header_map", 401, "claim_missing"),
        ("check_request_non_utf8_header", 401, "claim_missing"),
        ("check_request_network_filter", 400, "request_malformed"),
    ] {
        let outcome = CORP.ask_bytes(golden(name));
        assert_eq!(
            (outcome.http, outcome.reason.as_str()),
            (Some(http), reason),
            "{name}: {}",
            outcome.summary()
        );
        let violations = invariants::violations(&Call::get(""), &outcome, CORP.managed());
        assert!(violations.is_empty(), "{name}: {violations:?}");
    }
}

/// The generated client is what a Rust caller has; it and the raw channel see the same answer.
fn generated_client_gets_the_same_answer() {
    for name in [
        "check_request_headers",
        "check_request_non_utf8_header",
        "check_request_network_filter",
    ] {
        let mut client = AuthorizationClient::new(CORP.channel());
        let answer = RUNTIME
            .block_on(client.check(Request::new(request(name))))
            .expect("gRPC OK");
        assert_eq!(
            answer.into_inner(),
            CORP.ask_bytes(golden(name)).response,
            "{name}"
        );
    }
}

/// The golden allow and denial, as this server would give them.
fn site() -> Site {
    let issuer = Issuer::corp(&[&RSA])
        .algorithms("RS256")
        .line("forward_token: true")
        .header("x-auth-subject", "sub")
        .header("x-auth-roles", "roles")
        .header("x-tenant", "tenant");
    Site::start(&Settings::of(issuer).rules("- {name: orders}"))
}

fn options(options: &[HeaderValueOption]) -> Vec<(String, String, Option<bool>, i32)> {
    let mut options: Vec<_> = options
        .iter()
        .map(|option| {
            let header = option.header.clone().expect("a header");
            (
                text(&header.key).to_owned(),
                text(&header.value).to_owned(),
                option.append,
                option.append_action,
            )
        })
        .collect();
    options.sort_unstable();
    options
}

fn metadata(response: &CheckResponse) -> prost_types::Struct {
    prost_types::Struct::decode(&response.dynamic_metadata[..]).expect("a Struct")
}

fn response(name: &str) -> CheckResponse {
    CheckResponse::decode(Bytes::from(golden(name))).expect("the golden response decodes")
}

fn allow_has_the_form_of_the_golden_one() {
    let wanted = response("check_response_allow");
    let claims = claims_with("roles", serde_json::json!(["admin", "auditor"]));
    let found = site().ask(&Call::bearing(RSA.sign(&claims))).response;
    assert_eq!(found.status.as_ref().map(|status| status.code), Some(0));
    assert_eq!(wanted.status.as_ref().map(|status| status.code), Some(0));
    let (Some(HttpResponse::OkResponse(wanted_ok)), Some(HttpResponse::OkResponse(found_ok))) =
        (&wanted.http_response, &found.http_response)
    else {
        panic!("both are allows");
    };
    assert_eq!(options(&found_ok.headers), options(&wanted_ok.headers));
    let removed = |names: &[Bytes]| {
        names
            .iter()
            .map(|name| text(name).to_owned())
            .collect::<Vec<_>>()
    };
    let found_removed = removed(&found_ok.headers_to_remove);
    for name in removed(&wanted_ok.headers_to_remove) {
        assert!(
            found_removed.contains(&name),
            "{name} of the golden answer in {found_removed:?}"
        );
    }
    assert_eq!(
        removed(&wanted_ok.query_parameters_to_remove),
        ["access_token"]
    );
    assert_eq!(metadata(&found), metadata(&wanted));
    assert_eq!(
        CheckResponse::decode(&wanted.encode_to_vec()[..]),
        Ok(wanted),
        "nothing of it is lost"
    );
}

fn denial_has_the_form_of_the_golden_one() {
    let wanted = response("check_response_deny");
    let claims = with(
        claims_with("exp", serde_json::json!(NOW - 3600)),
        "iat",
        serde_json::json!(NOW - 7200),
    );
    let found = site().ask(&Call::bearing(RSA.sign(&claims)));
    let wanted = Outcome::of(Ok(Bytes::from(wanted.encode_to_vec())));
    assert_eq!((found.code, found.http), (wanted.code, wanted.http));
    assert_eq!(found.metadata, wanted.metadata);
    assert_eq!(found.body, wanted.body);
    let mut names: Vec<_> = found.headers.iter().map(|(name, _)| name.clone()).collect();
    let mut wanted_names: Vec<_> = wanted
        .headers
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    names.sort_unstable();
    wanted_names.sort_unstable();
    assert_eq!(names, wanted_names);
    assert_eq!(found.header("content-type"), wanted.header("content-type"));
    let (found, wanted) = (
        found.header("www-authenticate"),
        wanted.header("www-authenticate"),
    );
    let start = wanted.expect("a challenge");
    assert!(
        found.is_some_and(|found| found.starts_with(start)),
        "{found:?} begins with {start}"
    );
}

/// A field that our types lacked, or had under another number, would be lost on the way.
fn golden_responses_survive_decoding_and_encoding() {
    for name in ["check_response_allow", "check_response_deny"] {
        let (again, golden) = (response(name).encode_to_vec(), golden(name));
        let numbers = |message: &[u8]| {
            pb::field_numbers(message).map(|numbers| numbers.into_iter().collect::<BTreeSet<_>>())
        };
        assert_eq!(numbers(&again), numbers(&golden), "{name}");
        assert_eq!(again.len(), golden.len(), "{name}");
    }
}
