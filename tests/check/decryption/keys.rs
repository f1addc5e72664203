//! Area `decryption`: which keys are tried, and for whom.

use serde_json::json;
use watchword_test_support::jwe::{ContentCipher, Recipient};
use watchword_test_support::mint::{self, Signer, b64};

use super::super::catalogue::{Case, Row, row};
use super::super::config;
use super::super::jwe::{ENC_EC, ENC_RSA, ENC_SECRET};
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, claims_with, corp, with};

pub(crate) const ROWS: &[Row] = &[
    row!("DEC-02", key_serves_the_issuers_that_have_it),
    row!("DEC-03", kid_chooses_among_several_keys),
    row!("DEC-04", token_without_kid_tries_four_keys_at_most),
    row!("DEC-05", key_in_pem_serves_any_kid),
    row!("DEC-06", key_serves_what_its_jwk_says),
    row!("DEC-18", keys_of_an_issuer_do_not_crowd_out_those_of_others),
];

const GCM: ContentCipher = ContentCipher::A256Gcm;

pub(crate) const PARTNER: &str = "https://partner.example";

pub(crate) fn partner(signer: &Signer) -> Issuer {
    Issuer::named("partner", PARTNER, &mint::key_set(&[signer]))
}

fn sealed(recipient: &Recipient) -> String {
    recipient.envelope(GCM).seal(tokens::good())
}

/// A key says for whom a token is, and not from whom: another issuer's token is refused.
fn key_serves_the_issuers_that_have_it(case: &mut Case) {
    let signer = Signer::generate("ES256", "partner-key");
    let of_corp = tokens::good();
    let of_partner = signer.sign(&claims_with("iss", json!(PARTNER)));
    let (own, other) = (Recipient::p256("own"), Recipient::p256("other"));
    for shared in [&*ENC_RSA, &ENC_EC, &ENC_SECRET] {
        let settings = Settings::of(corp().decryption(&[&own, shared]));
        let site = Site::start(&settings.issuer(partner(&signer).decryption(&[&other, shared])));
        for (inner, its, foreign) in [(&of_corp, &own, &other), (&of_partner, &other, &own)] {
            let mut check = |what: &str, recipient: &Recipient, kid: &str, allowed: bool| {
                let token = recipient.with_kid(kid).envelope(GCM).seal(inner);
                if allowed {
                    case.accepts(&site, what, token);
                } else {
                    case.refuses(&site, what, token, "key_not_found");
                }
            };
            check(
                "its own key",
                its,
                its.jwk()["kid"].as_str().expect("a kid"),
                true,
            );
            check("its own key, without kid", its, "", true);
            check(
                "the key of both",
                shared,
                shared.jwk()["kid"].as_str().expect("a kid"),
                true,
            );
            let kid = foreign.jwk();
            check(
                "the other's key",
                foreign,
                kid["kid"].as_str().expect("a kid"),
                false,
            );
            check("the other's key, without kid", foreign, "", false);
        }
    }
    // An issuer without `decryption` has no encrypted tokens.
    let settings = Settings::of(corp().decryption(&[&own]));
    let site = Site::start(&settings.issuer(partner(&signer)));
    case.accepts(&site, "signed only", &of_partner);
    let token = own.envelope(GCM).seal(&of_partner);
    case.refuses(&site, "an issuer without keys", token, "key_not_found");
    case.accepts(&site, "the issuer of the key", sealed(&own));
}

fn kid_chooses_among_several_keys(case: &mut Case) {
    let secrets = [Recipient::direct("a"), Recipient::direct("b")];
    let wrapping = secrets.each_ref().map(Recipient::wrapping);
    for [a, b] in [
        [Recipient::p256("a"), Recipient::p256("b")],
        [Recipient::rsa("a", 2), Recipient::rsa("b", 3)],
        secrets,
        wrapping,
    ] {
        let site = Site::start(&Settings::of(corp().decryption(&[&a, &b])));
        for key in [&a, &b] {
            case.accepts(&site, "its kid", sealed(key));
            case.accepts(&site, "without kid", sealed(&key.with_kid("")));
            for kid in ["c", "A", "a ", "../a"] {
                case.refuses(&site, kid, sealed(&key.with_kid(kid)), "key_not_found");
            }
            let token = key
                .envelope(GCM)
                .member("kid", json!(1))
                .seal(tokens::good());
            case.refuses(&site, "a number", token, "token_malformed");
        }
        case.refuses(&site, "a as b", sealed(&a.with_kid("b")), "decrypt_failed");
        case.refuses(&site, "b as a", sealed(&b.with_kid("a")), "decrypt_failed");
        // Two keys of one kid are both tried.
        let twins = [&a.with_kid("one"), &b.with_kid("one")];
        let site = Site::start(&Settings::of(corp().decryption(&twins)));
        for key in twins {
            case.accepts(&site, "a kid of two keys", sealed(key));
        }
    }
}

/// Documented: this bounds the work that one token can cause.
fn token_without_kid_tries_four_keys_at_most(case: &mut Case) {
    let keys = ["1", "2", "3", "4", "5"].map(Recipient::p256);
    let site = Site::start(&Settings::of(corp().decryption(&keys.each_ref())));
    for (number, key) in keys.iter().enumerate() {
        case.accepts(&site, "with its kid", sealed(key));
        let nameless = sealed(&key.with_kid(""));
        if number < 4 {
            case.accepts(&site, "without kid", nameless);
        } else {
            case.refuses(&site, "without kid, the fifth", nameless, "decrypt_failed");
        }
    }
    // Keys of another kind do not count.
    let (last, secret) = (Recipient::p256("last"), Recipient::direct("secret"));
    let mixed = [&*ENC_RSA, &secret, &keys[0], &keys[1], &keys[2], &last];
    let site = Site::start(&Settings::of(corp().decryption(&mixed)));
    case.accepts(&site, "the fourth of its kind", sealed(&last.with_kid("")));
}

