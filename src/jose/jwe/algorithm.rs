//! Algorithms of encrypted tokens (RFC 7518 §4 and §5, RFC 8037 §3.2): one table for key
//! management, one for content encryption.
//!
//! `RSA1_5` and `PBES2-*` are left out on purpose: the first is open to padding oracles, and with
//! the second a token chooses how much work its reader does.

use aws_lc_rs::aead;
use aws_lc_rs::cipher;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};

/// The method that gives a token's reader the content key.
#[derive(Clone, Copy)]
pub(super) enum KeyManagement {
    /// Encrypted with the reader's RSA key.
    Rsa(&'static OaepAlgorithm),
    /// Agreed with the reader's key on a curve, used directly or to unwrap the content key.
    Agreement(Option<Wrap>),
    /// Wrapped with a shared key.
    Shared(Wrap),
    /// The shared key itself.
    Direct,
}

/// A way to wrap a content key with AES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrap {
    /// The length of the wrapping key, in bytes.
    pub(super) key_length: usize,
    /// True for AES-GCM (RFC 7518 §4.7), false for AES Key Wrap (RFC 3394).
    pub(super) is_gcm: bool,
}

impl Wrap {
    /// The length of a wrapped content key, in bytes.
    pub(super) fn wrapped_length(self, encryption: ContentEncryption) -> usize {
        // AES Key Wrap adds a block; the tag of AES-GCM is in the header.
        encryption.key_length() + if self.is_gcm { 0 } else { 8 }
    }
}

/// AES Key Wrap with a key of this length.
const fn kw(bits: usize) -> Wrap {
    Wrap {
        key_length: bits / 8,
        is_gcm: false,
    }
}

/// AES-GCM with a key of this length.
const fn gcm_kw(bits: usize) -> Wrap {
    Wrap {
        key_length: bits / 8,
        is_gcm: true,
    }
}

/// The cipher of a token's content.
#[derive(Clone, Copy)]
pub(super) enum ContentCipher {
    Gcm(&'static aead::Algorithm),
    /// AES-CBC and HMAC (RFC 7518 §5.2). The MAC's key and tag have the length of the AES key.
    CbcHmac(&'static cipher::Algorithm, &'static hmac::Algorithm),
}

/// Generates an enum of registered names and its table.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident, $property:ident: $properties:ty,
     $($variant:ident = $name:literal, $value:expr;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the registry's")]
        pub enum $type {
            $($variant,)*
        }

        impl $type {
            /// Every algorithm that is implemented.
            pub const ALL: [Self; [$($name,)*].len()] = [$(Self::$variant,)*];

            /// The registered, case-sensitive name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The algorithm with exactly this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
            }

            pub(super) fn $property(self) -> $properties {
                match self {
                    $(Self::$variant => $value,)*
                }
            }
        }
    };
}

names! {
    /// A key management algorithm: the `alg` of an encrypted token.
    KeyAlgorithm, management: KeyManagement,
    RsaOaep = "RSA-OAEP", KeyManagement::Rsa(&OAEP_SHA1_MGF1SHA1);
    RsaOaep256 = "RSA-OAEP-256", KeyManagement::Rsa(&OAEP_SHA256_MGF1SHA256);
    RsaOaep384 = "RSA-OAEP-384", KeyManagement::Rsa(&OAEP_SHA384_MGF1SHA384);
    RsaOaep512 = "RSA-OAEP-512", KeyManagement::Rsa(&OAEP_SHA512_MGF1SHA512);
    EcdhEs = "ECDH-ES", KeyManagement::Agreement(None);
    EcdhEsA128Kw = "ECDH-ES+A128KW", KeyManagement::Agreement(Some(kw(128)));
    EcdhEsA192Kw = "ECDH-ES+A192KW", KeyManagement::Agreement(Some(kw(192)));
    EcdhEsA256Kw = "ECDH-ES+A256KW", KeyManagement::Agreement(Some(kw(256)));
    A128Kw = "A128KW", KeyManagement::Shared(kw(128));
    A192Kw = "A192KW", KeyManagement::Shared(kw(192));
    A256Kw = "A256KW", KeyManagement::Shared(kw(256));
    A128GcmKw = "A128GCMKW", KeyManagement::Shared(gcm_kw(128));
    A192GcmKw = "A192GCMKW", KeyManagement::Shared(gcm_kw(192));
    A256GcmKw = "A256GCMKW", KeyManagement::Shared(gcm_kw(256));
    Dir = "dir", KeyManagement::Direct;
}

names! {
    /// A content encryption algorithm: the `enc` of an encrypted token.
    ContentEncryption, cipher: ContentCipher,
    A128Gcm = "A128GCM", ContentCipher::Gcm(&aead::AES_128_GCM);
    A192Gcm = "A192GCM", ContentCipher::Gcm(&aead::AES_192_GCM);
    A256Gcm = "A256GCM", ContentCipher::Gcm(&aead::AES_256_GCM);
    A128CbcHs256 = "A128CBC-HS256",
        ContentCipher::CbcHmac(&cipher::AES_128, &hmac::HMAC_SHA256);
    A192CbcHs384 = "A192CBC-HS384",
        ContentCipher::CbcHmac(&cipher::AES_192, &hmac::HMAC_SHA384);
    A256CbcHs512 = "A256CBC-HS512",
        ContentCipher::CbcHmac(&cipher::AES_256, &hmac::HMAC_SHA512);
}

impl KeyAlgorithm {
    /// Returns true if its keys are shared with the issuer.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        matches!(
            self.management(),
            KeyManagement::Shared(_) | KeyManagement::Direct
        )
    }

    /// Returns true if tokens carry an encrypted content key (RFC 7516 §5.2, steps 10 and 11).
    pub(super) fn has_encrypted_key(self) -> bool {
        !matches!(
            self.management(),
            KeyManagement::Agreement(None) | KeyManagement::Direct
        )
    }
}

impl ContentEncryption {
    /// The length of the content key, in bytes.
    pub(super) fn key_length(self) -> usize {
        match self.cipher() {
            ContentCipher::Gcm(algorithm) => algorithm.key_len(),
            // The tag is half of the hash, and as long as the AES key and the MAC key.
            ContentCipher::CbcHmac(_, mac) => mac.digest_algorithm().output_len(),
        }
    }
}
