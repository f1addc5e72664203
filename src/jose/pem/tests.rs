//! PEM: keys, certificates, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::json;
use x509_cert::der::Decode as _;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::jose::{
    Algorithm, JoseError, Jws, KeySet, KeySetError, SkipReason, UnusableKey, WeakKey,
};
use watchword_test_support::mint::Signer;

const CA: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

fn public(signer: &Signer) -> String {
    pem("PUBLIC KEY", &signer.public_der())
}

/// The parameters of a certificate.
fn named(name: &str, is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params
}

fn pair(signer: &Signer) -> KeyPair {
    KeyPair::try_from(signer.pkcs8()).unwrap()
}

fn self_signed(params: &CertificateParams, signer: &Signer) -> String {
    params.self_signed(&pair(signer)).unwrap().pem()
}

/// A certificate of `signer`'s key, which somebody else issued.
fn issued(
    params: &CertificateParams,
    signer: &Signer,
    by: &CertificateParams,
    authority: &Signer,
) -> String {
    let authority = pair(authority);
    let issuer = Issuer::from_params(by, &authority);
    params.signed_by(&pair(signer), &issuer).unwrap().pem()
}

fn read(text: &str) -> Result<KeySet, KeySetError> {
    KeySet::from_documents([text.as_bytes()])
}

fn verify(keys: &KeySet, signer: &Signer) -> Result<(), JoseError> {
    let token = signer.sign(&json!({"sub": "alice"}));
    let jws = Jws::parse(&token)?;
    jws.verify(keys, &Algorithm::ALL).map(drop)
}

/// The reasons why the keys are not used: some of them, or all.
fn skipped(read: Result<KeySet, KeySetError>) -> Vec<SkipReason> {
    let reasons = |skipped: &[UnusableKey]| skipped.iter().map(|key| key.reason).collect();
    match read {
        Ok(keys) => reasons(keys.skipped()),
        Err(KeySetError::NoUsableKey(skipped)) => reasons(&skipped),
        Err(error) => panic!("{error}"),
    }
}

/// Two signers of one algorithm with different keys.
fn signers(alg: &str) -> (Signer, Signer) {
    if alg.starts_with('E') {
        return (Signer::generate(alg, "k1"), Signer::generate(alg, "k1"));
    }
    (Signer::rsa(alg, "k1", 2), Signer::rsa(alg, "k1", 3))
}

