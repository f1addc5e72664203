//! Settings of key sources: combinations, contradictions and defaults.

use std::path::Path;
use std::time::Duration;

use watchword::config::Config;
use watchword::jwks::{Access, FetchedSource, KeyOrigin, Source, Timing, Wait};

use super::{KEYS, check};

/// A configuration with these issuers' `iss` and `jwks`. The first `jwks` starts in line 5, column
/// 11.
fn config(issuers: &[(&str, &str)]) -> String {
    let section = |(number, (iss, jwks)): (usize, &(&str, &str))| {
        format!("  issuer{number}:\n    issuer: {iss}\n    any_audience: true\n    jwks: {jwks}\n")
    };
    let sections: String = issuers.iter().enumerate().map(section).collect();
    format!("issuers:\n{sections}")
}

/// The problems of a `jwks` section, without file and issuer.
fn problems_of(iss: &str, jwks: &str) -> String {
    match Config::parse(&config(&[(iss, jwks)]), Path::new("w.yaml")) {
        Ok(_) => String::new(),
        Err(problems) => problems
            .to_string()
            .replace("w.yaml:", "")
            .replace("issuers.issuer0.jwks", "jwks"),
    }
}

pub(super) fn problems(jwks: &str) -> String {
    problems_of("https://idp.example.com", jwks)
}

#[track_caller]
pub(super) fn refused(rows: &[(&str, &str)]) {
    for (jwks, expected) in rows {
        assert_eq!(problems(jwks), *expected, "{jwks}");
    }
}

#[track_caller]
pub(super) fn accepted(rows: &[&str]) {
    for jwks in rows {
        assert_eq!(problems(jwks), "", "{jwks}");
    }
}

fn sources(issuers: &[(&str, &str)]) -> Vec<FetchedSource> {
    let config = Config::parse(&config(issuers), Path::new("folder/w.yaml")).unwrap();
    let fetched = |(_, source)| match source {
        Source::Fetched(source) => *source,
        Source::Fixed(_) => panic!("fixed keys"),
    };
    config.sources.into_iter().map(fetched).collect()
}

pub(super) fn source(jwks: &str) -> FetchedSource {
    sources(&[("https://idp.example.com", jwks)]).remove(0)
}

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn keys_come_from_exactly_one_place() {
    accepted(&[
        "{uri: 'https://a/k'}",
        "{discovery: true}",
        "{discovery: 'https://a/metadata'}",
        "{file: keys.json}",
    ]);
    let none = "5:11: jwks: `jwks` needs one of `uri`, `discovery`, `file` and `inline`: add the \
                one that says where the keys are";
    let one = "5:11: jwks: `jwks` takes exactly one of `uri`, `discovery`, `file` and `inline`: \
               remove the others";
    refused(&[
        ("{}", none),
        ("{allow_http: true}", none),
        ("{uri: 'https://a/k', discovery: true}", one),
        ("{uri: 'https://a/k', file: k}", one),
        ("{file: k, inline: {}}", one),
        (
            "{discovery: false}",
            "5:23: jwks.discovery: found false; expected true, or the URL of the metadata",
        ),
        (
            "{discovery: yes}",
            "5:23: jwks.discovery: found text that is not a URL; expected true, or the URL of the \
             metadata",
        ),
        (
            "{discovery: 1}",
            "5:23: jwks.discovery: found a number; expected true or false or a string",
        ),
        (
            "{file: ''}",
            "5:18: jwks.file: found an empty string; expected a path",
        ),
    ]);
}

