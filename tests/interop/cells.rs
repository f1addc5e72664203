//! What is compared: each library, key, and pair of algorithms. And the matrix of the results.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use watchword::jose::{ContentEncryption, KeyAlgorithm};
use watchword_test_support::say;

/// The libraries, as `libraries.py` names them.
pub(crate) const LIBRARIES: [&str; 2] = ["jwcrypto", "joserfc"];

/// The algorithms that a library does not have.
const MISSING: [(&str, &str, &str); 2] = [
    (
        "jwcrypto",
        "RSA-OAEP-384",
        "it has SHA-1 and SHA-256 only, for RSA",
    ),
    (
        "jwcrypto",
        "RSA-OAEP-512",
        "it has SHA-1 and SHA-256 only, for RSA",
    ),
];

/// One key of a library under one pair of algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) library: &'static str,
    pub(crate) algorithm: KeyAlgorithm,
    pub(crate) encryption: ContentEncryption,
    /// `RSA`, a curve, or the bits of a shared key.
    pub(crate) kind: &'static str,
}

impl Cell {
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for library in LIBRARIES {
            for algorithm in KeyAlgorithm::ALL {
                for encryption in ContentEncryption::ALL {
                    let kinds = kinds(algorithm, encryption).iter();
                    cells.extend(kinds.map(|kind| Self {
                        library,
                        algorithm,
                        encryption,
                        kind,
                    }));
                }
            }
        }
        cells
    }

    /// The reason for which the library does not have it.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let missing = MISSING.iter().find(|(library, algorithm, _)| {
            *library == self.library && *algorithm == self.algorithm.name()
        });
        missing.map(|(.., reason)| *reason)
    }

    /// True if the two sides agree on a key, so that their names may go into it.
    pub(crate) fn is_agreement(&self) -> bool {
        self.algorithm.name().starts_with("ECDH-ES")
    }

    /// Notes a result for the matrix.
    pub(crate) fn note(&self, result: char) {
        let mut results = RESULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let row = (
            self.library,
            format!("{} {}", self.algorithm.name(), self.kind),
        );
        let row = match self.algorithm {
            // Its keys have another length for each content encryption.
            KeyAlgorithm::Dir => (self.library, "dir".to_owned()),
            _ => row,
        };
        let cell = (row, self.encryption.name());
        results.entry(cell).or_default().insert(result);
    }
}

/// The kinds of keys that an algorithm takes.
fn kinds(algorithm: KeyAlgorithm, encryption: ContentEncryption) -> &'static [&'static str] {
    let name = algorithm.name();
    if name.starts_with("RSA") {
        return &["RSA"];
    }
    if name.starts_with("ECDH-ES") {
        return &["P-256", "P-384", "P-521", "X25519"];
    }
    // RFC 7518 §5.2: the name of a cipher with HMAC ends with the bits of both keys.
    let bits = match algorithm {
        KeyAlgorithm::Dir => encryption.name(),
        _ => name,
    };
    if bits.ends_with("512") {
        &["512"]
    } else if bits.ends_with("384") {
        &["384"]
    } else if bits.starts_with("A256") || bits.ends_with("256") {
        &["256"]
    } else if bits.starts_with("A192") {
        &["192"]
    } else {
        &["128"]
    }
}

type Row = (&'static str, String);

static RESULTS: Mutex<BTreeMap<(Row, &str), BTreeSet<char>>> = Mutex::new(BTreeMap::new());

/// Prints a row for each library, algorithm and kind of key, and a column for each content
/// encryption.
pub(crate) fn say_matrix() {
    let results = RESULTS.lock().unwrap_or_else(PoisonError::into_inner);
    if results.is_empty() {
        return;
    }
    let mut table = format!("{:<32}", "library, algorithm, key");
    for encryption in ContentEncryption::ALL {
        let _ = write!(table, " {:>13}", encryption.name());
    }
    let rows: BTreeSet<&Row> = results.keys().map(|(row, _)| row).collect();
    for row in rows {
        let name = format!("{} {}", row.0, row.1);
        let _ = write!(table, "\n{name:<32}");
        for encryption in ContentEncryption::ALL {
            let result = results.get(&(row.clone(), encryption.name()));
            let result: String = result.into_iter().flatten().collect();
            let _ = write!(table, " {result:>13}");
        }
    }
    for (library, algorithm, reason) in MISSING {
        let _ = write!(table, "\n-: {library} has no {algorithm}: {reason}");
    }
    say(format_args!(
        "{table}\nr: read here, p: with both parties' names, z: compressed, w: ours read there"
    ));
}
