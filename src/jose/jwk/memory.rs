//! The memory cost of a prepared key.

use aws_lc_rs::hmac;

use super::{Family, Object, PreparedKey, VerifyingKey};
use crate::jose::heap::{allocated, shared};

/// The bytes that aws-lc holds for a public key: measured and rounded up
/// (tests/properties/memory.rs).
const CURVE_COST: usize = 1024;
const RSA_COST: usize = 1024;
/// Per byte of an RSA key in DER, most of which is the modulus.
const RSA_COST_OF_BYTE: usize = 4;

impl PreparedKey {
    /// Heap bytes, allocator overhead included, without the public members, which all algorithms of
    /// an entry share.
    pub(in crate::jose) fn heap_size(&self) -> usize {
        let kid = self.kid.as_ref().map_or(0, |kid| allocated(kid.len()));
        let verifier = match (&self.verifier, self.algorithm.family()) {
            (VerifyingKey::Secret(_), _) => shared(size_of::<hmac::Key>()),
            (VerifyingKey::Public(key), Family::Rsa(_)) => {
                RSA_COST + RSA_COST_OF_BYTE * key.as_ref().len()
            }
            (VerifyingKey::Public(_), _) => CURVE_COST,
        };
        kid + verifier
    }

    pub(in crate::jose) fn public_size(&self) -> usize {
        let public = self.public.as_ref();
        public.map_or(0, |public| shared(size_of::<Object>()) + public.heap_size())
    }
}