/// A rotation at one issuer is no outage at another. Sixteen keys are tried, of all issuers.
fn keys_of_an_issuer_do_not_crowd_out_those_of_others(case: &mut Case) {
    let signer = Signer::generate("ES256", "signer");
    let issuers = (0..9).map(|number| {
        let keys = ["new", "old"].map(Recipient::p256);
        (format!("https://i{number}.example"), keys)
    });
    let issuers: Vec<_> = issuers.collect();
    let mut settings = Settings::of(corp());
    for (number, (url, keys)) in issuers.iter().enumerate() {
        let issuer = Issuer::named(&format!("i{number}"), url, &mint::key_set(&[&signer]));
        let files = keys.each_ref().map(Recipient::pem);
        settings = settings.issuer(issuer.decryption_files(&files, ""));
    }
    let site = Site::start(&settings);
    for (number, (url, keys)) in issuers.iter().enumerate() {
        let inner = signer.sign(&claims_with("iss", json!(url)));
        for (key, kid) in keys.iter().flat_map(|key| [(key, ""), (key, "another")]) {
            let envelope = key.with_kid(kid).envelope(GCM);
            let what = format!("a key of issuer {number}, kid {kid:?}");
            if number < 8 {
                case.accepts(&site, &what, envelope.seal(&inner));
            } else {
                case.refuses(&site, &what, envelope.seal(&inner), "decrypt_failed");
            }
            let named = envelope.member("iss", url.as_str());
            case.accepts(
                &site,
                &format!("{what}, and the issuer"),
                named.seal(&inner),
            );
        }
    }
}

fn key_in_pem_serves_any_kid(case: &mut Case) {
    for key in [&*ENC_RSA, &ENC_EC] {
        let site = Site::start(&Settings::of(corp().decryption_files(&[key.pem()], "")));
        for kid in ["", "any", "enc-rsa"] {
            case.accepts(&site, &format!("kid {kid:?}"), sealed(&key.with_kid(kid)));
        }
        let stranger = match key.alg() {
            "ECDH-ES" => Recipient::p256("any"),
            _ => Recipient::rsa("any", 2),
        };
        case.refuses(&site, "another key", sealed(&stranger), "decrypt_failed");
        // Beside a key that has a kid, too.
        let named = stranger.with_kid("named");
        let texts = [named.jwk().to_string(), key.pem()];
        let site = Site::start(&Settings::of(corp().decryption_files(&texts, "")));
        case.accepts(&site, "the key with a kid", sealed(&named));
        case.accepts(&site, "the key without", sealed(&key.with_kid("any")));
        case.refuses(&site, "neither", sealed(&stranger), "decrypt_failed");
    }
}

/// RFC 7517 §4.2 to §4.4: `use`, `key_ops` and `alg` bind a key.
fn key_serves_what_its_jwk_says(case: &mut Case) {
    for (key, own, other) in [
        (&*ENC_RSA, "RSA-OAEP-256", "RSA-OAEP"),
        (&ENC_EC, "ECDH-ES", "ECDH-ES+A256KW"),
        (&ENC_SECRET, "dir", "A256KW"),
        (&ENC_SECRET, "A256GCM", "A128CBC-HS256"),
    ] {
        let start = |jwk: serde_json::Value| {
            let issuer = corp().decryption_files(&[jwk.to_string()], "");
            Site::start(&Settings::of(issuer))
        };
        let site = start(with(key.jwk(), "alg", json!(own)));
        case.accepts(&site, own, sealed(key));
        if key.alg() == "dir" {
            let wrapped = sealed(&key.wrapping());
            case.refuses(&site, "a use of another kind", wrapped, "alg_not_allowed");
        }
        let site = start(with(key.jwk(), "alg", json!(other)));
        case.refuses(&site, other, sealed(key), "alg_not_allowed");
        let nameless = sealed(&key.with_kid(""));
        case.refuses(&site, "without kid", nameless, "alg_not_allowed");

        let site = start(with(key.jwk(), "use", json!("enc")));
        case.accepts(&site, "use enc", sealed(key));
        let operations = json!(["decrypt", "unwrapKey", "deriveKey"]);
        let site = start(with(key.jwk(), "key_ops", operations));
        case.accepts(&site, "key_ops", sealed(key));
        for (name, purpose) in [
            ("use", json!("sig")),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!(["encrypt", "wrapKey"])),
        ] {
            let jwk = with(key.jwk(), name, purpose).to_string();
            let alone = Settings::of(corp().decryption_files(&[jwk], ""));
            let words = ["no key for decrypting"];
            config::refuse(case, "a key for another purpose", &alone.text(), &words);
        }
    }
    let short = json!({"kty": "oct", "k": b64(&[7; 15])}).to_string();
    let settings = Settings::of(corp().decryption_files(&[short], ""));
    config::refuse(case, "a short secret", &settings.text(), &["at least 16"]);
    let odd = json!({"kty": "oct", "k": b64(&[7; 20])}).to_string();
    let settings = Settings::of(corp().decryption_files(&[odd], ""));
    let words = ["suits none of the accepted algorithms"];
    config::refuse(case, "a secret of no algorithm", &settings.text(), &words);
}
