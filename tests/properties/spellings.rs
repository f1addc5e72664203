//! The rule for a request's plain spelling decides all its spellings.
//!
//! Routers and services read a request in many ways; a spelling that slips past a strict rule would
//! reach a weaker one.

use std::collections::BTreeMap;
use std::path::Path;

use watchword::authenticator::{Question, Snapshot, Verdict, authenticate};
use watchword::config::Config;
use watchword::grpc::TokenCache;
use watchword::request::{Header, Request};
use watchword_test_support::mint::{self, Signer};

use crate::core::{self, AUDIENCE, ISSUER, now, now_seconds};
use crate::generate::Random;

const POLICIES: usize = 800;
const REQUESTS: usize = 32;
const RESPELLINGS: usize = 5;

const SEGMENTS: [&str; 9] = [
    "admin",
    "Admin",
    "users",
    "@me",
    "v1",
    "7:delete",
    "a b",
    "caf\u{e9}",
    "x",
];
const HOSTS: [&str; 4] = ["a.example", "b.example", "a.internal.example", "[::1]"];
const PORTS: [&str; 4] = ["", ":80", ":8443", ":9999"];
const METHODS: [&str; 5] = ["GET", "POST", "DELETE", "PURGE", "HEAD"];
const REQUIREMENTS: [&str; 5] = [
    "none",
    "{optional: true}",
    "{}",
    "{scopes: [read]}",
    "{scopes: [admin]}",
];

/// The decision: the rule of an allow, or the code of a denial.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Allow(String),
    Deny(&'static str),
}

struct World {
    rules: String,
    snapshot: Snapshot,
    cache: TokenCache,
}

impl World {
    /// A policy of random rules; `None` if they contradict each other.
    fn random(keys: &serde_json::Value, random: &mut Random) -> Option<Self> {
        let count = 1 + random.below(5);
        let rules: String = (0..count).map(|_| rule(random)).collect();
        let text = format!(
            "issuers: {{corp: {{issuer: '{ISSUER}', audiences: [{AUDIENCE}], \
             jwks: {{inline: {keys}}}}}}}\nrules:\n{rules}"
        );
        let config = Config::parse(&text, Path::new("spellings.yaml")).ok()?;
        Some(Self {
            rules,
            snapshot: core::snapshot(config),
            cache: TokenCache::new(100).unwrap(),
        })
    }

    fn ask(&self, call: &Call, token: Option<&str>) -> Answer {
        let value = token.map(|token| format!("Bearer {token}"));
        let header = value.as_ref().map(|value| Header {
            name: b"authorization",
            value: value.as_bytes(),
        });
        let request = Request {
            method: call.method.as_bytes(),
            path: call.path.as_bytes(),
            host: call.host.as_bytes(),
            headers: header.into_iter().collect(),
            ..Request::default()
        };
        let question = Question::from(request);
        let decision = authenticate(&self.snapshot, &question, now(), &self.cache);
        match decision.verdict {
            Verdict::Allow(_) => Answer::Allow(decision.rule.unwrap().name.to_string()),
            Verdict::Deny(denial) => Answer::Deny(denial.code()),
        }
    }
}

fn rule(random: &mut Random) -> String {
    let mut parts = Vec::new();
    if random.below(3) > 0 {
        let path = path(random);
        let path = match random.below(4) {
            0 => format!("exact: '{}'", escape(&path)),
            1 => format!("glob: '{}'", glob(random, &path)),
            _ => format!("prefix: '{}'", escape(&path)),
        };
        parts.push(format!("path: {{{path}}}"));
    }
    if random.below(3) == 0 {
        let star = if random.below(3) == 0 {
            "*.example"
        } else {
            random.pick(&HOSTS)
        };
        let port = if random.below(3) == 0 {
            random.pick(&PORTS)
        } else {
            ""
        };
        parts.push(format!("hosts: ['{star}{port}']"));
    }
    if random.below(3) == 0 {
        parts.push(format!("methods: [{}]", random.pick(&METHODS)));
    }
    let matches = if parts.is_empty() {
        String::new()
    } else {
        format!("match: {{{}}}, ", parts.join(", "))
    };
    let require = random.pick(&REQUIREMENTS);
    format!("- {{{matches}require: {require}, insecure_allow_all: true}}\n")
}

fn path(random: &mut Random) -> String {
    let segments = (0..=random.below(3)).map(|_| *random.pick(&SEGMENTS));
    let segments: Vec<&str> = segments.collect();
    let mut path = format!("/{}", segments.join("/"));
    if random.below(4) == 0 {
        path.push('/');
    }
    path
}

/// A path as a request contains it, with the necessary escapes.
fn escape(path: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_graphic() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.bytes().map(byte).collect()
}

fn glob(random: &mut Random, path: &str) -> String {
    let segments = path
        .split('/')
        .skip(1)
        .map(|segment| match random.below(4) {
            0 => "*".to_owned(),
            1 if segment.is_ascii() => format!("{}*", &segment[..segment.len() / 2]),
            _ => segment.to_owned(),
        });
    let text: Vec<String> = segments.collect();
    let open = if random.below(3) == 0 { "/**" } else { "" };
    let text = escape(&format!("/{}", text.join("/")));
    format!("{}{open}", text.trim_end_matches('/'))
}

#[derive(Clone, Debug)]
struct Call {
    method: String,
    host: String,
    path: String,
}

