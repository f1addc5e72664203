//! Wycheproof's JOSE files (C2SP/wycheproof) give the results of their labels.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use crate::jws;
use crate::vectors::{Vectors, say};

watchword_test_support::tests![
    signatures_come_out_as_labelled,
    signatures_under_odd_keys_come_out_as_labelled,
    encrypted_tokens_are_refused,
];

/// The tests whose label contradicts a rule of this project, beyond `overrides.json`: file, test,
/// reason.
const DEVIATIONS: [(&str, u32, &str); 2] = [
    (
        KEY,
        2,
        "a set of shared secrets cannot be configured: an issuer has one secret",
    ),
    (
        CRYPTO,
        48,
        "a set of shared secrets cannot be configured: an issuer has one secret",
    ),
];

const SIGNATURE: &str = "json_web_signature_test.json";
const ENCRYPTION: &str = "json_web_encryption_test.json";
const CRYPTO: &str = "json_web_crypto_test.json";
const KEY: &str = "json_web_key_test.json";

fn signatures_come_out_as_labelled() {
    run(SIGNATURE);
}

fn signatures_under_odd_keys_come_out_as_labelled() {
    run(KEY);
    run(CRYPTO);
}

/// JWE is not implemented, so even vectors that are labelled valid are refused.
fn encrypted_tokens_are_refused() {
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
        say(&format!("wycheproof {file}: {} JWE refused", tokens.len()));
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
        let keys = jws::keys(group.key());
        for test in &group.tests {
            let Some(token) = test.jws.as_ref().map(text) else {
                continue;
            };
            let accepted = keys
                .as_ref()
                .is_some_and(|keys| jws::verified(&token, keys).is_ok());
            tally.judge(test, accepted);
        }
    }
    let encrypted = suite.groups.iter().flat_map(|group| &group.tests);
    let encrypted = encrypted.filter(|test| test.jwe.is_some()).count();
    tally.finish(suite.number_of_tests - encrypted);
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
            .map(|(_, test, _)| *test);
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    number_of_tests: usize,
    #[serde(rename = "testGroups")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<Value>,
    private: Option<Value>,
    tests: Vec<Test>,
}

impl Group {
    /// The public part; shared secrets, and sets with one, exist as `private` only.
    fn key(&self) -> &Value {
        self.public
            .as_ref()
            .or(self.private.as_ref())
            .expect("a group has a key")
    }
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    jws: Option<Value>,
    jwe: Option<Value>,
    result: Label,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Label {
    Valid,
    Invalid,
}

#[derive(Deserialize)]
struct Overrides {
    files: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    exclude: Vec<Exception>,
    #[serde(default)]
    treat_as_invalid: Vec<Exception>,
    #[serde(default)]
    policy: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "tcId")]
    tests: Vec<u32>,
    why: String,
}