const ALGORITHMS: [&str; 7] = [
    "RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
];
/// The mint's certificates know no keys for these.
const OTHER_ALGORITHMS: [&str; 4] = ["ES256K", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

#[test]
fn a_key_in_pem_verifies_its_tokens_and_nobody_elses() {
    for alg in ALGORITHMS {
        let (signer, stranger) = signers(alg);
        let certificate = self_signed(&named("idp", IsCa::NoCa), &signer);
        for text in [public(&signer), certificate] {
            let keys = read(&text).unwrap();
            assert_eq!(keys.entries(), 1, "{alg}");
            assert_eq!(verify(&keys, &signer), Ok(()), "{alg}");
            let refused = Err(JoseError::SignatureInvalid);
            assert_eq!(verify(&keys, &stranger), refused, "{alg}");
            let other = if alg == "ES256" { "ES384" } else { "ES256" };
            let refused = Err(JoseError::KeyNotFound);
            assert_eq!(verify(&keys, &Signer::generate(other, "k1")), refused);
        }
    }
}

#[test]
fn a_key_without_a_certificate_verifies_its_tokens_and_nobody_elses() {
    for alg in OTHER_ALGORITHMS {
        let [signer, stranger] = [(); 2].map(|()| Signer::generate(alg, "k1"));
        let keys = read(&public(&signer)).unwrap();
        assert_eq!(verify(&keys, &signer), Ok(()), "{alg}");
        let refused = Err(JoseError::SignatureInvalid);
        assert_eq!(verify(&keys, &stranger), refused, "{alg}");
        for other in OTHER_ALGORITHMS.iter().filter(|other| **other != alg) {
            let refused = Err(JoseError::KeyNotFound);
            assert_eq!(verify(&keys, &Signer::generate(other, "k1")), refused);
        }
    }
}

#[test]
fn an_rsa_key_may_stand_in_its_own_form() {
    let (signer, stranger) = signers("RS256");
    let der = signer.public_der();
    let key = SubjectPublicKeyInfoRef::from_der(&der).unwrap();
    let pkcs1 = key.subject_public_key.raw_bytes();
    let keys = read(&pem("RSA PUBLIC KEY", pkcs1)).unwrap();
    assert_eq!(verify(&keys, &signer), Ok(()));
    assert_eq!(verify(&keys, &stranger), Err(JoseError::SignatureInvalid));

    let wrong = read(&pem("PUBLIC KEY", pkcs1));
    assert_eq!(skipped(wrong), [SkipReason::Malformed]);
    let wrong = read(&pem("RSA PUBLIC KEY", &[pkcs1, &[0]].concat()));
    assert_eq!(skipped(wrong), [SkipReason::Malformed]);
}

#[test]
fn the_validity_of_a_certificate_is_not_looked_at() {
    let signer = Signer::generate("ES256", "k1");
    let mut params = named("idp", IsCa::NoCa);
    params.not_before = date_time_ymd(1990, 1, 1);
    params.not_after = date_time_ymd(1991, 1, 1);
    let keys = read(&self_signed(&params, &signer)).unwrap();
    assert_eq!(verify(&keys, &signer), Ok(()));
}

#[test]
fn only_the_leaf_of_a_chain_signs_tokens() {
    let [leaf, middle, root] = [(); 3].map(|()| Signer::generate("ES256", "k1"));
    // The root says nothing of being an authority, as old ones do.
    let (top, between) = (named("root", IsCa::NoCa), named("middle", CA));
    let chain = [
        issued(&named("leaf", IsCa::NoCa), &leaf, &between, &middle),
        issued(&between, &middle, &top, &root),
        self_signed(&top, &root),
    ];
    for text in [chain.concat(), chain.iter().rev().cloned().collect()] {
        let keys = read(&text).unwrap();
        assert_eq!(verify(&keys, &leaf), Ok(()));
        for authority in [&middle, &root] {
            let refused = Err(JoseError::SignatureInvalid);
            assert_eq!(verify(&keys, authority), refused);
        }
        let reasons: Vec<_> = keys.skipped().iter().map(|key| key.reason).collect();
        assert_eq!(reasons, [SkipReason::NotForVerifying; 2]);
    }
}

#[test]
fn an_authority_counts_only_where_nothing_else_is() {
    let (signer, other) = signers("ES256");
    let authority = self_signed(&named("idp", CA), &signer);
    let keys = read(&authority).unwrap();
    assert_eq!(verify(&keys, &signer), Ok(()));

    let keys = read(&format!("{authority}{}", public(&other))).unwrap();
    assert_eq!(verify(&keys, &signer), Err(JoseError::SignatureInvalid));
    assert_eq!(verify(&keys, &other), Ok(()));

    let damaged = authority.replace("-----BEGIN", "\u{feff}-----BEGIN");
    let twice = read(&format!("{damaged}{authority}"));
    assert_eq!(
        skipped(twice),
        [SkipReason::Malformed, SkipReason::NotForVerifying],
        "a block that cannot be read is there all the same"
    );
}

#[test]
fn certificates_of_one_name_do_not_make_each_other_authorities() {
    let (old, new) = signers("ES256");
    let params = named("realm", IsCa::NoCa);
    let both = [self_signed(&params, &old), self_signed(&params, &new)].concat();
    let keys = read(&both).unwrap();
    assert_eq!(verify(&keys, &old), Ok(()));
    assert_eq!(verify(&keys, &new), Ok(()));
}

#[test]
fn a_key_whose_usage_leaves_out_signatures_is_not_used() {
    let signer = Signer::generate("ES256", "k1");
    let with = |usages: &[KeyUsagePurpose], is_ca| {
        let mut params = named("idp", is_ca);
        params.key_usages = usages.to_vec();
        read(&self_signed(&params, &signer))
    };
    let signs = KeyUsagePurpose::DigitalSignature;
    let keys = with(&[signs, KeyUsagePurpose::KeyEncipherment], IsCa::NoCa).unwrap();
    assert_eq!(verify(&keys, &signer), Ok(()));
    let refused = with(&[KeyUsagePurpose::KeyEncipherment], IsCa::NoCa);
    assert_eq!(skipped(refused), [SkipReason::NotForVerifying]);
    let refused = with(&[KeyUsagePurpose::KeyCertSign], CA);
    assert_eq!(skipped(refused), [SkipReason::NotForVerifying]);
}

#[test]
fn a_private_key_is_refused_with_all_that_is_around_it() {
    let signer = Signer::generate("ES256", "k1");
    let kinds = [
        "",
        "RSA ",
        "EC ",
        "DSA ",
        "ENCRYPTED ",
        "OPENSSH ",
        "\u{feff}",
    ];
    for kind in kinds {
        let private = pem(&format!("{kind}PRIVATE KEY"), &signer.pkcs8());
        let cut = private.get(..60).unwrap().to_owned();
        for text in [&private, &cut, &(public(&signer) + &private)] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, KeySetError::PrivateKey), "{kind}");
            let said = format!("{error} {error:?}");
            assert!(!said.contains(private.lines().nth(1).unwrap()), "{said}");
        }
    }
    let hidden = read(&pem("PUBLIC KEY", &signer.pkcs8()));
    assert_eq!(skipped(hidden), [SkipReason::Malformed]);
}

