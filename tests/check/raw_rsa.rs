//! RSA's private operation on any block, so that signatures can be made whose padding no library
//! would make.
//!
//! Montgomery multiplication in 64-bit limbs, little-endian (Koç et al., CIOS). Test code: slow and
//! not in constant time.

use aws_lc_rs::digest::{self, Algorithm};
use watchword_test_support::mint::Signer;

/// The modulus and the private exponent of a key.
pub(crate) struct RawRsa {
    modulus: Vec<u64>,
    exponent: Vec<u8>,
    /// `-modulus^-1 mod 2^64`
    inverse: u64,
}

impl RawRsa {
    /// The numbers of a signer's key.
    pub(crate) fn of(signer: &Signer) -> Self {
        let der = signer.private_der();
        // RFC 8017 A.1.2: SEQUENCE { version, modulus, publicExponent, privateExponent, … }
        let mut rest = element(&der).0;
        let mut numbers = Vec::new();
        while numbers.len() < 4 {
            let (number, after) = element(rest);
            numbers.push(number);
            rest = after;
        }
        Self::new(numbers[1], numbers[3])
    }

    /// From big-endian numbers.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Self {
        let modulus = limbs(trim(modulus));
        let mut inverse = 1_u64;
        // Newton's iteration doubles the number of correct bits each time.
        for _ in 0..6 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(modulus[0].wrapping_mul(inverse)));
        }
        Self {
            modulus,
            exponent: trim(exponent).to_vec(),
            inverse: inverse.wrapping_neg(),
        }
    }

    /// The length of the modulus in bytes.
    pub(crate) fn len(&self) -> usize {
        bytes(&self.modulus)
            .iter()
            .skip_while(|byte| **byte == 0)
            .count()
    }

    pub(crate) fn modulus(&self) -> Vec<u8> {
        trim(&bytes(&self.modulus)).to_vec()
    }

    /// `block^d mod n`, as long as the modulus.
    pub(crate) fn sign_block(&self, block: &[u8]) -> Vec<u8> {
        let mut base = limbs(block);
        base.resize(self.modulus.len(), 0);
        let mut one = vec![0; self.modulus.len()];
        one[0] = 1;
        let square = self.doubled(&one, 2 * 64 * self.modulus.len());
        let base = self.multiply(&base, &square);
        let mut power = self.multiply(&one, &square);
        for bit in self
            .exponent
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        {
            power = self.multiply(&power, &power);
            if bit == 1 {
                power = self.multiply(&power, &base);
            }
        }
        let signature = bytes(&self.multiply(&power, &one));
        signature[signature.len() - self.len()..].to_vec()
    }

    /// `number * 2^times mod n`
    fn doubled(&self, number: &[u64], times: usize) -> Vec<u64> {
        let mut number = number.to_vec();
        for _ in 0..times {
            let mut carry = 0;
            for limb in &mut number {
                let next = *limb >> 63;
                *limb = *limb << 1 | carry;
                carry = next;
            }
            self.reduce(&mut number, carry);
        }
        number
    }

    /// `a * b / 2^(64 k) mod n`
    fn multiply(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let size = self.modulus.len();
        let mut sum = vec![0_u64; size + 2];
        for factor in b {
            let mut carry = 0;
            for (limb, digit) in sum.iter_mut().zip(a) {
                (*limb, carry) = multiply_add(*digit, *factor, *limb, carry);
            }
            let (top, over) = sum[size].overflowing_add(carry);
            sum[size] = top;
            sum[size + 1] = u64::from(over);
            let factor = sum[0].wrapping_mul(self.inverse);
            let mut carry = multiply_add(self.modulus[0], factor, sum[0], 0).1;
            for index in 1..size {
                (sum[index - 1], carry) =
                    multiply_add(self.modulus[index], factor, sum[index], carry);
            }
            let (top, over) = sum[size].overflowing_add(carry);
            sum[size - 1] = top;
            sum[size] = sum[size + 1] + u64::from(over);
        }
        let carry = sum[size];
        sum.truncate(size);
        self.reduce(&mut sum, carry);
        sum
    }

    /// Subtracts the modulus once if the number, with this carry above it, is not smaller.
    fn reduce(&self, number: &mut [u64], carry: u64) {
        if carry == 0 && number.iter().rev().lt(self.modulus.iter().rev()) {
            return;
        }
        let mut borrow = false;
        for (limb, digit) in number.iter_mut().zip(&self.modulus) {
            let (first, under) = limb.overflowing_sub(*digit);
            let (second, again) = first.overflowing_sub(u64::from(borrow));
            *limb = second;
            borrow = under || again;
        }
    }
}

