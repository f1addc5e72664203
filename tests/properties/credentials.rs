//! No spelling or place of a forged token is overlooked: if any reader behind the proxy would find
//! it, the request is denied.

use std::collections::BTreeMap;
use std::path::Path;

use watchword::authenticator::{Question, Snapshot, Verdict, authenticate};
use watchword::config::Config;
use watchword::grpc::TokenCache;
use watchword::request::{Header, Request};
use watchword_test_support::mint::{self, Signer};

use crate::core::{self, AUDIENCE, ISSUER, now, now_seconds};
use crate::generate::Random;
use crate::readers::{COOKIES, QUERIES};

const CASES: usize = 100_000;

const COOKIE: &str = "user_session";
const QUERY: &str = "access_token";
const HEADER: &str = "x-token";

/// Spellings of a name; `NAME` stands for it.
const SPELLINGS: [&str; 21] = [
    "[NAME]x",
    "%5BNAME%5Dx",
    "NAME[] x",
    "NAME",
    "NAME",
    "NAME",
    "NAME",
    "NAME ",
    " NAME",
    "\tNAME\t",
    "NAME[]",
    "NAME[a]",
    "[NAME]",
    "NAME%00",
    "+NAME",
    "NAME%20",
    "\u{a0}NAME",
    "=NAME",
    "\"NAME\"",
    "xNAME",
    "NAME-2",
];
const SEPARATORS: [&str; 9] = ["; ", ";", "&", "&", ", ", " ", "; ;", "&&", "\t"];

struct World {
    snapshot: Snapshot,
    cache: TokenCache,
}

impl World {
    fn new(signer: &Signer) -> Self {
        let text = format!(
            "
server: {{token_from: [{{header: authorization}}, {{header: {HEADER}}}, {{cookie: {COOKIE}}},
  {{query: {QUERY}}}]}}
issuers: {{corp: {{issuer: '{ISSUER}', audiences: [{AUDIENCE}], jwks: {{inline: {}}}}}}}
rules: [{{require: {{optional: true}}}}]
",
            mint::key_set(&[signer])
        );
        let config = Config::parse(&text, Path::new("credentials.yaml"));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        Self {
            snapshot: core::snapshot(config),
            cache: TokenCache::new(100).unwrap(),
        }
    }

    /// The reason of an allow, or the code of a denial.
    fn ask(&self, call: &Call) -> Result<&'static str, &'static str> {
        let header = |(name, value): &'_ (String, String)| (name.clone(), value.clone());
        let headers: Vec<(String, String)> = call.headers.iter().map(header).collect();
        let path = format!("/p?{}", call.query);
        let request = Request {
            method: b"GET",
            path: path.as_bytes(),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name: name.as_bytes(),
                    value: value.as_bytes(),
                })
                .collect(),
            ..Request::default()
        };
        let decision = authenticate(&self.snapshot, &Question::from(request), now(), &self.cache);
        match decision.verdict {
            Verdict::Allow(_) => Ok(decision.reason()),
            Verdict::Deny(denial) => Err(denial.code()),
        }
    }
}

#[derive(Debug, Default)]
struct Call {
    headers: Vec<(String, String)>,
    query: String,
}

impl Call {
    fn random(random: &mut Random, tokens: &[String]) -> Self {
        let mut call = Self::default();
        if random.below(3) == 0 {
            let scheme = random.pick(&[
                "Bearer ",
                "bearer  ",
                "BEARER ",
                "Basic Bearer ",
                "Basic x, Bearer ",
                "Token ",
                "",
            ]);
            call.add(
                random.pick(&["authorization", "Authorization"]),
                format!("{scheme}{}", random.pick(tokens)),
            );
        }
        if random.below(4) == 0 {
            let name = random.pick(&["x-token", "X-Token", "x_token", "X.TOKEN"]);
            call.add(name, random.pick(tokens).clone());
        }
        for _ in 0..random.below(3) {
            let value = pairs(random, COOKIE, tokens);
            call.add(random.pick(&["cookie", "Cookie"]), value);
        }
        if random.below(2) == 0 {
            call.query = pairs(random, QUERY, tokens).replace(['\t', ' '], "%20");
        }
        call
    }

