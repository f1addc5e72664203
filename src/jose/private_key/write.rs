//! Writes private keys: as a JWK (RFC 7517), as PKCS#8 (RFC 5958), and in PEM.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::EcdsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::public_half::encoded;
use super::{KeyDescription, KeyMaterial, OkpCurve, PrivateKey, PrivateKeyError, SecretBytes};
use crate::jose::compact::encode;
use crate::jose::{Json, Object};

/// The length of a line of base64 (RFC 7468 §3).
const LINE: usize = 64;

impl PrivateKey {
    /// The thumbprint (RFC 7638). That of a shared secret is a hash of the secret: it must not be
    /// published, unless the secret is random.
    pub(crate) fn thumbprint(&self) -> String {
        if let Some(public) = self.public() {
            return public.thumbprint();
        }
        let members = Object::of(self.material.members());
        let text = json_text(&Zeroizing::new(Json::Object(members)));
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        encode(hash)
    }

    /// The private JWK, on one line.
    pub(crate) fn to_jwk(&self) -> Zeroizing<String> {
        let mut members = self.material.members();
        members.extend(self.description().members());
        json_text(&Zeroizing::new(Json::Object(Object::of(members))))
    }

    /// The public JWK; `None` for a shared secret.
    pub(crate) fn to_public_jwk(&self) -> Option<Object> {
        self.public().map(|public| public.to_jwk())
    }

    /// `PrivateKeyInfo`, in DER.
    ///
    /// # Errors
    /// [`PrivateKeyError::NoPem`] for a shared secret.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, PrivateKeyError> {
        let library = |_| PrivateKeyError::Library;
        match &self.material {
            KeyMaterial::Rsa(key) => {
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key.key_pair()?);
                Ok(Zeroizing::new(der.map_err(library)?.as_ref().to_vec()))
            }
            KeyMaterial::Ec { curve, x, y, d } => {
                // From both parts, because of a pair without a public one, none is written.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let pair =
                    EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), d, &point);
                let pair = pair.map_err(|_| PrivateKeyError::Mismatch)?;
                let document = pair.to_pkcs8v1().map_err(library)?;
                Ok(Zeroizing::new(document.as_ref().to_vec()))
            }
            KeyMaterial::Okp { curve, d, .. } => Ok(okp_pkcs8(*curve, d)),
            KeyMaterial::Oct(_) => Err(PrivateKeyError::NoPem),
        }
    }

    /// PKCS#8 in PEM (RFC 7468 §10).
    ///
    /// # Errors
    /// [`PrivateKeyError::NoPem`] for a shared secret.
    pub(crate) fn to_pem(&self) -> Result<Zeroizing<String>, PrivateKeyError> {
        let der = self.to_pkcs8()?;
        let base64 = Zeroizing::new(STANDARD.encode(&*der));
        // A line has an end, and both boundaries have fewer than 64 characters.
        let length = base64.len() + base64.len() / LINE + 2 * LINE;
        let mut pem = Zeroizing::new(String::with_capacity(length));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = base64.as_str();
        while let Some((line, after)) = rest.split_at_checked(LINE.min(rest.len()))
            && !line.is_empty()
        {
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }
}

/// RFC 8410 §7: version 0, the algorithm, and an OCTET STRING in an OCTET STRING. The library does
/// not write X25519.
fn okp_pkcs8(curve: OkpCurve, d: &[u8]) -> SecretBytes {
    let algorithm = [0x30, 5, 0x06, 3, 0x2b, 0x65, curve.arc()];
    let before = [
        &[0x30, 46, 0x02, 1, 0][..],
        &algorithm,
        &[0x04, 34, 0x04, 32],
    ];
    let mut der = Zeroizing::new(Vec::with_capacity(48));
    for part in before {
        der.extend_from_slice(part);
    }
    der.extend_from_slice(d);
    der
}

/// Compact JSON. It fits the buffer, so that no copy stays behind: `Json::heap_size` is more than
/// the length of all texts, and an escape takes six bytes for one.
fn json_text(json: &Json) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(6 * json.heap_size() + 64));
    json.write_ascii(&mut text);
    text
}

impl KeyMaterial {
    fn members(&self) -> Vec<(&'static str, Json)> {
        let mut members = self.public().map_or_else(
            || vec![("kty", Json::string("oct"))],
            |public| public.members(),
        );
        match self {
            Self::Rsa(key) => members.extend([
                ("d", encoded(&key.d)),
                ("p", encoded(&key.p)),
                ("q", encoded(&key.q)),
                ("dp", encoded(&key.dp)),
                ("dq", encoded(&key.dq)),
                ("qi", encoded(&key.qi)),
            ]),
            Self::Ec { d, .. } | Self::Okp { d, .. } => members.push(("d", encoded(d))),
            Self::Oct(secret) => members.push(("k", encoded(secret))),
        }
        members
    }
}

impl KeyDescription {
    fn members(&self) -> Vec<(&'static str, Json)> {
        let texts = [
            ("kid", &self.kid),
            ("alg", &self.alg),
            ("use", &self.purpose),
        ];
        let texts = texts.into_iter();
        let mut members: Vec<_> = texts
            .filter_map(|(name, value)| Some((name, Json::string(value.as_deref()?))))
            .collect();
        if let Some(operations) = &self.operations {
            let operations = operations.iter();
            let operations = operations.map(|operation| Json::string(&**operation));
            members.push(("key_ops", Json::Array(operations.collect())));
        }
        members
    }
}