/// `a * b + c + d` as low and high limb; it cannot overflow.
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    (sum as u64, (sum >> 64) as u64)
}

fn limbs(big_endian: &[u8]) -> Vec<u64> {
    let limb = |chunk: &[u8]| {
        chunk
            .iter()
            .fold(0, |limb, byte| limb << 8 | u64::from(*byte))
    };
    big_endian.rchunks(8).map(limb).collect()
}

fn bytes(limbs: &[u64]) -> Vec<u8> {
    limbs
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect()
}

fn trim(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Content and rest of a DER element.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match usize::from(der[1]) {
        short @ ..0x80 => (2, short),
        long => {
            let end = 2 + (long & 0x7f);
            (
                end,
                der[2..end]
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte)),
            )
        }
    };
    der[start..].split_at(length)
}

/// `number + add`, both big-endian, in the length of the number.
pub(crate) fn add(number: &[u8], add: u8) -> Vec<u8> {
    let mut sum = number.to_vec();
    let mut carry = add;
    for byte in sum.iter_mut().rev() {
        let (low, over) = byte.overflowing_add(carry);
        *byte = low;
        carry = u8::from(over);
    }
    sum
}

/// `a - b` for big-endian numbers of one length, `a` not the smaller.
pub(crate) fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut difference = a.to_vec();
    let mut borrow = 0;
    for (limb, digit) in difference.iter_mut().zip(b).rev() {
        let value = i16::from(*limb) - i16::from(*digit) - borrow;
        borrow = i16::from(value < 0);
        *limb = value.rem_euclid(256) as u8;
    }
    difference
}

/// `DigestInfo` of SHA-256 up to the hash (RFC 8017 §9.2, note 1).
pub(crate) const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// `00 01 FF… 00` and then the rest, as long as a modulus of `length` bytes (RFC 8017 §9.2).
pub(crate) fn pkcs1_block(length: usize, rest: &[u8]) -> Vec<u8> {
    let filling = vec![0xff; length - rest.len() - 3];
    [&[0, 1], filling.as_slice(), &[0], rest].concat()
}

/// EMSA-PSS-ENCODE for a modulus of `length` full bytes (RFC 8017 §9.1.1).
pub(crate) fn pss_block(
    length: usize,
    message: &[u8],
    salt: &[u8],
    mask: &'static Algorithm,
) -> Vec<u8> {
    let hash = digest::digest(&digest::SHA256, message);
    let salted = [&[0; 8], hash.as_ref(), salt].concat();
    let hash = digest::digest(&digest::SHA256, &salted);
    let hash = hash.as_ref();
    let filling = vec![0; length - salt.len() - hash.len() - 2];
    let mut block = [filling.as_slice(), &[1], salt].concat();
    for (byte, mask) in block.iter_mut().zip(mask_generation(hash, length, mask)) {
        *byte ^= mask;
    }
    block[0] &= 0x7f;
    [block.as_slice(), hash, &[0xbc]].concat()
}

/// MGF1 (RFC 8017 B.2.1).
fn mask_generation(seed: &[u8], length: usize, hash: &'static Algorithm) -> Vec<u8> {
    let block = |counter: u32| {
        let input = [seed, &counter.to_be_bytes()].concat();
        digest::digest(hash, &input).as_ref().to_vec()
    };
    (0..).flat_map(block).take(length).collect()
}
