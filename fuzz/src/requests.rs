//! Target `request`: methods, paths and hosts, and the rule that they select.
//!
//! Readers behind Watchword treat spellings alike in many ways. A request without a token passes
//! only if every reading of it is public, and one without the scope only if no reading is for
//! administrators.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use watchword::request::{Host, Path};
use watchword_test_support::mint;

use super::keys::{NOW, issuer};
use super::world::{Call, WORLD};

static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let issuer = issuer("hs");
    let mut claims = mint::claims(NOW);
    claims["iss"] = issuer.url().into();
    issuer.signer.sign(&claims)
});

/// Method, host and path, each in a line of its own; a line more asks with a token.
pub fn request(data: &[u8]) -> bool {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let [method, host, path] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let token = lines.next().map(|_| TOKEN.as_str());
    let parsed = Host::parse(host);
    let _ = Path::parse(path);
    let call = Call {
        method,
        path,
        host,
        token,
    };
    let Ok(rule) = WORLD.ask(&call) else {
        return false;
    };
    let readings = readings(path);
    let shown = || format!("{:?} {readings:?} by {rule}", String::from_utf8_lossy(data));
    let is_public = |path: &String| is_below(path, "/public");
    let is_for_admins = |path: &String| is_below(path, "/admin");
    match (&*rule, token) {
        ("public", _) => {
            assert!(
                readings.iter().all(is_public) && method == b"GET",
                "{}",
                shown()
            );
        }
        ("rest", Some(_)) => assert!(!readings.iter().any(is_for_admins), "{}", shown()),
        _ => panic!("allowed: {}", shown()),
    }
    let name = String::from_utf8_lossy(host).to_ascii_lowercase();
    let name = name.split(':').next().unwrap_or_default();
    assert_ne!(
        name.trim_end_matches('.'),
        "a.internal.example",
        "{}",
        shown()
    );
    assert!(parsed.is_some(), "a rule asks for the host: {}", shown());
    true
}

fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The paths that some reader may take this one for.
fn readings(target: &[u8]) -> BTreeSet<String> {
    let raw = target
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    let text = String::from_utf8_lossy(raw).into_owned();
    let decoded = String::from_utf8_lossy(&decode(raw)).into_owned();
    let mut all = BTreeSet::from([text, decoded]);
    let readers: [fn(&str) -> String; 5] = [
        |path| path.to_lowercase(),
        |path| path.replace('\\', "/"),
        |path| {
            let segments = path
                .split('/')
                .map(|it| it.split(';').next().unwrap_or_default());
            segments.collect::<Vec<_>>().join("/")
        },
        |path| {
            let segments = path.split('/').filter(|segment| !segment.is_empty());
            format!("/{}", segments.collect::<Vec<_>>().join("/"))
        },
        |path| {
            let mut segments = Vec::new();
            for segment in path.split('/') {
                match segment {
                    "." => {}
                    ".." => drop(segments.pop()),
                    segment => segments.push(segment),
                }
            }
            segments.join("/")
        },
    ];
    for reader in readers {
        let more: Vec<String> = all.iter().map(|path| reader(path)).collect();
        all.extend(more);
    }
    all
}

/// Decodes escapes once.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'%') {
            decoded.push(byte);
            rest = &after[2..];
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

pub fn seeds() -> Vec<Vec<u8>> {
    let paths = [
        "/public/a?b=c",
        "/public%2Fadmin",
        "/PUBLIC/",
        "/public/../admin",
        "//admin",
        "/admin;x/y",
        "/%61dmin/x",
        "/orders/%2e%2e/admin",
        "/caf%C3%89/%E2%84%AAey",
        "*",
        "http://a.example/admin",
        "/a#b",
    ];
    let hosts = [
        "a.example",
        "A.Internal.Example.:443",
        "[0::1]:80",
        "",
        "a@b",
    ];
    let mut seeds = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let host = hosts[at % hosts.len()];
        for end in ["", "\n"] {
            seeds.push(format!("GET\n{host}\n{path}{end}").into_bytes());
        }
    }
    seeds.push(b"get\na.example:8443\n/public".to_vec());
    seeds
}