impl Call {
    fn random(random: &mut Random) -> Self {
        let port = if random.below(4) == 0 {
            random.pick(&PORTS)
        } else {
            ""
        };
        Self {
            method: (*random.pick(&METHODS)).to_owned(),
            host: format!("{}{port}", random.pick(&HOSTS)),
            path: escape(&path(random)),
        }
    }

    /// The same request in another spelling, which some reader treats as equal.
    fn respelled(&self, random: &mut Random) -> Self {
        let mut call = self.clone();
        for _ in 0..=random.below(3) {
            match random.below(9) {
                0 => call.method = case(random, &call.method),
                1 => call.host = case(random, &call.host),
                2 => call.host = port(random, &call.host),
                3 if !call.host.contains(']')
                    && !call.host.contains(".:")
                    && !call.host.ends_with('.') =>
                {
                    call.host = match call.host.split_once(':') {
                        Some((name, port)) => format!("{name}.:{port}"),
                        None => format!("{}.", call.host),
                    };
                }
                4 | 5 => call.path = case(random, &call.path),
                6 if call.path.ends_with('/') => {
                    call.path = call.path.trim_end_matches('/').to_owned();
                }
                6 => call.path.push('/'),
                7 => call.path = escaped(random, &call.path),
                _ => {
                    let slashes: Vec<usize> =
                        call.path.match_indices('/').map(|(at, _)| at).collect();
                    if let Some(at) = slashes.get(random.below(slashes.len().max(1))) {
                        call.path.insert(*at, '/');
                    }
                }
            }
        }
        if call.path.is_empty() {
            call.path.push('/');
        }
        call
    }
}

fn case(random: &mut Random, text: &str) -> String {
    let whole = random.below(2) == 0;
    let change = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars()
        .map(|c| {
            if whole || random.below(3) == 0 {
                change(c)
            } else {
                c
            }
        })
        .collect()
}

fn port(random: &mut Random, host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    };
    format!("{name}{}", random.pick(&[":80", ":443", ":8443", ":1", ""]))
}

/// Escapes one character, unless it is part of an escape.
fn escaped(random: &mut Random, path: &str) -> String {
    let at = random.below(path.len());
    let Some(c) = path[at..]
        .chars()
        .next()
        .filter(|c| c.is_ascii() && *c != '%')
    else {
        return path.to_owned();
    };
    let hex = if random.below(2) == 0 {
        format!("%{:02x}", u32::from(c))
    } else {
        format!("%{:02X}", u32::from(c))
    };
    format!("{}{hex}{}", &path[..at], &path[at + 1..])
}

/// Returns true if rules name ports, and name this host with exactly its port or without one: then
/// each port is a host of its own.
fn is_a_host_of_its_own(rules: &str, call: &Call) -> bool {
    let with_port = PORTS[1..]
        .iter()
        .any(|port| rules.contains(&format!("{port}']")));
    let host = call.host.to_ascii_lowercase();
    let below = host.find('.').map_or(String::new(), |_| {
        format!(
            "'*.example{}'",
            &host[host.find(':').unwrap_or(host.len())..]
        )
    });
    let named = rules.contains(&format!("'{host}'"));
    with_port && (named || (host.contains(".example:") && rules.contains(&below)))
}

#[test]
fn no_spelling_of_a_request_reaches_a_weaker_rule() {
    let signer = Signer::generate("ES256", "k1");
    let keys = mint::key_set(&[&signer]);
    let token = |scope: &str| {
        let mut claims = mint::claims(now_seconds());
        claims["scope"] = serde_json::json!(scope);
        signer.sign(&claims)
    };
    let tokens = [None, Some(token("read")), Some(token("admin"))];
    let mut random = Random::new(20_261_128);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut cases, mut ports) = (0, 0);
    let mut policies = 0;
    while policies < POLICIES {
        let Some(world) = World::random(&keys, &mut random) else {
            continue;
        };
        policies += 1;
        for _ in 0..REQUESTS {
            let call = Call::random(&mut random);
            let token = random.pick(&tokens).as_deref();
            let plain = world.ask(&call, token);
            for _ in 0..RESPELLINGS {
                let other = call.respelled(&mut random);
                let answer = world.ask(&other, token);
                cases += 1;
                let kind = match (&plain, &answer) {
                    (Answer::Deny("request_malformed"), Answer::Allow(_)) => "plain is ambiguous",
                    (_, Answer::Allow(_))
                        if plain != answer && is_a_host_of_its_own(&world.rules, &other) =>
                    {
                        ports += 1;
                        "another port"
                    }
                    (_, Answer::Allow(_)) => {
                        assert_eq!(
                            plain,
                            answer,
                            "{call:?}\n{other:?}\n{:?}",
                            world.snapshot.policy().rules()
                        );
                        "the same rule"
                    }
                    (Answer::Allow(_), Answer::Deny("request_malformed")) => "refused",
                    (_, Answer::Deny(_)) => "denied",
                };
                *seen.entry(kind).or_default() += 1;
            }
        }
    }
    println!("spellings: {cases} cases: {seen:?}");
    assert!(cases >= 100_000, "{cases}");
    for kind in ["the same rule", "refused", "denied"] {
        assert!(
            seen.get(kind).is_some_and(|count| *count > 1000),
            "{kind}: {seen:?}"
        );
    }
    assert!(ports * 100 < cases, "{ports} of {cases}");
    let ambiguous = seen.get("plain is ambiguous").copied().unwrap_or_default();
    assert!(ambiguous * 100 < cases, "{ambiguous} of {cases}");
}
