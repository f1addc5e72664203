//! Finds public keys for which anybody can forge signatures, in less than a millisecond per key,
//! when a key is loaded.
//!
//! docs/design.md lists the checks, and those that are left out.

mod base_points;

use std::sync::LazyLock;

use num_bigint::BigUint;

/// The reason for which a well-formed public key is worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum WeakKey {
    /// An Ed25519 point of order 1, 2, 4 or 8. A signature with the neutral element as `R` and zero
    /// as `S` verifies at least one message in eight.
    #[error("the point has small order, so anybody can forge signatures")]
    SmallOrder,
    /// An Ed25519 `y` that is not below the field's prime (RFC 8032 §5.1.3). Verifiers disagree
    /// about such keys.
    #[error("the point is not encoded canonically")]
    NonCanonical,
    /// The base point of its curve, or its negation: the private key is 1, or -1.
    #[error(
        "the point is the curve's base point or its negation, whose private key everybody knows"
    )]
    BasePoint,
    /// Most of the vector `t1` of an ML-DSA key is zero (FIPS 204, algorithm 8). If all is, the
    /// verifier compares nothing that depends on a private key.
    #[error("most of the vector t1 is zero, which makes signatures easy to forge")]
    ZeroVector,
    /// With the exponent 1 a message is its own signature; with an even one there is no private
    /// key.
    #[error("the exponent is 1 or even")]
    Exponent,
    #[error("the modulus is even")]
    EvenModulus,
    #[error("the modulus has a small prime factor")]
    SmallFactor,
    /// The residues of the modulus match those of the generator of CVE-2017-15361.
    #[error("the modulus has the fingerprint of ROCA (CVE-2017-15361), so it can be factored")]
    Roca,
    /// The factors are equal, or 64 steps of Fermat's method find them.
    #[error("the two prime factors of the modulus are equal or close together")]
    ClosePrimes,
}

/// Trial division uses the primes below this number.
const FACTORS_BELOW: u32 = 10_000;
/// Steps of Fermat's method: enough to find two primes of 1024 bits that differ by less than 2^516.
const FERMAT_STEPS: u32 = 64;
/// The largest prime of the ROCA fingerprint.
const ROCA_PRIMES_TO: u32 = 167;
/// The base of the powers that make up the primes of the ROCA generator.
const ROCA_GENERATOR: u32 = 65_537;
/// The length of the seed `rho` before the vector `t1` (FIPS 204, algorithm 22).
const ML_DSA_SEED: usize = 32;

/// Checks an RSA key: big-endian integers without leading zeros.
pub(super) fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), WeakKey> {
    if exponent == [1] || !is_odd(exponent) {
        return Err(WeakKey::Exponent);
    }
    if !is_odd(modulus) {
        return Err(WeakKey::EvenModulus);
    }
    let modulus = BigUint::from_bytes_be(modulus);
    if has_small_factor(&modulus) {
        return Err(WeakKey::SmallFactor);
    }
    if has_roca_fingerprint(&modulus) {
        return Err(WeakKey::Roca);
    }
    if has_close_factors(&modulus) {
        return Err(WeakKey::ClosePrimes);
    }
    Ok(())
}

/// Checks an Ed25519 key: the encoded point (RFC 8032 §5.1.2).
pub(super) fn check_ed25519(point: &[u8; 32]) -> Result<(), WeakKey> {
    // The highest bit is the sign of x. Each y of small order has small order with either sign.
    let mut y = *point;
    y[31] &= 0x7f;
    // Little endian: the last byte decides first.
    if y.iter().rev().ge(ed25519::PRIME.iter().rev()) {
        return Err(WeakKey::NonCanonical);
    }
    if ed25519::SMALL_ORDER.contains(&y) {
        // Zero has no sign: the neutral element and the point of order 2 have one encoding each.
        let signed = *point != y && ed25519::WITHOUT_X.contains(&y);
        return Err(if signed {
            WeakKey::NonCanonical
        } else {
            WeakKey::SmallOrder
        });
    }
    if y == ed25519::BASE {
        return Err(WeakKey::BasePoint);
    }
    Ok(())
}

/// Returns true if an Ed25519 point has an x (RFC 8032 §5.1.3). The library checks this only when
/// it verifies.
pub(super) fn is_on_ed25519(point: &[u8; 32]) -> bool {
    let prime = BigUint::from_bytes_le(&ed25519::PRIME);
    let mut y = *point;
    y[31] &= 0x7f;
    let y = BigUint::from_bytes_le(&y);
    let squared = &y * &y % &prime;
    // x² = (y² - 1) / (d·y² + 1) with d = -121665/121666. A quotient is a square where the product
    // is (Euler's criterion).
    let numerator = (&squared + &prime - 1u32) * 121_666u32;
    let denominator = &prime * 121_665u32 + 121_666u32 - squared * 121_665u32;
    let power = (numerator * denominator).modpow(&((&prime - 1u32) >> 1u32), &prime);
    power <= BigUint::from(1u32)
}

/// Checks the point of an ECDSA key by its `x`, which a point and its negation share.
pub(super) fn check_ec(x: &[u8]) -> Result<(), WeakKey> {
    let base = [
        &base_points::P256_X[..],
        &base_points::P384_X,
        &base_points::P521_X,
        &base_points::SECP256K1_X,
    ];
    if base.contains(&x) {
        return Err(WeakKey::BasePoint);
    }
    Ok(())
}

