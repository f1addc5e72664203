//! Minted tokens are good for the server, and do not last.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{NOW, given, good, mint, refused, segment, with_keys};
use crate::{run, text};

/// The verdict of `validate` on a token: the first line.
fn verdict(folder: &Path, alg: &str, keys: &str, token: &str) -> String {
    let config = format!(
        "issuers:\n  corp:\n    issuer: https://idp.example.com\n    audiences: [orders-api]\n    \
         algorithms: [{alg}]\n    {keys}\nrules:\n- match: {{}}\n  require: {{issuers: [corp]}}\n"
    );
    std::fs::write(folder.join("watchword.yaml"), config).unwrap();
    let validate = ["validate", "-c", "watchword.yaml", "--at", NOW, token];
    let output = run(folder, &validate, b"");
    let shown = text(&output.stdout);
    assert!(!shown.is_empty(), "{}", text(&output.stderr));
    shown.lines().next().unwrap().to_owned()
}

#[test]
fn a_token_of_each_algorithm_is_allowed_and_that_of_another_key_is_not() {
    let types = [
        "rsa-2048",
        "p-256",
        "p-384",
        "p-521",
        "secp256k1",
        "ed25519",
    ];
    let folder = with_keys("token-algorithms", &types);
    let others = with_keys("token-algorithms-others", &["p-256", "ed25519"]);
    for (kind, algorithms) in [
        (
            "rsa-2048",
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
        ),
        ("p-256", &["ES256"]),
        ("p-384", &["ES384"]),
        ("p-521", &["ES512"]),
        ("secp256k1", &["ES256K"]),
        ("ed25519", &["EdDSA", "Ed25519"]),
    ] {
        let file = format!("{kind}.jwk");
        let public = good(&folder, &["keys", "public", &file]);
        std::fs::write(folder.join("keys.json"), public).unwrap();
        for alg in algorithms {
            let token = mint(&folder, &file, &["--alg", alg]);
            let verdict = |token: &str| verdict(&folder, alg, "jwks: {file: keys.json}", token);
            assert!(verdict(&token).starts_with("ALLOW allowed"), "{alg}");
            if others.join(&file).exists() {
                let other = mint(&others, &file, &["--alg", alg]);
                let (_, signature) = other.rsplit_once('.').unwrap();
                let (signed, _) = token.rsplit_once('.').unwrap();
                let forged = verdict(&format!("{signed}.{signature}"));
                assert!(forged.starts_with("DENY 401 signature_invalid"), "{forged}");
            }
        }
        // The first is the usual one.
        let token = mint(&folder, &file, &[]);
        assert_eq!(segment(&token, 0)["alg"], algorithms[0]);
    }
}

#[test]
fn a_token_of_a_shared_secret_is_allowed() {
    let folder = with_keys("token-secret", &["oct-512"]);
    let jwk: Value =
        serde_json::from_slice(&std::fs::read(folder.join("oct-512.jwk")).unwrap()).unwrap();
    let secret = URL_SAFE_NO_PAD.decode(jwk["k"].as_str().unwrap()).unwrap();
    std::fs::write(folder.join("secret"), secret).unwrap();
    for alg in ["HS256", "HS384", "HS512"] {
        let token = mint(&folder, "oct-512.jwk", &["--alg", alg]);
        let verdict = verdict(&folder, alg, "secret_file: secret", &token);
        assert!(verdict.starts_with("ALLOW allowed"), "{alg}: {verdict}");
    }
}

#[test]
fn the_header_names_the_key_and_the_type() {
    let folder = with_keys("token-header", &["p-256"]);
    let pem = [
        "keys", "generate", "--type", "p-256", "--format", "pem", "--out", "key.pem",
    ];
    good(&folder, &pem);
    let jwk: Value =
        serde_json::from_slice(&std::fs::read(folder.join("p-256.jwk")).unwrap()).unwrap();
    let token = mint(&folder, "p-256.jwk", &["--typ", "at+jwt"]);
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": jwk["kid"]});
    assert_eq!(segment(&token, 0), header);
    assert_eq!(segment(&mint(&folder, "key.pem", &[]), 0)["typ"], "JWT");
    let named = segment(&mint(&folder, "key.pem", &["--kid", "k1"]), 0);
    assert_eq!(named["kid"], "k1");
    let thumbprint = segment(&mint(&folder, "key.pem", &[]), 0);
    assert_eq!(thumbprint["kid"].as_str().unwrap().len(), 43);
}

