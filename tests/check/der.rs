//! DER and PEM by hand: public keys in forms that no JWK has, and a self-signed certificate.

use watchword_test_support::mint::Signer;

use super::tokens;

/// A DER element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    element.extend_from_slice(content);
    element
}

pub(crate) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// An INTEGER that is not negative.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros.min(bytes.len() - 1)..];
    let sign: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
    element(0x02, &[sign, digits].concat())
}

/// `RSAPublicKey` of PKCS#1 (RFC 8017 A.1.1).
pub(crate) fn pkcs1(signer: &Signer) -> Vec<u8> {
    let jwk = signer.jwk();
    let numbers = ["n", "e"].map(|name| integer(&tokens::member(&jwk, name)));
    sequence(&[&numbers[0], &numbers[1]])
}

/// PEM with lines of 64 characters and a final newline (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = tokens::standard_b64(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// An ECDSA signature r||s as `SEQUENCE { r, s }`.
pub(crate) fn ecdsa(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    sequence(&[&integer(r), &integer(s)])
}

/// A self-signed X.509 certificate of an ES256 key (RFC 5280 §4.1).
pub(crate) fn self_signed(signer: &Signer) -> Vec<u8> {
    // ecdsa-with-SHA256; commonName
    let algorithm = sequence(&[&[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let common_name = sequence(&[&[0x06, 3, 0x55, 4, 3], &element(0x0c, b"idp.example.com")]);
    let name = sequence(&[&element(0x31, &common_name)]);
    let dates = [b"200101000000Z", b"491231235959Z"].map(|date| element(0x17, date));
    let signed = sequence(&[
        &element(0xa0, &integer(&[2])),
        &integer(&[1]),
        &algorithm,
        &name,
        &sequence(&[&dates[0], &dates[1]]),
        &name,
        &signer.public_der(),
    ]);
    let signature = ecdsa(&signer.signature(&signed));
    let bits = element(0x03, &[&[0], signature.as_slice()].concat());
    sequence(&[&signed, &algorithm, &bits])
}
