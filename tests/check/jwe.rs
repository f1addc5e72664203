//! Area `jwe`: encrypted tokens. One that decrypts proves nothing about its origin.

use std::sync::LazyLock;

use serde_json::json;
use watchword_test_support::jwe::{ContentCipher, Envelope, Recipient};
use watchword_test_support::mint::Signer;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::expect::Expect;
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, CORP, RSA, STRANGER, claims, compact, corp, with};
use super::twin::VALIDATE;

pub(crate) mod agreement;
pub(crate) mod algorithms;
pub(crate) mod retired;
pub(crate) mod segments;

pub(crate) const ROWS: &[Row] = &[
    row!("JWE-01", unsigned_token_inside_is_refused),
    row!("JWE-02", claims_inside_are_malformed),
    row!("JWE-03", token_of_an_attacker_inside_is_refused),
    row!("JWE-05", claims_in_the_header_must_be_those_inside),
    row!("JWE-06", encrypted_token_inside_is_malformed),
    row!("JWE-07", signed_token_without_cty_is_accepted),
    row!("JWE-08", cty_may_be_spelled_in_any_way),
    row!("JWE-36", without_keys_no_encrypted_token_is_accepted),
];

pub(crate) static ENC_RSA: LazyLock<Recipient> = LazyLock::new(|| Recipient::rsa("enc-rsa", 3));
pub(crate) static ENC_EC: LazyLock<Recipient> = LazyLock::new(|| Recipient::p256("enc-ec"));
/// For `dir` and A256KW.
pub(crate) static ENC_SECRET: LazyLock<Recipient> =
    LazyLock::new(|| Recipient::direct("enc-secret"));

/// The baseline, with a decryption key of each kind.
pub(crate) static VAULT: LazyLock<Site> = LazyLock::new(|| {
    let keys = [&*ENC_RSA, &ENC_EC, &ENC_SECRET];
    Site::start(&Settings::of(corp().decryption(&keys)))
});

/// A token to be sealed for each kind of key and each cipher, with a name.
pub(crate) fn ways() -> Vec<(String, Envelope)> {
    public_ways().into_iter().chain(shared_ways()).collect()
}

/// Those that anybody can use.
pub(crate) fn public_ways() -> Vec<(String, Envelope)> {
    of(&[&ENC_RSA, &ENC_EC])
}

/// Those that take a shared key.
pub(crate) fn shared_ways() -> Vec<(String, Envelope)> {
    of(&[&ENC_SECRET, &ENC_SECRET.wrapping()])
}

pub(crate) fn of(recipients: &[&Recipient]) -> Vec<(String, Envelope)> {
    let all = recipients.iter().flat_map(|recipient| {
        ContentCipher::ALL.map(|cipher| {
            let name = format!("{} {}", recipient.alg(), cipher.name());
            (name, recipient.envelope(cipher))
        })
    });
    all.collect()
}

/// Every token gets this denial, from either front door, and the same bytes of an answer.
pub(crate) fn alike(
    case: &mut Case,
    site: &Site,
    reason: &'static str,
    tokens: &[(String, String)],
) {
    let mut first = None;
    for (what, token) in tokens {
        let call = Call::bearing(token);
        let outcome = case.check(what, site, &call, Expect::Deny(401, reason));
        let of_token = call.as_validate_of_token().expect("a plain token");
        let validated = [call.as_validate(), of_token].map(|call| site.ask_other(VALIDATE, call));
        let answer = (outcome.wire, validated);
        let first = first.get_or_insert_with(|| answer.clone());
        case.holds(
            &format!("{what}: the bytes of the others"),
            *first == answer,
        );
    }
}

fn unsigned_token_inside_is_refused(case: &mut Case) {
    let claims_text = claims().to_string();
    let public_key_as_secret = Signer::from_secret("HS256", &RSA.public_der());
    for (way, envelope) in ways() {
        case.accepts(&VAULT, &way, envelope.seal(tokens::good()));
        for alg in ["none", "None", "nOnE", ""] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": "rsa-key"}).to_string();
            for signature in [b"".as_slice(), b"none"] {
                let inner = compact(&header, claims_text.as_bytes(), signature);
                let what = format!("{way}, {alg:?}");
                case.refuses(&VAULT, &what, envelope.seal(inner), "alg_not_allowed");
            }
        }
        let inner = public_key_as_secret.with_kid("rsa-key").sign(&claims());
        let what = format!("{way}, a public key as a secret");
        case.refuses(&VAULT, &what, envelope.seal(inner), "alg_not_allowed");
    }
}

fn claims_inside_are_malformed(case: &mut Case) {
    let claims = claims().to_string();
    for (way, envelope) in ways() {
        for cty in [None, Some("JWT"), Some("jwt")] {
            let envelope = match cty {
                Some(cty) => envelope.clone().member("cty", cty),
                None => envelope.clone(),
            };
            let what = format!("{way}, {cty:?}");
            case.refuses(&VAULT, &what, envelope.seal(&claims), "token_malformed");
        }
        for (what, inner) in [
            ("white space first", format!(" {claims}")),
            ("as a JSON text", json!(tokens::good()).to_string()),
            ("line end", format!("{}\n", tokens::good())),
            (
                "two segments",
                tokens::good().rsplit_once('.').expect("dots").0.to_owned(),
            ),
            ("nothing", String::new()),
        ] {
            let what = format!("{way}, {what}");
            case.refuses(&VAULT, &what, envelope.seal(inner), "token_malformed");
        }
    }
}