/// The public key with a part of it exchanged.
fn with(signer: &Signer, part: &[u8], other: &[u8]) -> String {
    let der = signer.public_der();
    let at = der.windows(part.len()).position(|window| window == part);
    let mut der = der.clone();
    der.splice(at.unwrap()..at.unwrap() + part.len(), other.iter().copied());
    pem("PUBLIC KEY", &der)
}

const P384: &[u8] = b"\x2b\x81\x04\x00\x22";
const ED25519: &[u8] = b"\x2b\x65\x70";
const ML_DSA_44: &[u8] = b"\x03\x04\x03\x11";
const RSA: &[u8] = b"\x0d\x01\x01\x01";

#[test]
fn algorithms_and_curves_that_are_not_implemented_are_not_used() {
    let [es256, es384, eddsa, rsa] = ["ES256", "ES384", "EdDSA", "RS256"].map(|alg| signers(alg).0);
    let der = es256.public_der();
    let (algorithm, x) = (&der[2..23], &der[27..59]);
    let compressed = [&[0x30, 57], algorithm, &[0x03, 34, 0, 2], x].concat();
    let cases = [
        ("P-224", with(&es384, P384, b"\x2b\x81\x04\x00\x21")),
        ("secp192k1", with(&es384, P384, b"\x2b\x81\x04\x00\x1f")),
        ("Ed448", with(&eddsa, ED25519, b"\x2b\x65\x71")),
        ("X25519", with(&eddsa, ED25519, b"\x2b\x65\x6e")),
        ("id-RSASSA-PSS", with(&rsa, RSA, b"\x0d\x01\x01\x0a")),
        (
            "spelled out",
            with(&es256, b"\x06\x08\x2a", b"\x04\x08\x2a"),
        ),
        ("compressed", pem("PUBLIC KEY", &compressed)),
        ("a request", pem("CERTIFICATE REQUEST", &der)),
        ("parameters", pem("EC PARAMETERS", &[])),
    ];
    for (name, text) in cases {
        assert_eq!(skipped(read(&text)), [SkipReason::Unsupported], "{name}");
    }
}