#[test]
fn claims_come_from_a_file_from_options_and_from_the_time() {
    let folder = with_keys("token-claims", &["ed25519"]);
    let file = r#"{"iss":"https://file.example","scope":"a","big":12345678901234567890,"nbf":5}"#;
    std::fs::write(folder.join("claims.json"), file).unwrap();
    let key = [
        "token",
        "mint",
        "--key",
        "ed25519.jwk",
        "--at",
        NOW,
        "--expires",
        "1h",
    ];
    let claims = |options: &[&str]| segment(&good(&folder, &[&key, options].concat()), 1);
    assert_eq!(
        claims(&[]),
        json!({"iat": 1_700_000_000, "exp": 1_700_003_600})
    );
    let options = [
        "--claims",
        "claims.json",
        "--claim",
        "scope=orders.read admin",
        "--claim",
        "level=3",
        "--claim",
        "realm={\"roles\":[\"a\"]}",
        "--claim",
        "ok=true",
        "--claim",
        "id=\"7\"",
        "--iss",
        "https://option.example",
        "--aud",
        "a",
        "--aud",
        "b",
        "--claim",
        "iat=1",
    ];
    let expected = json!({
        "iss": "https://option.example", "scope": "orders.read admin", "level": 3, "nbf": 5,
        "big": 12_345_678_901_234_567_890_u64, "realm": {"roles": ["a"]}, "ok": true, "id": "7",
        "aud": ["a", "b"], "iat": 1, "exp": 1_700_003_600,
    });
    assert_eq!(claims(&options), expected);
    let piped = run(
        &folder,
        &[&key[..], &["--claims", "-"]].concat(),
        file.as_bytes(),
    );
    assert_eq!(segment(&text(&piped.stdout), 1)["scope"], "a");
}

#[test]
fn no_token_lasts_longer_than_thirty_days() {
    let folder = with_keys("token-lifetime", &["ed25519"]);
    let mint = ["token", "mint", "--key", "ed25519.jwk"];
    let refused = |options: &[&str]| refused(&folder, &[&mint, options].concat(), "");
    assert!(refused(&[]).contains("--expires <TIME>"));
    for time in ["721h", "0s", "500ms", "30d", "forever", "-5m", ""] {
        let option = format!("--expires={time}");
        assert!(refused(&[&option]).contains("from 1s to 720h"), "{time}");
    }
    let future = ["--expires", "1h", "--at", "4000000000"];
    assert!(refused(&future).starts_with("--at: found a token that is valid in 720h"));
    for claim in ["--claim=exp=4000000000", "--claim=exp=null"] {
        let error = refused(&["--expires", "1h", claim]);
        assert_eq!(error, "found the claim exp; expected only --expires\n");
    }
    std::fs::write(folder.join("claims.json"), r#"{"exp":4000000000}"#).unwrap();
    let error = refused(&["--expires", "1h", "--claims", "claims.json"]);
    assert_eq!(error, "found the claim exp; expected only --expires\n");
    let token = good(&folder, &[&mint[..], &["--expires", "720h"]].concat());
    let claims = segment(&token, 1);
    let times = [&claims["exp"], &claims["iat"]].map(|time| time.as_u64().unwrap());
    assert_eq!(times[0] - times[1], 720 * 3600);
}

#[test]
fn a_key_that_is_not_for_signing_is_refused() {
    let folder = with_keys("token-unfit", &["x25519", "oct-128", "p-256"]);
    let enc = [
        "keys", "generate", "--type", "p-256", "--use", "enc", "--out", "enc.jwk",
    ];
    good(&folder, &enc);
    let public = good(&folder, &["keys", "public", "p-256.jwk"]);
    std::fs::write(folder.join("public.json"), public).unwrap();
    let one = [
        "keys", "generate", "--type", "p-256", "--alg", "ES256", "--out", "one.jwk",
    ];
    good(&folder, &one);
    for (key, options, problem) in [
        (
            "x25519.jwk",
            &[][..],
            "--key: found a key that is not for signing",
        ),
        (
            "oct-128.jwk",
            &[],
            "--key: found a key that is not for signing",
        ),
        (
            "enc.jwk",
            &[],
            "--key: found a key that is not for signing, by its use or key_ops",
        ),
        (
            "public.json",
            &[],
            "public.json: found a public key; expected a private one",
        ),
        (
            "p-256.jwk",
            &["--alg", "ES384"],
            "--key: found the algorithm ES384; expected ES256, for a key of type EC P-256",
        ),
        (
            "p-256.jwk",
            &["--alg", "none"],
            "--key: found the algorithm none; expected ES256",
        ),
        (
            "one.jwk",
            &["--kid", "other"],
            "one.jwk: found a key with the kid",
        ),
        ("absent.jwk", &[], "absent.jwk: No such file or directory"),
    ] {
        let mint = ["token", "mint", "--expires", "5m", "--key", key];
        let error = refused(&folder, &[&mint, options].concat(), "");
        assert!(error.starts_with(problem), "{key}: {error}");
    }
    let other = ["--encrypt-to", "one.jwk", "--encrypt-alg", "RSA-OAEP"];
    let mint = ["token", "mint", "--expires", "5m", "--key", "p-256.jwk"];
    let error = refused(&folder, &[&mint[..], &other].concat(), "");
    assert!(error.starts_with("--encrypt-to: "), "{error}");
}

#[test]
fn a_key_of_a_set_is_chosen_by_its_kid_or_thumbprint() {
    let folder = with_keys("token-set", &["p-256", "ed25519"]);
    let keys = ["p-256.jwk", "ed25519.jwk"].map(|file| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    });
    std::fs::write(folder.join("set.json"), json!({"keys": keys}).to_string()).unwrap();
    for key in &keys {
        let kid = key["kid"].as_str().unwrap();
        let token = mint(&folder, "set.json", &["--kid", kid]);
        assert_eq!(segment(&token, 0)["kid"], kid);
    }
    let mint = ["token", "mint", "--expires", "5m", "--key", "set.json"];
    let error = refused(&folder, &mint, "");
    assert_eq!(error, "set.json: found 2 keys; choose one with --kid\n");
    let error = refused(&folder, &[&mint[..], &["--kid", "x"]].concat(), "");
    assert_eq!(error, "set.json: no usable key has this kid\n");
}

