//! Area `jwks`: the hosts that fetches may and may not reach.

use serde_json::json;
use watchword::clock::Clock;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::{mint, pki};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::process::Process;
use super::super::settings::{Issuer, Settings};
use super::super::site::{NOW, RUNTIME, Site};
use super::super::tokens::{ED, STRANGER};
use super::{corp_from, ended, next_fetch, served, set, token, until};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-38", forbidden_address_is_not_connected_to),
    row!("JWK-39", environment_names_no_proxy),
];

fn forbidden_address_is_not_connected_to(case: &mut Case) {
    let server = served(set(&[&ED]));
    let port = server.address.port();
    let forbidden = [
        ("localhost", "loopback"),
        ("127.0.0.1", "loopback"),
        ("127.1", "loopback"),
        ("2130706433", "loopback"),
        ("0x7f.0.0.1", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("10.1.2.3", "private"),
        ("192.168.0.1", "private"),
        ("[fc00::1]", "private"),
    ];
    for (host, kind) in forbidden {
        let uri = format!("https://{host}:{port}/keys");
        refused(case, &uri, "deny_private_addresses: true", kind);
    }
    case.equal("connections so far", server.connections(), 0);
    // Not refused: the same names without the setting.
    for host in ["localhost", "127.0.0.1", "127.1"] {
        let uri = format!("https://{host}:{port}/keys");
        let site = Site::start(&Settings::of(corp_from(&uri, "")));
        site.wait_until_ready();
        case.becomes(host, &site, &Call::bearing(token(&ED)), Expect::Allow);
    }
    case.equal("connections then", server.connections(), 3);
    metadata_names_no_forbidden_address(case);
}

/// A configuration with an address that stands in it is refused; one with a name fails when the
/// name is resolved.
fn refused(case: &mut Case, uri: &str, more: &str, kind: &str) {
    let settings = Settings::of(corp_from(uri, more));
    let file = std::path::Path::new("case.yaml");
    if let Err(problems) = watchword::config::Config::parse(&settings.text(), file) {
        let text = problems.to_string();
        return case.holds(&format!("{uri}: {text}"), text.contains(kind));
    }
    let site = Site::start_at(&settings, Clock::manual(NOW));
    until("the fetch has ended", || ended(&site.status(0)) == 1);
    let failure = site.status(0).failure.unwrap_or_default().1;
    case.holds(&format!("{uri}: {failure}"), failure.contains(kind));
    case.equal(uri, site.status(0).fetches.get("refused").copied(), Some(1));
    let call = Call::bearing(token(&ED));
    case.denies(&site, uri, &call, 503, "jwks_unavailable");
}

/// Hosts that metadata names were not checked when the configuration was read. Some addresses are
/// forbidden for all of them.
fn metadata_names_no_forbidden_address(case: &mut Case) {
    let server = served(set(&[&ED]));
    let issuer = server.uri_of("");
    let place = "/.well-known/openid-configuration";
    let metadata = |keys: &str| Reply::ok(json!({"issuer": issuer, "jwks_uri": keys}));
    server.reply_at(place, metadata(&server.uri()));
    let ca = pki::ca_file().display();
    let corp = Issuer::corp(&[])
        .renamed("corp", &issuer)
        .algorithms("EdDSA");
    let corp = corp.keys(&format!(
        "jwks: {{discovery: true, ca: '{ca}', connect_timeout: 5s}}"
    ));
    let site = Site::start_at(&Settings::of(corp), Clock::manual(NOW));
    site.wait_until_ready();
    for uri in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1]/keys",
        "https://0.0.0.0/keys",
        "https://100.100.100.200/",
        "file:///etc/passwd",
        "http://127.0.0.1/keys",
        "https://user:secret@127.0.0.1/keys",
    ] {
        server.reply_at(place, metadata(uri));
        case.equal(uri, next_fetch(&site, 0), "refused");
        case.equal(
            &format!("{uri}: the last good keys"),
            site.status(0).keys().len(),
            1,
        );
    }
    let document = Settings::of(
        Issuer::corp(&[])
            .renamed(
                "corp",
                &format!("https://localhost:{}", server.address.port()),
            )
            .keys(&format!(
                "jwks: {{discovery: true, ca: '{ca}', \
                 connect_timeout: 5s, deny_private_addresses: true}}"
            )),
    );
    let connections = server.connections();
    let site = Site::start_at(&document, Clock::manual(NOW));
    until("the fetch has ended", || ended(&site.status(0)) == 1);
    case.equal(
        "metadata at localhost",
        site.status(0).fetches.get("refused").copied(),
        Some(1),
    );
    case.equal("connections to it", server.connections(), connections);
}

fn environment_names_no_proxy(case: &mut Case) {
    let _runtime = RUNTIME.enter();
    let keys = mint::key_set(&[&ED]);
    let servers = [
        KeyServer::start(Reply::ok(&keys)),
        KeyServer::start_plain(Reply::ok(&keys)),
    ];
    // It serves an attacker's key.
    let proxy = KeyServer::start_plain(Reply::ok(mint::key_set(&[
        &STRANGER,
        &STRANGER.with_kid(ED.kid()),
    ])));
    let address = format!("http://{}", proxy.address);
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let names = names
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_ascii_lowercase()]);
    let names: Vec<String> = names.collect();
    let mut variables: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), address.as_str()))
        .collect();
    variables.extend([("NO_PROXY", ""), ("no_proxy", "")]);
    for server in &servers {
        // The other tests of this binary slow the handshake down.
        let (uri, ca) = (server.uri(), pki::ca_file().display());
        let patient = "allow_http: true, connect_timeout: 30s, timeout: 30s";
        let keys = format!("jwks: {{uri: '{uri}', ca: '{ca}', {patient}}}");
        let settings = Settings::of(Issuer::corp(&[]).keys(&keys).algorithms("EdDSA, RS256"));
        let process = Process::serve_with_variables("jwk-39", &settings, &variables);
        let call = Call::bearing(ED.sign(&mint::claims(Process::now())));
        process.until_allowed(&call);
        case.equal(&server.uri(), server.requests(), 1);
        let forged = STRANGER.sign(&mint::claims(Process::now()));
        case.equal(
            "a stranger's",
            process.ask(&Call::bearing(forged)).http,
            Some(401),
        );
        process.stop();
    }
    case.equal("connections to the proxy", proxy.connections(), 0);
    // One that is configured is used, and so would have been seen.
    let proxied = format!("allow_http: true, proxy: '{address}'");
    let settings = Settings::of(corp_from("http://keys.example/keys", &proxied));
    let process = Process::serve_with_variables("jwk-39-configured", &settings, &variables);
    RUNTIME.block_on(proxy.requests_reach(1));
    process.stop();
    let documented = include_str!("../../../docs/configuration.md");
    case.holds(
        "documented",
        documented.contains("the environment is not looked at"),
    );
}
