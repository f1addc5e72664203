//! Golden bytes: messages that an independent implementation of Envoy's protos made (see `golden/README.md`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use bytes::Bytes;
use prost::Message as _;
use prost_types::value::Kind;
use watchword::wire::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use watchword::wire::envoy::service::auth::v3::attribute_context::HttpRequest;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use watchword::wire::envoy::r#type::v3::HttpStatus;
use watchword::wire::google::rpc::Status;

fn golden(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire/golden")
        .join(name);
    let text = std::fs::read_to_string(file.with_extension("hex")).unwrap();
    let text = text.trim();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn attributes(name: &str) -> AttributeContext {
    CheckRequest::decode(golden(name).as_slice())
        .unwrap()
        .attributes
        .unwrap()
}

fn http(attributes: &AttributeContext) -> &HttpRequest {
    attributes.request.as_ref().unwrap().http.as_ref().unwrap()
}

#[test]
fn a_request_with_every_field_is_read_and_what_is_not_ours_skipped() {
    let attributes = attributes("check_request_headers");
    let http = http(&attributes);
    assert_eq!(http.method, "POST");
    assert_eq!(http.path, "/orders/42/items?expand=lines&tag=a%20b");
    assert_eq!(http.host, "api.example.com:8443");
    assert!(http.header_map.is_none());
    let header = |name: &str| {
        http.headers
            .iter()
            .find(|entry| entry.key == name)
            .map(|entry| entry.value.clone())
    };
    assert_eq!(http.headers.len(), 8);
    assert_eq!(header("x-auth-subject").unwrap(), "admin");
    assert!(header("authorization").unwrap().starts_with(b"Bearer eyJ"));
    assert_eq!(attributes.context_extensions.len(), 2);
}

#[test]
fn raw_headers_are_read_with_duplicates_and_bytes_that_are_not_text() {
    let attributes = attributes("check_request_header_map");
    let http = http(&attributes);
    assert!(http.headers.is_empty());
    let headers = &http.header_map.as_ref().unwrap().headers;
    let raw = |name: &str| -> Vec<&Bytes> {
        headers
            .iter()
            .filter(|entry| entry.key == name)
            .map(|entry| &entry.raw_value)
            .collect()
    };
    assert_eq!(raw("cookie"), ["a=1", "b=2"]);
    assert_eq!(raw("x-note"), [&b"caf\xe9\xff"[..]]);
    assert_eq!(raw("x-empty"), [""]);
    assert_eq!(
        headers
            .iter()
            .find(|entry| entry.key == "x-as-string")
            .unwrap()
            .value,
        "plain"
    );
}

#[test]
fn a_request_of_the_network_filter_has_no_http_part() {
    assert!(attributes("check_request_network_filter").request.is_none());
}

#[test]
fn a_header_that_is_not_utf_8_does_not_make_the_message_unreadable() {
    let attributes = attributes("check_request_non_utf8_header");
    let note = http(&attributes)
        .headers
        .iter()
        .find(|entry| entry.key == "x-note");
    assert_eq!(note.unwrap().value, &b"caf\xff"[..]);
}

/// Go writes the members of a oneof after all other fields; only the order may differ.
fn top_level_fields(mut message: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let whole = message;
        let (tag, wire_type) = prost::encoding::decode_key(&mut message).unwrap();
        prost::encoding::skip_field(
            wire_type,
            tag,
            &mut message,
            prost::encoding::DecodeContext::default(),
        )
        .unwrap();
        fields.push(whole[..whole.len() - message.len()].to_vec());
    }
    fields.sort();
    fields
}

fn same(ours: &CheckResponse, name: &str) {
    let theirs = golden(name);
    assert_eq!(
        &CheckResponse::decode(theirs.as_slice()).unwrap(),
        ours,
        "decoded"
    );
    assert_eq!(
        top_level_fields(&ours.encode_to_vec()),
        top_level_fields(&theirs),
        "encoded"
    );
}

fn overwrite(name: &'static str, value: &'static str) -> HeaderValueOption {
    let header = HeaderValue {
        key: name.into(),
        value: value.into(),
        raw_value: Bytes::new(),
    };
    HeaderValueOption {
        header: Some(header),
        append: Some(false),
        append_action: 2,
    }
}

fn metadata(fields: [(&str, &str); 3]) -> Bytes {
    let value = |text: &str| prost_types::Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    };
    let fields = fields
        .iter()
        .map(|(name, text)| ((*name).to_owned(), value(text)));
    prost_types::Struct {
        fields: fields.collect(),
    }
    .encode_to_vec()
    .into()
}

#[test]
fn an_allow_has_the_bytes_that_envoy_expects() {
    let ok = OkHttpResponse {
        headers: vec![
            overwrite("x-auth-subject", "alice"),
            overwrite("x-auth-roles", "admin,auditor"),
        ],
        headers_to_remove: vec!["x_auth_subject".into(), "x-tenant".into()],
        query_parameters_to_remove: vec!["access_token".into()],
    };
    let allow = CheckResponse {
        status: Some(Status {
            code: 0,
            message: Bytes::new(),
        }),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: metadata([
            ("issuer", "corp"),
            ("reason", "allowed"),
            ("rule", "orders"),
        ]),
    };
    same(&allow, "check_response_allow");
}

#[test]
fn a_denial_has_the_bytes_that_envoy_expects() {
    let denied = DeniedHttpResponse {
        status: Some(HttpStatus { code: 401 }),
        headers: vec![
            overwrite(
                "www-authenticate",
                "Bearer realm=\"watchword\", error=\"invalid_token\"",
            ),
            overwrite("content-type", "application/json"),
        ],
        body: r#"{"error":"invalid_token","reason":"token_expired"}"#.into(),
    };
    let deny = CheckResponse {
        status: Some(Status {
            code: 16,
            message: Bytes::new(),
        }),
        http_response: Some(HttpResponse::DeniedResponse(denied)),
        dynamic_metadata: metadata([
            ("issuer", "corp"),
            ("reason", "token_expired"),
            ("rule", "orders"),
        ]),
    };
    same(&deny, "check_response_deny");
}
