//! Area `decryption`: the terms of an issuer for encrypted tokens.

use serde_json::json;
use watchword_test_support::jwe::ContentCipher;
use watchword_test_support::mint::Signer;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::config;
use super::super::expect::Expect;
use super::super::jwe::{ENC_EC, ENC_RSA, ENC_SECRET, ways};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, claims_with, corp};
use super::keys::{PARTNER, partner};

pub(crate) const ROWS: &[Row] = &[
    row!("DEC-07", required_encryption_cannot_be_stripped),
    row!("DEC-11", only_listed_algorithms_are_accepted),
    row!("DEC-12", only_listed_content_encryptions_are_accepted),
    row!("DEC-13", compression_is_an_issuers_own),
];

/// The baseline with all three keys, on these terms.
pub(super) fn on(terms: &str) -> Site {
    let keys = [&*ENC_RSA, &ENC_EC, &ENC_SECRET];
    Site::start(&Settings::of(corp().decryption_with(&keys, terms)))
}

fn required_encryption_cannot_be_stripped(case: &mut Case) {
    let required = on("required: true");
    let signer = Signer::generate("ES256", "partner-key");
    let keys = [&*ENC_EC];
    let settings = Settings::of(corp().decryption_with(&keys, "required: true"));
    let both = Site::start(&settings.issuer(partner(&signer)));
    let signed = tokens::good();
    case.refuses(&required, "signed only", &signed, "encryption_required");
    for (way, envelope) in ways() {
        case.accepts(&required, &way, envelope.seal(&signed));
    }
    // The same token, sent before in its envelope, is not known from there.
    case.refuses(
        &required,
        "signed only, again",
        &signed,
        "encryption_required",
    );
    case.accepts(&on("required: false"), "not required", &signed);
    case.refuses(
        &both,
        "signed only, one of two issuers",
        &signed,
        "encryption_required",
    );
    let of_partner = signer.sign(&claims_with("iss", json!(PARTNER)));
    case.accepts(&both, "the other issuer's, signed only", of_partner);
    // It is said first, before anything of the token is checked.
    let expired = tokens::resigned(&signed, b"x");
    case.refuses(
        &required,
        "with a bad signature",
        expired,
        "encryption_required",
    );
}

fn only_listed_algorithms_are_accepted(case: &mut Case) {
    for (listed, keys) in [
        ("RSA-OAEP-256", &*ENC_RSA),
        ("ECDH-ES", &ENC_EC),
        ("dir", &ENC_SECRET),
        ("A256KW", &ENC_SECRET),
    ] {
        let terms = format!("algorithms: [{listed}]");
        let site = Site::start(&Settings::of(corp().decryption_with(&[keys], &terms)));
        for (way, envelope) in ways() {
            let token = envelope.seal(tokens::good());
            let what = format!("{listed}: {way}");
            if envelope.header["alg"] == listed {
                case.accepts(&site, &what, token);
            } else {
                case.refuses(&site, &what, token, "alg_not_allowed");
            }
            // Another name makes nothing of it; it may lack what that algorithm needs.
            let renamed = envelope.clone().member("alg", "RSA-OAEP");
            let call = Call::bearing(renamed.seal(tokens::good()));
            let expect = Expect::DenyOneOf(401, &["alg_not_allowed", "token_malformed"]);
            case.check(&format!("{what}, renamed"), &site, &call, expect);
        }
    }
    for wrong in [
        "RSA1_5",
        "PBES2-HS256+A128KW",
        "none",
        "rsa-oaep-256",
        "RS256",
    ] {
        let terms = format!("algorithms: [{wrong}]");
        let text = Settings::of(corp().decryption_with(&[&ENC_RSA], &terms)).text();
        config::refuse(case, wrong, &text, &[wrong]);
    }
}

fn only_listed_content_encryptions_are_accepted(case: &mut Case) {
    for listed in ContentCipher::ALL {
        let site = on(&format!("content_encryption: [{}]", listed.name()));
        for (way, envelope) in ways() {
            let token = envelope.seal(tokens::good());
            let what = format!("{}: {way}", listed.name());
            if envelope.cipher == listed {
                case.accepts(&site, &what, token);
            } else {
                case.refuses(&site, &what, token, "alg_not_allowed");
            }
        }
    }
    for (way, envelope) in ways() {
        for enc in ["", "a256gcm", "A256CTR", "C20P", "none"] {
            let token = envelope.clone().member("enc", enc).seal(tokens::good());
            case.refuses(
                &on(""),
                &format!("{way}, {enc:?}"),
                token,
                "alg_not_allowed",
            );
        }
    }
    let terms = "content_encryption: [A256CTR]";
    let text = Settings::of(corp().decryption_with(&[&ENC_RSA], terms)).text();
    config::refuse(case, "A256CTR", &text, &["A256CTR"]);
}

/// Two issuers share the key; one of them accepts compressed content.
fn compression_is_an_issuers_own(case: &mut Case) {
    let signer = Signer::generate("ES256", "partner-key");
    let keys = [&*ENC_RSA, &ENC_EC, &ENC_SECRET];
    let settings = Settings::of(corp().decryption(&keys));
    let inflating = partner(&signer).decryption_with(&keys, "allow_zip: true");
    let site = Site::start(&settings.issuer(inflating));
    let of_partner = signer.sign(&claims_with("iss", json!(PARTNER)));
    for (way, envelope) in ways() {
        case.accepts(
            &site,
            &format!("{way}, not compressed"),
            envelope.seal(tokens::good()),
        );
        let envelope = envelope.member("zip", "DEF");
        let compressed = |content: &str| {
            let content = miniz_oxide::deflate::compress_to_vec(content.as_bytes(), 6);
            envelope.seal(content)
        };
        case.accepts(&site, &way, compressed(&of_partner));
        let of_corp = compressed(&tokens::good());
        case.refuses(
            &site,
            &format!("{way}, the other issuer"),
            of_corp,
            "key_not_found",
        );
    }
}
