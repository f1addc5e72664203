//! A token is shown without being verified.

use serde_json::json;
use watchword_test_support::mint::b64;

use super::{NOW, given, good, mint, refused, with_keys};
use crate::{folder, snapshot};

#[test]
fn a_signed_token_is_shown_with_its_times_in_words() {
    let folder = folder("inspect-signed", &[]);
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}).to_string();
    let claims = json!({
        "iss": "https://idp.example.com", "aud": ["a", "b"], "sub": "\u{1b}[2J\u{202e}мир",
        "iat": 1_699_999_700, "nbf": 1_700_000_030, "exp": 1_700_003_600, "auth_time": "today",
    });
    let token = format!(
        "{}.{}.AAAA",
        b64(header.as_bytes()),
        b64(claims.to_string().as_bytes())
    );
    let inspect = ["token", "inspect", "--at", NOW];
    let shown = given(&folder, &inspect, &format!("Bearer {token}\n"));
    snapshot::matches("token_inspect", &format!("{shown}\n"));
    assert_eq!(shown, good(&folder, &[&inspect[..], &[&token]].concat()));
    assert!(shown.is_ascii());
    for word in ["ALLOW", "is valid", "good"] {
        assert!(!shown.contains(word), "{shown}");
    }
    let later = ["token", "inspect", "--at", "1700003700", &token];
    assert!(good(&folder, &later).contains("(expired 1m40s ago at 2023-11-14T23:13:20Z)"));
}

#[test]
fn an_encrypted_token_is_shown_down_to_its_claims_where_the_key_is_there() {
    let folder = with_keys("inspect-encrypted", &["p-256", "x25519", "oct-256"]);
    let token = mint(&folder, "p-256.jwk", &["--encrypt-to", "x25519.jwk"]);
    let inspect = ["token", "inspect", "--at", NOW];
    let closed = given(&folder, &inspect, &token);
    assert!(closed.contains("An encrypted token (JWE)"), "{closed}");
    assert!(closed.contains("alg  \"ECDH-ES\""), "{closed}");
    assert!(!closed.contains("alice"), "{closed}");
    let with_key = [
        &inspect[..],
        &["--key", "oct-256.jwk", "--key", "x25519.jwk"],
    ]
    .concat();
    let open = given(&folder, &with_key, &token);
    assert!(open.starts_with("Not verified: "), "{open}");
    assert!(
        open.contains("A signed token (JWS)") && open.contains("\"alice\""),
        "{open}"
    );
    let wrong = [&inspect[..], &["--key", "oct-256.jwk"]].concat();
    let error = refused(&folder, &wrong, &token);
    assert!(
        error.starts_with("cannot decrypt: it is for ECDH-ES with A256GCM"),
        "{error}"
    );
    let signing = with_keys("inspect-signing", &["ed25519"]);
    let error = refused(
        &signing,
        &["token", "inspect", "--key", "ed25519.jwk"],
        &token,
    );
    assert!(
        error.starts_with("--key: found no key that can decrypt"),
        "{error}"
    );
}

#[test]
fn claims_without_a_signature_and_other_contents_are_named() {
    let folder = with_keys("inspect-contents", &["oct-256"]);
    let encrypt = ["token", "encrypt", "--to", "oct-256.jwk"];
    let inspect = ["token", "inspect", "--key", "oct-256.jwk"];
    for (content, words) in [
        (r#"{"sub":"alice"}"#, "Claims without a signature"),
        ("hello", "5 bytes, neither a token nor claims"),
    ] {
        let token = given(&folder, &encrypt, content);
        let shown = given(&folder, &inspect, &token);
        assert!(shown.contains(words), "{shown}");
    }
    let nameless = r#"{"kty":"oct","k":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}"#;
    std::fs::write(folder.join("nameless.jwk"), nameless).unwrap();
    let to_nameless = ["token", "encrypt", "--to", "nameless.jwk"];
    let token = given(&folder, &to_nameless, "hello");
    let shown = given(
        &folder,
        &["token", "inspect", "--key", "nameless.jwk"],
        &token,
    );
    assert!(
        shown.contains("Decrypted with a shared key without kid. Its"),
        "{shown}"
    );
    let once = given(&folder, &encrypt, "hello");
    let twice = given(&folder, &encrypt, &once);
    let error = refused(&folder, &inspect, &twice);
    assert_eq!(
        error,
        "found a token that is encrypted twice; expected a signed token\n"
    );
}

#[test]
fn what_is_no_token_is_refused_and_not_repeated() {
    let folder = folder("inspect-refused", &[]);
    let header = b64(br#"{"alg":"ES256"}"#);
    for (token, problem) in [
        (
            String::new(),
            "found 1 segment; expected 3 of a signed token, or 5",
        ),
        ("c2VjcmV0".to_owned(), "found 1 segment"),
        ("c2VjcmV0.c2VjcmV0".to_owned(), "found 2 segments"),
        ("c2VjcmV0.......".to_owned(), "found 8 segments"),
        (
            "c2VjcmV0.e30.AA".to_owned(),
            "the header: not JSON at byte 0",
        ),
        (
            format!("{header}.c2VjcmV0.AA"),
            "the payload: not JSON at byte 0",
        ),
        (
            format!("{header}.W10.AA"),
            "the payload: found other JSON; expected an object",
        ),
        (
            format!("{header}.c2VjcmV0=.AA"),
            "the payload is not base64url without padding",
        ),
    ] {
        let error = refused(&folder, &["token", "inspect"], &token);
        assert!(error.contains(problem), "{token}: {error}");
        assert!(
            !error.contains("c2VjcmV0") && !error.contains("secret"),
            "{error}"
        );
    }
}
