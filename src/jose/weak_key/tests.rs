//! Weak keys and their sound neighbours. Expected values are computed here, from other ends than in
//! the code.

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use num_bigint::BigUint;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::jose::{Algorithm, JoseError, Jws, KeySet, SkipReason};
use watchword_test_support::mint::{Signer, b64};

fn rsa(modulus: &BigUint) -> Result<(), WeakKey> {
    check_rsa(&modulus.to_bytes_be(), &[1, 0, 1])
}

fn member(signer: &Signer, name: &str) -> Vec<u8> {
    let jwk = signer.jwk();
    crate::jose::compact::decode(jwk[name].as_str().unwrap()).unwrap()
}

fn sound_modulus() -> BigUint {
    BigUint::from_bytes_be(&member(&Signer::rsa("RS256", "", 0), "n"))
}

/// The first prime from here on, by Fermat's test to two bases: good enough for numbers that nobody
/// chose.
fn next_prime(from: BigUint) -> BigUint {
    let mut candidate = from | BigUint::from(1u32);
    let passes = |candidate: &BigUint| {
        let one_less = candidate - 1u32;
        let power = |base: u32| BigUint::from(base).modpow(&one_less, candidate);
        odd_primes(1000).all(|prime| remainder(candidate, prime) != 0)
            && [2, 3]
                .into_iter()
                .all(|base| power(base) == BigUint::from(1u32))
    };
    while !passes(&candidate) {
        candidate += 2u32;
    }
    candidate
}

/// A number of 1024 bits, of which the two highest are set.
fn random_half() -> BigUint {
    let mut bytes = [0; 128];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes[0] |= 0xc0;
    BigUint::from_bytes_be(&bytes)
}

#[test]
fn sound_keys_of_every_kind_pass() {
    for number in 0..4 {
        let signer = Signer::rsa("RS256", "", number);
        let (n, e) = (member(&signer, "n"), member(&signer, "e"));
        assert_eq!(check_rsa(&n, &e), Ok(()));
    }
    for alg in ["ES256", "ES384", "ES512", "ES256K"] {
        for _ in 0..20 {
            assert_eq!(check_ec(&member(&Signer::generate(alg, ""), "x")), Ok(()));
        }
    }
    for alg in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        for _ in 0..20 {
            let key = member(&Signer::generate(alg, ""), "pub");
            assert_eq!(check_ml_dsa(&key), Ok(()));
        }
    }
    for _ in 0..200 {
        let point = member(&Signer::generate("Ed25519", ""), "x");
        assert_eq!(check_ed25519(point.first_chunk().unwrap()), Ok(()));
    }
}

proptest! {
    /// No bits of a point are special but those of the few that are listed.
    #[test]
    fn points_at_random_pass(mut bytes: [u8; 32], middle in 1u8..0xff) {
        // Neither all zeros nor all ones between the ends, nor the rest of a listed number.
        bytes[15] = middle;
        let is_listed = ed25519::SMALL_ORDER.iter().any(|known| known[15] == middle);
        prop_assume!(!is_listed && middle != 0x66);
        prop_assert_eq!(check_ed25519(&bytes), Ok(()));
    }
}

#[test]
fn exponents_that_are_one_or_even_are_refused() {
    let modulus = sound_modulus().to_bytes_be();
    for good in [&[3][..], &[17], &[1, 0, 1], &[0xff; 8]] {
        assert_eq!(check_rsa(&modulus, good), Ok(()), "{good:?}");
    }
    for bad in [&[][..], &[1], &[2], &[1, 0, 0]] {
        assert_eq!(check_rsa(&modulus, bad), Err(WeakKey::Exponent), "{bad:?}");
    }
}

#[test]
fn every_small_prime_factor_is_found() {
    let sound = sound_modulus();
    assert_eq!(rsa(&sound), Ok(()));
    assert_eq!(rsa(&(&sound * 2u32)), Err(WeakKey::EvenModulus));
    let small: Vec<u32> = odd_primes(FACTORS_BELOW).collect();
    // There are 1229 primes below 10,000.
    assert_eq!((small.len(), small.last()), (1228, Some(&9973)));
    for prime in small {
        assert_eq!(rsa(&(&sound * prime)), Err(WeakKey::SmallFactor), "{prime}");
    }
    // The next prime is beyond what is looked for.
    assert_eq!(rsa(&(&sound * 10_007u32)), Ok(()));
}

/// The fingerprint looks at residues only, so a power of the generator has it.
#[test]
fn the_residues_of_roca_are_refused() {
    let power = BigUint::from(ROCA_GENERATOR).pow(129);
    assert_eq!(power.bits(), 2065);
    assert_eq!(rsa(&power), Err(WeakKey::Roca));
    // Each is no power of the generator modulo one prime at least.
    for factor in [10_007u32, 10_009, 10_037] {
        let fits = ROCA_SUBGROUPS
            .iter()
            .all(|(prime, powers)| powers.contains(&(factor % prime)));
        assert!(!fits, "{factor}");
        assert_eq!(rsa(&(&power * factor)), Ok(()), "{factor}");
    }
}