#[test]
fn settings_that_do_nothing_are_problems() {
    let http = [
        "allow_http: false",
        "ca: ca.pem",
        "client_certificate: c.pem",
        "client_key: k.pem",
        "headers: {}",
        "basic: {username: u, password_file: p}",
        "bearer_token_file: t",
        "proxy: 'http://p:3128'",
        "deny_private_addresses: true",
        "connect_timeout: 1s",
        "timeout: 5s",
        "min_cache_duration: 1s",
        "max_cache_duration: 1h",
    ];
    let fetched = [
        "cache_duration: 1m",
        "max_stale: 1h",
        "cooldown: 1s",
        "wait: 0ms",
    ];
    let problem = |setting: &str, origin: &str, others: &str| {
        let (name, _) = setting.split_once(':').unwrap();
        format!("jwks.{name}: `{name}` does nothing with `{origin}`, only with {others}: remove it")
    };
    for setting in http {
        let text = problems(&format!("{{file: k, {setting}}}"));
        let expected = problem(setting, "file", "`uri` and `discovery`");
        assert!(text.ends_with(&expected), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        let text = problems(&format!("{{inline: {KEYS}, {setting}}}"));
        let expected = problem(setting, "inline", "`uri` and `discovery`");
        assert!(text.ends_with(&expected), "{text}");
    }
    for setting in fetched {
        accepted(&[&format!("{{file: k, {setting}}}")]);
        let text = problems(&format!("{{inline: {KEYS}, {setting}}}"));
        let expected = problem(setting, "inline", "`uri`, `discovery` and `file`");
        assert!(text.ends_with(&expected), "{text}");
    }
    accepted(&[&format!("{{inline: {KEYS}}}")]);
}

#[test]
fn only_urls_that_may_be_fetched_are_taken() {
    accepted(&[
        "{uri: 'http://a/k', allow_http: true}",
        "{uri: 'https://169.253.0.1/k'}",
        "{uri: 'https://[fd00:ec2::255]/k'}",
        "{uri: 'https://a/k?key=1'}",
    ]);
    let at = |found: &str, expected: &str| {
        let text = format!("5:17: jwks.uri: found {found}; expected {expected}");
        move |url: &str| assert_eq!(problems(&format!("{{uri: '{url}'}}")), text, "{url}")
    };
    let no_url = "text that is not a URL (relative URL without a base)";
    at(no_url, "a URL")("keys");
    at("http", "https, or allow_http: true")("http://a/k");
    at("the scheme \"ftp\"", "https")("ftp://a/k");
    let bare = at(
        "a URL with user, password or fragment",
        "a URL without them",
    );
    for url in ["https://u@a/k", "https://u:p@a/k", "https://a/k#f"] {
        bare(url);
    }
    for (urls, found) in [
        (
            &[
                "https://169.254.169.254/k",
                "https://0xa9fea9fe/k",
                "https://[::ffff:169.254.169.254]/k",
            ][..],
            "169.254.169.254, which is a cloud metadata service",
        ),
        (
            &["https://[fe80::1]/k"],
            "fe80::1, which is a link-local address",
        ),
        (
            &["https://[fd00:ec2::254]/k"],
            "fd00:ec2::254, which is a cloud metadata service",
        ),
        (
            &["https://100.100.100.200/k"],
            "100.100.100.200, which is a cloud metadata service",
        ),
    ] {
        let never = at(found, "another host");
        for url in urls {
            never(url);
        }
    }
    let metadata = "{discovery: 'https://169.254.0.1/'}";
    let never = "5:23: jwks.discovery: found 169.254.0.1, which is a link-local address; expected \
                 another host";
    refused(&[(metadata, never)]);
}

#[test]
fn metadata_are_looked_for_only_under_issuers_that_are_urls() {
    let refused = |iss: &str, jwks: &str, found: &str, expected: &str| {
        let text = format!(
            "5:23: jwks.discovery: `discovery: true` looks under `issuer`: found {found}; expected \
             {expected}. Fix `issuer`, or set `discovery` to the URL of the metadata"
        );
        assert_eq!(problems_of(iss, jwks), text);
    };
    let discovery = "{discovery: true}";
    let no_url = "text that is not a URL (relative URL without a base)";
    refused("corp", discovery, no_url, "a URL");
    refused(
        "http://idp",
        discovery,
        "http",
        "https, or allow_http: true",
    );
    refused(
        "https://idp?a",
        discovery,
        "a URL with a query",
        "a URL without it",
    );
    let bare = (
        "a URL with user, password or fragment",
        "a URL without them",
    );
    refused("https://idp#a", discovery, bare.0, bare.1);
    let secret = "{discovery: true, allow_http: true, bearer_token_file: t}";
    refused(
        "http://idp",
        secret,
        "http",
        "https, since credentials are sent",
    );

    assert_eq!(
        problems_of("http://idp", "{discovery: true, allow_http: true}"),
        ""
    );
    assert_eq!(
        problems_of("corp", "{discovery: 'https://idp/metadata'}"),
        ""
    );
}

#[test]
fn defaults_are_as_documented() {
    let uri = source("{uri: 'https://a/k'}");
    assert_eq!(uri.origin, KeyOrigin::Uri("https://a/k".parse().unwrap()));
    assert_eq!(
        uri.timing,
        Timing {
            cache_duration: seconds(600),
            min_cache_duration: seconds(60),
            max_cache_duration: seconds(3600),
            max_stale: seconds(86400),
            cooldown: seconds(30),
            wait: Wait::WhileCallLasts,
            timeout: seconds(5),
        }
    );
    let access = Access {
        connect_timeout: seconds(2),
        ..Access::default()
    };
    assert_eq!(uri.access, access);
    let discovery = source("{discovery: true}");
    assert_eq!(
        (discovery.timing, discovery.access),
        (uri.timing, uri.access)
    );
    let issuer = || "https://idp.example.com".into();
    assert_eq!(
        discovery.origin,
        KeyOrigin::Discovery {
            issuer: issuer(),
            metadata: None
        }
    );
    let metadata = Some("https://a/m".parse().unwrap());
    assert_eq!(
        source("{discovery: 'https://a/m'}").origin,
        KeyOrigin::Discovery {
            issuer: issuer(),
            metadata
        }
    );

    let file = source("{file: keys}");
    assert_eq!(file.origin, KeyOrigin::Path("folder/keys".into()));
    assert_eq!(file.timing.cache_duration, seconds(5));
    assert_eq!(file.timing.max_stale, seconds(86400));
}

#[test]
fn sections_that_say_the_same_are_equal_and_others_are_not() {
    let full =
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, timeout: 5s, connect_timeout: 2s}";
    let same = "{headers: {X-A: '2', X-B: '1'}, uri: 'https://A:443/k', cache_duration: 600s, \
                allow_http: false}";
    let sharing = sources(&[("https://one", full), ("https://two", same)]);
    assert_eq!(sharing[0], sharing[1]);

    for other in [
        "{uri: 'https://a/k'}",
        "{uri: 'https://a/k2', headers: {x-b: '1', x-a: '2'}}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '3'}}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, ca: ca.pem}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, bearer_token_file: t}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, deny_private_addresses: true}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, max_stale: 25h}",
        "{uri: 'https://a/k', headers: {x-b: '1', x-a: '2'}, wait: 0ms}",
    ] {
        let apart = sources(&[("https://one", full), ("https://two", other)]);
        assert_ne!(apart[0], apart[1], "{other}");
    }
    let metadata = "{discovery: 'https://a/m'}";
    let apart = sources(&[("https://one", metadata), ("https://two", metadata)]);
    assert_ne!(apart[0], apart[1], "metadata of two issuers");
}

