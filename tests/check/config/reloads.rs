//! Area `config`: another configuration for a server that runs. `tests/operations` does it with the
//! real proxy, too.

use std::sync::Arc;

use watchword::app::ReloadError;
use watchword::jwks::Network;
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::process::{self, Process};
use super::super::settings::Settings;
use super::super::site::{NOW, RUNTIME};
use super::super::tokens::{ED, RSA, corp, good};

pub(crate) const ROWS: &[Row] = &[
    row!("CFG-01", each_call_sees_one_configuration),
    row!("CFG-02", refused_configuration_changes_nothing),
];

const RELOADS: usize = 100;
/// Calls that begin before a reload, and as many while it is under way.
const CALLS: usize = 50;

/// Two configurations that differ in all that an answer can show.
fn version(name: &str) -> Settings {
    let headers = corp().header(&format!("x-{name}"), "sub");
    let rules = format!(
        "- {{name: {name}, match: {{path: {{prefix: /orders}}}}, \
             require: {{claims: {{sub: alice}}}}}}"
    );
    Settings::of(headers)
        .server(&format!("realm: {name}"))
        .rules(&rules)
}

fn each_call_sees_one_configuration(case: &mut Case) {
    let versions = [version("one"), version("two")];
    let calls = [
        Call::bearing(good()),
        Call::get("/orders"),
        Call::bearing("x.y.z"),
    ];
    let mut inside = Inside::start(&versions[0], Arc::new(Network));
    let mut answers = |version: &Settings| {
        inside.reload(version);
        calls.each_ref().map(|call| inside.ask(call).wire)
    };
    let whole = versions.each_ref().map(&mut answers);
    for (one, other) in whole[0].iter().zip(&whole[1]) {
        case.holds("they differ", one != other);
    }
    let mut seen = [0; 2];
    let mut torn = 0;
    for number in 0..RELOADS {
        let begin = || (0..CALLS).map(|index| (index % 3, inside.begin(&calls[index % 3])));
        let mut begun: Vec<_> = begin().collect();
        // The last version was the second, so that each reload changes something.
        let next = number % 2;
        begun.extend(begin());
        inside.reload(&versions[next]);
        for (which, call) in calls.iter().enumerate() {
            let after = inside.ask(call).wire;
            case.holds("a later call sees the new one", after == whole[next][which]);
        }
        for (which, answer) in begun {
            let wire = RUNTIME.block_on(answer).expect("an answer").wire;
            match whole.iter().position(|version| version[which] == wire) {
                Some(version) => seen[version] += 1,
                None => torn += 1,
            }
        }
    }
    case.equal("answers of both or neither", torn, 0);
    case.holds(
        &format!("answers of each: {seen:?}"),
        seen.iter().all(|seen| *seen > 500),
    );
    keys_that_cannot_be_had(case, inside, &calls[0]);
}

/// The server gives up such a configuration after a time, and uses nothing of it.
fn keys_that_cannot_be_had(case: &mut Case, mut inside: Inside, call: &Call) {
    let before = inside.ask(call).wire;
    let keys = "jwks: {uri: 'http://127.0.0.1:9/jwks', allow_http: true, timeout: 100ms}";
    let away = corp().keys(keys).renamed("corp", "https://idp.example.com");
    let clock = inside.clock.clone();
    let passing = RUNTIME.spawn(async move {
        loop {
            clock.advance(std::time::Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    });
    let refused = inside.try_reload(&Settings::of(away));
    passing.abort();
    // The server may be in the middle of a step, and a busy machine may have taken longer than the
    // token is valid.
    assert!(RUNTIME.block_on(passing).is_err(), "it is ended");
    inside.clock.set(NOW);
    let named = matches!(&refused, Err(ReloadError::NoKeys { issuers }) if issuers == "corp");
    case.holds(&format!("refused: {refused:?}"), named);
    case.holds("the answers of before", inside.ask(call).wire == before);
    inside.check(case, "an allow", call, Expect::Allow);
}

fn refused_configuration_changes_nothing(case: &mut Case) {
    let settings = version("one").operators();
    let process = Process::serve("cfg-02", &settings);
    let token = |signer: &mint::Signer| signer.sign(&mint::claims(Process::now()));
    let calls = [
        Call::bearing(token(&RSA)),
        Call::bearing(token(&ED)),
        Call::get("/orders"),
    ];
    let answers = || calls.each_ref().map(|call| process.ask(call).wire);
    let before = answers();
    let good = settings.text();
    let bad = [
        (good.replace("rules:", "ruels:"), "ruels"),
        (good.replace("audiences", "audience"), "audience"),
        (
            good.replace("audiences: [orders-api]", "audiences: []"),
            "audiences",
        ),
        (good.replace("algorithms: [", "algorithms: [none, "), "none"),
        (
            good.replace("drain: 0s", "drain: 0s\n  max_in_flight: 100"),
            "server.max_in_flight",
        ),
        (good[..good.len() / 2].to_owned(), "cfg-02.yaml"),
    ];
    for (number, (text, cause)) in bad.into_iter().enumerate() {
        process::write("cfg-02.yaml", &text);
        process.reload();
        let count = format!(
            "watchword_config_reloads_total{{outcome=\"refused\"}} {}",
            number + 1
        );
        case.holds(
            &format!("{cause}: counted"),
            process.shows("/metrics", &count),
        );
        case.holds(&format!("{cause}: told"), process.logs(cause));
        let told = process.shows("/readyz?verbose", cause);
        case.holds(&format!("{cause}: shown"), told);
        case.holds(
            &format!("{cause}: the answers of before"),
            answers() == before,
        );
    }
    process::write("cfg-02.yaml", &version("two").operators().text());
    process.reload();
    let count = "watchword_config_reloads_total{outcome=\"accepted\"} 1";
    case.holds("a good one: counted", process.shows("/metrics", count));
    case.holds("a good one: other answers", answers() != before);
}
