//! Area `jwe`: a key that is retired. As long as it is configured, its tokens are decrypted.

use std::sync::Arc;

use watchword::jwks::Network;
use watchword_test_support::jwe::{ContentCipher, Recipient};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::settings::Settings;
use super::super::tokens::{self, corp};

pub(crate) const ROWS: &[Row] = &[row!("JWE-31", retired_key_decrypts_until_it_is_removed)];

fn retired_key_decrypts_until_it_is_removed(case: &mut Case) {
    let with = |keys: &[&Recipient]| Settings::of(corp().decryption(keys));
    let secrets = [Recipient::direct("old"), Recipient::direct("new")];
    let wrapping = secrets.each_ref().map(Recipient::wrapping);
    let pairs = [
        [Recipient::p256("old"), Recipient::p256("new")],
        [Recipient::rsa("old", 2), Recipient::rsa("new", 3)],
        secrets,
        wrapping,
    ];
    for [old, new] in &pairs {
        let to = |recipient: &Recipient| {
            let envelope = recipient.envelope(ContentCipher::A256Gcm);
            Call::bearing(envelope.seal(tokens::good()))
        };
        let (to_old, to_new, nameless) = (to(old), to(new), to(&old.with_kid("")));
        let mut inside = Inside::start(&with(&[old]), Arc::new(Network));
        let mut judge = |inside: &Inside, when: &str, call, expect| {
            inside.check(case, &format!("{}, {when}", old.alg()), call, expect);
        };
        let missing = Expect::Deny(401, "key_not_found");
        judge(&inside, "old key, before", &to_old, Expect::Allow);
        judge(&inside, "new key, before", &to_new, missing);

        inside.reload(&with(&[new, old]));
        judge(&inside, "old key, within its time", &to_old, Expect::Allow);
        judge(&inside, "old key without kid", &nameless, Expect::Allow);
        judge(&inside, "new key", &to_new, Expect::Allow);

        // The tokens were accepted before: nothing of that counts any more.
        inside.reload(&with(&[new]));
        judge(&inside, "old key, removed", &to_old, missing);
        let failed = Expect::Deny(401, "decrypt_failed");
        judge(&inside, "old key without kid, removed", &nameless, failed);
        judge(&inside, "new key, afterwards", &to_new, Expect::Allow);
    }
}