fn token_of_an_attacker_inside_is_refused(case: &mut Case) {
    let with_key = with(STRANGER.header(), "jwk", STRANGER.jwk());
    for (way, envelope) in ways() {
        let mut refuse = |what: &str, inner: String, reason| {
            case.refuses(
                &VAULT,
                &format!("{way}, {what}"),
                envelope.seal(inner),
                reason,
            );
        };
        let posing = STRANGER.with_kid("rsa-key").sign(&claims());
        refuse("under our kid", posing, "signature_invalid");
        let nameless = STRANGER.with_kid("").sign(&claims());
        refuse("without kid", nameless, "signature_invalid");
        refuse("its own kid", STRANGER.sign(&claims()), "key_not_found");
        refuse(
            "with its key",
            STRANGER.sign_with(&with_key, &claims()),
            "key_not_found",
        );
        let changed = tokens::resigned(&tokens::good(), b"signature");
        refuse("another signature", changed, "signature_invalid");
        let elsewhere = RSA.sign(&with(claims(), "iss", json!("https://evil.example")));
        refuse("another issuer", elsewhere, "issuer_not_allowed");
    }
}

fn claims_in_the_header_must_be_those_inside(case: &mut Case) {
    for (way, envelope) in ways() {
        for (name, other) in [
            ("iss", json!("https://evil.example")),
            ("sub", json!("mallory")),
            ("aud", json!("another-api")),
        ] {
            let same = envelope.clone().member(name, claims()[name].clone());
            case.accepts(
                &VAULT,
                &format!("{way}, the same {name}"),
                same.seal(tokens::good()),
            );
            let other = envelope.clone().member(name, other);
            let what = format!("{way}, another {name}");
            case.refuses(&VAULT, &what, other.seal(tokens::good()), "claim_invalid");
        }
        // Neither a key nor an issuer is chosen by what the header says.
        let iss = claims()["iss"].clone();
        let inner = RSA.sign(&with(claims(), "iss", json!("https://evil.example")));
        let token = envelope.clone().member("iss", iss).seal(inner);
        let what = format!("{way}, our iss outside only");
        case.refuses(&VAULT, &what, token, "issuer_not_allowed");
    }
}

fn encrypted_token_inside_is_malformed(case: &mut Case) {
    for (way, envelope) in ways() {
        let mut token = envelope.seal(tokens::good());
        for levels in 2..=3 {
            token = envelope.clone().member("cty", "JWT").seal(token);
            let what = format!("{way}, {levels} levels");
            case.refuses(&VAULT, &what, &token, "token_malformed");
        }
    }
    let direct = ENC_SECRET.with_kid("").envelope(ContentCipher::A256Gcm);
    let site = Site::start(
        &Settings::of(corp().decryption(&[&ENC_SECRET])).server("max_token_size: 65536"),
    );
    let mut token = "x".to_owned();
    for levels in 1..=20 {
        token = direct.seal(token);
        // Each level makes it a third longer: the last may be too large.
        let expect = Expect::DenyOneOf(401, &["token_malformed", "token_too_large"]);
        case.check(
            &format!("{levels} levels"),
            &site,
            &Call::bearing(&token),
            expect,
        );
    }
}

/// Documented: RFC 7519 §5.2 asks for `cty`, but many issuers leave it out.
fn signed_token_without_cty_is_accepted(case: &mut Case) {
    for (way, envelope) in ways() {
        assert!(envelope.header.get("cty").is_none(), "no cty");
        case.accepts(&VAULT, &way, envelope.seal(tokens::good()));
    }
}

/// Documented: RFC 7519 §5.2 and RFC 7516 §4.1.12. Another type is no token.
fn cty_may_be_spelled_in_any_way(case: &mut Case) {
    for (way, envelope) in ways() {
        for cty in [
            "jwt",
            "JWT",
            "Jwt",
            "application/jwt",
            "APPLICATION/JWT",
            "at+jwt",
        ] {
            let token = envelope.clone().member("cty", cty).seal(tokens::good());
            case.accepts(&VAULT, &format!("{way}, {cty}"), token);
        }
        for cty in ["", "JOSE", "json", "text/plain", "jwt ", "image/jwt"] {
            let token = envelope.clone().member("cty", cty).seal(tokens::good());
            case.refuses(
                &VAULT,
                &format!("{way}, {cty:?}"),
                token,
                "token_type_invalid",
            );
        }
        for cty in [json!(1), json!(null), json!(["JWT"])] {
            let token = envelope.clone().member("cty", cty.clone());
            let what = format!("{way}, {cty}");
            case.refuses(&VAULT, &what, token.seal(tokens::good()), "token_malformed");
        }
    }
}

fn without_keys_no_encrypted_token_is_accepted(case: &mut Case) {
    for (way, envelope) in ways() {
        let token = envelope.seal(tokens::good());
        case.accepts(&VAULT, &way, &token);
        case.refuses(&CORP, &way, &token, "alg_not_allowed");
        let nameless = envelope.without("kid").seal(tokens::good());
        case.refuses(
            &CORP,
            &format!("{way}, without kid"),
            nameless,
            "alg_not_allowed",
        );
    }
}
