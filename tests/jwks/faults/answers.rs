//! Answers that are not a good key set.

use std::time::Duration;

use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::Ward;

/// A fault, the outcome that it is counted as, and words that its error has.
type Case = (Reply, &'static str, &'static [&'static str]);

#[tokio::test]
async fn no_status_but_200_brings_keys() {
    let ward = Ward::start().await;
    let another = mint::key_set(&[&Signer::generate("ES256", "k2")]);
    let not_found = Reply::status(404).body(another);
    run(
        &ward,
        vec![
            (Reply::status(500).body("{}"), "status", &["500 Internal"]),
            (Reply::status(503), "status", &["503 Service"]),
            (not_found, "status", &["404 Not Found"]),
            (Reply::status(204), "status", &["204 No Content"]),
            (Reply::status(201), "status", &["201 Created"]),
            (Reply::status(304), "status", &["304 Not Modified"]),
            (Reply::status(401), "status", &["401 Unauthorized"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_retry_after_is_heeded_for_five_minutes_at_most() {
    let ward = Ward::start().await;
    for (seconds, heeded) in [(120, 120), (3600, 300)] {
        ward.server.reply(Reply::too_many_requests(seconds));
        let words = ["429 Too Many Requests"];
        let fault = format!("429, retry-after {seconds}");
        ward.fails(&fault, "status", &words).await;
        let next = ward.site.source().next_fetch;
        assert_eq!(next, Duration::from_secs(heeded));
        ward.server.reply(ward.good.clone());
        ward.recovers().await;
    }
}

#[tokio::test]
async fn what_is_no_usable_key_set_replaces_no_good_one() {
    let ward = Ward::start().await;
    let secret = r#"{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0"}]}"#;
    let weak = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},7]}"#;
    let broken = r#"{"keys":[{"kty":"EC",}]}"#;
    let unusable: &[&str] = &["no usable key", "shared secret"];
    run(
        &ward,
        vec![
            (Reply::html(), "key_set", &["not JSON at byte 0"]),
            (Reply::ok(broken), "key_set", &["not JSON at byte 21"]),
            (Reply::ok(""), "key_set", &["not JSON at byte 0"]),
            (Reply::ok(r#"{"keys":[]}"#), "key_set", &["no usable key"]),
            (Reply::ok("{}"), "key_set", &["neither a JWK set"]),
            (
                Reply::ok(r#"{"issuer":"https://idp.example","jwks_uri":"https://idp.example/k"}"#),
                "key_set",
                &["issuer metadata", "did you mean `discovery`?"],
            ),
            (Reply::ok(secret), "key_set", unusable),
            (
                Reply::ok(weak),
                "key_set",
                &["no usable key", "invalid key material"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn bodies_of_a_wrong_length_replace_no_good_one() {
    let ward = Ward::start().await;
    let good = || ward.good.clone();
    let failed: &[&str] = &["request to", "failed"];
    run(
        &ward,
        vec![
            (Reply::big(10_000_000), "too_large", &["1048576 bytes"]),
            (Reply::endless(), "too_large", &["1048576 bytes"]),
            (good().declaring(100_000), "request", failed),
            (good().declaring(20), "key_set", &["not JSON at byte 20"]),
            (good().cut_at(20), "request", failed),
            (good().reset_at(20), "request", failed),
            (Reply::hang_up(), "request", failed),
            (Reply::raw("SSH-2.0-sorry\r\n"), "request", failed),
        ],
    )
    .await;
}

#[tokio::test]
async fn redirects_to_elsewhere_are_not_followed() {
    let ward = Ward::start().await;
    let elsewhere = KeyServer::start(ward.good.clone());
    let plain = ward.server.uri().replace("https:", "http:");
    let port = elsewhere.uri();
    let host = "https://keys.example/keys";
    let name = ward.server.uri().replace("127.0.0.1", "localhost");
    let targets = [
        ("another host", host.to_owned()),
        ("another name", name),
        ("another port", port),
        ("http", plain),
        ("itself", ward.server.uri()),
    ];
    for (fault, target) in targets {
        ward.server.reply(Reply::redirect(302, &target));
        let fault = format!("redirect to {fault}");
        let words = ["redirects to", target.as_str(), "not followed"];
        ward.fails(&fault, "redirect", &words).await;
        ward.server.reply(ward.good.clone());
        ward.recovers().await;
    }
    assert_eq!(elsewhere.connections(), 0);
    // A neighbour that is right: another path of the same server.
    ward.server
        .reply_at("/keys", Reply::redirect(307, "/moved"));
    ward.site.next_fetch().await;
    assert_eq!(ward.site.source().failure, None);
    assert_eq!(ward.server.requests_at("/moved"), 1);
}

async fn run(ward: &Ward, cases: Vec<Case>) {
    for (reply, outcome, words) in cases {
        let fault = reply.to_string();
        ward.server.reply(reply);
        ward.fails(&fault, outcome, words).await;
        ward.server.reply(ward.good.clone());
        ward.recovers().await;
    }
}

/// Each of them made a process of a limited size grow without a bound.
#[tokio::test]
async fn what_takes_too_much_memory_replaces_no_good_one() {
    let ward = Ward::start().await;
    let key = Signer::generate("ES256", "k2").jwk().to_string();
    let crowd = format!("{{\"keys\":[{key}],\"x\":[{}[0]]}}", "[0],".repeat(200_000));
    // Without `alg`, a key is kept for six algorithms, each with its name.
    let mut named = Signer::generate("RS256", &"k".repeat(900_000)).jwk();
    named.as_object_mut().unwrap().remove("alg");
    let named = format!("{{\"keys\":[{named}]}}");
    let block = "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n";
    run(
        &ward,
        vec![
            (
                Reply::ok(crowd),
                "key_set",
                &["more than 16384 JSON values"],
            ),
            (
                Reply::ok(named),
                "memory",
                &["bytes of memory", "server.memory_limit"],
            ),
            (
                Reply::ok(block.repeat(15_000)),
                "key_set",
                &["more than 256 keys"],
            ),
        ],
    )
    .await;
}

/// With all members that issuers publish, and three certificates each.
#[tokio::test]
async fn two_hundred_and_fifty_six_full_keys_are_a_key_set() {
    let ward = Ward::start().await;
    let signer = Signer::generate("ES256", "k1");
    let keys = (1..=256).map(|number| {
        let mut key = signer.with_kid(&format!("k{number}")).jwk();
        let certificate = "A".repeat(1000);
        key["x5c"] = vec![certificate; 3].into();
        key["key_ops"] = vec!["verify"].into();
        for name in ["x5t", "x5t#S256", "issuer", "use"] {
            key[name] = "sig".into();
        }
        key
    });
    let set = serde_json::json!({"keys": keys.collect::<Vec<_>>()});
    ward.server.reply(Reply::ok(set));
    ward.site.next_fetch().await;
    assert_eq!(ward.count("changed"), 2);
    assert_eq!(ward.site.source().keys().len(), 256);
}
