//! Area `cache`: many tokens, good and bad, one after the other.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use watchword::authenticator::VerifiedTokens as _;
use watchword::grpc::TokenCache;
use watchword::token::BearerToken;
use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::jwks::{memory, unknown};
use super::super::site::NOW;
use super::super::tokens::{self, ED, claims, claims_with, with};
use super::core::{Core, good_tokens};

pub(crate) const ROWS: &[Row] = &[
    row!("CCH-10", bad_tokens_are_not_remembered_and_evict_none),
    row!("CCH-18", digest_of_a_token_is_nobodys_choice),
];

/// Most of the bad ones are cheap to make and to refuse. Those that are not are fewer, and more
/// than the cache holds.
fn bad_tokens_are_not_remembered_and_evict_none(case: &mut Case) {
    const GOOD: usize = 900;
    // A fifth of the row's where nothing is optimized.
    const BAD: usize = if cfg!(debug_assertions) {
        200_000
    } else {
        1_000_000
    };
    let core = Core::new();
    let cache = TokenCache::new(1000).expect("random numbers");
    let good = good_tokens(GOOD);
    for (subject, token) in &good {
        case.equal(subject, core.judge(&cache, token), "allowed");
    }
    let held = |what: &str, case: &mut Case| {
        let held = good
            .iter()
            .filter(|(_, token)| core.remembers(&cache, token))
            .count();
        case.holds(
            &format!("{what}: {held} of {GOOD} are held"),
            held * 100 > GOOD * 95,
        );
    };
    held("at first", case);
    let before = memory();
    let (header, payload, signature) = split(&good[0].1);
    let counts = std::thread::scope(|scope| {
        let work = |part: usize| {
            let (core, cache) = (&core, &cache);
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for number in (part..BAD).step_by(2) {
                // One in 50 is checked to its signature, and one in 50 is an unknown key's.
                let token = match number % 50 {
                    0 => format!("{header}.{payload}.{}", other_signature(number)),
                    1 => unknown(&format!("kid-{number}")),
                    _ => format!("{number:x}.{payload}.{signature}"),
                };
                *reasons.entry(core.judge(cache, &token)).or_default() += 1;
            }
            reasons
        };
        let threads = [0, 1].map(|part| scope.spawn(move || work(part)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    for (reason, share) in [("signature_invalid", 50), ("key_not_found", 50)] {
        let count: usize = counts.iter().filter_map(|counts| counts.get(reason)).sum();
        case.equal(reason, count, BAD / share);
    }
    let allowed: usize = counts
        .iter()
        .filter_map(|counts| counts.get("allowed"))
        .sum();
    case.equal("allowed", allowed, 0);
    let grown = memory().saturating_sub(before);
    case.holds(
        &format!("memory grew by {grown} bytes"),
        grown < 128 * 1024 * 1024,
    );
    held("after the bad ones", case);
    let bad = format!("{header}.{payload}.{}", other_signature(0));
    case.holds("a bad one is not held", !core.remembers(&cache, &bad));
    expired_tokens_evict_few(case, &core);
}

/// Expired tokens have valid signatures, so they are cached. They must not evict the tokens in use.
fn expired_tokens_evict_few(case: &mut Case, core: &Core) {
    const GOOD: usize = 500;
    let cache = TokenCache::new(1000).expect("random numbers");
    let good = good_tokens(GOOD);
    let expired = claims_with("exp", json!(NOW - 3600));
    let (mut asked, mut hits) = (0, 0);
    for number in 0..10_000 {
        let token = ED.sign(&with(expired.clone(), "jti", json!(number.to_string())));
        core.judge(&cache, &token);
        let good = &good[number % GOOD].1;
        if number >= 2 * GOOD {
            asked += 1;
            hits += usize::from(core.remembers(&cache, good));
        }
        core.judge(&cache, good);
    }
    case.holds(
        &format!("{hits} hits of {asked} while expired tokens come"),
        hits * 100 > asked * 95,
    );
}

fn split(token: &str) -> (&str, &str, &str) {
    let [header, payload, signature] = tokens::segments(token);
    (header, payload, signature)
}

/// 64 bytes that are no signature: a small scalar and a random point.
fn other_signature(number: usize) -> String {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[32] = 1;
    mint::b64(&bytes)
}

/// A digest depends on a random key of the cache, so that nobody can make tokens collide in it.
/// Tokens that are almost equal take no longer to find than others.
fn digest_of_a_token_is_nobodys_choice(case: &mut Case) {
    const TOKENS: usize = 2000;
    let core = Core::new();
    let caches = [(); 2].map(|()| TokenCache::new(10_000).expect("random numbers"));
    let digest = |cache: &TokenCache, token: &str| {
        let token = BearerToken::new(token.as_bytes(), 16384).expect("a token's text");
        format!("{:?}", cache.digest(&token))
    };
    let token = ED.sign(&claims());
    let [one, other] = [0, 1].map(|which: usize| digest(&caches[which], &token));
    case.equal(
        "one cache, one digest",
        digest(&caches[0], &token),
        one.clone(),
    );
    case.holds("another cache, another digest", one != other);

    let alike: Vec<String> = (0..TOKENS)
        .map(|number| ED.sign(&claims_with("jti", json!(format!("{:016x}", number << 32)))))
        .collect();
    let mut random = fastrand::Rng::with_seed(7);
    let unlike: Vec<String> = (0..TOKENS)
        .map(|_| {
            ED.sign(&claims_with(
                "jti",
                json!(format!("{:016x}", random.u64(..))),
            ))
        })
        .collect();
    let mut digests: Vec<String> = alike
        .iter()
        .map(|token| digest(&caches[0], token))
        .collect();
    digests.sort_unstable();
    digests.dedup();
    case.equal("digests", digests.len(), TOKENS);
    for token in alike.iter().chain(&unlike) {
        case.equal("verified", core.judge(&caches[0], token), "allowed");
    }
    let round = |tokens: &[String]| {
        let begun = Instant::now();
        let found = tokens
            .iter()
            .filter(|token| core.remembers(&caches[0], token))
            .count();
        (begun.elapsed(), found)
    };
    // The fastest of some rounds, since this machine has other things to do.
    let fastest = |tokens: &[String]| (0..5).map(|_| round(tokens)).min().expect("rounds");
    let ((alike, found), (unlike, found_too)) = (fastest(&alike), fastest(&unlike));
    case.equal("found", (found, found_too), (TOKENS, TOKENS));
    case.holds(
        &format!("{alike:?} for tokens that are alike, {unlike:?} for others"),
        alike < unlike * 3,
    );
}
