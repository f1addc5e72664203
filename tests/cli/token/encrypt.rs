//! Tokens that are encrypted by one command are decrypted by the other.

use super::{NOW, given, good, mint, refused, segment, with_keys};
use crate::{run, text};

const AGREEMENT: [&str; 4] = [
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
];

#[test]
fn each_algorithm_gives_back_the_content() {
    let types = [
        "rsa-2048", "p-256", "p-384", "p-521", "x25519", "oct-128", "oct-192", "oct-256",
        "oct-384", "oct-512",
    ];
    let folder = with_keys("encrypt-algorithms", &types);
    let oaep = ["RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"];
    for (kind, algorithms) in [
        ("rsa-2048", &oaep[..]),
        ("p-256", &AGREEMENT),
        ("p-384", &AGREEMENT),
        ("p-521", &AGREEMENT),
        ("x25519", &AGREEMENT),
        ("oct-128", &["dir", "A128KW", "A128GCMKW"]),
        ("oct-192", &["dir", "A192KW", "A192GCMKW"]),
        ("oct-256", &["dir", "A256KW", "A256GCMKW"]),
        ("oct-384", &["dir"]),
        ("oct-512", &["dir"]),
    ] {
        let key = format!("{kind}.jwk");
        for alg in algorithms {
            let encrypt = ["token", "encrypt", "--to", &key, "--alg", alg];
            let token = given(&folder, &encrypt, "a.b.c");
            assert_eq!(segment(&token, 0)["alg"], *alg, "{kind}");
            let content = given(&folder, &["token", "decrypt", "--key", &key], &token);
            assert_eq!(content, "a.b.c", "{kind} {alg}");
        }
    }
}

#[test]
fn the_header_says_which_key_and_what_is_inside() {
    let folder = with_keys("encrypt-header", &["p-256"]);
    let public = good(&folder, &["keys", "public", "p-256.jwk"]);
    std::fs::write(folder.join("public.json"), &public).unwrap();
    let to = ["token", "encrypt", "--to", "public.json"];
    let header = segment(&given(&folder, &to, "a.b.c"), 0);
    let set: serde_json::Value = serde_json::from_str(&public).unwrap();
    assert_eq!(header["kid"], set["keys"][0]["kid"]);
    assert_eq!(
        (&header["enc"], &header["cty"]),
        (&"A256GCM".into(), &"JWT".into())
    );
    let other = segment(&given(&folder, &to, "hello"), 0);
    assert_eq!(other.get("cty"), None);
    let options = ["--cty", "at+jwt", "--enc", "A128CBC-HS256"];
    let named = segment(&given(&folder, &[&to[..], &options].concat(), "hello"), 0);
    assert_eq!(
        (&named["enc"], &named["cty"]),
        (&"A128CBC-HS256".into(), &"at+jwt".into())
    );
}

#[test]
fn an_encrypted_token_is_allowed_where_the_server_has_the_key() {
    let folder = with_keys("encrypt-validate", &["p-256", "x25519"]);
    let public = good(&folder, &["keys", "public", "p-256.jwk"]);
    std::fs::write(folder.join("keys.json"), public).unwrap();
    let config = "issuers:\n  corp:\n    issuer: https://idp.example.com\n    \
                  audiences: [orders-api]\n    jwks: {file: keys.json}\n    \
                  decryption: {keys: [x25519.jwk]}\n\
                  rules:\n- match: {}\n  require: {issuers: [corp]}\n";
    std::fs::write(folder.join("watchword.yaml"), config).unwrap();
    let validate = |token: &str| {
        let validate = ["validate", "-c", "watchword.yaml", "--at", NOW];
        text(&run(&folder, &validate, token.as_bytes()).stdout)
    };
    let options = [
        "--encrypt-to",
        "x25519.jwk",
        "--enc",
        "A128GCM",
        "--encrypt-alg",
        "ECDH-ES",
    ];
    let token = mint(&folder, "p-256.jwk", &options);
    let shown = validate(&token);
    assert!(shown.starts_with("ALLOW"), "{shown}");
    // Anybody can encrypt to a public key.
    let unsigned = r#"{"iss":"https://idp.example.com","aud":"orders-api","exp":1700000300}"#;
    let token = given(
        &folder,
        &["token", "encrypt", "--to", "x25519.jwk"],
        unsigned,
    );
    assert!(validate(&token).starts_with("DENY 401"));
}

