//! Wycheproof's JOSE files (C2SP/wycheproof) give the results of their labels.

mod suite;

use std::collections::HashSet;

use serde_json::Value;

use crate::vectors::{Vectors, say};
use crate::{jwe, jws};
use suite::{Exception, Group, Label, Listed, Overrides, Suite, Test};

watchword_test_support::tests![
    signatures_come_out_as_labelled,
    encrypted_tokens_come_out_as_labelled,
    tokens_under_odd_keys_come_out_as_labelled,
    encrypted_tokens_are_no_signed_ones,
];

/// The tests whose label contradicts a rule of this project, beyond `overrides.json`: file, test,
/// reason.
const DEVIATIONS: [(&str, &[u32], &str); 3] = [
    (
        KEY,
        &[2],
        "a set of shared secrets cannot be configured: an issuer has one secret",
    ),
    (
        CRYPTO,
        &[48],
        "a set of shared secrets cannot be configured: an issuer has one secret",
    ),
    (
        ENCRYPTION,
        &[100, 101, 102, 103, 104, 105, 112, 128],
        "RSA1_5 is not implemented: its padding is an oracle",
    ),
];

const SIGNATURE: &str = "json_web_signature_test.json";
const ENCRYPTION: &str = "json_web_encryption_test.json";
const CRYPTO: &str = "json_web_crypto_test.json";
const KEY: &str = "json_web_key_test.json";

fn signatures_come_out_as_labelled() {
    run(SIGNATURE);
}

fn encrypted_tokens_come_out_as_labelled() {
    run(ENCRYPTION);
}

fn tokens_under_odd_keys_come_out_as_labelled() {
    run(KEY);
    run(CRYPTO);
}

/// A reader of signed tokens refuses them, whatever their label.
fn encrypted_tokens_are_no_signed_ones() {
    let vectors = Vectors::find();
    for file in [ENCRYPTION, CRYPTO] {
        let suite: Suite = vectors.json(&format!("wycheproof/{file}"));
        let tests = suite.groups.iter().flat_map(|group| &group.tests);
        let tokens: Vec<String> = tests
            .filter_map(|test| test.jwe.as_ref())
            .map(text)
            .collect();
        assert!(!tokens.is_empty(), "no JWE in {file}");
        for token in &tokens {
            let keys = suite
                .groups
                .iter()
                .filter_map(|group| jws::keys(group.key()));
            for keys in keys {
                assert!(
                    jws::verified(token, &keys).is_err(),
                    "{file}: {token} was accepted"
                );
            }
        }
    }
}

fn run(file: &'static str) {
    let vectors = Vectors::find();
    let suite: Suite = vectors.json(&format!("wycheproof/{file}"));
    let overrides: Overrides = vectors.json("wycheproof/overrides.json");
    let listed = overrides
        .files
        .get(file)
        .expect("the file is in overrides.json");
    let mut tally = Tally::new(file, listed);
    for group in &suite.groups {
        for test in &group.tests {
            let accepted = is_accepted(group, test);
            tally.judge(test, accepted);
        }
    }
    tally.finish(suite.number_of_tests);
    for policy in &listed.policy {
        let count = policy.tests.len();
        say(&format!("  {count} under policy: {}", policy.why));
    }
}

/// Verifies a signed token, or decrypts an encrypted one, which must have the content that the test
/// says.
fn is_accepted(group: &Group, test: &Test) -> bool {
    let Some(token) = &test.jwe else {
        let token = text(test.jws.as_ref().expect("a test has a token"));
        let keys = jws::keys(group.key());
        return keys.is_some_and(|keys| jws::verified(&token, &keys).is_ok());
    };
    let keys = jwe::keys(group.private_key());
    let Ok(content) = jwe::decrypted(&text(token), &keys) else {
        return false;
    };
    if let Some(expected) = &test.pt {
        let content: Vec<String> = content.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(content.concat(), *expected, "test {}", test.id);
    }
    true
}

/// Counts, and every unexpected result.
struct Tally {
    file: &'static str,
    excluded: HashSet<u32>,
    flipped: HashSet<u32>,
    policy: HashSet<u32>,
    seen: HashSet<u32>,
    accepted: usize,
    refused: usize,
    against_label: usize,
    left_out: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn new(file: &'static str, listed: &Listed) -> Self {
        let own = DEVIATIONS
            .iter()
            .filter(|(of, ..)| *of == file)
            .flat_map(|(_, tests, _)| tests.iter().copied());
        Self {
            file,
            excluded: ids(&listed.exclude),
            flipped: ids(&listed.treat_as_invalid)
                .into_iter()
                .chain(own)
                .collect(),
            policy: ids(&listed.policy),
            seen: HashSet::new(),
            accepted: 0,
            refused: 0,
            against_label: 0,
            left_out: 0,
            wrong: Vec::new(),
        }
    }

    fn judge(&mut self, test: &Test, accepted: bool) {
        assert!(
            self.seen.insert(test.id),
            "{}: test {} comes twice",
            self.file,
            test.id
        );
        let labelled = test.result == Label::Valid;
        if self.excluded.contains(&test.id) {
            self.left_out += 1;
            if accepted == labelled {
                self.note(test, "is excluded, but comes out as labelled");
            }
            return;
        }
        let flipped = self.flipped.contains(&test.id);
        match (labelled != flipped, accepted) {
            (true, false) => self.note(test, "should be accepted, but is refused"),
            (false, true) => self.note(test, "should be refused, but is accepted"),
            _ if flipped => self.against_label += 1,
            (true, true) => self.accepted += 1,
            (false, false) => self.refused += 1,
        }
    }

    fn note(&mut self, test: &Test, what: &str) {
        self.wrong
            .push(format!("test {} ({}) {what}", test.id, test.comment));
    }

    fn finish(mut self, tests: usize) {
        let listed = self
            .excluded
            .iter()
            .chain(&self.flipped)
            .chain(&self.policy);
        let stale = listed.filter(|test| !self.seen.contains(*test));
        let stale: Vec<String> = stale
            .map(|test| format!("test {test} is an exception, but does not exist"))
            .collect();
        self.wrong.extend(stale);
        say(&format!(
            "wycheproof {}: {} valid accepted, {} invalid refused, \
             {} against their label as listed, {} excluded; {} are under policy",
            self.file,
            self.accepted,
            self.refused,
            self.against_label,
            self.left_out,
            self.policy.len(),
        ));
        assert!(
            self.wrong.is_empty(),
            "{}:\n{}",
            self.file,
            self.wrong.join("\n")
        );
        let counted = self.accepted + self.refused + self.against_label + self.left_out;
        assert_eq!(counted, tests, "{}: some vectors were not run", self.file);
    }
}

/// The text of the token in a request. One vector is a JSON serialization, kept as an object.
fn text(token: &Value) -> String {
    token
        .as_str()
        .map_or_else(|| token.to_string(), str::to_owned)
}

fn ids(exceptions: &[Exception]) -> HashSet<u32> {
    let reasoned = exceptions.iter().all(|exception| !exception.why.is_empty());
    assert!(reasoned, "an exception in overrides.json gives no reason");
    exceptions
        .iter()
        .flat_map(|exception| exception.tests.iter().copied())
        .collect()
}
