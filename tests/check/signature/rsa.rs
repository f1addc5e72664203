//! Area `signature`: RSA values and paddings that only somebody with the private key, or a wrong
//! verifier, can make.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use serde_json::json;

use super::super::catalogue::{Case, Row, row};
use super::super::raw_rsa::{RawRsa, SHA256_INFO, add, pkcs1_block, pss_block, subtract};
use super::super::tokens::{self, CORP, PSS, RSA, claims, resigned, segments};
use super::signature_of;

pub(crate) const ROWS: &[Row] = &[
    row!("SIG-08", zero_byte_more_or_less_is_invalid),
    row!("SIG-09", extreme_rsa_values_are_invalid),
    row!("SIG-10", bad_pkcs1_padding_is_invalid),
    row!("SIG-11", other_pss_parameters_are_invalid),
];

static RAW: LazyLock<RawRsa> = LazyLock::new(|| RawRsa::of(&RSA));

fn zero_byte_more_or_less_is_invalid(case: &mut Case) {
    let token = RSA.sign(&claims());
    let longer = [&[0], signature_of(&token).as_slice()].concat();
    case.refuses(
        &CORP,
        "zero added",
        resigned(&token, &longer),
        "signature_invalid",
    );
    // One signature in 256 begins with a zero byte.
    let numbered = (0..).map(|number| RSA.sign(&tokens::claims_with("n", json!(number))));
    let token = numbered
        .into_iter()
        .find(|token| signature_of(token)[0] == 0)
        .expect("one in 256");
    case.accepts(&CORP, "begins with zero", &token);
    case.refuses(
        &CORP,
        "zero removed",
        resigned(&token, &signature_of(&token)[1..]),
        "signature_invalid",
    );
}

fn extreme_rsa_values_are_invalid(case: &mut Case) {
    let token = RSA.sign(&claims());
    let modulus = RAW.modulus();
    let one = add(&vec![0; modulus.len()], 1);
    for (what, value) in [
        ("0", vec![0; modulus.len()]),
        ("1", one.clone()),
        ("n-1", subtract(&modulus, &one)),
        ("n", modulus.clone()),
        ("n+1", add(&modulus, 1)),
        ("2^2048-1", vec![0xff; modulus.len()]),
        ("one byte", vec![1]),
    ] {
        case.refuses(&CORP, what, resigned(&token, &value), "signature_invalid");
    }
}

/// A token of the baseline's RSA key whose signature opens to the block that `pad` makes of the
/// hash.
fn padded(pad: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let token = RSA.sign(&claims());
    let [header, payload, _] = segments(&token);
    let hash = digest::digest(&digest::SHA256, format!("{header}.{payload}").as_bytes());
    resigned(&token, &RAW.sign_block(&pad(hash.as_ref())))
}

/// The block of a signature whose bytes after the padding are these.
fn block(rest: &[&[u8]]) -> Vec<u8> {
    pkcs1_block(RAW.len(), &rest.concat())
}

fn bad_pkcs1_padding_is_invalid(case: &mut Case) {
    case.accepts(
        &CORP,
        "the right padding, by the same means",
        padded(|hash| block(&[&SHA256_INFO, hash])),
    );
    let with_byte = |at: usize, byte: u8| {
        padded(|hash| {
            let mut block = block(&[&SHA256_INFO, hash]);
            block[at] = byte;
            block
        })
    };
    for (what, at, byte) in [
        ("first byte 1", 0, 1),
        ("block type 0", 1, 0),
        ("block type 2", 1, 2),
        ("first FF is 0", 2, 0),
        ("an FF is FE", 100, 0xfe),
        ("an FF is 0", 9, 0),
        ("no zero before the hash", 204, 0xff),
        ("tag of a set", 205, 0x31),
        ("longer sequence", 206, 0x32),
        ("SHA-224's identifier", 219, 4),
        ("NULL with content", 221, 1),
        ("BIT STRING for OCTET STRING", 222, 3),
        ("hash one byte shorter", 223, 0x1f),
        ("last byte", 255, 0),
    ] {
        case.refuses(&CORP, what, with_byte(at, byte), "signature_invalid");
    }
    // Bleichenbacher's forgery: few FF, and the rest after the hash.
    for filling in [0, 1, 8, 16] {
        let token = padded(|hash| {
            let head = [
                &[0, 1],
                vec![0xff; filling].as_slice(),
                &[0],
                &SHA256_INFO[..],
                hash,
            ]
            .concat();
            let garbage = vec![0x5a; RAW.len() - head.len()];
            [head, garbage].concat()
        });
        case.refuses(
            &CORP,
            &format!("{filling} FF, garbage after the hash"),
            token,
            "signature_invalid",
        );
    }
    for (what, info) in other_digest_infos() {
        case.refuses(
            &CORP,
            what,
            padded(|hash| block(&[&info, hash])),
            "signature_invalid",
        );
    }
    case.refuses(
        &CORP,
        "no DigestInfo",
        padded(|hash| block(&[hash])),
        "signature_invalid",
    );
    case.refuses(
        &CORP,
        "zeros after the hash",
        padded(|hash| block(&[&SHA256_INFO, hash, &[0, 0]])),
        "signature_invalid",
    );
    case.refuses(
        &CORP,
        "no hash",
        padded(|_| block(&[&SHA256_INFO])),
        "signature_invalid",
    );
    case.refuses(
        &CORP,
        "hash reversed",
        padded(|hash| {
            let hash: Vec<u8> = hash.iter().rev().copied().collect();
            block(&[&SHA256_INFO, &hash])
        }),
        "signature_invalid",
    );
    let pss = padded(|_| {
        let token = RSA.sign(&claims());
        let [header, payload, _] = segments(&token);
        pss_block(
            RAW.len(),
            format!("{header}.{payload}").as_bytes(),
            &[7; 32],
            &digest::SHA256,
        )
    });
    case.refuses(&CORP, "PSS padding under RS256", pss, "signature_invalid");
}