#[test]
fn claims_of_an_issuer_without_keys_to_verify_are_judged_without_a_complaint() {
    let folder = with_keys("encrypt-claims", &["oct-256"]);
    let config = "issuers:\n  app:\n    issuer: https://app.example.com\n    \
                  audiences: [orders-api]\n    \
                  decryption: {keys: [oct-256.jwk], encrypted_claims: trusted}\n\
                  rules:\n- match: {}\n  require: {issuers: [app]}\n";
    std::fs::write(folder.join("watchword.yaml"), config).unwrap();
    let claims = r#"{"iss":"https://app.example.com","aud":"orders-api","exp":1700000300}"#;
    let token = given(
        &folder,
        &["token", "encrypt", "--to", "oct-256.jwk"],
        claims,
    );
    let validate = ["validate", "-c", "watchword.yaml", "--at"];
    let allowed = run(&folder, &[&validate[..], &[NOW]].concat(), token.as_bytes());
    assert!(text(&allowed.stdout).starts_with("ALLOW"));
    assert_eq!(text(&allowed.stderr), "");
    let late = run(
        &folder,
        &[&validate[..], &["1700009999"]].concat(),
        token.as_bytes(),
    );
    assert!(text(&late.stdout).starts_with("DENY 401 token_expired"));
}

#[test]
fn a_key_that_is_not_for_encryption_is_refused() {
    let folder = with_keys("encrypt-unfit", &["ed25519", "rsa-2048", "oct-256"]);
    let one = [
        "keys", "generate", "--type", "p-256", "--alg", "ECDH-ES", "--out", "one.jwk",
    ];
    good(&folder, &one);
    let sig = [
        "keys", "generate", "--type", "p-256", "--use", "sig", "--out", "sig.jwk",
    ];
    good(&folder, &sig);
    let jwk = std::fs::read_to_string(folder.join("oct-256.jwk")).unwrap();
    let signing = jwk.replacen('{', r#"{"key_ops":["sign","verify"],"#, 1);
    std::fs::write(folder.join("ops.jwk"), signing).unwrap();
    for (key, options, problem) in [
        (
            "ed25519.jwk",
            &[][..],
            "found a key that is not for encryption",
        ),
        (
            "sig.jwk",
            &[],
            "found a key that is not for encryption, by its use; expected enc",
        ),
        (
            "ops.jwk",
            &[],
            "found a key that is not for encryption, by its key_ops",
        ),
        (
            "rsa-2048.jwk",
            &["--alg", "ECDH-ES"],
            "the key does not suit ECDH-ES",
        ),
        (
            "rsa-2048.jwk",
            &["--alg", "RSA1_5"],
            "found the algorithm RSA1_5; expected one of",
        ),
        (
            "rsa-2048.jwk",
            &["--enc", "A1"],
            "--enc: found A1; expected one of A128GCM",
        ),
        (
            "oct-256.jwk",
            &["--enc", "A128GCM"],
            "the key does not suit dir",
        ),
        (
            "one.jwk",
            &["--alg", "ECDH-ES+A128KW"],
            "found the algorithm ECDH-ES+A128KW; expected ECDH-ES, the alg of the key",
        ),
    ] {
        let encrypt = ["token", "encrypt", "--to", key];
        let error = refused(&folder, &[&encrypt, options].concat(), "a.b.c");
        assert!(error.starts_with(problem), "{key}: {error}");
    }
}

#[test]
fn another_key_or_a_changed_token_gives_no_content() {
    let folder = with_keys("decrypt-wrong", &["x25519"]);
    let others = with_keys("decrypt-others", &["x25519"]);
    let token = given(
        &folder,
        &["token", "encrypt", "--to", "x25519.jwk"],
        "a.b.c",
    );
    let decrypt = ["token", "decrypt", "--key", "x25519.jwk"];
    let start = token.find("..").unwrap() + 2;
    let other = if token[start..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{other}{}", &token[..start], &token[start + 1..]);
    for (folder, token) in [(&others, &token), (&folder, &changed)] {
        let output = run(folder, &decrypt, token.as_bytes());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        assert!(text(&output.stderr).starts_with("cannot decrypt"));
    }
    // The server does not try a key with another kid, either.
    let renamed = std::fs::read_to_string(folder.join("x25519.jwk")).unwrap();
    let mut renamed: serde_json::Value = serde_json::from_str(&renamed).unwrap();
    renamed["kid"] = "other".into();
    std::fs::write(folder.join("renamed.jwk"), renamed.to_string()).unwrap();
    let renamed = ["token", "encrypt", "--to", "renamed.jwk"];
    let error = refused(&folder, &decrypt, &given(&folder, &renamed, "a.b.c"));
    assert!(
        error.contains("names the kid other; 0 keys tried"),
        "{error}"
    );
    let signed = refused(&folder, &decrypt, "a.b.c");
    assert!(signed.contains("the encrypted token"), "{signed}");
}
