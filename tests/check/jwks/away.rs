//! Area `jwks`: key servers that are down, silent, or under a name that does not resolve.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use watchword::clock::Clock;
use watchword::jwks::{Fetch, FetchError, Fetched as Brought, FetchedSource, Network, Validators};
use watchword_test_support::key_server::{Reply, Transport};
use watchword_test_support::mint;
use watchword_test_support::pki::{self, Identity};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::settings::{Issuer, Settings};
use super::super::site::{NOW, RUNTIME, Site};
use super::super::tokens::{self, ED};
use super::faults::{ONE_FOR_ALL, changes_nothing, stranger};
use super::{Fetched, corp_from, ended, next_fetch, served, set, token, unknown, until};

pub(crate) const ROWS: &[Row] = &[row!("JWK-12", server_that_is_away_blocks_nobody)];

const SECOND: Duration = Duration::from_secs(1);

fn server_that_is_away_blocks_nobody(case: &mut Case) {
    let fetched = Fetched::start_with(set(&[&ED]), ONE_FOR_ALL);
    let server = &fetched.server;
    let attackers = mint::key_set(&[&stranger()]).to_string();
    let faults = [
        Reply::ok(&attackers).reset_at(40),
        Reply::ok(&attackers).cut_at(40),
        Reply::ok(&attackers).reset_at(0),
        Reply::hang_up(),
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
        Reply::raw("\0\0\0"),
    ];
    for fault in faults {
        let what = fault.to_string();
        server.reply(fault);
        changes_nothing(case, &fetched, &what, "request");
    }
    server.reply(Reply::ok(&attackers));
    server.use_transport(Transport::Closed);
    changes_nothing(case, &fetched, "closed at once", "request");
    server.use_certificate(&Identity::server());
    RUNTIME.block_on(server.down());
    changes_nothing(case, &fetched, "refused", "request");
    let _runtime = RUNTIME.enter();
    server.up();
    case.equal("and then", fetched.publish(set(&[&ED])), "unchanged");
    silence_blocks_nobody(case, &fetched);
    name_that_does_not_resolve_changes_nothing(case);
    name_that_is_resolved_for_ever_blocks_nobody(case);
}

fn silence_blocks_nobody(case: &mut Case, fetched: &Fetched) {
    for (what, transport) in [
        ("silence below TLS", Transport::Silent),
        ("silence within it", Transport::tls(&Identity::server())),
    ] {
        let Fetched { server, site } = fetched;
        server.use_transport(transport);
        server.reply(set(&[&ED]).held());
        let (connections, before) = (server.connections(), fetched.ended());
        fetched.pass(fetched.status().next_fetch);
        until("the server is asked", || server.connections() > connections);
        case.accepts(site, &format!("{what}: known key"), token(&ED));
        let waiting = site.begin(&Call::bearing(unknown("nobody's")));
        case.accepts(site, &format!("{what}: known key again"), token(&ED));
        // A call that waits does so for as long as is configured, and no longer than the fetch may
        // take.
        for _ in 0..40 {
            if !waiting.is_finished() {
                fetched.pass(Duration::from_millis(100));
                case.accepts(site, &format!("{what}: known key meanwhile"), token(&ED));
            }
        }
        case.equal(
            &format!("{what}: the fetch goes on"),
            fetched.ended(),
            before,
        );
        let outcome = RUNTIME.block_on(waiting).expect("an answer");
        let expect = Expect::Deny(401, "key_not_found");
        case.judge(
            what,
            site,
            &Call::bearing(unknown("nobody's")),
            &outcome,
            expect,
        );
        fetched.pass(5 * SECOND);
        fetched.ended_reach(before + 1);
        let failure = fetched.status().failure.unwrap_or_default().1;
        case.holds(&format!("{what}: {failure}"), failure.contains("within"));
        case.accepts(site, &format!("{what}: known key at last"), token(&ED));
        server.use_certificate(&Identity::server());
        case.holds(
            "and then",
            ["changed", "unchanged"].contains(&fetched.publish(set(&[&ED]))),
        );
    }
}

/// A name with a label of more than 63 octets (RFC 1035 §2.3.4) is one that no resolver asks
/// anybody about.
fn name_that_does_not_resolve_changes_nothing(case: &mut Case) {
    let server = served(set(&[&ED]));
    let issuer = server.uri_of("");
    let metadata = |keys: String| Reply::ok(json!({"issuer": issuer, "jwks_uri": keys}));
    let place = "/.well-known/openid-configuration";
    server.reply_at(place, metadata(server.uri()));
    let ca = pki::ca_file().display();
    let settings = Issuer::corp(&[])
        .renamed("corp", &issuer)
        .algorithms("EdDSA");
    let settings = settings.keys(&format!(
        "jwks: {{discovery: true, ca: '{ca}', connect_timeout: 5s}}"
    ));
    let site = Site::start_at(&Settings::of(settings), Clock::manual(NOW));
    site.wait_until_ready();
    let claims = tokens::claims_with("exp", json!(NOW + 1_000_000_000));
    let good = ED.sign(&tokens::with(claims, "iss", json!(issuer)));
    case.accepts(&site, "a name that resolves", &good);
    for host in ["a".repeat(64) + ".example", "b".repeat(200)] {
        server.reply_at(place, metadata(format!("https://{host}/keys")));
        case.equal(&format!("{host:.20}"), next_fetch(&site, 0), "request");
        case.accepts(&site, &format!("{host:.20}"), &good);
    }
    server.reply_at(place, metadata(server.uri()));
    case.equal("and then", next_fetch(&site, 0), "unchanged");
}

/// The network, and after the first fetch a resolver that hangs. Counts the fetches.
struct Hanging(AtomicU64);

impl Fetch for Hanging {
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Brought, FetchError>> + Send + 'a>> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Network.fetch(source, known),
            _ => Box::pin(std::future::pending()),
        }
    }
}

fn name_that_is_resolved_for_ever_blocks_nobody(case: &mut Case) {
    let server = served(set(&[&ED]));
    let hanging = Arc::new(Hanging(AtomicU64::new(0)));
    let settings = Settings::of(corp_from(&server.uri(), ""));
    let inside = Inside::start(&settings, hanging.clone());
    until("the first fetch", || ended(&inside.status(0)) == 1);
    until("keys", || *inside.engine.ready().borrow());
    let call = Call::bearing(token(&ED));
    inside.clock.advance(inside.status(0).next_fetch);
    // Six fetches time out after 5 s each: together 30 s, the timeout of a resolver.
    for round in 2..8 {
        until("it hangs", || hanging.0.load(Ordering::SeqCst) == round);
        for _ in 0..5 {
            inside.check(case, "while it hangs", &call, Expect::Allow);
            inside.clock.advance(SECOND);
        }
        until("it is given up", || ended(&inside.status(0)) == round);
        let next = inside.status(0).next_fetch;
        inside.clock.advance(next);
    }
    case.equal(
        "fetches",
        inside.status(0).fetches.get("timeout").copied(),
        Some(6),
    );
}