/// Encodings of `DigestInfo` that a lax reader takes for SHA-256's, or takes for no matter.
fn other_digest_infos() -> Vec<(&'static str, Vec<u8>)> {
    let algorithm = [0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let info = |after: &[u8], octets: &[u8]| {
        let identifier = [
            &[0x30, (algorithm.len() + after.len()) as u8],
            &algorithm[..],
            after,
        ]
        .concat();
        let length = (identifier.len() + octets.len() + 32) as u8;
        [&[0x30, length], identifier.as_slice(), octets].concat()
    };
    let mut sha1 = SHA256_INFO.to_vec();
    sha1[14] = 0x1a;
    vec![
        ("NULL missing", info(&[], &[4, 0x20])),
        ("two NULLs", info(&[5, 0, 5, 0], &[4, 0x20])),
        ("NULL with long length", info(&[5, 0x81, 0], &[4, 0x20])),
        (
            "garbage in the parameters",
            info(&[4, 2, 0xde, 0xad], &[4, 0x20]),
        ),
        ("long form of the length", info(&[5, 0], &[4, 0x81, 0x20])),
        (
            "indefinite length",
            [&[0x30, 0x80], &SHA256_INFO[2..]].concat(),
        ),
        ("another identifier", sha1),
        ("SHA-512's identifier", {
            let mut info = SHA256_INFO.to_vec();
            info[14] = 3;
            info
        }),
    ]
}

fn other_pss_parameters_are_invalid(case: &mut Case) {
    let raw = RawRsa::of(&PSS);
    let token = PSS.sign(&claims());
    let [header, payload, _] = segments(&token);
    let input = format!("{header}.{payload}").into_bytes();
    let signed = |salt: usize, mask| {
        let block = pss_block(raw.len(), &input, &vec![0x5a; salt], mask);
        resigned(&token, &raw.sign_block(&block))
    };
    case.accepts(
        &CORP,
        "salt of 32 bytes, by the same means",
        signed(32, &digest::SHA256),
    );
    let longest = raw.len() - 32 - 2;
    for salt in [0, 1, 20, 31, 33, 64, longest] {
        case.refuses(
            &CORP,
            &format!("salt of {salt} bytes"),
            signed(salt, &digest::SHA256),
            "signature_invalid",
        );
    }
    for (what, mask) in [
        ("MGF1 with SHA-1", &digest::SHA1_FOR_LEGACY_USE_ONLY),
        ("MGF1 with SHA-384", &digest::SHA384),
        ("MGF1 with SHA-512", &digest::SHA512),
    ] {
        case.refuses(&CORP, what, signed(32, mask), "signature_invalid");
    }
    let trailer = |byte: u8| {
        let mut block = pss_block(raw.len(), &input, &[7; 32], &digest::SHA256);
        *block.last_mut().expect("not empty") = byte;
        resigned(&token, &raw.sign_block(&block))
    };
    case.accepts(&CORP, "trailer BC, by the same means", trailer(0xbc));
    case.refuses(&CORP, "trailer CC", trailer(0xcc), "signature_invalid");
}
