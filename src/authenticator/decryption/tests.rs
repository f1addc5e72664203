//! Facts of decrypted tokens: for which decisions a result counts.

use std::path::Path;

use crate::config::Config;

use super::*;

fn policy() -> Arc<Policy> {
    let text = "issuers: {a: {issuer: a, audiences: [a], jwks: {uri: 'https://a/k'}}}\n";
    let config = Config::parse(text, Path::new("w.yaml"));
    config
        .unwrap_or_else(|problems| panic!("{problems}"))
        .policy
}

#[test]
fn a_result_counts_for_its_own_token_and_keys_alone() {
    let token = |text: &'static str| BearerToken::new(text.as_bytes(), 100).unwrap();
    let (policy, next) = (policy(), policy());
    let own = token("e30.a.a.a.a");
    let done = DecryptionWork::new(&policy, &own).decrypt();
    assert!(done.result(&own, &policy).is_some());
    assert!(done.result(&token("e30.a.a.a.b"), &policy).is_none());
    assert!(done.result(&own, &next).is_none());
}