#[test]
fn equal_and_close_factors_are_refused() {
    let p = next_prime(random_half());
    assert_eq!(rsa(&(&p * &p)), Err(WeakKey::ClosePrimes));
    for bits in [1u32, 64, 256, 512, 515] {
        let q = next_prime(&p + (BigUint::from(1u32) << bits));
        assert_eq!(rsa(&(&p * &q)), Err(WeakKey::ClosePrimes), "{bits}");
    }
    for bits in [520u32, 600, 1000] {
        let q = next_prime(&p + (BigUint::from(1u32) << bits));
        assert_eq!(rsa(&(&p * &q)), Ok(()), "{bits}");
    }
}

/// RFC 8032 §5.1.4, with numbers of any size: whether eight times the point is the neutral element.
fn has_small_order(encoded: &[u8; 32]) -> Option<bool> {
    let prime = (BigUint::from(1u32) << 255u32) - 19u32;
    let inverse = |number: &BigUint| number.modpow(&(&prime - 2u32), &prime);
    let minus = |number: &BigUint| (&prime - number % &prime) % &prime;
    let one = BigUint::from(1u32);
    let d = minus(&BigUint::from(121_665u32)) * inverse(&BigUint::from(121_666u32)) % &prime;

    let mut bytes = *encoded;
    bytes[31] &= 0x7f;
    let mut y = BigUint::from_bytes_le(&bytes) % &prime;
    // -x² + y² = 1 + d·x²·y²
    let square = (&y * &y + minus(&one)) * inverse(&((&d * &y * &y + &one) % &prime)) % &prime;
    let mut x = square.modpow(&((&prime + 3u32) >> 3u32), &prime);
    if &x * &x % &prime != square {
        let root = BigUint::from(2u32).modpow(&((&prime - 1u32) >> 2u32), &prime);
        x = x * root % &prime;
    }
    if &x * &x % &prime != square {
        return None;
    }
    for _ in 0..3 {
        let product = &d * &x * &x % &prime * &y % &prime * &y % &prime;
        let doubled_x = (&x * &y * 2u32) * inverse(&(&one + &product)) % &prime;
        let doubled_y = (&y * &y + &x * &x) * inverse(&(&one + minus(&product))) % &prime;
        (x, y) = (doubled_x, doubled_y);
    }
    Some(x == BigUint::ZERO && y == one)
}

#[test]
fn points_of_small_order_are_refused_with_either_sign() {
    for y in ed25519::SMALL_ORDER {
        let mut negated = y;
        negated[31] |= 0x80;
        assert_eq!(has_small_order(&y), Some(true), "{y:?}");
        assert_eq!(check_ed25519(&y), Err(WeakKey::SmallOrder), "{y:?}");
        let reason = if ed25519::WITHOUT_X.contains(&y) {
            WeakKey::NonCanonical
        } else {
            WeakKey::SmallOrder
        };
        assert_eq!(check_ed25519(&negated), Err(reason), "{y:?}");
        // A neighbour of each, where it is a number below the prime.
        let mut neighbour = y;
        neighbour[5] ^= 1;
        if neighbour[0] != 0xec {
            assert_ne!(has_small_order(&neighbour), Some(true));
            assert_eq!(check_ed25519(&neighbour), Ok(()), "{neighbour:?}");
        }
    }
    let sound = member(&Signer::generate("Ed25519", ""), "x");
    assert_eq!(has_small_order(sound.first_chunk().unwrap()), Some(false));
}

/// There are eight points of small order: 1, 1, 2 and 4 of the orders 1, 2, 4 and 8.
#[test]
fn the_list_of_small_orders_is_whole() {
    let ys = ed25519::SMALL_ORDER;
    let with_both_signs = ys.iter().filter(|y| !ed25519::WITHOUT_X.contains(y));
    assert_eq!(with_both_signs.count() * 2 + ed25519::WITHOUT_X.len(), 8);
    let distinct: std::collections::HashSet<_> = ys.iter().collect();
    assert_eq!(distinct.len(), ys.len());
}

#[test]
fn a_y_from_the_prime_on_is_refused() {
    for last in 0xed..=0xffu8 {
        let mut y = ed25519::PRIME;
        y[0] = last;
        for sign in [0, 0x80] {
            y[31] = 0x7f | sign;
            assert_eq!(check_ed25519(&y), Err(WeakKey::NonCanonical), "{y:?}");
        }
    }
    let mut below = ed25519::PRIME;
    below[0] = 0xeb;
    assert_eq!(check_ed25519(&below), Ok(()));
}

/// Wycheproof's vectors show that of secp256k1.
#[test]
fn the_base_points_are_those_of_the_private_key_one() {
    for (algorithm, length) in [
        (&agreement::ECDH_P256, 32),
        (&agreement::ECDH_P384, 48),
        (&agreement::ECDH_P521, 66),
    ] {
        let x = |scalar: u8| {
            let mut private = vec![0; length];
            private[length - 1] = scalar;
            let private = PrivateKey::from_private_key(algorithm, &private).unwrap();
            let public = private.compute_public_key().unwrap();
            public.as_ref()[1..=length].to_vec()
        };
        assert_eq!(check_ec(&x(1)), Err(WeakKey::BasePoint), "{length}");
        assert_eq!(check_ec(&x(2)), Ok(()), "not looked for: {length}");
    }
}

