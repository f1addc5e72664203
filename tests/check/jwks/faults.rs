//! Area `jwks`: answers, connections and certificates that are wrong. No fetch of that kind
//! replaces good keys.

use watchword_test_support::key_server::{KeyServer, Reply, Transport};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki::Identity;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::tokens::{EC, ED};
use super::{Fetched, MIB, memory, served, set, token};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-06", size_of_a_set_is_bounded),
    row!("JWK-10", redirect_elsewhere_is_not_followed),
    row!("JWK-13", server_that_is_not_who_it_should_be_is_refused),
];

/// The largest set that is read.
const LARGEST: usize = 1024 * 1024;

/// A cool-down that is so long that tokens of unknown keys cause one fetch in a case. On a manual
/// clock, a request shortly before its end would wait for a time that never comes.
pub(super) const ONE_FOR_ALL: &str = "cooldown: 1h";

/// A fetch that ends in one of these ways, separated by `|`, changes nothing: the last good key is
/// in use, and no other.
pub(super) fn changes_nothing(case: &mut Case, fetched: &Fetched, what: &str, wanted: &str) {
    let outcome = fetched.next_fetch();
    case.equal(&format!("{what}: the end of the fetch"), outcome, wanted);
    case.holds(&format!("{what}: told"), fetched.status().failure.is_some());
    case.accepts(
        &fetched.site,
        &format!("{what}: the last good key"),
        token(&ED),
    );
    let forged = token(&stranger());
    case.refuses(
        &fetched.site,
        &format!("{what}: a stranger's"),
        forged,
        "signature_invalid",
    );
}

/// A key of an attacker's under the name of the good one.
pub(super) fn stranger() -> Signer {
    Signer::generate("EdDSA", ED.kid())
}

fn size_of_a_set_is_bounded(case: &mut Case) {
    let fetched = Fetched::start_with(set(&[&ED]), ONE_FOR_ALL);
    let before = memory();
    let good = mint::key_set(&[&ED, &EC]).to_string();
    let attacker = mint::key_set(&[&stranger()]).to_string();
    let sizes = [
        (Reply::big(10 * 1024 * 1024), "too_large"),
        (Reply::endless(), "too_large"),
        (Reply::ok(&attacker).padded_to(LARGEST + 1), "too_large"),
        (
            Reply::ok(&attacker).declaring(10 * 1024 * 1024),
            "too_large",
        ),
        (Reply::ok(&attacker).declaring(usize::MAX), "request"),
        (
            Reply::ok(&attacker).declaring(attacker.len() + 1),
            "request",
        ),
        (
            Reply::ok(&attacker).declaring(attacker.len() - 1),
            "key_set",
        ),
    ];
    for (reply, outcomes) in sizes {
        let what = reply.to_string();
        fetched.server.reply(reply);
        changes_nothing(case, &fetched, &what, outcomes);
    }
    let grown = memory().saturating_sub(before);
    case.holds(&format!("memory grew by {grown} bytes"), grown < 64 * MIB);
    case.holds("the endless one was left", fetched.server.abandoned() > 0);
    let largest = Reply::ok(&good).padded_to(LARGEST);
    case.equal("1 MiB", fetched.publish(largest), "changed");
    case.becomes(
        "1 MiB",
        &fetched.site,
        &Call::bearing(token(&ED)),
        Expect::Allow,
    );
}

fn redirect_elsewhere_is_not_followed(case: &mut Case) {
    let fetched = Fetched::start_with(set(&[&ED]), ONE_FOR_ALL);
    let server = &fetched.server;
    let decoy = served(set(&[&stranger()]));
    let attackers = mint::key_set(&[&stranger()]);
    server.reply_at("/attackers", Reply::ok(&attackers));
    let port = server.address.port();
    let targets = [
        format!("http://127.0.0.1:{port}/attackers"),
        decoy.uri(),
        decoy.uri().replace("https", "http"),
        format!("//{}/keys", decoy.address),
        format!("https://localhost:{port}/attackers"),
        format!("https://user@127.0.0.1:{port}/attackers"),
        "https://10.0.0.1/keys".to_owned(),
        "https://[::1]/keys".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:application/json,{}".to_owned(),
    ];
    for target in &targets {
        for status in [301, 302, 303, 307, 308] {
            server.reply(Reply::redirect(status, target));
            changes_nothing(case, &fetched, &format!("{status} to {target}"), "redirect");
        }
    }
    server.reply(Reply::redirect(302, "https://["));
    changes_nothing(case, &fetched, "a location that is no URL", "status");
    server.reply(Reply::redirect_loop());
    let before = server.requests();
    changes_nothing(case, &fetched, "a loop", "redirect");
    let asked = server.requests() - before;
    case.holds(
        &format!("a loop is left after {asked} requests"),
        asked <= 4,
    );
    case.equal("the other server's requests", decoy.requests(), 0);
    case.equal(
        "requests at another name's path",
        server.requests_at("/attackers"),
        0,
    );

    server.reply_at("/moved", Reply::ok(mint::key_set(&[&ED])));
    let outcome = fetched.publish(Reply::redirect(307, "/moved"));
    case.equal("to its own server", outcome, "unchanged");
    case.holds("which it followed", server.requests_at("/moved") == 1);
}

fn server_that_is_not_who_it_should_be_is_refused(case: &mut Case) {
    let fetched = Fetched::start_with(set(&[&ED]), ONE_FOR_ALL);
    let server = &fetched.server;
    server.reply(set(&[&stranger()]));
    let identities = [
        ("expired", Identity::expired_server()),
        ("not yet valid", Identity::future_server()),
        ("another host's", Identity::server_elsewhere()),
        ("self-signed", Identity::self_signed_server()),
        ("of an unknown authority", Identity::stranger_server()),
        ("a client's", Identity::client()),
    ];
    let requests = server.requests();
    for (what, identity) in identities {
        server.use_certificate(&identity);
        changes_nothing(case, &fetched, what, "request");
    }
    for (what, transport) in [("TLS 1.1", Transport::Tls11), ("no TLS", Transport::Plain)] {
        server.use_transport(transport);
        changes_nothing(case, &fetched, what, "request");
    }
    case.equal("requests that got through", server.requests(), requests);
    for transport in [
        Transport::tls12(&Identity::server()),
        Transport::tls(&Identity::server()),
    ] {
        case.equal(
            "a good one",
            publish_over(server, &fetched, transport),
            "changed",
        );
    }
}

/// A new key each time, so that the outcome shows that it arrived.
fn publish_over(server: &KeyServer, fetched: &Fetched, transport: Transport) -> &'static str {
    server.use_transport(transport);
    fetched.publish(set(&[&ED, &Signer::generate("EdDSA", "another")]))
}