    fn add(&mut self, name: &&str, value: String) {
        self.headers.push(((*name).to_owned(), value));
    }

    /// Every value that a reader behind the proxy may take for the credential, with the reader.
    fn read(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (name, value) in &self.headers {
            let folded = name.to_ascii_lowercase().replace(['_', '.'], "-");
            if folded == HEADER {
                found.push(("CGI", value.clone()));
            } else if folded == "authorization" {
                let lower = value.to_ascii_lowercase();
                let at = lower.find("bearer ").map(|at| at + 7);
                // Express: `authorization.split(' ')[1]`.
                let at = at.or(value.find(' ').map(|at| at + 1)).or(Some(0));
                found.extend(at.map(|at| ("a search for Bearer", value[at..].trim().to_owned())));
            } else {
                for (reader, read) in COOKIES {
                    found.extend(read(value, COOKIE).into_iter().map(|value| (reader, value)));
                }
            }
        }
        for (reader, read) in QUERIES {
            found.extend(
                read(&self.query, QUERY)
                    .into_iter()
                    .map(|value| (reader, value)),
            );
        }
        found
    }
}

fn pairs(random: &mut Random, name: &str, tokens: &[String]) -> String {
    let mut text = String::new();
    for index in 0..=random.below(3) {
        if index > 0 {
            text += random.pick::<&str>(&SEPARATORS);
        }
        if random.below(4) == 0 {
            text += random.pick::<&str>(&["a=1", "a", "b=\"x; y\"", "c=", "next=/p"]);
            continue;
        }
        let name = match random.below(8) {
            0 => name.to_ascii_uppercase(),
            1 => name.replacen('s', "%73", 1),
            2 => name.replace('_', random.pick::<&str>(&[".", " ", "[", "%5B"])),
            _ => name.to_owned(),
        };
        let spelled = random.pick(&SPELLINGS).replace("NAME", &name);
        let quote = if random.below(8) == 0 { "\"" } else { "" };
        let equals = random.pick(&["=", "=", "=", " =", "= "]);
        let token = random.pick(tokens);
        text += &format!("{spelled}{equals}{quote}{token}{quote}");
    }
    text
}

#[test]
fn nobody_passes_while_any_reader_would_find_a_forged_token() {
    let signer = Signer::generate("ES256", "k1");
    let world = World::new(&signer);
    let good = signer.sign(&mint::claims(now_seconds()));
    let forged = Signer::generate("ES256", "k1").sign(&mint::claims(now_seconds()));
    let tokens = [good.clone(), good, forged.clone(), String::new()];
    let mut random = Random::new(20_261_128);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut overlooked = 0;
    for _ in 0..CASES {
        let call = Call::random(&mut random, &tokens);
        let answer = world.ask(&call);
        let finds = call.read();
        let finds_forged = finds.iter().find(|(_, value)| value.contains(&forged));
        if let (Ok(reason), Some((reader, _))) = (answer, finds_forged) {
            panic!("{reason}, and {reader} finds the forged token: {call:?}");
        }
        overlooked += usize::from(finds_forged.is_some());
        let kind = if finds_forged.is_some() {
            "forged"
        } else {
            "no forged"
        };
        let answer = answer.unwrap_or_else(|code| code);
        *seen.entry(format!("{kind}: {answer}")).or_default() += 1;
    }
    println!("credentials: {CASES} cases: {seen:?}");
    // There are allows and denials.
    assert!(overlooked > CASES / 5, "{overlooked}");
    for kind in [
        "no forged: allowed",
        "no forged: anonymous",
        "forged: token_malformed",
        "forged: signature_invalid",
    ] {
        assert!(
            seen.get(kind).is_some_and(|count| *count > 500),
            "{kind}: {seen:?}"
        );
    }
}