#[test]
fn the_base_point_of_ed25519_is_refused_with_either_sign() {
    // 5y = 4 modulo the prime.
    let prime = BigUint::from_bytes_le(&ed25519::PRIME);
    let y = BigUint::from_bytes_le(&ed25519::BASE);
    assert_eq!(y * 5u32 % prime, BigUint::from(4u32));
    let mut point = ed25519::BASE;
    assert_eq!(check_ed25519(&point), Err(WeakKey::BasePoint));
    point[31] |= 0x80;
    assert_eq!(check_ed25519(&point), Err(WeakKey::BasePoint));
    point[0] ^= 1;
    assert_eq!(check_ed25519(&point), Ok(()));
}

/// A token that needs no private key: in its signature, `R` is the neutral element and `S` zero.
/// That holds where the hash of the message times the key is the neutral element: for one message
/// of eight, or more.
fn forged(point: &[u8; 32]) -> Option<String> {
    let mut signature = [0; 64];
    signature[0] = 1;
    let forge = |number: u32| {
        let payload = format!("{{\"sub\":\"root\",\"jti\":\"{number}\"}}");
        let header = "{\"alg\":\"EdDSA\",\"kid\":\"k\"}";
        let [header, payload] = [header, &payload].map(|text| b64(text.as_bytes()));
        let input = format!("{header}.{payload}");
        // The library alone, which does not judge the key.
        let key = UnparsedPublicKey::new(&ED25519, point);
        let holds = key.verify(input.as_bytes(), &signature).is_ok();
        holds.then(|| format!("{input}.{}", b64(&signature)))
    };
    (0..200).find_map(forge)
}

/// A set of a key under the kid `k`, and of a sound one.
fn beside_a_sound_key(point: &[u8; 32]) -> (KeySet, Signer) {
    let sound = Signer::generate("EdDSA", "sound");
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": b64(point)});
    let set = json!({"keys": [key, sound.jwk()]});
    (
        KeySet::from_documents([set.to_string().as_bytes()]).unwrap(),
        sound,
    )
}

#[test]
fn a_token_forged_for_a_point_of_small_order_finds_no_key() {
    let mut forgeries = 0;
    for y in ed25519::SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = y;
            point[31] |= sign;
            let (keys, sound) = beside_a_sound_key(&point);
            let reason = keys.skipped()[0].reason;
            assert!(matches!(reason, SkipReason::Weak(_)), "{reason}");
            let verify = |token: &str| Jws::parse(token).unwrap().verify(&keys, &Algorithm::ALL);
            assert!(verify(&sound.sign(&json!({}))).is_ok());
            let Some(token) = forged(&point) else {
                continue;
            };
            forgeries += 1;
            assert_eq!(verify(&token).unwrap_err(), JoseError::KeyNotFound);
        }
    }
    // The library refuses the two that say that zero is negative.
    assert_eq!(forgeries, 8);
    let sound = member(&Signer::generate("EdDSA", ""), "x");
    assert_eq!(forged(sound.first_chunk().unwrap()), None);
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let (mut on, mut off) = (0, 0);
    for first in 2..=255 {
        let mut point = [0; 32];
        point[0] = first;
        let has_x = has_small_order(&point).is_some();
        assert_eq!(is_on_ed25519(&point), has_x, "{first}");
        let (keys, _) = beside_a_sound_key(&point);
        let reasons: Vec<_> = keys.skipped().iter().map(|key| key.reason).collect();
        if has_x {
            assert_eq!(reasons, []);
            on += 1;
        } else {
            assert_eq!(reasons, [SkipReason::Invalid]);
            off += 1;
        }
    }
    assert!(on > 50 && off > 50, "{on} {off}");
}

/// Wycheproof has valid signatures under keys whose vector is zero.
#[test]
fn a_vector_that_is_mostly_zero_is_refused() {
    let key = |zeros: usize| [vec![7; ML_DSA_SEED], vec![0; zeros], vec![7; 1280 - zeros]].concat();
    assert_eq!(check_ml_dsa(&key(640)), Ok(()));
    for zeros in [641, 1279, 1280] {
        assert_eq!(check_ml_dsa(&key(zeros)), Err(WeakKey::ZeroVector));
    }
    // The seed may have any value.
    let key = [vec![0; ML_DSA_SEED], vec![7; 1280]].concat();
    assert_eq!(check_ml_dsa(&key), Ok(()));
}

/// The fingerprint refuses few RSA keys by mistake.
#[test]
fn few_sound_moduli_have_the_fingerprint_of_roca() {
    let shares = ROCA_SUBGROUPS.iter().map(|(prime, powers)| {
        let (of, all) = (u32::try_from(powers.len()).unwrap(), prime - 1);
        f64::from(of) / f64::from(all)
    });
    let share: f64 = shares.product();
    assert!((27.0..28.0).contains(&-share.log2()), "{share}");
}
