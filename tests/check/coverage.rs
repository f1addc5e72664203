//! The areas, and how they compare with the catalogue of bad inputs.
//!
//! The catalogue is not part of this project. It is read from `WATCHWORD_BAD_INPUTS`, or from beside the project;
//! where it is absent, that is said and only a CI run fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use watchword_test_support::say;

use super::catalogue::{self, Area};
use super::{
    alg, cache, claims, config, encoding, extraction, grpc, jose_header, jwks, key_ref, ops,
    response, rules, signature, twin,
};

static AREAS: [Area; 14] = [
    Area::new(
        "alg",
        &[alg::ROWS, alg::confusion::ROWS, alg::keys::ROWS],
        &[],
    ),
    Area::new(
        "key-ref",
        &[key_ref::ROWS, key_ref::embedded::ROWS, key_ref::sets::ROWS],
        &[],
    ),
    Area::new(
        "jose-header",
        &[
            jose_header::ROWS,
            jose_header::syntax::ROWS,
            jose_header::typ::ROWS,
        ],
        &[],
    ),
    Area::new(
        "encoding",
        &[
            encoding::ROWS,
            encoding::changes::ROWS,
            encoding::forms::ROWS,
        ],
        &[],
    ),
    Area::new(
        "claims",
        &[
            claims::ROWS,
            claims::times::ROWS,
            claims::begin::ROWS,
            claims::subject::ROWS,
            claims::audience::ROWS,
            claims::policy::ROWS,
        ],
        &[("CLM-52", "there is no list of revoked tokens yet")],
    ),
    Area::new(
        "signature",
        &[signature::ROWS, signature::rsa::ROWS, signature::keys::ROWS],
        &[],
    ),
    Area::new(
        "extraction",
        &[extraction::ROWS, extraction::several::ROWS],
        &[],
    ),
    Area::new(
        "rules",
        &[rules::ROWS, rules::hosts::ROWS, rules::targets::ROWS],
        &[],
    ),
    Area::new(
        "response",
        &[
            response::ROWS,
            response::values::ROWS,
            response::denials::ROWS,
            response::reserved::ROWS,
        ],
        &[],
    ),
    Area::new(
        "config",
        &[
            config::ROWS,
            config::issuers::ROWS,
            config::size::ROWS,
            config::reloads::ROWS,
        ],
        &[],
    ),
    Area::new(
        "jwks",
        &[
            jwks::documents::ROWS,
            jwks::keys::ROWS,
            jwks::faults::ROWS,
            jwks::away::ROWS,
            jwks::outages::ROWS,
            jwks::rotation::ROWS,
            jwks::waiting::ROWS,
            jwks::floods::ROWS,
            jwks::network::ROWS,
        ],
        &[],
    ),
    Area::new(
        "cache",
        &[
            cache::ROWS,
            cache::time::ROWS,
            cache::load::ROWS,
            cache::parallel::ROWS,
            cache::panics::ROWS,
        ],
        &[],
    ),
    Area::new(
        "grpc",
        &[
            grpc::ROWS,
            grpc::protocol::ROWS,
            grpc::connections::ROWS,
            grpc::shutdown::ROWS,
        ],
        &[
            (
                "GRP-24",
                "tests/operations/flood.rs: a_flood_is_answered_and_others_are_not_held_up, with the real binary",
            ),
            (
                "GRP-25",
                "src/grpc/state/tests.rs: a_panic_in_a_check_is_a_denial, since nothing outside can cause one",
            ),
            (
                "GRP-26",
                "an hour's soak under a memory limit is not a test of this run",
            ),
        ],
    ),
    Area::new(
        "ops",
        &[ops::ROWS, ops::leaks::ROWS],
        &[(
            "OPS-07",
            "tests/telemetry/unread.rs: a_server_whose_logs_nobody_reads_answers_counts_and_stops",
        )],
    ),
];

/// Runs all areas but this one; how many rows there are.
pub(crate) fn run_all_but(name: &str) -> usize {
    let others = AREAS.iter().filter(|area| area.name != name);
    others.map(|area| area.report().rows).sum()
}

