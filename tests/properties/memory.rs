//! The calculated memory costs, compared with the memory that the system provides.
//!
//! The system reports whole processes only, so each measurement runs in its own process.

use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use watchword::authenticator::VerifiedTokens as _;
use watchword::grpc::TokenCache;
use watchword::jose::{Algorithm, Jws, KeySet};
use watchword::policy::{IssuerId, Policy};
use watchword::token::{BearerToken, Claims, UnverifiedToken, VerifiedToken};
use watchword_test_support::mint::{self, Signer};

const MIB: usize = 1024 * 1024;

/// Runs a measurement in its own process.
fn alone(name: &str) {
    run(name, &mut Command::new(std::env::current_exe().unwrap()));
}

fn run(name: &str, command: &mut Command) {
    command.args([name, "--exact", "--ignored", "--nocapture"]);
    let output = command.output().unwrap();
    let (out, err) = (output.stdout, output.stderr);
    let text = [out, err].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}", text.concat());
    assert!(text[0].contains("1 passed"), "{}", text[0]);
    println!("{}", text[0]);
}

/// A figure of `/proc/self/status`, in bytes.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().trim_start_matches(':').trim();
    let kib: usize = number.trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

fn resident() -> usize {
    status("VmRSS")
}

/// The bytes that each of many takes. All are kept, so none reuses the memory of another.
fn measure<T>(count: usize, mut make: impl FnMut(usize) -> T) -> usize {
    // One-time initialization does not count.
    std::mem::forget(make(0));
    let mut all = Vec::with_capacity(count);
    let before = resident();
    all.extend((0..count).map(&mut make));
    let each = (resident() - before) / count;
    std::mem::forget(all);
    each
}

/// Asserts that a cost is not below the measured bytes, and not far above.
fn compare(what: &str, cost: usize, measured: usize) {
    println!("{what}: {measured} bytes measured, {cost} said");
    assert!(cost * 102 >= measured * 100, "{what}");
    assert!(cost <= measured * 2, "{what}");
}

fn payloads() -> [(&'static str, String); 7] {
    let roles = |count: usize| -> Vec<String> { (0..count).map(|n| format!("role-{n}")).collect() };
    let with = |name: &str, value: Value| {
        let mut claims = mint::claims(1_800_000_000);
        claims[name] = value;
        claims.to_string()
    };
    let members: serde_json::Map<String, Value> =
        (0..500).map(|n| (n.to_string(), json!({"a": n}))).collect();
    [
        ("ordinary claims", mint::claims(1_800_000_000).to_string()),
        (
            "300 roles",
            with("realm_access", json!({"roles": roles(300)})),
        ),
        ("arrays of one", with("a", json!(vec![[0]; 1900]))),
        ("numbers", with("a", json!(vec![0; 4000]))),
        (
            "the largest that are remembered",
            with("a", json!(vec![0; 1100])),
        ),
        ("members", with("a", members.into())),
        ("one long text", with("a", "x".repeat(9999).into())),
    ]
}

#[test]
fn claims_cost_what_the_system_gives_for_them() {
    alone("memory::claims");
}

#[test]
#[ignore = "measures its process"]
fn claims() {
    for (what, payload) in payloads() {
        let parse = || Claims::parse(payload.as_bytes()).unwrap();
        let cost = size_of::<Claims>() + parse().heap_size();
        let measured = measure(40 * MIB / cost, |_| parse());
        compare(what, cost, measured);
    }
}

#[test]
fn keys_cost_what_the_system_gives_for_them() {
    alone("memory::keys");
}

#[test]
#[ignore = "measures its process"]
fn keys() {
    for alg in [
        "RS256",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "ML-DSA-44",
        "ML-DSA-65",
        "ML-DSA-87",
    ] {
        let signer = if alg.starts_with(['R', 'P']) {
            Signer::rsa(alg, "k1", 0)
        } else {
            Signer::generate(alg, "k1")
        };
        let text = mint::key_set(&[&signer]).to_string();
        let token = signer.sign(&mint::claims(1_800_000_000));
        let allowed: Vec<_> = Algorithm::from_name(alg).into_iter().collect();
        // The first use of a key allocates more.
        let used = |_| {
            let keys = KeySet::from_documents([text.as_bytes()]).unwrap();
            Jws::parse(&token).unwrap().verify(&keys, &allowed).unwrap();
            keys
        };
        let cost = size_of::<KeySet>() + used(0).heap_size();
        compare(alg, cost, measure(1000, used));
    }
}

/// A verified token with this payload.
fn verified(token: &str, keys: &KeySet) -> Arc<VerifiedToken> {
    let token = BearerToken::new(token.as_bytes(), 65536).unwrap();
    let token = UnverifiedToken::parse(&token).unwrap();
    Arc::new(token.verify(keys, &[Algorithm::HS256]).unwrap())
}

fn world(payload: &str) -> (String, Arc<KeySet>, IssuerId) {
    let signer = Signer::generate("HS256", "");
    let keys = KeySet::from_secret(&[Algorithm::HS256], &signer.private_der()).unwrap();
    let token = signer.sign_text(&signer.header().to_string(), payload.as_bytes());
    (token, Arc::new(keys), Policy::issuer_ids(1).next().unwrap())
}

fn digest(number: usize) -> [u8; 16] {
    u128::try_from(number).unwrap().to_be_bytes()
}

#[test]
fn entries_of_the_token_cache_cost_what_the_system_gives_for_them() {
    alone("memory::entries");
}

#[test]
#[ignore = "measures its process"]
fn entries() {
    const COUNT: usize = 100_000;
    let cache = TokenCache::new(1_000_000).unwrap();
    let (token, keys, issuer) = world(&mint::claims(1_800_000_000).to_string());
    // All share one token, so this measures only the rest of an entry.
    let token = verified(&token, &keys);
    let measured = measure(COUNT, |number| {
        cache.remember(Some(digest(number)), issuer, &keys, &token);
    });
    println!("entry: {measured} bytes measured");
    assert!((200..=512).contains(&measured));
}

#[test]
fn a_flood_of_tokens_does_not_overrun_the_cache() {
    // All threads share one arena. What glibc keeps in several is a matter of chance: which thread
    // uses which.
    let mut command = Command::new(std::env::current_exe().unwrap());
    run("memory::flood", command.env("MALLOC_ARENA_MAX", "1"));
}

#[test]
#[ignore = "measures its process"]
fn flood() {
    const CAPACITY: usize = 28 * MIB;
    let count = std::env::var("FLOOD").map_or(4_000, |count| count.parse().unwrap());
    let before = resident();
    let mut most = 0;
    for (what, payload) in payloads() {
        let (text, keys, issuer) = world(&payload);
        let cache = TokenCache::within(1_000_000, CAPACITY).unwrap();
        // Resets the peak of the process.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let insert = |thread: usize| {
            for number in 0..count / 4 {
                let token = verified(&text, &keys);
                cache.remember(Some(digest(number * 4 + thread)), issuer, &keys, &token);
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || insert(thread));
            }
        });
        let peak = status("VmHWM").saturating_sub(before);
        let (entries, memory) = (cache.entries(), cache.memory());
        let after = resident() - before;
        println!(
            "{what}: {peak} bytes at most, {after} at the end, {entries} entries of {memory} bytes"
        );
        most = most.max(peak);
    }
    // The allocator keeps some freed memory: with many arenas, up to as much again, so the budget
    // is only half of the limit.
    assert!(most < CAPACITY * 3 / 2, "{most}");
}