/// One of 64 thumbprints begins with a hyphen, as options do.
#[test]
fn a_kid_or_a_claim_may_begin_with_a_hyphen() {
    let folder = with_keys("token-hyphen", &[]);
    for file in ["a.jwk", "b.jwk"] {
        let generate = ["keys", "generate", "--type", "x25519", "--kid", "-k"];
        good(&folder, &[&generate[..], &["--out", file]].concat());
    }
    let generate = ["keys", "generate", "--type", "p-256", "--kid", "-_h"];
    good(
        &folder,
        &[&generate[..], &["--out", "signing.jwk"]].concat(),
    );
    let options = [
        "--kid",
        "-_h",
        "--aud",
        "-s",
        "--encrypt-to",
        "a.jwk",
        "--encrypt-kid",
        "-k",
    ];
    let token = mint(&folder, "signing.jwk", &options);
    assert_eq!(segment(&token, 0)["kid"], "-k");
    let signed = given(&folder, &["token", "decrypt", "--key", "a.jwk"], &token);
    assert_eq!(segment(&signed, 0)["kid"], "-_h");
    assert_eq!(segment(&signed, 1)["aud"][1], "-s");
    let encrypt = ["token", "encrypt", "--to", "b.jwk", "--kid", "-k"];
    assert_eq!(segment(&given(&folder, &encrypt, "a.b.c"), 0)["kid"], "-k");
}

#[test]
fn claims_that_are_not_json_are_refused() {
    let folder = with_keys("token-bad-claims", &["ed25519"]);
    let mint = ["token", "mint", "--key", "ed25519.jwk", "--expires", "5m"];
    let refused = |options: &[&str]| refused(&folder, &[&mint, options].concat(), "");
    std::fs::write(folder.join("list.json"), "[]").unwrap();
    std::fs::write(folder.join("twice.json"), r#"{"a":1,"a":2}"#).unwrap();
    for (options, problem) in [
        (
            ["--claims", "list.json"],
            "--claims: list.json: found other JSON; expected an object",
        ),
        (
            ["--claims", "twice.json"],
            "--claims: twice.json: a member name stands twice",
        ),
        (
            ["--claims", "none.json"],
            "--claims: none.json: No such file",
        ),
        (["--claim", "roles=[a]"], "not JSON at byte 1"),
        (["--claim", "roles"], "expected NAME=VALUE"),
    ] {
        let error = refused(&options);
        assert!(error.contains(problem), "{options:?}: {error}");
    }
}