/// Runs an area; fails with every case that did not hold.
fn hold(name: &str) {
    let area = AREAS
        .iter()
        .find(|area| area.name == name)
        .expect("an area");
    let report = area.report();
    let shown = report
        .failures
        .iter()
        .take(60)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    let count = report.failures.len();
    assert!(
        count == 0,
        "{name}: {count} of {} checks failed:\n{shown}",
        report.variants
    );
}

macro_rules! areas {
    ($($test:ident: $area:literal),* $(,)?) => {$(
        #[test]
        fn $test() {
            hold($area);
        }
    )*};
}

areas! {
    algorithms_are_not_the_tokens_choice: "alg",
    keys_are_not_the_tokens_choice: "key-ref",
    headers_are_read_strictly: "jose-header",
    tokens_have_one_spelling: "encoding",
    claims_are_read_strictly: "claims",
    signatures_are_verified: "signature",
    credentials_are_taken_from_one_place: "extraction",
    rules_are_not_the_clients_choice: "rules",
    answers_say_no_more_than_they_must: "response",
    bad_configurations_are_refused: "config",
    key_servers_are_not_relied_upon: "jwks",
    verified_tokens_are_judged_again: "cache",
    hostile_clients_are_answered: "grpc",
    operators_are_told_everything_but_secrets: "ops",
}

#[test]
fn every_row_of_the_catalogue_has_a_case_or_a_reason() {
    let Some(rows) = catalogue_rows() else {
        say("the catalogue of bad inputs is absent: coverage was not compared");
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "a CI run needs WATCHWORD_BAD_INPUTS"
        );
        return;
    };
    let mut table = format!(
        "{:<12} {:>9} {:>5} {:>9} {:>15} {:>14}\n",
        "area", "catalogue", "run", "variants", "not applicable", "Validate too"
    );
    let mut wrong = Vec::new();
    for area in &AREAS {
        let wanted: BTreeSet<&str> = rows
            .iter()
            .filter(|(_, name)| name == area.name)
            .map(|(id, _)| id.as_str())
            .collect();
        let run: Vec<&str> = area.rows().map(|row| row.id).collect();
        let skipped: Vec<&str> = area.not_applicable.iter().map(|(id, _)| *id).collect();
        let listed: BTreeSet<&str> = run.iter().chain(&skipped).copied().collect();
        wrong.extend(
            wanted
                .difference(&listed)
                .map(|id| format!("{id} has neither case nor reason")),
        );
        wrong.extend(
            listed
                .difference(&wanted)
                .map(|id| format!("{id} is not a row of {}", area.name)),
        );
        if listed.len() < run.len() + skipped.len() {
            wrong.push(format!("{}: an id stands twice", area.name));
        }
        let report = area.report();
        table.push_str(&format!(
            "{:<12} {:>9} {:>5} {:>9} {:>15} {:>14}\n",
            area.name,
            wanted.len(),
            report.rows,
            report.variants,
            skipped.len(),
            report.compared
        ));
        for (id, reason) in area.not_applicable {
            table.push_str(&format!("    {id} does not apply: {reason}\n"));
        }
    }
    table.push_str(&format!(
        "{} answers were held against the invariants; a breach is a failure of its area\n",
        catalogue::answers()
    ));
    table.push_str(&format!(
        "{} verdicts of Check were compared with those of Validate; a difference is a failure of its area\n",
        twin::compared()
    ));
    say(&table);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Id and area of each row; `None` where there is no catalogue.
fn catalogue_rows() -> Option<Vec<(String, String)>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bad-inputs.csv");
    let file = std::env::var_os("WATCHWORD_BAD_INPUTS").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(file).ok()?;
    // Neither id nor area is ever quoted; a quoted field may hold line breaks, so other lines are passed over.
    let rows = text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        let (id, area) = (fields.next()?, fields.next()?);
        let (letters, digits) = id.split_once('-')?;
        let is_id =
            letters.bytes().all(|byte| byte.is_ascii_uppercase()) && digits.parse::<u32>().is_ok();
        is_id.then(|| (id.to_owned(), area.to_owned()))
    });
    Some(rows.collect())
}