#[test]
fn files_that_a_fetch_needs_are_looked_into() {
    let config = "\
state_dir: nowhere
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    jwks:
      discovery: true
      ca: ca.pem
      client_certificate: client.pem
      client_key: client-key.pem
      basic: {username: u, password_file: password}
  files:
    issuer: https://files.example.com
    audiences: [orders-api]
    jwks: {file: no-keys.json}
  tokens:
    issuer: https://tokens.example.com
    audiences: [orders-api]
    jwks: {uri: 'https://tokens.example.com/keys', bearer_token_file: token, ca: keys.json}
";
    let (code, _, err) = check("source-files", config, KEYS);
    assert_eq!(code, Some(1));
    let missing = "found No such file or directory (os error 2)";
    let readable = "expected the path of a readable file, from this file's folder";
    let expected = format!(
        "\
watchword.yaml:1:12: state_dir: {missing}; expected an existing directory
watchword.yaml:8:11: issuers.corp.jwks.ca: {missing}; {readable}
watchword.yaml:9:27: issuers.corp.jwks.client_certificate: {missing}; {readable}
watchword.yaml:10:19: issuers.corp.jwks.client_key: {missing}; {readable}
watchword.yaml:11:43: issuers.corp.jwks.basic.password_file: {missing}; {readable}
watchword.yaml:15:18: issuers.files.jwks.file: cannot read no-keys.json: No such file or \
directory (os error 2); expected at least one usable key
watchword.yaml:19:71: issuers.tokens.jwks.bearer_token_file: {missing}; {readable}
"
    );
    assert_eq!(err, expected);
    // Elsewhere, files may come later.
    let file = Path::new("w.yaml");
    let parsed = Config::parse(config, file).unwrap();
    assert_eq!(parsed.state_dir.as_deref(), Some(Path::new("nowhere")));
    let (code, _, err) = check("state-dir", &format!("state_dir: .\n{}", super::GOOD), KEYS);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let (_, _, err) = check(
        "state-file",
        &format!("state_dir: keys.json\n{}", super::GOOD),
        KEYS,
    );
    assert_eq!(
        err,
        "watchword.yaml:1:12: state_dir: found something that is not a directory; expected an \
         existing directory\n"
    );
}
