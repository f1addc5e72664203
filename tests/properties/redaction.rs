//! `Debug` shows no text from a client or an issuer.

use prost::Message as _;
use serde_json::json;
use watchword::jose::{Jws, KeySet};
use watchword::request::{Header, Host, Path, Request};
use watchword::token::{BearerToken, Claims, UnverifiedToken};
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use watchword_test_support::mint;

use crate::core::{Core, now_seconds};

/// A word in every claim, header and path of this test.
const SECRET: &str = "sesame";

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let core = Core::new("ES256");
    let mut claims = mint::claims(now_seconds());
    claims["iss"] = crate::core::ISSUER.into();
    claims["sub"] = SECRET.into();
    claims[SECRET] = json!({"a": [SECRET]});
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT", "x": SECRET});
    let token = core.signer.sign_with(&header, &claims);
    let bearer = BearerToken::new(token.as_bytes(), 16384).unwrap();
    let keys =
        KeySet::from_documents([mint::key_set(&[&core.signer]).to_string().as_bytes()]).unwrap();
    let algorithms = [watchword::jose::Algorithm::ES256];
    let path = format!("/{SECRET}");
    let value = format!("Bearer {token}");
    let field = Header {
        name: b"authorization",
        value: value.as_bytes(),
    };
    let request = Request {
        path: path.as_bytes(),
        host: SECRET.as_bytes(),
        headers: vec![field],
        ..Request::default()
    };
    let entry = HeadersEntry {
        key: "authorization".into(),
        value: value.clone().into(),
    };
    let http = HttpRequest {
        path: path.clone().into(),
        headers: vec![entry.clone()],
        ..HttpRequest::default()
    };
    let wire = attribute_context::Request {
        http: Some(http.clone()),
    };
    let attributes = AttributeContext {
        request: Some(wire.clone()),
        context_extensions: Vec::new(),
    };
    let check = CheckRequest {
        attributes: Some(attributes.clone()),
    };
    assert!(String::from_utf8_lossy(&check.encode_to_vec()).contains(&token));

    let shown = [
        format!("{bearer:?}"),
        format!("{:?}", Jws::parse(&token).unwrap()),
        format!("{:?}", Jws::parse(&token).unwrap().header()),
        format!(
            "{:?}",
            Jws::parse(&token)
                .unwrap()
                .verify(&keys, &algorithms)
                .unwrap()
        ),
        format!("{:?}", UnverifiedToken::parse(&bearer).unwrap()),
        format!(
            "{:?}",
            UnverifiedToken::parse(&bearer)
                .unwrap()
                .verify(&keys, &algorithms)
                .unwrap()
        ),
        format!(
            "{:?}",
            Claims::parse(claims.to_string().as_bytes()).unwrap()
        ),
        format!("{request:?} {:?}", Path::parse(path.as_bytes()).unwrap()),
        format!("{:?}", Host::parse(SECRET.as_bytes()).unwrap()),
        format!("{check:?} {attributes:?} {wire:?} {http:?} {entry:?}"),
        format!("{keys:?}"),
        core.decide_and_print(&request),
    ];
    for text in shown {
        let parts = token.split('.').chain([SECRET, "alice", "orders-api"]);
        for secret in parts {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(!text.is_empty());
    }
}