#[test]
fn damaged_content_is_malformed() {
    let [es256, eddsa, rsa] = ["ES256", "EdDSA", "RS256"].map(|alg| signers(alg).0);
    let der = es256.public_der();
    let longer = [der.as_slice(), &[0]].concat();
    let bare = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70";
    let null = b"\x30\x2c\x30\x07\x06\x03\x2b\x65\x70\x05\x00";
    let ml_dsa = Signer::generate("ML-DSA-44", "k1");
    let other_length = with(&ml_dsa, ML_DSA_44, b"\x03\x04\x03\x12");
    let ml_dsa = ml_dsa.public_der();
    let with_null = [
        b"\x30\x82\x05\x34\x30\x0d",
        &ml_dsa[6..17],
        b"\x05\x00",
        &ml_dsa[17..],
    ];
    let cases = [
        ("nothing", pem("PUBLIC KEY", &[])),
        ("not DER", pem("PUBLIC KEY", b"{\"kty\":\"RSA\"}")),
        ("not a certificate", pem("CERTIFICATE", &der)),
        ("cut", pem("PUBLIC KEY", &der[..80])),
        ("longer", pem("PUBLIC KEY", &longer)),
        (
            "unused bits",
            with(&es256, b"\x03\x42\x00", b"\x03\x42\x01"),
        ),
        (
            "hybrid point",
            with(&es256, b"\x42\x00\x04", b"\x42\x00\x06"),
        ),
        ("no NULL", with(&rsa, b"\x05\x00", b"\x04\x00")),
        ("a NULL", with(&eddsa, bare, null)),
        ("a NULL for ML-DSA", pem("PUBLIC KEY", &with_null.concat())),
        ("the length of another level", other_length),
    ];
    for (name, text) in cases {
        assert_eq!(skipped(read(&text)), [SkipReason::Malformed], "{name}");
    }
}

#[test]
fn a_damaged_block_is_malformed() {
    let good = public(&Signer::generate("ES256", "k1"));
    let cases = [
        ("not base64", good.replace('M', "*")),
        ("a header", good.replacen('\n', "\nProc-Type: 4\n\n", 1)),
        ("no end", good.replace("-----END", "")),
        ("another end", good.replace("END PUBLIC", "END RSA PUBLIC")),
        ("a dash less", good.replacen("KEY-----", "KEY----", 1)),
        ("one line", good.replace('\n', "")),
        ("a byte order mark", format!("\u{feff}{good}")),
    ];
    for (name, text) in cases {
        assert_eq!(skipped(read(&text)), [SkipReason::Malformed], "{name}");
    }
}

/// The same checks as for every JWK.
#[test]
fn weak_and_impossible_keys_are_not_used() {
    let mut der = Signer::generate("ES256", "k1").public_der();
    *der.last_mut().unwrap() ^= 1;
    let off_curve = pem("PUBLIC KEY", &der);
    // A modulus of 1024 bits, and the exponent 65537.
    let modulus = [&[0x02, 0x81, 129, 0][..], &[0xff; 128]].concat();
    let numbers = [modulus.as_slice(), &[0x02, 3, 1, 0, 1]].concat();
    let short = [&[0x30, 0x81, 137][..], &numbers].concat();
    for text in [off_curve, pem("RSA PUBLIC KEY", &short)] {
        assert_eq!(skipped(read(&text)), [SkipReason::Invalid]);
    }
    // The neutral element in place of the point.
    let mut der = Signer::generate("Ed25519", "k1").public_der();
    assert!(read(&pem("PUBLIC KEY", &der)).is_ok());
    let point = der.last_chunk_mut::<32>().unwrap();
    *point = [0; 32];
    point[0] = 1;
    let weak = SkipReason::Weak(WeakKey::SmallOrder);
    assert_eq!(skipped(read(&pem("PUBLIC KEY", &der))), [weak]);
}

#[test]
fn a_damaged_block_costs_only_itself() {
    let (first, last) = signers("ES256");
    let damaged = public(&first).replace("-----END", "----END");
    let text = format!(
        "# two keys\r\n{}\r\nnotes: here\n{damaged}\n  -----END CERTIFICATE-----\n{}",
        public(&first).replace('\n', "\r\n"),
        public(&last).replace('\n', " \r"),
    );
    let keys = read(&text).unwrap();
    assert_eq!(verify(&keys, &first), Ok(()));
    assert_eq!(verify(&keys, &last), Ok(()));
    assert_eq!(keys.entries(), 3);
    assert_eq!(skipped(Ok(keys)), [SkipReason::Malformed]);
}

#[test]
fn text_without_a_block_is_not_pem() {
    for text in [
        "",
        "hello",
        "---- BEGIN SSH2 PUBLIC KEY ----",
        "MFkwEwYHKoZI",
    ] {
        assert!(matches!(read(text), Err(KeySetError::Json(_))), "{text}");
    }
}
