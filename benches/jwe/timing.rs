//! Whether the time of a failed decryption tells its cause.
//!
//! Each class of failure is measured in random order among the others. Two classes are compared by
//! the median of their times and by Welch's t over the faster 90 percent (the slowest are the
//! machine's interruptions). A second set of the first class shows the noise: what differs no more
//! than that is not separated.

use std::hint::black_box;

use aws_lc_rs::rsa::KeySize;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watchword::clock::Stopwatch;
use watchword::jose::{ContentEncryption, DecryptionKey, EncryptionKey, Jwe, KeyAlgorithm};

use crate::keys::Pair;

const SAMPLES: usize = 20_000;

pub(crate) fn run() {
    println!("\ntiming: {SAMPLES} samples of each class in random order; t above 4.5 separates");
    let rsa = Pair::rsa(KeySize::Rsa2048);
    let p256 = Pair::p256();
    let [gcm, cbc] = [ContentEncryption::A256Gcm, ContentEncryption::A256CbcHs512];
    compare("RSA-OAEP-256, A256GCM", &rsa, KeyAlgorithm::RsaOaep256, gcm);
    compare(
        "RSA-OAEP-256, CBC-HS512",
        &rsa,
        KeyAlgorithm::RsaOaep256,
        cbc,
    );
    compare(
        "ECDH-ES+A256KW, CBC-HS512",
        &p256,
        KeyAlgorithm::EcdhEsA256Kw,
        cbc,
    );
}

fn compare(name: &str, pair: &Pair, algorithm: KeyAlgorithm, encryption: ContentEncryption) {
    let private = DecryptionKey::read_all(pair.pem().as_bytes()).remove(0);
    let public = EncryptionKey::parse(pair.jwk.to_string().as_bytes()).unwrap();
    let token = || {
        public
            .encrypt(&[b'a'; 600], algorithm, encryption, &[])
            .unwrap()
    };
    let classes = [
        ("wrong tag", changed(&token(), 4)),
        ("wrong tag again", changed(&token(), 4)),
        ("wrong unwrap", changed(&token(), 1)),
        ("wrong ciphertext", changed(&token(), 3)),
        (
            "encrypted key of another token",
            with_segment(&token(), &token(), 1),
        ),
    ];
    let tokens: Vec<Jwe<'_>> = classes
        .iter()
        .map(|(_, token)| Jwe::parse(token).unwrap())
        .collect();
    let mut times = vec![Vec::with_capacity(SAMPLES); classes.len()];
    while times.iter().any(|times| times.len() < SAMPLES) {
        let class = fastrand::usize(..classes.len());
        let clock = Stopwatch::start();
        let result = black_box(tokens[class].decrypt(&private, 10_000));
        let time = clock.elapsed();
        assert!(result.is_err());
        if times[class].len() < SAMPLES {
            times[class].push(time.as_nanos() as f64);
        }
    }
    println!("{name}");
    for times in &mut times {
        times.sort_by(f64::total_cmp);
        times.truncate(SAMPLES / 10 * 9);
    }
    for ((class, _), sorted) in classes.iter().zip(&times) {
        let median = sorted[sorted.len() / 2];
        let base = times[0][times[0].len() / 2];
        println!(
            "  {class:<32}{:>10.2} µs  {:>+8.2} %  t {:>6.2}",
            median / 1000.0,
            100.0 * (median - base) / base,
            welch(sorted, &times[0]).abs()
        );
    }
}

/// Welch's t of two samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let of = |sample: &[f64]| {
        let count = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / count;
        let squares = sample.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    };
    let ((one, one_error), (other, other_error)) = (of(one), of(other));
    let error = (one_error + other_error).sqrt();
    if error == 0.0 {
        0.0
    } else {
        (one - other) / error
    }
}

/// The token with another byte in the middle of a segment.
fn changed(token: &str, segment: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[segment]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    parts[segment] = URL_SAFE_NO_PAD.encode(bytes);
    parts.join(".")
}

/// The token with a segment of another.
fn with_segment(token: &str, other: &str, segment: usize) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[segment] = other.split('.').nth(segment).unwrap();
    parts.join(".")
}
