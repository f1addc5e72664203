//! The areas, and how they compare with the catalogue of bad inputs.
//!
//! The catalogue is not part of this project. It is read from `WATCHWORD_BAD_INPUTS`, or from
//! beside the project; where it is absent, that one test is skipped, except in a CI run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use watchword_test_support::harness::{Test, skip};
use watchword_test_support::say;

use super::catalogue::{self, Area, Row};
use super::{
    alg, cache, claims, config, decryption, encoding, extraction, grpc, jose_header, jwe, jwks,
    key_ref, ops, response, rules, signature, twin,
};

/// An area whose rows are ours, and not the catalogue's.
static OWN: [Area; 1] = [Area {
    name: "decryption",
    tables: &[
        decryption::ROWS,
        decryption::keys::ROWS,
        decryption::terms::ROWS,
        decryption::trusted::ROWS,
        decryption::content::ROWS,
    ],
    not_applicable: &[],
}];

static AREAS: [Area; 15] = [
    Area {
        name: "alg",
        tables: &[
            alg::ROWS,
            alg::confusion::ROWS,
            alg::keys::ROWS,
            alg::listed::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "key-ref",
        tables: &[key_ref::ROWS, key_ref::embedded::ROWS, key_ref::sets::ROWS],
        not_applicable: &[],
    },
    Area {
        name: "jose-header",
        tables: &[
            jose_header::ROWS,
            jose_header::syntax::ROWS,
            jose_header::typ::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "encoding",
        tables: &[
            encoding::ROWS,
            encoding::changes::ROWS,
            encoding::forms::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "claims",
        tables: &[
            claims::ROWS,
            claims::times::ROWS,
            claims::begin::ROWS,
            claims::subject::ROWS,
            claims::audience::ROWS,
            claims::policy::ROWS,
        ],
        not_applicable: &[("CLM-52", "there is no list of revoked tokens yet")],
    },
    Area {
        name: "signature",
        tables: &[signature::ROWS, signature::rsa::ROWS, signature::keys::ROWS],
        not_applicable: &[],
    },
    Area {
        name: "jwe",
        tables: &[
            jwe::ROWS,
            jwe::algorithms::ROWS,
            jwe::segments::ROWS,
            jwe::agreement::ROWS,
            jwe::retired::ROWS,
        ],
        not_applicable: &[(
            "JWE-35",
            "src/grpc/decrypter/tests.rs: only inside can a test hold the turns to decrypt, \
             so that the excess does not depend on timing",
        )],
    },
    Area {
        name: "extraction",
        tables: &[extraction::ROWS, extraction::several::ROWS],
        not_applicable: &[],
    },
    Area {
        name: "rules",
        tables: &[rules::ROWS, rules::hosts::ROWS, rules::targets::ROWS],
        not_applicable: &[],
    },
    Area {
        name: "response",
        tables: &[
            response::ROWS,
            response::values::ROWS,
            response::denials::ROWS,
            response::reserved::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "config",
        tables: &[
            config::ROWS,
            config::issuers::ROWS,
            config::size::ROWS,
            config::reloads::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "jwks",
        tables: &[
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
        not_applicable: &[],
    },
    Area {
        name: "cache",
        tables: &[
            cache::ROWS,
            cache::time::ROWS,
            cache::load::ROWS,
            cache::parallel::ROWS,
            cache::panics::ROWS,
        ],
        not_applicable: &[],
    },
    Area {
        name: "grpc",
        tables: &[
            grpc::ROWS,
            grpc::protocol::ROWS,
            grpc::connections::ROWS,
            grpc::shutdown::ROWS,
        ],
        not_applicable: &[
            (
                "GRP-24",
                "tests/operations/flood.rs: a_flood_is_answered_and_others_are_not_held_up, \
                 with the real binary",
            ),
            (
                "GRP-25",
                "src/grpc/judge/tests.rs: a_panic_in_a_check_is_a_denial, \
                 since nothing outside can cause one",
            ),
            (
                "GRP-26",
                "an hour's soak under a memory limit is not a test of this run",
            ),
        ],
    },
    Area {
        name: "ops",
        tables: &[ops::ROWS, ops::leaks::ROWS],
        not_applicable: &[(
            "OPS-07",
            "tests/telemetry/unread.rs: a_server_whose_logs_nobody_reads_answers_counts_and_stops",
        )],
    },
];

/// All tests of the catalogue: a test of its own name for each row, and one for its coverage. The
/// row that looks at the output of all others comes last.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = vec![Test::new(
        "coverage::every_row_of_the_catalogue_has_a_case_or_a_reason",
        every_row_of_the_catalogue_has_a_case_or_a_reason,
    )];
    for area in OWN.iter().chain(&AREAS) {
        for row in area.rows() {
            let name = format!("{}::{}::{}", area.name, row.id, row.fact);
            tests.push(Test::new(name, || hold(row)));
        }
        for (id, reason) in area.not_applicable {
            tests.push(Test::left_out(format!("{}::{id}", area.name), reason));
        }
    }
    tests
}

/// Runs all rows but those of this area; the number of rows.
pub(crate) fn run_all_but(name: &str) -> usize {
    let areas = OWN.iter().chain(&AREAS);
    let others = areas.filter(|area| area.name != name);
    let reports = others.flat_map(Area::rows).map(Row::report);
    reports.count()
}

/// Runs a row; fails with everything in it that did not hold.
fn hold(row: &'static Row) {
    let report = row.report();
    let shown = report.failures.iter().take(60).cloned();
    let shown = shown.collect::<Vec<_>>().join("\n");
    let count = report.failures.len();
    let variants = report.variants;
    assert!(count == 0, "{count} of {variants} checks failed:\n{shown}");
}

fn every_row_of_the_catalogue_has_a_case_or_a_reason() {
    let Some(rows) = catalogue_rows() else {
        skip("no catalogue: neither WATCHWORD_BAD_INPUTS nor ../shared/bad-inputs.csv is there");
    };
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
        let missing = wanted.difference(&listed);
        wrong.extend(missing.map(|id| format!("{id} has neither case nor reason")));
        let surplus = listed.difference(&wanted);
        wrong.extend(surplus.map(|id| format!("{id} is not a row of {}", area.name)));
        if listed.len() < run.len() + skipped.len() {
            wrong.push(format!("{}: an id stands twice", area.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Prints, for each area, the numbers of rows that ran, of their variants, and of the rows whose
/// verdicts were compared with those of `Validate`.
pub(crate) fn say_counts() {
    let mut table = format!(
        "{:<12} {:>5} {:>9} {:>15} {:>14}\n",
        "area", "rows", "variants", "not applicable", "Validate too"
    );
    for area in OWN.iter().chain(&AREAS) {
        let reports: Vec<_> = area.rows().filter_map(Row::finished).collect();
        let variants: usize = reports.iter().map(|report| report.variants).sum();
        let compared = reports.iter().filter(|report| report.compared).count();
        let (rows, left_out) = (reports.len(), area.not_applicable.len());
        table.push_str(&format!(
            "{:<12} {rows:>5} {variants:>9} {left_out:>15} {compared:>14}\n",
            area.name
        ));
    }
    say(format_args!(
        "{table}{} answers kept the invariants, and {} verdicts of Check were those of Validate",
        catalogue::answers(),
        twin::compared()
    ));
}

/// Id and area of each row; `None` where there is no catalogue.
fn catalogue_rows() -> Option<Vec<(String, String)>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bad-inputs.csv");
    let file = std::env::var_os("WATCHWORD_BAD_INPUTS").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(file).ok()?;
    // Neither id nor area is ever quoted; a quoted field may hold line breaks, so other lines are
    // passed over.
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