/// Checks an ML-DSA key. In a sound one, a byte of the vector is zero one time in 256.
pub(super) fn check_ml_dsa(key: &[u8]) -> Result<(), WeakKey> {
    let vector = key.iter().skip(ML_DSA_SEED);
    let others = vector.clone().filter(|byte| **byte != 0);
    if others.count() < vector.len() / 2 {
        return Err(WeakKey::ZeroVector);
    }
    Ok(())
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

/// Odd primes whose product fits in 32 bits, so one division of a large number tests all of them.
struct PrimeBatch {
    product: u32,
    primes: Vec<u32>,
}

/// The odd primes below [`FACTORS_BELOW`].
static BATCHES: LazyLock<Vec<PrimeBatch>> = LazyLock::new(|| {
    let mut batches: Vec<PrimeBatch> = Vec::new();
    for prime in odd_primes(FACTORS_BELOW) {
        if let Some(batch) = batches.last_mut()
            && let Some(product) = batch.product.checked_mul(prime)
        {
            batch.product = product;
            batch.primes.push(prime);
        } else {
            let (product, primes) = (prime, vec![prime]);
            batches.push(PrimeBatch { product, primes });
        }
    }
    batches
});

fn odd_primes(below: u32) -> impl Iterator<Item = u32> {
    let is_prime = |number: &u32| {
        let divisors = (3..).step_by(2);
        let mut divisors = divisors.take_while(|divisor| divisor * divisor <= *number);
        divisors.all(|divisor| !number.is_multiple_of(divisor))
    };
    (3..below).step_by(2).filter(is_prime)
}

fn has_small_factor(modulus: &BigUint) -> bool {
    BATCHES.iter().any(|batch| {
        let rest = remainder(modulus, batch.product);
        batch.primes.iter().any(|prime| rest.is_multiple_of(*prime))
    })
}

fn remainder(number: &BigUint, divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let digits = number.iter_u32_digits().rev();
    let rest = digits.fold(0, |rest, digit| ((rest << 32) | u64::from(digit)) % divisor);
    // It is less than the divisor, which fits.
    u32::try_from(rest).unwrap_or_default()
}

/// For each prime, the powers of [`ROCA_GENERATOR`] modulo that prime.
static ROCA_SUBGROUPS: LazyLock<Vec<(u32, Vec<u32>)>> = LazyLock::new(|| {
    let primes = odd_primes(ROCA_PRIMES_TO + 1);
    primes
        .map(|prime| (prime, powers(ROCA_GENERATOR, prime)))
        .collect()
});

fn powers(base: u32, prime: u32) -> Vec<u32> {
    let next = |power: &u32| Some(power * (base % prime) % prime).filter(|next| *next != 1);
    std::iter::successors(Some(1), next).collect()
}

/// Nemec and others, "The Return of Coppersmith's Attack" (2017), §5.1: the generator's primes are
/// `k·M + 65537^a mod M`, where `M` is the product of the first primes. So the modulus is a power
/// of 65537 modulo each of them. One sound modulus in 2^27 matches by chance.
fn has_roca_fingerprint(modulus: &BigUint) -> bool {
    let mut subgroups = ROCA_SUBGROUPS.iter();
    subgroups.all(|(prime, powers)| powers.contains(&remainder(modulus, *prime)))
}

/// Fermat's method: if `n = a² - b²`, then `a - b` and `a + b` are factors; if they are close, `a`
/// is near the root of `n`.
fn has_close_factors(modulus: &BigUint) -> bool {
    let mut root = modulus.sqrt();
    if &root * &root < *modulus {
        root += 1u32;
    }
    let mut difference = &root * &root - modulus;
    for _ in 0..FERMAT_STEPS {
        if is_square(&difference) {
            return true;
        }
        // (a + 1)² = a² + 2a + 1
        difference += &root << 1u32;
        difference += 1u32;
        root += 1u32;
    }
    false
}

/// Residues rule out most numbers, so a root is computed for one in a hundred.
fn is_square(number: &BigUint) -> bool {
    let residue = remainder(number, 64 * 63 * 65 * 11);
    let moduli = [64, 63, 65, 11];
    let may_be_square = |modulus: &u32| {
        let residue = residue % modulus;
        (0..*modulus).any(|root| root * root % modulus == residue)
    };
    if !moduli.iter().all(may_be_square) {
        return false;
    }
    let root = number.sqrt();
    &root * &root == *number
}

/// Ed25519 (RFC 8032 §5.1), little endian.
mod ed25519 {
    /// 2^255 - 19.
    pub(super) const PRIME: [u8; 32] = number(0xed, 0xff, 0x7f);
    /// The y of the base point: 4/5.
    pub(super) const BASE: [u8; 32] = number(0x58, 0x66, 0x66);
    /// The y of the two points whose x is zero: 1, of the neutral element, and -1, of the point of
    /// order 2.
    pub(super) const WITHOUT_X: [[u8; 32]; 2] = [number(1, 0, 0), number(0xec, 0xff, 0x7f)];
    /// The y of the eight points of small order: those two, 0 of the two of order 4, and the last
    /// two of the four of order 8.
    pub(super) const SMALL_ORDER: [[u8; 32]; 5] = [
        WITHOUT_X[0],
        WITHOUT_X[1],
        [0; 32],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];

    /// A number whose bytes between the first and the last are equal.
    const fn number(first: u8, between: u8, last: u8) -> [u8; 32] {
        let mut bytes = [between; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
}

#[cfg(test)]
mod tests;
